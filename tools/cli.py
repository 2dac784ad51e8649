"""The command line: a group that loads a command's module only when it is used.

Exit statuses are in docs/cli.md: 2 usage or specification, 3 target, 4 nothing verified, 70 a fault of wireproof's,
130 interrupted. No traceback reaches a user unless ``--debug`` asks for it.
"""

from __future__ import annotations

import importlib
import sys
import tempfile
import traceback
from pathlib import Path
from typing import Any

import click

COMMANDS: dict[str, tuple[str, str, str]] = {
    "demo": ("demo", "demo", "what wireproof does, in a minute"),
    "doctor": ("doctor", "doctor", "what works on this machine, and why not"),
    "run": ("run", "run", "conformance tests against a target"),
    "replay": ("replay", "replay", "judge a recorded trace again, or run it again"),
    "cex": ("cex", "cex", "counterexamples: list, show, explain"),
    "targets": ("targets", "targets", "what can be tested: ref, mutants, linux"),
    "suite": ("suite", "suite", "the frozen test cases"),
    "verify": ("verify", "verify", "claims of the specification: proved, bounded or refuted"),
    "serve": ("serve", "serve", "the reference stack on a TUN, serving HTTP"),
    "spec": ("spec", "spec", "check, list, show, requirements, grid"),
    "fmt": ("fmt", "fmt", "canonical text of specification files"),
}
"""Command: module below wireproof.tools.commands, attribute, one line."""


class _Group(click.Group):
    """Loads commands lazily; shows a map of them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [c for c, (module, _, _) in COMMANDS.items() if _exists(module)]

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        if not _exists(COMMANDS[name][0]):
            raise click.UsageError(f"The command '{name}' is not part of this installation.", ctx)
        module, attribute, _ = COMMANDS[name]
        found: click.Command = getattr(importlib.import_module(f"wireproof.tools.commands.{module}"), attribute)
        return found

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        import difflib

        if args and self.get_command(ctx, args[0]) is None:
            near = difflib.get_close_matches(args[0], self.list_commands(ctx), 1)
            hint = f" Did you mean '{near[0]}'?" if near else " `wireproof` shows the map."
            raise click.UsageError(f"There is no command '{args[0]}'.{hint}", ctx)
        return super().resolve_command(ctx, args)

    def format_help(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        formatter.write(map_text(self.list_commands(ctx)))


def _exists(module: str) -> bool:
    return (Path(__file__).parent / "commands" / f"{module}.py").exists()


def map_text(commands: list[str]) -> str:
    """The map that ``wireproof`` alone prints."""
    lines = ["wireproof: is this stack right?", ""]
    lines += [f"  {c:<9} {COMMANDS[c][2]}" for c in commands]
    lines += ["", "Each command has --help. Options: --debug, --color auto|always|never, --ascii, -q."]
    return "\n".join(lines) + "\n"


@click.group(cls=_Group, invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--debug", is_flag=True, help="Show tracebacks.")
@click.option("--color", type=click.Choice(["auto", "always", "never"]), default="auto")
@click.option("--ascii", "ascii_only", is_flag=True, help="No characters beyond ASCII.")
@click.option("-q", "--quiet", is_flag=True)
@click.version_option(package_name="wireproof")
@click.pass_context
def cli(ctx: click.Context, debug: bool, color: str, ascii_only: bool, quiet: bool) -> None:
    """Is this TCP/IP stack right?"""
    ctx.obj = {"debug": debug, "color": color, "ascii": ascii_only, "quiet": quiet}
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


def main(argv: list[str] | None = None) -> None:
    """The program: runs the command line and turns every ending into an exit status."""
    sys.exit(run(sys.argv[1:] if argv is None else argv))


def run(argv: list[str]) -> int:
    """Run one command line; the exit status."""
    from wireproof.spec.diagnostics import SpecError

    debug = "--debug" in argv
    try:
        result: Any = cli.main(argv, prog_name="wireproof", standalone_mode=False)
        return result if isinstance(result, int) else 0
    except click.exceptions.Exit as e:
        return e.exit_code
    except click.ClickException as e:
        e.show()
        return e.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        return 130
    except SpecError as e:
        click.echo(str(e), err=True)
        return 2
    except BrokenPipeError:
        sys.stderr.close()
        return 141
    except SystemExit as e:
        return e.code if isinstance(e.code, int) else 1
    except Exception as e:
        if debug:
            raise
        with tempfile.NamedTemporaryFile("w", prefix="wireproof-", suffix=".txt", delete=False) as report:
            report.write(f"wireproof {' '.join(argv)}\n{traceback.format_exc()}")
        click.echo(f"This is a fault of wireproof's: {type(e).__name__}: {e}\nPlease report {report.name}", err=True)
        return 70


if __name__ == "__main__":
    main()
