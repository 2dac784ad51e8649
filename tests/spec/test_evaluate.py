"""Two readings of one text agree: the interpreter of expressions and the generated Python.

Configurations and events are drawn at random, near the edges on purpose: sequence numbers beside each other, 2^31
apart and around the wrap, windows of 0, 1 and 65535, every state, timers on and off.
"""

from __future__ import annotations

import importlib
import pkgutil
import random
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from wireproof.conformance.bindings import Binding, segment_sent, slot, template
from wireproof.reference import generated
from wireproof.reference.connection import CallEvent, IcmpEvent
from wireproof.reference.machine import tcp
from wireproof.reference.reassembly import hold
from wireproof.reference.run import FOREVER, Outcome
from wireproof.reference.segment import Segment
from wireproof.spec import ir, load
from wireproof.spec.backends.python import rule_function
from wireproof.spec.evaluate import applies, evaluate, holds, source_text, subterms
from wireproof.spec.expressions import events_of, walk

SEED = 9293
ROUNDS = 160
"""Configurations for each rule and each let."""

MORE = 20_000
"""Further ones for a rule whose guard has gone one way only."""

MASK = 0xFFFFFFFF
ANCHORS = (0, 1, 1000, 0x7FFFFFFF, 0x80000000, MASK - 1, MASK)
NEAR = (0, 0, 0, 1, 1, 2, -1, -1, -2, 3, 10, 536, 1460, 65535, -10)
FAR = (0x7FFFFFFF, 0x80000000, 0x80000001, 0x3FFFFFFF, 0x40000000, 1 << 20)
LENGTHS = (0, 0, 1, 1, 2, 3, 10, 535, 536, 537, 1460, 2920, 32768, 65535)
COUNTS = (0, 0, 1, 1, 2, 3, 4, 8, 9, 64, 1000)
DURATIONS = (0, 1, 10_000, 200_000, 500_000, 1_000_000, 3_000_000, 60_000_000, 120_000_000)
PROFILES = ("rfc793", "rfc9293", "rfc5961", "linux")


class Choices:
    """A Run whose choices are given; results of calls are never what was expected, which ends the rule."""

    def __init__(self, p: Any, choices: dict[str, bool], count: int):
        self.p = p
        self.choices = choices
        self.count = count
        self.fired: list[str] = []
        self.signals: list[str] = []

    def flag(self, name: str) -> bool:
        return self.choices[name]

    def number(self, c: Any, name: str) -> int:
        return 0

    def settle(self, c: Any, rule: str, outcomes: tuple[Outcome, ...]) -> bool:
        return False

    def deviate(self, c: Any, rule: str, ids: tuple[str, ...]) -> None:
        pass


