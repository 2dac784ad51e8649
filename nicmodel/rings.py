"""Descriptor rings: layouts in memory, and the state of a ring on the device's side."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum, IntFlag

from wireproof.nicmodel.memory import Memory
from wireproof.nicmodel.registers import (
    BASEHI,
    BASELO,
    HEAD,
    LENGTH,
    QCTL,
    QSTATUS,
    RX,
    TAIL,
    TX,
    QStatus,
    RegisterFile,
    of_queue,
)
from wireproof.nicmodel.schedule import Schedule

TX_SIZE, RX_SIZE = 16, 32
"""Octets of a descriptor."""
SHORTEST, LONGEST = 8, 4096
"""Descriptors in a ring."""
MOST_OCTETS = 16384
"""Of one buffer."""
MOST_DESCRIPTORS = 64
"""Of one packet."""
TX_STATUS = 12
"""Where status and error are in a transmit descriptor."""
RX_WRITTEN = 8
"""Where the write-back of a receive descriptor starts."""

DATA, CONTEXT = 1, 2
"""Types of transmit descriptors."""


class Command(IntFlag):
    """Octet 10 of a data descriptor; of a context descriptor IPV6 and RS."""

    NONE = 0
    EOP = 1 << 0
    RS = 1 << 1
    IP_CHECKSUM = 1 << 2
    L4_CHECKSUM = 1 << 3
    SEGMENT = 1 << 4
    INNER_TAG = 1 << 5
    OUTER_TAG = 1 << 6


CONTEXT_IPV6 = 1 << 0


class L4(IntEnum):
    NONE = 0
    TCP = 1
    UDP = 2
    GENERIC = 3


class TxStatus(IntFlag):
    DONE = 1 << 0
    ERROR = 1 << 1


class TxError(IntEnum):
    """Why a packet was not sent."""

    NONE = 0
    BAD_TYPE = 1
    RESERVED_BITS = 2
    ZERO_LENGTH = 3
    BUFFER_TOO_LONG = 4
    BUS_FAULT = 5
    NO_EOP = 6
    TOO_MANY_DESCRIPTORS = 7
    CONTEXT_IN_PACKET = 8
    NO_CONTEXT = 9
    BAD_CONTEXT = 10
    BAD_MSS = 11
    HEADER_BEYOND_FRAME = 12
    HEADER_MISMATCH = 13
    BAD_FLAGS = 14
    FRAME_TOO_SHORT = 15
    FRAME_TOO_LONG = 16
    OFFLOAD_DISABLED = 17


class RxStatus(IntFlag):
    DONE = 1 << 0
    EOP = 1 << 1
    INNER_TAG = 1 << 2
    OUTER_TAG = 1 << 3
    IP_CHECKED = 1 << 4
    L4_CHECKED = 1 << 5
    RAW_SUM = 1 << 6
    COALESCED = 1 << 7


class RxError(IntFlag):
    """Bits 0 and 1 are about the frame, 4 and 5 about the descriptor."""

    NONE = 0
    IP_CHECKSUM = 1 << 0
    L4_CHECKSUM = 1 << 1
    BAD_LENGTH = 1 << 4
    BUS_FAULT = 1 << 5


FLOW_RULE, FLOW_FIXED_ID = 1 << 7, 1 << 6
"""A flow rule matched; several frames were merged and had one IPv4 identification."""


@dataclass(frozen=True, slots=True)
class TxData:
    address: int
    length: int
    command: Command
    type: int
    reserved: int


@dataclass(frozen=True, slots=True)
class TxContext:
    l2: int
    l3: int
    l4: int
    l4_type: int
    mss: int
    inner: int
    outer: int
    ipv6: bool
    rs: bool


def decode_data(octets: bytes) -> TxData:
    """Any type but CONTEXT is read as data, so that its EOP ends the packet that it spoils."""
    address, length, command, kind, _, _, reserved = struct.unpack("<QHBBBBH", octets)
    return TxData(address, length, Command(command & 0x7F), kind, reserved | command & 0x80)


def decode_context(octets: bytes) -> TxContext:
    l2, _, l3, l4, l4_type, mss, inner, flags, _, _, _, outer = struct.unpack("<BBHBBHHBBBBH", octets)
    return TxContext(l2, l3, l4, l4_type, mss, inner, outer, bool(flags & CONTEXT_IPV6), bool(flags & Command.RS))


@dataclass(frozen=True, slots=True)
class RxBuffer:
    """A receive descriptor as fetched. What is malformed has ``capacity`` 0."""

    index: int
    address: int
    capacity: int


def decode_buffer(index: int, octets: bytes) -> RxBuffer:
    address, length = struct.unpack_from("<QH", octets)
    return RxBuffer(index, address, length if length <= MOST_OCTETS else 0)


@dataclass(frozen=True, slots=True)
class RxReport:
    """The 24 octets of a receive write-back."""

    length: int
    count: int = 0
    status: RxStatus = RxStatus.DONE
    error: RxError = RxError.NONE
    hash_type: int = 0
    flow: int = 0
    """FLOW_RULE with the rule's number in bits 3:0, and FLOW_FIXED_ID."""
    hash: int = 0
    inner: int = 0
    outer: int = 0
    raw_sum: int = 0

    def encode(self) -> bytes:
        return struct.pack(
            "<HHBBBBIHHHHI",
            self.length & 0xFFFF,
            self.count,
            self.status,
            self.error,
            self.hash_type,
            self.flow,
            self.hash,
            self.inner,
            self.outer,
            self.raw_sum,
            0,
            0,
        )


