"""``wireproof diff``: two profiles of the specification, two targets, or two recorded runs."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import click

from wireproof.conformance import catalogue, records, spec_diff, target_diff, trace
from wireproof.conformance.campaign import FAILED, NOT_STARTED, NOTHING, PASSED, USAGE
from wireproof.conformance.mutation import MutantError
from wireproof.conformance.select import SelectionError, select
from wireproof.conformance.session import IutError
from wireproof.conformance.testcase import TestCase
from wireproof.conformance.tester import Report, Settings
from wireproof.reference import machine as machines
from wireproof.tools import diff_view
from wireproof.tools.commands.diagram import hint
from wireproof.tools.commands.run import bar, read_suite
from wireproof.tools.endings import end
from wireproof.tools.marks import marks

KINDS = ("spec", "target")


@click.command()
@click.argument("a", metavar="A")
@click.argument("b", metavar="B")
@click.argument("selectors", metavar="[SELECT]...", nargs=-1)
@click.option("--all", "every", is_flag=True, help="Profiles: a trace for each rule; else: name every difference.")
@click.option("--max-steps", type=click.IntRange(1, 12), default=spec_diff.MAX_STEPS, show_default=True)
@click.option("--max-states", type=click.IntRange(1), default=spec_diff.MAX_NODES, show_default=True)
@click.option("-k", "keyword", metavar="EXPR", default="", help="Targets: only ids with these words.")
@click.option("--exclude", metavar="SELECT", multiple=True, help="Targets: leave these out.")
@click.option("--sample", metavar="N", type=click.IntRange(1), help="Targets: only N tests, at random.")
@click.option("--seed", metavar="S", default=0, show_default=True, help="Which ones --sample takes.")
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="Profiles: keep the trace (.wpt).")
@click.option("--format", "fmt", type=click.Choice(["rich", "plain", "json"]), help="How to print.")
def diff(
    a: str,
    b: str,
    selectors: tuple[str, ...],
    every: bool,
    max_steps: int,
    max_states: int,
    keyword: str,
    exclude: tuple[str, ...],
    sample: int | None,
    seed: int,
    output: Path | None,
    fmt: str | None,
) -> None:
    """What tells A from B: the shortest trace, and which of them the specification blames.

    A and B are two profiles (spec:rfc9293 spec:rfc5961), two targets (target:ref target:linux, with SELECT as for
    `wireproof run`) or two recorded runs (r3 r4).

    \b
    Exit status
      0    the same
      1    they differ
      2    usage
      3    a target could not be started
      4    undecided: no difference within the bound, or tests without an answer
    """
    kind, one, two = _sides(a, b)
    if kind != "target" and (selectors or keyword or exclude or sample):
        end(f"{a} and {b} are no targets: SELECT, -k, --exclude and --sample choose tests for target:NAME", USAGE)
    if kind != "spec" and output is not None:
        end("--output keeps the trace between two profiles: spec:A spec:B", USAGE)
    if kind == "spec":
        code = _specs(one, two, every, max_steps, max_states, output, fmt)
    elif kind == "target":
        code = _targets(one, two, _chosen(selectors, keyword, exclude, sample, seed), every, fmt)
    else:
        code = _runs(one, two, every, fmt)
    sys.exit(code)


def _sides(a: str, b: str) -> tuple[str, str, str]:
    """What is compared: ``spec``, ``target`` or ``run``, and the names."""
    kinds = []
    for text in (a, b):
        prefix, colon, name = text.partition(":")
        if colon and prefix in KINDS and name:
            kinds.append((prefix, name))
        elif text in records.run_ids():
            kinds.append(("run", text))
        else:
            end(f"'{text}' is neither spec:PROFILE nor target:NAME nor a recorded run; {_meant(text)}", USAGE)
    if kinds[0][0] != kinds[1][0]:
        end(f"{a} and {b} are of different kinds: compare two profiles, two targets or two runs", USAGE)
    return kinds[0][0], kinds[0][1], kinds[1][1]


def _meant(text: str) -> str:
    from wireproof.spec.load import tcp

    known = [*(f"spec:{p}" for p in tcp().profiles), *(f"target:{t}" for t in catalogue.kinds())]
    same = [k for k in known if k.partition(":")[2] == text]
    return f"write {' or '.join(same)}" if same else hint(text, [*known, *records.run_ids()])


# ---- profiles ------------------------------------------------------------------------------------------------------


def _specs(a: str, b: str, every: bool, steps: int, states: int, output: Path | None, fmt: str | None) -> int:
    from wireproof.spec.load import tcp

    model = tcp()
    for name in (a, b):
        if name not in model.profiles:
            end(f"there is no profile '{name}'; {hint(name, model.profiles)}", USAGE)
    between = spec_diff.gap(model, a, b)
    found = spec_diff.Search()
    if between:
        tell = _tell() if fmt != "json" else None
        found = spec_diff.search(model, a, b, every, steps, states, tell)
        if tell is not None:
            click.echo(err=True)
    code = FAILED if found.differences else NOTHING if between else PASSED
    if output is not None and found.differences:
        _keep(found.differences[0], output)
    facts = diff_view.spec_facts(a, b, between, found, model.spec_hash, code)
    if fmt == "json":
        click.echo(json.dumps(facts, indent=1))
    else:
        m = marks(fmt)
        for line in diff_view.spec_lines(facts, m, every):
            m.echo(line)
    return code


def _tell() -> Callable[[int, int], None] | None:
    if not sys.stderr.isatty():
        return None
    return lambda depth, tried: click.echo(f"\r{depth} steps, {tried} traces ", err=True, nl=False)


def _keep(d: spec_diff.Difference, output: Path) -> None:
    case = TestCase(f"tcp/diff/{d.does}/{d.refuses}/{d.names[-1]}", d.steps, [d.rule])
    report = Report("fail", d.refusal, oracle=d.tester.oracle)
    try:
        trace.save(output, report, Settings(machines.tcp(), d.refuses), case=case, target=f"spec:{d.does}")
    except OSError as error:
        end(f"{output}: cannot be written ({error.strerror}); name another file with --output", USAGE)


# ---- targets -------------------------------------------------------------------------------------------------------


def _chosen(
    selectors: tuple[str, ...], keyword: str, exclude: tuple[str, ...], sample: int | None, seed: int
) -> list[TestCase]:
    try:
        selection = select(read_suite(), selectors, exclude, keyword, sample, seed)
    except SelectionError as error:
        end(str(error), USAGE)
    for text, nearest in selection.unmatched:
        click.echo(f"wireproof: '{text}' matches no test; {nearest}", err=True)
    return selection.cases


def _targets(a: str, b: str, cases: list[TestCase], every: bool, fmt: str | None) -> int:
    from wireproof.conformance.testcase import SLOW_US

    try:
        one, two = catalogue.find(a), catalogue.find(b)
    except catalogue.UnknownTarget as error:
        end(str(error), USAGE)
    if one.family != two.family:
        end(f"{a} is tested over IPv{one.family} and {b} over IPv{two.family}: their segments differ anyway", USAGE)
    if "wall" in (one.clock, two.clock):
        slow = sum(c.duration_us > SLOW_US for c in cases)
        cases = [c for c in cases if c.duration_us <= SLOW_US]
        if slow:
            click.echo(f"wireproof: {slow} tests that take minutes on a wall clock are left out", err=True)
    if not cases:
        end("no test is selected: `wireproof suite list` shows all, with their tags", NOTHING)
    try:
        with bar(2 * len(cases), "result", fmt) as step:
            found = target_diff.compare(one, two, cases, step)
    except (IutError, MutantError, OSError) as error:
        end(f"a target could not be started: {error}\n`wireproof doctor` tells what this machine lacks", NOT_STARTED)
    code = FAILED if found.differ else NOTHING if found.undecided else PASSED
    facts = diff_view.target_facts(a, b, found, code)
    if fmt == "json":
        click.echo(json.dumps(facts, indent=1))
    else:
        m = marks(fmt)
        for line in diff_view.target_lines(facts, m, every):
            m.echo(line)
    return code


# ---- runs ----------------------------------------------------------------------------------------------------------


def _runs(a: str, b: str, every: bool, fmt: str | None) -> int:
    try:
        changes = diff_view.run_changes(records.load(a), records.load(b))
    except records.RecordError as error:
        end(str(error), USAGE)
    code = FAILED if changes else PASSED
    if fmt == "json":
        click.echo(json.dumps({"a": a, "b": b, "changes": [asdict(c) for c in changes], "exit": code}, indent=1))
        return code
    m = marks(fmt)
    counts = Counter(c.what for c in changes)
    m.echo(f"{a} and {b} · {', '.join(f'{n} {w}' for w, n in sorted(counts.items())) or 'the same results'}")
    for c in changes if every else changes[: diff_view.SHOWN]:
        m.echo(f"  {m['pass' if c.what == 'fixed' else 'fail']} {c.what:<9} {c.id}   {c.a} | {c.b}")
    if len(changes) > diff_view.SHOWN and not every:
        m.echo(f"and {len(changes) - diff_view.SHOWN} more (--all names them)")
    m.echo(f"exit {code}")
    return code
