"""The two backends on one moment: the generated Python runs, the Z3 relation is evaluated, and what differs is told."""

from __future__ import annotations

import ast
import functools
import itertools
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tests.spec.compiled import Compiled, compiled
from tests.spec.test_evaluate import COUNTS, Draw, functions
from wireproof.conformance.bindings import Binding, slot
from wireproof.conformance.matching import matches
from wireproof.reference import machine
from wireproof.reference.machine import Machine
from wireproof.reference.run import CONTINUE, DONE, DROP, REDELIVER, Outcome, Template
from wireproof.reference.segment import CTL_NAMES
from wireproof.spec import ir
from wireproof.spec.backends.configuration import Configuration
from wireproof.spec.backends.held import SLOTS, Slots
from wireproof.spec.backends.path import Path, Sent
from wireproof.spec.backends.python import rule_function
from wireproof.spec.backends.relation import Relation, Step
from wireproof.spec.backends.text import Text

M64 = (1 << 64) - 1
M32 = (1 << 32) - 1
END = {DONE: "done", CONTINUE: "done", DROP: "drop", REDELIVER: "redeliver"}
KINDS = ("segment", "icmp", "call", "timeout", "permitted", "sent")


class Observed:
    """A Run whose choices are drawn: flags, numbers, and which of the allowed results a call had."""

    def __init__(self, p: Any, choices: dict[str, bool], which: int, amount: int, number: int):
        self.p = p
        self.choices = choices
        self.which, self.amount, self.chosen = which, amount, number
        self.count = 0
        self.settled = True
        self.fired: list[str] = []
        self.signals: list[str] = []

    def flag(self, name: str) -> bool:
        return self.choices[name]

    def number(self, c: Any, name: str) -> int:
        return self.chosen

    def settle(self, c: Any, rule: str, outcomes: tuple[Outcome, ...]) -> bool:
        self.which %= len(outcomes)
        o = outcomes[self.which]
        if o.kind in ("count", "octets"):
            high = min(o.high, len(o.text)) if o.kind == "octets" else o.high
            if high < o.low:
                self.settled = False
                return False
            self.count = o.low + self.amount % (high - o.low + 1)
        return True

    def deviate(self, c: Any, rule: str, ids: tuple[str, ...]) -> None:
        pass


@dataclass
class Reading:
    """One step of the relation as Python functions."""

    end: str
    condition: Compiled
    names: list[str]
    values: Compiled
    noted: list[str]
    """What is noted under a condition: rules fired, signals, segments."""
    whens: Compiled
    sends: list[tuple[Sent, Compiled]]


def _configuration_terms(c: Configuration) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in c.values.items():
        if isinstance(value, Slots):
            for i, p in enumerate(value.pieces):
                found[f"{name}.{i}.at"], found[f"{name}.{i}.length"] = p.at, p.length
            found[f"{name}.lost"] = value.lost
        else:
            found[name] = value.length if isinstance(value, Text) else value
    for t, ends in c.timers.items():
        found[f"{t}.from"], found[f"{t}.until"] = ends.low, ends.high
    return found


def _sent_terms(s: Sent) -> list[Any]:
    ack = [] if s.ack is None else [s.ack, s.ack_from]
    return [s.seq, s.span, s.text.length, s.low, s.high, *ack]


def reading(step: Step) -> Reading:
    after = _configuration_terms(step.after)
    whens = [*step.fired, *step.signals, *((s.rule, s.when) for s in step.sends)]
    return Reading(
        step.end,
        compiled([step.condition]),
        list(after),
        compiled(list(after.values())),
        [name for name, _ in whens],
        compiled([when for _, when in whens]) if whens else (lambda v: ()),
        [(s, compiled(_sent_terms(s))) for s in step.sends],
    )


@functools.cache
def specification() -> ir.Model:
    from wireproof.spec import load

    return load.tcp()


@dataclass
class Case:
    """A relation compiled for one event in one state."""

    kind: str
    subject: str
    state: str
    readings: list[Reading]
    rule: ir.Rule | None = None
    extra: Any = None


