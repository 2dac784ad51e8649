"""What generated traces have found: failures, those of one kind together, each with the shortest trace there is."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field

from wireproof.conformance import evidence
from wireproof.conformance.baseline import GENERATED
from wireproof.conformance.generated import Generated
from wireproof.conformance.testcase import Step, TestCase
from wireproof.conformance.tester import Report

KEPT = 3
"""Traces of one fingerprint that are kept: the shortest ones, for the same refusal may have more than one reason."""


@dataclass(slots=True, frozen=True, order=True)
class Fingerprint:
    """What makes two failures the same: the kind, the rule to blame, the one that refused, the text without numbers."""

    kind: str
    rule: str
    refused_by: str
    text: str


@dataclass(slots=True)
class Finding:
    """Failures with one fingerprint: how many, and the shortest traces with their choices and reports."""

    print: Fingerprint
    count: int = 0
    traces: list[tuple[list[Step], list[int], Report]] = field(default_factory=list)


def fingerprint(report: Report) -> Fingerprint:
    """The fingerprint of a failing trace, or of a program that broke."""
    if report.refusal is None or report.oracle is None:
        return Fingerprint("error", "", "", plain(report.reason))
    refusal = report.refusal
    return Fingerprint(refusal.kind, evidence.blamed(refusal, report.oracle), refusal.rule, plain(refusal.text))


def plain(text: str) -> str:
    """A text without its numbers, its octets, and what follows the first alternative."""
    text = re.sub(r"b'.*?'|b\".*?\"", "B", text)
    return re.sub(r"0x[0-9a-f]+|\d+(\.\d+)?", "N", text)


class Findings:
    """All of a run."""

    def __init__(self) -> None:
        self.found: dict[Fingerprint, Finding] = {}

    def add(self, trace: Generated, report: Report, choices: list[int]) -> None:
        """Note a failing trace."""
        key = fingerprint(report)
        finding = self.found.setdefault(key, Finding(key))
        finding.count += 1
        finding.traces.append((list(trace.steps), choices, report))
        finding.traces.sort(key=lambda t: len(t[0]))
        del finding.traces[KEPT:]

    def all(self) -> list[Finding]:
        """In an order that depends on nothing but what was found."""
        return [self.found[k] for k in sorted(self.found)]


def case_of(steps: list[Step], report: Report) -> TestCase:
    """A failing trace as a test case with an id of its own: ``property/SECTION/RULE/KIND-xxxx``.

    The last four digits are the fingerprint's: the same failure has the same id, whatever the seed.
    """
    key = fingerprint(report)
    digest = hashlib.sha256("\0".join((key.kind, key.rule, key.refused_by, key.text)).encode()).hexdigest()[:4]
    rule = evidence.rules().get(key.rule)
    place = key.rule.removeprefix("tcp/") or "broken"
    fired = [r for s in report.oracle.steps for r in s.rules] if report.oracle is not None else []
    return TestCase(
        f"{GENERATED}{place}/{key.kind}-{digest}",
        steps,
        list(dict.fromkeys(fired)),
        list(rule.ids) if rule is not None else [],
        level=rule.level if rule is not None else "procedure",
        state=_state(report),
        event="property",
    )


def departure_of(rule: str, requirement: str, steps: list[Step], report: Report) -> TestCase:
    """A passing trace that departs from a SHOULD, as a test case."""
    case = case_of(steps, report)
    case.id = f"{GENERATED}{rule.removeprefix('tcp/')}/{requirement}"
    return case


def _state(report: Report) -> str:
    """The state before the last step that the oracle knows one of."""
    if report.oracle is None:
        return ""
    return next((s.states[0] for s in reversed(report.oracle.steps) if s.states), "")
