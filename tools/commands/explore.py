"""``wireproof explore``: hosts and a network, step by step."""

from __future__ import annotations

import sys

import click

from wireproof.conformance.campaign import USAGE
from wireproof.conformance.world import Scenario
from wireproof.spec import load
from wireproof.tools import lesson as lessons
from wireproof.tools.endings import end
from wireproof.tools.explore import Session, loop, obey
from wireproof.tools.explore_commands import dispatch
from wireproof.tools.marks import marks


@click.command()
@click.argument("scenario", type=click.Choice(["two-hosts", "one-host"]), default="two-hosts")
@click.option("--lesson", metavar="NAME", help="Begin with a lesson: " + ", ".join(lessons.names()) + ".")
@click.option("--load", "file", metavar="FILE", help="Begin with a trace (.wpt) or a counterexample (c-...).")
@click.option("--strict", is_flag=True, help="Where commands are piped in: end with status 2 at the first that fails.")
def explore(scenario: str, lesson: str | None, file: str | None, strict: bool) -> None:
    """Hosts and a network, step by step: what can happen, why, what if.

    two-hosts: A and B, and a network that loses, doubles and reorders. one-host: A alone; what arrives, you inject.
    `help` lists the commands. Commands can be piped in: the same ones give the same output.

    \b
    Exit status
      0  the session ended
      2  usage; with --strict and piped commands: a command could not be done
    """
    session = Session(Scenario(scenario), load.tcp(), marks("plain").echo)
    if lesson is not None:
        if lesson not in lessons.names():
            end(f"there is no lesson '{lesson}'; there are {', '.join(lessons.names())}", USAGE)
        session.scenario = Scenario(lessons.scenario(lesson))
        lessons.play(session, lesson)
    if file is not None:
        obey(session, dispatch, f"load {file}")
        if session.failed:
            sys.exit(USAGE)
    loop(session, dispatch, strict)
    if session.failed and strict and not sys.stdin.isatty():
        sys.exit(USAGE)
