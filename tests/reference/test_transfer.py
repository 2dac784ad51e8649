"""Two reference hosts move much data through a bad network, octet for octet, on virtual time."""

from __future__ import annotations

import random

import pytest

from wireproof.reference.loop import Loop
from wireproof.reference.network import Faults
from wireproof.reference.simulation import Simulation
from wireproof.reference.sockets import SHUT_WR, STATE, Socket, Stack

V4 = (bytes([10, 0, 0, 1]), bytes([10, 0, 0, 2]))
V6 = (bytes.fromhex("fd" + 14 * "00" + "01"), bytes.fromhex("fd" + 14 * "00" + "02"))
BAD = Faults(loss=0.10, reorder=0.05, duplicate=0.02, corrupt=0.01)
GOOD = Faults()


def exchange(addresses: tuple[bytes, bytes], size: int, faults: Faults, seed: int) -> tuple[Simulation, list[str]]:
    """Each end sends ``size`` octets and reads what the other sends; the states in which it ended."""
    sim = Simulation(seed, faults)
    loop = Loop(sim)
    client, server = (Stack(sim.host(a), loop) for a in addresses)
    data = random.Random(seed).randbytes(size), random.Random(seed + 1).randbytes(size)
    got = bytearray(), bytearray()
    ends: list[Socket] = []

    async def read(s: Socket, into: bytearray) -> None:
        while piece := await s.arecv(1 << 20):
            into += piece

    async def send(s: Socket, what: bytes) -> None:
        await s.asendall(what)
        s.shutdown(SHUT_WR)

    def both(s: Socket, i: int) -> None:
        ends.append(s)
        tasks.append(loop.spawn(read(s, got[i])))
        tasks.append(loop.spawn(send(s, data[i])))

    async def serve() -> None:
        accepted, _ = await listener.aaccept()
        both(accepted, 1)

    tasks = []
    listener = server.socket()
    listener.bind((addresses[1], 80))
    listener.listen()
    tasks.append(loop.spawn(serve()))
    connected = client.socket()
    connected.connect((addresses[1], 80))
    both(connected, 0)
    loop.wait(lambda: not loop.tasks)
    for task in tasks:
        if task.error is not None:
            raise task.error
    assert got[0] == data[1]
    assert got[1] == data[0]
    loop.wait(lambda: all(s.getsockopt(STATE) in ("CLOSED", "TIME-WAIT") for s in ends))
    states = [str(s.getsockopt(STATE)) for s in ends]
    for s in ends:
        s.close()
    return sim, states


@pytest.mark.parametrize("addresses", [V4, V6], ids=["ipv4", "ipv6"])
def test_ten_megabytes_each_way_through_a_bad_network(addresses: tuple[bytes, bytes]) -> None:
    sim, states = exchange(addresses, 10_000_000, BAD, seed=1)
    assert "TIME-WAIT" in states
    # 10 % loss each way leaves NewReno a few segments a round trip; it must not live on timeouts alone.
    assert sim.now() < 2_000_000_000


def test_a_good_network_is_used() -> None:
    sim, _ = exchange(V4, 2_000_000, GOOD, seed=2)
    assert sim.now() < 2_000_000


def test_the_same_seed_gives_the_same_run() -> None:
    def trace(seed: int) -> list[tuple[int, bytes, str, bytes]]:
        seen: list[tuple[int, bytes, str, bytes]] = []
        tap = Simulation.__init__

        def tapped(self: Simulation, s: int = 0, f: Faults | None = None) -> None:
            tap(self, s, f, tap=lambda *event: seen.append(event))

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Simulation, "__init__", tapped)
            exchange(V4, 50_000, BAD, seed)
        return seen

    assert trace(3) == trace(3)
    assert trace(3) != trace(4)
