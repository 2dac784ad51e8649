"""Search for purposes that the plain search misses: traces drawn from what the rules compare, kept and gone on with
when they show something new (a guard that came out as it never did, in a state in which it never did).

Everything hangs on the seed: the same seed gives the same traces.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field

from wireproof.conformance.cover import Runner, Variant
from wireproof.conformance.coverage import Coverage
from wireproof.conformance.draws import Tape, pick
from wireproof.conformance.generated import cut_belief, look
from wireproof.conformance.search import look as alike
from wireproof.conformance.stimuli import Stimuli, View
from wireproof.conformance.testcase import Step

LONGEST = 24
"""Steps of a trace that is gone on with, at most."""
FRESH = 4
"""One trace in so many begins anew."""
TAIL = 8
"""Steps drawn behind what is gone on with, at most."""

AGAIN = 5
"""One step in so many is the last one again: three equal acknowledgments mean more than one."""
BEFORE_WRAP = (1, 2, 3, 12, 537, 1461, 1462, 2922, 65535)
"""How many numbers are left before they wrap around, counted from a SYN's."""


@dataclass(slots=True)
class Found:
    """A trace that covers purposes, on one variant."""

    steps: list[Step]
    variant: Variant
    covers: set[str]


@dataclass(slots=True)
class Hunt:
    """One worker's share: what is known to be covered, traces to go on with, and what it found."""

    seed: str
    covered: set[str]
    pool: list[list[Step]]
    found: list[Found] = field(default_factory=list)
    shown: set[object] = field(default_factory=set)
    """What any trace has shown, to tell what is new."""
    refused: list[str] = field(default_factory=list)
    """Traces that the oracle refuses the reference for: a fault of one of them, or of the specification."""
    runs: int = 0


def hunt(coverage: Coverage, runner: Runner, job: Hunt, runs: int, stop: Callable[[], bool] = lambda: False) -> Hunt:
    """Draw ``runs`` traces, or fewer when ``stop`` says so."""
    stimuli = Stimuli()
    for n in range(runs):
        if stop():
            break
        job.runs += 1
        draw = Tape(f"{job.seed}/{n}")
        first = list(job.pool[-1 - min(draw(len(job.pool)), draw(len(job.pool)))]) if job.pool and draw(FRESH) else []
        steps: list[Step] = []
        try:
            _trace(coverage, runner, job, stimuli, draw, first, steps)
        except AssertionError as error:
            job.refused.append(f"{error} behind {json.dumps(steps[:-1])}")
    return job


def _trace(
    coverage: Coverage, runner: Runner, job: Hunt, stimuli: Stimuli, draw: Tape, todo: list[Step], steps: list[Step]
) -> None:
    """One trace: what is gone on with, then what is drawn."""
    tester, session = runner.begin()
    given = len(todo)
    if not todo:
        todo = stimuli.opening(draw)
    length = given + 1 + draw(TAIL)
    while len(steps) < length:
        step = todo.pop(0) if todo else _next(stimuli, draw, look(tester), steps)
        steps.append(step)
        covers = runner.step(tester, session, step)
        if covers is None or cut_belief(tester.oracle):
            return
        if len(steps) <= given:
            continue
        state, key = alike(tester, session, "", False, False)
        signs: set[object] = {(point, state) for point in coverage.points}
        signs.add(key)
        news = signs - job.shown
        covers -= job.covered
        if not news and not covers:
            continue
        job.shown |= news
        if covers:
            job.covered |= covers
            job.found.append(Found(list(steps), runner.variant, covers))
        if len(steps) <= LONGEST:
            job.pool.append(list(steps))


def _next(stimuli: Stimuli, draw: Tape, view: View, steps: list[Step]) -> Step:
    """The next step: mostly a new one; at times the last once more, and a SYN whose numbers soon wrap around."""
    if steps and draw(AGAIN) == 1 and ("seg" in steps[-1] or "wait" in steps[-1]):
        return dict(steps[-1])
    step = stimuli.step(draw, view)
    if "SYN" in step.get("seg", "") and view.state in ("CLOSED", "LISTEN", "SYN-SENT") and draw(3) == 1:
        step["seq"] = ["ABS", (1 << 32) - pick(draw, BEFORE_WRAP)]
    return step
