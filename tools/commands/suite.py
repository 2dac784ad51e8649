"""``wireproof suite``: the frozen test cases."""

from __future__ import annotations

import json

import click

from wireproof.conformance.campaign import NOTHING, USAGE
from wireproof.conformance.select import SelectionError, nearest, select
from wireproof.conformance.suite import SUITE
from wireproof.conformance.testcase import Step
from wireproof.tools.commands.run import read_suite
from wireproof.tools.commands.suite_build import build, show_purposes
from wireproof.tools.commands.suite_mutants import mutants_
from wireproof.tools.endings import end
from wireproof.tools.marks import marks

FORMAT = click.option("--format", "fmt", type=click.Choice(["rich", "plain", "json"]), help="How to print.")


@click.group()
def suite() -> None:
    """The frozen test cases, found by search and named after what they show."""


suite.add_command(mutants_)


@suite.command("list")
@click.argument("selectors", metavar="[SELECT]...", nargs=-1)
@click.option("-k", "keyword", metavar="EXPR", default="", help="Only ids with these words (and, or, not).")
@click.option("--exclude", metavar="SELECT", multiple=True, help="Leave these out.")
@FORMAT
def list_(selectors: tuple[str, ...], keyword: str, exclude: tuple[str, ...], fmt: str | None) -> None:
    """Test ids with state, event and level; selectors as for `wireproof run`. Exit status 4: none matches."""
    cases = read_suite()
    try:
        selection = select(cases, selectors, exclude, keyword)
    except SelectionError as error:
        end(str(error), USAGE)
    for text, hint in selection.unmatched:
        click.echo(f"wireproof: '{text}' matches no test; {hint}", err=True)
    if fmt == "json":
        click.echo("[" + ",\n ".join(c.to_json() for c in selection.cases) + "]")
    else:
        m = marks(fmt)
        for c in selection.cases:
            m.echo(f"{c.id}  {c.state} · {c.event} · {c.level}")
        click.echo(m.plain(f"{len(selection.cases)} of {len(cases)} tests of {SUITE}"), err=True)
    if not selection.cases:
        end("no test is selected", NOTHING)


suite.add_command(build)


@suite.command()
@click.argument("test", required=False)
@click.option("--purposes", type=click.Choice(["covered", "unreachable", "open"]), help="List those purposes.")
@FORMAT
def show(test: str | None, purposes: str | None, fmt: str | None) -> None:
    """One test: its steps, and the rules and requirements behind it. Without one: what became of every purpose."""
    if test is None:
        show_purposes(fmt, purposes or "")
        return
    cases = read_suite()
    case = next((c for c in cases if test == c.id or test in c.aka), None)
    if case is None:
        guess = nearest(test, [c.id for c in cases])
        end(f"there is no test '{test}'" + (f"; did you mean '{guess}'?" if guess else ""), USAGE)
    if fmt == "json":
        click.echo(json.dumps(json.loads(case.to_json()), indent=1))
        return
    m = marks(fmt)
    lines = [f"{case.id}", f"  {case.state} · {case.event} · {case.level} · {case.duration_us / 1e6:.1f} s of its time"]
    lines += [f"  {n:>3}  {step_text(step)}" for n, step in enumerate(case.steps, 1)]
    lines.append(f"  rules        {', '.join(case.rules)}")
    if case.ids:
        lines.append(f"  requirements {', '.join(case.ids)}")
    for line in lines:
        m.echo(line)


def step_text(step: Step) -> str:
    """A step of a test case in a few words; numbers are relative to what the implementation chose."""
    if "call" in step:
        rest = {k: v for k, v in step.items() if k not in ("call", "h")}
        return f"call  {step['call']}({', '.join([str(step['h']), *(f'{k}={v}' for k, v in rest.items())])})"
    if "wait" in step:
        return f"wait  {step['wait']}" + (" us" if isinstance(step["wait"], int) else "")
    kind, what = ("icmp", "icmp") if "icmp" in step else ("seg", "send")
    value = step[kind] if kind == "seg" else f"type {step[kind][0]} code {step[kind][1]}"
    fields = [f"{k}={_number(v)}" for k, v in step.items() if k != kind]
    return " ".join([f"{what:<4} ", value or "(no bits)", *fields])


def _number(value: object) -> str:
    if isinstance(value, list) and len(value) == 2 and isinstance(value[1], int):
        return f"{value[0]}{value[1]:+d}" if value[1] else str(value[0])
    return str(value)
