"""Running rules while every silent choice is tried: the oracle's :class:`~wireproof.reference.run.Run`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from wireproof.conformance.session import Result
from wireproof.reference.run import Outcome


class Trial:
    """One run of the rules for one event, along one way through the silent choices.

    ``observed`` is the result of the call that is being judged. After a run ``expected`` tells, when the result was
    none of them, which rule wanted what.
    """

    __slots__ = ("count", "expected", "fired", "memo", "observed", "p", "signals", "taken", "tape")

    def __init__(self, p: Any):
        self.p = p
        self.fired: list[str] = []
        self.signals: list[str] = []
        self.count = 0
        self.tape: list[bool] = []
        self.taken: list[bool] = []
        self.memo: dict[str, bool] = {}
        self.observed: Result | None = None
        self.expected: tuple[str, tuple[Outcome, ...]] | None = None

    def flag(self, name: str) -> bool:
        value = self.memo.get(name)
        if value is None:
            at = len(self.taken)
            value = self.tape[at] if at < len(self.tape) else False
            self.taken.append(value)
            self.memo[name] = value
        return value

    def number(self, c: Any, name: str) -> int:
        """Unknown until a segment shows it: counted from 0 for now."""
        c.unbound = True
        return 0

    def settle(self, c: Any, rule: str, outcomes: tuple[Outcome, ...]) -> bool:
        got = self.observed
        assert got is not None
        for o in outcomes:
            if o.kind != got.kind:
                continue
            if o.kind == "ok":
                return True
            if o.kind in ("error", "state"):
                if o.value == got.value:
                    return True
            elif o.kind == "count":
                if o.low <= got.value <= o.high:
                    self.count = got.value
                    return True
            else:
                n = len(got.value)
                if o.low <= n <= o.high and o.text[:n] == got.value:
                    self.count = n
                    return True
        self.expected = (rule, outcomes)
        return False

    def deviate(self, c: Any, rule: str, ids: tuple[str, ...]) -> None:
        c.deviations = (*c.deviations, *((rule, i) for i in ids if (rule, i) not in c.deviations))


def every_way(
    trial: Trial, c: Any, run: Callable[[Any, Trial], object], now: int
) -> tuple[list[Any], list[tuple[str, tuple[Outcome, ...]]], list[str]]:
    """All configurations that ``run`` may lead to from ``c``, the expectations that the observed result missed, and
    the rules that fired along the first way. ``c`` itself is not changed."""
    results: list[Any] = []
    missed: list[tuple[str, tuple[Outcome, ...]]] = []
    fired: list[str] = []
    trial.tape = []
    while True:
        new = c.copy()
        new.now = now
        trial.fired = []
        trial.signals = []
        trial.taken = []
        trial.memo = {}
        trial.expected = None
        run(new, trial)
        if not fired:
            fired = trial.fired
        if trial.expected is None:
            results.append(new)
            fired = trial.fired
        else:
            missed.append(trial.expected)
        taken = trial.taken
        while taken and taken[-1]:
            taken.pop()
        if not taken:
            return results, missed, fired
        taken[-1] = True
        trial.tape = taken
