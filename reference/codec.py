"""Segments and ICMP messages from and to IP datagrams (RFC 791, RFC 8200, RFC 792, RFC 4443, RFC 9293 3.1).

Decoding takes any octets: what is no datagram with a segment or an ICMP message in it is :class:`Malformed`, with the
reason. A segment whose own header or checksum is wrong is a segment that says so, because TCP has to drop it by a
rule of its own. Fragments are not put together again: an endpoint that discovers the path MTU sends none.
"""

from __future__ import annotations

from dataclasses import dataclass
from struct import Struct

from wireproof.reference.checksum import ICMP, ICMPV6, TCP, adds_up, internet_checksum, pseudo, tcp_checksum
from wireproof.reference.segment import Segment

_V4 = Struct("!BBHHHBBH4s4s")
_V6 = Struct("!IHBB16s16s")
_TCP = Struct("!HHIIHHHH")
_QUOTED_TCP = Struct("!HHI")
_ICMP = Struct("!BBHI")

_DF = 0x4000
_FRAGMENT = 0x3FFF
"""More fragments, and the fragment offset (RFC 791 3.1)."""
_HOP_BY_HOP, _ROUTING, _FRAGMENT_HEADER, _DESTINATION = 0, 43, 44, 60
_EXTENSIONS = frozenset({_HOP_BY_HOP, _ROUTING, _FRAGMENT_HEADER, _DESTINATION})
_V4_ERRORS = frozenset({3, 4, 5, 11, 12})
"""ICMP messages that quote the datagram they are about (RFC 792)."""
_V6_QUOTE = 1280 - 40 - 8
"""As much of a datagram as an ICMPv6 error may quote (RFC 4443 2.4(c))."""
_MAX = 0xFFFF

Quoted = tuple[bytes, bytes, int, int, int]
"""Source, destination, source port, destination port, sequence number of the segment that a message is about."""


@dataclass(slots=True)
class Malformed:
    """Octets that are no datagram with a segment or an ICMP message in it."""

    reason: str


@dataclass(slots=True)
class Icmp:
    """An ICMP message (``version`` 4) or an ICMPv6 message (6), and the TCP segment it quotes, if it quotes one.

    ``mtu`` is the next hop's, 0 when the message does not tell (RFC 1191 4, RFC 4443 3.2).
    """

    src: bytes
    dst: bytes
    version: int
    type: int
    code: int
    quoted: Quoted | None
    mtu: int = 0


# ---- encoding -----------------------------------------------------------------------------------------------------


def encode(s: Segment) -> bytes:
    """The datagram of a segment, with right lengths and checksums, and DF set in IPv4 (RFC 1191 3).

    Options are padded with zeros to whole words. Raises ValueError for what no datagram can hold.
    """
    options = s.options if len(s.options) % 4 == 0 else s.options + bytes(-len(s.options) % 4)
    if len(options) > 40:
        raise ValueError(f"{len(options)} octets of TCP options: there is room for 40")
    offset = (20 + len(options) << 10) | s.reserved << 8 | s.ctl
    segment = _TCP.pack(s.sport, s.dport, s.seq, s.ack, offset, s.wnd, 0, s.up) + options + s.data
    size = len(segment)
    if size > _MAX:
        raise ValueError(f"a segment of {size} octets: a datagram holds no more than {_MAX}")
    checksum = tcp_checksum(s.src, s.dst, segment)
    segment = segment[:16] + checksum.to_bytes(2, "big") + segment[18:]
    if len(s.src) == 4:
        return _v4(s.src, s.dst, TCP, segment, s.tos, s.ident, _DF, s.ttl, s.ip_options)
    return _V6.pack(6 << 28 | s.tos << 20, size, TCP, s.ttl, s.src, s.dst) + segment


def _v4(
    src: bytes, dst: bytes, protocol: int, body: bytes, tos: int, ident: int, flags: int, ttl: int, options: bytes
) -> bytes:
    """An IPv4 datagram (RFC 791 3.1)."""
    options += bytes(-len(options) % 4)
    size = 20 + len(options) + len(body)
    if len(options) > 40 or size > _MAX:
        raise ValueError(f"a datagram of {size} octets, {len(options)} of them IP options: the most is {_MAX} and 40")
    first = 0x45 + len(options) // 4
    header = _V4.pack(first, tos, size, ident, flags, ttl, protocol, 0, src, dst) + options
    return header[:10] + internet_checksum(header).to_bytes(2, "big") + header[12:] + body


