"""Rings and descriptors: order, ownership, and the documented status of everything that is malformed."""

from __future__ import annotations

import struct
from dataclasses import replace

import pytest

from tests.nicmodel import driver as d
from tests.nicmodel.driver import Context, Driver
from tests.nicmodel.frames import ACK, HOST, RST, SYN, URG, Tcp, Udp, ipv6, seed_of
from wireproof.nicmodel.memory import Right

DONE, ERROR = 1, 2
BUFFER = 0x90000
FRAME = Tcp(b"x" * 250).frame()


def data(length: int = 100, command: int = d.EOP, kind: int = 1, reserved: int = 0, address: int = BUFFER) -> bytes:
    return struct.pack("<QHBBBBH", address, length, command, kind, 0, 0, reserved)


def driver_with_buffer(offload: int = d.EVERYTHING) -> Driver:
    driver = Driver(offload=offload)
    driver.memory.open(BUFFER, 0x10000, Right.READ, "all")
    driver.memory.write(BUFFER, FRAME)
    return driver


def outcome(*descriptors: bytes, offload: int = d.EVERYTHING, frame: bytes = FRAME) -> tuple[int, int]:
    """Status and error of the last descriptor, nothing sent, and the queue still in order."""
    driver = driver_with_buffer(offload)
    driver.memory.write(BUFFER, frame)
    for descriptor in descriptors:
        last = driver.push(descriptor)
    driver.ring_doorbell()
    driver.step()
    assert driver.wire() == []
    assert driver.read(0, d.TX + d.HEAD) == driver.tx_tail[0]
    assert driver.read(0, d.CAUSE) == 0b1001
    assert driver.device.read(0x638) == 1
    index = driver.send(FRAME)
    driver.step()
    assert (driver.wire(), driver.status(index)) == ([FRAME], (DONE, 0))
    return driver.status(last)


def tso(mss: int = 100, command: int = d.TSE, **fields: int) -> list[bytes]:
    return [replace(Context(mss=mss), **fields).encode(), data(len(FRAME), command | d.EOP)]


@pytest.mark.parametrize(
    ("name", "error", "descriptors"),
    [
        ("type 0", 1, [data(kind=0)]),
        ("type 7", 1, [data(kind=7)]),
        ("reserved word", 2, [data(reserved=1)]),
        ("reserved command bit", 2, [data(command=d.EOP | 0x80)]),
        ("length 0", 3, [data(0)]),
        ("length 0 in the middle", 3, [data(50, 0), data(0, 0), data(50)]),
        ("longer than a buffer may be", 4, [data(16385)]),
        ("buffer not posted", 5, [data(address=0x3F0000)]),
        ("buffer half posted", 5, [data(200, address=BUFFER + 0x10000 - 100)]),
        ("address beyond memory", 5, [data(address=2**64 - 8)]),
        ("no end in a whole ring", 6, [data(10, 0)] * 63),
        ("65 descriptors is two more than this ring holds", 6, [data(1, 0)] * 63),
        ("context in a packet", 8, [data(50, 0), Context().encode(), data(50)]),
        ("no context", 9, [data(command=d.EOP | d.TXSM)]),
        ("no context for a tag", 9, [data(command=d.EOP | d.VLE)]),
        ("context: layer 2 of 13", 10, tso(l2=13)),
        ("context: IPv4 header of 16", 10, tso(l3=16)),
        ("context: IPv4 header of 64", 10, tso(l3=64)),
        ("context: IPv6 header of 39", 10, [Context(l3=39, mss=9, ipv6=True).encode(), data(command=d.TSE | d.EOP)]),
        ("context: TCP header of 16", 10, tso(l4=16)),
        ("context: UDP header of 20", 10, tso(l4_type=2)),
        ("context: layer 4 type 0", 10, tso(l4_type=0)),
        ("context: generic cannot be segmented", 10, tso(l4_type=3)),
        ("context: layer 4 type 5", 10, tso(l4_type=5)),
        ("context: checksum of layer 4 type 0", 10, tso(l4_type=0, command=d.TXSM)),
        ("context: IP checksum of IPv6", 10, [Context(ipv6=True).encode(), data(command=d.IXSM | d.EOP)]),
        ("MSS 0", 11, tso(0)),
        ("header beyond the frame", 12, [Context(mss=9).encode(), data(53, d.TSE | d.EOP)]),
        ("checksum beyond the frame", 12, [Context().encode(), data(51, d.TXSM | d.EOP)]),
        ("IP header beyond the frame", 12, [Context().encode(), data(33, d.IXSM | d.EOP)]),
        ("generic checksum beyond the frame", 12, tso(command=d.TXSM, l4_type=3, l3=100, l4=200)),
        ("layer 2 length wrong", 13, tso(l2=18)),
        ("IPv4 header length wrong", 13, tso(l3=24)),
        ("TCP header length wrong", 13, tso(l4=24)),
        ("TCP is not UDP", 13, tso(l4_type=2, l4=8)),
        ("IPv4 is not IPv6", 13, [Context(l3=40, mss=9, ipv6=True).encode(), data(200, d.TSE | d.EOP)]),
        ("checksum: IPv4 is not IPv6", 13, [Context(l3=40, ipv6=True).encode(), data(200, d.TXSM | d.EOP)]),
        ("checksum: datagram longer than frame", 13, [Context().encode(), data(200, d.TXSM | d.EOP)]),
        ("shorter than a header", 15, [data(13)]),
        ("longer than MAXFRAME", 16, [data(1515)]),
        ("longer than a datagram", 16, [data(16384, 0)] * 4 + [data(100)]),
    ],
)
def test_malformed_packets(name: str, error: int, descriptors: list[bytes]) -> None:
    assert outcome(*descriptors) == (DONE | ERROR, error), name


