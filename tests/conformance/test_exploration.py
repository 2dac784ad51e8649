"""Two endpoints, every interleaving: the claims hold of the rules, and mutants that break one are refuted."""

from __future__ import annotations

import functools
import itertools
import random
from typing import Any

import pytest

from wireproof.conformance import exploration, mutation
from wireproof.conformance.endpoint import Endpoint, Segments, canonical
from wireproof.conformance.exploration import BoundsError, Report
from wireproof.conformance.graph import Graph
from wireproof.conformance.mutation import Mutant
from wireproof.conformance.pair_claims import Verdict
from wireproof.conformance.pairs import CALLS, ENDS, FLYING, MARKS, Bounds, Pair, State
from wireproof.conformance.scenarios import SCENARIOS, A, B
from wireproof.reference.machine import Machine, tcp

SMALL = Bounds(channel=2, loss=1, dup=0)


@functools.cache
def mutant(name: str) -> Machine:
    return mutation.machine(mutation.mutants()[name])


def edited(file: str, find: str, replace: str) -> Machine:
    """The rules with one edit of the specification's text."""
    return mutation.machine(Mutant("edited", "", file, find, replace))


def verdict(report: Report, claim: str) -> Verdict:
    return next(v for v in report.verdicts if v.claim == claim)


# ---- the rules that come with wireproof -----------------------------------------------------------------------------


@pytest.mark.parametrize("profile", ["rfc9293", "rfc5961"])
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_every_claim_holds_of_every_reachable_state(scenario: str, profile: str) -> None:
    report = exploration.run(scenario, SMALL, profile=profile)
    assert report.bound == ""
    assert {v.claim: v.reason for v in report.verdicts if v.verdict != "holds"} == {}
    assert report.quiet > 0, "nothing was ever quiet: the claims about the end say nothing"
    assert report.verdict == "holds"


@pytest.mark.parametrize(
    "bounds", [Bounds(channel=1), Bounds(loss=0, dup=2), Bounds(loss=2, dup=0), Bounds(reorder=False)]
)
@pytest.mark.parametrize("scenario", ["opening", "simultaneous-close", "old-duplicate", "half-open", "reset"])
def test_it_holds_over_other_channels(scenario: str, bounds: Bounds) -> None:
    report = exploration.run(scenario, bounds)
    assert (report.verdict, report.bound) == ("holds", "")


def test_an_orderly_close_meets_every_state_of_the_diagram() -> None:
    pair = Pair(tcp(), "rfc5961", SCENARIOS["any-close"], SMALL)
    graph = exploration.explore(pair)
    assert {name for s in graph.states for name in pair.state_names(s)} == {
        "ESTABLISHED", "FIN-WAIT-1", "FIN-WAIT-2", "CLOSE-WAIT", "CLOSING", "LAST-ACK", "TIME-WAIT", "CLOSED",
    }  # fmt: skip


def test_more_may_go_wrong_more_states_are_reached() -> None:
    counts = [exploration.run("opening", Bounds(loss=n, dup=n)).states for n in (0, 1, 2)]
    assert counts == sorted(set(counts))
    assert exploration.run("opening", Bounds(reorder=False)).states < counts[1]


def test_the_same_search_finds_the_same() -> None:
    first, second = (exploration.run("closing", SMALL) for _ in range(2))
    assert (first.states, first.transitions, first.depth) == (second.states, second.transitions, second.depth)


# ---- bounds ---------------------------------------------------------------------------------------------------------


def test_a_search_that_gave_up_proves_nothing() -> None:
    report = exploration.run("any-close", Bounds(max_states=500))
    assert report.bound == "max-states"
    assert {v.verdict for v in report.verdicts} == {"open"}
    assert report.verdict == "open"


def test_a_search_that_gave_up_can_still_refute() -> None:
    report = exploration.run("refused", Bounds(max_states=60), machine=mutant("reset-storm"))
    assert report.bound == "max-states"
    assert verdict(report, "ack-war").verdict == "violated"
    assert verdict(report, "delivery").verdict == "open"


def test_an_interrupted_search_reports_what_it_found() -> None:
    def stop(states: int, depth: int) -> None:
        if states > 2000:
            raise KeyboardInterrupt

    report = exploration.run("any-close", SMALL, stop)
    assert report.bound == "interrupted" and report.states > 2000
    assert {v.verdict for v in report.verdicts} == {"open"}


@pytest.mark.parametrize("bounds", [Bounds(channel=0), Bounds(loss=-1), Bounds(dup=-1), Bounds(max_states=0)])
def test_bounds_that_allow_nothing_are_refused(bounds: Bounds) -> None:
    with pytest.raises(BoundsError, match="must be at least"):
        exploration.run("opening", bounds)


