"""Commands of ``explore`` that go on, back, and to other branches."""

from __future__ import annotations

import dataclasses

from wireproof.conformance.shown import Show
from wireproof.conformance.world import apply
from wireproof.conformance.world_events import Event, text
from wireproof.conformance.world_goal import find
from wireproof.conformance.world_speech import EventError, read_event
from wireproof.spec.backends.python_terms import ident
from wireproof.spec.diagnostics import SpecError
from wireproof.tools import world_view as view
from wireproof.tools.explore import CommandError, Session, in_one_line

ALL = 100
"""``deliver all`` stops after so many segments: two hosts can answer each other for ever."""


def read(session: Session, words: str) -> Event:
    """An event by its number or by its name. Raises CommandError."""
    if words.isdecimal():
        events = session.events()
        if len(words) > 9 or not 0 < int(words) <= len(events):
            raise CommandError(f"there are events 1 to {len(events)}, no {words[:30]}")
        return events[int(words) - 1]
    try:
        return read_event(words, session.scenario, session.world, session.model)
    except SpecError as error:
        raise in_one_line(error) from None
    except EventError as error:
        raise CommandError(str(error)) from None


def do(session: Session, words: str) -> None:
    """Let an event happen."""
    if not words:
        raise CommandError("do what? a number, or an event: do A.send 5")
    session.do(read(session, words))
    session.show()


def deliver_all(session: Session, words: str) -> None:
    """Deliver what is in flight, and what comes of it, in order."""
    for _ in range(ALL):
        if not session.world.wire:
            break
        session.echo(f"  {view.say(session.scenario, session.world, Event('deliver', n=1))}")
        if not session.do(Event("deliver", n=1)):
            break
    session.show()


def count(words: str, what: str) -> int:
    """A number of steps, 1 when none is given."""
    if words and not (words.isdecimal() and len(words) < 10):
        raise CommandError(f"{what} takes a number of steps, not '{words[:30]}'")
    return int(words or 1)


def undo(session: Session, words: str) -> None:
    """Take back steps."""
    session.back(count(words, "undo"))
    session.show()


def redo(session: Session, words: str) -> None:
    """Take up again what was taken back."""
    session.forth(count(words, "redo"))
    session.show()


def restart(session: Session, words: str) -> None:
    """Begin anew; `redo` takes the steps up again."""
    session.back(len(session.history))
    session.show()


# ---- branches ------------------------------------------------------------------------------------------------------


def fork(session: Session, words: str) -> None:
    """Leave this branch as it is and go on in a new one."""
    if not words or " " in words:
        raise CommandError("fork takes a name: fork alt")
    if words in (session.branch, *session.branches):
        raise CommandError(f"there is a branch '{words}' already; `switch {words}` goes there")
    session.branches[session.branch] = list(session.history)
    session.echo(f"on branch {words}; {session.branch} stays at step {len(session.history)}")
    session.branch = words


def forks(session: Session, words: str) -> None:
    """The branches."""
    every = {**session.branches, session.branch: session.history}
    for name in sorted(every):
        here = "*" if name == session.branch else " "
        last = text(every[name][-1].event) if every[name] else "nothing yet"
        session.echo(f"{here} {name:<12} {len(every[name])} steps, last: {last}")


def switch(session: Session, words: str) -> None:
    """Go to another branch."""
    if words == session.branch:
        raise CommandError(f"this is the branch '{words}'")
    if words not in session.branches:
        raise CommandError(f"there is no branch '{words}'; there are {', '.join(sorted(session.branches)) or 'none'}")
    session.branches[session.branch] = session.history
    session.history, session.branch = session.branches.pop(words), words
    session.undone.clear()
    session.show()


def diff(session: Session, words: str) -> None:
    """What is different in another branch: the steps and the variables."""
    name = words.removeprefix("fork:").strip()
    if name not in session.branches:
        raise CommandError(f"there is no branch '{name}'; there are {', '.join(sorted(session.branches)) or 'none'}")
    mine, theirs = session.history, session.branches[name]
    same = 0
    while same < min(len(mine), len(theirs)) and mine[same].event == theirs[same].event:
        same += 1
    session.echo(f"  {same} steps in common")
    for label, history in ((session.branch, mine), (name, theirs)):
        rest = "; ".join(text(h.event) for h in history[same:]) or "nothing more"
        session.echo(f"  {label:<12} {rest}")
    there = theirs[-1].after if theirs else session.scenario.start()
    for i, host in enumerate(session.scenario.hosts):
        here = session.world.ends[i].c
        for label, ours, other in _differences(session, here, there.ends[i].c):
            session.echo(f"  {host} {label:<14} {ours} | {other}")


def _differences(session: Session, a: object, b: object) -> list[tuple[str, str, str]]:
    out = []
    mine, theirs = (Show(session.model, session.scenario.machine, c) for c in (a, b))
    for name, v in session.model.variables.items():
        x, y = mine.value(getattr(a, ident(name)), v.sort), theirs.value(getattr(b, ident(name)), v.sort)
        if x != y and name not in view.QUIET[1:]:
            out.append((name, x, y))
    return out


# ---- searching -----------------------------------------------------------------------------------------------------


def path(session: Session, words: str) -> list[Event]:
    """The shortest way to where a predicate holds, shown."""
    if not words:
        raise CommandError("where to? a predicate, such as A.state == CLOSING")
    # Doubled segments make nothing reachable that is worth going to from here; `reach` tries them, too.
    quick = dataclasses.replace(session.scenario, limits=dataclasses.replace(session.scenario.limits, dup=False))
    try:
        answer = find(quick, session.model, session.world, words)
    except SpecError as error:
        raise in_one_line(error) from None
    if answer.events is None:
        why = "12 steps were not enough" if answer.shortest else "the bound on states ended the search"
        raise CommandError(f"not found: {why} ({answer.states} states); that is no proof")
    n = len(answer.events)
    sure = "shortest without doubled segments" if answer.shortest else f"{answer.doubtful} may do"
    session.echo(f"found: {n} more step{'s' * (n != 1)} ({sure}, {answer.states} states)")
    return answer.events


def show_path(session: Session, words: str) -> None:
    """Show the way, without going it."""
    world = session.world
    for n, event in enumerate(path(session, words), 1):
        session.echo(f"  {n:>2}  {view.say(session.scenario, world, event)}")
        world = apply(session.scenario, world, event)


def goto(session: Session, words: str) -> None:
    """Go to where a predicate holds, by the shortest way; a breakpoint stops it."""
    for event in path(session, words):
        session.echo(f"  {view.say(session.scenario, session.world, event)}")
        if not session.do(event):
            break
    session.show()
