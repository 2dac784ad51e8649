"""``wireproof diff`` and ``wireproof cex export``: statuses, formats, messages; no input gives a traceback."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from wireproof.conformance import catalogue, pcap, records, trace
from wireproof.conformance.session import IutError
from wireproof.tools.cli import cli

Invoke = Callable[..., Result]


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


# ---- profiles ---------------------------------------------------------------------------------------------------


def test_shortest_trace_between_profiles(wireproof: Invoke, tmp_path: Path) -> None:
    result = wireproof("diff", "spec:rfc9293", "spec:rfc5961", "--output", "d.wpt")
    assert result.exit_code == 1
    assert "the text: 3 rules that only one has, 0 parameters that differ" in result.stdout
    assert "shortest distinguishing trace: 3 steps · tcp/acknowledgment/too_old" in result.stdout
    assert "RFC 5961 5" in result.stdout
    assert "  rfc9293 does: nothing\n  rfc5961 does: ACK seq=1 ack=1\n" in result.stdout
    assert result.stdout.endswith("exit 1\n")
    kept = trace.read(tmp_path / "d.wpt")
    refusal = trace.rejudge(kept).refusal
    assert refusal is not None
    assert kept.header.profile == "rfc5961"
    assert wireproof("replay", "d.wpt").exit_code == 1


def test_every_rule_in_json(wireproof: Invoke) -> None:
    result = wireproof("diff", "spec:rfc9293", "spec:rfc5961", "--all", "--max-steps", "3", "--format", "json")
    facts = json.loads(result.stdout)
    assert (result.exit_code, facts["exit"]) == (1, 1)
    assert {d["rule"] for d in facts["differences"]} == set(facts["rules"])
    reset = next(d for d in facts["differences"] if d["rule"] == "tcp/reset/challenge")
    assert reset["does_itself"] == {"rfc9293": "nothing", "rfc5961": "ACK seq=1 ack=1"}
    assert reset["stimuli"] == ["listen", "syn", "rst-in-window"]
    assert facts["searched"]["exhausted"]


@pytest.mark.parametrize("names", [("spec:rfc9293", "spec:rfc9293"), ("spec:linux", "spec:linux")])
def test_the_same_text_is_the_same(wireproof: Invoke, names: tuple[str, str]) -> None:
    result = wireproof("diff", *names)
    assert result.exit_code == 0
    assert "same: the text has no rule and no parameter that only one of them has" in result.stdout
    assert json.loads(wireproof("diff", *names, "--format", "json").stdout)["differences"] == []


def test_no_trace_within_the_bound_is_undecided(wireproof: Invoke) -> None:
    result = wireproof("diff", "spec:rfc9293", "spec:rfc5961", "--max-steps", "1")
    assert result.exit_code == 4
    assert "not told apart within 1 step: this is no proof" in result.stdout


# ---- targets ----------------------------------------------------------------------------------------------------


def test_targets_and_whom_the_specification_blames(wireproof: Invoke) -> None:
    result = wireproof("diff", "target:ref", "target:mutant:rst-answered", "tcp/sequence/established/**")
    assert result.exit_code == 1
    head = result.stdout.splitlines()[0]
    assert "differ 3 · of which the specification finds: mutant:rst-answered wrong 3" in head
    assert "breaks tcp/sequence/unacceptable_reset (RFC 9293 3.10.7.4 first; 3.4)" in result.stdout
    facts = json.loads(
        wireproof(
            *("diff", "target:ref", "target:mutant:rst-answered", "tcp/sequence/established/**", "--format", "json")
        ).stdout
    )
    assert facts["blame"] == {"B wrong": 3}
    assert facts["differ"][0]["b"] == "ACK seq=1 ack=1"


def test_targets_that_agree(wireproof: Invoke) -> None:
    result = wireproof("diff", "target:ref", "target:ref", "tcp/reset/**")
    assert result.exit_code == 0
    assert "differ 0" in result.stdout


def test_a_target_that_does_not_start(wireproof: Invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(kind: catalogue.Kind, longest: int = 0) -> Any:
        raise IutError("no power")

    monkeypatch.setattr(catalogue.Kind, "open", refuse)
    result = wireproof("diff", "target:ref", "target:ref", "tcp/reset/**")
    assert result.exit_code == 3
    assert "no power" in result.stderr


# ---- runs -------------------------------------------------------------------------------------------------------


def test_runs_compared(wireproof: Invoke) -> None:
    for target in ("ref", "mutant:rst-answered", "mutant:rst-answered"):
        wireproof("run", target, "tcp/sequence/established/**")
    assert records.run_ids() == ["r3", "r2", "r1"]
    new = wireproof("diff", "r1", "r2")
    assert new.exit_code == 1
    assert new.stdout.splitlines()[0] == "r1 and r2 · 3 new"
    assert wireproof("diff", "r2", "r1").stdout.splitlines()[0] == "r2 and r1 · 3 fixed"
    assert wireproof("diff", "r2", "r3").exit_code == 0
    changes = json.loads(wireproof("diff", "r1", "r2", "--format", "json").stdout)["changes"]
    assert {c["b"] for c in changes} == {"fail tcp/sequence/unacceptable_reset"}


def test_runs_with_other_tests(wireproof: Invoke) -> None:
    wireproof("run", "ref", "tcp/sequence/established/**")
    wireproof("run", "ref", "tcp/reset/established/**")
    what = {c["what"] for c in json.loads(wireproof("diff", "r1", "r2", "--format", "json").stdout)["changes"]}
    assert what == {"only in A", "only in B"}


# ---- what cannot be done ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("argv", "code", "message"),
    [
        (["spec:rfc9239", "spec:linux"], 2, "there is no profile 'rfc9239'; did you mean 'rfc9293'?"),
        (["spec:zzz", "spec:linux"], 2, "there is no profile 'zzz'; there are rfc793, rfc9293, rfc5961, linux"),
        (["linux", "target:ref"], 2, "write spec:linux or target:linux"),
        (["spec:linux", "target:linux"], 2, "are of different kinds"),
        (["r1", "r2"], 2, "nor a recorded run"),
        (["target:reff", "target:ref"], 2, "did you mean 'ref'?"),
        (["target:ref", "target:ref6"], 2, "their segments differ anyway"),
        (["target:ref", "target:ref", "tcp/nothing/**"], 4, "no test is selected"),
        (["target:ref", "target:ref", "-k", "and and"], 2, "and"),
        (["spec:rfc9293", "spec:linux", "tcp/**"], 2, "choose tests for target:NAME"),
        (["target:ref", "target:ref", "--output", "x.wpt"], 2, "--output keeps the trace between two profiles"),
        (["spec:rfc9293", "spec:linux", "--output", "no/where.wpt"], 2, "cannot be written"),
        (["spec:", "spec:linux"], 2, "neither"),
        (["spec:rfc9293"], 2, "Missing argument 'B'"),
        (["spec:rfc9293", "spec:linux", "--max-steps", "0"], 2, "--max-steps"),
    ],
)
def test_bad_input(wireproof: Invoke, argv: list[str], code: int, message: str) -> None:
    result = wireproof("diff", *argv)
    assert (result.exit_code, result.stdout) == (code, "")
    assert message in result.stderr


# ---- cex export -------------------------------------------------------------------------------------------------


@pytest.fixture
def failure(wireproof: Invoke) -> str:
    """The id of a recorded counterexample."""
    wireproof("run", "mutant:rst-answered", "tcp/sequence/established/**")
    return str(records.load("r1").failures()[0]["cex"])


@pytest.mark.parametrize("command", ["cex", "counterexample"])
def test_export_in_each_format(wireproof: Invoke, failure: str, tmp_path: Path, command: str) -> None:
    path = next(Path(".wireproof/runs/r1").glob(f"{failure}.wpt"))
    script = wireproof(command, "export", failure)
    assert script.exit_code == 0
    assert script.stdout.startswith(f"// {failure}  tcp/sequence/established/unacceptable_reset/")
    assert json.loads(wireproof(command, "export", failure, "--format", "itf").stdout)["#meta"]["format"] == "ITF"
    assert wireproof(command, "export", failure, "--format", "mermaid").stdout.startswith("sequenceDiagram\n")
    assert wireproof(command, "export", failure, "--format", "wpt").stdout_bytes == path.read_bytes()
    assert wireproof(command, "export", failure, "--format", "pcapng", "--output", "x.pcapng").exit_code == 0
    assert Path("x.pcapng").read_bytes() == path.with_suffix(".pcapng").read_bytes()
    assert pcap.read(Path("x.pcapng"))


def test_export_of_a_file(wireproof: Invoke, failure: str) -> None:
    path = next(Path(".wireproof/runs/r1").glob(f"{failure}.wpt"))
    named, file = wireproof("cex", "export", failure).stdout, wireproof("cex", "export", str(path)).stdout
    assert named.splitlines()[1:] == file.splitlines()[1:]


def test_export_bad_input(wireproof: Invoke, failure: str) -> None:
    Path("no.wpt").write_text("{}\n")
    Path("c-file").write_text("not a trace")
    for argv, message in (
        (["c-0000"], "there is no counterexample 'c-0000'"),
        (["nothing.wpt"], "is no file and no counterexample"),
        (["no.wpt"], "not a trace file"),
        (["c-file"], "not a trace file"),
        ([failure, "--format", "svg"], "Invalid value for '--format'"),
        ([failure, "--output", "no/where.pkt"], "cannot be written"),
    ):
        result = wireproof("cex", "export", *argv)
        assert (result.exit_code, result.stdout) == (2, "")
        assert message in result.stderr
    for file in Path(".wireproof/runs/r1").glob("c-*.wpt"):
        file.unlink()
    assert wireproof("cex", "export", failure).exit_code == 2


def test_the_alias_is_not_on_the_map(wireproof: Invoke) -> None:
    assert "counterexample " not in wireproof().stdout
    assert wireproof("counterexample", "list").exit_code == 4
