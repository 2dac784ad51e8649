"""Traces as packetdrill scripts, ITF and Mermaid: word for word, by the grammar, and nothing lost in silence.

``WIREPROOF_UPDATE_GOLDEN=1`` writes the files in ``golden/export/`` anew.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any, Literal

import pytest

from wireproof.conformance import exports, mutation, packetdrill, suite, trace
from wireproof.conformance.campaign import CaseProgram
from wireproof.conformance.targets.reference import ReferenceTarget
from wireproof.conformance.testcase import TestCase as Case
from wireproof.conformance.tester import Report, Settings
from wireproof.reference import machine as machines

GOLDEN = Path(__file__).parent / "golden" / "export"
UPDATE = os.environ.get("WIREPROOF_UPDATE_GOLDEN", "") not in ("", "0")
NXT = ["RCV.NXT", 0]

EVERYTHING: list[dict[str, Any]] = [
    {"seg": "ACK"},
    {"call": "set", "h": 1, "option": "keepidle_s", "value": 2},
    {"call": "open_passive", "h": 1},
    {"seg": "SYN", "options": "020405b401010000"},
    {"seg": "ACK"},
    {"call": "accept", "h": 1, "new": 2},
    {"call": "accept", "h": 1, "new": 3},
    {"call": "set", "h": 2, "option": "dscp", "value": 10},
    {"call": "send", "h": 2, "len": 101},
    {"seg": "PSH,ACK", "len": 10},
    {"wait": 700000},
    {"seg": "PSH,ACK", "len": 10, "seq": ["RCV.NXT", -5]},
    {"seg": "PSH,ACK", "len": 5, "damage": "checksum"},
    {"seg": "PSH,ACK", "len": 5, "options": "fd040000"},
    {"seg": "URG,PSH,ACK", "len": 5, "up": 3},
    {"seg": "SYN", "peer": 1, "mss": 1460},
    {"call": "receive", "h": 2, "max": 100},
    {"call": "receive", "h": 2, "max": 100},
    {"call": "status", "h": 2},
    {"call": "send", "h": 2, "len": 4, "urgent": True},
    {"icmp": [3, 4], "seq": ["SND.UNA", 0], "mtu": 1000},
    {"icmp": [11, 0], "seq": ["SND.UNA", 0]},
    {"call": "error", "h": 2},
    {"call": "urgent", "h": 2},
    {"call": "close", "h": 2},
    {"call": "abort", "h": 2},
    {"call": "release", "h": 1},
]
CASES: dict[str, tuple[str, list[dict[str, Any]]]] = {
    "everything": ("ref", EVERYTHING),
    "active": ("ref", [{"call": "open_active", "h": 1}, {"seg": "SYN,ACK", "mss": 1460}, {"call": "close", "h": 1}]),
    "rst-answered": (
        "rst-answered",
        [{"call": "open_active", "h": 1}, {"seg": "SYN,ACK", "mss": 1460}, {"seg": "RST", "seq": ["RCV.NXT", -1]}],
    ),
    "ack-forgotten": (
        "ack-forgotten",
        [
            {"call": "open_active", "h": 1},
            {"seg": "SYN,ACK", "mss": 1460},
            {"seg": "PSH,ACK", "len": 3},
            {"wait": 1000000},
        ],
    ),
    "refusal-untold": (
        "refusal-untold",
        [{"call": "open_active", "h": 1}, {"seg": "RST,ACK"}, {"call": "error", "h": 1}],
    ),
}


def recorded(path: Path, name: str, family: Literal[4, 6] = 4) -> trace.Trace:
    """One of ``CASES``, run and read back."""
    who, steps = CASES[name]
    target = ReferenceTarget(family=family) if who == "ref" else mutation.target(who)
    case = Case(f"export/{name}", steps)
    reports: list[Report] = []

    class Seen:
        def finished(self, program: Any, result: Any, error: BaseException | None) -> None:
            assert error is None, error
            reports.append(result)

    settings = Settings(machines.tcp())
    target.run([CaseProgram(case, settings)], Seen())
    trace.save(path / "t.wpt", reports[0], settings, case=case, target=target.name, suite=suite.SUITE)
    return trace.read(path / "t.wpt")


def script(path: Path, name: str, family: Literal[4, 6] = 4) -> str:
    read = recorded(path, name, family)
    return packetdrill.script(read.header, trace.rejudge(read))


# ---- word for word ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["pkt", "itf.json", "mmd"])
@pytest.mark.parametrize("name", CASES)
def test_golden(tmp_path: Path, name: str, form: str) -> None:
    read = recorded(tmp_path, name)
    write = {"pkt": packetdrill.script, "itf.json": exports.itf, "mmd": exports.mermaid}[form]
    shown = write(read.header, trace.rejudge(read))
    stable = shown.replace(machines.tcp().spec_hash, "SPEC")
    golden = GOLDEN / f"{name}.{form}"
    if UPDATE:
        golden.parent.mkdir(parents=True, exist_ok=True)
        golden.write_text(stable, "utf-8")
    assert stable == golden.read_text("utf-8")


# ---- by the grammar -----------------------------------------------------------------------------------------------

TIME = r"(?:\d+(?:\.\d+)?|\+\d+(?:\.\d+)?(?:~\+\d+(?:\.\d+)?)?)"
RANGE = r"\d+:\d+\(\d+\)"
OPTION = r"(?:nop|eol|mss \d+)"
OPTIONS = rf" <(?:{OPTION}(?:,{OPTION})*|\.\.\.)>"
PACKET = re.compile(rf"[<>] (?:[SFRPU]+\.?|\.|-) {RANGE}(?: ack \d+)?(?: win \d+)?(?: urg \d+)?(?:{OPTIONS})?")
ICMP = re.compile(rf"< icmp [a-z]+(?: [a-z_]+)?(?: mtu \d+)?(?: \[{RANGE}\])?")
VALUE = r"(?:\.\.\.|-?\d+|[A-Z][A-Z0-9_]*(?:\|[A-Z][A-Z0-9_]*)*|\[\d+\]|\{onoff=\d, linger=\d\})"
CALL = re.compile(rf"[a-z]+\({VALUE}(?:, {VALUE})*\) = (?:\d+|-1 [A-Z]+(?: \([A-Za-z0-9_ ]+\))?)")
CODE = re.compile(r"%\{ assert tcpi_state == \d+, tcpi_state \}%")


@pytest.mark.parametrize("family", [4, 6])
@pytest.mark.parametrize("name", [n for n, (who, _) in CASES.items() if who == "ref"])
def test_every_line_is_of_the_grammar(tmp_path: Path, name: str, family: Literal[4, 6]) -> None:
    lines = [x for x in script(tmp_path, name, family).split("\n") if x and not x.startswith("//")]
    assert len(lines) > 5
    for line in lines:
        time, _, action = line.partition("  ")
        assert re.fullmatch(TIME, time), line
        assert any(p.fullmatch(action) for p in (PACKET, ICMP, CALL, CODE)), line


def test_numbers_are_relative_and_cover_the_text(tmp_path: Path) -> None:
    """End minus begin is the length, modulo 2^32, and both ends begin at 0."""
    text = script(tmp_path, "everything")
    for begin, end, length in re.findall(r"(\d+):(\d+)\((\d+)\)", text):
        assert (int(end) - int(begin)) % 2**32 == int(length)
    assert re.search(r"< S 0:0\(0\) win", text)
    assert re.search(r"> S\. 0:0\(0\) ack 1", text)


def test_what_cannot_be_said_is_listed_and_commented(tmp_path: Path) -> None:
    text = script(tmp_path, "everything")
    head, _, body = text.partition("\n\n")
    for what in (
        packetdrill.CONTENT,
        packetdrill.WINDOWS,
        packetdrill.DAMAGE,
        packetdrill.OPTION,
        packetdrill.OTHERS,
        packetdrill.STRANGERS,
        packetdrill.MESSAGES,
        packetdrill.QUESTIONS,
    ):
        assert f"//   {what} (" in head
    assert re.search(r"^// < .* with a wrong checksum$", body, re.M)
    assert "// its options are fd040000:" in body


def test_every_step_has_a_line(tmp_path: Path) -> None:
    """Each call and datagram of a trace is a line or a comment: none is dropped."""
    read = recorded(tmp_path, "everything")
    steps = [s for s in trace.rejudge(read).steps if s.kind != "tick"]
    body = script(tmp_path, "everything").partition("\n\n")[2].splitlines()
    extra = [x for x in body if re.search(r"socket\(|fcntl\(|bind\(|SO_LINGER|its options are", x)]
    assert len(body) == len(steps) + len(extra)


def test_a_refused_step_is_no_expectation(tmp_path: Path) -> None:
    text = script(tmp_path, "rst-answered")
    assert "// REFUSED by tcp/sequence/unacceptable_reset" in text
    last = [x for x in text.splitlines() if not x.startswith("//")][-1]
    assert " < R " in last


def test_what_had_to_come_is_an_expectation(tmp_path: Path) -> None:
    """A stack that forgets the acknowledgment fails the script at its last line."""
    lines = script(tmp_path, "ack-forgotten").splitlines()
    assert lines[-2].startswith("// nothing came: ")
    assert re.fullmatch(rf"{TIME}  > \. 1:1\(0\) ack 4", lines[-1])


# ---- ITF, Mermaid ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", CASES)
def test_itf_is_well_formed(tmp_path: Path, name: str) -> None:
    read = recorded(tmp_path, name)
    oracle = trace.rejudge(read)
    whole = json.loads(exports.itf(read.header, oracle))
    assert set(whole) == {"#meta", "params", "vars", "states"}
    assert whole["#meta"]["format"] == "ITF"
    for n, state in enumerate(whole["states"]):
        assert set(state) == {"#meta", *whole["vars"]}
        assert state["#meta"]["index"] == n
        assert int(state["time_us"]["#bigint"]) >= 0
    refused = [s["refused"] for s in whole["states"] if s["refused"]]
    assert len(refused) == (oracle.refusal is not None)
    assert bool(refused) == (whole["#meta"]["status"] == "violation")


def test_mermaid_escapes_its_own_syntax(tmp_path: Path) -> None:
    read = recorded(tmp_path, "rst-answered")
    read.header.target = "a;b<c>#d"
    shown = exports.mermaid(read.header, trace.rejudge(read))
    assert "a#59;b#lt;c#gt;#35;d" in shown
    for line in shown.splitlines()[1:]:
        assert not re.search(r"[;<]", re.sub(r"#\w+;|->>|-x", "", line)), line
