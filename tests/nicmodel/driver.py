"""A small driver, written from docs/nicmodel.md: numbers, not the model's names, so that the manual is tested."""

from __future__ import annotations

import itertools
import struct
from collections.abc import Iterable
from dataclasses import dataclass

from tests.nicmodel.frames import HOST
from wireproof.nicmodel.device import Device
from wireproof.nicmodel.memory import Access, Memory, Right

CTRL, STATUS, TXCTL, RXCTL, MAXFRAME, MACLO, MACHI, OFFLOAD = 0x00, 0x04, 0x10, 0x14, 0x18, 0x20, 0x24, 0x28
TSOCTL, RSCCTL, RSCTIME, VLANCTL, VLANTPID = 0x2C, 0x30, 0x34, 0x38, 0x3C
HASHTYPES, RSSCTL, DEFAULTQ, RSSKEY, RETA, VLANFILTER, FLOW = 0x40, 0x44, 0x48, 0x80, 0x100, 0x200, 0x400
CAUSE, MASK, INTERVAL, DELAY, LATEST, ICTL = 0x80, 0x84, 0x88, 0x8C, 0x90, 0x94
BASELO, BASEHI, LENGTH, HEAD, TAIL, CTL, QSTATUS = 0x00, 0x04, 0x08, 0x0C, 0x10, 0x14, 0x18
TX, RX = 0x00, 0x40
EOP, RS, IXSM, TXSM, TSE, VLE, SVLE = (1 << bit for bit in range(7))
TXCSUM, TSO, USO, TXVLAN, RXCSUM, RSC, RSS, RULES = 1, 2, 4, 8, 0x100, 0x200, 0x400, 0x800
EVERYTHING = 0xF0F
TX_RING, RX_RING, TX_BUFFERS, RX_BUFFERS = 0x1000, 0x20000, 0x80000, 0x200000
SPAN = 0x10000
MEMORY = 0x400000


@dataclass(frozen=True)
class Received:
    """A frame put together from its buffers, with what the last descriptor said."""

    queue: int
    frame: bytes
    count: int
    status: int
    error: int
    hash_type: int
    flow: int
    hash: int
    inner: int
    outer: int
    raw_sum: int


@dataclass(frozen=True)
class Context:
    l2: int = 14
    l3: int = 20
    l4: int = 20
    l4_type: int = 1
    mss: int = 0
    inner: int = 0
    outer: int = 0
    ipv6: int = 0

    def encode(self) -> bytes:
        head = struct.pack("<BBHBBH", self.l2, 0, self.l3, self.l4, self.l4_type, self.mss)
        return head + struct.pack("<HBBBBH", self.inner, bool(self.ipv6) | RS, 2, 0, 0, self.outer)


