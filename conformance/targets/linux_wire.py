"""Who gets a packet of the kernel's: one tester address and one IUT port a session, shared by one TUN interface."""

from __future__ import annotations

import os
import time
from collections import deque
from typing import Literal

from wireproof.conformance.targets.linux_tun import Tun

IUT = {4: bytes([10, 0, 0, 1]), 6: bytes.fromhex("fd770000000000000000000000000001")}
"""The kernel's address, by family."""
PREFIX = {4: 8, 6: 64}

# A tester address is used again only after this many sessions: 10.1.0.1 to 10.255.255.254, last octet not 0 or 255.
ADDRESSES = 255 * 256 * 254
FIRST_PORT, PORTS = 2000, 58000
"""The sessions' ports at the kernel; the kernel picks its own ones above."""

_TCP, _ICMP, _ICMP6 = 6, 1, 58


def tester_address(family: Literal[4, 6], number: int) -> bytes:
    """The tester's address in the ``number``-th session."""
    rest, last = divmod(number % ADDRESSES, 254)
    host = bytes([1 + (rest >> 8), rest & 0xFF, 1 + last])
    return b"\x0a" + host if family == 4 else IUT[6][:13] + host


def iut_port(packet: bytes) -> int | None:
    """The IUT's port in a datagram that it sent: of a TCP segment, or of the one that an ICMP error quotes."""
    if len(packet) < 20:
        return None
    if packet[0] >> 4 == 4:
        protocol, body = packet[9], packet[(packet[0] & 15) * 4 :]
    else:
        protocol, body = packet[6], packet[40:]
    if protocol == _TCP:
        return int.from_bytes(body[:2], "big")
    if protocol in (_ICMP, _ICMP6) and len(body) > 8:
        quoted = body[8:]
        at = (quoted[0] & 15) * 4 if quoted[0] >> 4 == 4 else 40
        return int.from_bytes(quoted[at + 2 : at + 4], "big")
    return None


class Mailbox:
    """What has come for one session: (time in us, datagram), in order."""

    __slots__ = ("address", "letters", "parked", "port")

    def __init__(self, address: bytes, port: int) -> None:
        self.address = address
        self.port = port
        self.letters: list[tuple[int, bytes]] = []
        self.parked = False
        """The session waits, and wants to be woken by a packet."""


class Wire:
    """The TUN with its readers. Times are microseconds of the monotonic clock since construction."""

    def __init__(self, tun: Tun, family: Literal[4, 6]) -> None:
        self.tun = tun
        self.family: Literal[4, 6] = family
        self.woken: deque[Mailbox] = deque()
        """Mailboxes whose parked sessions have something to read."""
        self.strays = 0
        """Packets that were for no session: the last ones of a test that is over, or multicast."""
        self.worst_gap_us = 0
        """The longest time between two looks at the interface: a packet may be that much older than its stamp."""
        self._zero = time.monotonic_ns()
        self._empty_at = 0
        self._size = max(tun.mtu, 1500) + 4
        self._version = family
        self._destination = slice(16, 20) if family == 4 else slice(24, 40)
        self._addresses: dict[bytes, Mailbox] = {}
        self._ports: dict[int, Mailbox] = {}
        self._next_address = 0
        self._next_port = 0

    def now(self) -> int:
        return (time.monotonic_ns() - self._zero) // 1000

    def subscribe(self) -> Mailbox:
        """An address and a port that no other session has now, or had not long ago."""
        while (address := tester_address(self.family, self._next_address)) in self._addresses:
            self._next_address += 1
        while (port := FIRST_PORT + self._next_port % PORTS) in self._ports:
            self._next_port += 1
        self._next_address += 1
        self._next_port += 1
        box = Mailbox(address, port)
        self._addresses[address] = self._ports[port] = box
        return box

    def unsubscribe(self, box: Mailbox) -> None:
        """From now on its packets go to nobody."""
        self._addresses.pop(box.address, None)
        self._ports.pop(box.port, None)
        box.letters.clear()
        box.parked = False

    def watch(self) -> None:
        """Begin to measure the gaps between looks anew: before a run, or after a wait in ``poll``."""
        self._empty_at = self.now()

    def pump(self) -> None:
        """Read the interface until it is empty; every packet is stamped when it is read."""
        fd, size, zero = self.tun.fd, self._size, self._zero
        try:
            while True:
                packet = os.read(fd, size)
                self._deliver((time.monotonic_ns() - zero) // 1000, packet)
        except BlockingIOError:
            pass
        now = (time.monotonic_ns() - zero) // 1000
        if now - self._empty_at > self.worst_gap_us:
            self.worst_gap_us = now - self._empty_at
        self._empty_at = now

    def _deliver(self, at: int, packet: bytes) -> None:
        box = self._addresses.get(packet[self._destination]) if packet[0] >> 4 == self._version else None
        if box is None:
            box = self._by_port(packet)
            if box is None:
                self.strays += 1
                return
        box.letters.append((at, packet))
        if box.parked:
            box.parked = False
            self.woken.append(box)

    def _by_port(self, packet: bytes) -> Mailbox | None:
        """The answer to a spoofed source belongs to the session that has the IUT's port."""
        port = iut_port(packet)
        return None if port is None else self._ports.get(port)

    def close(self) -> None:
        self.tun.close()
