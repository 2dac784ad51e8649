"""The live kernel: short connections under the oracle's judgement, beside the bare loop that judges nothing."""

from __future__ import annotations

import os
import time
from collections.abc import Generator, Sequence
from typing import Any

from tests.benchmarks.connection import Connections
from tests.benchmarks.measure import Effort, Figure, beside, figure
from wireproof.conformance.session import IutError, Program, Session
from wireproof.conformance.targets.linux import LinuxTarget
from wireproof.conformance.targets.wire_loop import bare_connections
from wireproof.conformance.tester import PEER_ISN, Settings
from wireproof.reference import machine
from wireproof.reference.codec import encode
from wireproof.reference.segment import ACK, FIN, PSH, SYN, Segment

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
    """Connections by the second, made one after the other: judged, in sessions without tester and oracle, and bare."""
    if (why := why_not()) is not None:
        return {"connections": {"not_run": why}}
    judged, silent, bare = [], [], []
    settings = Settings(machine.tcp(), "linux", SLACK_US)
    n = effort.size(1000, 20)
    try:
        for _ in range(effort.runs):
            bare.append(bare_connections(effort.size(2000, 50)))
            judged.append(_connections([Connections(i, settings) for i in range(n)]))
            silent.append(_connections([_Unjudged(i) for i in range(n)]))
    except IutError as error:
        return {"connections": {"not_run": str(error)}}
    return {
        "connections": figure(judged, "connections/s"),
        "sessions": figure(silent, "connections/s"),
        "bare": figure(bare, "connections/s"),
        "ratio": beside(judged, bare, "bare", aim=AIM),
        "ratio_sessions": beside(silent, bare, "bare"),
    }


class _Unjudged:
    """The same calls and packets in a session, and nobody who looks at what comes: what no oracle can be rid of."""

    def __init__(self, number: int):
        self.id = f"unjudged-{number}"

    def start(self, session: Session) -> Generator[int, None, None]:
        s, seq, answers = session, PEER_ISN, []

        def inject(ctl: int, ack: int, data: bytes = b"", options: bytes = b"") -> None:
            segment = Segment(s.remote, s.local, s.remote_port, s.local_port, seq, ack, ctl, 65535)
            segment.data, segment.options = data, options
            s.inject(encode(segment))
            answers.extend(s.drain())

        def call(h: int, fn: str, **args: Any) -> None:
            s.call(h, fn, **args)
            answers.extend(s.drain())

        call(1, "open_passive", local=(s.local, s.local_port), backlog=8)
        inject(SYN, 0, options=b"\x02\x04\x05\xb4")
        ack = int.from_bytes(answers[0][1][24:28], "big") + 1 & 0xFFFFFFFF
        seq += 1
        inject(ACK, ack)
        call(1, "accept", new=2)
        inject(ACK | PSH, ack, bytes(16))
        seq += 16
        call(2, "receive", max=64)
        call(2, "send", data=bytes(16))
        ack = ack + 16 & 0xFFFFFFFF
        inject(ACK, ack)
        inject(FIN | ACK, ack)
        seq += 1
        call(2, "release")
        inject(ACK, ack + 1 & 0xFFFFFFFF)
        assert answers[-1][1][33] & FIN
        yield from ()


def _connections(programs: Sequence[Program]) -> float:
    """Run the programs one after the other; how many a second."""
    target = LinuxTarget()
    try:
        done = _Done()
        begun = time.perf_counter()
        target.run(list(programs), done)
        took = time.perf_counter() - begun
    finally:
        target.shutdown()
    assert done.seen == len(programs)
    return len(programs) / took
