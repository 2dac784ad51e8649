"""Commands of ``explore`` that look at things: why, state, bytes, watches, breakpoints, files."""

from __future__ import annotations

import dataclasses
import importlib
import tempfile
from collections.abc import Callable
from pathlib import Path

from wireproof.conformance import records, trace
from wireproof.conformance.nearby import Reason
from wireproof.conformance.trace_reader import TraceError
from wireproof.conformance.world_case import NotPlayable, play
from wireproof.conformance.world_events import segment_text
from wireproof.conformance.world_terms import read_expression, read_predicate
from wireproof.conformance.world_why import Tried
from wireproof.conformance.world_why import why as explained
from wireproof.reference.segment import Segment
from wireproof.spec.diagnostics import SpecError
from wireproof.spec.predicate import Expression
from wireproof.tools import traces
from wireproof.tools import world_view as view
from wireproof.tools.explore import CommandError, Session, in_one_line
from wireproof.tools.explore_bytes import table
from wireproof.tools.explore_moves import read


def why(session: Session, words: str) -> None:
    """Which rules an event meets, which conjunct refuses each, with the values."""
    if not words:
        raise CommandError("why what? an event: why A.send 5, why deliver 1, why tick")
    event = read(session, words)
    # What the specification's text says is told, whoever runs the hosts.
    scenario = dataclasses.replace(session.scenario, machine=session.scenario.law)
    answer = explained(scenario, session.model, session.world, event)
    if answer.refused:
        session.echo(f"  refused: {answer.refused}")
    for t in answer.tried:
        _tried(session, t, "  ")
    for line in answer.outcome:
        session.echo(f"  {line}")
    if answer.waiting:
        session.echo("  what is queued waits:")
    for t in answer.waiting:
        _tried(session, t, "    ")


def _tried(session: Session, t: Tried, indent: str) -> None:
    source = f"   ({'; '.join(t.cites)})" if t.cites else ""
    session.echo(f"{indent}{'yes' if t.taken else 'no '} {t.id}{source if t.taken else ''}")
    if t.taken and t.meaning:
        session.echo(f"{indent}      {t.meaning}")
    for r in t.false:
        session.echo(f"{indent}      {_reason(r)}")


def _reason(r: Reason) -> str:
    named = f"{r.name}: " if r.name and r.name != r.text.partition(":")[0] else ""
    return f"false  {named}{r.text}" + (f"   ({', '.join(r.values)})" if r.values else "")


def delta(session: Session, words: str) -> None:
    """What changed at the last step; `delta on` shows it after each."""
    if words in ("on", "off"):
        session.deltas = words == "on"
    elif words:
        raise CommandError("delta, delta on, or delta off")
    else:
        session.delta()


def state(session: Session, words: str) -> None:
    """All variables of a host."""
    hosts = session.scenario.hosts
    if words and words.upper() not in hosts:
        raise CommandError(f"there is no host '{words}'")
    for host in (words.upper(),) if words else hosts:
        session.echo(host)
        for line in view.variables(session.scenario, session.model, session.world, host):
            session.echo(line)


def octets(session: Session, words: str) -> None:
    """The fields of a packet: the last one, or number N of `packets`."""
    every = _packets(session)
    if not every:
        raise CommandError("no packet has been sent yet")
    if words and not (words.isdecimal() and len(words) < 10 and 0 < int(words) <= len(every)):
        raise CommandError(f"there are packets 1 to {len(every)}, no '{words}'")
    n = int(words) if words else len(every)
    title, s = every[n - 1]
    session.echo(f"  packet {n}: {title}")
    for line in table(s):
        session.echo(line)


def packets(session: Session, words: str) -> None:
    """All packets so far, numbered."""
    for n, (title, _) in enumerate(_packets(session), 1):
        session.echo(f"  {n:>3}  {title}")


def _packets(session: Session) -> list[tuple[str, Segment]]:
    """What was sent, and what the user injected."""
    out = []
    for h in session.history:
        for host, kind, s in h.segments():
            if kind == "tx" or h.event.kind == "inject":
                way = f"{host} ->" if kind == "tx" else f"-> {host}"
                out.append((f"{way} {segment_text(s)}", s))
    return out


