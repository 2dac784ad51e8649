"""``wireproof run``: the suite against an implementation."""

from __future__ import annotations

import json
import os
import shlex
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any, NoReturn

import click

from wireproof.conformance import campaign, catalogue, hunt, records, suite
from wireproof.conformance.baseline import BaselineError
from wireproof.conformance.campaign import FAILED, INTERRUPTED, NOT_STARTED, NOTHING, PASSED, USAGE
from wireproof.conformance.mutation import MutantError
from wireproof.conformance.select import Selection, SelectionError, is_selector, select
from wireproof.conformance.session import IutError
from wireproof.conformance.testcase import SuiteError, TestCase
from wireproof.reference import machine
from wireproof.tools.endings import end
from wireproof.tools.marks import marks
from wireproof.tools.mutants_view import MutantsView
from wireproof.tools.view import View

Event = dict[str, Any]
FORMATS = ("rich", "plain", "json", "ndjson")


def cores() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@click.command()
@click.argument("arguments", metavar="[TARGET] [SELECT]...", nargs=-1)
@click.option("-k", "keyword", metavar="EXPR", default="", help="Only ids with these words (and, or, not).")
@click.option("--exclude", metavar="SELECT", multiple=True, help="Leave these out.")
@click.option("--sample", metavar="N", type=click.IntRange(1), help="Only N of them, at random.")
@click.option("--property", "events", metavar="N", type=click.IntRange(1), help="N events of generated traces instead.")
@click.option("--seed", metavar="S", default=0, show_default=True, help="Which ones --sample or --property takes.")
@click.option("--last-failed", is_flag=True, help="Only what failed in the last run of this target.")
@click.option("--slow", is_flag=True, help="On a wall clock: tests that take minutes, too.")
@click.option("--baseline", "baseline_file", type=click.Path(path_type=Path), help="Known departures, from this file.")
@click.option("--strict", is_flag=True, help="A stale baseline entry is a failure.")
@click.option("--allow-inconclusive", is_flag=True, help="Only inconclusive results are no failure.")
@click.option("--exit-zero", is_flag=True, help="Exit 0 whatever the verdict.")
@click.option("--jobs", type=click.IntRange(1), default=None, help="Processes for mutant:* [default: the processors].")
@click.option("--no-record", is_flag=True, help="Keep nothing under .wireproof/.")
@click.option("--format", "fmt", type=click.Choice(FORMATS), help="[default: rich on a terminal, else plain]")
@click.option("--ascii", "ascii_only", is_flag=True, help="No signs beyond ASCII.")
@click.option("-v", "--verbose", is_flag=True, help="Name every test.")
def run(
    arguments: tuple[str, ...],
    keyword: str,
    exclude: tuple[str, ...],
    sample: int | None,
    events: int | None,
    seed: int,
    last_failed: bool,
    slow: bool,
    baseline_file: Path | None,
    strict: bool,
    allow_inconclusive: bool,
    exit_zero: bool,
    jobs: int | None,
    no_record: bool,
    fmt: str | None,
    ascii_only: bool,
    verbose: bool,
) -> None:
    """Run conformance tests against TARGET and judge every answer by the specification. With --property N, traces are
    generated from what the rules compare until N events were done; what fails is made as short as it can be.

    TARGET is ref (the default), ref6, mutant:NAME, 'mutant:*' (each must be found), linux, linux6; see `wireproof
    targets list`. SELECT is a glob of test ids (tcp/sequence/**), a requirement (MUST-13, 'SHLD-*'), a section
    (rfc9293:3.10.7.4), a tag (state:SYN-SENT, event:segment, level:must, rule:tcp/reset/*), or @FILE with one a line.

    \b
    Exit status
      0    no new failure, and something was verified (mutants: each was found)
      1    a new failure, an unlisted departure from a SHOULD, or an XPASS (mutants: one was not found)
      2    the command line or the baseline is wrong
      3    the target could not be started
      4    nothing was verified: nothing selected, or no conclusive result
      130  interrupted; what was found is kept and marked PARTIAL
    """
    name, selectors = split(arguments)
    options = campaign.Options(strict, exit_zero, allow_inconclusive, slow)
    if events is not None:
        if selectors or exclude or keyword or sample or last_failed:
            end("--property generates its tests: leave the selectors out", USAGE)
        sys.exit(generated(name, events, seed, baseline_file, options, no_record, fmt, ascii_only, verbose))
    cases = read_suite()
    try:
        ids = failed_before(name) if last_failed else None
        selection = select(cases, selectors, exclude, keyword, sample, seed, ids)
    except (SelectionError, records.RecordError) as error:
        end(str(error), USAGE)
    for text, hint in selection.unmatched:
        click.echo(f"wireproof: '{text}' matches no test; {hint}", err=True)
    if not selection.cases:
        end("no test is selected: `wireproof suite list` shows all, with their tags", NOTHING)
    many = name.startswith("mutant:") and any(c in name for c in "*?[")
    try:
        mutants = matching(name) if many else []
        kind = catalogue.find("ref" if many else name)
        baseline = kind.baseline(baseline_file)
    except (catalogue.UnknownTarget, BaselineError) as error:
        end(str(error), USAGE)
    recorder = None if no_record else start_recording()
    command = shlex.join(["wireproof", *sys.argv[1:]])
    try:
        if many:
            show = MutantsView(marks(fmt, ascii_only), verbose)
            with output(fmt, show, recorder, len(mutants), "mutant") as emit:
                code = hunted(name, mutants, selection, len(cases), jobs or cores(), emit, options)
        else:
            view = View(marks(fmt, ascii_only), verbose, recorder.path if recorder is not None else None)
            with output(fmt, view, recorder, len(selection.cases), "result") as emit:
                runner = campaign.Campaign(
                    kind, selection.cases, len(cases), baseline, emit, recorder, options, command
                )
                code = runner.run()["exit"]
    except (IutError, MutantError, OSError) as error:
        not_started(name, error)
    finally:
        if recorder is not None:
            recorder.close()
    sys.exit(code)


