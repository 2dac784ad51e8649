"""The frozen suite: it is in order, it covers the specification, the reference passes it, and no mutant does."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import pytest

from wireproof.conformance import mutation, suite
from wireproof.conformance.session import Program, Session, TestProgram
from wireproof.conformance.targets.reference import ReferenceTarget
from wireproof.conformance.testcase import SuiteError, read_suite, suite_file
from wireproof.conformance.testcase import TestCase as Case
from wireproof.conformance.tester import Settings, run_case
from wireproof.reference import machine
from wireproof.spec import load, requirements
from wireproof.spec.grid import cells

CASES = suite.load()
RULES = {r.id: (s, r) for s, r in load.tcp().rules()}

UNSHOWN_CELLS = {"TIMEOUT/TIME-WAIT-END"}
"""Cells without a case: their rules fire in silence, and the search follows what it sees. By hand below."""
UNSHOWN_REQUIREMENTS = {"MUST-66"}
"""Requirements without a case: closing a window takes more segments than a case has. By hand in test_judge.py."""


@dataclass(slots=True)
class Planned:
    """A case as a program."""

    id: str
    case: Case
    settings: Settings

    def start(self, session: Session) -> TestProgram:
        return run_case(self.case, session, self.settings)


@dataclass(slots=True)
class Results:
    """What came of the cases that did not pass, by id."""

    others: dict[str, str] = field(default_factory=dict)
    failed: int = 0

    def finished(self, program: Program, result: Any, error: BaseException | None) -> None:
        if error is not None:
            self.others[program.id] = f"error: {error!r}"
        elif result.verdict != "pass":
            self.failed += result.verdict == "fail"
            self.others[program.id] = f"{result.verdict}: {result.refusal.text if result.refusal else result.reason}"


def run(target: ReferenceTarget, cases: Iterable[Case], profile: str = "rfc5961") -> Results:
    settings, results = Settings(machine.tcp(), profile), Results()
    target.run([Planned(c.id, c, settings) for c in cases], results)
    return results


class Watched(machine.Machine):
    """The reference's machine, which notes the rules that fire in it, however silently."""

    def __init__(self) -> None:
        from wireproof.reference.generated import tcp

        super().__init__(vars(tcp))
        self.fired: set[str] = set()

    def arrive(self, event: str, c: Any, e: Any, x: Any) -> int:
        end = super().arrive(event, c, e, x)
        self.fired.update(x.fired)
        return end

    def call(self, name: str, c: Any, e: Any, x: Any) -> bool:
        known = super().call(name, c, e, x)
        self.fired.update(x.fired)
        return known

    def timeout(self, timer: str, c: Any, x: Any) -> None:
        super().timeout(timer, c, x)
        self.fired.update(x.fired)


@functools.cache
def fired() -> frozenset[str]:
    """Every rule that fires in the reference while it passes the suite."""
    watched = Watched()
    assert run(ReferenceTarget(machine=watched), CASES).others == {}
    return frozenset(watched.fired)


# ---- the file -----------------------------------------------------------------------------------------------------


def test_ids_are_unique_and_in_order() -> None:
    ids = [c.id for c in CASES]
    assert ids == sorted(set(ids))
    assert len(ids) > 1000


def test_the_file_is_written_as_it_is_read(tmp_path: Path) -> None:
    for path in (suite.path(), suite.made_path()):
        (tmp_path / "again.jsonl").write_text(suite_file(read_suite(path)), "utf-8")
        assert (tmp_path / "again.jsonl").read_bytes() == path.read_bytes()


def test_no_two_cases_have_the_same_steps() -> None:
    seen: dict[str, str] = {}
    twice = [(c.id, seen[k]) for c in CASES if (k := repr(c.steps)) in seen or seen.setdefault(k, c.id) != c.id]
    assert twice == []


def test_every_rule_named_exists() -> None:
    assert {r for c in CASES for r in c.rules} - RULES.keys() == set()


def test_every_cell_and_requirement_named_exists() -> None:
    assert {x for c in CASES for x in c.cells} <= {c.cell for c in cells(load.tcp())}
    assert {i for c in CASES for i in c.ids} <= {r.id for r in requirements.read()}


