"""The network interface: registers, wire and clock. docs/nicmodel.md is its programmer's manual.

No threads and no random choice: the same calls give the same accesses, frames and messages in the same cycles.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from wireproof.nicmodel.defects import chosen
from wireproof.nicmodel.delivery import Deliverer
from wireproof.nicmodel.interrupts import Interrupts, Message
from wireproof.nicmodel.memory import Memory
from wireproof.nicmodel.receive import Receiver
from wireproof.nicmodel.registers import CTRL, MOST_QUEUES, STATUS, Ctrl, RegisterFile, Status, register_map
from wireproof.nicmodel.rings import Bus
from wireproof.nicmodel.schedule import RESET, Schedule
from wireproof.nicmodel.statistics import Counter, Statistics, statistics_map
from wireproof.nicmodel.transmit import Transmitter


@dataclass(frozen=True, slots=True)
class Sent:
    """A frame on the wire, without preamble and check sequence, and the cycle in which its last octet left."""

    cycle: int
    frame: bytes


class Device:
    """A device with ``queues`` pairs of rings on a memory.

    Raises ValueError for a number of queues that cannot be built and for an unknown defect; nothing that the host
    writes or the wire brings raises.
    """

    def __init__(self, memory: Memory, queues: int = 4, defects: Iterable[str] = ()) -> None:
        if not 1 <= queues <= MOST_QUEUES:
            raise ValueError(f"a device has 1 to {MOST_QUEUES} queues, not {queues}")
        self.queues = queues
        self.defects = chosen(defects)
        self._schedule = Schedule()
        self._registers = RegisterFile(iter([*register_map(queues), *statistics_map()]))
        self._statistics = Statistics(self._registers, self.defects)
        self._interrupts = Interrupts(self._registers, self._schedule, queues, self.defects)
        bus = Bus(memory, self._schedule, lambda: self._statistics.add(Counter.BUS_FAULTS))
        parts = (self._registers, bus, self._schedule, self._interrupts, self._statistics, queues)
        self._transmitter = Transmitter(*parts, self._send, self.defects)
        deliverer = Deliverer(*parts, self.defects)
        self._receiver = Receiver(self._registers, self._schedule, self._statistics, deliverer, self.defects)
        self._registers.on_write[CTRL] = self._control
        self._sent: list[Sent] = []

    @property
    def cycle(self) -> int:
        return self._schedule.now

    @property
    def registers(self) -> dict[int, str]:
        """Offset and name of every register."""
        return {offset: register.name for offset, register in self._registers.registers.items()}

    @property
    def next_event(self) -> int | None:
        """The cycle in which the device does something next of its own; None when it waits for host or wire."""
        return self._schedule.next()

    def read(self, offset: int) -> int:
        """The host reads a register: 32 bits."""
        return self._registers.read(offset)

    def write(self, offset: int, value: int) -> None:
        """The host writes a register, of ``value`` the low 32 bits. During a reset nothing is written."""
        if self._registers.get(STATUS) & Status.READY:
            self._registers.write(offset, value & 0xFFFF_FFFF)

    def step(self, cycles: int) -> None:
        """Let time pass. Raises ValueError for a negative number."""
        if cycles < 0:
            raise ValueError(f"time does not run back: {cycles} cycles")
        self._schedule.run(self._schedule.now + cycles)

    def receive(self, frame: bytes) -> None:
        """The wire brings a frame, without preamble and check sequence, in this cycle."""
        if self._registers.get(STATUS) & Status.READY:
            self._receiver.take(frame)

    def transmitted(self) -> list[Sent]:
        """The frames that have left since the last call."""
        taken, self._sent = self._sent, []
        return taken

    def interrupts(self) -> list[Message]:
        """The messages since the last call."""
        return self._interrupts.take()

    def _send(self, frame: bytes) -> None:
        if self._registers.get(CTRL) & Ctrl.LOOPBACK:
            self._receiver.take(frame)
        else:
            self._sent.append(Sent(self._schedule.now, frame))

    def _control(self, _old: int, new: int) -> None:
        if new & Ctrl.RESET:
            self._reset()

    def _reset(self) -> None:
        """All work is dropped, every register has its reset value, and STATUS.READY comes after some cycles."""
        if "reset-leaves-write-backs" not in self.defects:
            self._schedule.clear()
        self._registers.reset()
        self._statistics.reset()
        self._interrupts.reset()
        self._transmitter.reset()
        self._receiver.reset()
        status = self._registers.get(STATUS)
        self._registers.set(STATUS, status & ~int(Status.READY))
        self._schedule.after(RESET, lambda: self._registers.set(STATUS, status))
