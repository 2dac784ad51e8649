"""``wireproof run``: verdicts, exit statuses, formats, messages; no input gives a traceback."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from wireproof.conformance import catalogue, hunt, records
from wireproof.conformance.targets.reference import ReferenceTarget
from wireproof.tools.cli import cli

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


def test_the_reference_is_conformant(wireproof: Invoke) -> None:
    result = wireproof("run", "ref")
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[0].startswith("wireproof ")
    assert " · suite tcp-2026.1" in lines[0]
    assert lines[1].startswith("target ref · IPv4 · virtual clock")
    assert any(line.split()[:2] == ["ESTABLISHED", "✓"] for line in lines)
    assert lines[-2].startswith("RESULT  conformant · ")
    assert "NOT VERIFIED 0 of " in lines[-1]
    assert lines[-1].endswith("exit 0")


def test_a_mutant_fails_and_the_rule_is_named(wireproof: Invoke) -> None:
    result = wireproof("run", "mutant:rst-answered", RESETS)
    assert result.exit_code == 1
    assert "✗ tcp/sequence/unacceptable_reset · " in result.stdout
    assert "A reset from outside the window is dropped in silence." in result.stdout
    assert "RFC 9293 3.10.7.4" in result.stdout
    run = records.load("r1")
    assert any(f["cex"] in result.stdout for f in run.failures())
    for f in run.failures():
        assert [run.path / a for a in f["artefacts"]] == [run.path / f"{f['cex']}{e}" for e in (".wpt", ".pcapng")]
        assert all((run.path / a).stat().st_size for a in f["artefacts"])
    assert "reproduce  wireproof replay c-" in result.stdout
    assert wireproof("run", "mutant:rst-answered", RESETS, "--exit-zero").exit_code == 0


def test_without_a_target_the_selectors_are_for_the_reference(wireproof: Invoke) -> None:
    result = wireproof("run", "state:LISTEN", "-k", "rst", "--exclude", "event:icmp")
    assert result.exit_code == 0
    assert result.stdout.splitlines()[1].startswith("target ref ")


@pytest.mark.parametrize(
    ("argv", "code", "message"),
    [
        (["ref", "tcp/sequence"], 4, "did you mean 'tcp/sequence/**'?"),
        (["ref", "state:NOWHERE"], 4, "no test is selected"),
        (["ref", "-k", "rst and not rst"], 4, "no test is selected"),
        (["lnux"], 2, "there is no target 'lnux'; did you mean 'linux'?"),
        (["mutant:rst-answerd"], 2, "did you mean 'mutant:rst-answered'?"),
        (["mutant:zz*"], 2, "no mutant matches"),
        (["ref", "stat:LISTEN"], 2, "did you mean 'state:LISTEN'?"),
        (["ref", "-k", "rst and"], 2, "it ends too early"),
        (["ref", "@nothing"], 2, "cannot be read"),
        (["ref", "--baseline", "nothing.toml"], 2, "cannot be read"),
        (["ref", "--last-failed"], 2, "no run of ref is recorded"),
        (["ref", "--sample", "0"], 2, "--sample"),
        (["ref", "--nonsense"], 2, "--nonsense"),
    ],
)
def test_what_cannot_be_done_is_told(wireproof: Invoke, argv: list[str], code: int, message: str) -> None:
    result = wireproof("run", *argv)
    assert result.exit_code == code
    assert message in result.stderr
    assert not Path(".wireproof").exists()


def test_a_target_that_does_not_start(wireproof: Invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(kind: catalogue.Kind, longest: int) -> Any:
        raise OSError(1, "Operation not permitted")

    monkeypatch.setitem(catalogue._OPENERS, "linux", refuse)
    result = wireproof("run", "linux", "state:LISTEN")
    assert result.exit_code == 3
    assert "linux could not be started" in result.stderr
    assert "wireproof doctor" in result.stderr


def test_interrupted_keeps_what_there_is(wireproof: Invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    class Interrupted(ReferenceTarget):
        def run(self, programs: Any, progress: Any) -> None:
            super().run(programs[:5], progress)
            raise KeyboardInterrupt

    monkeypatch.setitem(catalogue._OPENERS, "ref", lambda kind, longest: Interrupted())
    result = wireproof("run", "ref", "state:LISTEN")
    assert result.exit_code == 130
    assert "RESULT  PARTIAL" in result.stdout
    kept = records.load("r1")
    assert len(kept.results) == 5
    assert kept.summary is not None
    assert kept.summary["partial"]


def test_baseline_on_the_command_line(wireproof: Invoke) -> None:
    Path("known.toml").write_text(
        '[[deviation]]\nkind = "fail"\nmatch = ["tcp/**"]\nrule = "tcp/sequence/*"\nreason = "a habit"\n'
    )
    result = wireproof("run", "mutant:rst-answered", RESETS, "--baseline", "known.toml")
    assert result.exit_code == 0
    assert "a habit" in result.stdout
    assert " xfail" in result.stdout
    Path("known.toml").write_text("[[deviation]]\nknd = 1\n")
    result = wireproof("run", "ref", "--baseline", "known.toml")
    assert result.exit_code == 2
    assert "did you mean 'kind'?" in result.stderr


def test_last_failed_takes_the_last_run_of_the_target(wireproof: Invoke) -> None:
    wireproof("run", "mutant:rst-answered", RESETS)
    wireproof("run", "ref", "state:LISTEN")
    failed = {e["id"] for e in records.load("r1").failures()}
    again = json.loads(wireproof("run", "mutant:rst-answered", "--last-failed", "--format", "json").stdout)
    assert {r["id"] for r in again["results"]} == failed


def test_machine_formats(wireproof: Invoke) -> None:
    lines = wireproof("run", "ref", "state:LISTEN", "--format", "ndjson").stdout.splitlines()
    events = [json.loads(line) for line in lines]
    assert [events[0]["event"], events[-1]["event"]] == ["plan", "summary"]
    assert records.load("r1").events == events
    whole = json.loads(wireproof("run", "ref", "state:LISTEN", "--format", "json").stdout)
    assert len(whole["results"]) == whole["summary"]["counts"]["pass"]


def test_ascii_and_plain(wireproof: Invoke) -> None:
    result = wireproof("run", "mutant:rst-answered", RESETS, "--ascii", "--format", "rich")
    assert result.stdout.isascii()
    assert "\x1b[" in result.stdout
    assert "\x1b[" not in wireproof("run", "mutant:rst-answered", RESETS, "--format", "plain").stdout


def test_nothing_is_kept_if_not_wanted_or_not_possible(wireproof: Invoke) -> None:
    assert wireproof("run", "ref", "state:LISTEN", "--no-record").exit_code == 0
    assert not Path(".wireproof").exists()
    Path(".wireproof").write_text("in the way")
    result = wireproof("run", "ref", "state:LISTEN")
    assert result.exit_code == 0
    assert "nothing is recorded" in result.stderr


def test_some_mutants_at_once(wireproof: Invoke) -> None:
    result = wireproof("run", "mutant:rst-*", "tcp/sequence/**", "--jobs", "1")
    assert result.exit_code == 0
    assert "✓ rst-answered" in result.stdout
    assert "tcp/sequence/unacceptable_reset: " in result.stdout
    assert "1 of 1 found" in result.stdout
    result = wireproof("run", "mutant:u*", "tcp/sequence/**", "--format", "json")
    assert result.exit_code == 1
    assert json.loads(result.stdout)["summary"]["missed"] == ["urgent-off-by-one"]
    result = wireproof("run", "mutant:u*", "tcp/sequence/**")
    assert "mutant:urgent-off-by-one was not found" in result.stdout


def test_two_processes_find_the_same(wireproof: Invoke) -> None:
    assert len(hunt.matching("*-off-by-one")) == 2
    one, two = (
        json.loads(wireproof("run", "mutant:*-off-by-one", "--format", "json", "--jobs", n).stdout)["mutants"]
        for n in ("1", "2")
    )
    facts = [sorted((m["name"], m["failed"], m["first"]["cex"]) for m in found) for found in (one, two)]
    assert facts[0] == facts[1]


@pytest.mark.slow
def test_every_mutant_is_found(wireproof: Invoke) -> None:
    result = wireproof("run", "mutant:*")
    assert result.exit_code == 0, result.stdout


@pytest.mark.root
def test_the_kernel_answers(wireproof: Invoke) -> None:
    result = wireproof("run", "linux", "tcp/closed/closed/**", "tcp/listen_syn/**")
    assert result.exit_code == 0, result.output
    assert "wall clock, slack 80 ms · profile linux" in result.stdout
    assert "NOT VERIFIED 0 of " in result.stdout


def test_generated_traces_of_the_reference_are_accepted(wireproof: Invoke) -> None:
    result = wireproof("run", "ref", "--property", "1500")
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[2] == "plan 1,500 events of generated traces · seed 0"
    assert lines[-2].startswith("RESULT  conformant · 1,500 events · ")
    assert " events/s · " in lines[-1]
    assert lines[-1].endswith("exit 0")


def test_what_generated_traces_find_is_short_and_can_be_replayed(wireproof: Invoke) -> None:
    result = wireproof("run", "mutant:rst-answered", "--property", "1500", "--format", "json")
    assert result.exit_code == 1
    found = json.loads(result.stdout)
    assert found["summary"]["events"] == 1500
    first = next(r for r in found["results"] if r["rule"] == "tcp/sequence/unacceptable_reset")
    assert first["id"].startswith("property/sequence/unacceptable_reset/unexpected-")
    assert " (from " in first["minimised"]
    cex = first["cex"]
    assert wireproof("replay", cex).stdout.splitlines()[1].split()[1] == "STILL"
    again = wireproof("replay", cex, "--target", "mutant:rst-answered")
    assert again.stdout.splitlines()[1].split()[1] == "STILL"
    assert wireproof("replay", cex, "--target", "ref").exit_code == 0


def test_generated_traces_depend_on_the_seed_alone(wireproof: Invoke) -> None:
    def results(seed: str) -> list[dict[str, Any]]:
        got = wireproof(
            "run", "mutant:mss-ignored", "--property", "600", "--seed", seed, "--no-record", "--format", "json"
        )
        return [{k: v for k, v in r.items() if k != "at_s"} for r in json.loads(got.stdout)["results"]]

    assert results("3") == results("3")
    assert results("3") != results("4")


@pytest.mark.parametrize(
    ("argv", "what"),
    [
        (("run", "ref", "--property", "0"), "0 is not in the range"),
        (("run", "ref", "--property", "many"), "not a valid integer"),
        (("run", "nosuch", "--property", "5"), "there is no target 'nosuch'"),
        (("run", "mutant:*", "--property", "5"), "there is no target 'mutant:*'"),
        (("run", "ref", "MUST-13", "--property", "5"), "leave the selectors out"),
        (("cex", "minimize", "c-0000"), "none is recorded here yet"),
        (("cex", "minimize", "c-0000", "--budget", "0"), "0 is not in the range"),
    ],
)
def test_bad_orders_to_generate_or_minimise(wireproof: Invoke, argv: tuple[str, ...], what: str) -> None:
    result = wireproof(*argv)
    assert result.exit_code == 2
    assert what in result.output


def test_an_interrupted_generation_keeps_what_it_found(wireproof: Invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    from wireproof.conformance.property import PropertyCampaign

    def interrupted(self: PropertyCampaign, target: object) -> list[Any]:
        raise KeyboardInterrupt

    monkeypatch.setattr(PropertyCampaign, "_shortest", interrupted)
    result = wireproof("run", "mutant:rst-answered", "--property", "1500")
    assert result.exit_code == 130
    assert "PARTIAL" in result.stdout
    assert records.load("r1").failures()
    summary = records.load("r1").summary
    assert summary is not None and summary["partial"]


def test_a_recorded_failure_is_made_short(wireproof: Invoke) -> None:
    wireproof("run", "mutant:no-probe")
    longest = max(records.load("r1").failures(), key=lambda e: len(e["steps"]))
    result = wireproof("cex", "minimize", longest["cex"])
    assert result.exit_code == 0
    assert " (from " in result.stdout.splitlines()[0]
    short = next(iter(Path(".wireproof/runs/r1").glob("*.min.wpt")))
    again = wireproof("replay", str(short), "--target", "mutant:no-probe")
    assert again.stdout.splitlines()[1].split()[1] == "STILL"
    assert wireproof("cex", "minimize", str(short)).exit_code == 0
    assert wireproof("cex", "minimize", str(short), "--target", "ref").exit_code == 1
    assert wireproof("cex", "minimize", longest["cex"], "--budget", "2").exit_code == 4
