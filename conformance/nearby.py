"""The rules near a refused event: what each would have sent or returned, and which of its conjuncts were false."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from wireproof.conformance import bindings
from wireproof.conformance.bindings import Binding
from wireproof.conformance.matching import Difference, differences, outcome_text
from wireproof.conformance.shown import Show
from wireproof.conformance.trial import Trial, every_way
from wireproof.reference.machine import Machine
from wireproof.reference.run import Outcome, Template
from wireproof.reference.segment import Segment
from wireproof.spec import ir
from wireproof.spec.evaluate import evaluate, source_text, subterms

MAX_BELIEVED = 8
"""More configurations of the belief than this are not looked at."""


@dataclass(slots=True)
class Card:
    """A rule as it is shown: what it means, and whence it comes."""

    id: str
    meaning: str = ""
    cites: list[str] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    level: str = ""

    def source(self) -> str:
        """Where it stands, which requirements it carries, and its level, on one line."""
        parts = ["; ".join(self.cites), f"[{', '.join(self.ids)}]" if self.ids else "", self.level]
        return "  ".join(p for p in parts if p)


@dataclass(slots=True)
class Reason:
    """Something that was false: the conjunct's name, its text, and the values that it saw."""

    name: str
    text: str
    values: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Near:
    """A rule that sends a segment like the one refused, or answers a call like the one refused."""

    card: Card
    wanted: str
    differences: list[Difference] = field(default_factory=list)
    false: list[Reason] = field(default_factory=list)
    true: int = 0
    """How many conjuncts of its guard held."""
    aside: int = 0
    """It is a deviation itself, or would hold only once a timer had ended: others are rather meant."""

    @property
    def alike(self) -> bool:
        """Is it the same kind of segment?"""
        return all(d.field != "CTL" or _only_pushed(d) for d in self.differences)

    @property
    def distance(self) -> tuple[int, int, int, int, bool, str]:
        """How far from explaining the event: other control bits are another kind of segment, and of two rules that are
        equally far the one of which more held, or which is a MUST, was rather meant."""
        fields = sum(1 if d.field != "CTL" or _only_pushed(d) else 3 for d in self.differences)
        return (
            fields + len(self.false),
            self.aside,
            len(self.false),
            -self.true,
            self.card.level != "must",
            self.card.id,
        )


def _only_pushed(d: Difference) -> bool:
    """Do control bits differ in PSH or URG only, which say something about text and nothing about the connection?"""
    wanted, seen = (set(text.split(",")) for text in (d.expected, d.seen))
    must = {bit for bit in wanted if not bit.endswith("?")}
    may = {bit.removesuffix("?") for bit in wanted}
    return (must - seen) | (seen - may) <= {"PSH", "URG"}


