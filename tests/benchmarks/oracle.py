"""The oracle alone: recorded events judged again, without a host."""

from __future__ import annotations

from tests.benchmarks import connection
from tests.benchmarks.measure import Effort, Figure, rate
from wireproof.conformance.testcase import Step


def measure(effort: Effort) -> dict[str, Figure]:
    """Packets and calls judged by the second; the judgements of silence between them are in the time."""
    return {
        "transfer": _judging(connection.exchange(effort.size(200, 5)), 1, effort),
        "handshakes": _judging(connection.SHORT, effort.size(200, 5), effort),
    }


def _judging(steps: list[Step], times: int, effort: Effort) -> Figure:
    local, events = connection.record(steps)
    seen = sum(name in ("rx", "tx", "call") for name, _ in events)

    def work() -> None:
        for _ in range(times):
            connection.judge_again(local, events)

    return rate(work, seen * times, "events/s", effort, events=seen * times)
