"""Which trains merge, when they are delivered, and that segmenting again gives what came."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.nicmodel import driver as d
from tests.nicmodel.driver import Driver, Received
from tests.nicmodel.frames import ACK, CWR, ECE, FIN, PSH, RST, SYN, URG, Tcp, Udp, ipv6, read, timestamp
from tests.nicmodel.scenarios import EXTENSION

GRO = 0x100
FIXED_ID = 0x40


def train(count: int, size: int = 100, six: bool = False) -> list[Tcp]:
    packets = [
        Tcp(bytes([65 + n % 26]) * size, sequence=1000 + n * size, identification=100 + n, options=timestamp(50))
        for n in range(count)
    ]
    return [ipv6(p) if six else p for p in packets]


def driver_for(control: int = 32, time: int = 5000) -> Driver:
    driver = Driver(queues=1, ring=32, buffer=16384)
    driver.device.write(d.RSCCTL, control)
    driver.device.write(d.RSCTIME, time)
    return driver


def sizes(packets: list[Tcp], control: int = 32) -> list[int]:
    """Frames in each delivery, in order; checks on the way that every merged frame is right."""
    received = driver_for(control).arrive(*(p.frame() for p in packets))
    for r in received:
        if r.count > 1:
            seen = read(r.frame)
            assert seen.ip_good and seen.l4_good and seen.length_good
        assert bool(r.status & 0x80) == (r.count > 1)
    return [r.count for r in received]


def altered(index: int = 2, **changes: object) -> list[Tcp]:
    packets = train(5)
    packets[index] = replace(packets[index], **changes)  # type: ignore[arg-type]
    return packets


@pytest.mark.parametrize(
    ("name", "packets", "expected"),
    [
        ("all alike", train(5), [5]),
        ("over IPv6", train(5, six=True), [5]),
        ("PSH ends it", altered(flags=ACK | PSH), [3, 2]),
        ("FIN ends it", altered(flags=ACK | FIN), [3, 2]),
        ("SYN stays alone", altered(flags=ACK | SYN), [2, 1, 2]),
        ("RST stays alone", altered(flags=ACK | RST), [2, 1, 2]),
        ("URG stays alone", altered(flags=ACK | URG), [2, 1, 2]),
        ("CWR stays alone", altered(flags=ACK | CWR), [2, 1, 2]),
        ("no ACK", altered(flags=0), [2, 1, 2]),
        ("ECE changes", altered(flags=ACK | ECE), [2, 1, 2]),
        ("smaller ends it", altered(payload=b"c" * 99), [3, 2]),
        ("larger starts anew", altered(payload=b"c" * 101), [2, 1, 2]),
        ("other acknowledgement", altered(acknowledgement=1), [2, 1, 2]),
        ("other window", altered(window=1), [2, 1, 2]),
        ("other TOS", altered(tos=1), [2, 1, 2]),
        ("other TTL", altered(ttl=63), [2, 1, 2]),
        ("other DF", altered(df=False), [2, 1, 2]),
        ("identification jumps", altered(identification=999), [2, 1, 2]),
        ("checksum bad", altered(seed=1), [2, 1, 2]),
        ("IP options", altered(ip_options=b"\1\1\1\0"), [2, 1, 2]),
        ("other options", altered(options=b"\1" * 12), [2, 1, 2]),
        ("gap", [p for n, p in enumerate(train(5)) if n != 2], [2, 2]),
        ("repeated", [train(5)[n] for n in (0, 1, 1, 2, 3)], [2, 3]),
        ("swapped", [train(5)[n] for n in (0, 2, 1, 3)], [1, 1, 1, 1]),
        ("another flow between", [*train(2), Tcp(b"z", ports=(9, 9)), train(3)[2]], [3, 1]),
        ("another VLAN between", altered(tags=((0x8100, 3),)), [2, 1, 2]),
        ("another station between", altered(to=b"\xff" * 6), [2, 1, 2]),
        ("empty payload", [*train(2), Tcp(sequence=1200, options=timestamp(50)), *train(4)[2:]], [2, 1, 2]),
        ("UDP is not TCP", [Udp(b"abc"), Udp(b"abc")], [1, 1]),
        ("extension header", [ipv6(Tcp(b"a" * 9, extensions=EXTENSION, sequence=n * 9)) for n in range(2)], [1, 1]),
    ],
)
def test_what_merges(name: str, packets: list[Tcp], expected: list[int]) -> None:
    found = sizes(packets)
    if (
        name == "another VLAN between"
    ):  # a VLAN is a flow of its own: order between the two is free, and 2 ends at a gap
        assert sorted(found) == sorted(expected), name
    else:
        assert found == expected, name


def test_vlans_are_flows_of_their_own_when_their_tags_are_stripped() -> None:
    packets = train(4)
    packets[2] = replace(packets[2], tags=((0x8100, 3),))
    driver = driver_for()
    driver.device.write(d.VLANCTL, 1)
    found = [(r.count, r.inner) for r in driver.arrive(*(p.frame() for p in packets))]
    assert sorted(found) == [(1, 0), (1, 3), (2, 0)]


def at_time(count: int, step: int) -> list[Tcp]:
    return [replace(p, options=timestamp(2**32 - 2 + step * n)) for n, p in enumerate(train(count))]


def test_timestamps_that_grow_merge_by_rsc_and_the_latest_stays() -> None:
    (received,) = driver_for().arrive(*(p.frame() for p in at_time(4, 1)))
    assert (received.count, read(received.frame).options) == (4, timestamp(1))


def test_timestamps_that_differ_do_not_merge_by_gro() -> None:
    assert sizes(at_time(3, 1), GRO | 32) == [1, 1, 1]
    assert sizes(at_time(3, 0), GRO | 32) == [3]


def test_timestamps_that_go_back_do_not_merge() -> None:
    assert sizes(at_time(3, -1)) == [1, 1, 1]


@pytest.mark.parametrize(("most", "expected"), [(0, [1] * 5), (1, [1] * 5), (2, [2, 2, 1]), (4, [4, 1]), (255, [5])])
def test_the_longest_train(most: int, expected: list[int]) -> None:
    assert sizes(train(5), most) == expected


def test_off_means_off() -> None:
    driver = Driver(queues=1, offload=d.RXCSUM)
    assert [r.count for r in driver.arrive(*(p.frame() for p in train(5)))] == [1] * 5


def test_a_datagram_stays_below_64_kib() -> None:
    for six in (False, True):
        driver = driver_for(255, 100_000)
        received = driver.arrive(*(p.frame() for p in train(60, 1400, six)), cycles=400_000)
        assert sum(r.count for r in received) == 60
        assert len(received) == 2
        assert all(read(r.frame).length_good and len(r.frame) - 14 <= 65535 + 40 * six for r in received)


@pytest.mark.parametrize("kind", [lambda p: p, ipv6])
def test_constant_identification(kind: Callable[[Tcp], Tcp]) -> None:
    assert sizes([replace(kind(p), identification=7) for p in train(3)]) == [3]
    expected = [3] if kind is ipv6 else [1, 1, 1]
    assert sizes([replace(kind(p), identification=7, df=False) for p in train(3)]) == expected


def test_a_train_is_held_for_its_time_and_not_longer() -> None:
    driver = driver_for(time=500)
    for packet in train(2):
        driver.device.receive(packet.frame())
    driver.device.step(500)
    assert driver.poll() == []
    driver.device.step(20)
    assert [r.count for r in driver.poll()] == [2]


def test_switching_off_delivers_what_is_held() -> None:
    driver = driver_for(time=100_000)
    assert driver.arrive(*(p.frame() for p in train(3))) == []
    driver.device.write(d.OFFLOAD, 0)
    driver.step(100)
    assert [r.count for r in driver.poll()] == [3]


def test_a_ninth_flow_makes_the_oldest_go() -> None:
    driver = driver_for(time=100_000)
    assert driver.arrive(*(Tcp(b"a", ports=(n, 1)).frame() for n in range(8)), cycles=1000) == []
    (received,) = driver.arrive(Tcp(b"a", ports=(8, 1)).frame(), cycles=1000)
    assert read(received.frame).l4[:2] == b"\0\0"


def test_a_fragment_follows_what_is_held_of_its_addresses() -> None:
    fragment = Tcp(b"z" * 64, fragment=0x2000, df=False, identification=1)
    received = driver_for().arrive(*(p.frame() for p in [*train(2), fragment]))
    assert [r.count for r in received] == [2, 1]


CHANGES = st.sampled_from(
    [
        {},
        {},
        {},
        {"flags": ACK | PSH},
        {"flags": ACK | FIN},
        {"flags": ACK | CWR},
        {"window": 9},
        {"acknowledgement": 9},
        {"seed": 1},
        {"tos": 2},
        {"ttl": 9},
        {"payload": b"short"},
        {"payload": b"l" * 130},
        {"options": timestamp(51)},
        {"identification": 9},
    ]
)


def replayed(packets: list[Tcp], received: list[Received]) -> list[bytes]:
    """What came, made from what was delivered: each merged frame cut at the first frame's size."""
    frames, at = [], 0
    for r in received:
        if r.count == 1:
            frames.append(r.frame)
        else:
            first = packets[at]
            seen, size = read(r.frame), len(first.payload)
            for n in range(r.count):
                last = n == r.count - 1
                frames.append(
                    replace(
                        first,
                        payload=seen.payload[n * size : (n + 1) * size],
                        sequence=(first.sequence + n * size) % 2**32,
                        identification=(first.identification + (0 if r.flow & FIXED_ID else n)) % 2**16,
                        flags=seen.flags if last else seen.flags & ~(PSH | FIN),
                    ).frame()
                )
        at += r.count
    return frames


