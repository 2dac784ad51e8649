"""The NIC model at work: frames a second through its rings, sent, segmented, received and coalesced."""

from __future__ import annotations

from dataclasses import replace

from tests.benchmarks.measure import Effort, Figure, rate
from tests.nicmodel import driver as d
from tests.nicmodel.driver import Context, Driver
from tests.nicmodel.frames import Tcp, seed_of


def measure(effort: Effort) -> dict[str, Figure]:
    """Frames of 1,460 octets of payload; those on the wire are counted."""
    times = effort.size(2000, 50)
    return {
        "sent": rate(lambda: _send(times, 1), times, "frames/s", effort),
        "segmented": rate(lambda: _send(times // 40, 40), times // 40 * 40, "frames/s", effort),
        "received": rate(lambda: _receive(times, d.RXCSUM | d.RSS), times, "frames/s", effort),
        "coalesced": rate(lambda: _receive(times, d.RXCSUM | d.RSS | d.RSC), times, "frames/s", effort),
    }


def _send(packets: int, segments: int) -> None:
    driver = Driver(queues=1, ring=64)
    packet = Tcp(b"x" * 1460 * segments)
    frame = replace(packet, seed=seed_of(packet, False)).frame()
    cuts = range(16000, len(frame), 16000)
    sent = 0
    for _ in range(packets):
        driver.send(frame, d.TSE, Context(mss=1460), cuts)
        driver.device.step(200 * segments)
        driver.clean()
        sent += len(driver.wire())
        driver.memory.accesses.clear()
    driver.step()
    assert sent + len(driver.wire()) == packets * segments


def _receive(frames: int, offload: int) -> None:
    driver = Driver(queues=1, ring=64, offload=offload)
    driver.device.write(d.HASHTYPES, 0x3F)
    arriving = [Tcp(b"x" * 1460, sequence=1460 * n, identification=n).frame() for n in range(40)]
    got = 0
    for number in range(frames):
        driver.device.receive(arriving[number % 40])
        driver.device.step(200)
        if number % 8 == 7:
            got += sum(received.count for received in driver.poll())
            driver.memory.accesses.clear()
    driver.step()
    assert got + sum(received.count for received in driver.poll()) == frames
