"""``wireproof verify``: what is proved, what is searched, what is false, and what cannot be asked."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from wireproof.conformance import trace
from wireproof.tools.cli import run

FALSE = """
property window_never_closes
  means "False on purpose: a peer may close its window."
  on segment
  in ESTABLISHED
  then SND.WND > 0
"""


def verify(capsys: pytest.CaptureFixture[str], *args: str) -> tuple[int, str, str]:
    status = run(["-q", "verify", *args])
    out = capsys.readouterr()
    return status, out.out, out.err


def test_a_theorem_is_proved(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = verify(capsys, "acceptability_as_in_the_table", "antipode_is_neither")
    assert status == 0
    assert "theorem antipode_is_neither: proved, for all values" in out
    assert "2 claims: 2 proved" in out


def test_what_is_searched_is_not_called_proved(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = verify(capsys, "send_window_ordered", "--no-proof", "--depth", "1")
    assert status == 0
    assert "holds to depth 1 (" in out and "bounded, not proved" in out
    assert "1 claims: 1 bounded" in out


def test_what_nothing_met_stays_open(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = verify(capsys, "from_last_ack", "--no-proof", "--depth", "1")
    assert status == 4
    assert "nothing up to depth 1 met it" in out


def test_a_false_property_has_its_shortest_trace(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Open, be answered, hear of a closed window: no shorter path leads from ESTABLISHED to it."""
    more = tmp_path / "more.wire"
    more.write_text(FALSE, "utf-8")
    args = ("window_never_closes", "--with", str(more), "--no-proof", "--depth", "3", "--seconds", "600")
    status, out, _ = verify(capsys, *args, "--save", str(tmp_path), "--format", "json")
    assert status == 1
    found: dict[str, Any] = json.loads(out)["results"][0]
    assert found["status"] == "violated"
    assert len(found["steps"]) == 3
    assert found["steps"][0] == "open-active" and found["steps"][2] == "ack-window-zero"
    recorded = trace.read(Path(found["trace"]))
    assert trace.verdict(trace.rejudge(recorded)) == "pass"
    assert recorded.steps[-1].kind in ("tick", "tx", "rx")


@pytest.mark.parametrize("option", ["--timeout", "--depth", "--seconds", "--jobs"])
def test_a_budget_of_zero_is_refused(capsys: pytest.CaptureFixture[str], option: str) -> None:
    status, out, err = verify(capsys, option, "0")
    assert (status, out) == (2, "")
    assert option in err


def test_an_unknown_name_is_told_with_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    status, _, err = verify(capsys, "send_window_orderd")
    assert status == 2
    assert "did you mean 'send_window_ordered'?" in err


def test_more_claims_may_not_bring_rules(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    more = tmp_path / "more.wire"
    more.write_text("var EXTRA : count = 0\n", "utf-8")
    status, _, err = verify(capsys, "--with", str(more))
    assert status == 2
    assert "may add claims only" in err
