"""What runs cover: rules that report are the same rules, and what they report is so."""

from __future__ import annotations

import functools

import pytest

from wireproof.conformance import suite
from wireproof.conformance.cover import VARIANTS, Runner, Variant
from wireproof.conformance.coverage import Coverage
from wireproof.conformance.guided import Hunt, hunt
from wireproof.conformance.testcase import Step
from wireproof.reference import machine
from wireproof.spec.load import tcp

HANDSHAKE: list[Step] = [
    {"call": "open_passive", "h": 1},
    {"seg": "SYN", "seq": ["RCV.NXT", 0], "mss": 1460},
    {"seg": "ACK", "seq": ["RCV.NXT", 0], "ack": ["SND.NXT", 0]},
]


@functools.cache
def coverage() -> Coverage:
    return Coverage(tcp())


def covered(steps: list[Step], variant: Variant = VARIANTS[0]) -> set[str]:
    found = Runner(coverage(), variant).run(steps)
    assert found is not None
    return found


def test_rules_that_report_decide_as_the_generated_ones() -> None:
    """The suite passes with them, on both sides."""
    for variant in VARIANTS:
        runner = Runner(coverage(), variant)
        for case in suite.load()[::40]:
            assert runner.run(case.steps) is not None, case.id


def test_rule_cell_and_requirement_of_a_handshake() -> None:
    found = covered(HANDSHAKE)
    assert "rule/tcp/syn_received_ack/established" in found
    assert "conjunct/tcp/syn_received_ack/established/not SND.FIN/holds" in found
    assert "cell/SEGMENT/SYN-RECEIVED/step-5" in found
    assert "rule/tcp/reset/reset_by_peer" not in found


@pytest.mark.parametrize(("offset", "name"), [(-1, "-1"), (0, "0"), (1, "+1")])
def test_each_side_of_the_right_edge(offset: int, name: str) -> None:
    """A segment at the edge of the window, one number short of it, and one beyond, are told apart."""
    edge: Step = {"seg": "ACK", "seq": ["RCV.EDGE", -offset], "ack": ["SND.NXT", 0]}
    new = covered([*HANDSHAKE, edge]) - covered(HANDSHAKE)
    assert f"edge/tcp/sequence/acceptable/2/{name}" in new


def test_one_false_conjunct_is_told_and_two_are_not() -> None:
    syn_fin: Step = {"seg": "FIN,ACK", "seq": ["RCV.NXT", 0], "ack": ["SND.UNA", 0]}
    found = covered([*HANDSHAKE[:2], syn_fin])
    assert "conjunct/tcp/syn_received_ack/established/not SND.FIN/refuses" not in found


def test_a_timer_that_an_event_stops() -> None:
    assert "timer/RETRANSMISSION/SYN-RECEIVED/forestalled" in covered(HANDSHAKE)
    assert "timer/RETRANSMISSION/SYN-RECEIVED/ends" in covered([*HANDSHAKE[:2], {"wait": "timer"}])


def test_the_hunt_hangs_on_its_seed_alone() -> None:
    runs = []
    for _ in range(2):
        job = hunt(coverage(), Runner(coverage(), VARIANTS[0]), Hunt("seed", set(), [HANDSHAKE]), 15)
        runs.append([(f.steps, sorted(f.covers)) for f in job.found])
    assert runs[0] == runs[1]
    assert runs[0]


def test_what_the_hunt_says_is_covered_is_covered_again() -> None:
    runner = Runner(coverage(), VARIANTS[0])
    job = hunt(coverage(), runner, Hunt("again", set(), [HANDSHAKE]), 25)
    for found in job.found[:10]:
        assert found.covers <= (runner.run(found.steps) or set())


def test_a_machine_of_ones_own_is_left_alone() -> None:
    """Reporting rules live beside the generated ones, not in their place."""
    before = machine.tcp().arrives["segment"]
    coverage()
    assert machine.tcp().arrives["segment"] is before
