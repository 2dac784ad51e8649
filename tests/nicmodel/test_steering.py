"""Toeplitz against the vectors that Microsoft publishes for RSS, and where frames go."""

from __future__ import annotations

import ipaddress
from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.nicmodel import driver as d
from tests.nicmodel.driver import Driver, Received
from tests.nicmodel.frames import Tcp, Udp, ipv6
from tests.nicmodel.scenarios import EXTENSION, MICROSOFT_KEY, set_key, spread
from wireproof.nicmodel.toeplitz import toeplitz

# source, its port, destination, its port, hash of the addresses, hash with ports
VECTORS = [
    ("66.9.149.187", 2794, "161.142.100.80", 1766, 0x323E8FC2, 0x51CCC178),
    ("199.92.111.2", 14230, "65.69.140.83", 4739, 0xD718262A, 0xC626B0EA),
    ("24.19.198.95", 12898, "12.22.207.184", 38024, 0xD2D0A5DE, 0x5C2B394A),
    ("38.27.205.30", 48228, "209.142.163.6", 2217, 0x82989176, 0xAFC7327F),
    ("153.39.163.191", 44251, "202.188.127.2", 1303, 0x5D1809C5, 0x10E828A2),
    ("3ffe:2501:200:1fff::7", 2794, "3ffe:2501:200:3::1", 1766, 0x2CC18CD5, 0x40207D3D),
    ("3ffe:501:8::260:97ff:fe40:efab", 14230, "ff02::1", 4739, 0x0F0C461C, 0xDDE51BBF),
    ("3ffe:1900:4545:3:200:f8ff:fe21:67cf", 44251, "fe80::200:f8ff:fe21:67cf", 38024, 0x4B61E985, 0x02D1FEEF),
]
NONE, IPV4, TCP4, UDP4, IPV6, TCP6, UDP6 = range(7)


def by_definition(key: bytes, data: bytes) -> int:
    """Bit by bit: a set bit of the input adds the 32 key bits that start at its place."""
    bits = "".join(f"{octet:08b}" for octet in key)
    result = 0
    for place, bit in enumerate("".join(f"{octet:08b}" for octet in data)):
        if bit == "1":
            result ^= int(bits[place : place + 32], 2)
    return result


@pytest.mark.parametrize(("source", "sport", "destination", "dport", "pair", "four"), VECTORS)
def test_published_vectors(source: str, sport: int, destination: str, dport: int, pair: int, four: int) -> None:
    addresses = ipaddress.ip_address(source).packed + ipaddress.ip_address(destination).packed
    assert toeplitz(MICROSOFT_KEY, addresses) == pair
    assert toeplitz(MICROSOFT_KEY, addresses + sport.to_bytes(2, "big") + dport.to_bytes(2, "big")) == four


@pytest.mark.parametrize(("source", "sport", "destination", "dport", "pair", "four"), VECTORS)
def test_published_vectors_through_the_device(
    source: str, sport: int, destination: str, dport: int, pair: int, four: int
) -> None:
    ends = {"source": ipaddress.ip_address(source).packed, "destination": ipaddress.ip_address(destination).packed}
    packet = replace(Tcp(b"a", ports=(sport, dport)), **ends)  # type: ignore[arg-type]
    (received,) = spread((), packet)
    assert (received.hash, received.hash_type) == (four, TCP6 if packet.v6 else TCP4)
    (received,) = spread((), packet, types=0b001001)
    assert (received.hash, received.hash_type) == (pair, IPV6 if packet.v6 else IPV4)


@given(st.binary(min_size=40, max_size=40), st.binary(max_size=36))
def test_the_hash_is_the_definition(key: bytes, data: bytes) -> None:
    assert toeplitz(key, data) == by_definition(key, data)


@given(st.binary(min_size=40, max_size=40), st.binary(min_size=12, max_size=12), st.binary(min_size=12, max_size=12))
def test_the_hash_is_linear(key: bytes, one: bytes, other: bytes) -> None:
    both = bytes(a ^ b for a, b in zip(one, other, strict=True))
    assert toeplitz(key, both) == toeplitz(key, one) ^ toeplitz(key, other)


FRAGMENT = bytes([17, 0, 0, 1, 0, 0, 0, 1])


