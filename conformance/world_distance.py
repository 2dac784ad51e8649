"""How many events a host needs at least to get from one state to another, as the text of the rules has it.

A lower bound that the search for a shortest trace goes by. Of a configuration only STATE and SND.FIN are kept, guards
are evaluated as far as these tell (true, false, or unknown, which may hold), and what time does costs nothing, because
one tick may move both hosts. So every way that a host can go is a way here, and none is longer.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import NamedTuple

from wireproof.conformance.world import World
from wireproof.spec import ir

FREE = ("after", "timeout")
"""Sections whose changes come by themselves."""
FAR = 1 << 20
Wanted = tuple[tuple[int, frozenset[str]], ...]
"""For some hosts (by their place), the states that they must be in."""


class Kept(NamedTuple):
    """What is kept of a configuration."""

    state: str
    fin: bool
    """SND.FIN: the user has closed."""


def value(e: ir.Expr, k: Kept, model: ir.Model) -> bool | str | None:
    """A flag or an enumerator, None where what is kept does not tell."""
    match e:
        case ir.Var(name="STATE"):
            return k.state
        case ir.Var(name="SND.FIN"):
            return k.fin
        case ir.Member():
            return e.member
        case ir.Lit() if e.sort == ir.FLAG:
            return bool(e.value)
        case ir.Abbrev():
            return value(model.abbreviations[e.name].value, k, model)
        case ir.Op():
            return _operation(e.op, [value(a, k, model) for a in e.args])
    return None


def _operation(op: str, args: list[bool | str | None]) -> bool | str | None:
    match op:
        case "and":
            return False if False in args else None if None in args else True
        case "or":
            return True if True in args else None if None in args else False
        case "implies":
            return _operation("or", [_operation("not", args[:1]), args[1]])
        case "if":
            return args[2 - bool(args[0])] if args[0] is not None else args[1] if args[1] == args[2] else None
    if None in args:
        return None
    match op:
        case "not":
            return not args[0]
        case "=":
            return args[0] == args[1]
        case "/=":
            return args[0] != args[1]
        case "in":
            return args[0] in args[1:]
    return None


class _Moves:
    """What may become of what is kept."""

    def __init__(self, model: ir.Model):
        self.model = model
        self.sections = [s for s in model.sections if s.kind in ("event", "call", *FREE)]
        self.procedures = {s.name: s for s in model.sections if s.kind == "procedure"}
        self.all = [Kept(s, fin) for s in model.enums["state"] for fin in (False, True)]

    def possible(self, section: ir.Section, k: Kept) -> Iterator[ir.Rule]:
        """The rules that may be taken: those before the first that holds in any case."""
        for rule in section.rules:
            holds = _operation("and", [value(c.test, k, self.model) for c in rule.guard])
            if holds is not False:
                yield rule
            if holds is True and not rule.supports and not rule.without:
                return

    def after(self, rule: ir.Rule, k: Kept) -> set[Kept]:
        """What a rule may leave."""
        now = {k}
        for a in rule.actions:
            if isinstance(a, ir.Assign) and a.target in ("STATE", "SND.FIN"):
                now = {n for x in now for n in self._assigned(a, x)}
            elif isinstance(a, ir.Do):
                section = self.procedures[a.procedure]
                now = now.union(*(self.after(r, x) for x in now for r in self.possible(section, x)))
        return now

    def _assigned(self, a: ir.Assign, k: Kept) -> list[Kept]:
        got = value(a.value, k, self.model)
        if a.target == "STATE":
            return [x for x in self.all if x.fin == k.fin and got in (None, x.state)]
        return [Kept(k.state, fin) for fin in (False, True) if got in (None, fin)]

    def free(self, k: Kept) -> set[Kept]:
        """What follows by itself. Where a connection that was being opened ends, its listener is left; where one was,
        the next begins anew."""
        out = {Kept("LISTEN", False)} if k.state == "SYN-RECEIVED" else set()
        if k.state == "CLOSED":
            out.add(Kept("CLOSED", False))
        for s in self.sections:
            if k.state not in s.states:
                continue
            if s.kind in FREE:
                out = out.union(*(self.after(r, k) for r in s.rules))
            elif any(r.end == "redeliver" for r in s.rules):
                out.add(Kept("CLOSED", False))
        return out

    def one(self, k: Kept) -> set[Kept]:
        """What may be after one event, whose steps may go on in the states that those before them entered."""
        out: set[Kept] = set()
        for s in self.sections:
            if s.kind == "call" and k.state in s.states:
                out = out.union(*(self.after(r, k) for r in self.possible(s, k)))
        todo, done = [(k, -1)], set()
        while todo:
            at = todo.pop()
            if at in done:
                continue
            done.add(at)
            for s in self.sections:
                if s.kind != "event" or s.step <= at[1] or at[0].state not in s.states:
                    continue
                for r in self.possible(s, at[0]):
                    then = self.after(r, at[0])
                    out |= then
                    if r.end == "continue":
                        todo += [(x, s.step if r.step is None else r.step - 1) for x in then]
        return out


def _from(start: Kept, free: dict[Kept, set[Kept]], one: dict[Kept, set[Kept]]) -> dict[Kept, int]:
    """Least numbers of events to all (a breadth-first search in which some edges cost nothing)."""
    best = {start: 0}
    queue = deque([start])
    while queue:
        s = queue.popleft()
        for cost, edges in ((0, free), (1, one)):
            for t in sorted(edges[s]):
                if best[s] + cost < best.get(t, FAR):
                    best[t] = best[s] + cost
                    (queue.append if cost else queue.appendleft)(t)
    return best


class Bound:
    """The least number of events from a world to one in which the hosts are in the states wanted."""

    def __init__(self, model: ir.Model, wanted: Wanted):
        moves = _Moves(model)
        free = {k: moves.free(k) for k in moves.all}
        one = {k: moves.one(k) for k in moves.all}
        far = {start: _from(start, free, one) for start in moves.all}
        self.to = [
            (i, {k: min((n for x, n in far[k].items() if x.state in states), default=FAR) for k in moves.all})
            for i, states in wanted
        ]

    def __call__(self, world: World) -> int:
        out = 0
        for i, to in self.to:
            c = world.ends[i].c
            out += to[Kept(c.state, c.snd_fin)]
        return out


def wanted_states(e: ir.Expr, hosts: tuple[str, ...]) -> Wanted:
    """The states that a condition asks for in any case: its conjuncts about STATE."""
    out: dict[int, frozenset[str]] = {}
    for conjunct in _conjuncts(e):
        found = _about_state(conjunct, hosts)
        if found is not None:
            i, states = found
            out[i] = out[i] & states if i in out else states
    return tuple(sorted((i, s) for i, s in out.items() if s))


def _conjuncts(e: ir.Expr) -> Iterator[ir.Expr]:
    if isinstance(e, ir.Op) and e.op == "and":
        for a in e.args:
            yield from _conjuncts(a)
    else:
        yield e


def _about_state(e: ir.Expr, hosts: tuple[str, ...]) -> tuple[int, frozenset[str]] | None:
    if not isinstance(e, ir.Op) or e.op not in ("=", "in"):
        return None
    args = e.args
    if e.op == "=" and isinstance(args[0], ir.Member):
        args = args[::-1]
    states = [a.member for a in args[1:] if isinstance(a, ir.Member)]
    if not isinstance(args[0], ir.Var) or len(states) != len(args) - 1:
        return None
    host, _, rest = args[0].name.rpartition(".")
    return (hosts.index(host) if host else 0, frozenset(states)) if rest == "STATE" else None
