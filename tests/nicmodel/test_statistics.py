"""Counters: what each counts, that reading starts it anew, and what happens at the end of its range."""

from __future__ import annotations

from dataclasses import replace

from tests.nicmodel import driver as d
from tests.nicmodel.driver import Context, Driver
from tests.nicmodel.frames import Tcp, seed_of
from wireproof.nicmodel.registers import RegisterFile
from wireproof.nicmodel.statistics import Counter, Statistics, offset_of, statistics_map

TX_FRAMES, TX_OCTETS, RX_FRAMES, RX_OCTETS = 0x600, 0x604, 0x60C, 0x610


def counted(driver: Driver) -> dict[int, int]:
    """Every counter that is not 0; reading starts them anew."""
    values = {offset: driver.device.read(offset) for offset in range(0x600, 0x654, 4)}
    return {offset: value for offset, value in values.items() if value}


def test_sent_frames_and_octets_with_their_tags_and_padding() -> None:
    driver = Driver()
    driver.device.write(d.TXCTL, 3)
    driver.send(Tcp().frame())
    driver.send(Tcp(b"x" * 100).frame(), d.VLE | d.SVLE, Context())
    driver.step()
    assert counted(driver) == {TX_FRAMES: 2, TX_OCTETS: 60 + 154 + 8}
    assert counted(driver) == {}


def test_segments_count_one_by_one() -> None:
    driver = Driver()
    packet = Tcp(b"x" * 250)
    driver.send(replace(packet, seed=seed_of(packet, False)).frame(), d.TSE, Context(mss=100))
    driver.step()
    assert counted(driver) == {TX_FRAMES: 3, TX_OCTETS: 3 * 54 + 250, 0x640: 1, 0x644: 3}


def test_received_frames_count_as_delivered() -> None:
    driver = Driver()
    driver.device.write(d.VLANCTL, 1)
    driver.arrive(*(Tcp(b"x" * 10, sequence=10 * n, identification=n, tags=((0x8100, 1),)).frame() for n in range(3)))
    assert counted(driver) == {RX_FRAMES: 1, RX_OCTETS: 54 + 30, 0x648: 3, 0x64C: 1}


def test_bad_checksums_count_whether_reported_or_not() -> None:
    driver = Driver(offload=0)
    bad = bytearray(Tcp(b"abc").frame())
    bad[22] ^= 1
    driver.arrive(Tcp(b"abc", seed=1).frame(), bytes(bad))
    assert counted(driver) == {RX_FRAMES: 2, RX_OCTETS: 114, 0x630: 1, 0x634: 1}


def test_a_frame_counts_when_it_has_left() -> None:
    driver = Driver()
    driver.send(Tcp(b"x" * 800).frame())
    driver.device.step(100)
    assert counted(driver) == {}
    driver.device.step(100)
    assert counted(driver) == {TX_FRAMES: 1, TX_OCTETS: 854}


def test_narrow_counters_stay_at_their_end_and_wide_ones_latch() -> None:
    registers = RegisterFile(statistics_map())
    statistics = Statistics(registers, frozenset())
    statistics.add(Counter.TX_FRAMES, 2**32 - 2)
    statistics.add(Counter.TX_FRAMES, 5)
    assert (registers.read(TX_FRAMES), registers.read(TX_FRAMES)) == (2**32 - 1, 0)
    statistics.add(Counter.RX_OCTETS, 7 * 2**32 + 5)
    low = registers.read(offset_of(Counter.RX_OCTETS))
    statistics.add(Counter.RX_OCTETS, 3)
    assert (low, registers.read(0x614), registers.read(0x614)) == (5, 7, 0)
    assert (registers.read(RX_OCTETS), registers.read(0x614)) == (3, 0)
