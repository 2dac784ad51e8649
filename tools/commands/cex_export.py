"""``wireproof cex export``: a recorded counterexample in the form of other tools."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import click

from wireproof.conformance import exports, packetdrill, records, trace
from wireproof.conformance.campaign import USAGE
from wireproof.conformance.oracle import Oracle
from wireproof.tools.endings import end

FORMATS = ("wpt", "pcapng", "pkt", "itf", "mermaid")
WRITERS: dict[str, Callable[[trace.Header, Oracle, str], str]] = {
    "pkt": packetdrill.script,
    "itf": exports.itf,
    "mermaid": exports.mermaid,
}


@click.command()
@click.argument("what", metavar="ID|FILE.wpt")
@click.option("--format", "form", type=click.Choice(FORMATS), default="pkt", show_default=True)
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="Write to this file, not to stdout.")
def export(what: str, form: str, output: Path | None) -> None:
    """A recorded failure, or a trace file, for other tools; judged by the specification of today.

    wpt: the trace itself. pcapng: its datagrams with the rules as comments. pkt: a packetdrill script; what it cannot
    say is listed at its head. itf: the trace format of model checkers. mermaid: a sequence diagram.

    Exit status 2: there is no such recording, it is no trace, or the file cannot be written.
    """
    title, path = find(what)
    try:
        shown = render(path, title, form)
    except (trace.TraceError, OSError) as error:
        end(str(error), USAGE)
    if output is not None:
        try:
            output.write_bytes(shown)
        except OSError as error:
            end(f"{output}: cannot be written ({error.strerror}); name another file with --output", USAGE)
        click.echo(f"wrote {output}", err=True)
    elif form == "pcapng" and sys.stdout.isatty():
        end("a capture is no text for a terminal: name a file with --output", USAGE)
    else:
        click.echo(shown, nl=False)


def find(what: str) -> tuple[str, Path]:
    """What is exported by name, and its trace; ends the command when there is none."""
    if not what.startswith("c-") or Path(what).exists():
        if not Path(what).is_file():
            end(f"'{what}' is no file and no counterexample (c-...); `wireproof cex list` shows some", USAGE)
        return "", Path(what)
    try:
        run, event = records.find(what)
    except records.RecordError as error:
        end(str(error), USAGE)
    name = next((a for a in event["artefacts"] if a.endswith(".wpt")), None)
    if name is None:
        end(f"no trace of {what} was kept; run its test again: wireproof run {run.target} {event['id']}", USAGE)
    return f"{what}  {event['id']}", run.path / name


def render(path: Path, title: str, form: str) -> bytes:
    """The trace in one of ``FORMATS``. Raises TraceError and OSError."""
    read = trace.read(path)
    if form == "wpt":
        return path.read_bytes()
    if form == "pcapng":
        with tempfile.TemporaryDirectory() as there:
            capture = Path(there) / "trace.pcapng"
            trace.to_pcapng(read, capture)
            return capture.read_bytes()
    oracle = trace.rejudge(read)
    return WRITERS[form](read.header, oracle, title).encode()
