"""What a host and a wire do with a device, and what they see: once as it should be, once with each defect."""

from __future__ import annotations

import struct
from collections.abc import Callable, Hashable
from dataclasses import replace
from typing import TypeAlias

from tests.nicmodel import driver as d
from tests.nicmodel.driver import Context, Driver, Received
from tests.nicmodel.frames import (
    ACK,
    CWR,
    FIN,
    PSH,
    Tcp,
    Udp,
    ipv6,
    pseudo,
    rfc1071,
    seed_of,
    timestamp,
)

Defects: TypeAlias = tuple[str, ...]
Scenario: TypeAlias = Callable[[Defects], Hashable]
SCENARIOS: dict[str, Scenario] = {}

MICROSOFT_KEY = bytes.fromhex("6d5a56da255b0ec24167253d43a38fb0d0ca2bcbae7b30b477cb2da38030f20c6a42b73bbeac01fa")
EXTENSION = bytes([6, 0, 1, 4, 0, 0, 0, 0])
"""A destination options header before TCP."""


def scenario(run: Scenario) -> Scenario:
    SCENARIOS[run.__name__] = run
    return run


def tuned(packet: Tcp, target: int) -> Tcp:
    """The packet with its last two octets, at an even place, such that its checksum by definition is ``target``."""
    bare = replace(packet, payload=packet.payload[:-2] + b"\0\0", seed=0)
    body = bare.datagram()
    now = rfc1071(pseudo(bare.source, bare.destination, bare.protocol, len(body)) + body)
    last = struct.pack(">H", (now - target) % 65535)
    return replace(packet, payload=packet.payload[:-2] + last)


def checksummed(defects: Defects, packet: Tcp, trailer: bytes = b"") -> Hashable:
    """A packet sent with both checksums left to the device."""
    driver = Driver(defects)
    l3 = 40 + len(packet.extensions) if packet.v6 else 20 + len(packet.ip_options)
    kind = 2 if isinstance(packet, Udp) else 1
    context = Context(l3=l3, l4_type=kind, ipv6=packet.v6)
    frame = replace(packet, seed=seed_of(packet, True)).frame() + trailer
    driver.send(frame, d.TXSM | (0 if packet.v6 else d.IXSM), context)
    driver.step()
    return tuple(driver.wire())


@scenario
def odd_payload(defects: Defects) -> Hashable:
    return checksummed(defects, Tcp(b"abcde"))


@scenario
def many_carries(defects: Defects) -> Hashable:
    return checksummed(defects, tuned(Tcp(b"\xff" * 1000), 0xFFFE))


@scenario
def udp_sum_of_zero(defects: Defects) -> Hashable:
    return checksummed(defects, tuned(Udp(b"abcdef"), 0))


@scenario
def tcp_sum_of_zero(defects: Defects) -> Hashable:
    return checksummed(defects, tuned(Tcp(b"abcdef"), 0))


@scenario
def octets_behind_the_datagram(defects: Defects) -> Hashable:
    return checksummed(defects, Tcp(b"ab"), b"\x11" * 8)


@scenario
def ip_options_sent(defects: Defects) -> Hashable:
    return checksummed(defects, Tcp(b"ab", ip_options=b"\x94\x04\x12\x34"))


def verdicts(defects: Defects, *frames: bytes, vlan: int = 0) -> Hashable:
    driver = Driver(defects, offload=d.RXCSUM)
    driver.device.write(d.VLANCTL, vlan)
    return tuple((r.status, r.error, r.raw_sum) for r in driver.arrive(*frames))


@scenario
def fragments_arrive(defects: Defects) -> Hashable:
    first = Tcp(b"a" * 64, df=False, fragment=0x2000, seed=0x1234)
    return verdicts(defects, first.frame(), replace(first, fragment=8).frame())


@scenario
def udp_without_checksum(defects: Defects) -> Hashable:
    return verdicts(defects, Udp(b"abc", seed=0).frame())


