"""The order of sequence numbers, the antipode included (RFC 9293 3.4)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wireproof.reference.sequence import HALF, MASK, le, lt

numbers = st.one_of(st.integers(0, MASK), st.sampled_from([0, 1, HALF - 1, HALF, HALF + 1, MASK - 1, MASK]))
steps = st.one_of(st.integers(1, HALF - 1), st.sampled_from([1, HALF - 1]))


@given(numbers, steps)
def test_a_number_precedes_what_is_less_than_half_the_space_ahead(a: int, step: int) -> None:
    b = (a + step) & MASK
    assert lt(a, b) and le(a, b)
    assert not lt(b, a) and not le(b, a)


@given(numbers)
def test_a_number_does_not_precede_itself(a: int) -> None:
    assert le(a, a) and not lt(a, a)


@given(numbers)
def test_at_the_antipode_nothing_holds(a: int) -> None:
    b = a ^ HALF
    assert not (lt(a, b) or lt(b, a) or le(a, b) or le(b, a))


@given(numbers, numbers)
def test_exactly_one_of_less_equal_greater_antipode(a: int, b: int) -> None:
    assert lt(a, b) + lt(b, a) + (a == b) + (a == b ^ HALF) == 1
    assert le(a, b) == (lt(a, b) or a == b)


@given(numbers, numbers, numbers)
def test_the_order_does_not_depend_on_where_zero_is(a: int, b: int, shift: int) -> None:
    assert lt(a, b) == lt((a + shift) & MASK, (b + shift) & MASK)
    assert le(a, b) == le((a + shift) & MASK, (b + shift) & MASK)


@given(numbers, st.integers(0, HALF - 1), st.integers(0, HALF - 1))
def test_near_numbers_are_ordered_as_integers(base: int, i: int, j: int) -> None:
    a, b = (base + i) & MASK, (base + j) & MASK
    assert lt(a, b) == (i < j)
    assert le(a, b) == (i <= j)


@pytest.mark.parametrize(("a", "b"), [(MASK, 0), (0, 1), (MASK, HALF - 2), (HALF, 0xFFFFFFFF), (0xFFFFFF00, 0xFF)])
def test_across_the_end_of_the_space(a: int, b: int) -> None:
    assert lt(a, b) and not lt(b, a)
