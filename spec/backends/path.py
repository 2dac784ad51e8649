"""What a path through the rules has gathered, and expressions read at a point of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import z3

from wireproof.spec import ir
from wireproof.spec.backends import fold
from wireproof.spec.backends.configuration import Configuration, Timer, Values, merge, merge_timers
from wireproof.spec.backends.fold import TRUE, both, chosen, constant, either, folded, negated
from wireproof.spec.backends.held import Anything, Held, Slots, narrow, part
from wireproof.spec.backends.text import EMPTY, Text, equal, zeros
from wireproof.spec.backends.z3_terms import COUNTED, MOST, Z3Terms

Scope = dict[str, Any]
_WORD = z3.BitVecSort(64)
_SCALED = z3.Function("muldiv", _WORD, _WORD, _WORD, _WORD)
OPAQUE = (ir.OCTETS, ir.REASSEMBLY)


@dataclass(frozen=True, slots=True)
class Sent:
    """A segment that a rule asks to send ``when`` its path was taken, and what of it is left open (ir.Send).

    ``seq`` to ``seq + span``, acknowledgment ``ack_from`` to ``ack`` (None without ACK), control bits ``ctl`` that
    are set and ``may`` that can be, by name; ``text`` octets from ``seq`` on, of which ``low`` to ``high`` go, or all.
    """

    rule: str
    when: Any
    seq: Any
    span: Any
    ack: Any
    ack_from: Any
    ctl: frozenset[str]
    may: frozenset[str]
    text: Any
    low: Any
    high: Any
    rest: bool


@dataclass(frozen=True, slots=True)
class Returned:
    """A result that a call may have; ``low`` to ``high`` octets for count and text, ``value`` for error and state."""

    kind: str
    value: Any = None
    low: Any = None
    high: Any = None


@dataclass(slots=True)
class Path:
    """One way through the rules, or several that met again.

    ``condition``: when it is taken; ``given``: what must hold besides (the result that was observed is one of those
    allowed). Everything noted has the condition under which it was.
    """

    condition: Any
    given: Any
    values: Values
    timers: dict[str, Timer]
    now: Any
    sends: list[Sent] = field(default_factory=list)
    fired: list[tuple[str, Any]] = field(default_factory=list)
    signals: list[tuple[str, Any]] = field(default_factory=list)
    results: list[tuple[Any, tuple[Returned, ...]]] = field(default_factory=list)
    memo: dict[str, Any] = field(default_factory=dict)
    """Abbreviations that were read since the last change."""

    @staticmethod
    def begin(c: Configuration) -> Path:
        return Path(TRUE, TRUE, dict(c.values), dict(c.timers), c.now)

    def fork(self, condition: Any) -> Path:
        """The same path, under a further condition."""
        return Path(
            both([self.condition, condition]),
            self.given,
            dict(self.values),
            dict(self.timers),
            self.now,
            list(self.sends),
            list(self.fired),
            list(self.signals),
            list(self.results),
            dict(self.memo),
        )

    def assign(self, name: str, value: Any) -> None:
        self.values[name] = value
        self.memo.clear()

    def start(self, timer: str, low: Any, high: Any) -> None:
        self.timers[timer] = Timer(low, high)
        self.memo.clear()


def joined(base: Path, members: list[tuple[Any, Path]], whole: bool) -> Path:
    """One path for several that came from ``base``: the first member whose selector holds is the one that was taken.

    ``whole``: they are all that came from it, so that nothing is to be said of when.
    """
    if len(members) == 1:
        return members[0][1]
    *others, (_, last) = members
    out = last.fork(TRUE)
    out.memo.clear()
    out.condition = base.condition if whole else either(p.condition for _, p in members)
    for selector, p in reversed(others):
        out.given = chosen(selector, p.given, out.given)
        for name, value in p.values.items():
            if value is not out.values[name]:
                out.values[name] = merge(selector, value, out.values[name])
        for name, timer in p.timers.items():
            out.timers[name] = merge_timers(selector, timer, out.timers[name])
    for notes in ("sends", "fired", "signals", "results"):
        seen = {id(n): n for _, p in members for n in getattr(p, notes)}
        setattr(out, notes, list(seen.values()))
    return out


class PathTerms(Z3Terms):
    """Expressions at a point of a path: set ``path`` first, and ``fields`` for the event.

    ``inexact`` tells that something was asked that lengths cannot answer: whether two texts are the same.
    """

    def __init__(self, model: ir.Model, slots: int | None):
        super().__init__(model)
        self.slots = slots
        self.based: dict[str, list[Any]] = {}
        """The sequence numbers that were made, by what they count from."""
        self.params: Scope = {}
        self.profiles: Scope = {}
        self.fields: Scope = {}
        self.before: Path | None = None
        """The path at the event, for what properties say of the time before it."""
        self.prefix = ""
        self.inexact = False
        self.path: Path

    def number(self, name: str, sort: ir.Sort) -> Any:
        """A sequence number, noted under its base."""
        v = self.variable(name, sort)
        group = self.based.setdefault(sort.base or "", [])
        if not any(v.eq(x) for x in group):
            group.append(v)
        return v

    def empty(self) -> Held:
        return Anything.empty(self.bounds) if self.slots is None else Slots.empty(self.slots)

    def profile(self, name: str) -> Any:
        return self.profiles[name]

    def of(self, e: ir.Expr, scope: Scope | None = None) -> Any:
        scope = scope or {}
        match e:
            case ir.Lit() if e.sort != ir.FLAG and e.sort.name != "seq32":
                return z3.BitVecVal(e.value, 64)
            case ir.Var():
                return self.path.values[e.name]
            case ir.Param():
                return self.params[e.name]
            case ir.Field():
                return self.fields[e.name]
            case ir.Chosen():
                return self.variable(f"{self.prefix}choice {e.name}", ir.FLAG, shown=e.name)
            case ir.Abbrev():
                if e.name not in self.path.memo:
                    self.path.memo[e.name] = super().of(e)
                return self.path.memo[e.name]
            case ir.Now():
                return self.path.now
            case ir.Running():
                return self.path.timers[e.timer].running
            case ir.Empty():
                return self.empty() if e.sort == ir.REASSEMBLY else EMPTY
            case ir.Before():
                return self.earlier(e.value, scope)
        return super().of(e, scope)

    def earlier(self, e: ir.Expr, scope: Scope) -> Any:
        """An expression before the step."""
        assert self.before is not None, "before() is read in properties only"
        here, self.path = self.path, self.before
        try:
            return self.of(e, scope)
        finally:
            self.path = here

    def _octets(self, e: ir.Op, a: list[Any]) -> Any:
        """Operations on texts and on what is held."""
        match e.op:
            case "len":
                return a[0].length
            case "zeros":
                return zeros(a[0])
            case "+":
                return a[0].then(a[1])
            case "slice":
                return a[0].slice(*a[1:])
            case "part":
                skipped, length = part(a[0].length, *a[1:])
                return Text(length, lambda i: a[0].at(folded(i + skipped)))
            case "ready":
                held, seq = a
                return Text(held.ready(seq), lambda i: held.octet(folded(seq + narrow(i))))
            case "hold":
                return a[0].hold(a[1], a[2].length)
            case "beyond":
                return a[0].beyond(a[1])
        raise ValueError(
            f"the relation does not know the operation '{e.op}' on octets; add it to spec/backends/path.py"
        )

    def _op(self, e: ir.Op, scope: Scope) -> Any:
        match e.op:
            case "and":
                return both(self.of(x, scope) for x in e.args)
            case "or":
                return either(self.of(x, scope) for x in e.args)
            case "implies":
                return either([negated(self.of(e.args[0], scope)), self.of(e.args[1], scope)])
            case "not":
                return negated(self.of(e.args[0], scope))
            case "if":
                test, a, b = (self.of(x, scope) for x in e.args)
                return merge(test, a, b)
            case "=" | "/=":
                found = self.equal(e, *e.args, *(self.of(x, scope) for x in e.args))
                return found if e.op == "=" else negated(found)
            case "in":
                a, *others = (self.of(x, scope) for x in e.args)
                return either(self.equal(e, e.args[0], x, a, t) for x, t in zip(e.args[1:], others, strict=True))
        a = [self.of(x, scope) for x in e.args]
        if e.sort in OPAQUE or e.args[0].sort in OPAQUE:
            return self._octets(e, a)
        if e.op in ("+", "-") and e.args[0].sort.name == "seq32" and e.args[1].sort.name != "seq32":
            low = narrow(a[1])
            return folded(a[0] + low if e.op == "+" else a[0] - low)
        if e.op == "muldiv" and self.slots is None and not all(map(constant, a)):
            return self.scaled(*a)
        found = self.applied(e, a)
        return z3.simplify(found) if all(map(constant, a)) else found

    def scaled(self, a: Any, b: Any, c: Any) -> Any:
        """``a * b / c`` for proofs: the same number for the same three, and no more than what the sizes tell. A product
        of 128 bits, divided, is more than the solver can work out."""
        found = _SCALED(a, b, c)
        sizes = z3.And(a >= 0, a <= COUNTED, b >= 0, b <= MOST, c > 0)
        self.bounds += [
            z3.Implies(sizes, z3.And(found >= 0, found <= COUNTED * MOST)),
            z3.Implies(z3.And(sizes, b <= c), found <= a),
        ]
        return found

    def equal(self, e: ir.Op, left: ir.Expr, right: ir.Expr, a: Any, b: Any) -> Any:
        if left.sort == ir.REASSEMBLY:
            if isinstance(right, ir.Empty):
                return a.is_empty()
            if isinstance(left, ir.Empty):
                return b.is_empty()
            if a.eq(b):
                return TRUE
        if left.sort in OPAQUE:
            if isinstance(left, ir.Empty) or isinstance(right, ir.Empty):
                return fold.same(a.length, b.length)
            self.inexact = True
            name = f"same {len(self.bounds)}"
            return equal(a, b, name, self.bounds) if left.sort == ir.OCTETS else z3.Bool(name)
        return fold.same(a, b)
