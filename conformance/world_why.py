"""Why does an event do what it does, or nothing? The rules that were tried, what refused them, with the values."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from wireproof.conformance.bindings import Binding, segment_sent
from wireproof.conformance.nearby import Neighbourhood, Reason
from wireproof.conformance.shown import Show
from wireproof.conformance.world import (
    HOSTS,
    End,
    Scenario,
    World,
    call_event,
    next_time,
)
from wireproof.conformance.world_events import Event, result_of, segment_text
from wireproof.conformance.world_record import Happened, step
from wireproof.reference.run import CONTINUE
from wireproof.reference.segment import Segment
from wireproof.reference.sequence import MASK
from wireproof.spec import ir
from wireproof.spec.evaluate import applies, evaluate
from wireproof.spec.expressions import events_of

MAX_WAITING = 3
"""Permissions to send that do not hold: more are not shown."""


@dataclass(slots=True)
class Tried:
    """A rule that was looked at: taken, or refused by what was false."""

    id: str
    taken: bool
    meaning: str = ""
    cites: list[str] = field(default_factory=list)
    false: list[Reason] = field(default_factory=list)


@dataclass(slots=True)
class Answer:
    """What there is to say of an event; ``refused`` says why it cannot happen at all."""

    refused: str = ""
    tried: list[Tried] = field(default_factory=list)
    outcome: list[str] = field(default_factory=list)
    waiting: list[Tried] = field(default_factory=list)
    """What text waits for: the permissions to send it, and what is false of them."""


def why(scenario: Scenario, model: ir.Model, world: World, event: Event) -> Answer:
    """What an event would meet. It does not happen."""
    try:
        happened = step(scenario, world, event)
    except ValueError as error:
        return Answer(refused=str(error), tried=_timers(scenario, model, world) if event.kind == "tick" else [])
    host = event.host
    if event.kind in ("deliver", "inject"):
        _, _, s = happened.segments()[0]
        host = event.host or world.wire[event.n - 1].to
        answer = Answer(tried=list(_arrival(scenario, model, world, host, s)))
    elif event.kind == "call":
        answer = Answer(tried=list(_call(scenario, model, world, event)))
        _, _, outcome = next(what for h, kind, what in happened.log if kind == "call")
        answer.outcome.append(f"returns {result_of(outcome)}")
    elif event.kind in ("tick", "wait"):
        answer = Answer(tried=_timers(scenario, model, world))
    else:
        return Answer(outcome=[f"{event.kind} is the network's, and no rule's"])
    answer.outcome += [f"sends {segment_text(s)}" for h, kind, s in happened.segments() if kind == "tx"]
    if not any(kind == "tx" for _, kind, _ in happened.segments()):
        answer.outcome.append("sends nothing")
        if host:
            answer.waiting = _waiting(scenario, model, happened, host)
            c = happened.after.ends[HOSTS.index(host)].c
            if c.snd_data and c.state in ("SYN-SENT", "SYN-RECEIVED"):
                answer.outcome.append(f"the text is queued: nothing lets it go in {c.state}")
    return answer


def _near(scenario: Scenario, model: ir.Model, c: Any) -> Neighbourhood:
    return Neighbourhood(model, scenario.machine, scenario.p, [c])


def _tried(near: Neighbourhood, section: ir.Section, env: Binding) -> Iterator[Tried]:
    """The rules of a section up to the one that is taken; of a section that only hands on, the one that does."""
    refused: list[Tried] = []
    for rule in section.rules:
        if not applies(rule, env):
            continue
        false = [near.reason(q, env) for q in rule.guard if not evaluate(q.test, env)]
        if not false:
            hands_on = rule.end == "continue" and not rule.meaning
            yield from () if hands_on else refused
            yield Tried(rule.id, True, rule.meaning, rule.cites)
            return
        refused.append(Tried(rule.id, False, rule.meaning, rule.cites, false))
    yield from refused


def _choices(scenario: Scenario, i: int, end: End, model: ir.Model) -> dict[str, bool]:
    """The silent choices as the host's policy makes them."""
    policy = scenario.drivers[i].policy
    policy.c = end.c
    policy.rcvbuf = end.rcvbuf
    choices = [c for s in model.sections for c in (*s.choices, *(x for r in s.rules for x in r.choices))]
    return {name: policy.flag(name) for name in sorted({c.name for c in choices if c.domain == "flag"})}


def _arrival(scenario: Scenario, model: ir.Model, world: World, host: str, s: Segment) -> Iterator[Tried]:
    """Step by step: the rules that a segment meets."""
    i = HOSTS.index(host)
    end, machine = world.ends[i], scenario.machine
    c = machine.Tcp() if end.c.state == "CLOSED" else end.c.copy()
    c.now = world.now
    choices = _choices(scenario, i, end._replace(c=c), model)
    policy = scenario.drivers[i].policy
    at = -1
    while True:
        entry = next((e for e in machine.arrives["segment"][c.state] if e[0] > at), None)
        if entry is None:
            return
        at, function = entry
        near = _near(scenario, model, c)
        section = next(x for x in near.sections("event", c.state, "segment") if x.step == at)
        yield from _tried(near, section, Binding(model, c, scenario.p, s, choices))
        policy.c, policy.fired = c, []
        ending = function(c, s, policy)
        if ending >= 100:
            at = ending - 101
        elif ending != CONTINUE:
            return


def _call(scenario: Scenario, model: ir.Model, world: World, event: Event) -> Iterator[Tried]:
    i = HOSTS.index(event.host)
    end = world.ends[i]
    c = end.c.copy()
    c.now = world.now
    env = Binding(model, c, scenario.p, call_event(c, event), _choices(scenario, i, end, model))
    near = _near(scenario, model, c)
    for section in near.sections("call", c.state, event.call):
        yield from _tried(near, section, env)


def _timers(scenario: Scenario, model: ir.Model, world: World) -> list[Tried]:
    """Each host's timers: which end next."""
    out = []
    first = next_time(scenario, world)
    for host, end in zip(HOSTS, world.ends, strict=False):
        show = Show(model, scenario.machine, end.c)
        for name, low, high in scenario.machine.timer_slots:
            at, until = getattr(end.c, low), getattr(end.c, high)
            if at >= 0:
                ends = scenario.drivers[HOSTS.index(host)].policy.fires_at(end.c, name, at, until)
                reason = Reason(f"timer {name}", show.window(world.now, at, until), [f"now = {show.time(world.now)}"])
                out.append(Tried(f"{host} {name}", ends == first, false=[] if ends == first else [reason]))
    return out


def _waiting(scenario: Scenario, model: ir.Model, happened: Happened, host: str) -> list[Tried]:
    """If text or a FIN is queued: what the permissions to send it wait for."""
    i = HOSTS.index(host)
    end = happened.after.ends[i]
    c = end.c
    near = _near(scenario, model, c)
    env = Binding(model, c, scenario.p, None, _choices(scenario, i, end, model))
    unsent = (c.snd_base + len(c.snd_data) - c.snd_nxt) & MASK
    queued = 0 < unsent <= len(c.snd_data)
    if not queued and not (c.snd_fin and unsent == 0):
        return []
    known = model.abbreviations
    out = []
    for section in near.sections("may", c.state):
        for rule in section.rules:
            send = segment_sent(rule)
            if send is None or (send.text is None) == queued or any(events_of(q.test, known) for q in rule.guard):
                continue
            false = [near.reason(q, env) for q in rule.guard if not evaluate(q.test, env)]
            if false and applies(rule, env):
                out.append(Tried(rule.id, False, rule.meaning, rule.cites, false))
    return sorted(out, key=lambda t: len(t.false))[:MAX_WAITING]
