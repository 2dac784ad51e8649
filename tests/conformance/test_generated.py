"""Generated traces: derived from what the rules compare, replayable, and short once they fail."""

from __future__ import annotations

import random
import statistics
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import run_state_machine_as_test

from wireproof.conformance import catalogue, edges, suite
from wireproof.conformance.attempts import Attempts, refused
from wireproof.conformance.baseline import Entry
from wireproof.conformance.campaign import CaseProgram
from wireproof.conformance.draws import Tape
from wireproof.conformance.findings import case_of
from wireproof.conformance.generated import Generated
from wireproof.conformance.judge import Refusal
from wireproof.conformance.minimise import Passes, canonical, minimise, plainer, sign, weight
from wireproof.conformance.mutation import mutants
from wireproof.conformance.shrink import drawn_from, shrunk
from wireproof.conformance.state_machine import Refused, choosers, machine_for
from wireproof.conformance.stimuli import Stimuli, View
from wireproof.conformance.testcase import Step, TestCase, read_suite
from wireproof.conformance.tester import Report

REF = catalogue.find("ref")
SAMPLE = ("rst-answered", "window-signed", "no-probe", "fin-never-again", "mss-ignored", "time-wait-short")


class Ended:
    """Takes what a target reports."""

    def __init__(self) -> None:
        self.all: list[tuple[Any, Report | None, BaseException | None]] = []

    def finished(self, program: Any, result: Any, error: BaseException | None) -> None:
        self.all.append((program, result, error))


def generate(target: Any, tapes: Sequence[str], kind: catalogue.Kind = REF) -> list[tuple[Generated, Report]]:
    """Traces from these seeds; one that ends with an exception is an error of this test."""
    ended = Ended()
    stimuli = Stimuli(kind.family)
    target.run([Generated(t, stimuli, kind.settings(), Tape(t)) for t in tapes], ended)
    out = []
    for program, report, error in ended.all:
        if error is not None:
            raise error
        assert report is not None
        out.append((program, report))
    return out


def first_failure(name: str, seed: int = 0) -> tuple[Attempts, Generated, Report]:
    """The first failing trace of a mutant, and its target."""
    kind = catalogue.find(f"mutant:{name}")
    target = kind.open()
    for n in range(2000):
        trace, report = generate(target, [f"{seed}:{n}"], kind)[0]
        if report.verdict == "fail":
            return Attempts(target, kind.settings()), trace, report
    raise AssertionError(f"2000 traces do not find {name}")


# ---- what is derived -----------------------------------------------------------------------------------------------


def test_the_edges_of_the_window_are_read_off_the_rules() -> None:
    rule = next(r for r in edges.recipes() if r.rule == "tcp/sequence/acceptable")
    at = {(f.text(), f.constant) for e in rule.edges if (f := e.solved("SEG.SEQ")) is not None}
    assert {("RCV.NXT", 0), ("RCV.EDGE", 0), ("RCV.NXT - SEG.LEN", 1), ("RCV.EDGE - SEG.LEN", 1)} <= at


def test_a_rule_knows_the_flags_that_earlier_rules_leave_over() -> None:
    flags = {r.rule: dict(r.flags) for r in edges.recipes()}
    assert flags["tcp/reset/challenge"]["RST"] is True
    assert flags["tcp/acknowledgment/taken"]["ACK"] is True
    assert flags["tcp/header/wrong_checksum"] == {"SEG.CHECKSUM-OK": False}


def test_what_a_field_decides_later_is_solved_for_it() -> None:
    sizes = {f.text() for e in edges.later()["len(CALL.DATA)"] if (f := e.solved("len(CALL.DATA)")) is not None}
    assert any("SND.MSS" in s for s in sizes)
    assert any("SND.WND" in s for s in sizes)
    assert "SEG.WND" in edges.later()


def test_segments_meet_each_edge_and_both_its_sides() -> None:
    stimuli, draw = Stimuli(), Tape("edges")
    seen = {tuple(stimuli.segment(draw, "ESTABLISHED")["seq"]) for _ in range(6000)}
    for base in ("RCV.NXT", "RCV.EDGE"):
        assert {(base, -1), (base, 0), (base, 1)} <= seen
    assert any(abs(offset) >= (1 << 31) - 1 for _, offset in seen)
    acks = {tuple(s["ack"]) for _ in range(6000) if "ack" in (s := stimuli.segment(draw, "ESTABLISHED"))}
    assert {("SND.UNA", 0), ("SND.NXT", 1), ("SND.UNA - MAX.SND.WND", -1)} <= acks


def test_every_call_of_the_specification_is_made_with_its_arguments() -> None:
    stimuli, draw = Stimuli(), Tape("calls")
    made = [stimuli.call(draw, View("ESTABLISHED", handle=1)) for _ in range(4000)]
    assert {c["call"] for c in made} == set(edges.calls())
    assert all({"len"} <= set(c) for c in made if c["call"] == "send")
    assert {c["option"] for c in made if c["call"] == "set"} >= {"keepalive", "user_timeout_ms", "ttl", "nodelay"}


