"""Worlds as people read them: the hosts, what is in flight, what a step did, a trace as a ladder."""

from __future__ import annotations

from typing import Any

from wireproof.conformance.shown import Show
from wireproof.conformance.world import HOSTS, Scenario, World, end_time, next_time, other
from wireproof.conformance.world_events import Event, Flying, duration, result_of, segment_text, text
from wireproof.conformance.world_record import Happened
from wireproof.spec import ir
from wireproof.spec.backends.python_terms import ident

QUIET = ("STATE", "LAST.SMALL", "RCV.PRIOR", "RCV.PRIOR-AT", "RTT.SEQ", "RTT.AT", "RECOVER")
"""Variables whose changes say little."""


def status(scenario: Scenario, world: World) -> str:
    """All of a world on one line."""
    hosts = "   ".join(f"{h} {state(world, i)}" for i, h in enumerate(scenario.hosts))
    wire = ""
    if len(world.ends) > 1:
        wire = "   wire: " + ("; ".join(f"{n} {flying(f)}" for n, f in enumerate(world.wire, 1)) or "empty")
    return f"{hosts}{wire}   t={clock(world.now)}"


def state(world: World, i: int) -> str:
    """The state of a host."""
    return str(world.ends[i].c.state)


def flying(f: Flying) -> str:
    """A segment in flight."""
    return f"{other(f.to)}->{f.to} {segment_text(f.segment)}"


def clock(us: int) -> str:
    """A moment, in seconds."""
    return f"{us / 1e6:g}" if us % 1_000_000 == 0 or us < 1 << 40 else f"{us / 1e6:.6f}"


def say(scenario: Scenario, world: World, event: Event) -> str:
    """An event with what it is about: the segment, the timer."""
    shown = text(event)
    if len(scenario.hosts) == 1:
        shown = shown.removeprefix("A.")
    if event.kind in ("deliver", "drop", "dup", "delay") and 0 < event.n <= len(world.wire):
        return f"{shown}  {flying(world.wire[event.n - 1])}"
    if event.kind == "tick" and (ends := timers_next(scenario, world)):
        at = next_time(scenario, world)
        assert at is not None
        return f"tick {duration(max(0, at - world.now))}  {', '.join(ends)}"
    return shown


def timers_next(scenario: Scenario, world: World) -> list[str]:
    """The timers that end next."""
    at, out = next_time(scenario, world), []
    for i, host in enumerate(scenario.hosts):
        if at is None or end_time(scenario, world, i) != at:
            continue
        end = world.ends[i]
        policy = scenario.drivers[i].policy
        policy.rcvbuf, policy.c = end.rcvbuf, end.c
        for name, low, high in scenario.machine.timer_slots:
            since = getattr(end.c, low)
            if since >= 0 and policy.fires_at(end.c, name, since, getattr(end.c, high)) == at:
                out.append(f"{host} {name}")
    return out


def menu(scenario: Scenario, world: World, events: list[Event]) -> list[str]:
    """The numbered events."""
    return [f"  {n:>2}  {say(scenario, world, e)}" for n, e in enumerate(events, 1)]


# ---- a step --------------------------------------------------------------------------------------------------------


def outcome(scenario: Scenario, h: Happened) -> list[str]:
    """What a step showed: the call's result, what was sent, the states that changed."""
    lines = []
    for host, kind, what in h.log:
        if kind == "call":
            lines.append(f"{host} {what[0].call.replace('_', ' ')}: {result_of(what[2])}")
        elif kind == "tx":
            lines.append(f"{host} -> {segment_text(what)}")
    return lines + moves(scenario, h)


def moves(scenario: Scenario, h: Happened) -> list[str]:
    """The states that a step changed."""
    pairs = [(host, state(h.before, i), state(h.after, i)) for i, host in enumerate(scenario.hosts)]
    return [f"{host} {a} -> {b}" for host, a, b in pairs if a != b]


def changes(scenario: Scenario, model: ir.Model, h: Happened) -> list[str]:
    """The variables and timers that a step changed, with the values before and after."""
    lines = []
    for i, host in enumerate(scenario.hosts):
        a, b = h.before.ends[i].c, h.after.ends[i].c
        if a is b:
            continue
        show = Show(model, scenario.machine, b)
        for name, v in model.variables.items():
            old, new = getattr(a, ident(name)), getattr(b, ident(name))
            if old != new and name not in QUIET:
                lines.append(f"{host} {name:<14} {show.value(old, v.sort)} -> {show.value(new, v.sort)}")
        lines += [f"{host} timer {line}" for line in _timers(scenario, show, a, b, h.after.now)]
    return lines


def _timers(scenario: Scenario, show: Show, a: Any, b: Any, now: int) -> list[str]:
    out = []
    for name, low, high in scenario.machine.timer_slots:
        old, new = (getattr(a, low), getattr(a, high)), (getattr(b, low), getattr(b, high))
        if old != new:
            out.append(f"{name:<14} {show.window(now, *new) if new[0] >= 0 else 'stopped'}")
    return out


def variables(scenario: Scenario, model: ir.Model, world: World, host: str) -> list[str]:
    """Every variable, abbreviation and timer of a host."""
    c = world.ends[HOSTS.index(host)].c
    show = Show(model, scenario.machine, c)
    lines = [f"  {name:<14} {show.value(getattr(c, ident(name)), v.sort)}" for name, v in model.variables.items()]
    for name, low, high in scenario.machine.timer_slots:
        at = getattr(c, low)
        lines.append(f"  timer {name:<14} {show.window(world.now, at, getattr(c, high)) if at >= 0 else 'stopped'}")
    return lines


# ---- a trace -------------------------------------------------------------------------------------------------------


def ladder(scenario: Scenario, history: list[Happened]) -> list[str]:
    """What happened, step by step; what was sent stands below the step, the new states at its end."""
    lines = []
    for n, h in enumerate(history, 1):
        changed = ", ".join(moves(scenario, h))
        line = f"  {n:>3}  {clock(h.after.now):>8}  {say(scenario, h.before, h.event):<46}  {changed}"
        lines.append(line.rstrip())
        lines += [f"{'':>17}{line}" for line in outcome(scenario, h) if line not in moves(scenario, h) and _told(line)]
    return lines


def _told(line: str) -> bool:
    """Is a line of a step worth a line in the ladder? That a call was ok is not."""
    return not line.endswith(": ok")
