"""How fast wireproof is on this machine: one JSON object, and on standard error a table of the same.

``--quick`` does a little of everything, to see that it all works; its figures mean nothing.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.benchmarks.measure import Effort, Figure
from tests.benchmarks.subjects import SUBJECTS


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a little of everything, in a few seconds")
    parser.add_argument("--runs", type=int, default=5, help="how often each piece of work is done (5)")
    parser.add_argument("subject", nargs="*", help=f"only these: {', '.join(SUBJECTS)}")
    options = parser.parse_args()
    for name in options.subject:
        if name not in SUBJECTS:
            parser.error(f"there is no subject '{name}'; there are {', '.join(SUBJECTS)}")
    if options.runs < 1:
        parser.error("--runs must be at least 1")
    effort = Effort(min(options.runs, 2) if options.quick else options.runs, options.quick)
    found: dict[str, dict[str, Figure]] = {}
    for name in options.subject or SUBJECTS:
        found[name] = SUBJECTS[name](effort)
        for what, figure in found[name].items():
            print(_line(name, what, figure), file=sys.stderr, flush=True)
    result: dict[str, Any] = {
        "wireproof": version("wireproof"),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.release()}",
        "quick": effort.quick,
        "runs": effort.runs,
        "subjects": found,
    }
    print(json.dumps(result, indent=2))


def _line(subject: str, what: str, figure: Figure) -> str:
    name = f"{subject} {what}".replace("_", " ")
    if "not_run" in figure:
        return f"{name:<34} not run: {figure['not_run']}"
    low, high = min(figure["runs"]), max(figure["runs"])
    aim = f", aim {figure['aim']}" if "aim" in figure else ""
    size = f", {figure['states']:,} states, depth {figure['depth']}" if "states" in figure else ""
    return f"{name:<34} {figure['median']:>10,.6g} {figure['unit']:<16} ({low:,.6g} to {high:,.6g}{aim}{size})"


if __name__ == "__main__":
    main()
