"""Invariants, properties and theorems: what they become, how they are read, and that the theorems are true."""

from __future__ import annotations

import random
from typing import Any

import lark
import pytest

from wireproof.conformance.bindings import OPERATIONS
from wireproof.spec import ir, load
from wireproof.spec.backends.python_terms import Terms
from wireproof.spec.backends.z3_terms import Z3Terms
from wireproof.spec.elaborate_claims import claim_conjuncts
from wireproof.spec.evaluate import PropertyEnvironment, breach, choices_of, concerns, evaluate, subterms
from wireproof.spec.expressions import events_of, walk
from wireproof.spec.load import rules_root
from wireproof.spec.parse import grammar
from wireproof.spec.source import Source
from wireproof.spec.validate import BrokenModel, validate

SEED = 9293
ROUNDS = 1_500

HEAD = """machine toy
enum state = IDLE | BUSY
profile base
profile extra includes base
event segment
  field SEG.SEQ : seq32
  field ACK : flag
call send(CALL.DATA: octets)
timer T
var STATE : state = IDLE
var NXT : seq32 = 0
var ROOM : length = 10
let room = ROOM + 1
"""


def toy(text: str) -> ir.Model:
    return load.load_sources([Source("toy.wire", HEAD + text)])


class Env:
    """An environment of plain values."""

    operations = OPERATIONS

    def __init__(self, model: ir.Model, values: dict[str, Any], profiles: tuple[str, ...] = ()):
        self.model = model
        self.values = values
        self.profiles = profiles

    def variable(self, name: str) -> Any:
        return self.values[name]

    parameter = variable

    def profile(self, name: str) -> bool:
        return name in self.profiles

    def field(self, f: ir.Field) -> Any:
        return self.values[f.name]

    def chosen(self, name: str) -> bool:
        raise AssertionError("a claim has no choices")

    def running(self, timer: str) -> bool:
        return bool(self.values[f"running({timer})"])

    def now(self) -> int:
        return int(self.values["now"])


# ---- what they become ----------------------------------------------------------------------------------------------


def test_an_invariant_has_its_states_and_conjuncts() -> None:
    model = toy(
        'invariant i [MUST-1] means "M." cites "C" supports extra in BUSY holds a: ROOM > 0 holds ROOM > 1 and ROOM > 2'
    )
    i = model.invariants["i"]
    assert (i.ids, i.meaning, i.cites, i.supports, i.without, i.states) == (
        ["MUST-1"],
        "M.",
        ["C"],
        ["extra"],
        [],
        ["BUSY"],
    )
    assert [c.name for c in i.holds] == ["a", "ROOM > 1", "ROOM > 2"]


def test_what_names_no_state_is_for_all() -> None:
    model = toy("invariant i holds ROOM > 0 property p on call then ROOM > 0 property q on call in any then ROOM > 0")
    assert model.invariants["i"].states == ["IDLE", "BUSY"]
    assert model.properties["p"].states == model.properties["q"].states == ["IDLE", "BUSY"]


def test_the_steps_of_a_property() -> None:
    text = "property p on segment, call send, call, timeout T then ROOM > 0"
    model = toy(
        text.replace("call, ", "") + " property q on every step then ROOM > 0 property r on timeout then ROOM > 0"
    )
    assert model.properties["p"].on == [("segment", ""), ("call", "send"), ("timeout", "T")]
    assert model.properties["q"].on == [("step", "")]
    p, q, r = (model.properties[n] for n in "pqr")
    asked = [("segment", ""), ("call", "send"), ("call", "other"), ("timeout", "T"), ("timeout", "U"), ("output", "")]
    assert [concerns(p, *x) for x in asked] == [True, True, False, True, False, False]
    assert [concerns(q, *x) for x in asked] == [True] * 6
    assert [concerns(r, *x) for x in asked] == [False, False, False, True, True, False]


def test_a_theorem_has_its_event() -> None:
    model = toy("theorem t for segment when ACK holds SEG.SEQ =< SEG.SEQ theorem u holds ROOM >= 0 or ROOM < 0")
    assert (model.theorems["t"].event, model.theorems["u"].event) == ("segment", "")
    assert [c.name for c in model.theorems["t"].when] == ["ACK"]


def test_claims_are_in_the_order_of_the_text() -> None:
    model = toy("theorem t holds true invariant b holds true property p on call then true invariant a holds true")
    assert [c.name for c in model.claims()] == ["b", "a", "p", "t"]


