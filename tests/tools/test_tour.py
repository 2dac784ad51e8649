"""The commands around ``run``: demo, replay, doctor, suite, targets, cex."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from wireproof.conformance import mutation, records, suite
from wireproof.conformance.targets import environment
from wireproof.tools.cli import cli
from wireproof.tools.commands import demo

Invoke = Callable[..., Result]
RESETS = "rule:tcp/sequence/unacceptable_reset"


@pytest.fixture
def wireproof(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Invoke:
    """Runs the command line in an empty directory."""
    monkeypatch.chdir(tmp_path)

    def invoke(*argv: str) -> Result:
        result = CliRunner().invoke(cli, list(argv))
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert "Traceback" not in result.output
        return result

    return invoke


def failures() -> list[dict[str, Any]]:
    return records.load("r1").failures()


# ---- demo --------------------------------------------------------------------------------------------------------


def test_the_demo_without_root(wireproof: Invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo, "missing_for_kernel", lambda: "privilege: uid 1000")
    result = wireproof("demo")
    assert result.exit_code == 0
    out = result.stdout
    assert "rules compiled" in out
    assert all(f"mutant:{name}: " in out for name in demo.MUTANTS)
    assert out.count("✓ found by ") == len(demo.MUTANTS)
    assert "broken rule: tcp/sequence/unacceptable_reset" in out
    assert "left out: privilege: uid 1000" in out
    assert "wireproof run 'mutant:*'" in out


def test_the_demo_says_what_is_unexpected(wireproof: Invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo, "missing_for_kernel", lambda: "no")
    monkeypatch.setattr(demo, "MUTANTS", ("urgent-off-by-one",))
    few = [c for c in suite.load() if c.state == "LISTEN"]
    monkeypatch.setattr(demo, "read_suite", lambda: few)
    result = wireproof("demo")
    assert result.exit_code == 1
    assert "UNEXPECTED: mutant:urgent-off-by-one was not found" in result.stdout


# ---- replay ------------------------------------------------------------------------------------------------------


def test_replay_on_targets(wireproof: Invoke) -> None:
    wireproof("run", "mutant:rst-answered", RESETS)
    short, count = failures()[0]["cex"], len(failures())
    still = wireproof("replay", short, "--target", "mutant:rst-answered")
    assert (still.exit_code, "✗ STILL" in still.stdout, "1 still · exit 1" in still.stdout) == (1, True, True)
    fixed = wireproof("replay", "--target", "ref")
    assert (fixed.exit_code, f"{count} fixed · exit 0" in fixed.stdout) == (0, True)
    changed = wireproof("replay", "r1", "--target", "mutant:mss-everywhere", "--format", "json")
    assert changed.exit_code == 1
    assert "CHANGED" in {o["outcome"] for o in json.loads(changed.stdout)}


@pytest.mark.parametrize(
    ("argv", "code", "message"),
    [
        (["replay"], 4, "no run is recorded"),
        (["replay", "c-none"], 2, "there is no counterexample 'c-none'"),
        (["replay", "nonsense"], 2, "'nonsense' is no file"),
        (["cex", "list"], 4, "no run is recorded"),
        (["cex", "list", "r7"], 2, "there is no run 'r7'"),
        (["cex", "show", "c-none"], 2, "there is no counterexample"),
        (["suite", "list", "stat:X"], 2, "there is no tag 'stat'"),
        (["suite", "list", "state:X"], 4, "no test is selected"),
        (["suite", "show", "tcp/abort/established/reset/abrt"], 2, "did you mean 'tcp/abort/established/reset/abort'?"),
        (["targets", "info", "lnux"], 2, "did you mean 'linux'?"),
    ],
)
def test_what_is_not_there_is_told(wireproof: Invoke, argv: list[str], code: int, message: str) -> None:
    result = wireproof(*argv)
    assert result.exit_code == code
    assert message in result.stderr


def test_nothing_to_replay_and_unknown_targets(wireproof: Invoke) -> None:
    wireproof("run", "ref", "state:LISTEN")
    assert wireproof("replay").exit_code == 4
    assert wireproof("cex", "list").exit_code == 4
    wireproof("run", "mutant:rst-answered", RESETS)
    result = wireproof("replay", "--target", "lnux")
    assert (result.exit_code, "did you mean 'linux'?" in result.stderr) == (2, True)


def test_replay_judges_recordings(wireproof: Invoke) -> None:
    wireproof("run", "mutant:rst-answered", RESETS)
    first = failures()[0]
    file = records.load("r1").path / f"{first['cex']}.wpt"
    for what in (first["cex"], str(file)):
        still = wireproof("replay", what, "--format", "json")
        outcomes = json.loads(still.stdout)
        assert (still.exit_code, [(o["outcome"], o["id"]) for o in outcomes]) == (1, [("STILL", first["id"])])
    assert wireproof("replay", str(file), "--target", "ref").exit_code == 0
    changed = file.read_text().replace("tcp/sequence/unacceptable_reset", "tcp/text/none", 1)
    recording = json.loads(changed.splitlines()[0]) | {"rule": "tcp/text/none"}
    Path("other.wpt").write_text("\n".join([json.dumps(recording), *file.read_text().splitlines()[1:]]) + "\n")
    assert "CHANGED" in wireproof("replay", "other.wpt").stdout
    Path("cut.wpt").write_text("\n".join(file.read_text().splitlines()[:-1]) + "\n")
    result = wireproof("replay", "cut.wpt")
    assert (result.exit_code, "cut.wpt" in result.stderr) == (2, True)
    file.unlink()
    assert "ERROR" in wireproof("replay", first["cex"]).stdout


# ---- cex ---------------------------------------------------------------------------------------------------------


def test_counterexamples_are_listed_shown_and_explained(wireproof: Invoke) -> None:
    wireproof("run", "mutant:rst-answered", RESETS)
    listed = wireproof("cex", "list").stdout
    assert all(f["cex"] in listed and f["id"] in listed for f in failures())
    short = failures()[0]["cex"]
    shown = wireproof("cex", "show", short)
    assert shown.exit_code == 0
    assert failures()[0]["steps"][0]["text"] in shown.stdout
    explained = wireproof("cex", "explain", short).stdout
    assert "tcp/sequence/unacceptable_reset" in explained
    assert "most likely broken" in explained
    assert json.loads(wireproof("cex", "show", short, "--format", "json").stdout) == failures()[0]


def test_counterexamples_of_mutants_run_together(wireproof: Invoke) -> None:
    wireproof("run", "mutant:rst-*", "tcp/sequence/**")
    short = records.load("r1").firsts()[0]["cex"]
    assert short in wireproof("cex", "list").stdout
    assert wireproof("cex", "explain", short).exit_code == 0


# ---- doctor, suite, targets --------------------------------------------------------------------------------------


def test_the_doctor_tells_what_a_missing_thing_costs(wireproof: Invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    check = environment.Check("privilege", False, "uid 1000, without CAP_NET_ADMIN", "run as root")
    monkeypatch.setattr(environment, "probe", lambda: [check])
    result = wireproof("doctor")
    assert result.exit_code == 0
    assert "✗ privilege" in result.stdout
    assert "costs: no linux and linux6 targets" in result.stdout
    assert "helps: run as root" in result.stdout
    assert "You can run: ref, ref6, every mutant." in result.stdout
    assert json.loads(wireproof("doctor", "--format", "json").stdout)[0]["ok"] is False


def test_the_doctor_on_this_machine(wireproof: Invoke) -> None:
    from wireproof.tools.commands.doctor import COSTS

    result = wireproof("doctor", "--format", "json")
    assert result.exit_code == 0
    assert {c["name"] for c in json.loads(result.stdout)} == set(COSTS)


def test_the_suite_is_listed_and_shown(wireproof: Invoke) -> None:
    listed = wireproof("suite", "list", "state:LISTEN").stdout.splitlines()
    assert len(listed) == sum(c.state == "LISTEN" for c in suite.load())
    assert len(json.loads(wireproof("suite", "list", "--format", "json").stdout)) == len(suite.load())
    for case in suite.load()[::100]:
        shown = wireproof("suite", "show", case.id)
        assert shown.exit_code == 0
        assert len(shown.stdout.splitlines()) >= len(case.steps) + 3


def test_the_targets_with_their_stories(wireproof: Invoke) -> None:
    listed = wireproof("targets", "list").stdout
    assert all(f"mutant:{name} " in listed for name in mutation.mutants())
    assert {"ref", "ref6", "linux", "linux6"} <= {
        t["name"] for t in json.loads(wireproof("targets", "list", "--format", "json").stdout)
    }
    info = wireproof("targets", "info", "mutant:rst-answered").stdout
    assert "start ACKNOWLEDGE after 0 us" in info
    assert wireproof("targets", "info", "linux").exit_code == 0
