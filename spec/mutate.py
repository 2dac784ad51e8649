"""First-order mutants of a specification: one small change each, made from the checked rules and not from their text.

An operator is a kind of mistake that somebody who writes rules makes; :func:`mutants` applies every operator at every
place where it fits. A mutant's id is ``operator/section/rule/n`` and changes only when its rule does.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

from wireproof.spec import ir
from wireproof.spec.backends.python import PythonBackend, section_function
from wireproof.spec.mutate_actions import action_changes, end_changes
from wireproof.spec.rewrite import negated, scaled, stepped, text, variants
from wireproof.spec.source import Span

Role = Literal["reference", "oracle"]
"""What a mutant changes: what is done (an implementation that follows it differs), or only what is permitted."""

FIRST_WINS = ("event", "call", "timeout", "procedure", "after")


class Change(NamedTuple):
    """A rule changed by an operator. ``decides``: the change shows when the rule is looked at, not only when it
    holds."""

    operator: str
    what: str
    rule: ir.Rule
    role: Role = "reference"
    decides: bool = True


@dataclass(frozen=True, slots=True)
class Mutant:
    """One changed specification. ``place`` is a rule's id, or ``tcp/let/NAME``, ``tcp/function/NAME``,
    ``tcp/param/NAME``, ``tcp/var/NAME``."""

    id: str
    operator: str
    place: str
    span: Span
    what: str
    role: Role
    decides: bool
    changed: ir.Section | ir.Abbreviation | ir.Function | ir.Parameter | ir.Variable

    def model(self, original: ir.Model) -> ir.Model:
        """The whole of it: ``original`` (the model it was made from) with what is changed in its place."""
        new = self.changed
        match new:
            case ir.Section():
                found = [new if s.name == new.name and s.kind == new.kind else s for s in original.sections]
                return replace(original, sections=found)
            case ir.Abbreviation():
                return replace(original, abbreviations={**original.abbreviations, new.name: new})
            case ir.Function():
                return replace(original, functions={**original.functions, new.name: new})
            case ir.Parameter():
                return replace(original, params={**original.params, new.name: new})
            case ir.Variable():
                return replace(original, variables={**original.variables, new.name: new})


def mutants(model: ir.Model) -> tuple[list[Mutant], list[Mutant]]:
    """All mutants in the order of the text, and those left out: the same code as the original, or as one before."""
    kept: list[Mutant] = []
    same: list[Mutant] = []
    seen: set[str] = set()
    numbers: dict[str, int] = {}
    backend = PythonBackend(model)
    tables = (model.abbreviations, model.functions, model.params, model.variables)
    for original in (*model.sections, *(item for table in tables for item in table.values())):
        seen.add(_code(backend, original))
    for m in _all(model):
        stem = m.id
        numbers[stem] = n = numbers.get(stem, 0) + 1
        numbered = replace(m, id=f"{stem}/{n}")
        code = _code(backend, m.changed)
        (same if code in seen else kept).append(numbered)
        seen.add(code)
    return kept, same


def _code(backend: PythonBackend, changed: object) -> str:
    """What tells two mutants apart."""
    if isinstance(changed, ir.Section):
        tables = [(r.id, r.level, r.deviates) for r in changed.rules] if changed.kind in ("may", "every") else []
        return f"{section_function(changed)}\n" + "\n".join(backend.section(changed)) + repr(tables)
    return repr(changed)


def _all(model: ir.Model) -> Iterator[Mutant]:
    for section in model.sections:
        yield from _section(model, section)
    for a in model.abbreviations.values():
        for operator, what, new in _expressions(a.value):
            yield _named(operator, "let", a.name, a.span, what, replace(a, value=new))
    for f in model.functions.values():
        for v in variants(f.value):
            yield _named(v.operator, "function", f.name, f.span, v.what, replace(f, value=v.expr))
    for p in model.params.values():
        for operator, what, new in _constant(p.value, p.sort):
            yield _named(operator, "param", p.name, p.span, what, replace(p, value=new))
    for v_ in model.variables.values():
        for operator, what, new in _constant(v_.initial, v_.sort):
            yield _named(operator, "var", v_.name, v_.span, what, replace(v_, initial=new))


def _named(
    operator: str,
    kind: str,
    name: str,
    span: Span,
    what: str,
    changed: ir.Abbreviation | ir.Function | ir.Parameter | ir.Variable,
) -> Mutant:
    return Mutant(f"{operator}/{kind}/{name}", operator, f"tcp/{kind}/{name}", span, what, "reference", True, changed)


def _expressions(e: ir.Expr) -> Iterator[tuple[str, str, ir.Expr]]:
    """The variants of a let's value; a condition negated, a number off by one."""
    if e.sort == ir.FLAG:
        yield "negate", f"'{text(e)}' is negated", negated(e)
    elif e.sort.name in ("seq32", "length", "count"):
        yield "off-by-one", f"'{text(e)}' is one more", stepped(e, 1)
    yield from variants(e)