@scenario
def udp6_without_checksum(defects: Defects) -> Hashable:
    return verdicts(defects, ipv6(Udp(b"abc", seed=0)).frame())


@scenario
def padded_frame(defects: Defects) -> Hashable:
    return verdicts(defects, Tcp().frame() + b"\1\2\3\4\5\6")


@scenario
def bad_layer_4_behind_options(defects: Defects) -> Hashable:
    return verdicts(defects, Tcp(b"abc", ip_options=b"\1\1\1\0", seed=1).frame())


@scenario
def tagged_frame_summed(defects: Defects) -> Hashable:
    return verdicts(defects, Tcp(b"abc", tags=((0x8100, 5),)).frame(), vlan=1)


@scenario
def bad_then_good(defects: Defects) -> Hashable:
    return verdicts(defects, Tcp(b"abc", seed=1).frame(), Tcp(b"abc").frame())


def segmented(
    defects: Defects, packet: Tcp, mss: int = 1000, cuts: tuple[int, ...] = (), tso: int = 0, tags: int = 0
) -> Driver:
    """A large packet handed over; the frames are still to be taken."""
    driver = Driver(defects)
    driver.device.write(d.TSOCTL, tso)
    l3 = 40 + len(packet.extensions) if packet.v6 else 20 + len(packet.ip_options)
    udp = isinstance(packet, Udp)
    l4 = 8 if udp else 20 + len(packet.options)
    context = Context(14, l3, l4, 2 if udp else 1, mss, 0x2005, 0x6007, packet.v6)
    command = d.TSE | (d.VLE if tags else 0) | (d.SVLE if tags > 1 else 0)
    driver.send(replace(packet, seed=seed_of(packet, False)).frame(), command, context, cuts)
    driver.step()
    return driver


def wired(driver: Driver) -> Hashable:
    return tuple(driver.wire())


@scenario
def large_packet(defects: Defects) -> Hashable:
    return wired(segmented(defects, Tcp(bytes(range(250)) * 10, flags=ACK | PSH | FIN)))


@scenario
def large_packet_of_whole_segments(defects: Defects) -> Hashable:
    return wired(segmented(defects, Tcp(b"abcd" * 500)))


@scenario
def identification_and_sequence_carry(defects: Defects) -> Hashable:
    return wired(segmented(defects, Tcp(b"abcd" * 600, identification=0x12FF, sequence=0x1234FFF0)))


@scenario
def congestion_window_reduced(defects: Defects) -> Hashable:
    return wired(segmented(defects, Tcp(b"abcd" * 600, flags=ACK | CWR)))


@scenario
def large_packet_with_options(defects: Defects) -> Hashable:
    return wired(segmented(defects, Tcp(b"abcd" * 600, options=timestamp(77))))


@scenario
def large_packet_behind_extension(defects: Defects) -> Hashable:
    return wired(segmented(defects, ipv6(Tcp(b"abcd" * 600, extensions=EXTENSION))))


@scenario
def header_in_two_descriptors(defects: Defects) -> Hashable:
    return wired(segmented(defects, Tcp(b"abcd" * 600), cuts=(20, 900)))


@scenario
def large_packet_tagged(defects: Defects) -> Hashable:
    return wired(segmented(defects, Tcp(b"abcd" * 600), tags=2))


@scenario
def large_datagram(defects: Defects) -> Hashable:
    return wired(segmented(defects, Udp(b"abcd" * 600)))


def train(count: int = 4, size: int = 100, **changes: object) -> list[Tcp]:
    """Segments in sequence; the changes hold for the third."""
    made = [
        Tcp(bytes([65 + n]) * size, sequence=1000 + n * size, identification=100 + n, options=timestamp(50))
        for n in range(count)
    ]
    if changes:
        made[2] = replace(made[2], **changes)  # type: ignore[arg-type]
    return made


