"""What runs leave behind: one directory a run with its event stream and its artefacts, to be found again."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Event = dict[str, Any]

HOME = Path(".wireproof")
RESULTS = "results.ndjson"


class RecordError(ValueError):
    """A recorded run that cannot be found or read; the message says which there are."""


def short_id(target: str, test_id: str, rule: str, taken: set[str] | None = None) -> str:
    """``c-xxxx``: the same for the same failure in every run, longer when another failure has it already."""
    digest = hashlib.sha256(f"{target}\0{test_id}\0{rule}".encode()).hexdigest()
    for n in range(4, len(digest)):
        name = f"c-{digest[:n]}"
        if taken is None or name not in taken:
            break
    if taken is not None:
        taken.add(name)
    return name


@dataclass(slots=True)
class Run:
    """One recorded run."""

    path: Path
    events: list[Event] = field(default_factory=list)

    @property
    def id(self) -> str:
        return self.path.name

    @property
    def target(self) -> str:
        return str(next((e["target"]["name"] for e in self.events if e["event"] == "plan"), ""))

    @property
    def results(self) -> list[Event]:
        return [e for e in self.events if e["event"] == "result"]

    @property
    def summary(self) -> Event | None:
        return next((e for e in self.events if e["event"] == "summary"), None)

    def failures(self, known: bool = True) -> list[Event]:
        """Results that are failures or errors; without ``known`` only those that no baseline entry explains."""
        return [r for r in self.results if r["verdict"] in ("fail", "error") and (known or r["overlay"] != "xfail")]

    def firsts(self) -> list[Event]:
        """Of a run of mutants: the failure that shows each."""
        return [e["first"] for e in self.events if e["event"] == "mutant" and e["first"]]


class Recorder:
    """Writes a run as it goes: a line for each event, at once."""

    def __init__(self, home: Path = HOME):
        """Make the directory of a new run. Raises OSError."""
        runs = home / "runs"
        runs.mkdir(parents=True, exist_ok=True)
        number = max((_number(p) for p in runs.iterdir()), default=0) + 1
        while True:
            self.path = runs / f"r{number}"
            try:
                self.path.mkdir()
                break
            except FileExistsError:
                number += 1
        self.id = self.path.name
        self._file = (self.path / RESULTS).open("w", encoding="utf-8", buffering=1)

    def write(self, event: Event) -> None:
        self._file.write(json.dumps(event, separators=(",", ":")) + "\n")

    def close(self) -> None:
        self._file.close()


def _number(path: Path) -> int:
    return int(path.name[1:]) if path.name[:1] == "r" and path.name[1:].isdecimal() else 0


def read(path: Path) -> Run:
    """A run from its directory; a line that was cut off by the end of the process is left out. Raises RecordError."""
    run = Run(path)
    try:
        lines = (path / RESULTS).read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as e:
        raise RecordError(f"{path / RESULTS}: cannot be read ({getattr(e, 'strerror', 'not UTF-8 text')})") from None
    for n, line in enumerate(lines, 1):
        try:
            event = json.loads(line)
            if not isinstance(event, dict) or "event" not in event:
                raise ValueError
        except ValueError:
            if n == len(lines):
                break
            raise RecordError(f"{path / RESULTS}:{n}: not an event of a run") from None
        run.events.append(event)
    return run


def run_ids(home: Path = HOME) -> list[str]:
    """The recorded runs, newest first."""
    runs = home / "runs"
    found = [p for p in runs.iterdir() if _number(p) and (p / RESULTS).is_file()] if runs.is_dir() else []
    return [p.name for p in sorted(found, key=_number, reverse=True)]


def load(run_id: str, home: Path = HOME) -> Run:
    """A run by its id. Raises :class:`RecordError`."""
    known = run_ids(home)
    if run_id not in known:
        there = f"there are {', '.join(known[:5])}" if known else "none is recorded here yet: `wireproof run` makes one"
        raise RecordError(f"there is no run '{run_id}' in {home / 'runs'}; {there}")
    return read(home / "runs" / run_id)


def last(target: str = "", home: Path = HOME) -> Run | None:
    """The newest run, of one target or of any."""
    for run_id in run_ids(home):
        run = load(run_id, home)
        if not target or run.target == target:
            return run
    return None


def find(short: str, home: Path = HOME) -> tuple[Run, Event]:
    """The newest failure with this short id (``c-7f3a``). Raises :class:`RecordError`."""
    known: list[str] = []
    for run_id in run_ids(home):
        run = load(run_id, home)
        for result in (*run.results, *run.firsts()):
            if result.get("cex") == short:
                return run, result
            if result.get("cex"):
                known.append(result["cex"])
    there = f"the newest are {', '.join(dict.fromkeys(known[:5]))}" if known else "none is recorded here yet"
    raise RecordError(f"there is no counterexample '{short}' in {home / 'runs'}; {there}")
