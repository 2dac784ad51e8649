"""Receive coalescing: consecutive TCP segments of a flow become one, until something asks for delivery.

Two sets of rules. GRO: what is merged can be segmented again into the very frames that came. RSC: as well merges
segments whose timestamps differ and keeps the latest.
"""

from __future__ import annotations

import struct
from collections.abc import Hashable
from dataclasses import dataclass, replace

from wireproof.nicmodel import checksum
from wireproof.nicmodel.arrival import Arrival
from wireproof.nicmodel.headers import TCP, word
from wireproof.nicmodel.registers import OFFLOAD, RSCCTL, RSCTIME, Offload, RegisterFile, RscCtl

FIN, PSH, ACK, ECE = 0x01, 0x08, 0x10, 0x40
MOST_TRAINS = 8
LONGEST_DATAGRAM = 65535
TIMESTAMP = b"\1\1\x08\x0a"
"""How a header with nothing but a timestamp begins its options."""


@dataclass(frozen=True, slots=True)
class Segment:
    """The fields of an arrived TCP segment that merging looks at. Offsets are in the frame."""

    arrival: Arrival
    transport: int
    data: int
    flags: int
    sequence: int
    acknowledgement: int
    window: int
    options: bytes
    payload: bytes

    @property
    def identification(self) -> int:
        return word(self.arrival.frame, self.arrival.layout.network + 4)

    @property
    def network(self) -> bytes:
        """What must be the same in the headers below TCP: addresses, class of service, lifetime, DF."""
        frame, at = self.arrival.frame, self.arrival.layout.network
        if self.arrival.layout.version == 4:
            return frame[:at] + frame[at + 1 : at + 2] + frame[at + 6 : at + 9]
        return frame[: at + 4] + frame[at + 7 : at + 8]

    @property
    def network_without_class(self) -> bytes:
        frame, at = self.arrival.frame, self.arrival.layout.network
        return frame[:at] + (frame[at + 6 : at + 9] if self.arrival.layout.version == 4 else frame[at + 7 : at + 8])


def tcp_segment(arrival: Arrival) -> Segment | None:
    """The segment in a frame that has a whole TCP header in a whole, unfragmented datagram."""
    layout, frame = arrival.layout, arrival.frame
    if layout.protocol != TCP or not layout.whole or layout.fragment or layout.end - layout.transport < 20:
        return None
    at = layout.transport
    data = at + (frame[at + 12] >> 4) * 4
    if not at + 20 <= data <= layout.end:
        return None
    sequence, acknowledgement = struct.unpack_from(">II", frame, at + 4)
    return Segment(
        arrival,
        at,
        data,
        frame[at + 13],
        sequence,
        acknowledgement,
        word(frame, at + 14),
        frame[at + 20 : data],
        frame[data : layout.end],
    )


class Train:
    """Segments merged so far. ``size`` is the first one's payload, which later ones may not exceed."""

    def __init__(self, first: Segment, deadline: int) -> None:
        self.first = first
        self.last = first
        self.deadline = deadline
        self.payload = bytearray(first.payload)
        self.flags = first.flags
        self.count = 1
        self.step: int | None = None
        """By how much the IPv4 identification grows, once two segments have shown it."""

    @property
    def size(self) -> int:
        return len(self.first.payload)

    @property
    def following(self) -> int:
        return (self.first.sequence + len(self.payload)) & 0xFFFF_FFFF

    def add(self, segment: Segment) -> None:
        if self.first.arrival.layout.version == 4:
            self.step = (segment.identification - self.last.identification) & 0xFFFF
        self.last = segment
        self.payload += segment.payload
        self.flags |= segment.flags
        self.count += 1

    def merged(self, keep_fin: bool = True) -> Arrival:
        """One frame for all; a train of one is delivered as it came."""
        if self.count == 1:
            return self.first.arrival
        arrival, at = self.first.arrival, self.first.transport
        frame = bytearray(arrival.frame[: self.first.data]) + self.payload
        frame[at + 13] = self.flags if keep_fin else self.flags & ~FIN
        if self.last.options.startswith(TIMESTAMP) and len(self.last.options) == 12:
            frame[at + 20 : at + 32] = self.last.options
        _seal(frame, arrival)
        layout = replace(arrival.layout, end=len(frame))
        return replace(
            arrival, frame=bytes(frame), layout=layout, count=self.count, fixed_id=self.step == 0, raw_sum=None
        )