class Draw:
    """Random values of each sort."""

    def __init__(self, seed: int, model: ir.Model):
        self.r = random.Random(seed)
        self.model = model
        self.flags = sorted(
            {c.name for s in model.sections for c in (*s.choices, *(d for r in s.rules for d in r.choices))}
        )
        self.anchor = 0

    def seq(self) -> int:
        offset = self.r.choice(FAR) if self.r.random() < 0.15 else self.r.choice(NEAR)
        return (self.anchor + offset) & MASK

    def data(self) -> bytes:
        return bytes(self.r.choice((0, 0, 1, 2, 10, 536, 537, 1460)))

    def value(self, sort: ir.Sort) -> Any:
        r = self.r
        match sort.name:
            case "flag":
                return r.random() < 0.5
            case "seq32":
                return self.seq()
            case "length":
                return r.choice(LENGTHS)
            case "count":
                return r.choice(COUNTS)
            case "duration" | "instant":
                return r.choice(DURATIONS)
            case "octets":
                return self.data()
            case "reassembly":
                held: tuple[tuple[int, bytes], ...] = ()
                for _ in range(r.choice((0, 0, 1, 2))):
                    held = hold(held, self.seq(), bytes(r.choice((1, 2, 10))))
                return held
        return r.choice(self.model.enums[sort.name])

    def configuration(self, states: list[str]) -> Any:
        r, c = self.r, tcp().Tcp()
        self.anchor = r.choice(ANCHORS)
        for v in self.model.variables.values():
            setattr(c, slot(v.name), self.value(v.sort))
        c.state = r.choice(states)
        # What the rules themselves keep: below this, an effective MSS is negative and means nothing.
        c.path_mtu = r.choice((68, 576, 1500, 65535))
        c.snd_mss = r.choice((1, 2, 88, 536, 1460, 65535))
        if r.random() < 0.6:
            self.hang_together(c)
        for _, low, high in tcp().timer_slots:
            if r.random() < 0.5:
                at = r.choice(DURATIONS)
                setattr(c, low, at)
                setattr(c, high, r.choice((at, at + 500_000, FOREVER)))
        c.now = r.choice(DURATIONS)
        return c

    def hang_together(self, c: Any) -> None:
        """Let the numbers fit each other as they do in a real connection: most guards ask for several of them."""
        r = self.r
        sent, unsent = r.choice(LENGTHS[:11]), r.choice((0, 0, 1, 2, 536))
        c.snd_base = (c.snd_una + (c.snd_una == c.iss)) & MASK
        c.snd_data = bytes(sent + unsent)
        c.snd_nxt = (c.snd_base + sent + (c.snd_fin and not unsent and r.random() < 0.7)) & MASK
        if r.random() < 0.2:
            c.snd_una = c.snd_nxt
        c.rcv_edge = (c.rcv_nxt + r.choice((0, 0, 1, 1460, 65535))) & MASK

    def segment(self, c: Any) -> Segment:
        """A segment at the configuration's own edges, or anywhere near."""
        r = self.r
        # Most segments that matter have few bits set.
        ctl = 0
        for bit in range(8):
            if r.random() < (0.6 if bit == 4 else 0.25):
                ctl |= 1 << bit
        s = Segment(
            b"", b"", 1, 2, seq=self.seq(), ack=self.seq(), ctl=ctl, wnd=r.choice(LENGTHS), up=r.choice(LENGTHS)
        )
        s.data = self.data()
        if r.random() < 0.5:
            s.seq = (r.choice((c.rcv_nxt, c.rcv_nxt, c.rcv_edge, c.irs, c.snd_nxt)) + r.choice((0, 0, 0, 1, -1))) & MASK
            s.ack = (r.choice((c.snd_una, c.snd_nxt, c.rcv_nxt, c.rcv_prior)) + r.choice((0, 0, 0, 1, -1))) & MASK
            s.wnd = r.choice((s.wnd, c.snd_wnd))
        s.mss = r.choice((0, 0, 1, 536, 1460, 65535))
        s.ttl, s.tos = r.choice((64, 1)), r.choice((0, 0, 1, 4, 184))
        s.reserved = r.choice((0, 0, 0, 1))
        for name in ("options_ok", "padding_ok", "checksum_ok", "header_ok"):
            setattr(s, name, r.random() < 0.8)
        s.dst_group, s.src_invalid = r.random() < 0.3, r.random() < 0.3
        return s

    def call(self) -> CallEvent:
        r = self.r
        option = r.choice(self.model.enums["option"])
        return CallEvent(self.data(), r.random() < 0.5, r.choice(LENGTHS), option, r.choice(COUNTS), r.random() < 0.5)

    def icmp(self) -> IcmpEvent:
        """An ICMP message, of one kind or of none."""
        e = IcmpEvent(self.seq(), mtu=self.r.choice((68, 576, 1500)), error=self.r.choice(self.model.enums["errno"]))
        kind = self.r.choice(("quench", "soft", "hard", "too_big", None))
        if kind:
            setattr(e, kind, True)
        return e

    def event(self, section: ir.Section, c: Any) -> Any:
        """What a section's rules see."""
        if section.kind == "call":
            return self.call()
        if section.kind == "event" and section.subject == "icmp":
            return self.icmp()
        return None if section.kind == "timeout" else self.segment(c)

    def parameters(self) -> Any:
        return tcp().params(self.r.choice(PROFILES), mtu=self.r.choice((576, 1500)), ip_header=self.r.choice((20, 40)))

    def binding(self, section: ir.Section | None) -> tuple[Binding, Choices]:
        """The same moment for either reading."""
        choices = {f: self.r.random() < 0.5 for f in self.flags}
        count = self.r.choice(COUNTS)
        c, p = self.configuration((section and section.states) or self.model.enums["state"]), self.parameters()
        e = self.event(section, c) if section else self.segment(c)
        return Binding(self.model, c, p, e, choices, count), Choices(p, choices, count)


