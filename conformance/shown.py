"""Configurations, segments and values as people read them: numbers also relative to where they count from."""

from __future__ import annotations

from typing import Any

from wireproof.conformance.matching import control
from wireproof.reference.codec import Icmp, Malformed, decode
from wireproof.reference.machine import Machine
from wireproof.reference.run import FOREVER, Template
from wireproof.reference.segment import ACK, RST, SYN, URG, Segment
from wireproof.reference.sequence import MASK
from wireproof.spec import ir
from wireproof.spec.backends.python_terms import ident

FAR = 1 << 24
"""A number further than this from its base is shown as it is."""

ALWAYS = ("SND.UNA", "SND.NXT", "SND.WND", "RCV.NXT", "RCV.EDGE")
"""Variables that are shown whenever there is a connection."""
NEVER = (
    *(
        "STATE",
        "ISS",
        "IRS",
        "SND.BASE",
        "SND.WL1",
        "SND.WL2",
        "MAX.SND.WND",
        "LAST.SMALL",
        "RECOVER",
        "SRTT",
        "RTTVAR",
    ),
    *("RTT.KNOWN", "RTT.SEQ", "RTT.AT", "RCV.PRIOR", "RCV.PRIOR-AT", "RCV.OFFER"),
)
"""Bookkeeping that is shown only where a conjunct mentions it."""
WHILE = {"SND.UP": "SND.URGENT", "RCV.UP": "RCV.URGENT", "FIN.SEQ": "FIN.KNOWN"}
"""Variables that mean something only while a flag is set."""


def decoded(packet: bytes) -> Segment | Icmp | Malformed:
    """A datagram, taken apart."""
    got: Segment | Icmp | Malformed = decode(packet)
    return got


def packet_text(packet: bytes) -> str:
    """A datagram that is no segment of TCP."""
    got = decoded(packet)
    if isinstance(got, Icmp):
        return f"ICMP type {got.type} code {got.code}"
    if isinstance(got, Malformed):
        return f"{len(packet)} octets that are no datagram: {got.reason}"
    return f"TCP {got.control()}"


class Show:
    """Writes values as one connection has them. ``c`` is its configuration, None when there is none."""

    def __init__(self, model: ir.Model, machine: Machine, c: Any):
        self.model = model
        self.machine = machine
        self.c = c

    def time(self, us: int) -> str:
        return f"{us / 1e6:.6f} s"

    def number(self, n: int, base: str | None) -> str:
        """A sequence number, and its distance from the initial one when it is near that."""
        c = self.c
        if c is None or base is None or c.state in ("CLOSED", "LISTEN") or (base == "IRS" and c.state == "SYN-SENT"):
            return str(n)
        if base == "ISS" and c.unbound:
            return f"{n} (ISS, not seen yet)" if n == 0 else f"ISS+{n} (not seen yet)"
        offset = (n - getattr(c, base.lower())) & MASK
        if offset == 0:
            return f"{n} ({base})"
        if offset < FAR:
            return f"{n} ({base}+{offset})"
        return f"{n} ({base}-{MASK + 1 - offset})" if MASK + 1 - offset < FAR else str(n)

    def value(self, value: Any, sort: ir.Sort) -> str:
        """A value of the specification."""
        match sort.name:
            case "flag":
                return "true" if value else "false"
            case "seq32":
                return self.number(value, sort.base)
            case "duration" | "instant":
                return "never" if value >= FOREVER else self.time(value)
            case "octets":
                return f"{len(value)} octets"
            case "reassembly":
                return ", ".join(f"{len(text)} octets at {self.number(at, 'IRS')}" for at, text in value) or "nothing"
        return str(value)

    def segment(self, s: Segment, sent: bool) -> str:
        """A segment; ``sent``: by the host, so that its SEQ counts from ISS."""
        ours, theirs = ("ISS", "IRS") if sent else ("IRS", "ISS")
        first_seen = sent and self.c is not None and self.c.unbound and s.ctl & SYN
        seq = f"{s.seq} (ISS, seen for the first time)" if first_seen else self.number(s.seq, ours)
        parts = [s.control(), f"seq={seq}"]
        if s.ctl & ACK:
            parts.append(f"ack={self.number(s.ack, theirs)}")
        if not s.ctl & RST:
            parts.append(f"win={s.wnd}")
        if s.ctl & URG:
            parts.append(f"up={s.up}")
        parts.append(f"len={len(s.data)}")
        if s.ctl & SYN and s.mss:
            parts.append(f"mss={s.mss}")
        elif s.options:
            parts.append(f"options={s.options.hex()}")
        if not s.checksum_ok:
            parts.append("(wrong checksum)")
        return " ".join(parts)

    def template(self, t: Template) -> str:
        """A template with relative numbers."""
        seq = self.number(t.seq, "ISS")
        if t.span:
            seq += f" .. {self.number((t.seq + t.span) & MASK, 'ISS')}"
        out = f"<SEQ={seq}>"
        if t.ack is not None:
            low = f"{self.number(t.ack_from, 'IRS')} .. " if t.ack_from not in (t.ack, None) else ""
            out += f"<ACK={low}{self.number(t.ack, 'IRS')}>"
        out += f"<CTL={control(t.ctl, t.may)}>"
        if t.text:
            n = len(t.text)
            least, most = (n, n) if t.rest else (t.low, min(t.high, n))
            out += f" with {least if least == most else f'{least} to {most}'} octets of text"
        return out

    def configuration(self, c: Any) -> list[tuple[str, str]]:
        """What matters of a configuration: where it stands, what is not as it began, and its timers."""
        out = [("STATE", c.state)]
        fresh = self.machine.Tcp()
        waits_for_syn = c.state in ("CLOSED", "LISTEN", "SYN-SENT")
        for name, v in self.model.variables.items():
            value = getattr(c, ident(name))
            if name in ALWAYS:
                wanted = c.state not in ("CLOSED", "LISTEN") and not (waits_for_syn and name.startswith("RCV"))
            else:
                wanted = name not in NEVER and value != getattr(fresh, ident(name))
                if name in WHILE:
                    wanted = getattr(c, ident(WHILE[name]))
            if wanted:
                out.append((name, self.value(value, v.sort)))
        for name, low, high in self.machine.timer_slots:
            at, until = getattr(c, low), getattr(c, high)
            if at >= 0:
                out.append((f"timer {name}", self.window(c.now, at, until)))
        return out

    def window(self, now: int, low: int, high: int) -> str:
        """When a timer may end."""
        if high >= FOREVER:
            when = f"may end from {self.time(low)} on"
        elif low == high:
            when = f"ends at {self.time(low)}"
        else:
            when = f"ends between {self.time(low)} and {self.time(high)}"
        return when + ("" if low > now else ", so it may have ended")
