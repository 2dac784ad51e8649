"""Is a failure one of time only: something that came too late, not at all, too early, or crossed a stimulus?

On a shared clock such a failure may be the machine's; it counts when it repeats.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from wireproof.conformance import trace
from wireproof.conformance.judge import Refusal
from wireproof.conformance.ladder import refused
from wireproof.conformance.matching import matches
from wireproof.conformance.oracle import Oracle
from wireproof.conformance.tester import Report, Settings
from wireproof.conformance.trial import Trial, every_way
from wireproof.reference.segment import Segment


def is_timing(report: Report, settings: Settings) -> bool:
    """Would the same events at other times have been allowed, as far as one can tell?"""
    refusal, oracle = report.refusal, report.oracle
    if refusal is None or oracle is None:
        return False
    return refusal.kind == "missing" or too_early(refusal, oracle) or crossed(report, settings)


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


def crossed(report: Report, settings: Settings) -> bool:
    """Would the refused segment have been right just before the last stimulus? Then it may have been on its way when
    the stimulus went in: what a timer brings is not read before the tester looks."""
    refusal, oracle = report.refusal, report.oracle
    if refusal is None or oracle is None or not isinstance(refusal.event, Segment):
        return False
    late = oracle.steps[refused(oracle) - 1]
    seen = trace.recorded(oracle)
    end = next(n for n, s in enumerate(seen) if s is late)
    at = next((n for n in range(end - 1, -1, -1) if seen[n].kind in ("rx", "call")), None)
    if at is None or late.time - seen[at].time > settings.slack:
        return False
    steps = [*seen[:at], replace(late, time=seen[at].time), *seen[at:end], *seen[end + 1 :]]
    header = trace.header_of(report, settings, None, "", "", 0)
    return trace.rejudge(trace.Trace(Path("-"), header, steps), settings.machine).refusal is None
