"""A listener as the oracle knows it, and what becomes of the connections that it was making when it stops."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from wireproof.conformance.judge import Judge
from wireproof.conformance.session import Result
from wireproof.reference.connection import CallEvent
from wireproof.reference.machine import Machine

Key = tuple[bytes, int, bytes, int]


class Connections(Protocol):
    """The oracle, as far as a listener needs it."""

    machine: Machine
    judges: dict[Key, Judge]

    def new_judge(self) -> Judge: ...

    def settle(self, key: Key, judge: Judge) -> None: ...


@dataclass(slots=True)
class Listening:
    """A listener as the oracle knows it."""

    options: list[tuple[str, int]]
    doubtful: bool = False
    """The user closed it, and whether that stops it is the implementation's choice."""
    children: list[Key] = field(default_factory=list)
    """Connections made from it and not accepted yet; those that are open come last, in the order of their opening."""
    opened: set[Key] = field(default_factory=set)
    accepted: set[Key] = field(default_factory=set)


def stopped(listening: Listening, oracle: Connections, now: int) -> None:
    """The listener is gone: what it was opening is forgotten (at once, or when its timers end), and what waited to be
    accepted is aborted."""
    for key in listening.children:
        judge = oracle.judges.get(key)
        if judge is None:
            continue
        opening = [c for c in judge.configs if c.state == "SYN-RECEIVED"]
        judge.configs = [c for c in judge.configs if c.state != "SYN-RECEIVED"]
        if judge.configs:
            judge.call("abort", CallEvent(), Result("ok"), now)
        if opening:
            judge.also([*opening, oracle.machine.Tcp()])
        oracle.settle(key, judge)


def perhaps_stopped(listening: Listening, oracle: Connections, now: int) -> None:
    """The user closed the listener, and whether that stops it is the implementation's choice: each connection that it
    was making may be as it was, or as :func:`stopped` leaves it."""
    for key in listening.children:
        judge = oracle.judges.get(key)
        if judge is None:
            continue
        if any(c.state == "SYN-RECEIVED" for c in judge.configs):
            judge.also([oracle.machine.Tcp()])
        aborted = oracle.new_judge()
        aborted.configs = [c.copy() for c in judge.configs if c.state not in ("SYN-RECEIVED", "CLOSED")]
        if aborted.configs and aborted.call("abort", CallEvent(), Result("ok"), now) is None:
            judge.also(aborted.configs)
