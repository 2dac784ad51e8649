"""The way into host memory: buffers are taken from a receive ring, filled, and reported."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field, replace

from wireproof.nicmodel.arrival import Arrival
from wireproof.nicmodel.interrupts import Interrupts
from wireproof.nicmodel.registers import RX, Cause, RegisterFile
from wireproof.nicmodel.rings import (
    RX_WRITTEN,
    Bus,
    Ring,
    RxBuffer,
    RxError,
    RxReport,
    RxStatus,
    decode_buffer,
)
from wireproof.nicmodel.schedule import WRITE_BACK, Schedule
from wireproof.nicmodel.statistics import Counter, Statistics


@dataclass(slots=True)
class _Queue:
    ring: Ring
    generation: int = 0
    buffers: deque[RxBuffer] = field(default_factory=deque)
    """Fetched and not used."""


class Deliverer:
    """The receive rings of all queues."""

    def __init__(
        self,
        registers: RegisterFile,
        bus: Bus,
        schedule: Schedule,
        interrupts: Interrupts,
        statistics: Statistics,
        queues: int,
        defects: frozenset[str],
    ) -> None:
        self._bus = bus
        self._schedule = schedule
        self._interrupts = interrupts
        self._statistics = statistics
        self._defects = defects
        self._queues = [
            _Queue(Ring(registers, bus, queue, RX, defects, lambda: None, self._stopped)) for queue in range(queues)
        ]

    def reset(self) -> None:
        for queue in self._queues:
            if "reset-leaves-write-backs" not in self._defects:
                queue.ring.generation += 1
            queue.buffers.clear()

    def _stopped(self, queue: int) -> None:
        self._interrupts.signal(queue, Cause.STOPPED)

    def deliver(self, arrival: Arrival, report: RxReport) -> None:
        """Write the frame to its queue's buffers, or drop it: nothing is written unless all of it has room."""
        number = arrival.steering.queue
        if number >= len(self._queues) or not self._queues[number].ring.enabled:
            self._miss()
            return
        queue = self._queues[number]
        if queue.generation != queue.ring.generation:
            queue.buffers.clear()
            queue.generation = queue.ring.generation
        room = self._room(queue, len(arrival.frame))
        if queue.ring.enabled:  # the fetch of a descriptor may have stopped it
            self._return_malformed(queue)
        if not queue.ring.enabled or (not room and not self._may_cut(queue)):
            self._miss()
            self._interrupts.signal(number, Cause.RX_EMPTY)
            return
        self._fill(queue, arrival.frame, report)

    def _may_cut(self, queue: _Queue) -> bool:
        return "rx-truncates" in self._defects and any(buffer.capacity for buffer in queue.buffers)

    def _miss(self) -> None:
        if "statistics-drops-lost" not in self._defects:
            self._statistics.add(Counter.RX_MISSED)

    def _room(self, queue: _Queue, length: int) -> bool:
        """Fetch until the buffers hold so many octets; False when the host has not posted enough."""
        capacity = sum(buffer.capacity for buffer in queue.buffers)
        while capacity < length:
            full = len(queue.buffers) >= queue.ring.length
            if full or (fetched := queue.ring.fetch_next()) is None:
                return False
            buffer = decode_buffer(*fetched)
            queue.buffers.append(buffer)
            capacity += buffer.capacity
        return True

    def _return_malformed(self, queue: _Queue) -> None:
        """Descriptors in front that cannot hold anything go back at once, or a ring full of them would stand still."""
        while queue.buffers and not queue.buffers[0].capacity:
            self._reject(queue, queue.buffers.popleft())

    def _reject(self, queue: _Queue, buffer: RxBuffer) -> None:
        self._report(queue, buffer, RxReport(0, error=RxError.BAD_LENGTH))

    def _fill(self, queue: _Queue, frame: bytes, report: RxReport) -> None:
        """Buffers in ring order; the last has the frame's report."""
        at = 0
        while at < len(frame) and queue.buffers:
            buffer = queue.buffers.popleft()
            part = frame[at : at + buffer.capacity]
            if not part:
                self._reject(queue, buffer)
                continue
            at += len(part)
            whole = at == len(frame) or not queue.buffers
            own = replace(report, length=len(part)) if whole else RxReport(len(part))
            if not self._write(queue, buffer, part, own):
                return
        self._statistics.add(Counter.RX_FRAMES)
        self._statistics.add(Counter.RX_OCTETS, len(frame))

    def _write(self, queue: _Queue, buffer: RxBuffer, part: bytes, report: RxReport) -> bool:
        """Data, and later its report; a buffer that the bus refuses ends the frame with an error."""
        if "rx-completed-early" in self._defects:
            queue.ring.write_back(buffer.index, RX_WRITTEN, report.encode())
        if "dma-write-one-over" in self._defects:
            part += b"\0"
        if not self._bus.write(buffer.address, part):
            self._report(queue, buffer, RxReport(0, status=RxStatus.DONE | RxStatus.EOP, error=RxError.BUS_FAULT))
            return False
        if "rx-length-with-fcs" in self._defects and RxStatus.EOP in report.status:
            report = replace(report, length=report.length + 4)
        self._report(queue, buffer, report)
        return True

    def _report(self, queue: _Queue, buffer: RxBuffer, report: RxReport) -> None:
        generation = queue.ring.generation
        if "interrupt-before-write-back" in self._defects:
            self._signal(queue, report)
        self._schedule.after(WRITE_BACK, lambda: self._write_back(queue, generation, buffer.index, report))
        if "rx-completed-twice" in self._defects:
            self._schedule.after(4 * WRITE_BACK, lambda: self._write_again(queue, generation, buffer.index, report))

    def _write_again(self, queue: _Queue, generation: int, index: int, report: RxReport) -> None:
        if generation == queue.ring.generation:
            queue.ring.write_back(index, RX_WRITTEN, report.encode())

    def _write_back(self, queue: _Queue, generation: int, index: int, report: RxReport) -> None:
        if generation != queue.ring.generation or not queue.ring.write_back(index, RX_WRITTEN, report.encode()):
            return
        queue.ring.advance(index)
        if report.error & (RxError.BAD_LENGTH | RxError.BUS_FAULT):
            self._statistics.add(Counter.RX_ERRORS)
        if "interrupt-before-write-back" not in self._defects:
            self._signal(queue, report)

    def _signal(self, queue: _Queue, report: RxReport) -> None:
        failed = report.error & (RxError.BAD_LENGTH | RxError.BUS_FAULT)
        cause = Cause.RX_ERROR if failed else Cause(0)
        if RxStatus.EOP in report.status:
            cause |= Cause.RX_DONE
        if cause:
            self._interrupts.signal(queue.ring.queue, cause)
