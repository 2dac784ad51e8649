"""The figure as SVG: the same places and routes, drawn with lines instead of characters.

Every state is a group ``state-NAME`` of class ``state`` (and ``current`` when it is lit), every arrow a group
``edge-FROM-TO`` of class ``edge`` whose title names the rules; a page may style and animate them.
"""

from __future__ import annotations

import textwrap
from collections.abc import Collection, Iterator
from html import escape

from wireproof.spec import ir
from wireproof.spec.backends import diagram
from wireproof.spec.backends.diagram import BOX, BOXES, Drawn, Point
from wireproof.spec.backends.transitions import Edge

CELL, LINE, MARGIN, SPLIT = 9, 18, 24, 78
"""Pixels of a column and of a row, around everything; columns of a line of the list."""
STYLE = """
  .state rect { fill: #f7f7f5; stroke: #333; stroke-width: 1.5; }
  .state.current rect { fill: #ffe08a; stroke: #b36b00; stroke-width: 3; }
  .state text { font-weight: bold; text-anchor: middle; }
  .edge path { fill: none; stroke: #555; stroke-width: 1.5; marker-end: url(#head); }
  .edge.current path { stroke: #b36b00; stroke-width: 2.5; }
  .label { fill: #1a4e8a; font-size: 13px; }
  .end { text-anchor: end; }
  .listed { fill: #444; font-size: 13px; }
  text { font-family: ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace; font-size: 14px; }
"""


def svg(model: ir.Model, highlight: str | Collection[str] | None = None, profile: str | None = None) -> str:
    """The figure as an SVG document; states in ``highlight`` have the class ``current``."""
    lit = diagram.states_of(highlight)
    drawn, listed = diagram.place(model, profile)
    notes = list(_notes(listed))
    height = MARGIN * 2 + LINE * (53 + len(notes))
    width = MARGIN * 2 + CELL * (diagram.WIDTH + 2)
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}">',
        f"<title>The states of {escape(model.machine)}, from its rules ({model.spec_hash})</title>",
        f"<style>{STYLE}</style>",
        '<defs><marker id="head" viewBox="0 0 10 10" refX="9" refY="5" '
        'markerWidth="12" markerHeight="12" markerUnits="userSpaceOnUse" orient="auto">'
        '<path d="M0 0 10 5 0 10z" fill="#555"/></marker></defs>',
        f'<rect width="{width}" height="{height}" fill="#fff"/>',
    ]
    for d in drawn:
        out += _edge(d, d.ends[0] in lit)
    for state in model.enums["state"]:
        out += _state(state, state in lit)
    for n, (indent, note) in enumerate(notes):
        out.append(f'<text class="listed" x="{MARGIN + CELL * indent}" y="{_y(54 + n):g}">{escape(note)}</text>')
    return "\n".join([*out, "</svg>"]) + "\n"


def _x(column: float) -> float:
    return MARGIN + CELL * column + CELL / 2


def _y(row: float) -> float:
    return MARGIN + LINE * row + LINE / 2


def _state(name: str, lit: bool) -> Iterator[str]:
    corners = BOXES.get(name, ())
    yield f'<g id="state-{name}" class="state{" current" if lit else ""}">'
    for x, y in corners:
        yield f'<rect x="{_x(x):g}" y="{_y(y):g}" width="{CELL * (BOX - 1)}" height="{LINE * 2}" rx="6"/>'
        yield f'<text x="{_x(x + (BOX - 1) / 2):g}" y="{_y(y + 1) + 5:g}">{name}</text>'
    yield "</g>"


def _edge(d: Drawn, lit: bool) -> Iterator[str]:
    rules = "; ".join(f"{e.label}: {', '.join(e.rules)}" for e in d.edges)
    yield f'<g id="edge-{d.ends[0]}-{d.ends[1]}" class="edge{" current" if lit else ""}">'
    yield f"<title>{escape(rules)}</title>"
    yield f'<path d="M{" L".join(f"{_x(x):g} {_y(y):g}" for x, y in _to_borders(d.route.points))}"/>'
    x, y = d.route.label
    end = " end" if d.route.right else ""
    for n, line in enumerate(d.lines):
        yield f'<text class="label{end}" x="{_x(x):g}" y="{_y(y + n) + 5:g}">{escape(line)}</text>'
    yield "</g>"


def _to_borders(points: tuple[Point, ...]) -> list[Point]:
    """The route from border to border: text leaves a cell free at both ends."""
    out = list(points)
    for end, other in ((0, 1), (-1, -2)):
        (x, y), (x2, y2) = points[end], points[other]
        out[end] = (x + (x > x2) - (x < x2), y + (y > y2) - (y < y2))
    return out


def _notes(listed: list[Edge]) -> Iterator[tuple[int, str]]:
    """The lines of the list, each with its indent in columns."""
    for (target, label), sources in diagram.grouped(listed).items():
        yield 0, f"→ {target}: {label}"
        for line in textwrap.wrap(f"from {', '.join(sources)}", SPLIT, break_on_hyphens=False):
            yield 3, line
