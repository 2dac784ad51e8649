"""A clock that passes only when told to: integer microseconds, callbacks in the order of their times."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable


class VirtualClock:
    """Virtual time. What is due at the same time runs in the order in which it was asked for."""

    def __init__(self) -> None:
        self.now = 0
        self._order = itertools.count()
        self._due: list[tuple[int, int]] = []
        self._calls: dict[int, Callable[[], object]] = {}

    def call_at(self, at: int, fn: Callable[[], object]) -> int:
        """Run ``fn`` at ``at`` (now, when that is past); a number to cancel it by."""
        handle = next(self._order)
        self._calls[handle] = fn
        heapq.heappush(self._due, (max(at, self.now), handle))
        return handle

    def cancel(self, handle: int) -> None:
        """Forget a call; one that has run or was cancelled already is no matter."""
        self._calls.pop(handle, None)

    def next_time(self) -> int | None:
        """When the next call is due, or None."""
        while self._due and self._due[0][1] not in self._calls:
            heapq.heappop(self._due)
        return self._due[0][0] if self._due else None

    def advance_to(self, t: int) -> None:
        """Let time pass to ``t``, running what is due on the way, calls made by calls included."""
        while (at := self.next_time()) is not None and at <= t:
            _, handle = heapq.heappop(self._due)
            self.now = at
            self._calls.pop(handle)()
        self.now = max(self.now, t)
