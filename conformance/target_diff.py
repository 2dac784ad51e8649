"""Two targets under the same tests: where what can be seen of them differs, and which one the specification blames.

What is compared is what a peer and a user see: results of calls, and segments with their numbers counted from the
initial sequence numbers. Times, and the windows that are everybody's own choice, are not.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from wireproof.conformance import evidence
from wireproof.conformance.campaign import CaseProgram
from wireproof.conformance.catalogue import Kind
from wireproof.conformance.matching import control, result_text
from wireproof.conformance.oracle import Oracle, Step
from wireproof.conformance.session import Unsupported
from wireproof.conformance.testcase import TestCase
from wireproof.conformance.tester import PEER_ISN, Report
from wireproof.reference.codec import Icmp, Malformed, decode
from wireproof.reference.segment import ACK, SYN, Segment

Blame = Literal["both allowed", "both wrong", "A wrong", "B wrong", "undecided"]


@dataclass(slots=True)
class Seen:
    """One stimulus and what was seen until the next one: results of a call, segments, in order."""

    stimulus: str
    outcomes: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Divergence:
    """One test at which two targets differ, from the first step that differs on."""

    case: TestCase
    step: int
    """Which stimulus it is, from 1."""
    stimulus: str
    a: str
    b: str
    blame: Blame
    rules: tuple[str, str]
    """The rule that each of them broke, or nothing."""
    reports: tuple[Report, Report]


@dataclass(slots=True)
class Comparison:
    """All tests: how many look alike, those that differ (shortest first), those without an answer and why."""

    agree: list[str] = field(default_factory=list)
    differ: list[Divergence] = field(default_factory=list)
    undecided: list[tuple[str, str]] = field(default_factory=list)


class _Collect:
    """Keeps what each test found, or why it found nothing."""

    def __init__(self, tell: Callable[[], None]):
        self.reports: dict[str, Report] = {}
        self.tell = tell

    def finished(self, program: CaseProgram, result: Any, error: BaseException | None) -> None:
        if error is not None:
            verdict: Any = "unsupported" if isinstance(error, Unsupported) else "error"
            result = Report(verdict, reason=f"{type(error).__name__}: {error}")
        self.reports[program.id] = result
        self.tell()


def run(kind: Kind, cases: Sequence[TestCase], tell: Callable[[], None] = lambda: None) -> dict[str, Report]:
    """The tests on one target, judged as that target is. Raises IutError or MutantError when it cannot be started."""
    target = kind.open(max((c.duration_us for c in cases), default=0))
    collect = _Collect(tell)
    settings = kind.settings()
    try:
        target.run([CaseProgram(c, settings) for c in cases], collect)  # type: ignore[arg-type]
    finally:
        target.shutdown()
    return collect.reports


def compare(a: Kind, b: Kind, cases: Sequence[TestCase], tell: Callable[[], None] = lambda: None) -> Comparison:
    """Run the tests on both. Where a clock is the wall's, a difference counts only if it is there again when the test
    is run once more. Raises IutError or MutantError."""
    out = _compared(cases, run(a, cases, tell), run(b, cases, tell))
    if out.differ and "wall" in (a.clock, b.clock):
        again = [d.case for d in out.differ]
        second = _compared(again, run(a, again), run(b, again))
        same = {d.case.id: (d.step, d.a, d.b) for d in second.differ}
        for d in out.differ:
            if same.get(d.case.id) != (d.step, d.a, d.b):
                out.undecided.append((d.case.id, "it differed otherwise, or not at all, when it was run again"))
        out.differ = [d for d in out.differ if same.get(d.case.id) == (d.step, d.a, d.b)]
    return out


def _compared(cases: Sequence[TestCase], a: dict[str, Report], b: dict[str, Report]) -> Comparison:
    out = Comparison()
    for case in cases:
        one, two = a[case.id], b[case.id]
        without = [f"{who}: {r.reason}" for who, r in (("A", one), ("B", two)) if r.oracle is None]
        if without:
            out.undecided.append((case.id, "; ".join(without)))
            continue
        found = diverge(case, one, two)
        if found is not None:
            out.differ.append(found)
        else:
            out.agree.append(case.id)
    out.differ.sort(key=lambda d: (d.step, len(d.case.steps), d.case.id))
    return out


def diverge(case: TestCase, a: Report, b: Report) -> Divergence | None:
    """The first stimulus at which two reports differ, or None. A test that ended early is compared as far as both
    went, unless it was refused there."""
    assert a.oracle is not None
    assert b.oracle is not None
    one, two = seen(a.oracle), seen(b.oracle)
    for n, (x, y) in enumerate(zip(one, two, strict=False), 1):
        if x != y:
            where = x.stimulus if x.stimulus == y.stimulus else f"{x.stimulus} | {y.stimulus}"
            said = [", ".join(s.outcomes) or "nothing" for s in (x, y)]
            return Divergence(case, n, where, said[0], said[1], blame(a, b), (broken(a), broken(b)), (a, b))
    return None


def broken(report: Report) -> str:
    """The rule that a report says was broken."""
    if report.verdict != "fail" or report.refusal is None or report.oracle is None:
        return ""
    return evidence.blamed(report.refusal, report.oracle)


def blame(a: Report, b: Report) -> Blame:
    """Which of the two the specification blames."""
    match a.verdict, b.verdict:
        case "pass", "pass":
            return "both allowed"
        case "fail", "fail":
            return "both wrong"
        case "fail", "pass":
            return "A wrong"
        case "pass", "fail":
            return "B wrong"
    return "undecided"


# ---- what is seen ----------------------------------------------------------------------------------------------------


def seen(oracle: Oracle) -> list[Seen]:
    """What was seen, by stimulus, in numbers that do not depend on what was chosen at random."""
    out: list[Seen] = [Seen("start")]
    zeros: dict[int, int] = {}
    for step in oracle.steps:
        if step.call is not None:
            h, fn, _, result = step.call
            out.append(Seen(f"{fn}({h})", [f"-> {result_text(result)}"]))
        elif step.kind == "rx":
            out.append(Seen(f"rcv {segment_text(step, zeros, stimulus=True)}"))
        elif step.kind == "tx":
            out[-1].outcomes.append(segment_text(step, zeros))
    return out


def segment_text(step: Step, zeros: dict[int, int], stimulus: bool = False) -> str:
    """A datagram by what it says, its numbers relative: to the tester's beginning, and to the first SYN of the other
    end on its port (noted in ``zeros``)."""
    got = decode(step.packet)
    if isinstance(got, Malformed):
        return "a datagram that is none"
    if isinstance(got, Icmp):
        return f"ICMP {got.type}/{got.code}"
    assert isinstance(got, Segment)
    peer = got.sport if stimulus else got.dport
    if not stimulus and got.ctl & SYN:
        zeros.setdefault(peer, got.seq)
    theirs, ours = zeros.get(peer, 0), PEER_ISN
    seq, ack = (got.seq - ours, got.ack - theirs) if stimulus else (got.seq - theirs, got.ack - ours)
    if not stimulus and peer not in zeros:
        seq = got.seq  # taken from the stimulus: it has no numbers of its own
    parts = [control(got.ctl), f"seq={_signed(seq)}"]
    if got.ctl & ACK:
        parts.append(f"ack={_signed(ack)}")
    if got.data:
        parts.append(f"len={len(got.data)}")
    return " ".join(parts)


def _signed(n: int) -> int:
    """A difference of sequence numbers, from -2^31 to 2^31 - 1."""
    return (n + (1 << 31)) % (1 << 32) - (1 << 31)
