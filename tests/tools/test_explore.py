"""``wireproof explore``: sessions give the same bytes each time, every command says what it should."""

from __future__ import annotations

import random
import re
import subprocess
import sys
import types
from pathlib import Path

import pytest

from tests.tools.test_cli import wireproof
from wireproof.conformance.pcap import read as read_pcap
from wireproof.conformance.world import Scenario
from wireproof.spec import load
from wireproof.tools import lesson, tutorial
from wireproof.tools.explore import Quit, Session, obey
from wireproof.tools.explore_commands import ALIASES, COMMANDS, dispatch

ROOT = Path(__file__).resolve().parents[2]
GOLDEN = Path(__file__).parent / "golden" / "explore"
WANTED = {
    "handshake",
    "simultaneous-open",
    "half-open",
    "close",
    "simultaneous-close",
    "time-wait",
    "zero-window",
    "reset",
    "retransmission",
}
OPENED = ("B.open passive", "A.open active", "deliver all")


def session(*lines: str, scenario: str = "two-hosts") -> list[str]:
    """What a session prints for the last of these lines."""
    out: list[str] = []
    here = Session(Scenario(scenario), load.tcp(), out.append)
    for line in lines:
        out.clear()
        obey(here, dispatch, line)
    return out


def piped(text: str, *argv: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "wireproof.tools.cli", "explore", *argv],
        input=text,
        capture_output=True,
        text=True,
        timeout=120,
        cwd=cwd,
        check=False,
    )


# ---- lessons -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(WANTED))
def test_lessons_print_what_they_did(name: str) -> None:
    printed = lesson.transcript(name)
    assert printed == (GOLDEN / f"{name}.out").read_text("utf-8"), "python -m wireproof.tools.tutorial"
    assert "\n! " not in printed
    assert "REFUSED" not in printed


def test_there_are_no_other_lessons() -> None:
    assert set(lesson.names()) == WANTED == {p.stem for p in GOLDEN.glob("*.out")}


@pytest.mark.parametrize("name", sorted(WANTED))
def test_the_tutorial_shows_what_lessons_print(name: str) -> None:
    page = (ROOT / "docs/tutorial" / f"{name}.md").read_text("utf-8")
    assert f"$ wireproof explore --lesson {name}\n{lesson.transcript(name)}```" in page
    assert tutorial.page(page, {name: lesson.transcript(name)}) == page


def test_every_page_is_listed() -> None:
    index = (ROOT / "docs/tutorial/README.md").read_text("utf-8")
    assert set(re.findall(r"\(([a-z-]+)\.md\)", index)) == WANTED


def test_a_lesson_is_the_same_when_it_is_piped_in() -> None:
    first, second = (piped(lesson.text("handshake"), "two-hosts") for _ in range(2))
    assert first.stdout == second.stdout
    assert first.stdout.startswith(lesson.transcript("handshake"))
    assert (first.returncode, first.stderr) == (0, "")


def test_a_lesson_can_be_gone_on_with() -> None:
    ended = piped("A.close\nquit\n", "--lesson", "handshake")
    assert "A ESTABLISHED -> FIN-WAIT-1" in ended.stdout.split("trace")[-1]


