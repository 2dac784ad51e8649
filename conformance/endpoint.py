"""One end of a connection as a finite machine: its configurations numbered, its moves found once and remembered.

A configuration of the generated rules is brought to a canonical form after each event: time is left open (a timer runs
or does not run), windows are wide open, and what only tells how fast to send is dropped. Two ends that share a channel
meet the same configurations again and again; a move is a look-up after the first time. docs/pair.md says what
the canonical form leaves out and what that means for a claim.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from wireproof.reference.connection import CallEvent, Connection
from wireproof.reference.machine import Machine
from wireproof.reference.policy import Policy
from wireproof.reference.run import REDELIVER
from wireproof.reference.segment import ACK, RST, Segment
from wireproof.reference.sequence import MASK

WINDOW = 65535
"""Every segment offers this window: the users read at once."""
LATER = 1 << 50
"""When a running timer ends: some time, nobody says when."""

FORGOTTEN = (
    "rto", "srtt", "rttvar", "rtt_known", "rtt_running", "rtt_seq", "rtt_at", "retries", "probes", "cwnd", "ssthresh",
    "probe_interval", "dupacks", "recovering", "recover_flight", "resend", "last_small", "stretched", "deviations",
    "rcv_prior_at", "now", "owed_since",
)  # fmt: skip
"""Variables that keep their first value: they say how fast to send, and when, never what."""

GIVING_UP = frozenset({"USER-TIMEOUT", "KEEP-ALIVE"})
"""Timers that do not end here: losses are bounded, so nobody waits for as long as R2."""


class Patient(Policy):
    """Sends what is owed at once, new text and FIN as soon as they may go; when a timer ends it leaves open."""

    uses = frozenset(
        {
            "tcp/new_text/full_segment",
            "tcp/new_text/last_of_queue_and_fin",
            "tcp/new_text/last_of_queue",
            "tcp/new_text/part_of_window",
            "tcp/end/fin",
        }
    )

    def __init__(self, p: Any, iss: int):
        super().__init__(p, b"", b"")
        self.iss = iss

    def number(self, c: Any, name: str) -> int:
        """The end's one initial sequence number, in each of its connections."""
        return self.iss

    def window(self, c: Any) -> int:
        return 0 if c.state in ("CLOSED", "LISTEN") else WINDOW

    def fires_at(self, c: Any, timer: str, low: int, high: int) -> int:
        """An acknowledgment that may wait waits; the event that ends its timer says when it goes."""
        return high if timer == "ACKNOWLEDGE" else low


class Move(NamedTuple):
    """What an event does: the configuration after it, the segments sent (numbers), the rules that held."""

    to: int
    sent: tuple[int, ...]
    rules: tuple[str, ...]


class Segments:
    """Segments by number; equal segments have one number."""

    def __init__(self) -> None:
        self.all: list[Segment] = []
        self.resets: set[int] = set()
        self._numbers: dict[tuple[Any, ...], int] = {}

    def number(self, s: Segment) -> int:
        """The number of a segment. Ports tell the two directions apart."""
        key = (s.sport, s.seq, s.ack, s.ctl, s.wnd, s.up, s.mss, s.data)
        n = self._numbers.setdefault(key, len(self.all))
        if n == len(self.all):
            self.all.append(s)
            if s.ctl & RST:
                self.resets.add(n)
        return n


