"""Reassembly against a dictionary from sequence number to octet, across the end of the space too."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from wireproof.reference.reassembly import Held, beyond, hold, part, ready
from wireproof.reference.sequence import MASK

SPAN = 60
bases = st.one_of(st.integers(0, MASK), st.integers(MASK - SPAN, MASK), st.just(0))
pieces = st.lists(st.tuples(st.integers(0, SPAN), st.binary(max_size=20)), max_size=12)


def held_of(base: int, arrivals: list[tuple[int, bytes]]) -> tuple[Held, dict[int, int]]:
    """What is held after these pieces arrived, and the same by the octet."""
    held: Held = ()
    model: dict[int, int] = {}
    for at, data in arrivals:
        held = hold(held, (base + at) & MASK, data)
        for i, octet in enumerate(data):
            model.setdefault(at + i, octet)
    return held, model


def octets_of(held: Held, base: int) -> dict[int, int]:
    out: dict[int, int] = {}
    for at, data in held:
        for i, octet in enumerate(data):
            place = (at + i - base) & MASK
            assert place not in out, "pieces overlap"
            out[place] = octet
    return out


def run_from(model: dict[int, int], at: int) -> bytes:
    out = bytearray()
    while at in model:
        out.append(model[at])
        at += 1
    return bytes(out)


@given(bases, pieces)
def test_what_came_first_stays(base: int, arrivals: list[tuple[int, bytes]]) -> None:
    held, model = held_of(base, arrivals)
    assert octets_of(held, base) == model


@given(bases, pieces)
def test_pieces_are_ordered_apart_and_not_empty(base: int, arrivals: list[tuple[int, bytes]]) -> None:
    held, _ = held_of(base, arrivals)
    ends = -1
    for at, data in held:
        place = (at - base) & MASK
        assert data and 0 <= at <= MASK
        assert place > ends, "out of order, or touching the one before"
        ends = place + len(data)


@given(bases, pieces, st.integers(0, SPAN + 20))
def test_what_is_ready_goes_to_the_first_hole(base: int, arrivals: list[tuple[int, bytes]], at: int) -> None:
    held, model = held_of(base, arrivals)
    assert ready(held, (base + at) & MASK) == run_from(model, at)


@given(bases, pieces, st.integers(0, SPAN + 20))
def test_what_is_beyond(base: int, arrivals: list[tuple[int, bytes]], at: int) -> None:
    held, model = held_of(base, arrivals)
    rest = beyond(held, (base + at) & MASK)
    assert octets_of(rest, base) == {k: v for k, v in model.items() if k >= at}
    assert beyond(rest, (base + at) & MASK) == rest


@given(bases, st.binary(max_size=30), st.integers(0, 40), st.integers(0, 40), st.integers(0, 40))
def test_a_part_of_a_text(base: int, data: bytes, first: int, low: int, high: int) -> None:
    wanted = bytes(octet for i, octet in enumerate(data) if low <= first + i < high)
    assert part(data, (base + first) & MASK, (base + low) & MASK, (base + high) & MASK) == wanted


@given(bases, st.binary(min_size=1, max_size=80), st.randoms(use_true_random=False), st.integers(1, 20))
def test_a_text_in_any_order_comes_together(base: int, text: bytes, random: object, size: int) -> None:
    parts = [(i, text[i : i + size]) for i in range(0, len(text), size)]
    random.shuffle(parts)  # type: ignore[attr-defined]
    held, _ = held_of(base, parts)
    assert held == ((base, text),)
    assert ready(held, base) == text
    assert beyond(held, (base + len(text)) & MASK) == ()
