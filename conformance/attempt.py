"""One test case, one implementation, one oracle, any of which may be broken: what comes of it, in bounded time."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from wireproof.conformance.session import Result
from wireproof.conformance.targets.reference import ReferenceSession
from wireproof.conformance.testcase import TestCase
from wireproof.conformance.tester import Settings, run_case

PATIENCE_S = 1.0
"""Processor time after which an attempt is given up: a test takes a millisecond, a broken one may take for ever."""
MOST_WAITS = 20_000
"""How often the clock is moved on in one attempt at most."""


Trace = tuple[tuple[Any, ...], ...]
"""``("call", handle, name, arguments, kind and value of the result)``, ``("inject", datagram)``, ``("drain", what came
out, with times)``, ``("time", until)``, in order."""


class StuckError(RuntimeError):
    """Nothing came back within :data:`PATIENCE_S`."""


class Attempt(NamedTuple):
    """``verdict``: pass, fail, inconclusive, unsupported, or error when implementation or oracle fell over. ``rule``
    refused, or what fell over; ``deviations`` as (rule, requirement); ``trace`` is everything that was done to the
    implementation and seen of it."""

    verdict: str
    rule: str
    deviations: tuple[tuple[str, str], ...]
    trace: Trace


class _Watched:
    """A session that notes what is done to the implementation and what it shows."""

    def __init__(self, session: ReferenceSession):
        self.inner = session
        self.trace: list[tuple[Any, ...]] = []
        self.local, self.remote = session.local, session.remote
        self.local_port, self.remote_port = session.local_port, session.remote_port
        self.now, self.close = session.now, session.close

    def call(self, h: int, fn: str, **args: Any) -> Result:
        result = self.inner.call(h, fn, **args)
        self.trace.append(("call", h, fn, args, (result.kind, result.value)))
        return result

    def inject(self, packet: bytes) -> None:
        self.trace.append(("inject", packet))
        self.inner.inject(packet)

    def drain(self) -> list[tuple[int, bytes]]:
        out = self.inner.drain()
        self.trace.append(("drain", out))
        return out

    def pass_time(self, until: int) -> None:
        self.trace.append(("time", until))
        self.inner.pass_time(until)


def attempt(case: TestCase, session: ReferenceSession, settings: Settings) -> Attempt:
    """Run a case; whatever goes wrong is the verdict ``error``."""
    watched = _Watched(session)
    try:
        with _patience():
            program = run_case(case, watched, settings)
            until = next(program)
            for _ in range(MOST_WAITS):
                watched.pass_time(until)
                until = program.send(None)
            raise StuckError("the clock was moved on again and again")
    except StopIteration as stop:
        report = stop.value
        rule = report.refusal.rule if report.refusal is not None else ""
        return Attempt(report.verdict, rule, tuple(sorted(report.deviations)), tuple(watched.trace))
    except (Exception, RecursionError) as error:
        return Attempt("error", f"{type(error).__name__}: {error}"[:120], (), tuple(watched.trace))


def same(trace: Trace, session: ReferenceSession) -> bool:
    """Does an implementation answer as in a trace to what is done to it there? Then it is judged as that one was."""
    try:
        with _patience():
            for kind, *rest in trace:
                match kind:
                    case "call":
                        result = session.call(rest[0], rest[1], **rest[2])
                        if (result.kind, result.value) != rest[3]:
                            return False
                    case "inject":
                        session.inject(rest[0])
                    case "drain":
                        if session.drain() != rest[0]:
                            return False
                    case "time":
                        session.pass_time(rest[0])
    except Exception:
        return False
    return True


@contextmanager
def _patience() -> Iterator[None]:
    """Raise :class:`StuckError` in here when it takes too long. Only a main thread can be interrupted."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def give_up(*_: object) -> None:
        raise StuckError(f"no answer within {PATIENCE_S:.0f} s of processor time")

    before = signal.signal(signal.SIGVTALRM, give_up)
    signal.setitimer(signal.ITIMER_VIRTUAL, PATIENCE_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)
