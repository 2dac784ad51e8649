"""Purposes: what there is to test, from the model alone."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from wireproof.spec.load import tcp
from wireproof.spec.purposes import HALF, comparisons, purposes, side

MODEL = tcp()
ALL = purposes(MODEL)


def test_each_has_a_name_of_its_own() -> None:
    assert len({p.id for p in ALL}) == len(ALL)


def test_nothing_of_the_model_is_left_out() -> None:
    kinds = Counter(p.kind for p in ALL)
    rules = MODEL.rules()
    assert kinds["rule"] == len(rules)
    assert kinds["conjunct"] == 2 * sum(len(r.guard) for _, r in rules)
    assert kinds["cell"] == 145
    assert kinds["edge"] > 300
    assert {p.rule for p in ALL if p.kind == "timer"} == set(MODEL.timers)


def test_comparisons_open_abbreviations() -> None:
    """The window test of RFC 9293 3.4 is one word in the guard, and seven comparisons."""
    rule = next(r for _, r in MODEL.rules() if r.id == "tcp/sequence/acceptable")
    found = comparisons(MODEL, rule)
    assert len(found) >= 5
    assert any(c.modular and c.of_peer for c in found)


def test_a_length_is_never_below_zero() -> None:
    for _, rule in MODEL.rules():
        for c in comparisons(MODEL, rule):
            if not c.modular and str(getattr(c.left, "value", "")) == "0":
                assert "-1" not in c.sides()


@given(st.integers(0, 0xFFFFFFFF), st.integers(0, 0xFFFFFFFF))
def test_sides_of_sequence_numbers_do_not_hang_on_where_they_begin(a: int, shift: int) -> None:
    """The distance decides, wherever on the circle it lies."""
    for distance, name in ((0, "0"), (1, "+1"), (0xFFFFFFFF, "-1"), (HALF, "antipode")):
        left, right = (a + shift) & 0xFFFFFFFF, (a + shift + distance) & 0xFFFFFFFF
        assert name in side(right - left, False, True)


@given(st.integers(-5, 5))
def test_sides_of_lengths(difference: int) -> None:
    found = side(difference, False, False)
    assert len(found) == (1 if abs(difference) <= 1 else 0)
