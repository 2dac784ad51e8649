"""Sockets in the BSD manner on a reference host.

A host is sans-IO and its calls never block. Here is what makes them sockets: a *driver* that lets time pass (the
simulation on virtual time, the TUN port on real time), a ``Loop`` over it (loop.py), and a :class:`Stack` that makes
sockets for one host.

There are two ways to write an application, and they can be mixed.

*Plain.* ``connect``, ``accept``, ``recv``, ``sendall`` block: they pump the loop until they can return. The one who
calls is outside the loop, and all tasks run meanwhile::

    loop = Loop(simulation)
    client = Stack(host, loop).socket()
    client.connect((server, 80))
    client.sendall(b"hello")

*Tasks.* A coroutine uses the same operations with an ``a`` in front (``await s.arecv(n)``) and is given to
``Loop.spawn``. Any number run at once, on one thread: each goes on when what it waits for is there. No event loop of
the standard library is involved, which would bring a clock of its own::

    async def echo(s: Socket) -> None:
        while data := await s.arecv(65536):
            await s.asendall(data)
        s.close()

Both are the same code: a plain operation is its coroutine, pumped from outside. A plain operation within a task
raises RuntimeError, for the loop is busy running that task.

Errors are OSError with the errno that POSIX has for them, TimeoutError where a timeout of ``settimeout`` has passed,
BlockingIOError where a socket that must not block would. Addresses are pairs of octets (4 or 16) and port. Times are
integer microseconds of the driver's clock, timeouts are seconds, as in the standard library.
"""

from __future__ import annotations

import errno
import itertools
import os
from typing import Any, NoReturn

from wireproof.reference.connection import Connection
from wireproof.reference.host import OPTIONS, Host, Listener
from wireproof.reference.loop import Condition, Loop, until
from wireproof.reference.run import Outcome

SHUT_RD, SHUT_WR, SHUT_RDWR = 0, 1, 2
POLLIN, POLLPRI, POLLOUT, POLLERR, POLLHUP, POLLNVAL = 1, 2, 4, 8, 16, 32
SO_ERROR = "error"
STATE = "state"

Address = tuple[bytes, int]

OPENING = frozenset({"SYN-SENT", "SYN-RECEIVED"})
SENDING = frozenset({"ESTABLISHED", "CLOSE-WAIT"})
READING = frozenset({"ESTABLISHED", "FIN-WAIT-1", "FIN-WAIT-2"})


class Stack:
    """The sockets of one host. Handles of the host below ``first_handle`` are left to others."""

    def __init__(self, host: Host, loop: Loop, first_handle: int = 1):
        self.host = host
        self.loop = loop
        self.handles = itertools.count(first_handle)

    def socket(self) -> Socket:
        """A new socket that is neither bound nor connected."""
        return Socket(self, next(self.handles))

    def call(self, h: int, fn: str, **args: Any) -> Outcome:
        """A call of the host's, at the time it is now."""
        self.host.advance(self.loop.now())
        return self.host.call(h, fn, **args)


