"""The suite from nothing: search, then traces drawn from what the rules compare, then proofs of what nothing covers.

Every stage is written to a journal as it goes, so that a build that was killed goes on where it was. All of it hangs
on the specification and the seed: the same, on any number of cores, give the same suite.
"""

from __future__ import annotations

import json
import multiprocessing
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from wireproof.conformance import suite
from wireproof.conformance.cover import VARIANTS, Runner, Variant
from wireproof.conformance.coverage import Coverage
from wireproof.conformance.guided import Found, Hunt, hunt
from wireproof.conformance.purpose_table import Entry
from wireproof.conformance.testcase import Step, TestCase
from wireproof.spec import ir
from wireproof.spec.purposes import Purpose

SEED = "tcp-2026.1"
RUNS = 120
"""Traces of one job: a variant, a round."""
IN_VAIN = 4
"""The search ends after so many rounds that show nothing."""
USUAL = ("rfc5961", "linux")
"""The variants whose runs of the searched suite are looked at; the others only hunt."""

Progress = Callable[[str, int, int, int], None]
"""Told of the stage, what is done, what there is to do, purposes that are not covered yet."""


@dataclass(slots=True)
class Witness:
    """The shortest trace so far that covers a purpose."""

    steps: list[Step]
    on: str
    case: str = ""