def test_more_descriptors_than_a_packet_may_have() -> None:
    driver = Driver(ring=128, queues=1)
    driver.memory.open(BUFFER, 64, Right.READ)
    for n in range(65):
        last = driver.push(data(1, d.EOP if n == 64 else 0))
    driver.ring_doorbell()
    driver.step()
    assert driver.status(last) == (DONE | ERROR, 7)


@pytest.mark.parametrize("flag", [SYN, RST, URG])
def test_flags_that_cannot_be_segmented(flag: int) -> None:
    assert outcome(*tso(), frame=Tcp(b"x" * 250, flags=ACK | flag).frame()) == (3, 14)


def test_fragments_are_not_segmented() -> None:
    assert outcome(*tso(), frame=Tcp(b"x" * 250, fragment=0x2000, df=False).frame()) == (3, 13)


def test_extension_headers_that_cannot_be_segmented() -> None:
    packet = ipv6(Tcp(b"x" * 100, extensions=bytes([6, 0, 0, 0, 0, 0, 0, 1]), extension=44))
    context = Context(l3=48, mss=50, ipv6=True)
    assert outcome(context.encode(), data(len(packet.frame()), d.TSE | d.EOP), frame=packet.frame()) == (3, 13)


@pytest.mark.parametrize(
    ("missing", "command", "kind"),
    [
        (d.TXCSUM, d.TXSM, 1),
        (d.TXCSUM, d.IXSM, 1),
        (d.TSO, d.TSE, 1),
        (d.USO, d.TSE, 2),
        (d.TXVLAN, d.VLE, 1),
        (d.TXVLAN, d.SVLE, 1),
    ],
)
def test_an_offload_that_is_off(missing: int, command: int, kind: int) -> None:
    context = Context(mss=100, l4_type=kind)
    off = d.EVERYTHING & ~missing
    assert outcome(context.encode(), data(len(FRAME), command | d.EOP), offload=off) == (3, 17)


def test_segments_longer_than_maxframe() -> None:
    driver = driver_with_buffer()
    driver.device.write(d.MAXFRAME, 153)
    for descriptor in tso(100):
        last = driver.push(descriptor)
    driver.ring_doorbell()
    driver.step()
    assert driver.status(last) == (3, 16)


def test_tags_do_not_count_in_maxframe() -> None:
    driver = Driver()
    frame = Tcp(b"x" * 1460, tags=((0x88A8, 2), (0x8100, 3))).frame()
    index = driver.send(frame, cuts=[700])
    driver.step()
    assert (len(frame), driver.wire(), driver.status(index)) == (1522, [frame], (1, 0))
    assert [r.frame for r in driver.arrive(frame)] == [frame]
    assert driver.arrive(frame + b"x") == []
    assert driver.device.read(0x620) == 1


def test_only_what_is_asked_for_gets_a_status() -> None:
    driver = Driver()
    first = driver.push_data(FRAME[:50], 0)
    last = driver.push_data(FRAME[50:], d.EOP)
    driver.ring_doorbell()
    driver.step()
    assert (driver.status(first), driver.status(last)) == ((0, 0), (0, 0))
    assert driver.read(0, d.TX + d.HEAD) == 2
    assert driver.read(0, d.CAUSE) == 0


def test_head_does_not_pass_a_status_that_is_not_written() -> None:
    driver = Driver()
    index = driver.send(FRAME)
    seen = []
    for _ in range(100):
        driver.device.step(1)
        seen.append((driver.read(0, d.TX + d.HEAD) > index, driver.status(index)[0] == DONE))
    assert (True, False) not in seen
    assert seen[-1] == (True, True)


