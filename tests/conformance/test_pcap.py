"""Captures: round trips, other programs' files, and files that are damaged."""

from __future__ import annotations

import struct
import warnings
from pathlib import Path
from typing import Literal

import dpkt
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scapy.utils import PcapNgReader

from wireproof.conformance.pcap import Captured, CaptureError, read, write
from wireproof.reference.codec import encode
from wireproof.reference.segment import SYN, Segment

A = encode(Segment(bytes([10, 0, 0, 1]), bytes([10, 0, 0, 2]), 1, 2, ctl=SYN))
B = encode(Segment(bytes(15) + b"\1", bytes(15) + b"\2", 3, 4, data=b"odd"))
PACKETS: list[tuple[int, Literal["in", "out"], bytes, str]] = [
    (0, "in", A, "tcp/listen/syn"),
    (1_500_000, "out", B, "SYN-RECEIVED ← 1 µs"),
    (1 << 45, "out", A, ""),
]
MAC = bytes(12)


def pcap(link: int, *frames: bytes, magic: int = 0xA1B2C3D4, order: str = "<", whole: int | None = None) -> bytes:
    out = struct.pack(order + "IHHiIII", magic, 2, 4, 0, 0, 65535, link)
    for i, frame in enumerate(frames):
        out += struct.pack(order + "IIII", i + 1, 7000, len(frame), whole or len(frame)) + frame
    return out


def test_what_is_written_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.pcapng"
    write(path, PACKETS)
    assert read(path) == [Captured(t, p, c) for t, _, p, c in PACKETS]


def test_scapy_reads_directions_and_comments(tmp_path: Path) -> None:
    path = tmp_path / "a.pcapng"
    write(path, PACKETS)
    with PcapNgReader(str(path)) as reader:
        seen = list(reader)
    assert [bytes(p) for p in seen] == [p for _, _, p, _ in PACKETS]
    assert [p.direction for p in seen] == [1, 2, 2]
    assert [(p.comment or b"").decode() for p in seen] == [c for _, _, _, c in PACKETS]
    assert [int(p.time * 1_000_000) for p in seen] == [t for t, _, _, _ in PACKETS]


def test_an_empty_capture(tmp_path: Path) -> None:
    path = tmp_path / "a.pcapng"
    write(path, [])
    assert read(path) == []


def test_a_comment_is_cut_where_it_gets_too_long(tmp_path: Path) -> None:
    path = tmp_path / "a.pcapng"
    write(path, [(0, "in", A, "ä" * 40000)])
    assert set(read(path)[0].comment) == {"ä"}


@pytest.mark.parametrize("magic", [0xA1B2C3D4, 0xA1B23C4D])
@pytest.mark.parametrize("order", ["<", ">"])
def test_classic_pcap(tmp_path: Path, magic: int, order: str) -> None:
    path = tmp_path / "a.pcap"
    path.write_bytes(pcap(101, A, B, magic=magic, order=order))
    us = 7000 if magic == 0xA1B2C3D4 else 7
    assert read(path) == [Captured(1_000_000 + us, A), Captured(2_000_000 + us, B)]


def test_what_dpkt_writes(tmp_path: Path) -> None:
    path = tmp_path / "a.pcap"
    with path.open("wb") as f:
        writer = dpkt.pcap.Writer(f)
        writer.writepkt(MAC + b"\x08\x00" + A, ts=3.5)
    assert read(path) == [Captured(3_500_000, A)]
    path = tmp_path / "a.pcapng"
    with path.open("wb") as f:
        writer = dpkt.pcapng.Writer(f)
        writer.writepkt(MAC + b"\x86\xdd" + B, ts=4.25)
    assert read(path) == [Captured(4_250_000, B)]


@pytest.mark.parametrize(
    ("link", "frame", "packet"),
    [
        (101, A, A),
        (101, b"\x20" + A, None),
        (228, A, A),
        (229, B, B),
        (1, MAC + b"\x08\x00" + A, A),
        (1, MAC + b"\x81\x00\x00\x07\x86\xdd" + B, B),
        (1, MAC + b"\x88\xa8\x00\x07\x81\x00\x00\x08\x08\x00" + A, A),
        (1, MAC + b"\x08\x06" + bytes(28), None),
        (1, MAC + b"\x81\x00", None),
        (0, b"\x02\0\0\0" + A, A),
        (0, b"\0\0\0\x1e" + B, B),
        (0, b"\x07\0\0\0" + B, None),
        (108, b"\0\0\0\x02" + A, A),
        (113, bytes(14) + b"\x08\x00" + A, A),
        (113, bytes(14) + b"\x08\x06" + A, None),
        (276, b"\x86\xdd" + bytes(18) + B, B),
        (276, b"\x08\x06" + bytes(18) + B, None),
    ],
)
def test_link_headers(tmp_path: Path, link: int, frame: bytes, packet: bytes | None) -> None:
    path = tmp_path / "a.pcap"
    path.write_bytes(pcap(link, frame))
    assert [c.packet for c in read(path)] == ([] if packet is None else [packet])


def damaged(tmp_path: Path, octets: bytes) -> str:
    path = tmp_path / "damaged.pcapng"
    path.write_bytes(octets)
    with pytest.raises(ValueError) as e:
        read(path)
    assert isinstance(e.value, CaptureError)
    assert str(e.value).startswith(f"{path}: ")
    return str(e.value)


@pytest.mark.parametrize(
    ("octets", "text"),
    [
        (b"", "neither pcap nor pcapng"),
        (b"not a capture", "neither pcap nor pcapng"),
        (b"\x1f\x8b\x08\x00", "gunzip"),
        (pcap(101, A)[:20], "file header ends early"),
        (pcap(101, A)[:-1], "packet 1 ends early"),
        (pcap(101, A, B)[: -len(B) - 1], "packet 2 ends early"),
        (pcap(101, A) + b"\0", "header of packet 2 ends early"),
        (pcap(105, A), "link type 105"),
        (pcap(101, A, whole=1500), "tcpdump -s 0"),
    ],
)
def test_damage_and_what_to_do(tmp_path: Path, octets: bytes, text: str) -> None:
    assert text in damaged(tmp_path, octets)


def test_no_such_file(tmp_path: Path) -> None:
    with pytest.raises(CaptureError, match="give the name of"):
        read(tmp_path / "nothing.pcap")


def test_pcapng_cut_off_anywhere(tmp_path: Path) -> None:
    path = tmp_path / "a.pcapng"
    write(path, PACKETS[:2])
    octets = path.read_bytes()
    ends = [0]
    while ends[-1] < len(octets):
        ends.append(ends[-1] + int.from_bytes(octets[ends[-1] + 4 : ends[-1] + 8], "little"))
    for n in range(len(octets)):
        if n not in ends[1:]:
            damaged(tmp_path, octets[:n])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=300)
@given(st.data())
def test_damaged_pcapng_is_read_or_refused_and_nothing_else(tmp_path: Path, data: st.DataObject) -> None:
    path = tmp_path / "a.pcapng"
    write(path, PACKETS)
    raw = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 3))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(bytes(raw))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            read(path)
        except CaptureError as e:
            assert str(path) in str(e)
