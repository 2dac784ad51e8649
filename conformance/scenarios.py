"""Situations of two ends, A and B: where they begin, what their users do, and what may be left when all is quiet."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from wireproof.conformance.endpoint import Endpoint, Segments
from wireproof.reference.machine import Machine
from wireproof.reference.segment import SYN, Segment
from wireproof.reference.sequence import MASK

A, B = 0, 1
NAMES = "AB"
ISS = (MASK, (1 << 31) - 2)
"""A's numbers run through 2^32 with its first octet, B's through 2^31."""
OLD = 1000
"""How far back the numbers of an earlier connection lie."""
PORTS = (1000, 2000)

ANY_TIME = frozenset({"SYN-SENT", "SYN-RECEIVED", "ESTABLISHED", "FIN-WAIT-1", "FIN-WAIT-2", "CLOSE-WAIT"})
OPEN = frozenset({"ESTABLISHED", "CLOSE-WAIT"})
ESTABLISHED = frozenset({"ESTABLISHED"})
RESTING = frozenset({"CLOSED", "LISTEN", "ESTABLISHED"})
"""States in which an end can stay for ever without waiting for anything."""


@dataclass(slots=True, frozen=True)
class Call:
    """Something that a user does once, in one of ``states``."""

    name: str
    states: frozenset[str]
    data: bytes = b""


@dataclass(slots=True)
class Start:
    """Where a scenario begins: a configuration of each end, the segments that A and B have in flight."""

    ends: tuple[int, int]
    flying: tuple[tuple[int, ...], tuple[int, ...]] = ((), ())


@dataclass(slots=True)
class Quiet:
    """A state in which nothing more happens by itself: configurations, calls made by each user."""

    a: Any
    b: Any
    calls: tuple[tuple[str, ...], tuple[str, ...]]
    sent: tuple[bytes, bytes]
    unheard: bool
    """A reset was lost, or anything after an abort: an end may not have learnt what became of the other."""
    aborter: int | None
    """Which end's user aborted."""

    @property
    def aborted(self) -> bool:
        """A user has aborted."""
        return self.aborter is not None


@dataclass(slots=True, frozen=True)
class Scenario:
    """One situation.

    ``script`` are the calls that each user makes, in order, when they can be made; ``abort`` the states in which an
    end's user may abort at any time instead. ``disagreement`` says what is wrong with a quiet state, "" if nothing.
    """

    name: str
    story: str
    start: Callable[[tuple[Endpoint, Endpoint], Segments], Start]
    script: tuple[tuple[Call, ...], tuple[Call, ...]]
    disagreement: Callable[[Quiet], str]
    ending: str
    """How it must end, in words."""
    abort: tuple[frozenset[str], frozenset[str]] = (frozenset(), frozenset())
    resets: bool = False
    """Resets may be sent, and users may be told of an error."""
    texts: tuple[bytes, bytes] = field(default=(b"", b""))
    """All that each user sends."""


def endpoints(machine: Machine, profile: str, segments: Segments) -> tuple[Endpoint, Endpoint]:
    """The two ends."""
    return (
        Endpoint(machine, profile, segments, ISS[A], PORTS[A], PORTS[B]),
        Endpoint(machine, profile, segments, ISS[B], PORTS[B], PORTS[A]),
    )


# ---- beginnings -----------------------------------------------------------------------------------------------------


def _unopened(ends: tuple[Endpoint, Endpoint], _: Segments) -> Start:
    return Start((ends[A].fresh(), ends[B].fresh("LISTEN")))


def _nobody(ends: tuple[Endpoint, Endpoint], _: Segments) -> Start:
    return Start((ends[A].fresh(), ends[B].fresh()))


def _both_opening(ends: tuple[Endpoint, Endpoint], _: Segments) -> Start:
    a, b = (end.call(end.fresh(), "open_active") for end in ends)
    return Start((a.to, b.to), (a.sent, b.sent))


