"""``wireproof pair``: two endpoints over a bad channel, every interleaving."""

from __future__ import annotations

import difflib
import json
import sys
from dataclasses import asdict
from typing import Any

import click

from wireproof.conformance import exploration, mutation
from wireproof.conformance.exploration import Report
from wireproof.conformance.pair_claims import Step, Verdict
from wireproof.conformance.pairs import SURPLUS, Bounds
from wireproof.conformance.scenarios import SCENARIOS
from wireproof.reference.machine import Machine, tcp
from wireproof.tools.endings import end
from wireproof.tools.marks import Marks, marks

HOLDS, VIOLATED, USAGE, OPEN, INTERRUPTED = 0, 1, 2, 4, 130
SIGNS = {"holds": "pass", "violated": "fail", "open": "inconclusive"}
PROFILES = ("rfc793", "rfc9293", "rfc5961", "linux")
USUAL = Bounds()


@click.command()
@click.argument("names", metavar="[SCENARIO]...", nargs=-1)
@click.option("--loss", metavar="N", default=USUAL.loss, show_default=True, help="Segments that are lost at most.")
@click.option("--dup", metavar="N", default=USUAL.dup, show_default=True, help="Segments that arrive twice at most.")
@click.option("--reorder/--no-reorder", default=True, help="Segments overtake each other. [default: they do]")
@click.option(
    "--channel",
    metavar="N",
    default=USUAL.channel,
    show_default=True,
    help="With N segments in flight one way only answers are sent.",
)
@click.option("--max-states", metavar="N", default=USUAL.max_states, show_default=True, help="Give up at so many.")
@click.option("--profile", type=click.Choice(PROFILES), default="rfc5961", show_default=True)
@click.option("--mutant", metavar="NAME", help="The rules of this mutant (wireproof targets list).")
@click.option("--format", "fmt", type=click.Choice(["rich", "plain", "json"]), help="How to print.")
@click.option(
    "-v", "--verbose", is_flag=True, help="Say what is claimed, and which rules held at each step of a trace."
)
def pair(
    names: tuple[str, ...],
    loss: int,
    dup: int,
    reorder: bool,
    channel: int,
    max_states: int,
    profile: str,
    mutant: str | None,
    fmt: str | None,
    verbose: bool,
) -> None:
    """Two endpoints over a channel that loses, duplicates and reorders: every interleaving, searched breadth first.

    Claims: both ends agree, no deadlock, no segments that cause each other for ever, no livelock without loss. What
    violates one is shown as a shortest trace. Without SCENARIO all are explored; docs/pair.md has them.

    \b
    Exit status
      0    every claim holds, and every state within the budgets was reached
      1    a claim is violated
      2    there is no such scenario or mutant, or a budget makes no sense
      4    a bound was reached before every state was: nothing is proved
      130  interrupted; what was found so far is shown
    """
    bounds = Bounds(channel, loss, dup, reorder, max_states)
    _check(names, bounds)
    machine = _machine(mutant)
    m = marks(fmt)
    reports = []
    for name in names or SCENARIOS:
        report = _explore(name, bounds, machine, profile)
        reports.append(report)
        if fmt != "json":
            _print(report, m, verbose)
        if report.bound == "interrupted":
            break
    code = _status(reports)
    if fmt == "json":
        click.echo(json.dumps(_plain(reports, machine, profile, mutant, bounds, code), indent=1))
    else:
        _summary(reports, bounds, m, code)
    sys.exit(code)


def _check(names: tuple[str, ...], bounds: Bounds) -> None:
    for name in names:
        if name not in SCENARIOS:
            near = difflib.get_close_matches(name, SCENARIOS, 1)
            hint = f"did you mean '{near[0]}'?" if near else f"there are {', '.join(SCENARIOS)}"
            end(f"there is no scenario '{name}'; {hint}", USAGE)
    try:
        exploration.check(bounds)
    except exploration.BoundsError as error:
        end(f"--{error}", USAGE)


def _machine(mutant: str | None) -> Machine:
    if mutant is None:
        return tcp()
    found = mutation.mutants().get(mutant)
    if found is None:
        end(f"there is no mutant '{mutant}'; `wireproof targets list` shows them", USAGE)
    if found.wire:
        end(f"mutant '{mutant}' spoils datagrams, not rules; two endpoints are explored without datagrams", USAGE)
    return mutation.machine(found)


