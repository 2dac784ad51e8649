"""Generated traces on the reference, beside a driver that makes segments at random and looks at nothing."""

from __future__ import annotations

import random
from typing import Any

from tests.benchmarks.measure import Effort, Figure, beside, figure, seconds
from wireproof.conformance import catalogue
from wireproof.conformance.campaign import CaseProgram
from wireproof.conformance.draws import Tape
from wireproof.conformance.generated import MEAN, Generated
from wireproof.conformance.stimuli import Stimuli
from wireproof.conformance.testcase import TestCase
from wireproof.reference.codec import encode
from wireproof.reference.segment import Segment

KIND = catalogue.find("ref")


class _Kept:
    def __init__(self) -> None:
        self.programs: list[Any] = []

    def finished(self, program: Any, result: Any, error: BaseException | None) -> None:
        if error is not None:
            raise error
        self.programs.append(program)


def measure(effort: Effort) -> dict[str, Figure]:
    """Events by the second: generated and judged; the same steps judged without being drawn; random and not judged."""
    traces = effort.size(600, 20)
    generated, replayed, bare = [], [], []
    for run in range(effort.runs):
        kept = _Kept()
        stimuli, target, settings = Stimuli(), KIND.open(), KIND.settings()
        programs: list[Any] = [Generated("", stimuli, settings, Tape(f"{run}:{n}")) for n in range(traces)]
        took = seconds(lambda: target.run(programs, kept))  # noqa: B023
        events = sum(len(p.steps) for p in kept.programs)
        generated.append(events / took)
        cases: list[Any] = [CaseProgram(TestCase("", p.steps), settings) for p in kept.programs]
        replayed.append(events / seconds(lambda: target.run(cases, _Kept())))  # noqa: B023
        bare.append(events / seconds(lambda: _bare(run, events)))  # noqa: B023
    return {
        "generated": figure(generated, "events/s"),
        "replayed": figure(replayed, "events/s"),
        "bare": figure(bare, "events/s"),
        "ratio": beside(generated, bare, "bare"),
        "ratio_replayed": beside(generated, replayed, "replayed"),
    }


def _bare(seed: int, events: int) -> None:
    """Segments with random fields, for hosts that listen; as many to each host as a trace has steps on average."""
    target = catalogue.find("ref").open()
    draw = random.Random(seed)
    left = events
    while left > 0:
        session = target.session()  # type: ignore[attr-defined]
        session.call(1, "open_passive", local=(session.local, 80), backlog=8)
        for _ in range(min(MEAN, left)):
            s = Segment(session.remote, session.local, 5000, 80, ctl=draw.randrange(64), wnd=draw.randrange(65536))
            s.seq, s.ack = draw.randrange(1 << 32), draw.randrange(1 << 32)
            s.data = bytes(draw.choice((0, 0, 1, 10, 1460)))
            session.inject(encode(s))
            session.drain()
        left -= MEAN
