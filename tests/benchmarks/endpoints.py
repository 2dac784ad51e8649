"""Two endpoints, every interleaving: our search beside SPIN's on the same rules, written for it by hand (pair.pml)."""

from __future__ import annotations

import tempfile
from pathlib import Path

from tests.benchmarks import spin
from tests.benchmarks.measure import Effort, Figure, beside, figure
from wireproof.conformance import exploration
from wireproof.conformance.exploration import Report
from wireproof.conformance.pairs import Bounds
from wireproof.reference.machine import tcp


def measure(effort: Effort) -> dict[str, Figure]:
    """States by the second, how many there are, and how far from the first the last one is."""
    scenario, bounds = ("opening" if effort.quick else "any-close"), Bounds()
    tcp()  # loading the rules is no part of the search
    reason = spin.missing()
    if reason is not None:
        ours = [exploration.run(scenario, bounds) for _ in range(effort.runs)]
        return {"ours": _ours(ours), "spin": {"not_run": reason}, "ratio": {"not_run": reason}}
    with tempfile.TemporaryDirectory(prefix="wireproof-spin-") as where:
        pan = spin.build(scenario, bounds, Path(where))
        pairs = [(exploration.run(scenario, bounds), spin.search(pan)) for _ in range(effort.runs)]
    for report, found in pairs:
        assert not report.bound and report.verdict == "holds" and found.errors == 0
        assert found.states == spin.expected(report), "the two searches are not about the same states"
    ours, theirs = [r for r, _ in pairs], [f for _, f in pairs]
    rates = [f.states / f.seconds for f in theirs]
    return {
        "ours": _ours(ours),
        "spin": figure(rates, "states/s", states=theirs[0].states, depth=theirs[0].depth),
        "ratio": beside([r.rate for r in ours], rates, "spin"),
    }


def _ours(reports: list[Report]) -> Figure:
    return figure([r.rate for r in reports], "states/s", states=reports[0].states, depth=reports[0].depth)