def functions() -> dict[str, Callable[..., Any]]:
    """Every generated function by name."""
    found: dict[str, Callable[..., Any]] = {}
    for info in pkgutil.iter_modules(generated.__path__):
        module = importlib.import_module(f"{generated.__name__}.{info.name}")
        found |= {n: f for n, f in vars(module).items() if getattr(f, "__module__", "") == module.__name__}
    return found


def seen(exprs: list[ir.Expr], b: Binding) -> str:
    """The values behind a difference."""
    terms = {t.text: t.value for e in exprs for t in subterms(e, b)}
    return f"state {b.c.state}, " + ", ".join(f"{k} = {v!r}" for k, v in terms.items())


@pytest.fixture(scope="module")
def model() -> ir.Model:
    found = load.tcp()
    assert found.spec_hash == tcp().spec_hash, "reference/generated is stale: run `make generate`"
    return found


class Tally:
    """Comparisons made, differences found, and which way each guard went."""

    def __init__(self) -> None:
        self.made = 0
        self.wrong: list[str] = []
        self.went: dict[str, Counter[bool]] = {}

    def compare(self, what: str, interpreted: object, run: object, exprs: list[ir.Expr], b: Binding) -> None:
        self.made += 1
        if interpreted != run:
            self.wrong.append(f"{what}: interpreter {interpreted!r}, generated {run!r}; {seen(exprs, b)}")


def compare_may(tally: Tally, fs: dict[str, Any], name: str, rule: ir.Rule, b: Binding, x: Choices) -> None:
    """A permission: its offer and the segment offered, its condition on the segment, its duty."""
    m = b.model.abbreviations
    late = [c for c in rule.guard if "output" in events_of(c.test, m)]
    early = applies(rule, b) and all(evaluate(c.test, b) for c in rule.guard if c not in late)
    offer = fs[name](b.c.copy(), x)
    tally.compare(rule.id, early, offer is not None, [c.test for c in rule.guard], b)
    tally.went.setdefault(rule.id, Counter())[holds(rule, b)] += 1
    if offer is not None:
        send = segment_sent(rule)
        assert send is not None
        exprs = [e for e in (send.seq, send.seq_high, send.ack, send.text, send.low, send.high) if e is not None]
        tally.compare(f"{rule.id} segment", template(rule, send, b), offer, exprs, b)
    if late:
        fits = all(evaluate(c.test, b) for c in late)
        tally.compare(f"{rule.id} check", fits, bool(fs[f"{name}__check"](b.c, b.e, x)), [c.test for c in late], b)
    if rule.due is not None:
        within, when = rule.due
        due = evaluate(within, b) if when is None or evaluate(when, b) else 0
        tally.compare(f"{rule.id} due", due, fs[f"{name}__due"](b.c, x), [e for e in rule.due if e is not None], b)


def compare_rule(tally: Tally, fs: dict[str, Any], section: ir.Section, rule: ir.Rule, draw: Draw) -> None:
    """One rule at one random moment."""
    name = rule_function(section, rule)
    b, x = draw.binding(section)
    if section.kind == "may":
        compare_may(tally, fs, name, rule, b, x)
    elif section.kind == "every":
        broken = None
        taken = holds(rule, b)
        if taken:
            broken = next((q.name for q in rule.requires if not evaluate(q.test, b)), None)
        tally.compare(rule.id, broken, fs[name](b.c, b.e, x), [q.test for q in (*rule.guard, *rule.requires)], b)
        tally.went.setdefault(rule.id, Counter())[taken] += 1
    else:
        taken = holds(rule, b)
        tally.compare(rule.id, taken, fs[name](b.c.copy(), b.e, x) is not None, [c.test for c in rule.guard], b)
        tally.went.setdefault(rule.id, Counter())[taken] += 1


def test_generated_guards_are_the_texts_guards(model: ir.Model) -> None:
    fs, draw, tally = functions(), Draw(SEED, model), Tally()
    for section, rule in model.rules():
        for _ in range(ROUNDS):
            compare_rule(tally, fs, section, rule, draw)
        for _ in range(MORE):
            # Rare guards get more chances.
            if len(tally.went[rule.id]) > 1 or not rule.guard:
                break
            compare_rule(tally, fs, section, rule, draw)
    assert tally.wrong[:10] == []
    assert tally.made >= 20_000
    # A comparison that only ever went one way has compared little.
    one_way = [r.id for _, r in model.rules() if r.guard and len(tally.went[r.id]) < 2]
    assert one_way == []