def _explore(name: str, bounds: Bounds, machine: Machine, profile: str) -> Report:
    """One scenario, telling a terminal how far it is."""
    if not sys.stderr.isatty():
        return exploration.run(name, bounds, machine=machine, profile=profile)

    def progress(states: int, depth: int) -> None:
        click.echo(f"\r{name}: {states:,} states, depth {depth} ", nl=False, err=True)

    report = exploration.run(name, bounds, progress, machine=machine, profile=profile)
    click.echo("\r\x1b[K", nl=False, err=True)
    return report


def _status(reports: list[Report]) -> int:
    verdicts = {r.verdict for r in reports}
    if any(r.bound == "interrupted" for r in reports):
        return INTERRUPTED
    return VIOLATED if "violated" in verdicts else OPEN if "open" in verdicts else HOLDS


# ---- for people -----------------------------------------------------------------------------------------------------


def _print(r: Report, m: Marks, verbose: bool) -> None:
    m.echo(f"{m.strong(r.scenario)}   {r.story}")
    m.echo(
        f"  {r.states:,} states · {r.transitions:,} transitions · depth {r.depth} · {r.rate:,.0f} states/s · "
        f"{_extent(r)}"
    )
    brief = [] if verbose else [v.claim for v in r.verdicts if v.verdict == "holds"]
    if brief:
        m.echo(f"  {m['pass']} {' · '.join(brief)}")
    for v in r.verdicts:
        if v.claim in brief:
            continue
        m.echo(f"  {m[SIGNS[v.verdict]]} {v.claim:<13} {v.text}")
        if v.reason:
            m.echo(f"                  {m.paint(v.reason, 'fail')}")
            _ladder(v, m, verbose)
    m.echo()


def _extent(r: Report) -> str:
    """Was everything reached? If not, what was in the way."""
    return {
        "": "complete",
        "max-states": f"not complete: --max-states {r.bounds.max_states:,} reached",
        "surplus": f"not complete: answers put more than {r.bounds.channel + SURPLUS} segments into a channel",
        "interrupted": "not complete: interrupted",
    }[r.bound]


def _ladder(v: Verdict, m: Marks, verbose: bool) -> None:
    m.echo(f"      {'':>4} {'A':<13} {'B':<13}")
    for i, step in enumerate(v.trace):
        if i == v.again:
            m.echo(f"           from here again and again, {len(v.trace) - i} step(s):")
        m.echo(f"      {i:>4} {step.states[0]:<13} {step.states[1]:<13} {_event(step, i)}")
        if verbose and step.rules:
            m.echo(f"           {' ' * 28}{', '.join(step.rules)}")


def _event(step: Step, i: int) -> str:
    if not step.sent:
        return step.event
    return f"{step.event}; {'in flight' if i == 0 else 'sends'} {' and '.join(step.sent)}"


def _summary(reports: list[Report], bounds: Bounds, m: Marks, code: int) -> None:
    counts = [(sum(r.verdict == verdict for r in reports), verdict) for verdict in ("holds", "violated", "open")]
    told = " · ".join(f"{n} {verdict}" for n, verdict in counts if n)
    states, seconds = sum(r.states for r in reports), sum(r.seconds for r in reports)
    rate = states / max(seconds, 1e-9)
    many = "" if len(reports) == 1 else "s"
    m.echo(f"RESULT  {len(reports)} scenario{many}: {told} · {states:,} states, {rate:,.0f} states/s · exit {code}")
    m.echo(
        f"        within: channel {bounds.channel}, loss {bounds.loss}, dup {bounds.dup}, "
        f"{'reordering' if bounds.reorder else 'in order'}; a claim that is open is not proved"
    )


# ---- for programs ---------------------------------------------------------------------------------------------------


def _plain(
    reports: list[Report], machine: Machine, profile: str, mutant: str | None, bounds: Bounds, code: int
) -> dict[str, Any]:
    return {
        "spec_hash": machine.spec_hash,
        "profile": profile,
        "mutant": mutant,
        "bounds": asdict(bounds),
        "scenarios": [_plain_report(r) for r in reports],
        "exit": code,
    }


def _plain_report(r: Report) -> dict[str, Any]:
    return {
        "scenario": r.scenario,
        "verdict": r.verdict,
        "states": r.states,
        "quiet": r.quiet,
        "transitions": r.transitions,
        "depth": r.depth,
        "seconds": round(r.seconds, 3),
        "checking_seconds": round(r.checking, 3),
        "states_per_second": round(r.rate),
        "complete": not r.bound,
        "bound": r.bound,
        "configurations": list(r.configurations),
        "claims": [asdict(v) for v in r.verdicts],
    }
