"""What closing a purpose takes: by drawn traces, and by proof."""

from __future__ import annotations

import statistics
import time

from tests.benchmarks.measure import Effort, Figure, figure
from wireproof.conformance import purpose_table
from wireproof.conformance.cover import VARIANTS, Runner
from wireproof.conformance.coverage import Coverage
from wireproof.conformance.guided import Hunt, hunt
from wireproof.spec.load import tcp
from wireproof.spec.purposes import purposes
from wireproof.spec.transitions import Moment
from wireproof.spec.unreachable import Refuter


def measure(effort: Effort) -> dict[str, Figure]:
    """Seconds for each purpose, of those that a hunt from nothing covers, and of some that are proved unreachable."""
    model = tcp()
    coverage = Coverage(model)
    took: list[float] = []
    job = Hunt("benchmark", set(), [])
    for n in range(effort.size(200, 10)):
        before, begun = len(job.covered), time.perf_counter()
        job.seed = f"benchmark/{n}"
        hunt(coverage, Runner(coverage, VARIANTS[0]), job, 1)
        new = len(job.covered) - before
        if new:
            took += [(time.perf_counter() - begun) / new] * new
    out = {"traces": _spread(took, "s a purpose", effort)}
    proved = [e.purpose for e in purpose_table.read() if e.status == "unreachable" and e.purpose.startswith("timer/")]
    asked = [p for p in purposes(model) if p.id in proved][: effort.size(20, 2)]
    times = []
    for p in asked:
        begun = time.perf_counter()
        refuter = Refuter(model, Moment("time", "", p.state), frozenset((n, 0) for n in model.invariants), 10_000)
        assert refuter.possible(p) in ("never", "perhaps", "unknown")
        times.append(time.perf_counter() - begun)
    if times:
        out["proofs"] = _spread(times, "s a question", effort)
    return out


def _spread(values: list[float], unit: str, effort: Effort) -> Figure:
    """The middle and the ninth tenth; as runs stand the least, the greatest and what lies evenly between."""
    ordered = sorted(values)
    last = len(ordered) - 1
    runs = [ordered[round(n * last / max(1, effort.runs - 1))] for n in range(effort.runs)]
    p90 = statistics.quantiles(values, n=10)[-1] if last else ordered[0]
    middle = statistics.median(values) if effort.runs > 1 else ordered[0]
    return figure(runs, unit) | {"median": float(f"{middle:.4g}"), "p90": float(f"{p90:.4g}"), "of": len(values)}