@dataclass(slots=True)
class Build:
    """A build under way."""

    model: ir.Model
    directory: Path
    jobs: int = 2
    rounds: int = 40
    budget_s: float = 900.0
    """No round of traces begins later than this after the first."""
    cases: list[TestCase] = field(default_factory=list)
    witnesses: dict[str, Witness] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)
    pools: dict[str, list[list[Step]]] = field(default_factory=dict)
    shown: dict[str, set[object]] = field(default_factory=dict)
    done: int = 0
    """Rounds done."""
    invariants: frozenset[tuple[str, int]] | None = None
    """Those that are proved: name and number of the conjunct."""
    proving: float = 0.0
    """Time that proofs took (s, over all processes)."""
    answers: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    """For each moment that was asked about the purposes that it may cover, or that the solver does not know of."""
    seconds: float = 0.0
    """Time that rounds took, over all attempts of this build."""
    spent: dict[str, float] = field(default_factory=dict)
    """For each purpose its share of the stage that closed it (s)."""

    # ---- the journal ------------------------------------------------------------------------------------------

    @property
    def journal(self) -> Path:
        return self.directory / "journal.ndjson"

    def resume(self) -> bool:
        """Take up a journal of the same specification and seed; False when there is none."""
        try:
            lines = self.journal.read_text("utf-8").splitlines()
        except OSError:
            return False
        entries = []
        for line in lines:
            try:
                entries.append(json.loads(line))
            except ValueError:
                break  # the line that was being written when the build was killed
        if not entries or entries[0] != self.header():
            return False
        for e in entries[1:]:
            self._take(e)
        return True

    def header(self) -> dict[str, Any]:
        variants = [v.name for v in VARIANTS]
        return {"build": 1, "spec_hash": self.model.spec_hash, "seed": SEED, "runs": RUNS, "variants": variants}

    def begin(self) -> None:
        """A journal with nothing in it but what it is of."""
        self.directory.mkdir(parents=True, exist_ok=True)
        self.journal.write_text(json.dumps(self.header()) + "\n", "utf-8")

    def note(self, entry: dict[str, Any]) -> None:
        """Take in what a stage found, and write it down."""
        self._take(entry)
        with self.journal.open("a", encoding="utf-8") as out:
            out.write(json.dumps(entry, separators=(",", ":")) + "\n")

    def _take(self, e: dict[str, Any]) -> None:
        if "cases" in e:
            self.cases = [TestCase(**c) for c in e["cases"]]
            for v in VARIANTS:
                self.pools[v.name] = [c.steps for c in self.cases[::8]]
                self.shown[v.name] = set()
        elif "seen" in e:
            by_id = {c.id: c for c in self.cases}
            self._share(e["seen"], e["seconds"])
            for purpose, case in e["seen"].items():
                self.witnesses.setdefault(purpose, Witness(by_id[case].steps, e["on"], case))
        elif "invariants" in e:
            self.invariants = frozenset((name, n) for name, n in e["invariants"])
        elif "moment" in e:
            self.answers.append((e["moment"], e["possible"]))
            self.proving += e["seconds"]
        elif "round" in e:
            self.done = e["round"] + 1
            self.seconds += e["seconds"]
            self.refused += e["refused"]
            self._share([p for f in e["found"] for p in f["covers"]], e["seconds"])
            for name, traces in e["pools"].items():
                self.pools[name] += traces
            for f in e["found"]:
                for purpose in f["covers"]:
                    known = self.witnesses.get(purpose)
                    if known is None or (not known.case and len(f["steps"]) < len(known.steps)):
                        self.witnesses[purpose] = Witness(f["steps"], f["on"])

    def _share(self, purposes: Iterable[str], seconds: float) -> None:
        new = {p for p in purposes if p not in self.spent}
        for p in new:
            self.spent[p] = seconds / len(new)

    # ---- stages -----------------------------------------------------------------------------------------------

    def search(self, coverage: Coverage, progress: Progress) -> None:
        """Breadth-first search, and what its test cases cover."""
        if not self.cases:
            cases = suite.build(self.model, lambda n, queue, tried, covered: progress("search", n, n + queue, 0))
            self.note({"cases": [json.loads(c.to_json()) for c in cases]})
        seen = {w.on for w in self.witnesses.values() if w.case}
        for v in VARIANTS:
            if v.name not in USUAL or v.name in seen:
                continue
            runner, begun = Runner(coverage, v), time.monotonic()
            found: dict[str, str] = {}
            for n, case in enumerate(sorted(self.cases, key=lambda c: (len(c.steps), c.id))):
                for purpose in sorted(runner.run(case.steps) or ()):
                    found.setdefault(purpose, case.id)
                if n % 50 == 0:
                    progress(f"cover {v.name}", n, len(self.cases), self.left(coverage))
            self.note({"seen": found, "on": v.name, "seconds": time.monotonic() - begun})

    def left(self, coverage: Coverage) -> int:
        """How many purposes nothing covers yet."""
        return sum(p.id not in self.witnesses for p in coverage.purposes)

    def hunt(self, coverage: Coverage, progress: Progress) -> None:
        """Rounds of drawn traces, until they show nothing any more or the budget is spent."""
        vain = 0
        with multiprocessing.get_context("fork").Pool(self.jobs, _begin, (self.model,)) as pool:
            while self.done < self.rounds and vain < IN_VAIN and self.seconds < self.budget_s:
                before, begun = self.left(coverage), time.monotonic()
                round_, covered = self.done, set(self.witnesses)
                orders = [
                    Order(v, f"{SEED}/{round_}/{v.name}", covered, self.pools[v.name], self.shown[v.name])
                    for v in VARIANTS
                ]
                found: list[dict[str, Any]] = []
                pools: dict[str, list[list[Step]]] = {}
                refused: list[str] = []
                for n, (order, job) in enumerate(zip(orders, pool.imap(_hunt, orders), strict=True)):
                    pools[order.variant.name] = job.pool[len(order.pool) :]
                    self.shown[order.variant.name] = job.shown
                    refused += job.refused
                    found += [_plain(f) for f in job.found]
                    progress("traces", round_ * len(orders) + n + 1, self.rounds * len(orders), before)
                took = time.monotonic() - begun
                self.note({"round": round_, "seconds": took, "found": found, "pools": pools, "refused": refused})
                vain = vain + 1 if self.left(coverage) == before else 0


@dataclass(slots=True)
class Order:
    """What a worker is to do."""

    variant: Variant
    seed: str
    covered: set[str]
    pool: list[list[Step]]
    shown: set[object]


_coverage: Coverage | None = None
"""Of a worker process: made once, for the rules have to be compiled."""


def _begin(model: ir.Model) -> None:
    global _coverage
    _coverage = Coverage(model)


def _hunt(order: Order) -> Hunt:
    assert _coverage is not None
    job = Hunt(order.seed, set(order.covered), list(order.pool), shown=order.shown)
    return hunt(_coverage, Runner(_coverage, order.variant), job, RUNS)


def _plain(f: Found) -> dict[str, Any]:
    return {"steps": f.steps, "on": f.variant.name, "covers": sorted(f.covers)}