# ---- mistakes ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("unod", "! 'unod' is no command; did you mean 'undo'?"),
        ("xyzzy", "! 'xyzzy' is no command; `help` lists the commands"),
        ("99", "! there are events 1 to 4, no 99"),
        ("goto A.staet = CLOSED", "! 'A.staet' is not known; did you mean 'A.STATE'?"),
        ("goto", "! where to? a predicate, such as A.state == CLOSING"),
        ("watch state", "! each host has a STATE of its own; say of which host: A.STATE or B.STATE"),
        ("break when A.snd_wnd", "! this is a length, and a flag is wanted here; write a comparison"),
        ("undo 3", "! only 0 steps were made"),
        ("redo", "! only 0 steps were taken back"),
        ("undo x", "! undo takes a number of steps, not 'x'"),
        ("tick", "! no timer runs at any host; `why` tells more"),
        ("deliver 7", "! no segment 7 is in flight; `why` tells more"),
        ("bytes", "! no packet has been sent yet"),
        ("switch there", "! there is no branch 'there'; there are none"),
        ("save x.txt", "! save takes the name of a file that ends in .wpt"),
        ("save nowhere/at/all.wpt", "! cannot be written: "),
        ("load nothing.wpt", "! nothing.wpt: cannot be read"),
        ("load c-0000", "! "),
        ("A.frob", "! 'frob' is no event"),
        ("why", "! why what?"),
        ("state C", "! there is no host 'C'"),
        ("delta", "! nothing has happened yet"),
        ("delta maybe", "! delta, delta on, or delta off"),
        ("fork", "! fork takes a name"),
        ("pcap x", "! pcap takes the name of a file"),
    ],
)
def test_one_clear_line_and_the_session_goes_on(
    line: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (only,) = session(line)
    assert only.startswith(said)


def test_strict_ends_at_the_first_mistake() -> None:
    ended = piped("A.open active\nfrob\nA.close\n", "--strict")
    assert ended.returncode == 2
    assert ended.stdout.endswith("! 'frob' is no command; `help` lists the commands\n")
    assert piped("A.open active\nfrob\nA.close\n").returncode == 0


def test_bad_options() -> None:
    assert piped("", "--lesson", "nothing").returncode == 2
    assert "handshake" in piped("", "--lesson", "nothing").stderr
    assert piped("", "--load", "nothing.wpt").returncode == 2
    assert piped("", "three-hosts").returncode == 2


GARBAGE = """A B A. A.open active passive A.send A.close A.abort A.receive A.set nodelay rcvbuf keepalive deliver drop
dup delay tick all 1 2 3 9 0 -1 500 ms s 5s 3h inject <SEQ=A.RCV.NXT> <SEQ=7> <ACK=A.SND.UNA+1> <CTL=RST> <CTL=SYN,ACK>
<CTL=> len wnd up crash why goto path undo redo back restart fork forks switch diff fork:main main x watch break when
off delta on state bytes packets trace events A.state = == CLOSING /= and not ( ) { } in SYN-SENT running(A.PERSIST)
A.flight - + * / 0x10 \" ' # ; .. help ? 99999999999999999999 \u00b2 \u2264 \u00e9"""
WORDS = re.split(r"\s+", GARBAGE)


@pytest.mark.parametrize("seed", range(6))
def test_nothing_that_is_typed_ends_in_a_fault(seed: int) -> None:
    draw = random.Random(seed)
    out: list[str] = []
    here = Session(Scenario("two-hosts" if seed % 2 else "one-host"), load.tcp(), out.append)
    for _ in range(250):
        line = " ".join(draw.choice(WORDS) for _ in range(draw.randrange(1, 5)))
        if draw.random() < 0.3:
            line = str(draw.randrange(1, 9))
        if line.startswith(("goto", "path", "g ")):
            continue  # a search may take long
        obey(here, dispatch, line)
        if len(here.history) > 30:
            obey(here, dispatch, "undo 20")
    assert any(line.startswith("! ") for line in out)
    assert not any("REFUSED by" in line for line in out)


# ---- commands ------------------------------------------------------------------------------------------------------


def test_undo_and_redo() -> None:
    assert session(*OPENED, "back 3")[0].startswith("A SYN-SENT   B LISTEN   wire: 1 A->B SYN 100")
    assert session(*OPENED, "undo 5", "redo 5")[0] == "A ESTABLISHED   B ESTABLISHED   wire: empty   t=0"
    # Another event makes another future.
    (only,) = session(*OPENED, "undo", "drop 1", "redo")
    assert only == "! only 0 steps were taken back"


def test_branches() -> None:
    lines = session(*OPENED, "fork alt", "A.close", "forks")
    assert lines == ["* alt          6 steps, last: A.close", "  main         5 steps, last: deliver 1"]
    lines = session(*OPENED, "fork alt", "A.close", "switch main", "A.send 3", "diff fork:alt")
    assert lines[:3] == ["  5 steps in common", "  main         A.send 3", "  alt          A.close"]
    assert "  A STATE          ESTABLISHED | FIN-WAIT-1" in lines


def test_the_network() -> None:
    lines = session(*OPENED, "A.close", "B.close", "delay 1")
    assert lines[0].index("B->A") < lines[0].index("A->B")
    assert session(*OPENED, "A.close", "dup 1")[0].count("FIN,ACK 101/301") == 2
    assert "wire: empty" in session(*OPENED, "A.close", "drop 1")[0]


def test_time() -> None:
    assert session("A.open active", "tick 500 ms")[0].endswith("t=0.5")
    assert "  A -> SYN 100 win=65535" in session("A.open active", "tick")


def test_goto_stops_at_a_breakpoint() -> None:
    lines = session("break when A.state = SYN-RECEIVED", "goto A.state = CLOSING and B.state = CLOSING")
    assert "  break: A.state = SYN-RECEIVED" in lines
    assert any(line.startswith("A SYN-RECEIVED") for line in lines)
    assert session("break when A.state = CLOSED", "break") == ["  A.state = CLOSED"]
    assert session("break when A.state = CLOSED", "break off", "break") == []


def test_path_goes_nowhere() -> None:
    assert session("path A.state = SYN-SENT")[1:] == ["   1  A.open active"]
    assert session("path A.state = SYN-SENT", "trace") == []


def test_why_a_call_only_queues() -> None:
    lines = session("A.open active", "why A.send 5")
    assert "  sends nothing" in lines
    assert "  the text is queued: nothing lets it go in SYN-SENT" in lines


def test_delta_shows_values_before_and_after() -> None:
    assert "    B SND.UNA        300 (ISS) -> 301 (ISS+1)" in session(*OPENED, "delta")
    assert "    A STATE" not in "\n".join(session("delta on", "A.open active"))
    assert any(line.startswith("    A SND.NXT") for line in session("delta on", "A.open active"))


def test_bytes_name_their_fields() -> None:
    lines = session(*OPENED, "A.send 20", "bytes")
    assert "    24  00 00 00 65  SEG.SEQ  101" in lines
    assert "    33  18           control bits  PSH,ACK" in lines
    assert any("SEG.DATA  20 octets" in line for line in lines)
    assert any("option: maximum segment size  1460" in line for line in session(*OPENED, "bytes 1"))
    assert session(*OPENED, "packets")[0] == "    1  A -> SYN 100 win=65535"


def test_state_shows_every_variable() -> None:
    lines = session(*OPENED, "state A")
    model = load.tcp()
    assert len(lines) == 1 + len(model.variables) + len(model.timers)


def test_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert session(*OPENED, "A.send 5", "save x.wpt") == ["  saved x.wpt x-B.wpt"]
    assert session("load x.wpt")[0].startswith("A ESTABLISHED   B ESTABLISHED   wire: 1 A->B PSH,ACK 101/301 len=5")
    assert session(*OPENED, "pcap x.pcapng") == ["  saved x.pcapng"]
    assert len(read_pcap(tmp_path / "x.pcapng")) == 3


def test_a_counterexample_is_played_by_the_mutant(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    ended = wireproof("run", "mutant:rst-answered", "tcp/sequence/established/unacceptable_reset/**")
    assert ended.status == 1
    (name, *_) = re.findall(r"c-[0-9a-f]{4,}", wireproof("cex", "list").out)
    lines = session(f"load {name}")
    assert lines[0].startswith("  recorded of mutant:rst-answered: refused by tcp/sequence/unacceptable_reset")
    assert lines[1] == "  here the mutant plays the steps of that test"
    assert lines[2].startswith("  A REFUSED by tcp/sequence/unacceptable_reset")


def test_a_host_alone() -> None:
    lines = session("open active", "inject <SEQ=RCV.NXT><ACK=SND.NXT><CTL=SYN,ACK>", scenario="one-host")
    assert "  A SYN-SENT -> ESTABLISHED" in lines


def test_help_tells_of_every_command() -> None:
    told = "\n".join(session("help"))
    assert all(usage in told for _, usage, _ in COMMANDS.values())
    assert set(ALIASES.values()) <= set(COMMANDS)


def test_the_diagram_where_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = types.ModuleType("wireproof.spec.backends.diagram")
    drawn.text = lambda model, lit: f"{model.machine}: {', '.join(lit)}\n"  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, drawn.__name__, drawn)
    drawn.__spec__ = types.SimpleNamespace()  # type: ignore[assignment]
    assert session(*OPENED[:2], "diagram") == ["tcp: LISTEN, SYN-SENT"]


def test_quit() -> None:
    here = Session(Scenario(), load.tcp(), print)
    with pytest.raises(Quit):
        obey(here, dispatch, "quit")