def test_a_packet_waits_for_its_end() -> None:
    driver = Driver()
    for cut in range(4):
        driver.push_data(FRAME[50 * cut : 50 * cut + 50], d.RS)
        driver.ring_doorbell()
        driver.step()
        assert (driver.wire(), driver.read(0, d.TX + d.HEAD)) == ([], 0)
    driver.push_data(FRAME[200:], d.EOP | d.RS)
    driver.ring_doorbell()
    driver.step()
    assert driver.wire() == [FRAME]
    assert [driver.status(n) for n in range(5)] == [(1, 0)] * 5


def test_queues_take_turns() -> None:
    driver = Driver()
    for queue in range(4):
        for n in range(3):
            driver.send(Tcp(bytes([queue, n]) * 20).frame(), queue=queue)
    driver.step()
    sent = [frame[54:56] for frame in driver.wire()]
    assert sorted(sent) == [bytes([q, n]) for q in range(4) for n in range(3)]
    assert {frame[0] for frame in sent[:4]} == {0, 1, 2, 3}


def test_nothing_is_sent_before_it_is_enabled() -> None:
    driver = Driver()
    driver.device.write(d.TXCTL, 0)
    driver.send(FRAME)
    driver.step()
    assert driver.wire() == []
    driver.device.write(d.TXCTL, 1)
    driver.step()
    assert driver.wire() == [FRAME]


def test_short_frames_are_padded_on_request() -> None:
    driver = Driver()
    driver.device.write(d.TXCTL, 3)
    driver.send(Tcp().frame())
    driver.step()
    assert driver.wire() == [Tcp().frame() + bytes(6)]


@pytest.mark.parametrize("side", [d.TX, d.RX])
@pytest.mark.parametrize(
    ("register", "value"), [(d.LENGTH, 0), (d.LENGTH, 4), (d.LENGTH, 12), (d.LENGTH, 4104), (d.BASELO, 0x1008)]
)
def test_a_bad_ring_does_not_start(side: int, register: int, value: int) -> None:
    driver = Driver()
    driver.write(0, side + d.CTL, 0)
    driver.write(0, side + register, value)
    driver.write(0, side + d.CTL, 1)
    assert (driver.read(0, side + d.CTL), driver.read(0, side + d.QSTATUS)) == (0, 2)
    assert driver.read(0, d.CAUSE) == 0x20


@pytest.mark.parametrize("side", [d.TX, d.RX])
def test_a_tail_outside_the_ring_stops_the_queue(side: int) -> None:
    driver = Driver()
    driver.write(0, side + d.TAIL, 64)
    assert (driver.read(0, side + d.CTL), driver.read(0, side + d.QSTATUS)) == (0, 4)
    driver.write(0, side + d.QSTATUS, 4)
    assert driver.read(0, side + d.QSTATUS) == 0


def test_a_ring_that_is_not_mapped_stops_the_queue() -> None:
    driver = Driver()
    driver.memory.close(driver.tx_ring(0))
    driver.send(FRAME)
    driver.send(FRAME, queue=1)
    driver.step()
    assert (driver.read(0, d.TX + d.CTL), driver.read(0, d.TX + d.QSTATUS)) == (0, 1)
    assert (driver.wire(), driver.device.read(0x650)) == ([FRAME], 1)


def test_a_ring_that_cannot_be_written_stops_the_queue() -> None:
    driver = Driver()
    driver.memory.close(driver.tx_ring(0))
    driver.memory.open(driver.tx_ring(0), 1024, Right.READ, "tx ring")
    driver.send(FRAME)
    driver.step()
    assert (driver.read(0, d.TX + d.CTL), driver.read(0, d.TX + d.HEAD)) == (0, 0)


def test_a_disabled_queue_touches_nothing_and_starts_from_0() -> None:
    driver = Driver()
    driver.send(FRAME)
    driver.device.step(6)
    driver.write(0, d.TX + d.CTL, 0)
    before = len(driver.memory.accesses)
    driver.step()
    assert len(driver.memory.accesses) == before
    driver.write(0, d.TX + d.CTL, 1)
    assert (driver.read(0, d.TX + d.HEAD), driver.read(0, d.TX + d.TAIL)) == (0, 0)


# Receive.


def test_a_frame_over_several_buffers() -> None:
    driver = Driver(buffer=100)
    (received,) = driver.arrive(FRAME)
    assert (received.frame, driver.faults()) == (FRAME, [])
    assert driver.read(0, d.RX + d.HEAD) == 4


def test_frames_for_an_empty_ring_are_counted_and_leave_no_trace() -> None:
    driver = Driver(ring=8)
    for n in range(10):
        driver.device.receive(Udp(bytes([n])).frame())
    driver.step()
    assert driver.device.read(0x618) == 3
    assert driver.read(0, d.CAUSE) == 0b110
    assert [r.frame[42] for r in driver.poll()] == list(range(7))
    assert [r.frame[42] for r in driver.arrive(Udp(b"\x0a").frame())] == [10]