def coalesced(defects: Defects, *packets: Tcp, vlan: int = 0) -> Hashable:
    driver = Driver(defects, buffer=16384, ring=16, queues=1)
    driver.device.write(d.VLANCTL, vlan)
    return tuple((r.frame, r.count, r.inner) for r in driver.arrive(*(p.frame() for p in packets)))


@scenario
def train_with_gap(defects: Defects) -> Hashable:
    first, second, _, *later = train(5)
    return coalesced(defects, first, second, *(replace(p, identification=p.identification - 1) for p in later))


@scenario
def train_with_push(defects: Defects) -> Hashable:
    return coalesced(defects, *train(flags=ACK | PSH))


@scenario
def train_with_other_ack(defects: Defects) -> Hashable:
    return coalesced(defects, *train(acknowledgement=7001))


@scenario
def train_with_other_window(defects: Defects) -> Hashable:
    return coalesced(defects, *train(window=1))


@scenario
def train_with_other_options(defects: Defects) -> Hashable:
    return coalesced(defects, *train(options=b"\1" * 12))


@scenario
def train_with_congestion_mark(defects: Defects) -> Hashable:
    return coalesced(defects, *train(tos=3))


@scenario
def train_with_bad_checksum(defects: Defects) -> Hashable:
    return coalesced(defects, *train(seed=1))


@scenario
def train_in_two_vlans(defects: Defects) -> Hashable:
    return coalesced(defects, *train(tags=((0x8100, 9),)), vlan=1)


@scenario
def train_with_fin(defects: Defects) -> Hashable:
    return coalesced(defects, *train(3, flags=ACK | FIN))


@scenario
def train_and_pure_ack(defects: Defects) -> Hashable:
    return coalesced(defects, *train(2), Tcp(sequence=1200, options=timestamp(50)))


@scenario
def train_and_silence(defects: Defects) -> Hashable:
    return coalesced(defects, *train(2))


@scenario
def endless_train(defects: Defects) -> Hashable:
    driver = Driver(defects, buffer=16384, ring=16, queues=1)
    driver.device.write(d.RSCCTL, 255)
    driver.device.write(d.RSCTIME, 100_000)
    return tuple((r.frame, r.count) for r in driver.arrive(*(p.frame() for p in train(55, 1400)), cycles=200_000))


def set_key(driver: Driver) -> None:
    for n in range(10):
        driver.device.write(d.RSSKEY + 4 * n, int.from_bytes(MICROSOFT_KEY[4 * n : 4 * n + 4], "little"))


def spread(defects: Defects, *packets: Tcp, types: int = 0x3F) -> tuple[Received, ...]:
    """Frames over four queues by the published key; the table is 0, 1, 2, 3 and again."""
    driver = Driver(defects, offload=d.RSS | d.RULES)
    set_key(driver)
    for n in range(16):
        driver.device.write(d.RETA + 4 * n, 0x03020100)
    for n in range(16, 32):
        driver.device.write(d.RETA + 4 * n, 0x00010203)
    driver.device.write(d.HASHTYPES, types)
    return tuple(driver.arrive(*(p.frame() for p in packets)))


def steered(received: tuple[Received, ...]) -> Hashable:
    return tuple(sorted((r.frame, r.queue, r.hash, r.hash_type, r.flow) for r in received))


@scenario
def spread_by_hash(defects: Defects) -> Hashable:
    return steered(spread(defects, *(Tcp(b"a", ports=(4000 + n, 80)) for n in range(8))))


@scenario
def spread_ipv6(defects: Defects) -> Hashable:
    return steered(spread(defects, *(ipv6(Tcp(b"a", ports=(4000 + n, 80))) for n in range(8))))


@scenario
def spread_fragments(defects: Defects) -> Hashable:
    first = Udp(b"a" * 64, df=False, fragment=0x2000)
    return steered(spread(defects, first, replace(first, fragment=9)))


