"""What there is to test: the purposes of a model, each with a name that stays.

A purpose is a rule; a named conjunct of a guard being the one that decides, both ways; a side of a comparison; a
cell of RFC 9293 3.10; a requirement; a timer that ends, or that an event forestalls.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from wireproof.spec import ir
from wireproof.spec.grid import cells
from wireproof.spec.requirements import table

Kind = Literal["rule", "conjunct", "edge", "cell", "requirement", "timer"]
SIDES = ("-1", "0", "+1")
HALF = 1 << 31


@dataclass(frozen=True, slots=True)
class Purpose:
    """One thing to cover. ``rule`` is the rule it is about, empty for cells, requirements and timers; ``part`` the
    number of the conjunct or comparison, -1 where there is none; ``side`` how it must come out."""

    id: str
    kind: Kind
    rule: str = ""
    part: int = -1
    side: str = ""
    rules: tuple[str, ...] = ()
    """The rules any one of which covers it."""
    state: str = ""


@dataclass(frozen=True, slots=True)
class Comparison:
    """``left < right`` or ``left =< right`` somewhere in a guard, of sequence numbers or lengths."""

    left: ir.Expr
    right: ir.Expr
    conjunct: int

    @property
    def modular(self) -> bool:
        return self.left.sort.name == "seq32" or self.right.sort.name == "seq32"

    @property
    def of_peer(self) -> bool:
        """Are these numbers counted from the peer's initial number, which a tester can choose?"""
        return self.modular and "IRS" in (self.left.sort.base, self.right.sort.base)

    def sides(self) -> tuple[str, ...]:
        """The ways it can come out that are worth a test each: right less left, as a number or by name."""
        if self.modular:
            return (*SIDES, "antipode", "wrap") if self.of_peer else (*SIDES, "antipode")
        literal = [x.value for x in (self.left, self.right) if isinstance(x, ir.Lit)]
        return ("0", "+1") if literal == [0] else SIDES


def comparisons(model: ir.Model, rule: ir.Rule) -> list[Comparison]:
    """The comparisons that a rule's guard makes, abbreviations opened, each once, in the order of the text."""
    found: list[Comparison] = []
    for n, conjunct in enumerate(rule.guard):
        for e in _open(model, conjunct.test):
            if not isinstance(e, ir.Op) or e.op not in ("<", "=<"):
                continue
            c = Comparison(e.args[0], e.args[1], n)
            if c.left.sort.name not in ("seq32", "length"):
                continue
            if all((c.left, c.right) != (x.left, x.right) for x in found):
                found.append(c)
    return found


def _open(model: ir.Model, e: ir.Expr) -> Iterator[ir.Expr]:
    """An expression and all that it is made of. Functions stay closed: their comparisons are theirs."""
    yield e
    if isinstance(e, ir.Op | ir.Use):
        for a in e.args:
            yield from _open(model, a)
    elif isinstance(e, ir.Abbrev):
        yield from _open(model, model.abbreviations[e.name].value)


def side(difference: int, wraps: bool, sort_bits: bool) -> tuple[str, ...]:
    """The sides that ``right - left`` shows: ``difference`` modulo 2^32 when ``sort_bits``."""
    if sort_bits:
        difference &= 0xFFFFFFFF
        if difference == 0xFFFFFFFF:
            difference = -1
    found = [f"{difference:+d}" if difference else "0"] if -1 <= difference <= 1 else []
    if sort_bits and difference == HALF:
        found.append("antipode")
    if wraps:
        found.append("wrap")
    return tuple(found)


def purposes(model: ir.Model) -> list[Purpose]:
    """All purposes of the model, in the order of its text."""
    return [*_rules(model), *_conjuncts(model), *_edges(model), *_cells(model), *_requirements(model), *_timers(model)]


def _rules(model: ir.Model) -> Iterator[Purpose]:
    for _, r in model.rules():
        yield Purpose(f"rule/{r.id}", "rule", r.id, rules=(r.id,))


def _conjuncts(model: ir.Model) -> Iterator[Purpose]:
    for _, r in model.rules():
        for n, c in enumerate(r.guard):
            for way in ("holds", "refuses"):
                yield Purpose(f"conjunct/{r.id}/{c.name}/{way}", "conjunct", r.id, n, way)


def _edges(model: ir.Model) -> Iterator[Purpose]:
    for _, r in model.rules():
        for n, c in enumerate(comparisons(model, r)):
            for s in c.sides():
                yield Purpose(f"edge/{r.id}/{n + 1}/{s}", "edge", r.id, n, s)


def _cells(model: ir.Model) -> Iterator[Purpose]:
    for cell in cells(model):
        parts = cell.cell.split("/")
        state = "" if parts[0] == "TIMEOUT" else parts[1]
        yield Purpose(f"cell/{cell.cell}", "cell", rules=tuple(cell.rules), state=state)


def _requirements(model: ir.Model) -> Iterator[Purpose]:
    for r in table(model):
        if r.rules:
            yield Purpose(f"requirement/{r.id}", "requirement", rules=tuple(r.rules))


def _timers(model: ir.Model) -> Iterator[Purpose]:
    for s in model.sections:
        if s.kind == "timeout":
            for state in s.states:
                rules = tuple(r.id for r in s.rules)
                yield Purpose(f"timer/{s.subject}/{state}/ends", "timer", s.subject, -1, "ends", rules, state)
                yield Purpose(
                    f"timer/{s.subject}/{state}/forestalled", "timer", s.subject, -1, "forestalled", (), state
                )
