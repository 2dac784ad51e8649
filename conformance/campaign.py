"""Running many test cases against one target, as one stream of events.

Events are plain dictionaries: ``plan`` first, a ``result`` for each test as it ends, ``summary`` last. What a person
sees, and what is kept on disk, are made from them. Verdicts are the six of ``oracle.Verdict``;
the overlay says what the baseline makes of one: ``xfail`` (a known failure), ``xpass`` (one that must fail and did
not), ``unlisted`` (a departure from a SHOULD that the baseline does not list).
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from wireproof.conformance import evidence
from wireproof.conformance.baseline import STEP, Baseline
from wireproof.conformance.catalogue import Kind
from wireproof.conformance.records import Event, Recorder
from wireproof.conformance.session import IutError, Session, Target, Unsupported
from wireproof.conformance.suite import SUITE
from wireproof.conformance.testcase import SLOW_US, TestCase
from wireproof.conformance.tester import Report, Settings, run_case
from wireproof.conformance.timing import crossed, is_timing

SPEC = "tcp/rfc9293"

PASSED, FAILED, USAGE, NOT_STARTED, NOTHING, INTERRUPTED = 0, 1, 2, 3, 4, 130
"""Exit statuses of a run."""


@dataclass(slots=True, frozen=True)
class Options:
    """What changes the exit status, and whether tests that take long are run on a wall clock."""

    strict: bool = False
    exit_zero: bool = False
    allow_inconclusive: bool = False
    slow: bool = False


class CaseProgram:
    """A test case as something that a target can run."""

    def __init__(self, case: TestCase, settings: Settings):
        self.case = case
        self.id = case.id
        self.settings = settings
        self.begun = self.ended = 0

    def start(self, session: Session) -> Generator[int, None, Report]:
        self.begun = self.ended = session.now()
        report = yield from run_case(self.case, session, self.settings)
        self.ended = session.now()
        return report


def steps_of(case: TestCase) -> frozenset[str]:
    """The steps of a test as a baseline reads them."""
    return frozenset(STEP + json.dumps(s, sort_keys=True) for s in case.steps)


@dataclass(slots=True)
class Tally:
    """Counts for the summary."""

    verdicts: Counter[str] = field(default_factory=Counter)
    overlays: Counter[str] = field(default_factory=Counter)
    touched: set[str] = field(default_factory=set)
    """Requirements that conclusive tests are about."""
    failed: set[str] = field(default_factory=set)
    """Requirements that failing tests are about by the rule that was broken."""
    undecided: list[str] = field(default_factory=list)
    cex: set[str] = field(default_factory=set)


class Campaign:
    """One run of chosen cases against one target."""

    def __init__(
        self,
        kind: Kind,
        cases: Sequence[TestCase],
        of: int,
        baseline: Baseline | None = None,
        emit: Callable[[Event], None] = lambda _: None,
        recorder: Recorder | None = None,
        options: Options = Options(),
        command: str = "",
        brief: bool = False,
    ):
        """``brief``: say which rule refused, and leave it at that."""
        self.kind = kind
        self.cases = list(cases)
        self.of = of
        self.baseline = baseline or Baseline()
        self.sink = emit
        self.recorder = recorder
        self.options = options
        self.command = command
        self.brief = brief
        self.settings = kind.settings()
        self.tally = Tally()
        self.taken: frozenset[str] = frozenset()
        """The steps of the test whose result is being made."""
        self.suspects: list[CaseProgram] = []
        self.second: dict[str, Report] = {}
        """Timing misses of the first time round, by test."""
        self.zero = time.perf_counter()

    # ---- the stream -----------------------------------------------------------------------------------------------

    def emit(self, event: Event) -> None:
        if self.recorder is not None:
            self.recorder.write(event)
        self.sink(event)

    def run(self) -> Event:
        """Run everything; the summary. Raises IutError or MutantError when the target cannot be started, before any
        event. An interruption ends the run early and marks the summary ``partial``."""
        skipped = self._too_slow()
        todo = [c for c in self.cases if c.id not in skipped]
        longest = max((c.duration_us for c in todo), default=0)
        target = self.kind.open(longest)
        partial = False
        try:
            self.emit(self._plan(target, skipped))
            for case in self.cases:
                if case.id in skipped:
                    self._result(case, "skipped", reason=f"takes {case.duration_us / 1e6:.0f} s; --slow runs it")
            evidence.prepare()
            target.run([CaseProgram(c, self.settings) for c in todo], self)  # type: ignore[arg-type]
            if self.suspects:
                again, self.suspects = self.suspects, []
                target.run([CaseProgram(p.case, self.settings) for p in again], self)  # type: ignore[arg-type]
        except KeyboardInterrupt:
            partial = True
        finally:
            target.shutdown()
        return self._summary(partial)

    def _too_slow(self) -> set[str]:
        if self.kind.clock == "virtual" or self.options.slow:
            return set()
        return {c.id for c in self.cases if c.duration_us > SLOW_US}

    def _plan(self, target: Target, skipped: set[str]) -> Event:
        from importlib.metadata import version

        return {
            "event": "plan",
            "run": self.recorder.id if self.recorder is not None else "",
            "wireproof": version("wireproof"),
            "spec": SPEC,
            "spec_hash": self.settings.machine.spec_hash,
            "suite": SUITE,
            "target": {
                "name": self.kind.name,
                "full": target.name,
                "clock": target.clock,
                "family": target.family,
                "profile": self.settings.profile,
                "slack_us": self.settings.slack,
                "about": self.kind.about,
            },
            "selected": len(self.cases),
            "of": self.of,
            "skipped": len(skipped),
            "baseline": {"file": self.baseline.path.name, "entries": len(self.baseline.entries)}
            if self.baseline.path
            else None,
            "command": self.command,
            "started": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        }

    # ---- results --------------------------------------------------------------------------------------------------

    def finished(self, program: CaseProgram, result: Any, error: BaseException | None) -> None:
        """A target reports a finished program."""
        case = program.case
        if error is not None:
            if isinstance(error, Unsupported):
                self._result(case, "unsupported", reason=str(error))
            else:
                what = str(error) if isinstance(error, IutError) else f"{type(error).__name__}: {error}"
                self._result(case, "error", reason=what, program=program)
            return
        report: Report = result
        before = self.second.pop(case.id, None)
        if before is not None and crossed(before, self.settings) and self._allowed(report):
            # Which of two events within the slack came first cannot be told, and in one order all is allowed.
            self._report(program, replace(report, verdict="pass", refusal=None))
        elif before is not None and report.verdict == "pass":
            assert before.refusal is not None
            reason = f"once, and not again: {before.refusal.text}"
            before = replace(before, verdict="inconclusive", reason=reason)
            self._report(program, before)
        elif (
            before is None
            and report.verdict == "fail"
            and self.kind.clock == "wall"
            and is_timing(report, self.settings)
            and not self._known(case, report)
        ):
            self.second[case.id] = report
            self.suspects.append(program)
        else:
            self._report(program, report)

    def _allowed(self, report: Report) -> bool:
        return report.verdict == "pass" or (report.verdict == "fail" and crossed(report, self.settings))

    def _known(self, case: TestCase, report: Report) -> bool:
        assert report.refusal is not None and report.oracle is not None
        rules = [evidence.blamed(report.refusal, report.oracle), report.refusal.rule]
        fired = steps_of(case) | {r for step in report.oracle.steps for r in step.rules}
        return any(e.explains(case.id, r, report.refusal.text, fired) for e in self.baseline.entries for r in rules)

    def _report(self, program: CaseProgram, report: Report) -> None:
        self._result(program.case, report.verdict, reason=report.reason, report=report, program=program)

    def _result(
        self,
        case: TestCase,
        verdict: str,
        reason: str = "",
        report: Report | None = None,
        program: CaseProgram | None = None,
    ) -> None:
        self.taken = steps_of(case)
        event: Event = {
            "event": "result",
            "id": case.id,
            "target": self.kind.name,
            "verdict": verdict,
            "overlay": "",
            "level": case.level,
            "state": case.state,
            "ids": case.ids,
            "kind": "",
            "rule": "",
            "text": reason,
            "deviations": [list(d) for d in report.deviations] if report is not None else [],
            "duration_us": program.ended - program.begun if program is not None else 0,
            "at_s": round(time.perf_counter() - self.zero, 6),
            "artefacts": [],
        }
        if report is not None and report.refusal is not None:
            self._refused(event, case, report)
        elif verdict == "error":
            event["kind"] = "error"
            event["cex"] = evidence.name(self.kind.name, event, self.tally.cex)
        self._overlay(event)
        self._count(event)
        self.emit(event)

    def _refused(self, event: Event, case: TestCase, report: Report) -> None:
        refusal, oracle = report.refusal, report.oracle
        assert refusal is not None and oracle is not None
        event["kind"] = refusal.kind
        event["refused_by"] = refusal.rule
        event["rule"] = refusal.rule if self.brief else evidence.blamed(refusal, oracle)
        event["text"] = report.reason or refusal.text
        if event["verdict"] != "fail" or self.brief:
            return
        event["cex"] = evidence.name(self.kind.name, event, self.tally.cex)
        event |= evidence.told(refusal, oracle)
        if self.recorder is not None:
            event["artefacts"] = evidence.keep(self.recorder.path, event, case, report, self.kind, self.settings)

    def _overlay(self, event: Event) -> None:
        """What the baseline makes of a result."""
        if event["verdict"] == "fail":
            rules = [event["rule"], event["refused_by"]]
            if entry := self.baseline.failure(event["id"], rules, event["text"], self.fired(event)):
                event["overlay"], event["entry"] = "xfail", entry.as_dict()
        elif event["verdict"] == "pass":
            unlisted = [d for d in event["deviations"] if not self.baseline.deviation(event["id"], d[0], d[1])]
            if entry := self.baseline.must_fail(event["id"]):
                event["overlay"], event["entry"] = "xpass", entry.as_dict()
            elif unlisted:
                event["overlay"], event["unlisted"] = "unlisted", unlisted

    def fired(self, event: Event) -> frozenset[str]:
        """The rules that a failing test made fire, and its steps: they tell known failures of generated traces."""
        return frozenset(r for step in event.get("steps", ()) for r in step["rules"]) | self.taken

    def _count(self, event: Event) -> None:
        tally = self.tally
        tally.verdicts[event["verdict"]] += 1
        if event["overlay"]:
            tally.overlays[event["overlay"]] += 1
        if event["verdict"] in ("pass", "fail"):
            tally.touched.update(event["ids"])
            if event["verdict"] == "fail":
                tally.failed.update(evidence.requirements(event["rule"]))
        else:
            tally.undecided.append(event["id"])

    # ---- the end --------------------------------------------------------------------------------------------------

    def _summary(self, partial: bool) -> Event:
        for test, report in self.second.items():
            case = next(c for c in self.cases if c.id == test)
            text = report.refusal.text if report.refusal is not None else ""
            self._result(case, "inconclusive", reason=f"once, and interrupted before it was tried again: {text}")
        tally = self.tally
        done = sum(tally.verdicts.values())
        undone = len(self.cases) - done
        whole = not partial and len(self.cases) == self.of
        stale = [e.as_dict() for e in self.baseline.stale(tally.undecided)] if whole else []
        new = tally.verdicts["fail"] + tally.verdicts["error"] - tally.overlays["xfail"]
        bad = new or tally.overlays["xpass"] or tally.overlays["unlisted"] or (self.options.strict and stale)
        verified = tally.verdicts["pass"] + tally.verdicts["fail"]
        if partial:
            code = INTERRUPTED
        elif bad:
            code = 0 if self.options.exit_zero else FAILED
        elif verified:
            code = PASSED
        else:
            allowed = self.options.exit_zero or (self.options.allow_inconclusive and tally.verdicts["inconclusive"])
            code = PASSED if allowed else NOTHING
        event: Event = {
            "event": "summary",
            "verdict": _verdict(bool(bad), partial, verified),
            "partial": partial,
            "counts": {
                v: tally.verdicts[v] for v in ("pass", "fail", "inconclusive", "error", "unsupported", "skipped")
            },
            "overlays": {o: tally.overlays[o] for o in ("xfail", "xpass", "unlisted")},
            "new": new,
            "stale": stale,
            "strict": self.options.strict,
            "not_run": undone,
            "not_verified": undone + done - verified - tally.verdicts["error"],
            "selected": len(self.cases),
            "must": _musts(tally, self.cases),
            "seconds": round(time.perf_counter() - self.zero, 3),
            "run": self.recorder.id if self.recorder is not None else "",
            "exit": code,
        }
        self.emit(event)
        return event


def _verdict(bad: bool, partial: bool, verified: int) -> str:
    if bad:
        return "not conformant"
    if partial:
        return "PARTIAL"
    return "conformant" if verified else "nothing verified"


def _musts(tally: Tally, cases: Sequence[TestCase]) -> dict[str, int]:
    """MUST requirements: those that the chosen tests are about, those that conclusive ones touched, and of these
    those that no failure is about."""
    about = {i for c in cases for i in c.ids if i.startswith("MUST")}
    touched = {i for i in tally.touched if i.startswith("MUST")}
    return {"of": len(about), "touched": len(touched), "clean": len(touched - tally.failed)}
