"""Proof by induction that invariants and properties hold of every trace, however long.

The largest set of invariants is sought that holds of the initial configuration and that every transition keeps when
it holds before (the Houdini algorithm: begin with all, drop what some transition breaks, until none breaks any). What
is left is proved together. Properties of steps are then proved for every transition from a configuration of which
those invariants hold. Beside the invariants of the text there are some that every machine has: no length, count or
time is negative, lengths fit the fields of a segment, a timer runs or is stopped, no instant lies in the future.

What is not proved here may hold all the same: a refutation by induction begins anywhere, not at the beginning.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import z3

from wireproof.spec import ir
from wireproof.spec.backends.configuration import STOPPED
from wireproof.spec.backends.environment import as_profiles_have_them
from wireproof.spec.backends.fold import TRUE, both, either, negated, same
from wireproof.spec.backends.path import Path, PathTerms, Scope
from wireproof.spec.backends.relation import Relation
from wireproof.spec.backends.z3_terms import FIELD
from wireproof.spec.decide import (
    BROKEN,
    PROVED,
    UNKNOWN,
    Shift,
    about,
    by_cases,
    decide,
    limit,
    names_in,
    second_solver,
)
from wireproof.spec.evaluate import concerns
from wireproof.spec.transitions import Moment, Moments, Transition

Key = tuple[str, int]
"""A claim's name and the number of its conjunct, from 0."""


FIRST_MS = 1_000
"""Work for a theorem before it is taken apart."""


@dataclass(slots=True)
class Answer:
    """What became of a conjunct at a transition; ``used`` are the invariants that the proof rests on."""

    key: Key
    moment: Moment
    transition: str
    verdict: str
    used: frozenset[Key] = frozenset()


@dataclass(slots=True)
class Query:
    """A solver's budget and what was spent."""

    timeout_ms: int = 5_000
    asked: int = 0
    answers: dict[str, int] = field(default_factory=dict)


# ---- claims as terms ------------------------------------------------------------------------------------------------


def everywhere(model: ir.Model) -> Iterator[Key]:
    """What holds of the numbers of every machine, unless it fails."""
    for v in model.variables.values():
        if v.sort in (ir.COUNT, ir.LENGTH, ir.DURATION, ir.INSTANT):
            yield f"{v.name} is not negative", 0
        if v.sort == ir.LENGTH:
            yield f"{v.name} has 16 bits", 0
        if v.sort == ir.INSTANT:
            yield f"{v.name} is not in the future", 0
    for t in model.timers:
        yield f"{t} runs or is stopped", 0


def invariant_terms(terms: PathTerms, at: Path) -> dict[Key, Any]:
    """Every conjunct of every invariant at a configuration, those of :func:`everywhere` among them."""
    model = terms.model
    terms.path, terms.before = at, None
    found: dict[Key, Any] = {}
    for v in model.variables.values():
        if v.sort in (ir.COUNT, ir.LENGTH, ir.DURATION, ir.INSTANT):
            found[f"{v.name} is not negative", 0] = at.values[v.name] >= 0
        if v.sort == ir.LENGTH:
            found[f"{v.name} has 16 bits", 0] = at.values[v.name] <= FIELD
        if v.sort == ir.INSTANT:
            found[f"{v.name} is not in the future", 0] = at.values[v.name] <= at.now
    for t, ends in at.timers.items():
        stopped = both([same(ends.low, z3.BitVecVal(STOPPED, 64)), same(ends.high, z3.BitVecVal(STOPPED, 64))])
        found[f"{t} runs or is stopped", 0] = either([stopped, z3.And(ends.low >= 0, ends.high >= 0)])
    for c in model.invariants.values():
        here = concerned(terms, c, at)
        for i, q in enumerate(c.holds):
            found[c.name, i] = either([negated(here), terms.of(q.test)])
    return found


def concerned(terms: PathTerms, claim: ir.Claim, at: Path) -> Any:
    """The profile and the states that a claim speaks of."""
    tests = [terms.profile(p) for p in claim.supports]
    tests += [negated(terms.profile(p)) for p in claim.without]
    if not isinstance(claim, ir.Theorem):
        members = terms.enums["state"][1]
        if len(claim.states) < len(members):
            tests.append(either(same(at.values["STATE"], members[s]) for s in claim.states))
    return both(tests)


def property_terms(terms: PathTerms, p: ir.Property, t: Transition) -> list[Any]:
    """The conjuncts of a property at a transition; none where it says nothing."""
    if not concerns(p, t.kind, t.subject) or t.kind == "time":
        return []
    terms.path, terms.before = t.after, t.before
    terms.fields = t.fields
    here = both([concerned(terms, p, t.before), *(terms.of(q.test) for q in p.when)])
    return [either([negated(here), terms.of(q.test)]) for q in p.then]


# ---- the solver -----------------------------------------------------------------------------------------------------


