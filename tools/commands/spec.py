"""``wireproof spec``: check the specification, list and show rules, requirements, the grid, the notes."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import click

FORMAT = click.Choice(["text", "json"])


@click.group()
def spec() -> None:
    """The specification: check, list, show, rules, requirements, grid, notes."""


@spec.command()
@click.argument("path", required=False, type=click.Path(exists=True, path_type=Path))
@click.option("--witnesses", is_flag=True, help="For each rule values that reach it.")
@click.pass_context
def check(ctx: click.Context, path: Path | None, witnesses: bool) -> int:
    """Is every section total and every rule reachable? Exit 2 on any finding."""
    from wireproof.spec import load, requirements
    from wireproof.spec.check import check as check_sections
    from wireproof.spec.diagnostics import render

    begin = time.monotonic()
    model = load.tcp() if path is None else load.load(path)
    found, figures = check_sections(model, witnesses=witnesses)
    # The specification of TCP answers for all of RFC 9293; any other one only for the numbers that it cites.
    found += [d for d in requirements.diagnose(model) if path is None or d.code == "unknown-requirement"]
    for d in found:
        click.echo(render(d), err=True)
    if (ctx.find_root().obj or {}).get("quiet"):
        return 2 if found else 0
    places = [*model.sections, *model.variables.values(), *model.params.values(), *model.claims()]
    files = len({x.span.source.name for x in places})
    choices = sum(len(s.choices) + sum(len(r.choices) for r in s.rules) for s in model.sections)
    click.echo(f"specification {model.machine} {model.spec_hash}: {files} files, {len(model.sections)} sections,")
    click.echo(
        f"  {len(model.rules())} rules, {len(model.variables)} variables, {len(model.timers)} timers, {choices} choices"
    )
    click.echo(
        f"  {len(model.invariants)} invariants, {len(model.properties)} properties, {len(model.theorems)} theorems"
    )
    click.echo(f"  {figures['total']} of {figures['sections']} sections total (the others are permissions and laws)")
    click.echo(f"  {figures['reachable']} of {figures['rules']} rules reachable, {figures['queries']} solver queries")
    if witnesses:
        for rule, text in figures["witnesses"].items():
            click.echo(f"  {rule}: {text}")
    click.echo(f"{len(found)} diagnostics, {time.monotonic() - begin:.1f} s")
    return 2 if found else 0


@spec.command("list")
@click.option("--format", "form", type=FORMAT, default="text")
def list_(form: str) -> None:
    """The sections with their events, states and rules; the invariants, properties and theorems."""
    from wireproof.spec.load import tcp
    from wireproof.tools import claims_view

    model = tcp()
    if form == "json":
        items = [
            {"section": s.name, "kind": s.kind, "subject": s.subject, "states": s.states, "step": s.step}
            | {"rules": [r.id for r in s.rules], "cites": s.cites}
            for s in model.sections
        ]
        claims = [claims_view.record(c) for c in model.claims()]
        click.echo(json.dumps({"items": items, "claims": claims}, indent=1))
        return
    for s in model.sections:
        states = "any state" if len(s.states) == len(model.enums["state"]) else ", ".join(s.states)
        what = {"event": f"on {s.subject} step {s.step}", "call": f"on call {s.subject}"}.get(s.kind, s.kind)
        click.echo(f"{s.name:<22} {what:<24} {states}")
    for c in model.claims():
        click.echo(claims_view.line(c, model))


@spec.command()
@click.option("--format", "form", type=FORMAT, default="text")
def rules(form: str) -> None:
    """All rules with level, requirements and citations."""
    from wireproof.spec.load import tcp

    items: list[dict[str, Any]] = [
        {"id": r.id, "level": r.level, "ids": r.ids, "cites": r.cites, "means": r.meaning, "at": str(r.span)}
        for _, r in tcp().rules()
    ]
    if form == "json":
        click.echo(json.dumps({"items": items}, indent=1))
        return
    for i in items:
        click.echo(f"{i['id']:<46} {i['level']:<9} {', '.join(i['ids'])}")


@spec.command()
@click.argument("what", nargs=-1, required=True, metavar="[KIND] NAME")
@click.option("--format", "form", type=FORMAT, default="text")
def show(what: tuple[str, ...], form: str) -> None:
    """One rule, invariant, property or theorem: its text, where it stands, what it answers.

    KIND is rule, invariant, property or theorem; it is needed only where several kinds have something of that NAME.
    """
    from wireproof.spec.load import tcp
    from wireproof.tools import claims_view

    found = claims_view.find(tcp(), what)
    if form == "json":
        click.echo(json.dumps(claims_view.record(found), indent=1))
    else:
        click.echo(claims_view.shown(found))


@spec.command()
@click.option("--format", "form", type=click.Choice(["text", "json", "md"]), default="text")
def requirements(form: str) -> None:
    """The numbered requirements of RFC 9293, the rules that answer them, or why none does."""
    from wireproof.spec import requirements as reqs
    from wireproof.spec.load import tcp

    found = reqs.table(tcp())
    if form == "json":
        items = [
            {"id": r.id, "level": r.level, "section": r.section, "rules": r.rules, "reason": r.reason}
            | {"claims": r.claims}
            for r in found
        ]
        click.echo(json.dumps({"items": items}, indent=1))
        return
    if form == "md":
        click.echo("| id | level | section | meaning | rules or reason |\n|---|---|---|---|---|")
        for r in found:
            click.echo(f"| {r.id} | {r.level} | {r.section} | {r.means} | {', '.join(r.rules) or r.reason} |")
        return
    for r in found:
        what = f"{len(r.rules)} rule{'s' * (len(r.rules) != 1)}" if r.rules else f"- {r.reason}"
        what += f", {len(r.claims)} claim{'s' * (len(r.claims) != 1)}" if r.claims else ""
        click.echo(f"{r.id:<8} {r.level:<11} {r.section:<16} {r.means[:64]:<64}  {what}")
    with_rules = sum(bool(r.rules) for r in found)
    click.echo(f"{len(found)} requirements: {with_rules} with rules, {len(found) - with_rules} with a reason")


@spec.command()
@click.option("--format", "form", type=FORMAT, default="text")
def grid(form: str) -> None:
    """The 145 cells of RFC 9293 3.10 and the rules that fill them."""
    from wireproof.spec.grid import cells
    from wireproof.spec.load import tcp

    found = cells(tcp())
    if form == "json":
        click.echo(json.dumps({"items": [{"cell": c.cell, "rules": c.rules} for c in found]}, indent=1))
        return
    for c in found:
        click.echo(f"{c.cell:<30} {', '.join(r.split('/', 1)[1] for r in c.rules)}")
    click.echo(f"{sum(bool(c.rules) for c in found)} of {len(found)} cells filled")


@spec.command()
def notes() -> None:
    """What the RFC leaves open, and how the specification decides."""
    from wireproof.spec.load import tcp
    from wireproof.tools.ambiguities import render

    click.echo(render(tcp()), nl=False)
