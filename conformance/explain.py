"""Why was an event refused? The rules that came near it, conjunct by conjunct, with the values they saw.

The oracle refuses without saying much, because it must be fast; this module takes the refusal afterwards and reads the
text itself (``spec/evaluate.py``). ``blame`` names the rule that was most likely broken, ``explain`` gathers what a
person needs to see that for themselves, ``render`` writes it down.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from wireproof.conformance.judge import Refusal
from wireproof.conformance.matching import result_text
from wireproof.conformance.nearby import Card, Near, Neighbourhood
from wireproof.conformance.oracle import Oracle, Step
from wireproof.conformance.shown import decoded, packet_text
from wireproof.conformance.trial import Trial
from wireproof.reference.segment import FIN, SYN, Segment
from wireproof.spec import ir, load
from wireproof.spec.evaluate import source_text
from wireproof.spec.expressions import events_of

MAX_NEAR = 5
"""More near rules than this are not shown."""
WIDTH = 120
"""Values that do not fit here follow on a line of their own."""
NO_TIME = ir.Lit(0, ir.DURATION)


@dataclass(slots=True)
class Allowed:
    """Something that the specification would have accepted instead."""

    what: str
    card: Card | None = None


@dataclass(slots=True)
class Explanation:
    """All that is known about a refusal."""

    kind: str
    observed: str
    text: str
    state: list[tuple[str, str]] = field(default_factory=list)
    believed: int = 1
    """How many configurations explained everything before."""
    stimulus: str = ""
    after: list[Card] = field(default_factory=list)
    """The rules that the last stimulus took."""
    allowed: list[Allowed] = field(default_factory=list)
    near_title: str = ""
    near: list[Near] = field(default_factory=list)
    demanded: Card | None = None
    since: str = ""
    blamed: Card = field(default_factory=lambda: Card(""))
    conjunct: str = ""
    """The name of the conjunct of the blamed rule that was false, if it was one."""


def explain(refusal: Refusal, oracle: Oracle, model: ir.Model | None = None) -> Explanation:
    """Everything about a refusal that the oracle gave last."""
    return _Explainer(refusal, oracle, model or load.tcp()).explanation()


def blame(refusal: Refusal, oracle: Oracle, model: ir.Model | None = None) -> str:
    """The id of the rule that is best named as broken."""
    return culprit(refusal, oracle, model)[0]


def culprit(refusal: Refusal, oracle: Oracle, model: ir.Model | None = None) -> tuple[str, str]:
    """The rule that is best named as broken, and the name of its conjunct that was false (may be empty)."""
    return _Explainer(refusal, oracle, model or load.tcp()).culprit()


class _Explainer:
    """One refusal and what surrounds it."""

    def __init__(self, refusal: Refusal, oracle: Oracle, model: ir.Model):
        self.refusal = refusal
        self.oracle = oracle
        self.model = model
        # Rules of another version than the text (an edited text, an oracle of its own) are not explained by it.
        known = model.spec_hash == oracle.machine.spec_hash
        self.near = Neighbourhood(model, oracle.machine, oracle.p, self._believed() if known else [])
        self.believed = self.near.believed
        self.rules = self.near.rules
        self.show = self.near.show
        self.stimulus = self._stimulus()
        # A connection that ceased to exist at the stimulus left no judge behind; the step still tells its rules.
        self.after = refusal.after or (list(self.stimulus[1].rules) if self.stimulus else [])

    def _believed(self) -> list[Any]:
        """The configurations before the event, the refusal's own first, at the time of the refusal."""
        own = self.refusal.configuration
        if own is None:
            return []
        judges = (*self.oracle.judges.values(), *self.oracle.detached.values())
        others = next((j.configs for j in judges if any(c is own for c in j.configs)), [])
        found = [own, *(c for c in others if c is not own)]
        out = []
        for c in found:
            new = c.copy()
            new.now = max(c.now, self.refusal.time)
            out.append(new)
        return out

    def _stimulus(self) -> tuple[int, Step] | None:
        """The last step before the refused one that went in, and its number."""
        last = len(self.oracle.steps) - (self.refusal.kind != "missing")
        for n in range(last - 1, -1, -1):
            if self.oracle.steps[n].kind in ("rx", "call"):
                return n + 1, self.oracle.steps[n]
        return None

    # ---- what would have been right -----------------------------------------------------------------------------

    def allowed(self) -> Iterator[Allowed]:
        """What could have come instead, silence included."""
        c = self.believed[0]
        for t in c.owed:
            yield Allowed(f"{self.show.template(t)}  at once", self.near.card(t.rule))
        due = dict(c.due)
        trial = Trial(self.oracle.p)
        for r in self.oracle.machine.may[c.state]:
            t = r.offer(c, trial)
            if t is not None:
                when = f"  by {self.show.time(due[r.id])}" if r.id in due else ""
                yield Allowed(self.show.template(t) + self._if(r.id) + when, self.near.card(r.id))
        for name, ended in self.near.fireable(c):
            new = [t for t in ended.owed if t not in c.owed]
            for t in new:
                yield Allowed(f"{self.show.template(t)}  as {name} may have ended", self.near.card(t.rule))
        if not c.owed:
            yield Allowed("no segment")

    def _if(self, rule: str) -> str:
        """The part of a permission's guard that is about the segment itself."""
        if rule not in self.rules:
            return ""
        late = [c for c in self.rules[rule][1].guard if "output" in events_of(c.test, self.model.abbreviations)]
        return "".join(f"  if {source_text(c.span)}" for c in late)

    # ---- blame ------------------------------------------------------------------------------------------------

    def culprit(self) -> tuple[str, str]:
        refusal = self.refusal
        match refusal.kind, refusal.event:
            case "broken", _:
                return refusal.rule, refusal.candidates[0].broken if refusal.candidates else ""
            case "unexpected", Segment() as out if self.believed:
                return self._unexpected(out)
            case "missing", _:
                return self._asked_at_once() or refusal.rule, ""
            case "result", (_, _, result) if result.kind == "state":
                # To ask for the state is to see what became of the last stimulus.
                return self._decided() or refusal.rule, ""
        return refusal.rule, ""

    def _asked_at_once(self) -> str:
        """The rule of the last stimulus that asked for what is missing at once: by starting a timer of no length."""
        section = self.rules.get(self.refusal.rule, (None, None))[0]
        if section is None or section.kind != "timeout":
            return ""
        asked = ""
        for fired in self.refusal.after:
            if fired in self.oracle.machine.deciding:
                asked = fired
            for a in self.rules[fired][1].actions if fired in self.rules else []:
                if isinstance(a, ir.Start) and a.timer == section.subject and a.low == a.high == NO_TIME:
                    return asked
        return ""

    def _unexpected(self, out: Segment) -> tuple[str, str]:
        """Who is to blame for a segment that nothing allows.

        A segment with content (text, SYN, FIN) tells what rule it was meant to be; a bare ACK or RST that comes at
        once is an answer, and the rule that should have decided the answer is the one that the stimulus took.
        """
        owed = self.believed[0].owed
        content = bool(out.data) or bool(out.ctl & (SYN | FIN))
        near = [n for n in self.near.senders(out) if n.alike]
        if near and (content or not self._prompt()):
            best = near[0]
            if len(best.differences) + len(best.false) <= 2:
                return best.card.id, best.false[0].name if best.false else ""
        if owed:
            return owed[0].rule, ""
        return self._decided() or self.refusal.rule, ""

    def _prompt(self) -> bool:
        """Did the event come straight after something went in?"""
        if self.stimulus is None:
            return False
        grain = max(self.oracle.slack, getattr(self.oracle.p, "at_once", 0))
        return self.refusal.time - self.stimulus[1].time <= grain

    def _decided(self) -> str:
        deciding = self.oracle.machine.deciding
        decided = [r for r in self.after if r in deciding] or self.after
        return decided[-1] if decided else ""

    # ---- all together -----------------------------------------------------------------------------------------

    def explanation(self) -> Explanation:
        refusal, show = self.refusal, self.show
        rule, conjunct = self.culprit()
        found = Explanation(
            refusal.kind, self._observed(), refusal.text, blamed=self.near.card(rule), conjunct=conjunct
        )
        if self.stimulus is not None:
            number, step = self.stimulus
            found.stimulus = f"step {number}  {self._step(step)}"
        deciding = self.oracle.machine.deciding
        found.after = [self.near.card(r) for r in self.after if r in deciding]
        if not self.believed:
            return found
        found.believed = len(self.believed)
        found.state = show.configuration(self.believed[0])
        match refusal.kind, refusal.event:
            case "unexpected", Segment() as out:
                found.allowed = list(self.allowed())
                near = self.near.senders(out)
                alike = [n for n in near if n.alike and n.distance[0] <= near[0].distance[0] + 2]
                found.near_title = f"Nearest rules that send {_kind(out)}, and why each was refused:"
                if not alike:
                    found.near_title = f"No rule sends {_kind(out)} here. The nearest that send anything:"
                found.near = (alike or near)[: MAX_NEAR if alike else 2]
            case "broken", Segment() as out:
                found.near_title = "What holds of every segment, and what was false:"
                found.near = self.near.requirement(refusal.rule, out)
            case "result", (str() as name, e, result):
                found.near_title = f"The rules for {name}() in {self.believed[0].state}, in their order:"
                found.near = self.near.answers(name, e, result)
            case "missing", _:
                found.demanded = self.near.card(refusal.rule)
                found.since = self._since()
                found.allowed = [a for a in self.allowed() if a.card is not None and a.card.id != refusal.rule]
        return found

    def _since(self) -> str:
        c = self.believed[0]
        if c.owed:
            return f"{self.show.template(c.owed[0])}, owed since {self.show.time(c.owed_since)}"
        due = dict(c.due).get(self.refusal.rule)
        if due is not None:
            return f"due by {self.show.time(due)}"
        return ""

    def _observed(self) -> str:
        refusal, show = self.refusal, self.show
        at = f"at {show.time(refusal.time)}"
        number = len(self.oracle.steps)
        if refusal.kind == "missing":
            return f"after step {number}  observed  nothing  {at}"
        match refusal.event:
            case Segment() as out:
                what = f"host -> tester  {show.segment(out, sent=True)}"
            case (str() as name, _, result):
                what = f"{name}() = {result_text(result)}"
            case bytes() as packet:
                what = f"host -> tester  {packet_text(packet)}"
            case _:
                what = self._step(self.oracle.steps[-1]) if self.oracle.steps else "nothing"
        return f"step {number}  observed  {what}  {at}"

    def _step(self, step: Step) -> str:
        if step.call is not None:
            h, fn, _, result = step.call
            return f"{fn}() on handle {h} = {result_text(result)}"
        got = decoded(step.packet)
        way = "tester -> host" if step.kind == "rx" else "host -> tester"
        if not isinstance(got, Segment):
            return f"{way}  {packet_text(step.packet)}"
        return f"{way}  {self.show.segment(got, sent=step.kind == 'tx')}"


