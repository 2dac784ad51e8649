"""The shortest way to a world in which something holds: breadth first, nearer worlds before those that are further.

The bound of :mod:`world_distance` never overestimates, so what is found first is shortest; where a condition says
nothing of states it is 0, and the search is plainly breadth-first.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from wireproof.conformance.world import Scenario, World, apply, enabled
from wireproof.conformance.world_events import Event
from wireproof.conformance.world_key import key

MAX_STEPS = 12
MAX_STATES = 200_000
"""More worlds than this are not kept: the search ends, and says so."""


@dataclass(slots=True)
class Found:
    """What a search came to: the events (None: nothing was found), and how far it looked."""

    events: list[Event] | None
    states: int
    transitions: int
    exhausted: bool = False
    """Everything that can be reached in any number of steps was seen."""
    cut: bool = False
    """The bound on states ended it."""


@dataclass(slots=True)
class _Node:
    world: World
    event: Event | None
    before: Any
    depth: int
    key: Any

    def path(self) -> list[Event]:
        node, out = self, []
        while node.event is not None:
            out.append(node.event)
            node = node.before
        return out[::-1]


def zero(world: World) -> int:
    """No bound at all."""
    return 0


def search(
    scenario: Scenario,
    start: World,
    goal: Callable[[World], bool],
    *,
    bound: Callable[[World], int] = zero,
    avoid: Callable[[World], bool] | None = None,
    max_steps: int = MAX_STEPS,
    max_states: int = MAX_STATES,
) -> Found:
    """A shortest sequence of events from ``start`` to where ``goal`` holds, through no world where ``avoid`` does."""
    if goal(start):
        return Found([], 1, 0)
    root = _Node(start, None, None, 0, key(scenario, start))
    best = {root.key: 0}
    heap: list[tuple[int, int, int, _Node]] = [(bound(start), 0, 0, root)]
    order = transitions = 0
    within = True
    while heap:
        _, _, _, node = heapq.heappop(heap)
        if best[node.key] < node.depth:
            continue
        if node.depth and goal(node.world):
            return Found(node.path(), len(best), transitions)
        for event in enabled(scenario, node.world):
            transitions += 1
            world, depth = apply(scenario, node.world, event), node.depth + 1
            far = depth + bound(world)
            if far > max_steps:
                within = False
                continue
            k = key(scenario, world)
            if best.get(k, max_steps + 1) <= depth or (avoid is not None and avoid(world)):
                continue
            best[k] = depth
            order += 1
            heapq.heappush(heap, (far, -depth, order, _Node(world, event, node, depth, k)))
            if len(best) > max_states:
                return Found(None, len(best), transitions, cut=True)
    return Found(None, len(best), transitions, exhausted=within)


def without_losses(scenario: Scenario, asks_for_wire: bool) -> Scenario:
    """The scenario without losses where they help nothing: what is never delivered is as good as lost."""
    if asks_for_wire or not scenario.limits.reorder:
        return scenario
    return replace(scenario, limits=replace(scenario.limits, drop=False))
