"""Rules, invariants, properties and theorems as ``wireproof spec list`` and ``spec show`` print them."""

from __future__ import annotations

from typing import Any

import click

from wireproof.spec import ir
from wireproof.spec.evaluate import source_text
from wireproof.spec.format import occasion
from wireproof.spec.scope import suggest

Shown = ir.Rule | ir.Claim
KINDS = ("rule", "invariant", "property", "theorem")


def kind(x: Shown) -> str:
    """``rule``, ``invariant``, ``property`` or ``theorem``."""
    return type(x).__name__.lower()


def find(model: ir.Model, what: tuple[str, ...]) -> Shown:
    """What a name stands for, with its kind before it or without. Raises click.UsageError: nothing, or several."""
    if len(what) > 2 or (len(what) == 2 and what[0] not in KINDS):
        raise click.UsageError(f"'{what[0]}' is no kind; write a name, or {', '.join(KINDS)} and a name.")
    name, wanted = what[-1], what[0] if len(what) == 2 else ""
    found: list[tuple[str, Shown]] = [
        (r.id, r) for s, r in model.rules() if name in (r.id, r.name, f"{s.name}/{r.name}")
    ]
    found += [(f"{kind(c)} {c.name}", c) for c in model.claims() if c.name == name]
    found = [(shown, x) for shown, x in found if wanted in ("", kind(x))]
    if len(found) > 1:
        what_has_it = "rules are" if all(kind(x) == "rule" for _, x in found) else "things are"
        raise click.UsageError(f"Several {what_has_it} named '{name}': {', '.join(shown for shown, _ in found)}")
    if not found:
        known = [r.id for _, r in model.rules()] if wanted in ("", "rule") else []
        known += [c.name for c in model.claims() if wanted in ("", kind(c))]
        raise click.UsageError(f"There is no {wanted or 'rule'} '{name}'; {suggest(name, known)}")
    return found[0][1]


def steps(p: ir.Property) -> str:
    """The steps that a property is about, as they are written."""
    return ", ".join("every step" if k == "step" else occasion(k, s) for k, s in p.on)


def line(c: ir.Claim, model: ir.Model) -> str:
    """One line of a list."""
    what = {"property": f"on {steps(c)}" if isinstance(c, ir.Property) else ""}.get(kind(c), kind(c))
    if isinstance(c, ir.Theorem):
        where = f"for {c.event}" if c.event else ""
    else:
        where = "any state" if len(c.states) == len(model.enums["state"]) else ", ".join(c.states)
    return f"{c.name:<40} {what:<28} {where}".rstrip()


def record(x: Shown) -> dict[str, Any]:
    """As JSON: what all have, and what this kind has."""
    common = {"kind": kind(x), "name": x.name, "ids": x.ids, "cites": x.cites, "means": x.meaning, "at": str(x.span)}
    common |= {"supports": x.supports, "without": x.without, "notes": x.notes}
    match x:
        case ir.Rule():
            return {"id": x.id, "level": x.level} | common | {"guard": [c.name for c in x.guard]}
        case ir.Invariant():
            return common | {"states": x.states, "holds": _texts(x.holds)}
        case ir.Property():
            on = [{"kind": k, "subject": s} for k, s in x.on]
            return common | {"on": on, "states": x.states, "when": _texts(x.when), "then": _texts(x.then)}
        case ir.Theorem():
            return common | {"event": x.event, "when": _texts(x.when), "holds": _texts(x.holds)}


def _texts(conjuncts: list[ir.Conjunct]) -> list[dict[str, str]]:
    return [{"name": c.name, "text": source_text(c.test.span)} for c in conjuncts]


def shown(x: Shown) -> str:
    """As text: what it answers, where it stands, what it means, how it is written, what is noted."""
    head = f"{x.id}   {x.level}" if isinstance(x, ir.Rule) else f"{kind(x)} {x.name}"
    parts = [f"{head}   {', '.join(x.ids) or 'no number'}\n{x.span}   {'; '.join(x.cites)}"]
    if x.meaning:
        parts.append(x.meaning)
    lines = x.span.source.text.split("\n")[x.span.line - 1 : x.span.end_line]
    parts.append("\n".join(lines).rstrip())
    parts += [f"note: {n}" for n in x.notes]
    return "\n\n".join(parts)
