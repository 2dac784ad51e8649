"""A state graph as arrays: what was reached, how, and where it can go from there."""

from __future__ import annotations

from array import array
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from wireproof.conformance.pairs import State


@dataclass(slots=True)
class Graph:
    """The states reached, in the order of their distance from the first.

    ``targets`` and ``kinds`` hold the edges of state ``i`` at ``begin[i]`` up to ``begin[i + 1]``; ``origin`` its
    predecessor on a shortest path. States from ``expanded`` on, and those in ``cut``, were not expanded.
    """

    states: list[State] = field(default_factory=list)
    origin: array[int] = field(default_factory=lambda: array("q"))
    begin: array[int] = field(default_factory=lambda: array("q"))
    targets: array[int] = field(default_factory=lambda: array("q"))
    kinds: bytearray = field(default_factory=bytearray)
    cut: set[int] = field(default_factory=set)
    expanded: int = 0
    depth: int = 0
    bound: str = ""
    """Which bound was reached; "" when the graph is complete."""

    def tidy(self) -> None:
        """After an interruption: what was noted of a state that was still being expanded stands for nothing."""
        del self.states[len(self.origin) :]
        del self.targets[self.begin[self.expanded] if len(self.begin) > self.expanded else len(self.kinds) :]
        del self.kinds[len(self.targets) :]
        del self.begin[self.expanded :]

    def known(self, i: int) -> bool:
        """All that can happen in state ``i`` is in the graph."""
        return i < self.expanded and i not in self.cut

    def successors(self, i: int, worst: int) -> list[int]:
        """The states one event of a kind up to ``worst`` away."""
        if i >= self.expanded:
            return []
        edges = range(self.begin[i], self.begin[i + 1])
        return [self.targets[e] for e in edges if self.kinds[e] <= worst]

    def rests(self, i: int, worst: int) -> bool:
        """No event of a kind up to ``worst`` can happen in an expanded state."""
        return min(self.kinds[self.begin[i] : self.begin[i + 1]], default=worst + 1) > worst

    def path(self, i: int) -> list[int]:
        """A shortest way from the first state to ``i``, both included."""
        way = [i]
        while (i := self.origin[i]) >= 0:
            way.append(i)
        return way[::-1]

    def on_cycle(self, worst: int) -> int | None:
        """The state nearest to the first one that lies on a cycle of events of kinds up to ``worst``."""
        rest = self._unordered(worst)
        return min(_cyclic(rest, lambda i: [n for n in self.successors(i, worst) if n in rest]), default=None)

    def _unordered(self, worst: int) -> set[int]:
        """What is left when states without predecessors are taken away again and again: empty without a cycle."""
        before = array("q", bytes(8 * len(self.states)))
        for e, kind in enumerate(self.kinds):
            if kind <= worst:
                before[self.targets[e]] += 1
        ready = [i for i, n in enumerate(before) if n == 0]
        gone = bytearray(len(self.states))
        while ready:
            i = ready.pop()
            gone[i] = 1
            for n in self.successors(i, worst):
                before[n] -= 1
                if before[n] == 0:
                    ready.append(n)
        return {i for i, taken in enumerate(gone) if not taken}

    def cycle(self, i: int, worst: int) -> list[int]:
        """A shortest cycle through ``i`` of events of kinds up to ``worst``, from ``i`` to ``i``; empty if none."""
        came: dict[int, int] = {}
        queue = deque([i])
        while queue:
            at = queue.popleft()
            for n in self.successors(at, worst):
                if n not in came:
                    came[n] = at
                    if n == i:
                        return self._back(i, came)
                    queue.append(n)
        return []

    def _back(self, i: int, came: dict[int, int]) -> list[int]:
        way = [i, came[i]]
        while way[-1] != i:
            way.append(came[way[-1]])
        return way[::-1]

    def leading_to(self, goals: Iterable[int], worst: int) -> bytearray:
        """For each state 1 if a goal can be reached from it by events of kinds up to ``worst``, else 0."""
        heads, sources = self._reversed(worst)
        reached = bytearray(len(self.states))
        todo = list(goals)
        for i in todo:
            reached[i] = 1
        while todo:
            i = todo.pop()
            for source in sources[heads[i] : heads[i + 1]]:
                if not reached[source]:
                    reached[source] = 1
                    todo.append(source)
        return reached

    def _reversed(self, worst: int) -> tuple[array[int], array[int]]:
        """The edges backwards: the predecessors of ``i`` are ``sources[heads[i]:heads[i + 1]]``."""
        heads = array("q", bytes(8 * (len(self.states) + 1)))
        for target, kind in zip(self.targets, self.kinds, strict=True):
            if kind <= worst:
                heads[target] += 1
        total = 0
        for i, n in enumerate(heads):
            total += n
            heads[i] = total
        sources = array("q", bytes(8 * total))
        for i in range(self.expanded):
            for target in self.successors(i, worst):
                heads[target] -= 1
                sources[heads[target]] = i
        return heads, sources


def _cyclic(nodes: Iterable[int], successors: Callable[[int], list[int]]) -> Iterator[int]:
    """The nodes that lie on a cycle (strongly connected components, after Tarjan)."""
    order: dict[int, int] = {}
    low: dict[int, int] = {}
    stack: list[int] = []
    for root in nodes:
        if root in order:
            continue
        work = [(root, iter(_enter(root, order, low, stack, successors)))]
        while work:
            node, rest = work[-1]
            for n in rest:
                if n not in order:
                    work.append((n, iter(_enter(n, order, low, stack, successors))))
                    break
                if n in low:
                    low[node] = min(low[node], order[n])
            else:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[node])
                if low[node] == order[node]:  # the first of its component; what is off the stack leaves ``low``
                    yield from _leave(node, low, stack, successors)


def _enter(
    node: int, order: dict[int, int], low: dict[int, int], stack: list[int], successors: Callable[[int], list[int]]
) -> list[int]:
    order[node] = low[node] = len(order)
    stack.append(node)
    return successors(node)


def _leave(node: int, low: dict[int, int], stack: list[int], successors: Callable[[int], list[int]]) -> list[int]:
    """A finished component comes off the stack; its nodes, if it is a cycle."""
    at = stack.index(node) if stack[-1] != node else len(stack) - 1
    component = stack[at:]
    del stack[at:]
    for n in component:
        del low[n]
    return component if len(component) > 1 or node in successors(node) else []