class MomentProver:
    """The questions of one moment, asked of one solver.

    The hypotheses are the invariants before the transition, each behind a literal, so that a proof tells which of
    them it used.
    """

    def __init__(self, model: ir.Model, moment: Moment, query: Query):
        self.model = model
        self.moments = Moments(model, moment)
        self.moment = moment
        self.query = query
        self.terms = self.moments.relation.terms
        self.cases: list[tuple[Transition, dict[Key, list[Any]], dict[Key, Any]]] = []
        for t in self.moments.transitions:
            self.terms.fields = t.fields
            hypotheses: dict[Key, list[Any]] = {}
            for path in (t.before, *t.earlier):
                for key, term in invariant_terms(self.terms, path).items():
                    if not z3.is_true(term):
                        hypotheses.setdefault(key, []).append(term)
            self.cases.append((t, hypotheses, invariant_terms(self.terms, t.after)))

    def kept(self, known: frozenset[Key], asked: frozenset[Key]) -> Iterator[Answer]:
        """For each invariant asked for: does it hold after each transition, when those known hold before?"""
        for t, hypotheses, goals in self.cases:
            before = {k: terms for k, terms in hypotheses.items() if k in known}
            for key, goal in goals.items():
                if key in asked:
                    yield self.answer(t, before, key, goal, any(goal.eq(h) for h in hypotheses.get(key, ())))

    def properties(self, known: frozenset[Key], names: frozenset[str]) -> Iterator[Answer]:
        """The same for properties of the step itself."""
        for t, hypotheses, _ in self.cases:
            before = {k: terms for k, terms in hypotheses.items() if k in known}
            for p in self.model.properties.values():
                if p.name in names:
                    for i, goal in enumerate(property_terms(self.terms, p, t)):
                        yield self.answer(t, before, (p.name, i), goal, False)

    def answer(self, t: Transition, before: dict[Key, list[Any]], key: Key, goal: Any, unchanged: bool) -> Answer:
        if z3.is_true(goal) or (unchanged and key in before):
            return Answer(key, self.moment, t.name, PROVED, frozenset({key}) if unchanged else frozenset())
        verdict, used = self.ask(t, before, negated(goal))
        return Answer(key, self.moment, t.name, verdict, used)

    def ask(self, t: Transition, before: dict[Key, list[Any]], wanted: Any) -> tuple[str, frozenset[Key]]:
        """Can the transition be taken so that ``wanted`` holds? ``proved`` if it cannot."""
        self.query.asked += 1
        half = max(1, self.query.timeout_ms // 2)
        asked = [*self.terms.bounds, t.condition, wanted]
        solver = z3.Solver()
        limit(solver, half)
        solver.add(*asked)
        literals: dict[str, Key] = {}
        for key, terms in before.items():
            literal = z3.Bool(f"hypothesis {key[0]} {key[1]}")
            literals[literal.decl().name()] = key
            solver.add(z3.Implies(literal, both(terms)))
        found = solver.check(*[z3.Bool(name) for name in literals])
        if found == z3.unsat:
            return PROVED, frozenset(literals[x.decl().name()] for x in solver.unsat_core())
        if found == z3.sat:
            return BROKEN, frozenset()
        other = second_solver()
        limit(other, half)
        other.add(*asked, *(x for terms in before.values() for x in terms))
        try:
            found = other.check()
        except z3.Z3Exception:
            return UNKNOWN, frozenset()
        if found == z3.unsat:
            return PROVED, frozenset(before)
        return (BROKEN if found == z3.sat else UNKNOWN), frozenset()


def initially(model: ir.Model, timeout_ms: int) -> dict[Key, str]:
    """The verdict for every invariant of the configuration that a connection begins in, under every profile."""
    relation = Relation(model)
    relation.terms.bounds += as_profiles_have_them(relation.terms)
    found: dict[Key, str] = {}
    for key, goal in invariant_terms(relation.terms, Path.begin(relation.initial())).items():
        found[key] = valid(relation.terms, TRUE, goal, timeout_ms)
    return found


def valid(terms: PathTerms, given: Any, goal: Any, timeout_ms: int) -> str:
    """Does the goal hold whenever what is given does?"""
    wanted = [given, negated(goal)]
    return decide([*wanted, *about(wanted, terms.bounds)], timeout_ms)[0]


def theorem(model: ir.Model, t: ir.Theorem, timeout_ms: int) -> tuple[str, Scope]:
    """Is it so for all values of variables, parameters and fields? With ``broken`` the values that refute it."""
    relation = Relation(model)
    terms = relation.terms
    terms.bounds += as_profiles_have_them(terms)
    c = relation.free()
    terms.path = Path.begin(c)
    if t.event:
        terms.fields = relation.fields(model.events[t.event])
    given = both([concerned(terms, t, terms.path), *(terms.of(q.test) for q in t.when)])
    for v in model.variables.values():
        if v.sort in (ir.COUNT, ir.LENGTH, ir.DURATION, ir.INSTANT):
            terms.bounds.append(c.values[v.name] >= 0)
    verdict = PROVED
    for q in t.holds:
        wanted = [given, negated(terms.of(q.test))]
        shift = Shift(terms.based)
        constraints = [shift.of(x) for x in (*wanted, *about(wanted, terms.bounds))]
        answer, values = decide(constraints, min(timeout_ms, FIRST_MS))
        if answer == UNKNOWN:
            answer = by_cases(constraints, timeout_ms)
        if answer == UNKNOWN:
            answer, values = decide(constraints, timeout_ms)
        if answer == BROKEN:
            found = {name: shift.back(values, name) for name in sorted(names_in(wanted))}
            return BROKEN, {name: value for name, value in found.items() if value is not None}
        if answer == UNKNOWN:
            verdict = UNKNOWN
    return verdict, {}
