"""The device's clock and what is to happen when. One cycle is the time in which the wire carries 8 octets."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable

FETCH = 4
"""Cycles to fetch a descriptor."""
WRITE_BACK = 8
"""Cycles from the last access to a buffer until its descriptor's status is written."""
RESET = 64
"""Cycles that a reset takes."""
WIRE_GAP = 3
"""Cycles between two frames on the wire: preamble, check sequence and gap, 24 octets."""
FIFO = 8192
"""Cycles of frames that wait for the wire before the transmitter stops to fetch: 64 KiB."""


def transfer(octets: int) -> int:
    """Cycles that the bus or the wire is busy with so many octets."""
    return (octets + 7) // 8


class Schedule:
    """Actions in order of cycle, then of request: no two runs differ."""

    def __init__(self) -> None:
        self.now = 0
        self._waiting: list[tuple[int, int, Callable[[], None]]] = []
        self._order = itertools.count()

    def at(self, cycle: int, action: Callable[[], None]) -> None:
        """Do it at that cycle, or at once when the cycle has passed."""
        heapq.heappush(self._waiting, (max(cycle, self.now), next(self._order), action))

    def after(self, cycles: int, action: Callable[[], None]) -> None:
        self.at(self.now + cycles, action)

    def run(self, until: int) -> None:
        """Advance to that cycle; every action sees its own cycle as ``now``."""
        while self._waiting and self._waiting[0][0] <= until:
            self.now, _, action = heapq.heappop(self._waiting)
            action()
        self.now = max(self.now, until)

    def next(self) -> int | None:
        """The cycle of the next action; None when nothing is left to do."""
        return self._waiting[0][0] if self._waiting else None

    def clear(self) -> None:
        self._waiting.clear()