class Driver:
    """Rings of ``ring`` descriptors for each queue; receive buffers of ``buffer`` octets, all posted."""

    def __init__(
        self,
        defects: Iterable[str] = (),
        queues: int = 4,
        ring: int = 64,
        buffer: int = 2048,
        offload: int = EVERYTHING,
    ) -> None:
        self.memory = Memory(MEMORY)
        self.device = Device(self.memory, queues, defects)
        self.queues, self.ring, self.buffer = queues, ring, buffer
        self.start(offload)

    def start(self, offload: int = EVERYTHING) -> None:
        write = self.device.write
        self.tx_tail, self.tx_clean = [0] * self.queues, [0] * self.queues
        self.rx_tail, self.rx_clean = [0] * self.queues, [0] * self.queues
        self.tx_address = TX_BUFFERS
        self.tx_windows: dict[tuple[int, int], int] = {}
        self.bad_buffers: list[int] = []
        self.parts: list[bytes] = [b""] * self.queues
        for window in self.memory.windows:
            self.memory.close(window.address)
        write(OFFLOAD, offload)
        write(MACLO, int.from_bytes(HOST[:4], "little"))
        write(MACHI, int.from_bytes(HOST[4:], "little"))
        for queue in range(self.queues):
            self._start_queue(queue)
        write(TXCTL, 1)
        write(RXCTL, 0b1001)

    def _start_queue(self, queue: int) -> None:
        for side, base, size in ((TX, self.tx_ring(queue), 16), (RX, self.rx_ring(queue), 32)):
            self.memory.write(base, bytes(self.ring * size))
            self.memory.open(base, self.ring * size, Right.BOTH, f"{'rx' if side else 'tx'} ring {queue}")
            for register, value in ((BASELO, base), (BASEHI, 0), (LENGTH, self.ring), (CTL, 1)):
                self.write(queue, side + register, value)
        self.write(queue, MASK, 0xFF)
        for _ in range(self.ring - 1):
            self.post(queue)
        self.write(queue, RX + TAIL, self.rx_tail[queue])

    def write(self, queue: int, register: int, value: int) -> None:
        self.device.write(0x1000 + 0x100 * queue + register, value)

    def read(self, queue: int, register: int) -> int:
        return self.device.read(0x1000 + 0x100 * queue + register)

    def tx_ring(self, queue: int) -> int:
        return TX_RING + queue * SPAN // 8

    def rx_ring(self, queue: int) -> int:
        return RX_RING + queue * SPAN // 8

    def rx_buffer(self, queue: int, index: int) -> int:
        return RX_BUFFERS + queue * SPAN * 4 + index * (self.buffer + 64)

    def post(self, queue: int) -> None:
        """Put a buffer into the ring at the tail."""
        index, address = self.rx_tail[queue], self.rx_buffer(queue, self.rx_tail[queue])
        self.memory.write(address, b"\xee" * (self.buffer + 1))
        self.memory.open(address, self.buffer, Right.WRITE, f"rx buffer {queue}.{index}")
        self.memory.write(self.rx_ring(queue) + 32 * index, struct.pack("<QH", address, self.buffer) + bytes(22))
        self.rx_tail[queue] = (index + 1) % self.ring

    def push(self, octets: bytes, queue: int = 0) -> int:
        """A raw transmit descriptor at the tail; its place. The doorbell is not rung."""
        index = self.tx_tail[queue]
        self.memory.write(self.tx_ring(queue) + 16 * index, octets)
        self.tx_tail[queue] = (index + 1) % self.ring
        return index

    def push_data(self, data: bytes, command: int, queue: int = 0) -> int:
        address, self.tx_address = self.tx_address, self.tx_address + len(data) + 64
        if self.tx_address > RX_BUFFERS - 0x10000:
            self.tx_address = TX_BUFFERS
        if data:
            self.memory.write(address, data)
            self.memory.open(address, len(data), Right.READ, f"tx buffer {queue}.{self.tx_tail[queue]}")
            self.tx_windows[queue, self.tx_tail[queue]] = address
        return self.push(struct.pack("<QHBBBBH", address, len(data), command, 1, 0, 0, 0), queue)

    def ring_doorbell(self, queue: int = 0) -> None:
        self.write(queue, TX + TAIL, self.tx_tail[queue])

    def send(
        self, frame: bytes, command: int = 0, context: Context | None = None, cuts: Iterable[int] = (), queue: int = 0
    ) -> int:
        """Describe a packet, cut at these places, and ring the doorbell; the place of its last descriptor."""
        if context:
            self.push(context.encode(), queue)
        edges = [0, *sorted({cut for cut in cuts if 0 < cut < len(frame)}), len(frame)]
        last = -1
        for start, end in itertools.pairwise(edges):
            flags = command | RS | (EOP if end == len(frame) else 0)
            last = self.push_data(frame[start:end], flags, queue)
        self.ring_doorbell(queue)
        return last

    def step(self, cycles: int = 30_000) -> None:
        self.device.step(cycles)

    def status(self, index: int, queue: int = 0) -> tuple[int, int]:
        """Status and error of a transmit descriptor."""
        octets = self.memory.read(self.tx_ring(queue) + 16 * index + 12, 2)
        return octets[0], octets[1]

    def clean(self, queue: int = 0) -> list[int]:
        """Take back the transmit buffers that HEAD has passed."""
        taken = []
        while self.tx_clean[queue] != self.read(queue, TX + HEAD):
            index = self.tx_clean[queue]
            if (address := self.tx_windows.pop((queue, index), None)) is not None:
                self.memory.close(address)
            taken.append(index)
            self.tx_clean[queue] = (index + 1) % self.ring
        return taken

    def wire(self) -> list[bytes]:
        return [sent.frame for sent in self.device.transmitted()]

    def poll(self, queue: int | None = None) -> list[Received]:
        """Frames that have been reported, by queue; their buffers are posted again."""
        queues = range(self.queues) if queue is None else [queue]
        return [received for q in queues for received in self._poll(q)]

    def _poll(self, queue: int) -> list[Received]:
        found = []
        while self.rx_clean[queue] != self.rx_tail[queue]:
            index = self.rx_clean[queue]
            raw = self.memory.read(self.rx_ring(queue) + 32 * index + 8, 24)
            length, count, status, error, kind, flow, value, inner, outer, total = struct.unpack_from(
                "<HHBBBBIHHH", raw
            )
            if not status & 1:
                break
            address = self.rx_buffer(queue, index)
            self.memory.close(address)
            self.parts[queue] += self.memory.read(address, length)
            if status & 2:
                frame, self.parts[queue] = self.parts[queue], b""
                found.append(Received(queue, frame, count, status, error, kind, flow, value, inner, outer, total))
            self.rx_clean[queue] = (index + 1) % self.ring
            self.post(queue)
        self.write(queue, RX + TAIL, self.rx_tail[queue])
        return found

    def arrive(self, *frames: bytes, cycles: int = 30_000) -> list[Received]:
        """Frames come from the wire; what the host has after some time."""
        for frame in frames:
            self.device.receive(frame)
        self.step(cycles)
        return self.poll()

    def faults(self) -> list[Access]:
        return list(self.memory.faults)
