"""The specification: read, checked by the solver, and made into a mutant's rules."""

from __future__ import annotations

import dataclasses
import functools

from tests.benchmarks.measure import Effort, Figure, beside, duration, figure, seconds
from wireproof.conformance import mutation
from wireproof.spec import load
from wireproof.spec.backends import python
from wireproof.spec.check import check


def measure(effort: Effort) -> dict[str, Figure]:
    """Seconds to read the whole text, and to have the solver check it (in a quick run: a few sections)."""
    root = load.rules_root() / "tcp"
    model = load.load(root)
    if effort.quick:
        model = dataclasses.replace(model, sections=model.sections[:3])
    return {
        "load": duration(lambda: load.load(root), effort),
        "check": duration(lambda: check(model), effort, sections=len(model.sections)),
    }


def mutants(effort: Effort) -> dict[str, Figure]:
    """Seconds to make the rules of a mutant, beside those of the text as it stands."""
    texts = load.sources(load.rules_root() / "tcp")
    edits = [m for m in mutation.mutants().values() if not m.wire][: effort.runs]
    mutation.machine(edits[0])  # what is made once only
    whole, mutant = [], []
    for m in edits:
        whole.append(seconds(lambda: python.namespace(load.load_sources(texts))))
        mutant.append(seconds(functools.partial(mutation.machine, m)))
    return {
        "unchanged": figure(whole, "s"),
        "compile": figure(mutant, "s"),
        "ratio": beside(mutant, whole, "unchanged"),
    }
