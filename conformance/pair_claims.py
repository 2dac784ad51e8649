"""What is claimed of two ends over a bad channel, and whether a state graph bears it out.

A claim holds when the whole graph was searched and nothing speaks against it; it is violated when something does,
with a shortest trace; it is open when a bound was reached first.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from wireproof.conformance.graph import Graph
from wireproof.conformance.pairs import ADVERSE, ENDS, FLYING, MARKS, PROGRESS, RESPONSE, UNHEARD, Event, Pair, State
from wireproof.conformance.scenarios import NAMES, RESTING, A, B
from wireproof.reference.sequence import le

SYNCHRONIZED = frozenset({"ESTABLISHED", "FIN-WAIT-1", "FIN-WAIT-2", "CLOSE-WAIT", "CLOSING", "LAST-ACK", "TIME-WAIT"})
DONE = frozenset({"CLOSED", "LISTEN", "TIME-WAIT"})
"""States of an end to which a reset can do no harm (one that ends TIME-WAIT early: RFC 1337)."""

CLAIMS: dict[str, str] = {
    "numbers": "two synchronized ends know each other's initial sequence number",
    "acknowledged": "what one end has sent, the other has received and the first takes for acknowledged is in order",
    "delivery": "what a user is given is what the other user sent, in order, nothing twice",
    "no-reset": "no reset is sent to an end that is still busy with the connection",
    "deadlock": "when nothing more can happen, neither end is waiting for something",
    "agreement": "when nothing more can happen, the ends are",
    "ack-war": "segments do not cause each other for ever: no cycle of arrivals and owed acknowledgments",
    "livelock": "from every state, quiet can be reached without loss and without the user's giving up",
}
"""The claims by name, in the order in which they are told."""


@dataclass(slots=True)
class Step:
    """One step of a trace: what happened, what was sent, which rules held, the ends' states after it."""

    event: str
    sent: list[str]
    rules: list[str]
    states: tuple[str, str]


@dataclass(slots=True)
class Verdict:
    """What became of a claim: ``holds``, ``violated`` or ``open``.

    A violation has its reason and a trace, whose first step is the beginning; from ``again`` on, if that is not
    negative, the trace repeats itself for ever.
    """

    claim: str
    text: str
    verdict: str
    reason: str = ""
    trace: list[Step] = field(default_factory=list)
    again: int = -1


def judge(pair: Pair, g: Graph) -> list[Verdict]:
    """All claims that a scenario makes, in their order."""
    broken: dict[str, tuple[int, str]] = {}
    _always(pair, g, broken)
    quiet = _at_rest(pair, g, broken)
    found = {name: _violated(pair, g, name, [*g.path(i)], reason) for name, (i, reason) in broken.items()}
    _cycles(pair, g, found)
    _stuck(pair, g, quiet, found)
    otherwise = "open" if g.bound else "holds"
    return [found.get(name) or Verdict(name, _text(pair, name), otherwise) for name in _made(pair)]


def unjudged(pair: Pair) -> list[Verdict]:
    """All claims that a scenario makes, open."""
    return [Verdict(name, _text(pair, name), "open") for name in _made(pair)]


def _made(pair: Pair) -> list[str]:
    return [name for name in CLAIMS if name != "no-reset" or not pair.scenario.resets]


def _text(pair: Pair, claim: str) -> str:
    return CLAIMS[claim] + (f" {pair.scenario.ending}" if claim == "agreement" else "")


# ---- what must hold of each state -----------------------------------------------------------------------------------


def _always(pair: Pair, g: Graph, broken: dict[str, tuple[int, str]]) -> None:
    """Note for each broken claim the first state that breaks it."""
    known: dict[tuple[int, int], tuple[tuple[str, str], ...]] = {}
    resets = frozenset() if pair.scenario.resets else pair.segments.resets
    for i, s in enumerate(g.states):
        faults = known.get(s[ENDS])
        if faults is None:
            faults = known[s[ENDS]] = tuple(_faults(pair, s))
        for claim, reason in faults:
            broken.setdefault(claim, (i, reason))
        if resets and "no-reset" not in broken and (end := _sent_a_reset(pair, s)) is not None:
            state = pair.state_names(s)[end]
            broken["no-reset"] = (i, f"a reset is on its way to {NAMES[end]}, which is {state}")


def _sent_a_reset(pair: Pair, s: State) -> int | None:
    """The end to which a reset is on its way though it has not finished, if any."""
    for end in (A, B):
        if not pair.segments.resets.isdisjoint(s[FLYING][1 - end]) and pair.state_names(s)[end] not in DONE:
            return end
    return None


