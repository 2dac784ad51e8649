"""One large packet is many frames that say the same, compared with what a host would have sent itself."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.nicmodel import driver as d
from tests.nicmodel.driver import Context, Driver
from tests.nicmodel.frames import ACK, CWR, ECE, FIN, PSH, Tcp, Udp, ipv6, read, seed_of, timestamp
from tests.nicmodel.scenarios import EXTENSION

FIXED_ID, CWR_ALL = 1, 2


def send(
    packet: Tcp,
    mss: int,
    tso: int = 0,
    cuts: tuple[int, ...] = (),
    extra: int = 0,
    context: Context | None = None,
    mtu: int = 9000,
) -> list[bytes]:
    """The frames of a packet. With both offloads the host need not have filled lengths and IP checksum."""
    driver = Driver(queues=1)
    driver.device.write(d.TSOCTL, tso)
    driver.device.write(d.MAXFRAME, mtu)
    frame = replace(packet, seed=seed_of(packet, False)).frame()
    index = driver.send(frame, d.TSE | extra, context or context_of(packet, mss), cuts)
    driver.step(100_000)
    assert driver.status(index) == (1, 0)
    assert driver.faults() == []
    return driver.wire()


def context_of(packet: Tcp, mss: int) -> Context:
    l3 = 40 + len(packet.extensions) if packet.v6 else 20 + len(packet.ip_options)
    udp = isinstance(packet, Udp)
    l4 = 8 if udp else 20 + len(packet.options)
    return Context(14 + 4 * len(packet.tags), l3, l4, 2 if udp else 1, mss, 0x2005, 0x6007, packet.v6)


def made_by_software(packet: Tcp, mss: int, fixed_id: bool = False, cwr_all: bool = False) -> list[bytes]:
    """What the host would have sent itself: each segment built anew, checksums by definition."""
    chunks = [packet.payload[at : at + mss] for at in range(0, len(packet.payload), mss)] or [b""]
    frames = []
    for n, chunk in enumerate(chunks):
        flags = packet.flags
        if n < len(chunks) - 1:
            flags &= ~(FIN | PSH)
        if n > 0 and not cwr_all:
            flags &= ~CWR
        segment = replace(
            packet,
            payload=chunk,
            sequence=(packet.sequence + n * mss) % 2**32,
            flags=flags,
            identification=packet.identification if fixed_id else (packet.identification + n) % 2**16,
        )
        frames.append(segment.frame())
    return frames


PACKETS = st.builds(
    lambda udp, v6, size, seed, options, ip_options, extension, sequence, identification, flags, tags: (
        ipv6 if v6 else lambda p: p
    )(
        (Udp if udp else Tcp)(
            payload=random.Random(seed).randbytes(size),
            options=b"" if udp else options,
            ip_options=b"" if v6 else ip_options,
            extensions=bytes([17 if udp else 6]) + EXTENSION[1:] if v6 and extension else b"",
            sequence=sequence,
            identification=identification,
            flags=ACK | flags,
            tags=tags,
        )
    ),
    st.booleans(),
    st.booleans(),
    st.integers(0, 2000),
    st.integers(0, 99),
    st.sampled_from([b"", timestamp(7), b"\1" * 40]),
    st.sampled_from([b"", b"\1\1\1\0"]),
    st.booleans(),
    st.integers(0, 2**32 - 1) | st.integers(2**32 - 500, 2**32 - 1),
    st.integers(0, 2**16 - 1) | st.integers(2**16 - 3, 2**16 - 1),
    st.sampled_from([0, PSH, FIN, PSH | FIN, CWR, ECE, CWR | ECE | PSH]),
    st.sampled_from([(), ((0x8100, 3),)]),
)


@settings(max_examples=150)
@given(PACKETS, st.integers(30, 600), st.integers(0, 3))
def test_segmentation_is_what_software_does(packet: Tcp, mss: int, tso: int) -> None:
    assert send(packet, mss, tso) == made_by_software(packet, mss, bool(tso & FIXED_ID), bool(tso & CWR_ALL))


@settings(max_examples=50)
@given(PACKETS, st.integers(100, 600), st.lists(st.integers(1, 2000), max_size=20))
def test_where_the_host_cuts_the_packet_does_not_matter(packet: Tcp, mss: int, cuts: list[int]) -> None:
    assert send(packet, mss, 0, tuple(cuts)) == made_by_software(packet, mss)


@pytest.mark.parametrize("length", [0, 1, 99, 100, 101, 199, 200, 201])
def test_numbers_of_segments(length: int) -> None:
    frames = send(Tcp(b"x" * length), 100)
    assert [len(read(f).payload) for f in frames] == (
        [100] * (length // 100) + [length % 100] * (length % 100 > 0) or [0]
    )


def test_what_reads_the_segments_finds_the_payload() -> None:
    payload = bytes(range(256)) * 20
    seen = [read(f) for f in send(Tcp(payload, flags=ACK | PSH | FIN, sequence=2**32 - 1000), 700)]
    assert b"".join(s.payload for s in seen) == payload
    assert all(s.ip_good and s.l4_good and s.length_good for s in seen)
    assert [s.sequence for s in seen] == [(2**32 - 1000 + 700 * n) % 2**32 for n in range(len(seen))]
    assert [s.flags for s in seen] == [ACK] * (len(seen) - 1) + [ACK | PSH | FIN]


@pytest.mark.parametrize("identification", [0x12FF, 0x7FFF, 0xFFFE])
@pytest.mark.parametrize("sequence", [0x1234FFF0, 0x7FFFFFF0, 0xFFFFFFF0])
def test_carries_of_identification_and_sequence(identification: int, sequence: int) -> None:
    packet = Tcp(b"x" * 350, identification=identification, sequence=sequence)
    assert send(packet, 100) == made_by_software(packet, 100)


@pytest.mark.parametrize("tso", [0, FIXED_ID, CWR_ALL, FIXED_ID | CWR_ALL])
@pytest.mark.parametrize("flags", [PSH, FIN, PSH | FIN, CWR, ECE, CWR | ECE | PSH | FIN])
def test_flags_by_register(flags: int, tso: int) -> None:
    packet = Tcp(b"x" * 350, flags=ACK | flags)
    first, *middle, last = (read(f) for f in send(packet, 100, tso))
    assert first.flags == ACK | flags & (ECE | CWR)
    assert last.flags == ACK | flags & (ECE | PSH | FIN | (CWR if tso & CWR_ALL else 0))
    assert {s.flags for s in middle} == {ACK | flags & (ECE | (CWR if tso & CWR_ALL else 0))}
    assert [s.identification for s in middle] == ([100, 100] if tso & FIXED_ID else [101, 102])


@pytest.mark.parametrize("length", [0, 1, 99, 100, 101, 250, 300])
def test_datagrams(length: int) -> None:
    for packet in (Udp(b"x" * length), ipv6(Udp(b"x" * length))):
        frames = send(packet, 100)
        assert frames == made_by_software(packet, 100)
        assert all(read(f).length_good for f in frames)


def test_64_kib() -> None:
    payload = bytes(range(256)) * 255
    frames = send(Tcp(payload), 1460, cuts=tuple(range(10_000, 60_001, 10_000)), mtu=1514)
    assert b"".join(read(f).payload for f in frames) == payload


def test_length_and_checksum_of_the_host_do_not_count() -> None:
    """The host may leave total length, IP checksum and UDP length as it likes."""
    driver = Driver()
    packet = Tcp(b"x" * 250)
    frame = bytearray(replace(packet, seed=seed_of(packet, False)).frame())
    frame[16:18], frame[24:26] = b"\xde\xad", b"\xbe\xef"
    driver.send(bytes(frame), d.TSE, context_of(packet, 100))
    driver.step()
    assert driver.wire() == made_by_software(packet, 100)


def test_tags_are_inserted_in_every_segment() -> None:
    packet = Tcp(b"x" * 250)
    frames = send(packet, 100, extra=d.VLE | d.SVLE)
    assert frames == [f[:12] + bytes.fromhex("88a86007 81002005") + f[12:] for f in made_by_software(packet, 100)]


def test_a_context_serves_until_the_next() -> None:
    driver = Driver()
    packet = Tcp(b"x" * 250)
    frame = replace(packet, seed=seed_of(packet, False)).frame()
    driver.send(frame, d.TSE, context_of(packet, 100))
    driver.send(frame, d.TSE)
    driver.send(frame, d.TSE, context_of(packet, 125))
    driver.step()
    assert driver.wire() == made_by_software(packet, 100) * 2 + made_by_software(packet, 125)


def test_contexts_of_queues_are_apart() -> None:
    driver = Driver()
    packet = Tcp(b"x" * 250)
    frame = replace(packet, seed=seed_of(packet, False)).frame()
    driver.send(frame, d.TSE, context_of(packet, 100))
    last = driver.send(frame, d.TSE, queue=1)
    driver.step()
    assert driver.wire() == made_by_software(packet, 100)
    assert driver.status(last, 1) == (3, 9)
