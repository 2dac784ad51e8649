"""Interrupts: none is lost, none comes more often than allowed, and none later than asked for."""

from __future__ import annotations

import itertools

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.nicmodel import driver as d
from tests.nicmodel.driver import Driver
from tests.nicmodel.frames import Udp

TX_DONE, RX_DONE = 1, 2
WHAT = ["frame", "frame", "mask", "unmask", "clear"]
LATENCY = 12
"""Cycles from a frame's arrival at an idle device to its cause: fetch and write-back."""


def driver_with(interval: int = 0, delay: int = 0, latest: int = 0, control: int = 0, mask: int = 0xFF) -> Driver:
    driver = Driver(offload=0, queues=2)
    for register, value in (
        (d.INTERVAL, interval),
        (d.DELAY, delay),
        (d.LATEST, latest),
        (d.ICTL, control),
        (d.MASK, mask),
    ):
        driver.write(0, register, value)
    driver.device.step(100)
    return driver


def event(driver: Driver, wait: int) -> None:
    driver.device.receive(Udp(b"a").frame())
    driver.device.step(wait)


def cycles(driver: Driver) -> list[int]:
    """Of the messages, from the start of the test's own time."""
    return [message.cycle - 100 - LATENCY for message in driver.device.interrupts()]


def test_without_moderation_each_event_has_its_message() -> None:
    driver = driver_with()
    for _ in range(3):
        event(driver, 50)
    assert cycles(driver) == [0, 50, 100]


def test_the_interval_keeps_messages_apart() -> None:
    driver = driver_with(interval=200)
    for _ in range(7):
        event(driver, 50)
    driver.device.step(1000)
    assert cycles(driver) == [0, 200, 400]


def test_the_delay_waits_for_silence() -> None:
    driver = driver_with(delay=100)
    for _ in range(4):
        event(driver, 50)
    driver.device.step(1000)
    assert cycles(driver) == [250]


def test_the_latest_time_ends_the_waiting() -> None:
    driver = driver_with(delay=100, latest=120)
    for _ in range(4):
        event(driver, 50)
    driver.device.step(1000)
    assert cycles(driver) == [120, 250]


def test_the_interval_is_stronger_than_the_latest_time() -> None:
    driver = driver_with(interval=500, latest=10)
    for _ in range(2):
        event(driver, 50)
    driver.device.step(1000)
    assert cycles(driver) == [0, 500]


def test_a_masked_cause_is_kept_and_its_message_comes_when_unmasked() -> None:
    driver = driver_with(mask=TX_DONE)
    event(driver, 50)
    assert (driver.device.interrupts(), driver.read(0, d.CAUSE)) == ([], RX_DONE)
    driver.write(0, d.MASK, RX_DONE)
    driver.device.step(1)
    assert [m.cause for m in driver.device.interrupts()] == [RX_DONE]


def test_a_cause_that_the_host_has_cleared_raises_nothing() -> None:
    driver = driver_with(delay=100)
    event(driver, 50)
    driver.write(0, d.CAUSE, 0xFF)
    driver.device.step(1000)
    assert driver.device.interrupts() == []
    event(driver, 1000)
    assert len(driver.device.interrupts()) == 1


def test_automatic_clear_and_mask() -> None:
    driver = driver_with(control=0b01)
    event(driver, 50)
    assert ([m.cause for m in driver.device.interrupts()], driver.read(0, d.CAUSE)) == ([RX_DONE], 0)
    driver = driver_with(control=0b10)
    event(driver, 50)
    event(driver, 50)
    assert len(driver.device.interrupts()) == 1
    assert (driver.read(0, d.CAUSE), driver.read(0, d.MASK)) == (RX_DONE, 0xFF & ~RX_DONE)
    driver.write(0, d.MASK, 0xFF)
    driver.device.step(1)
    assert len(driver.device.interrupts()) == 1


def test_vectors_are_apart() -> None:
    driver = driver_with()
    driver.device.write(d.DEFAULTQ, 1)
    event(driver, 50)
    assert [(m.vector, m.cause) for m in driver.device.interrupts()] == [(1, RX_DONE)]


@settings(max_examples=60)
@given(
    st.lists(st.tuples(st.integers(1, 90), st.sampled_from(WHAT)), max_size=30),
    st.integers(0, 200),
    st.integers(0, 100),
    st.integers(0, 150),
    st.integers(0, 3),
)
def test_no_wake_up_is_lost(steps: list[tuple[int, str]], interval: int, delay: int, latest: int, control: int) -> None:
    """Whatever has happened before: a frame that comes to a vector at rest raises a message, and never too early."""
    driver = driver_with(interval, delay, latest, control)
    times: list[int] = []
    for wait, what in steps:
        if what == "frame":
            driver.device.receive(Udp(b"a").frame())
        elif what == "clear":
            driver.write(0, d.CAUSE, 0xFF)
        else:
            driver.write(0, d.MASK, 0xFF if what == "unmask" else 0)
        driver.device.step(wait)
        driver.poll()
        times += [m.cycle for m in driver.device.interrupts()]
    driver.device.step(2000)
    driver.device.interrupts()
    driver.poll()
    driver.write(0, d.CAUSE, 0xFF)
    driver.write(0, d.MASK, 0xFF)
    driver.device.step(2000)
    assert driver.device.interrupts() == []
    driver.device.receive(Udp(b"last").frame())
    driver.device.step(LATENCY + interval + delay + 1)
    assert driver.poll()
    assert [m.cause for m in driver.device.interrupts()] == [RX_DONE]
    assert all(later - earlier >= interval for earlier, later in itertools.pairwise(times))
