"""Two ends and the channel between them as a state graph: what can happen in a state, and how it is told.

A state is made of numbers: the configurations of A and of B, what each has in flight, the calls that each user has
made, losses and duplications left, and marks. Channels are sorted when they reorder, so that states that differ only
in an order that does not matter are one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

from wireproof.conformance.endpoint import Endpoint, Move, Segments, shown
from wireproof.conformance.scenarios import ISS, NAMES, A, B, Quiet, Scenario, endpoints
from wireproof.reference.machine import Machine

Flying = tuple[int, ...]
State = tuple[tuple[int, int], tuple[Flying, Flying], tuple[int, int], int, int, int]
"""Configurations; segments in flight by sender; calls made; losses left; duplications left; marks."""
ENDS: Final = 0
FLYING: Final = 1
CALLS: Final = 2
LOSS: Final = 3
DUP: Final = 4
MARKS: Final = 5
UNHEARD, ABORTED = 1, (2, 4)
"""Marks: a reset was lost, or anything after an abort; A's, B's user has aborted."""
RESPONSE, PROGRESS, ADVERSE = 0, 1, 2
"""Kinds of event: a segment arrives or an acknowledgment that is owed goes; a timer ends or a user calls; the channel
loses or duplicates, or a user aborts."""
SURPLUS = 4
"""How many segments more than the channel's size the answers to segments may put into it before a state is cut off."""


@dataclass(slots=True, frozen=True)
class Bounds:
    """What the channel and the search may do.

    ``channel``: with so many segments in flight one way nobody sends of his own accord; answers go all the same.
    ``loss`` and ``dup``: how many segments are lost, and arrive twice, altogether. ``reorder``: segments overtake each
    other. ``max_states``: where the search gives up.
    """

    channel: int = 2
    loss: int = 1
    dup: int = 1
    reorder: bool = True
    max_states: int = 1_000_000


class Event(NamedTuple):
    """What happens in a state: its kind, what it is, at which end or on the way to it, with which segment (a number),
    timer or call, and the state after it."""

    kind: int
    what: str
    end: int
    arg: int | str
    move: Move | None
    to: State


