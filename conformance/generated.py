"""One generated trace as a program: what comes next is drawn when it is its turn, for the state that is believed then.

What was done is kept as the steps of a test case, so that it can be done again on any target, and made shorter.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass, field

from wireproof.conformance.draws import Draw
from wireproof.conformance.oracle import Oracle
from wireproof.conformance.session import Session
from wireproof.conformance.stimuli import Stimuli, View
from wireproof.conformance.testcase import Step, TestCase
from wireproof.conformance.tester import Report, Settings, Tester, judged

MEAN = 32
"""Steps of a trace on average, and four times as many at most."""
AFTER_THE_END = 3
"""A trace whose connection is gone ends within this many steps more, on average."""


def look(tester: Tester) -> View:
    """What is known before a step is chosen."""
    oracle, s = tester.oracle, tester.s
    key = (s.local, s.local_port, s.remote, s.remote_port)
    c = oracle.configuration(key)
    view = View(c.state if c is not None else "LISTEN" if oracle.listeners else "CLOSED")
    for h, target in oracle.handles.items():
        if isinstance(target, int):
            view.listener = h
        elif target == key or not view.handle:
            view.handle = h
    if not view.handle and oracle.detached:
        view.handle = next(iter(oracle.detached))
    view.fresh = 1 + max((*oracle.handles, *oracle.detached, *oracle.gone, 1))
    view.acceptable = any(listening.children for listening in oracle.listeners.values())
    view.timed = oracle.next_timer() is not None
    view.injected = len(tester.injected)
    return view


def cut_belief(oracle: Oracle) -> bool:
    """Was a belief cut? From here on a refusal proves nothing."""
    return oracle.lossy or any(j.lossy for j in oracle.judges.values())


@dataclass(slots=True)
class Generated:
    """A trace to be generated: ``draw`` makes its choices, ``left`` says how many events may still be done (asked
    before each), ``done`` is told of each."""

    id: str
    stimuli: Stimuli
    settings: Settings
    draw: Draw
    left: Callable[[], int] = lambda: 1
    done: Callable[[], None] = lambda: None
    steps: list[Step] = field(default_factory=list)
    states: set[str] = field(default_factory=set)
    begun: int = 0
    ended: int = 0

    def start(self, session: Session) -> Generator[int, None, Report]:
        self.begun = session.now()
        tester = Tester(session, self.settings)
        report = yield from judged(tester, self.performed(tester))
        self.ended = session.now()
        return report

    def performed(self, tester: Tester) -> Generator[int, None, int]:
        """Choose steps and carry them out until one is refused or the trace is long enough; how many were done."""
        todo = self.stimuli.opening(self.draw)
        oracle = tester.oracle
        while len(self.steps) < 4 * MEAN and self.left() > 0:
            if todo:
                step = todo.pop(0)
            else:
                view = look(tester)
                self.states.add(view.state)
                ended = view.state == "CLOSED" and bool(self.steps)
                # Both are drawn such that 0 ends the trace: the plainest trace is the shortest.
                if self.draw(AFTER_THE_END if ended else MEAN) == 0 or cut_belief(oracle):
                    break
                step = self.stimuli.step(self.draw, view)
            self.steps.append(step)
            self.done()
            yield from tester.step(step)
            if oracle.refusal is not None:
                return len(self.steps) - 1
        return len(self.steps)

    def case(self) -> TestCase:
        """What was done, as a test case."""
        return TestCase(self.id, list(self.steps), duration_us=self.ended - self.begun)
