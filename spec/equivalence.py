"""Is a mutant of a specification another specification at all? Asked of Z3, for all configurations at once.

A section is run on symbols, procedures in their places: what every variable and timer becomes, what is sent, returned
and reported, in which order, and how it ends. Two sections are equivalent when no configuration in their states, no
event, no choice and no profile makes any of that differ. Octets are told apart by how they were made, never by their
length alone, so that an answer "equivalent" holds; an answer "different" need not be reachable.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal, NamedTuple

import z3

from wireproof.spec import ir
from wireproof.spec.backends.z3_terms import FIELD, LENGTHS, Z3Terms
from wireproof.spec.elaborate_rule import rule_expressions
from wireproof.spec.expressions import walk
from wireproof.spec.mutate import Mutant

TIMEOUT_MS = 5_000
OCTETS = z3.DeclareSort("octets")
LOG = z3.DeclareSort("log")
ENDS = {"done": 1, "continue": 2, "drop": 3, "redeliver": 4}


class Answer(NamedTuple):
    """``how``: equivalent, different or unknown; ``by`` says what was compared, or where a difference may show."""

    how: Literal["equivalent", "different", "unknown"]
    by: str


class _Terms(Z3Terms):
    """Terms of expressions in a configuration that has changed already: ``now`` has what differs from the first."""

    def __init__(self, model: ir.Model):
        super().__init__(model)
        self.now: dict[str, Any] = {}
        self.contents: dict[str, Any] = {}
        self.locals: dict[str, Any] = {}
        self.scope: dict[str, Any] = {}

    def _op(self, e: ir.Op, scope: dict[str, Any]) -> Any:
        before, self.scope = self.scope, scope
        try:
            return super()._op(e, scope)
        finally:
            self.scope = before

    def variable(self, name: str, sort: ir.Sort, most: int = 1 << 40, shown: str | None = None) -> Any:
        return self.now[name] if name in self.now else super().variable(name, sort, most, shown)

    def opaque(self, e: ir.Op, sort: ir.Sort, args: list[Any]) -> Any:
        return super().variable(f"length of {self.content(e, self.scope).sexpr()}", sort)

    def equal(self, e: ir.Op, left: ir.Expr, right: ir.Expr, a: Any, b: Any) -> Any:
        made = left.sort in (ir.OCTETS, ir.REASSEMBLY)
        if not made or isinstance(left, ir.Empty) or isinstance(right, ir.Empty):
            return a == b
        return z3.And(a == b, self.content(left) == self.content(right))

    def content(self, e: ir.Expr, scope: dict[str, Any] | None = None) -> Any:
        """The octets of an expression as what they were made from."""
        match e:
            case ir.Var() | ir.Field() | ir.Param():
                return self.contents.get(e.name, z3.Const(f"octets {e.name}", OCTETS))
            case ir.Local():
                return self.locals.get(e.name, z3.Const(f"octets local {e.name}", OCTETS))
            case ir.Abbrev():
                return self.content(self.model.abbreviations[e.name].value)
            case ir.Op(op="if"):
                return z3.If(self.of(e.args[0], scope), self.content(e.args[1]), self.content(e.args[2]))
            case ir.Op():
                parts = [self.part(a, scope) for a in e.args]
                sorts = [p.sort() for p in parts]
                return z3.Function(f"{e.op} {[str(x) for x in sorts]}", *sorts, OCTETS)(*parts)
        return z3.Const("octets none", OCTETS)

    def part(self, e: ir.Expr, scope: dict[str, Any] | None = None) -> Any:
        """What an expression is, told apart in full."""
        return self.content(e, scope) if e.sort in (ir.OCTETS, ir.REASSEMBLY) else self.of(e, scope)


class Run:
    """One section, run on symbols from any configuration in its states."""

    def __init__(self, model: ir.Model, terms: _Terms):
        self.model = model
        self.terms = terms
        self.procedures = {s.name: s for s in model.sections if s.kind == "procedure"}
        self.log: Any = z3.Const("log", LOG)
        self.depth = 0

    def section(self, s: ir.Section) -> Any:
        """The end of the section; what it changes is in the terms and in the log."""
        before = self.snapshot()
        paths = []
        for r in s.rules:
            self.restore(before)
            guard = self.guard(r)
            self.actions(r)
            end = z3.IntVal(ENDS[r.end] if r.step is None else 100 + r.step)
            paths.append((guard, self.snapshot(), end))
        self.restore(before)
        final, end = before, z3.IntVal(1)
        for guard, after, its_end in reversed(paths):
            final = self.merged(guard, after, final)
            end = z3.If(guard, its_end, end)
        self.restore(final)
        return end

    def steps(self, s: ir.Section) -> Any:
        """The end of the event: this section, and behind it the steps of whatever state the connection is in."""
        end = self.section(s)
        later = [x for x in self.model.sections if (x.kind, x.subject) == ("event", s.subject) and x.step > s.step]
        for n in sorted({x.step for x in later}):
            reached = z3.Or(end == ENDS["continue"], z3.And(end >= 100, end - 100 <= n))
            members = self.terms.enums["state"][1]
            state = self.value("STATE", self.terms.now)
            for x in (x for x in later if x.step == n):
                here = z3.And(reached, z3.Or(*[state == members[name] for name in x.states]))
                before = self.snapshot()
                its_end = self.section(x)
                self.restore(self.merged(here, self.snapshot(), before))
                end = z3.If(here, its_end, end)
        return end

    def guard(self, r: ir.Rule) -> Any:
        t = self.terms
        tests = [t.profile(p) for p in r.supports] + [z3.Not(t.profile(p)) for p in r.without]
        return z3.And(z3.BoolVal(True), *tests, *(t.of(c.test) for c in r.guard))

    # ---- configurations -------------------------------------------------------------------------------------------

    def snapshot(self) -> tuple[dict[str, Any], dict[str, Any], Any]:
        return dict(self.terms.now), dict(self.terms.contents), self.log

    def restore(self, s: tuple[dict[str, Any], dict[str, Any], Any]) -> None:
        self.terms.now, self.terms.contents, self.log = dict(s[0]), dict(s[1]), s[2]

    def merged(self, guard: Any, a: Any, b: Any) -> Any:
        now = {n: z3.If(guard, self.value(n, a[0]), self.value(n, b[0])) for n in sorted({*a[0], *b[0]})}
        made = {
            n: z3.If(guard, *(side[1].get(n, z3.Const(f"octets {n}", OCTETS)) for side in (a, b)))
            for n in sorted({*a[1], *b[1]})
        }
        return now, made, z3.If(guard, a[2], b[2])

    def value(self, name: str, now: dict[str, Any]) -> Any:
        """A variable or part of a timer there, or as it was at first."""
        return now[name] if name in now else first(self.terms, name)

    # ---- actions --------------------------------------------------------------------------------------------------

    def actions(self, r: ir.Rule) -> None:
        t = self.terms
        scope: dict[str, Any] = {}
        if r.deviates:
            self.note(f"deviates {r.id} {r.deviates}")
        todo = list(r.actions)
        # The result is settled behind the lets that stand first, before anything is changed.
        returns = [a for a in todo if isinstance(a, ir.Return)]
        lets = 0
        while lets < len(todo) and isinstance(todo[lets], ir.Bind):
            lets += 1
        todo = [*todo[:lets], *returns, *(a for a in todo[lets:] if not isinstance(a, ir.Return))]
        for a in todo:
            match a:
                case ir.Bind():
                    if a.value.sort in (ir.OCTETS, ir.REASSEMBLY):
                        t.locals[a.name] = t.content(a.value, scope)
                    scope[a.name] = t.of(a.value, scope)
                case ir.Assign():
                    if a.value.sort in (ir.OCTETS, ir.REASSEMBLY):
                        made = t.content(a.value, scope)
                        t.now[a.target] = t.of(a.value, scope)
                        t.contents[a.target] = made
                    else:
                        t.now[a.target] = t.of(a.value, scope)
                case ir.ChooseNumber():
                    t.now[a.target] = z3.BitVec(f"chosen {a.target}", 32)
                    self.note(f"choose {a.target}")
                case ir.Start() | ir.Stop():
                    self.timer(a, scope)
                case ir.Send():
                    self.note(*self.sent(a, scope))
                case ir.Return():
                    for o in a.outcomes:
                        self.note(f"returns {o.kind}", *(t.part(e, scope) for e in (o.low, o.high, o.of) if e))
                    self.note("returned")
                case ir.Signal():
                    self.note(f"signal {a.what}")
                case ir.Do():
                    locals_ = dict(t.locals)
                    self.section(self.procedures[a.procedure])
                    t.locals = locals_

    def timer(self, a: ir.Start | ir.Stop, scope: dict[str, Any]) -> None:
        t, now = self.terms, self.terms.now
        forever = z3.BitVecVal(1 << 60, 64)
        if isinstance(a, ir.Stop):
            now[f"running({a.timer})"] = z3.BoolVal(False)
            now[f"low {a.timer}"] = now[f"high {a.timer}"] = z3.BitVecVal(-1, 64)
            return
        low = t.of(a.low, scope)
        high = forever if a.high is None else t.of(a.high, scope)
        began = t.variable("now", ir.INSTANT)
        now[f"running({a.timer})"] = z3.BoolVal(True)
        now[f"low {a.timer}"] = began + low
        never = a.high is None or (isinstance(a.high, ir.Lit) and a.high.value == 1 << 60)
        now[f"high {a.timer}"] = forever if never else began + high

    def sent(self, a: ir.Send, scope: dict[str, Any]) -> list[Any]:
        t = self.terms
        fields = (a.seq, a.seq_high, a.ack, a.ack_low, a.text, a.low, a.high)
        parts = [t.part(e, scope) for e in fields if e is not None]
        given = [e is not None for e in (a.seq_high, a.ack, a.ack_low, a.text, a.low, a.high)]
        return [f"send {sorted(a.ctl)} {sorted(a.may)} {a.rest} {given}", *parts]

    def note(self, what: str, *parts: Any) -> None:
        sorts = [p.sort() for p in parts]
        self.log = z3.Function(f"{what} {[str(s) for s in sorts]}", LOG, *sorts, LOG)(self.log, *parts)


def first(terms: _Terms, name: str) -> Any:
    """What a variable or a timer is before anything happens."""
    if name.startswith(("low ", "high ")):
        return z3.BitVec(name, 64)
    if name.startswith("running("):
        return Z3Terms.variable(terms, name, ir.FLAG)
    return Z3Terms.variable(terms, name, terms.model.variables[name].sort)


# ---- the question ---------------------------------------------------------------------------------------------------


def compare(model: ir.Model, mutant: Mutant) -> Answer:
    """Is the mutant the same specification? ``different`` and ``unknown`` prove nothing about the suite."""
    changed = mutant.model(model)
    if isinstance(mutant.changed, ir.Parameter | ir.Variable):
        return Answer("unknown", "values at the beginning are not compared")
    pairs = [(s, n) for s, n in zip(model.sections, changed.sections, strict=True) if s is not n]
    own = isinstance(mutant.changed, ir.Section) and mutant.changed.kind == "procedure"
    # A procedure that does the same by itself does so wherever it stands; another may still, among its callers.
    if not pairs or (own and _same(model, changed, *pairs[0]).how != "equivalent"):
        readers = _readers(model, mutant)
        pairs = [(s, n) for s, n in zip(model.sections, changed.sections, strict=True) if s.name in readers]
    for before, after in pairs:
        answer = _same(model, changed, before, after)
        if answer.how != "equivalent" and before.kind == "event":
            # How the section ends may differ and mean nothing: what counts is what all steps behind it come to.
            answer = _same(model, changed, before, after, steps=True)
        if answer.how != "equivalent":
            return answer
    names = ", ".join(sorted(b.name for b, _ in pairs))
    return Answer("equivalent", f"all configurations: {names}" if names else "nothing reads it")


def _readers(model: ir.Model, mutant: Mutant) -> set[str]:
    """The sections, no procedures, that come to what is changed, through lets, functions and procedures."""
    _, kind, name = mutant.place.split("/")
    changed = {name} if kind in ("let", "function") else {f"do {mutant.changed.name}"}
    while True:
        more = {a.name for a in model.abbreviations.values() if _reads(a.value) & changed}
        more |= {f.name for f in model.functions.values() if _reads(f.value) & changed}
        more |= {f"do {s.name}" for s in model.sections if s.kind == "procedure" and _section_reads(s) & changed}
        if more <= changed:
            break
        changed |= more
    return {s.name for s in model.sections if s.kind != "procedure" and _section_reads(s) & changed}


def _reads(e: ir.Expr) -> set[str]:
    return {x.name if isinstance(x, ir.Abbrev) else x.function for x in walk(e) if isinstance(x, ir.Abbrev | ir.Use)}


def _section_reads(s: ir.Section) -> set[str]:
    found = {f"do {a.procedure}" for r in s.rules for a in r.actions if isinstance(a, ir.Do)}
    return found.union(*(_reads(e) for r in s.rules for e in rule_expressions(r)))


def _same(model: ir.Model, changed: ir.Model, before: ir.Section, after: ir.Section, steps: bool = False) -> Answer:
    sides = []
    for m, s in ((model, before), (changed, after)):
        terms = _Terms(m)
        run = Run(m, terms)
        sides.append((terms, run, list(_observed(run, s, steps))))
    solver = z3.Solver()
    solver.set("timeout", TIMEOUT_MS)
    for terms, _, _ in sides:
        terms.now = {}
        solver.add(*terms.bounds, *_situation(terms, before))
    unequal = _unequal(sides)
    if unequal is None:
        return Answer("different", f"section {before.name}: another list of rules")
    answer = solver.check(z3.Or(*unequal.values()))
    if answer == z3.unknown:
        return Answer("unknown", f"section {before.name}: no answer within {TIMEOUT_MS // 1000} s")
    if answer == z3.unsat:
        return Answer("equivalent", "")
    found = solver.model()
    shows = [name for name, differ in unequal.items() if z3.is_true(found.eval(differ, model_completion=True))]
    state = found.eval(Z3Terms.variable(sides[0][0], "STATE", ir.Sort("state")), model_completion=True)
    return Answer("different", f"section {before.name}, {state}: {', '.join(shows[:3])}")


def _unequal(sides: list[tuple[_Terms, Run, list[tuple[str, Any]]]]) -> dict[str, Any] | None:
    """For each observation that it differs; None when one side observes what the other does not."""
    seen = [dict(s[2]) for s in sides]
    parts: dict[str, Any] = {"nothing": z3.BoolVal(False)}
    for name in sorted({*seen[0], *seen[1]}):
        values = []
        for (terms, _, _), found in zip(sides, seen, strict=True):
            if name in found:
                values.append(found[name])
            elif name.startswith("var "):
                values.append(first(terms, name[4:]))
            elif name.startswith("octets "):
                values.append(z3.Const(name, OCTETS))
            else:
                return None
        parts[name.removeprefix("var ")] = values[0] != values[1]
    return parts


def _observed(run: Run, s: ir.Section, steps: bool = False) -> Iterator[tuple[str, Any]]:
    """Everything that a section does, by name; or, with ``steps``, it and the steps that follow."""
    t = run.terms
    if s.kind == "every":
        for r in s.rules:
            holds = z3.And(z3.BoolVal(True), *(t.of(c.test) for c in r.requires))
            yield f"law {r.name} {r.level} {r.ids}", z3.And(run.guard(r), z3.Not(holds))
        return
    if s.kind == "may":
        start = run.log
        for r in s.rules:
            run.log = start
            guard = run.guard(r)
            send = next(a for a in r.actions if isinstance(a, ir.Send))
            run.note(f"may {r.deviates}", *())
            run.note(*run.sent(send, {}))
            yield f"may {r.name}", z3.If(guard, run.log, start)
            due = z3.BoolVal(False)
            within = z3.BitVecVal(0, 64)
            if r.due is not None:
                due = z3.And(guard, t.of(r.due[1]) if r.due[1] is not None else z3.BoolVal(True))
                within = t.of(r.due[0])
            yield f"due {r.name}", z3.If(due, within, z3.BitVecVal(0, 64))
        return
    if steps:
        yield "redelivered", run.steps(s) == ENDS["redeliver"]
    else:
        end = run.section(s)
        if s.kind == "event":
            yield "end", end
    yield "log", run.log
    for name, value in t.now.items():
        yield f"var {name}", value
    for name, value in t.contents.items():
        yield f"octets {name}", value


def _situation(terms: _Terms, section: ir.Section) -> list[Any]:
    """The states of the section, profiles that include others, what holds of segments and of timers."""
    state = Z3Terms.variable(terms, "STATE", ir.Sort("state"))
    members = terms.enums["state"][1]
    parts: list[Any] = [z3.Or(*[state == members[s] for s in section.states if s in members])] if section.states else []
    for p in terms.model.profiles.values():
        parts += [z3.Implies(terms.profile(p.name), terms.profile(o)) for o in p.includes[1:]]
    for timer in terms.model.timers:
        running = Z3Terms.variable(terms, f"running({timer})", ir.FLAG)
        low, high = z3.BitVec(f"low {timer}", 64), z3.BitVec(f"high {timer}", 64)
        parts += [running == (low >= 0), running == (high >= 0), low >= -1, high >= -1]
    one, nil = z3.BitVecVal(1, 64), z3.BitVecVal(0, 64)
    for length, data, syn, fin in LENGTHS:
        text = Z3Terms.variable(terms, data, ir.OCTETS, FIELD)
        extra = z3.If(Z3Terms.variable(terms, syn, ir.FLAG), one, nil)
        extra += z3.If(Z3Terms.variable(terms, fin, ir.FLAG), one, nil)
        parts.append(Z3Terms.variable(terms, length, ir.LENGTH, FIELD) == text + extra)
    return parts + _stopped_or_not(terms)


def _stopped_or_not(terms: _Terms) -> list[Any]:
    """A timer that is stopped has no times."""
    times = [(z3.BitVec(f"low {timer}", 64), z3.BitVec(f"high {timer}", 64)) for timer in terms.model.timers]
    return [z3.Implies(low < 0, high == -1) for low, high in times]
