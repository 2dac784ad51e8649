"""The reference, and mutants of it, as implementations under test on virtual time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from wireproof.conformance.session import Program, Progress, Result
from wireproof.reference.host import Host
from wireproof.reference.machine import Machine
from wireproof.reference.run import Outcome

V4 = (bytes([10, 0, 0, 2]), bytes([10, 0, 0, 1]))
V6 = (bytes.fromhex("fd000000000000000000000000000002"), bytes.fromhex("fd000000000000000000000000000001"))


def result_of(o: Outcome) -> Result:
    """What a call returned, as the tester sees it."""
    match o.kind:
        case "count":
            return Result("count", o.low)
        case "octets":
            return Result("octets", o.text)
        case "handle":
            return Result("handle", int(o.value))
        case "error" | "state":
            return Result(o.kind, o.value)
    return Result("ok")


class ReferenceSession:
    """One test with a host of its own, and a clock of its own."""

    def __init__(self, make: Callable[[Callable[[bytes], None], bytes], Host], family: int):
        self.local, self.remote = V4 if family == 4 else V6
        self.local_port = 80
        self.remote_port = 5000
        self.inbox: list[tuple[int, bytes]] = []
        self.host = make(self._transmit, self.local)

    def _transmit(self, packet: bytes) -> None:
        self.inbox.append((self.host.now, packet))

    def now(self) -> int:
        return self.host.now

    def call(self, h: int, fn: str, **args: Any) -> Result:
        return result_of(self.host.call(h, fn, **args))

    def inject(self, packet: bytes) -> None:
        self.host.receive(packet)

    def drain(self) -> list[tuple[int, bytes]]:
        out, self.inbox = self.inbox, []
        return out

    def close(self) -> None:
        self.inbox.clear()

    def pass_time(self, until: int) -> None:
        """Run the clock to ``until``, or to the first packet that comes before."""
        while not self.inbox and self.host.now < until:
            at = self.host.next_time()
            self.host.advance(until if at is None or at > until else at)


class ReferenceTarget:
    """The reference (or a mutant of it): every test gets a fresh host."""

    clock: Literal["virtual", "wall"] = "virtual"

    def __init__(
        self,
        name: str = "ref",
        machine: Machine | None = None,
        family: Literal[4, 6] = 4,
        profile: str = "rfc5961",
        **host: Any,
    ):
        self.name = name
        self.family: Literal[4, 6] = family
        self.machine = machine
        self.profile = profile
        self.host = host

    def session(self) -> ReferenceSession:
        """A session with a new host."""
        return ReferenceSession(
            lambda transmit, address: Host(address, transmit, machine=self.machine, profile=self.profile, **self.host),
            self.family,
        )

    def run(self, programs: list[Program], progress: Progress) -> None:
        for program in programs:
            session = self.session()
            result: Any = None
            error: BaseException | None = None
            try:
                generator = program.start(session)
                until = next(generator)
                while True:
                    session.pass_time(until)
                    until = generator.send(None)
            except StopIteration as stop:
                result = stop.value
            except Exception as e:  # a fault of the IUT's code is that test's verdict
                error = e
            progress.finished(program, result, error)

    def shutdown(self) -> None:
        """Nothing to give back."""