class Pair:
    """Two ends in a scenario over a channel."""

    def __init__(self, machine: Machine, profile: str, scenario: Scenario, bounds: Bounds):
        self.scenario, self.bounds = scenario, bounds
        self.segments = Segments()
        self.ends: tuple[Endpoint, Endpoint] = endpoints(machine, profile, self.segments)
        start = scenario.start(self.ends, self.segments)
        flying = self._joined((), start.flying[A]), self._joined((), start.flying[B])
        self.first: State = (start.ends, flying, (0, 0), bounds.loss, bounds.dup, 0)

    def events(self, s: State) -> Iterator[Event]:
        """Everything that can happen in a state, in a fixed order."""
        yield from self._arrivals(s, A)
        yield from self._arrivals(s, B)
        yield from self._timers(s, A)
        yield from self._timers(s, B)
        yield from self._calls(s, A)
        yield from self._calls(s, B)

    def _joined(self, flying: Flying, sent: Flying) -> Flying:
        """A channel with what is sent into it."""
        return tuple(sorted(flying + sent)) if self.bounds.reorder else flying + sent

    def _moved(self, s: State, end: int, move: Move, coming: Flying) -> tuple[tuple[int, int], tuple[Flying, Flying]]:
        """Configurations and channels after a move of ``end``, to which ``coming`` is still in flight."""
        ends, flying = s[ENDS], s[FLYING]
        going = self._joined(flying[end], move.sent) if move.sent else flying[end]
        if end == A:
            return (move.to, ends[B]), (going, coming)
        return (ends[A], move.to), (coming, going)

    def _arrivals(self, s: State, end: int) -> Iterator[Event]:
        ends, both, calls, loss, dup, marks = s
        coming, n, endpoint = both[1 - end], ends[end], self.ends[end]
        before = -1
        for i, segment in enumerate(coming):
            if segment == before:
                continue
            before = segment
            rest = coming[:i] + coming[i + 1 :]
            move = endpoint.deliver(n, segment)
            yield Event(RESPONSE, "arrives", end, segment, move, (*self._moved(s, end, move, rest), *s[CALLS:]))
            if dup:
                to = (*self._moved(s, end, move, coming), calls, loss, dup - 1, marks)
                yield Event(ADVERSE, "arrives twice", end, segment, move, to)
            if loss:
                left = (both[A], rest) if end == A else (rest, both[B])
                unheard = marks | UNHEARD if marks or segment in self.segments.resets else marks
                yield Event(ADVERSE, "is lost", end, segment, None, (ends, left, calls, loss - 1, dup, unheard))
            if not self.bounds.reorder:
                break

    def _full(self, s: State) -> bool:
        """One way is full: nobody sends of his own accord."""
        a, b = s[FLYING]
        return len(a) >= self.bounds.channel or len(b) >= self.bounds.channel

    def _timers(self, s: State, end: int) -> Iterator[Event]:
        endpoint, n = self.ends[end], s[ENDS][end]
        for timer in endpoint.timers[n]:
            if self._may_not_end(s, end, timer):
                continue
            move = endpoint.end_timer(n, timer)
            kind = RESPONSE if timer == "ACKNOWLEDGE" else PROGRESS
            to = (*self._moved(s, end, move, s[FLYING][1 - end]), *s[CALLS:])
            yield Event(kind, "timer", end, timer, move, to)

    def _may_not_end(self, s: State, end: int, timer: str) -> bool:
        """2 MSL outlast every segment, and the other end's sending again; other timers wait for room."""
        if timer != "TIME-WAIT-END":
            return self._full(s)
        sending = "RETRANSMISSION" in self.ends[1 - end].timers[s[ENDS][1 - end]]
        return sending or s[FLYING] != ((), ())

    def _calls(self, s: State, end: int) -> Iterator[Event]:
        script, made, marks = self.scenario.script[end], s[CALLS][end], s[MARKS]
        endpoint, n, coming = self.ends[end], s[ENDS][end], s[FLYING][1 - end]
        state = endpoint.configurations[n].state
        if self._full(s):
            return
        if made < len(script) and state in script[made].states:
            call = script[made]
            move = endpoint.call(n, call.name, call.data)
            calls = (made + 1, s[CALLS][B]) if end == A else (s[CALLS][A], made + 1)
            to = (*self._moved(s, end, move, coming), calls, s[LOSS], s[DUP], marks)
            yield Event(PROGRESS, "call", end, call.name, move, to)
        if state in self.scenario.abort[end] and marks < ABORTED[A]:
            move = endpoint.call(n, "abort")
            to = (*self._moved(s, end, move, coming), s[CALLS], s[LOSS], s[DUP], marks | ABORTED[end])
            yield Event(ADVERSE, "call", end, "abort", move, to)

    # ---- reading a state --------------------------------------------------------------------------------------------

    def crowded(self, s: State) -> bool:
        """More is in flight than the search follows."""
        most = self.bounds.channel + SURPLUS
        return len(s[FLYING][A]) > most or len(s[FLYING][B]) > most

    def quiet(self, s: State) -> Quiet:
        """The state as a scenario judges it when nothing more happens."""
        made = [self.scenario.script[end][: s[CALLS][end]] for end in (A, B)]
        a, b = (self.ends[end].configurations[s[ENDS][end]] for end in (A, B))
        return Quiet(
            a,
            b,
            (tuple(c.name for c in made[A]), tuple(c.name for c in made[B])),
            (b"".join(c.data for c in made[A]), b"".join(c.data for c in made[B])),
            bool(s[MARKS] & UNHEARD),
            next((end for end in (A, B) if s[MARKS] & ABORTED[end]), None),
        )

    def state_names(self, s: State) -> tuple[str, str]:
        """The states of the two ends."""
        a, b = (self.ends[end].configurations[s[ENDS][end]].state for end in (A, B))
        return a, b

    def segment(self, n: int, sender: int) -> str:
        """A segment of an end's in a few words."""
        to = 1 - sender
        return shown(self.segments.all[n], NAMES[sender], ISS[sender], NAMES[to], ISS[to])

    def text(self, e: Event) -> str:
        """An event in a few words."""
        name = NAMES[e.end]
        if not isinstance(e.arg, int):
            return f"{name}'s {e.arg} timer ends" if e.what == "timer" else f"{name}'s user calls {e.arg}"
        segment = self.segment(e.arg, 1 - e.end)
        if e.what == "is lost":
            return f"{segment} is lost on its way to {name}"
        copy = ", and a copy is still in flight" if e.what == "arrives twice" else ""
        return f"{segment} arrives at {name}{copy}"
