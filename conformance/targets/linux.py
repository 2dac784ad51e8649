"""The live Linux kernel as an implementation under test: a TUN in a private network namespace, many tests at once.

The kernel's receive path runs within the write of a packet, and its send path within the system call, so that an
empty interface right afterwards means silence; only timers speak later. While a test waits for one the others run.
"""

from __future__ import annotations

import gc
import heapq
import platform
import resource
import select
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Literal

from wireproof.conformance.session import IutError, Program, Progress, TestProgram
from wireproof.conformance.targets import linux_sysctl
from wireproof.conformance.targets.linux_calls import urgent_notices
from wireproof.conformance.targets.linux_namespace import NetworkNamespace
from wireproof.conformance.targets.linux_session import LinuxSession
from wireproof.conformance.targets.linux_status import StateByAddress
from wireproof.conformance.targets.linux_tun import Tun, link_up
from wireproof.conformance.targets.linux_wire import IUT, PREFIX, Mailbox, Wire

FILES_PER_SESSION = 8


class LinuxTarget:
    """The kernel that this runs on; see :class:`~wireproof.conformance.session.Target`.

    ``window`` is how many programs are under way at once; ``limit_s`` how many seconds a program may take, and
    ``turn_s`` how long it may go on without a wait, before it ends with ``IutError("timeout...")``. The clock starts
    at 0 with the construction. Raises :class:`IutError` when the namespace, the interface or the parameters cannot
    be had; it needs root.
    """

    clock: Literal["virtual", "wall"] = "wall"

    def __init__(
        self, family: Literal[4, 6] = 4, *, window: int = 512, limit_s: float = 150.0, turn_s: float = 5.0
    ) -> None:
        self.name = f"linux-{platform.release()}"
        self.family: Literal[4, 6] = family
        self.window = window
        self.limit_us = int(limit_s * 1e6)
        self.turn_us = int(turn_s * 1e6)
        self._namespace = NetworkNamespace()
        try:
            with self._namespace.entered():
                self.absent = linux_sysctl.apply(linux_sysctl.settings(family))
                """Optional parameters that this kernel lacks or refuses to set, and why."""
                link_up("lo")
                self.wire = Wire(Tun(), family)
                try:
                    self.wire.tun.up(IUT[family], PREFIX[family])
                    self._state = StateByAddress()
                except BaseException:
                    self.wire.close()
                    raise
        except BaseException:
            self._namespace.close()
            raise

    def run(self, programs: list[Program], progress: Progress) -> None:
        """Run all programs, started in order, their waits overlapping; report each as it ends.

        An exception of a program is reported, not raised. The calling thread is inside the target's network
        namespace meanwhile (in ``progress`` too), and back in its old one afterwards. A program that computes for
        ever without touching its session cannot be stopped.
        """
        with _files_for(self.window), _short_collections(), self._namespace.entered(), urgent_notices():
            run = _Run(self, programs, progress)
            try:
                run.everything()
            finally:
                run.abandon()

    def session(self) -> LinuxSession:
        """A session with an address and a port of its own; its calls make sense inside the namespace only."""
        return LinuxSession(self.wire, self._state, self.wire.now() + self.limit_us)

    def shutdown(self) -> None:
        """Take the interface and the namespace away. Harmless when repeated."""
        self._state.close()
        self.wire.close()
        self._namespace.close()


class _Running:
    """A program under way."""

    __slots__ = ("deadline", "generator", "program", "session", "wake")

    def __init__(self, program: Program, session: LinuxSession, deadline: int) -> None:
        self.program = program
        self.session = session
        self.deadline = deadline
        self.generator: TestProgram | None = None
        self.wake = 0
        """When the wait ends (us). An entry of the heap with another time is out of date."""


class _Run:
    """The event loop of one run. It never sleeps for one test: it polls for all of them."""

    def __init__(self, target: LinuxTarget, programs: list[Program], progress: Progress) -> None:
        self.target = target
        self.wire = target.wire
        self.progress = progress
        self.waiting = deque(programs)
        self.under_way: dict[Mailbox, _Running] = {}
        self.heap: list[tuple[int, int, _Running]] = []
        self.pushed = 0

    def everything(self) -> None:
        """Packets first, then timers, then one new program: starting many must not make the others late."""
        wire = self.wire
        with select.epoll() as poll:
            poll.register(wire.tun.fd, select.EPOLLIN)
            wire.watch()
            while self.waiting or self.under_way:
                wire.pump()
                self.wake_receivers()
                self.wake_sleepers()
                if self.waiting and len(self.under_way) < self.target.window:
                    self.start(self.waiting.popleft())
                elif not wire.woken and self.heap:
                    delay = self.heap[0][0] - wire.now()
                    if delay > 0:
                        poll.poll(delay / 1e6)
                        wire.watch()

    def wake_receivers(self) -> None:
        woken = self.wire.woken
        for _ in range(len(woken)):  # those that the resumed ones wake have their turn after the timers
            running = self.under_way.get(woken.popleft())
            if running is not None:
                self.resume(running)

    def wake_sleepers(self) -> None:
        now = self.wire.now()
        due = []
        while self.heap and self.heap[0][0] <= now:
            due.append(heapq.heappop(self.heap))
        for wake, _, running in due:  # one that waits for a time past has its next turn after all others
            box = running.session.box
            if running.wake == wake and box.parked:
                box.parked = False
                self.resume(running)

    def start(self, program: Program) -> None:
        session = self.target.session()
        running = _Running(program, session, self.wire.now() + self.target.limit_us)
        self.under_way[session.box] = running
        try:
            running.generator = program.start(session)
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            self.finish(running, None, error)
        else:
            self.resume(running)

    def resume(self, running: _Running) -> None:
        """Let a program go on to its next wait, or to its end."""
        # Many may be due together: what the kernel says meanwhile is stamped between any two of them.
        self.wire.pump()
        now = self.wire.now()
        if now >= running.deadline:
            self.finish(running, None, IutError("timeout"))
            return
        running.session.limit = min(running.deadline, now + self.target.turn_us)
        assert running.generator is not None
        try:
            until = next(running.generator)
        except StopIteration as stop:
            self.finish(running, stop.value, None)
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            self.finish(running, None, error)
        else:
            self.park(running, until)

    def park(self, running: _Running, until: int) -> None:
        running.wake = min(until, running.deadline)
        self.pushed += 1
        heapq.heappush(self.heap, (running.wake, self.pushed, running))
        running.session.box.parked = True

    def finish(self, running: _Running, result: Any, error: BaseException | None) -> None:
        self.dispose(running)
        self.progress.finished(running.program, result, error)

    def dispose(self, running: _Running) -> None:
        del self.under_way[running.session.box]
        if running.generator is not None:
            # A program that is ended from outside may fail in its own clean-up; its verdict stands.
            with suppress(Exception):
                running.generator.close()
        running.session.close()

    def abandon(self) -> None:
        """Close what is still under way when the run is broken off."""
        for running in list(self.under_way.values()):
            self.dispose(running)
        self.wire.woken.clear()


@contextmanager
def _files_for(window: int) -> Iterator[None]:
    """Room for the sockets of all sessions: the usual soft limit of 1,024 open files is too low."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = window * FILES_PER_SESSION + 256
    if hard != resource.RLIM_INFINITY:
        needed = min(needed, hard)
    if soft == resource.RLIM_INFINITY or soft >= needed:
        yield
        return
    resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@contextmanager
def _short_collections() -> Iterator[None]:
    """Keep the garbage collector off what is there already: a full collection would make packets' stamps late."""
    if gc.get_freeze_count():  # the caller has arranged this
        yield
        return
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