@pytest.mark.parametrize(
    ("name", "packet", "types", "expected"),
    [
        ("TCP", Tcp(b"a"), 0x3F, TCP4),
        ("TCP, only addresses asked for", Tcp(b"a"), 0b001001, IPV4),
        ("TCP, only UDP asked for", Tcp(b"a"), 0b100100, NONE),
        ("UDP", Udp(b"a"), 0x3F, UDP4),
        ("UDP, not asked for", Udp(b"a"), 0b011011, IPV4),
        ("IPv6", ipv6(Tcp(b"a")), 0x3F, TCP6),
        ("UDP over IPv6", ipv6(Udp(b"a")), 0x3F, UDP6),
        ("behind an extension header", ipv6(Tcp(b"a", extensions=EXTENSION)), 0x3F, TCP6),
        ("first fragment", Udp(b"a" * 8, fragment=0x2000, df=False), 0x3F, IPV4),
        ("later fragment", Udp(b"a" * 8, fragment=5, df=False), 0x3F, IPV4),
        ("fragment, only ports asked for", Udp(b"a" * 8, fragment=5, df=False), 0b110110, NONE),
        ("IPv6 fragment", ipv6(Udp(b"a" * 8, extensions=FRAGMENT, extension=44)), 0x3F, IPV6),
        ("IP options", Tcp(b"a", ip_options=b"\1\1\1\0"), 0x3F, TCP4),
        ("tagged", Tcp(b"a", tags=((0x8100, 7),)), 0x3F, TCP4),
        ("doubly tagged", Tcp(b"a", tags=((0x88A8, 9), (0x8100, 7))), 0x3F, TCP4),
    ],
)
def test_hash_types(name: str, packet: Tcp, types: int, expected: int) -> None:
    (received,) = spread((), packet, types=types)
    assert received.hash_type == expected, name
    ports = b"".join(port.to_bytes(2, "big") for port in packet.ports)
    data = packet.source + packet.destination + (ports if expected in (TCP4, UDP4, TCP6, UDP6) else b"")
    assert received.hash == (by_definition(MICROSOFT_KEY, data) if expected else 0)


def test_the_queue_is_the_tables() -> None:
    for received in spread((), *(Tcp(b"a", ports=(port, 80)) for port in range(3000, 3060))):
        entry = received.hash & 127
        assert received.queue == (entry % 4 if entry < 64 else 3 - entry % 4)


def test_a_smaller_table() -> None:
    driver = Driver(offload=d.RSS)
    set_key(driver)
    driver.device.write(d.HASHTYPES, 0x3F)
    driver.device.write(d.RSSCTL, 1)
    driver.device.write(d.RETA, 0xFFFF0201)
    found = driver.arrive(*(Tcp(b"a", source=bytes([n, 7, 9, n]), ports=(n, 80)).frame() for n in range(20)))
    assert {(r.hash & 1, r.queue) for r in found} == {(0, 1), (1, 2)}


@given(st.tuples(st.integers(0, 65535), st.integers(0, 65535)), st.booleans())
def test_symmetric_hash_is_that_of_both_directions(ports: tuple[int, int], six: bool) -> None:
    packet = Tcp(b"a", ports=ports)
    packet = ipv6(packet) if six else packet
    back = replace(packet, source=packet.destination, destination=packet.source, ports=(ports[1], ports[0]))
    driver = Driver(offload=d.RSS)
    for n in range(10):
        driver.device.write(d.RSSKEY + 4 * n, 0x6D5A * (n + 77))
    driver.device.write(d.HASHTYPES, 0x3F)
    driver.device.write(d.RSSCTL, 0x107)
    there, again = driver.arrive(packet.frame(), back.frame())
    assert there.hash == again.hash


def test_what_has_no_hash_goes_to_the_default_queue() -> None:
    driver = Driver(offload=d.RSS)
    driver.device.write(d.DEFAULTQ, 2)
    (received,) = driver.arrive(Tcp().frame()[:12] + b"\x08\x06" + bytes(40))
    assert (received.queue, received.hash_type) == (2, NONE)


