"""What happened in a world, kept so that it can be judged, explained, saved and run again.

Each host has a witness: an oracle that saw the calls made there and the datagrams that came and went. So every step
is judged by the specification as any implementation's would be, and a host's part can be saved as a ``.wpt`` trace.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from wireproof.conformance import trace
from wireproof.conformance.oracle import Oracle
from wireproof.conformance.session import Result
from wireproof.conformance.testcase import Step as CaseStep
from wireproof.conformance.testcase import TestCase
from wireproof.conformance.tester import PEER_ISN
from wireproof.conformance.trace_reader import Header
from wireproof.conformance.world import (
    ADDRESS,
    HOSTS,
    LISTENER,
    OWN,
    PORT,
    Log,
    Scenario,
    World,
    apply,
    other,
)
from wireproof.conformance.world_events import Event, text
from wireproof.reference.codec import encode
from wireproof.reference.run import Outcome
from wireproof.reference.segment import ACK, RST, SYN, Segment
from wireproof.reference.sequence import MASK


@dataclass(slots=True)
class Happened:
    """One step: the event, the worlds before and after, and what was seen of it."""

    event: Event
    before: World
    after: World
    log: Log

    def fired(self, host: str) -> list[str]:
        """The rules that fired at a host, each once."""
        return list(dict.fromkeys(r for h, kind, what in self.log if h == host and kind == "fired" for r in what))

    def segments(self) -> list[tuple[str, str, Segment]]:
        """What came and went: the host, ``rx`` or ``tx``, the segment."""
        return [(h, kind, what) for h, kind, what in self.log if kind in ("rx", "tx")]


def step(scenario: Scenario, world: World, event: Event) -> Happened:
    """Let an event happen, and keep what was seen. Raises ValueError for what cannot happen."""
    log: Log = []
    return Happened(event, world, apply(scenario, world, event, log), log)


def run(scenario: Scenario, world: World, events: list[Event]) -> list[Happened]:
    """Let events happen one after the other."""
    out: list[Happened] = []
    for event in events:
        out.append(step(scenario, world, event))
        world = out[-1].after
    return out


@dataclass(slots=True)
class Witness:
    """What one host showed, as the oracle judges it; after a crash it begins anew."""

    scenario: Scenario
    host: str
    oracle: Oracle = field(init=False)
    case: list[CaseStep] = field(default_factory=list)
    """The same as the steps of a test case, which can be run on another target."""
    handle: int = 0
    next_handle: int = 1
    now: int = 0

    def __post_init__(self) -> None:
        sc = self.scenario
        self.oracle = Oracle(sc.law, ADDRESS[self.host], sc.profile, **sc.params)  # type: ignore[arg-type]

    def see(self, happened: Happened) -> None:
        """Take in a step."""
        i = HOSTS.index(self.host)
        before, after = happened.before.ends[i], happened.after.ends[i]
        waited = 0
        for host, kind, what in happened.log:
            if host != self.host:
                continue
            if kind == "crash":
                self.__post_init__()
                self.case, self.handle, self.next_handle = [], 0, 1
            elif kind == "rx":
                self.case.append(self._segment(what, happened.before))
                self.oracle.rx(encode(what), self.now)
            elif kind == "tx":
                self.oracle.tx(encode(what), self.now)
            elif kind == "call":
                event, e, outcome = what
                self._call(event, e, outcome, before.c.state == "LISTEN")
            elif kind == "tick":
                if self.now != what:
                    self.oracle.quiet(self.now)
                waited += what - self.now
                self.now = what
        if waited:
            own = happened.event.kind == "tick" and (happened.fired(self.host) or before.c is not after.c)
            self.case.append({"wait": "timer" if own else waited})
        self.oracle.quiet(self.now)
        if before.hold == LISTENER and after.hold == OWN:
            self._accept()

    # ---- calls ----------------------------------------------------------------------------------------------------

    def _call(self, event: Event, e: Any, outcome: Outcome, listening: bool) -> None:
        # To close a listener is to let go of it: there is no direction that could stay open.
        fn = "release" if event.call == "close" and listening else event.call
        if (
            fn.startswith("open")
            and outcome.kind == "ok"
            and self.handle in (*self.oracle.handles, *self.oracle.detached)
        ):
            self.handle = 0
        if not self.handle:
            self.handle, self.next_handle = self.next_handle, self.next_handle + 1
        local, remote = ((ADDRESS[h], PORT[h]) for h in (self.host, other(self.host)))
        args: dict[str, Any] = {}
        shown: CaseStep = {"call": fn, "h": self.handle}
        if fn == "open_active":
            args = {"local": local, "remote": remote}
        elif fn == "open_passive":
            args = {"local": local, "backlog": 8}
        elif fn == "send":
            args = {"data": e.data, "urgent": e.urgent}
            shown |= {"len": len(e.data)} | ({"urgent": True} if e.urgent else {})
        elif fn == "receive":
            args = {"max": e.max}
            shown |= args
        elif fn == "set":
            args = {"option": event.option, "value": event.n}
            shown |= args
        self.case.append(shown)
        self.oracle.call(self.handle, fn, args, result(outcome), self.now)
        if fn in ("abort", "release"):
            self.handle = 0

    def _accept(self) -> None:
        """The user takes the connection that the passive OPEN made, and lets go of the listener."""
        listener, new = self.handle, self.next_handle
        self.oracle.call(listener, "accept", {"new": new}, Result("handle", new), self.now)
        self.oracle.call(listener, "release", {}, Result("ok"), self.now)
        self.case += [{"call": "accept", "h": listener, "new": new}, {"call": "release", "h": listener}]
        self.handle, self.next_handle = new, new + 1

    # ---- segments -------------------------------------------------------------------------------------------------

    def _segment(self, s: Segment, before: World) -> CaseStep:
        """A segment that arrived, relative to what the host knew."""
        c = before.ends[HOSTS.index(self.host)].c
        fresh = c.state in ("CLOSED", "LISTEN", "SYN-SENT")
        peer = PEER_ISN if len(before.ends) == 1 else before.ends[HOSTS.index(other(self.host))].c.iss
        out: CaseStep = {
            "seg": s.control() if s.ctl else "",
            "seq": ["RCV.NXT", signed(s.seq - (peer if fresh else c.rcv_nxt))],
        }
        if s.ctl & ACK:
            unopened = c.state in ("CLOSED", "LISTEN")
            out["ack"] = ["ABS", s.ack] if unopened else ["SND.NXT", signed(s.ack - c.snd_nxt)]
        if not s.ctl & RST:
            out["wnd"] = s.wnd
        if s.data:
            out["len"] = len(s.data)
        if s.up:
            out["up"] = s.up
        if s.ctl & SYN and s.mss:
            out["mss"] = s.mss
        return out


def signed(n: int) -> int:
    """A difference of sequence numbers, nearest to 0."""
    return ((n + (1 << 31)) & MASK) - (1 << 31)


def result(o: Outcome) -> Result:
    """A result of the machine's as the upper tester gives it."""
    match o.kind:
        case "count":
            return Result("count", o.low)
        case "octets":
            return Result("octets", o.text)
        case "ok":
            return Result("ok")
        case "state":
            return Result("state", o.value)
    return Result("error", o.value)


