"""Running traces again on a target, to see how they are refused: one at a time, or many at once on a wall clock."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from wireproof.conformance.campaign import CaseProgram
from wireproof.conformance.judge import Refusal
from wireproof.conformance.minimise import BUDGET, Minimised, Passes, Search, Steps, minimise, shorter, sign
from wireproof.conformance.session import IutError, Target, Unsupported
from wireproof.conformance.testcase import TestCase
from wireproof.conformance.tester import Report, Settings

TWICE = 2
"""On a wall clock a trace counts as refused when it is refused this often, one run beside the other."""


def error_text(error: BaseException) -> str:
    """What an implementation that broke said."""
    return str(error) if isinstance(error, IutError) else f"{type(error).__name__}: {error}"


class Attempts:
    """A target that is asked again and again."""

    def __init__(self, target: Target, settings: Settings):
        self.target = target
        self.settings = settings

    def reports(self, traces: Sequence[Steps]) -> list[Report]:
        """What became of each trace, in their order. A program that broke has the verdict ``error``."""
        programs = [CaseProgram(TestCase(str(n), t), self.settings) for n, t in enumerate(traces)]
        found = _Collected()
        self.target.run(programs, found)  # type: ignore[arg-type]
        return [found.reports[p.id] for p in programs]

    def refusal(self, steps: Steps) -> Refusal | None:
        """How a trace is refused, None when it is not; a broken program counts as refused."""
        return refused(self.reports([steps])[0])

    def same(self, traces: Sequence[Steps], wanted: Sequence[tuple[str, str]]) -> list[bool]:
        """Which of these traces are refused in the way that is wanted of each, both times that it is run."""
        found = [refused(r) for r in self.reports([t for t in traces for _ in range(TWICE)])]
        hits = [r is not None and sign(r) == wanted[i // TWICE] for i, r in enumerate(found)]
        return [all(hits[i * TWICE : (i + 1) * TWICE]) for i in range(len(traces))]


class _Collected:
    def __init__(self) -> None:
        self.reports: dict[str, Report] = {}

    def finished(self, program: Any, result: Any, error: BaseException | None) -> None:
        if isinstance(error, Unsupported):
            result = Report("unsupported", reason=str(error))
        elif error is not None:
            result = Report("error", reason=error_text(error))
        self.reports[program.id] = result


def refused(report: Report) -> Refusal | None:
    """The refusal of a failing trace."""
    if report.verdict == "error":
        return Refusal("error", "", report.reason, 0)
    return report.refusal if report.verdict == "fail" else None


def minimised(attempts: Attempts, traces: Sequence[Steps], budget: int = BUDGET) -> list[Minimised | None]:
    """Each trace made as short as it can be; None for one that is not refused again."""
    if attempts.target.clock == "virtual":
        return [_alone(attempts, t, budget) for t in traces]
    return _together(attempts, traces, budget)


def _alone(attempts: Attempts, steps: Steps, budget: int) -> Minimised | None:
    try:
        return minimise(steps, attempts.refusal, budget)
    except Passes:
        return None


class _Under:
    """One of many searches under way together."""

    def __init__(self, steps: Steps, refusal: Refusal):
        self.best = Minimised(steps, 1, len(steps), refusal)
        self.search: Search = shorter(steps)
        self.candidates: list[Steps] | None = None
        self.advance(None, first=True)

    def advance(self, answer: int | None, first: bool = False) -> None:
        if answer is not None and self.candidates is not None:
            self.best.steps = self.candidates[answer]
        try:
            self.candidates = next(self.search) if first else self.search.send(answer)
        except StopIteration:
            self.candidates = None


def _together(attempts: Attempts, traces: Sequence[Steps], budget: int) -> list[Minimised | None]:
    """Many searches side by side: what one waits for, the others use."""
    first = attempts.reports(traces)
    under = [
        _Under(t, r) if (r := refused(report)) is not None else None for t, report in zip(traces, first, strict=True)
    ]
    while todo := [u for u in under if u is not None and u.candidates is not None]:
        asked = [(u, i) for u in todo for i in range(len(u.candidates or ()))]
        for u in todo:
            u.best.tried += len(u.candidates or ())
        traces_now = [(u.candidates or [])[i] for u, i in asked]
        hits = attempts.same(traces_now, [sign(u.best.refusal) for u, _ in asked])
        answers: dict[int, int] = {}
        for (u, i), hit in zip(asked, hits, strict=True):
            if hit:
                answers.setdefault(id(u), i)
        for u in todo:
            if u.best.tried > budget:
                u.best.complete, u.candidates = False, None
            else:
                u.advance(answers.get(id(u)))
    return [u.best if u is not None else None for u in under]