class Neighbourhood:
    """The rules of a model around the configurations that were believed when an event was refused."""

    def __init__(self, model: ir.Model, machine: Machine, p: Any, believed: list[Any]):
        self.model = model
        self.machine = machine
        self.p = p
        self.believed = believed
        self.rules = {r.id: (s, r) for s, r in model.rules()}
        self.show = Show(model, machine, believed[0] if believed else None)

    def card(self, rule: str) -> Card:
        if rule not in self.rules:
            return Card(rule)
        r = self.rules[rule][1]
        return Card(r.id, r.meaning, r.cites, r.ids, r.level)

    # ---- conjuncts --------------------------------------------------------------------------------------------

    def reason(self, c: ir.Conjunct, env: Binding) -> Reason:
        """A conjunct that is false, with what it saw."""
        seen = [f"{t.text} = {self.show.value(t.value, t.sort)}" for t in subterms(c.test, env)]
        text = source_text(c.span)
        if isinstance(c.test, ir.Abbrev):
            text += f": {source_text(self.model.abbreviations[c.test.name].value.span)}"
        return Reason(c.name, text, seen)

    def ways(self, rule: ir.Rule, env: Binding) -> list[list[Reason]]:
        """What is false of a rule's profile and guard, along every way through the choices that the guard hangs on."""
        profile = [p for p in rule.supports if not env.profile(p)] + [
            f"not {p}" for p in rule.without if env.profile(p)
        ]
        foreign = [Reason(f"profile {p}", "the rule is for other profiles") for p in profile]
        return [
            foreign + [self.reason(c, way) for c in rule.guard if not evaluate(c.test, way)] for way in env.ways(rule)
        ]

    def falsehoods(self, rule: ir.Rule, env: Binding) -> list[Reason]:
        """The conjuncts of a guard that are false, along the way that has the fewest."""
        return min(self.ways(rule, env), key=len)

    def before_it(self, section: ir.Section, rule: ir.Rule, env: Binding) -> list[Reason]:
        """An earlier rule of the section that holds whatever is chosen: it comes first."""
        for earlier in section.rules:
            if earlier is rule:
                return []
            if not any(self.ways(earlier, env)):
                return [Reason("order", f"{earlier.id} comes first, and holds")]
        return []

    # ---- segments ---------------------------------------------------------------------------------------------

    def senders(self, out: Segment) -> list[Near]:
        """Every rule that sends of itself in this state, nearest first; each where it comes nearest."""
        best: dict[str, Near] = {}
        for c in self.believed[:MAX_BELIEVED]:
            for n in self._near(c, out):
                if n.card.id not in best or n.distance < best[n.card.id].distance:
                    best[n.card.id] = n
        return sorted(best.values(), key=lambda n: n.distance)

    def _near(self, c: Any, out: Segment) -> Iterator[Near]:
        for t in c.owed:
            yield self._compared(c, t, out, [], 0)
        for after, here in (("", c), *self.fireable(c)):
            env = Binding(self.model, here, self.p, out)
            for section in self.sections("may", here.state):
                for rule in section.rules:
                    send = bindings.segment_sent(rule)
                    if send is not None:
                        t = bindings.template(rule, send, env)
                        yield self._compared(here, t, out, self.falsehoods(rule, env), bool(after))
        for name, low, _ in self.machine.timer_slots:
            for section in self.sections("timeout", c.state, name):
                env = Binding(self.model, c, self.p)
                for rule in section.rules:
                    send = bindings.segment_sent(rule)
                    if send is None:
                        continue
                    false = self.falsehoods(rule, env) or self.before_it(section, rule, env)
                    t = bindings.template(rule, send, env)
                    yield self._compared(c, t, out, [*self._timer(name, getattr(c, low), c), *false], 0)

    def _timer(self, name: str, at: int, c: Any) -> list[Reason]:
        if at < 0:
            return [Reason(f"timer {name}", "it does not run")]
        if at > c.now:
            return [Reason(f"timer {name}", f"not before {self.show.time(at)}", [f"now {self.show.time(c.now)}"])]
        return []

    def _compared(self, c: Any, t: Template, out: Segment, false: list[Reason], aside: int) -> Near:
        found = differences(c, t, out)
        rule = self.rules[t.rule][1] if t.rule in self.rules else None
        send = bindings.segment_sent(rule) if rule else None
        if send is not None and send.text is not None and not out.data and not t.text and not found:
            # The rule is about text, and there is none.
            found = [Difference("LEN", "some text", "0")]
        # That its timer has ended is a conjunct of a rule for a timeout.
        section = self.rules[t.rule][0] if rule else None
        conjuncts = len(rule.guard) + (section is not None and section.kind == "timeout") if rule else 0
        held = conjuncts - len(false)
        deviates = bool(rule and rule.deviates)
        return Near(self.card(t.rule), self.show.template(t), found, false, held, aside + deviates)

    def sections(self, kind: str, state: str, subject: str = "") -> list[ir.Section]:
        return [
            s
            for s in self.model.sections
            if s.kind == kind and state in s.states and (not subject or s.subject == subject)
        ]

    def fireable(self, c: Any) -> Iterator[tuple[str, Any]]:
        """Each timer that may have ended by now, and every configuration after."""
        machine = self.machine
        for name, low, _ in machine.timer_slots:
            if 0 <= getattr(c, low) <= c.now:

                def end(c: Any, x: Trial, name: str = name) -> None:
                    machine.timeout(name, c, x)

                for ended in every_way(Trial(self.p), c, end, c.now)[0]:
                    yield name, ended

    def requirement(self, broken: str, out: Segment) -> list[Near]:
        """The requirement on every segment that this one breaks, and what was false."""
        if broken not in self.rules:
            return []
        rule = self.rules[broken][1]
        for c in self.believed[:MAX_BELIEVED]:
            for here in (c, *(ended for _, ended in self.fireable(c))):
                env = Binding(self.model, here, self.p, out)
                false = [self.reason(q, env) for q in rule.requires if not evaluate(q.test, env)]
                if false and not self.falsehoods(rule, env):
                    return [Near(self.card(rule.id), "every segment", [], false)]
        return [Near(self.card(rule.id), "every segment")]

    # ---- calls ------------------------------------------------------------------------------------------------

    def answers(self, name: str, e: Any, result: Any) -> list[Near]:
        """Every rule for a call in this state: what it would return, and its first conjunct that is false."""
        c = self.believed[0]
        found: list[Near] = []
        expected = self._expected(name, e, result)
        for section in self.sections("call", c.state, name):
            for rule in section.rules:
                env = Binding(self.model, c, self.p, e)
                false = self.falsehoods(rule, env)[:1] or self.before_it(section, rule, env)
                wanted = expected.get(rule.id) or " or ".join(source_text(o.span) for o in _outcomes(rule))
                found.append(Near(self.card(rule.id), wanted, [], false))
        return found

    def _expected(self, name: str, e: Any, result: Any) -> dict[str, str]:
        """What the rules that were taken would have returned, in the judge's own words."""
        machine, trial = self.machine, Trial(self.p)
        trial.observed = result
        out: dict[str, str] = {}
        for c in self.believed[:MAX_BELIEVED]:
            missed: list[tuple[str, tuple[Outcome, ...]]]
            _, missed, _ = every_way(trial, c, lambda c, x: machine.call(name, c, e, x), c.now)
            for rule, outcomes in missed:
                out.setdefault(rule, " or ".join(outcome_text(o) for o in outcomes))
        return out


def _outcomes(rule: ir.Rule) -> list[ir.Outcome]:
    return next((a.outcomes for a in rule.actions if isinstance(a, ir.Return)), [])
