"""``wireproof suite build``: the suite from nothing, and what became of every purpose."""

from __future__ import annotations

import json
import statistics
import sys
import time
from pathlib import Path

import click

from wireproof.conformance.campaign import NOTHING, USAGE
from wireproof.conformance.purpose_table import Entry, read, summary, text
from wireproof.conformance.testcase import SuiteError, suite_file
from wireproof.tools.endings import end
from wireproof.tools.marks import marks

FORMAT = click.option("--format", "fmt", type=click.Choice(["rich", "plain", "json"]), help="How to print.")
HERE = Path(".wireproof/suite")


@click.command("build")
@click.option("--output", type=click.Path(path_type=Path), default=HERE, show_default=True, help="Where it is made.")
@click.option("--jobs", type=click.IntRange(1, 64), default=2, show_default=True, help="Processes.")
@click.option("--rounds", type=click.IntRange(1), default=40, show_default=True, help="Rounds of traces at most.")
@click.option("--budget", type=click.FloatRange(min=1), default=600, show_default=True, help="Seconds of rounds.")
@click.option("--proof-budget", type=click.FloatRange(min=0.1), default=10, show_default=True, help="Seconds a proof.")
@click.option("--restart", is_flag=True, help="Begin anew, whatever an earlier build left.")
@FORMAT
def build(
    output: Path, jobs: int, rounds: int, budget: float, proof_budget: float, restart: bool, fmt: str | None
) -> None:
    """Search, draw and prove: make the test cases and the table of purposes.

    A build that was interrupted goes on where it was. Exit status 4: some purposes are open.
    """
    from wireproof.conformance.coverage import Coverage
    from wireproof.conformance.purpose_proofs import prove
    from wireproof.conformance.suite_build import Build, entries
    from wireproof.spec.load import tcp

    model = tcp()
    progress = _Progress()
    job = Build(model, output, jobs, rounds, budget)
    try:
        if restart or not job.resume():
            job.begin()
        else:
            click.echo(f"going on with {job.journal}: {job.done} rounds are done", err=True)
    except OSError as error:
        end(f"{output}: {error.strerror}; name another directory with --output", USAGE)
    coverage = Coverage(model)
    job.search(coverage, progress)
    job.hunt(coverage, progress)
    tried = f"{job.done} rounds of traces, {job.seconds:.0f} s"
    left = [p for p in coverage.purposes if p.id not in job.witnesses]
    proofs = prove(model, left, proof_budget, jobs, job, progress)
    cases, table = entries(job, coverage, proofs, f"{tried}; a proof within {proof_budget:g} s", progress)
    progress.clear()
    (output / "tcp.jsonl").write_text(suite_file(job.cases), "utf-8")
    (output / "tcp_made.jsonl").write_text(suite_file(cases), "utf-8")
    (output / "tcp_purposes.jsonl").write_text(text(table), "utf-8")
    for line in job.refused[:20]:
        click.echo(f"! {line}", err=True)
    show_table(table, fmt, spent=job.spent)
    if any(e.status == "open" for e in table):
        end("open purposes are neither covered nor proved unreachable", NOTHING)


class _Progress:
    """A line on standard error, not more often than once a second when nobody looks at it live."""

    def __init__(self) -> None:
        self.live = sys.stderr.isatty()
        self.last = 0.0

    def __call__(self, stage: str, done: int, of: int, left: int) -> None:
        now = time.monotonic()
        if now - self.last < (0.2 if self.live else 15):
            return
        self.last = now
        line = f"{stage}: {done} of {of}" + (f", {left} purposes left" if left else "")
        click.echo(f"\r{line:<78}" if self.live else line, nl=not self.live, err=True)

    def clear(self) -> None:
        if self.live:
            click.echo("\r" + " " * 78 + "\r", nl=False, err=True)


def show_purposes(fmt: str | None, only: str = "") -> None:
    """The table that comes with wireproof. Exit status 2: it cannot be read."""
    try:
        table = read()
    except SuiteError as error:
        end(str(error), USAGE)
    show_table(table, fmt, only)


def show_table(table: list[Entry], fmt: str | None, only: str = "", spent: dict[str, float] | None = None) -> None:
    """Figures, and the purposes with one status when it is named; what each took (s), after a build."""
    figures = summary(table)
    if spent:
        p90 = statistics.quantiles(spent.values(), n=10)[-1] if len(spent) > 1 else max(spent.values())
        figures["seconds"] = {"median": round(statistics.median(spent.values()), 4), "p90": round(p90, 4)}
    if fmt == "json":
        listed = [json.loads(e.to_json()) for e in table if e.status == only] if only else []
        click.echo(json.dumps(figures | ({only: listed} if only else {}), indent=1))
        return
    m = marks(fmt)
    m.echo(f"{'':<12} {'covered':>8} {'unreachable':>12} {'open':>6}")
    rows = {**figures["kinds"], "all": figures["purposes"]}
    for kind, n in rows.items():
        m.echo(f"{kind:<12} {n['covered']:>8} {n['unreachable']:>12} {n['open']:>6}")
    if "seconds" in figures:
        m.echo("time per purpose: median {median} s, nine in ten within {p90} s".format(**figures["seconds"]))
    for e in table:
        if e.status == (only or "open"):
            m.echo(f"{e.status:<12} {e.purpose}  {e.case or e.why}")