def _established(ends: tuple[Endpoint, Endpoint], _: Segments) -> Start:
    """The handshake with nothing lost, until nobody sends any more."""
    syn = ends[A].call(ends[A].fresh(), "open_active")
    now, flying = [syn.to, ends[B].fresh("LISTEN")], [list(syn.sent), []]
    while flying[0] or flying[1]:
        to = B if flying[0] else A
        move = ends[to].deliver(now[to], flying[1 - to].pop(0))
        now[to] = move.to
        flying[to].extend(move.sent)
    return Start((now[A], now[B]))


def _both_closing(ends: tuple[Endpoint, Endpoint], segments: Segments) -> Start:
    start = _established(ends, segments)
    a, b = (end.call(n, "close") for end, n in zip(ends, start.ends, strict=True))
    return Start((a.to, b.to), (a.sent, b.sent))


def _old_duplicate(ends: tuple[Endpoint, Endpoint], segments: Segments) -> Start:
    syn = Segment(bytes(4), bytes(4), *PORTS, seq=(ISS[A] - OLD) & MASK, ctl=SYN, wnd=65535, mss=1460)
    return Start((ends[A].fresh(), ends[B].fresh("LISTEN")), ((segments.number(syn),), ()))


def _half_open(ends: tuple[Endpoint, Endpoint], segments: Segments) -> Start:
    """B still has the connection of an A that is gone and knows nothing any more."""
    b = ends[B]
    gone = Endpoint(b.machine, b.profile, segments, (ISS[A] - OLD) & MASK, PORTS[A], PORTS[B])
    old = _established((gone, b), segments)
    return Start((ends[A].fresh(), old.ends[B]))


# ---- endings --------------------------------------------------------------------------------------------------------


def _states(q: Quiet) -> tuple[str, str]:
    return q.a.state, q.b.state


def _wrong_states(q: Quiet) -> str:
    return f"A is {q.a.state} and B is {q.b.state}"


def _told(q: Quiet) -> str:
    """An orderly connection ends without an error, and everything sent was delivered."""
    for name, c in (("A", q.a), ("B", q.b)):
        if c.error != "NONE":
            return f"{name}'s user is told {c.error}"
    if q.b.rcv_data != q.sent[A] or q.a.rcv_data != q.sent[B]:
        return f"A sent {q.sent[A]!r}, B got {q.b.rcv_data!r}; B sent {q.sent[B]!r}, A got {q.a.rcv_data!r}"
    return ""


def _opened(q: Quiet) -> str:
    return _told(q) if _states(q) == ("ESTABLISHED", "ESTABLISHED") else _wrong_states(q)


def _closed(q: Quiet) -> str:
    return _told(q) if _states(q) == ("CLOSED", "CLOSED") else _wrong_states(q)


def _refused(q: Quiet) -> str:
    if _states(q) != ("CLOSED", "CLOSED"):
        return _wrong_states(q)
    return "" if q.a.error == "ECONNREFUSED" else f"A's user is told {q.a.error}, not ECONNREFUSED"


def _reset(q: Quiet) -> str:
    """After an abort: the other end has been told, or has closed before; or something was lost since."""
    if not q.aborted:
        return _opened(q)
    if not (q.a.state == "CLOSED" or q.b.state == "CLOSED"):
        return _wrong_states(q)
    for end, c in ((A, q.a), (B, q.b)):
        if c.state not in ("CLOSED", "LISTEN") and not q.unheard:
            return f"{_wrong_states(q)}, and nothing was lost after the abort"
        if c.state == "CLOSED" and end != q.aborter and c.error != "ECONNRESET" and "close" not in q.calls[end]:
            return f"{NAMES[end]}'s user is told {c.error}, not ECONNRESET"
    return ""


def _aborted(q: Quiet) -> str:
    return _reset(q) if q.aborted else _closed(q)


def _recovered(q: Quiet) -> str:
    if _states(q) != ("CLOSED", "CLOSED"):
        return _wrong_states(q)
    told = q.a.error, q.b.error
    return "" if told == ("ECONNREFUSED", "ECONNRESET") else f"the users are told {told[A]} and {told[B]}"


