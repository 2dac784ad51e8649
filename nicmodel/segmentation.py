"""One large packet from the host, many on the wire: the header of each is the first one's, edited.

TCP for IPv4 and IPv6 (TSO), and UDP (USO), where each segment is a datagram of its own.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from wireproof.nicmodel import checksum
from wireproof.nicmodel.defects import NONE
from wireproof.nicmodel.headers import FRAGMENT, TCP, UDP, find_tags, word

FIN, SYN, RST, PSH, URG, CWR = 0x01, 0x02, 0x04, 0x08, 0x20, 0x80


@dataclass(frozen=True, slots=True)
class Context:
    """Lengths in octets of the headers that the host says are there. ``mss``: payload of a segment."""

    l2: int
    l3: int
    l4: int
    udp: bool
    ipv6: bool
    mss: int

    @property
    def headers(self) -> int:
        return self.l2 + self.l3 + self.l4

    @property
    def transport(self) -> int:
        return self.l2 + self.l3

    @property
    def field(self) -> int:
        """Where the transport checksum is."""
        return self.transport + (6 if self.udp else 16)


@dataclass(frozen=True, slots=True)
class Style:
    """``split``: octets of the packet that were in its first descriptor."""

    fixed_id: bool = False
    cwr_all: bool = False
    split: int = 1 << 16


def header_fits(frame: bytes, context: Context, tpids: tuple[int, int]) -> bool:
    """Do the headers in the frame agree with the context? The caller knows that they lie inside the frame."""
    if context.l2 != 14 + 4 * len(find_tags(frame, tpids)):
        return False
    protocol = UDP if context.udp else TCP
    l4 = 8 if context.udp else (frame[context.transport + 12] >> 4) * 4
    if l4 != context.l4:
        return False
    at = context.l2
    if context.ipv6:
        return word(frame, at - 2) == 0x86DD and frame[at] >> 4 == 6 and _reaches(frame, context, protocol)
    whole = word(frame, at + 6) & 0x3FFF == 0
    ours = word(frame, at - 2) == 0x0800 and frame[at] == 0x40 | context.l3 // 4
    return ours and whole and frame[at + 9] == protocol and context.l3 % 4 == 0


def _reaches(frame: bytes, context: Context, protocol: int) -> bool:
    """Do the extension headers end where the context says that the transport header starts?"""
    at, following = context.l2 + 40, frame[context.l2 + 6]
    while at < context.transport:
        if following not in (0, 43, 60) or following == FRAGMENT or at + 8 > context.transport:
            return False
        following, at = frame[at], at + 8 * (frame[at + 1] + 1)
    return at == context.transport and following == protocol


def may_segment(frame: bytes, context: Context) -> bool:
    """SYN, RST and URG mean something for one segment only."""
    return context.udp or not frame[context.transport + 13] & (SYN | RST | URG)


def segment(frame: bytes, context: Context, style: Style, defects: frozenset[str] = NONE) -> list[bytes]:
    """The frames for the wire, in order; at least one, also of an empty payload."""
    header, payload = frame[: context.headers], frame[context.headers :]
    chunks = [payload[at : at + context.mss] for at in range(0, len(payload), context.mss)] or [b""]
    if "tso-empty-tail" in defects and payload and len(payload) % context.mss == 0:
        chunks.append(b"")
    return [_one(header, chunks, index, context, style, defects) for index in range(len(chunks))]


def _one(
    header: bytes, chunks: list[bytes], index: int, context: Context, style: Style, defects: frozenset[str]
) -> bytes:
    frame = bytearray(header + chunks[index])
    claimed = len(chunks[index])
    if index and index == len(chunks) - 1 and "tso-ip-length" in defects:
        claimed = context.mss
    if context.ipv6:
        _edit_ipv6(frame, context, claimed, defects)
    else:
        _edit_ipv4(frame, context, claimed, index, style, defects)
    if context.udp:
        _edit_udp(frame, context, len(chunks[0]) if "uso-length-stale" in defects else len(chunks[index]))
    else:
        _edit_tcp(frame, context, chunks, index, style, defects)
    l4 = len(frame) - context.transport
    checksum.insert(frame, context.transport, context.field, len(frame), context.udp, l4, defects)
    return bytes(frame)


def _edit_ipv6(frame: bytearray, context: Context, size: int, defects: frozenset[str]) -> None:
    extensions = 0 if "tso-ipv6-extension-length" in defects else context.l3 - 40
    checksum.store(frame, context.l2 + 4, extensions + context.l4 + size)


def _edit_ipv4(
    frame: bytearray, context: Context, size: int, index: int, style: Style, defects: frozenset[str]
) -> None:
    at = context.l2
    checksum.store(frame, at + 2, context.l3 + context.l4 + size)
    identification = word(frame, at + 4)
    if not style.fixed_id and "tso-ip-id-fixed" not in defects:
        following = identification + index
        if "tso-ip-id-carry" in defects:
            following = identification & 0xFF00 | following & 0xFF
        checksum.store(frame, at + 4, following)
    if index == 0 or "tso-ip-checksum-stale" not in defects:
        checksum.insert_ip(frame, at, context.l3, defects)


def _edit_udp(frame: bytearray, context: Context, size: int) -> None:
    checksum.store(frame, context.transport + 4, 8 + size)


def _edit_tcp(
    frame: bytearray, context: Context, chunks: list[bytes], index: int, style: Style, defects: frozenset[str]
) -> None:
    at = context.transport
    first, last = index == 0, index == len(chunks) - 1
    (sequence,) = struct.unpack_from(">I", frame, at + 4)
    struct.pack_into(">I", frame, at + 4, _sequence(sequence, chunks, index, context, style, defects))
    frame[at + 13] = _flags(frame[at + 13], first, last, style.cwr_all, defects)
    if "tso-options-first-only" in defects and not first:
        frame[at + 20 : at + context.l4] = b"\1" * (context.l4 - 20)


def _sequence(
    sequence: int, chunks: list[bytes], index: int, context: Context, style: Style, defects: frozenset[str]
) -> int:
    offset = index * context.mss
    if "tso-sequence-last" in defects and index and index == len(chunks) - 1:
        offset = (index - 1) * context.mss + len(chunks[index])
    if "tso-sequence-carry" in defects:
        return sequence & 0xFFFF_0000 | (sequence + offset) & 0xFFFF
    if "tso-split-header" in defects and style.split < context.headers:
        return sequence
    return (sequence + offset) & 0xFFFF_FFFF


def _flags(flags: int, first: bool, last: bool, cwr_all: bool, defects: frozenset[str]) -> int:
    """FIN and PSH stay on the last segment, CWR on the first unless all are to have it (accurate ECN)."""
    drop = 0 if first or cwr_all or "tso-cwr-all" in defects else CWR
    if not last and "tso-psh-all" not in defects:
        drop |= PSH
    if not (first if "tso-fin-first" in defects else last):
        drop |= FIN
    return flags & ~drop
