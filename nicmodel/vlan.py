"""VLAN tags: inserted on the way out, stripped and filtered on the way in. The S-tag is the outer one."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from wireproof.nicmodel.defects import NONE
from wireproof.nicmodel.registers import VLANCTL, VLANFILTER, VLANTPID, RegisterFile, VlanCtl

ADDRESSES = 12
"""Octets of the two addresses, behind which tags stand."""


def tpids(registers: RegisterFile) -> tuple[int, int]:
    """The C-tag's and the S-tag's."""
    value = registers.get(VLANTPID)
    return value & 0xFFFF, value >> 16


def insert(
    frame: bytes, inner: int | None, outer: int | None, types: tuple[int, int], defects: frozenset[str] = NONE
) -> bytes:
    """The frame with the tags that are not None, outer before inner, before any tag that it has."""
    c_type, s_type = types
    if "vlan-outer-tpid-fixed" in defects:
        s_type = c_type
    if "vlan-tx-priority-lost" in defects and inner is not None:
        inner &= 0x0FFF
    tags = b"" if outer is None else struct.pack(">HH", s_type, outer)
    tag = b"" if inner is None else struct.pack(">HH", c_type, inner)
    tags = tag + tags if "qinq-order-swapped" in defects else tags + tag
    return frame[:ADDRESSES] + tags + frame[ADDRESSES:]


@dataclass(frozen=True, slots=True)
class Stripped:
    """A frame without the tags that were taken from it, and their control information."""

    frame: bytes
    inner: int | None = None
    outer: int | None = None


def strip(
    frame: bytes, tags: tuple[tuple[int, int], ...], registers: RegisterFile, defects: frozenset[str] = NONE
) -> Stripped:
    """Take away the outermost tag if its kind is asked for, then the next one likewise if the first was an S-tag."""
    control = registers.get(VLANCTL)
    c_type, s_type = tpids(registers)
    inner = outer = None
    rest = list(tags)
    if rest and rest[0][0] == s_type and control & VlanCtl.STRIP_S:
        outer = rest.pop(0)[1]
    if rest and rest[0][0] == c_type and control & VlanCtl.STRIP_C:
        inner = rest.pop(0)[1]
    taken = 4 * (len(tags) - len(rest))
    bare = frame[:ADDRESSES] + frame[ADDRESSES + taken :]
    if "vlan-tag-lost" in defects:
        inner = None
    if "vlan-rx-priority-lost" in defects and inner is not None:
        inner &= 0x0FFF
    return Stripped(bare, inner, outer)


def admitted(tags: tuple[tuple[int, int], ...], registers: RegisterFile, defects: frozenset[str] = NONE) -> bool:
    """Does the filter let a frame with these tags in? The outermost counts; a frame without any is let in."""
    if not tags or not registers.get(VLANCTL) & VlanCtl.FILTER:
        return True
    vlan = tags[0][1] & 0xFFF
    if "vlan-filter-aliased" in defects:
        vlan &= 0x7FF
    return bool(registers.get(VLANFILTER + 4 * (vlan // 32)) >> vlan % 32 & 1)
