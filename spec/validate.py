"""The model's own well-formedness, checked after every pass: a fault here is a fault of that pass, not of the text."""

from __future__ import annotations

from collections.abc import Callable

from wireproof.spec import ir
from wireproof.spec.elaborate_claims import claim_conjuncts
from wireproof.spec.elaborate_rule import rule_expressions
from wireproof.spec.expressions import walk


class BrokenModel(AssertionError):  # noqa: N818 - it names the model's state
    """A pass produced a model that is not well-formed: a bug in wireproof, with the pass named."""


def validate(model: ir.Model, after: str) -> None:
    """Raise :class:`BrokenModel` when the model that the pass ``after`` made is not well-formed."""

    def demand(condition: bool, what: str) -> None:
        if not condition:
            raise BrokenModel(f"after {after}: {what}")

    states = model.enums["state"]
    procedures = {s.name for s in model.sections if s.kind == "procedure"}
    for section, rule in model.rules():
        demand(all(s in states for s in section.states), f"{rule.id} is for a state that does not exist")
        for e in rule_expressions(rule):
            for x in walk(e):
                demand(x.sort != ir.NUMBER, f"{rule.id} has a plain number without a sort ({x.span})")
                demand(not isinstance(x, ir.Before), f"{rule.id} has a before(), and is no property")
                _check_use(model, x, rule.id, demand)
        for c in (*rule.guard, *rule.requires):
            demand(c.test.sort == ir.FLAG, f"{rule.id} has a conjunct '{c.name}' that is no flag")
        for a in rule.actions:
            match a:
                case ir.Assign():
                    demand(a.target in model.variables, f"{rule.id} sets {a.target}, which does not exist")
                case ir.Do():
                    demand(a.procedure in procedures, f"{rule.id} does {a.procedure}, which does not exist")
                case ir.Start() | ir.Stop():
                    demand(a.timer in model.timers, f"{rule.id} uses the timer {a.timer}, which does not exist")
                case _:
                    pass
    for name, abbreviation in model.abbreviations.items():
        for x in walk(abbreviation.value):
            demand(x.sort != ir.NUMBER, f"the let {name} has a plain number without a sort")
            _check_use(model, x, f"the let {name}", demand)

    for claim in model.claims():
        _check_claim(model, claim, demand)


def _check_claim(model: ir.Model, claim: ir.Claim, demand: Callable[[bool, str], None]) -> None:
    where = f"the {type(claim).__name__.lower()} {claim.name}"
    if not isinstance(claim, ir.Theorem):
        demand(all(s in model.enums["state"] for s in claim.states), f"{where} is for a state that does not exist")
    demand(bool(claim.then if isinstance(claim, ir.Property) else claim.holds), f"{where} says nothing")
    for c in claim_conjuncts(claim):
        demand(c.test.sort == ir.FLAG, f"{where} has a conjunct '{c.name}' that is no flag")
        for x in walk(c.test):
            demand(x.sort != ir.NUMBER, f"{where} has a plain number without a sort ({x.span})")
            demand(not isinstance(x, ir.Local | ir.Chosen | ir.Ranged), f"{where} reads a name of some rule")
            if isinstance(x, ir.Before):
                inner = any(isinstance(y, ir.Before) for y in walk(x.value))
                demand(isinstance(claim, ir.Property) and not inner, f"{where} has a before() out of place")
            _check_use(model, x, where, demand)


def _check_use(model: ir.Model, x: ir.Expr, where: str, demand: Callable[[bool, str], None]) -> None:
    match x:
        case ir.Var():
            demand(x.name in model.variables, f"{where} reads {x.name}, which does not exist")
        case ir.Param():
            demand(x.name in model.params, f"{where} reads {x.name}, which does not exist")
        case ir.Abbrev():
            demand(x.name in model.abbreviations, f"{where} reads {x.name}, which does not exist")
        case ir.Use():
            demand(x.function in model.functions, f"{where} uses {x.function}, which does not exist")
        case _:
            pass
