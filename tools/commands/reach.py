"""``wireproof reach``: the shortest trace to where a predicate holds."""

from __future__ import annotations

import json
import time
from typing import Any

import click

from wireproof.conformance.campaign import NOTHING, USAGE
from wireproof.conformance.world import Limits, Scenario, World
from wireproof.conformance.world_events import text
from wireproof.conformance.world_goal import Answer, find, scenario_for
from wireproof.conformance.world_record import Happened, run, step, witnessed
from wireproof.conformance.world_search import MAX_STATES, MAX_STEPS
from wireproof.conformance.world_speech import EventError, read_event
from wireproof.spec import ir, load
from wireproof.tools import traces
from wireproof.tools.endings import end
from wireproof.tools.marks import marks
from wireproof.tools.world_view import ladder, moves, say, state


@click.command()
@click.argument("predicate")
@click.option("--avoid", multiple=True, metavar="WHAT", help="drop, dup, tick, or a predicate that never holds.")
@click.option(
    "--after", default="", metavar="EVENTS", help="Begin after these events: 'B.open passive; A.open active'."
)
@click.option("--send", type=click.IntRange(1, 65535), multiple=True, help="Octets of a send; default 10.")
@click.option("--max-steps", type=click.IntRange(0, 1000), default=MAX_STEPS, show_default=True)
@click.option("--max-states", type=click.IntRange(1), default=MAX_STATES, show_default=True)
@click.option("--no-save", is_flag=True, help="Write no trace.")
@click.option("--format", "fmt", type=click.Choice(["rich", "plain", "json"]))
def reach(
    predicate: str,
    avoid: tuple[str, ...],
    after: str,
    send: tuple[int, ...],
    max_steps: int,
    max_states: int,
    no_save: bool,
    fmt: str | None,
) -> None:
    """The shortest trace to where PREDICATE holds, in the specification's own syntax.

    A predicate that names a host (A.state) is about two hosts and a network that loses, doubles and reorders;
    any other about one host whose peer can send what it likes.

    \b
      wireproof reach 'STATE = CLOSING'
      wireproof reach 'A.state==CLOSING and B.state==CLOSING' --avoid drop
    \b
    Exit status
      0    found; the trace is below .wireproof/traces
      2    the predicate is wrong
      4    not found within the bounds, which is no proof that there is no way
    """
    model = load.tcp()
    scenario = Scenario(scenario_for([predicate, after, *avoid]), limits=Limits(sends=send or (10,)))
    before = _prefix(scenario, model, after)
    start = before[-1].after if before else scenario.start()
    since = time.monotonic()
    answer = find(scenario, model, start, predicate, avoid, max_steps, max_states)
    seconds = time.monotonic() - since
    history = before + run(scenario, start, answer.events or []) if answer.events is not None else None
    files = _saved(scenario, history) if history and not no_save else []
    if fmt == "json":
        click.echo(json.dumps(_plain(predicate, scenario, answer, history, files), indent=1))
    elif history is not None:
        m = marks(fmt)
        m.echo(_headline(answer, len(before)) + (f"  {files[0]}" if files else ""))
        for line in ladder(scenario, history):
            m.echo(line)
        m.echo(_verdicts(scenario, history))
    click.echo(f"{answer.states} states, {answer.transitions} transitions, {seconds:.2f} s", err=True)
    if history is None:
        end(_missed(answer, max_steps), NOTHING)


def _prefix(scenario: Scenario, model: ir.Model, texts: str) -> list[Happened]:
    history: list[Happened] = []
    world: World = scenario.start()
    for one in filter(None, (t.strip() for t in texts.split(";"))):
        try:
            history.append(step(scenario, world, read_event(one, scenario, world, model)))
        except (EventError, ValueError) as error:
            end(f"--after '{one}': {error}", USAGE)
        world = history[-1].after
    return history


def _headline(answer: Answer, before: int) -> str:
    n = len(answer.events or [])
    begun = f" after the {before} given" if before else ""
    sure = "shortest" if answer.shortest else f"whether {answer.doubtful} do, the bound on states left open"
    return f"reachable in {n} step{'s' * (n != 1)}{begun} ({sure})."


def _missed(answer: Answer, max_steps: int) -> str:
    if answer.exhausted:
        return f"not reachable: all {answer.states} states of this scenario (with bounded calls and network) were seen"
    if not answer.shortest:
        return f"not found in {answer.states} states, where the bound ended the search: not a proof (--max-states)"
    return f"not found within {max_steps} steps ({answer.states} states): not a proof; --max-steps looks further"


def _verdicts(scenario: Scenario, history: list[Happened]) -> str:
    """What the oracle says of each host."""
    said = []
    for host in scenario.hosts:
        refusal = witnessed(scenario, history, host).oracle.refusal
        said.append(f"{host} {'accepted' if refusal is None else f'REFUSED {refusal.rule}: {refusal.text}'}")
    return "judged: " + ", ".join(said)


def _saved(scenario: Scenario, history: list[Happened]) -> list[str]:
    try:
        return [str(p) for p in traces.save(traces.free("reach"), scenario, history)]
    except OSError as error:
        end(f"the trace cannot be written: {error}; --no-save leaves it out", USAGE)


def _plain(
    predicate: str, scenario: Scenario, answer: Answer, history: list[Happened] | None, files: list[str]
) -> dict[str, Any]:
    """The answer as data."""
    steps = [
        {
            "n": n,
            "t": h.after.now,
            "event": text(h.event),
            "text": say(scenario, h.before, h.event),
            "states": {host: state(h.after, i) for i, host in enumerate(scenario.hosts)},
            "moves": moves(scenario, h),
            "rules": {host: h.fired(host) for host in scenario.hosts if h.fired(host)},
        }
        for n, h in enumerate(history or [], 1)
    ]
    return {
        "predicate": predicate,
        "scenario": scenario.name,
        "found": history is not None,
        "shortest": answer.shortest and history is not None,
        "exhausted": answer.exhausted,
        "states": answer.states,
        "transitions": answer.transitions,
        "steps": steps,
        "files": files,
    }
