"""A SYN for a connection in TIME-WAIT may begin a new one, or not: the oracle waits to see which."""

from __future__ import annotations

import functools
from collections.abc import Callable

import pytest

from wireproof.conformance import suite
from wireproof.conformance.targets.reference import ReferenceTarget
from wireproof.conformance.testcase import Step, TestCase
from wireproof.conformance.tester import Report, Settings, run_case
from wireproof.reference import machine
from wireproof.reference.policy import Policy

CASES = [c for c in suite.load() if "/time_wait/" in c.id and "syn" in c.id.rsplit("/", 1)[-1]]


def answer(reopens: bool, name: str, usual: bool) -> bool:
    return reopens if name == "reopens" else usual


def run(steps: list[Step], choose: Callable[[str, bool], bool]) -> Report:
    target = ReferenceTarget(policy=functools.partial(Policy, choose=choose))
    session = target.session()
    program = run_case(TestCase("t", steps), session, Settings(machine.tcp()))
    try:
        until = next(program)
        while True:
            session.pass_time(until)
            until = program.send(None)
    except StopIteration as stop:
        report: Report = stop.value
        return report


@pytest.mark.parametrize("reopens", [True, False])
def test_both_ways_pass(reopens: bool) -> None:
    """A stack that takes the SYN as a new connection and one that stays in TIME-WAIT are both right."""
    assert CASES
    for case in CASES:
        report = run(case.steps, functools.partial(answer, reopens))
        assert report.verdict == "pass", (case.id, report.refusal)


def test_the_rest_of_the_trace_tells_them_apart() -> None:
    """The rules that fire after the SYN are those of what the stack did."""
    case = next(c for c in CASES if c.id.endswith("new_incarnation/syn-in-window"))
    ends = []
    for reopens in (True, False):
        oracle = run(case.steps, functools.partial(answer, reopens)).oracle
        assert oracle is not None
        assert all(len(j.configs) == 1 for j in oracle.judges.values())
        ends.append([r for s in oracle.steps for r in s.rules][-1])
    assert ends[0] != ends[1]


def test_other_choices_are_all_right_too() -> None:
    """The whole suite passes on a reference that answers every silent choice the other way."""
    assert all(
        run(c.steps, lambda name, usual: usual if name == "room" else not usual).verdict == "pass" for c in suite.load()
    )


FOUND: dict[str, list[Step]] = {
    "a closed listener takes a connection with it": [
        {"call": "open_passive", "h": 1},
        {"seg": "SYN", "seq": ["RCV.NXT", 0], "mss": 1460},
        {"seg": "PSH,ACK", "seq": ["RCV.NXT", 1460], "ack": ["SND.NXT", 0], "len": 1460},
        {"call": "close", "h": 1},
    ],
    "and one that is being opened": [
        {"call": "open_passive", "h": 1},
        {"seg": "SYN", "seq": ["RCV.NXT", 0], "mss": 1460},
        {"call": "close", "h": 1},
        {"wait": "timer"},
    ],
    "an error that is survived, against a SHOULD, shows later": [
        {"call": "open_active", "h": 1},
        {"seg": "SYN,ACK", "seq": ["RCV.NXT", 0], "ack": ["SND.NXT", 0], "mss": 1460, "wnd": 400, "len": 657},
        {"icmp": [3, 3], "seq": ["SND.UNA", 0]},
        {"seg": "", "seq": ["RCV.NXT", 0], "len": 1, "wnd": 0},
    ],
}


@pytest.mark.parametrize("name", FOUND)
@pytest.mark.parametrize("contrary", [True, False])
def test_found_by_references_that_choose_otherwise(name: str, contrary: bool) -> None:
    """Each was refused once."""
    report = run(FOUND[name], lambda choice, usual: usual if choice == "room" else usual != contrary)
    assert report.verdict == "pass", report.refusal