def test_a_frame_longer_than_what_is_posted_is_dropped_whole() -> None:
    driver = Driver(ring=8, buffer=64, offload=0)
    assert driver.arrive(FRAME + bytes(200)) == []
    assert [a for a in driver.memory.accesses if a.right is Right.WRITE] == []
    assert (driver.read(0, d.RX + d.HEAD), driver.device.read(0x618), driver.read(0, d.CAUSE)) == (0, 1, 4)
    assert [r.frame for r in driver.arrive(FRAME)] == [FRAME]


def test_malformed_receive_descriptors_are_given_back_with_an_error() -> None:
    driver = Driver()
    for index, length in ((0, 0), (1, 16385), (3, 65535)):
        driver.memory.write(driver.rx_ring(0) + 32 * index + 8, struct.pack("<H", length))
    frames = [Tcp(b"%d" % n, seed=1).frame() for n in range(2)]
    for frame in frames:
        driver.device.receive(frame)
    driver.step()
    written = [driver.memory.read(driver.rx_ring(0) + 32 * n + 8, 6) for n in range(5)]
    assert [(w[4] & 3, w[5] & 0xF0) for w in written] == [(1, 0x10), (1, 0x10), (3, 0), (1, 0x10), (3, 0)]
    assert [int.from_bytes(w[:2], "little") for w in written] == [0, 0, len(frames[0]), 0, len(frames[1])]
    assert driver.read(0, d.CAUSE) & 0x10
    assert driver.device.read(0x63C) == 3


def test_a_ring_full_of_malformed_descriptors_does_not_stand_still() -> None:
    driver = Driver(ring=8)
    for index in range(7):
        driver.memory.write(driver.rx_ring(0) + 32 * index + 8, b"\0\0")
    driver.arrive(FRAME)
    assert (driver.read(0, d.RX + d.HEAD), driver.device.read(0x618)) == (7, 1)


def test_a_receive_buffer_that_lies_ends_its_frame_with_an_error() -> None:
    driver = Driver(buffer=100, offload=d.RXCSUM)
    driver.memory.close(driver.rx_buffer(0, 1))
    driver.memory.open(driver.rx_buffer(0, 1), 40, Right.WRITE, "short")
    driver.device.receive(FRAME)
    driver.device.receive(Udp(b"abc").frame())
    driver.step()
    statuses = [driver.memory.read(driver.rx_ring(0) + 32 * n + 12, 2) for n in range(3)]
    assert statuses == [bytes([1, 0]), bytes([3, 0x20]), bytes([0x73, 0])]
    assert driver.memory.read(driver.rx_buffer(0, 1), 100) == b"\xee" * 100


def test_a_ring_that_faults_behind_malformed_descriptors_is_not_touched_again() -> None:
    driver = Driver()
    driver.memory.write(driver.rx_ring(0) + 8, b"\0\0")
    driver.memory.close(driver.rx_ring(0))
    driver.memory.open(driver.rx_ring(0), 32, Right.BOTH, "one descriptor")
    driver.arrive(FRAME)
    assert [a.fault for a in driver.memory.accesses] == [False, True]
    assert (driver.read(0, d.RX + d.CTL), driver.read(0, d.RX + d.QSTATUS)) == (0, 1)


def test_a_receive_buffer_is_not_read() -> None:
    driver = Driver()
    driver.arrive(FRAME)
    assert {a.right for a in driver.memory.accesses if a.window and "buffer" in a.window} == {Right.WRITE}


def test_address_filter() -> None:
    driver = Driver(offload=0)
    broadcast, multicast, other = b"\xff" * 6, bytes.fromhex("3333000000fb"), bytes.fromhex("02aabbccdd99")

    def accepted(control: int) -> list[bool]:
        driver.device.write(d.RXCTL, control)
        return [bool(driver.arrive(Tcp(to=to).frame())) for to in (HOST, broadcast, multicast, other)]

    assert accepted(0b0001) == [True, False, False, False]
    assert accepted(0b0011) == [True, False, False, True]
    assert accepted(0b0101) == [True, False, True, False]
    assert accepted(0b1001) == [True, True, False, False]
    assert accepted(0b1110) == [False] * 4
    assert driver.device.read(0x624) == 3 + 2 + 2 + 2


def test_runts_and_a_full_fifo() -> None:
    driver = Driver(offload=0)
    driver.arrive(b"", b"\0" * 13)
    assert driver.device.read(0x61C) == 2
    for _ in range(200):
        driver.device.receive(Tcp(b"x" * 1460).frame())
    assert driver.device.read(0x618) == 200 - 256 * 1024 // 1514


def test_seed_for_segmentation_lacks_the_length() -> None:
    assert seed_of(Tcp(b"x" * 9), True) == seed_of(Tcp(b"x" * 9), False) + 29
