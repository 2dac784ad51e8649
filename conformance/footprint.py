"""Which rules a test case makes each side look at: where a mutant cannot show, it need not be run.

A mutant of a rule is the original until that rule is looked at (its guard was changed) or holds (its actions were).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from wireproof.conformance import habits
from wireproof.conformance.attempt import Trace, attempt
from wireproof.conformance.testcase import TestCase
from wireproof.conformance.tester import Settings
from wireproof.reference.machine import Machine
from wireproof.spec import ir
from wireproof.spec.backends.python_terms import ident
from wireproof.spec.backends.python_units import Units, functions_of
from wireproof.spec.elaborate_rule import rule_expressions
from wireproof.spec.expressions import walk
from wireproof.spec.mutate import Mutant

EVERYTHING = -1
EVERY_NTH = {
    "latest": 3,
    "late": 12,
    "early": 12,
    "least": 12,
    "small": 8,
    "plain": 12,
    "pushy": 12,
    "result": 8,
    "choice": 24,
    "may": 6,
    "spoiled": 32,
}
"""In how many of the cases a habit is tried that shows nearly everywhere."""


class Notes:
    """Wraps generated functions; ``looked`` and ``held`` are sets of functions as bits of a number."""

    def __init__(self, units: Units):
        self.bits = {name: 1 << i for i, name in enumerate(units.functions())}
        self.looked = self.held = 0

    def wrap(self, name: str, function: Callable[..., object]) -> Callable[..., object]:
        bit = self.bits[name]

        def noting(*args: object) -> object:
            self.looked |= bit
            result = function(*args)
            if result is not None:
                self.held |= bit
            return result

        return noting

    def take(self) -> tuple[int, int]:
        """What was noted since the last time."""
        noted = self.looked, self.held
        self.looked = self.held = 0
        return noted


@dataclass(slots=True, frozen=True)
class Footprint:
    """One case against one implementation (the reference, or it with a habit) in one profile, as the original
    specification judges it, and the functions that each side ran."""

    case: int
    """Its place in the suite."""
    habit: str
    profile: str
    verdict: str
    rule: str
    deviations: tuple[tuple[str, str], ...]
    reference: tuple[int, int]
    """Looked at and held, in the implementation (nothing is noted of habits)."""
    oracle: tuple[int, int]
    trace: Trace = ()
    """What was done and seen, when there is no habit."""


def footprints(
    units: Units, cases: Sequence[TestCase], profile: str, habit: str = "", plain: Sequence[Footprint] = ()
) -> list[Footprint]:
    """Those of all cases in a profile. With a habit only where it shows: where the trace is another than in ``plain``,
    the footprints without it; of habits that show nearly everywhere a part of the cases."""
    notes, watching = Notes(units), Notes(units)
    iut = Machine(units.namespace(wrap=None if habit else notes.wrap))
    judging = Settings(Machine(units.namespace(wrap=watching.wrap)), profile)
    before = {f.case: f.trace for f in plain}
    out = []
    for i in _chosen(units, habit, len(cases), plain):
        got = attempt(cases[i], habits.session(habit, iut, profile), judging)
        sides = notes.take(), watching.take()
        if got.trace != before.get(i):
            trace = () if habit else got.trace
            out.append(Footprint(i, habit, profile, got.verdict, got.rule, got.deviations, *sides, trace))
    return out


def news(first: Sequence[Footprint], other: Sequence[Footprint]) -> list[Footprint]:
    """Of another profile those in which other functions ran than in the first: the rest would show the same."""
    known = {f.case: (f.reference, f.oracle) for f in first}
    return [f for f in other if known.get(f.case) != (f.reference, f.oracle)]


def _chosen(units: Units, habit: str, of: int, plain: Sequence[Footprint]) -> Sequence[int]:
    """The cases that a habit is tried in: a choice where it is asked for, one that always shows in every n-th."""
    kind, _, name = habit.partition(":")
    if kind == "choice" and name != "room":
        bits = _asking(units, name)
        return [f.case for f in plain if f.reference[0] & bits]
    return range(0, of, EVERY_NTH.get(kind, 1))


def _asking(units: Units, choice: str) -> int:
    """The functions of the rules that ask for a choice."""
    bits = Notes(units).bits
    found = 0
    for s, r in units.model.rules():
        if any(isinstance(x, ir.Chosen) and x.name == choice for e in rule_expressions(r) for x in walk(e)):
            found |= sum(bits[f] for f in functions_of(s, r))
    return found


def bits_of(model: ir.Model, units: Units, mutant: Mutant) -> int:
    """The functions of the place that a mutant changes, as in :class:`Notes`."""
    bits = Notes(units).bits
    _, kind, name = mutant.place.split("/")
    if kind in ("param", "var"):
        return EVERYTHING
    if kind == "let":
        return bits[ident(name)]
    if kind == "function":
        return bits[name]
    found = next((s, r) for s, r in model.rules() if r.id == mutant.place)
    return sum(bits[f] for f in functions_of(*found))


def touches(found: tuple[int, int], bits: int, decides: bool) -> bool:
    """Could a change at ``bits`` have shown?"""
    looked, held = found
    return bool((looked if decides else held) & bits) or bits == EVERYTHING