def test_before_is_a_node_with_the_sort_of_what_it_looks_back_at() -> None:
    model = toy("property p on segment then before(NXT) + (ROOM - before(room)) =< SEG.SEQ")
    (c,) = model.properties["p"].then
    found = [x for x in walk(c.test) if isinstance(x, ir.Before)]
    assert [(type(x.value), x.sort) for x in found] == [(ir.Var, ir.SEQ32), (ir.Abbrev, ir.LENGTH)]
    assert events_of(c.test, model.abbreviations) == {"segment"}
    assert choices_of(c.test, model) == frozenset()


def test_no_backend_takes_a_look_back_for_a_value() -> None:
    model = toy("property p on call then before(ROOM) =< ROOM")
    test = model.properties["p"].then[0].test
    for refuse in (Terms(model).of, Z3Terms(model).of):
        with pytest.raises(ValueError, match=r"before\(\)"):
            refuse(test)
    with pytest.raises(ValueError, match="PropertyEnvironment"):
        evaluate(test, Env(model, {"ROOM": 1}))


def test_a_claim_in_its_own_grammar_brings_no_conflict() -> None:
    """LALR(1) without a choice: the parser never has to prefer one reading of a claim."""
    text = (rules_root().parent / "grammar" / "wire.lark").read_text("utf-8")
    assert grammar() is not None
    keep = [line for line in text.split("\n") if not line.startswith(("rule:", "level:"))]
    assert len(keep) == len(text.split("\n")) - 2
    records: list[str] = []
    handler = lark.logger.handlers[0]
    level, emit = lark.logger.level, handler.emit
    try:
        lark.logger.setLevel("DEBUG")
        handler.emit = lambda record: records.append(record.getMessage())  # type: ignore[method-assign]
        lark.Lark(text, parser="lalr", maybe_placeholders=True, debug=True)
    finally:
        lark.logger.setLevel(level)
        handler.emit = emit  # type: ignore[method-assign]
    assert any("rule :" in r for r in records), "the conflicts of rules are told: so would those of claims be"
    words = ("<invariant", "<property", "<theorem", "_guarded", "<holds", "<then", "<on_step", "occasion", "<in_states")
    assert [r for r in records if any(w in r for w in words)] == []


# ---- a model that a pass has spoilt ------------------------------------------------------------------------------


def test_a_look_back_out_of_place_is_a_fault_of_the_pass() -> None:
    model = toy("invariant i holds ROOM > 0 property p on call then before(ROOM) =< ROOM")
    model.invariants["i"].holds[0].test = model.properties["p"].then[0].test
    with pytest.raises(BrokenModel, match=r"after test: the invariant i has a before\(\) out of place"):
        validate(model, after="test")


def test_a_look_back_within_one_is_a_fault_of_the_pass() -> None:
    model = toy("property p on call then before(ROOM) =< ROOM")
    (first,) = (x for x in walk(model.properties["p"].then[0].test) if isinstance(x, ir.Before))
    first.value = ir.Before(first.value, first.sort)
    with pytest.raises(BrokenModel, match="the property p has a before"):
        validate(model, after="test")


@pytest.mark.parametrize(
    ("field", "value", "text"),
    [("states", ["GONE"], "a state that does not exist"), ("holds", [], "says nothing")],
)
def test_a_claim_of_nothing_is_a_fault_of_the_pass(field: str, value: list[str], text: str) -> None:
    model = toy("invariant i holds ROOM > 0")
    setattr(model.invariants["i"], field, value)
    with pytest.raises(BrokenModel, match=f"the invariant i .*{text}"):
        validate(model, after="test")


# ---- how they are read -------------------------------------------------------------------------------------------

PROPERTY = """property p
  supports extra
  on segment
  in BUSY
  when shrank: room < before(room)
  then at_most: before(ROOM) - ROOM =< 5
  then SEG.SEQ = NXT
"""


@pytest.mark.parametrize(
    ("state", "was", "room", "seq", "profiles", "asked", "broken"),
    [
        ("BUSY", 10, 8, 0, ("extra",), True, None),
        ("BUSY", 10, 4, 0, ("extra",), True, "at_most"),
        ("BUSY", 10, 8, 1, ("extra",), True, "SEG.SEQ = NXT"),
        ("BUSY", 10, 10, 1, ("extra",), False, None),
        ("IDLE", 10, 4, 0, ("extra",), False, None),
        ("BUSY", 10, 4, 0, ("base",), False, None),
    ],
)
def test_a_property_is_asked_of_a_step(
    state: str, was: int, room: int, seq: int, profiles: tuple[str, ...], asked: bool, broken: str | None
) -> None:
    """The state is the one before the step, whatever it is afterwards."""
    model = toy(PROPERTY)
    before = Env(model, {"STATE": state, "ROOM": was, "NXT": 0, "SEG.SEQ": seq}, profiles)
    after = Env(model, {"STATE": "IDLE", "ROOM": room, "NXT": 0, "SEG.SEQ": seq}, profiles)
    said, found = breach(model.properties["p"], PropertyEnvironment(before, after))
    assert (said, found.name if found else None) == (asked, broken)