def _seal(frame: bytearray, arrival: Arrival) -> None:
    """Lengths and checksums of a merged frame."""
    layout, length = arrival.layout, len(frame) - arrival.layout.network
    if layout.version == 4:
        checksum.store(frame, layout.network + 2, length)
        checksum.insert_ip(frame, layout.network, 20)
    else:
        checksum.store(frame, layout.network + 4, length - 40)
    at = layout.transport
    seed = checksum.ones_sum(layout.source + layout.destination, TCP + len(frame) - at)
    checksum.store(frame, at + 16, seed)
    checksum.insert(frame, at, at + 16, len(frame), udp=False)


class Coalescer:
    """At most ``MOST_TRAINS`` trains at a time, the oldest first."""

    def __init__(self, registers: RegisterFile, defects: frozenset[str]) -> None:
        self._registers = registers
        self._defects = defects
        self._trains: dict[Hashable, Train] = {}

    def reset(self) -> None:
        self._trains = {}

    def offer(self, arrival: Arrival, now: int) -> list[Arrival]:
        """What is to be delivered now, in order; the frame itself may stay here."""
        segment = self._candidate(arrival)
        if segment is None:
            return self._pass(arrival)
        key = self._key(arrival)
        train = self._trains.get(key)
        if train and self._may_join(train, segment):
            train.add(segment)
            return self._flush(key) if self._is_over(train, segment) else []
        out = self._flush(key)
        if self._ends(segment):
            return self._ordered(out, arrival)
        if len(self._trains) >= MOST_TRAINS:
            out += self._flush(next(iter(self._trains)))
        self._trains[key] = Train(segment, now + self._registers.get(RSCTIME))
        return out

    def due(self, now: int) -> list[Arrival]:
        """The trains whose time has come."""
        keys = [key for key, train in self._trains.items() if train.deadline <= now]
        return [arrival for key in keys for arrival in self._flush(key)]

    def all(self) -> list[Arrival]:
        """Every train, when coalescing is switched off."""
        return [arrival for key in list(self._trains) for arrival in self._flush(key)]

    @property
    def deadline(self) -> int | None:
        """The earliest; None when nothing is held."""
        if "rsc-timeout-lost" in self._defects:
            return None
        return min((train.deadline for train in self._trains.values()), default=None)

    def _pass(self, arrival: Arrival) -> list[Arrival]:
        """A frame that does not merge follows what is held of its flow; of its addresses, when it shows no ports."""
        layout = arrival.layout
        if layout.version == 0 or (layout.ports and layout.protocol != TCP):
            return [arrival]
        if layout.ports:
            keys: list[Hashable] = [self._key(arrival)]
        else:
            keys = [k for k, t in self._trains.items() if t.first.arrival.layout.flow == layout.flow]
        return self._ordered([held for key in keys for held in self._flush(key)], arrival)

    def _ordered(self, before: list[Arrival], arrival: Arrival) -> list[Arrival]:
        return [arrival, *before] if "rsc-overtakes" in self._defects else [*before, arrival]

    def _key(self, arrival: Arrival) -> Hashable:
        tags = () if "rsc-vlan-ignored" in self._defects else arrival.tags
        return arrival.layout.flow, arrival.layout.ports, tags

    def _flush(self, key: Hashable) -> list[Arrival]:
        train = self._trains.pop(key, None)
        return [train.merged("rsc-fin-lost" not in self._defects)] if train else []

    def _candidate(self, arrival: Arrival) -> Segment | None:
        """The segment when it may start or join a train."""
        if not self._registers.get(OFFLOAD) & Offload.RSC or arrival.layout.options:
            return None
        verdict = arrival.verdict
        if verdict.ip_bad or not verdict.l4_checked:
            return None
        if verdict.l4_bad and "rsc-bad-checksum" not in self._defects:
            return None
        segment = tcp_segment(arrival)
        if segment is None or not segment.payload or not segment.flags & ACK:
            return None
        return None if segment.flags & ~(ACK | PSH | FIN | ECE) else segment

    def _ends(self, segment: Segment) -> bool:
        """Nothing follows this one in its train."""
        return bool(segment.flags & (FIN if "rsc-merges-psh" in self._defects else FIN | PSH))

    def _is_over(self, train: Train, segment: Segment) -> bool:
        most = max(self._registers.get(RSCCTL) & 0xFF, 1)
        short = len(segment.payload) < train.size
        return self._ends(segment) or short or train.count >= most

    def _may_join(self, train: Train, segment: Segment) -> bool:
        return (
            train.count < self._registers.get(RSCCTL) & 0xFF
            and self._in_sequence(train, segment)
            and len(segment.payload) <= train.size
            and self._fits(train, segment)
            and self._same_network(train, segment)
            and self._same_transport(train, segment)
            and self._same_options(train, segment)
            and self._identified(train, segment)
        )

    def _in_sequence(self, train: Train, segment: Segment) -> bool:
        distance = (segment.sequence - train.following) & 0xFFFF_FFFF
        return distance < 1 << 16 if "rsc-merges-gap" in self._defects else distance == 0

    def _fits(self, train: Train, segment: Segment) -> bool:
        if "rsc-length-overflow" in self._defects:
            return True
        layout = segment.arrival.layout
        fixed = segment.data - layout.network - (40 if layout.version == 6 else 0)
        return fixed + len(train.payload) + len(segment.payload) <= LONGEST_DATAGRAM

    def _same_network(self, train: Train, segment: Segment) -> bool:
        if "rsc-tos-ignored" in self._defects:
            return train.first.network_without_class == segment.network_without_class
        return train.first.network == segment.network

    def _same_transport(self, train: Train, segment: Segment) -> bool:
        first = train.first
        ack = first.acknowledgement == segment.acknowledgement or "rsc-ack-ignored" in self._defects
        window = first.window == segment.window or "rsc-window-ignored" in self._defects
        return ack and window and not (first.flags ^ segment.flags) & ECE

    def _same_options(self, train: Train, segment: Segment) -> bool:
        ours, theirs = train.last.options, segment.options
        if ours == theirs or "rsc-options-ignored" in self._defects:
            return True
        if self._registers.get(RSCCTL) & RscCtl.GRO:
            return False
        alike = len(ours) == len(theirs) == 12 and ours[:4] == theirs[:4] == TIMESTAMP
        return alike and all(_grows(ours, theirs, at) for at in (4, 8))

    def _identified(self, train: Train, segment: Segment) -> bool:
        """IPv4: the identification grows by one each time, or stays with DF set; the same way along a train."""
        layout = segment.arrival.layout
        if layout.version != 4:
            return True
        step = (segment.identification - train.last.identification) & 0xFFFF
        atomic = segment.arrival.frame[layout.network + 6] & 0x40
        return (step == 1 or (step == 0 and bool(atomic))) and train.step in (None, step)


def _grows(before: bytes, after: bytes, at: int) -> bool:
    """Is the 32-bit value there the same or later, modulo 2^32?"""
    old, new = int.from_bytes(before[at : at + 4]), int.from_bytes(after[at : at + 4])
    return (new - old) & 0xFFFF_FFFF < 1 << 31
