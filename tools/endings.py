"""How a command ends when it cannot do its job: what is wrong and what helps, and an exit status."""

from __future__ import annotations

import sys
from typing import NoReturn

import click


def end(message: str, status: int) -> NoReturn:
    """End the command: the message goes to stderr."""
    click.echo(f"wireproof: {message}", err=True)
    sys.exit(status)
