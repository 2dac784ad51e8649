"""Explanations of refusals: what a person is told about each kind of mistake, word for word.

``WIREPROOF_UPDATE_GOLDEN=1`` writes the files in ``golden/`` anew.
"""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path
from typing import Any

import pytest

from wireproof.conformance import mutation, testcase
from wireproof.conformance.explain import blame, culprit, explain, render
from wireproof.conformance.judge import Refusal
from wireproof.conformance.oracle import Oracle
from wireproof.conformance.targets.reference import ReferenceTarget
from wireproof.conformance.tester import Report, Settings, run_case
from wireproof.reference.machine import tcp
from wireproof.spec import load

GOLDEN = Path(__file__).parent / "golden"
UPDATE = os.environ.get("WIREPROOF_UPDATE_GOLDEN", "") not in ("", "0")

Step = dict[str, Any]


def seg(ctl: str, seq: int = 0, *, base: str = "RCV.NXT", ack: int = 0, **more: Any) -> Step:
    return {"seg": ctl, "seq": [base, seq], "ack": ["SND.NXT", ack], **more}


def call(fn: str, **args: Any) -> Step:
    return {"call": fn, "h": 1, **args}


CONNECT = call("open_active")
ESTABLISHED = [CONNECT, seg("SYN,ACK", mss=1460)]

CASES: dict[str, tuple[list[Step], str, str, str]] = {
    # mutant: steps, kind of refusal, rule to blame, its conjunct
    "rst-answered": ([*ESTABLISHED, seg("RST", -1)], "unexpected", "tcp/sequence/unacceptable_reset", ""),
    "reset-storm": ([seg("RST")], "unexpected", "tcp/closed/reset_ignored", ""),
    "simultaneous-open-acks": (
        [CONNECT, seg("SYN", mss=1460)],
        "unexpected",
        "tcp/syn_sent_syn/simultaneous_open",
        "",
    ),
    "nagle-missing": (
        [*ESTABLISHED, call("send", len=10), call("send", len=20)],
        "unexpected",
        "tcp/new_text/last_of_queue",
        "nagle",
    ),
    "mss-ignored": (
        [CONNECT, seg("SYN,ACK", mss=100), call("send", len=5000)],
        "broken",
        "tcp/limits/segment_size",
        "fits",
    ),
    "no-backoff": (
        [CONNECT, {"wait": 5_000_000}],
        "unexpected",
        "tcp/retransmit_syn/syn_again",
        "timer RETRANSMISSION",
    ),
    "retransmits-wrong-text": (
        [*ESTABLISHED, call("send", len=100), {"wait": 3_000_000}],
        "unexpected",
        "tcp/retransmit/front",
        "",
    ),
    "push-missing": ([*ESTABLISHED, call("send", len=10)], "unexpected", "tcp/new_text/last_of_queue", ""),
    "ttl-ignored": ([call("set", option="ttl", value=9), CONNECT], "broken", "tcp/form/time_to_live", "as_set"),
    "urgent-off-by-one": (
        [*ESTABLISHED, call("send", len=10, urgent=True)],
        "broken",
        "tcp/limits/urgent_pointer",
        "points_past",
    ),
    "blind-reset": ([*ESTABLISHED, seg("RST", 100)], "missing", "tcp/reset/challenge", ""),
    "ack-forgotten": (
        [*ESTABLISHED, seg("ACK,PSH", len=10), {"wait": 1_000_000}],
        "missing",
        "tcp/acknowledge/acknowledge",
        "",
    ),
    "refusal-untold": ([CONNECT, seg("RST,ACK"), call("error")], "result", "tcp/pending_report/pending", ""),
    "reassembly-shifted": (
        [*ESTABLISHED, seg("ACK", 10, len=10), seg("ACK", len=10), call("receive", max=100)],
        "result",
        "tcp/receive/some",
        "",
    ),
    "soft-error-aborts": (
        [CONNECT, {"icmp": [3, 0], "seq": ["SND.UNA", 0]}, call("status")],
        "result",
        "tcp/icmp/soft",
        "",
    ),
}


