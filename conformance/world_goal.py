"""How does a world come to something? A predicate, what is to be avoided on the way, and the search for it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from wireproof.conformance.world import HOSTS, Scenario, World
from wireproof.conformance.world_distance import Bound, wanted_states
from wireproof.conformance.world_events import Event
from wireproof.conformance.world_search import MAX_STATES, MAX_STEPS, Found, search, without_losses
from wireproof.conformance.world_terms import hosts_of, read_predicate, test
from wireproof.spec import ir, predicate

KINDS = ("drop", "dup", "tick")
"""Events that can be avoided by name; ``drop`` and ``dup`` as the network's doing."""


@dataclass(slots=True)
class Answer:
    """What a search found, and how sure it is that nothing shorter is there."""

    found: Found
    shortest: bool
    """False: a way with doubled segments that is shorter was not ruled out within the bound on states."""


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

    A way without doubled segments is looked for first, and then a shorter one with them: most of the worlds that
    there are differ in copies that nobody needs.
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
    never = [test(e, model, scenario) for e in unwanted]
    bound = Bound(model, wanted_states(wanted.value, hosts_of(scenario)))

    def ask(doubles: bool, steps: int) -> Found:
        chosen = replace(lossy, limits=replace(lossy.limits, dup=doubles))
        return search(
            chosen,
            start,
            holds,
            bound=bound,
            avoid=(lambda world: any(n(world) for n in never)) if never else None,
            max_steps=steps,
            max_states=max_states,
        )

    first = ask(False, max_steps)
    if not lossy.limits.dup or len(scenario.hosts) == 1:
        return Answer(first, not first.cut)
    if first.events is None:
        second = ask(True, max_steps)
        return Answer(_sum(second, first, second.events), not second.cut and not first.cut)
    second = ask(True, len(first.events) - 1) if first.events else Found(None, 0, 0)
    return Answer(_sum(second, first, second.events or first.events), not second.cut)


def _sum(last: Found, first: Found, events: list[Event] | None) -> Found:
    return replace(
        last, events=events, states=first.states + last.states, transitions=first.transitions + last.transitions
    )


def _parts(e: ir.Expr) -> list[ir.Expr]:
    out = [e]
    if isinstance(e, ir.Op | ir.Use):
        for a in e.args:
            out += _parts(a)
    return out
