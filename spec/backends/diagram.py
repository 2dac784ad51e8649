"""The state machine drawn from the rules: text like the RFC's figure, dot, mermaid; ``diagram_svg`` does SVG.

Places of the states and routes of the arrows are laid by hand for the eleven states of TCP; which arrows there are,
and what stands beside them, comes from the model. An edge that has no route, and one whose label finds no room, is
listed below the figure; so are those to CLOSED that many states share, as RFC 793 leaves them out of its figure.
"""

from __future__ import annotations

import itertools
import textwrap
from collections.abc import Collection
from dataclasses import dataclass

from wireproof.spec import ir
from wireproof.spec.backends.transitions import Edge, edges

WIDTH = 80
BOX = 16
"""Columns of a box; it has three rows."""
SHARED = 3
"""An edge to CLOSED that so many states have alike is listed, not drawn."""
JOINED = "\N{WORD JOINER}"
"""Stands for a space at which no line ends."""

Point = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Route:
    """An arrow through these points (column, row), and where its label goes: its first row, the column where its
    lines begin (or end, if ``right``), and how many columns and rows there are."""

    points: tuple[Point, ...]
    label: Point
    columns: int = 14
    rows: int = 3
    right: bool = False


BOXES: dict[str, tuple[Point, ...]] = {
    "CLOSED": ((32, 0), (54, 47)),
    "LISTEN": ((12, 9),),
    "SYN-SENT": ((54, 9),),
    "SYN-RECEIVED": ((12, 17),),
    "ESTABLISHED": ((33, 23),),
    "FIN-WAIT-1": ((12, 31),),
    "CLOSE-WAIT": ((54, 31),),
    "FIN-WAIT-2": ((12, 39),),
    "CLOSING": ((33, 39),),
    "LAST-ACK": ((54, 39),),
    "TIME-WAIT": ((33, 47),),
}
"""The upper left corner of each state; CLOSED stands at both ends, as in the RFC."""

ROUTES: dict[tuple[str, str], Route] = {
    ("CLOSED", "LISTEN"): Route(((34, 3), (34, 5), (22, 5), (22, 8)), (24, 6), 18, 2),
    ("LISTEN", "CLOSED"): Route(((16, 8), (16, 1), (31, 1)), (14, 3), 14, 5, True),
    ("CLOSED", "SYN-SENT"): Route(((45, 3), (45, 5), (58, 5), (58, 8)), (56, 6), 14, 2, True),
    ("SYN-SENT", "CLOSED"): Route(((65, 8), (65, 1), (48, 1)), (67, 3), 13, 5),
    ("LISTEN", "SYN-RECEIVED"): Route(((22, 12), (22, 16)), (24, 13), 14, 3),
    ("SYN-RECEIVED", "LISTEN"): Route(((16, 16), (16, 12)), (14, 13), 14, 3, True),
    ("SYN-SENT", "SYN-RECEIVED"): Route(((57, 12), (57, 18), (28, 18)), (55, 14), 14, 3, True),
    ("SYN-SENT", "ESTABLISHED"): Route(((65, 12), (65, 24), (49, 24)), (67, 16), 13, 6),
    ("SYN-RECEIVED", "ESTABLISHED"): Route(((25, 20), (25, 24), (32, 24)), (27, 21), 20, 2),
    ("SYN-RECEIVED", "FIN-WAIT-1"): Route(((16, 20), (16, 30)), (14, 22), 14, 6, True),
    ("ESTABLISHED", "FIN-WAIT-1"): Route(((36, 26), (36, 28), (24, 28), (24, 30)), (26, 29), 17, 2),
    ("ESTABLISHED", "CLOSE-WAIT"): Route(((45, 26), (45, 28), (61, 28), (61, 30)), (63, 28), 17, 3),
    ("FIN-WAIT-1", "FIN-WAIT-2"): Route(((16, 34), (16, 38)), (14, 35), 14, 3, True),
    ("FIN-WAIT-1", "CLOSING"): Route(((28, 32), (40, 32), (40, 38)), (42, 34), 12, 4),
    ("FIN-WAIT-2", "TIME-WAIT"): Route(((16, 42), (16, 48), (32, 48)), (18, 44), 14, 3),
    ("CLOSING", "TIME-WAIT"): Route(((40, 42), (40, 46)), (42, 43), 12, 3),
    ("CLOSE-WAIT", "LAST-ACK"): Route(((61, 34), (61, 38)), (63, 35), 17, 3),
    ("LAST-ACK", "CLOSED"): Route(((61, 42), (61, 46)), (63, 43), 17, 3),
    ("TIME-WAIT", "CLOSED"): Route(((49, 48), (53, 48)), (36, 50), 30, 2),
}