class Bus:
    """The device's port to host memory; stamps each access with the cycle and counts faults."""

    def __init__(self, memory: Memory, schedule: Schedule, on_fault: Callable[[], None]) -> None:
        self._memory = memory
        self._schedule = schedule
        self._on_fault = on_fault

    def read(self, address: int, length: int) -> bytes | None:
        octets = self._memory.device_read(address, length, self._schedule.now)
        if octets is None:
            self._on_fault()
        return octets

    def write(self, address: int, data: bytes) -> bool:
        done = self._memory.device_write(address, data, self._schedule.now)
        if not done:
            self._on_fault()
        return done


class Ring:
    """One ring. The device fetches at ``fetch``; HEAD, which the host sees, follows when status is written."""

    def __init__(
        self,
        registers: RegisterFile,
        bus: Bus,
        queue: int,
        side: int,
        defects: frozenset[str],
        kick: Callable[[], None],
        stopped: Callable[[int], None],
    ) -> None:
        if side not in (TX, RX):
            raise ValueError(f"a ring is TX or RX, not {side}")
        self.queue = queue
        self._registers = registers
        self._bus = bus
        self._start = of_queue(side, queue)
        self._size = TX_SIZE if side == TX else RX_SIZE
        self._defects = defects
        self._kick = kick
        self._stopped = stopped
        self.fetch = 0
        self.base = 0
        self.length = SHORTEST
        """Base and length are latched when the ring is enabled."""
        self.generation = 0
        """Changes whenever the ring stops or starts, so that what was under way can tell."""
        registers.on_write[self._start + QCTL] = self._control
        registers.on_write[self._start + TAIL] = self._doorbell

    def _get(self, register: int) -> int:
        return self._registers.get(self._start + register)

    @property
    def enabled(self) -> bool:
        return bool(self._get(QCTL) & 1)

    @property
    def available(self) -> int:
        """Descriptors that the host has posted and the device has not fetched."""
        return (self._get(TAIL) - self.fetch) % self.length if self.enabled else 0

    def address(self, index: int) -> int:
        return self.base + index * self._size

    def following(self, index: int) -> int:
        last = self.length - 1 if "ring-last-skipped" in self._defects else self.length
        return (index + 1) % last

    def fetch_next(self) -> tuple[int, bytes] | None:
        """The next descriptor and its place; None when there is none, or after a bus fault, which stops the ring."""
        if not self.available:
            return None
        index = self.fetch
        if (octets := self._bus.read(self.address(index), self._size)) is None:
            self.stop(QStatus.FAULT)
            return None
        self.fetch = self.following(index)
        return index, octets

    def write_back(self, index: int, offset: int, data: bytes) -> bool:
        if self._bus.write(self.address(index) + offset, data):
            return True
        self.stop(QStatus.FAULT)
        return False

    def advance(self, index: int) -> None:
        """HEAD moves past a descriptor."""
        self._registers.set(self._start + HEAD, self.following(index))

    def stop(self, reason: QStatus) -> None:
        """The queue is off and says why; nothing of it is touched from here on."""
        status = self._start + QSTATUS
        self._registers.set(status, self._registers.get(status) | reason)
        self._registers.set(self._start + QCTL, 0)
        self.generation += 1
        self._stopped(self.queue)

    def _control(self, old: int, new: int) -> None:
        if old == new:
            return
        self.generation += 1
        if not new:
            return
        self.fetch = 0
        self._registers.set(self._start + HEAD, 0)
        self._registers.set(self._start + TAIL, 0)
        base, length = self._get(BASEHI) << 32 | self._get(BASELO), self._get(LENGTH)
        if not SHORTEST <= length <= LONGEST or length % 8 or base % 16:
            self.stop(QStatus.BAD_RING)
        else:
            self.base, self.length = base, length

    def _doorbell(self, _old: int, new: int) -> None:
        if not self.enabled:
            return
        if new >= self.length:
            self.stop(QStatus.BAD_TAIL)
        else:
            self._kick()
