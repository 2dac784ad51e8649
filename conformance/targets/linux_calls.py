"""The upper tester's calls as system calls on non-blocking sockets of the live kernel."""

from __future__ import annotations

import errno
import fcntl
import select
import signal
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from wireproof.conformance.session import IutError, Result, Unsupported
from wireproof.conformance.targets.linux_status import STATES, Endpoint, StateByAddress, socket_state

F_SETOWN_EX, F_OWNER_TID = 15, 0
SIOCATMARK = 0x8905
TCP_USER_TIMEOUT = 18
CLOSED = 7
LEFT_BEHIND = (5, 6)
"""FIN-WAIT-2 and TIME-WAIT: the states that a connection may be in without its socket."""

OK = Result("ok")
_NO_LINGER = struct.pack("ii", 1, 0)

# option -> (level, name) for IPv4 and IPv6, and what turns the value into the kernel's
_ALIKE = {
    "nodelay": (socket.IPPROTO_TCP, socket.TCP_NODELAY),
    "keepalive": (socket.SOL_SOCKET, socket.SO_KEEPALIVE),
    "keepidle_s": (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE),
    "keepintvl_s": (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL),
    "keepcnt": (socket.IPPROTO_TCP, socket.TCP_KEEPCNT),
    "user_timeout_ms": (socket.IPPROTO_TCP, TCP_USER_TIMEOUT),
    "rcvbuf": (socket.SOL_SOCKET, socket.SO_RCVBUF),
    "sndbuf": (socket.SOL_SOCKET, socket.SO_SNDBUF),
    "oobinline": (socket.SOL_SOCKET, socket.SO_OOBINLINE),
}
OPTIONS = {
    4: _ALIKE | {"ttl": (socket.IPPROTO_IP, socket.IP_TTL), "dscp": (socket.IPPROTO_IP, socket.IP_TOS)},
    6: _ALIKE
    | {"ttl": (socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS), "dscp": (socket.IPPROTO_IPV6, socket.IPV6_TCLASS)},
}
"""What ``set`` knows, by address family. ``dscp`` is shifted past the two ECN bits."""


def _error(number: int | None) -> Result:
    return Result("error", errno.errorcode.get(number or 0, str(number)))


