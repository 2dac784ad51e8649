"""``wireproof spec diagram``: the state machine, drawn from the rules."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click

from wireproof.conformance.campaign import USAGE
from wireproof.conformance.select import nearest
from wireproof.spec import ir
from wireproof.tools.endings import end

FORMATS = ("text", "svg", "dot", "mermaid", "json")


@click.command()
@click.option("--format", "form", type=click.Choice(FORMATS), default="text", show_default=True)
@click.option("--highlight", metavar="STATE|RUN", help="Light this state, or all that a recorded run's tests met.")
@click.option("--profile", metavar="NAME", help="Only the rules of this profile [default: of any].")
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="Write to this file.")
def diagram(form: str, highlight: str | None, profile: str | None, output: Path | None) -> None:
    """The state machine that the rules amount to: every change of state, on what, and what is sent.

    text, svg, dot and mermaid draw it; json lists every edge with its rules. Edges to CLOSED that three or more
    states have alike are listed below the figure.
    """
    from wireproof.spec.load import tcp

    model = tcp()
    check_profile(model, profile)
    shown = _render(model, form, lit(model, highlight), profile)
    if output is None:
        click.echo(shown, nl=False)
        return
    try:
        output.write_text(shown, "utf-8")
    except OSError as error:
        end(f"{output}: cannot be written ({error.strerror}); name another file with --output", USAGE)
    click.echo(f"wrote {output}", err=True)


def check_profile(model: ir.Model, profile: str | None) -> None:
    """End the command when the specification has no such profile."""
    if profile is not None and profile not in model.profiles:
        end(f"there is no profile '{profile}'; {hint(profile, model.profiles)}", USAGE)


def hint(name: str, known: Iterable[str]) -> str:
    """The nearest of the known names, or all."""
    known = list(known)
    guess = nearest(name, known)
    return f"did you mean '{guess}'?" if guess else f"there are {', '.join(known)}"


def lit(model: ir.Model, highlight: str | None) -> frozenset[str]:
    """The states to light: one by its name, or those that the tests of a run met."""
    from wireproof.conformance import records

    states = model.enums["state"]
    if highlight is None:
        return frozenset()
    if highlight.upper() in states:
        return frozenset([highlight.upper()])
    if highlight not in records.run_ids():
        end(f"'{highlight}' is no state and no recorded run; {hint(highlight, [*states, *records.run_ids()])}", USAGE)
    try:
        run = records.load(highlight)
    except records.RecordError as error:
        end(str(error), USAGE)
    met = {r["state"] for r in run.results if r["verdict"] in ("pass", "fail")}
    return frozenset(met & set(states))


def _render(model: ir.Model, form: str, states: frozenset[str], profile: str | None) -> str:
    from wireproof.spec.backends import diagram as draw
    from wireproof.spec.backends import diagram_svg

    match form:
        case "svg":
            return diagram_svg.svg(model, states, profile)
        case "dot":
            return draw.dot(model, states, profile)
        case "mermaid":
            return draw.mermaid(model, states, profile)
        case "json":
            return json.dumps(_facts(model, states, profile), indent=1) + "\n"
    return draw.text(model, states, profile)


def _facts(model: ir.Model, states: frozenset[str], profile: str | None) -> dict[str, Any]:
    from wireproof.spec.backends.transitions import edges

    items = [
        {"from": e.source, "to": e.target, "event": e.event, "sends": list(e.sends), "rules": list(e.rules)}
        for e in edges(model, profile)
    ]
    names = model.enums["state"]
    return {
        "spec_hash": model.spec_hash,
        "profile": profile,
        "states": names,
        "lit": [s for s in names if s in states],
        "items": items,
    }
