"""Running test cases to see what they cover, on references that use the specification's freedom each in its way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from wireproof.conformance.coverage import Coverage
from wireproof.conformance.oracle import Key
from wireproof.conformance.targets.reference import ReferenceSession, ReferenceTarget
from wireproof.conformance.testcase import Step
from wireproof.conformance.tester import Settings, Tester, Unreachable
from wireproof.reference.policy import CHOICES, CONTRARY


@dataclass(frozen=True, slots=True)
class Variant:
    """A reference: a profile, and whether its silent choices are the usual ones or the others."""

    profile: str
    contrary: bool = False

    @property
    def name(self) -> str:
        return f"{self.profile}, other choices" if self.contrary else self.profile


VARIANTS = (
    Variant("rfc5961"),
    Variant("rfc5961", contrary=True),
    Variant("rfc9293"),
    Variant("rfc793"),
    Variant("linux"),
    Variant("linux", contrary=True),
)


class Runner:
    """Runs steps on one variant and collects purposes. Raises AssertionError when the oracle refuses the reference."""

    def __init__(self, coverage: Coverage, variant: Variant):
        self.coverage = coverage
        self.variant = variant
        self.settings = Settings(coverage.oracle, variant.profile)
        self.target = ReferenceTarget(
            machine=coverage.reference,
            profile=variant.profile,
            choices=CONTRARY if variant.contrary else CHOICES,
        )

    def begin(self) -> tuple[Tester, ReferenceSession]:
        """A test with nothing done."""
        session = self.target.session()
        return Tester(session, self.settings), session

    def run(self, steps: list[Step]) -> set[str] | None:
        """The purposes that the steps cover, those that come after them included; None when a step is not possible."""
        tester, session = self.begin()
        self.coverage.clear()
        found: set[str] = set()
        for step in steps:
            more = self.step(tester, session, step)
            if more is None:
                return None
            found |= more
        for until in tester.aftermath():
            session.pass_time(until)
        self.check(tester, steps)
        return found | self.coverage.covered(tester.oracle.steps)

    def step(self, tester: Tester, session: ReferenceSession, step: Step) -> set[str] | None:
        """Carry out one step; the timers that it forestalls."""
        key = (session.local, session.local_port, session.remote, session.remote_port)
        before = timers(tester, key)
        try:
            for until in tester.step(step):
                session.pass_time(until)
        except Unreachable:
            return None
        if tester.oracle.refusal is not None:
            self.check(tester, [step])
        if "wait" in step or before is None:
            return set()
        after = timers(tester, key)
        state, running = before
        still = after[1] if after is not None else frozenset()
        return {f"timer/{t}/{state}/forestalled" for t in running - still}

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
