"""A host that does anything to a device, and a wire that brings anything: what may never happen, checked throughout.

``python -m tests.nicmodel.hostile 1000000`` does a million manipulations.
"""

from __future__ import annotations

import random
import struct
import sys
import time
from dataclasses import dataclass, replace

from tests.nicmodel.frames import ACK, Tcp, Udp, ipv6, timestamp
from wireproof.nicmodel.device import Device
from wireproof.nicmodel.memory import Memory, Right, Window

SIZE = 1 << 20
TX_RINGS, RX_RINGS, BUFFERS = 0x1000, 0x9000, 0x20000
STATUSES = {(1, 0)} | {(3, error) for error in range(1, 18)}
"""What docs/nicmodel.md says a transmit descriptor's status and error can be."""


@dataclass
class Tally:
    """What a run has seen."""

    manipulations: int = 0
    accesses: int = 0
    faults: int = 0
    sent: int = 0
    messages: int = 0
    received: int = 0
    tx_errors: int = 0


class Hostile:
    """One device, one memory, one seed. Four windows hold rings, some hold buffers, and the rest is out of bounds."""

    def __init__(self, seed: int, defects: tuple[str, ...] = ()) -> None:
        self.chance = random.Random(seed)
        self.memory = Memory(SIZE)
        self.device = Device(self.memory, 2, defects)
        self.offsets = sorted(self.device.registers)
        self.tally = Tally()
        for queue in range(2):
            self.memory.open(TX_RINGS + queue * 0x2000, 0x400, Right.BOTH, f"tx {queue}")
            self.memory.open(RX_RINGS + queue * 0x2000, 0x800, Right.BOTH, f"rx {queue}")
        for index in range(16):
            right = self.chance.choice([Right.READ, Right.WRITE, Right.BOTH])
            self.memory.open(BUFFERS + index * 0x4000, self.chance.choice([64, 1000, 2048, 16384]), right, "buffer")
        self.shadow = bytearray(self.memory.read(0, SIZE))
        """What memory must hold outside windows: nothing but the host writes there."""
        self.actions = [
            self.poke,
            self.poke,
            self.configure,
            self.enable,
            self.doorbell,
            self.doorbell,
            self.transmit_descriptor,
            self.transmit_descriptor,
            self.transmit_descriptor,
            self.receive_descriptor,
            self.frame,
            self.frame,
            self.window,
            self.peek,
        ]

    def run(self, manipulations: int) -> Tally:
        self.configure()
        self.enable()
        for number in range(manipulations):
            self.chance.choice(self.actions)()
            if self.chance.random() < 0.3:
                self.device.step(self.chance.choice([1, 7, 40, 300, 3000]))
            if number % 64 == 63:
                self.inspect()
        self.device.step(5000)
        self.inspect()
        self.tally.manipulations += manipulations
        return self.tally

    # What the host does.

    def address(self) -> int:
        draw = self.chance
        inside = BUFFERS + draw.randrange(16) * 0x4000
        return draw.choice([inside, inside, inside, inside + draw.randrange(3000), draw.randrange(SIZE), 2**64 - 9])

    def poke(self) -> None:
        value = self.chance.choice([0, 1, 0xFFFFFFFF, 1 << self.chance.randrange(32), self.chance.getrandbits(32)])
        offset = self.chance.choice(self.offsets) + self.chance.choice([0, 0, 0, 1, 0x1000])
        if offset == 0 and self.chance.random() < 0.9:
            return  # a reset now and then will do
        self.device.write(offset, value)

    def configure(self) -> None:
        """Something that works, so that the manipulations after it meet a device at work."""
        write = self.device.write
        for queue in range(2):
            for side, base in ((0, TX_RINGS), (0x40, RX_RINGS)):
                start = 0x1000 + 0x100 * queue + side
                write(start, base + queue * 0x2000)
                write(start + 4, 0)
                write(start + 8, 64)
            write(0x1084 + 0x100 * queue, 0xFF)
        for offset, value in ((0x10, 1), (0x14, 0xF), (0x18, 1514), (0x28, 0xF0F), (0x48, 0), (0x38, 3), (0, 0)):
            write(offset, value)

    def enable(self) -> None:
        for start in (0x1014, 0x1054, 0x1114, 0x1154):
            self.device.write(start, 1)

    def doorbell(self) -> None:
        start = 0x1000 + 0x100 * self.chance.randrange(2) + self.chance.choice([0, 0x40])
        near = self.device.read(start + 0xC) + self.chance.randrange(40)
        self.device.write(start + 0x10, near % 64 if self.chance.random() < 0.95 else self.chance.getrandbits(16))

    def store(self, address: int, data: bytes) -> None:
        self.memory.write(address, data)
        self.shadow[address : address + len(data)] = data

    def transmit_descriptor(self) -> None:
        draw = self.chance
        if draw.random() < 0.3:
            octets = self.context()
        else:
            length = draw.choice([0, 1, 54, 60, 300, 1514, 9000, 16384, 16385, 65535, draw.randrange(2000)])
            kind = draw.choice([1, 1, 1, 1, 1, 2, 0, draw.randrange(256)])
            command = draw.choice([draw.getrandbits(8), draw.getrandbits(7), 3, 3, 0x13, 0xF])
            octets = struct.pack("<QHBBBBH", self.address(), length, command, kind, 0, 0, draw.random() < 0.02)
        if draw.random() < 0.05:
            octets = draw.randbytes(16)
        if draw.random() < 0.3:
            self.fill()
        self.store(TX_RINGS + draw.randrange(2) * 0x2000 + 16 * draw.randrange(64), octets)

    def context(self) -> bytes:
        draw = self.chance
        kind = draw.choice([1, 1, 2, 3, 0, 9])
        l4 = draw.choice([20, 20, 8, 32, 60, 0, 255])
        l3 = draw.choice([20, 20, 40, 48, 24, 0, 65535])
        head = struct.pack(
            "<BBHBBH", draw.choice([14, 14, 18, 0, 255]), 0, l3, l4, kind, draw.choice([0, 1, 100, 1460, 65535])
        )
        return head + struct.pack(
            "<HBBBBH", draw.getrandbits(16), draw.choice([0, 2, 3]), 2, 0, 0, draw.getrandbits(16)
        )

    def fill(self) -> None:
        """A frame, in a buffer from which it may be sent."""
        octets = self.some_frame()[:16384]
        self.store(BUFFERS + self.chance.randrange(16) * 0x4000, octets)

    def receive_descriptor(self) -> None:
        draw = self.chance
        length = draw.choice([0, 1, 64, 1000, 2048, 16384, 16385, 65535])
        place = RX_RINGS + draw.randrange(2) * 0x2000 + 32 * draw.randrange(64)
        self.store(place, struct.pack("<QH", self.address(), length) + draw.randbytes(22))

    def window(self) -> None:
        """A buffer is closed and opened again with other rights and another length."""
        address = BUFFERS + self.chance.randrange(16) * 0x4000
        self.inspect()
        self.memory.close(address)
        right = self.chance.choice([Right.READ, Right.WRITE, Right.BOTH])
        self.memory.open(address, self.chance.choice([1, 64, 1000, 2048, 16384]), right, "buffer")

    def peek(self) -> None:
        value = self.device.read(self.chance.choice([*self.offsets[:9], self.chance.randrange(0x3000)]))
        assert 0 <= value <= 0xFFFFFFFF

    # What the wire brings.

    def some_frame(self) -> bytes:
        draw = self.chance
        packet: Tcp = draw.choice([Tcp, Tcp, Udp])(
            draw.randbytes(draw.choice([0, 1, 6, 100, 500, 1400])),
            ports=(draw.randrange(3), 80),
            sequence=draw.choice([1000, 1100, 1200, draw.getrandbits(32)]),
            flags=draw.choice([ACK, ACK, ACK, draw.getrandbits(8)]),
            options=draw.choice([b"", timestamp(7), b"\1" * 40]),
            ip_options=draw.choice([b"", b"", b"\x83\3\4\0", b"\x44\0\0\0"]),
            tags=draw.choice([(), (), ((0x8100, 5),), ((0x88A8, 5), (0x8100, 6))]),
            fragment=draw.choice([0, 0, 0, 0x2000, 9]),
            seed=draw.choice([None, None, 1]),
        )
        if draw.random() < 0.4:
            packet = replace(ipv6(packet), extensions=draw.choice([b"", draw.randbytes(8)]))
        octets = bytearray(packet.frame() + bytes(draw.choice([0, 0, 6])))
        for _ in range(draw.choice([0, 0, 0, 1, 3])):
            octets[draw.randrange(len(octets))] = draw.getrandbits(8)
        return bytes(octets[: draw.choice([len(octets)] * 4 + [draw.randrange(70)])])

    def frame(self) -> None:
        for _ in range(self.chance.choice([1, 1, 4])):
            self.device.receive(self.some_frame() if self.chance.random() < 0.9 else self.chance.randbytes(80))
            self.tally.received += 1

    # What must hold.

    def inspect(self) -> None:
        """Everything since the last call lay in windows; memory outside them is the host's."""
        windows = self.memory.windows
        for access in self.memory.accesses:
            self.tally.accesses += 1
            if access.fault:
                self.tally.faults += 1
                continue
            assert any(inside(w, access.address, access.length) and access.right in w.right for w in windows), access
            self.check_status(access.right, access.address, access.length)
        self.memory.accesses.clear()
        self.memory.faults.clear()
        self.compare(windows)
        self.tally.sent += len(self.device.transmitted())
        self.tally.messages += len(self.device.interrupts())

    def check_status(self, right: Right, address: int, length: int) -> None:
        """A write to a transmit ring is a documented status."""
        if right is Right.WRITE and length == 2 and TX_RINGS <= address < RX_RINGS:
            status, error = self.memory.read(address, 2)
            written_over = self.shadow[address : address + 2] == bytes([status, error])
            assert written_over or (status, error) in STATUSES, (status, error)
            self.tally.tx_errors += status == 3

    def compare(self, windows: tuple[Window, ...]) -> None:
        at = 0
        for window in windows:
            assert self.memory.read(at, window.address - at) == self.shadow[at : window.address]
            at = window.address + window.length
            if Right.WRITE in window.right:
                self.shadow[window.address : at] = self.memory.read(window.address, window.length)
            else:
                assert self.memory.read(window.address, window.length) == self.shadow[window.address : at]
        assert self.memory.read(at, SIZE - at) == self.shadow[at:]


def inside(window: Window, address: int, length: int) -> bool:
    return window.address <= address and address + length <= window.address + window.length


def main(manipulations: int) -> None:
    """Runs of 20,000, each with its own seed."""
    total, start = Tally(), time.monotonic()
    for seed in range(-(-manipulations // 20_000)):
        tally = Hostile(seed).run(min(20_000, manipulations - total.manipulations))
        for name, value in vars(tally).items():
            setattr(total, name, getattr(total, name) + value)
        print(f"seed {seed}: {total}", file=sys.stderr)
    print(f"{total} in {time.monotonic() - start:.0f} s")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
