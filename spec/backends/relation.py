"""The checked rules as a transition relation over bit-vectors: the second backend.

What a step of the machine can lead to, from a configuration and an event whose values are Z3 terms: known ones, which
fold away, or free ones, which stand for all. Control is explicit. With ``merge`` the ways through a section come
together where it ends, and a step is one path with terms that tell the cases apart (proofs); without it every way is
a path of its own, those that the solver refutes left out (search). Sequence numbers have 32 bits, lengths, counts
and times 64; octets are their lengths; text held ahead of its turn is in spec/backends/held.py.

The Python backend (spec/backends/python.py) and reference/machine.py are the same relation run forwards: a test
compares them (tests/spec/test_relation.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import z3

from wireproof.spec import ir
from wireproof.spec.backends.configuration import FOREVER, OFF, Configuration, free
from wireproof.spec.backends.environment import parameters
from wireproof.spec.backends.fold import FALSE, TRUE, both, constant, either, folded, leaves, negated, same
from wireproof.spec.backends.held import Slots, number, wide
from wireproof.spec.backends.path import Path, PathTerms, Returned, Scope, Sent, joined
from wireproof.spec.backends.text import EMPTY, Text
from wireproof.spec.backends.text import free as free_text
from wireproof.spec.backends.z3_terms import FIELD, LENGTHS, MOST

TIMEOUT_MS = 2_000
CONTROL = ("FIN", "SYN", "RST", "PSH", "ACK", "URG")
Ends = list[tuple[str, Any, Path]]
"""How rules ended (``done``, ``continue``, ``drop``, ``redeliver``, ``at N``), the selector, the path."""


@dataclass(frozen=True, slots=True)
class Step:
    """What an event may lead to. ``fired`` are rules with the condition under which they held."""

    event: str
    condition: Any
    after: Configuration
    fired: tuple[tuple[str, Any], ...]
    sends: tuple[Sent, ...]
    signals: tuple[tuple[str, Any], ...]
    results: tuple[tuple[Any, tuple[Returned, ...]], ...]
    end: str
    path: Path
    inexact: bool
    """It may hold more than the rules say (more pieces held than there are slots, texts compared): it can prove, and
    can refute nothing."""

    @property
    def rules(self) -> tuple[str, ...]:
        """The rules, where there is only one way."""
        return tuple(rule for rule, _ in self.fired)


class Relation:
    """The steps of one model.

    ``profile``: a profile whose parameters are taken as they are, or None for all profiles, with the parameters as
    variables. ``settings`` fix parameters by name. ``slots``: the room for text held ahead; None for any amount.
    ``assumptions`` must be asserted beside what is asked of a step; it grows with what is looked at.
    """

    def __init__(
        self,
        model: ir.Model,
        profile: str | None = None,
        merge: bool = True,
        slots: int | None = None,
        settings: dict[str, int] | None = None,
        prune: bool = False,
    ):
        self.model = model
        self.merge = merge
        self.terms = PathTerms(model, slots)
        parameters(self.terms, profile, settings or {})
        self.procedures = {s.name: s for s in model.sections if s.kind == "procedure"}
        self.count = 0
        self.solver = z3.Solver() if prune else None
        if self.solver is not None:
            self.solver.set("timeout", TIMEOUT_MS)
        self._asserted = 0
        self._tables: dict[tuple[str, str], dict[str, list[ir.Section]]] = {}

    @property
    def assumptions(self) -> list[Any]:
        """What holds of all the variables made so far."""
        return self.terms.bounds

    # ---- configurations -----------------------------------------------------------------------------------------

    def initial(self) -> Configuration:
        """The configuration that a connection begins in."""
        c = free(self.terms, "initial ", self.terms.slots)
        self.terms.path = Path.begin(Configuration(c.values, {t: OFF for t in self.model.timers}, number(0)))
        for v in self.model.variables.values():
            self.terms.path.values[v.name] = self.terms.of(v.initial)
        return Configuration(self.terms.path.values, self.terms.path.timers, number(0))

    def free(self, prefix: str = "", state: str | None = None) -> Configuration:
        """Any configuration, or any in a state."""
        return free(self.terms, prefix, self.terms.slots, state)

    def known(self, c: Any) -> Configuration:
        """A configuration of the reference (reference/generated) as terms."""
        values: dict[str, Any] = {}
        for v in self.model.variables.values():
            values[v.name] = self.constant(v.sort, getattr(c, _slot(v.name)))
        timers = {}
        for t in self.model.timers:
            low, high = (getattr(c, f"{_slot(t)}_{end}") for end in ("from", "until"))
            timers[t] = type(OFF)(number(low), number(high))
        return Configuration(values, timers, number(c.now))

    def constant(self, sort: ir.Sort, value: Any) -> Any:
        """A value of the reference as a term."""
        if sort == ir.FLAG:
            return z3.BoolVal(bool(value))
        if sort.name == "seq32":
            return z3.BitVecVal(value, 32)
        if sort == ir.OCTETS:
            return free_text(f"known {len(value)}", number(len(value)))
        if sort == ir.REASSEMBLY:
            held = Slots.empty(max(self.terms.slots or 0, len(value)))
            pieces = [type(p)(z3.BitVecVal(at, 32), number(len(text))) for p, (at, text) in zip(held.pieces, value)]
            return Slots((*pieces, *held.pieces[len(value) :]))
        if sort.name in self.terms.enums:
            return self.terms.enums[sort.name][1][value]
        return number(value)

    def fields(self, event: ir.Event, prefix: str = "", given: dict[str, Any] | None = None) -> Scope:
        """Variables for the fields of an event, except those given; a segment's length is that of what it carries."""
        found: Scope = {}
        for name, sort in event.fields.items():
            if given and name in given:
                found[name] = given[name]
            else:
                most = FIELD if sort in (ir.LENGTH, ir.OCTETS) else MOST
                found[name] = self.terms.variable(prefix + name, sort, most, shown=name)
                if sort == ir.OCTETS:
                    found[name] = free_text(prefix + name, found[name])
        for length, data, syn, fin in LENGTHS:
            if {length, data, syn, fin} <= found.keys():
                self.terms.bounds.append(found[length] == found[data].length + _one(found[syn]) + _one(found[fin]))
        return found

    # ---- events --------------------------------------------------------------------------------------------------

    def arrive(self, event: str, c: Configuration, fields: Scope | None = None) -> Iterator[Step]:
        """A segment or an ICMP message arrives: the steps of the state, one behind the other."""
        path = self._begin(c, self.model.events[event], fields)
        todo: dict[int, Ends] = {-1: [("continue", TRUE, path)]}
        ended: Ends = []
        while todo:
            at = min(todo)
            for here in self._met(path, todo.pop(at)):
                for section, way in self._by_state(here, "event", event, at):
                    if section is None:
                        ended.append(("done", way.condition, way))
                        continue
                    for end, _, out in self.section(way, section):
                        if end == "continue" or end.startswith("at "):
                            goes = section.step if end == "continue" else int(end[3:]) - 1
                            todo.setdefault(goes, []).append((end, out.condition, out))
                        else:
                            ended.append((end, out.condition, out))
        yield from self._steps(event, path, ended)

    def call(self, name: str, c: Configuration, fields: Scope | None = None) -> Iterator[Step]:
        """A call of the user; RET.COUNT is among its fields. No step where the state has no section for it."""
        path = self._begin(c, self.model.calls[name], fields)
        yield from self._alone(name, path, "call", name)

    def timeout(self, timer: str, c: Configuration) -> Iterator[Step]:
        """The timer ends: it is stopped, and its rule runs if the state has one. The step asks that it was running
        and may have ended by now."""
        path = self._begin(c, None, None)
        ends = path.timers[timer]
        path.condition = both([ends.running, folded(ends.low <= path.now)])
        path.timers[timer] = OFF
        yield from self._alone(timer, path, "timeout", timer, always=True)

    def _alone(self, name: str, path: Path, kind: str, subject: str, always: bool = False) -> Iterator[Step]:
        ended: Ends = []
        ways = self._by_state(path, kind, subject, -1)
        if not always and any(section is None for section, _ in ways):
            path = path.fork(either(way.condition for section, way in ways if section is not None))
        for section, way in ways:
            if section is not None:
                ended += [(end, out.condition, out) for end, _, out in self.section(way, section)]
            elif always:
                ended.append(("done", way.condition, way))
        yield from self._steps(name, path, [("done", s, p) for _, s, p in ended])

    def permitted(self, section: ir.Section, rule: ir.Rule, c: Configuration) -> tuple[Path, Sent]:
        """A permission: the path under the part of its guard that asks nothing of the segment, and what it offers.
        The rest of the guard is asked by :meth:`output`."""
        path = self._begin(c, None, None)
        terms = self.terms
        state = path.values["STATE"]
        path.condition = either(same(state, terms.enums["state"][1][s]) for s in section.states)
        early = [q for q in rule.guard if not self.of_segment(q.test)]
        path.condition = both([path.condition, self.guard(path, rule, early, {})])
        send = next(a for a in rule.actions if isinstance(a, ir.Send))
        return path, self._sent(path, rule, send, {})

    def output(self, path: Path, sent: Sent, late: Iterable[ir.Conjunct] = ()) -> Iterator[Step]:
        """A segment that fits is sent: the laws that are a must hold of it, then what its sending changes."""
        way, out = self._sending(path)
        fork = way.fork(both([sent.when, self._fits(sent, out)]))
        begun = wide(folded(out["OUT.SEQ"] - sent.seq))
        out["OUT.DATA"] = Text(out["OUT.DATA"].length, sent.text.slice(begun).at)
        self.terms.path = fork
        fork.given = both([fork.given, *(self.terms.of(q.test) for q in late), *self._laws(fork)])
        yield from self._noted(fork)

    def sent(self, c: Configuration) -> Iterator[Step]:
        """Any segment is sent, whether it may be or not: what its sending changes."""
        way, _ = self._sending(Path.begin(c))
        yield from self._noted(way)

    def _sending(self, path: Path) -> tuple[Path, Scope]:
        self.count += 1
        self.terms.prefix = f"{self.count} "
        self.terms.fields = self.fields(self.model.events["output"], self.terms.prefix)
        return path.fork(TRUE), self.terms.fields

    def _noted(self, path: Path) -> Iterator[Step]:
        ways = [path]
        for s in self.model.sections:
            if s.kind == "after":
                ways = [out for w in ways for out in self._after(w, s)]
        yield from self._steps("output", path, [("done", w.condition, w) for w in ways])

    def _after(self, path: Path, section: ir.Section) -> list[Path]:
        here = either(same(path.values["STATE"], self.terms.enums["state"][1][s]) for s in section.states)
        ways: Ends = []
        if not z3.is_true(here):
            ways.append(("done", negated(here), path.fork(negated(here))))
        inside = path.fork(here)
        ways += [("done", TRUE, p) for _, _, p in self.section(inside, section)]
        return self._met(path, ways)

    def passes(self, c: Configuration) -> Step:
        """Time passes: the clock shows any later time."""
        self.count += 1
        later = self.terms.variable(f"{self.count} later", ir.INSTANT)
        path = self._begin(Configuration(c.values, c.timers, later), None, None)
        path.condition = folded(later >= c.now)
        return next(self._steps("time", path, [("done", TRUE, path)]))

    # ---- sections ------------------------------------------------------------------------------------------------

    def section(self, path: Path, section: ir.Section) -> Ends:
        """The rules from the top; the first that holds is the one."""
        ends: Ends = []
        rest = TRUE
        for rule in section.rules:
            self.terms.path = path
            guard = self.guard(path, rule, rule.guard, {})
            taken = both([rest, guard])
            if self.possible(path, taken):
                way = path.fork(taken)
                way.fired.append((rule.id, way.condition))
                end = f"at {rule.step}" if rule.end == "continue" and rule.step is not None else rule.end
                ends += [(end, guard, out) for out in self._actions(way, rule)]
            rest = both([rest, negated(guard)])
            if z3.is_false(rest):
                break
        if self.possible(path, rest):
            ends.append(("done", rest, path.fork(rest)))
        return self._grouped(path, ends) if self.merge else ends

    def _grouped(self, base: Path, ends: Ends) -> Ends:
        kinds = list(dict.fromkeys(end for end, _, _ in ends))
        out: Ends = []
        for kind in kinds:
            members = [(s, p) for end, s, p in ends if end == kind]
            path = joined(base, members, whole=len(kinds) == 1)
            out.append((kind, path.condition, path))
        return out

    def _met(self, base: Path, ways: Ends) -> list[Path]:
        """Where the ways go on together."""
        if not self.merge:
            return [p for _, _, p in ways]
        return [joined(base, [(s, p) for _, s, p in ways], whole=False)]

    def guard(self, path: Path, rule: ir.Rule, conjuncts: list[ir.Conjunct], scope: Scope) -> Any:
        """Profile and conjuncts; a let that a condition reads is the value it names."""
        self.terms.path = path
        tests = [self.terms.profile(p) for p in rule.supports]
        tests += [negated(self.terms.profile(p)) for p in rule.without]
        if any(z3.is_false(t) for t in tests):
            return FALSE
        return both([*tests, *(self.terms.of(c.test, scope) for c in conjuncts)])

    def possible(self, path: Path, condition: Any) -> bool:
        """False only if the solver refutes it: what it does not know is possible."""
        if z3.is_false(condition) or z3.is_false(path.condition):
            return False
        if self.solver is None or (constant(condition) and constant(path.condition)):
            return True
        self.solver.add(*self.assumptions[self._asserted :])
        self._asserted = len(self.assumptions)
        return bool(self.solver.check(path.condition, path.given, condition) != z3.unsat)

    # ---- actions -------------------------------------------------------------------------------------------------

    def _actions(self, path: Path, rule: ir.Rule) -> list[Path]:
        """A result is settled first, behind the lets that stand before everything else; as the Python does it."""
        actions = list(rule.actions)
        result = next((a for a in actions if isinstance(a, ir.Return)), None)
        if result is not None:
            lets = next((i for i, a in enumerate(actions) if not isinstance(a, ir.Bind)), len(actions))
            rest = [a for a in actions[lets:] if a is not result]
            actions = [*actions[:lets], result, *rest]
        ways: list[tuple[Path, Scope]] = [(path, {})]
        for a in actions:
            ways = [w for p, scope in ways for w in self._action(p, scope, rule, a)]
        return [p for p, _ in ways]

    def _action(self, path: Path, scope: Scope, rule: ir.Rule, a: ir.Action) -> list[tuple[Path, Scope]]:
        terms = self.terms
        terms.path = path
        match a:
            case ir.Bind():
                scope = {**scope, a.name: terms.of(a.value, scope)}
            case ir.Assign():
                path.assign(a.target, terms.of(a.value, scope))
            case ir.ChooseNumber():
                sort = self.model.variables[a.target].sort
                path.assign(a.target, terms.variable(f"{terms.prefix}chosen {a.target}", sort))
            case ir.Send():
                path.sends.append(self._sent(path, rule, a, scope))
            case ir.Start():
                low = folded(path.now + terms.of(a.low, scope))
                if a.high is None:
                    path.start(a.timer, low, number(FOREVER))
                else:
                    path.start(a.timer, low, low if a.high == a.low else folded(path.now + terms.of(a.high, scope)))
            case ir.Stop():
                path.start(a.timer, OFF.low, OFF.high)
            case ir.Signal():
                path.signals.append((a.what, path.condition))
            case ir.Return():
                self._return(path, scope, a)
            case ir.Do():
                ends = self.section(path, self.procedures[a.procedure])
                if self.merge and len(ends) > 1:
                    ends = [("done", TRUE, joined(path, [(s, p) for _, s, p in ends], whole=True))]
                return [(p, scope) for _, _, p in ends]
        return [(path, scope)]

    def _return(self, path: Path, scope: Scope, a: ir.Return) -> None:
        terms = self.terms
        which, count = self.result_taken()
        found: list[Returned] = []
        allowed: list[Any] = []
        for i, o in enumerate(a.outcomes):
            low, high = (None if e is None else terms.of(e, scope) for e in (o.low, o.high))
            here = [which == i]
            if o.kind in ("count", "text"):
                here += [folded(low <= count), folded(count <= high)]
                if o.kind == "text" and o.of is not None:
                    here.append(folded(count <= terms.of(o.of, scope).length))
                found.append(Returned(o.kind, None, low, high))
            else:
                here.append(count == 0)
                found.append(Returned(o.kind, low))
            allowed.append(both(here))
        path.given = both([path.given, either(allowed)])
        path.results.append((path.condition, tuple(found)))

    def result_taken(self) -> tuple[Any, Any]:
        """Which of the results that a rule allows was observed, and RET.COUNT."""
        which = self.terms.known.setdefault(f"{self.terms.prefix}result", z3.BitVec(f"{self.terms.prefix}result", 8))
        return which, self.terms.fields["RET.COUNT"]

    def _sent(self, path: Path, rule: ir.Rule, a: ir.Send, scope: Scope) -> Sent:
        def term(e: ir.Expr | None, missing: Any) -> Any:
            return missing if e is None else self.terms.of(e, scope)

        seq = term(a.seq, None)
        span = folded(term(a.seq_high, seq) - seq)
        ack = term(a.ack, None)
        may = set(a.may)
        if "ACK" in a.ctl and not {"SYN", "RST"} & set(a.ctl):
            may.add("URG")
        zero = number(0)
        return Sent(
            rule.id,
            path.condition,
            seq,
            span,
            ack,
            term(a.ack_low, ack),
            frozenset(a.ctl),
            frozenset(may),
            term(a.text, EMPTY),
            term(a.low, zero),
            term(a.high, zero),
            a.rest,
        )

    # ---- what is sent ----------------------------------------------------------------------------------------------

    def _fits(self, s: Sent, out: Scope) -> Any:
        """The segment fits what was asked for or permitted (conformance/matching.py)."""
        parts = [out[f"OUT.{b}"] for b in CONTROL if b in s.ctl]
        parts += [negated(out[f"OUT.{b}"]) for b in CONTROL if b not in s.ctl | s.may]
        if s.ack is not None:
            parts.append(z3.ULE(folded(out["OUT.ACKNO"] - s.ack_from), folded(s.ack - s.ack_from)))
        offset = folded(out["OUT.SEQ"] - s.seq)
        parts.append(z3.ULE(offset, s.span))
        n, left = out["OUT.DATA"].length, s.text.slice(wide(offset)).length
        if s.rest:
            parts.append(n == left)
        else:
            parts += [s.low <= n, n <= s.high, n <= left]
            if "FIN" in s.may:
                parts.append(z3.Implies(out["OUT.FIN"], n == left))
        return both(folded(p) for p in parts)

    def _laws(self, path: Path) -> list[Any]:
        """What must hold of every segment."""
        found = []
        for s in self.model.sections:
            if s.kind == "every":
                here = either(same(path.values["STATE"], self.terms.enums["state"][1][x]) for x in s.states)
                for r in s.rules:
                    if r.level == "must":
                        asked = both([here, self.guard(path, r, r.guard, {})])
                        kept = both(self.terms.of(q.test) for q in r.requires)
                        found.append(either([negated(asked), kept]))
        return found

    def of_segment(self, e: ir.Expr) -> bool:
        """Does it read the segment that is sent?"""
        from wireproof.spec.expressions import events_of

        return "output" in events_of(e, self.model.abbreviations)

    # ---- beginning and end -------------------------------------------------------------------------------------------

    def _begin(self, c: Configuration, event: ir.Event | None, fields: Scope | None) -> Path:
        self.count += 1
        self.terms.prefix = f"{self.count} "
        self.terms.inexact = False
        self.terms.fields = {} if event is None else self.fields(event, self.terms.prefix, fields)
        if event is not None and event.name == "call":
            count = (fields or {}).get("RET.COUNT")
            if count is None:
                count = self.terms.variable(f"{self.terms.prefix}RET.COUNT", ir.LENGTH, FIELD)
            self.terms.fields["RET.COUNT"] = count
        return Path.begin(c)

    def _by_state(self, path: Path, kind: str, subject: str, after: int) -> list[tuple[ir.Section | None, Path]]:
        """The next section behind a step, for the states that the path may be in."""
        members = self.terms.enums["state"][1]
        state = path.values["STATE"]
        found = leaves(state)
        names = [n for n, m in members.items() if found is None or any(m.eq(x) for x in found)]
        groups: dict[str, tuple[ir.Section | None, list[str]]] = {}
        for n in names:
            section = self._next(kind, subject, n, after)
            groups.setdefault(section.name if section else "", (section, []))[1].append(n)
        out: list[tuple[ir.Section | None, Path]] = []
        for section, states in groups.values():
            here = TRUE if len(groups) == 1 else either(same(state, members[n]) for n in states)
            if self.possible(path, here):
                way = path.fork(here)
                if len(states) == 1:
                    way.assign("STATE", members[states[0]])
                out.append((section, way))
        return out

    def _next(self, kind: str, subject: str, state: str, after: int) -> ir.Section | None:
        table = self._tables.setdefault((kind, subject), {})
        if state not in table:
            found = [s for s in self.model.sections if s.kind == kind and s.subject == subject and state in s.states]
            table[state] = sorted(found, key=lambda s: s.step)
        return next((s for s in table[state] if kind != "event" or s.step > after), None)

    def _steps(self, event: str, base: Path, ended: Ends) -> Iterator[Step]:
        for end, _, p in self._grouped(base, ended) if self.merge else ended:
            lost = self._lost(p)
            yield Step(
                event,
                both([p.condition, p.given]),
                Configuration(p.values, p.timers, p.now),
                tuple(p.fired),
                tuple(p.sends),
                tuple(p.signals),
                tuple(p.results),
                end,
                p,
                self.terms.inexact or lost,
            )

    def _lost(self, path: Path) -> bool:
        """Is some text held that there was no room for, or that may be anything?"""
        return any(not z3.is_false(v.lost) for v in path.values.values() if isinstance(v, Slots))


def _slot(name: str) -> str:
    from wireproof.spec.backends.python_terms import ident

    return ident(name)


def _one(flag: Any) -> Any:
    return z3.If(flag, number(1), number(0))