def ladder(session: Session, words: str) -> None:
    """All that happened."""
    for line in view.ladder(session.scenario, session.history):
        session.echo(line)


DIAGRAM = "wireproof.spec.backends.diagram"


def diagram(session: Session, words: str) -> None:
    """The states of a host (or of each), the present one lit."""
    draw = importlib.import_module(DIAGRAM).text
    hosts = session.scenario.hosts
    if words and words.upper() not in hosts:
        raise CommandError(f"there is no host '{words}'")
    lit = {view.state(session.world, hosts.index(h)) for h in ((words.upper(),) if words else hosts)}
    for line in str(draw(session.model, sorted(lit))).splitlines():
        session.echo(line)


# ---- predicates ----------------------------------------------------------------------------------------------------


def watch(session: Session, words: str) -> None:
    """Show the value of an expression after each step; `watch` alone lists, `watch off` ends it."""
    _listed(session, words, session.watches, lambda: read_expression(words, session.model, session.scenario))


def break_when(session: Session, words: str) -> None:
    """Stop `goto` and `deliver all` where a predicate becomes true; `break` alone lists, `break off` ends it."""
    condition = words.removeprefix("when ").strip()
    _listed(session, condition, session.breaks, lambda: read_predicate(condition, session.model, session.scenario))


def _listed(session: Session, words: str, kept: list[Expression], reader: Callable[[], Expression]) -> None:
    if words == "off":
        kept.clear()
    elif words:
        try:
            kept.append(reader())
        except SpecError as error:
            raise in_one_line(error) from None
    else:
        for e in kept:
            session.echo(f"  {e.text}")


# ---- files ---------------------------------------------------------------------------------------------------------


def save(session: Session, words: str) -> None:
    """Save what happened, to be replayed and loaded."""
    if not words.endswith(".wpt"):
        raise CommandError("save takes the name of a file that ends in .wpt")
    try:
        files = traces.save(Path(words), session.scenario, session.history)
    except OSError as error:
        raise CommandError(f"cannot be written: {error}") from None
    session.echo(f"  saved {' '.join(map(str, files))}")


def pcap(session: Session, words: str) -> None:
    """Save the packets of A, with the rules that explain each, as a capture."""
    if not words.endswith(".pcapng"):
        raise CommandError("pcap takes the name of a file that ends in .pcapng")
    try:
        with tempfile.TemporaryDirectory() as where:
            first = traces.save(Path(where) / "a.wpt", session.scenario, session.history)[0]
            trace.to_pcapng(trace.read(first), Path(words))
    except OSError as error:
        raise CommandError(f"cannot be written: {error}") from None
    session.echo(f"  saved {words}")


def load(session: Session, words: str) -> None:
    """Load a trace, or a counterexample by its id."""
    try:
        found = trace.read(_file(words))
        scenario, history = play(found, session.model)
    except (TraceError, NotPlayable, records.RecordError) as error:
        raise CommandError(str(error)) from None
    session.scenario, session.history = scenario, history
    session.undone.clear()
    session.branches.clear()
    session.breaks.clear()
    session.watches.clear()
    h = found.header
    if h.verdict == "fail":
        session.echo(f"  recorded of {h.target or 'a target'}: refused by {h.rule}: {h.text}")
        who = "the reference" if scenario.machine is scenario.law else "the mutant"
        session.echo(f"  here {who} plays the steps of that test")
        session.judge()
    session.show()


def _file(words: str) -> Path:
    if not words:
        raise CommandError("load what? a .wpt file, or a counterexample (c-...)")
    if words.startswith("c-") and not Path(words).exists():
        run, event = records.find(words)
        name = next((a for a in event["artefacts"] if a.endswith(".wpt")), None)
        if name is None:
            raise CommandError(f"no trace was kept of {words}")
        return Path(run.path / name)
    return Path(words)
