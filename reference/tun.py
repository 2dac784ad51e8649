"""A TUN interface as the network of a reference host, on real time.

:class:`TunPort` hands every IP datagram that the kernel routes to the interface to a host, and writes what the host
sends; with :func:`configure` the kernel has the other end of the link. It is a driver for ``loop.Loop``.

Times are integer microseconds of the monotonic clock, since the port was made. Loss and reordering can be made by
the port itself, in both directions, from a seed. Errors are OSError with the step that failed as the message.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import heapq
import itertools
import os
import random
import select
import socket
import struct
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from wireproof.reference.host import Host

DEVICE = "/dev/net/tun"
TUNSETIFF = 0x400454CA
IFF_TUN, IFF_NO_PI = 0x0001, 0x1000
IFF_UP = 0x1
SIOCGIFFLAGS, SIOCSIFFLAGS = 0x8913, 0x8914
SIOCSIFADDR, SIOCSIFNETMASK, SIOCSIFMTU = 0x8916, 0x891C, 0x8922
SIOCGIFINDEX = 0x8933
CLONE_NEWNET = 0x40000000

BATCH = 64
"""Datagrams that are read before the applications get their turn."""
NAP = 0.5
"""The longest that a step waits for a datagram, in seconds."""

Tap = Callable[[int, Literal["rx", "tx"], bytes], None]
"""Sees each datagram at the host's side of the faults: time, which way, datagram."""


class TunPort:
    """A TUN interface ``name``, made in the calling thread's network namespace, for one host.

    The host is attached after it was made with :meth:`transmit`. ``loss`` is the chance that a datagram is lost,
    ``reorder`` the chance that it is held back for ``delay`` microseconds.
    """

    def __init__(
        self,
        name: str = "wp0",
        *,
        mtu: int = 1500,
        loss: float = 0.0,
        reorder: float = 0.0,
        delay: int = 2000,
        seed: int = 0,
        tap: Tap | None = None,
        wire: Tap | None = None,
    ):
        self.name = name
        self.mtu = mtu
        self.loss = loss
        self.reorder = reorder
        self.delay = delay
        self.tap = tap
        self.wire = wire
        """Like ``tap`` at the kernel's side of the faults, in the order in which the kernel saw and sent: what it
        answers to a datagram comes before the next that it is given."""
        self._read: deque[bytes] = deque()
        self.host: Host | None = None
        self.lost = 0
        """Datagrams that the port threw away because of ``loss``."""
        self.refused = 0
        """Datagrams of the host's that the kernel did not take."""
        self._random = random.Random(seed)
        self._late: list[tuple[int, int, Literal["rx", "tx"], bytes]] = []
        self._order = itertools.count()
        self._begun = time.monotonic_ns()
        self.fd = open_tun(name, mtu)

    def attach(self, host: Host) -> None:
        """The host that everything is for."""
        self.host = host
        host.advance(self.now())

    def now(self) -> int:
        """Microseconds since the port was made."""
        return (time.monotonic_ns() - self._begun) // 1000

    def transmit(self, packet: bytes) -> None:
        """A datagram of the host's goes to the kernel."""
        if self.tap is not None:
            self.tap(self.now(), "tx", packet)
        if not self._suffers("tx", packet):
            self._write(packet)

    def step(self, until: int | None) -> bool:
        """Take what has arrived, or wait for it until a timer ends or ``until``; always True, for anything may
        still come."""
        self._timers()
        if self._read_batch():
            return True
        wait = NAP
        times = [self.host.next_time() if self.host is not None else None, until]
        if self._late:
            times.append(self._late[0][0])
        for at in times:
            if at is not None:
                wait = min(wait, (at - self.now()) / 1e6)
        if wait > 0:
            select.select([self.fd], [], [], wait)
        self._timers()
        return True

    def close(self) -> None:
        """Take the interface away. Harmless when repeated."""
        fd, self.fd = self.fd, -1
        if fd >= 0:
            os.close(fd)

    def _timers(self) -> None:
        now = self.now()
        while self._late and self._late[0][0] <= now:
            _, _, way, packet = heapq.heappop(self._late)
            if way == "rx":
                self._deliver(packet)
            else:
                self._write(packet)
        if self.host is not None:
            self.host.advance(now)

    def _read_batch(self) -> bool:
        self._drain(0 if self._read else 1)
        for n in range(BATCH):
            if not self._read:
                self._drain(1)
                if not self._read:
                    return n > 0
            packet = self._read.popleft()
            if not self._suffers("rx", packet):
                self._deliver(packet)
        return True

    def _drain(self, most: int) -> None:
        """Read what the kernel has sent, ``most`` datagrams at the most."""
        for _ in range(most):
            try:
                packet = os.read(self.fd, 65536)
            except BlockingIOError:
                return
            if self.wire is not None:
                self.wire(self.now(), "rx", packet)
            self._read.append(packet)

    def _suffers(self, way: Literal["rx", "tx"], packet: bytes) -> bool:
        """Whether a fault keeps the datagram from going now."""
        if self.loss and self._random.random() < self.loss:
            self.lost += 1
            return True
        if self.reorder and self._random.random() < self.reorder:
            heapq.heappush(self._late, (self.now() + self.delay, next(self._order), way, packet))
            return True
        return False

    def _deliver(self, packet: bytes) -> None:
        if self.host is None:
            return
        self.host.advance(self.now())
        if self.tap is not None:
            self.tap(self.now(), "rx", packet)
        self.host.receive(packet)

    def _write(self, packet: bytes) -> None:
        if self.wire is not None:
            # Its earlier answers first, then this datagram, then what it answers to that.
            self._drain(1 << 16)
            self.wire(self.now(), "tx", packet)
        try:
            os.write(self.fd, packet)
            if self.wire is not None:
                self._drain(1 << 16)
        except OSError as error:
            # EIO: the interface is down. Either way the network has lost a datagram, which TCP can bear.
            if error.errno not in (errno.EIO, errno.EINVAL, errno.ENOBUFS, errno.EAGAIN):
                raise
            self.refused += 1


