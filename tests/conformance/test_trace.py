"""Traces: round trips, damage, judging again, and recordings with one thing changed that must be refused."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import pytest

from wireproof.conformance import mutation, pcap, suite, trace
from wireproof.conformance.campaign import CaseProgram
from wireproof.conformance.judge import Refusal
from wireproof.conformance.oracle import Step
from wireproof.conformance.targets.reference import ReferenceTarget
from wireproof.conformance.testcase import TestCase as Case
from wireproof.conformance.tester import Report, Settings
from wireproof.reference import machine as machines
from wireproof.reference.codec import decode, encode
from wireproof.reference.segment import ACK, PSH, RST, Segment

STEPS: list[dict[str, Any]] = [
    {"call": "open_passive", "h": 1},
    {"seg": "SYN", "mss": 1460},
    {"seg": "ACK"},
    {"call": "accept", "h": 1, "new": 2},
    {"call": "send", "h": 2, "len": 101},
    {"seg": "ACK", "len": 10},
    {"wait": 700000},
    {"seg": "ACK", "len": 10, "seq": ["RCV.NXT", 100]},
    {"seg": "ACK", "len": 10, "seq": ["RCV.NXT", -10]},
    {"icmp": [3, 1], "seq": ["SND.UNA", 0]},
    {"call": "set", "h": 2, "option": "nodelay", "value": 1},
]
CASE = Case("trace/both-ways", STEPS, rules=["tcp/text/some"], ids=["MUST-58"])


def run(case: Case, target: ReferenceTarget, conditions: Settings | None = None) -> Report:
    reports: list[Report] = []

    class Seen:
        def finished(self, program: Any, result: Any, error: BaseException | None) -> None:
            assert error is None, error
            reports.append(result)

    target.run([CaseProgram(case, conditions or Settings(machines.tcp()))], Seen())
    return reports[0]


def saved(path: Path, report: Report, case: Case = CASE) -> trace.Trace:
    trace.save(path, report, Settings(machines.tcp()), case=case, target="ref", suite=suite.SUITE, seed=7)
    return trace.read(path)


@pytest.fixture(params=[4, 6])
def recording(request: pytest.FixtureRequest, tmp_path: Path) -> trace.Trace:
    """A trace of a test that the reference passes."""
    family: Literal[4, 6] = request.param
    case = CASE if family == 4 else dataclasses.replace(CASE, steps=[s for s in STEPS if "icmp" not in s])
    report = run(case, ReferenceTarget(family=family))
    assert report.verdict == "pass", report
    return saved(tmp_path / "a.wpt", report, case)


# ---- round trips --------------------------------------------------------------------------------------------------


def test_a_trace_comes_back_as_it_was(recording: trace.Trace, tmp_path: Path) -> None:
    again = tmp_path / "b.wpt"
    trace.write(again, recording.header, recording.steps)
    assert again.read_bytes() == recording.path.read_bytes()
    got = trace.read(again)
    assert (got.header, got.steps) == (recording.header, recording.steps)


def test_the_steps_are_what_the_oracle_saw(tmp_path: Path) -> None:
    report = run(CASE, ReferenceTarget())
    got = saved(tmp_path / "a.wpt", report)
    assert report.oracle is not None
    assert [s for s in got.steps if s.kind != "tick"] == report.oracle.steps
    assert got.header.case == CASE
    assert (got.header.target, got.header.seed, got.header.suite) == ("ref", 7, suite.SUITE)
    assert got.header.spec_hash == machines.tcp().spec_hash


def test_the_lines_are_the_format(recording: trace.Trace) -> None:
    lines = [json.loads(line) for line in recording.path.read_text("utf-8").splitlines()]
    assert lines[0]["wpt"] == 1 and lines[0]["family"] == recording.header.family
    assert lines[-1] == {"end": True, "steps": len(lines) - 2}
    assert [x["i"] for x in lines[1:-1]] == list(range(1, len(lines) - 1))
    assert {x["kind"] for x in lines[1:-1]} == {"rx", "tx", "call", "tick"}
    assert lines[-2]["kind"] == "tick", "silence at the end is judged"


# ---- judging again ------------------------------------------------------------------------------------------------


def test_what_passed_passes(recording: trace.Trace) -> None:
    oracle = trace.rejudge(recording)
    assert trace.verdict(oracle) == "pass", oracle.refusal
    assert oracle.steps == [s for s in recording.steps if s.kind != "tick"]


def test_what_passed_passes_without_ticks(recording: trace.Trace) -> None:
    recording.steps = [s for s in recording.steps if s.kind != "tick"]
    assert trace.verdict(trace.rejudge(recording)) == "pass"


def test_a_part_of_the_suite_passes_again(tmp_path: Path) -> None:
    for case in suite.load()[::50]:
        report = run(case, ReferenceTarget())
        again = saved(tmp_path / "a.wpt", report, case)
        assert trace.verdict(trace.rejudge(again)) == report.verdict, case.id


@pytest.mark.parametrize("name", ["ack-forgotten", "checksum-ignored", "checksum-odd", "mss-everywhere"])
def test_what_a_mutant_did_is_refused_by_the_same_rule(tmp_path: Path, name: str) -> None:
    target = mutation.target(name)
    refused = 0
    for case in suite.load()[::8]:
        report = run(case, target)
        if report.refusal is None or report.verdict != "fail":
            continue
        again = saved(tmp_path / "a.wpt", report, case)
        assert (again.header.verdict, again.header.rule) == ("fail", report.refusal.rule)
        oracle = trace.rejudge(again)
        assert trace.verdict(oracle) == "fail"
        assert oracle.refusal is not None
        for part in ("kind", "rule", "text", "time"):
            assert getattr(oracle.refusal, part) == getattr(report.refusal, part), (case.id, part)
        refused += 1
        if refused == 5:
            break
    assert refused, "the mutant was not caught by this part of the suite"


def test_conditions_are_kept(tmp_path: Path) -> None:
    conditions = Settings(machines.tcp(), profile="linux", slack=1234, params={"mtu": 1280})
    report = run(CASE, ReferenceTarget(profile="linux", mtu=1280), conditions)
    trace.save(tmp_path / "a.wpt", report, conditions)
    got = trace.read(tmp_path / "a.wpt")
    assert (got.header.profile, got.header.slack_us, got.header.params) == ("linux", 1234, {"mtu": 1280})
    oracle = trace.rejudge(got)
    assert (oracle.profile, oracle.slack, oracle.p.mtu) == ("linux", 1234, 1280)


# ---- one thing changed --------------------------------------------------------------------------------------------


@pytest.fixture
def passing(tmp_path: Path) -> trace.Trace:
    return saved(tmp_path / "a.wpt", run(CASE, ReferenceTarget()))


def place(t: trace.Trace, wanted: Callable[[Segment], bool]) -> int:
    """The first segment of the host's that is as wanted."""
    for i, step in enumerate(t.steps):
        if step.kind == "tx":
            got = decode(step.packet)
            if isinstance(got, Segment) and wanted(got):
                return i
    raise AssertionError("no such segment")


