"""Until clock.py and network.py are there: small stand-ins of the same interface, for these tests alone."""

from __future__ import annotations

import heapq
import importlib.util
import itertools
import random
import sys
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any


class VirtualClock:
    """Microseconds that pass when told to."""

    def __init__(self) -> None:
        self.now = 0
        self._events: list[list[Any]] = []
        self._order = itertools.count()

    def call_at(self, at: int, fn: Callable[[], object]) -> list[Any]:
        entry = [max(at, self.now), next(self._order), fn]
        heapq.heappush(self._events, entry)
        return entry

    def next_time(self) -> int | None:
        return self._events[0][0] if self._events else None

    def advance_to(self, t: int) -> None:
        while self._events and self._events[0][0] <= t:
            self.now, _, fn = heapq.heappop(self._events)
            fn()
        self.now = max(self.now, t)


@dataclass(frozen=True)
class Faults:
    """Chances for each datagram."""

    loss: float = 0.0
    duplicate: float = 0.0
    reorder: float = 0.0
    corrupt: float = 0.0


class Network:
    """Delivers after 5 ms what the faults leave."""

    def __init__(self, clock: VirtualClock, seed: int = 0, faults: Faults | None = None):
        self.clock = clock
        self.faults = faults or Faults()
        self.random = random.Random(seed)
        self.attached: dict[bytes, Callable[[bytes], None]] = {}

    def attach(self, address: bytes, receive: Callable[[bytes], None]) -> None:
        self.attached[address] = receive

    def send(self, packet: bytes, _source: bytes) -> None:
        faults, chance = self.faults, self.random.random
        receive = self.attached.get(packet[16:20] if packet[0] >> 4 == 4 else packet[24:40])
        if receive is None or chance() < faults.loss:
            return
        for _ in range(2 if chance() < faults.duplicate else 1):
            delay = 5000 + (self.random.randrange(100, 20_000) if chance() < faults.reorder else 0)
            octets = bytearray(packet)
            if chance() < faults.corrupt:
                octets[self.random.randrange(len(octets))] ^= 1 << self.random.randrange(8)
            self.clock.call_at(self.clock.now + delay, lambda p=bytes(octets): receive(p))


for name, contents in {"clock": [VirtualClock], "network": [Network, Faults]}.items():
    full = f"wireproof.reference.{name}"
    if importlib.util.find_spec(full) is None:
        module = ModuleType(full)
        for thing in contents:
            setattr(module, thing.__name__, thing)
        sys.modules[full] = module
