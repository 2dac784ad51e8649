"""The suite on the reference: host, tester and oracle together, on virtual time."""

from __future__ import annotations

from collections.abc import Generator

from tests.benchmarks.measure import Effort, Figure, rate
from wireproof.conformance import suite
from wireproof.conformance.session import Program, Session
from wireproof.conformance.targets.reference import ReferenceTarget
from wireproof.conformance.testcase import TestCase
from wireproof.conformance.tester import Report, Settings, run_case
from wireproof.reference import machine


class _Case:
    def __init__(self, case: TestCase, settings: Settings):
        self.id = case.id
        self.case = case
        self.settings = settings

    def start(self, session: Session) -> Generator[int, None, Report]:
        return run_case(self.case, session, self.settings)


class _Passed:
    """Every case has to pass: one that is broken off early would be fast."""

    def __init__(self) -> None:
        self.seen = 0

    def finished(self, program: Program, result: Report | None, error: BaseException | None) -> None:
        if error is not None:
            raise error
        assert result is not None
        assert result.verdict == "pass", f"{program.id}: {result.refusal}"
        self.seen += 1


def measure(effort: Effort) -> dict[str, Figure]:
    """Cases by the second (in a quick run: every hundredth case)."""
    settings = Settings(machine.tcp())
    cases = suite.load()[:: effort.size(1, 100)]
    programs: list[Program] = [_Case(c, settings) for c in cases]

    def work() -> None:
        passed = _Passed()
        ReferenceTarget().run(programs, passed)
        assert passed.seen == len(programs)

    return {"ref": rate(work, len(cases), "cases/s", effort, cases=len(cases))}