def test_generated_lets_are_the_texts_lets(model: ir.Model) -> None:
    fs, draw, tally = functions(), Draw(SEED + 1, model), Tally()
    for a in model.abbreviations.values():
        for _ in range(ROUNDS):
            b, x = draw.binding(None)
            args = (b.c, b.e, x) if a.events else (b.c, x)
            tally.compare(a.name, evaluate(a.value, b), fs[slot(a.name)](*args), [a.value], b)
    assert tally.wrong[:10] == []
    assert tally.made >= 20 * ROUNDS


def test_the_comparison_sees_a_difference(model: ir.Model) -> None:
    """A generated guard with < for =< is found."""
    fs, draw, tally = functions(), Draw(SEED, model), Tally()
    section, rule = next((s, r) for s, r in model.rules() if r.id == "tcp/text/in_order")
    right = fs[rule_function(section, rule)]
    text_seq = fs["text_seq"]
    fs[rule_function(section, rule)] = lambda c, e, x: None if text_seq(c, e, x) == c.rcv_nxt else right(c, e, x)
    for _ in range(ROUNDS):
        compare_rule(tally, fs, section, rule, draw)
    assert tally.wrong
    assert tally.wrong[0].startswith("tcp/text/in_order: interpreter True, generated False; state ")


# ---- by hand -------------------------------------------------------------------------------------------------


def at(model: ir.Model, **variables: Any) -> Binding:
    c = tcp().Tcp()
    for name, value in variables.items():
        setattr(c, name, value)
    return Binding(model, c, tcp().params("rfc5961"))


def conjunct(model: ir.Model, rule: str, name: str) -> ir.Conjunct:
    return next(c for _, r in model.rules() if r.id == rule for c in r.guard if c.name == name)


@pytest.mark.parametrize(("distance", "ahead"), [(0, 0), (1, 1), (0x7FFFFFFF, 0x7FFFFFFF), (0x80000000, 0), (MASK, 0)])
def test_the_antipode_is_ahead_of_nothing(model: ir.Model, distance: int, ahead: int) -> None:
    b = at(model, snd_una=MASK - 5, snd_nxt=(MASK - 5 + distance) & MASK)
    assert evaluate(model.abbreviations["flight"].value, b) == ahead


def test_a_slice_never_counts_from_the_end(model: ir.Model) -> None:
    octets = ir.Lit(0, ir.LENGTH)
    text = ir.Var("SND.DATA", ir.OCTETS)
    b = at(model, snd_data=b"abc")
    below = ir.Op("-", [octets, ir.Lit(1, ir.LENGTH)], ir.LENGTH)
    assert evaluate(ir.Op("slice", [text, octets, below], ir.OCTETS), b) == b""
    assert evaluate(ir.Op("slice", [text, below], ir.OCTETS), b) == b"abc"


def test_what_an_expression_mentions(model: ir.Model) -> None:
    b = at(model, snd_una=5, snd_nxt=8, snd_wnd=3)
    window = conjunct(model, "tcp/new_text/last_of_queue", "window")
    assert [(t.text, t.value) for t in subterms(window.test, b)] == [("unsent", 0), ("usable", 0)]
    nagle = conjunct(model, "tcp/new_text/last_of_queue", "nagle")
    assert [(t.text, t.value) for t in subterms(nagle.test, b)][:3] == [
        ("nagle_allows", False),
        ("flight", 3),
        ("NODELAY.SET", False),
    ]
    assert source_text(window.span) == "usable >= unsent"


def test_an_unknown_operation_is_told(model: ir.Model) -> None:
    with pytest.raises(ValueError, match="does not know the operation 'xor'"):
        evaluate(ir.Op("xor", [ir.Lit(1, ir.FLAG), ir.Lit(1, ir.FLAG)], ir.FLAG), at(model))


def test_every_operation_of_the_text_is_known(model: ir.Model) -> None:
    """The random comparison reaches lets and guards; this one names what the interpreter must read there."""
    ops = {e.op for _, r in model.rules() for c in r.guard for e in walk(c.test) if isinstance(e, ir.Op)}
    ops |= {e.op for a in model.abbreviations.values() for e in walk(a.value) if isinstance(e, ir.Op)}
    assert {"and", "or", "not", "=", "/=", "<", "=<", "in", "+", "-", "/", "if", "len", "min", "slice"} <= ops
