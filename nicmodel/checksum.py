"""The ones-complement checksum: inserting it in a frame that is sent, judging it in one that has arrived."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from wireproof.nicmodel.defects import NONE
from wireproof.nicmodel.headers import TCP, UDP, Layout, word


def ones_sum(data: bytes | bytearray | memoryview, start: int = 0, defects: frozenset[str] = NONE) -> int:
    """The 16-bit ones-complement sum of ``start`` and the data; an odd last octet is the high half of a word."""
    even = len(data) & ~1
    total = start + sum(struct.unpack(f">{even // 2}H", data[:even]))
    if len(data) > even and "checksum-odd-length" not in defects:
        total += data[even] if "checksum-odd-low" in defects else data[even] << 8
    return fold(total, defects)


def fold(total: int, defects: frozenset[str] = NONE) -> int:
    """Carries are added at the low end until none is left."""
    if "checksum-carry-lost" in defects:
        return total & 0xFFFF
    if "checksum-fold-once" in defects:
        return ((total & 0xFFFF) + (total >> 16)) & 0xFFFF
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return total


def store(frame: bytearray, at: int, value: int) -> None:
    frame[at : at + 2] = struct.pack(">H", value & 0xFFFF)


def insert_ip(frame: bytearray, at: int, length: int, defects: frozenset[str] = NONE) -> None:
    """The IPv4 header checksum; ``length`` is the header's, options included."""
    store(frame, at + 10, 0)
    if "ip-checksum-options-skipped" in defects:
        length = 20
    store(frame, at + 10, ~ones_sum(frame[at : at + length], 0, defects))


def insert(
    frame: bytearray, start: int, field: int, end: int, udp: bool, add: int = 0, defects: frozenset[str] = NONE
) -> None:
    """Complete the checksum at ``field`` over [start, end): the field holds the pseudo-header's sum, ``add`` joins it.

    For UDP a result of 0 is sent as 0xFFFF, since 0 means that there is no checksum.
    """
    if "checksum-seed-ignored" in defects:
        store(frame, field, 0)
    if "checksum-sums-padding" in defects:
        end = len(frame)
    value = ~ones_sum(memoryview(frame)[start:end], add, defects) & 0xFFFF
    if value == 0 and ("tcp-zero-replaced" in defects or (udp and "udp-zero-kept" not in defects)):
        value = 0xFFFF
    store(frame, field, value)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the device says of a frame that has arrived. Not checked is not bad and not good."""

    ip_checked: bool = False
    ip_bad: bool = False
    l4_checked: bool = False
    l4_bad: bool = False


def judge(frame: bytes, layout: Layout, defects: frozenset[str] = NONE) -> Verdict:
    """Both layers on their own; docs/nicmodel.md lists when a layer is left unchecked."""
    ip_bad = layout.version == 4 and not _ip_good(frame, layout, defects)
    l4 = _judge_l4(frame, layout, defects)
    if l4 is False and "rx-l4-error-hidden" in defects and layout.options:
        l4 = True
    return Verdict(layout.version == 4, ip_bad, l4 is not None, l4 is False)


def _ip_good(frame: bytes, layout: Layout, defects: frozenset[str]) -> bool:
    end = layout.network + 20 if "ip-checksum-options-skipped" in defects else layout.transport
    return ones_sum(frame[layout.network : end]) == 0xFFFF


def _judge_l4(frame: bytes, layout: Layout, defects: frozenset[str]) -> bool | None:
    """True for good, False for bad, None when not checked."""
    if layout.fragment and "rx-fragment-good" in defects and layout.protocol in (TCP, UDP):
        return True
    if layout.version == 0 or not layout.whole or layout.fragment or layout.routed:
        return None
    if layout.protocol == TCP and layout.end - layout.transport >= 20:
        return _sums_up(frame, layout, layout.end, defects)
    if layout.protocol == UDP and layout.end - layout.transport >= 8:
        return _judge_udp(frame, layout, defects)
    return None


def _judge_udp(frame: bytes, layout: Layout, defects: frozenset[str]) -> bool | None:
    length = word(frame, layout.transport + 4)
    if length < 8 or layout.transport + length > layout.end:
        return None
    if word(frame, layout.transport + 6) == 0:
        if layout.version == 4:
            return False if "rx-udp-zero-bad" in defects else None
        return "rx-udp6-zero-good" in defects
    return _sums_up(frame, layout, layout.transport + length, defects)


def _sums_up(frame: bytes, layout: Layout, end: int, defects: frozenset[str]) -> bool:
    length = end - layout.transport
    if "rx-padding-summed" in defects:
        end = len(frame)
    seed = ones_sum(layout.source + layout.destination, layout.protocol + length)
    return ones_sum(memoryview(frame)[layout.transport : end], seed, defects) == 0xFFFF
