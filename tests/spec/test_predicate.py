"""Predicates that are typed: spellings, sorts, hosts, and where and how mistakes are told."""

from __future__ import annotations

import pytest

from wireproof.spec import ir, load
from wireproof.spec.diagnostics import SpecError, render
from wireproof.spec.predicate import expression, mentions, predicate

MODEL = load.tcp()
BOTH = ("A", "B")


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("state == closing", "STATE = CLOSING"),
        ("STATE in {syn_sent, SYN_RECEIVED}", "STATE in {SYN-SENT, SYN-RECEIVED}"),
        ("snd_nxt - snd_una > 0", "SND.NXT - SND.UNA > 0"),
        ("SND.NXT-SND.UNA>0", "SND.NXT - SND.UNA > 0"),
        ("snd_wnd-1 >= 3", "SND.WND - 1 >= 3"),
        ("state != listen && retries <= 2", "STATE /= LISTEN and RETRIES =< 2"),
        ("not (state == listen) || running(keep_alive)", "not STATE = LISTEN or running(KEEP-ALIVE)"),
        ("A.state = fin-wait-1", "STATE = FIN-WAIT-1"),
        ("rto ≥ 2 s", "RTO >= 2 s"),
        ("UNSENT > FLIGHT", "unsent > flight"),
    ],
)
def test_spellings_of_one_thing(text: str, same: str) -> None:
    assert predicate(text, MODEL).value == predicate(same, MODEL).value


def test_hosts_have_variables_of_their_own() -> None:
    e = predicate("A.state==CLOSING and B.snd_wnd = 0", MODEL, BOTH).value
    assert isinstance(e, ir.Op)
    names = [x.args[0].name for x in e.args if isinstance(x, ir.Op) and isinstance(x.args[0], ir.Var)]
    assert names == ["A.STATE", "B.SND.WND"]


def test_what_one_host_sends_and_the_other_receives_is_counted_alike() -> None:
    assert expression("A.SND.NXT - B.RCV.NXT", MODEL, BOTH).sort == ir.LENGTH
    with pytest.raises(SpecError, match="the ISS of A, the other from the ISS of B"):
        expression("A.SND.NXT - B.SND.NXT", MODEL, BOTH)


def test_abbreviations_of_a_host_are_about_that_host() -> None:
    found = repr(expression("B.unsent", MODEL, BOTH).value)
    assert "'B.SND.NXT'" in found
    assert "'A." not in found
    assert "Abbrev" not in found


def test_further_names() -> None:
    assert predicate("in_flight = 0", MODEL, BOTH, {"in_flight": ir.COUNT}).sort == ir.FLAG


@pytest.mark.parametrize(
    ("text", "hosts", "caret", "said"),
    [
        ("STATE = CLOSNG", (), (9, 15), "did you mean 'CLOSING'?"),
        ("A.STAET = CLOSED", BOTH, (1, 8), "did you mean 'A.STATE'?"),
        ("state = CLOSED", BOTH, (1, 6), "A.STATE or B.STATE"),
        ("CLOSING", (), (1, 8), "compare it: STATE = ..."),
        ("SND.WND > 500 ms", (), (1, 17), "a length and a duration"),
        ("SND.WND + 1", (), (1, 12), "this is a length, and a flag"),
        ("STATE = ", (), (7, 8), "an expression is missing"),
        ("(STATE = CLOSED", (), (10, 16), "("),
        ("STATE CLOSED", (), (7, 13), "'CLOSED' cannot stand here"),
        ("running(PRESIST)", (), (9, 16), "did you mean 'PERSIST'?"),
        ("running(PERSIST)", BOTH, (9, 16), "A.PERSIST or B.PERSIST"),
        ("SEG.SEQ = SND.NXT", (), (1, 8), "belongs to an event"),
        ("nonsense(1) = 2", (), (1, 12), "no function 'nonsense'"),
        ("", (), (1, 2), "an expression is wanted"),
        ("STATE = CLOSED means", (), (16, 21), "'means' is not known"),
        ("C.STATE = CLOSED", BOTH, (1, 8), "not known"),
    ],
)
def test_mistakes(text: str, hosts: tuple[str, ...], caret: tuple[int, int], said: str) -> None:
    with pytest.raises(SpecError) as caught:
        predicate(text, MODEL, hosts)
    d = caught.value.diagnostics[0]
    assert said in render(d)
    assert (d.span.line, d.span.column, d.span.end_column) == (1, *caret)
    assert d.span.source.text == text
    assert d.hint


def test_nesting_without_end_is_refused() -> None:
    with pytest.raises(SpecError, match="nested more than"):
        predicate("(" * 200 + "STATE = CLOSED" + ")" * 200, MODEL)


def test_who_is_mentioned() -> None:
    assert mentions("A.state = CLOSED", BOTH)
    assert not mentions("STATE = CLOSED and SND.WND = 0", BOTH)
