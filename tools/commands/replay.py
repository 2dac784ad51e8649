"""``wireproof replay``: recorded failures again, judged by the specification of today."""

from __future__ import annotations

import json
import sys
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path

import click

from wireproof.conformance import catalogue, evidence, records
from wireproof.conformance.baseline import GENERATED
from wireproof.conformance.campaign import FAILED, INTERRUPTED, NOT_STARTED, NOTHING, PASSED, USAGE, Campaign
from wireproof.conformance.mutation import MutantError
from wireproof.conformance.session import IutError
from wireproof.conformance.testcase import TestCase
from wireproof.conformance.trace import TraceError
from wireproof.tools.commands.run import read_suite
from wireproof.tools.endings import end
from wireproof.tools.marks import Marks, marks

SIGNS = {"FIXED": "pass", "STILL": "fail", "CHANGED": "inconclusive", "ERROR": "error", "SAME": "pass"}


@dataclass(slots=True)
class Outcome:
    """What became of one recorded test. ``SAME``: it was accepted when it was recorded, and still is."""

    outcome: str
    id: str
    cex: str
    text: str


@click.command()
@click.argument("what", metavar="[FILE.wpt|CEX|RUN]", required=False)
@click.option("--target", metavar="TARGET", help="Run the tests again on this target, too.")
@click.option("--format", "fmt", type=click.Choice(["rich", "plain", "json"]), help="How to print.")
def replay(what: str | None, target: str | None, fmt: str | None) -> None:
    """Judge recorded failures again; with --target, run their tests again.

    Without an argument: the failures of the newest run. A recording that is refused by another rule than before, or
    for another reason, is CHANGED.

    \b
    Exit status
      0    every failure is FIXED, or what was accepted still is
      1    one is STILL there, CHANGED, or an ERROR
      2    there is no such recording
      3    the target could not be started
      4    there is nothing to replay
      130  interrupted
    """
    recorded, files = _recorded(what)
    if not recorded and not files:
        end("there is no failure to replay", NOTHING)
    if target is not None:
        outcomes = _rerun(target, [*((e, _own_case(r, e)) for r, e in recorded), *(_from_file(f) for f in files)])
        how = f"run again on {target}"
    else:
        outcomes = [_rejudged(path, event) for path, event in _traces(recorded, files)]
        how = "judged again as recorded (--target runs them again)"
    if fmt == "json":
        click.echo(json.dumps([asdict(o) for o in outcomes], indent=1))
    else:
        _print(outcomes, how, marks(fmt))
    sys.exit(PASSED if all(o.outcome in ("FIXED", "SAME") for o in outcomes) else FAILED)


def _print(outcomes: list[Outcome], how: str, m: Marks) -> None:
    m.echo(f"{len(outcomes)} recorded, {how}")
    for o in outcomes:
        m.echo(f"  {m[SIGNS[o.outcome]]} {o.outcome:<8} {o.id}   {o.cex}")
        if o.text:
            m.echo(f"             {o.text}")
    counts = Counter(o.outcome for o in outcomes)
    code = PASSED if set(counts) <= {"FIXED", "SAME"} else FAILED
    listed = ", ".join(f"{n} {o.lower()}" for o, n in counts.items())
    m.echo(f"{listed} · exit {code}")


# ---- what was recorded ---------------------------------------------------------------------------------------------


def _recorded(what: str | None) -> tuple[list[tuple[records.Run, records.Event]], list[Path]]:
    """The failures that are meant, or the file."""
    try:
        if what is None:
            run = records.last()
            if run is None:
                end(f"no run is recorded in {records.HOME / 'runs'}: `wireproof run` makes one", NOTHING)
        elif what.startswith("c-") and not Path(what).exists():
            return [records.find(what)], []
        elif what in records.run_ids():
            run = records.load(what)
        elif Path(what).is_file():
            return [], [Path(what)]
        else:
            end(
                f"'{what}' is no file, no counterexample (c-...) and no run (r...); `wireproof cex list` shows some",
                USAGE,
            )
    except records.RecordError as error:
        end(str(error), USAGE)
    return [(run, e) for e in (*run.failures(known=False), *run.firsts())], []


