"""The commands of ``explore`` by name."""

from __future__ import annotations

import difflib
import importlib.util
from collections.abc import Callable

from wireproof.conformance.world_speech import CALLS, VERBS
from wireproof.tools import explore_looks as looks
from wireproof.tools import explore_moves as moves
from wireproof.tools.explore import CommandError, Quit, Session, wrapped

Command = Callable[[Session, str], None]


def events(session: Session, words: str) -> None:
    """Where the world stands and what can happen, one a line."""
    from wireproof.tools import world_view as view

    session.echo(view.status(session.scenario, session.world))
    for line in view.menu(session.scenario, session.world, session.events()):
        session.echo(line)


def leave(session: Session, words: str) -> None:
    """End the session."""
    raise Quit


COMMANDS: dict[str, tuple[Command, str, str]] = {
    "do": (moves.do, "do EVENT", "let an event happen: a number, or A.send 5, deliver 2, tick 500 ms, crash B"),
    "undo": (moves.undo, "undo [N], back N", "take back steps"),
    "redo": (moves.redo, "redo [N]", "take up again what was taken back"),
    "restart": (moves.restart, "restart", "back to the beginning"),
    "goto": (moves.goto, "goto PREDICATE", "go the shortest way to where it holds"),
    "path": (moves.show_path, "path PREDICATE", "show that way without going it"),
    "why": (looks.why, "why EVENT", "the rules that it meets, and what refuses each"),
    "delta": (looks.delta, "delta [on|off]", "what changed at the last step, or after each"),
    "state": (looks.state, "state [HOST]", "all variables and timers"),
    "watch": (looks.watch, "watch EXPR | off", "show a value after each step"),
    "break": (looks.break_when, "break when PREDICATE | off", "stop goto and deliver all there"),
    "packets": (looks.packets, "packets", "all packets, numbered"),
    "bytes": (looks.octets, "bytes [N]", "the fields of a packet beside its octets"),
    "trace": (looks.ladder, "trace", "all that happened"),
    "fork": (moves.fork, "fork NAME", "go on in a new branch"),
    "forks": (moves.forks, "forks", "the branches"),
    "switch": (moves.switch, "switch NAME", "go to another branch"),
    "diff": (moves.diff, "diff fork:NAME", "what is different there"),
    "save": (looks.save, "save FILE.wpt", "keep it; `wireproof replay` judges it again"),
    "load": (looks.load, "load FILE.wpt | c-xxxx", "a trace, or a counterexample"),
    "pcap": (looks.pcap, "pcap FILE.pcapng", "the packets of A, explained"),
    "events": (events, "events", "what can happen, one a line"),
    "help": (lambda s, w: help_(s, w), "help, ?", "this"),
    "quit": (leave, "quit", "end"),
}
ALIASES = {"back": "undo", "?": "help", "exit": "quit", "q": "quit", "u": "undo", "r": "redo", "g": "goto", "w": "why"}


def help_(session: Session, words: str) -> None:
    """The commands, a line each."""
    for _, usage, text in _known().values():
        session.echo(f"  {usage:<28} {text}")
    session.echo("  Events: a number; deliver N | all; drop N; dup N; delay N; tick [TIME]; crash HOST;")
    session.echo("  inject [HOST] <SEQ=RCV.NXT><ACK=SND.NXT><CTL=ACK> len 10 wnd 500;")
    for line in wrapped("  calls:", [f"HOST.{c}" for c in CALLS]):
        session.echo(line)


def _known() -> dict[str, tuple[Command, str, str]]:
    """The commands that this installation has."""
    if importlib.util.find_spec(looks.DIAGRAM) is None:
        return COMMANDS
    return COMMANDS | {"diagram": (looks.diagram, "diagram [HOST]", "the states, the present one lit")}


def dispatch(session: Session, line: str) -> None:
    """Do what a line says. Raises CommandError and Quit."""
    word, _, rest = line.partition(" ")
    name, rest = ALIASES.get(word.lower(), word.lower()), rest.strip()
    known = _known()
    if name == "deliver" and rest == "all":
        moves.deliver_all(session, rest)
    elif name in known:
        known[name][0](session, rest)
    elif name.isdecimal() or name in VERBS or "." in name or (name in CALLS and len(session.scenario.hosts) == 1):
        moves.do(session, line)
    else:
        near = difflib.get_close_matches(name, [*known, *VERBS, *ALIASES], 1)
        hint = f"did you mean '{near[0]}'?" if near else "`help` lists the commands"
        raise CommandError(f"'{word}' is no command; {hint}")