def refusal_of(t: trace.Trace, tmp_path: Path) -> Refusal:
    """Why a changed trace is refused, after it was written and read."""
    path = tmp_path / "changed.wpt"
    trace.write(path, t.header, t.steps)
    oracle = trace.rejudge(trace.read(path))
    assert trace.verdict(oracle) == "fail"
    assert oracle.refusal is not None
    return oracle.refusal


def test_one_octet_of_text_changed(passing: trace.Trace, tmp_path: Path) -> None:
    at = place(passing, lambda s: bool(s.data))
    s = decode(passing.steps[at].packet)
    assert isinstance(s, Segment)
    s.data = s.data[:50] + bytes([s.data[50] ^ 1]) + s.data[51:]
    passing.steps[at].packet = encode(s)
    refusal = refusal_of(passing, tmp_path)
    assert (refusal.kind, refusal.rule) == ("unexpected", "tcp/new_text/last_of_queue")
    assert "TEXT" in refusal.text


def test_a_checksum_that_is_off_by_one(passing: trace.Trace, tmp_path: Path) -> None:
    step = passing.steps[place(passing, lambda s: bool(s.data))]
    raw = bytearray(step.packet)
    raw[20 + 17] ^= 1
    step.packet = bytes(raw)
    refusal = refusal_of(passing, tmp_path)
    assert (refusal.kind, refusal.rule) == ("broken", "tcp/form/checksum")


def test_a_header_checksum_that_is_off_by_one(passing: trace.Trace, tmp_path: Path) -> None:
    step = passing.steps[place(passing, lambda s: bool(s.data))]
    raw = bytearray(step.packet)
    raw[11] ^= 1
    step.packet = bytes(raw)
    refusal = refusal_of(passing, tmp_path)
    assert (refusal.kind, refusal.text) == ("broken", "no datagram: a wrong IPv4 header checksum")


def test_a_missing_acknowledgment_that_is_due_at_once(passing: trace.Trace, tmp_path: Path) -> None:
    old = next(i for i, s in enumerate(passing.steps) if s.kind == "rx" and "tcp/sequence/unacceptable" in s.rules)
    assert passing.steps[old + 1].kind == "tx"
    del passing.steps[old + 1]
    refusal = refusal_of(passing, tmp_path)
    assert (refusal.kind, refusal.rule, refusal.time) == ("missing", "tcp/acknowledge/acknowledge", 700000)
    assert "CTL=ACK" in refusal.text and "was not" in refusal.text


