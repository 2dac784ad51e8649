"""``wireproof reach``: shortest, replayable, and clear about what it did not find."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from tests.tools.test_cli import wireproof
from wireproof.spec import load

STATES = load.tcp().enums["state"]


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("state", STATES)
def test_each_state_in_two_seconds(state: str) -> None:
    since = time.monotonic()
    ended = wireproof("reach", f"STATE == {state}", "--format", "json")
    assert time.monotonic() - since < 2
    found = json.loads(ended.out)
    assert (ended.status, found["found"], found["shortest"]) == (0, True, True)
    assert (found["steps"][-1]["states"]["A"] if found["steps"] else "CLOSED") == state


def test_both_in_closing_in_ten_seconds(elsewhere: Path) -> None:
    since = time.monotonic()
    ended = wireproof("reach", "A.state==CLOSING and B.state==CLOSING")
    assert time.monotonic() - since < 10
    lines = ended.out.splitlines()
    assert ended.status == 0
    assert lines[0].startswith("reachable in 8 steps (shortest).")
    assert lines[-1] == "judged: A accepted, B accepted"
    for name in ("reach-1.wpt", "reach-1-B.wpt"):
        path = str(Path(".wireproof/traces") / name)
        assert wireproof("replay", path).status == 0
        assert wireproof("replay", path, "--target", "ref").status == 0
        shown = wireproof("explore", "--load", path).out
        assert "A CLOSING   B CLOSING" in shown


def test_the_way_after_some_events() -> None:
    ended = wireproof(
        "reach",
        "A.state = TIME-WAIT and B.state = LAST-ACK",
        "--after",
        "B.open passive; A.open active",
        "--avoid",
        "dup",
    )
    assert ended.status == 0
    assert "after the 2 given (shortest)" in ended.out
    # A path without crossing SYNs.
    assert "B LISTEN -> SYN-RECEIVED" in ended.out


def test_what_is_not_found_is_no_proof() -> None:
    ended = wireproof("reach", "A.state==ESTABLISHED and B.state==LISTEN", "--max-steps", "4", "--avoid", "dup")
    assert ended.status == 4
    assert "not found within 4 steps" in ended.err
    assert "not a proof" in ended.err
    assert ended.out == ""
    plain = json.loads(wireproof("reach", "SND.WND = 7", "--max-steps", "2", "--format", "json").out)
    assert (plain["found"], plain["shortest"], plain["steps"]) == (False, False, [])
    cut = wireproof("reach", "SND.WND = 7", "--max-states", "3")
    assert (cut.status, "--max-states" in cut.err) == (4, True)


def test_what_is_avoided() -> None:
    ended = wireproof("reach", "STATE = FIN-WAIT-2", "--avoid", "state = syn_received", "--format", "json")
    steps = json.loads(ended.out)["steps"]
    assert all(s["states"]["A"] != "SYN-RECEIVED" for s in steps)


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (("STATE = CLOSNG",), "did you mean 'CLOSING'?"),
        (("STATE = CLOSING", "--avoid", "STAET = LISTEN"), "did you mean 'STATE'?"),
        (("STATE = 3 s",), "do not go together"),
        (("A.state = CLOSING and state = CLOSED",), "A.STATE or B.STATE"),
        (("STATE = CLOSING", "--max-states", "0"), "max-states"),
        (("STATE = CLOSING", "--after", "A.opne"), "did you mean 'open'"),
        (("STATE = CLOSING", "--after", "deliver"), "no segment 1"),
    ],
)
def test_bad_questions(argv: tuple[str, ...], said: str) -> None:
    ended = wireproof("reach", *argv)
    assert ended.status == 2
    assert said in ended.err
    assert ended.out == ""


def test_traces_are_numbered_and_can_be_left_out(elsewhere: Path) -> None:
    wireproof("reach", "STATE = LISTEN")
    wireproof("path", "STATE = SYN-SENT")
    wireproof("reach", "STATE = SYN-SENT", "--no-save")
    assert sorted(p.name for p in elsewhere.glob(".wireproof/traces/*")) == ["reach-1.wpt", "reach-2.wpt"]