class Twins:
    """Cases, each compiled on first use. ``made`` counts comparisons by kind, ``fired`` the rules met."""

    def __init__(self, seed: int, reference: Machine | None = None):
        self.model = specification()
        self.reference = reference or machine.tcp()
        self.draw = Draw(seed, self.model)
        self.functions = functions()
        self.cases: dict[tuple[str, str, str], Case] = {}
        self.made: Counter[str] = Counter()
        self.fired: Counter[str] = Counter()
        self.beyond = 0
        """Comparisons of nothing but the ending, because more pieces were held than there are slots."""
        self.wrong: list[str] = []
        self.moments = self._moments()

    def _moments(self) -> list[tuple[str, str, str]]:
        """Kind, subject, state: every event in every state."""
        m = self.model
        states = m.enums["state"]
        out = [(e, e, s) for e in ("segment", "icmp") for s in states]
        out += [("call", c, s) for c in m.calls for s in states]
        out += [("timeout", t, s) for t in m.timers for s in states]
        for section, rule in m.rules():
            if section.kind == "may":
                out += [("permitted", rule.id, s) for s in section.states]
        out += [("sent", "output", s) for s in states]
        return out

    # ---- the relation ----------------------------------------------------------------------------------------------

    def case(self, key: tuple[str, str, str]) -> Case:
        if key not in self.cases:
            kind, subject, state = key
            r = Relation(self.model, slots=SLOTS)
            c = r.free(state=state)
            case = Case(kind, subject, state, [])
            if kind == "call":
                steps = list(r.call(subject, c))
            elif kind == "timeout":
                steps = list(r.timeout(subject, c))
            elif kind == "sent":
                steps = list(r.sent(c))
                case.extra = self.laws(r, c)
            elif kind == "permitted":
                steps = []
                section, rule = next((s, x) for s, x in self.model.rules() if x.id == subject)
                path, sent = r.permitted(section, rule, c)
                _, out = r._sending(path)
                r.terms.path = path
                late = [r.terms.of(q.test) for q in rule.guard if r.of_segment(q.test)]
                case.rule = rule
                terms = [path.condition, *_sent_terms(sent), r._fits(sent, out), *late]
                case.extra = (sent, compiled(terms))
            else:
                steps = list(r.arrive(subject, c))
            case.readings = [reading(s) for s in steps]
            self.cases[key] = case
        return self.cases[key]

    def laws(self, r: Relation, c: Configuration) -> tuple[list[str], Compiled]:
        path, _ = r._sending(Path.begin(c))
        names: list[str] = []
        terms: list[Any] = []
        for s in self.model.sections:
            if s.kind == "every":
                for rule in s.rules:
                    asked = r.guard(path, rule, rule.guard, {})
                    names.append(rule.id)
                    terms += [asked, *(r.terms.of(q.test) for q in rule.requires)]
        return names, compiled(terms)

    # ---- one comparison ----------------------------------------------------------------------------------------------

    def compare(self, key: tuple[str, str, str]) -> None:
        kind, subject, state = key
        r, case = self.draw.r, self.case(key)
        c, p = self.configuration(state), self.draw.parameters()
        choices = {f: r.random() < 0.5 for f in self.draw.flags}
        x = Observed(p, choices, r.randrange(6), r.choice(COUNTS), self.draw.seq())
        e: Any = None
        if kind == "call":
            e = self.draw.call()
        elif kind == "icmp":
            e = self.draw.icmp()
        elif kind != "timeout":
            e = self.draw.segment(c)
            if r.random() < 0.8:
                # Past the checks of the header, where most rules are.
                e.checksum_ok = e.header_ok = e.options_ok = True
                e.dst_group = e.src_invalid = False
        else:
            self.timer_over(c, slot(subject))
        self.made[kind] += 1
        before, new = c.copy(), c.copy()
        try:
            self.run(case, key, before, new, e, x)
        except ZeroDivisionError:
            self.made[kind] -= 1

    def configuration(self, state: str) -> Any:
        """A random one, with no more pieces held than there are slots."""
        while True:
            c = self.draw.configuration([state])
            if len(c.rcv_held) <= SLOTS:
                return c

    def timer_over(self, c: Any, name: str) -> None:
        if getattr(c, name + "_from") < 0:
            setattr(c, name + "_from", 0)
            setattr(c, name + "_until", self.draw.r.choice((0, c.now, 1 << 60)))
        setattr(c, name + "_from", min(getattr(c, name + "_from"), c.now))

    def run(self, case: Case, key: tuple[str, str, str], c: Any, new: Any, e: Any, x: Observed) -> None:
        kind, subject, _ = key
        end = "done"
        if kind in ("segment", "icmp"):
            end = END[self.reference.arrive(subject, new, e, x)]
        elif kind == "call":
            if not self.reference.call(subject, new, e, x):
                if case.readings:
                    self.wrong.append(f"{key}: the reference has no section, the relation has")
                return
        elif kind == "timeout":
            self.reference.timeout(subject, new, x)
        elif kind == "permitted":
            self.permission(case, c, e, x)
            return
        else:
            self.reference.sent(new, e, x)
            self.law(case, c, e, x)
        v = self.values(c, e, x, case.state)
        taken = [s for s in case.readings if s.condition(v)[0]]
        if not x.settled:
            if taken:
                self.tell(key, c, e, x, "a result that is not allowed is taken")
            return
        if len(taken) != 1:
            self.tell(key, c, e, x, f"{len(taken)} steps of the relation for one of the reference")
            return
        self.result(key, taken[0], v, c, new, e, x, end)

    def result(
        self, key: tuple[str, str, str], step: Reading, v: Any, c: Any, new: Any, e: Any, x: Observed, end: str
    ) -> None:
        self.fired.update(x.fired)
        whens = step.whens(v)
        noted = list(itertools.compress(step.noted, whens))
        sends = list(itertools.compress(step.sends, whens[len(whens) - len(step.sends) :]))
        asked = [*x.fired, *x.signals, *(t.rule for t in new.owed)]
        if noted != asked:
            self.tell(key, c, e, x, f"reference {asked}, relation {noted}")
            return
        if step.end != end:
            self.tell(key, c, e, x, f"ends with {end}, relation {step.end}")
        got = dict(zip(step.names, step.values(v), strict=True))
        expected = self.plain(new)
        if got.get("RCV.HELD.lost") or f"RCV.HELD.{SLOTS}.at" in expected:
            self.beyond += 1
            expected = {k: n for k, n in expected.items() if not k.startswith("RCV.HELD")}
        self.close_up(got)
        different = [n for n in expected if got[n] != expected[n]]
        if different:
            text = ", ".join(f"{n}: reference {expected[n]}, relation {got[n]}" for n in different)
            self.tell(key, c, e, x, text)
        for (s, f), t in zip(sends, new.owed, strict=True):
            self.segment(key, c, e, x, s, f(v), t)

    def close_up(self, got: dict[str, Any]) -> None:
        """The pieces that are there, in the first slots, as the reference has them."""
        places = [(f"RCV.HELD.{i}.at", f"RCV.HELD.{i}.length") for i in range(SLOTS)]
        pieces = [(got[at], got[length]) for at, length in places if got[length]]
        for i, (at, length) in enumerate(places):
            got[at], got[length] = pieces[i] if i < len(pieces) else (0, 0)

    def segment(self, key: Any, c: Any, e: Any, x: Observed, s: Sent, values: tuple[Any, ...], t: Template) -> None:
        expected = [t.seq, t.span, len(t.text), t.low & M64, t.high & M64]
        expected += [] if t.ack is None or t.ack_from is None else [t.ack, t.ack_from]
        ctl = (sum(1 << CTL_NAMES.index(b) for b in s.ctl), sum(1 << CTL_NAMES.index(b) for b in s.may))
        if list(values) != expected or ctl != (t.ctl, t.may) or s.rest != t.rest:
            self.tell(key, c, e, x, f"segment: reference {t._replace(text=b'')}, relation {values} {ctl}")

    def permission(self, case: Case, c: Any, e: Any, x: Observed) -> None:
        sent, run = case.extra
        assert case.rule is not None
        rule = next(r for r in self.reference.may[c.state] if r.id == case.rule.id)
        offer = rule.offer(c.copy(), x)
        if offer is not None and self.draw.r.random() < 0.7:
            self.fit(offer, e)
        v = self.values(c, e, x, case.state)
        holds, *rest = run(v)
        key = (case.kind, case.subject, case.state)
        if holds != (offer is not None):
            self.tell(key, c, e, x, f"offered {offer is not None}, relation {holds}")
            return
        if offer is None:
            return
        self.fired[rule.id] += 1
        n = len(_sent_terms(sent))
        self.segment(key, c, e, x, sent, tuple(rest[:n]), offer)
        e.data = bytes(len(e.data))
        if matches(c, offer, e) != rest[n] and not self.coloured(offer, e):
            self.tell(key, c, e, x, f"fits {matches(c, offer, e)}, relation {rest[n]}; {offer._replace(text=b'')}")
        if rule.check is not None and bool(rule.check(c, e, x)) != all(rest[n + 1 :]):
            self.tell(key, c, e, x, "the condition on the segment")

    def coloured(self, t: Template, e: Any) -> bool:
        """Bits that the specification has no field for."""
        return bool(e.ctl & 0xC0)

    def fit(self, t: Template, e: Any) -> None:
        """Bring a random segment near what is offered."""
        r = self.draw.r
        offset = r.choice((0, 0, t.span, t.span + 1, 1))
        e.seq = (t.seq + offset) & M32
        e.ctl = t.ctl | (t.may & r.randrange(256))
        e.ack = (r.choice((t.ack or 0, t.ack_from or 0)) + r.choice((0, 0, 1, -1))) & M32
        left = max(0, len(t.text) - offset)
        e.data = bytes(max(0, min(r.choice((left, t.low, t.high, left + 1, t.high + 1, left - 1)), 70000)))

    def law(self, case: Case, c: Any, e: Any, x: Observed) -> None:
        _, run = case.extra
        values = list(run(self.values(c, e, x, case.state, 1)))
        fs = self.functions
        for s in self.model.sections:
            if s.kind != "every":
                continue
            for rule in s.rules:
                asked, *kept = values[: 1 + len(rule.requires)]
                del values[: 1 + len(rule.requires)]
                broken = fs[rule_function(s, rule)](c, e, x)
                told = next((q.name for q, k in zip(rule.requires, kept, strict=True) if not k), None)
                if broken != (told if asked else None):
                    self.tell((case.kind, rule.id, case.state), c, e, x, f"broken {broken}, relation {asked} {told}")

    # ---- values ------------------------------------------------------------------------------------------------------

    def plain(self, c: Any) -> dict[str, Any]:
        """A configuration of the reference as the terms name its parts."""
        found: dict[str, Any] = {}
        for v in self.model.variables.values():
            value = getattr(c, slot(v.name))
            if v.sort == ir.REASSEMBLY:
                for i in range(max(SLOTS, len(value))):
                    at, text = value[i] if i < len(value) else (0, b"")
                    found[f"{v.name}.{i}.at"], found[f"{v.name}.{i}.length"] = at, len(text)
            else:
                found[v.name] = len(value) if v.sort == ir.OCTETS else value & M64 if type(value) is int else value
        for t, low, high in self.reference.timer_slots:
            found[f"{t}.from"], found[f"{t}.until"] = getattr(c, low) & M64, getattr(c, high) & M64
        return found

    def values(self, c: Any, e: Any, x: Observed, state: str, more: int = 0) -> dict[str, Any]:
        """Everything that the terms may ask for, by name."""
        m = self.model
        found = self.plain(c)
        found["now"] = c.now
        for name in m.params:
            found[f"param {name}"] = getattr(x.p, slot(name)) & M64
        for name in m.profiles:
            found[f"profile {name}"] = getattr(x.p, slot(name))
        b = Binding(m, c, x.p, e, x.choices, x.count)
        events = [m.calls[k] for k in m.calls] if type(e).__name__ == "CallEvent" else []
        if type(e).__name__ == "IcmpEvent":
            events = [m.events["icmp"]]
        elif type(e).__name__ == "Segment":
            events = [m.events["segment"], m.events["output"]]
        here: dict[str, Any] = {"result": x.which, "RET.COUNT": x.count}
        for event in events:
            for name, sort in event.fields.items():
                value = b.field(ir.Field(event.name, name, sort))
                here[name] = len(value) if sort == ir.OCTETS else value
        for f, flag in x.choices.items():
            here[f"choice {f}"] = flag
        here |= {f"chosen {v}": x.chosen for v in m.variables}
        for n in range(1, 3 + more):
            found |= {f"{n} {k}": value for k, value in here.items()}
        return found

    def tell(self, key: Any, c: Any, e: Any, x: Observed, text: str) -> None:
        """A difference, with what is not as it is at the beginning."""
        plain, initial = self.plain(c), self.plain(self.reference.Tcp())
        shown = {k: n for k, n in plain.items() if n != initial.get(k)}
        event = re.sub(r"b'[^']*'", lambda m: f"{len(ast.literal_eval(m[0]))} octets", repr(e))
        choices = [name for name, value in x.choices.items() if value]
        self.wrong.append(f"{key}: {text}\n  configuration {shown}\n  event {event}\n  choices {choices}")


def run(twins: Twins, comparisons: int, moments: list[tuple[str, str, str]] | None = None) -> Iterator[int]:
    """Compare round and round; segments, which have the most ways, come more often than the rest."""
    chosen = moments or twins.moments
    weights = [24 if k[0] == "segment" else 3 if k[0] == "sent" else 1 for k in chosen]
    for n in range(comparisons):
        twins.compare(twins.draw.r.choices(chosen, weights)[0])
        if n % 1000 == 999:
            yield n + 1