def run(target: ReferenceTarget, steps: list[Step]) -> Report:
    """A hand-made test against a target, on virtual time."""
    session = target.session()
    program = run_case(testcase.TestCase("by-hand", steps), session, Settings(tcp()))
    try:
        until = next(program)
        while True:
            session.pass_time(until)
            until = program.send(None)
    except StopIteration as stop:
        report: Report = stop.value
        return report


def refused(mutant: str) -> tuple[Refusal, Oracle]:
    report = run(mutation.target(mutant), CASES[mutant][0])
    assert report.verdict == "fail", f"{mutant}: {report.verdict}, {report.reason or 'not noticed'}"
    assert report.refusal is not None and report.oracle is not None
    return report.refusal, report.oracle


@pytest.mark.parametrize("mutant", CASES)
def test_explanation(mutant: str) -> None:
    refusal, oracle = refused(mutant)
    text = render(explain(refusal, oracle))
    path = GOLDEN / f"{mutant}.txt"
    if UPDATE:
        path.write_text(text, "utf-8")
    assert text == path.read_text("utf-8")
    assert all(line == line.rstrip() for line in text.splitlines())


@pytest.mark.parametrize("mutant", CASES)
def test_blame(mutant: str) -> None:
    _, kind, rule, conjunct = CASES[mutant]
    refusal, oracle = refused(mutant)
    assert refusal.kind == kind
    assert culprit(refusal, oracle) == (rule, conjunct)
    assert blame(refusal, oracle) == rule


@pytest.mark.parametrize("mutant", CASES)
def test_the_same_steps_pass_on_the_reference(mutant: str) -> None:
    """What is explained is the mutant's fault, not the test's."""
    report = run(ReferenceTarget(), CASES[mutant][0])
    assert report.verdict == "pass"


def test_every_kind_of_refusal_is_here() -> None:
    assert {kind for _, kind, _, _ in CASES.values()} == {"unexpected", "broken", "missing", "result"}
    assert {p.stem for p in GOLDEN.glob("*.txt")} == set(CASES)


def test_explaining_changes_nothing() -> None:
    """The refusal can be explained again, and the oracle is as it was."""
    refusal, oracle = refused("nagle-missing")
    before = refusal.configuration.key()
    first = render(explain(refusal, oracle))
    assert render(explain(refusal, oracle)) == first
    assert refusal.configuration.key() == before


def test_rules_of_another_version_are_not_explained() -> None:
    """The refusal stands as it is when the text at hand is not the oracle's."""
    refusal, oracle = refused("nagle-missing")
    other = dataclasses.replace(load.tcp(), spec_hash="another")
    assert "Nearest rules" not in render(explain(refusal, oracle, other))
    assert blame(refusal, oracle, other) == refusal.rule


def test_what_is_no_datagram_is_explained_without_a_configuration() -> None:
    """An octet string that cannot be decoded has no connection to tell of."""
    oracle = Oracle(tcp(), bytes([10, 0, 0, 2]))
    refusal = oracle.tx(b"\x45" + bytes(10), 7)
    assert refusal is not None
    text = render(explain(refusal, oracle))
    assert text.startswith("step 1  observed  host -> tester  11 octets that are no datagram: ")
    assert "the connection before it" not in text
    assert "most likely broken: tcp/form/checksum" in text


def test_a_call_that_no_connection_answers_is_explained() -> None:
    """The oracle's own refusals about handles name no configuration."""
    oracle = Oracle(tcp(), bytes([10, 0, 0, 2]))
    refusal = Refusal("result", "tcp/status_open/tell", "send() says EBADF for a handle that is open", 0)
    assert blame(refusal, oracle) == "tcp/status_open/tell"
    assert "EBADF" in render(explain(refusal, oracle))
