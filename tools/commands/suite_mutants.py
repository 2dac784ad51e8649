"""``wireproof suite mutants``: is every mistake in the specification noticed by the suite?"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Sequence

import click

from wireproof.conformance import specmutants_run as runs
from wireproof.conformance.campaign import FAILED, INTERRUPTED, NOTHING, PASSED, USAGE
from wireproof.conformance.select import glob
from wireproof.conformance.specmutants import Outcome
from wireproof.spec import load
from wireproof.spec.mutate import Mutant, mutants
from wireproof.tools.endings import end

SHARE = 6
"""Of the mutants that there are, every so many belong to the measure: more than 500 of more than 3000."""
ENOUGH = 0.95


@click.command("mutants")
@click.argument("patterns", metavar="[MUTANT]...", nargs=-1)
@click.option("--all", "every", is_flag=True, help="All there are, not one in six. Takes an hour.")
@click.option("--jobs", type=click.IntRange(1), default=None, help="Processes [default: the processors].")
@click.option("--fresh", is_flag=True, help="Forget what an earlier run has found.")
@click.option("--list", "only_list", is_flag=True, help="Print the mutants and run nothing.")
@click.option("--write", is_flag=True, help="Make the results those that come with wireproof.")
@click.option("--format", "fmt", type=click.Choice(["plain", "json"]), default="plain", help="How to print.")
def mutants_(
    patterns: tuple[str, ...], every: bool, jobs: int | None, fresh: bool, only_list: bool, write: bool, fmt: str
) -> None:
    """Try first-order mutants of the specification: each must be told from the original, or be the same.

    MUTANT is a glob of ids (boundary/**, '*/sequence/**'); with one, all that match are tried. What is found is kept
    under .wireproof/mutants/ as it comes, so that a run that was interrupted goes on where it ended.

    \b
    Exit status
      0    at least 95 % of the mutants that are not equivalent were killed
      1    fewer were
      2    the command line is wrong
      4    no mutant matches
      130  interrupted; what was found is kept
    """
    if write and (patterns or every):
        end("--write is for the whole measure: leave MUTANT and --all out", USAGE)
    found, same = mutants(load.tcp())
    chosen = chosen_of(found, patterns, every)
    if not chosen:
        end("no mutant matches; `wireproof suite mutants --all --list` shows all", NOTHING)
    if only_list:
        show_list(chosen, fmt)
        return
    kept = runs.journal(found)
    if fresh:
        kept.forget({m.id for m in chosen})
    step = progress()
    try:
        runs.campaign(chosen, kept, jobs or runs.cores(), step)
        runs.settle(chosen, kept, jobs or runs.cores(), step)
    except KeyboardInterrupt:
        end(f"interrupted; the same command goes on from {kept.path}", INTERRUPTED)
    lines = runs.results(chosen, kept)
    if write:
        runs.results_path().write_text(runs.results_text(lines), "utf-8")
    enough = report(lines, len(found), len(same), fmt)
    sys.exit(PASSED if enough else FAILED)


def chosen_of(found: Sequence[Mutant], patterns: Sequence[str], every: bool) -> list[Mutant]:
    """The mutants that the command line asks for."""
    if patterns:
        matchers = [glob(p) for p in patterns]
        return [m for m in found if any(match.fullmatch(m.id) for match in matchers)]
    return list(found) if every else runs.sample(found, SHARE)


def show_list(chosen: Sequence[Mutant], fmt: str) -> None:
    if fmt == "json":
        rows = [{"id": m.id, "what": m.what, "role": m.role, "at": str(m.span)} for m in chosen]
        click.echo(json.dumps(rows, indent=1))
        return
    for m in chosen:
        click.echo(f"{m.id}  {m.span}  {m.what}" + ("  (of what is permitted)" if m.role == "oracle" else ""))
    click.echo(f"{len(chosen)} mutants", err=True)


def progress() -> runs.Step:
    """A line on stderr: rewritten on a terminal, one for each stage elsewhere."""
    tty = sys.stderr.isatty()

    def step(what: str, done: int, of: int) -> None:
        if tty:
            click.echo(f"\r{what}: {done} of {of}   ", err=True, nl=done == of)
        elif done == of:
            click.echo(f"{what}: {of} done", err=True)

    return step


def report(lines: Sequence[Outcome], of: int, same: int, fmt: str) -> bool:
    """Print the results; are enough of them killed?"""
    counts = Counter(line["outcome"] for line in lines)
    differing = len(lines) - counts["equivalent"]
    share = counts["killed"] / differing if differing else 1.0
    roles = Counter(line["stage"] for line in lines if line["outcome"] == "killed")
    operators = Counter((line["id"].split("/")[0], line["outcome"]) for line in lines)
    if fmt == "json":
        summary = {
            "mutants": len(lines),
            "of": of,
            "same_code": same,
            **{k: counts[k] for k in ("killed", "equivalent", "listed")},
            "killed_as": {k: roles[k] for k in ("reference", "habit", "oracle")},
            "share": round(share, 4),
        }
        click.echo(json.dumps({"summary": summary, "mutants": list(lines)}, indent=1))
        return share >= ENOUGH
    click.echo(f"{'operator':<16} {'mutants':>7} {'killed':>7} {'equivalent':>10} {'listed':>7}")
    for name in sorted({o for o, _ in operators}):
        row = [operators[name, k] for k in ("killed", "equivalent", "listed")]
        click.echo(f"{name:<16} {sum(row):>7} {row[0]:>7} {row[1]:>10} {row[2]:>7}")
    for line in lines:
        if line["outcome"] == "listed":
            click.echo(f"survived  {line['id']}  {line['what']}  [solver: {line['solver']}; {line['by']}]")
    killed = f"{roles['reference']} as reference, {roles['habit']} with a habit, {roles['oracle']} as oracle"
    click.echo(
        f"RESULT  {counts['killed']} of {differing} killed ({100 * share:.1f} %): {killed} · "
        f"{counts['equivalent']} equivalent (all configurations, by the solver) · {counts['listed']} listed · "
        f"{of} mutants in all, {same} more with the same code"
    )
    return share >= ENOUGH