def _kind(out: Segment) -> str:
    return f"<CTL={out.control()}>" + (" with text" if out.data else "")


# ---- text ------------------------------------------------------------------------------------------------------


def render(e: Explanation) -> str:
    """An explanation for people to read."""
    lines = [e.observed, f"refused  {e.text}", ""]
    if e.state:
        many = f", one of {e.believed} that explain everything before" if e.believed > 1 else ""
        lines.append(f"the connection before it{many}:")
        width = max(len(name) for name, _ in e.state)
        lines += [f"  {name:<{width}}  {value}" for name, value in e.state] + [""]
    if e.stimulus:
        lines.append(f"the last stimulus was {e.stimulus}" + (", which took:" if e.after else ""))
        lines += [line for card in e.after for line in _card(card)] + [""]
    if e.demanded:
        lines.append(f"The specification demanded{f' {e.since}' if e.since else ''}:")
        lines += [*_card(e.demanded), ""]
    if e.allowed:
        lines.append(
            f"It also allowed ({len(e.allowed)}):" if e.demanded else f"The specification allowed ({len(e.allowed)}):"
        )
        for letter, a in zip("abcdefghijklmnopqrstuvwxyz", e.allowed, strict=False):
            lines.append(f"  {letter}) {a.what}")
            lines += [f"     {line.strip()}" for line in (_card(a.card) if a.card else [])]
        lines.append("")
    if e.near:
        lines.append(e.near_title)
        for n in e.near:
            lines += [*_card(n.card), *_verdict(n, e.kind)]
        lines.append("")
    named = e.blamed.id + (f", conjunct '{e.conjunct}'" if e.conjunct else "")
    lines.append(f"most likely broken: {named}")
    return "\n".join(lines) + "\n"


def _verdict(n: Near, kind: str) -> list[str]:
    """What a rule near the event would have done, and why it did not."""
    lines = []
    if kind != "broken":
        lines.append(f"      would {'return' if kind == 'result' else 'send'} {n.wanted}")
    if kind == "result" and not n.false:
        lines.append("      holds, so that is what was expected")
    lines += [f"      differs  {d}" for d in n.differences]
    for r in n.false:
        line = f"      {'' if r.name == r.text else f'{r.name}  '}FALSE  {r.text}"
        seen = f"({', '.join(r.values)})" if r.values else ""
        lines += [f"{line}   {seen}".rstrip()] if len(line) + len(seen) < WIDTH else [line, f"        {seen}"]
    return lines


def _card(card: Card) -> list[str]:
    lines = [f"  {card.id}"]
    if card.meaning:
        lines.append(f"      {card.meaning}")
    if source := card.source():
        lines.append(f"      {source}")
    return lines