@dataclass(frozen=True, slots=True)
class Drawn:
    """One arrow of the figure with its edges and the lines of its label."""

    edges: tuple[Edge, ...]
    route: Route
    lines: tuple[str, ...]

    @property
    def ends(self) -> tuple[str, str]:
        return self.edges[0].source, self.edges[0].target


def place(model: ir.Model, profile: str | None = None) -> tuple[list[Drawn], list[Edge]]:
    """The arrows of the figure, and the edges that are listed below it. Together they are all edges, each once."""
    every = edges(model, profile)
    alike: dict[tuple[str, str], int] = {}
    for e in every:
        alike[e.target, e.label] = alike.get((e.target, e.label), 0) + 1
    shared = {k for k, n in alike.items() if n >= SHARED and k[0] == model.enums["state"][0]}
    by_ends: dict[tuple[str, str], list[Edge]] = {}
    listed = []
    for e in every:
        if (e.source, e.target) in ROUTES and (e.target, e.label) not in shared:
            by_ends.setdefault((e.source, e.target), []).append(e)
        else:
            listed.append(e)
    drawn = []
    for ends, found in by_ends.items():
        route = ROUTES[ends]
        shown, lines = _label(found, route)
        listed += [e for e in found if e not in shown]
        if shown:
            drawn.append(Drawn(tuple(shown), route, tuple(lines)))
    return drawn, listed


def _label(found: list[Edge], route: Route) -> tuple[list[Edge], list[str]]:
    """As many edges as have room, those with the same answer together; and the lines."""
    shown: list[Edge] = []
    lines: list[str] = []
    for sends in dict.fromkeys(e.sends for e in found):
        group = [e for e in found if e.sends == sends]
        while group:
            new = _wrapped(group, route.columns)
            if len(lines) + len(new) <= route.rows:
                shown += group
                lines += new
                break
            group.pop()
    return shown, lines


def _wrapped(group: list[Edge], columns: int) -> list[str]:
    events = ", ".join(e.event.replace(" ", JOINED) if len(e.event) < columns else e.event for e in group)
    if not group[0].sends:
        return _wrap(events, columns)
    return _wrap(f"{events} /", columns) + _wrap(", ".join(f"snd {s}" for s in group[0].sends), columns)


def _wrap(text: str, columns: int) -> list[str]:
    lines = textwrap.wrap(text, columns, break_on_hyphens=False, break_long_words=False)
    return [line.replace(JOINED, " ") for line in lines]


# ---- text -----------------------------------------------------------------------------------------------------------


def states_of(highlight: str | Collection[str] | None) -> frozenset[str]:
    """One state, several or none."""
    if highlight is None:
        return frozenset()
    return frozenset([highlight] if isinstance(highlight, str) else highlight)


def text(model: ir.Model, highlight: str | Collection[str] | None = None, profile: str | None = None) -> str:
    """The figure in plain ASCII, 80 columns wide; states in ``highlight`` have a border of ``#``."""
    lit = states_of(highlight)
    drawn, listed = place(model, profile)
    canvas: dict[Point, str] = {}
    for d in drawn:
        _arrow(canvas, d.route.points)
        for n, line in enumerate(d.lines):
            x = d.route.label[0] - (len(line) - 1 if d.route.right else 0)
            _write(canvas, (x, d.route.label[1] + n), line)
    for state in model.enums["state"]:
        for corner in BOXES.get(state, ()):
            _box(canvas, corner, state, state in lit)
    rows = max(y for _, y in canvas) + 1 if canvas else 0
    figure = ["".join(canvas.get((x, y), " ") for x in range(WIDTH)).rstrip() for y in range(rows)]
    return "\n".join([*figure, *_list(model, listed)]) + "\n"


