"""``wireproof cex``: recorded counterexamples."""

from __future__ import annotations

import json
from typing import Any

import click

from wireproof.conformance import records
from wireproof.conformance.campaign import NOTHING, USAGE
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
