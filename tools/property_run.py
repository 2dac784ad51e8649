"""``wireproof run --property N``: generated traces, with a bar of events and their rate."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from wireproof.conformance import records
from wireproof.conformance.baseline import Baseline
from wireproof.conformance.campaign import Options
from wireproof.conformance.catalogue import Kind
from wireproof.conformance.property import PropertyCampaign
from wireproof.tools.marks import Marks, marks
from wireproof.tools.view import View, header

Event = dict[str, Any]


def run_property(
    kind: Kind,
    events: int,
    seed: int,
    baseline: Baseline,
    recorder: records.Recorder | None,
    options: Options,
    command: str,
    fmt: str | None,
    ascii_only: bool,
    verbose: bool,
) -> int:
    """Run generated traces until so many events were done; the exit status. Raises IutError, MutantError, OSError."""
    view = PropertyView(marks(fmt, ascii_only), verbose, recorder.path if recorder is not None else None)
    with shown(fmt, view, events) as emit:
        campaign = PropertyCampaign(kind, events, seed, baseline, emit, recorder, options, command)
        code: int = campaign.run()["exit"]
    return code


@contextmanager
def shown(fmt: str | None, view: Callable[[Event], None], events: int) -> Iterator[Callable[[Event], None]]:
    """Where events go: text or JSON on stdout, progress on stderr."""
    kept: list[Event] = []
    with bar(events, fmt) as advance:

        def emit(event: Event) -> None:
            if event["event"] == "progress":
                advance(event)
            elif fmt == "ndjson":
                click.echo(json.dumps(event, separators=(",", ":")))
            elif fmt == "json":
                kept.append(event)
            else:
                view(event)

        yield emit
    if fmt == "json":
        one = {k: next((e for e in kept if e["event"] == k), None) for k in ("plan", "summary")}
        results = [e for e in kept if e["event"] == "result"]
        click.echo(json.dumps({"plan": one["plan"], "results": results, "summary": one["summary"]}, indent=1))


@contextmanager
def bar(events: int, fmt: str | None) -> Iterator[Callable[[Event], None]]:
    """A bar of the events that were done and how many a second, on stderr if that is a terminal."""
    if not sys.stderr.isatty() or fmt == "ndjson":
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]:,.0f} events/s"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("generating", total=events, rate=0)

        def advance(event: Event) -> None:
            rate = progress.tasks[0].speed or 0
            progress.update(task, completed=event["events"], description=event["what"], rate=rate)

        yield advance


class PropertyView(View):
    """Prints a run of generated traces."""

    def __init__(self, marks: Marks, verbose: bool = False, home: Path | None = None):
        super().__init__(marks, verbose, home)

    def __call__(self, event: Event) -> None:
        if event["event"] == "plan":
            self.plan = event
            for line in [*header(event)[:2], plan_line(event)]:
                self.echo(line)
        else:
            super().__call__(event)

    def failure(self, group: list[Event]) -> None:
        super().failure(group)
        for r in group:
            if r.get("minimised"):
                self.echo(f"  {r.get('cex', '')}  {r['minimised']} · seen {r['times']} times")

    def summary(self, event: Event) -> None:
        self.failures()
        self.known()
        self.surprises(event)
        self.echo()
        for line in property_lines(event):
            self.echo(line)


def plan_line(plan: Event) -> str:
    """How much is generated, from which seed."""
    known = f" · baseline {plan['baseline']['file']} ({plan['baseline']['entries']})" if plan["baseline"] else ""
    return f"plan {plan['property']:,} events of generated traces · seed {plan['seed']}{known}"


def property_lines(summary: Event) -> list[str]:
    """The verdict, the counts, and the exit status."""
    traces, overlays = summary["traces"], summary["overlays"]
    parts = [f"{summary['events']:,} events", f"{sum(traces.values()):,} traces"]
    if summary["new"]:
        parts.append(f"{summary['new']} NEW fail")
    if overlays["xfail"]:
        parts.append(f"{overlays['xfail']} xfail")
    if overlays["unlisted"]:
        parts.append(f"{overlays['unlisted']} with an unlisted SHOULD")
    counted = " · ".join(f"{n:,} {v}" for v, n in traces.items())
    rules = summary["rules"]
    verdict = summary["verdict"] + (" · PARTIAL" if summary["partial"] and summary["verdict"] != "PARTIAL" else "")
    tail = f" · run {summary['run']}" if summary["run"] else ""
    return [
        f"RESULT  {verdict} · " + " · ".join(parts),
        f"        traces: {counted or 'none'} · {rules['fired']} of {rules['of']} rules"
        f" · {summary['events_a_second']:,.0f} events/s · {summary['seconds']:.1f} s{tail} · exit {summary['exit']}",
    ]
