"""A packet that the host has described becomes frames, or an error that says what is wrong with it."""

from __future__ import annotations

from dataclasses import dataclass, field

from wireproof.nicmodel import checksum, vlan
from wireproof.nicmodel.headers import find_tags, word
from wireproof.nicmodel.registers import MAXFRAME, OFFLOAD, TSOCTL, Offload, RegisterFile, TsoCtl
from wireproof.nicmodel.rings import L4, MOST_DESCRIPTORS, MOST_OCTETS, Command, TxContext, TxData, TxError
from wireproof.nicmodel.segmentation import Context, Style, header_fits, may_segment, segment

MOST_PACKET = 65535 + 22
"""Octets of the largest packet: an IP datagram behind an Ethernet header with two tags."""

_NEEDS_CONTEXT = Command.IP_CHECKSUM | Command.L4_CHECKSUM | Command.SEGMENT | Command.INNER_TAG | Command.OUTER_TAG


@dataclass(slots=True)
class Packet:
    """What has been gathered from descriptors so far. The first one's command counts, the first error stays."""

    entries: list[tuple[int, bool]] = field(default_factory=list)
    """Each descriptor's place, and whether its status is asked for."""
    command: Command = Command.NONE
    data: bytearray = field(default_factory=bytearray)
    error: TxError = TxError.NONE
    split: int = 0
    """Octets in the first descriptor."""

    def take(self, index: int, descriptor: TxData) -> None:
        if not self.entries:
            self.command = descriptor.command
            self.split = descriptor.length
        self.entries.append((index, Command.RS in descriptor.command))

    def spoil(self, error: TxError) -> None:
        if self.error is TxError.NONE:
            self.error = error

    def examine(self, descriptor: TxData, ring_length: int) -> None:
        """All that can be wrong with a data descriptor before its buffer is read."""
        if descriptor.type != 1:
            self.spoil(TxError.BAD_TYPE)
        elif descriptor.reserved:
            self.spoil(TxError.RESERVED_BITS)
        elif descriptor.length == 0:
            self.spoil(TxError.ZERO_LENGTH)
        elif descriptor.length > MOST_OCTETS:
            self.spoil(TxError.BUFFER_TOO_LONG)
        elif len(self.entries) > MOST_DESCRIPTORS:
            self.spoil(TxError.TOO_MANY_DESCRIPTORS)
        elif len(self.data) + descriptor.length > MOST_PACKET:
            self.spoil(TxError.FRAME_TOO_LONG)
        if Command.EOP not in descriptor.command and len(self.entries) >= ring_length - 1:
            self.spoil(TxError.NO_EOP)


