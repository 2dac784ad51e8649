"""Source texts and the places in them that diagnostics point at."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Source:
    """One specification file: its name as shown to people, and its text."""

    name: str
    text: str = field(repr=False)

    def line(self, number: int) -> str:
        """The line with that number (from 1), without its end; empty past the last."""
        lines = self.text.split("\n")
        return lines[number - 1].rstrip("\r") if 0 < number <= len(lines) else ""


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of one source: lines and columns count from 1; the end column is exclusive."""

    source: Source
    line: int
    column: int
    end_line: int
    end_column: int

    def __str__(self) -> str:
        return f"{self.source.name}:{self.line}:{self.column}"


NOWHERE = Span(Source("<built-in>", ""), 1, 1, 1, 1)

MAX_OCTETS = 4 << 20
"""A specification file longer than this is refused before it is parsed."""


def rule_files(root: Path) -> list[Path]:
    """All ``.wire`` files below a directory, in a fixed order."""
    return sorted(root.rglob("*.wire"))
