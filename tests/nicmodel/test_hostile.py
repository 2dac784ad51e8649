"""Hostile hosts and wires: 20,000 manipulations here, a million with ``make hostile``; every defect as well."""

from __future__ import annotations

import pytest

from tests.nicmodel.hostile import Hostile
from wireproof.nicmodel.defects import DEFECTS


@pytest.mark.parametrize("seed", range(4))
def test_nothing_raises_and_nothing_leaves_its_windows(seed: int) -> None:
    tally = Hostile(1000 + seed).run(5000)
    # A run that reaches nothing proves nothing.
    assert tally.faults > 100 and tally.tx_errors > 100 and tally.sent > 5 and tally.messages > 100


def test_a_run_repeats_itself() -> None:
    one, other = Hostile(7), Hostile(7)
    assert one.run(1500) == other.run(1500)
    assert one.memory.read(0, one.memory.size) == other.memory.read(0, other.memory.size)
    assert [one.device.read(o) for o in one.offsets] == [other.device.read(o) for o in other.offsets]


@pytest.mark.parametrize("name", sorted(DEFECTS))
def test_defects_are_no_way_out_of_the_windows(name: str) -> None:
    """A device with a defect asks for more than it may have; the bus does not give it."""
    Hostile(3, (name,)).run(400)
