"""The checksum unit against RFC 1071 done word by word, and what the device says of frames that arrive."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.nicmodel import driver as d
from tests.nicmodel.driver import Context, Driver
from tests.nicmodel.frames import Tcp, Udp, ipv6, pseudo, read, rfc1071, same_sum, seed_of
from tests.nicmodel.scenarios import EXTENSION, tuned
from wireproof.nicmodel.checksum import ones_sum

IP, L4, RAW = 0x10, 0x20, 0x40
BAD_IP, BAD_L4 = 1, 2


@given(st.binary(max_size=200), st.integers(0, 0xFFFF))
def test_the_sum_is_the_definition(data: bytes, start: int) -> None:
    assert same_sum(ones_sum(data, start), 65535 - rfc1071(start.to_bytes(2, "big") + data))


@given(st.binary(min_size=1, max_size=200))
def test_only_all_zeros_sum_to_zero(data: bytes) -> None:
    """So 0 and 0xFFFF are told apart as adders do it: 0xFFFF for every other multiple of 65535."""
    assert (ones_sum(data) == 0) == (not any(data))


def test_the_example_of_rfc_1071() -> None:
    """Section 3: 0001 f203 f4f5 f6f7 sum to ddf2."""
    assert ones_sum(bytes.fromhex("0001f203f4f5f6f7")) == 0xDDF2


def test_carries_of_64_kib() -> None:
    assert ones_sum(b"\xff" * 65535) == 65535 - rfc1071(b"\xff" * 65535)


def left_to_device(packet: Tcp, trailer: bytes = b"", mtu: int = 9000) -> bytes:
    driver = Driver()
    driver.device.write(d.MAXFRAME, mtu)
    l3 = 40 + len(packet.extensions) if packet.v6 else 20 + len(packet.ip_options)
    frame = bytearray(replace(packet, seed=seed_of(packet, True)).frame() + trailer)
    if not packet.v6:
        frame[24:26] = b"\xde\xad"
    kind = 2 if isinstance(packet, Udp) else 1
    context = Context(14 + 4 * len(packet.tags), l3, l4_type=kind, ipv6=packet.v6)
    driver.send(bytes(frame), d.TXSM | (0 if packet.v6 else d.IXSM), context)
    driver.step()
    (sent,) = driver.wire()
    return sent


PACKETS = st.builds(
    lambda udp, v6, payload, options, extension, ports: (ipv6 if v6 else lambda p: p)(
        (Udp if udp else Tcp)(
            payload,
            ports=ports,
            ip_options=b"" if v6 else options,
            extensions=bytes([17 if udp else 6]) + EXTENSION[1:] if v6 and extension else b"",
        )
    ),
    st.booleans(),
    st.booleans(),
    st.binary(max_size=300),
    st.sampled_from([b"", b"\1\1\1\0", b"\x94\4\0\0", b"\1" * 40]),
    st.booleans(),
    st.tuples(st.integers(0, 65535), st.integers(0, 65535)),
)


@given(PACKETS)
def test_what_is_sent_is_what_a_host_would_have_summed(packet: Tcp) -> None:
    assert left_to_device(packet) == packet.frame()


@given(PACKETS, st.binary(max_size=20))
def test_what_follows_the_datagram_is_sent_and_not_summed(packet: Tcp, trailer: bytes) -> None:
    assert left_to_device(packet, trailer) == packet.frame() + trailer


def test_a_carry_out_of_the_fold_is_folded_again() -> None:
    """A sum of 1 modulo 65535 after many carries: the first fold gives 0x10000."""
    packet = tuned(Tcp(b"\xff" * 1000), 0xFFFE)
    assert left_to_device(packet) == packet.frame()


def test_a_udp_result_of_0_is_sent_as_ffff() -> None:
    assert left_to_device(tuned(Udp(b"abcd"), 0))[40:42] == b"\xff\xff"


def test_a_tcp_result_of_0_is_sent_as_0() -> None:
    assert left_to_device(tuned(Tcp(b"abcd"), 0))[50:52] == b"\0\0"


@given(st.binary(min_size=30, max_size=100), st.data())
def test_generic_sums_from_start_to_the_end_of_the_frame(frame: bytes, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(frame) - 2))
    at = data.draw(st.integers(start, min(len(frame) - 2, start + 255)))
    driver = Driver()
    l2 = min(start, 255)
    driver.send(frame, d.TXSM, Context(l2, start - l2, at - start, 3))
    driver.step()
    expected = rfc1071(frame[start:])
    (sent,) = driver.wire()
    assert sent[:at] + sent[at + 2 :] == frame[:at] + frame[at + 2 :]
    assert same_sum(int.from_bytes(sent[at : at + 2]), expected)


ROUTED = bytes([6, 0, 0, 1, 0, 0, 0, 0])
FRAGMENT = bytes([6, 0, 0, 0, 0, 0, 0, 1])


@pytest.mark.parametrize(
    ("name", "packet", "trailer", "status", "error"),
    [
        ("good", Tcp(b"abc"), b"", IP | L4, 0),
        ("good UDP", Udp(b"abc"), b"", IP | L4, 0),
        ("good over IPv6: no IP checksum", ipv6(Tcp(b"abc")), b"", L4, 0),
        ("bad TCP", Tcp(b"abc", seed=1), b"", IP | L4, BAD_L4),
        ("bad UDP", Udp(b"abc", seed=1), b"", IP | L4, BAD_L4),
        ("bad UDP over IPv6", ipv6(Udp(b"abc", seed=1)), b"", L4, BAD_L4),
        ("no payload", Tcp(), b"", IP | L4, 0),
        ("padding", Tcp(), b"\1\2\3", IP | L4, 0),
        ("UDP without", Udp(b"abc", seed=0), b"", IP, 0),
        ("UDP without over IPv6", ipv6(Udp(b"abc", seed=0)), b"", L4, BAD_L4),
        ("UDP shorter than IP", Udp(b"abc", length=9, seed=0), b"", IP, 0),
        ("UDP longer than IP", Udp(b"abc", length=99), b"", IP, 0),
        ("UDP length of 7", Udp(b"abc", length=7), b"", IP, 0),
        ("fragment", Udp(b"abc", fragment=0x2000, df=False), b"", IP, 0),
        ("IP options", Tcp(b"abc", ip_options=b"\1\1\1\0"), b"", IP | L4, 0),
        ("source route", Tcp(b"abc", ip_options=bytes([131, 7, 4, 1, 2, 3, 4, 0])), b"", IP, 0),
        ("broken options", Tcp(b"abc", ip_options=bytes([7, 0, 0, 0])), b"", IP, 0),
        ("extension header", ipv6(Tcp(b"abc", extensions=EXTENSION)), b"", L4, 0),
        ("live routing header", ipv6(Tcp(b"abc", extensions=ROUTED, extension=43)), b"", 0, 0),
        ("IPv6 fragment", ipv6(Tcp(b"abc", extensions=FRAGMENT, extension=44)), b"", 0, 0),
        ("endless extension headers", ipv6(Tcp(b"", extensions=bytes([0, 255, 0, 0, 0, 0, 0, 0]))), b"", 0, 0),
    ],
)
def test_receive_verdicts(name: str, packet: Tcp, trailer: bytes, status: int, error: int) -> None:
    driver = Driver(offload=d.RXCSUM)
    (received,) = driver.arrive(packet.frame() + trailer)
    assert (received.status & (IP | L4), received.error) == (status, error), name
    assert received.status & RAW
    assert received.raw_sum == ones_sum(packet.frame()[14:] + trailer)


def test_a_bad_ip_header_is_told_apart_from_layer_4() -> None:
    driver = Driver(offload=d.RXCSUM)
    frame = bytearray(Tcp(b"abc").frame())
    frame[22] ^= 1
    (received,) = driver.arrive(bytes(frame))
    assert (received.status & (IP | L4), received.error) == (IP | L4, BAD_IP)


def test_a_datagram_longer_than_the_frame_is_not_judged() -> None:
    driver = Driver(offload=d.RXCSUM)
    (received,) = driver.arrive(Tcp(b"abc").frame()[:-1])
    assert received.status & (IP | L4) == IP


@pytest.mark.parametrize("frame", [b"\0" * 14, Tcp().frame()[:14] + b"junk", Tcp().frame()[:20], b"\xff" * 60])
def test_frames_without_a_usable_ip_header_get_no_verdict(frame: bytes) -> None:
    driver = Driver(offload=d.RXCSUM)
    driver.device.write(d.RXCTL, 0b1111)
    (received,) = driver.arrive(frame)
    assert (received.status & (IP | L4), received.error) == (0, 0)


def test_no_verdict_when_the_offload_is_off() -> None:
    driver = Driver(offload=0)
    (received,) = driver.arrive(Tcp(b"abc", seed=1).frame())
    assert (received.status, received.error, received.raw_sum) == (3, 0, 0)


@given(PACKETS, st.integers(0, 10_000), st.integers(1, 255))
def test_good_is_never_said_of_a_changed_datagram(packet: Tcp, place: int, flip: int) -> None:
    """One octet that is changed in what TCP or UDP covers is seen, unless the sums are equal by definition."""
    frame = bytearray(packet.frame())
    size = 40 + len(packet.extensions) if packet.v6 else 20 + len(packet.ip_options)
    frame[14 + size + place % (len(frame) - 14 - size)] ^= flip
    driver = Driver(offload=d.RXCSUM)
    (received,) = driver.arrive(bytes(frame))
    if received.status & L4 and not received.error & BAD_L4:
        body = bytes(frame[14 + size :])
        length = int.from_bytes(body[4:6]) if packet.protocol == 17 else len(body)
        covered = pseudo(packet.source, packet.destination, packet.protocol, length) + body[:length]
        assert rfc1071(covered) == 0


def test_the_reader_of_these_tests_sees_bad_sums() -> None:
    assert not read(Tcp(b"abc", seed=1).frame()).l4_good
    assert read(Tcp(b"abc").frame()).l4_good
