"""Recorded tests in a world: a trace that was made there, or the steps of a test case against a host alone."""

from __future__ import annotations

from typing import Any

from wireproof.conformance import mutation
from wireproof.conformance.testcase import Step
from wireproof.conformance.tester import PEER_ISN, VARIABLES, control_mask
from wireproof.conformance.trace_reader import Trace
from wireproof.conformance.world import Scenario, World, injected
from wireproof.conformance.world_events import Event
from wireproof.conformance.world_record import Happened, step
from wireproof.conformance.world_speech import EventError, read_event
from wireproof.reference import machine as machines
from wireproof.reference.machine import Machine
from wireproof.reference.segment import SYN
from wireproof.reference.sequence import MASK
from wireproof.spec import ir

AUTOMATIC = ("accept", "release")
"""Calls that the user of a world never makes: a connection is accepted when it is there."""


class NotPlayable(ValueError):  # noqa: N818 - a limit of worlds, not a fault
    """A recording that no world can play: the message says which step, and why."""


def play(trace: Trace, model: ir.Model) -> tuple[Scenario, list[Happened]]:
    """The world of a trace, and all that happened in it. Raises :class:`NotPlayable`."""
    header = trace.header
    if header.scenario not in ("", "one-host", "two-hosts"):
        raise NotPlayable(f"the scenario '{header.scenario}' is not known; there are one-host and two-hosts")
    try:
        machine = _machine(header.target)
        scenario = Scenario(header.scenario or "one-host", machine, profile=header.profile, params=dict(header.params))
    except (KeyError, AttributeError) as error:
        raise NotPlayable(f"its profile '{header.profile}' or a parameter of it is not known ({error})") from None
    if header.events:
        return scenario, _events(scenario, model, header.events)
    if header.case is None:
        raise NotPlayable("it records no test case and no events; `wireproof replay` judges it as it is")
    return scenario, _case(scenario, header.case.steps)


def _machine(target: str) -> Machine:
    """The rules that a target runs: a mutant's where it is one that the language can say, else the specification's."""
    mutant = mutation.mutants().get(target.removeprefix("mutant:"))
    if not target.startswith("mutant:") or mutant is None or mutant.wire:
        return machines.tcp()
    return mutation.machine(mutant)


def _events(scenario: Scenario, model: ir.Model, texts: list[str]) -> list[Happened]:
    world, out = scenario.start(), list[Happened]()
    for n, text in enumerate(texts, 1):
        try:
            out.append(step(scenario, world, read_event(text, scenario, world, model)))
        except (EventError, ValueError) as error:
            raise NotPlayable(f"event {n}, '{text}': {error}") from None
        world = out[-1].after
    return out


def _case(scenario: Scenario, steps: list[Step]) -> list[Happened]:
    world, out = scenario.start(), list[Happened]()
    for n, s in enumerate(steps, 1):
        if s.get("call") in AUTOMATIC and out:
            continue
        try:
            out.append(step(scenario, world, event_of(s, world)))
        except (NotPlayable, ValueError) as error:
            raise NotPlayable(f"step {n} of the test: {error}") from None
        world = out[-1].after
    return out


def event_of(s: Step, world: World) -> Event:
    """A step of a test case as an event for a host alone. Raises :class:`NotPlayable`."""
    if "call" in s:
        n = int(next((s[k] for k in ("len", "max", "value") if k in s), 0))
        if s["call"] == "at_mark" or s.get("dst"):
            raise NotPlayable(f"{s['call']} to {s.get('dst', 'a mark')} is nothing that the user of a world can do")
        return Event("call", "A", str(s["call"]), n, option=s.get("option", ""), urgent=s.get("urgent", False))
    if "seg" in s:
        if foreign := [k for k in ("damage", "peer", "src", "dst", "options") if s.get(k)]:
            raise NotPlayable(f"a segment with {', '.join(foreign)} of its own cannot be played")
        return Event("inject", "A", segment=_segment(s, world.ends[0].c))
    if "icmp" in s:
        raise NotPlayable("ICMP does not come in a world")
    return Event("tick") if isinstance(s["wait"], str) else Event("wait", n=s["wait"])


def _segment(s: Step, c: Any) -> Any:
    ctl = control_mask(s["seg"])
    n = s.get("len", 0)
    if n == "window":
        n = min((c.rcv_edge - c.rcv_nxt) & MASK, 1460)
    seq = _number(s.get("seq", ["RCV.NXT", 0]), c)
    ack = _number(s.get("ack", ["SND.NXT", 0]), c) if ctl & 16 else 0
    out = injected(seq, ack, ctl, n, s.get("wnd", 65535))
    out.up = s.get("up", 0)
    if ctl & SYN:
        out.mss = s.get("mss", 0)
        out.options = b"\x02\x04" + out.mss.to_bytes(2, "big") if out.mss else b""
    return out


def _number(relative: list[Any], c: Any) -> int:
    """A field given as [base, offset], as the tester computes it."""
    base, offset = relative
    fresh = c.state in ("CLOSED", "LISTEN", "SYN-SENT")
    if base == "PEER" or (base.startswith("RCV") and fresh):
        value = PEER_ISN
    elif base == "ABS" or c.state in ("CLOSED", "LISTEN"):
        value = 0
    else:
        value = getattr(c, VARIABLES[base])
    return int(value + offset) & MASK
