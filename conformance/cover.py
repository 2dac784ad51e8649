"""Running test cases to see what they cover, on references that use the specification's freedom each in its way."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from wireproof.conformance.coverage import Coverage
from wireproof.conformance.oracle import Key
from wireproof.conformance.targets.reference import ReferenceSession, ReferenceTarget
from wireproof.conformance.testcase import Step
from wireproof.conformance.tester import Settings, Tester, Unreachable
from wireproof.reference.machine import Machine
from wireproof.reference.policy import Policy
from wireproof.reference.wild import Wild


@dataclass(frozen=True, slots=True)
class Variant:
    """A reference: a profile, and how what the specification leaves open is decided: ``usual``, ``contrary`` (every
    silent choice the other way), ``wild`` (everything at random, see reference/wild.py)."""

    profile: str
    habits: Literal["usual", "contrary", "wild"] = "usual"
    mtu: int = 1500
    rcvbuf: int = 65535

    @property
    def name(self) -> str:
        more = ([] if self.habits == "usual" else [self.habits]) + ([] if self.mtu == 1500 else [f"MTU {self.mtu}"])
        more += [] if self.rcvbuf == 65535 else [f"buffer of {self.rcvbuf}"]
        return ", ".join([self.profile, *more])

    def policy(self, machine: Machine) -> Callable[..., Policy]:
        """What makes the policy of each connection."""
        if self.habits == "contrary":
            return functools.partial(Policy, choose=lambda name, usual: usual if name == "room" else not usual)
        if self.habits == "wild":
            free = {r.id for rules in machine.may.values() for r in rules if not r.deviates}
            return functools.partial(Wild, everything=frozenset(free))
        return Policy


VARIANTS = (
    Variant("rfc5961"),
    Variant("rfc5961", "contrary"),
    Variant("rfc5961", "wild"),
    Variant("rfc5961", mtu=576),
    Variant("rfc5961", "wild", rcvbuf=600),
    Variant("rfc9293"),
    Variant("rfc793"),
    Variant("linux"),
    Variant("linux", "contrary"),
    Variant("linux", "wild"),
)


class Runner:
    """Runs steps on one variant and collects purposes. Raises AssertionError when the oracle refuses the reference."""

    def __init__(self, coverage: Coverage, variant: Variant):
        self.coverage = coverage
        self.variant = variant
        self.settings = Settings(
            coverage.oracle, variant.profile, params={"mtu": variant.mtu, "receive_buffer": variant.rcvbuf}
        )
        self.target = ReferenceTarget(
            machine=coverage.reference,
            profile=variant.profile,
            mtu=variant.mtu,
            rcvbuf=variant.rcvbuf,
            policy=variant.policy(coverage.reference),
        )

    def begin(self) -> tuple[Tester, ReferenceSession]:
        """A test with nothing done."""
        session = self.target.session()
        return Tester(session, self.settings), session

    def run(self, steps: list[Step]) -> set[str] | None:
        """The purposes that the steps cover, those that come after them included; None when a step is not possible."""
        tester, session = self.begin()
        found: set[str] = set()
        for step in steps:
            more = self.step(tester, session, step)
            if more is None:
                return None
            found |= more
        self.coverage.clear()
        mark = len(tester.oracle.steps)
        for until in tester.aftermath():
            session.pass_time(until)
        self.check(tester, steps)
        return found | self.coverage.covered(tester.oracle.steps[mark:])

    def step(self, tester: Tester, session: ReferenceSession, step: Step) -> set[str] | None:
        """Carry out one step: the purposes that it covers; None when it is not possible."""
        key = (session.local, session.local_port, session.remote, session.remote_port)
        before = timers(tester, key)
        mark = len(tester.oracle.steps)
        self.coverage.clear()
        try:
            for until in tester.step(step):
                session.pass_time(until)
        except Unreachable:
            return None
        if tester.oracle.refusal is not None:
            self.check(tester, [step])
        found = self.coverage.covered(tester.oracle.steps[mark:], before[0] if before is not None else "")
        if "wait" in step or before is None:
            return found
        after = timers(tester, key)
        state, running = before
        still = after[1] if after is not None else frozenset()
        return found | {f"timer/{t}/{state}/forestalled" for t in running - still}

    def check(self, tester: Tester, steps: list[Step]) -> None:
        r = tester.oracle.refusal
        if r is not None:
            raise AssertionError(f"the oracle refuses the reference ({self.variant.name}): {r.rule}: {r.text}: {steps}")


def timers(tester: Tester, key: Key) -> tuple[str, frozenset[str]] | None:
    """The state of the connection and its timers that run; None: there is no connection."""
    c: Any = tester.oracle.configuration(key)
    if c is None:
        return None
    slots = tester.oracle.machine.timer_slots
    return c.state, frozenset(name for name, low, _ in slots if getattr(c, low) >= 0)