def test_values_before_are_told_apart_from_those_after() -> None:
    model = toy(PROPERTY)
    env = PropertyEnvironment(Env(model, {"ROOM": 10}), Env(model, {"ROOM": 4}))
    shown = [(t.text, t.value) for t in subterms(model.properties["p"].then[0].test, env)]
    assert shown == [("before(ROOM)", 10), ("ROOM", 4)]


def test_an_invariant_is_asked_in_its_states_only() -> None:
    model = toy("invariant i in BUSY holds ROOM > 5")
    i = model.invariants["i"]
    assert breach(i, Env(model, {"STATE": "IDLE", "ROOM": 1})) == (False, None)
    assert breach(i, Env(model, {"STATE": "BUSY", "ROOM": 6})) == (True, None)
    assert breach(i, Env(model, {"STATE": "BUSY", "ROOM": 5})) == (True, i.holds[0])


# ---- those of TCP --------------------------------------------------------------------------------------------------

TCP = load.tcp()


def test_every_claim_says_what_it_means_or_is_a_line_of_the_diagram() -> None:
    for c in TCP.claims():
        assert c.cites and (c.meaning or c.name.startswith("from_")), c.name
        assert claim_conjuncts(c), c.name


def test_there_is_one_line_of_the_diagram_for_each_state() -> None:
    lines = {
        s: p for p in TCP.properties.values() if p.on == [("step", "")] and p.name.startswith("from_") for s in p.states
    }
    assert list(lines) == TCP.enums["state"]


def values(model: ir.Model, r: random.Random) -> dict[str, Any]:
    """Every variable, parameter and field, near the edges: of each other, of the wrap, of the antipode."""
    base = r.choice((0, 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF))
    near = (0, 0, 1, 2, 536, 65535, 0x40000000, 0x7FFFFFFF, 0x80000000, 0x80000001, 0xFFFFFFFF)
    sizes = (0, 0, 1, 2, 20, 536, 1460, 65535)

    def value(sort: ir.Sort) -> Any:
        match sort.name:
            case "flag":
                return r.random() < 0.5
            case "seq32":
                return (base + r.choice(near)) & 0xFFFFFFFF
            case "octets":
                return bytes(r.choice((0, 0, 1, 2, 20)))
            case "reassembly":
                return ()
            case "length" | "count" | "duration" | "instant":
                return r.choice(sizes)
        return r.choice(model.enums[sort.name])

    found = {v.name: value(v.sort) for v in model.variables.values()}
    found |= {p.name: value(p.sort) for p in model.params.values()}
    found |= {name: value(sort) for e in model.events.values() for name, sort in e.fields.items()}
    return found | {"now": r.choice(sizes)}


@pytest.mark.parametrize("name", TCP.theorems)
def test_a_theorem_holds_of_values_at_the_edges(name: str) -> None:
    """And its condition is met often enough for that to say something."""
    r, theorem = random.Random(SEED), TCP.theorems[name]
    asked = 0
    for _ in range(ROUNDS):
        env = Env(TCP, values(TCP, r))
        said, broken = breach(theorem, env)
        asked += said
        assert broken is None, {t.text: t.value for c in theorem.holds for t in subterms(c.test, env)}
    assert asked >= 5


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("max(RCV.WND, 1)", "RCV.WND"),
        ("SEG.SEQ + (SEG.LEN - 1) - RCV.NXT", "SEG.SEQ + SEG.LEN - RCV.NXT"),
        ("or SEG.SEQ - RCV.NXT = 2147483648", ""),
        ("flight + usable = SND.WND", "flight + usable < SND.WND"),
        ("0 < acked_now =< flight", "0 < acked_now < flight"),
    ],
)
def test_a_theorem_that_is_off_by_a_little_does_not(right: str, wrong: str) -> None:
    texts = {s.name: s.text for s in load.sources(rules_root() / "tcp")}
    assert texts["properties.wire"].count(right) == 1
    texts["properties.wire"] = texts["properties.wire"].replace(right, wrong)
    model, r = load.load_sources([Source(n, t) for n, t in texts.items()]), random.Random(SEED)
    found = set()
    for _ in range(ROUNDS // 3):
        env = Env(model, values(model, r))
        found |= {t.name for t in model.theorems.values() if breach(t, env)[1] is not None}
    assert len(found) == 1
