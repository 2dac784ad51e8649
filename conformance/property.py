"""Generated traces against one target: a campaign whose tests are found while it runs.

Traces are run until so many events were done. What fails is gathered by fingerprint; of each the shortest traces are
made as short as can be, run once more, and reported, recorded and compared with the baseline like tests of a suite.
For a virtual target all depends on the seed alone.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from wireproof.conformance import evidence
from wireproof.conformance.attempts import Attempts, error_text, minimised, refused
from wireproof.conformance.baseline import Baseline
from wireproof.conformance.campaign import FAILED, INTERRUPTED, NOTHING, PASSED, Campaign, CaseProgram, Options
from wireproof.conformance.catalogue import Kind
from wireproof.conformance.draws import Draw, Tape
from wireproof.conformance.findings import KEPT, Finding, Findings, case_of, departure_of
from wireproof.conformance.generated import MEAN, Generated
from wireproof.conformance.minimise import Minimised, sign
from wireproof.conformance.records import Event, Recorder
from wireproof.conformance.session import Target, Unsupported
from wireproof.conformance.stimuli import Stimuli, Times
from wireproof.conformance.testcase import Step
from wireproof.conformance.tester import Report
from wireproof.conformance.timing import is_timing

PATIENCE_US = 3_000_000
"""On a wall clock, a generated trace waits no longer than this for one timer."""
BATCH = 4096
"""Traces that are handed to a target in one go, at most."""
TOLD_EVERY_S = 0.2
SHRINK_FROM = 12
"""Longer traces are given to Hypothesis first."""


class PropertyCampaign(Campaign):
    """``events`` events of generated traces against one target."""

    def __init__(
        self,
        kind: Kind,
        events: int,
        seed: int = 0,
        baseline: Baseline | None = None,
        emit: Callable[[Event], None] = lambda _: None,
        recorder: Recorder | None = None,
        options: Options | None = None,
        command: str = "",
    ):
        super().__init__(kind, [], 0, baseline, emit, recorder, options or Options(), command)
        self.wanted = events
        self.seed = seed
        times = Times() if kind.clock == "virtual" else Times(False, PATIENCE_US)
        self.stimuli = Stimuli(kind.family, times)
        self.done = 0
        self.traces: Counter[str] = Counter()
        self.rules: set[str] = set()
        self.findings = Findings()
        self.departures: dict[tuple[str, str], tuple[list[Step], Report]] = {}
        """Departures from a SHOULD, with the shortest trace that shows each."""
        self.doubtful: list[tuple[Generated, Report, list[int]]] = []
        """Timing misses on a wall clock: they count when they happen again."""
        self.extra: Event = {}
        """What a result says beside what any result says."""
        self.told = 0.0
        self.generating_s = 0.0

    # ---- generating -----------------------------------------------------------------------------------------------

    def run(self) -> Event:
        """Generate, make short, report; the summary. Raises IutError or MutantError when the target cannot be
        started. An interruption keeps what was found and marks the summary ``partial``."""
        target = self.kind.open()
        partial = False
        try:
            self.emit(self._plan(target, set()))
            evidence.prepare()
            try:
                self._generate(target)
                self._repeat(target)
                reports = self._shortest(target)
            except KeyboardInterrupt:
                partial = True
                reports = [(f, f.traces[0][0], f.traces[0][2], None) for f in self.findings.all()]
        finally:
            target.shutdown()
        self._told(reports)
        return self._summary(partial)

    def _generate(self, target: Target) -> None:
        begun, number = time.perf_counter(), 0
        try:
            while self.done < self.wanted:
                left = self.wanted - self.done
                size = min(BATCH, max(1, left * max(number, 1) // max(self.done, MEAN * max(number, 1) // 2, 1)))
                target.run([self._trace(number + i) for i in range(size)], _Sink(self._ended))
                number += size
        finally:
            self.generating_s = time.perf_counter() - begun

    def _trace(self, number: int) -> Generated:
        return Generated(
            f"property/{self.seed}/{number}",
            self.stimuli,
            self.settings,
            Tape(f"{self.seed}:{number}"),
            lambda: self.wanted - self.done,
            self._did,
        )

    def _did(self) -> None:
        self.done += 1
        if time.perf_counter() - self.told > TOLD_EVERY_S:
            self._progress("generating")

    def _progress(self, what: str) -> None:
        """Tell whoever watches how far it is; this is not recorded."""
        self.told = time.perf_counter()
        self.sink({"event": "progress", "what": what, "events": self.done, "traces": self.traces.total()})

    def _ended(self, trace: Generated, result: Any, error: BaseException | None) -> None:
        if not trace.steps:
            return
        if isinstance(error, Unsupported):
            self.traces["unsupported"] += 1
            return
        report: Report = result if error is None else Report("error", reason=error_text(error))
        choices = trace.draw.choices if isinstance(trace.draw, Tape) else []
        if report.oracle is not None:
            self.rules.update(r for s in report.oracle.steps for r in s.rules)
        if report.verdict == "fail" and self.kind.clock == "wall" and is_timing(report, self.settings):
            self.doubtful.append((trace, report, choices))
            return
        self._judged(trace, report, choices)

    def _judged(self, trace: Generated, report: Report, choices: list[int]) -> None:
        self.traces[report.verdict] += 1
        if report.verdict in ("fail", "error"):
            self.findings.add(trace, report, choices)
        for departure in report.deviations if report.verdict == "pass" else ():
            known = self.departures.get(departure)
            if known is None or len(trace.steps) < len(known[0]):
                self.departures[departure] = (list(trace.steps), report)

    def _repeat(self, target: Target) -> None:
        """Timing misses once more: a machine that was busy is no failure."""
        if not self.doubtful:
            return
        again = Attempts(target, self.settings).reports([t.steps for t, _, _ in self.doubtful])
        for (trace, first, choices), second in zip(self.doubtful, again, strict=True):
            one, two = refused(first), refused(second)
            if one is not None and two is not None and sign(one) == sign(two):
                self._judged(trace, second, choices)
            else:
                self.traces["inconclusive"] += 1
        self.doubtful.clear()

    # ---- what failed ----------------------------------------------------------------------------------------------

    def _shortest(self, target: Target) -> list[tuple[Finding, list[Step], Report, Minimised | None]]:
        """The traces of each finding, made short and run once more."""
        attempts = Attempts(target, self.settings)
        kept = KEPT if self.kind.clock == "virtual" else 1
        todo = [
            (f, self._shrunk(target, steps, choices, report))
            for f in self.findings.all()
            for steps, choices, report in f.traces[:kept]
        ]
        short = minimised(attempts, [steps for _, steps in todo])
        out = []
        last = attempts.reports(
            [m.steps if m is not None else steps for (_, steps), m in zip(todo, short, strict=True)]
        )
        for (finding, steps), m, report in zip(todo, short, last, strict=True):
            if refused(report) is None:
                self.traces["inconclusive"] += 1
                continue
            out.append((finding, m.steps if m is not None else steps, report, m))
        return out

    def _shrunk(self, target: Target, steps: list[Step], choices: list[int], report: Report) -> list[Step]:
        """A long trace after Hypothesis' shrinking, where runs are exact and cost nothing but time."""
        refusal = refused(report)
        if self.kind.clock == "wall" or len(steps) < SHRINK_FROM or refusal is None:
            return steps
        from wireproof.conformance.shrink import shrunk

        self._progress("shrinking")
        wanted = sign(refusal)

        def run(draw: Draw) -> tuple[list[Step], bool]:
            trace = Generated("property/shrink", self.stimuli, self.settings, draw)
            got: list[Report] = []
            target.run(
                [trace],
                _Sink(lambda _, r, e: got.append(r if e is None else Report("error", reason=error_text(e)))),
            )
            found = refused(got[0])
            return trace.steps, found is not None and sign(found) == wanted

        return shrunk(choices, run) or steps

    def _told(self, reports: Sequence[tuple[Finding, list[Step], Report, Minimised | None]]) -> None:
        """A result for each failure that is left, and for each departure from a SHOULD."""
        seen: Counter[str] = Counter()
        counted: set[int] = set()
        best: dict[str, tuple[Finding, list[Step], Report, Minimised | None]] = {}
        for entry in reports:
            key = case_of(entry[1], entry[2]).id
            if id(entry[0]) not in counted:
                counted.add(id(entry[0]))
                seen[key] += entry[0].count
            if key not in best or len(entry[1]) < len(best[key][1]):
                best[key] = entry
        for key in sorted(best):
            _, steps, report, m = best[key]
            self.extra = {"times": max(seen[key], 1), "minimised": str(m) if m is not None else ""}
            self._report(CaseProgram(case_of(steps, report), self.settings), report)
        self.extra = {}
        for departure in sorted(self.departures):
            if self.baseline.deviation("property/", *departure) is None:
                steps, report = self.departures[departure]
                self._report(CaseProgram(departure_of(*departure, steps, report), self.settings), report)

    def emit(self, event: Event) -> None:
        super().emit(event | self.extra if event["event"] == "result" else event)

    # ---- the stream -----------------------------------------------------------------------------------------------

    def _plan(self, target: Target, skipped: set[str]) -> Event:
        return super()._plan(target, skipped) | {"property": self.wanted, "seed": self.seed}

    def _summary(self, partial: bool) -> Event:
        tally = self.tally
        new = tally.verdicts["fail"] + tally.verdicts["error"] - tally.overlays["xfail"]
        bad = bool(new or tally.overlays["unlisted"])
        verified = self.traces["pass"] + self.traces["fail"]
        if partial:
            code = INTERRUPTED
        elif bad:
            code = PASSED if self.options.exit_zero else FAILED
        else:
            code = PASSED if verified or self.options.exit_zero else NOTHING
        seconds = time.perf_counter() - self.zero
        event: Event = {
            "event": "summary",
            "verdict": "not conformant"
            if bad
            else "PARTIAL"
            if partial
            else "conformant"
            if verified
            else "nothing verified",
            "partial": partial,
            "events": self.done,
            "wanted": self.wanted,
            "traces": dict(sorted(self.traces.items())),
            "rules": {"fired": len(self.rules & set(evidence.rules())), "of": len(evidence.rules())},
            "counts": {v: tally.verdicts[v] for v in ("fail", "error")},
            "overlays": {o: tally.overlays[o] for o in ("xfail", "unlisted")},
            "new": new,
            "stale": [],
            "strict": False,
            "events_a_second": round(self.done / self.generating_s, 1) if self.generating_s else 0.0,
            "seconds": round(seconds, 3),
            "run": self.recorder.id if self.recorder is not None else "",
            "exit": code,
        }
        self.emit(event)
        return event


class _Sink:
    """Takes what a target reports."""

    def __init__(self, ended: Callable[[Any, Any, BaseException | None], object]):
        self.ended = ended

    def finished(self, program: Any, result: Any, error: BaseException | None) -> None:
        self.ended(program, result, error)