class Endpoint:
    """One end: ``configurations`` by number, and what each event does to them.

    ``iss`` is the initial sequence number that it chooses; ``port`` its own port, ``peer`` the other's.
    """

    def __init__(self, machine: Machine, profile: str, segments: Segments, iss: int, port: int, peer: int):
        self.machine = machine
        self.profile = profile
        self.segments = segments
        self.iss = iss
        self.configurations: list[Any] = []
        self.timers: list[tuple[str, ...]] = []
        """Of each configuration: the timers that run and may end."""
        self._numbers: dict[tuple[Any, ...], int] = {}
        self._moves: dict[tuple[int, object], Move] = {}
        self._sent: list[int] = []
        self._policy = Patient(machine.params(profile), iss)
        key = (bytes(4), port, bytes(4), peer)
        self._connection = Connection(machine, self._policy, key, self._transmit)

    def fresh(self, state: str = "CLOSED") -> int:
        """A configuration that nothing has happened to, in CLOSED or LISTEN."""
        c = self.machine.Tcp()
        c.state = state
        c.passive = state == "LISTEN"
        return self._number(c)

    def deliver(self, n: int, segment: int) -> Move:
        """A segment arrives."""
        return self._moves.get((n, segment)) or self._move(n, segment)

    def end_timer(self, n: int, timer: str) -> Move:
        """A timer that runs ends."""
        return self._moves.get((n, timer)) or self._move(n, timer)

    def call(self, n: int, name: str, data: bytes = b"") -> Move:
        """The user calls."""
        return self._moves.get((n, (name, data))) or self._move(n, (name, data))

    def _move(self, n: int, event: Any) -> Move:
        connection, c = self._connection, self.configurations[n].copy()
        connection.c = self._policy.c = c
        self._sent.clear()
        self._policy.fired.clear()
        if isinstance(event, int):
            s = self.segments.all[event]
            if connection.arrive("segment", s, 0) == REDELIVER:
                connection.arrive("segment", s, 0)
        elif isinstance(event, str):
            self.machine.timeout(event, c, self._policy)
            connection.flush()
        else:
            connection.call(event[0], CallEvent(data=event[1]), 0)
        move = Move(self._number(c), tuple(self._sent), tuple(self._policy.fired))
        self._moves[n, event] = move
        return move

    def _transmit(self, s: Segment) -> None:
        self._sent.append(self.segments.number(s))

    def _number(self, c: Any) -> int:
        c = canonical(c, self.machine)
        n = self._numbers.setdefault(c.key(), len(self.configurations))
        if n == len(self.configurations):
            self.configurations.append(c)
            starts = self.machine.timer_starts(c)
            running = (name for (name, _, _), at in zip(self.machine.timer_slots, starts, strict=True) if at >= 0)
            self.timers.append(tuple(t for t in running if t not in GIVING_UP))
        return n


def canonical(c: Any, machine: Machine) -> Any:
    """The configuration without what the exploration does not look at; ``c`` itself may be changed."""
    first = machine.Tcp()
    if c.state in ("CLOSED", "LISTEN"):
        for name in ("state", "passive", "error", "rcv_data", "rcv_fin"):
            setattr(first, name, getattr(c, name))
        return first
    for name in FORGOTTEN:
        setattr(c, name, getattr(first, name))
    for name, low, high in machine.timer_slots:
        if getattr(c, low) >= 0:
            setattr(c, low, 0 if name == "ACKNOWLEDGE" else LATER)
            setattr(c, high, LATER)
    c.recover = c.snd_una
    c.unacked = min(c.unacked, 1)
    if not c.snd_urgent:
        c.snd_up = c.snd_una
    if c.state != "SYN-SENT":
        _forget_windows(c)
    return c


def _forget_windows(c: Any) -> None:
    """The right edge moves with RCV.NXT, and it does not matter from which segment SND.WND was taken."""
    c.rcv_edge = (c.rcv_nxt + WINDOW) & MASK
    c.rcv_prior = c.rcv_nxt
    c.snd_wl1, c.snd_wl2 = c.irs, c.iss
    if not c.fin_known:
        c.fin_seq = c.rcv_nxt
    if not c.rcv_urgent:
        c.rcv_up = c.rcv_nxt


NEAR = 1 << 16


def shown(s: Segment, own: str, own_iss: int, other: str, other_iss: int) -> str:
    """A segment in a few words, its numbers counted from the ends' initial sequence numbers: ``ACK seq=A+1``.

    A number that has nothing to do with them is shown as it is.
    """
    text = f"{s.control()} seq={_counted(s.seq, own, own_iss)}"
    if s.ctl & ACK:
        text += f" ack={_counted(s.ack, other, other_iss)}"
    return text + (f" len={len(s.data)}" if s.data else "")


def _counted(n: int, name: str, base: int) -> str:
    d = (n - base) & MASK
    if d < NEAR:
        return f"{name}+{d}"
    return f"{name}-{(1 << 32) - d}" if (1 << 32) - d < NEAR else str(n)
