"""A recorded failure made short: the same test on the same target, with the fewest steps that are still refused."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from wireproof.conformance import evidence, trace
from wireproof.conformance.attempts import Attempts, minimised, refused
from wireproof.conformance.catalogue import Kind
from wireproof.conformance.findings import case_of
from wireproof.conformance.minimise import BUDGET, Minimised
from wireproof.conformance.suite import SUITE
from wireproof.conformance.testcase import TestCase
from wireproof.conformance.tester import Report


@dataclass(slots=True)
class Shortened:
    """What became of a failing test: the short trace, its case and report."""

    result: Minimised
    case: TestCase
    report: Report


def shorten(case: TestCase, kind: Kind, budget: int = BUDGET) -> Shortened | None:
    """The shortest trace like a failing test; None when the test does not fail (any more) on this target.

    On a wall clock each candidate must fail twice. Raises IutError or MutantError when the target cannot be started.
    """
    target = kind.open(case.duration_us)
    try:
        evidence.prepare()
        attempts = Attempts(target, kind.settings())
        found = minimised(attempts, [case.steps], budget)[0]
        if found is None:
            return None
        report = attempts.reports([found.steps])[0]
        if refused(report) is None:
            return None
        return Shortened(found, case_of(found.steps, report), report)
    finally:
        target.shutdown()


def save(short: Shortened, path: Path, kind: Kind) -> list[Path]:
    """Write the short trace and its datagrams beside it; the files. Raises OSError."""
    if short.report.oracle is None:
        return []
    trace.save(path, short.report, kind.settings(), case=short.case, target=kind.name, suite=SUITE)
    capture = path.with_suffix(".pcapng")
    trace.to_pcapng(trace.read(path), capture)
    return [path, capture]
