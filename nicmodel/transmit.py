"""The transmit side: descriptors are fetched, packets gathered, frames sent, status written back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from wireproof.nicmodel.interrupts import Interrupts
from wireproof.nicmodel.packets import Framer, Packet
from wireproof.nicmodel.registers import TX, TXCTL, Cause, RegisterFile, TxCtl
from wireproof.nicmodel.rings import (
    CONTEXT,
    TX_STATUS,
    Bus,
    Command,
    Ring,
    TxContext,
    TxData,
    TxError,
    TxStatus,
    decode_context,
    decode_data,
)
from wireproof.nicmodel.schedule import FETCH, FIFO, WIRE_GAP, WRITE_BACK, Schedule, transfer
from wireproof.nicmodel.statistics import Counter, Statistics

LEAST_FRAME = 60
EARLY_HEAD = 64
"""Cycles between HEAD and status in a device with that defect."""


@dataclass(slots=True)
class _Queue:
    ring: Ring
    generation: int = 0
    context: TxContext | None = None
    packet: Packet = field(default_factory=Packet)


class Transmitter:
    """One fetch unit for all queues, in turn, a descriptor at a time; one wire."""

    def __init__(
        self,
        registers: RegisterFile,
        bus: Bus,
        schedule: Schedule,
        interrupts: Interrupts,
        statistics: Statistics,
        queues: int,
        send: Callable[[bytes], None],
        defects: frozenset[str],
    ) -> None:
        self._registers = registers
        self._bus = bus
        self._schedule = schedule
        self._interrupts = interrupts
        self._statistics = statistics
        self._send = send
        self._defects = defects
        self._framer = Framer(registers, defects)
        self._queues = [
            _Queue(Ring(registers, bus, queue, TX, defects, self.kick, self._stopped)) for queue in range(queues)
        ]
        self._turn = 0
        self._running = False
        self._wire_free = 0
        registers.on_write[TXCTL] = lambda _old, _new: self.kick()

    def reset(self) -> None:
        self._running = False
        self._wire_free = self._schedule.now
        for queue in self._queues:
            if "reset-leaves-write-backs" not in self._defects:
                queue.ring.generation += 1
            self._forget(queue)

    def kick(self) -> None:
        """There may be work."""
        if not self._running:
            self._running = True
            self._schedule.after(FETCH, self._step)

    def _stopped(self, queue: int) -> None:
        self._interrupts.signal(queue, Cause.STOPPED)

    def _forget(self, queue: _Queue) -> None:
        queue.context, queue.packet, queue.generation = None, Packet(), queue.ring.generation

    def _next_queue(self) -> _Queue | None:
        """The next queue in turn that has a descriptor posted."""
        if not self._registers.get(TXCTL) & TxCtl.ENABLE:
            return None
        count = len(self._queues)
        for step in range(1, count + 1):
            queue = self._queues[(self._turn + step) % count]
            if queue.ring.available:
                self._turn = (self._turn + step) % count
                return queue
        return None

    def _step(self) -> None:
        """One descriptor, if there is one and the wire is not too far behind."""
        backlog = self._wire_free - self._schedule.now - FIFO
        if backlog > 0:
            self._schedule.after(backlog, self._step)
            return
        if (queue := self._next_queue()) is None:
            self._running = False
            return
        octets = self._descriptor(queue)
        self._schedule.after(FETCH + transfer(octets), self._step)

    def _descriptor(self, queue: _Queue) -> int:
        """Fetch and do one descriptor; the octets that were read for it."""
        if queue.generation != queue.ring.generation:
            self._forget(queue)
        if (fetched := queue.ring.fetch_next()) is None:
            return 0
        index, raw = fetched
        if raw[11] == CONTEXT and not queue.packet.entries:
            self._load_context(queue, index, raw)
            return 0
        descriptor = decode_data(raw)
        before = len(queue.packet.data)
        self._gather(queue, index, descriptor)
        read = len(queue.packet.data) - before
        if self._is_last(queue, descriptor):
            self._finish(queue)
        return read

    def _load_context(self, queue: _Queue, index: int, raw: bytes) -> None:
        queue.context = decode_context(raw)
        self._complete(queue, [(index, queue.context.rs)], TxError.NONE)

    def _gather(self, queue: _Queue, index: int, descriptor: TxData) -> None:
        packet = queue.packet
        packet.take(index, descriptor)
        if descriptor.type == CONTEXT:
            packet.spoil(TxError.CONTEXT_IN_PACKET)
        packet.examine(descriptor, queue.ring.length)
        if packet.error is not TxError.NONE:
            return
        if "tx-completed-early" in self._defects and Command.RS in descriptor.command:
            queue.ring.write_back(index, TX_STATUS, bytes([TxStatus.DONE, 0]))
        more = 1 if "dma-read-one-over" in self._defects else 0
        octets = self._bus.read(descriptor.address, descriptor.length + more)
        if octets is None:
            packet.spoil(TxError.BUS_FAULT)
        else:
            packet.data += octets[: descriptor.length]

    def _is_last(self, queue: _Queue, descriptor: TxData) -> bool:
        if Command.EOP in descriptor.command or len(queue.packet.entries) >= queue.ring.length - 1:
            return True
        return "doorbell-splits-packet" in self._defects and not queue.ring.available

    def _finish(self, queue: _Queue) -> None:
        packet, queue.packet = queue.packet, Packet()
        made = self._framer.frames(packet, queue.context)
        error = TxError.NONE
        if isinstance(made, TxError):
            error = made
        else:
            self._put(made, Command.SEGMENT in packet.command)
        self._complete(queue, packet.entries, error)

    def _put(self, frames: list[bytes], segmented: bool) -> None:
        """Queue the frames for the wire."""
        if segmented:
            self._statistics.add(Counter.TSO_PACKETS)
            self._statistics.add(Counter.TSO_SEGMENTS, len(frames))
        for number, frame in enumerate(frames):
            if self._registers.get(TXCTL) & TxCtl.PAD:
                frame = frame.ljust(LEAST_FRAME, b"\0")
            self._wire_free = max(self._wire_free, self._schedule.now) + transfer(len(frame)) + WIRE_GAP
            counts = number == 0 or "statistics-tso-once" not in self._defects
            self._schedule.at(self._wire_free, partial(self._leave, frame, counts))

    def _leave(self, frame: bytes, counts: bool) -> None:
        self._statistics.add(Counter.TX_FRAMES, int(counts))
        tag = 4 if "statistics-octets-before-tag" in self._defects and frame[12:14] in (b"\x81\0", b"\x88\xa8") else 0
        self._statistics.add(Counter.TX_OCTETS, len(frame) - tag)
        self._send(frame)

    def _complete(self, queue: _Queue, entries: list[tuple[int, bool]], error: TxError) -> None:
        """Arrange for status, HEAD and interrupt, in this order."""
        generation, delay = queue.ring.generation, WRITE_BACK
        if "head-before-write-back" in self._defects:
            queue.ring.advance(entries[-1][0])
            delay = EARLY_HEAD
        if "interrupt-before-write-back" in self._defects:
            self._signal(queue, entries, error)
        self._schedule.after(delay, lambda: self._write_back(queue, generation, entries, error))
        if "tx-completed-twice" in self._defects and error is TxError.NONE:
            self._schedule.after(4 * delay, partial(self._write_again, queue, generation, entries))

    def _write_back(self, queue: _Queue, generation: int, entries: list[tuple[int, bool]], error: TxError) -> None:
        if not self._write_status(queue, generation, entries, error):
            return
        queue.ring.advance(entries[-1][0])
        if error is not TxError.NONE:
            self._statistics.add(Counter.TX_ERRORS)
        if "interrupt-before-write-back" not in self._defects:
            self._signal(queue, entries, error)

    def _write_again(self, queue: _Queue, generation: int, entries: list[tuple[int, bool]]) -> None:
        self._write_status(queue, generation, entries, TxError.NONE)

    def _write_status(self, queue: _Queue, generation: int, entries: list[tuple[int, bool]], error: TxError) -> bool:
        """False when the ring has stopped before or by it."""
        if generation != queue.ring.generation:
            return False
        for index, asked in entries:
            failed = error is not TxError.NONE and index == entries[-1][0]
            if failed and "tx-error-silent" in self._defects:
                continue
            status = TxStatus.DONE | (TxStatus.ERROR if failed else TxStatus(0))
            octets = bytes([status, error if failed else 0])
            if (asked or failed) and not queue.ring.write_back(index, TX_STATUS, octets):
                return False
        return True

    def _signal(self, queue: _Queue, entries: list[tuple[int, bool]], error: TxError) -> None:
        cause = Cause.TX_DONE if any(asked for _, asked in entries) else Cause(0)
        if error is not TxError.NONE:
            cause |= Cause.TX_DONE | Cause.TX_ERROR
        if cause:
            self._interrupts.signal(queue.ring.queue, cause)
