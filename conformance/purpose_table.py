"""What became of each purpose: covered by a test case, proved unreachable, or open with the budget it had.

The table is a file of JSON lines beside the suite, one purpose a line, in the order of the specification.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from importlib import resources
from pathlib import Path
from typing import Any, Literal

from wireproof.conformance.testcase import SuiteError

Status = Literal["covered", "unreachable", "open"]
STATUSES: tuple[Status, ...] = ("covered", "unreachable", "open")


@dataclass(slots=True)
class Entry:
    """One purpose. ``case`` is the test that covers it and ``on`` the reference it was seen on; ``why`` says how it
    was proved that nothing can, or what was tried in vain."""

    purpose: str
    status: Status
    case: str = ""
    on: str = ""
    why: str = ""

    def to_json(self) -> str:
        return json.dumps({k: v for k, v in asdict(self).items() if v}, separators=(",", ":"), sort_keys=True)


def path() -> Path:
    """The table that comes with wireproof."""
    return Path(str(resources.files("wireproof.conformance").joinpath("suites/tcp_purposes.jsonl")))


def read(file: Path | None = None) -> list[Entry]:
    """The entries of a table. Raises :class:`SuiteError` naming file and line."""
    file = file or path()
    out = []
    try:
        lines = file.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as e:
        raise SuiteError(f"{file}: cannot be read ({e}); `wireproof suite build` makes one") from None
    for n, line in enumerate(lines, 1):
        try:
            entry = Entry(**json.loads(line))
            if entry.status not in STATUSES:
                raise ValueError(f"there is no status '{entry.status}'")
        except (ValueError, TypeError) as e:
            raise SuiteError(f"{file}:{n}: not a purpose ({e}); `wireproof suite build` makes it again") from None
        out.append(entry)
    return out


def text(entries: Iterable[Entry]) -> str:
    """The text of a table."""
    return "".join(e.to_json() + "\n" for e in entries)


def summary(entries: Iterable[Entry]) -> dict[str, Any]:
    """How many are covered, unreachable and open: in all, and by kind of purpose."""
    total: Counter[str] = Counter()
    kinds: dict[str, Counter[str]] = {}
    for e in entries:
        total[e.status] += 1
        kinds.setdefault(e.purpose.split("/", 1)[0], Counter())[e.status] += 1
    return {
        "purposes": {s: total[s] for s in STATUSES},
        "kinds": {k: {s: c[s] for s in STATUSES} for k, c in kinds.items()},
    }