def test_every_case_says_what_it_is_for() -> None:
    for c in CASES:
        assert c.steps and c.rules and c.duration_us > 0, c.id
        assert c.level in ("must", "should", "may", "procedure"), c.id
        assert set(c.ids) == {i for r in c.rules for i in RULES[r][1].ids}, c.id


@pytest.mark.parametrize(
    ("text", "line"), [("{}\n", 1), ('{"id":"a","steps":[]}\nnonsense\n', 2), ("[]\n", 1), ("\n\n3\n", 3)]
)
def test_a_line_that_is_no_case_is_told_with_its_number(tmp_path: Path, text: str, line: int) -> None:
    (tmp_path / "bad.jsonl").write_text(text, "utf-8")
    with pytest.raises(SuiteError, match=rf"bad\.jsonl:{line}: not a test case"):
        read_suite(tmp_path / "bad.jsonl")


def test_a_suite_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(SuiteError, match="cannot be read"):
        read_suite(tmp_path / "none.jsonl")


# ---- what it covers -----------------------------------------------------------------------------------------------


def test_every_cell_whose_rules_can_fire_has_a_case() -> None:
    tagged = {x for c in CASES for x in c.cells}
    found = cells(load.tcp())
    missing = {c.cell for c in found if c.cell not in tagged and any(r in fired() for r in c.rules)}
    assert missing <= UNSHOWN_CELLS
    # None is left out for another reason: the others are reached by the reference while it passes.
    assert {c.cell for c in found if not any(r in fired() for r in c.rules)} <= UNSHOWN_CELLS


def test_every_requirement_that_an_event_can_show_has_a_case() -> None:
    tested = {i for c in CASES for i in c.ids}
    visible = {
        r.id
        for r in requirements.table(load.tcp())
        if any(RULES[x][0].kind not in ("every", "after", "procedure") for x in r.rules)
    }
    assert len(visible) > 80
    assert visible - tested <= UNSHOWN_REQUIREMENTS


def test_rules_of_a_case_fire_in_the_reference_or_are_another_choice() -> None:
    """Most rules that the cases are for are taken by the reference itself; what is left is silent choices."""
    named = {r for c in CASES for r in c.rules if RULES[r][0].kind not in ("may", "every", "after")}
    assert len(named & fired()) > 0.9 * len(named)


def test_the_end_of_time_wait_by_hand() -> None:
    """Until then the peer's FIN is acknowledged again; afterwards nobody knows it any more, and it is reset."""
    fin = {"seg": "FIN,ACK", "seq": ["RCV.NXT", -1], "ack": ["SND.NXT", 0]}
    steps: list[dict[str, Any]] = [
        {"call": "open_active", "h": 1},
        {"seg": "SYN,ACK", "seq": ["RCV.NXT", 0], "ack": ["SND.NXT", 0]},
        {"call": "close", "h": 1},
        {"seg": "FIN,ACK", "seq": ["RCV.NXT", 0], "ack": ["SND.NXT", 0]},
        {"wait": "before-timer"},
        fin,
        {"wait": "timer"},
        {"seg": "ACK", "seq": ["PEER", 1], "ack": ["ABS", 7]},
    ]
    watched = Watched()
    assert run(ReferenceTarget(machine=watched), [Case("by-hand", steps)]).others == {}
    assert {"tcp/time_wait_over/delete", "tcp/closed/reset_with_ack"} <= watched.fired
    for name in ("time-wait-short", "no-time-wait"):
        assert run(mutation.target(name), [Case("by-hand", steps)]).failed == 1


# ---- who passes, and who does not ---------------------------------------------------------------------------------


@pytest.mark.parametrize("family", [4, 6])
@pytest.mark.parametrize("profile", ["rfc793", "rfc9293", "rfc5961", "linux"])
def test_the_reference_passes(profile: str, family: Literal[4, 6]) -> None:
    assert run(ReferenceTarget(family=family, profile=profile), CASES, profile).others == {}


@pytest.mark.parametrize("name", mutation.mutants())
def test_every_mutant_is_found(name: str) -> None:
    """By a quarter of the suite, or by the whole where it takes the one case that shows it."""
    target = mutation.target(name)
    found = run(target, CASES[::4])
    if not found.failed:
        found = run(target, CASES)
    assert found.failed > 0
    assert not any(text.startswith("error") for text in found.others.values())
