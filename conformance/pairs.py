"""Two ends and the channel between them as a state graph: what can happen in a state, and how it is told.

A state is a tuple of numbers: the configuration of A and of B, the segments in flight to B and to A, the calls that each
user has made, losses and duplications left, and marks. Channels are sorted when they reorder, so that states that
differ only in an order that does not matter are one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from wireproof.conformance.endpoint import Endpoint, Move, Segments, shown
from wireproof.conformance.scenarios import ISS, NAMES, A, B, Quiet, Scenario, endpoints
from wireproof.reference.machine import Machine

State = tuple[int, int, tuple[int, ...], tuple[int, ...], int, int, int, int, int]
"""A, B, flying to B, flying to A, calls made by A, by B, losses left, duplications left, marks."""
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

    ``channel``: with so many segments in flight one way nobody sends of his own accord, answers go all the same; ``loss`` and ``dup``: how many
    segments are lost and duplicated altogether; ``reorder``: whether segments overtake each other; ``max_states``:
    where the search gives up.
    """

    channel: int = 2
    loss: int = 1
    dup: int = 1
    reorder: bool = True
    max_states: int = 1_000_000


class Event(NamedTuple):
    """What happens in a state: its kind, what it is, at which end (A or B) or on the way to it, with what."""

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
        to_b, to_a = (self.flying(f) for f in start.flying)
        self.first: State = (*start.ends, to_b, to_a, 0, 0, bounds.loss, bounds.dup, 0)

    def flying(self, segments: tuple[int, ...]) -> tuple[int, ...]:
        """The contents of a channel in the order in which a state keeps them."""
        return tuple(sorted(segments)) if self.bounds.reorder else segments

    def events(self, s: State) -> Iterator[Event]:
        """Everything that can happen in a state, in a fixed order."""
        for end in (A, B):
            yield from self._arrivals(s, end)
        for end in (A, B):
            yield from self._timers(s, end)
        for end in (A, B):
            yield from self._calls(s, end)

    def _after(self, s: State, end: int, move: Move, taken: tuple[int, ...], pos: int, dup: int, marks: int) -> State:
        """The state after a move of ``end``, to which ``taken`` is still flying."""
        a, b, to_b, to_a, pos_a, pos_b, loss, _, _ = s
        if end == A:
            return (move.to, b, self.sent(to_b, move), taken, pos, pos_b, loss, dup, marks)
        return (a, move.to, taken, self.sent(to_a, move), pos_a, pos, loss, dup, marks)

    def sent(self, flying: tuple[int, ...], move: Move) -> tuple[int, ...]:
        """A channel with what a move sends."""
        if not move.sent:
            return flying
        return tuple(sorted(flying + move.sent)) if self.bounds.reorder else flying + move.sent

    def _arrivals(self, s: State, end: int) -> Iterator[Event]:
        flying, n, pos, endpoint = s[3 - end], s[end], s[4 + end], self.ends[end]
        loss, dup, marks = s[6], s[7], s[8]
        before = -1
        for i, segment in enumerate(flying):
            if segment == before:
                continue
            before = segment
            rest = flying[:i] + flying[i + 1 :]
            move = endpoint.deliver(n, segment)
            yield Event(RESPONSE, "arrives", end, segment, move, self._after(s, end, move, rest, pos, dup, marks))
            if dup:
                to = self._after(s, end, move, flying, pos, dup - 1, marks)
                yield Event(ADVERSE, "arrives twice", end, segment, move, to)
            if loss:
                lost = marks | UNHEARD if marks or segment in self.segments.resets else marks
                channels = (s[2], rest) if end == A else (rest, s[3])
                to = (s[0], s[1], *channels, s[4], s[5], loss - 1, dup, lost)
                yield Event(ADVERSE, "lost", end, segment, None, to)
            if not self.bounds.reorder:
                break

    def _full(self, s: State) -> bool:
        """One way is full: nobody sends of his own accord."""
        return len(s[2]) >= self.bounds.channel or len(s[3]) >= self.bounds.channel

    def _timers(self, s: State, end: int) -> Iterator[Event]:
        endpoint, n, into = self.ends[end], s[end], s[3 - end]
        for timer in endpoint.timers[n]:
            if timer == "TIME-WAIT-END":
                # 2 MSL outlast every segment, and the other end's sending again.
                if s[2] or s[3] or "RETRANSMISSION" in self.ends[1 - end].timers[s[1 - end]]:
                    continue
            elif self._full(s):
                continue
            move = endpoint.end_timer(n, timer)
            kind = RESPONSE if timer == "ACKNOWLEDGE" else PROGRESS
            yield Event(kind, "timer", end, timer, move, self._after(s, end, move, into, s[4 + end], s[7], s[8]))

    def _calls(self, s: State, end: int) -> Iterator[Event]:
        script, pos = self.scenario.script[end], s[4 + end]
        endpoint, n, into = self.ends[end], s[end], s[3 - end]
        state = endpoint.configurations[n].state
        if self._full(s):
            return
        if pos < len(script) and state in script[pos].states:
            move = endpoint.call(n, script[pos].name, script[pos].data)
            to = self._after(s, end, move, into, pos + 1, s[7], s[8])
            yield Event(PROGRESS, "call", end, script[pos].name, move, to)
        if state in self.scenario.abort[end] and s[8] < ABORTED[A]:
            move = endpoint.call(n, "abort")
            to = self._after(s, end, move, into, pos, s[7], s[8] | ABORTED[end])
            yield Event(ADVERSE, "call", end, "abort", move, to)

    # ---- reading a state --------------------------------------------------------------------------------------------

    def crowded(self, s: State) -> bool:
        """More is in flight than the search follows."""
        most = self.bounds.channel + SURPLUS
        return len(s[2]) > most or len(s[3]) > most

    def quiet(self, s: State) -> Quiet:
        """The state as a scenario judges it when nothing more happens."""
        calls = [self.scenario.script[end][: s[4 + end]] for end in (A, B)]
        a, b = (self.ends[end].configurations[s[end]] for end in (A, B))
        return Quiet(
            a,
            b,
            (tuple(c.name for c in calls[A]), tuple(c.name for c in calls[B])),
            (b"".join(c.data for c in calls[A]), b"".join(c.data for c in calls[B])),
            bool(s[8] & UNHEARD),
            next((end for end in (A, B) if s[8] & ABORTED[end]), None),
        )

    def state_names(self, s: State) -> tuple[str, str]:
        """The states of the two ends."""
        a, b = (self.ends[end].configurations[s[end]].state for end in (A, B))
        return a, b

    def segment(self, n: int, to: int) -> str:
        """A segment on its way to an end, in a few words."""
        return shown(self.segments.all[n], NAMES[1 - to], ISS[1 - to], NAMES[to], ISS[to])

    def text(self, e: Event) -> str:
        """An event in a few words."""
        name = NAMES[e.end]
        if e.what == "timer":
            return f"{name}'s {e.arg} timer ends"
        if e.what == "call":
            return f"{name}'s user calls {e.arg}"
        assert isinstance(e.arg, int)
        which = self.segment(e.arg, e.end)
        return {"arrives": f"{which} arrives at {name}", "lost": f"{which} is lost on the way to {name}"}.get(
            e.what, f"{which} arrives at {name}, and a copy is still in flight"
        )
