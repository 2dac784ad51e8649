"""The register file against the tables of docs/nicmodel.md."""

from __future__ import annotations

import pytest

from tests.nicmodel import driver as d
from tests.nicmodel.driver import Driver
from tests.nicmodel.frames import Tcp
from wireproof.nicmodel.device import Device
from wireproof.nicmodel.memory import Memory
from wireproof.nicmodel.registers import Kind, Register, RegisterFile


def device(queues: int = 4) -> Device:
    return Device(Memory(4096), queues)


@pytest.mark.parametrize(
    ("offset", "value"),
    [
        (d.CTRL, 0),
        (d.STATUS, 0x403),
        (0x008, 0x57504E31),
        (d.TXCTL, 0),
        (d.RXCTL, 0),
        (d.MAXFRAME, 1514),
        (d.OFFLOAD, 0),
        (d.RSCCTL, 32),
        (d.RSCTIME, 2048),
        (d.VLANTPID, 0x88A88100),
        (d.RSSCTL, 7),
        (d.RETA, 0),
        (0x1000 + d.TX + d.TAIL, 0),
        (0x1300 + d.MASK, 0),
    ],
)
def test_reset_values(offset: int, value: int) -> None:
    assert device().read(offset) == value


@pytest.mark.parametrize(
    ("offset", "mask"),
    [
        (d.TXCTL, 0b11),
        (d.RXCTL, 0b1111),
        (d.MAXFRAME, 0x3FFF),
        (d.MACHI, 0xFFFF),
        (d.OFFLOAD, 0x0F0F),
        (d.RSCCTL, 0x1FF),
        (d.VLANCTL, 0b111),
        (d.HASHTYPES, 0b111111),
        (d.RSSCTL, 0x107),
        (d.RSSKEY + 36, 0xFFFFFFFF),
        (d.RETA + 124, 0xFFFFFFFF),
        (d.VLANFILTER + 508, 0xFFFFFFFF),
        (d.FLOW + 15 * 0x20, 0xC33F00FF),
        (d.FLOW + 0x10, 0x0FFF00FF),
        (0x1000 + d.RX + d.TAIL, 0xFFFF),
        (0x1000 + d.INTERVAL, 0xFFFFF),
    ],
)
def test_only_the_bits_that_exist_are_kept(offset: int, mask: int) -> None:
    nic = device()
    nic.write(offset, 0xFFFFFFFF)
    assert nic.read(offset) == mask
    nic.write(offset, 1 << 32)
    assert nic.read(offset) == 0


@pytest.mark.parametrize("offset", [d.STATUS, 0x008, 0x600, 0x1000 + d.TX + d.HEAD, 0x1000 + d.RX + d.HEAD])
def test_read_only(offset: int) -> None:
    nic = device()
    before = nic.read(offset)
    nic.write(offset, ~before)
    assert nic.read(offset) == before


@pytest.mark.parametrize("offset", [-4, 1, 0x00C, 0x5F4, 0x1400, 0x10FC, 1 << 40])
def test_what_is_reserved_reads_0_and_takes_nothing(offset: int) -> None:
    nic = device()
    nic.write(offset, 0xFFFFFFFF)
    assert nic.read(offset) == 0


def test_a_ring_is_locked_while_it_is_enabled() -> None:
    driver = Driver()
    driver.write(0, d.TX + d.LENGTH, 8)
    assert driver.read(0, d.TX + d.LENGTH) == 64
    driver.write(0, d.TX + d.CTL, 0)
    driver.write(0, d.TX + d.LENGTH, 8)
    assert driver.read(0, d.TX + d.LENGTH) == 8


def test_causes_are_cleared_by_writing_1() -> None:
    driver = Driver()
    driver.send(Tcp().frame())
    driver.arrive(Tcp().frame())
    assert driver.read(0, d.CAUSE) == 0b11
    driver.write(0, d.CAUSE, 0b01)
    assert driver.read(0, d.CAUSE) == 0b10
    driver.write(0, d.CAUSE, 0)
    assert driver.read(0, d.CAUSE) == 0b10


def test_kinds() -> None:
    file = RegisterFile(iter([Register("A", 0, Kind.RC), Register("B", 4, Kind.W1C), Register("C", 8, Kind.RO, 7)]))
    for offset in (0, 4):
        file.set(offset, 0b1111)
    assert (file.read(0), file.read(0)) == (0b1111, 0)
    file.write(4, 0b0101)
    file.write(8, 0)
    assert (file.read(4), file.read(4), file.read(8)) == (0b1010, 0b1010, 7)


def test_names_and_offsets_are_unique() -> None:
    names = device(8).registers
    assert len(set(names.values())) == len(names)
    assert all(offset % 4 == 0 for offset in names)


@pytest.mark.parametrize("queues", [0, 9, -1])
def test_a_device_that_cannot_be_built(queues: int) -> None:
    with pytest.raises(ValueError, match=f"1 to 8 queues, not {queues}"):
        device(queues)


def test_time_does_not_run_back() -> None:
    with pytest.raises(ValueError, match="-1 cycles"):
        device().step(-1)


def test_reset_stops_everything() -> None:
    driver = Driver()
    driver.send(Tcp(b"abc").frame())
    driver.device.receive(Tcp(b"def").frame())
    driver.device.step(5)
    before = len(driver.memory.accesses)
    driver.device.write(d.CTRL, 1)
    assert driver.device.read(d.STATUS) == 0x402
    driver.device.write(d.MAXFRAME, 99)
    driver.device.receive(Tcp(b"def").frame())
    driver.device.step(63)
    assert driver.device.read(d.STATUS) & 1 == 0
    driver.device.step(1)
    assert driver.device.read(d.STATUS) & 1 == 1
    driver.step()
    assert (driver.wire(), driver.device.interrupts(), len(driver.memory.accesses)) == ([], [], before)
    fresh = device()
    assert [driver.device.read(o) for o in fresh.registers] == [fresh.read(o) for o in fresh.registers]


def test_a_device_works_again_after_reset() -> None:
    driver = Driver()
    driver.send(Tcp(b"abc").frame())
    driver.device.step(5)
    driver.device.write(d.CTRL, 1)
    driver.device.step(64)
    driver.start()
    driver.send(Tcp(b"new").frame())
    driver.step()
    assert driver.wire() == [Tcp(b"new").frame()]
    assert [r.frame for r in driver.arrive(Tcp(b"def").frame())] == [Tcp(b"def").frame()]


def test_loopback() -> None:
    driver = Driver(offload=0)
    driver.device.write(d.CTRL, 2)
    driver.send(Tcp(b"abc").frame())
    driver.step()
    assert driver.wire() == []
    assert [r.frame for r in driver.poll()] == [Tcp(b"abc").frame()]


def test_the_device_is_idle_when_nothing_is_asked() -> None:
    driver = Driver()
    assert driver.device.next_event is not None  # the doorbells have been looked at
    driver.step()
    assert driver.device.next_event is None
    driver.device.receive(Tcp().frame())
    assert driver.device.next_event == driver.device.cycle + 4
