"""Reference hosts on a simulated network, on virtual time.

A :class:`Simulation` joins a clock, a network and any number of hosts, and is a driver for ``loop.Loop``: each
:meth:`~Simulation.step` goes to the next moment at which something happens (a datagram arrives, a timer ends) and
lets it happen. Nothing depends on the wall clock, and whatever is drawn at random the network draws from its seed:
the same seed and the same calls give the same run, octet for octet. Hosts' calls are usable between steps.

All times are integer microseconds of the clock's.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from wireproof.reference.clock import VirtualClock
from wireproof.reference.host import Host
from wireproof.reference.network import Faults, Network

Direction = Literal["rx", "tx"]
Tap = Callable[[int, bytes, Direction, bytes], None]
"""Sees each datagram that goes into a host or comes out: the time, the host's address, which way, the datagram."""


class Simulation:
    """Hosts, their network, and the loop that runs them.

    ``faults`` and ``seed`` say what the network does to datagrams; ``tap`` sees each at each host.
    """

    def __init__(self, seed: int = 0, faults: Faults | None = None, *, tap: Tap | None = None):
        self.clock = VirtualClock()
        self.network = Network(self.clock, faults=faults or Faults(), seed=seed)
        self.hosts: list[Host] = []
        self.tap = tap

    def host(self, address: bytes, **settings: Any) -> Host:
        """A new host at ``address`` (4 or 16 octets); ``settings`` are :class:`Host`'s."""
        clock, send = self.clock, self.network.send

        def transmit(packet: bytes) -> None:
            if self.tap is not None:
                self.tap(clock.now, address, "tx", packet)
            send(packet, address)

        host = Host(address, transmit, **settings)

        def receive(packet: bytes) -> None:
            host.advance(clock.now)
            if self.tap is not None:
                self.tap(clock.now, address, "rx", packet)
            host.receive(packet)

        self.network.attach(address, receive)
        host.advance(clock.now)
        self.hosts.append(host)
        return host

    # ---- the driver of sockets.Loop ---------------------------------------------------------------------------------

    def now(self) -> int:
        """The virtual time."""
        return self.clock.now

    def next_time(self) -> int | None:
        """When something happens by itself, or None."""
        best = self.clock.next_time()
        for host in self.hosts:
            at = host.next_time()
            if at is not None and (best is None or at < best):
                best = at
        return best

    def step(self, until: int | None) -> bool:
        """Go to the next event, but no further than ``until``; False when nothing is left that could happen.

        At one moment a host's timers go before the datagrams that arrive there; then come the other hosts' timers, in
        the order in which the hosts were made.
        """
        at = self.next_time()
        if at is None and until is None:
            return False
        if at is None or (until is not None and until < at):
            assert until is not None
            at = until
        at = max(at, self.clock.now)
        self.clock.advance_to(at)
        for host in self.hosts:
            host.advance(at)
        return True

    def run(self, until: int | None = None, condition: Callable[[], bool] | None = None) -> bool:
        """Run until ``condition`` holds, the time ``until`` has come, or nothing is left; whether it holds.

        Without a condition: True when time or events ran out.
        """
        while condition is None or not condition():
            if until is not None and self.clock.now >= until:
                return condition is None
            if not self.step(until):
                return condition is None
        return True
