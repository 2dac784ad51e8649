"""``wireproof cex``: recorded counterexamples."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from wireproof.conformance import catalogue, evidence, records, suite
from wireproof.conformance.campaign import FAILED, NOT_STARTED, NOTHING, USAGE
from wireproof.conformance.minimise import BUDGET
from wireproof.conformance.mutation import MutantError
from wireproof.conformance.session import IutError
from wireproof.conformance.shortening import save, shorten
from wireproof.conformance.testcase import SuiteError, TestCase
from wireproof.conformance.trace import TraceError
from wireproof.tools.commands.cex_export import export
from wireproof.tools.endings import end
from wireproof.tools.marks import marks
from wireproof.tools.view import ladder, story

FORMAT = click.option("--format", "fmt", type=click.Choice(["rich", "plain", "json"]), help="How to print.")


@click.group()
def cex() -> None:
    """Counterexamples: the failures that runs have recorded."""


cex.add_command(export)


@cex.command("list")
@click.argument("run", required=False)
@FORMAT
def list_(run: str | None, fmt: str | None) -> None:
    """The failures of a run, by default of the newest. Exit status 4: there are none."""
    try:
        found = records.load(run) if run else records.last()
    except records.RecordError as error:
        end(str(error), USAGE)
    if found is None:
        end(f"no run is recorded in {records.HOME / 'runs'}: `wireproof run` makes one", NOTHING)
    failures = [e for e in (*found.failures(), *found.firsts()) if e.get("cex")]
    if fmt == "json":
        click.echo(json.dumps(failures, indent=1))
    else:
        m = marks(fmt)
        for e in failures:
            mark = m["xfail" if e["overlay"] == "xfail" else e["verdict"]]
            m.echo(f"{mark} {e['cex']:<7} {e['id']}   {e['rule'] or e['kind']}")
        click.echo(m.plain(f"{len(failures)} in run {found.id} of {found.target}"), err=True)
    if not failures:
        end(f"run {found.id} of {found.target} has no failure", NOTHING)


@cex.command()
@click.argument("short", metavar="ID")
@FORMAT
def show(short: str, fmt: str | None) -> None:
    """What happened, step by step."""
    found, event = _find(short)
    if fmt == "json":
        click.echo(json.dumps(event, indent=1))
        return
    m = marks(fmt)
    for line in [*_title(found, event), *story(event), *ladder(event, m), *_files(found, event)]:
        m.echo(line)


@cex.command()
@click.argument("short", metavar="ID")
@FORMAT
def explain(short: str, fmt: str | None) -> None:
    """Why it was refused: what was allowed, and the nearest rules with the conjunct that was false."""
    found, event = _find(short)
    if fmt == "json":
        click.echo(json.dumps({k: event[k] for k in ("cex", "id", "rule", "explanation") if k in event}, indent=1))
        return
    m = marks(fmt)
    for line in [*_title(found, event), "", *(event.get("explanation") or story(event)), *_files(found, event)]:
        m.echo(line)


@cex.command()
@click.argument("what", metavar="ID|FILE.wpt")
@click.option("--target", metavar="TARGET", help="Run it on this target instead of the one it failed on.")
@click.option("--budget", metavar="N", type=click.IntRange(1), default=BUDGET, show_default=True, help="Traces to try.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Where to write the short trace.")
def minimize(what: str, target: str | None, budget: int, output: Path | None) -> None:
    """The shortest trace that is refused by the same rule, and in the same way.

    \b
    Exit status
      0    it was made as short as it can be
      1    it does not fail any more
      2    there is no such failure, or it brings no test
      3    the target could not be started
      4    the budget was used up; the shortest trace so far is kept
    """
    name, case, place = _failing(what)
    try:
        kind = catalogue.find(target or name)
        found = shorten(case, kind, budget)
    except catalogue.UnknownTarget as error:
        end(str(error), USAGE)
    except (IutError, MutantError, OSError) as error:
        end(f"{target or name} could not be started: {error}\n`wireproof doctor` tells what is missing", NOT_STARTED)
    if found is None:
        end(f"{what} does not fail on {kind.name} any more", FAILED)
    m = marks(None)
    m.echo(f"{what}  {found.result}, refused by {found.result.refusal.rule or 'no rule'}, {found.result.tried} tried")
    for step in found.result.steps:
        m.echo(f"  {json.dumps(step)}")
    try:
        files = save(found, output or place, kind)
    except OSError as error:
        end(f"{output or place}: cannot be written ({error.strerror})", USAGE)
    if files:
        m.echo("files  " + " ".join(map(str, files)))
        m.echo(f"reproduce  wireproof replay {files[0]} --target {kind.name}")
    if not found.result.complete:
        end(f"--budget {budget} was used up: a larger one may find a shorter trace", NOTHING)


def _failing(what: str) -> tuple[str, TestCase, Path]:
    """Target and test of a recorded failure, and where its short trace goes."""
    try:
        if Path(what).is_file():
            event, case = evidence.header(Path(what))
            name, place = str(event["target"]), Path(what).with_suffix(".min.wpt")
        else:
            run, event = records.find(what)
            name, place = str(event.get("target") or run.target), run.path / f"{what}.min.wpt"
            kept = next((a for a in event["artefacts"] if a.endswith(".wpt")), None)
            case = evidence.header(run.path / kept)[1] if kept else None
            if case is None:
                case = next((c for c in suite.load() if event["id"] in (c.id, *c.aka)), None)
    except (records.RecordError, TraceError, SuiteError) as error:
        end(str(error), USAGE)
    if case is None:
        end(f"{what} brings no test that could be run again: a trace that was only watched stays as it is", USAGE)
    return name, case, place


def _find(short: str) -> tuple[records.Run, dict[str, Any]]:
    try:
        return records.find(short)
    except records.RecordError as error:
        end(str(error), USAGE)


def _title(run: records.Run, event: dict[str, Any]) -> list[str]:
    known = " · a known failure" if event["overlay"] == "xfail" else ""
    return [f"{event['cex']}  {event['id']}", f"target {run.target} · run {run.id} · {event['verdict']}{known}"]


def _files(run: records.Run, event: dict[str, Any]) -> list[str]:
    return ["", "files  " + " ".join(str(run.path / a) for a in event["artefacts"])] if event["artefacts"] else []
