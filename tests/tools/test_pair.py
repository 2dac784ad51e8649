"""``wireproof pair``: what it prints, and how it ends."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from wireproof.conformance.pairs import Event, Pair, State
from wireproof.conformance.scenarios import SCENARIOS
from wireproof.tools.cli import run


def pair(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    status = run(["pair", *arguments])
    out, err = capsys.readouterr()
    return status, out, err


def test_a_complete_search_that_finds_nothing_wrong_exits_0(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = pair(capsys, "opening", "half-open", "--dup", "0", "--format", "plain")
    assert status == 0
    assert out.count("· complete") == 2
    assert "✓ numbers · acknowledged · delivery · no-reset · deadlock · agreement · ack-war · livelock" in out
    assert "RESULT  2 scenarios: 2 holds" in out and out.count("states/s") == 3


def test_a_violation_is_shown_as_a_ladder_and_exits_1(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = pair(
        capsys, "simultaneous-close", "--mutant", "time-wait-answers-ack", "--dup", "0", "--loss", "0"
    )
    assert status == 1
    lines = out.splitlines()
    again = next(i for i, line in enumerate(lines) if "from here again and again, 2 step(s):" in line)
    assert all(line.split()[1:3] == ["TIME-WAIT", "TIME-WAIT"] for line in lines[again + 1 : again + 3])
    assert "ACK seq=A+2 ack=B+2 arrives at B; sends ACK seq=B+2 ack=A+2" in out


def test_verbose_names_claims_and_rules(capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = pair(capsys, "refused", "--mutant", "reset-storm", "--dup", "0", "-v")
    assert "what a user is given is what the other user sent" in out
    assert "tcp/closed/reset_without_ack" in out


def test_a_reached_bound_is_no_proof_and_exits_4(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = pair(capsys, "any-close", "--max-states", "1000")
    assert status == 4
    assert "not complete: --max-states 1,000 reached" in out
    assert "? deadlock" in out and "✓" not in out


def test_json_has_the_figures_and_the_traces(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = pair(capsys, "refused", "--mutant", "reset-storm", "--format", "json")
    result = json.loads(out)
    assert status == result["exit"] == 1
    assert result["mutant"] == "reset-storm" and result["bounds"]["loss"] == 1
    (found,) = result["scenarios"]
    assert found["complete"] is True and found["states"] > 10 and found["depth"] > 3
    assert found["states_per_second"] > 0
    war = next(c for c in found["claims"] if c["claim"] == "ack-war")
    assert war["verdict"] == "violated" and war["again"] > 0 and war["trace"][1]["rules"]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["any-clos"], "there is no scenario 'any-clos'; did you mean 'any-close'?"),
        (["zzz"], f"there are {', '.join(SCENARIOS)}"),
        (["--max-states", "0"], "--max-states must be at least 1, not 0"),
        (["--channel", "0"], "--channel must be at least 1, not 0"),
        (["--loss", "-1"], "--loss must be at least 0, not -1"),
        (["--mutant", "nobody"], "there is no mutant 'nobody'"),
        (["--mutant", "mss-everywhere"], "spoils datagrams, not rules"),
        (["--loss", "x"], "not a valid integer"),
    ],
)
def test_wrong_usage_is_told_and_exits_2(capsys: pytest.CaptureFixture[str], arguments: list[str], told: str) -> None:
    status, out, err = pair(capsys, *arguments)
    assert (status, out) == (2, "")
    assert told in err


def test_an_interrupted_search_shows_what_it_has_and_exits_130(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    events, left = Pair.events, iter(range(1500))

    def interrupted(self: Pair, s: State) -> Iterator[Event]:
        for n, e in enumerate(events(self, s)):
            if n == 1 and next(left, None) is None:
                raise KeyboardInterrupt
            yield e

    monkeypatch.setattr(Pair, "events", interrupted)
    status, out, err = pair(capsys, "opening", "any-close", "closing")
    assert (status, err) == (130, "")
    assert out.count("· complete") == 1 and out.count("not complete: interrupted") == 1
    assert "closing   " not in out and "exit 130" in out
    assert "? deadlock" in out
