"""Captures: pcapng files with a comment on every packet, and packets from other people's pcap and pcapng files."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Literal, NamedTuple

from pcapng import FileScanner, FileWriter
from pcapng import blocks as ng
from pcapng.exceptions import PcapngException

RAW = 101
"""LINKTYPE_RAW: an IP datagram and nothing before it."""

_NG_SECTION, _NG_MAGIC = 0x0A0D0D0A, 0x1A2B3C4D
_PCAP = {0xA1B2C3D4: 1, 0xA1B23C4D: 1000}
"""Magic number of a pcap file, and by what its fractions of a second are divided to give microseconds."""
_LONGEST_COMMENT = 65000

_IP_TYPES = frozenset({0x0800, 0x86DD})
_VLAN_TYPES = frozenset({0x8100, 0x88A8, 0x9100})
_IP_FAMILIES = frozenset({2, 10, 24, 28, 30})
"""AF_INET and the AF_INET6 of the systems that write captures."""


class Captured(NamedTuple):
    """One IP datagram of a capture; ``time`` is in microseconds."""

    time: int
    packet: bytes
    comment: str = ""


class CaptureError(ValueError):
    """A capture that cannot be read: the message names the file and says what to do."""


# ---- writing ------------------------------------------------------------------------------------------------------


def write(path: Path, packets: Iterable[tuple[int, Literal["in", "out"], bytes, str]]) -> None:
    """Write (time in us, direction, IP datagram, comment): ``in`` is towards the host under test. Raises OSError."""
    section = ng.SectionHeader(options={"shb_userappl": "wireproof"})
    interface = section.new_member(ng.InterfaceDescription, link_type=RAW, options={"if_name": "iut"})
    stream = io.BytesIO()
    writer = FileWriter(stream, section)
    for time, direction, packet, comment in packets:
        block = section.new_member(ng.EnhancedPacket)
        block.interface_id = interface.interface_id
        block.timestamp_high, block.timestamp_low = time >> 32 & 0xFFFFFFFF, time & 0xFFFFFFFF
        block.packet_data = packet
        if comment:
            block.options["opt_comment"] = comment.encode()[:_LONGEST_COMMENT].decode("utf-8", "ignore")
        block.options["epb_flags"] = 1 if direction == "in" else 2
        writer.write_block(block)
    path.write_bytes(stream.getvalue())


# ---- reading ------------------------------------------------------------------------------------------------------


def read(path: Path) -> list[Captured]:
    """The IP datagrams of a pcap or pcapng file, in its order; other frames are left out. Raises CaptureError."""
    try:
        octets = path.read_bytes()
    except OSError as e:
        raise CaptureError(f"{path}: cannot be read ({e.strerror}); give the name of a pcap or pcapng file") from None
    if octets[:2] == b"\x1f\x8b":
        raise CaptureError(f"{path}: is compressed; decompress it first: gunzip")
    magic = octets[:4]
    for order, name in (("little", "<"), ("big", ">")):
        divisor = _PCAP.get(int.from_bytes(magic, order))  # type: ignore[arg-type]
        if divisor is not None:
            return list(_datagrams(path, _pcap(path, octets, name, divisor)))
    if int.from_bytes(magic, "big") == _NG_SECTION:
        _check_blocks(path, octets)
        return list(_datagrams(path, _pcapng(path, octets)))
    raise CaptureError(f"{path}: is neither pcap nor pcapng; write it with `tcpdump -w` or convert it with editcap")


class _Frame(NamedTuple):
    time: int
    link: int
    octets: bytes
    whole: int
    comment: str


def _datagrams(path: Path, frames: Iterator[_Frame]) -> Iterator[Captured]:
    """Frames without their link headers."""
    for n, frame in enumerate(frames, 1):
        strip = _LINKS.get(frame.link)
        if strip is None:
            known = ", ".join(map(str, sorted(_LINKS)))
            raise CaptureError(
                f"{path}: packet {n} has link type {frame.link}, which is not known here (known: {known}); "
                "capture on an Ethernet or tun interface, or convert the file to LINKTYPE_RAW"
            )
        packet = strip(frame.octets)
        if packet is None:
            continue
        if len(frame.octets) < frame.whole:
            raise CaptureError(
                f"{path}: packet {n} was captured in part only ({len(frame.octets)} of {frame.whole} octets); "
                "capture with `tcpdump -s 0`"
            )
        yield Captured(frame.time, packet, frame.comment)


def _broken(path: Path, what: str) -> CaptureError:
    return CaptureError(f"{path}: {what}; the file is damaged or cut off: capture again, or repair it with pcapfix")


def _pcap(path: Path, octets: bytes, order: str, divisor: int) -> Iterator[_Frame]:
    """The frames of a classic pcap file."""
    if len(octets) < 24:
        raise _broken(path, "the file header ends early")
    (link,) = struct.unpack_from(order + "I", octets, 20)
    record = struct.Struct(order + "IIII")
    at, n = 24, 0
    while at < len(octets):
        n += 1
        if at + 16 > len(octets):
            raise _broken(path, f"the header of packet {n} ends early (at octet {at})")
        seconds, fraction, size, whole = record.unpack_from(octets, at)
        at += 16
        if at + size > len(octets):
            raise _broken(path, f"packet {n} ends early (at octet {at}, {size} octets are said to follow)")
        time = seconds * 1_000_000 + fraction // divisor
        yield _Frame(time, link & 0xFFFF, octets[at : at + size], whole, "")
        at += size


def _check_blocks(path: Path, octets: bytes) -> None:
    """Every block is whole and says twice how long it is: the library takes a file that is cut off for its end."""
    at, n, order = 0, 0, "<"
    while at < len(octets):
        n += 1
        head = octets[at : at + 12]
        if len(head) < 12:
            raise _broken(path, f"block {n} ends early (at octet {at})")
        if int.from_bytes(head[:4], "big") == _NG_SECTION:
            order = "<" if int.from_bytes(head[8:], "little") == _NG_MAGIC else ">"
        (size,) = struct.unpack_from(order + "I", head, 4)
        if size < 12 or size % 4:
            raise _broken(path, f"block {n} (at octet {at}) says that it has {size} octets")
        if at + size > len(octets):
            raise _broken(path, f"block {n} ends early (at octet {at}, it says that it has {size} octets)")
        if struct.unpack_from(order + "I", octets, at + size - 4)[0] != size:
            raise _broken(path, f"block {n} (at octet {at}) gives two lengths")
        at += size


def _pcapng(path: Path, octets: bytes) -> Iterator[_Frame]:
    """The frames of a pcapng file."""
    n = 0
    blocks = iter(FileScanner(io.BytesIO(octets)))
    while True:
        n += 1
        try:
            block = next(blocks, None)
            if block is None:
                return
            if not isinstance(block, ng.EnhancedPacket | ng.SimplePacket | ng.ObsoletePacket):
                continue
            frame = _frame(block)
        # What the library and its fields raise for contents that lie.
        except (PcapngException, ArithmeticError, LookupError, RuntimeError, TypeError, ValueError, struct.error) as e:
            raise _broken(path, f"block {n} cannot be read ({e})") from None
        yield frame


def _frame(block: ng.EnhancedPacket | ng.SimplePacket | ng.ObsoletePacket) -> _Frame:
    interface = block.interface
    if isinstance(block, ng.SimplePacket):
        return _Frame(0, interface.link_type, block.packet_data, block.packet_len, "")
    ticks = block.timestamp_high << 32 | block.timestamp_low
    comments = block.options.get_all("opt_comment") if "opt_comment" in block.options else []
    comment = "\n".join(comments)
    return _Frame(_microseconds(interface, ticks), interface.link_type, block.packet_data, block.packet_len, comment)


def _microseconds(interface: ng.InterfaceDescription, ticks: int) -> int:
    """A time stamp of an interface, exactly."""
    raw = interface.options.get("if_tsresol", b"\x06")
    resolution = raw[0]
    per_second = 1 << (resolution & 0x7F) if resolution & 0x80 else 10 ** (resolution & 0x7F)
    offset = interface.options.get("if_tsoffset", 0)
    return int(ticks * 1_000_000 // per_second + offset * 1_000_000)


# ---- link headers -------------------------------------------------------------------------------------------------


def _raw(frame: bytes) -> bytes | None:
    return frame if frame and frame[0] >> 4 in (4, 6) else None


def _ethernet(frame: bytes) -> bytes | None:
    at = 12
    kind = int.from_bytes(frame[at : at + 2], "big")
    while kind in _VLAN_TYPES:
        at += 4
        kind = int.from_bytes(frame[at : at + 2], "big")
    return frame[at + 2 :] if kind in _IP_TYPES else None


def _family(frame: bytes) -> bytes | None:
    """NULL and LOOP: the address family in the byte order of the machine that captured, or of the network."""
    first = frame[:4]
    known = _IP_FAMILIES & {int.from_bytes(first, "little"), int.from_bytes(first, "big")}
    return frame[4:] if known else None


def _cooked(frame: bytes) -> bytes | None:
    return frame[16:] if int.from_bytes(frame[14:16], "big") in _IP_TYPES else None


def _cooked2(frame: bytes) -> bytes | None:
    return frame[20:] if int.from_bytes(frame[:2], "big") in _IP_TYPES else None


_LINKS: dict[int, Callable[[bytes], bytes | None]] = {
    0: _family,
    1: _ethernet,
    RAW: _raw,
    108: _family,
    113: _cooked,
    228: _raw,
    229: _raw,
    276: _cooked2,
}
"""Link types (NULL, EN10MB, RAW, LOOP, LINUX_SLL, IPV4, IPV6, LINUX_SLL2): the IP datagram of a frame, None if it
has none."""
