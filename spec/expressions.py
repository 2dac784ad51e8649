"""Resolving names and checking sorts in expressions.

Sequence numbers have an order of their own (RFC 9293 3.4) and a base they count from; lengths, counts, durations
and instants do not mix. A plain number takes the sort of what it stands beside.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

from wireproof.spec import ir
from wireproof.spec import syntax as s
from wireproof.spec.scope import Globals, suggest
from wireproof.spec.sort_advice import advice, arithmetic_advice, has, shown_sort
from wireproof.spec.source import Span

BUILT_IN_FUNCTIONS = {
    "len": "len(octets) : length",
    "min": "min(a, b) of one sort",
    "max": "max(a, b) of one sort",
    "part": "part(octets, its first seq32, from seq32, to seq32) : octets",
    "hold": "hold(reassembly, seq32, octets) : reassembly",
    "ready": "ready(reassembly, seq32) : octets",
    "beyond": "beyond(reassembly, seq32) : reassembly",
    "running": "running(TIMER) : flag",
    "before": "before(E): the value of E before the step, in a property",
    "distance": "distance(duration, duration) : duration",
    "muldiv": "muldiv(length, length, length) : length",
    "zeros": "zeros(length) : octets",
}
CHANGING = (ir.Var, ir.Abbrev, ir.Running, ir.Before)
"""What can have another value after a step."""
UNIT_FREE = ("count", "length", "seq32", "instant")


@dataclass(slots=True)
class Scope:
    """Where an expression stands: which event's fields it sees, its local names."""

    events: frozenset[str]
    what: str
    """For messages: 'a rule for a call'."""
    locals: dict[str, ir.Expr] = field(default_factory=dict)
    closed: bool = False
    """Only the locals may be read: the body of a function."""
    call: str | None = None
    """The call whose arguments are at hand; None: of whatever call there is."""
    elsewhere: str = "move the rule, or use a variable"
    """What to do about a field of an event that is not at hand."""
    step: Literal["no", "after", "before"] = "no"
    """In a property there is a step to look back from: ``before`` inside of before(), else ``after``."""


