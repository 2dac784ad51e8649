"""A simulated network: it loses, reorders, duplicates, delays and spoils datagrams, by a seed."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

from wireproof.reference.clock import VirtualClock


@dataclass(frozen=True, slots=True)
class Faults:
    """Chances for each datagram (0 to 1), and delays in microseconds.

    A reordered datagram takes up to ``late_us`` longer than the others; ``corrupt`` flips one bit.
    """

    loss: float = 0.0
    duplicate: float = 0.0
    reorder: float = 0.0
    corrupt: float = 0.0
    delay_us: int = 5_000
    jitter_us: int = 0
    late_us: int = 20_000


@dataclass(slots=True)
class Counters:
    """What was done to datagrams."""

    sent: int = 0
    lost: int = 0
    duplicated: int = 0
    reordered: int = 0
    corrupted: int = 0
    nobody: int = 0


class Network:
    """Delivers datagrams to whoever has their destination address. The same seed does the same to the same traffic.

    ``tap`` sees each datagram with its fate (``delivered``, ``lost``, ``nobody``) when it is sent.
    """

    def __init__(
        self,
        clock: VirtualClock,
        seed: int = 0,
        faults: Faults | None = None,
        tap: Callable[[int, bytes, str], object] | None = None,
    ):
        self.clock = clock
        self.faults = faults or Faults()
        self.counters = Counters()
        self.tap = tap
        self._random = random.Random(seed)
        self._ports: dict[bytes, Callable[[bytes], None]] = {}

    def attach(self, address: bytes, receive: Callable[[bytes], None]) -> None:
        """Datagrams for ``address`` go to ``receive``."""
        self._ports[address] = receive

    def send(self, packet: bytes, source: bytes) -> None:
        """A datagram enters the network at the port of ``source``."""
        faults, chance, count = self.faults, self._random.random, self.counters
        count.sent += 1
        receive = self._ports.get(packet[16:20] if packet[0] >> 4 == 4 else packet[24:40])
        lost = chance() < faults.loss
        fate = "nobody" if receive is None else "lost" if lost else "delivered"
        if self.tap is not None:
            self.tap(self.clock.now, packet, fate)
        if receive is None:
            count.nobody += 1
            return
        if lost:
            count.lost += 1
            return
        copies = 1
        if chance() < faults.duplicate:
            copies = 2
            count.duplicated += 1
        for _ in range(copies):
            self._deliver(packet, receive)

    def _deliver(self, packet: bytes, receive: Callable[[bytes], None]) -> None:
        faults, draw = self.faults, self._random
        delay = faults.delay_us
        if faults.jitter_us:
            delay += draw.randrange(faults.jitter_us)
        if draw.random() < faults.reorder:
            delay += draw.randrange(1, faults.late_us)
            self.counters.reordered += 1
        if draw.random() < faults.corrupt:
            spoiled = bytearray(packet)
            spoiled[draw.randrange(len(spoiled))] ^= 1 << draw.randrange(8)
            packet = bytes(spoiled)
            self.counters.corrupted += 1
        self.clock.call_at(self.clock.now + delay, lambda: receive(packet))
