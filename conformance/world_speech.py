"""Events as they are typed: ``A.open active``, ``deliver 2``, ``tick 500 ms``, ``inject <SEQ=RCV.NXT><CTL=RST>``."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

from wireproof.conformance.tester import PEER_ISN
from wireproof.conformance.world import HOSTS, Scenario, World, injected
from wireproof.conformance.world_events import Event
from wireproof.conformance.world_terms import Terms, read_expression
from wireproof.reference.host import OPTIONS
from wireproof.reference.segment import CTL_NAMES, URG
from wireproof.spec import ir
from wireproof.spec.parse import UNITS

CALLS = ("open", "send", "receive", "close", "abort", "status", "error", "urgent", "set")
NETWORK = ("deliver", "drop", "dup", "delay")
VERBS = (*NETWORK, "tick", "inject", "crash")
EVERYTHING = 65535
LONGEST = 30 * 24 * UNITS["h"]
"""Time that may pass at once (us): what a closed window is probed with would take for ever."""


class EventError(ValueError):
    """What was typed is no event: the message says what would be one."""


def read_event(text: str, scenario: Scenario, world: World, model: ir.Model) -> Event:
    """The event that a text means in a world. Raises :class:`EventError`."""
    words = text.split()
    if not words:
        raise EventError("name an event: deliver, tick, A.open active, ...")
    verb, rest = words[0].lower(), words[1:]
    if verb in NETWORK:
        return Event(verb, n=_number(rest, f"{verb} takes the number of a segment in flight", 1))
    if verb == "tick":
        return Event("wait", n=_duration("".join(rest))) if rest else Event("tick")
    if verb == "crash":
        return Event("crash", _host(rest[0] if rest else "", scenario))
    if verb == "inject":
        return inject(text.split(None, 1)[1] if rest else "", scenario, world, model)
    host, dot, name = words[0].rpartition(".")
    if not dot and len(scenario.hosts) > 1:
        near = _near(verb, (*VERBS, *CALLS))
        raise EventError(f"'{words[0]}' is no event{near}; calls name their host: A.open active, B.send 10")
    return _call(_host(host, scenario), name.lower(), rest)


def _near(word: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(word, [*known], 1)
    return f"; did you mean '{near[0]}'?" if near else ""


def _host(name: str, scenario: Scenario) -> str:
    if not name and len(scenario.hosts) == 1:
        return "A"
    if name.upper() not in scenario.hosts:
        raise EventError(f"there is no host '{name}'; there {'is A' if len(scenario.hosts) == 1 else 'are A and B'}")
    return name.upper()


def _number(words: list[str], what: str, default: int | None = None) -> int:
    if not words and default is not None:
        return default
    if len(words) != 1 or not words[0].isdecimal() or len(words[0]) > 9:
        raise EventError(f"{what}, not '{' '.join(words)[:30]}'")
    return int(words[0])


def _duration(text: str) -> int:
    m = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)(us|ms|s|min|h)", text)
    if m is None:
        raise EventError(f"a duration has a unit (500 ms, 2 s, 4 min), '{text}' is none")
    us = int(float(m[1]) * UNITS[m[2]])
    if us > LONGEST:
        raise EventError(f"{text} is longer than the 30 days that can pass at once")
    return us


def _call(host: str, name: str, rest: list[str]) -> Event:
    if name not in CALLS:
        raise EventError(f"'{name}' is no event{_near(name, (*CALLS, *VERBS))}; calls: {', '.join(CALLS)}")
    if name == "open":
        if rest not in (["active"], ["passive"]):
            raise EventError("say how: open active, or open passive")
        return Event("call", host, f"open_{rest[0]}")
    if name == "send":
        urgent = rest[1:] == ["urgent"]
        return Event(
            "call", host, "send", _number(rest[:1] if urgent else rest, "send takes octets", 10), urgent=urgent
        )
    if name == "receive":
        return Event("call", host, "receive", _number(rest, "receive takes a maximum of octets", EVERYTHING))
    if name == "set":
        if len(rest) != 2 or rest[0] not in OPTIONS:
            raise EventError(f"set takes an option and a number; options: {', '.join(OPTIONS)}")
        return Event("call", host, "set", _number(rest[1:], "an option has a number"), option=rest[0])
    if rest:
        raise EventError(f"{name} takes nothing, not '{' '.join(rest)}'")
    return Event("call", host, name)


# ---- segments ------------------------------------------------------------------------------------------------------


FIELD = re.compile(r"\s*<\s*(?P<name>[A-Za-z]+)\s*=(?P<value>[^<>]*)>")
OTHER = re.compile(r"\s*(?P<name>len|wnd|up)\s+(?P<value>[0-9]+)\b")
FORM = "its form is: inject <SEQ=RCV.NXT><ACK=SND.NXT><CTL=ACK> len 10 wnd 500"


def inject(text: str, scenario: Scenario, world: World, model: ir.Model) -> Event:
    """A segment that the user makes, for a host. Raises :class:`EventError` and :class:`SpecError`."""
    host = "A"
    first, _, rest = text.partition(" ")
    if first.upper() in HOSTS:
        host, text = _host(first, scenario), rest
    fields, at = {}, 0
    while text[at:].strip():
        m = FIELD.match(text, at) or OTHER.match(text, at)
        if m is None:
            raise EventError(f"'{text[at:].strip()[:30]}' is no part of a segment; {FORM}")
        fields[m["name"].upper()] = m["value"].strip()
        at = m.end()
    if "CTL" not in fields or set(fields) - {"SEQ", "ACK", "CTL", "LEN", "WND", "UP"}:
        raise EventError(f"a segment has <CTL=..>, and may have <SEQ=..>, <ACK=..>, len, wnd and up; {FORM}")
    ctl = _control(fields["CTL"])
    # What is not said is what the peer would send.
    c = world.ends[HOSTS.index(host)].c
    seq = PEER_ISN if c.state in ("CLOSED", "LISTEN", "SYN-SENT") else c.rcv_nxt
    if "SEQ" in fields:
        seq = _value(fields["SEQ"], scenario, world, model)
    ack = _value(fields["ACK"], scenario, world, model) if "ACK" in fields else c.snd_nxt if ctl & 16 else 0
    s = injected(seq, ack, ctl, _small(fields.get("LEN", "0")), _small(fields.get("WND", "65535")), host)
    if ctl & URG:
        s.up = _small(fields.get("UP", "0"))
    return Event("inject", host, segment=s)


def _control(text: str) -> int:
    out = 0
    for name in text.upper().split(","):
        if name.strip() not in CTL_NAMES:
            raise EventError(f"'{name.strip()}' is no control bit; there are {', '.join(CTL_NAMES)}")
        out |= 1 << CTL_NAMES.index(name.strip())
    return out


def _small(text: str) -> int:
    if len(text) > 9 or int(text) > 65535:
        raise EventError(f"{text[:20]} is more than the 65535 that fit in a segment")
    return int(text)


def _value(text: str, scenario: Scenario, world: World, model: ir.Model) -> int:
    """A sequence number as an expression about the hosts. Before the connection, RCV.NXT is where the peer begins."""
    host = world.ends[0].c
    if len(world.ends) == 1 and host.state in ("CLOSED", "LISTEN", "SYN-SENT"):
        text = re.sub(r"\b(RCV\.NXT|rcv_nxt)\b", str(PEER_ISN), text)
    found = read_expression(text, model, scenario)
    if found.sort.name not in ("seq32", "number", "length", "count"):
        raise EventError(f"'{text}' is {found.sort}, and a sequence number is wanted")
    return int(Terms(model, scenario).value(found.value, world)) & 0xFFFFFFFF
