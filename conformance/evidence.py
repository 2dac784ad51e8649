"""What a failure leaves: the rule to blame, an explanation, the steps, and files to replay and to look at."""

from __future__ import annotations

import functools
from pathlib import Path

from wireproof.conformance import explain
from wireproof.conformance.catalogue import Kind
from wireproof.conformance.judge import Refusal
from wireproof.conformance.ladder import rungs
from wireproof.conformance.oracle import Oracle
from wireproof.conformance.records import Event, short_id
from wireproof.conformance.session import Session
from wireproof.conformance.testcase import TestCase
from wireproof.conformance.tester import Report
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


def keep(where: Path, event: Event, case: TestCase, report: Report, kind: Kind, session: Session | None) -> list[str]:
    """Write the artefacts of a failure; their file names."""
    return []


def header(path: Path) -> Event:
    """What a recorded trace says of itself. Raises ValueError."""
    raise ValueError(f"{path}: this version keeps no traces")


def rejudge(path: Path) -> Event:
    """A recorded trace, judged by the specification of today: verdict, rule, kind, text. Raises ValueError."""
    raise ValueError(f"{path}: this version keeps no traces")
