"""Test cases: strategies whose fields are relative to what the implementation chose (its ISS, its window).

A test case is data (one JSON object a line in a suite file). Its steps:

``{"call": fn, "h": handle, ...arguments}``, ``{"seg": CTL, "seq": [base, offset], "ack": [base, offset], "len": n,
"wnd": n, ...}``, ``{"icmp": what, "seq": [base, offset]}``, ``{"wait": microseconds}``, ``{"wait": "timer"}`` (until
the next thing must have happened; ``"less": us`` so much earlier).

Generated traces use more (``garbage.py``, ``numbers.py``): a base may be a sum of the specification's names
(``"SND.UNA - MAX.SND.WND"``, ``"len(RCV.DATA)"``), and ``len``, ``wnd``, ``up``, ``mss``, ``mtu`` may be [base,
offset] too; ``{"again": n}`` injects the nth last datagram again; a ``seg`` with ``"cut": n`` lacks its last n octets
(``"honest": true``: its IP header says so); ``{"raw": hex}`` is what a datagram carries in the place of a segment,
``{"octets": hex}`` a whole datagram; ``"most": us`` bounds how long is waited for a timer.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Step = dict[str, Any]


@dataclass(slots=True)
class TestCase:
    """One conformance test.

    ``rules`` are the rules it is meant to exercise (its purpose first), ``ids`` the requirements and ``cells`` the
    cells of RFC 9293 3.10 behind them. ``slow``: needs more than ``SLOW_US`` of the implementation's time.
    """

    id: str
    steps: list[Step]
    rules: list[str] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    cells: list[str] = field(default_factory=list)
    level: str = "procedure"
    state: str = ""
    event: str = ""
    duration_us: int = 0
    aka: list[str] = field(default_factory=list)

    def to_json(self) -> str:
        """One line of a suite file."""
        return json.dumps({s: getattr(self, s) for s in self.__slots__}, separators=(",", ":"), sort_keys=True)


SLOW_US = 75_000_000
"""Tests that need more time than this run on virtual clocks only, unless asked for."""


class SuiteError(ValueError):
    """A suite file that cannot be used: the message names file, line and what to do."""


def read_suite(path: Path) -> list[TestCase]:
    """The test cases of a suite file. Raises :class:`SuiteError`."""
    out: list[TestCase] = []
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as e:
        raise SuiteError(f"{path}: cannot be read ({e}); reinstall wireproof or run `make generate`") from None
    for n, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            raw = json.loads(line)
            out.append(TestCase(**raw))
        except (ValueError, TypeError) as e:
            raise SuiteError(f"{path}:{n}: not a test case ({e}); run `make generate`") from None
    return out


def suite_file(cases: Iterable[TestCase]) -> str:
    """The text of a suite file: the cases in the order of their ids."""
    return "".join(c.to_json() + "\n" for c in sorted(cases, key=lambda c: c.id))