# ---- generated traces on the reference -----------------------------------------------------------------------------


def test_traces_are_accepted_and_make_most_rules_fire() -> None:
    got = generate(REF.open(), [f"rules:{n}" for n in range(1300)])
    assert [(g.id, r.refusal) for g, r in got if r.verdict == "fail"] == []
    assert sum(len(g.steps) for g, _ in got) > 15_000
    fired = {rule for _, r in got if r.oracle is not None for s in r.oracle.steps for rule in s.rules}
    reachable = {rule for case in read_suite(suite.path()) for rule in case.rules}
    share = len(fired & reachable) / len(reachable)
    assert share > 0.9, sorted(reachable - fired)


def test_the_same_seed_gives_the_same_trace() -> None:
    one, two = (generate(REF.open(), ["again:1", "again:2"]) for _ in range(2))
    assert [g.steps for g, _ in one] == [g.steps for g, _ in two]


def test_a_generated_trace_is_a_test_case() -> None:
    attempts = Attempts(REF.open(), REF.settings())
    for trace, report in generate(attempts.target, [f"case:{n}" for n in range(40)]):
        again = attempts.reports([trace.steps])[0]
        assert again.verdict == report.verdict
        assert again.oracle is not None and report.oracle is not None
        assert [s.packet for s in again.oracle.steps] == [s.packet for s in report.oracle.steps]


@pytest.mark.parametrize("family", ["ref", "ref6"])
def test_garbage_never_breaks_the_reference(family: str) -> None:
    """Whole datagrams and what they carry, from nothing to a whole header and options, wrong and right checksums."""
    kind = catalogue.find(family)
    stimuli, draw = Stimuli(kind.family), Tape(f"garbage {family}")
    opened: list[Step] = [
        {"call": "open_passive", "h": 1},
        {"seg": "SYN", "seq": ["RCV.NXT", 0], "mss": 1460},
        {"seg": "ACK", "seq": ["RCV.NXT", 0], "ack": ["SND.NXT", 0]},
    ]
    for _ in range(25):
        steps = opened + [stimuli.garbage(draw) for _ in range(40)]
        steps += [{"octets": random.Random(n).randbytes(n).hex()} for n in (1, 19, 20, 39, 40, 60)]
        ended = Ended()
        kind.open().run([CaseProgram(TestCase("garbage", steps), kind.settings())], ended)
        assert ended.all[0][2] is None
        assert ended.all[0][1] is not None and ended.all[0][1].verdict == "pass"


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_the_reference_withstands_what_hypothesis_draws(data: st.DataObject) -> None:
    ended = Ended()
    trace = Generated("hypothesis", Stimuli(), REF.settings(), drawn_from(data))
    REF.open().run([trace], ended)
    assert ended.all[0][2] is None
    assert ended.all[0][1] is not None and ended.all[0][1].refusal is None


def test_the_state_machine_has_a_rule_for_each_call_and_event() -> None:
    names = set(choosers())
    assert {f"call_{c}" for c in edges.calls() if not c.startswith("open")} <= names
    assert {"segment", "icmp", "time", "accept", "garbage"} <= names
    with pytest.raises(ValueError, match="--property"):
        machine_for(catalogue.find("linux"))


def test_hypothesis_drives_the_reference_and_finds_a_mutant() -> None:
    quick = settings(
        max_examples=40, stateful_step_count=25, deadline=None, database=None, suppress_health_check=list(HealthCheck)
    )
    run_state_machine_as_test(machine_for(REF), settings=quick)
    with pytest.raises(Refused):
        run_state_machine_as_test(machine_for(catalogue.find("mutant:checksum-ignored")), settings=quick)


# ---- making them short ---------------------------------------------------------------------------------------------


def fails_like(wanted: set[str]) -> Any:
    """A stand-in for a target: it fails when these letters are all there."""

    def fails(steps: list[Step]) -> Refusal | None:
        there = {s["call"] for s in steps}
        return Refusal("unexpected", "toy", "", 0) if wanted <= there else None

    return fails


@given(st.lists(st.sampled_from("abcdefgh"), max_size=40), st.sets(st.sampled_from("abc"), max_size=3))
def test_what_is_left_is_just_what_is_needed(letters: list[str], needed: set[str]) -> None:
    steps: list[Step] = [{"call": x, "h": 1} for x in letters]
    fails = fails_like(needed)
    if fails(steps) is None:
        with pytest.raises(Passes):
            minimise(steps, fails)
        return
    found = minimise(steps, fails)
    assert sorted(s["call"] for s in found.steps) == sorted(needed)
    assert found.complete
    assert str(found).startswith(f"{len(needed)} step")


def test_another_refusal_does_not_count() -> None:
    def fails(steps: list[Step]) -> Refusal | None:
        rule = "whole" if len(steps) > 3 else "short"
        return Refusal("unexpected", rule, "", 0) if steps else None

    found = minimise([{"call": "x", "h": 1}] * 9, fails)
    assert len(found.steps) == 4
    assert sign(found.refusal) == ("unexpected", "whole")