class Socket:
    """One TCP socket; made by :meth:`Stack.socket` and by accepting.

    Every operation raises OSError(EBADF) after ``close``.
    """

    def __init__(self, stack: Stack, handle: int):
        self.stack = stack
        self.handle = handle
        self.closed = False
        self.listening = False
        self.was_connected = False
        self._local: Address = (stack.host.address, 0)
        self._timeout: float | None = None
        self._read_shut = False

    # ---- what an operation is made of -------------------------------------------------------------------------------

    def _call(self, fn: str, **args: Any) -> Outcome:
        if self.closed:
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))
        return self.stack.call(self.handle, fn, **args)

    def _target(self) -> Connection | Listener | None:
        return self.stack.host.handles.get(self.handle)

    def _deadline(self) -> int | None:
        return None if self._timeout is None else self.stack.loop.now() + round(self._timeout * 1e6)

    async def _until(self, condition: Condition, deadline: int | None) -> None:
        if self._timeout == 0:
            fail("EAGAIN")
        if not await until(condition, deadline):
            raise TimeoutError("timed out")

    # ---- opening ----------------------------------------------------------------------------------------------------

    def bind(self, address: Address) -> None:
        """The local port (0: any) and address, which must be the host's (EADDRNOTAVAIL) or all zeros."""
        if self._target() is not None:
            fail("EINVAL")
        if address[0] != self.stack.host.address and any(address[0]):
            fail("EADDRNOTAVAIL")
        self._local = (self.stack.host.address, address[1])

    def listen(self, backlog: int = 16) -> None:
        """Wait for connections; EADDRINUSE when another listens there."""
        checked(self._call("open_passive", local=self._local, backlog=backlog))
        self.listening = True

    async def aaccept(self) -> tuple[Socket, Address]:
        """The next connection and its peer's address."""
        deadline = self._deadline()
        while True:
            new = next(self.stack.handles)
            got = self._call("accept", new=new)
            if got.kind == "handle":
                break
            if got.value != "EAGAIN":
                fail(got.value)
            await self._until(lambda: self.poll() != 0, deadline)
        made = Socket(self.stack, new)
        made.was_connected = True
        made._local = self._local
        return made, made.getpeername()

    async def aconnect(self, address: Address) -> None:
        """Open a connection; EINPROGRESS from one that must not block, ECONNREFUSED, ETIMEDOUT, EHOSTUNREACH..."""
        checked(self._call("open_active", local=self._local, remote=address))
        self.was_connected = True
        if self._timeout == 0:
            fail("EINPROGRESS")
        await self._until(lambda: self.state() not in OPENING, self._deadline())
        checked(self._call("error"))
        if self.state() == "CLOSED":
            fail("ECONNABORTED")

    # ---- data -------------------------------------------------------------------------------------------------------

    async def arecv(self, size: int) -> bytes:
        """1 to ``size`` octets, or none when the peer has closed in good order."""
        deadline = self._deadline()
        while not self._read_shut:
            got = self._call("receive", max=size)
            if got.kind == "octets":
                return got.text
            if got.value == "ENOTCONN" and self.was_connected and self.state() == "CLOSED":
                return b""
            opening = got.value == "ENOTCONN" and self.state() in OPENING
            if got.value != "EAGAIN" and not opening:
                fail(got.value)
            await self._until(self._readable, deadline)
        return b""

    async def asend(self, data: bytes | bytearray | memoryview, *, urgent: bool = False) -> int:
        """Queue as much of ``data`` as there is room for, at least one octet; how much."""
        if not data:
            return 0
        deadline = self._deadline()
        room = self.stack.host.sndbuf
        while True:
            got = self._call("send", data=bytes(data[:room]), urgent=urgent)
            if got.kind == "count":
                return got.low
            if got.value not in ("EAGAIN", "ENOBUFS"):
                fail("EPIPE" if got.value == "ENOTCONN" and self.was_connected else got.value)
            await self._until(self._writable, deadline)

    async def asendall(self, data: bytes | bytearray | memoryview) -> None:
        """Queue all of ``data``; the timeout counts for the whole."""
        rest = memoryview(data)
        while rest:
            rest = rest[await self.asend(rest) :]

    # ---- the same, blocking -----------------------------------------------------------------------------------------

    def accept(self) -> tuple[Socket, Address]:
        """:meth:`aaccept`, blocking."""
        made: tuple[Socket, Address] = self.stack.loop.block(self.aaccept())
        return made

    def connect(self, address: Address) -> None:
        """:meth:`aconnect`, blocking."""
        self.stack.loop.block(self.aconnect(address))

    def recv(self, size: int) -> bytes:
        """:meth:`arecv`, blocking."""
        data: bytes = self.stack.loop.block(self.arecv(size))
        return data

    def send(self, data: bytes | bytearray | memoryview, *, urgent: bool = False) -> int:
        """:meth:`asend`, blocking."""
        count: int = self.stack.loop.block(self.asend(data, urgent=urgent))
        return count

    def sendall(self, data: bytes | bytearray | memoryview) -> None:
        """:meth:`asendall`, blocking."""
        self.stack.loop.block(self.asendall(data))

    # ---- the end ----------------------------------------------------------------------------------------------------

    def shutdown(self, how: int) -> None:
        """End sending (the FIN follows what is queued), reading, or both; ENOTCONN when there is no connection."""
        if how != SHUT_WR:
            self._read_shut = True
        if how != SHUT_RD:
            checked(self._call("close"))

    def close(self) -> None:
        """Let go of the socket. What is queued is still sent; text that was not read makes it a reset. Never blocks;
        harmless when repeated."""
        if not self.closed:
            self._call("release")
            self.closed = True

    def abort(self) -> None:
        """SO_LINGER 0 and close: a reset, and what is queued is thrown away."""
        if not self.closed:
            self._call("abort")
            self.closed = True

    def __enter__(self) -> Socket:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    # ---- what is known of it, options -------------------------------------------------------------------------------

    def setsockopt(self, option: str, value: int) -> None:
        """An option of the upper tester's (conformance/session.py): ``nodelay``, ``keepalive``, ``rcvbuf``...;
        ENOPROTOOPT for others."""
        if option not in OPTIONS:
            fail("ENOPROTOOPT")
        checked(self._call("set", option=option, value=value))

    def getsockopt(self, option: str) -> int | str:
        """SO_ERROR: the number of the pending error, cleared by asking, or 0. STATE: the RFC 9293 state's name."""
        if option == STATE:
            return self.state()
        if option != SO_ERROR:
            fail("ENOPROTOOPT")
        got = self._call("error")
        return int(getattr(errno, got.value)) if got.kind == "error" else 0

    def state(self) -> str:
        """The RFC 9293 state: CLOSED as well when there was never a connection, or no longer."""
        target = self._target()
        if isinstance(target, Connection):
            return str(target.c.state)
        return "CLOSED" if target is None else "LISTEN"

    def getsockname(self) -> Address:
        """Our own address and port (0 before there is one)."""
        target = self._target()
        if isinstance(target, Connection):
            return target.key[0], target.key[1]
        return self._local

    def getpeername(self) -> Address:
        """The peer's address and port; ENOTCONN before there is one."""
        target = self._target()
        if not isinstance(target, Connection):
            fail("ENOTCONN")
        return target.key[2], target.key[3]

    def setblocking(self, flag: bool) -> None:
        """False: operations that would block raise BlockingIOError."""
        self._timeout = None if flag else 0

    def settimeout(self, seconds: float | None) -> None:
        """How long an operation may block; None: for ever."""
        self._timeout = seconds

    def _readable(self) -> bool:
        target = self._target()
        if isinstance(target, Connection):
            c = target.c
            return bool(c.rcv_data) or (c.state not in READING and c.state not in OPENING)
        return target is None or bool(target.ready)

    def _writable(self) -> bool:
        target = self._target()
        if not isinstance(target, Connection):
            return target is None
        c = target.c
        if c.state in SENDING:
            # A third of the buffer: smaller gaps would be filled with small pieces.
            return len(c.snd_data) * 3 <= target.policy.sndbuf * 2
        return c.state not in OPENING

    def poll(self) -> int:
        """What can be done without blocking, a mask of POLL bits as poll() has them."""
        if self.closed:
            return POLLNVAL
        mask = POLLIN * self._readable() | POLLOUT * (self._writable() and not self.listening)
        target = self._target()
        if isinstance(target, Connection):
            c = target.c
            mask |= POLLERR * (c.error != "NONE") | POLLHUP * (c.state == "CLOSED")
            mask |= POLLPRI * (c.rcv_urgent and self._call("urgent").low > 0)
        return mask


def poll(loop: Loop, watched: list[tuple[Socket, int]], timeout: float | None = None) -> list[tuple[Socket, int]]:
    """The sockets for which something of what they are watched for holds (POLLERR, POLLHUP and POLLNVAL always are);
    empty when ``timeout`` seconds passed first."""

    def ready() -> list[tuple[Socket, int]]:
        return [(s, got) for s, wanted in watched if (got := s.poll() & (wanted | POLLERR | POLLHUP | POLLNVAL))]

    loop.wait(lambda: bool(ready()), None if timeout is None else loop.now() + round(timeout * 1e6))
    return ready()


def fail(name: str) -> NoReturn:
    """Raise the OSError of an errno's name."""
    number: int = getattr(errno, name)
    raise OSError(number, os.strerror(number))


def checked(o: Outcome) -> None:
    """Raise what a call failed with."""
    if o.kind == "error":
        fail(o.value)
