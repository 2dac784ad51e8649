"""One connection of the reference: a configuration, a policy, and the segments that come out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from wireproof.reference.machine import Machine
from wireproof.reference.policy import Policy
from wireproof.reference.run import Outcome, Template
from wireproof.reference.segment import ACK, FIN, PSH, RST, SYN, URG, Segment
from wireproof.reference.sequence import MASK, lt


@dataclass(slots=True)
class CallEvent:
    """The arguments of a call, as the rules see them."""

    data: bytes = b""
    urgent: bool = False
    max: int = 0
    option: str = ""
    value: int = 0
    group: bool = False


@dataclass(slots=True)
class IcmpEvent:
    """An ICMP message that quotes a segment of a connection, as the rules see it."""

    seq: int
    quench: bool = False
    soft: bool = False
    hard: bool = False
    too_big: bool = False
    mtu: int = 0
    error: str = "NONE"


class Connection:
    """A configuration that is driven by events and sends by policy.

    ``transmit`` is called with each segment that is sent, in order.
    """

    __slots__ = ("c", "key", "machine", "policy", "transmit", "wake")

    def __init__(
        self,
        machine: Machine,
        policy: Policy,
        key: tuple[bytes, int, bytes, int],
        transmit: Callable[[Segment], None],
    ):
        self.machine = machine
        self.policy = policy
        self.key = key
        self.transmit = transmit
        self.c: Any = machine.Tcp()
        self.wake: int | None = None
        """When the host looks at the timers next: not later than the first that ends."""
        policy.c = self.c

    # ---- events ---------------------------------------------------------------------------------------------------

    def arrive(self, event: str, e: Any, now: int) -> int:
        """A segment or an ICMP message; how it ended (run.py)."""
        self.c.now = now
        self.policy.fired.clear()
        end = self.machine.arrive(event, self.c, e, self.policy)
        self.flush()
        return end

    def call(self, name: str, e: CallEvent, now: int) -> Outcome:
        """A call of the user; its result. Octets returned are in the outcome's text."""
        self.c.now = now
        self.policy.fired.clear()
        self.policy.count = 0
        self.machine.call(name, self.c, e, self.policy)
        result = self.policy.result
        if result.kind == "octets":
            result = result._replace(text=self.policy.result_text)
        elif result.kind == "count":
            result = result._replace(low=self.policy.count)
        self.flush()
        return result

    def next_time(self) -> int | None:
        """When the earliest timer ends, or None."""
        c, policy = self.c, self.policy
        best: int | None = None
        for (name, _, high), at in zip(self.machine.timer_slots, self.machine.timer_starts(c), strict=True):
            if at >= 0:
                at = policy.fires_at(c, name, at, getattr(c, high))
                if best is None or at < best:
                    best = at
        return best

    def advance(self, now: int) -> None:
        """End all timers that are due, in the order of their times."""
        c = self.c
        while True:
            due: tuple[int, str] | None = None
            for name, low, high in self.machine.timer_slots:
                at = getattr(c, low)
                if at >= 0:
                    at = self.policy.fires_at(c, name, at, getattr(c, high))
                    if at <= now and (due is None or at < due[0]):
                        due = (at, name)
            if due is None:
                break
            c.now = max(c.now, due[0])
            self.machine.timeout(due[1], c, self.policy)
            self.flush()
        c.now = max(c.now, now)

    # ---- output ---------------------------------------------------------------------------------------------------

    def flush(self) -> None:
        """Send what is owed, what may go and is worth sending, and acknowledgments that cannot wait."""
        c = self.c
        while True:
            if c.owed:
                owed, c.owed = c.owed, ()
                for t in owed:
                    self.emit(self.fill(t))
                continue
            if self.use_permission():
                continue
            starts = self.machine.timer_starts(c)
            for (name, _, high), at in zip(self.machine.timer_slots, starts, strict=True):
                if at >= 0 and self.policy.fires_at(c, name, at, getattr(c, high)) <= c.now:
                    self.machine.timeout(name, c, self.policy)
                    break
            else:
                return

    def use_permission(self) -> bool:
        """Use the first permission that the policy uses and that holds."""
        c, x = self.c, self.policy
        for rule in self.machine.used(x.uses)[c.state]:
            t = rule.offer(c, x)
            if t is None:
                continue
            out = self.fill(t)
            if rule.check is not None and not rule.check(c, out, x):
                continue
            x.fired.append(rule.id)
            self.emit(out)
            return True
        return False

    def fill(self, t: Template) -> Segment:
        """A segment from a template: as much text as may go, everything else by policy."""
        c = self.c
        text = t.text if t.rest else t.text[: t.high]
        ctl = t.ctl
        complete = len(text) == len(t.text)
        if text and complete:
            ctl |= t.may & (PSH | FIN)
        if ctl & RST:
            ctl |= t.may & ACK
        src, sport, dst, dport = self.key
        out = Segment(src, dst, sport, dport, seq=t.seq, ctl=ctl, data=text, ttl=c.ttl_set, tos=c.dscp_set << 2)
        if ctl & ACK:
            out.ack = t.ack if t.ack is not None else c.rcv_nxt
        if not ctl & RST:
            out.wnd = self.policy.window(c)
        if ctl & SYN:
            out.mss = self.policy.p.mtu - self.policy.p.ip_header - 20
            out.options = b"\x02\x04" + out.mss.to_bytes(2, "big")
        if c.snd_urgent and t.may & URG and lt(out.seq, c.snd_up):
            offset = (c.snd_up - out.seq) & MASK
            if offset <= 65535:
                out.ctl |= URG
                out.up = offset
        return out

    def emit(self, out: Segment) -> None:
        """Send a segment and let the rules note it."""
        self.machine.sent(self.c, out, self.policy)
        self.transmit(out)