def encode_icmp(src: bytes, dst: bytes, type: int, code: int, quoted_packet: bytes, mtu: int = 0) -> bytes:
    """The datagram of an ICMP error about ``quoted_packet``: RFC 792 (header and 8 octets) or RFC 4443."""
    if len(src) == 4:
        quote = (quoted_packet[0] & 15) * 4 + 8 if quoted_packet else 0
        message = _ICMP.pack(type, code, 0, mtu) + quoted_packet[:quote]
        checksum = internet_checksum(message)
        return _v4(src, dst, ICMP, message[:2] + checksum.to_bytes(2, "big") + message[4:], 0, 0, 0, 64, b"")
    message = _ICMP.pack(type, code, 0, mtu) + quoted_packet[:_V6_QUOTE]
    checksum = internet_checksum(pseudo(src, dst, len(message), ICMPV6) + message)
    message = message[:2] + checksum.to_bytes(2, "big") + message[4:]
    return _V6.pack(6 << 28, len(message), ICMPV6, 64, src, dst) + message


# ---- decoding -----------------------------------------------------------------------------------------------------


def decode(packet: bytes) -> Segment | Icmp | Malformed:
    """What an IP datagram carries. Octets after the end that its header tells are ignored. Never raises."""
    version = packet[0] >> 4 if packet else 0
    if version == 4:
        return _decode_v4(packet)
    if version == 6:
        return _decode_v6(packet)
    return Malformed(f"IP version {version}" if packet else "no octets")


def _decode_v4(packet: bytes) -> Segment | Icmp | Malformed:
    if len(packet) < 20:
        return Malformed(f"{len(packet)} octets are no IPv4 header")
    first, tos, size, ident, flags, ttl, protocol, _, src, dst = _V4.unpack_from(packet)
    header = (first & 15) * 4
    if header < 20:
        return Malformed(f"an IPv4 header length of {header} octets")
    if not header <= size <= len(packet):
        return Malformed(f"an IPv4 total length of {size} with a header of {header} in {len(packet)} octets")
    if not adds_up(packet[:header]):
        return Malformed("a wrong IPv4 header checksum")
    if flags & _FRAGMENT:
        return Malformed("a fragment")
    if protocol == TCP:
        return _segment(src, dst, packet[header:size], ttl, tos, ident, packet[20:header])
    if protocol == ICMP:
        return _icmp(src, dst, packet[header:size])
    return Malformed(f"IP protocol {protocol}")


def _decode_v6(packet: bytes) -> Segment | Icmp | Malformed:
    if len(packet) < 40:
        return Malformed(f"{len(packet)} octets are no IPv6 header")
    first, size, protocol, ttl, src, dst = _V6.unpack_from(packet)
    end = 40 + size
    if end > len(packet):
        return Malformed(f"an IPv6 payload length of {size} in {len(packet)} octets")
    at = 40
    if protocol in _EXTENSIONS:
        found = _skip_extensions(packet[:end], protocol)
        if isinstance(found, Malformed):
            return found
        protocol, at = found
    if protocol == TCP:
        return _segment(src, dst, packet[at:end], ttl, first >> 20 & 255, 0, b"")
    if protocol == ICMPV6:
        return _icmp(src, dst, packet[at:end])
    return Malformed(f"IP protocol {protocol}")


def _skip_extensions(packet: bytes, protocol: int) -> tuple[int, int] | Malformed:
    """The protocol after the extension headers and where it begins (RFC 8200 4).

    A fragment header of a datagram that is whole is skipped (RFC 6946).
    """
    at = 40
    while protocol in _EXTENSIONS:
        if at + 8 > len(packet):
            return Malformed("an IPv6 extension header past the end")
        if protocol == _HOP_BY_HOP and at != 40:
            return Malformed("IPv6 hop-by-hop options out of their place")
        if protocol == _FRAGMENT_HEADER:
            if int.from_bytes(packet[at + 2 : at + 4], "big") & 0xFFF9:
                return Malformed("a fragment")
            size = 8
        else:
            size = (packet[at + 1] + 1) * 8
        if protocol == _ROUTING and packet[at + 3]:
            return Malformed("an IPv6 routing header with segments left")
        if at + size > len(packet):
            return Malformed("an IPv6 extension header past the end")
        protocol, at = packet[at], at + size
    return protocol, at


