"""Making a failing trace short: the fewest and plainest steps that are still refused by the same rule, in the same way.

First steps are taken away in blocks (delta debugging), then each step is made plainer, then names are made canonical,
and all of it again until nothing helps. What is left is 1-minimal: without any one of its steps it is not refused any
more.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import Any

from wireproof.conformance.judge import Refusal
from wireproof.conformance.testcase import Step

BUDGET = 4000
"""How many traces are tried at most."""

Steps = list[Step]
Search = Generator[list[Steps], int | None, Steps]
"""Yields candidates, best first; is told the first that still fails, or None; returns the shortest."""


@dataclass(slots=True)
class Minimised:
    """A trace that was made shorter. ``complete``: nothing more helps; otherwise the budget was used up."""

    steps: Steps
    tried: int
    from_length: int
    refusal: Refusal
    complete: bool = True

    def __str__(self) -> str:
        cut = "" if self.complete else f", not yet the shortest after {self.tried} tries"
        return f"{len(self.steps)} step{'s' if len(self.steps) != 1 else ''} (from {self.from_length}{cut})"


class Passes(ValueError):  # noqa: N818 - what was handed in, not a fault
    """The trace that was to be made shorter does not fail."""


def sign(refusal: Refusal) -> tuple[str, str]:
    """What has to stay the same: the kind of refusal and the rule that refused."""
    return refusal.kind, refusal.rule


def minimise(steps: Steps, fails: Callable[[Steps], Refusal | None], budget: int = BUDGET) -> Minimised:
    """The shortest trace that is refused by the same rule, and as the same kind, as ``steps``.

    ``fails`` runs a trace and says how it was refused, None when it was not. Raises :class:`Passes` when ``steps``
    itself is not refused.
    """
    refusal = fails(steps)
    if refusal is None:
        raise Passes("the trace is not refused when it is run again")
    best = Minimised(steps, 1, len(steps), refusal)
    wanted = sign(refusal)
    known: dict[str, Refusal | None] = {}
    search = shorter(steps)
    answer: int | None = None
    try:
        candidates = next(search)
        while True:
            answer = None
            for i, candidate in enumerate(candidates):
                found = _tried(candidate, fails, known, best, budget)
                if found is not None and sign(found) == wanted:
                    best.steps, best.refusal, answer = candidate, found, i
                    break
                if not best.complete:
                    return best
            candidates = search.send(answer)
    except StopIteration:
        return best


def _tried(
    candidate: Steps,
    fails: Callable[[Steps], Refusal | None],
    known: dict[str, Refusal | None],
    best: Minimised,
    budget: int,
) -> Refusal | None:
    key = json.dumps(candidate, sort_keys=True)
    if key not in known:
        if best.tried >= budget:
            best.complete = False
            return None
        best.tried += 1
        known[key] = fails(candidate)
    return known[key]


# ---- the search ----------------------------------------------------------------------------------------------------


def shorter(steps: Steps) -> Search:
    """The search for the shortest trace, without running any: whoever asks runs the candidates."""
    best = list(steps)
    best = yield from _blocks(best)
    while True:
        before = json.dumps(best)
        best = yield from _plainer(best)
        best = yield from _singles(best)
        named = canonical(best)
        if named != best and (yield [named]) == 0:
            best = named
        if json.dumps(best) == before:
            return best


def _blocks(best: Steps) -> Search:
    """Take away halves, quarters, and so on, as long as one can go."""
    size = len(best) // 2
    while size >= 1:
        starts = range(0, len(best), size)
        found = yield [best[:s] + best[s + size :] for s in reversed(starts)]
        if found is None:
            size //= 2
        else:
            start = list(reversed(starts))[found]
            best = best[:start] + best[start + size :]
            size = min(size, max(len(best) // 2, 1)) if best else 0
    return best


def _singles(best: Steps) -> Search:
    """Take away single steps until none can go."""
    while best:
        found = yield [best[:i] + best[i + 1 :] for i in reversed(range(len(best)))]
        if found is None:
            break
        i = len(best) - 1 - found
        best = best[:i] + best[i + 1 :]
    return best


def _plainer(best: Steps) -> Search:
    """Make each step as plain as it can be."""
    for i in range(len(best)):
        while True:
            options = plainer(best[i])
            if not options:
                break
            found = yield [[*best[:i], option, *best[i + 1 :]] for option in options]
            if found is None:
                break
            best = [*best[:i], options[found], *best[i + 1 :]]
    return best


# ---- what is plainer -----------------------------------------------------------------------------------------------

USUAL: dict[str, list[Any]] = {
    "seq": [["RCV.NXT", 0], ["RCV.NXT", 1], ["RCV.NXT", -1], ["RCV.EDGE", 0], ["RCV.EDGE", -1], ["RCV.EDGE", 1]],
    "ack": [["SND.NXT", 0], ["SND.UNA", 0], ["SND.NXT", 1], ["SND.UNA", -1], ["SND.UNA", 1]],
    "len": [1, 10],
    "max": [10000, 1],
    "wait": ["timer"],
    "mss": [1460],
    "wnd": [0],
    "value": [1, 0],
    "proto": [17],
    "icmp": [[3, 0], [3, 3]],
}
"""The plainest values of a field, the plainest first."""
OPTIONAL = (
    "cut",
    "honest",
    "damage",
    "options",
    "src",
    "dst",
    "up",
    "wnd",
    "mss",
    "len",
    "peer",
    "urgent",
    "less",
    "mtu",
)
OPTIONAL_GARBAGE = ("sum", "ports", "proto")


def weight(step: Step) -> int:
    """How far a step is from plain: a step only ever changes to a lighter one."""
    return sum(_heavy(key, value) for key, value in step.items())


def _heavy(key: str, value: Any) -> int:
    usual = USUAL.get(key, [])
    if key == "most":
        return 0
    if value in usual:
        return 1000 + 2 * usual.index(value)
    if isinstance(value, bool):
        return 1000
    if isinstance(value, int):
        return 1020 + abs(value).bit_length()
    if isinstance(value, list) and len(value) == 2 and isinstance(value[0], str):
        return 1040 + 20 * len(value[0].split()) + int(value[1]).bit_length()
    if key == "seg":
        return 1000 + 20 * len([b for b in value.split(",") if b])
    if key == "again":
        return 1500
    return 1100 + len(str(value))


def plainer(step: Step) -> list[Step]:
    """The steps that are like this one and plainer, the plainest first."""
    out: list[Step] = []
    for key in OPTIONAL if "seg" in step or "call" in step or "icmp" in step or "wait" in step else OPTIONAL_GARBAGE:
        if key in step and not (key in ("len",) and "call" in step):
            out.append({k: v for k, v in step.items() if k != key})
    if bits := [b for b in step.get("seg", "").split(",") if b]:
        for bit in bits:
            less: Step = {**step, "seg": ",".join(b for b in bits if b != bit)}
            if bit == "ACK":
                less.pop("ack", None)
            out.append(less)
    for key, value in step.items():
        out += [{**step, key: v} for v in USUAL.get(key, ()) if v != value]
        out += [{**step, key: v} for v in _smaller(key, value)]
    limit = weight(step)
    lighter = {json.dumps(s, sort_keys=True): s for s in out if weight(s) < limit}
    return sorted(lighter.values(), key=weight)


def _smaller(key: str, value: Any) -> list[Any]:
    """Smaller values of the same form."""
    if key in ("h", "new", "most") or isinstance(value, bool):
        return []
    if isinstance(value, int):
        return [v for v in (value // 2, value - 1) if v >= (1 if key in ("again", "cut") else 0)]
    if isinstance(value, list) and len(value) == 2 and isinstance(value[0], str):
        base, offset = value
        near = [[base, o] for o in (0, 1, -1, int(offset / 2)) if o != offset]
        return near + ([abs(offset)] if key in ("len", "wnd", "up", "mss") else [])
    if key in ("raw", "octets"):
        half = len(value) // 4 * 2
        zeros = "0" * len(value)
        return [v for v in ("", value[:half], value[:-2], zeros) if v != value]
    return []


def canonical(steps: Sequence[Step]) -> Steps:
    """The same trace with its handles numbered as they come, and one peer if there is only one."""
    handles: dict[int, int] = {}
    peers = {s.get("peer", 0) for s in steps if "seg" in s}
    out: Steps = []
    for step in steps:
        new = dict(step)
        for key in ("h", "new"):
            if key in new:
                new[key] = handles.setdefault(new[key], len(handles) + 1)
        if len(peers) == 1:
            new.pop("peer", None)
        out.append(new)
    return out
