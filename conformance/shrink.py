"""Hypothesis and generated traces: its shrinking for traces that were drawn in bulk, and a state machine of its own.

A bulk trace keeps the tape of its choices. Each is a number below n, as ``integers(0, n - 1)`` is to Hypothesis; so
the tape is handed to it as an example that failed before, and it shrinks that like any other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from random import Random

from hypothesis import HealthCheck, Phase, core, find, settings
from hypothesis import strategies as st
from hypothesis.database import ExampleDatabase, choices_to_bytes
from hypothesis.errors import HypothesisException

from wireproof.conformance.draws import Draw
from wireproof.conformance.testcase import Step

KEY = b"wireproof trace"
TRIES = 60
"""How many shrunk tapes are run."""


class _Tape(ExampleDatabase):
    """A database with one failing example in it."""

    def __init__(self, choices: Sequence[int]):
        super().__init__()
        # One choice more than the trace takes: an example that fits exactly counts as shrunk already.
        self.examples = {choices_to_bytes((*choices, 0))}

    def save(self, key: bytes, value: bytes) -> None:
        if key == KEY:
            self.examples.add(value)

    def fetch(self, key: bytes) -> Iterable[bytes]:
        return tuple(self.examples) if key == KEY else ()

    def delete(self, key: bytes, value: bytes) -> None:
        self.examples.discard(value)


def drawn_from(data: st.DataObject) -> Draw:
    """Choices that Hypothesis makes."""

    def draw(n: int) -> int:
        return data.draw(st.integers(0, n - 1)) if n > 1 else 0

    return draw


def shrunk(
    choices: Sequence[int], run: Callable[[Draw], tuple[list[Step], bool]], tries: int = TRIES
) -> list[Step] | None:
    """The steps of the shortest trace that Hypothesis' shrinking finds from a tape of choices.

    ``run`` generates a trace with the choices that it is given: its steps, and whether it fails as it should. None
    when the tape does not fail, or Hypothesis gives up; whoever asks goes on with the trace that there was.
    """
    best: list[list[Step]] = []
    left = tries

    def fails(data: st.DataObject) -> bool:
        nonlocal left
        left -= 1
        if left < 0:
            return False
        steps, failing = run(drawn_from(data))
        if failing and (not best or len(steps) <= len(best[-1])):
            best.append(steps)
        return failing

    quiet = settings(
        database=_Tape(choices),
        phases=(Phase.reuse, Phase.shrink),
        deadline=None,
        max_examples=tries,
        suppress_health_check=list(HealthCheck),
    )
    # A seed of find's own would switch the database off.
    core.threadlocal._hypothesis_global_random = Random(0)
    # It raises when nothing failed, and when what failed does so no more because the tries are used up.
    with suppress(HypothesisException):
        find(st.data(), fails, settings=quiet, database_key=KEY)
    return best[-1] if best else None
