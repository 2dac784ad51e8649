"""Which purposes nothing can cover: asked of the solver for every moment, over processes."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Sequence

from wireproof.conformance.suite_build import Build, Progress
from wireproof.spec import ir
from wireproof.spec.induction import Induction
from wireproof.spec.prove import Key
from wireproof.spec.purposes import Purpose
from wireproof.spec.transitions import Moment, moments
from wireproof.spec.unreachable import Refuter, concerned

INVARIANT_MS = 5_000
"""The solver's time for one question about an invariant."""

_model: ir.Model
_known: frozenset[Key]
_timeout_ms: int


def _begin(model: ir.Model, known: frozenset[Key], timeout_ms: int) -> None:
    global _model, _known, _timeout_ms
    _model, _known, _timeout_ms = model, known, timeout_ms


def _ask(order: tuple[Moment, list[Purpose]]) -> tuple[dict[str, str], float]:
    """The purposes that the moment may cover, or of which the solver does not know; the time it took (s)."""
    moment, asked = order
    begun = time.monotonic()
    refuter = Refuter(_model, moment, _known, _timeout_ms)
    answers = {p.id: refuter.possible(p) for p in asked}
    return {i: a for i, a in answers.items() if a != "never"}, time.monotonic() - begun


def prove(
    model: ir.Model, left: Sequence[Purpose], budget_s: float, jobs: int, build: Build, progress: Progress
) -> dict[str, str]:
    """For each purpose that is proved unreachable, by what. ``budget_s`` is the solver's time for one question.

    What was answered is in the build's journal, so that an interrupted proof goes on.
    """
    asked = concerned(left)
    if not asked:
        return {}
    if build.invariants is None:
        induction = Induction(model, INVARIANT_MS, jobs, lambda text: progress(f"invariants: {text}", 0, 0, 0))
        found = induction.run(list(model.invariants))
        build.note({"invariants": sorted([name, n] for name, n in found.invariants)})
    assert build.invariants is not None
    done = {m for m, _ in build.answers}
    todo = [m for m in moments(model) if str(m) not in done]
    possible = {i for _, ids in build.answers for i in ids}
    with multiprocessing.get_context("fork").Pool(
        jobs, _begin, (model, build.invariants, int(budget_s * 1000))
    ) as pool:
        orders = ((m, [p for p in asked if p.id not in possible]) for m in todo)
        for n, (m, (answer, took)) in enumerate(zip(todo, pool.imap(_ask, orders), strict=True)):
            build.note({"moment": str(m), "possible": answer, "seconds": took})
            possible |= answer.keys()
            progress("proofs", n + 1, len(todo), len(asked) - len(possible))
    build.spent |= dict.fromkeys((p.id for p in asked if p.id not in possible), build.proving / len(asked))
    why = f"no step from where {len(build.invariants)} proved invariants hold leads there (Z3, all moments)"
    return {p.id: why for p in asked if p.id not in possible}