def _faults(pair: Pair, s: State) -> Iterable[tuple[str, str]]:
    a, b = (pair.ends[end].configurations[s[ENDS][end]] for end in (A, B))
    for name, c, text in (("A", a, pair.scenario.texts[B]), ("B", b, pair.scenario.texts[A])):
        if not text.startswith(c.rcv_data):
            yield "delivery", f"{name}'s user is given {c.rcv_data!r} of {text!r}"
    if a.state not in SYNCHRONIZED or b.state not in SYNCHRONIZED:
        return
    for name, other, c, d in (("A", "B", a, b), ("B", "A", b, a)):
        if d.irs != c.iss:
            yield "numbers", f"{name} began with {c.iss}, and {other} takes it for {d.irs}"
        elif not _in_order(c, d):
            yield (
                "acknowledged",
                f"of {name}'s numbers {c.iss} to {c.snd_nxt} it takes those below {c.snd_una} for acknowledged, and "
                f"{other} expects {d.rcv_nxt}",
            )


def _in_order(c: Any, d: Any) -> bool:
    """What ``c`` takes for acknowledged ``d`` has received, and what that has received was sent."""
    return le(c.iss, c.snd_una) and le(c.snd_una, d.rcv_nxt) and le(d.rcv_nxt, c.snd_nxt)


# ---- how it ends ----------------------------------------------------------------------------------------------------


def quiet_states(g: Graph) -> list[int]:
    """The states in which nothing more happens by itself."""
    return [i for i in range(g.expanded) if i not in g.cut and g.rests(i, PROGRESS)]


def _at_rest(pair: Pair, g: Graph, broken: dict[str, tuple[int, str]]) -> list[int]:
    """The quiet states; the first bad ones are noted.

    Who waits in FIN-WAIT-2 for the FIN of an end that has aborted unheard waits for ever: RFC 9293 has no timer for
    that.
    """
    quiet = quiet_states(g)
    for i in quiet:
        names = pair.state_names(g.states[i])
        resting = RESTING | {"FIN-WAIT-2"} if g.states[i][MARKS] & UNHEARD else RESTING
        if not resting.issuperset(names):
            broken.setdefault("deadlock", (i, f"nothing more happens, and A is {names[A]} and B is {names[B]}"))
        elif reason := pair.scenario.disagreement(pair.quiet(g.states[i])):
            broken.setdefault("agreement", (i, reason))
    return quiet


def _cycles(pair: Pair, g: Graph, found: dict[str, Verdict]) -> None:
    """Segments that cause each other for ever."""
    i = g.on_cycle(RESPONSE)
    if i is not None:
        found["ack-war"] = _lasso(pair, g, "ack-war", i, RESPONSE, "segments cause each other for ever")


def _stuck(pair: Pair, g: Graph, quiet: list[int], found: dict[str, Verdict]) -> None:
    """States from which no quiet can be reached, though nothing is lost any more."""
    unknown = [i for i in range(len(g.states)) if not g.known(i)] if g.bound else []
    i = g.leading_to([*quiet, *unknown], PROGRESS).find(0)
    if i >= 0:
        names = pair.state_names(g.states[i])
        reason = f"with A in {names[A]} and B in {names[B]} it never becomes quiet again"
        found["livelock"] = _lasso(pair, g, "livelock", i, PROGRESS, reason)


# ---- traces ---------------------------------------------------------------------------------------------------------


def _lasso(pair: Pair, g: Graph, claim: str, i: int, worst: int, reason: str) -> Verdict:
    """The way to state ``i`` and on from there in a circle, if one leads back to it."""
    way = g.path(i)
    verdict = _violated(pair, g, claim, way, reason)
    cycle = g.cycle(i, worst)
    if cycle:
        verdict.again = len(way)
        verdict.trace += _steps(pair, g, cycle, worst)
    return verdict


def _violated(pair: Pair, g: Graph, claim: str, way: list[int], reason: str) -> Verdict:
    begin = Step("the beginning", _in_flight(pair, g.states[0]), [], pair.state_names(g.states[0]))
    return Verdict(claim, _text(pair, claim), "violated", reason, [begin, *_steps(pair, g, way, ADVERSE)])


def _in_flight(pair: Pair, s: State) -> list[str]:
    return [pair.segment(n, sender) for sender in (A, B) for n in s[FLYING][sender]]


def _steps(pair: Pair, g: Graph, way: list[int], worst: int) -> list[Step]:
    """The events along a way, the mildest where several lead to the same state."""
    return [
        _step(pair, min((e for e in pair.events(g.states[i]) if e.to == g.states[n]), key=lambda e: e.kind))
        for i, n in itertools.pairwise(way)
    ]


def _step(pair: Pair, e: Event) -> Step:
    sent = [pair.segment(n, e.end) for n in e.move.sent] if e.move else []
    return Step(pair.text(e), sent, list(e.move.rules) if e.move else [], pair.state_names(e.to))
