"""A private network namespace that the current thread can step into and out of, by the bare system calls."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from wireproof.conformance.session import IutError

CLONE_NEWNET = 0x40000000

# A thread's own link: /proc/self names the namespaces of the main thread.
_OWN = "/proc/thread-self/ns/net"

# os.unshare and os.setns came with Python 3.12.
_libc = ctypes.CDLL(None, use_errno=True)


def _checked(outcome: int, what: str) -> None:
    if outcome != 0:
        number = ctypes.get_errno()
        raise IutError(f"{what}: {os.strerror(number)} (root or CAP_SYS_ADMIN is needed)")


def current() -> str:
    """The identity of the calling thread's network namespace, such as ``net:[4026531840]``."""
    return os.readlink(_OWN)


class NetworkNamespace:
    """A fresh network namespace; it lives until :meth:`close` and until the last socket in it is closed.

    Making one leaves the calling thread where it was. Raises :class:`IutError` where namespaces cannot be made.
    """

    def __init__(self) -> None:
        home = os.open(_OWN, os.O_RDONLY | os.O_CLOEXEC)
        try:
            _checked(_libc.unshare(CLONE_NEWNET), "a network namespace could not be made")
            try:
                self._fd = os.open(_OWN, os.O_RDONLY | os.O_CLOEXEC)
                self.identity = current()
            finally:
                _checked(_libc.setns(home, CLONE_NEWNET), "the way back to the old network namespace failed")
        finally:
            os.close(home)

    @contextmanager
    def entered(self) -> Iterator[None]:
        """The calling thread is inside for the length of a ``with``; other threads are not moved. May be nested.

        Raises :class:`IutError` if it is closed already.
        """
        if self._fd < 0:
            raise IutError("the network namespace is closed")
        home = os.open(_OWN, os.O_RDONLY | os.O_CLOEXEC)
        try:
            _checked(_libc.setns(self._fd, CLONE_NEWNET), "a network namespace could not be entered")
            try:
                yield
            finally:
                _checked(_libc.setns(home, CLONE_NEWNET), "the way back to the old network namespace failed")
        finally:
            os.close(home)

    def close(self) -> None:
        """Let go of the namespace. Harmless when repeated."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            with suppress(OSError):
                os.close(fd)
