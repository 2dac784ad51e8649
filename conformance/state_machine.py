"""A Hypothesis state machine for a target, derived from the specification: a rule for each call and event.

For who wants Hypothesis to drive: ``machine_for(kind).TestCase`` is a unittest, and ``run_state_machine_as_test`` takes
the class. ``wireproof run --property`` draws the same steps in bulk instead, which is many times as fast.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from wireproof.conformance import edges
from wireproof.conformance.catalogue import Kind
from wireproof.conformance.draws import Draw
from wireproof.conformance.generated import look
from wireproof.conformance.shrink import drawn_from
from wireproof.conformance.stimuli import Stimuli, View
from wireproof.conformance.targets.reference import ReferenceSession
from wireproof.conformance.testcase import Step
from wireproof.conformance.tester import Tester

Chooser = Callable[[Stimuli, Draw, View], Step]


class Refused(AssertionError):  # noqa: N818 - a finding, not a fault
    """The oracle refused what the stack did; the message has the rule and the steps."""


class Driven(RuleBasedStateMachine):
    """What all such machines share: a session, a tester, and the steps so far."""

    kind: Kind

    def __init__(self) -> None:
        super().__init__()
        target: Any = self.kind.open()
        self.session: ReferenceSession = target.session()
        self.tester = Tester(self.session, self.kind.settings())
        self.stimuli = Stimuli(self.kind.family)
        self.steps: list[Step] = []

    @initialize(data=st.data())
    def opening(self, data: st.DataObject) -> None:
        """How a trace begins."""
        for step in self.stimuli.opening(drawn_from(data)):
            self.take(step)

    def take(self, step: Step) -> None:
        """Carry out a step. Raises Refused."""
        self.steps.append(step)
        for until in self.tester.step(step):
            self.session.pass_time(until)
        self.check()

    def check(self) -> None:
        refusal = self.tester.oracle.refusal
        if refusal is not None and not self.tester.oracle.lossy:
            raise Refused(f"{refusal.rule}: {refusal.text}\n" + "\n".join(map(str, self.steps)))

    def teardown(self) -> None:
        if self.tester.oracle.refusal is None:
            for until in self.tester.aftermath():
                self.session.pass_time(until)
            self.check()
        self.session.close()


def choosers() -> dict[str, Chooser]:
    """What can happen, by name: the events and calls of the specification, accept, time, garbage."""
    found: dict[str, Chooser] = {
        "segment": lambda s, draw, view: s.segment(draw, view.state),
        "icmp": lambda s, draw, view: s.icmp(draw),
        "garbage": lambda s, draw, view: s.garbage(draw),
        "time": lambda s, draw, view: s.wait(draw, view),
        "accept": lambda s, draw, view: {"call": "accept", "h": view.listener or 1, "new": view.fresh},
    }
    for name in edges.calls():
        if not name.startswith("open"):
            found[f"call_{name}"] = lambda s, draw, view, name=name: s.called(
                draw, name, view.handle or view.listener or 1
            )  # type: ignore[misc]
    return found


def machine_for(kind: Kind) -> type[Driven]:
    """The state machine class for a target with a virtual clock. Raises ValueError for another."""
    if kind.clock != "virtual":
        raise ValueError(f"{kind.name} has a clock of its own: `wireproof run {kind.name} --property N` drives it")
    body: dict[str, Any] = {"kind": kind}
    for name, chooser in choosers().items():
        body[name] = rule(data=st.data())(_rule(name, chooser))
    return type(f"Machine_{kind.name}", (Driven,), body)


def _rule(name: str, chooser: Chooser) -> Callable[[Driven, st.DataObject], None]:
    def act(self: Driven, data: st.DataObject) -> None:
        self.take(chooser(self.stimuli, drawn_from(data), look(self.tester)))

    act.__name__ = name
    return act
