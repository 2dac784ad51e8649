"""What the rules compare: every edge at which a guard changes its mind, read off the checked specification.

A comparison of event fields with variables is brought to the form *sum of fields + sum of variables + constant*, zero
at its edge; solved for one field it says what value of that field meets the edge. What a guard asks of flags is kept
beside. Nothing here knows TCP: what is generated follows from the text.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass

from wireproof.spec import ir

COMPARISONS = ("=", "/=", "<", "=<")
MAX_FORMS = 8
"""Ways through the conditionals of one expression that are looked at."""


@dataclass(slots=True, frozen=True)
class Form:
    """A sum: names (``SND.UNA``, ``len(SND.DATA)``) with their coefficients, and a constant."""

    terms: tuple[tuple[str, int], ...]
    constant: int = 0

    def plus(self, other: Form, sign: int = 1) -> Form:
        """The sum of both, or the difference."""
        total = dict(self.terms)
        for name, k in other.terms:
            total[name] = total.get(name, 0) + sign * k
        kept = tuple(sorted((n, k) for n, k in total.items() if k))
        return Form(kept, self.constant + sign * other.constant)

    def without(self, names: frozenset[str]) -> Form:
        """Only the other terms."""
        return Form(tuple(t for t in self.terms if t[0] not in names), self.constant)

    def times(self, k: int) -> Form:
        return Form(tuple((n, c * k) for n, c in self.terms), self.constant * k)

    def text(self) -> str:
        """The terms as the base of a test case's number: ``SND.UNA - MAX.SND.WND``."""
        ordered = sorted(self.terms, key=lambda t: (t[1] < 0, t[0]))
        out = " ".join(f"{'-' if k < 0 else '+'} {name}" for name, k in ordered for _ in range(abs(k)))
        return out.removeprefix("+ ")


@dataclass(slots=True, frozen=True)
class Edge:
    """A comparison of event fields with other things: ``form`` is zero exactly at its edge."""

    form: Form
    fields: frozenset[str]
    """Which of its terms are fields of the event."""

    def solved(self, field: str) -> Form | None:
        """What the field is at the edge, the other fields being given; None when there is no whole answer."""
        k = dict(self.form.terms).get(field, 0)
        return self.form.without(frozenset({field})).times(-k) if k in (1, -1) else None


@dataclass(slots=True, frozen=True)
class Recipe:
    """What one rule asks of an event: flags that must be set or not, members, and the edges of its comparisons.

    ``states`` is empty for procedures, which any state may reach. ``open_flags`` are flags that the guard mentions
    in an alternative only.
    """

    rule: str
    kind: str
    subject: str
    states: frozenset[str]
    flags: tuple[tuple[str, bool], ...]
    open_flags: tuple[str, ...]
    members: tuple[tuple[str, str], ...]
    edges: tuple[Edge, ...]


class _Reader:
    """Reads expressions of one model."""

    def __init__(self, model: ir.Model):
        self.model = model

    def forms(self, e: ir.Expr, bound: dict[str, ir.Expr]) -> list[Form]:
        """The sums that an expression can be, one for each way through its conditionals; none when it is no sum."""
        match e:
            case ir.Lit(value=value):
                return [Form((), value)]
            case ir.Var(name=name) | ir.Field(name=name) | ir.Param(name=name):
                return [Form(((name, 1),))]
            case ir.Local(name=name):
                return self.forms(bound[name], bound) if name in bound else []
            case ir.Abbrev(name=name):
                return self.forms(self.model.abbreviations[name].value, {})
            case ir.Use(function="span", args=[low, high]):
                return self._sums(high, low, -1, bound)
            case ir.Op(op="len", args=[ir.Var(name=name) | ir.Field(name=name)]):
                return [Form(((f"len({name})", 1),))]
            case ir.Op(op="+" | "-" as op, args=[a, b]):
                return self._sums(a, b, 1 if op == "+" else -1, bound)
            case ir.Op(op="if", args=[_, a, b]) | ir.Op(op="min" | "max", args=[a, b]):
                return (self.forms(a, bound) + self.forms(b, bound))[:MAX_FORMS]
        return []

    def _sums(self, a: ir.Expr, b: ir.Expr, sign: int, bound: dict[str, ir.Expr]) -> list[Form]:
        return [x.plus(y, sign) for x in self.forms(a, bound) for y in self.forms(b, bound)][:MAX_FORMS]

    def atoms(self, e: ir.Expr) -> Iterator[ir.Expr]:
        """Comparisons and flags that an expression is made of, through abbreviations."""
        match e:
            case ir.Op(op=op) if op in COMPARISONS:
                yield e
                for arg in e.args:
                    yield from self.atoms(arg)
            case ir.Op():
                for arg in e.args:
                    yield from self.atoms(arg)
            case ir.Abbrev(name=name):
                yield from self.atoms(self.model.abbreviations[name].value)
            case ir.Field(sort=ir.FLAG):
                yield e

    def compared(self, e: ir.Expr) -> Iterator[Form]:
        """The sums that the comparisons in an expression compare with zero."""
        for atom in self.atoms(e):
            if isinstance(atom, ir.Op):
                yield from self._sums(atom.args[0], atom.args[1], -1, {})

    def edges(self, e: ir.Expr) -> list[Edge]:
        """The edges of the comparisons in an expression that have a field of an event."""
        return list(dict.fromkeys(edge for form in self.compared(e) if (edge := _edge(form)) is not None))

    def inside(self, e: ir.Expr) -> Iterator[ir.Expr]:
        """An expression and all its parts."""
        yield e
        for arg in e.args if isinstance(e, ir.Op | ir.Use) else ():
            yield from self.inside(arg)


