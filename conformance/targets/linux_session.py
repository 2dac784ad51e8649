"""One test's view of the live kernel."""

from __future__ import annotations

from typing import Any

from wireproof.conformance.session import IutError, Result
from wireproof.conformance.targets.linux_calls import Calls
from wireproof.conformance.targets.linux_status import StateByAddress
from wireproof.conformance.targets.linux_wire import IUT, Mailbox, Wire

REMOTE_PORT = 40000
"""The first tester port. All ports of a session's tester address are its own, so that this one need not vary."""

_TCP, _URG = 6, 32


class LinuxSession:
    """See :class:`~wireproof.conformance.session.Session`.

    Every operation raises :class:`IutError` once ``limit`` (us on the target's clock) has passed, so that a test
    that never waits cannot hold up the others for ever.
    """

    def __init__(self, wire: Wire, state: StateByAddress, limit: int) -> None:
        self._wire = wire
        self.limit = limit
        self.box: Mailbox = wire.subscribe()
        self._calls = Calls(wire.family, state)
        self.local = IUT[wire.family]
        self.local_port = self.box.port
        self.remote = self.box.address
        self.remote_port = REMOTE_PORT
        self.refused = 0
        """Injected packets that were no IP datagrams at all, which the interface does not take."""

    def now(self) -> int:
        return self._wire.now()

    def _in_time(self) -> None:
        if self._wire.now() > self.limit:
            raise IutError("timeout: the test does not wait")

    def call(self, h: int, fn: str, **args: Any) -> Result:
        self._in_time()
        return self._calls(h, fn, args)

    def inject(self, packet: bytes) -> None:
        """Hand one IP datagram to the kernel, which has dealt with it when this returns. Raises IutError."""
        self._in_time()
        if not self._wire.tun.write(packet):
            self.refused += 1
        elif _urgent(packet):
            self._calls.note_urgent(*_ends(packet))

    def drain(self) -> list[tuple[int, bytes]]:
        self._in_time()
        self._wire.pump()
        letters, self.box.letters = self.box.letters, []
        return letters

    def close(self) -> None:
        """Abort what is open; the packets that this makes, and later ones, go to nobody. Harmless when repeated."""
        self._calls.abort_all()
        self._wire.unsubscribe(self.box)


def _header(packet: bytes) -> int:
    """Where the TCP header of a datagram begins; 0 when there is none."""
    if len(packet) < 40:
        return 0
    if packet[0] >> 4 == 4:
        return (packet[0] & 15) * 4 if packet[9] == _TCP else 0
    return 40 if packet[6] == _TCP else 0


def _urgent(packet: bytes) -> bool:
    at = _header(packet)
    return at > 0 and len(packet) > at + 13 and packet[at + 13] & _URG != 0


def _ends(packet: bytes) -> tuple[tuple[bytes, int], tuple[bytes, int]]:
    """The endpoints of an injected segment: the IUT's, the tester's."""
    at = _header(packet)
    src, dst = (packet[12:16], packet[16:20]) if packet[0] >> 4 == 4 else (packet[8:24], packet[24:40])
    sport, dport = int.from_bytes(packet[at : at + 2], "big"), int.from_bytes(packet[at + 2 : at + 4], "big")
    return (dst, dport), (src, sport)