@contextmanager
def urgent_notices() -> Iterator[None]:
    """Hold SIGURG back in the calling thread, so that :meth:`Calls.note_urgent` can collect it."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGURG])
    try:
        yield
    finally:
        while signal.sigtimedwait([signal.SIGURG], 0):
            pass
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


class Calls:
    """The sockets of one session, by handle, and the calls on them; see :class:`~..session.Session`.

    ``family`` is 4 or 6; ``state`` answers for connections that have no socket any more. A call returns the
    kernel's errno as an ``error`` result; :class:`IutError` means that no socket could be had at all,
    :class:`Unsupported` that there is no such call or option.
    """

    def __init__(self, family: int, state: StateByAddress) -> None:
        self._family = socket.AF_INET if family == 4 else socket.AF_INET6
        self._options = OPTIONS[family]
        self._state = state
        self._sockets: dict[int, socket.socket] = {}
        self._bound: set[int] = set()
        self._gone: set[int] = set()
        self._ends: dict[int, tuple[Endpoint, Endpoint]] = {}
        self._announced: set[int] = set()
        self._calls: dict[str, Callable[..., Result]] = {
            "open_active": self._open_active,
            "open_passive": self._open_passive,
            "accept": self._accept,
            "send": self._send,
            "receive": self._receive,
            "close": self._close,
            "release": self._release,
            "abort": self._abort,
            "status": self._status,
            "error": self._pending_error,
            "set": self._set,
            "at_mark": self._at_mark,
            "urgent": self._urgent,
        }
        self._makers = {"open_active", "open_passive", "set"}

    def __call__(self, h: int, fn: str, args: dict[str, Any]) -> Result:
        call = self._calls.get(fn)
        if call is None:
            raise Unsupported(f"no call {fn!r}")
        if h not in self._sockets and (fn not in self._makers or (fn == "set" and h in self._gone)):
            return _error(errno.EBADF)
        try:
            return call(h, **args)
        except OSError as error:
            return _error(error.errno)

    def _socket(self, h: int) -> socket.socket:
        """The handle's socket, made now if there is none."""
        sock = self._sockets.get(h)
        if sock is None:
            try:
                sock = socket.socket(self._family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
                # In TCP's own terms urgent data is part of the stream (RFC 9293 3.8.5).
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_OOBINLINE, 1)
            except OSError as error:
                raise IutError(f"no socket: {error.strerror}") from error
            self._adopt(h, sock)
        return sock

    def _adopt(self, h: int, sock: socket.socket) -> None:
        # To this thread, which holds the signal back: in any other it would be lost.
        owner = struct.pack("ii", F_OWNER_TID, threading.get_native_id())
        fcntl.fcntl(sock.fileno(), F_SETOWN_EX, owner)
        self._sockets[h] = sock
        self._gone.discard(h)

    def _endpoint(self, name: tuple[Any, ...]) -> Endpoint:
        return socket.inet_pton(self._family, name[0]), name[1]

    def _name(self, endpoint: Endpoint) -> tuple[str, int]:
        return socket.inet_ntop(self._family, endpoint[0]), endpoint[1]

    def _bind(self, h: int, sock: socket.socket, local: Endpoint | None) -> None:
        if local is not None and h not in self._bound:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.bind(self._name(local))
            self._bound.add(h)

    def _open_active(self, h: int, remote: Endpoint, local: Endpoint | None = None) -> Result:
        sock = self._socket(h)
        self._bind(h, sock, local)
        number = sock.connect_ex(self._name(remote))
        if number not in (0, errno.EINPROGRESS):
            return _error(number)
        self._ends[h] = self._endpoint(sock.getsockname()), remote
        return OK

    def _open_passive(self, h: int, local: Endpoint, backlog: int = 8) -> Result:
        sock = self._socket(h)
        self._bind(h, sock, local)
        sock.listen(backlog)
        return OK

    def _accept(self, h: int, new: int) -> Result:
        if new in self._sockets:
            raise ValueError(f"handle {new} is in use")
        sock, peer = self._sockets[h].accept()
        sock.setblocking(False)
        self._adopt(new, sock)
        self._bound.add(new)
        with suppress(OSError):  # reset while it waited: it has no peer any more
            self._ends[new] = self._endpoint(sock.getsockname()), self._endpoint(peer)
        # The kernel signals nobody about what came before there was a file to own the signal.
        if self._poll_urgent(sock):
            self._announced.add(new)
        return Result("handle", new)

    def _send(self, h: int, data: bytes, urgent: bool = False) -> Result:
        flags = socket.MSG_NOSIGNAL | (socket.MSG_OOB if urgent else 0)
        return Result("count", self._sockets[h].send(data, flags))

    def _receive(self, h: int, max: int) -> Result:
        return Result("octets", self._sockets[h].recv(max))

    def _close(self, h: int) -> Result:
        self._sockets[h].shutdown(socket.SHUT_WR)
        return OK

    def _release(self, h: int) -> Result:
        sock = self._sockets.pop(h)
        self._bound.discard(h)
        self._ends.pop(h, None)
        self._announced.discard(h)
        self._gone.add(h)
        sock.close()
        return OK

    def _abort(self, h: int) -> Result:
        self._sockets[h].setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
        return self._release(h)

    def _status(self, h: int) -> Result:
        number = socket_state(self._sockets[h])
        if number == CLOSED and h in self._ends:
            found = self._state(*self._ends[h])
            # Another state is another socket's, which has the same pair of endpoints by now.
            number = found if found in LEFT_BEHIND else CLOSED
        return Result("state", STATES[number])

    def _pending_error(self, h: int) -> Result:
        number = self._sockets[h].getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        return _error(number) if number else OK

    def _set(self, h: int, option: str, value: int) -> Result:
        if option not in self._options:
            raise Unsupported(f"no option {option!r}")
        self._socket(h).setsockopt(*self._options[option], value << 2 if option == "dscp" else value)
        return OK

    def _at_mark(self, h: int) -> Result:
        answer = fcntl.ioctl(self._sockets[h].fileno(), SIOCATMARK, bytes(4))
        return Result("count", int(answer != bytes(4)))

    @staticmethod
    def _poll_urgent(sock: socket.socket) -> bool:
        poll = select.poll()
        poll.register(sock, select.POLLPRI)
        return any(events & select.POLLPRI for _, events in poll.poll(0))

    def _urgent(self, h: int) -> Result:
        announced = h in self._announced
        self._announced.discard(h)
        return Result("count", int(announced))

    def note_urgent(self, local: Endpoint, remote: Endpoint) -> None:
        """Remember that a connection's segment with URG has just gone in, if the kernel announced urgent data.

        POLLPRI cannot tell this: it rises only with the urgent octet itself, and stays up when the urgent pointer
        advances. The signal comes at the announcement, within the write of the packet.
        """
        if signal.sigtimedwait([signal.SIGURG], 0) is not None:
            self._announced.update(h for h, ends in self._ends.items() if ends == (local, remote))

    def abort_all(self) -> None:
        """Abort every connection and close every listener; the kernel resets what nobody accepted."""
        for h in list(self._sockets):
            with suppress(OSError):
                self._abort(h)
