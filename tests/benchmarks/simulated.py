"""The reference: two hosts send each other text through the simulated network."""

from __future__ import annotations

from tests.benchmarks.measure import Effort, Figure, beside, figure, seconds
from wireproof.reference.loop import Loop
from wireproof.reference.network import Faults
from wireproof.reference.simulation import Simulation
from wireproof.reference.sockets import SHUT_WR, Socket, Stack

CLIENT, SERVER = bytes([10, 0, 0, 1]), bytes([10, 0, 0, 2])
GOOD = Faults()
BAD = Faults(loss=0.05, reorder=0.05, duplicate=0.02, corrupt=0.01)


def measure(effort: Effort) -> dict[str, Figure]:
    """Segments by the second, each made by one host and taken by the other."""
    size = effort.size(1_000_000, 20_000)
    good = [_segments_per_second(size, GOOD) for _ in range(effort.runs)]
    bad = [_segments_per_second(size, BAD) for _ in range(effort.runs)]
    return {
        "clean": figure(good, "segments/s"),
        "faults": figure(bad, "segments/s"),
        "ratio": beside(bad, good, "clean"),
    }


def _segments_per_second(size: int, faults: Faults) -> float:
    sim = Simulation(1, faults)
    took = seconds(lambda: _exchange(sim, size))
    return sim.network.counters.sent / took


def _exchange(sim: Simulation, size: int) -> None:
    loop = Loop(sim)
    client, server = Stack(sim.host(CLIENT), loop), Stack(sim.host(SERVER), loop)
    data = bytes(size)
    got = []

    async def both(s: Socket) -> None:
        sending = loop.spawn(send(s))
        received = 0
        while piece := await s.arecv(1 << 20):
            received += len(piece)
        got.append(received)
        if sending.error is not None:
            raise sending.error

    async def send(s: Socket) -> None:
        await s.asendall(data)
        s.shutdown(SHUT_WR)

    async def serve() -> None:
        accepted, _ = await listener.aaccept()
        await both(accepted)

    listener = server.socket()
    listener.bind((SERVER, 80))
    listener.listen()
    serving = loop.spawn(serve())
    connected = client.socket()
    connected.connect((SERVER, 80))
    asking = loop.spawn(both(connected))
    loop.wait(lambda: not loop.tasks)
    for task in (serving, asking):
        if task.error is not None:
            raise task.error
    assert got == [size, size]
