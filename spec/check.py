"""Is every rule reachable, and is every stimulus handled? Asked of Z3, section by section.

A section that decides (an event, a call, a timeout, a procedure, what follows a send) is a list of rules of which the
first that holds is the one: each must be reachable behind those before it, and together they must leave nothing out.
Permissions and laws stand each for itself and must be satisfiable. An answer "unknown" is a finding, never a pass.
"""

from __future__ import annotations

from typing import Any

import z3

from wireproof.spec import ir
from wireproof.spec.backends.z3_terms import FIELD, LENGTHS, Z3Terms
from wireproof.spec.diagnostics import Diagnostic

TIMEOUT_MS = 10_000
WITNESS_MS = 1_000
"""The solver's time for each step from a witness to the least one; without an answer it stays as it is."""
DECIDING = ("event", "call", "timeout", "procedure", "after")


def check(model: ir.Model, witnesses: bool = False) -> tuple[list[Diagnostic], dict[str, Any]]:
    """All findings, and figures: sections, total, rules, reachable, queries, witnesses."""
    found: list[Diagnostic] = []
    figures: dict[str, Any] = {"sections": 0, "total": 0, "rules": 0, "reachable": 0, "queries": 0, "witnesses": {}}
    for section in model.sections:
        _Section(model, section, found, figures, witnesses).run()
    return found, figures


