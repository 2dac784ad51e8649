"""Claims that are not proved, looked at in every run of the reference up to a depth: bounded, and no proof.

The search is breadth first over the stimuli of :mod:`~wireproof.conformance.alphabet`, with the claims watching every
step that the oracle takes, in each of the configurations that it believes in. The first path on which a claim is
broken is therefore a shortest one. Paths whose configurations look alike (:func:`~wireproof.conformance.search.look`)
are followed once.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from wireproof.conformance import trace
from wireproof.conformance.claims import Breach, Claims, Watching
from wireproof.conformance.search import Explorer, Node, look, own_key, stimuli
from wireproof.conformance.targets.reference import ReferenceTarget
from wireproof.conformance.testcase import Step, TestCase
from wireproof.conformance.tester import Report, Settings
from wireproof.reference import machine
from wireproof.spec import ir

PROFILE = "rfc5961"


@dataclass(slots=True)
class Violation:
    """The shortest path on which a claim is broken: its steps with their names, and what was seen."""

    breach: Breach
    steps: list[Step]
    names: list[str]


@dataclass(slots=True)
class Bounded:
    """``depth``: every path of so many steps was taken; ``states`` that look different; ``runs`` made."""

    depth: int = 0
    states: int = 0
    runs: int = 0
    asked: dict[str, int] = field(default_factory=dict)
    """How often each claim had something to say."""
    violations: dict[str, Violation] = field(default_factory=dict)
    complete: bool = True
    """False when time was up before the depth asked for."""


class Search:
    """Looks for breaches of the claims named, up to ``depth`` steps or until ``seconds`` have passed."""

    def __init__(self, model: ir.Model, names: Iterable[str]):
        names = list(names)
        self.claims = Claims(model, names)
        self.settings = Settings(Watching(machine.tcp(), self.claims), PROFILE)
        self.explorer = Explorer(self.settings, ReferenceTarget())
        self.found = Bounded()
        self.open = {name for name in names if name in {c.name for c in model.claims()}}

    def run(self, depth: int, seconds: float, progress: Callable[[str], None] | None = None) -> Bounded:
        """Breadth first; ends early when every claim is broken."""
        until = time.monotonic() + seconds
        level = [
            Node([], [], "closed", "CLOSED", False, False, "closed"),
            Node([{"call": "open_passive", "h": 1}], ["listen"], "passive", "LISTEN", False, False, "listen"),
        ]
        seen = {n.key for n in level}
        waiting = {1: level[1:]}
        level = level[:1]
        for d in range(1, depth + 1):
            following: list[Node] = waiting.pop(d, [])
            for node in level:
                for name, step in stimuli(node):
                    child = self.step(node, name, step)
                    if not self.open:
                        return self.ended(seen)
                    if child is not None and child.key not in seen:
                        seen.add(child.key)
                        following.append(child)
                if time.monotonic() > until:
                    self.found.complete = False
                    return self.ended(seen)
                if progress is not None:
                    progress(f"step {d} of {depth}, {len(seen)} states, {self.found.runs} runs")
            level = following
            self.found.depth = d
        return self.ended(seen)

    def ended(self, seen: set[object]) -> Bounded:
        self.found.states = len(seen)
        self.found.asked = dict(self.claims.asked)
        return self.found

    def step(self, node: Node, name: str, step: Step) -> Node | None:
        """One more step on a path; None where nothing is to be built on it."""
        steps = [*node.steps, step]
        self.claims.breaches.clear()
        got = self.explorer.run(steps, node.mode)
        self.found.runs += 1
        for b in self.claims.breaches:
            if b.claim.name in self.open:
                self.open.discard(b.claim.name)
                self.found.violations[b.claim.name] = Violation(b, steps, [*node.names, name])
        if got is None or (node.mode == "closed" and step.get("call") == "open_passive"):
            return None
        tester, session, rules, before, _ = got
        judge = tester.oracle.judges.get(own_key(session))
        if judge is not None and len(judge.configs) > 1:
            return None  # the implementation may be elsewhere: its next step is not known
        opening = node.mode == "closed" and step.get("call") == "open_active" and "dst" not in step
        mode = "active" if opening else node.mode
        accepted = node.accepted or name == "accept"
        released = node.released or step.get("call") in ("release", "abort")
        state, key = look(tester, session, mode, accepted, released)
        return Node(steps, [*node.names, name], mode, state, accepted, released, key, rules, before)

    def keep(self, violation: Violation, path: Path) -> None:
        """Write the trace of a violation; it can be replayed, and judged by what the rules are then. Raises OSError."""
        session = self.explorer.target.session()
        from wireproof.conformance.tester import Tester

        tester = Tester(session, self.settings)
        for step in violation.steps:
            for at in tester.step(step):
                session.pass_time(at)
        name = violation.breach.claim.name
        case = TestCase(f"{self.claims.model.machine}/claim/{name}/{'-'.join(violation.names)}", violation.steps, [])
        report = Report("pass", reason=str(violation.breach), oracle=tester.oracle)
        trace.save(path, report, Settings(machine.tcp(), PROFILE), case=case, target="ref")
