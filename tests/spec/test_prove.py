"""Proof by induction: what is kept is proved, what is not is not, and nothing in between is called either."""

from __future__ import annotations

import pytest

from wireproof.spec import ir, load
from wireproof.spec.decide import BROKEN, PROVED, UNKNOWN
from wireproof.spec.induction import Induction
from wireproof.spec.prove import theorem
from wireproof.spec.source import Source

TOY = """machine toy
  means "Counts what it is sent, up to a limit."
enum state = IDLE | BUSY
profile base
  means "Base."
event segment
  field SEG.SEQ : seq32
  field SEG.LEN : length
  field SEG.DATA : octets
event output
  field OUT.SEQ : seq32
  field OUT.ACKNO : seq32
  field OUT.LEN : length
  field OUT.DATA : octets
  field OUT.FIN : flag
  field OUT.SYN : flag
  field OUT.RST : flag
  field OUT.PSH : flag
  field OUT.ACK : flag
  field OUT.URG : flag
call reset()
var STATE : state = IDLE
var NXT : seq32 = 0
var TAKEN : count = 0
var SHADOW : count = 0
var DATA : octets = empty
timer T

on segment in IDLE named idle
rule begin
  otherwise
  enter BUSY
  set NXT := SEG.SEQ
  start T after 1 s
  drop

on segment in BUSY named busy
rule full
  when TAKEN >= 10
  drop
rule take
  when SEG.SEQ = NXT
  set TAKEN := TAKEN + 1
  set SHADOW := SHADOW + 1
  set DATA := DATA + SEG.DATA
  set NXT := NXT + len(SEG.DATA)
  drop
rule impossible
  when SHADOW > 11
  send <SEQ=NXT><CTL=RST>
  drop
rule other
  otherwise
  drop

on call reset in any named reset
rule reset
  otherwise
  enter IDLE
  set TAKEN := 0
  set SHADOW := 0
  set DATA := empty
  stop T
  return ok

on timeout T in any named late
rule late
  otherwise
  send <SEQ=NXT><CTL=RST>

invariant bounded
  means "Held by itself."
  holds TAKEN =< 10
invariant shadowed
  means "Held by itself."
  holds SHADOW = TAKEN
invariant shadow_bounded
  means "Held only together with the two others."
  holds SHADOW =< 10
invariant never_begins
  means "False: one segment breaks it."
  holds STATE = IDLE
invariant rests_on_a_false_one
  means "Kept only while the false one is."
  holds TAKEN = 0
invariant timed
  holds running(T) implies STATE = BUSY

property appended
  means "Text joins at the end, octet by octet."
  on segment
  in BUSY
  then kept: DATA[.. len(before(DATA))] = before(DATA)
  then added: DATA = before(DATA) or DATA = before(DATA) + SEG.DATA
property only_the_end
  means "False: text of the same length need not be the same text."
  on segment
  in BUSY
  when len(SEG.DATA) = 1
  then DATA = before(DATA) or DATA = before(DATA) + zeros(1)
property sent_where_it_stands
  on output
  then OUT.SEQ = before(NXT)

theorem half
  means "The order of sequence numbers is total but at the antipode."
  for segment
  holds SEG.SEQ =< NXT or NXT =< SEG.SEQ or SEG.SEQ - NXT = 2147483648
theorem whole
  means "False."
  for segment
  holds SEG.SEQ =< NXT or NXT =< SEG.SEQ
"""


@pytest.fixture(scope="module")
def toy() -> ir.Model:
    return load.load_sources([Source("toy.wire", TOY)])


@pytest.fixture(scope="module")
def found(toy: ir.Model) -> Induction:
    induction = Induction(toy, timeout_ms=20_000, jobs=1)
    induction.run([c.name for c in toy.claims()])
    return induction


@pytest.mark.parametrize(
    "name", ["bounded", "shadowed", "shadow_bounded", "timed", "appended", "sent_where_it_stands", "half"]
)
def test_what_is_kept_is_proved(toy: ir.Model, found: Induction, name: str) -> None:
    claim = next(c for c in toy.claims() if c.name == name)
    assert found.found.verdict(claim) == PROVED


@pytest.mark.parametrize(
    ("name", "where"),
    [
        ("never_begins", "segment in IDLE"),
        ("rests_on_a_false_one", "segment in BUSY"),
        ("only_the_end", "segment in BUSY"),
    ],
)
def test_what_some_step_breaks_is_not(toy: ir.Model, found: Induction, name: str, where: str) -> None:
    claim = next(c for c in toy.claims() if c.name == name)
    assert found.found.verdict(claim) == BROKEN
    assert found.found.where(claim) == where


def test_invariants_rest_on_each_other(found: Induction) -> None:
    """The proof of one used the others; what was proved with the false one was asked again."""
    used = frozenset[tuple[str, int]]().union(*(u for (_, key), u in found.rests.items() if key[0] == "shadow_bounded"))
    assert {("shadowed", 0), ("bounded", 0)} & used
    assert ("never_begins", 0) not in found.known
    assert ("shadow_bounded", 0) in found.known


def test_a_theorem_is_refuted_with_values(toy: ir.Model) -> None:
    verdict, values = theorem(toy, toy.theorems["whole"], 20_000)
    assert verdict == BROKEN
    assert set(values) == {"SEG.SEQ", "NXT"}
    assert (values["SEG.SEQ"].as_long() - values["NXT"].as_long()) % (1 << 32) == 1 << 31


def test_no_answer_is_no_proof() -> None:
    """With no work allowed the solver knows nothing, and that is what is said."""
    model = load.tcp()
    verdict, _ = theorem(model, model.theorems["order_is_transitive_within_half"], 0)
    assert verdict == UNKNOWN