def test_a_missing_acknowledgment_that_may_be_delayed(passing: trace.Trace, tmp_path: Path) -> None:
    at = place(passing, lambda s: s.wnd == 65525 and not s.data)
    assert passing.steps[at].time == 100000
    del passing.steps[at]
    refusal = refusal_of(passing, tmp_path)
    assert refusal.kind == "missing"
    assert refusal.rule.startswith("tcp/acknowledge/")
    assert "had to be sent by 0.5" in refusal.text


def test_a_reset_to_another_port(passing: trace.Trace, tmp_path: Path) -> None:
    at = place(passing, lambda s: bool(s.data))
    s = decode(passing.steps[at].packet)
    assert isinstance(s, Segment)
    stray = Segment(s.src, s.dst, s.sport, s.dport + 1, seq=s.seq, ctl=RST)
    passing.steps.insert(at + 1, Step(passing.steps[at].time, "tx", encode(stray)))
    refusal = refusal_of(passing, tmp_path)
    assert (refusal.kind, refusal.rule) == ("unexpected", "tcp/closed/reset_with_ack")
    assert refusal.text.startswith("RST ") and "nothing may be sent here" in refusal.text


def test_a_result_changed(passing: trace.Trace, tmp_path: Path) -> None:
    for step in passing.steps:
        if step.call is not None and step.call[1] == "receive":
            h, fn, args, result = step.call
            step.call = (h, fn, args, dataclasses.replace(result, value=bytes(10)))
    refusal = refusal_of(passing, tmp_path)
    assert (refusal.kind, refusal.rule) == ("result", "tcp/receive/some")


# ---- as a capture -------------------------------------------------------------------------------------------------


def test_a_capture_names_the_rules(passing: trace.Trace, tmp_path: Path) -> None:
    path = tmp_path / "a.pcapng"
    trace.to_pcapng(passing, path)
    steps = [s for s in passing.steps if s.packet]
    seen = pcap.read(path)
    assert [(c.time, c.packet) for c in seen] == [(s.time, s.packet) for s in steps]
    for c, step in zip(seen, steps, strict=True):
        assert all(rule in c.comment for rule in step.rules)
        assert not step.states or c.comment.endswith(" or ".join(step.states))


def test_a_capture_tells_the_refusal_at_its_packet(passing: trace.Trace, tmp_path: Path) -> None:
    at = place(passing, lambda s: bool(s.ctl & PSH))
    s = decode(passing.steps[at].packet)
    assert isinstance(s, Segment)
    s.ctl = RST | ACK
    passing.steps[at].packet = encode(s)
    path = tmp_path / "a.pcapng"
    trace.to_pcapng(passing, path)
    oracle = trace.rejudge(passing)
    assert oracle.refusal is not None
    comments = {c.packet: c.comment for c in pcap.read(path)}
    told = comments[passing.steps[at].packet]
    assert told == f"REFUSED {oracle.refusal.rule}: {oracle.refusal.text}"
    assert sum("REFUSED" in c for c in comments.values()) == 1
    assert "not judged" in comments[passing.steps[place(passing, lambda s: s.wnd == 65525)].packet]


def test_a_capture_tells_what_was_missing_at_the_packet_before(passing: trace.Trace, tmp_path: Path) -> None:
    at = place(passing, lambda s: s.wnd == 65525 and not s.data)
    before = max(i for i in range(at) if passing.steps[i].packet)
    del passing.steps[at]
    trace.to_pcapng(passing, tmp_path / "a.pcapng")
    told = [c for c in pcap.read(tmp_path / "a.pcapng") if "REFUSED" in c.comment]
    assert [c.packet for c in told] == [passing.steps[before].packet]
    assert "was not" in told[0].comment and "tcp/text/" in told[0].comment


# ---- damage -------------------------------------------------------------------------------------------------------


def damaged(path: Path, line: int, text: str) -> None:
    with pytest.raises(trace.TraceError) as e:
        trace.rejudge(trace.read(path))
    message = str(e.value)
    assert message.startswith(f"{path}:{line}: "), message
    assert text in message
    assert "; " in message, "it must say what to do"


def test_cut_off_anywhere(passing: trace.Trace) -> None:
    text = passing.path.read_text("utf-8")
    whole = text.rstrip("\n")
    for n in range(0, len(whole), 97):
        passing.path.write_text(text[:n], "utf-8")
        with pytest.raises(trace.TraceError, match=r"cut off|not a trace"):
            trace.read(passing.path)
    passing.path.write_text(whole, "utf-8")
    trace.read(passing.path)


