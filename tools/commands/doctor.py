"""``wireproof doctor``: what works on this machine."""

from __future__ import annotations

import json

import click

from wireproof.conformance.targets import environment
from wireproof.tools.marks import marks

COSTS = {
    "python": "nothing works",
    "z3": "the solver's checks of the specification do not run; `run`, `replay` and `demo` do",
    "cores": "",
    "kernel": "no linux and linux6 targets",
    "privilege": "no linux and linux6 targets, no `wireproof serve`; everything else works without root",
    "/dev/net/tun": "no linux and linux6 targets, no `wireproof serve`",
    "network namespace": "no linux and linux6 targets",
    "kernel target, IPv4": "no `wireproof run linux`",
    "kernel target, IPv6": "no `wireproof run linux6`",
}
"""What one goes without when a check fails."""


@click.command()
@click.option("--format", "fmt", type=click.Choice(["rich", "plain", "json"]), help="How to print.")
def doctor(fmt: str | None) -> None:
    """Try what the targets need, and say what is missing and what that costs.

    Exit status 0 whatever is found: the reference and the mutants run anywhere.
    """
    checks = environment.probe()
    if fmt == "json":
        rows = [
            {"name": c.name, "ok": c.ok, "detail": c.detail, "remedy": "" if c.ok else c.remedy, "costs": _cost(c)}
            for c in checks
        ]
        click.echo(json.dumps(rows, indent=1))
        return
    m = marks(fmt)
    width = max(len(c.name) for c in checks)
    for c in checks:
        m.echo(f"  {m['pass' if c.ok else 'fail']} {c.name:<{width}}  {c.detail}")
        if not c.ok:
            m.echo(f"    {'':<{width}}  costs: {_cost(c)}")
            m.echo(f"    {'':<{width}}  helps: {c.remedy}")
    ok = {c.name: c.ok for c in checks}
    live = [n for n, check in (("linux", "kernel target, IPv4"), ("linux6", "kernel target, IPv6")) if ok.get(check)]
    m.echo()
    click.echo(f"You can run: {', '.join(['ref', 'ref6', 'every mutant', *live])}.  Next: wireproof demo")


def _cost(check: environment.Check) -> str:
    return "" if check.ok else COSTS.get(check.name, "the targets that need it")
