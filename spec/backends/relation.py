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
from typing import Any

import z3

from wireproof.spec import ir
from wireproof.spec.backends.configuration import OFF, Configuration, free
from wireproof.spec.backends.fold import FALSE, TRUE, both, either, folded, negated, same
from wireproof.spec.backends.held import Slots, number, wide
from wireproof.spec.backends.path import Path, Scope, Sent
from wireproof.spec.backends.python_terms import ident
from wireproof.spec.backends.sections import Ends, Sections, Step, one
from wireproof.spec.backends.text import EMPTY, Text
from wireproof.spec.backends.text import free as free_text
from wireproof.spec.expressions import events_of

__all__ = ["Relation", "Step"]

CONTROL = ("FIN", "SYN", "RST", "PSH", "ACK", "URG")


class Relation(Sections):
    """The steps of one model.

    ``profile``: a profile whose parameters are taken as they are, or None for all profiles, with the parameters as
    variables. ``settings`` fix parameters by name. ``slots``: the room for text held ahead; None for any amount.
    ``blur`` joins ways that end differently, too. ``prune`` lets the solver leave out ways that it refutes.
    ``assumptions`` must be asserted beside what is asked of a step; it grows with what is looked at.
    """

    # ---- configurations -----------------------------------------------------------------------------------------

    def initial(self) -> Configuration:
        """The configuration that a connection begins in."""
        c = free(self.terms, "initial ", self.terms.slots)
        self.terms.path = Path.begin(Configuration(c.values, dict.fromkeys(self.model.timers, OFF), number(0)))
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
            values[v.name] = self.constant(v.sort, getattr(c, ident(v.name)))
        timers = {}
        for t in self.model.timers:
            low, high = (getattr(c, f"{ident(t)}_{end}") for end in ("from", "until"))
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
            pieces = [
                type(p)(z3.BitVecVal(at, 32), number(len(text)))
                for p, (at, text) in zip(held.pieces, value, strict=False)
            ]
            return Slots((*pieces, *held.pieces[len(value) :]))
        if sort.name in self.terms.enums:
            return self.terms.enums[sort.name][1][value]
        return number(value)

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

    def passes(self, c: Configuration) -> Step:
        """Time passes: the clock shows any later time."""
        self.count += 1
        later = self.terms.variable(f"{self.count} later", ir.INSTANT)
        path = self._begin(Configuration(c.values, c.timers, later), None, None)
        path.condition = folded(later >= c.now)
        return next(self._steps("time", path, [("done", TRUE, path)]))

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
        self._settled(sent, out)
        fork = way.fork(both([sent.when, self._fits(sent, out)]))
        begun = wide(folded(out["OUT.SEQ"] - sent.seq))
        out["OUT.DATA"] = Text(out["OUT.DATA"].length, sent.text.slice(begun).at)
        self.terms.path = fork
        fork.given = both([fork.given, *(self.terms.of(q.test) for q in late), *self._laws(fork)])
        yield from self._noted(fork)

    def _settled(self, sent: Sent, out: Scope) -> None:
        """What is not left open of the segment is known: everything that hangs on it folds."""
        for bit in CONTROL:
            if bit in sent.ctl or bit not in sent.may:
                out[f"OUT.{bit}"] = TRUE if bit in sent.ctl else FALSE
        length = out["OUT.DATA"].length
        self.terms.bounds.append(out["OUT.LEN"] == length + one(out["OUT.SYN"]) + one(out["OUT.FIN"]))
        if z3.is_bv_value(sent.span) and sent.span.as_long() == 0:
            out["OUT.SEQ"] = sent.seq
        if sent.ack is not None and sent.ack.eq(sent.ack_from):
            out["OUT.ACKNO"] = sent.ack
        if sent.text is EMPTY:
            out["OUT.DATA"] = EMPTY
            if not {"SYN", "FIN"} & (sent.ctl | sent.may):
                out["OUT.LEN"] = number(0)

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
        return "output" in events_of(e, self.model.abbreviations)
