"""What a failure leaves: the rule to blame, an explanation, the steps, and files to replay and to look at."""

from __future__ import annotations

import functools
from pathlib import Path

from wireproof.conformance import explain, trace
from wireproof.conformance.catalogue import Kind
from wireproof.conformance.judge import Refusal
from wireproof.conformance.ladder import rungs
from wireproof.conformance.oracle import Oracle
from wireproof.conformance.records import Event, short_id
from wireproof.conformance.suite import SUITE
from wireproof.conformance.testcase import TestCase
from wireproof.conformance.tester import Report, Settings
from wireproof.spec import ir
from wireproof.spec.load import tcp


@functools.cache
def rules() -> dict[str, ir.Rule]:
    """The specification's rules by id."""
    return {r.id: r for _, r in tcp().rules()}


def prepare() -> None:
    """Load what explaining needs, so that no test that is under way has to wait for it."""
    rules()


def requirements(rule: str) -> list[str]:
    """The requirements that a rule stands for."""
    found = rules().get(rule)
    return found.ids if found is not None else []


def blamed(refusal: Refusal, oracle: Oracle) -> str:
    """The rule that was broken."""
    return explain.blame(refusal, oracle)


def name(target: str, event: Event, taken: set[str]) -> str:
    """The short id of a failure."""
    return short_id(target, event["id"], event["rule"] or event["kind"], taken)


def told(refusal: Refusal, oracle: Oracle) -> Event:
    """The failure in words: the rule's meaning and source, the steps, and what would have been allowed."""
    e = explain.explain(refusal, oracle)
    return {
        "meaning": e.blamed.meaning,
        "cites": e.blamed.cites,
        "conjunct": e.conjunct,
        "allowed": [a.what for a in e.allowed[:3]],
        "steps": rungs(oracle),
        "explanation": explain.render(e).splitlines(),
    }


def keep(where: Path, event: Event, case: TestCase, report: Report, kind: Kind, settings: Settings) -> list[str]:
    """Write the artefacts of a failure; their file names. Where they cannot be written there are none."""
    recording, capture = where / f"{event['cex']}.wpt", where / f"{event['cex']}.pcapng"
    try:
        trace.save(recording, report, settings, case=case, target=kind.name, suite=SUITE)
        trace.to_pcapng(trace.read(recording), capture)
    except OSError:
        return []
    return [recording.name, capture.name]


def header(path: Path) -> tuple[Event, TestCase | None]:
    """What a recorded trace says of itself, like a result, and its test. Raises TraceError."""
    h = trace.read(path).header
    event = {"id": h.case.id if h.case is not None else str(path), "target": h.target, "verdict": h.verdict}
    return event | {"refused_by": h.rule, "kind": h.kind, "text": h.text}, h.case


def rejudge(path: Path) -> Event:
    """A recorded trace, judged by the specification of today, like a result. Raises TraceError."""
    oracle = trace.rejudge(trace.read(path))
    event: Event = {"verdict": trace.verdict(oracle), "rule": "", "refused_by": "", "kind": "", "text": ""}
    if oracle.refusal is not None:
        refusal = oracle.refusal
        event |= {"kind": refusal.kind, "refused_by": refusal.rule, "text": refusal.text}
        event["rule"] = blamed(refusal, oracle)
    return event
