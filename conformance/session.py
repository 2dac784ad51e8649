"""How a test talks to an implementation under test (IUT): the upper tester's calls, the lower tester's packets, time.

A :class:`Session` is one test's private view of an IUT: one IUT address, one tester address, a few ports that no
other concurrent test uses. All times are integer microseconds on the target's clock. Packets are raw IP datagrams
(no link header). Calls never block: what would block returns ``EINPROGRESS`` or ``EAGAIN``.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, Literal, Protocol

Kind = Literal["ok", "error", "count", "octets", "state", "handle"]


@dataclass(slots=True, frozen=True)
class Result:
    """What a call returned.

    ``kind`` tells what ``value`` is: ``ok`` None; ``error`` a POSIX errno name (``"EPIPE"``); ``count`` octets
    accepted by ``send``; ``octets`` the bytes that ``receive`` returned (empty: the peer closed); ``state`` an
    RFC 9293 state name (``"SYN-SENT"``); ``handle`` the number of the handle that ``accept`` made.
    """

    kind: Kind
    value: Any = None


class IutError(Exception):
    """The IUT could not be started, crashed, hung, or answered something that is no answer."""


class Unsupported(Exception):  # noqa: N818 - a capability that the IUT does not claim, not a fault
    """The IUT does not claim what was asked of it."""


class Session(Protocol):
    """One test's view of the IUT.

    Calls (``fn`` and ``args`` of :meth:`call`), RFC 9293 3.9.1 names with their POSIX form; ``h`` is a small
    integer that the test picks for a new handle:

    ========================  ==========================================================================
    ``open_active``           ``local=(addr, port), remote=(addr, port)``: bind, non-blocking connect -> ok
                              (the connection is under way) or error
    ``open_passive``          ``local=(addr, port), backlog=int``: bind, listen -> ok | error
    ``accept``                ``new=handle number`` -> handle | error EAGAIN
    ``send``                  ``data=bytes, urgent=bool`` -> count | error
    ``receive``               ``max=int`` -> octets | error
    ``close``                 no more data to send (shutdown(SHUT_WR)) -> ok | error
    ``release``               the application lets go of the handle (close()) -> ok | error
    ``abort``                 SO_LINGER 0 and close() -> ok | error
    ``status``                -> state (on Linux: TCP_INFO)
    ``error``                 the pending asynchronous error, cleared by reading (SO_ERROR) -> ok | error
    ``set``                   ``option=str, value=int``; options nodelay, keepalive, keepidle_s, keepintvl_s,
                              keepcnt, user_timeout_ms, ttl, dscp, rcvbuf, sndbuf, oobinline -> ok | error.
                              Legal before the open too (it then makes the socket).
    ``at_mark``               sockatmark() -> count (0 | 1)
    ``urgent``                has urgent data been announced since the last ask (EPOLLPRI)? -> count (0 | 1)
    ========================  ==========================================================================
    """

    local: bytes
    """The IUT's address (4 or 16 octets)."""
    remote: bytes
    """The tester's address."""
    local_port: int
    """A port at the IUT that this test has for itself."""
    remote_port: int
    """The first of 16 consecutive ports at the tester that this test has for itself."""

    def now(self) -> int: ...

    def call(self, h: int, fn: str, **args: Any) -> Result: ...

    def inject(self, packet: bytes) -> None:
        """Hand one IP datagram to the IUT's network interface."""

    def drain(self) -> list[tuple[int, bytes]]:
        """What the IUT has sent on this test's ports since the last drain: (time, IP datagram), in order.

        Called straight after :meth:`inject` or :meth:`call` it has every answer that is given at once.
        """

    def close(self) -> None:
        """Give back the handles and ports. Nothing that the IUT still sends reaches another test."""


TestProgram = Generator[int, None, Any]
"""A test as a generator: it uses its session synchronously and yields the absolute time (us) up to which it wants
to wait. It is resumed when that time has come or when the IUT sent something on its ports, whichever is first.
What it returns is its result."""


class Target(Protocol):
    """An IUT family that can run many tests at once."""

    name: str
    clock: Literal["virtual", "wall"]
    family: Literal[4, 6]

    def run(self, programs: list[Program], progress: Progress) -> None:
        """Run all programs, overlapping their waits where the clock is the wall's; report each as it ends."""

    def shutdown(self) -> None: ...


class Program(Protocol):
    """Something that makes a :data:`TestProgram` for a session."""

    id: str

    def start(self, session: Session) -> TestProgram: ...


class Progress(Protocol):
    """Where a target reports a finished program: its return value, or the exception that ended it."""

    def finished(self, program: Program, result: Any, error: BaseException | None) -> None: ...
