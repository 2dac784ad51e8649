"""How a figure is come by: a piece of work several times over, the middle of what that gave, and what it is set beside.

No figure is good or bad by itself, for machines differ; a ratio compares two things that the same run did in turn.
"""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Figure = dict[str, Any]


@dataclass(slots=True, frozen=True)
class Effort:
    """How much to do: ``runs`` of each piece of work, and whether it is only to be seen that everything works."""

    runs: int
    quick: bool

    def size(self, full: int, quick: int) -> int:
        """A quantity of work, by the effort."""
        return quick if self.quick else full


def seconds(work: Callable[[], object]) -> float:
    """How long a piece of work takes. Garbage of the one before is not its affair."""
    gc.collect()
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def figure(runs: list[float], unit: str, **more: Any) -> Figure:
    """What several runs gave."""
    return {"unit": unit, "median": _short(statistics.median(runs)), "runs": [_short(r) for r in runs], **more}


def rate(work: Callable[[], object], amount: int, unit: str, effort: Effort, **more: Any) -> Figure:
    """``amount`` of something by the second."""
    return figure([amount / seconds(work) for _ in range(effort.runs)], unit, **more)


def duration(work: Callable[[], object], effort: Effort, **more: Any) -> Figure:
    """How many seconds something takes."""
    return figure([seconds(work) for _ in range(effort.runs)], "s", **more)


def beside(ours: list[float], theirs: list[float], of: str, **more: Any) -> Figure:
    """The ratio of what was measured in turn, pair by pair."""
    return figure([a / b for a, b in zip(ours, theirs, strict=True)], f"of {of}", **more)


def _short(value: float) -> float:
    return float(f"{value:.4g}")