def open_tun(name: str, mtu: int = 1500) -> int:
    """A non-blocking descriptor of a new TUN interface without packet information."""
    try:
        fd = os.open(DEVICE, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise OSError(error.errno, f"{DEVICE}: {error.strerror}") from error
    try:
        _ioctl(fd, TUNSETIFF, _ifreq(name, struct.pack("H", IFF_TUN | IFF_NO_PI)), f"no TUN interface {name}")
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            _ioctl(sock.fileno(), SIOCSIFMTU, _ifreq(name, struct.pack("i", mtu)), f"{name}: no MTU of {mtu}")
    except OSError:
        os.close(fd)
        raise
    return fd


def configure(name: str, address: bytes, prefix: int) -> None:
    """Give the kernel's end of the interface an address (4 or 16 octets) in a network of ``prefix`` bits, and set it
    up: the network is then routed there."""
    if len(address) == 4:
        mask = (0xFFFFFFFF << 32 - prefix & 0xFFFFFFFF).to_bytes(4, "big")
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            _ioctl(sock.fileno(), SIOCSIFADDR, _ifreq(name, _sockaddr4(address)), f"{name}: no address")
            _ioctl(sock.fileno(), SIOCSIFNETMASK, _ifreq(name, _sockaddr4(mask)), f"{name}: no netmask")
        link_up(name)
        return
    link_up(name)
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sock:
        (index,) = struct.unpack_from("i", _ioctl(sock.fileno(), SIOCGIFINDEX, _ifreq(name), f"no {name}"), 16)
        _ioctl(sock.fileno(), SIOCSIFADDR, struct.pack("16sIi", address, prefix, index), f"{name}: no address")


def link_up(name: str) -> None:
    """Set an interface up."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        answer = _ioctl(sock.fileno(), SIOCGIFFLAGS, _ifreq(name), f"no interface {name}")
        (flags,) = struct.unpack_from("H", answer, 16)
        _ioctl(sock.fileno(), SIOCSIFFLAGS, _ifreq(name, struct.pack("H", flags | IFF_UP)), f"{name} stays down")


def new_namespace() -> None:
    """Move the calling thread to a new network namespace, which ends with its last process."""
    _moved(ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNET), "no new network namespace")


def enter_namespace(name: str) -> None:
    """Move the calling thread to a network namespace that ``ip netns add`` has made, or whose path is given."""
    path = Path(name) if "/" in name else Path("/var/run/netns") / name
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise OSError(error.errno, f"no network namespace {name}: {error.strerror}") from error
    try:
        _moved(ctypes.CDLL(None, use_errno=True).setns(fd, CLONE_NEWNET), f"no way into the network namespace {name}")
    finally:
        os.close(fd)


def _moved(outcome: int, what: str) -> None:
    if outcome != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


def _ioctl(fd: int, request: int, argument: bytes, what: str) -> bytes:
    try:
        return fcntl.ioctl(fd, request, argument)
    except OSError as error:
        raise OSError(error.errno, f"{what}: {error.strerror}") from error


def _ifreq(name: str, body: bytes = b"") -> bytes:
    return struct.pack("16s24s", name.encode(), body)


def _sockaddr4(address: bytes) -> bytes:
    return struct.pack("HH4s8x", socket.AF_INET, 0, address)
