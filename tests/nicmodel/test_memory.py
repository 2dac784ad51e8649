"""Windows: what lies in one is reached, everything else is a fault on record and nothing else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wireproof.nicmodel.memory import Access, Memory, Right


def test_an_access_in_a_window_is_done_and_recorded() -> None:
    memory = Memory(64)
    memory.open(16, 8, Right.BOTH, "b")
    assert memory.device_write(16, b"12345678", 3)
    assert memory.device_read(18, 2, 4) == b"34"
    assert list(memory.accesses) == [Access(3, Right.WRITE, 16, 8, "b"), Access(4, Right.READ, 18, 2, "b")]
    assert memory.fault_count == 0


@pytest.mark.parametrize(("address", "length"), [(15, 1), (15, 2), (24, 1), (23, 2), (16, 9), (-1, 2), (1 << 64, 4)])
def test_one_octet_outside_is_a_fault(address: int, length: int) -> None:
    memory = Memory(64)
    memory.open(16, 8)
    before = memory.read(0, 64)
    assert memory.device_read(address, length) is None
    assert not memory.device_write(address, b"x" * length)
    assert memory.read(0, 64) == before
    assert [(a.fault, a.right) for a in memory.faults] == [(True, Right.READ), (True, Right.WRITE)]


def test_rights() -> None:
    memory = Memory(64)
    memory.open(0, 8, Right.READ)
    memory.open(8, 8, Right.WRITE)
    assert memory.device_read(0, 8) == bytes(8)
    assert not memory.device_write(0, b"x")
    assert memory.device_write(8, b"x")
    assert memory.device_read(8, 1) is None


def test_an_access_over_two_windows_is_a_fault() -> None:
    memory = Memory(64)
    memory.open(0, 8)
    memory.open(8, 8)
    assert memory.device_read(4, 8) is None


def test_a_closed_window_is_gone() -> None:
    memory = Memory(64)
    memory.open(0, 8)
    memory.close(0)
    assert memory.device_read(0, 1) is None
    with pytest.raises(ValueError, match="no window starts at 0x0"):
        memory.close(0)


@pytest.mark.parametrize(("address", "length"), [(8, 8), (0, 9), (15, 1), (0, 64), (9, 2)])
def test_windows_do_not_overlap(address: int, length: int) -> None:
    memory = Memory(64)
    memory.open(8, 8)
    with pytest.raises(ValueError, match="lies over another"):
        memory.open(address, length)


def test_the_host_cannot_leave_memory() -> None:
    memory = Memory(64)
    for address, length in ((60, 5), (-1, 2), (64, 1)):
        with pytest.raises(ValueError, match="outside the 64 octets"):
            memory.read(address, length)
        with pytest.raises(ValueError, match="outside the 64 octets"):
            memory.open(address, length)
    with pytest.raises(ValueError, match="needs octets"):
        memory.open(0, 0)


def test_history_is_bounded_on_request() -> None:
    memory = Memory(64, history=3)
    for cycle in range(9):
        memory.device_read(0, 1, cycle)
    assert [a.cycle for a in memory.accesses] == [6, 7, 8]
    assert memory.fault_count == 9


@given(
    st.lists(st.tuples(st.integers(0, 70), st.integers(1, 9)), max_size=8),
    st.integers(-3, 70),
    st.integers(1, 12),
)
def test_reached_exactly_when_one_window_holds_it(wanted: list[tuple[int, int]], address: int, length: int) -> None:
    memory = Memory(64)
    taken: list[tuple[int, int]] = []
    for start, size in wanted:
        span = set(range(start, start + size))
        if start + size <= 64 and not any(span & set(range(s, s + n)) for s, n in taken):
            memory.open(start, size)
            taken.append((start, size))
    inside = any(set(range(address, address + length)) <= set(range(s, s + n)) for s, n in taken)
    assert (memory.device_read(address, length) is not None) == inside