def _segment(
    src: bytes, dst: bytes, octets: bytes, ttl: int, tos: int, ident: int, ip_options: bytes
) -> Segment | Malformed:
    """A TCP segment (RFC 9293 3.1)."""
    size = len(octets)
    if size < 20:
        return Malformed(f"{size} octets are no TCP header")
    sport, dport, seq, ack, offset, wnd, _, up = _TCP.unpack_from(octets)
    s = Segment(src, dst, sport, dport, seq, ack, offset & 255, wnd, up)
    s.ttl, s.tos, s.ident, s.ip_options, s.reserved = ttl, tos, ident, ip_options, offset >> 8 & 15
    s.checksum_ok = adds_up(pseudo(src, dst, size) + octets)
    header = offset >> 12 << 2
    if header == 20:
        s.data = octets[20:]
    elif 20 < header <= size:
        s.options, s.data = octets[20:header], octets[header:]
        _options(s)
    else:
        s.header_ok = False
    return s


def _options(s: Segment) -> None:
    """Read the options of a segment (RFC 9293 3.1, MUST-4 to MUST-7)."""
    options = s.options
    end = len(options)
    i = 0
    while i < end:
        kind = options[i]
        if kind == 0:
            s.padding_ok = not any(options[i:])
            return
        if kind == 1:
            i += 1
            continue
        size = options[i + 1] if i + 1 < end else 0
        if size < 2 or i + size > end or (kind == 2 and size != 4):
            s.options_ok = False
            return
        if kind == 2:
            s.mss = options[i + 2] << 8 | options[i + 3]
        i += size


def _icmp(src: bytes, dst: bytes, octets: bytes) -> Icmp | Malformed:
    """An ICMP message (RFC 792, RFC 1191 4) or an ICMPv6 message (RFC 4443 2.1)."""
    if len(octets) < 8:
        return Malformed(f"{len(octets)} octets are no ICMP message")
    v6 = len(src) == 16
    if not adds_up(pseudo(src, dst, len(octets), ICMPV6) + octets if v6 else octets):
        return Malformed("a wrong ICMP checksum")
    kind, code, _, rest = _ICMP.unpack_from(octets)
    if v6:
        quoted = _quoted_v6(octets[8:]) if 0 < kind < 128 else None
        return Icmp(src, dst, 6, kind, code, quoted, rest if kind == 2 else 0)
    quoted = _quoted_v4(octets[8:]) if kind in _V4_ERRORS else None
    return Icmp(src, dst, 4, kind, code, quoted, rest & 0xFFFF if (kind, code) == (3, 4) else 0)


def _quoted_v4(quote: bytes) -> Quoted | None:
    """The segment that begins in a quoted IPv4 datagram; None when there is no TCP or too little of it."""
    if len(quote) < 28:
        return None
    first, _, _, _, flags, _, protocol, _, src, dst = _V4.unpack_from(quote)
    header = (first & 15) * 4
    if first >> 4 != 4 or header < 20 or len(quote) < header + 8 or protocol != TCP or flags & 0x1FFF:
        return None
    sport, dport, seq = _QUOTED_TCP.unpack_from(quote, header)
    return src, dst, sport, dport, seq


def _quoted_v6(quote: bytes) -> Quoted | None:
    """The segment that begins in a quoted IPv6 datagram; None when there is no TCP or too little of it."""
    if len(quote) < 48 or quote[0] >> 4 != 6:
        return None
    _, _, protocol, _, src, dst = _V6.unpack_from(quote)
    found = _skip_extensions(quote, protocol)
    if isinstance(found, Malformed) or found[0] != TCP or len(quote) < found[1] + 8:
        return None
    sport, dport, seq = _QUOTED_TCP.unpack_from(quote, found[1])
    return src, dst, sport, dport, seq