def shortened(coverage: Coverage, steps: list[Step], on: Variant, wanted: Iterable[str]) -> list[Step]:
    """The steps without those that the purposes do not need: blocks of them first, from the back, then single ones."""
    runner, goal = Runner(coverage, on), set(wanted)
    for size in (8, 4, 2, 1):
        at = len(steps) - size
        while at >= 0:
            shorter = steps[:at] + steps[at + size :]
            try:
                if goal <= (runner.run(shorter) or set()):
                    steps = shorter
            except AssertionError:
                pass  # without these steps it is another trace, of which the search for faults must tell
            at -= size
    return steps


def case_id(purpose: Purpose, state: str) -> str:
    """The id of a test case that was made for a purpose: ``tcp/urgent/established/announced/edge-1-wrap``."""
    kind, *rest = purpose.id.split("/")
    where = state.lower().replace("-", "_")
    if kind == "timer":
        return f"tcp/{rest[0].lower().replace('-', '_')}/{where}/{rest[2]}"
    if kind not in ("rule", "conjunct", "edge"):
        return f"tcp/{kind}/{where}/{'-'.join(rest).lower()}"
    machine, section, rule = purpose.rule.split("/")
    tail = "reached"
    if kind == "edge":
        tail = f"edge-{purpose.part + 1}-{ {'-1': 'below', '0': 'at', '+1': 'above'}.get(purpose.side, purpose.side) }"
    elif kind == "conjunct":
        tail = f"condition-{purpose.part + 1}-{purpose.side}"
    return f"{machine}/{section}/{where}/{rule}/{tail}"


def entries(
    build: Build, coverage: Coverage, proofs: dict[str, str], tried: str, progress: Progress
) -> tuple[list[TestCase], list[Entry]]:
    """The test cases made besides the searched ones, and what became of every purpose.

    A trace is a test case for all the purposes that it is the witness of.
    """
    made: dict[str, TestCase] = {}
    by_trace: dict[str, str] = {}
    by_name = {v.name: v for v in VARIANTS}
    same = {json.dumps(c.steps): c.id for c in build.cases}
    """The test that takes these steps already."""
    groups: dict[str, list[Purpose]] = {}
    for p in coverage.purposes:
        w = build.witnesses.get(p.id)
        if w is not None and not w.case:
            groups.setdefault(f"{w.on}\0{json.dumps(w.steps)}", []).append(p)
    for n, (trace, wanted) in enumerate(groups.items()):
        progress("make short", n, len(groups), 0)
        w = build.witnesses[wanted[0].id]
        steps = shortened(coverage, w.steps, by_name[w.on], [p.id for p in wanted])
        known = same.get(json.dumps(steps))
        if known is not None:
            by_trace[trace] = known
            continue
        state, fired = last_step(coverage, steps, by_name[w.on])
        name = case_id(wanted[0], state)
        while name in made:
            name += "-again"
        rules = list(dict.fromkeys(p.rule for p in wanted if p.rule.count("/") == 2)) or fired
        last = steps[-1] if steps else {}
        event = last.get("call") or ("segment" if "seg" in last else "icmp" if "icmp" in last else "time")
        made[name] = TestCase(name, steps, rules, state=state, event=event)
        by_trace[trace] = same[json.dumps(steps)] = name
    out = []
    for p in coverage.purposes:
        w = build.witnesses.get(p.id)
        if w is not None:
            case = w.case or by_trace[f"{w.on}\0{json.dumps(w.steps)}"]
            out.append(Entry(p.id, "covered", case, w.on))
        elif p.id in proofs:
            out.append(Entry(p.id, "unreachable", why=proofs[p.id]))
        else:
            out.append(Entry(p.id, "open", why=tried))
    suite.tag(build.model, made.values())
    return [*made.values()], out


def last_step(coverage: Coverage, steps: list[Step], on: Variant) -> tuple[str, list[str]]:
    """The state that the last step meets, and the rules that fire at it (at any step, when none does then)."""
    runner = Runner(coverage, on)
    tester, session = runner.begin()
    for step in steps[:-1]:
        runner.step(tester, session, step)
    c = tester.oracle.configuration((session.local, session.local_port, session.remote, session.remote_port))
    state = str(c.state) if c is not None else "LISTEN" if tester.oracle.listeners else "CLOSED"
    mark = len(tester.oracle.steps)
    runner.step(tester, session, steps[-1])
    for seen in (tester.oracle.steps[mark:], tester.oracle.steps):
        if fired := list(dict.fromkeys(r for s in seen for r in s.rules)):
            return state, fired
    return state, []
