"""Two ends over a bad channel, every interleaving: breadth-first search, and the claims that hold of the state graph.

:func:`run` explores one scenario within bounds. The search keeps the whole graph: predecessors for shortest traces,
edges for what must happen in the end. A search that reached a bound proves nothing: its claims are then violated or
open, never holding. docs/pair.md says what is claimed, and what the abstraction leaves out.
"""

from __future__ import annotations

import time
from array import array
from collections.abc import Callable
from dataclasses import dataclass

from wireproof.conformance import pair_claims
from wireproof.conformance.graph import Graph
from wireproof.conformance.pair_claims import Verdict
from wireproof.conformance.pairs import Bounds, Pair
from wireproof.conformance.scenarios import SCENARIOS
from wireproof.reference.machine import Machine, tcp

Progress = Callable[[int, int], None]
"""Called now and then with the number of states found and the depth reached."""
EVERY = 2000
"""How many states are expanded between two calls of the progress."""


class BoundsError(ValueError):
    """A bound with which nothing can be explored; the message says which and why."""


@dataclass(slots=True)
class Report:
    """What an exploration found. Times are seconds; ``bound`` is "" when every reachable state was reached."""

    scenario: str
    story: str
    bounds: Bounds
    states: int
    transitions: int
    depth: int
    seconds: float
    checking: float
    bound: str
    verdicts: list[Verdict]
    quiet: int
    """How many states were met in which nothing more happens by itself."""
    configurations: tuple[int, int]
    """How many configurations of A and of B were met."""

    @property
    def verdict(self) -> str:
        """``violated`` if one claim is, else ``open`` if one is, else ``holds``."""
        found = {v.verdict for v in self.verdicts}
        return next(v for v in ("violated", "open", "holds") if v in found)

    @property
    def rate(self) -> float:
        """States a second."""
        return self.states / self.seconds if self.seconds else 0.0


def run(
    scenario: str,
    bounds: Bounds | None = None,
    progress: Progress | None = None,
    *,
    machine: Machine | None = None,
    profile: str = "rfc5961",
) -> Report:
    """Explore a scenario by its name and judge the claims.

    ``machine`` are the rules, by default those that come with wireproof. Interrupting (KeyboardInterrupt) ends the
    search, not the report: its bound is then ``interrupted``. Raises :class:`BoundsError` for bounds that allow
    nothing and KeyError for an unknown scenario.
    """
    bounds = bounds or Bounds()
    check(bounds)
    pair = Pair(machine or tcp(), profile, SCENARIOS[scenario], bounds)
    begun = time.perf_counter()
    graph = explore(pair, progress)
    found = time.perf_counter()
    verdicts = _judged(pair, graph)
    judged = time.perf_counter()
    return Report(
        scenario,
        pair.scenario.story,
        bounds,
        len(graph.states),
        len(graph.targets),
        graph.depth,
        found - begun,
        judged - found,
        graph.bound,
        verdicts,
        len(pair_claims.quiet_states(graph)),
        (len(pair.ends[0].configurations), len(pair.ends[1].configurations)),
    )


def _judged(pair: Pair, graph: Graph) -> list[Verdict]:
    """The claims; all open when judging them is interrupted."""
    try:
        return pair_claims.judge(pair, graph)
    except KeyboardInterrupt:
        graph.bound = "interrupted"
        return pair_claims.unjudged(pair)


def check(bounds: Bounds) -> None:
    """Raises :class:`BoundsError` when a bound makes no sense."""
    for name, least in (("channel", 1), ("loss", 0), ("dup", 0), ("max_states", 1)):
        if getattr(bounds, name) < least:
            raise BoundsError(f"{name.replace('_', '-')} must be at least {least}, not {getattr(bounds, name)}")


def explore(pair: Pair, progress: Progress | None = None) -> Graph:
    """Every state that the bounds let be reached, breadth first."""
    g = Graph([pair.first], array("q", [-1]))
    try:
        _search(pair, g, progress)
    except KeyboardInterrupt:
        g.bound = "interrupted"
        g.tidy()
    g.begin.append(len(g.targets))
    return g


def _search(pair: Pair, g: Graph, progress: Progress | None) -> None:
    index = {pair.first: 0}
    states, origin, targets, kinds, events = g.states, g.origin, g.targets, g.kinds, pair.events
    level_end, most = 1, pair.bounds.max_states
    while (i := g.expanded) < len(states):
        if i == level_end:
            level_end = len(states)
            g.depth += 1
        g.begin.append(len(targets))
        state = states[i]
        if pair.crowded(state):
            g.cut.add(i)
            g.bound = "surplus"
        else:
            for e in events(state):
                n = index.setdefault(e.to, len(states))
                if n == len(states):
                    states.append(e.to)
                    origin.append(i)
                targets.append(n)
                kinds.append(e.kind)
        g.expanded += 1
        if len(states) >= most and g.expanded < len(states):
            g.bound = "max-states"
            return
        if progress is not None and i % EVERY == 0:
            progress(len(states), g.depth)
