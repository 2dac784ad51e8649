"""Rules as paths: how sections decide and what actions change, from where a path stands."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import z3

from wireproof.spec import ir
from wireproof.spec.backends.configuration import FOREVER, OFF, Configuration
from wireproof.spec.backends.environment import parameters
from wireproof.spec.backends.fold import FALSE, TRUE, both, constant, either, folded, leaves, negated, same
from wireproof.spec.backends.held import Slots, number
from wireproof.spec.backends.path import Path, PathTerms, Returned, Scope, Sent, joined
from wireproof.spec.backends.text import EMPTY
from wireproof.spec.backends.text import free as free_text
from wireproof.spec.backends.z3_terms import FIELD, LENGTHS, MOST

TIMEOUT_MS = 2_000
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


class Sections:
    """The rules of one model, run on paths; see :class:`~wireproof.spec.backends.relation.Relation`."""

    def __init__(
        self,
        model: ir.Model,
        profile: str | None = None,
        merge: bool = True,
        slots: int | None = None,
        settings: dict[str, int] | None = None,
        prune: bool = False,
        blur: bool = False,
    ):
        self.model = model
        self.merge = merge
        self.terms = PathTerms(model, slots)
        parameters(self.terms, profile, settings or {})
        self.procedures = {s.name: s for s in model.sections if s.kind == "procedure"}
        self.count = 0
        self.blur = blur
        self.solver = z3.Solver() if prune else None
        if self.solver is not None:
            self.solver.set("timeout", TIMEOUT_MS)
        self._asserted = 0
        self._tables: dict[tuple[str, str], dict[str, list[ir.Section]]] = {}

    @property
    def assumptions(self) -> list[Any]:
        """What holds of all the variables made so far."""
        return self.terms.bounds

    # ---- events --------------------------------------------------------------------------------------------------

    def fields(self, event: ir.Event, prefix: str = "", given: dict[str, Any] | None = None) -> Scope:
        """Variables for the fields of an event, except those given; a segment's length is that of what it carries."""
        found: Scope = {}
        for name, sort in event.fields.items():
            if given and name in given:
                found[name] = given[name]
            else:
                most = FIELD if sort in (ir.LENGTH, ir.OCTETS) else MOST
                if sort.name == "seq32":
                    found[name] = self.terms.number(prefix + name, sort)
                    continue
                found[name] = self.terms.variable(prefix + name, sort, most, shown=name)
                if sort == ir.OCTETS:
                    found[name] = free_text(prefix + name, found[name])
        for length, data, syn, fin in LENGTHS:
            if {length, data, syn, fin} <= found.keys():
                self.terms.bounds.append(found[length] == found[data].length + one(found[syn]) + one(found[fin]))
        return found

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
        if self.blur:
            ended = [("", s, p) for _, s, p in ended]
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


def one(flag: Any) -> Any:
    """1 for a flag that is set, else 0."""
    return z3.If(flag, number(1), number(0))
