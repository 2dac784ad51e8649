"""How does a world come to something? A predicate, what is to be avoided on the way, and the search for it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from wireproof.conformance.world import HOSTS, Scenario, World
from wireproof.conformance.world_distance import Bound, wanted_states
from wireproof.conformance.world_events import Event
from wireproof.conformance.world_search import MAX_STATES, MAX_STEPS, search, without_losses
from wireproof.conformance.world_terms import hosts_of, read_predicate, test
from wireproof.spec import ir, predicate

KINDS = ("drop", "dup", "tick")
"""Events that can be avoided by name; ``drop`` and ``dup`` as the network's doing."""


LEAN = ("open_active", "open_passive", "close")
LEAN_STATES = 50_000
"""The first look, with few calls, keeps no more worlds than this."""


@dataclass(slots=True)
class Answer:
    """What a search found, and how sure it is that nothing shorter is there.

    ``events`` is None when nothing was found. ``shortest``: of all ways; else ``doubtful`` says what was not ruled out.
    """

    events: list[Event] | None
    states: int = 0
    transitions: int = 0
    exhausted: bool = False
    shortest: bool = True
    doubtful: str = ""


def scenario_for(texts: list[str]) -> str:
    """The scenario that predicates are about: that of two hosts when they name one."""
    return "two-hosts" if any(predicate.mentions(t, HOSTS) for t in texts) else "one-host"


def find(
    scenario: Scenario,
    model: ir.Model,
    start: World,
    goal: str,
    avoid: tuple[str, ...] = (),
    max_steps: int = MAX_STEPS,
    max_states: int = MAX_STATES,
) -> Answer:
    """A shortest way from ``start`` to where ``goal`` holds. Raises :class:`SpecError` for a predicate that is none.

    A way by opening and closing alone is looked for first, then a shorter one by all calls, then one with doubled
    segments: what was found limits how far the next search must look, and most of the worlds that there are differ
    in text and in copies that nobody needs.
    """
    wanted = read_predicate(goal, model, scenario)
    unwanted = [read_predicate(a, model, scenario) for a in avoid if a not in KINDS]
    off = {k for k in KINDS if k in avoid}
    here = scenario.limits
    limits = replace(
        here, drop=here.drop and "drop" not in off, dup=here.dup and "dup" not in off, tick="tick" not in off
    )
    asks = any(isinstance(x, ir.Var) and x.name == "in_flight" for e in (wanted, *unwanted) for x in _parts(e.value))
    lossy = without_losses(replace(scenario, limits=limits), asks)
    holds = test(wanted, model, scenario)
    nevers = [test(e, model, scenario) for e in unwanted]
    bound = Bound(model, wanted_states(wanted.value, hosts_of(scenario)))

    calls = tuple(c for c in LEAN if c in here.calls)
    stages = [
        replace(lossy, limits=replace(lossy.limits, dup=False, calls=calls)),
        replace(lossy, limits=replace(lossy.limits, dup=False)),
        lossy,
    ]
    if not lossy.limits.dup or len(scenario.hosts) == 1:
        stages.pop()
    answer, unsure = Answer(None), ("fewer steps", "fewer steps", "fewer steps with doubled segments")
    for n, chosen in enumerate(stages):
        found = search(
            chosen,
            start,
            holds,
            bound=bound,
            avoid=(lambda world: any(never(world) for never in nevers)) if nevers else None,
            max_steps=max_steps if answer.events is None else len(answer.events) - 1,
            max_states=min(max_states, LEAN_STATES) if n == 0 else max_states,
        )
        answer.events = answer.events if found.events is None else found.events
        answer.states += found.states
        answer.transitions += found.transitions
        answer.exhausted, answer.shortest = found.exhausted, not found.cut
        answer.doubtful = unsure[n] if found.cut else ""
        if answer.events == [] or (found.cut and n > 0):
            break
    return answer


def _parts(e: ir.Expr) -> list[ir.Expr]:
    out = [e]
    if isinstance(e, ir.Op | ir.Use):
        for a in e.args:
            out += _parts(a)
    return out