def test_a_queue_that_does_not_exist_gets_nothing() -> None:
    driver = Driver(offload=0)
    driver.device.write(d.DEFAULTQ, 9)
    assert driver.arrive(Tcp().frame()) == []
    assert driver.device.read(0x618) == 1


V4 = 1 << 24
SIX = 1 << 25


@pytest.mark.parametrize(
    ("name", "rule", "matches"),
    [
        ("anything", (0x8000_0003, 0, 0, 0, 0), True),
        ("not valid", (0x0000_0003, 0, 0, 0, 0), False),
        ("protocol", (0x8001_0003, 0, 0, 0, 6), True),
        ("another protocol", (0x8001_0003, 0, 0, 0, 17), False),
        ("source", (0x8002_0003, 0x0A000002, 0, 0, 0), True),
        ("another source", (0x8002_0003, 0x0A000003, 0, 0, 0), False),
        ("destination", (0x8004_0003, 0, 0x0A000001, 0, 0), True),
        ("ports", (0x8018_0003, 0, 0, 5000 | 80 << 16, 0), True),
        ("ports the other way", (0x8018_0003, 0, 0, 80 | 5000 << 16, 0), False),
        ("VLAN of an untagged frame", (0x8020_0003, 0, 0, 0, 0), False),
        ("IPv4", (0x8000_0003 | V4, 0, 0, 0, 0), True),
        ("IPv6", (0x8000_0003 | SIX, 0, 0, 0, 0), False),
        ("either", (0x8000_0003 | V4 | SIX, 0, 0, 0, 0), True),
        ("all of it", (0x801F_0003 | V4, 0x0A000002, 0x0A000001, 5000 | 80 << 16, 6), True),
        ("all but one", (0x801F_0003 | V4, 0x0A000002, 0x0A000001, 5001 | 80 << 16, 6), False),
    ],
)
def test_flow_rules(name: str, rule: tuple[int, ...], matches: bool) -> None:
    driver = Driver(offload=d.RULES)
    for word, value in enumerate(rule):
        driver.device.write(d.FLOW + 0x20 * 5 + 4 * word, value)
    (received,) = driver.arrive(Tcp(b"a").frame())
    assert (received.queue, received.flow) == ((3, 0x85) if matches else (0, 0)), name


def test_a_rule_on_the_vlan_reads_the_outermost_tag() -> None:
    driver = Driver(offload=d.RULES)
    for word, value in enumerate((0x8020_0001, 0, 0, 0, 9 << 16)):
        driver.device.write(d.FLOW + 4 * word, value)
    outer, inner = (0x88A8, 0xE009), (0x8100, 9)
    queues = [
        driver.arrive(Tcp(b"a", tags=tags).frame())[0].queue for tags in ((outer,), (inner,), ((0x88A8, 7), inner))
    ]
    assert queues == [1, 1, 0]


def test_the_first_rule_wins_over_the_hash_and_a_drop_is_counted() -> None:
    driver = Driver(offload=d.RULES | d.RSS)
    driver.device.write(d.HASHTYPES, 0x3F)
    driver.device.write(d.FLOW + 0x20, 0x8001_0002)
    driver.device.write(d.FLOW + 0x30, 6)
    driver.device.write(d.FLOW + 0x40, 0xC000_0000)
    first, second = Tcp(b"a"), Udp(b"a")
    (received,) = driver.arrive(first.frame(), second.frame())
    assert (received.queue, received.flow, received.hash_type) == (2, 0x81, TCP4)
    assert driver.device.read(0x62C) == 1


@given(st.lists(st.integers(0, 9), min_size=1, max_size=30))
def test_a_flow_stays_in_order_in_one_queue(flows: list[int]) -> None:
    sequence: Counter[int] = Counter()
    packets = []
    for flow in flows:
        sequence[flow] += 1
        packets.append(Udp(bytes([flow, sequence[flow]]), ports=(3000 + flow, 80)))
    by_flow: dict[int, list[Received]] = {}
    for received in spread((), *packets):
        by_flow.setdefault(received.frame[42], []).append(received)
    for flow, received_of in by_flow.items():
        assert [r.frame[43] for r in received_of] == list(range(1, sequence[flow] + 1))
        assert len({r.queue for r in received_of}) == 1
    assert sum(map(len, by_flow.values())) == len(flows)