@dataclass(slots=True)
class Typer:
    """Elaborates expressions against the declarations; lets and functions on first use, circles found on the way."""

    g: Globals
    abbreviations: dict[str, ir.Abbreviation] = field(default_factory=dict)
    functions: dict[str, ir.Function] = field(default_factory=dict)
    busy: list[str] = field(default_factory=list)

    def problem(self, code: str, span: Span, text: str, hint: str) -> None:
        self.g.problems.add(code, span, text, hint)

    # -- entry points
    def flag(self, e: s.Expr, scope: Scope) -> ir.Expr:
        return self.expect(e, ir.FLAG, scope)

    def expect(self, e: s.Expr, sort: ir.Sort, scope: Scope) -> ir.Expr:
        """Elaborate and demand a sort."""
        got = self.expr(e, scope)
        return self.fit(got, sort, e.span)

    def fit(self, got: ir.Expr, sort: ir.Sort, span: Span) -> ir.Expr:
        """Give a literal the sort that is wanted; report any other difference."""
        if sort in (ir.NUMBER, ir.UNKNOWN) or got.sort in (sort, ir.UNKNOWN):
            return got
        if got.sort == ir.NUMBER and sort.name in UNIT_FREE:
            return _as(got, sort)
        if got.sort.name == "seq32" == sort.name and (got.sort.base is None or sort.base is None):
            return got
        if isinstance(got, ir.Empty) and sort.name in ("octets", "reassembly"):
            return ir.Empty(sort, span=got.span)
        if isinstance(got, ir.Lit) and got.sort == ir.DURATION and sort == ir.INSTANT:
            return got
        self.problem(
            "sort",
            span,
            f"this is {shown_sort(got.sort)}, and {shown_sort(sort)} is wanted here",
            advice(got.sort, sort),
        )
        return got

    def expr(self, e: s.Expr, scope: Scope) -> ir.Expr:
        match e:
            case s.Name():
                return self.name(e, scope)
            case s.Number():
                return ir.Lit(e.value, ir.NUMBER, span=e.span)
            case s.Duration():
                return ir.Lit(e.us, ir.DURATION, span=e.span)
            case s.Constant():
                return self.constant(e)
            case s.Not():
                return ir.Op("not", [self.flag(e.of, scope)], ir.FLAG, span=e.span)
            case s.Logic():
                return ir.Op(e.op, [self.flag(x, scope) for x in e.of], ir.FLAG, span=e.span)
            case s.Compare():
                return self.compare(e, scope)
            case s.Member():
                of = _sorted(self.expr(e.of, scope))
                among = [self.fit(self.expr(x, scope), of.sort, x.span) for x in e.among]
                return ir.Op("in", [of, *among], ir.FLAG, span=e.span)
            case s.Arith():
                result = self.expr(e.first, scope)
                for op, right in e.rest:
                    result = self.arith(op, result, self.expr(right, scope), e.span)
                return result
            case s.Slice():
                of = self.expect(e.of, ir.OCTETS, scope)
                low = self.expect(e.low, ir.LENGTH, scope) if e.low else ir.Lit(0, ir.LENGTH, span=e.span)
                args = [of, low] + ([self.expect(e.high, ir.LENGTH, scope)] if e.high else [])
                return ir.Op("slice", args, ir.OCTETS, span=e.span)
            case s.If():
                condition = self.flag(e.condition, scope)
                a, b = self.unify(self.expr(e.then, scope), self.expr(e.orelse, scope), e.span)
                return ir.Op("if", [condition, a, b], a.sort, span=e.span)
            case s.Apply():
                return self.apply(e, scope)

    def constant(self, e: s.Constant) -> ir.Expr:
        match e.word:
            case "true" | "false":
                return ir.Lit(int(e.word == "true"), ir.FLAG, span=e.span)
            case "now":
                return ir.Now(ir.INSTANT, span=e.span)
            case "never":
                return ir.Lit(1 << 60, ir.DURATION, span=e.span)
            case _:
                return ir.Empty(ir.OCTETS, span=e.span)

    def name(self, e: s.Name, scope: Scope) -> ir.Expr:
        g, n = self.g, e.id
        if n in scope.locals:
            return scope.locals[n]
        if scope.closed and (n in g.variables or n in g.params or n in g.lets):
            self.problem(
                "not-an-argument",
                e.span,
                f"{scope.what} reads '{n}', which is none of its arguments",
                "give it as an argument, or write a let",
            )
            return ir.Lit(0, ir.UNKNOWN, span=e.span)
        if n in g.variables:
            v = g.variables[n]
            return ir.Var(n, g.sort(v.sort, v.base, v.span), span=e.span)
        if n in g.params:
            return ir.Param(n, g.sort(g.params[n].sort, None, g.params[n].span), span=e.span)
        if n in g.fields:
            event, sort = g.fields[n]
            if event not in scope.events:
                origin = "is an argument of a call" if event == "call" else f"belongs to the event '{event}'"
                self.problem(
                    "wrong-event",
                    e.span,
                    f"'{n}' {origin}, which {scope.what} does not have",
                    scope.elsewhere,
                )
            elif event == "call" and scope.call and n != "RET.COUNT":
                args = [f.name for f in g.calls[scope.call].args]
                if n not in args:
                    text = f"'{n}' is no argument of the call '{scope.call}'"
                    hint = f"its arguments: {', '.join(args)}" if args else "it has no arguments"
                    self.problem("wrong-event", e.span, text, hint)
            return ir.Field(event, n, sort, span=e.span)
        if n in g.members:
            return ir.Member(n, ir.Sort(g.members[n]), span=e.span)
        if n in g.lets:
            a = self.abbreviation(n, e.span)
            if not a.events <= scope.events:
                missing = ", ".join(sorted(a.events - scope.events))
                self.problem(
                    "wrong-event",
                    e.span,
                    f"'{n}' reads the event '{missing}', which {scope.what} does not have",
                    scope.elsewhere,
                )
            return ir.Abbrev(n, a.sort, span=e.span)
        known = [*g.all_names(), *scope.locals]
        self.problem("unknown-name", e.span, f"'{n}' is not known here", suggest(n, known))
        return ir.Lit(0, ir.UNKNOWN, span=e.span)

    def abbreviation(self, name: str, used: Span) -> ir.Abbreviation:
        """A let, elaborated on first use."""
        if name in self.abbreviations:
            return self.abbreviations[name]
        let = self.g.lets[name]
        if name in self.busy:
            circle = " -> ".join([*self.busy[self.busy.index(name) :], name])
            self.problem("circular", used, f"'{name}' is defined by itself: {circle}", "break the circle")
            return ir.Abbreviation(name, ir.Lit(0, ir.UNKNOWN), ir.UNKNOWN, "", frozenset())
        self.busy.append(name)
        every = frozenset(e for e, _ in self.g.fields.values())
        value = self.expr(let.value, Scope(every, "a let"))
        self.busy.pop()
        if value.sort == ir.NUMBER:
            value = _as(value, ir.LENGTH)
        events = events_of(value, self.abbreviations)
        meaning = " ".join(d.text for d in let.docs if d.kind == "means")
        notes = [d.text for d in let.docs if d.kind == "note"]
        a = ir.Abbreviation(name, value, value.sort, meaning, events, notes, span=let.span)
        self.abbreviations[name] = a
        return a

    def function(self, name: str) -> ir.Function:
        """A function of the specification, elaborated on first use."""
        if name in self.functions:
            return self.functions[name]
        f = self.g.functions[name]
        args = [(a, self.g.sort(sort, None, f.span)) for a, sort in f.args]
        if name in self.busy:
            circle = " -> ".join([*self.busy[self.busy.index(name) :], name])
            self.problem("circular", f.span, f"the function '{name}' calls itself: {circle}", "break the circle")
            return ir.Function(name, args, ir.UNKNOWN, ir.Lit(0, ir.UNKNOWN), "")
        if len({a for a, _ in args}) != len(args):
            text = f"the function '{name}' has two arguments of one name"
            self.problem("declared-twice", f.span, text, "rename one of them")
        if name in BUILT_IN_FUNCTIONS:
            text = f"'{name}' is a function of the language: {BUILT_IN_FUNCTIONS[name]}"
            self.problem("declared-twice", f.span, text, "use another name")
        self.busy.append(name)
        scope = Scope(frozenset(), f"the function '{name}'", closed=True)
        scope.locals = {a: ir.Local(a, sort) for a, sort in args}
        result = self.g.sort(f.sort, None, f.span)
        value = self.expect(f.value, result, scope)
        self.busy.pop()
        meaning = " ".join(d.text for d in f.docs if d.kind == "means")
        self.functions[name] = ir.Function(name, args, result, value, meaning, span=f.span)
        return self.functions[name]

    def unify(self, a: ir.Expr, b: ir.Expr, span: Span) -> tuple[ir.Expr, ir.Expr]:
        """Bring two expressions to one sort."""
        if ir.UNKNOWN in (a.sort, b.sort):
            return a, b
        if isinstance(a, ir.Empty) and not isinstance(b, ir.Empty):
            return self.fit(a, b.sort, span), b
        if a.sort == ir.NUMBER and b.sort.name in UNIT_FREE:
            return _as(a, b.sort), b
        if b.sort == ir.NUMBER and a.sort.name in UNIT_FREE:
            return a, _as(b, a.sort)
        if a.sort.name == b.sort.name == "seq32" and (a.sort.base is None or b.sort.base is None):
            return a, b
        if isinstance(b, ir.Empty):
            return a, self.fit(b, a.sort, span)
        if a.sort != b.sort:
            if a.sort.name == b.sort.name == "seq32":
                self.problem(
                    "sort",
                    span,
                    f"one sequence number counts from {a.sort.base}, the other from {b.sort.base}",
                    "compare numbers of one direction only",
                )
            else:
                self.problem(
                    "sort",
                    span,
                    f"{shown_sort(a.sort)} and {shown_sort(b.sort)} do not go together",
                    advice(b.sort, a.sort),
                )
        return a, b

    def compare(self, e: s.Compare, scope: Scope) -> ir.Expr:
        left = self.expr(e.first, scope)
        parts: list[ir.Expr] = []
        for op, r in e.rest:
            right = self.expr(r, scope)
            a, b = self.unify(left, right, e.span)
            if a.sort == b.sort == ir.NUMBER:
                a, b = _sorted(a), _sorted(b)
            if op not in ("=", "/=") and a.sort.name not in (*ir.ORDERED, "number", "unknown"):
                self.problem(
                    "sort",
                    e.span,
                    f"{shown_sort(a.sort)} {has(a.sort)} no order",
                    "compare with = or /=, or test with in",
                )
            if op in (">", ">="):
                a, b, op = b, a, {">": "<", ">=": "=<"}[op]
            parts.append(ir.Op(op, [a, b], ir.FLAG, span=e.span))
            left = right
        return parts[0] if len(parts) == 1 else ir.Op("and", list(parts), ir.FLAG, span=e.span)

    def arith(self, op: str, a: ir.Expr, b: ir.Expr, span: Span) -> ir.Expr:
        x, y = a.sort.name, b.sort.name
        sort: ir.Sort | None = ir.UNKNOWN if ir.UNKNOWN in (a.sort, b.sort) else None
        if op == "+":
            if x == y and x in ("count", "length", "duration", "octets", "number"):
                sort = a.sort
            elif x == "seq32" and y in ("length", "number"):
                sort, b = a.sort, self.fit(b, ir.LENGTH, span)
            elif (x in ("count", "length") and y == "number") or (x == "number" and y in ("count", "length")):
                a, b = self.unify(a, b, span)
                sort = a.sort
            elif x == "instant" and y == "duration":
                sort = a.sort
        elif op == "-":
            if x == y == "seq32":
                self.unify(a, b, span)
                sort = ir.LENGTH
            elif x == "seq32" and y in ("length", "number"):
                sort, b = a.sort, self.fit(b, ir.LENGTH, span)
            elif x == y and x in ("count", "length", "duration", "number"):
                sort = a.sort
            elif (x in ("count", "length") and y == "number") or (x == "number" and y in ("count", "length")):
                a, b = self.unify(a, b, span)
                sort = a.sort
            elif x == y == "instant":
                sort = ir.DURATION
            elif x == "instant" and y == "duration":
                sort = a.sort
        elif op == "*":
            if x in ("count", "number") and y in ("count", "length", "duration", "number"):
                sort = b.sort if y != "number" else a.sort
            elif y in ("count", "number") and x in ("count", "length", "duration"):
                sort = a.sort
        elif op in ("/", "mod"):
            if y in ("count", "number") and x in ("count", "length", "duration", "number"):
                sort = a.sort
            elif x == y == "length":
                sort = ir.COUNT if op == "/" else ir.LENGTH
        if op in ("*", "/", "mod") and a.sort != b.sort:
            a = _as(a, ir.COUNT) if a.sort == ir.NUMBER else a
            b = _as(b, ir.COUNT) if b.sort == ir.NUMBER else b
        if sort is None:
            self.problem(
                "sort",
                span,
                f"{shown_sort(a.sort)} {op} {shown_sort(b.sort)} has no meaning",
                arithmetic_advice(op, a.sort, b.sort),
            )
            sort = a.sort
        return ir.Op(op, [a, b], sort, span=span)

    def apply(self, e: s.Apply, scope: Scope) -> ir.Expr:
        name = e.function
        if name == "running":
            if len(e.args) == 1 and isinstance(e.args[0], s.Name) and e.args[0].id in self.g.timers:
                return ir.Running(e.args[0].id, ir.FLAG, span=e.span)
            if len(e.args) == 1 and isinstance(e.args[0], s.Name):
                n = e.args[0].id
                self.problem("unknown-timer", e.args[0].span, f"there is no timer {n}", suggest(n, [*self.g.timers]))
            else:
                hint = f"its form is {BUILT_IN_FUNCTIONS[name]}"
                self.problem("arguments", e.span, "running() takes the name of one timer", hint)
            return ir.Lit(0, ir.FLAG, span=e.span)
        if name == "before":
            return self.before(e, scope)
        if name in self.g.functions:
            return self.use(e, scope)
        if name not in BUILT_IN_FUNCTIONS:
            known = [*BUILT_IN_FUNCTIONS, *self.g.functions]
            self.problem("unknown-function", e.span, f"there is no function '{name}'", suggest(name, known))
            return ir.Lit(0, ir.UNKNOWN, span=e.span)
        args = [self.expr(a, scope) for a in e.args]
        wanted = {"len": 1, "part": 4, "hold": 3, "muldiv": 3, "zeros": 1}.get(name, 2)
        if len(args) != wanted:
            self.problem(
                "arguments",
                e.span,
                f"{name}() takes {wanted} argument{'s' * (wanted > 1)}, not {len(args)}",
                f"its form is {BUILT_IN_FUNCTIONS[name]}",
            )
            return ir.Lit(0, ir.UNKNOWN, span=e.span)
        if name in ("min", "max"):
            a, b = self.unify(args[0], args[1], e.span)
            if a.sort.name not in ("count", "length", "duration", "number", "instant", "unknown"):
                self.problem(
                    "sort",
                    e.span,
                    f"{name}() needs an order of all values, and {shown_sort(a.sort)} {has(a.sort)} none",
                    "write a function with < and if" if a.sort.name == "seq32" else "give it lengths, counts or times",
                )
            return ir.Op(name, [a, b], a.sort, span=e.span)
        seq = ir.SEQ32
        forms: dict[str, tuple[list[ir.Sort], ir.Sort]] = {
            "len": ([ir.OCTETS], ir.LENGTH),
            "part": ([ir.OCTETS, seq, seq, seq], ir.OCTETS),
            "hold": ([ir.REASSEMBLY, seq, ir.OCTETS], ir.REASSEMBLY),
            "ready": ([ir.REASSEMBLY, seq], ir.OCTETS),
            "beyond": ([ir.REASSEMBLY, seq], ir.REASSEMBLY),
            "distance": ([ir.DURATION, ir.DURATION], ir.DURATION),
            "muldiv": ([ir.LENGTH] * 3, ir.LENGTH),
            "zeros": ([ir.LENGTH], ir.OCTETS),
        }
        sorts, result = forms[name]
        fitted = [self.fit(a, sort, x.span) for a, sort, x in zip(args, sorts, e.args, strict=True)]
        return ir.Op(name, fitted, result, span=e.span)

    def before(self, e: s.Apply, scope: Scope) -> ir.Expr:
        """The value that an expression had before the step that a property is about."""
        if scope.step == "no":
            text = f"{scope.what} has no step to look back from"
            self.problem("before", e.span, text, "before(...) stands in the 'when' and 'then' of a property itself")
        elif scope.step == "before":
            self.problem("before", e.span, "before() stands in before()", "there is one step only: remove one of them")
        if len(e.args) != 1:
            text = f"before() takes 1 argument, not {len(e.args)}"
            self.problem("arguments", e.span, text, f"its form is {BUILT_IN_FUNCTIONS['before']}")
            return ir.Lit(0, ir.UNKNOWN, span=e.span)
        value = self.expr(e.args[0], replace(scope, step="before") if scope.step == "after" else scope)
        if scope.step != "no" and value.sort != ir.UNKNOWN and not any(isinstance(x, CHANGING) for x in walk(value)):
            text = "nothing in this before() changes in a step"
            self.problem("before", e.span, text, "name a variable in it, or remove before()")
            return value
        return ir.Before(value, value.sort, span=e.span)

    def use(self, e: s.Apply, scope: Scope) -> ir.Expr:
        f = self.function(e.function)
        if len(e.args) != len(f.args):
            self.problem(
                "arguments",
                e.span,
                f"{f.name}() takes {len(f.args)} argument{'s' * (len(f.args) != 1)}, not {len(e.args)}",
                f"its form is {f.name}({', '.join(a for a, _ in f.args)})",
            )
            return ir.Lit(0, f.sort, span=e.span)
        args = [self.fit(self.expr(a, scope), sort, a.span) for a, (_, sort) in zip(e.args, f.args, strict=True)]
        bases = {a.sort.base for a in args if a.sort.name == "seq32" and a.sort.base}
        if len(bases) > 1:
            self.problem(
                "sort",
                e.span,
                f"{f.name}() is given sequence numbers that count from {' and from '.join(sorted(bases))}",
                "compare numbers of one direction only",
            )
        base = next(iter(bases)) if len(bases) == 1 else None
        result = ir.Sort("seq32", base) if f.sort.name == "seq32" else f.sort
        return ir.Use(f.name, args, result, span=e.span)


