"""The connection that the bare loop over TUN makes, as steps of a test, and a longer one; judged by the oracle.

The steps are those of ``wire_loop.bare_connections``: the tester opens, asks, is answered, and closes first.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from wireproof.conformance.oracle import Oracle
from wireproof.conformance.session import Result, Session
from wireproof.conformance.targets.reference import ReferenceTarget
from wireproof.conformance.testcase import Step
from wireproof.conformance.tester import Settings, Tester
from wireproof.reference import machine

OPEN: list[Step] = [
    {"call": "open_passive", "h": 1},
    {"seg": "SYN", "mss": 1460},
    {"seg": "ACK"},
    {"call": "accept", "h": 1, "new": 2},
]
CLOSE: list[Step] = [{"seg": "FIN,ACK"}, {"call": "release", "h": 2}, {"seg": "ACK"}]
SHORT: list[Step] = [
    *OPEN,
    {"seg": "ACK,PSH", "len": 16},
    {"call": "receive", "h": 2, "max": 64},
    {"call": "send", "h": 2, "len": 16},
    {"seg": "ACK"},
    *CLOSE,
]
"""Ten segments: three to open, text and its acknowledgment each way, three to close."""

Event = tuple[str, tuple[Any, ...]]


def exchange(rounds: int) -> list[Step]:
    """A connection in which much text goes both ways."""
    steps = [*OPEN]
    for _ in range(rounds):
        steps += [{"seg": "ACK,PSH", "len": 1000}, {"seg": "ACK,PSH", "len": 1000}]
        steps += [{"call": "receive", "h": 2, "max": 2000}, {"call": "send", "h": 2, "len": 3000}]
        steps += [{"seg": "ACK"}, {"seg": "ACK"}]
    return steps + CLOSE


def judged(tester: Tester, steps: list[Step]) -> Generator[int, None, None]:
    """A program that goes through the steps and listens no further. Raises AssertionError when the oracle refuses."""
    for step in steps:
        yield from tester.step(step)
    tester.oracle.finish()
    assert tester.oracle.refusal is None, tester.oracle.refusal.text
    assert not tester.oracle.judges, "the connection is not over"


class Connections:
    """A program for a target: a short connection in a session of its own."""

    def __init__(self, number: int, settings: Settings):
        self.id = f"connection-{number}"
        self.settings = settings

    def start(self, session: Session) -> Generator[int, None, None]:
        return judged(Tester(session, self.settings), SHORT)


class Recording(Oracle):
    """An oracle that keeps what it was asked, so that another can be asked the same."""

    def __init__(self, local: bytes):
        super().__init__(machine.tcp(), local)
        self.events: list[Event] = []

    def rx(self, packet: bytes, now: int) -> Any:
        self.events.append(("rx", (packet, now)))
        return super().rx(packet, now)

    def tx(self, packet: bytes, now: int) -> Any:
        self.events.append(("tx", (packet, now)))
        return super().tx(packet, now)

    def call(self, h: int, fn: str, args: dict[str, Any], result: Result, now: int) -> Any:
        self.events.append(("call", (h, fn, args, result, now)))
        return super().call(h, fn, args, result, now)

    def advance(self, now: int) -> Any:
        self.events.append(("advance", (now,)))
        return super().advance(now)

    def quiet(self, now: int) -> Any:
        self.events.append(("quiet", (now,)))
        return super().quiet(now)


def record(steps: list[Step]) -> tuple[bytes, list[Event]]:
    """What the oracle sees while the reference goes through the steps: the address of the host, the events."""
    session = ReferenceTarget().session()
    tester = Tester(session, Settings(machine.tcp()))
    tester.oracle = recording = Recording(session.local)
    for until in judged(tester, steps):
        session.pass_time(until)
    return session.local, recording.events


def judge_again(local: bytes, events: list[Event]) -> None:
    """Ask a new oracle what another was asked. Raises AssertionError unless it is content."""
    oracle = Oracle(machine.tcp(), local)
    for name, args in events:
        getattr(oracle, name)(*args)
    assert oracle.refusal is None
    assert not oracle.judges