def not_started(name: str, error: Exception) -> NoReturn:
    """End the command: there is nothing to test."""
    end(f"{name} could not be started: {error}\n`wireproof doctor` tells what this machine lacks", NOT_STARTED)


def generated(
    name: str,
    events: int,
    seed: int,
    baseline_file: Path | None,
    options: campaign.Options,
    no_record: bool,
    fmt: str | None,
    ascii_only: bool,
    verbose: bool,
) -> int:
    """``--property``: generated traces against one target; the exit status."""
    from wireproof.tools.property_run import run_property

    try:
        kind = catalogue.find(name)
        baseline = kind.baseline(baseline_file)
    except (catalogue.UnknownTarget, BaselineError) as error:
        end(str(error), USAGE)
    recorder = None if no_record else start_recording()
    command = shlex.join(["wireproof", *sys.argv[1:]])
    try:
        return run_property(kind, events, seed, baseline, recorder, options, command, fmt, ascii_only, verbose)
    except (IutError, MutantError, OSError) as error:
        not_started(name, error)
    finally:
        if recorder is not None:
            recorder.close()


def matching(name: str) -> list[str]:
    """The mutants that ``mutant:GLOB`` names. Raises UnknownTarget."""
    names = hunt.matching(name.partition(":")[2])
    if not names:
        raise catalogue.UnknownTarget(f"no mutant matches '{name}'; `wireproof targets list` shows them")
    return names


def split(arguments: tuple[str, ...]) -> tuple[str, list[str]]:
    """The target and the selectors; a first argument that can only be a selector means the reference."""
    if not arguments:
        return "ref", []
    first = arguments[0]
    if first not in catalogue.kinds() and is_selector(first):
        return "ref", list(arguments)
    return first, list(arguments[1:])


def read_suite() -> list[TestCase]:
    """The frozen suite, or the end of the command."""
    try:
        return suite.load()
    except SuiteError as error:
        end(str(error), USAGE)


def start_recording() -> records.Recorder | None:
    """A directory for the run; where none can be made, say so and go on."""
    try:
        return records.Recorder()
    except OSError as error:
        click.echo(f"wireproof: nothing is recorded: {records.HOME}: {error.strerror}", err=True)
        return None


def failed_before(target: str) -> frozenset[str]:
    """What failed in the last run of the target. Raises RecordError."""
    run = records.last(target)
    if run is None:
        raise records.RecordError(f"--last-failed: no run of {target} is recorded in {records.HOME / 'runs'}")
    return frozenset(r["id"] for r in run.failures(known=False))


def hunted(
    name: str,
    names: list[str],
    selection: Selection,
    of: int,
    jobs: int,
    emit: Callable[[Event], None],
    options: campaign.Options,
) -> int:
    """Try the mutants and give the events of all; the exit status."""
    begun = time.perf_counter()
    emit(
        {
            "event": "plan",
            "wireproof": version("wireproof"),
            "spec": campaign.SPEC,
            "spec_hash": machine.tcp().spec_hash,
            "suite": suite.SUITE,
            "target": {"name": name},
            "mutants": len(names),
            "selected": len(selection.cases),
            "of": of,
            "jobs": jobs,
        }
    )
    found: list[Event] = []

    def note(event: Event) -> None:
        found.append(event)
        emit(event)

    partial = False
    try:
        hunt.hunt(names, selection.cases, of, jobs, note)
    except KeyboardInterrupt:
        partial = True
    missed = [e["name"] for e in found if not e["found"]]
    code = INTERRUPTED if partial else FAILED if missed and not options.exit_zero else PASSED
    emit(
        {
            "event": "summary",
            "partial": partial,
            "mutants": len(names),
            "found": len(found) - len(missed),
            "missed": missed,
            "order": names,
            "seconds": round(time.perf_counter() - begun, 3),
            "exit": code,
        }
    )
    return code


@contextmanager
def output(
    fmt: str | None, view: Callable[[Event], None], recorder: records.Recorder | None, total: int, unit: str
) -> Iterator[Callable[[Event], None]]:
    """Where events go: the view or a machine format on stdout, and a progress bar on stderr when that is a terminal.

    The campaign writes to the recorder itself; a hunt's events are written here.
    """
    kept: list[Event] = []

    def machine_readable(event: Event) -> None:
        if fmt == "ndjson":
            click.echo(json.dumps(event, separators=(",", ":")))
        else:
            kept.append(event)

    sink = machine_readable if fmt in ("json", "ndjson") else view
    with bar(total, unit, fmt) as step:

        def emit(event: Event) -> None:
            if recorder is not None and unit == "mutant":
                recorder.write(event)
            if event["event"] == unit:
                step()
            sink(event)

        yield emit
    if fmt == "json":
        plan = next((e for e in kept if e["event"] == "plan"), None)
        summary = next((e for e in kept if e["event"] == "summary"), None)
        results = [e for e in kept if e["event"] == unit]
        click.echo(json.dumps({"plan": plan, f"{unit}s": results, "summary": summary}, indent=1))


@contextmanager
def bar(total: int, unit: str, fmt: str | None) -> Iterator[Callable[[], None]]:
    """A progress bar on stderr, if that is a terminal; it is gone when the work is done."""
    if not sys.stderr.isatty() or fmt == "ndjson":
        yield lambda: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(f"{unit}s", total=total)
        yield lambda: progress.advance(task)