OPEN_ACTIVE = Call("open_active", frozenset({"CLOSED"}))
CLOSE = Call("close", OPEN)
CLOSE_SECOND = Call("close", frozenset({"CLOSE-WAIT"}))


def _send(text: bytes, states: frozenset[str] = OPEN) -> Call:
    return Call("send", states, text)


SCENARIOS: dict[str, Scenario] = {
    s.name: s
    for s in (
        Scenario(
            "opening", "A opens, B listens (RFC 9293 3.5), and A sends an octet.", _unopened,
            ((OPEN_ACTIVE, _send(b"a")), ()), _opened, "both ESTABLISHED, the octet delivered", texts=(b"a", b""),
        ),
        Scenario(
            "refused", "A opens and nobody listens.", _nobody,
            ((OPEN_ACTIVE,), ()), _refused, "both CLOSED, A's user told ECONNREFUSED", resets=True,
        ),
        Scenario(
            "simultaneous-open", "Both have sent a SYN (RFC 9293 3.5, figure 8); A sends an octet.", _both_opening,
            ((_send(b"a"),), ()), _opened, "both ESTABLISHED, the octet delivered", texts=(b"a", b""),
        ),
        Scenario(
            "closing", "A sends and closes; B sends when it likes, and closes after A (RFC 9293 3.6, case 1 and 2).",
            _established, ((_send(b"a"), CLOSE), (_send(b"b"), CLOSE_SECOND)), _closed,
            "both CLOSED, everything delivered, no error", texts=(b"a", b"b"),
        ),
        Scenario(
            "transfer", "A sends twice and closes, B answers and closes: the second octet may overtake the first.",
            _established, ((_send(b"a"), _send(b"c"), CLOSE), (_send(b"b"), CLOSE_SECOND)), _closed,
            "both CLOSED, everything delivered, no error", texts=(b"ac", b"b"),
        ),
        Scenario(
            "any-close", "Both send and close when they like.",
            _established, ((_send(b"a"), CLOSE), (_send(b"b"), CLOSE)), _closed,
            "both CLOSED, everything delivered, no error", texts=(b"a", b"b"),
        ),
        Scenario(
            "simultaneous-close", "Both have closed, and both FINs are on their way (RFC 9293 3.6, figure 13).",
            _both_closing, ((), ()), _closed, "both CLOSED, no error",
        ),
        Scenario(
            "reset", "A opens and may abort at any time; B sends an octet when it can.", _unopened,
            ((OPEN_ACTIVE,), (_send(b"b", ESTABLISHED),)), _reset,
            "both ESTABLISHED; or after an abort A CLOSED, B told or in LISTEN, unless something was lost then",
            (ANY_TIME, frozenset()), resets=True, texts=(b"", b"b"),
        ),
        Scenario(
            "abort", "Either user may abort an open connection at any time; both send, B closes, then A.", _established,
            ((_send(b"a"), CLOSE_SECOND), (_send(b"b"), CLOSE)), _aborted,
            "both CLOSED, unless something was lost after the abort; without an abort everything delivered",
            (ANY_TIME, ANY_TIME), resets=True, texts=(b"a", b"b"),
        ),
        Scenario(
            "old-duplicate", "A opens, B listens, and an old SYN of A's is still in flight (RFC 9293 3.5, figure 9).",
            _old_duplicate, ((OPEN_ACTIVE,), ()), _opened, "both ESTABLISHED, with A's new number", resets=True,
        ),
        Scenario(
            "half-open", "A has started again and opens; B still has the old connection (RFC 9293 3.5.1, figure 10).",
            _half_open, ((OPEN_ACTIVE,), (_send(b"b", ESTABLISHED),)), _recovered,
            "both CLOSED, B's user told ECONNRESET, A's ECONNREFUSED", resets=True, texts=(b"", b"b"),
        ),
    )
}  # fmt: skip
"""All scenarios by name, in the order in which they are tried."""
