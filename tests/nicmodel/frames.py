"""Frames and checksums by definition, written apart from the model: RFC 1071 word by word, headers field by field."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field, replace
from typing import TypeVar

HOST = bytes.fromhex("02aabbccdd01")
PEER = bytes.fromhex("02aabbccdd02")
FIN, SYN, RST, PSH, ACK, URG, ECE, CWR = (1 << bit for bit in range(8))


def rfc1071(data: bytes) -> int:
    """The checksum of RFC 1071 section 1: words added one at a time, each carry brought round at once."""
    total = 0
    for at in range(0, len(data), 2):
        total += data[at] * 256 + (data[at + 1] if at + 1 < len(data) else 0)
        if total > 65535:
            total -= 65535
    return 65535 - total


def same_sum(one: int, other: int) -> bool:
    """0 and 0xFFFF are the same number in ones complement."""
    return one % 65535 == other % 65535


def pseudo(source: bytes, destination: bytes, protocol: int, length: int) -> bytes:
    if len(source) == 4:
        return source + destination + struct.pack(">BBH", 0, protocol, length)
    return source + destination + struct.pack(">IHBB", length, 0, 0, protocol)


@dataclass(frozen=True)
class Tcp:
    """A TCP segment over IPv4, or over IPv6 when the addresses have 16 octets."""

    payload: bytes = b""
    source: bytes = bytes([10, 0, 0, 2])
    destination: bytes = bytes([10, 0, 0, 1])
    ports: tuple[int, int] = (5000, 80)
    sequence: int = 1000
    acknowledgement: int = 7000
    flags: int = ACK
    window: int = 4096
    options: bytes = b""
    identification: int = 100
    tos: int = 0
    ttl: int = 64
    df: bool = True
    ip_options: bytes = b""
    extensions: bytes = b""
    """IPv6 only; the first one's type is ``extension``."""
    extension: int = 60
    tags: tuple[tuple[int, int], ...] = ()
    to: bytes = HOST
    seed: int | None = None
    """What is in the checksum field; None for the right checksum."""
    fragment: int = 0

    @property
    def v6(self) -> bool:
        return len(self.source) == 16

    def datagram(self) -> bytes:
        head = struct.pack(
            ">HHIIBBHHH",
            *self.ports,
            self.sequence,
            self.acknowledgement,
            (20 + len(self.options)) // 4 << 4,
            self.flags,
            self.window,
            0,
            0,
        )
        body = head + self.options + self.payload
        return self._with_checksum(body, 6, 16)

    def _with_checksum(self, body: bytes, protocol: int, at: int) -> bytes:
        value = self.seed
        if value is None:
            value = rfc1071(pseudo(self.source, self.destination, protocol, len(body)) + body)
            if protocol == 17:
                value = value or 0xFFFF
        return body[:at] + struct.pack(">H", value) + body[at + 2 :]

    @property
    def protocol(self) -> int:
        return 6

    def network(self) -> bytes:
        body = self.datagram()
        if self.v6:
            following = self.extension if self.extensions else self.protocol
            length = len(self.extensions) + len(body)
            head = struct.pack(">IHBB", 0x6000_0000 | self.tos << 20, length & 0xFFFF, following, self.ttl)
            return head + self.source + self.destination + self.extensions + body
        size = 20 + len(self.ip_options)
        head = struct.pack(
            ">BBHHHBBH",
            0x40 | size // 4,
            self.tos,
            (size + len(body)) & 0xFFFF,
            self.identification,
            self.fragment | (0x4000 if self.df else 0),
            self.ttl,
            self.protocol,
            0,
        )
        head += self.source + self.destination + self.ip_options
        return head[:10] + struct.pack(">H", rfc1071(head)) + head[12:] + body

    def frame(self) -> bytes:
        tags = b"".join(struct.pack(">HH", *tag) for tag in self.tags)
        kind = b"\x86\xdd" if self.v6 else b"\x08\x00"
        return self.to + PEER + tags + kind + self.network()


@dataclass(frozen=True)
class Udp(Tcp):
    """A UDP datagram; of the fields, only those of IP, the ports and the payload count."""

    length: int | None = None

    @property
    def protocol(self) -> int:
        return 17

    def datagram(self) -> bytes:
        length = 8 + len(self.payload) if self.length is None else self.length
        body = struct.pack(">HHHH", *self.ports, length, 0) + self.payload
        return self._with_checksum(body, 17, 6)


def seed_of(packet: Tcp, with_length: bool) -> int:
    """The pseudo-header's sum, as a driver puts it into the field: with the length, or without it to segment."""
    length = len(packet.datagram()) if with_length else 0
    return 65535 - rfc1071(pseudo(packet.source, packet.destination, packet.protocol, length))


Packet = TypeVar("Packet", bound=Tcp)


def ipv6(packet: Packet) -> Packet:
    """The same between two IPv6 hosts."""
    source, destination = (bytes.fromhex("20010db8") + bytes([0] * 11 + [last]) for last in (2, 1))
    return replace(packet, source=source, destination=destination)


TIMESTAMP = b"\1\1\x08\x0a"


def timestamp(value: int, echo: int = 5) -> bytes:
    return TIMESTAMP + struct.pack(">II", value % 2**32, echo)


@dataclass(frozen=True)
class Seen:
    """A TCP or UDP frame read back, checksums verified by definition."""

    raw: bytes
    tags: tuple[tuple[int, int], ...] = ()
    ip: bytes = b""
    l4: bytes = b""
    ip_good: bool = True
    l4_good: bool = True
    length_good: bool = True
    payload: bytes = b""
    sequence: int = 0
    flags: int = 0
    identification: int = 0
    options: bytes = field(default=b"")


def read(frame: bytes, types: tuple[int, ...] = (0x8100, 0x88A8)) -> Seen:
    """Take a frame apart; raises when it is no TCP or UDP over IP."""
    at, tags = 12, []
    while struct.unpack_from(">H", frame, at)[0] in types:
        tags.append(struct.unpack_from(">HH", frame, at))
        at += 4
    kind, at = struct.unpack_from(">H", frame, at)[0], at + 2
    datagram = frame[at:]
    if kind == 0x0800:
        size, total = (datagram[0] & 15) * 4, struct.unpack_from(">H", datagram, 2)[0]
        ip_good, protocol = rfc1071(datagram[:size]) == 0, datagram[9]
        source, destination = datagram[12:16], datagram[16:20]
        identification = struct.unpack_from(">H", datagram, 4)[0]
    else:
        size, total, ip_good, identification = 40, 40 + struct.unpack_from(">H", datagram, 4)[0], True, 0
        source, destination, protocol = datagram[8:24], datagram[24:40], datagram[6]
        while protocol in (0, 43, 60):
            protocol, size = datagram[size], size + 8 * (datagram[size + 1] + 1)
    l4 = datagram[size:total]
    good = rfc1071(pseudo(source, destination, protocol, len(l4)) + l4) == 0
    if protocol == 17:
        lengths = total == len(datagram) and struct.unpack_from(">H", l4, 4)[0] == len(l4)
        return Seen(frame, tuple(tags), datagram[:size], l4, ip_good, good, lengths, l4[8:], 0, 0, identification)
    data = (l4[12] >> 4) * 4
    (sequence,) = struct.unpack_from(">I", l4, 4)
    return Seen(
        frame,
        tuple(tags),
        datagram[:size],
        l4,
        ip_good,
        good,
        total == len(datagram),
        l4[data:],
        sequence,
        l4[13],
        identification,
        l4[20:data],
    )