def _traces(
    recorded: list[tuple[records.Run, records.Event]], files: list[Path]
) -> list[tuple[Path | None, records.Event | None]]:
    out: list[tuple[Path | None, records.Event | None]] = [(f, None) for f in files]
    for run, event in recorded:
        name = next((a for a in event["artefacts"] if a.endswith(".wpt")), None)
        out.append((run.path / name if name else None, event))
    return out


def _from_file(path: Path) -> tuple[records.Event, TestCase | None]:
    try:
        return evidence.header(path)
    except TraceError as error:
        end(str(error), USAGE)


def _own_case(run: records.Run, event: records.Event) -> TestCase | None:
    """The test that a recording brings: of a generated trace there is no other."""
    name = next((a for a in event["artefacts"] if a.endswith(".wpt")), None)
    if name is None or not event["id"].startswith(GENERATED):
        return None
    try:
        return evidence.header(run.path / name)[1]
    except TraceError:
        return None


def _rejudged(path: Path | None, event: records.Event | None) -> Outcome:
    """A recording, judged by the specification of today."""
    test, cex = (event["id"], event.get("cex", "")) if event is not None else (str(path), "")
    if path is None:
        return Outcome("ERROR", test, cex, "no trace was kept; name a --target to run the test again")
    try:
        before, now = evidence.header(path)[0], evidence.rejudge(path)
    except TraceError as error:
        if event is None:
            end(str(error), USAGE)
        return Outcome("ERROR", test, cex, str(error))
    return _compared(str(before["id"]), cex, before, now)


def _compared(test: str, cex: str, before: records.Event, now: records.Event) -> Outcome:
    if now["verdict"] == "error":
        return Outcome("ERROR", test, cex, now["text"])
    if now["verdict"] == "pass":
        return Outcome("SAME" if before["verdict"] == "pass" else "FIXED", test, cex, "")
    same = ("verdict", "refused_by", "kind")
    if [now.get(k, "") for k in same] == [before.get(k, "") for k in same]:
        return Outcome("STILL", test, cex, f"{now['rule']}: {now['text']}")
    was = f"{before['verdict']} {before.get('refused_by', '')}".strip()
    return Outcome("CHANGED", test, cex, f"was {was}; now {now['verdict']} {now['rule']}: {now['text']}")


# ---- running again -------------------------------------------------------------------------------------------------


def _rerun(target: str, recorded: list[tuple[records.Event, TestCase | None]]) -> list[Outcome]:
    """The tests again, on a target; those of the suite unless a recording brings its own."""
    known: dict[str, TestCase] = {}
    for case in read_suite():
        known |= dict.fromkeys((case.id, *case.aka), case)
    known |= {case.id: case for _, case in recorded if case is not None}
    cases = {e["id"]: known[e["id"]] for e, _ in recorded if e["id"] in known}
    now: dict[str, records.Event] = {}

    def note(event: records.Event) -> None:
        if event["event"] == "result":
            now[event["id"]] = event

    try:
        kind = catalogue.find(target)
        if cases:
            summary = Campaign(kind, list({c.id: c for c in cases.values()}.values()), len(known), emit=note).run()
            if summary["partial"]:
                end("interrupted", INTERRUPTED)
    except catalogue.UnknownTarget as error:
        end(str(error), USAGE)
    except (IutError, MutantError, OSError) as error:
        end(f"{target} could not be started: {error}\n`wireproof doctor` tells what this machine lacks", NOT_STARTED)
    out = []
    for e, _ in recorded:
        cex = e.get("cex", "")
        if e["id"] not in cases:
            out.append(Outcome("ERROR", e["id"], cex, "the suite has no such test any more"))
        else:
            out.append(_compared(e["id"], cex, e, now[cases[e["id"]].id]))
    return out
