"""Tags: insertion, stripping, filtering, and their types."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.nicmodel import driver as d
from tests.nicmodel.driver import Context, Driver
from tests.nicmodel.frames import Tcp, rfc1071

C, S = 0x8100, 0x88A8
STRIP_C, STRIP_S, FILTER = 1, 2, 4
INNER, OUTER = 4, 8


@pytest.mark.parametrize("own", [(), ((C, 7),)])
@pytest.mark.parametrize(
    ("command", "inserted"),
    [(0, ()), (d.VLE, ((C, 0xB064),)), (d.SVLE, ((S, 0x6FFF),)), (d.VLE | d.SVLE, ((S, 0x6FFF), (C, 0xB064)))],
)
def test_insertion(command: int, inserted: tuple[tuple[int, int], ...], own: tuple[tuple[int, int], ...]) -> None:
    driver = Driver()
    driver.send(Tcp(b"abc", tags=own).frame(), command, Context(inner=0xB064, outer=0x6FFF))
    driver.step()
    assert driver.wire() == [Tcp(b"abc", tags=inserted + own).frame()]


@pytest.mark.parametrize(
    ("control", "tags", "left", "status", "inner", "outer"),
    [
        (0, ((C, 5),), ((C, 5),), 0, 0, 0),
        (STRIP_C, ((C, 0xE005),), (), INNER, 0xE005, 0),
        (STRIP_C, (), (), 0, 0, 0),
        (STRIP_C, ((S, 6), (C, 5)), ((S, 6), (C, 5)), 0, 0, 0),
        (STRIP_S, ((S, 6), (C, 5)), ((C, 5),), OUTER, 0, 6),
        (STRIP_S, ((C, 5),), ((C, 5),), 0, 0, 0),
        (STRIP_C | STRIP_S, ((S, 6), (C, 5)), (), INNER | OUTER, 5, 6),
        (STRIP_C | STRIP_S, ((C, 5),), (), INNER, 5, 0),
        (STRIP_C | STRIP_S, ((C, 5), (C, 6)), ((C, 6),), INNER, 5, 0),
        (STRIP_C, ((C, 0),), (), INNER, 0, 0),
    ],
)
def test_stripping(
    control: int,
    tags: tuple[tuple[int, int], ...],
    left: tuple[tuple[int, int], ...],
    status: int,
    inner: int,
    outer: int,
) -> None:
    driver = Driver()
    driver.device.write(d.VLANCTL, control)
    (received,) = driver.arrive(Tcp(b"abc", tags=tags).frame())
    assert received.frame == Tcp(b"abc", tags=left).frame()
    assert (received.status & 12, received.inner, received.outer) == (status, inner, outer)
    assert received.status & 0x70 == 0x70
    assert received.raw_sum == 0xFFFF - rfc1071(Tcp(b"abc", tags=left).frame()[14:])


@given(st.integers(0, 4095), st.integers(0, 4095))
def test_the_filter_lets_in_what_its_table_says(admitted: int, vlan: int) -> None:
    driver = Driver(queues=1, ring=8)
    driver.device.write(d.VLANCTL, FILTER)
    driver.device.write(d.VLANFILTER + 4 * (admitted // 32), 1 << admitted % 32)
    assert bool(driver.arrive(Tcp(tags=((C, 0xE000 | vlan),)).frame())) == (vlan == admitted)


def test_the_filter_reads_the_outermost_tag_and_lets_untagged_frames_in() -> None:
    driver = Driver()
    driver.device.write(d.VLANCTL, FILTER)
    driver.device.write(d.VLANFILTER, 1 << 5)
    tags = [(), ((C, 5),), ((S, 5), (C, 6)), ((S, 6), (C, 5)), ((C, 6),)]
    assert [bool(driver.arrive(Tcp(tags=t).frame())) for t in tags] == [True, True, True, False, False]
    assert driver.device.read(0x628) == 2


def test_other_types_of_tags() -> None:
    driver = Driver()
    driver.device.write(d.VLANTPID, 0x9100_8101)
    driver.device.write(d.VLANCTL, STRIP_C | STRIP_S)
    frame = Tcp(b"abc", tags=((0x9100, 1), (0x8101, 2))).frame()
    (received,) = driver.arrive(frame)
    assert (received.frame, received.inner, received.outer) == (Tcp(b"abc").frame(), 2, 1)
    driver.send(Tcp(b"abc").frame(), d.VLE | d.SVLE, Context(inner=2, outer=1))
    driver.step()
    assert driver.wire() == [frame]


@pytest.mark.parametrize("length", range(14, 24))
def test_frames_that_end_in_a_tag(length: int) -> None:
    driver = Driver()
    driver.device.write(d.VLANCTL, STRIP_C | STRIP_S)
    frame = Tcp(tags=((S, 1), (C, 2))).frame()[:length]
    (received,) = driver.arrive(frame)
    assert len(received.frame) in (length, length - 4, length - 8)
