"""Worlds: pure steps, canonical keys, searches that are shortest, and steps that the oracle accepts."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from wireproof.conformance import mutation, trace
from wireproof.conformance.targets.reference import ReferenceTarget
from wireproof.conformance.tester import Settings, run_case
from wireproof.conformance.world import HOSTS, Limits, Scenario, World, apply, enabled, injected
from wireproof.conformance.world_case import NotPlayable, play
from wireproof.conformance.world_distance import Bound, wanted_states
from wireproof.conformance.world_events import Event, text
from wireproof.conformance.world_goal import find, scenario_for
from wireproof.conformance.world_key import key
from wireproof.conformance.world_record import Happened, run, step, witnessed, write
from wireproof.conformance.world_search import search, without_losses
from wireproof.conformance.world_speech import EventError, read_event
from wireproof.conformance.world_terms import Terms, hosts_of, read_expression, read_predicate
from wireproof.conformance.world_terms import test as condition
from wireproof.conformance.world_why import why
from wireproof.reference.segment import RST
from wireproof.spec import load

MODEL = load.tcp()
STATES = MODEL.enums["state"]
SCENARIOS = ("one-host", "two-hosts")


def walk(seed: int, scenario: Scenario, steps: int = 25) -> list[Happened]:
    """A random way through a world."""
    draw = random.Random(seed)
    world, out = scenario.start(), list[Happened]()
    while len(out) < steps and (events := enabled(scenario, world)):
        out.append(step(scenario, world, draw.choice(events)))
        world = out[-1].after
    return out


def said(scenario: Scenario, *texts: str) -> list[Happened]:
    """What happens when these events are typed."""
    world, out = scenario.start(), list[Happened]()
    for t in texts:
        out.append(step(scenario, world, read_event(t, scenario, world, MODEL)))
        world = out[-1].after
    return out


OPENED = ("B.open passive", "A.open active", "deliver", "deliver", "deliver")


# ---- steps ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SCENARIOS)
def test_the_oracle_accepts_every_step(name: str) -> None:
    scenario = Scenario(name)
    seen = set()
    for seed in range(60):
        history = walk(seed, scenario)
        seen |= {e.c.state for h in history for e in h.after.ends}
        for host in scenario.hosts:
            assert witnessed(scenario, history, host).oracle.refusal is None, (seed, host)
    assert len(seen) >= 7


def test_the_oracle_refuses_a_host_that_breaks_a_rule() -> None:
    broken = Scenario("one-host", machine=mutation.machine(mutation.mutants()["rst-answered"]))
    history = said(broken, "open active", "inject <SEQ=1000000><CTL=SYN,ACK>", "inject <SEQ=RCV.NXT + 70000><CTL=RST>")
    assert any(kind == "tx" for _, kind, _ in history[-1].segments())
    refusal = witnessed(broken, history, "A").oracle.refusal
    assert refusal is not None
    assert refusal.kind == "unexpected"


@pytest.mark.parametrize("name", SCENARIOS)
def test_steps_are_pure(name: str) -> None:
    scenario = Scenario(name)
    for seed in range(20):
        for h in walk(seed, scenario):
            before = key(scenario, h.before)
            again = apply(scenario, h.before, h.event)
            assert key(scenario, again) == key(scenario, h.after)
            assert key(scenario, h.before) == before


def test_a_world_is_the_same_at_another_time() -> None:
    scenario = Scenario()
    early, late = said(scenario, *OPENED)[-1].after, said(scenario, "tick 5 s", *OPENED)[-1].after
    assert early.ends[0].c.iss != late.ends[0].c.iss
    assert key(scenario, early) == key(scenario, late)


def test_worlds_that_differ_have_keys_that_differ() -> None:
    scenario = Scenario()
    ways = [(), ("A.send 10",), ("A.send 11",), ("A.close",), ("tick 1 s",), ("A.send 10", "drop"), ("A.abort",)]
    keys = {key(scenario, said(scenario, *OPENED, *way)[-1].after) for way in ways}
    # Time that passes where no timer runs changes nothing.
    assert len(keys) == len(ways) - 1


def test_the_order_in_flight_counts_only_where_the_network_keeps_it() -> None:
    world = said(Scenario(), *OPENED, "A.send 10", "A.close")[-1].after
    turned = world._replace(wire=world.wire[::-1])
    assert key(Scenario(), world) == key(Scenario(), turned)
    orderly = Scenario(limits=Limits(reorder=False))
    assert key(orderly, world) != key(orderly, turned)


def test_what_is_too_old_is_gone() -> None:
    world = said(Scenario(), "A.open active", "tick 119 s")[-1].after
    assert world.wire[0].at == 0
    after = apply(Scenario(), world, Event("wait", n=1_000_000))
    assert all(f.at > 0 for f in after.wire)


def test_a_listener_comes_back_when_its_connection_is_refused() -> None:
    scenario = Scenario()
    world = said(scenario, "B.open passive", "A.open active", "deliver", "A.abort")[-1].after
    peer = world.ends[1].c
    world = apply(scenario, world, Event("inject", "B", segment=injected(peer.rcv_nxt, 0, RST, host="B")))
    assert (world.ends[1].c.state, world.ends[1].hold) == ("LISTEN", "listener")


def test_a_crash_is_not_held_against_the_host() -> None:
    scenario = Scenario()
    history = said(scenario, *OPENED, "crash A", "tick 2 s", "A.open active", "deliver", "deliver", "deliver")
    assert history[-1].after.ends[1].c.state == "CLOSED"
    assert all(witnessed(scenario, history, h).oracle.refusal is None for h in HOSTS)


# ---- searches ------------------------------------------------------------------------------------------------------


def shortest_plainly(scenario: Scenario, goal: str) -> int | None:
    """The length of a shortest way, by a search that has no bound to go by."""
    holds = condition(read_predicate(goal, MODEL, scenario), MODEL, scenario)
    events = search(without_losses(scenario, False), scenario.start(), holds, max_steps=7).events
    return None if events is None else len(events)


@pytest.mark.parametrize("state", STATES)
def test_each_state_by_the_shortest_way(state: str) -> None:
    scenario, goal = Scenario("one-host"), f"STATE = {state}"
    answer = find(scenario, MODEL, scenario.start(), goal)
    assert answer.shortest
    assert answer.events is not None
    assert len(answer.events) == shortest_plainly(scenario, goal)
    history = run(scenario, scenario.start(), answer.events)
    assert state == (history[-1].after if history else scenario.start()).ends[0].c.state


@pytest.mark.parametrize(
    "goal",
    [
        "A.state = ESTABLISHED and B.state = ESTABLISHED",
        "A.state in {FIN-WAIT-1, CLOSE-WAIT} and B.state = SYN-RECEIVED",
        "len(B.rcv_data) > 0",
        "A.state = LISTEN and B.state = SYN-SENT and in_flight > 1",
    ],
)
def test_two_hosts_by_the_shortest_way(goal: str) -> None:
    scenario = Scenario(limits=Limits(dup=False))
    events = find(scenario, MODEL, scenario.start(), goal, max_steps=7).events
    assert events is not None
    assert len(events) == shortest_plainly(scenario, goal)


def test_the_bound_never_overestimates() -> None:
    for name in SCENARIOS:
        scenario = Scenario(name)
        for seed in range(40):
            history = walk(seed, scenario, 20)
            last = history[-1].after
            wanted = tuple((i, frozenset({e.c.state})) for i, e in enumerate(last.ends))
            bound = Bound(MODEL, wanted)
            for left, h in zip(range(len(history), 0, -1), history, strict=True):
                assert bound(h.before) <= left, (seed, text(h.event))


def test_the_bound_says_something() -> None:
    scenario = Scenario()
    goal = read_predicate("A.state==CLOSING and CLOSING = B.state and in_flight = 0", MODEL, scenario)
    wanted = wanted_states(goal.value, hosts_of(scenario))
    assert wanted == ((0, frozenset({"CLOSING"})), (1, frozenset({"CLOSING"})))
    assert Bound(MODEL, wanted)(scenario.start()) >= 6


def test_what_is_avoided_is_avoided() -> None:
    scenario = Scenario("one-host")
    goal = "STATE = FIN-WAIT-2"
    events = find(scenario, MODEL, scenario.start(), goal, ("STATE = SYN-RECEIVED",)).events
    assert events is not None
    states = [h.after.ends[0].c.state for h in run(scenario, scenario.start(), events)]
    assert "SYN-RECEIVED" not in states
    assert states[-1] == "FIN-WAIT-2"


def test_what_is_nowhere_is_not_found() -> None:
    scenario = Scenario("one-host")
    answer = find(scenario, MODEL, scenario.start(), "STATE = LISTEN and SND.WND = 7", max_steps=3)
    assert answer.events is None
    assert not answer.exhausted
    cut = find(scenario, MODEL, scenario.start(), "SND.WND = 7", max_states=5)
    assert (cut.events, cut.shortest) == (None, False)


def test_all_that_there_is_was_seen() -> None:
    scenario = Scenario("one-host", limits=Limits(calls=("open_passive",), tick=False))
    nothing = scenario.start()
    answer = search(scenario, nothing, lambda w: w.ends[0].c.state == "CLOSING", max_steps=1000, max_states=2000)
    assert answer.events is None
    assert answer.exhausted or answer.cut


def test_scenarios_are_told_apart() -> None:
    assert scenario_for(["STATE = CLOSED"]) == "one-host"
    assert scenario_for(["STATE = CLOSED", "b.state = CLOSED"]) == "two-hosts"


# ---- what is kept ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SCENARIOS)
def test_traces_are_judged_again_run_again_and_played_again(name: str, tmp_path: Path) -> None:
    scenario = Scenario(name)
    target = ReferenceTarget()
    settings = Settings(scenario.machine)
    for seed in range(12):
        history = walk(seed, scenario, 15)
        path = tmp_path / f"{seed}.wpt"
        write(path, scenario, history, "A", f"walk-{seed}")
        found = trace.read(path)
        assert trace.verdict(trace.rejudge(found)) == "pass"
        assert found.header.case is not None
        session = target.session()
        program = run_case(found.header.case, session, settings)
        try:
            while True:
                session.pass_time(next(program))
        except StopIteration as ended:
            report = ended.value
        assert report.verdict == "pass", (seed, report.refusal)
        _, again = play(found, MODEL)
        assert key(scenario, again[-1].after) == key(scenario, history[-1].after)


def test_a_test_of_the_suite_is_played(tmp_path: Path) -> None:
    scenario = Scenario("one-host")
    history = said(
        scenario, "open passive", "inject <SEQ=1000000><CTL=SYN>", "inject <SEQ=RCV.NXT><ACK=SND.NXT><CTL=ACK>"
    )
    path = tmp_path / "x.wpt"
    write(path, scenario, history, "A", "x")
    found = trace.read(path)
    found.header.events = []
    _, again = play(found, MODEL)
    assert [h.after.ends[0].c.state for h in again] == ["LISTEN", "SYN-RECEIVED", "ESTABLISHED"]
    assert found.header.case is not None
    found.header.case.steps.insert(1, {"icmp": [3, 3], "seq": ["SND.UNA", 0]})
    with pytest.raises(NotPlayable, match="step 2 of the test: ICMP"):
        play(found, MODEL)
    found.header.case = None
    with pytest.raises(NotPlayable, match="no test case"):
        play(found, MODEL)
    found.header.profile = "rfc0"
    with pytest.raises(NotPlayable, match="profile 'rfc0'"):
        play(found, MODEL)


# ---- events as they are typed ----------------------------------------------------------------------------------------


def test_events_read_back_as_they_are_written() -> None:
    for name in SCENARIOS:
        scenario = Scenario(name)
        for seed in range(20):
            for h in walk(seed, scenario):
                assert read_event(text(h.event), scenario, h.before, MODEL) == h.event


def world_of(*texts: str) -> tuple[Scenario, World]:
    scenario = Scenario("one-host")
    return scenario, said(scenario, *texts)[-1].after


def test_an_injected_segment_has_what_was_asked_for() -> None:
    scenario, world = world_of("open active", "inject <SEQ=1000000><CTL=SYN,ACK>")
    event = read_event("inject <SEQ=RCV.NXT + 5><ACK=SND.UNA><CTL=ACK,PSH> len 10 wnd 500", scenario, world, MODEL)
    assert event.segment is not None
    assert (event.segment.seq, event.segment.ack, event.segment.wnd) == (1_000_006, 101, 500)
    assert (event.segment.control(), len(event.segment.data)) == ("PSH,ACK", 10)


@pytest.mark.parametrize(
    ("typed", "why_not"),
    [
        ("A.foo", "calls: open"),
        ("A.clsoe", "did you mean 'close'"),
        ("A.open", "open active, or open passive"),
        ("C.close", "no host 'C'"),
        ("A.send many", "send takes octets"),
        ("A.close now", "close takes nothing"),
        ("A.set mtu 3", "options: nodelay"),
        ("tick 5", "has a unit"),
        ("deliver x", "number of a segment"),
        ("inject <SEQ=1>", "has <CTL=..>"),
        ("inject <CTL=FOO>", "no control bit"),
        ("inject <CTL=ACK> hello", "no part of a segment"),
        ("inject <CTL=ACK> len 70000", "65535"),
        ("inject <SEQ=STATE><CTL=ACK>", "a sequence number is wanted"),
        ("crash", "no host ''"),
    ],
)
def test_what_is_no_event(typed: str, why_not: str) -> None:
    scenario = Scenario("one-host") if "inject" in typed else Scenario()
    with pytest.raises(EventError) as caught:
        read_event(typed, scenario, scenario.start(), MODEL)
    assert why_not in str(caught.value)


# ---- why -------------------------------------------------------------------------------------------------------------


def test_why_names_the_conjunct_and_the_values() -> None:
    scenario, world = world_of("open active", "inject <SEQ=1000000><CTL=SYN,ACK>")
    event = Event("inject", "A", segment=injected(1_000_101, 0, RST))
    answer = why(scenario, MODEL, world, event)
    taken = [t for t in answer.tried if t.taken][-1]
    assert taken.id == "tcp/reset/challenge"
    event = Event("inject", "A", segment=injected(1_000_001, 0, RST))
    refused = {t.id: t for t in why(scenario, MODEL, world, event).tried if not t.taken}
    (reason,) = refused["tcp/reset/challenge"].false
    assert reason.text == "SEG.SEQ /= RCV.NXT"
    assert reason.values == ["SEG.SEQ = 1000001 (IRS+1)", "RCV.NXT = 1000001 (IRS+1)"]


def test_why_text_waits() -> None:
    scenario, world = world_of("open active", "inject <SEQ=1000000><CTL=SYN,ACK> wnd 0")
    answer = why(scenario, MODEL, world, Event("call", "A", "send", 5))
    assert "sends nothing" in answer.outcome
    assert {t.id for t in answer.waiting} >= {"tcp/new_text/last_of_queue"}
    assert all(t.false for t in answer.waiting)


def test_why_an_event_cannot_happen() -> None:
    scenario = Scenario()
    assert "no segment 3" in why(scenario, MODEL, scenario.start(), Event("deliver", n=3)).refused
    world = said(scenario, "B.open passive", "A.open active", "deliver")[-1].after
    assert "accept" in why(scenario, MODEL, world, Event("call", "B", "send", 1)).refused


def test_why_changes_nothing_and_agrees_with_what_happens() -> None:
    for name in SCENARIOS:
        scenario = Scenario(name)
        for seed in range(12):
            for h in walk(seed, scenario, 15):
                before = key(scenario, h.before)
                answer = why(scenario, MODEL, h.before, h.event)
                assert key(scenario, h.before) == before
                host = h.event.host or (h.before.wire[h.event.n - 1].to if h.event.kind == "deliver" else "")
                if h.event.kind in ("deliver", "inject", "call"):
                    taken = [t.id for t in answer.tried if t.taken]
                    assert set(taken) <= set(h.fired(host)) | passed_on(taken), (seed, text(h.event))


def passed_on(rules: list[str]) -> set[str]:
    """Rules that only hand on are not reported as fired."""
    known = {r.id: r for _, r in MODEL.rules()}
    return {r for r in rules if not known[r].meaning}


def test_terms() -> None:
    scenario = Scenario()
    world = said(scenario, *OPENED, "A.send 7")[-1].after
    terms = Terms(MODEL, scenario)
    values = {
        "A.SND.NXT - B.RCV.NXT": 7,
        "in_flight": 1,
        "running(A.RETRANSMISSION)": True,
        "running(B.RETRANSMISSION)": False,
        "MSL": 120_000_000,
        "A.flight": 7,
        "now": 0,
    }
    assert {t: terms.value(read_expression(t, MODEL, scenario).value, world) for t in values} == values
