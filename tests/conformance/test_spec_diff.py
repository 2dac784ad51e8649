"""What tells profiles apart: the shortest trace, checked by running it again."""

from __future__ import annotations

import pytest

from wireproof.conformance import spec_diff
from wireproof.conformance.targets.reference import ReferenceTarget
from wireproof.conformance.testcase import TestCase as Case
from wireproof.conformance.tester import Settings, run_case
from wireproof.reference import machine as machines
from wireproof.reference.policy import USES
from wireproof.spec.load import tcp

CHALLENGES = {"tcp/acknowledgment/too_old", "tcp/reset/challenge", "tcp/syn/challenge"}


def verdict(runs: str, judges: str, steps: list[dict[str, object]]) -> str:
    """What a profile's oracle says of the reference in another profile, in an ordinary test."""
    session = ReferenceTarget(profile=runs).session()
    program = run_case(Case("diff", steps), session, Settings(machines.tcp(), judges))
    try:
        until = next(program)
        while True:
            session.pass_time(until)
            until = program.send(None)
    except StopIteration as stop:
        return str(stop.value.verdict)


def test_gap_is_what_the_text_has() -> None:
    old = spec_diff.gap(tcp(), "rfc793", "rfc9293")
    assert (old.rules, {name for name, _, _ in old.params}) == ((), {"IW.SEGMENTS", "GROWTH.LIMIT"})
    assert not spec_diff.gap(tcp(), "linux", "linux")
    between = spec_diff.gap(tcp(), "rfc9293", "rfc5961")
    assert set(between.rules) == CHALLENGES
    assert between.params == ()
    assert ("MSL", 120_000_000, 30_000_000) in spec_diff.gap(tcp(), "rfc5961", "linux").params
    with pytest.raises(KeyError):
        spec_diff.gap(tcp(), "rfc9293", "rfc0")


def test_no_trace_without_a_gap() -> None:
    """Both profiles have the same rules: a difference would be a fault of reference, oracle or search."""
    found = spec_diff.search(tcp(), "rfc793", "rfc9293", max_steps=2)
    assert found.differences == []
    assert (found.steps, found.tried > 1000) == (2, True)


@pytest.fixture(scope="module")
def every() -> spec_diff.Search:
    return spec_diff.search(tcp(), "rfc9293", "rfc5961", every=True, max_steps=4)


def test_one_trace_for_each_rule(every: spec_diff.Search) -> None:
    assert {d.rule for d in every.differences} == CHALLENGES
    assert not any(d.by_parameter for d in every.differences)
    assert [len(d.path) for d in every.differences] == sorted(len(d.path) for d in every.differences)


def test_traces_tell_the_profiles_apart_when_run_again(every: spec_diff.Search) -> None:
    for d in every.differences:
        assert verdict(d.does, d.does, d.steps) == "pass"
        assert verdict(d.does, d.refuses, d.steps) == "fail"


def test_no_step_of_a_trace_can_be_left_out(every: spec_diff.Search) -> None:
    for d in every.differences:
        for n in range(len(d.steps)):
            assert verdict(d.does, d.refuses, d.steps[:n] + d.steps[n + 1 :]) != "fail"


def test_shortest_is_found_at_the_first_level_that_has_one() -> None:
    found = spec_diff.search(tcp(), "rfc9293", "linux", max_steps=3)
    assert found.steps == len(found.differences[0].path) == 2
    assert found.differences[0].rule == "tcp/listen_syn/syn_and_fin"
    parameters = [d for d in found.differences if d.by_parameter]
    assert [d.names[-1] for d in parameters] == ["timer"]


def test_silent_choices_are_taken_both_ways() -> None:
    """Linux's reset from an abort in CLOSING is a choice that the reference does not make by itself."""
    between = spec_diff.gap(tcp(), "rfc5961", "linux")
    assert "tcp/abort_closing/reset_all_the_same" in between.rules
    path: spec_diff.Path = tuple(
        (step, frozenset(choices))
        for step, choices in (
            ({"call": "open_active", "h": 1}, ()),
            ({"seg": "SYN,ACK", "mss": 1460, "wnd": 0}, ()),
            ({"call": "close", "h": 1}, ()),
            ({"seg": "FIN,ACK", "ack": ["SND.UNA", 0], "wnd": 0}, ()),
            ({"call": "abort", "h": 1}, ("resets",)),
        )
    )
    run = spec_diff._Run("linux", "rfc5961", USES)
    assert run.walk(path)
    assert "resets" in run.asked
    assert run.refusal is not None
    usual = spec_diff._Run("linux", "rfc5961", USES)
    assert usual.walk(tuple((step, frozenset()) for step, _ in path))
    assert usual.refusal is None


def test_search_says_when_states_were_left_out() -> None:
    found = spec_diff.search(tcp(), "rfc793", "rfc9293", max_steps=2, max_nodes=3)
    assert not found.exhausted


def test_a_handle_that_was_asked_before_it_opened_is_judged_by_its_connection() -> None:
    steps: list[dict[str, object]] = [{"call": "send", "h": 1, "len": 1}, {"call": "open_active", "h": 1}]
    assert verdict("rfc5961", "rfc5961", steps) == "pass"
    listening: list[dict[str, object]] = [{"call": "status", "h": 1}, {"call": "open_passive", "h": 1}]
    assert verdict("rfc5961", "rfc5961", [*listening, {"seg": "SYN", "mss": 1460}, {"seg": "ACK"}]) == "pass"
