"""The simulated network and its clock."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from wireproof.reference.clock import VirtualClock
from wireproof.reference.codec import encode
from wireproof.reference.network import Faults, Network
from wireproof.reference.segment import ACK, Segment

A, B = bytes([10, 0, 0, 1]), bytes([10, 0, 0, 2])


@given(st.lists(st.integers(0, 1000), max_size=50))
def test_calls_run_in_the_order_of_time_then_of_asking(times: list[int]) -> None:
    clock = VirtualClock()
    seen: list[tuple[int, int, int]] = []
    for n, at in enumerate(times):
        clock.call_at(at, lambda n=n, at=at: seen.append((clock.now, at, n)))  # type: ignore[misc]
    clock.advance_to(1000)
    assert seen == sorted((at, at, n) for n, at in enumerate(times))
    assert clock.now == 1000


def test_a_cancelled_call_does_not_run_and_is_not_next() -> None:
    clock = VirtualClock()
    first = clock.call_at(5, lambda: (_ for _ in ()).throw(AssertionError))
    clock.call_at(9, lambda: None)
    clock.cancel(first)
    assert clock.next_time() == 9
    clock.advance_to(20)
    assert clock.next_time() is None


def test_a_call_may_ask_for_another_before_the_end() -> None:
    clock = VirtualClock()
    seen: list[int] = []
    clock.call_at(5, lambda: clock.call_at(6, lambda: seen.append(clock.now)))
    clock.advance_to(10)
    assert seen == [6]


def run(seed: int, n: int = 4000) -> tuple[list[tuple[int, bytes]], Network]:
    clock = VirtualClock()
    got: list[tuple[int, bytes]] = []
    network = Network(clock, seed, Faults(loss=0.1, duplicate=0.02, reorder=0.05, corrupt=0.01, jitter_us=100))
    network.attach(B, lambda p: got.append((clock.now, p)))
    for i in range(n):
        network.send(encode(Segment(A, B, 1, 2, seq=i, ctl=ACK, data=b"x" * 20)), A)
        clock.advance_to(clock.now + 50)
    clock.advance_to(clock.now + 1_000_000)
    return got, network


def test_the_same_seed_does_the_same() -> None:
    assert run(3)[0] == run(3)[0] != run(4)[0]


def test_the_chances_are_as_asked() -> None:
    got, network = run(1)
    c = network.counters
    assert c.sent == 4000 and len(got) == c.sent - c.lost + c.duplicated
    assert 0.08 < c.lost / c.sent < 0.12
    assert 0.012 < c.duplicated / c.sent < 0.03
    assert 0.04 < c.reordered / len(got) < 0.06
    assert 0.005 < c.corrupted / len(got) < 0.015


def test_what_is_for_nobody_is_counted_and_tapped() -> None:
    clock = VirtualClock()
    fates: list[str] = []
    network = Network(clock, tap=lambda _t, _p, fate: fates.append(fate))
    network.attach(A, lambda p: None)
    network.send(encode(Segment(A, B, 1, 2)), A)
    network.send(encode(Segment(B, A, 1, 2)), B)
    assert fates == ["nobody", "delivered"] and network.counters.nobody == 1
