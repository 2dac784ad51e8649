"""Loading a specification: files, parse, elaborate, validate. Each pass is followed by a validation that names it."""

from __future__ import annotations

import functools
from importlib import resources
from pathlib import Path

from wireproof.spec import ir
from wireproof.spec.diagnostics import Diagnostic, SpecError
from wireproof.spec.elaborate import elaborate
from wireproof.spec.parse import decode, parse
from wireproof.spec.source import Source, Span, rule_files
from wireproof.spec.validate import validate


def rules_root() -> Path:
    """The directory of the specifications that come with wireproof."""
    return Path(str(resources.files("wireproof.spec").joinpath("rules")))


def sources(root: Path) -> list[Source]:
    """All ``.wire`` texts below a directory. Raises :class:`SpecError` when there is none or one is unreadable."""
    files = rule_files(root) if root.is_dir() else [root]
    found: list[Diagnostic] = []
    out: list[Source] = []
    for path in files:
        name = str(path.relative_to(root)) if root.is_dir() else path.name
        try:
            out.append(decode(path.read_bytes(), name))
        except SpecError as e:
            found += e.diagnostics
        except OSError as e:
            at = _nowhere(name)
            found.append(Diagnostic("unreadable", at, f"cannot read the file: {e.strerror}", "check path and rights"))
    if not files:
        found.append(
            Diagnostic("no-files", _nowhere(str(root)), "there is no .wire file here", "name a directory with rules")
        )
    if found:
        raise SpecError(found)
    return out


def load_sources(texts: list[Source]) -> ir.Model:
    """Texts to a checked model. Raises :class:`SpecError` with all diagnostics of the first pass that has any."""
    found: list[Diagnostic] = []
    files = []
    for source in texts:
        try:
            files.append(parse(source))
        except SpecError as e:
            found += e.diagnostics
    if found:
        raise SpecError(found)
    model = elaborate(files, texts)
    validate(model, after="elaborate")
    return model


def load(root: Path) -> ir.Model:
    """Load the specification below a directory (or one file)."""
    return load_sources(sources(root))


@functools.cache
def tcp() -> ir.Model:
    """The TCP specification that comes with wireproof, loaded once."""
    return load(rules_root() / "tcp")


def check_text(text: str | bytes, name: str) -> list[Diagnostic]:
    """All diagnostics of one text taken as a whole specification, those of the solver and of requirement ids too."""
    from wireproof.spec import requirements
    from wireproof.spec.check import check

    try:
        source = decode(text, name) if isinstance(text, bytes) else Source(name, text)
        model = load_sources([source])
    except SpecError as e:
        return e.diagnostics
    found, _ = check(model)
    return found + [d for d in requirements.diagnose(model) if d.code == "unknown-requirement"]


def _nowhere(name: str) -> Span:
    return Span(Source(name, ""), 1, 1, 1, 1)
