"""``wireproof targets``: what can be tested."""

from __future__ import annotations

import json
from typing import Any

import click

from wireproof.conformance import catalogue, mutation
from wireproof.conformance.baseline import BaselineError
from wireproof.conformance.campaign import USAGE
from wireproof.tools.endings import end
from wireproof.tools.marks import marks

FORMAT = click.option("--format", "fmt", type=click.Choice(["rich", "plain", "json"]), help="How to print.")


@click.group()
def targets() -> None:
    """What can be tested: the reference, its mutants, the Linux kernel."""


@targets.command("list")
@FORMAT
def list_(fmt: str | None) -> None:
    """All targets; a mutant is the reference with one fault that a real stack had or could have."""
    kinds = list(catalogue.kinds().values())
    if fmt == "json":
        click.echo(json.dumps([_facts(k) for k in kinds], indent=1))
        return
    m = marks(fmt)
    width = max(len(k.name) for k in kinds)
    for k in kinds:
        m.echo(f"  {k.name:<{width}}  {k.about}{' (needs root)' if k.needs_root else ''}")
    m.echo()
    click.echo("Run one: wireproof run NAME; all mutants: wireproof run 'mutant:*'")


@targets.command()
@click.argument("name")
@FORMAT
def info(name: str, fmt: str | None) -> None:
    """One target: how it is judged, its known departures, or a mutant's fault."""
    try:
        kind = catalogue.find(name)
        baseline = kind.baseline()
    except (catalogue.UnknownTarget, BaselineError) as error:
        end(str(error), USAGE)
    facts = _facts(kind) | {"deviations": [e.as_dict() for e in baseline.entries]}
    if fmt == "json":
        click.echo(json.dumps(facts, indent=1))
        return
    m = marks(fmt)
    lines = [
        f"{kind.name}: {kind.about}",
        f"  IPv{kind.family} · {kind.clock} clock · profile {kind.profile}{' · needs root' if kind.needs_root else ''}",
    ]
    if "mutant" in facts:
        edit = facts["mutant"]
        lines += [
            f"  in {edit['file']} the fault replaces",
            *_indented(edit["find"]),
            "  by",
            *_indented(edit["replace"]),
        ]
    if baseline.entries:
        lines.append(f"  {len(baseline.entries)} known departures:")
    for e in baseline.entries:
        lines.append(f"  #{e.number} {e.kind} {', '.join(e.requirements)}".rstrip())
        lines += [f"      {text}" for text in (str(e.seen), e.reason) if text]
    for line in lines:
        m.echo(line)


def _facts(kind: catalogue.Kind) -> dict[str, Any]:
    facts: dict[str, Any] = {s: getattr(kind, s) for s in kind.__slots__}
    mutant = mutation.mutants().get(kind.name.partition(":")[2])
    if mutant is not None and mutant.file:
        facts["mutant"] = {"file": mutant.file, "find": mutant.find, "replace": mutant.replace}
    return facts


def _indented(text: str) -> list[str]:
    return [f"      {line}".rstrip() for line in text.strip("\n").splitlines()] or ["      nothing"]
