"""Is every rule reachable, and is every stimulus handled? Asked of Z3, section by section.

A section that decides (an event, a call, a timeout, a procedure, what follows a send) is a list of rules of which the
first that holds is the one: each must be reachable behind those before it, and together they must leave nothing out.
Permissions and laws stand each for itself and must be satisfiable. An answer "unknown" is a finding, never a pass.
"""

from __future__ import annotations

from typing import Any

import z3

from wireproof.spec import ir
from wireproof.spec.backends.z3_terms import Z3Terms
from wireproof.spec.diagnostics import Diagnostic

TIMEOUT_MS = 10_000
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
        self.solver = z3.Solver()
        self.solver.set("timeout", TIMEOUT_MS)

    def run(self) -> None:
        section, figures = self.section, self.figures
        guards = [self.guard(r) for r in section.rules]
        self.solver.add(self.situation())
        self.solver.add(*self.terms.bounds)
        figures["sections"] += 1
        earlier: list[Any] = []
        for rule, guard in zip(section.rules, guards, strict=True):
            figures["rules"] += 1
            behind = [z3.Not(g) for g in earlier] if section.kind in DECIDING else []
            answer, values = self.ask(guard, *behind)
            if answer == z3.sat:
                figures["reachable"] += 1
                if self.witnesses:
                    figures["witnesses"][rule.id] = values
            elif answer == z3.unsat:
                self.unreachable(rule, guard, guards)
            else:
                self.undecided(rule, "whether the rule can ever hold")
            earlier.append(guard)
        if section.kind not in DECIDING:
            return
        answer, values = self.ask(*[z3.Not(g) for g in guards])
        if answer == z3.unsat:
            figures["total"] += 1
        elif answer == z3.sat:
            self.found.append(
                Diagnostic(
                    "unhandled",
                    section.span,
                    f"no rule of '{section.name}' holds when {values}",
                    "add a rule for it, or end with 'otherwise'",
                )
            )
        else:
            self.undecided(section.rules[-1], "whether the section handles everything")

    def guard(self, rule: ir.Rule) -> Any:
        tests = [z3.Bool(f"profile {p}") for p in rule.supports]
        tests += [z3.Not(z3.Bool(f"profile {p}")) for p in rule.without]
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
                parts.append(z3.Implies(z3.Bool(f"profile {p.name}"), z3.Bool(f"profile {other}")))
        for data, length, syn, fin in (
            ("SEG.DATA", "SEG.LEN", "SYN", "FIN"),
            ("OUT.DATA", "OUT.LEN", "OUT.SYN", "OUT.FIN"),
        ):
            if length in self.terms.known:
                octets = self.terms.variable(data, ir.OCTETS, 65535)
                one, nil = z3.BitVecVal(1, 64), z3.BitVecVal(0, 64)
                extra = z3.If(self.terms.variable(syn, ir.FLAG), one, nil)
                extra += z3.If(self.terms.variable(fin, ir.FLAG), one, nil)
                parts.append(self.terms.variable(length, ir.LENGTH) == octets + extra)
        return z3.And(*parts)

    def ask(self, *conditions: Any) -> tuple[Any, str]:
        """Satisfiable? With the values of what the conditions mention."""
        self.figures["queries"] += 1
        self.solver.push()
        self.solver.add(*conditions)
        answer = self.solver.check()
        text = self.values() if answer == z3.sat else ""
        self.solver.pop()
        return answer, text

    def values(self) -> str:
        m = self.solver.model()
        parts = []
        for name, v in sorted(self.terms.known.items()):
            value = m.eval(v)
            if value.decl().kind() != z3.Z3_OP_UNINTERPRETED or (z3.is_const(value) and str(value) != name):
                shown = str(value).lower() if z3.is_bool(v) else str(value)
                parts.append(f"{name} = {shown}")
        return ", ".join(parts[:10]) or "anything"

    def unreachable(self, rule: ir.Rule, guard: Any, guards: list[Any]) -> None:
        if self.ask(guard)[0] == z3.unsat:
            text = f"the rule '{rule.name}' can never hold: its conditions exclude each other"
            self.found.append(Diagnostic("unreachable-rule", rule.span, text, "correct its conditions, or remove it"))
            return
        cover = next(
            (r for r, g in zip(self.section.rules, guards, strict=True) if self.ask(guard, z3.Not(g))[0] == z3.unsat),
            None,
        )
        if cover is rule or cover is None:
            text = f"the rule '{rule.name}' is never reached: the rules before it, together, hold whenever it does"
            cover = self.section.rules[0]
        else:
            text = f"the rule '{rule.name}' is never reached: '{cover.name}' stands before it and always holds"
        self.found.append(
            Diagnostic(
                "unreachable-rule",
                rule.span,
                text,
                "put the more special rule first, or remove one",
                cause=cover.span,
                cause_text="the rule before it",
            )
        )

    def undecided(self, rule: ir.Rule, what: str) -> None:
        text = f"the solver could not decide {what} ('{rule.name}') within {TIMEOUT_MS // 1000} s"
        self.found.append(Diagnostic("undecided", rule.span, text, "split the condition with named lets"))
