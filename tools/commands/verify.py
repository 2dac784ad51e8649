"""``wireproof verify``: invariants, properties and theorems of the specification, proved or searched for breaches."""

from __future__ import annotations

import json
import sys
import time
from collections import Counter
from pathlib import Path

import click

from wireproof.tools.endings import end

SIGNS = {"proved": "✓", "bounded": "≤", "violated": "✗", "open": "?"}
ASCII = {"proved": "ok", "bounded": "<=", "violated": "x", "open": "?"}
USAGE = 2
POSITIVE = click.IntRange(min=1)


@click.command()
@click.argument("names", metavar="[PROPERTY]...", nargs=-1)
@click.option("--with", "extra", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="More claims.")
@click.option(
    "--timeout",
    type=POSITIVE,
    default=20,
    show_default=True,
    help="Work for a question of the solver: seconds of an idle core.",
)
@click.option("--no-proof", is_flag=True, help="Search only; theorems are proved all the same.")
@click.option("--depth", type=POSITIVE, default=3, show_default=True, help="Steps of the bounded search.")
@click.option("--seconds", type=POSITIVE, default=60, show_default=True, help="The most time for that search.")
@click.option("--jobs", type=POSITIVE, default=2, show_default=True, help="Processes that prove.")
@click.option("--save", type=click.Path(file_okay=False, path_type=Path), help="Where the traces of violations go.")
@click.option("--list", "listed", is_flag=True, help="Name the claims and end.")
@click.option("--format", "fmt", type=click.Choice(["plain", "json"]), default="plain", help="How to print.")
@click.pass_context
def verify(
    ctx: click.Context,
    names: tuple[str, ...],
    extra: Path | None,
    timeout: int,
    no_proof: bool,
    depth: int,
    seconds: int,
    jobs: int,
    save: Path | None,
    listed: bool,
    fmt: str,
) -> int:
    """Do the claims of the specification hold? Proved by induction for every trace where that works, else searched
    for a breach from CLOSED up to a depth; the difference is always told. Exit: 0 all hold, 1 one is false, 4 one is
    open."""
    from wireproof.tools.verification import Budget, Verification, model_with, status_of, unknown_names

    model = model_with(extra)
    if text := unknown_names(model, names):
        end(text, USAGE)
    claims = [c for c in model.claims() if not names or c.name in names]
    if listed:
        for c in claims:
            click.echo(f"{type(c).__name__.lower():<10} {c.name}  {c.meaning}".rstrip())
        return 0
    begin = time.monotonic()
    progress = _Progress(ctx)
    keep = save or Path(".wireproof") / "claims"
    run = Verification(model, Budget(timeout, depth, seconds, jobs, not no_proof), progress.line, keep)
    results = run.run(claims)
    progress.done()
    if fmt == "json":
        out = {
            "spec_hash": model.spec_hash,
            "counts": dict(Counter(r.status for r in results)),
            "results": [r.json() for r in results],
            "exit": status_of(results),
        }
        click.echo(json.dumps(out, indent=1))
        return status_of(results)
    signs = ASCII if (ctx.find_root().obj or {}).get("ascii") else SIGNS
    for r in results:
        click.echo(f"{signs[r.status]} {r.kind} {r.name}: {r.how}")
        if r.status == "violated":
            click.echo(f"    {r.meaning}")
            for i, step in enumerate(r.steps, 1):
                click.echo(f"    {i:>2}  {step}")
            if r.trace:
                click.echo(f"    replay with: wireproof replay {r.trace}")
    counts = Counter(r.status for r in results)
    told = ", ".join(f"{n} {s}" for s, n in sorted(counts.items(), key=lambda x: [*SIGNS].index(x[0])))
    click.echo(f"{len(results)} claims: {told}")
    took = f"{run.proofs.questions} questions, {run.search.runs} runs, {time.monotonic() - begin:.0f} s"
    click.echo(took, err=True)
    return status_of(results)


class _Progress:
    """One line on a terminal, else one now and then."""

    EVERY_S = 15.0

    def __init__(self, ctx: click.Context):
        self.quiet = bool((ctx.find_root().obj or {}).get("quiet"))
        self.last = time.monotonic()
        self.terminal = sys.stderr.isatty()

    def line(self, text: str) -> None:
        now = time.monotonic()
        if self.quiet or (not self.terminal and now - self.last < self.EVERY_S):
            return
        self.last = now
        click.echo(f"\r{text:<78}" if self.terminal else text, err=True, nl=not self.terminal)

    def done(self) -> None:
        if self.terminal and not self.quiet:
            click.echo("\r" + " " * 78 + "\r", err=True, nl=False)
