"""The frame of the command line and the commands about the specification: statuses, shapes, and no tracebacks."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from wireproof.spec import load
from wireproof.spec.diagnostics import Diagnostic, SpecError
from wireproof.spec.source import Source, Span
from wireproof.tools import cli as frame

TOY = """machine toy
  means "A toy."
enum state = IDLE
event segment
  field RST : flag
  field ACK : flag
var STATE : state = IDLE

on segment in IDLE named idle

rule reset{ids}
  when RST
  drop
"""
REST = "\nrule rest\n  otherwise\n  drop\n"


class Ended:
    """How one command line ended: what the program itself makes of it, tracebacks and all."""

    def __init__(self, argv: tuple[str, ...]):
        with CliRunner().isolation() as (out, err, _):
            self.status = frame.run(list(argv))
            sys.stdout.flush()
            sys.stderr.flush()
            self.out, self.err = out.getvalue().decode(), err.getvalue().decode()
        assert "Traceback" not in self.out + self.err


def wireproof(*argv: str) -> Ended:
    return Ended(argv)


def items(*argv: str) -> list[dict[str, Any]]:
    ended = wireproof(*argv)
    assert (ended.status, ended.err) == (0, "")
    whole = json.loads(ended.out)
    assert list(whole) == (["items", "claims"] if argv[:2] == ("spec", "list") else ["items"])
    found: list[dict[str, Any]] = whole["items"]
    return found


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Any]:
    """A command 'broken' that raises what it is told to."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    module = types.ModuleType("wireproof.tools.commands.broken")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setitem(frame.COMMANDS, "broken", ("broken", "broken", "raises"))
    exists = frame._exists
    monkeypatch.setattr(frame, "_exists", lambda name: name == "broken" or exists(name))

    def with_error(error: BaseException) -> None:
        @click.command()
        def command() -> None:
            raise error

        module.broken = command  # type: ignore[attr-defined]

    yield with_error