def _as(e: ir.Expr, sort: ir.Sort) -> ir.Expr:
    """A literal expression with the sort that its neighbour gives it."""
    if isinstance(e, ir.Op) and e.sort == ir.NUMBER:
        return ir.Op(e.op, [_as(a, sort) if a.sort == ir.NUMBER else a for a in e.args], sort, span=e.span)
    if isinstance(e, ir.Lit):
        return ir.Lit(e.value, sort, span=e.span)
    return e


def _sorted(e: ir.Expr) -> ir.Expr:
    """A plain number that nothing gives a sort is a length."""
    return _as(e, ir.LENGTH) if e.sort == ir.NUMBER else e


def events_of(e: ir.Expr, abbreviations: dict[str, ir.Abbreviation]) -> frozenset[str]:
    """The events whose fields an expression reads, through lets."""
    found: set[str] = set()
    for x in walk(e):
        if isinstance(x, ir.Field):
            found.add(x.event)
        elif isinstance(x, ir.Abbrev) and x.name in abbreviations:
            found |= abbreviations[x.name].events
    return frozenset(found)


def walk(e: ir.Expr) -> list[ir.Expr]:
    """An expression and all its parts, outermost first."""
    out: list[ir.Expr] = [e]
    if isinstance(e, ir.Op | ir.Use):
        for a in e.args:
            out.extend(walk(a))
    elif isinstance(e, ir.Before):
        out.extend(walk(e.value))
    return out