def _edge(form: Form) -> Edge | None:
    fields = frozenset(n for n, _ in form.terms if is_field(n))
    return Edge(form, fields) if fields else None


def is_field(name: str) -> bool:
    """Is this term of a form a field of an event?"""
    return name.removeprefix("len(").startswith(("SEG.", "ICMP.", "CALL."))


def _wanted(test: ir.Expr) -> Iterator[tuple[str, bool]]:
    """The flags that a conjunct asks for by itself."""
    match test:
        case ir.Field(name=name, sort=ir.FLAG):
            yield name, True
        case ir.Op(op="not", args=[ir.Field(name=name)]):
            yield name, False
        case ir.Op(op="and", args=args):
            for arg in args:
                yield from _wanted(arg)


def _member(test: ir.Expr) -> tuple[str, str] | None:
    """``CALL.OPTION = TTL``."""
    match test:
        case ir.Op(op="=", args=[ir.Field(name=name), ir.Member(member=member)]):
            return name, member
    return None


def _passed(section: ir.Section, rule: ir.Rule) -> dict[str, bool]:
    """The flags that the rules before this one leave over: those that are about one flag only did not fire."""
    out: dict[str, bool] = {}
    for earlier in section.rules[: section.rules.index(rule)]:
        wanted = [list(_wanted(c.test)) for c in earlier.guard]
        if len(wanted) == 1 and len(wanted[0]) == 1:
            name, on = wanted[0][0]
            out[name] = not on
    return out


def _recipe(reader: _Reader, section: ir.Section, rule: ir.Rule) -> Recipe:
    tests = [c.test for c in rule.guard]
    flags = _passed(section, rule) | dict(f for t in tests for f in _wanted(t))
    loose = {a.name: None for t in tests for a in reader.atoms(t) if isinstance(a, ir.Field) and a.name not in flags}
    members = [m for t in tests if (m := _member(t)) is not None]
    edges = dict.fromkeys(e for t in tests for e in reader.edges(t))
    return Recipe(
        rule.id,
        section.kind,
        section.subject,
        frozenset(section.states if section.kind != "procedure" else ()),
        tuple(flags.items()),
        tuple(loose),
        tuple(members),
        tuple(edges),
    )


@functools.cache
def recipes() -> tuple[Recipe, ...]:
    """A recipe for each rule about an event, a call, or a procedure that compares a field of an event, of the
    specification of TCP."""
    from wireproof.spec.load import tcp

    return recipes_of(tcp())


def recipes_of(model: ir.Model) -> tuple[Recipe, ...]:
    """The recipes of a model, in the order of its text."""
    reader = _Reader(model)
    found = [_recipe(reader, s, r) for s, r in model.rules() if s.kind in ("event", "call", "procedure")]
    return tuple(r for r in found if r.kind != "procedure" or r.edges)


def later_edges(model: ir.Model) -> dict[str, tuple[Edge, ...]]:
    """What a field decides later: guards that compare a variable which an event's field becomes (``SND.WND``) or is
    added to (``SND.DATA``), solved for the field. By field."""
    reader = _Reader(model)
    becomes: dict[str, dict[str, Form]] = {}
    for _, rule in model.rules():
        for action in rule.actions:
            if isinstance(action, ir.Assign):
                for variable, field, form in _stored(reader, action):
                    becomes.setdefault(variable, {})[field] = form
    found: dict[str, dict[Edge, None]] = {}
    for section, rule in model.rules():
        if section.kind not in ("may", "timeout", "procedure"):
            continue
        for form in (f for c in rule.guard for f in reader.compared(c.test)):
            for variable, k in form.terms:
                for field, value in becomes.get(variable, {}).items():
                    changed = form.without(frozenset({variable})).plus(value.times(k))
                    edge = _edge(changed)
                    if edge is not None and edge.solved(field) is not None:
                        found.setdefault(field, {})[edge] = None
    return {field: tuple(edges) for field, edges in found.items()}


def _stored(reader: _Reader, action: ir.Assign) -> Iterator[tuple[str, str, Form]]:
    """Which variable takes which field of an event how: the field itself, or its length added to what is there."""
    value = action.value
    if isinstance(value, ir.Field) and is_field(value.name) and value.sort.name == "length":
        yield action.target, value.name, Form(((value.name, 1),))
    elif isinstance(value, ir.Op) and value.sort == ir.OCTETS:
        parts = list(reader.inside(value))
        length = f"len({action.target})"
        for part in parts:
            if isinstance(part, ir.Field) and is_field(part.name) and ir.Var in map(type, parts):
                yield length, f"len({part.name})", Form(((f"len({part.name})", 1), (length, 1)))


@functools.cache
def later() -> dict[str, tuple[Edge, ...]]:
    """:func:`later_edges` of the specification of TCP."""
    from wireproof.spec.load import tcp

    return later_edges(tcp())


@functools.cache
def durations() -> tuple[int, ...]:
    """The times that the specification's parameters name (us), shortest first."""
    from wireproof.spec.load import tcp

    values = {p.value.value for p in tcp().params.values() if p.sort == ir.DURATION and isinstance(p.value, ir.Lit)}
    return tuple(sorted(v for v in values if v > 0))


@functools.cache
def calls() -> dict[str, tuple[str, ...]]:
    """The calls that there are, with the names of their arguments."""
    from wireproof.spec.load import tcp

    return {name: tuple(event.fields) for name, event in tcp().calls.items()}
