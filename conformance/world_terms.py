"""Expressions about a world: the hosts' variables, and what is in flight."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from wireproof.conformance.bindings import OPERATIONS, slot
from wireproof.conformance.world import HOSTS, Scenario, World
from wireproof.spec import ir, predicate
from wireproof.spec.evaluate import evaluate

EXTRA = {"in_flight": ir.COUNT}
"""What can be asked of the network: how many segments are under way."""
Test = Callable[[World], bool]


class Terms:
    """A world as an environment of the interpreter; ``A.SND.NXT`` is a variable of the first host."""

    operations = OPERATIONS

    def __init__(self, model: ir.Model, scenario: Scenario):
        self.model = model
        self.p = scenario.p
        self.world = scenario.start()

    def _end(self, name: str) -> tuple[Any, str]:
        host, _, rest = name.partition(".")
        if len(self.world.ends) > 1 and host in HOSTS:
            return self.world.ends[HOSTS.index(host)].c, rest
        return self.world.ends[0].c, name

    def variable(self, name: str) -> Any:
        if name == "in_flight":
            return len(self.world.wire)
        c, rest = self._end(name)
        return getattr(c, slot(rest))

    def parameter(self, name: str) -> Any:
        return getattr(self.p, slot(name))

    def profile(self, name: str) -> bool:
        return bool(getattr(self.p, slot(name)))

    def field(self, f: ir.Field) -> Any:
        raise LookupError(f"{f.name} is of an event, and there is none")

    def chosen(self, name: str) -> bool:
        return False

    def running(self, timer: str) -> bool:
        c, rest = self._end(timer)
        return bool(getattr(c, slot(rest) + "_from") >= 0)

    def now(self) -> int:
        return self.world.now

    def value(self, e: ir.Expr, world: World) -> Any:
        """The value of an expression in a world."""
        self.world = world
        return evaluate(e, self)


def read_predicate(text: str, model: ir.Model, scenario: Scenario) -> predicate.Expression:
    """A condition about the worlds of a scenario. Raises :class:`SpecError`."""
    return predicate.predicate(text, model, hosts_of(scenario), EXTRA)


def read_expression(text: str, model: ir.Model, scenario: Scenario) -> predicate.Expression:
    """An expression about the worlds of a scenario. Raises :class:`SpecError`."""
    return predicate.expression(text, model, hosts_of(scenario), EXTRA)


def hosts_of(scenario: Scenario) -> tuple[str, ...]:
    """The hosts that names must be qualified with; none where there is one."""
    return HOSTS if len(scenario.hosts) > 1 else ()


def test(e: predicate.Expression, model: ir.Model, scenario: Scenario) -> Test:
    """A condition as a function of a world."""
    terms = Terms(model, scenario)
    return lambda world: bool(terms.value(e.value, world))
