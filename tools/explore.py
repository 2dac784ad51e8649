"""A session of ``wireproof explore``: a world, what happened in it so far, and the branches that were left."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from wireproof.conformance.world import Scenario, World, enabled
from wireproof.conformance.world_events import Event
from wireproof.conformance.world_record import Happened, step, witnessed
from wireproof.conformance.world_terms import Terms, test
from wireproof.spec import ir
from wireproof.spec.diagnostics import SpecError
from wireproof.spec.predicate import Expression
from wireproof.tools import world_view as view

WIDTH = 110


class CommandError(Exception):
    """A command that cannot be done: one clear line."""


def in_one_line(error: SpecError) -> CommandError:
    """What is wrong with a predicate, without the picture: in a session it stands just above."""
    d = error.diagnostics[0]
    return CommandError(f"{d.text}; {d.hint}" if d.hint else d.text)


class Quit(Exception):  # noqa: N818 - an ending, not a fault
    """The user has had enough."""


@dataclass(slots=True)
class Session:
    """What the commands work on. ``echo`` prints a line."""

    scenario: Scenario
    model: ir.Model
    echo: Callable[[str], None]
    history: list[Happened] = field(default_factory=list)
    undone: list[Happened] = field(default_factory=list)
    """What ``redo`` takes up again, the next one last."""
    branch: str = "main"
    branches: dict[str, list[Happened]] = field(default_factory=dict)
    """The other branches, as they were left."""
    breaks: list[Expression] = field(default_factory=list)
    watches: list[Expression] = field(default_factory=list)
    deltas: bool = False
    failed: bool = False
    """A command could not be done."""

    @property
    def world(self) -> World:
        return self.history[-1].after if self.history else self.scenario.start()

    def events(self) -> list[Event]:
        """What is enabled, as it is numbered."""
        return enabled(self.scenario, self.world)

    # ---- going on -------------------------------------------------------------------------------------------------

    def do(self, event: Event) -> bool:
        """Let an event happen, and tell what it did; False when a breakpoint holds now. Raises CommandError."""
        before = self.world
        try:
            happened = step(self.scenario, before, event)
        except ValueError as error:
            raise CommandError(f"{error}; `why` tells more") from None
        self.undone.clear()
        self.history.append(happened)
        for line in view.outcome(self.scenario, happened):
            self.echo(f"  {line}")
        if self.deltas:
            self.delta()
        self.judge()
        return not self._broken(before)

    def delta(self) -> None:
        """What the last step changed."""
        if not self.history:
            raise CommandError("nothing has happened yet")
        lines = view.changes(self.scenario, self.model, self.history[-1])
        for line in lines or ["no variable changed"]:
            self.echo(f"    {line}")

    def judge(self) -> None:
        """The specification judges every step as it would any implementation's."""
        for host in self.scenario.hosts:
            refusal = witnessed(self.scenario, self.history, host).oracle.refusal
            if refusal is not None:
                self.echo(f"  {host} REFUSED by {refusal.rule}: {refusal.text}")

    def _broken(self, before: World) -> bool:
        """Does a breakpoint hold that did not before?"""
        hit = False
        for e in self.breaks:
            holds = test(e, self.model, self.scenario)
            if holds(self.world) and not holds(before):
                self.echo(f"  break: {e.text}")
                hit = True
        return hit

    def back(self, n: int) -> None:
        """Take back n steps."""
        if n > len(self.history):
            raise CommandError(f"only {len(self.history)} steps were made")
        for _ in range(n):
            self.undone.append(self.history.pop())

    def forth(self, n: int) -> None:
        """Take up n of the steps that were taken back."""
        if n > len(self.undone):
            raise CommandError(f"only {len(self.undone)} steps were taken back")
        for _ in range(n):
            self.history.append(self.undone.pop())

    # ---- what is shown --------------------------------------------------------------------------------------------

    def show(self) -> None:
        """Where the world stands, what is watched, what can happen."""
        world = self.world
        self.echo(view.status(self.scenario, world))
        terms = Terms(self.model, self.scenario)
        for e in self.watches:
            self.echo(f"  watch {e.text} = {shown(terms.value(e.value, world), e.sort)}")
        for line in wrapped("enabled", self.menu()):
            self.echo(line)

    def menu(self) -> list[str]:
        """The numbered events, in a few words each."""
        world, scenario = self.world, self.scenario
        out = []
        for n, event in enumerate(self.events(), 1):
            long = view.say(scenario, world, event)
            out.append(f"{n} {long.replace('  ', ' (') + ')' if event.kind == 'tick' else long.partition('  ')[0]}")
        return out


def shown(value: object, sort: ir.Sort) -> str:
    """A value of an expression."""
    if sort.name == "flag":
        return "true" if value else "false"
    if sort.name in ("duration", "instant") and isinstance(value, int):
        return f"{value / 1e6:g} s"
    if isinstance(value, bytes):
        return f"{len(value)} octets"
    return f"{len(value)} pieces" if isinstance(value, tuple) else str(value)


def wrapped(head: str, items: Iterable[str]) -> list[str]:
    """Items on lines of a fixed width, behind a word."""
    lines, line = [], f"{head}  "
    for item in items:
        if len(line) + len(item) > WIDTH and line.strip():
            lines.append(line.rstrip())
            line = " " * (len(head) + 2)
        line += f"{item}  "
    return [*lines, line.rstrip()]


# ---- the loop ------------------------------------------------------------------------------------------------------


def loop(session: Session, dispatch: Callable[[Session, str], None], strict: bool) -> None:
    """Read commands until the end. Where nobody types, each is echoed; ``strict`` ends at the first that fails."""
    typed = sys.stdin.isatty()
    if typed:
        _history()
    session.show()
    while True:
        prompt = f"[{len(session.history)}]> "
        try:
            line = input(prompt) if typed else _line()
        except EOFError:
            if typed:
                session.echo("")
            return
        except KeyboardInterrupt:
            if not typed:
                raise
            session.echo("")
            continue
        if not typed:
            session.echo(f"{prompt}{line}".rstrip())
        try:
            obey(session, dispatch, line)
        except Quit:
            return
        except KeyboardInterrupt:
            if not typed:
                raise
            session.echo("! interrupted")
        if session.failed and strict and not typed:
            return


def obey(session: Session, dispatch: Callable[[Session, str], None], line: str) -> None:
    """Do one command; one that cannot be done is told, and the session goes on."""
    try:
        if line.strip() and not line.lstrip().startswith("#"):
            dispatch(session, line.strip())
    except CommandError as error:
        session.failed = True
        session.echo(f"! {error}")


def _line() -> str:
    line = sys.stdin.readline()
    if not line:
        raise EOFError
    return line.rstrip("\n")


def _history() -> None:
    """Line editing and history, where the platform has it."""
    try:
        import readline  # noqa: F401 - importing it is what gives input() a history
    except ImportError:
        return
