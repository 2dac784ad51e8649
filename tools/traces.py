"""Where traces of worlds are kept."""

from __future__ import annotations

from pathlib import Path

from wireproof.conformance.records import HOME
from wireproof.conformance.world import Scenario
from wireproof.conformance.world_record import Happened, write

TRACES = HOME / "traces"


def free(stem: str) -> Path:
    """A name below ``.wireproof/traces`` that is not taken; the directory is made. Raises OSError."""
    TRACES.mkdir(parents=True, exist_ok=True)
    n = 1
    while (path := TRACES / f"{stem}-{n}.wpt").exists():
        n += 1
    return path


def save(path: Path, scenario: Scenario, history: list[Happened]) -> list[Path]:
    """Save what happened, a trace for each host: ``x.wpt`` is A's, ``x-B.wpt`` is B's. Raises OSError."""
    out = []
    for host in scenario.hosts:
        where = path if host == "A" else path.with_name(f"{path.stem}-{host}{path.suffix}")
        write(where, scenario, history, host, path.stem)
        out.append(where)
    return out