def with_line(t: trace.Trace, n: int, change: Callable[[dict[str, Any]], object]) -> Path:
    """The file with one line changed; a negative number counts from the end."""
    lines = t.path.read_text("utf-8").splitlines()
    raw = json.loads(lines[n])
    change(raw)
    lines[n] = json.dumps(raw)
    t.path.write_text("\n".join(lines) + "\n", "utf-8")
    return t.path


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"wpt": 2}, "trace format 2"),
        ({"wpt": None}, "not a trace file"),
        ({"local": "0a00"}, "'local' has 2 octets"),
        ({"local": "zz"}, "hexadecimal"),
        ({"family": 6}, "'family' is 6"),
        ({"params": {"mtu": "big"}}, "integers"),
        ({"params": {"mtoo": 1}}, "unknown parameters (mtoo)"),
        ({"profile": "rfc0"}, "profile 'rfc0'"),
        ({"verdict": "maybe"}, "unknown verdict"),
        ({"slack_us": 1.5}, "must be an integer"),
        ({"seed": True}, "must be an integer"),
        ({"ids": "MUST-1"}, "list of strings"),
        ({"case": {"steps": []}}, "no test case"),
        ({"case": 5}, "no test case"),
    ],
)
def test_a_wrong_header(passing: trace.Trace, fields: dict[str, Any], text: str) -> None:
    damaged(with_line(passing, 0, lambda raw: raw.update(fields)), 1, text)


@pytest.mark.parametrize(
    ("line", "fields", "text"),
    [
        (4, {"kind": "drop"}, "unknown kind 'drop'"),
        (4, {"t": "soon"}, "must be an integer"),
        (4, {"i": 7}, "step 7 where step 4 must be"),
        (4, {"frame": "0g"}, "hexadecimal"),
        (4, {"frame": 5}, "hexadecimal"),
        (4, {"rules": [1]}, "list of strings"),
        (2, {"kind": "rx"}, "'frame' must be octets"),
        (4, {"kind": "call"}, "'call' must be an object, not missing"),
    ],
)
def test_a_wrong_step(passing: trace.Trace, line: int, fields: dict[str, Any], text: str) -> None:
    assert passing.steps[3].kind == "tx"
    damaged(with_line(passing, line, lambda raw: raw.update(fields)), line + 1, text)


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"fn": "shutdown"}, "unknown call 'shutdown'"),
        ({"h": None}, "'h' must be an integer"),
        ({"args": {}}, "open_passive() lacks local, backlog"),
        ({"args": {"local": ["0a000002"], "backlog": 8}}, "an address and a port"),
        ({"args": {"local": ["0a", 80], "backlog": 8}}, "4 or 16 octets"),
        ({"result": {"kind": "none"}}, "unknown kind 'none' of a result"),
        ({"result": {"kind": "error"}}, "'value' must be a string"),
        ({"result": {"kind": "octets", "value": "0"}}, "hexadecimal"),
        ({"fn": "set", "args": {"option": "cork", "value": 1}}, "unknown option 'cork'"),
    ],
)
def test_a_wrong_call(passing: trace.Trace, fields: dict[str, Any], text: str) -> None:
    damaged(with_line(passing, 1, lambda raw: raw["call"].update(fields)), 2, text)


def test_a_wrong_end(passing: trace.Trace) -> None:
    n = len(passing.steps) + 2
    damaged(with_line(passing, -1, lambda raw: raw.update(steps=3)), n, "the end line tells of 3 steps")


def test_other_damage(passing: trace.Trace) -> None:
    path, lines = passing.path, passing.path.read_text("utf-8").splitlines()
    n = len(lines)

    def put(changed: list[str]) -> Path:
        path.write_text("\n".join(changed) + "\n", "utf-8")
        return path

    damaged(put(lines[:-1]), n, "ends here without its end line")
    damaged(put([*lines, "{}"]), n + 1, "text after the end line")
    damaged(put([*lines[:5], *lines[6:]]), 6, "step 6 where step 5 must be")
    damaged(put([*lines[:5], "{", *lines[6:]]), 6, "not JSON")
    damaged(put([*lines[:5], "[" * 100000, *lines[6:]]), 6, "not JSON")
    damaged(put([*lines[:5], "[]", *lines[6:]]), 6, "not a JSON object")
    damaged(put(["tcpdump"]), 1, "not a trace file")
    path.write_bytes(b"\xff\xfe")
    damaged(path, 1, "not UTF-8")


def test_no_such_file(tmp_path: Path) -> None:
    with pytest.raises(trace.TraceError, match="cannot be read"):
        trace.read(tmp_path / "nothing.wpt")