# ---- what is wrong is found -----------------------------------------------------------------------------------------

REFUTED = [
    ("time-wait-answers-ack", "simultaneous-close", Bounds(dup=0), "ack-war"),
    ("reset-storm", "refused", Bounds(loss=0, dup=0), "ack-war"),
    ("no-time-wait", "simultaneous-close", SMALL, "no-reset"),
    ("fin-never-again", "simultaneous-close", SMALL, "livelock"),
    ("old-syn-ack-ignored", "half-open", Bounds(loss=0, dup=0), "livelock"),
    ("retransmits-wrong-text", "opening", SMALL, "livelock"),
    ("overlap-twice", "closing", Bounds(loss=0, dup=0), "delivery"),
    ("fin-out-of-order", "any-close", Bounds(loss=0, dup=0), "agreement"),
    ("reassembly-shifted", "transfer", SMALL, "delivery"),
    ("half-close-deaf", "closing", Bounds(loss=0, dup=0), "livelock"),
]


@pytest.mark.parametrize(("name", "scenario", "bounds", "claim"), REFUTED)
def test_a_mutant_is_refuted(name: str, scenario: str, bounds: Bounds, claim: str) -> None:
    assert exploration.run(scenario, bounds).verdict == "holds"
    found = verdict(exploration.run(scenario, bounds, machine=mutant(name)), claim)
    assert found.verdict == "violated" and found.reason
    pair = Pair(mutant(name), "rfc5961", SCENARIOS[scenario], bounds)
    assert followed(pair, found), "the trace cannot be gone"


def followed(pair: Pair, found: Verdict) -> bool:
    """Each step of a trace is what can happen then; its repetition ends where it began."""
    at, began = pair.first, pair.first
    for n, step in enumerate(found.trace[1:], 1):
        if n == found.again:
            began = at
        at = next(e.to for e in pair.events(at) if pair.text(e) == step.event and pair.state_names(e.to) == step.states)
    return found.again < 0 or at == began


def test_the_way_to_a_reset_storm_is_shortest() -> None:
    report = exploration.run("refused", Bounds(loss=0, dup=0), machine=mutant("reset-storm"))
    war = verdict(report, "ack-war")
    assert [s.event for s in war.trace] == [
        "the beginning",
        "A's user calls open_active",
        "SYN seq=A+0 arrives at B",
        "A's RETRANSMISSION timer ends",
        "RST,ACK seq=0 ack=A+1 arrives at A",
        "SYN seq=A+0 arrives at B",
        "RST,ACK seq=0 ack=A+1 arrives at A",
        "RST seq=A+1 arrives at B",
    ]
    assert war.again == 6


def test_no_trace_to_a_broken_state_is_shorter() -> None:
    """The distance of the first violation, found again by going level by level without the graph."""
    machine, bounds = mutant("overlap-twice"), Bounds(loss=0, dup=0)
    found = verdict(exploration.run("closing", bounds, machine=machine), "delivery")
    pair = Pair(machine, "rfc5961", SCENARIOS["closing"], bounds)
    level, seen, depth = {pair.first}, {pair.first}, 0
    while not any(len(c.rcv_data) > 1 for s in level for c in configurations(pair, s)):
        level = {e.to for s in level for e in pair.events(s)} - seen
        seen |= level
        depth += 1
    assert len(found.trace) - 1 == depth


def configurations(pair: Pair, s: State) -> list[Any]:
    return [pair.ends[end].configurations[s[ENDS][end]] for end in (A, B)]


def test_ends_that_take_any_number_disagree() -> None:
    """An acknowledgment of anything opens the connection: an old SYN,ACK is believed."""
    machine = edited(
        "arrival_syn_sent.wire",
        "let ack_acceptable = SND.UNA < SEG.ACK =< SND.NXT",
        "let ack_acceptable = SEG.ACK =< SND.NXT",
    )
    report = exploration.run("old-duplicate", Bounds(loss=0, dup=0), machine=machine)
    assert report.verdict == "violated"
    assert "violated" in {verdict(report, claim).verdict for claim in ("numbers", "acknowledged", "agreement")}


def test_an_end_that_never_sends_its_syn_again_hangs() -> None:
    machine = edited(
        "timeouts.wire", "  do      back_off\n  send    <SEQ=ISS><CTL=SYN>\n", "  stop    RETRANSMISSION\n"
    )
    hang = verdict(exploration.run("opening", Bounds(loss=1, dup=0), machine=machine), "deadlock")
    assert hang.verdict == "violated"
    assert [s.event for s in hang.trace] == [
        "the beginning",
        "A's user calls open_active",
        "SYN seq=A+0 is lost on its way to B",
        "A's RETRANSMISSION timer ends",
    ]


