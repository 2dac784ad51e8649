"""What a run of a test covers: the oracle runs on rules that tell how their guards came out."""

from __future__ import annotations

from collections.abc import Iterable

from wireproof.conformance.oracle import Step
from wireproof.reference.machine import Machine
from wireproof.spec import ir
from wireproof.spec.backends.observed import observed
from wireproof.spec.purposes import Purpose, comparisons, purposes, side

WRAPS = 1 << 31
Point = tuple[str, int, int, str]
"""Kind, number of the rule, number of the conjunct or comparison, side."""


class Coverage:
    """Collects what rules report: those of the oracle, which follows every choice that the implementation may have
    made in silence, and those of the reference, which only do what happens."""

    def __init__(self, model: ir.Model):
        self.purposes = purposes(model)
        self.oracle = Machine(observed(model, self._considered))
        """For the oracle."""
        self.reference = Machine(observed(model, self._happened))
        """For the implementation."""
        rules = model.rules()
        self._kinds = [s.kind for s, _ in rules]
        self._ids = [r.id for _, r in rules]
        self._comparisons = [[(c.conjunct, c.modular, c.of_peer) for c in comparisons(model, r)] for _, r in rules]
        self.points: set[Point] = set()
        self._fired: set[tuple[str, str]] = set()
        """Rule and state before it."""
        numbers = {r: n for n, r in enumerate(self._ids)}
        self._by_point: dict[Point, Purpose] = {
            (p.kind, numbers[p.rule], p.part, p.side): p for p in self.purposes if p.kind in ("conjunct", "edge")
        }
        self._others = [p for p in self.purposes if p.kind not in ("conjunct", "edge")]

    def _considered(
        self,
        rule: int,
        state: str,
        numbers: tuple[int, ...],
        held: tuple[bool, ...],
        sides: tuple[tuple[int, int], ...],
    ) -> None:
        false = [n for n, h in enumerate(held) if not h]
        if len(false) > 1:
            return
        only = numbers[false[0]] if false else -1
        if false:
            self.points.add(("conjunct", rule, only, "refuses"))
        else:
            for n in numbers:
                self.points.add(("conjunct", rule, n, "holds"))
            if self._kinds[rule] == "every":
                self._fired.add((self._ids[rule], state))
        looked = [(k, c) for k, c in enumerate(self._comparisons[rule]) if c[0] in numbers]
        for (k, (conjunct, modular, of_peer)), (a, b) in zip(looked, sides, strict=True):
            if only in (-1, conjunct):
                for s in side(b - a, of_peer and abs(b - a) > WRAPS, modular):
                    self.points.add(("edge", rule, k, s))

    def _happened(
        self,
        rule: int,
        state: str,
        numbers: tuple[int, ...],
        held: tuple[bool, ...],
        sides: tuple[tuple[int, int], ...],
    ) -> None:
        self._considered(rule, state, numbers, held, sides)
        if all(held) and self._kinds[rule] != "may":
            self._fired.add((self._ids[rule], state))

    def clear(self) -> None:
        """Forget what was seen so far."""
        self.points.clear()
        self._fired.clear()

    def covered(self, steps: Iterable[Step], state: str = "") -> set[str]:
        """The ids of the purposes that what was seen since :meth:`clear` covers; ``steps`` are the oracle's, ``state``
        is that before them."""
        out = {p.id for point in self.points if (p := self._by_point.get(point)) is not None}
        fired = {r for r, _ in self._fired}
        for step in steps:
            fired |= set(step.rules)
        for p in self._others:
            if p.state and p.state != state:
                if any((r, p.state) in self._fired for r in p.rules):
                    out.add(p.id)
            elif not fired.isdisjoint(p.rules):
                out.add(p.id)
        return out