def test_a_budget_that_is_used_up_is_said() -> None:
    steps: list[Step] = [{"call": x, "h": 1} for x in "abcdefgh" * 5]
    found = minimise(steps, fails_like({"a", "h"}), budget=3)
    assert not found.complete
    assert "not yet the shortest" in str(found)


def test_a_plainer_step_is_lighter() -> None:
    stimuli, draw = Stimuli(), Tape("lighter")
    for _ in range(500):
        step = stimuli.step(draw, View("ESTABLISHED", handle=1, injected=3))
        assert all(weight(p) < weight(step) for p in plainer(step))


def test_names_become_canonical() -> None:
    steps: list[Step] = [
        {"call": "open_passive", "h": 3},
        {"seg": "SYN", "peer": 2},
        {"call": "accept", "h": 3, "new": 7},
    ]
    assert canonical(steps) == [{"call": "open_passive", "h": 1}, {"seg": "SYN"}, {"call": "accept", "h": 1, "new": 2}]


@pytest.mark.parametrize("name", SAMPLE)
def test_a_mutants_counterexample_is_short_minimal_and_repeatable(name: str) -> None:
    check_counterexample(name)


def test_every_mutants_counterexample_is_short() -> None:
    lengths = {name: check_counterexample(name) for name in mutants()}
    for name, n in lengths.items():
        print(f"{name:<28} {n:>3}")
    assert statistics.median(lengths.values()) <= 8


def check_counterexample(name: str) -> int:
    """The shortest counterexample of a mutant: at most 12 steps, 1-minimal, the same refusal 20 times; its length."""
    attempts, trace, report = first_failure(name)
    assert report.refusal is not None
    found = minimise(trace.steps, attempts.refusal)
    assert sign(found.refusal) == sign(report.refusal)
    assert len(found.steps) <= 12
    for i in range(len(found.steps)):
        without = attempts.refusal(found.steps[:i] + found.steps[i + 1 :])
        assert without is None or sign(without) != sign(found.refusal)
    again = [refused(r) for r in attempts.reports([found.steps] * 20)]
    assert [sign(r) for r in again if r is not None] == [sign(found.refusal)] * 20
    return len(found.steps)


def test_hypothesis_shrinks_a_tape_that_was_drawn_in_bulk() -> None:
    attempts, _, _ = first_failure("rto-impatient")
    kind = catalogue.find("mutant:rto-impatient")
    n = 0
    while True:
        trace, report = generate(attempts.target, [f"long:{n}"], kind)[0]
        n += 1
        if report.verdict == "fail" and len(trace.steps) > 15:
            break
    wanted = sign(report.refusal) if report.refusal is not None else ("", "")

    def run(draw: Any) -> tuple[list[Step], bool]:
        ended = Ended()
        one = Generated("shrink", Stimuli(), kind.settings(), draw)
        attempts.target.run([one], ended)
        got = ended.all[0][1]
        refusal = refused(got) if got is not None else None
        return one.steps, refusal is not None and sign(refusal) == wanted

    assert isinstance(trace.draw, Tape)
    found = shrunk(trace.draw.choices, run)
    assert found is not None
    assert len(found) < len(trace.steps)
    refusal = attempts.refusal(found)
    assert refusal is not None and sign(refusal) == wanted


# ---- what is known of a failure ------------------------------------------------------------------------------------


def test_the_same_failure_has_the_same_id_whatever_the_seed() -> None:
    ids = set()
    for seed in range(3):
        attempts, trace, _ = first_failure("checksum-ignored", seed)
        found = minimise(trace.steps, attempts.refusal)
        ids.add(case_of(found.steps, attempts.reports([found.steps])[0]).id)
    assert len(ids) == 1
    assert ids.pop().startswith("property/header/wrong_checksum/")


def test_a_baseline_entry_knows_generated_traces_by_the_rules_that_fired() -> None:
    entry = Entry("fail", "tcp/**", "why", match=["tcp/icmp/**"], property=["tcp/icmp/soft", "tcp/a/* + tcp/b/c"])
    assert entry.explains("property/x/unexpected-1234", "tcp/x/y", "", {"tcp/icmp/soft"})
    assert entry.explains("property/x/unexpected-1234", "tcp/x/y", "", {"tcp/a/z", "tcp/b/c"})
    assert not entry.explains("property/x/unexpected-1234", "tcp/x/y", "", {"tcp/a/z"})
    assert not entry.explains("property/x/unexpected-1234", "tcp/x/y", "")
    assert entry.explains("tcp/icmp/a", "tcp/x/y", "")
    assert not Entry("fail", "tcp/**", "why").explains("property/x", "tcp/x/y", "", {"tcp/icmp/soft"})
    made = "tcp/x/established/y/edge-1-wrap"
    assert entry.explains(made, "tcp/x/y", "", {"tcp/icmp/soft"})
    assert not entry.explains(made, "tcp/x/y", "", {"tcp/a/z"})
    assert not entry.explains("tcp/x/established/y/ack", "tcp/x/y", "", {"tcp/icmp/soft"})


def test_every_mutant_has_a_name_here() -> None:
    assert set(SAMPLE) <= set(mutants())