# ---- the abstraction ------------------------------------------------------------------------------------------------


class Whole(Endpoint):
    """An end that forgets nothing."""

    def _number(self, c: Any) -> int:
        self.configurations.append(c)
        return len(self.configurations) - 1


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_what_is_forgotten_makes_no_difference(scenario: str) -> None:
    """Random ways are gone with all variables kept: the same segments are sent, and nothing else differs."""
    draw = random.Random(scenario)
    pair = Pair(tcp(), "rfc5961", SCENARIOS[scenario], Bounds(channel=3, loss=2, dup=2))
    for _ in range(40):
        walk(pair, draw)


def walk(pair: Pair, draw: random.Random) -> None:
    segments = pair.segments
    whole = [Whole(tcp(), "rfc5961", segments, end.iss, 0, 0) for end in pair.ends]
    for w, end in zip(whole, pair.ends, strict=True):
        w._connection.key = end._connection.key
    at = pair.first
    now = [w._number(end.configurations[n].copy()) for w, end, n in zip(whole, pair.ends, at[ENDS], strict=True)]
    for _ in range(60):
        choices = list(pair.events(at))
        if not choices:
            return
        e = draw.choice(choices)
        if e.move is not None:
            w = whole[e.end]
            if isinstance(e.arg, int):
                move = w.deliver(now[e.end], e.arg)
            elif e.what == "timer":
                move = w.end_timer(now[e.end], e.arg)
            else:
                script = pair.scenario.script[e.end]
                data = script[at[CALLS][e.end]].data if e.arg == "send" else b""
                move = w.call(now[e.end], e.arg, data)
            assert move.sent == e.move.sent
            now[e.end] = move.to
            kept = canonical(w.configurations[move.to].copy(), tcp())
            assert kept.key() == pair.ends[e.end].configurations[e.to[ENDS][e.end]].key()
        at = e.to


def test_a_canonical_configuration_stays_as_it_is() -> None:
    pair = Pair(tcp(), "rfc5961", SCENARIOS["any-close"], SMALL)
    exploration.explore(pair)
    for end in pair.ends:
        assert len(end.configurations) > 20
        for c in end.configurations:
            assert canonical(c.copy(), tcp()).key() == c.key()


def test_equal_segments_have_one_number() -> None:
    segments = Segments()
    end = Endpoint(tcp(), "rfc5961", segments, 7, 1, 2)
    first = end.call(end.fresh(), "open_active")
    again = end.end_timer(first.to, "RETRANSMISSION")
    assert first.sent == again.sent and again.to == first.to and len(segments.all) == 1


def test_an_order_that_does_not_matter_is_no_other_state() -> None:
    pair = Pair(tcp(), "rfc5961", SCENARIOS["any-close"], SMALL)
    graph = exploration.explore(pair)
    assert len(set(graph.states)) == len(graph.states)
    assert all(list(f) == sorted(f) for s in graph.states for f in s[FLYING])
    assert {s[MARKS] for s in graph.states} <= {0, 1}


# ---- the graph ------------------------------------------------------------------------------------------------------


def graph(edges: dict[int, list[tuple[int, int]]], size: int) -> Graph:
    """A graph whose edges of ``i`` are (target, kind)."""
    g = Graph([(i, 0) for i in range(size)])  # type: ignore[misc]
    for i in range(size):
        g.begin.append(len(g.targets))
        for target, kind in edges.get(i, []):
            g.targets.append(target)
            g.kinds.append(kind)
    g.begin.append(len(g.targets))
    g.expanded = size
    return g


@pytest.mark.parametrize("seed", range(60))
def test_cycles_and_ways_are_those_of_the_closure(seed: int) -> None:
    draw = random.Random(seed)
    size = draw.randrange(1, 12)
    edges = {i: [(draw.randrange(size), draw.randrange(3)) for _ in range(draw.randrange(3))] for i in range(size)}
    g = graph(edges, size)
    worst = draw.randrange(3)
    reach = {i: {t for t, kind in edges[i] if kind <= worst} for i in range(size)}
    for k in range(size):
        for i in range(size):
            if k in reach[i]:
                reach[i] |= reach[k]
    on_cycle = [i for i in range(size) if i in reach[i]]
    assert g.on_cycle(worst) == (on_cycle[0] if on_cycle else None)
    for i in range(size):
        way = g.cycle(i, worst)
        assert bool(way) == (i in on_cycle)
        if way:
            assert way[0] == way[-1] == i
            assert all(b in g.successors(a, worst) for a, b in itertools.pairwise(way))
    goals = [i for i in range(size) if draw.random() < 0.3]
    assert list(g.leading_to(goals, worst)) == [int(i in goals or bool(reach[i] & set(goals))) for i in range(size)]
