"""SPIN and the exploration, on rules that were written down twice, reach the same number of states."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.benchmarks import spin
from wireproof.conformance import exploration
from wireproof.conformance.pairs import Bounds

pytestmark = pytest.mark.skipif(spin.missing() is not None, reason=spin.missing() or "")

CASES = [
    ("opening", Bounds()),
    ("simultaneous-open", Bounds(dup=0)),
    ("closing", Bounds(channel=1, loss=2)),
    ("any-close", Bounds(dup=0)),
    ("simultaneous-close", Bounds()),
]


@pytest.mark.parametrize(("scenario", "bounds"), CASES)
def test_spin_finds_the_same_states_and_nothing_wrong(scenario: str, bounds: Bounds, tmp_path: Path) -> None:
    report = exploration.run(scenario, bounds)
    assert report.verdict == "holds" and report.bound == ""
    found = spin.search(spin.build(scenario, bounds, tmp_path, level="-O0"))
    assert found.errors == 0
    assert found.states == spin.expected(report)
    assert report.depth < found.depth <= report.depth + 4  # one before the beginning, up to three behind the end


def test_spin_reports_a_model_that_ends_wrong(tmp_path: Path) -> None:
    """The model is not one in which nothing can go wrong: quiet is reached, and what is asserted of it is checked."""
    text = spin.MODEL.read_text().replace("QUIET (st[0] == CLOSED &&", "QUIET (st[0] == LISTEN &&")
    wrong = tmp_path / "pair.pml"
    wrong.write_text(text)
    pan = spin.build("closing", Bounds(dup=0), tmp_path, wrong, "-O0")
    assert spin.search(pan).errors == 1
