"""A datagram, field by field: where it stands, its octets, its name, its value."""

from __future__ import annotations

from collections.abc import Iterator

from wireproof.reference.codec import encode
from wireproof.reference.segment import CTL_NAMES, Segment

OPTION_NAMES = {0: "end of options", 1: "no operation", 2: "maximum segment size", 3: "window scale", 8: "timestamps"}
ROW = 16


def fields(packet: bytes) -> Iterator[tuple[int, bytes, str, str]]:
    """Offset, octets, name and value of each field of an IPv4 datagram with a TCP segment."""

    def number(at: int, n: int) -> int:
        return int.from_bytes(packet[at : at + n], "big")

    yield 0, packet[0:1], "IP version, header length", f"{packet[0] >> 4}, {(packet[0] & 15) * 4} octets"
    yield 1, packet[1:2], "DSCP, ECN", f"{packet[1] >> 2}, {packet[1] & 3}"
    yield 2, packet[2:4], "total length", str(number(2, 2))
    yield 4, packet[4:6], "identification", str(number(4, 2))
    yield 6, packet[6:8], "flags, fragment offset", f"{packet[6] >> 5:03b}, {number(6, 2) & 0x1FFF}"
    yield 8, packet[8:9], "time to live", str(packet[8])
    yield 9, packet[9:10], "protocol", f"{packet[9]} (TCP)"
    yield 10, packet[10:12], "header checksum", f"0x{number(10, 2):04x}"
    yield 12, packet[12:16], "source address", ".".join(map(str, packet[12:16]))
    yield 16, packet[16:20], "destination address", ".".join(map(str, packet[16:20]))
    t = (packet[0] & 15) * 4
    yield t, packet[t : t + 2], "source port", str(number(t, 2))
    yield t + 2, packet[t + 2 : t + 4], "destination port", str(number(t + 2, 2))
    yield t + 4, packet[t + 4 : t + 8], "SEG.SEQ", str(number(t + 4, 4))
    yield t + 8, packet[t + 8 : t + 12], "SEG.ACK", str(number(t + 8, 4))
    yield t + 12, packet[t + 12 : t + 13], "data offset", f"{(packet[t + 12] >> 4) * 4} octets"
    bits = ",".join(n for i, n in enumerate(CTL_NAMES) if packet[t + 13] >> i & 1) or "none"
    yield t + 13, packet[t + 13 : t + 14], "control bits", bits
    yield t + 14, packet[t + 14 : t + 16], "SEG.WND", str(number(t + 14, 2))
    yield t + 16, packet[t + 16 : t + 18], "checksum", f"0x{number(t + 16, 2):04x}"
    yield t + 18, packet[t + 18 : t + 20], "SEG.UP", str(number(t + 18, 2))
    end = t + (packet[t + 12] >> 4) * 4
    yield from _options(packet, t + 20, end)
    if packet[end:]:
        yield end, packet[end:], "SEG.DATA", f"{len(packet) - end} octets"


def _options(packet: bytes, at: int, end: int) -> Iterator[tuple[int, bytes, str, str]]:
    while at < end:
        kind = packet[at]
        size = 1 if kind < 2 else max(2, packet[at + 1] if at + 1 < end else 2)
        raw = packet[at : min(end, at + size)]
        name = OPTION_NAMES.get(kind, f"kind {kind}")
        yield at, raw, f"option: {name}", str(int.from_bytes(raw[2:], "big")) if len(raw) > 2 else ""
        at += size


def table(s: Segment) -> list[str]:
    """The lines of the table."""
    lines = []
    for at, octets, name, value in fields(encode(s)):
        for row in range(0, len(octets), ROW) if len(octets) > 4 else (0,):
            part = octets[row : row + ROW] if len(octets) > 4 else octets
            shown = f"{part.hex(' '):<{3 * (ROW if len(octets) > 4 else 4)}}"
            lines.append(f"  {at + row:>4}  {shown} {name if not row else ''}  {value if not row else ''}".rstrip())
    return lines