def _constant(e: ir.Expr, sort: ir.Sort) -> Iterator[tuple[str, str, ir.Expr]]:
    """Another value for a parameter or at the beginning."""
    if sort == ir.FLAG:
        yield "initial", f"'{text(e)}' becomes '{text(negated(e))}'", negated(e)
    elif sort == ir.DURATION:
        for new in (scaled(e, up=2), scaled(e, down=2)):
            yield "initial", f"'{text(e)}' becomes '{text(new)}'", new
    elif sort.name in ("length", "count"):
        yield "initial", f"'{text(e)}' becomes '{text(stepped(e, 1))}'", stepped(e, 1)


# ---- sections and rules ---------------------------------------------------------------------------------------------


def _section(model: ir.Model, section: ir.Section) -> Iterator[Mutant]:
    for i, rule in enumerate(section.rules):
        for c in _rule(model, section, rule):
            rules = [*section.rules[:i], c.rule, *section.rules[i + 1 :]]
            yield _of(section, rule, c.operator, c.what, c.role, c.decides, rules)
        if section.kind in ("may", "every") and len(section.rules) > 1:
            rules = [*section.rules[:i], *section.rules[i + 1 :]]
            role: Role = "reference" if section.kind == "may" else "oracle"
            yield _of(section, rule, "drop-rule", "the rule is left out", role, True, rules)
        if section.kind in FIRST_WINS and i + 1 < len(section.rules):
            after = section.rules[i + 1]
            if not exclusive(rule, after):
                rules = [*section.rules[:i], after, rule, *section.rules[i + 2 :]]
                what = f"'{after.name}' comes before '{rule.name}'"
                yield _of(section, rule, "order", what, "reference", True, rules)


def _of(
    section: ir.Section, rule: ir.Rule, operator: str, what: str, role: Role, decides: bool, rules: list[ir.Rule]
) -> Mutant:
    changed = replace(section, rules=rules)
    stem = f"{operator}/{section.name}/{rule.name}"
    return Mutant(stem, operator, rule.id, rule.span, what, role, decides, changed)


def exclusive(a: ir.Rule, b: ir.Rule) -> bool:
    """Can two rules be seen at a glance never to hold together, so that their order means nothing?"""
    for x in a.guard:
        for y in b.guard:
            if negated(x.test) == y.test or negated(y.test) == x.test:
                return True
            if (
                isinstance(x.test, ir.Op)
                and isinstance(y.test, ir.Op)
                and x.test.op == y.test.op == "="
                and x.test.args[0] == y.test.args[0]
                and isinstance(x.test.args[1], ir.Member)
                and isinstance(y.test.args[1], ir.Member)
                and x.test.args[1] != y.test.args[1]
            ):
                return True
    return False


def _rule(model: ir.Model, section: ir.Section, r: ir.Rule) -> Iterator[Change]:
    law = section.kind == "every"
    role: Role = "oracle" if law else "reference"
    for operator, what, guard in _conjuncts(r.guard):
        yield Change(operator, what, replace(r, guard=guard), role)
    for operator, what, requires in _conjuncts(r.requires):
        yield Change(operator, what, replace(r, requires=requires), role)
    if law:
        level: Literal["must", "should"] = "should" if r.level == "must" else "must"
        if r.ids:
            yield Change("level", f"{r.level} becomes {level}", replace(r, level=level), role)
    if r.supports:
        yield Change("profile", f"it is not for {', '.join(r.supports)} alone", replace(r, supports=[]))
    if r.deviates:
        yield Change("deviates", "it is no deviation any more", replace(r, deviates=[]), "oracle", False)
    if r.due is not None:
        yield from _due(r)
    for c in action_changes(model, section, r):
        yield Change(c.operator, c.what, replace(r, actions=c.actions), c.role, section.kind == "may")
    if section.kind == "event" and section.subject == "segment":
        for what, end, step in end_changes(r):
            yield Change("end", what, replace(r, end=end, step=step), decides=False)


def _conjuncts(guard: list[ir.Conjunct]) -> Iterator[tuple[str, str, list[ir.Conjunct]]]:
    for i, c in enumerate(guard):
        before, after = guard[:i], guard[i + 1 :]
        yield "negate", f"'{text(c.test)}' is negated", [*before, replace(c, test=negated(c.test)), *after]
        yield "drop-conjunct", f"'{text(c.test)}' is left out", [*before, *after]
        for v in variants(c.test):
            yield v.operator, v.what, [*before, replace(c, test=v.expr), *after]


def _due(r: ir.Rule) -> Iterator[Change]:
    assert r.due is not None
    within, condition = r.due
    yield Change("drop-due", "it is never due", replace(r, due=None), "oracle")
    for new in (scaled(within, up=2), scaled(within, down=2)):
        yield Change("timer", f"due within '{text(new)}'", replace(r, due=(new, condition)), "oracle")
    if condition is not None:
        yield Change("drop-conjunct", "it is due whenever it may go", replace(r, due=(within, None)), "oracle")
        yield Change("negate", "when it is due is negated", replace(r, due=(within, negated(condition))), "oracle")
        for v in variants(condition):
            yield Change(v.operator, v.what, replace(r, due=(within, v.expr)), "oracle")