def ruled(defects: Defects, *rules: tuple[int, int, int, int, int]) -> Hashable:
    driver = Driver(defects, offload=d.RULES)
    for number, rule in enumerate(rules):
        for word, value in enumerate(rule):
            driver.device.write(d.FLOW + 0x20 * number + 4 * word, value)
    return steered(tuple(driver.arrive(Tcp(b"a").frame(), Tcp(b"b", ports=(80, 5000)).frame())))


@scenario
def two_rules_match(defects: Defects) -> Hashable:
    return ruled(defects, (0x8001_0001, 0, 0, 0, 6), (0x8001_0002, 0, 0, 0, 6))


@scenario
def rule_on_ports(defects: Defects) -> Hashable:
    return ruled(defects, (0x8018_0003, 0, 0, 5000 | 80 << 16, 0))


def tagged_in(defects: Defects, tag: int, control: int, admitted: int = 0) -> Hashable:
    driver = Driver(defects)
    driver.device.write(d.VLANCTL, control)
    driver.device.write(d.VLANFILTER + 4 * (admitted // 32), 1 << admitted % 32)
    found = driver.arrive(Tcp(b"abc", tags=((0x8100, tag),)).frame())
    return tuple((r.frame, r.status & 12, r.inner, r.outer) for r in found)


@scenario
def tag_stripped(defects: Defects) -> Hashable:
    return tagged_in(defects, 0xA005, 1)


@scenario
def tag_not_admitted(defects: Defects) -> Hashable:
    return tagged_in(defects, 0x805, 4, admitted=0x005)


@scenario
def tags_inserted(defects: Defects) -> Hashable:
    driver = Driver(defects)
    driver.send(Tcp(b"abc").frame(), d.VLE | d.SVLE, Context(inner=0xA005, outer=0x6007))
    driver.step()
    return tuple(driver.wire())


@scenario
def status_stays_written(defects: Defects) -> Hashable:
    """The host clears a descriptor's status after it has seen it; does it stay clear?"""
    driver = Driver(defects)
    index = driver.send(Tcp(b"abc").frame())
    driver.device.step(25)
    seen = driver.status(index)
    driver.memory.write(driver.tx_ring(0) + 16 * index + 12, b"\0\0")
    driver.step()
    return seen, driver.status(index)


@scenario
def receive_status_stays_written(defects: Defects) -> Hashable:
    driver = Driver(defects, offload=0)
    driver.device.receive(Tcp(b"abc").frame())
    driver.device.step(20)
    seen = len(driver.poll())
    driver.memory.write(driver.rx_ring(0), bytes(32))
    driver.step()
    return seen, driver.memory.read(driver.rx_ring(0), 32)


@scenario
def order_of_accesses(defects: Defects) -> Hashable:
    driver = Driver(defects)
    driver.send(Tcp(b"abc").frame())
    driver.step()
    driver.arrive(Tcp(b"abc").frame())
    return tuple((a.right.name, a.window) for a in driver.memory.accesses)


@scenario
def head_against_status(defects: Defects) -> Hashable:
    """Is every descriptor that HEAD has passed done, whenever one looks?"""
    driver = Driver(defects)
    index = driver.send(Tcp(b"abc").frame())
    seen = set()
    for _ in range(100):
        driver.device.step(1)
        seen.add((driver.read(0, d.TX + d.HEAD) > index, driver.status(index)[0]))
    return tuple(sorted(seen))


@scenario
def accesses_refused(defects: Defects) -> Hashable:
    driver = Driver(defects)
    driver.send(Tcp(b"abc").frame())
    driver.step()
    received = driver.arrive(b"".join([Tcp(b"x" * 400).frame()]))
    return len(driver.wire()), len(received), len(driver.faults())


@scenario
def buffer_filled_to_the_brim(defects: Defects) -> Hashable:
    driver = Driver(defects, buffer=64)
    found = driver.arrive(Tcp(b"x" * 10).frame())
    return tuple((r.frame, r.error) for r in found), len(driver.faults())


@scenario
def ring_goes_round(defects: Defects) -> Hashable:
    driver = Driver(defects, ring=8)
    out = []
    for n in range(20):
        driver.send(Tcp(b"abc", sequence=n).frame())
        driver.device.step(200)
        driver.clean()
        out += driver.wire()
    return tuple(out)


@scenario
def doorbell_in_a_packet(defects: Defects) -> Hashable:
    driver = Driver(defects)
    frame = Tcp(b"abc" * 10).frame()
    driver.push_data(frame[:30], 0)
    driver.ring_doorbell()
    driver.step()
    before = tuple(driver.wire())
    driver.push_data(frame[30:], d.EOP | d.RS)
    driver.ring_doorbell()
    driver.step()
    return before, tuple(driver.wire())


@scenario
def malformed_packet(defects: Defects) -> Hashable:
    driver = Driver(defects)
    index = driver.push_data(b"", d.EOP)
    driver.ring_doorbell()
    driver.step()
    return driver.status(index), driver.read(0, d.TX + d.HEAD)


@scenario
def frame_longer_than_what_is_posted(defects: Defects) -> Hashable:
    driver = Driver(defects, buffer=64, ring=8)
    found = driver.arrive(Tcp(b"x" * 1000).frame())
    return tuple(r.frame for r in found), driver.device.read(0x618)


@scenario
def lengths_reported(defects: Defects) -> Hashable:
    driver = Driver(defects)
    return tuple(len(r.frame) for r in driver.arrive(Tcp(b"x" * 10).frame()))


@scenario
def reset_in_a_packet(defects: Defects) -> Hashable:
    """What is written to memory after the host has asked for a reset?"""
    driver = Driver(defects)
    driver.send(Tcp(b"abc").frame())
    driver.device.step(6)
    before = len(driver.memory.accesses)
    driver.device.write(d.CTRL, 1)
    driver.step()
    return len(driver.memory.accesses) - before


def messages(defects: Defects, **moderation: int) -> Driver:
    driver = Driver(defects)
    for name, value in moderation.items():
        driver.write(0, {"interval": d.INTERVAL, "mask": d.MASK, "control": d.ICTL}[name], value)
    return driver


@scenario
def event_within_interval(defects: Defects) -> Hashable:
    driver = messages(defects, interval=5000)
    for n in range(2):
        driver.send(Tcp(b"abc", sequence=n).frame())
        driver.device.step(100)
    driver.step(20_000)
    return tuple(driver.device.interrupts())


@scenario
def unmasked_later(defects: Defects) -> Hashable:
    driver = messages(defects, mask=0)
    driver.send(Tcp(b"abc").frame())
    driver.step()
    quiet = tuple(driver.device.interrupts())
    driver.write(0, d.MASK, 0xFF)
    driver.step()
    return quiet, tuple((m.vector, m.cause) for m in driver.device.interrupts())


@scenario
def status_at_the_message(defects: Defects) -> Hashable:
    """When a message comes, is the status there that it tells of?"""
    driver = Driver(defects)
    index = driver.send(Tcp(b"abc").frame())
    for _ in range(200):
        driver.device.step(1)
        if driver.device.interrupts():
            return driver.status(index)
    return "no message"


@scenario
def automatic_masking(defects: Defects) -> Hashable:
    driver = messages(defects, control=2)
    for n in range(2):
        driver.send(Tcp(b"abc", sequence=n).frame())
        driver.step()
    return tuple((m.vector, m.cause) for m in driver.device.interrupts()), driver.read(0, d.MASK)


@scenario
def counters_read_twice(defects: Defects) -> Hashable:
    driver = Driver(defects)
    driver.send(Tcp(b"abc").frame())
    driver.step()
    return driver.device.read(0x600), driver.device.read(0x600)


@scenario
def counters_of_segments(defects: Defects) -> Hashable:
    driver = segmented(defects, Tcp(b"abcd" * 600), tags=1)
    return tuple(driver.device.read(0x600 + 4 * n) for n in (0, 1, 16, 17))
