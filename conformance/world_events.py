"""What can happen in a world: calls, deliveries, losses, time, segments that the user injects."""

from __future__ import annotations

from typing import NamedTuple

from wireproof.reference.run import Outcome
from wireproof.reference.segment import ACK, RST, URG, Segment


class Flying(NamedTuple):
    """A segment in flight: for which host, and when it was sent (us). The segment is never changed."""

    to: str
    segment: Segment
    at: int


class Event(NamedTuple):
    """Something that happens.

    ``kind`` is ``call`` (``call`` at ``host``; ``n`` octets to send or to take, or the value of ``option``),
    ``deliver``, ``drop``, ``dup`` or ``delay`` (of segment ``n`` in flight, from 1), ``tick`` (to the end of the next
    timer), ``wait`` (``n`` us), ``inject`` (``segment`` to ``host``) or ``crash`` (``host`` forgets everything).
    """

    kind: str
    host: str = ""
    call: str = ""
    n: int = 0
    segment: Segment | None = None
    option: str = ""
    urgent: bool = False


def text(event: Event) -> str:
    """An event as it is typed."""
    match event.kind:
        case "call":
            return f"{event.host}.{_call(event)}"
        case "deliver" | "drop" | "dup" | "delay":
            return f"{event.kind} {event.n}"
        case "wait":
            return f"tick {duration(event.n)}"
        case "crash":
            return f"crash {event.host}"
        case "inject":
            assert event.segment is not None
            return f"inject {'B ' if event.host == 'B' else ''}{segment_spec(event.segment)}"
    return event.kind


def _call(event: Event) -> str:
    if event.call.startswith("open_"):
        return f"open {event.call.removeprefix('open_')}"
    if event.call == "send":
        return f"send {event.n}{' urgent' if event.urgent else ''}"
    if event.call == "receive" and event.n < 65535:
        return f"receive {event.n}"
    return f"set {event.option} {event.n}" if event.call == "set" else event.call


def segment_spec(s: Segment) -> str:
    """A segment in the form that ``inject`` reads."""
    out = f"<SEQ={s.seq}>" + (f"<ACK={s.ack}>" if s.ctl & ACK else "") + f"<CTL={s.control()}>"
    out += f" len {len(s.data)}" if s.data else ""
    out += f" up {s.up}" if s.ctl & URG else ""
    return out + (f" wnd {s.wnd}" if s.wnd != 65535 and not s.ctl & RST else "")


def duration(us: int) -> str:
    """A duration in the largest unit that keeps it whole to the millisecond."""
    if us % 1000:
        return f"{us} us"
    return f"{us / 1e6:g} s" if us >= 1_000_000 or us == 0 else f"{us // 1000} ms"


def segment_text(s: Segment) -> str:
    """A segment in a few words: ``SYN,ACK 300/101 len=10 win=500``."""
    numbers = f"{s.seq}/{s.ack}" if s.ctl & ACK else f"{s.seq}"
    data = f" len={len(s.data)}" if s.data else ""
    up = f" up={s.up}" if s.ctl & URG else ""
    return f"{s.control()} {numbers}{data}{up}" + ("" if s.ctl & RST else f" win={s.wnd}")


def result_of(o: Outcome) -> str:
    """A call's result in a few words."""
    if o.kind == "octets":
        return f"{len(o.text)} octets" if o.text else "end of file"
    return f"{o.kind} {o.low}" if o.kind == "count" else f"{o.kind} {o.value}".strip()
