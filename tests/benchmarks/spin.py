"""SPIN on the model of two endpoints (pair.pml): whether it is here, how the model is built, what a search finds."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.measure import seconds
from wireproof.conformance.exploration import Report
from wireproof.conformance.pairs import Bounds

MODEL = Path(__file__).with_name("pair.pml")
SCENARIOS = {
    "opening": "OPENING",
    "simultaneous-open": "SIMULTANEOUS_OPEN",
    "closing": "CLOSING",
    "any-close": "ANY_CLOSE",
    "simultaneous-close": "SIMULTANEOUS_CLOSE",
}
"""The scenarios that the model has, by our names."""


@dataclass(slots=True, frozen=True)
class Found:
    """What SPIN reports of a search; ``seconds`` is the wall time of the program that it made."""

    states: int
    depth: int
    errors: int
    seconds: float


def missing() -> str | None:
    """What is wanting to run SPIN; None when nothing is."""
    absent = [need for need in ("spin", "gcc") if shutil.which(need) is None]
    return f"needs {' and '.join(absent)} (Debian packages of that name)" if absent else None


def build(scenario: str, bounds: Bounds, where: Path, model: Path = MODEL, level: str = "-O2") -> Path:
    """The program that searches a scenario within bounds, breadth first, made in the directory ``where``.

    ``level`` is how much the compiler optimizes.
    """
    settings = {"SCENARIO": SCENARIOS[scenario], "CHANNEL": bounds.channel, "LOSS": bounds.loss, "DUP": bounds.dup}
    defined = [f"-D{name}={value}" for name, value in settings.items()]
    _run(["spin", "-a", *defined, str(model)], where)
    _run(["gcc", level, "-DSAFETY", "-DBFS", "-o", "pan", "pan.c"], where)
    return where / "pan"


def search(pan: Path) -> Found:
    """Run the program once."""
    told: list[str] = []
    took = seconds(lambda: told.append(_run([str(pan), "-w22"], pan.parent)))
    states, depth, errors = (
        int(re.search(pattern, told[0])[1])  # type: ignore[index]
        for pattern in (r"(\d+) states, stored", r"depth reached (\d+)", r"errors: (\d+)")
    )
    return Found(states, depth, errors, took)


def expected(ours: Report) -> int:
    """How many states SPIN must find where we found ``ours``.

    It counts one more before the model has begun, and for each quiet state three more: after the check of what must
    hold then, after the loop, and when the process has ended.
    """
    return ours.states + 1 + 3 * ours.quiet


def _run(command: list[str], where: Path) -> str:
    done = subprocess.run(command, cwd=where, capture_output=True, text=True, timeout=600)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: exit {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout
