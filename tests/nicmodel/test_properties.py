"""Invariants of a sound device under a sound driver, for programs that Hypothesis writes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import TypeAlias

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.nicmodel import driver as d
from tests.nicmodel.driver import Context, Driver
from tests.nicmodel.frames import Tcp, Udp, read, seed_of
from wireproof.nicmodel.memory import Access, Right

Step: TypeAlias = tuple[str, int, int, list[int], int]
"""What is done, to which queue or flow, octets or cycles, cuts, and how."""
QUEUES = 2
NO_CUTS: st.SearchStrategy[list[int]] = st.just([])
SEND = st.tuples(
    st.just("send"),
    st.integers(0, QUEUES - 1),
    st.integers(0, 2500),
    st.lists(st.integers(1, 2600), max_size=4),
    st.integers(0, 3),
)
ARRIVE = st.tuples(st.just("arrive"), st.integers(0, 5), st.integers(0, 1400), NO_CUTS, st.just(0))
STEP = st.tuples(st.just("step"), st.just(0), st.integers(1, 900), NO_CUTS, st.just(0))
PROGRAMS = st.lists(st.one_of(SEND, ARRIVE, STEP), max_size=25)


class Program:
    """Runs the steps, and keeps what was handed over, what came, and every access."""

    def __init__(self, steps: Iterable[Step], defects: tuple[str, ...] = ()) -> None:
        self.driver = Driver(defects, queues=QUEUES, ring=64, buffer=700)
        self.driver.device.write(d.HASHTYPES, 0x3F)
        self.driver.device.write(d.RSSKEY, 0x5BD1E995)
        self.driver.device.write(d.RETA, 0x01000100)
        self.driver.device.write(d.RSSCTL, 2)
        self.payloads: list[list[bytes]] = [[], []]
        self.wire: list[bytes] = []
        self.received: list[bytes] = []
        self.arrived: list[bytes] = []
        self.posted: Counter[tuple[int, int]] = Counter()
        self.taken: Counter[tuple[int, int]] = Counter()
        for kind, which, size, cuts, how in steps:
            getattr(self, kind)(which, size, cuts, how)
        for _ in range(40):
            self.step(0, 3000, [], 0)

    def send(self, queue: int, size: int, cuts: list[int], how: int) -> None:
        if (self.driver.tx_tail[queue] - self.driver.tx_clean[queue]) % 64 > 50:
            return
        number = len(self.payloads[queue])
        payload = bytes([queue, number % 256]) + (b"\xa5\x3c" * size)[:size]
        segmenting = how > 1 or size > 1300
        packet = Tcp(payload, ports=(queue, 9), sequence=number << 16)
        frame = replace(packet, seed=seed_of(packet, not segmenting)).frame()
        before = self.driver.tx_tail[queue]
        command = d.TSE if segmenting else d.TXSM
        self.driver.send(frame, command, Context(mss=500 if how == 2 else 1000), cuts, queue)
        for index in range((self.driver.tx_tail[queue] - before) % 64):
            self.posted[queue, (before + index) % 64] += 1
        self.payloads[queue].append(payload)

    def arrive(self, flow: int, size: int, _cuts: list[int], _how: int) -> None:
        frame = Udp(len(self.arrived).to_bytes(2, "big") + bytes(size), ports=(4000 + flow, 9)).frame()
        self.driver.device.receive(frame)
        self.arrived.append(frame)

    def step(self, _queue: int, cycles: int, _cuts: list[int], _how: int) -> None:
        self.driver.device.step(cycles)
        self.wire += self.driver.wire()
        self.received += [r.frame for r in self.driver.poll()]
        for queue in range(QUEUES):
            for index in self.driver.clean(queue):
                self.taken[queue, index] += 1

    def accesses(self, right: Right, window: str) -> list[Access]:
        return [a for a in self.driver.memory.accesses if a.right is right and (a.window or "").startswith(window)]


def dma_is_confined_to_what_was_posted(program: Program) -> None:
    assert program.driver.faults() == []
    assert program.accesses(Right.WRITE, "tx buffer") == []
    assert program.accesses(Right.READ, "rx buffer") == []
    assert all(a.length <= 700 for a in program.accesses(Right.WRITE, "rx buffer"))


def each_descriptor_completes_once(program: Program) -> None:
    written = Counter(
        (queue, (access.address - program.driver.tx_ring(queue)) // 16)
        for queue in range(QUEUES)
        for access in program.accesses(Right.WRITE, f"tx ring {queue}")
    )
    assert written == program.posted == program.taken
    assert program.driver.tx_windows == {}
    reads = [access.address for access in program.accesses(Right.READ, "tx buffer")]
    assert len(reads) == sum(program.posted.values()) - sum(map(len, program.payloads))  # one context a packet


def status_follows_data(program: Program) -> None:
    """In each queue, writes to buffers and to the ring come as data, report, data, report."""
    for queue in range(QUEUES):
        data = reports = 0
        for access in program.driver.memory.accesses:
            if access.right is Right.WRITE and access.window and access.window.startswith(f"rx buffer {queue}."):
                data += 1
            elif access.right is Right.WRITE and access.window == f"rx ring {queue}":
                reports += 1
                assert reports <= data
        assert data == reports


def each_queue_sends_in_order_and_segments_make_up_the_payload(program: Program) -> None:
    for queue in range(QUEUES):
        seen = [s for s in map(read, program.wire) if s.l4[:2] == queue.to_bytes(2, "big")]
        assert all(s.ip_good and s.l4_good and s.length_good for s in seen)
        whole = b"".join(s.payload for s in seen)
        assert whole == b"".join(program.payloads[queue])
        at: dict[int, int] = {}
        for segment in seen:
            number = segment.sequence >> 16
            assert segment.sequence & 0xFFFF == at.get(number, 0)
            at[number] = at.get(number, 0) + len(segment.payload)


def what_arrives_is_delivered_once_and_each_flow_in_order(program: Program) -> None:
    missed = program.driver.device.read(0x618)
    assert len(program.received) + missed == len(program.arrived)
    assert set(program.received) <= set(program.arrived)
    for flow in range(6):
        port = (4000 + flow).to_bytes(2, "big")
        numbers = [frame[42:44] for frame in program.received if frame[34:36] == port]
        assert numbers == sorted(set(numbers))


INVARIANTS = [
    dma_is_confined_to_what_was_posted,
    each_descriptor_completes_once,
    status_follows_data,
    each_queue_sends_in_order_and_segments_make_up_the_payload,
    what_arrives_is_delivered_once_and_each_flow_in_order,
]


@settings(max_examples=100)
@given(PROGRAMS)
def test_a_sound_device_keeps_its_invariants(steps: list[Step]) -> None:
    program = Program(steps)
    for invariant in INVARIANTS:
        invariant(program)


BUSY: list[Step] = [("send", n % 2, 301 * n, [40, 700], n % 4) for n in range(9)]
BUSY += [("arrive", n % 6, 150 * n, [], 0) for n in range(9)] + [("step", 0, 500, [], 0)] * 3
BUSY += BUSY + [("step", 0, 20, [], 0)] * 50 + BUSY * 2


def broken(program: Program) -> set[str]:
    """The invariants that do not hold."""
    found = set()
    for invariant in INVARIANTS:
        try:
            invariant(program)
        except AssertionError:
            found.add(invariant.__name__)
    return found


@pytest.mark.parametrize(
    ("defect", "invariant"),
    [
        ("dma-read-one-over", dma_is_confined_to_what_was_posted),
        ("dma-write-one-over", dma_is_confined_to_what_was_posted),
        ("tx-completed-twice", each_descriptor_completes_once),
        ("tx-completed-early", each_descriptor_completes_once),
        ("rx-completed-early", status_follows_data),
        ("rx-completed-twice", status_follows_data),
        ("tso-sequence-last", each_queue_sends_in_order_and_segments_make_up_the_payload),
        ("checksum-odd-length", each_queue_sends_in_order_and_segments_make_up_the_payload),
        ("ring-last-skipped", each_descriptor_completes_once),
        ("rx-length-with-fcs", what_arrives_is_delivered_once_and_each_flow_in_order),
    ],
)
def test_an_invariant_notices(defect: str, invariant: Callable[[Program], None]) -> None:
    assert invariant.__name__ in broken(Program(BUSY, (defect,)))


def test_no_invariant_is_broken_without_a_defect() -> None:
    assert broken(Program(BUSY)) == set()


@settings(max_examples=20)
@given(PROGRAMS)
def test_the_same_calls_give_the_same_cycles(steps: list[Step]) -> None:
    one, other = Program(steps), Program(steps)
    assert list(one.driver.memory.accesses) == list(other.driver.memory.accesses)
    assert one.driver.device.interrupts() == other.driver.device.interrupts()
    assert one.driver.memory.read(0, d.MEMORY) == other.driver.memory.read(0, d.MEMORY)


@settings(max_examples=20)
@given(st.lists(st.integers(0, 50), max_size=30))
def test_how_time_is_cut_into_steps_does_not_matter(sizes: list[int]) -> None:
    """A device that steps once sees the same frames leave in the same cycles as one that steps in pieces."""

    def sent(pieces: list[int]) -> list[tuple[int, bytes]]:
        driver = Driver(queues=1, ring=8)
        driver.send(Tcp(b"a" * 900, seed=1).frame(), d.TSE, Context(mss=100))
        for piece in pieces:
            driver.device.step(piece)
        driver.device.step(2000 - sum(pieces))
        return [(s.cycle, s.frame) for s in driver.device.transmitted()]

    assert sent(sizes) == sent([])
