"""How many events a host needs at least to get from one state to another, as the text of the rules has it.

A lower bound that the search for a shortest trace goes by: every way that a rule could go is taken to be open, and
what time does costs nothing (one tick may move both hosts).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from wireproof.conformance.world import World
from wireproof.spec import ir

FREE = ("after", "timeout")
"""Sections whose changes come by themselves."""
FAR = 1 << 20
Distances = dict[str, dict[str, int]]
Wanted = tuple[tuple[int, frozenset[str]], ...]
"""For some hosts (by their place), the states that they must be in."""


def entered(rule: ir.Rule, model: ir.Model) -> frozenset[str]:
    """The states that a rule may enter, through procedures too."""
    out: set[str] = set()
    for a in rule.actions:
        if isinstance(a, ir.Assign) and a.target == "STATE":
            out |= set(_members(a.value)) or set(model.enums["state"])
        elif isinstance(a, ir.Do):
            section = next(s for s in model.sections if s.kind == "procedure" and s.name == a.procedure)
            out = out.union(*(entered(r, model) for r in section.rules))
    return frozenset(out)


def _members(e: ir.Expr) -> Iterator[str]:
    if isinstance(e, ir.Member):
        yield e.member
    elif isinstance(e, ir.Op):
        for a in e.args:
            yield from _members(a)


class _Moves:
    """What one event may do to the state."""

    def __init__(self, model: ir.Model):
        self.model = model
        self.states = model.enums["state"]
        self.sections = [s for s in model.sections if s.kind in ("event", "call", *FREE)]

    def free(self, state: str) -> set[str]:
        """States that follow by themselves. Where a connection that was being opened ends, its listener is left."""
        out = {"LISTEN"} if state == "SYN-RECEIVED" else set()
        for s in self.sections:
            if state in s.states and (s.kind in FREE or any(r.end == "redeliver" for r in s.rules)):
                out = out.union(*(entered(r, self.model) for r in s.rules))
                if s.kind not in FREE:
                    out.add("CLOSED")
        return out

    def one(self, state: str) -> set[str]:
        """States after one event, whose steps may go on in the states that those before them entered."""
        out: set[str] = {"CLOSED"}
        todo, done = [(state, -1)], set()
        while todo:
            at, step = todo.pop()
            if (at, step) in done:
                continue
            done.add((at, step))
            for s in self.sections:
                arrives = s.kind == "event" and s.step > step
                if at not in s.states or not (arrives or (s.kind == "call" and step < 0)):
                    continue
                for r in s.rules:
                    for then in entered(r, self.model) | {at}:
                        out.add(then)
                        if arrives and r.end == "continue":
                            todo.append((then, s.step if r.step is None else r.step - 1))
        return out


def _from(start: str, free: dict[str, set[str]], one: dict[str, set[str]]) -> dict[str, int]:
    """Least numbers of events to every state (a breadth-first search in which some edges cost nothing)."""
    best = {start: 0}
    queue = deque([start])
    while queue:
        s = queue.popleft()
        for t in sorted(free[s]):
            if best[s] < best.get(t, FAR):
                best[t] = best[s]
                queue.appendleft(t)
        for t in sorted(one[s]):
            if best[s] + 1 < best.get(t, FAR):
                best[t] = best[s] + 1
                queue.append(t)
    return best


class Bound:
    """The least number of events from a world to one in which the hosts are in the states wanted."""

    def __init__(self, model: ir.Model, wanted: Wanted):
        moves = _Moves(model)
        free = {s: moves.free(s) for s in moves.states}
        one = {s: moves.one(s) for s in moves.states}
        far = {start: _from(start, free, one) for start in moves.states}
        self.to = [(i, {s: min(far[s].get(t, FAR) for t in states) for s in moves.states}) for i, states in wanted]

    def __call__(self, world: World) -> int:
        out = 0
        for i, to in self.to:
            out += to[world.ends[i].c.state]
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