class Framer:
    """Reads its registers for every packet."""

    def __init__(self, registers: RegisterFile, defects: frozenset[str]) -> None:
        self._registers = registers
        self._defects = defects

    def frames(self, packet: Packet, context: TxContext | None) -> list[bytes] | TxError:
        """What goes on the wire for the packet, or why nothing does."""
        if packet.error is not TxError.NONE:
            return packet.error
        if not self._enabled(packet.command, context):
            return TxError.OFFLOAD_DISABLED
        if packet.command & _NEEDS_CONTEXT and context is None:
            return TxError.NO_CONTEXT
        if len(packet.data) < 14:
            return TxError.FRAME_TOO_SHORT
        if Command.SEGMENT in packet.command and context:
            made = self._segmented(packet, context)
        else:
            made = self._single(packet, context)
        return made if isinstance(made, TxError) else self._tagged(made, packet.command, context)

    def _enabled(self, command: Command, context: TxContext | None) -> bool:
        wanted = Offload(0)
        if command & (Command.IP_CHECKSUM | Command.L4_CHECKSUM):
            wanted |= Offload.TX_CHECKSUM
        if command & (Command.INNER_TAG | Command.OUTER_TAG):
            wanted |= Offload.TX_VLAN
        if Command.SEGMENT in command:
            wanted |= Offload.USO if context and context.l4_type == L4.UDP else Offload.TSO
        return int(wanted) & ~self._registers.get(OFFLOAD) == 0

    def _tagged(self, frames: list[bytes], command: Command, context: TxContext | None) -> list[bytes]:
        inner = context.inner if context and Command.INNER_TAG in command else None
        outer = context.outer if context and Command.OUTER_TAG in command else None
        if inner is None and outer is None:
            return frames
        types = vlan.tpids(self._registers)
        count = 1 if "tso-vlan-first-only" in self._defects else len(frames)
        return [vlan.insert(f, inner, outer, types, self._defects) for f in frames[:count]] + frames[count:]

    def _length(self, frame: bytes | bytearray) -> int:
        """Octets without VLAN tags, which is what MAXFRAME bounds."""
        return len(frame) - 4 * len(find_tags(bytes(frame[:22]), vlan.tpids(self._registers)))

    def _segmented(self, packet: Packet, context: TxContext) -> list[bytes] | TxError:
        if error := _segment_context(context):
            return error
        frame = bytes(packet.data)
        plan = Context(context.l2, context.l3, context.l4, context.l4_type == L4.UDP, context.ipv6, context.mss)
        if len(frame) < plan.headers:
            return TxError.HEADER_BEYOND_FRAME
        if not header_fits(frame, plan, vlan.tpids(self._registers)):
            return TxError.HEADER_MISMATCH
        if not may_segment(frame, plan):
            return TxError.BAD_FLAGS
        largest = frame[: plan.headers + plan.mss]
        if self._length(largest) > self._registers.get(MAXFRAME) or len(frame) - plan.l2 > 65535:
            return TxError.FRAME_TOO_LONG
        control = self._registers.get(TSOCTL)
        style = Style(bool(control & TsoCtl.FIXED_ID), bool(control & TsoCtl.CWR_ALL), packet.split)
        return segment(frame, plan, style, self._defects)

    def _single(self, packet: Packet, context: TxContext | None) -> list[bytes] | TxError:
        frame = packet.data
        if self._length(frame) > self._registers.get(MAXFRAME):
            return TxError.FRAME_TOO_LONG
        if context and Command.L4_CHECKSUM in packet.command and (error := self._insert_l4(frame, context)):
            return error
        if context and Command.IP_CHECKSUM in packet.command and (error := self._insert_ip(frame, context)):
            return error
        return [bytes(frame)]

    def _insert_ip(self, frame: bytearray, context: TxContext) -> TxError:
        if context.ipv6 or context.l2 < 14 or not 20 <= context.l3 <= 60:
            return TxError.BAD_CONTEXT
        if context.l2 + context.l3 > len(frame):
            return TxError.HEADER_BEYOND_FRAME
        if frame[context.l2] != 0x40 | context.l3 // 4 or context.l3 % 4:
            return TxError.HEADER_MISMATCH
        checksum.insert_ip(frame, context.l2, context.l3, self._defects)
        return TxError.NONE

    def _insert_l4(self, frame: bytearray, context: TxContext) -> TxError:
        if context.l4_type == L4.GENERIC:
            start, at, end = context.l2 + context.l3, context.l2 + context.l3 + context.l4, len(frame)
            if at + 2 > end:
                return TxError.HEADER_BEYOND_FRAME
            checksum.insert(frame, start, at, end, False, 0, self._defects)
            return TxError.NONE
        if context.l4_type not in (L4.TCP, L4.UDP) or context.l2 < 14 or context.l3 < (40 if context.ipv6 else 20):
            return TxError.BAD_CONTEXT
        udp, start = context.l4_type == L4.UDP, context.l2 + context.l3
        at = start + (6 if udp else 16)
        if at + 2 > len(frame):
            return TxError.HEADER_BEYOND_FRAME
        end = _datagram_end(frame, context)
        if not at + 2 <= end <= len(frame):
            return TxError.HEADER_MISMATCH
        checksum.insert(frame, start, at, end, udp, 0, self._defects)
        return TxError.NONE


def _datagram_end(frame: bytearray, context: TxContext) -> int:
    """Where the IP datagram ends by its own length; 0 when it is not of the version that the context names."""
    if frame[context.l2] >> 4 != (6 if context.ipv6 else 4):
        return 0
    if context.ipv6:
        return context.l2 + 40 + word(frame, context.l2 + 4)
    return context.l2 + word(frame, context.l2 + 2)


def _segment_context(context: TxContext) -> TxError:
    """What is wrong with a context for segmentation on its own."""
    l3 = context.l3 >= 40 if context.ipv6 else 20 <= context.l3 <= 60
    l4 = {L4.TCP: 20 <= context.l4 <= 60, L4.UDP: context.l4 == 8}.get(L4(context.l4_type & 3), False)
    if context.l2 < 14 or not l3 or not l4 or context.l4_type > 3:
        return TxError.BAD_CONTEXT
    return TxError.BAD_MSS if context.mss == 0 else TxError.NONE