@pytest.fixture
def missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A command whose module is not there."""
    monkeypatch.setitem(frame.COMMANDS, "absent", ("absent", "absent", "what nobody wrote yet"))


# ---- the map -----------------------------------------------------------------------------------------------------


def test_alone_it_prints_a_map_with_a_line_for_each_command() -> None:
    ended = wireproof()
    assert (ended.status, ended.err) == (0, "")
    assert len([line for line in ended.out.split("\n") if line]) == len(frame.COMMANDS) + 2
    for name in frame.COMMANDS:
        assert re.search(rf"^  {name} ", ended.out, re.MULTILINE), name
    assert all(len(line) < 100 for line in ended.out.split("\n"))


def test_help_is_the_same_map() -> None:
    assert wireproof("--help").out == wireproof("-h").out == wireproof().out


def test_help_loads_nothing_heavy() -> None:
    """In a process of its own: this one has loaded everything."""
    program = (
        "import sys; from wireproof.tools.cli import run; status = run(['--help']); "
        "heavy = {'z3', 'lark', 'hypothesis', 'rich', 'pcapng'} & set(sys.modules); "
        "sys.exit(f'loaded: {heavy}' if heavy or status else 0)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_loading_the_specification_does_not_load_the_solver() -> None:
    program = "import sys; from wireproof.spec.load import tcp; tcp(); sys.exit('z3' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("name", frame.COMMANDS)
def test_every_command_of_the_map_is_there_and_has_help(name: str) -> None:
    ended = wireproof(name, "--help")
    assert ended.status == 0 and ended.out.startswith("Usage: wireproof ")


def test_a_module_that_is_missing_is_absent_from_the_map_and_told_when_called(missing: None) -> None:
    assert "absent" not in wireproof().out
    ended = wireproof("absent")
    assert ended.status == 2
    assert "'absent' is not part of this installation" in ended.err


# ---- endings -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("argv", "text"),
    [
        (("spce",), "Did you mean 'spec'?"),
        (("qqqq",), "`wireproof` shows the map"),
        (("--colour",), "No such option"),
        (("--color", "sometimes"), "'sometimes' is not one of"),
        (("spec", "chekc"), "No such command"),
        (("spec", "check", "/nowhere/at/all"), "does not exist"),
        (("spec", "requirements", "--format", "xml"), "'xml' is not one of"),
        (("spec", "show"), "Missing argument"),
        (("spec", "show", "tcp/sequence/unaceptable"), "did you mean 'tcp/sequence/unacceptable'"),
        (("fmt",), "Missing argument"),
    ],
)
def test_a_wrong_command_line_is_told_on_stderr_and_ends_with_2(argv: tuple[str, ...], text: str) -> None:
    ended = wireproof(*argv)
    assert (ended.status, ended.out) == (2, "")
    assert text in ended.err


def test_a_fault_of_ours_is_told_in_short_and_reported_in_a_file(broken: Any) -> None:
    broken(RuntimeError("the kettle is on"))
    ended = wireproof("broken")
    assert (ended.status, ended.out) == (70, "")
    first, second = ended.err.strip().split("\n")
    assert first.endswith("RuntimeError: the kettle is on")
    report = Path(second.removeprefix("Please report ")).read_text()
    assert report.startswith("wireproof broken\n") and "Traceback" in report


def test_debug_shows_the_fault_as_it_is(broken: Any) -> None:
    broken(RuntimeError("the kettle is on"))
    with pytest.raises(RuntimeError, match="kettle"):
        frame.run(["--debug", "broken"])


@pytest.mark.parametrize("error", [KeyboardInterrupt(), click.Abort()])
def test_an_interruption_ends_with_130(broken: Any, error: BaseException) -> None:
    broken(error)
    ended = wireproof("broken")
    assert ended.status == 130 and "interrupted" in ended.err


def test_a_specification_that_cannot_be_used_ends_with_2(broken: Any) -> None:
    at = Span(Source("x.wire", "machine"), 1, 1, 1, 8)
    broken(SpecError([Diagnostic("some-code", at, "this is wrong", "do it right")]))
    ended = wireproof("broken")
    assert (ended.status, ended.out) == (2, "")
    assert "x.wire:1:1: error: this is wrong [some-code]" in ended.err and "what to do: do it right" in ended.err


@pytest.mark.parametrize("status", [0, 1, 3, 4])
def test_the_status_of_a_command_is_that_of_the_program(broken: Any, status: int) -> None:
    broken(SystemExit(status))
    assert wireproof("broken").status == status


def test_the_program_exits_with_that_status() -> None:
    with pytest.raises(SystemExit) as e, CliRunner().isolation():
        frame.main(["qqqq"])
    assert e.value.code == 2


def test_a_pipe_that_is_closed_leaves_no_traceback() -> None:
    """The reader goes away before the first line."""
    with subprocess.Popen(
        [sys.executable, "-m", "wireproof.tools.cli", "spec", "rules"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as p:
        assert p.stdout is not None and p.stderr is not None
        p.stdout.close()
        assert p.stderr.read() == ""
        p.wait(60)


# ---- spec check --------------------------------------------------------------------------------------------------


def test_check_of_the_specification_tells_its_figures() -> None:
    ended = wireproof("spec", "check")
    assert (ended.status, ended.err) == (0, "")
    model = load.tcp()
    assert re.search(rf"specification tcp {model.spec_hash}: 14 files, {len(model.sections)} sections", ended.out)
    n = len(model.rules())
    assert f"  {n} rules, " in ended.out and f"{n} of {n} rules reachable" in ended.out
    assert re.search(r"^0 diagnostics, \d+\.\d s$", ended.out, re.MULTILINE)


def test_a_quiet_check_says_nothing_when_all_is_well(tmp_path: Path) -> None:
    path = tmp_path / "toy.wire"
    path.write_text(TOY.format(ids="") + REST)
    ended = wireproof("-q", "spec", "check", str(path))
    assert (ended.status, ended.out, ended.err) == (0, "", "")


def test_check_of_a_path_with_witnesses(tmp_path: Path) -> None:
    path = tmp_path / "toy.wire"
    path.write_text(TOY.format(ids="") + REST)
    ended = wireproof("spec", "check", "--witnesses", str(tmp_path))
    assert ended.status == 0
    assert "  toy/idle/reset: STATE = IDLE, RST = true" in ended.out
    assert "  toy/idle/rest: STATE = IDLE, RST = false" in ended.out


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (TOY.format(ids=""), "unhandled"),
        (TOY.format(ids="") + REST + "\nrule late\n  when ACK\n  drop\n", "unreachable-rule"),
        (TOY.format(ids=" [MUST-700]") + REST, "unknown-requirement"),
        (TOY.format(ids="") + "rule\n", "syntax"),
        (TOY.format(ids="").replace("when RST", "when RTS") + REST, "unknown-name"),
    ],
)
def test_a_finding_ends_the_check_with_2(tmp_path: Path, text: str, code: str) -> None:
    path = tmp_path / "toy.wire"
    path.write_text(text)
    ended = wireproof("spec", "check", str(path))
    assert ended.status == 2
    assert re.search(rf"^toy\.wire:\d+:\d+: error: .* \[{code}\]$", ended.err, re.MULTILINE), ended.err


def test_a_directory_without_rules_is_told(tmp_path: Path) -> None:
    ended = wireproof("spec", "check", str(tmp_path))
    assert ended.status == 2 and "[no-files]" in ended.err


# ---- spec: what is read ------------------------------------------------------------------------------------------


def test_requirements_as_json() -> None:
    found = items("spec", "requirements", "--format", "json")
    assert len(found) == 129
    assert [list(i) for i in found] == [["id", "level", "section", "rules", "reason", "claims"]] * 129
    assert all(bool(i["rules"]) != (i["reason"] is not None) for i in found)
    (one,) = (i for i in found if i["id"] == "MUST-2")
    assert one == {
        "id": "MUST-2",
        "level": "MUST",
        "section": "3.1",
        "rules": ["tcp/form/checksum"],
        "reason": None,
        "claims": [],
    }
    assert "damaged_segments_do_nothing" in next(i["claims"] for i in found if i["id"] == "MUST-3")


def test_grid_as_json() -> None:
    found = items("spec", "grid", "--format", "json")
    assert len(found) == 145
    assert all(list(i) == ["cell", "rules"] and i["rules"] for i in found)


def test_rules_and_sections_as_json() -> None:
    model = load.tcp()
    assert [i["id"] for i in items("spec", "rules", "--format", "json")] == [r.id for _, r in model.rules()]
    sections = items("spec", "list", "--format", "json")
    assert [r for s in sections for r in s["rules"]] == [r.id for _, r in model.rules()]


@pytest.mark.parametrize(
    ("argv", "last"),
    [
        (("spec", "requirements"), "129 requirements: "),
        (("spec", "requirements", "--format", "md"), "| U-12 | "),
        (("spec", "grid"), "145 of 145 cells filled"),
        (("spec", "list"), ""),
        (("spec", "rules"), ""),
    ],
)
def test_the_same_as_text(argv: tuple[str, ...], last: str) -> None:
    ended = wireproof(*argv)
    assert (ended.status, ended.err) == (0, "")
    assert ended.out.rstrip().split("\n")[-1].startswith(last)


def test_a_rule_is_shown_with_where_it_comes_from() -> None:
    out = wireproof("spec", "show", "tcp/reset/challenge").out
    assert out == wireproof("spec", "show", "reset/challenge").out
    first, second = out.split("\n")[:2]
    assert first.startswith("tcp/reset/challenge   must   ") and "U-7" in first
    assert re.match(r"arrival_checks\.wire:\d+:\d+   RFC 5961 3", second)
    assert "\nrule challenge [" in out and "\n  supports rfc5961\n" in out


def test_a_name_that_several_rules_have_is_not_guessed() -> None:
    ended = wireproof("spec", "show", "unacceptable")
    assert (ended.status, ended.out) == (2, "")
    assert "tcp/sequence/unacceptable, tcp/syn_sent_ack/unacceptable" in ended.err


@pytest.mark.parametrize(
    ("kind", "name", "text"),
    [
        ("invariant", "send_window_ordered", "  holds SND.UNA =< SND.NXT\n"),
        ("property", "right_edge_never_moves_left", "  then before(RCV.EDGE) =< RCV.EDGE\n"),
        ("theorem", "acceptability_closed_form", "  for segment\n"),
    ],
)
def test_a_claim_is_shown_by_its_name_and_with_its_kind(kind: str, name: str, text: str) -> None:
    out = wireproof("spec", "show", name).out
    assert out == wireproof("spec", "show", kind, name).out
    assert out.startswith(f"{kind} {name}   ") and f"\n{kind} {name}" in out and text in out
    assert re.search(r"^properties\.wire:\d+:1   RFC 9293 3\.", out, re.MULTILINE)
    found = json.loads(wireproof("spec", "show", name, "--format", "json").out)
    assert (found["kind"], found["name"]) == (kind, name)
    assert all(c["text"] for c in found.get("then", found.get("holds")))


def test_a_claim_of_another_kind_is_not_found() -> None:
    ended = wireproof("spec", "show", "theorem", "send_window_ordred")
    assert ended.status == 2 and "There is no theorem 'send_window_ordred'" in ended.err
    ended = wireproof("spec", "show", "lemma", "send_window_ordered")
    assert ended.status == 2 and "'lemma' is no kind" in ended.err


def test_claims_are_listed_behind_the_sections() -> None:
    model = load.tcp()
    found = json.loads(wireproof("spec", "list", "--format", "json").out)["claims"]
    assert [(c["kind"], c["name"]) for c in found] == [(type(c).__name__.lower(), c.name) for c in model.claims()]
    lines = wireproof("spec", "list").out.splitlines()[-len(found) :]
    assert [line.split()[0] for line in lines] == [c.name for c in model.claims()]


def test_notes_are_the_page_in_the_docs() -> None:
    page = Path(__file__).parents[2] / "docs" / "ambiguities.md"
    assert wireproof("spec", "notes").out == page.read_text("utf-8")


def test_every_note_of_the_specification_is_on_that_page() -> None:
    out = wireproof("spec", "notes").out
    for section, rule in load.tcp().rules():
        for note in (*section.notes, *rule.notes):
            assert note in out
    assert all(note in out for c in load.tcp().claims() for note in c.notes)


# ---- fmt ---------------------------------------------------------------------------------------------------------


def test_fmt_writes_canonical_text_once(tmp_path: Path) -> None:
    path = tmp_path / "toy.wire"
    path.write_text((TOY.format(ids="") + REST).replace("when RST", "when      RST"))
    before = path.read_text()
    ended = wireproof("fmt", "--check", str(path))
    assert (ended.status, ended.out) == (1, f"would change {path}\n")
    assert path.read_text() == before
    assert wireproof("fmt", str(tmp_path)).out == f"wrote {path}\n"
    again = wireproof("fmt", "--check", str(path))
    assert (again.status, again.out) == (0, "")


def test_fmt_leaves_a_file_that_cannot_be_read_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "toy.wire"
    path.write_text(TOY.format(ids="") + "rule\n")
    ended = wireproof("fmt", str(path))
    assert ended.status == 2 and "[syntax]" in ended.err
    assert path.read_text() == TOY.format(ids="") + "rule\n"
