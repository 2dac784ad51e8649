"""The suite of test cases for TCP: found by search, frozen in ``suites/tcp.jsonl``."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from importlib import resources
from pathlib import Path

from wireproof.conformance.search import Explorer, explore, name_verifications, select, verifications
from wireproof.conformance.targets.reference import ReferenceTarget
from wireproof.conformance.testcase import TestCase, read_suite
from wireproof.conformance.tester import Settings, run_case
from wireproof.reference import machine as machines
from wireproof.spec import ir
from wireproof.spec.backends.python import passes_on
from wireproof.spec.grid import cells

SUITE = "tcp-2026.1"

MAX_VERIFIED = 5
"""Nodes that take more steps than this are not verified by a test of their own."""


def path() -> Path:
    """The suite file that comes with wireproof."""
    return Path(str(resources.files("wireproof.conformance").joinpath("suites/tcp.jsonl")))


def load() -> list[TestCase]:
    """The frozen suite: what was searched, and what was made for purposes that the search misses. Raises SuiteError
    when it cannot be read."""
    return sorted([*read_suite(path()), *read_suite(made_path())], key=lambda c: c.id)


def made_path() -> Path:
    """The test cases that were made for purposes (suite_build.py)."""
    return path().with_name("tcp_made.jsonl")


def build(model: ir.Model, progress: Callable[[int, int, int, int], None] | None = None) -> list[TestCase]:
    """Search for test cases with the reference, and tag them from the model.

    Every case is run on the reference in the profile of the kernel too, to know how long it takes there.
    """
    machine = machines.tcp()
    explorer = Explorer(Settings(machine), ReferenceTarget())
    nodes, tried = explore(explorer, progress)
    trivial = frozenset(r.id for _, r in model.rules() if passes_on(r))
    hidden = frozenset(r.id for s, r in model.rules() if s.kind in ("procedure", "every", "after"))
    short = [n for n in nodes if len(n.steps) <= MAX_VERIFIED]
    cases = select(tried, trivial, hidden) + name_verifications(verifications(explorer, short))
    tag(model, cases)
    return sorted(cases, key=lambda c: c.id)


def tag(model: ir.Model, cases: Iterable[TestCase]) -> None:
    """Fill in what the model says of the rules of test cases, and how long they take."""
    rules = {r.id: r for _, r in model.rules()}
    trivial = frozenset(r.id for r in rules.values() if passes_on(r))
    filled: dict[str, list[str]] = {}
    for cell in cells(model):
        for r in cell.rules:
            filled.setdefault(r, []).append(cell.cell)
    for case in cases:
        found = [rules[r] for r in case.rules if r in rules]
        case.ids = sorted({i for r in found for i in r.ids}, key=_number)
        levels = [r.level for r in found if r.id not in trivial]
        case.cells = sorted({c for r in case.rules for c in filled.get(r, ()) if fits(c, case)})
        case.level = next((level for level in ("must", "should", "may") if level in levels), "procedure")
        case.duration_us = duration(case)


def fits(cell: str, case: TestCase) -> bool:
    """Does a cell that a rule fills belong to the state that the case is about? (A rule may serve several states.)"""
    parts = cell.split("/")
    return parts[0] == "TIMEOUT" or parts[1] in (case.state, "CLOSED" if parts[0] == "SEGMENT" else case.state)


def duration(case: TestCase) -> int:
    """How long a case takes on a stack with the kernel's timers (us), by running it on the reference as one."""
    target = ReferenceTarget(profile="linux")
    session = target.session()
    program = run_case(case, session, Settings(machines.tcp(), "linux"))
    try:
        until = next(program)
        while True:
            session.pass_time(until)
            until = program.send(None)
    except StopIteration:
        return session.now()


def _number(requirement: str) -> tuple[str, int]:
    kind, n = requirement.split("-")
    return kind, int(n)