@settings(max_examples=150)
@given(st.lists(CHANGES, min_size=1, max_size=12), st.booleans(), st.booleans(), st.sets(st.integers(0, 11)))
def test_gso_of_gro_is_what_came(changes: list[dict[str, object]], six: bool, fixed: bool, missing: set[int]) -> None:
    packets, sequence = [], 2**32 - 300
    for n, change in enumerate(changes):
        base = Tcp(bytes([65 + n]) * 100, sequence=sequence, identification=0 if fixed else (65530 + n) % 2**16)
        packet = replace(base, options=timestamp(50))
        packet = replace(ipv6(packet) if six else packet, **change)  # type: ignore[arg-type]
        sequence = (sequence + len(packet.payload)) % 2**32
        if n not in missing:
            packets.append(packet)
    received = driver_for(GRO | 32).arrive(*(p.frame() for p in packets))
    assert sum(r.count for r in received) == len(packets)
    assert replayed(packets, received) == [p.frame() for p in packets]


@settings(max_examples=60)
@given(st.lists(st.tuples(st.integers(0, 3), CHANGES), max_size=30))
def test_by_rsc_every_octet_is_delivered_once_and_in_order(arrivals: list[tuple[int, dict[str, object]]]) -> None:
    sequence = [0] * 4
    packets: list[Tcp] = []
    for flow, change in arrivals:
        base = Tcp(bytes([len(packets)]) * 50, ports=(flow, 80), sequence=sequence[flow], options=timestamp(5))
        packet = replace(base, **change)  # type: ignore[arg-type]
        sequence[flow] += len(packet.payload)
        packets.append(packet)
    seen = [read(r.frame) for r in driver_for().arrive(*(p.frame() for p in packets))]
    for flow in range(4):
        delivered = b"".join(s.payload for s in seen if s.l4[:2] == flow.to_bytes(2, "big"))
        assert delivered == b"".join(p.payload for p in packets if p.ports[0] == flow)
