"""The live kernel: short connections under the oracle's judgement, beside the bare loop that judges nothing."""

from __future__ import annotations

import os
import time

from tests.benchmarks.connection import Connections
from tests.benchmarks.measure import Effort, Figure, beside, figure
from wireproof.conformance.session import IutError, Program
from wireproof.conformance.targets.linux import LinuxTarget
from wireproof.conformance.targets.wire_loop import bare_connections
from wireproof.conformance.tester import Settings
from wireproof.reference import machine

SLACK_US = 80_000
AIM = 0.25
"""A judged connection should take no more than four times as long as one that nobody judges."""


class _Done:
    def __init__(self) -> None:
        self.seen = 0

    def finished(self, program: Program, result: object, error: BaseException | None) -> None:
        if error is not None:
            raise error
        self.seen += 1


def why_not() -> str | None:
    """Why the kernel cannot be measured here; None when it can."""
    if os.geteuid() != 0:
        return "needs root"
    try:
        os.close(os.open("/dev/net/tun", os.O_RDWR))
    except OSError as error:
        return f"needs /dev/net/tun: {error.strerror}"
    return None


def measure(effort: Effort) -> dict[str, Figure]:
    """Connections by the second."""
    if (why := why_not()) is not None:
        return {"connections": {"not_run": why}}
    judged, bare = [], []
    try:
        for _ in range(effort.runs):
            bare.append(bare_connections(effort.size(2000, 50)))
            judged.append(judged_connections(effort.size(1000, 20)))
    except IutError as error:
        return {"connections": {"not_run": str(error)}}
    return {
        "connections": figure(judged, "connections/s"),
        "bare": figure(bare, "connections/s"),
        "ratio": beside(judged, bare, "bare", aim=AIM),
    }


def judged_connections(n: int) -> float:
    """Make ``n`` connections to the live kernel one after the other, each judged; how many a second."""
    settings = Settings(machine.tcp(), "linux", SLACK_US)
    programs: list[Program] = [Connections(i, settings) for i in range(n)]
    target = LinuxTarget()
    try:
        done = _Done()
        begun = time.perf_counter()
        target.run(programs, done)
        took = time.perf_counter() - begun
    finally:
        target.shutdown()
    assert done.seen == n
    return n / took
