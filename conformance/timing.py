"""Is a failure one of time only: something that came too late, not at all, or too early?

On a shared clock such a failure may be the machine's; it counts when it repeats.
"""

from __future__ import annotations

from wireproof.conformance.judge import Refusal
from wireproof.conformance.matching import matches
from wireproof.conformance.oracle import Oracle
from wireproof.conformance.tester import Report
from wireproof.conformance.trial import Trial, every_way
from wireproof.reference.segment import Segment


def is_timing(report: Report) -> bool:
    """Would the same events at other times have been allowed, as far as one can tell?"""
    refusal, oracle = report.refusal, report.oracle
    if refusal is None or oracle is None:
        return False
    return refusal.kind == "missing" or too_early(refusal, oracle)


def too_early(refusal: Refusal, oracle: Oracle) -> bool:
    """Is the refused segment what a timer would bring that runs and must not have ended yet?"""
    c, out = refusal.configuration, refusal.event
    if refusal.kind != "unexpected" or c is None or not isinstance(out, Segment):
        return False
    machine = oracle.machine
    for name, low, _ in machine.timer_slots:
        if getattr(c, low) <= refusal.time:
            continue
        trial = Trial(oracle.p)
        results, _, _ = every_way(trial, c, lambda c, x: machine.timeout(name, c, x), refusal.time)  # noqa: B023
        if any(matches(r, t, out) for r in results for t in r.owed):
            return True
    return False
