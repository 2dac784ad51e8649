"""``wireproof fmt``: canonical text of specification files."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.option("--check", is_flag=True, help="Change nothing; exit 1 when a file is not canonical.")
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
def fmt(check: bool, files: tuple[Path, ...]) -> int:
    """Write FILES in canonical form (directories: all .wire files below)."""
    from wireproof.spec.format import format_file
    from wireproof.spec.parse import parse_file
    from wireproof.spec.source import rule_files

    changed = 0
    for path in [p for f in files for p in (rule_files(f) if f.is_dir() else [f])]:
        text = format_file(parse_file(path, str(path)))
        if text != path.read_text("utf-8"):
            changed += 1
            click.echo(f"{'would change' if check else 'wrote'} {path}")
            if not check:
                path.write_text(text, "utf-8")
    return 1 if check and changed else 0
