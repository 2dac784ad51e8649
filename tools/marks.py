"""The signs in reports: never colour alone, and plain ASCII where the terminal has no more."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass

import click

COLOURS = {
    "pass": "green",
    "fail": "red",
    "error": "red",
    "inconclusive": "yellow",
    "unsupported": "cyan",
    "skipped": "cyan",
    "xfail": "yellow",
    "xpass": "magenta",
    "unlisted": "red",
}
_FANCY = {"pass": "✓", "fail": "✗", "dot": "·", "to": "──▶", "from": "◀──", "both": "⇄"}
_ASCII = {"pass": "+", "fail": "X", "dot": "-", "to": "-->", "from": "<--", "both": "<->"}
_SAME = {
    "inconclusive": "?",
    "error": "!",
    "unsupported": "~",
    "skipped": "~",
    "xfail": "x",
    "xpass": "!",
    "unlisted": "!",
}
_TYPOGRAPHY = str.maketrans({"·": "-", "—": "-", "–": "-", "…": "..."})


@dataclass(slots=True, frozen=True)
class Marks:
    """How to print: with colour, and with more than ASCII."""

    colour: bool = False
    ascii: bool = False

    def __getitem__(self, name: str) -> str:
        sign = _SAME.get(name) or (_ASCII if self.ascii else _FANCY)[name]
        return self.paint(sign, name)

    def paint(self, text: str, name: str) -> str:
        """The text in the colour of a verdict."""
        return click.style(text, fg=COLOURS[name]) if self.colour and name in COLOURS else text

    def strong(self, text: str) -> str:
        return click.style(text, bold=True) if self.colour else text

    def plain(self, text: str) -> str:
        """The text in what the terminal can show."""
        return text.translate(_TYPOGRAPHY).encode("ascii", "backslashreplace").decode() if self.ascii else text

    def echo(self, text: str = "") -> None:
        """Print a line on stdout."""
        click.echo(self.plain(text), color=self.colour)


def marks(fmt: str | None = None, ascii_only: bool = False) -> Marks:
    """What suits stdout and the options: ``fmt`` ``plain`` has no colour, ``rich`` has; None: as the terminal does.

    ``--color`` and ``--ascii`` of the whole program count, too.
    """
    context = click.get_current_context(silent=True)
    options = context.find_object(dict) if context is not None else None
    wanted = (options or {}).get("color", "auto")
    ascii_only = ascii_only or bool((options or {}).get("ascii"))
    encoding = (getattr(sys.stdout, "encoding", None) or "ascii").lower().replace("-", "")
    if wanted != "auto":
        colour = wanted == "always"
    elif "NO_COLOR" in os.environ or fmt == "plain":
        colour = False
    else:
        colour = fmt == "rich" or (sys.stdout.isatty() and os.environ.get("TERM") != "dumb")
    return Marks(colour, ascii_only or not encoding.startswith("utf"))
