"""Datagrams made and read, beside dpkt doing the same: objects to octets and back, both checksums included."""

from __future__ import annotations

from collections.abc import Callable

import dpkt

from tests.benchmarks.measure import Effort, Figure, beside, figure, seconds
from wireproof.reference.checksum import pseudo
from wireproof.reference.codec import decode, encode
from wireproof.reference.segment import ACK, PSH, Segment

SRC, DST = bytes([10, 0, 0, 1]), bytes([10, 0, 0, 2])
TEXTS = {"empty": b"", "full": bytes(range(256)) * 5 + bytes(180)}


def measure(effort: Effort) -> dict[str, Figure]:
    """Microseconds a datagram without text and one with 1460 octets."""
    times = effort.size(5000, 200)
    out: dict[str, Figure] = {}
    for name, text in TEXTS.items():
        packet = _ours(text)
        assert packet == _dpkts(text)
        for what, ours, theirs in (
            ("encode", lambda t=text: _ours(t), lambda t=text: _dpkts(t)),
            ("decode", lambda p=packet: _read(p), lambda p=packet: _dpkt_reads(p)),
        ):
            pairs = [(_us(ours, times), _us(theirs, times)) for _ in range(effort.runs)]
            mine, peers = [a for a, _ in pairs], [b for _, b in pairs]
            out[f"{what}_{name}"] = figure(mine, "us")
            out[f"{what}_{name}_dpkt"] = figure(peers, "us")
            out[f"{what}_{name}_ratio"] = beside(mine, peers, "dpkt")
    return out


def _us(work: Callable[[], object], times: int) -> float:
    def loop() -> None:
        for _ in range(times):
            work()

    return seconds(loop) / times * 1e6


def _ours(text: bytes) -> bytes:
    return encode(Segment(SRC, DST, 80, 5000, 1000, 2000, ACK | PSH, 65535, data=text))


def _dpkts(text: bytes) -> bytes:
    tcp = dpkt.tcp.TCP(sport=80, dport=5000, seq=1000, ack=2000, flags=ACK | PSH, win=65535, data=text)
    ip = dpkt.ip.IP(src=SRC, dst=DST, p=dpkt.ip.IP_PROTO_TCP, df=1, ttl=64, data=tcp)
    ip.len = 40 + len(text)
    return bytes(ip)


def _read(packet: bytes) -> None:
    segment = decode(packet)
    assert isinstance(segment, Segment)
    assert segment.checksum_ok


def _dpkt_reads(packet: bytes) -> None:
    """dpkt does not look at checksums by itself, and lets whoever uses it do so."""
    ip = dpkt.ip.IP(packet)
    assert isinstance(ip.data, dpkt.tcp.TCP)
    assert dpkt.dpkt.in_cksum(packet[:20]) == 0
    assert dpkt.dpkt.in_cksum(pseudo(ip.src, ip.dst, len(packet) - 20) + packet[20:]) == 0
