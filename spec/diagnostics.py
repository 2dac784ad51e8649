"""Diagnostics are values: what is wrong, where, why, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from wireproof.spec.source import Span

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One finding about a specification.

    ``code`` is a stable short name (``unknown-name``), ``text`` one sentence, ``hint`` what to do, ``cause`` a
    second place that explains the first (the earlier definition, say).
    """

    code: str
    span: Span
    text: str
    hint: str = ""
    severity: Severity = "error"
    cause: Span | None = None
    cause_text: str = ""


class SpecError(Exception):
    """A specification that cannot be used; carries every diagnostic found."""

    def __init__(self, diagnostics: list[Diagnostic]):
        self.diagnostics = diagnostics
        super().__init__("\n".join(render(d) for d in diagnostics))


def excerpt(span: Span) -> str:
    """The source line with a caret under the span; tabs count as one column; long lines are cut around the caret."""
    text = span.source.line(span.line).replace("\t", " ")
    column = span.column - 1
    width = (span.end_column - span.column) if span.end_line == span.line else len(text) - column
    start = max(0, column - 60)
    shown = text[start : start + 110]
    width = max(1, min(width, len(shown) - (column - start)))
    lead = f"{span.line:>5} | "
    return f"{lead}{shown}\n{' ' * (len(lead) - 2)}| {' ' * (column - start)}{'^' * width}"


def render(d: Diagnostic) -> str:
    """A diagnostic as text: ``file:line:column: severity: text [code]``, the line with a caret, the hint."""
    parts = [f"{d.span}: {d.severity}: {d.text} [{d.code}]", excerpt(d.span)]
    if d.cause is not None:
        parts += [f"{d.cause}: note: {d.cause_text}", excerpt(d.cause)]
    if d.hint:
        parts.append(f"  what to do: {d.hint}")
    return "\n".join(parts)
