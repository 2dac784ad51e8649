"""Proof that a purpose cannot be covered: no transition, from any configuration of which the proved invariants hold,
considers the rule with its guard coming out that way.

The relation over-approximates where it is not exact, so that what it says is impossible is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import z3

from wireproof.spec import ir
from wireproof.spec.backends.fold import TRUE, both, either, negated, same
from wireproof.spec.backends.path import Path, Scope, Sent
from wireproof.spec.backends.relation import Relation
from wireproof.spec.backends.sections import Ends, Step
from wireproof.spec.prove import Key, invariant_terms
from wireproof.spec.purposes import HALF, Comparison, Purpose, comparisons
from wireproof.spec.transitions import Moment, Moments


@dataclass(slots=True)
class Considered:
    """A rule was looked at, and none before it in its section held: under which condition, and what its guard says."""

    rule: str
    condition: Any
    tests: list[Any]
    sides: list[tuple[Any, Any] | None]


class Watched(Relation):
    """A relation that notes which rules are considered, and how."""

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.considered: list[Considered] = []
        self._earlier: list[list[Any]] = []
        self._compared: dict[str, list[Comparison]] = {}
        self._rules = {r.id: r for _, r in self.model.rules()}
        self._late: tuple[str, list[ir.Conjunct]] = ("", [])
        self._noting = True

    def section(self, path: Path, section: ir.Section) -> Ends:
        self._earlier.append([])
        try:
            return super().section(path, section)
        finally:
            self._earlier.pop()

    def guard(self, path: Path, rule: ir.Rule, conjuncts: list[ir.Conjunct], scope: Scope) -> Any:
        found = super().guard(path, rule, conjuncts, scope)
        before = self._earlier[-1] if self._earlier and conjuncts is rule.guard else []
        if self._noting:
            self._note(path, rule, conjuncts, both([*self._profile(rule), *(negated(g) for g in before)]), scope)
        if self._earlier and conjuncts is rule.guard:
            before.append(found)
        return found

    def output(self, path: Path, sent: Sent, late: Iterable[ir.Conjunct] = ()) -> Iterator[Step]:
        self._late = (sent.rule, list(late))
        yield from super().output(path, sent, self._late[1])

    def _laws(self, path: Path) -> list[Any]:
        """At a segment that may be sent: what its permission asks of it, and each law."""
        rule, late = self._late
        if late:
            self._note(path, self._rules[rule], late, TRUE, {})
        for s in self.model.sections:
            if s.kind == "every":
                here = either(same(path.values["STATE"], self.terms.enums["state"][1][x]) for x in s.states)
                for r in s.rules:
                    self._note(path, r, r.guard, both([here, *self._profile(r)]), {})
        self._noting = False
        try:
            return super()._laws(path)
        finally:
            self._noting = True

    def _profile(self, rule: ir.Rule) -> list[Any]:
        profile = [self.terms.profile(p) for p in rule.supports]
        return [*profile, *(negated(self.terms.profile(p)) for p in rule.without)]

    def _note(self, path: Path, rule: ir.Rule, conjuncts: list[ir.Conjunct], more: Any, scope: Scope) -> None:
        if rule.id not in self._compared:
            self._compared[rule.id] = comparisons(self.model, rule)
        self.terms.path = path
        tests: list[Any] = [None] * len(rule.guard)
        for n, c in enumerate(rule.guard):
            if c in conjuncts:
                tests[n] = self.terms.of(c.test, scope)
        sides = [
            (self.terms.of(c.left, scope), self.terms.of(c.right, scope))
            if rule.guard[c.conjunct] in conjuncts
            else None
            for c in self._compared[rule.id]
        ]
        self.considered.append(Considered(rule.id, both([path.condition, path.given, more]), tests, sides))


class Refuter:
    """The questions of one moment. ``known`` are the invariants that are proved."""

    def __init__(self, model: ir.Model, moment: Moment, known: frozenset[Key], timeout_ms: int):
        self.model = model
        self.timeout_ms = timeout_ms
        self.moment = moment
        self.compared = {r.id: comparisons(model, r) for _, r in model.rules()}
        moments = Moments(model, moment, relation=Watched)
        relation = moments.relation
        assert isinstance(relation, Watched)
        self.terms = relation.terms
        first = next(iter(moments.transitions), None)
        before = Path.begin(relation.free(state=moment.state)) if first is None else (*first.earlier, first.before)[0]
        terms = invariant_terms(self.terms, before)
        self.hypotheses = [term for key, term in terms.items() if key in known]
        self.running = {t: ends.running for t, ends in before.timers.items()}
        self.notes = relation.considered
        self.solver = z3.Solver()
        self.solver.set("timeout", timeout_ms)
        self.solver.add(*self.terms.bounds, *self.hypotheses)
        self.asserted = len(self.terms.bounds)

    def possible(self, p: Purpose) -> str:
        """``never``, ``perhaps`` (the solver has values), ``unknown`` (no answer in time)."""
        asked = list(self.questions(p))
        answers = [self.ask(q) for q in asked]
        return next((a for a in ("perhaps", "unknown") if a in answers), "never")

    def questions(self, p: Purpose) -> Iterator[Any]:
        """Each condition under which something in this moment would cover the purpose."""
        if p.kind == "timer":
            if p.state == self.moment.state:
                yield self.running[p.rule]
            return
        for c in self.notes:
            if c.rule != p.rule:
                continue
            known = [t for t in c.tests if t is not None]
            if p.kind == "rule" or (p.kind == "conjunct" and p.side == "holds"):
                yield both([c.condition, *known])
                continue
            at = p.part if p.kind == "conjunct" else self.compared[p.rule][p.part].conjunct
            if c.tests[at] is None:
                continue
            others = [t for n, t in enumerate(c.tests) if t is not None and n != at]
            want = negated(c.tests[at]) if p.kind == "conjunct" else _side(c.sides[p.part], p.side)
            yield both([c.condition, *others, want])

    def ask(self, condition: Any) -> str:
        """One solver for all questions of the moment, which is quick; what it does not know, another is asked anew."""
        if z3.is_false(condition):
            return "never"
        self.solver.push()
        self.solver.add(*self.terms.bounds[self.asserted :], condition)
        answer = self.solver.check()
        self.solver.pop()
        if answer == z3.unknown:
            again = z3.Solver()
            again.set("timeout", self.timeout_ms)
            again.add(*self.terms.bounds, *self.hypotheses, condition)
            answer = again.check()
        return "never" if answer == z3.unsat else "perhaps" if answer == z3.sat else "unknown"


def _side(sides: tuple[Any, Any] | None, side: str) -> Any:
    assert sides is not None
    left, right = sides
    difference = right - left
    if side == "antipode":
        return difference == HALF
    if side == "wrap":
        ahead = z3.ZeroExt(32, right) - z3.ZeroExt(32, left)
        return z3.Or(ahead > HALF, -ahead > HALF)
    return difference == int(side)


def concerned(purposes: Iterable[Purpose]) -> list[Purpose]:
    """The purposes that a proof can close: those about one rule, and timers."""
    return [p for p in purposes if p.kind in ("rule", "conjunct", "edge", "timer")]
