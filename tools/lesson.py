"""The lessons: sessions of ``explore`` that come with wireproof, each with a page of the tutorial.

A lesson is a text of commands; its first line names the scenario (``# two-hosts: what it is about``).
"""

from __future__ import annotations

from importlib import resources
from importlib.resources.abc import Traversable

from wireproof.conformance.world import Scenario
from wireproof.spec import load
from wireproof.tools.explore import Quit, Session, obey
from wireproof.tools.explore_commands import dispatch


def _home() -> Traversable:
    return resources.files("wireproof.tools").joinpath("lessons")


def names() -> list[str]:
    """The lessons by name."""
    return sorted(p.name.removesuffix(".txt") for p in _home().iterdir() if p.name.endswith(".txt"))


def text(name: str) -> str:
    """The commands of a lesson."""
    return _home().joinpath(f"{name}.txt").read_text("utf-8")


def scenario(name: str) -> str:
    """The scenario of a lesson."""
    return text(name).splitlines()[0].removeprefix("#").partition(":")[0].strip()


def play(session: Session, name: str) -> None:
    """Do the commands of a lesson, each echoed as if it had been piped in."""
    session.show()
    for line in text(name).splitlines():
        session.echo(f"[{len(session.history)}]> {line}".rstrip())
        try:
            obey(session, dispatch, line)
        except Quit:
            return


def transcript(name: str) -> str:
    """What a lesson prints."""
    lines: list[str] = []
    play(Session(Scenario(scenario(name)), load.tcp(), lines.append), name)
    return "\n".join(lines) + "\n"
