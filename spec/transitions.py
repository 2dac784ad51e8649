"""Every step that a machine can take, from any configuration: what a proof by induction goes through.

A moment is an event in a state: a segment or an ICMP message, a call, the end of a timer, a segment that is sent by a
permission, time. What an event owes is sent before the next event (reference/connection.py does so): the sending of
it is a transition of its own, from the configuration that the event left.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import z3

from wireproof.spec import ir
from wireproof.spec.backends.configuration import QUEUE, merge, merge_timers
from wireproof.spec.backends.environment import as_profiles_have_them
from wireproof.spec.backends.fold import TRUE, both, either, folded, negated
from wireproof.spec.backends.path import Path, Scope, Sent
from wireproof.spec.backends.relation import Relation, Step
from wireproof.spec.backends.text import Text

TOGETHER_MS = 2_000
KINDS = ("time", "call", "timeout", "output")


class Moment(NamedTuple):
    """``kind`` is an event, ``call``, ``timeout``, ``output`` (``subject``: the rule that permits it) or ``time``."""

    kind: str
    subject: str
    state: str

    def __str__(self) -> str:
        return f"{self.kind} {self.subject}".strip() + f" in {self.state}"


@dataclass(slots=True)
class Transition:
    """From ``before`` to ``after`` under ``condition``; ``kind`` and ``subject`` as properties name them.

    ``earlier`` are the configurations that came before ``before`` in the same step; ``fields`` those of the event.
    """

    name: str
    kind: str
    subject: str
    before: Path
    after: Path
    condition: Any
    fields: Scope
    earlier: list[Path]
    fired: list[tuple[str, Any]]
    inexact: bool


def moments(model: ir.Model) -> list[Moment]:
    """All of them, in an order in which what is easy comes first: what breaks an invariant soon spares the rest."""
    states = model.enums["state"]
    out = [Moment("time", "", s) for s in states]
    for section in model.sections:
        for s in section.states:
            if section.kind in ("call", "timeout"):
                out.append(Moment(section.kind, section.subject, s))
            elif section.kind == "may":
                out += [Moment("output", r.id, s) for r in section.rules]
    for t in model.timers:
        known = {m.state for m in out if m.kind == "timeout" and m.subject == t}
        out += [Moment("timeout", t, s) for s in states if s not in known]
    arriving = [Moment(e, "", s) for e in model.events if e != "output" for s in reversed(states)]
    return [*sorted(out, key=lambda m: KINDS.index(m.kind)), *reversed(arriving)]


class Moments:
    """The transitions of one moment, and the relation that made them."""

    def __init__(
        self, model: ir.Model, moment: Moment, prune: bool = False, relation: Callable[..., Relation] = Relation
    ):
        self.model = model
        self.moment = moment
        self.relation = relation(model, prune=prune, blur=True)
        self.relation.terms.bounds += as_profiles_have_them(self.relation.terms)
        self.transitions = list(self._all())

    def _all(self) -> Iterator[Transition]:
        r, m = self.relation, self.moment
        c = r.free(state=m.state)
        before = Path.begin(c)
        if m.kind == "output":
            section, rule = next((s, x) for s, x in self.model.rules() if x.id == m.subject)
            path, sent = r.permitted(section, rule, c)
            late = [q for q in rule.guard if r.of_segment(q.test)]
            for step in r.output(path, sent, late):
                t = self._transition(before, step, "output", "", str(m), [])
                t.fired.append((rule.id, TRUE))
                yield t
            return
        match m.kind:
            case "call":
                steps = list(r.call(m.subject, c))
            case "timeout":
                steps = list(r.timeout(m.subject, c))
            case "time":
                steps = [r.passes(c)]
            case _:
                steps = list(r.arrive(m.kind, c))
        fields = r.terms.fields
        for step in steps:
            r.terms.fields = fields
            yield self._transition(before, step, m.kind, m.subject, str(m), [])
            yield from self._owed(before, step)

    def _owed(self, begun: Path, step: Step) -> Iterator[Transition]:
        """What a step has asked to send: each segment behind those that may have been sent before it."""
        r = self.relation
        done: list[tuple[Sent, Step]] = []
        for sent in step.sends:
            here, condition = Path.begin(step.after), [step.condition]
            here.given = step.condition
            for other, out in done:
                if self._together(step, other, sent):
                    self._sent_before(here, other, out)
                    condition.append(either([negated(other.when), out.condition]))
            for out in r.output(here, sent):
                name = f"{self.moment}, then the segment of {sent.rule}"
                t = self._transition(here, out, "output", "", name, [begun])
                t.condition = both([*condition, t.condition])
                t.inexact = t.inexact or step.inexact
                yield t
                done.append((sent, out))

    def _together(self, step: Step, a: Sent, b: Sent) -> bool:
        """May both be sent in one step? Only a refutation says no."""
        solver = z3.Solver()
        solver.set("timeout", TOGETHER_MS)
        return bool(solver.check(step.condition, a.when, b.when) != z3.unsat)

    def _sent_before(self, path: Path, sent: Sent, out: Step) -> None:
        for name, value in out.after.values.items():
            path.values[name] = merge(sent.when, value, path.values[name])
        for name, timer in out.after.timers.items():
            path.timers[name] = merge_timers(sent.when, timer, path.timers[name])

    def _transition(
        self, before: Path, step: Step, kind: str, subject: str, name: str, earlier: list[Path]
    ) -> Transition:
        after = Path.begin(step.after)
        fields = dict(self.relation.terms.fields)
        fired = list(step.fired)
        texts = [v.length for v in after.values.values() if isinstance(v, Text)]
        condition = both([step.condition, *(folded(n <= QUEUE) for n in texts)])
        return Transition(name, kind, subject, before, after, condition, fields, earlier, fired, step.inexact)