class _Section:
    def __init__(
        self,
        model: ir.Model,
        section: ir.Section,
        found: list[Diagnostic],
        figures: dict[str, Any],
        witnesses: bool,
    ):
        self.model = model
        self.section = section
        self.found = found
        self.figures = figures
        self.witnesses = witnesses
        self.terms = Z3Terms(model)
        self.read: set[str] = set()
        self.solver = z3.Solver()
        self.solver.set("timeout", TIMEOUT_MS)

    def run(self) -> None:
        section, figures = self.section, self.figures
        guards = [self.guard(r) for r in section.rules]
        self.read = {"STATE", *self.terms.known}
        self.solver.add(self.situation())
        self.solver.add(*self.terms.bounds)
        figures["sections"] += 1
        earlier: list[Any] = []
        for rule, guard in zip(section.rules, guards, strict=True):
            figures["rules"] += 1
            wanted = [guard, *(z3.Not(g) for g in earlier)]
            answer = self.ask(*wanted)
            if answer == z3.sat:
                figures["reachable"] += 1
                if self.witnesses:
                    figures["witnesses"][rule.id] = self.witness(wanted)
            elif answer == z3.unsat:
                self.unreachable(rule, guard, earlier)
            else:
                self.undecided(rule, "whether the rule can ever hold")
            if section.kind in DECIDING:
                earlier.append(guard)
        if section.kind not in DECIDING:
            return
        wanted = [z3.Not(g) for g in guards]
        answer = self.ask(*wanted)
        if answer == z3.unsat:
            figures["total"] += 1
        elif answer == z3.sat:
            self.found.append(
                Diagnostic(
                    "unhandled",
                    section.span,
                    f"no rule of '{section.name}' holds when {self.witness(wanted)}",
                    "add a rule for it, or end with 'otherwise'",
                )
            )
        else:
            self.undecided(section.rules[-1], "whether the section handles everything")

    def guard(self, rule: ir.Rule) -> Any:
        """Profile and guard."""
        tests = [self.terms.profile(p) for p in rule.supports]
        tests += [z3.Not(self.terms.profile(p)) for p in rule.without]
        tests += [self.terms.of(c.test) for c in rule.guard]
        return z3.And(*tests) if tests else z3.BoolVal(True)

    def situation(self) -> Any:
        """The states of the section, the order of profiles, and what holds of every segment."""
        parts: list[Any] = []
        state = self.terms.variable("STATE", ir.Sort("state"))
        members = self.terms.enums["state"][1]
        parts.append(z3.Or(*[state == members[s] for s in self.section.states if s in members]))
        for p in self.model.profiles.values():
            for other in p.includes[1:]:
                parts.append(z3.Implies(self.terms.profile(p.name), self.terms.profile(other)))
        fields = {f for e in self.model.events.values() for f in e.fields}
        for length, data, syn, fin in LENGTHS:
            if length in self.terms.known and {data, syn, fin} <= fields:
                text = self.terms.variable(data, ir.OCTETS, FIELD)
                one, nil = z3.BitVecVal(1, 64), z3.BitVecVal(0, 64)
                extra = z3.If(self.terms.variable(syn, ir.FLAG), one, nil)
                extra += z3.If(self.terms.variable(fin, ir.FLAG), one, nil)
                parts.append(self.terms.variable(length, ir.LENGTH, FIELD) == text + extra)
        return z3.And(*parts)

    def ask(self, *conditions: Any) -> Any:
        """Satisfiable together with the situation?"""
        self.figures["queries"] += 1
        return self.solver.check(*conditions)

    def witness(self, wanted: list[Any]) -> str:
        """After a ``sat``: the state, and those values that the answer hangs on, the least ones.

        Least in a fixed order, so that the text does not hang on the solver's moods; with these values the
        conditions hold whatever the others are.
        """
        terms = self.terms
        names = sorted(self.read, key=lambda n: (n != "STATE", n.startswith("profile "), terms.shown[n], n))
        self.solver.set("timeout", WITNESS_MS)
        values = self.least(names, wanted)
        pins = {n: terms.known[n] == v for n, v in values.items()}
        self.solver.set("timeout", TIMEOUT_MS)
        # Without the situation: what follows from one value by a law of segments is told all the same.
        plain = z3.Solver()
        plain.set("timeout", WITNESS_MS)
        plain.add(*terms.bounds, z3.Not(z3.And(*wanted)))
        for n in names[1:]:
            self.figures["queries"] += 1
            if plain.check(*(p for m, p in pins.items() if m != n)) == z3.unsat:
                del pins[n]
        return ", ".join(f"{terms.shown[n]} = {_text(values[n])}" for n in pins)

    def least(self, names: list[str], wanted: list[Any]) -> dict[str, Any]:
        """One variable after the other gets the least value that it can still have."""
        model = self.solver.model()
        values = {}
        self.solver.push()
        self.solver.add(*wanted)
        for n in names:
            v = self.terms.known[n]
            value = model.eval(v, model_completion=True)
            for below in _lower(v, value):
                if self.ask(below) == z3.sat:
                    model = self.solver.model()
                    value = model.eval(v, model_completion=True)
                    break
            if z3.is_bv(v):
                low, high = 0, value.as_long()
                while low < high:
                    middle = (low + high) // 2
                    if self.ask(z3.ULE(v, middle)) == z3.sat:
                        model = self.solver.model()
                        value = model.eval(v, model_completion=True)
                        high = value.as_long()
                    else:
                        low = middle + 1
            self.solver.add(v == value)
            values[n] = value
        self.solver.pop()
        return values

    def unreachable(self, rule: ir.Rule, guard: Any, earlier: list[Any]) -> None:
        """The rule alone is impossible, or one rule before it covers it, or several do together."""
        if self.ask(guard) == z3.unsat:
            alone = z3.Solver()
            alone.set("timeout", TIMEOUT_MS)
            alone.add(guard, *self.terms.bounds)
            self.figures["queries"] += 1
            why, hint = "its conditions exclude each other", "correct its conditions, or remove it"
            if alone.check() == z3.sat:
                why = "its conditions exclude what its section is for"
                hint = "compare them with its states, the profiles that include others and the lengths of segments"
            text = f"the rule '{rule.name}' can never hold: {why}"
            self.found.append(Diagnostic("unreachable-rule", rule.span, text, hint))
            return
        before = self.section.rules[: len(earlier)]
        cover = [r for r, g in zip(before, earlier, strict=True) if self.ask(guard, z3.Not(g)) == z3.unsat][:1]
        if cover:
            one = cover[0].name
            text = f"the rule '{rule.name}' is never reached: '{one}' stands before it and holds whenever it does"
        else:
            cover = self.needed(guard, list(zip(before, earlier, strict=True)))
            names = _listed([r.name for r in cover])
            text = f"the rule '{rule.name}' is never reached: {names} before it, together, hold whenever it does"
        self.found.append(
            Diagnostic(
                "unreachable-rule",
                rule.span,
                text,
                "put the more special rule first, or remove one",
                cause=cover[0].span,
                cause_text="the rule before it" if len(cover) == 1 else "the first of the rules before it",
            )
        )

    def needed(self, guard: Any, before: list[tuple[ir.Rule, Any]]) -> list[ir.Rule]:
        """Of the rules before it that cover a guard together, as few as it takes."""
        for candidate in list(before):
            rest = [x for x in before if x is not candidate]
            if self.ask(guard, *(z3.Not(g) for _, g in rest)) == z3.unsat:
                before = rest
        return [r for r, _ in before]

    def undecided(self, rule: ir.Rule, what: str) -> None:
        text = f"the solver could not decide {what} ('{rule.name}') within {TIMEOUT_MS // 1000} s"
        self.found.append(Diagnostic("undecided", rule.span, text, "split the condition with named lets"))


def _lower(variable: Any, value: Any) -> list[Any]:
    """What to ask of a variable, first things first, to have a lower value than this; numbers: only zero."""
    if z3.is_bv(variable):
        return [variable == 0] if value.as_long() else []
    if z3.is_bool(variable):
        return [z3.Not(variable)] if z3.is_true(value) else []
    sort = variable.sort()
    members = [sort.constructor(i)() for i in range(sort.num_constructors())]
    return [variable == m for m in members[: next(i for i, m in enumerate(members) if m.eq(value))]]


def _text(value: Any) -> str:
    return str(value).lower() if z3.is_bool(value) else str(value)


def _listed(names: list[str]) -> str:
    quoted = [f"'{n}'" for n in names]
    return f"{', '.join(quoted[:-1])} and {quoted[-1]}" if len(quoted) > 1 else quoted[0]