def _write(canvas: dict[Point, str], at: Point, line: str) -> None:
    for n, char in enumerate(line):
        canvas[at[0] + n, at[1]] = char


def _box(canvas: dict[Point, str], corner: Point, name: str, lit: bool) -> None:
    x, y = corner
    edge, side, where = ("#" * BOX, "#", "#") if lit else ("-" * (BOX - 2), "|", "+")
    border = edge if lit else f"{where}{edge}{where}"
    for row, line in enumerate((border, f"{side}{name:^{BOX - 2}}{side}", border)):
        _write(canvas, (x, y + row), line)


def _arrow(canvas: dict[Point, str], points: tuple[Point, ...]) -> None:
    dx = dy = 0
    for (x1, y1), (x2, y2) in itertools.pairwise(points):
        dx, dy = (x2 > x1) - (x2 < x1), (y2 > y1) - (y2 < y1)
        for n in range(max(abs(x2 - x1), abs(y2 - y1)) + 1):
            at = (x1 + dx * n, y1 + dy * n)
            line = "-" if dx else "|"
            canvas[at] = line if canvas.get(at, line) == line else "+"
    for corner in points[1:-1]:
        canvas[corner] = "+"
    canvas[points[-1]] = {(1, 0): ">", (-1, 0): "<", (0, 1): "V", (0, -1): "^"}[dx, dy]


def _list(model: ir.Model, listed: list[Edge]) -> list[str]:
    unplaced = [s for s in model.enums["state"] if s not in BOXES]
    out = [f"states: {', '.join(unplaced)}"] if unplaced else []
    indent = " " * 5
    for (target, label), sources in grouped(listed).items():
        rest = f"from {', '.join(sources)}"
        lines = textwrap.wrap(rest, WIDTH - 4, break_on_hyphens=False, initial_indent=indent, subsequent_indent=indent)
        out += [f"-> {target}: {label}", *lines]
    return ["", "Not drawn above:", *out] if out else []


def grouped(listed: list[Edge]) -> dict[tuple[str, str], list[str]]:
    """Edges that differ in where they begin only: (target, label) and the states they come from."""
    out: dict[tuple[str, str], list[str]] = {}
    for e in listed:
        out.setdefault((e.target, e.label), []).append(e.source)
    return out


# ---- dot, mermaid ----------------------------------------------------------------------------------------------------


def dot(model: ir.Model, highlight: str | Collection[str] | None = None, profile: str | None = None) -> str:
    """A Graphviz digraph: an arrow for each pair of states, all labels on it."""
    lit = states_of(highlight)
    out = [f"digraph {model.machine} {{", '  node [shape=box, fontname="monospace"];', '  edge [fontname="monospace"];']
    for state in model.enums["state"]:
        style = ', style="filled,bold", fillcolor="#ffe08a"' if state in lit else ""
        out.append(f'  "{state}" [label="{state}"{style}];')
    for (source, target), labels in _pairs(model, profile).items():
        label = "\\n".join(labels)
        out.append(f'  "{source}" -> "{target}" [label="{label}"];')
    return "\n".join([*out, "}"]) + "\n"


def mermaid(model: ir.Model, highlight: str | Collection[str] | None = None, profile: str | None = None) -> str:
    """A Mermaid ``stateDiagram-v2``: an arrow for each edge."""
    names = {s: s.replace("-", "_") for s in model.enums["state"]}
    out = ["stateDiagram-v2", *(f'  state "{s}" as {n}' for s, n in names.items())]
    out.append(f"  [*] --> {names[model.enums['state'][0]]}")
    for e in edges(model, profile):
        out.append(f"  {names[e.source]} --> {names[e.target]} : {e.label}")
    if lit := sorted(names[s] for s in states_of(highlight)):
        out += ["  classDef current fill:#ffe08a,stroke-width:3px", f"  class {','.join(lit)} current"]
    return "\n".join(out) + "\n"


def _pairs(model: ir.Model, profile: str | None) -> dict[tuple[str, str], list[str]]:
    out: dict[tuple[str, str], list[str]] = {}
    for e in edges(model, profile):
        out.setdefault((e.source, e.target), []).append(e.label)
    return out