def witnessed(scenario: Scenario, history: list[Happened], host: str) -> Witness:
    """What a host showed in all that happened."""
    witness = Witness(scenario, host)
    for happened in history:
        witness.see(happened)
    return witness


def header(witness: Witness, name: str, events: list[Event]) -> Header:
    """The header of the trace of one host; it tells the events of the whole world, too."""
    scenario, refusal = witness.scenario, witness.oracle.refusal
    case = TestCase(f"explore/{scenario.name}/{name}", witness.case)
    return Header(
        local=witness.oracle.local,
        profile=scenario.profile,
        params=dict(scenario.params),
        target=f"explore:{scenario.name}",
        spec_hash=scenario.law.spec_hash,
        case=case,
        verdict="pass" if refusal is None else "fail",
        rule=refusal.rule if refusal is not None else "",
        kind=refusal.kind if refusal is not None else "",
        text=refusal.text if refusal is not None else "",
        scenario=scenario.name,
        events=[text(e) for e in events],
    )


def write(path: Path, scenario: Scenario, history: list[Happened], host: str, name: str) -> Witness:
    """Save what happened at a host as a trace. Raises OSError."""
    witness = witnessed(scenario, history, host)
    witness.oracle.finish()
    trace.write(path, header(witness, name, [h.event for h in history]), trace.recorded(witness.oracle))
    return witness
