"""The codec: round trips, octets that lie, every single-bit error; cross-checked against dpkt and scapy."""

from __future__ import annotations

import dataclasses
import struct

import dpkt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scapy.layers.inet import IP, TCP
from scapy.layers.inet6 import IPv6, IPv6ExtHdrDestOpt, IPv6ExtHdrFragment, IPv6ExtHdrHopByHop, IPv6ExtHdrRouting

from wireproof.reference.checksum import internet_checksum, pseudo
from wireproof.reference.codec import Icmp, Malformed, decode, encode, encode_icmp
from wireproof.reference.segment import ACK, PSH, SYN, Segment

V4 = (bytes([10, 0, 0, 2]), bytes([10, 0, 0, 1]))
V6 = (bytes.fromhex("fd000000000000000000000000000002"), bytes.fromhex("fd000000000000000000000000000001"))
ALL_OCTETS = bytes(range(256))

well_formed_options = st.lists(
    st.one_of(
        st.just(b"\x01"),
        st.integers(0, 0xFFFF).map(lambda n: b"\x02\x04" + n.to_bytes(2, "big")),
        st.tuples(st.integers(3, 255), st.binary(max_size=8)).map(lambda o: bytes([o[0], len(o[1]) + 2]) + o[1]),
    ),
    max_size=4,
).map(lambda parts: b"".join(parts)[:40])


@st.composite
def segments(draw: st.DrawFn) -> Segment:
    size = draw(st.sampled_from([4, 16]))
    octets = st.binary(min_size=size, max_size=size)
    word, half = st.integers(0, 0xFFFFFFFF), st.integers(0, 0xFFFF)
    options = draw(st.one_of(well_formed_options, st.binary(max_size=40)))
    s = Segment(draw(octets), draw(octets), draw(half), draw(half), draw(word), draw(word), draw(st.integers(0, 255)))
    s.wnd, s.up, s.reserved = draw(half), draw(half), draw(st.integers(0, 15))
    s.ttl, s.tos = draw(st.integers(0, 255)), draw(st.integers(0, 255))
    s.options = options + bytes(-len(options) % 4)
    s.data = draw(st.binary(max_size=60))
    if size == 4:
        ip_options = draw(st.binary(max_size=40))
        s.ident, s.ip_options = draw(half), ip_options + bytes(-len(ip_options) % 4)
    return s


packets = segments().map(encode)


def decoded(packet: bytes) -> Segment:
    got = decode(packet)
    assert isinstance(got, Segment), got
    return got


def reason(packet: bytes) -> str:
    got = decode(packet)
    assert isinstance(got, Malformed), got
    return got.reason


# ---- round trips --------------------------------------------------------------------------------------------------


@given(segments())
def test_a_segment_comes_back_as_it_was(s: Segment) -> None:
    got = decoded(encode(s))
    assert got.checksum_ok and got.header_ok
    found_out = {"mss", "options_ok", "padding_ok"}
    for field in dataclasses.fields(Segment):
        if field.name not in found_out:
            assert getattr(got, field.name) == getattr(s, field.name), field.name


@given(packets)
def test_a_datagram_comes_back_as_it_was(packet: bytes) -> None:
    assert encode(decoded(packet)) == packet


@given(packets, st.binary(min_size=1, max_size=30))
def test_what_stands_after_the_end_is_not_read(packet: bytes, padding: bytes) -> None:
    assert decode(packet + padding) == decode(packet)


def test_ipv4_may_not_be_fragmented() -> None:
    packet = encode(Segment(*V4, 1, 2))
    assert packet[6:8] == b"\x40\x00"


@pytest.mark.parametrize("size", [44, 41])
def test_more_options_than_a_header_holds(size: int) -> None:
    with pytest.raises(ValueError, match="room for 40"):
        encode(Segment(*V4, 1, 2, options=bytes(size)))
    with pytest.raises(ValueError, match="IP options"):
        encode(Segment(*V4, 1, 2, ip_options=bytes(size)))


@pytest.mark.parametrize(("pair", "most"), [(V4, 65535 - 40), (V6, 65535 - 20)])
def test_the_largest_datagram(pair: tuple[bytes, bytes], most: int) -> None:
    assert len(decoded(encode(Segment(*pair, 1, 2, data=bytes(most)))).data) == most
    with pytest.raises(ValueError, match="65535"):
        encode(Segment(*pair, 1, 2, data=bytes(most + 1)))


# ---- options ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "mss", "options_ok", "padding_ok"),
    [
        ("", 0, True, True),
        ("020405b4", 1460, True, True),
        ("01010204 05b40000", 1460, True, True),
        ("020405b4 02040218", 536, True, True),
        ("00000000", 0, True, True),
        ("00000001", 0, True, False),
        ("020405b4 00010000", 1460, True, False),
        ("fd04abcd 020405b4", 1460, True, True),
        ("fd00abcd 020405b4", 0, False, True),
        ("fd01abcd 020405b4", 0, False, True),
        ("fd09abcd 020405b4", 0, False, True),
        ("010101fd", 0, False, True),
        ("020305b4", 0, False, True),
        ("02060102 03040000", 0, False, True),
    ],
)
def test_options(options: str, mss: int, options_ok: bool, padding_ok: bool) -> None:
    s = decoded(encode(Segment(*V4, 1, 2, ctl=SYN, options=bytes.fromhex(options))))
    assert (s.mss, s.options_ok, s.padding_ok) == (mss, options_ok, padding_ok)


# ---- octets that lie ----------------------------------------------------------------------------------------------


@given(st.binary(max_size=100))
def test_any_octets_can_be_decoded(octets: bytes) -> None:
    decode(octets)


@given(st.sampled_from([0x45, 0x46, 0x4F, 0x60]), st.sampled_from([6, 1, 58, 0, 43, 44, 60]), st.binary(max_size=120))
def test_octets_that_look_like_a_datagram_can_be_decoded(first: int, protocol: int, octets: bytes) -> None:
    raw = bytearray([first]) + octets
    if first == 0x60 and len(raw) >= 40:
        raw[4:6] = (len(raw) - 40).to_bytes(2, "big")
        raw[6] = protocol
    elif first != 0x60 and len(raw) >= 60:
        raw[2:4] = len(raw).to_bytes(2, "big")
        raw[6:8] = b"\0\0"
        raw[9] = protocol
        size = (first & 15) * 4
        raw[10:12] = b"\0\0"
        raw[10:12] = internet_checksum(bytes(raw[:size])).to_bytes(2, "big")
    decode(bytes(raw))


@given(st.one_of(packets, st.just(encode_icmp(*V4, 3, 1, encode(Segment(*V4, 1, 2))))), st.data())
def test_mutated_datagrams_can_be_decoded(packet: bytes, data: st.DataObject) -> None:
    raw = bytearray(packet)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(raw) - 1))
        raw[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
        if not raw:
            break
    decode(bytes(raw))


@given(packets)
def test_a_datagram_that_was_cut_off_is_noticed(packet: bytes) -> None:
    for end in range(len(packet)):
        assert isinstance(decode(packet[:end]), Malformed)


def with_v4(**fields: int) -> bytes:
    """A datagram with fields of its IPv4 header changed, and the header's checksum right."""
    raw = bytearray(encode(Segment(*V4, 1, 2, data=b"text")))
    places = {"first": (0, 1), "size": (2, 2), "flags": (6, 2), "protocol": (9, 1)}
    for name, value in fields.items():
        at, n = places[name]
        raw[at : at + n] = value.to_bytes(n, "big")
    header = (raw[0] & 15) * 4
    raw[10:12] = b"\0\0"
    raw[10:12] = internet_checksum(bytes(raw[:header])).to_bytes(2, "big")
    return bytes(raw)


@pytest.mark.parametrize(
    ("packet", "text"),
    [
        (b"", "no octets"),
        (b"\x55" + bytes(60), "IP version 5"),
        (bytes([0x45]) * 19, "19 octets are no IPv4 header"),
        (with_v4(first=0x44), "header length of 16"),
        (with_v4(size=19), "total length of 19"),
        (with_v4(size=45), "total length of 45"),
        (with_v4(size=39), "19 octets are no TCP header"),
        (with_v4(first=0x4F), "header of 60"),
        (with_v4(flags=0x2000), "a fragment"),
        (with_v4(flags=1), "a fragment"),
        (with_v4(protocol=17), "IP protocol 17"),
        (with_v4(protocol=58), "IP protocol 58"),
        (with_v4(protocol=1), "a wrong ICMP checksum"),
        (bytes([0x60]) * 39, "39 octets are no IPv6 header"),
    ],
)
def test_what_is_no_datagram_with_a_segment(packet: bytes, text: str) -> None:
    assert text in reason(packet)


def test_a_wrong_header_checksum() -> None:
    packet = bytearray(encode(Segment(*V4, 1, 2)))
    packet[10] ^= 1
    assert reason(bytes(packet)) == "a wrong IPv4 header checksum"


@pytest.mark.parametrize("offset", [0, 4, 7, 15])
def test_a_data_offset_that_lies_is_the_segments_fault(offset: int) -> None:
    raw = bytearray(encode(Segment(*V4, 1, 2, data=b"text")))
    raw[32] = offset << 4
    s = decoded(bytes(raw))
    assert not s.header_ok and not s.options and not s.data


@given(segments())
def test_every_single_bit_error_in_the_tcp_part_is_noticed(s: Segment) -> None:
    packet = encode(s)
    begin = 20 + len(s.ip_options) if len(s.src) == 4 else 40
    for bit in range(begin * 8, len(packet) * 8):
        raw = bytearray(packet)
        raw[bit // 8] ^= 1 << bit % 8
        got = decode(bytes(raw))
        assert isinstance(got, Malformed) or not (got.checksum_ok and got.header_ok)  # type: ignore[union-attr]


def test_every_single_bit_error_in_the_ipv4_header_is_noticed() -> None:
    packet = encode(Segment(*V4, 1, 2, ctl=SYN, ip_options=b"\x01\x01\x01\x00", data=b"text"))
    for bit in range(24 * 8):
        raw = bytearray(packet)
        raw[bit // 8] ^= 1 << bit % 8
        assert isinstance(decode(bytes(raw)), Malformed), bit


# ---- IPv6 extension headers ---------------------------------------------------------------------------------------


def test_extension_headers_are_skipped() -> None:
    for headers in (
        IPv6ExtHdrHopByHop(),
        IPv6ExtHdrDestOpt(),
        IPv6ExtHdrHopByHop() / IPv6ExtHdrDestOpt() / IPv6ExtHdrRouting(segleft=0),
        IPv6ExtHdrFragment(offset=0, m=0, id=7),
    ):
        packet = bytes(IPv6(src="fd00::2", dst="fd00::1") / headers / TCP(sport=7, dport=9, seq=11) / b"text")
        s = decoded(packet)
        assert (s.sport, s.dport, s.seq, s.data, s.checksum_ok) == (7, 9, 11, b"text", True)
        for end in range(len(packet)):
            assert isinstance(decode(packet[:end]), Malformed)
            short = bytearray(packet[:end])
            if end >= 40:
                short[4:6] = (end - 40).to_bytes(2, "big")
                got = decode(bytes(short))
                assert isinstance(got, Malformed) or not got.checksum_ok  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("headers", "text"),
    [
        (IPv6ExtHdrFragment(offset=1, m=0), "a fragment"),
        (IPv6ExtHdrFragment(offset=0, m=1), "a fragment"),
        (IPv6ExtHdrDestOpt() / IPv6ExtHdrHopByHop(), "out of their place"),
        (IPv6ExtHdrRouting(segleft=1, addresses=["fd00::1"]), "segments left"),
    ],
)
def test_extension_headers_that_are_not_skipped(headers: object, text: str) -> None:
    assert text in reason(bytes(IPv6(src="fd00::2", dst="fd00::1") / headers / TCP() / b"text"))


# ---- ICMP ---------------------------------------------------------------------------------------------------------


@given(segments(), st.sampled_from([0, 576, 1400]))
def test_an_icmp_error_quotes_its_segment(s: Segment, mtu: int) -> None:
    v6 = len(s.src) == 16
    kind, code = (2, 0) if v6 else (3, 4)
    got = decode(encode_icmp(s.dst, s.src, kind, code, encode(s), mtu))
    quoted = (s.src, s.dst, s.sport, s.dport, s.seq)
    assert got == Icmp(s.dst, s.src, 6 if v6 else 4, kind, code, quoted, mtu)


@pytest.mark.parametrize(("pair", "kind"), [(V4, 3), (V6, 1)])
def test_icmp_that_lies(pair: tuple[bytes, bytes], kind: int) -> None:
    packet = encode_icmp(*pair, kind, 1, encode(Segment(*pair, 1, 2, data=b"text")))
    header = 20 if len(pair[0]) == 4 else 40
    for bit in range(header * 8, len(packet) * 8):
        raw = bytearray(packet)
        raw[bit // 8] ^= 1 << bit % 8
        assert reason(bytes(raw)) == "a wrong ICMP checksum"


@pytest.mark.parametrize("quote", [b"", bytes(7), b"\x45" + bytes(26), b"\x44" + bytes(40), b"\x60" + bytes(46)])
@pytest.mark.parametrize(("pair", "kind"), [(V4, 3), (V6, 1)])
def test_a_quote_of_no_segment(pair: tuple[bytes, bytes], kind: int, quote: bytes) -> None:
    got = decode(encode_icmp(*pair, kind, 1, quote))
    assert isinstance(got, Icmp) and got.quoted is None


def test_an_echo_quotes_nothing() -> None:
    got = decode(encode_icmp(*V4, 8, 0, encode(Segment(*V4, 1, 2))))
    assert isinstance(got, Icmp) and got.quoted is None
    got = decode(encode_icmp(*V6, 128, 0, encode(Segment(*V6, 1, 2))))
    assert isinstance(got, Icmp) and got.quoted is None


# ---- others' eyes -------------------------------------------------------------------------------------------------


@given(segments())
def test_scapy_sees_the_same(s: Segment) -> None:
    s.ip_options = b""
    packet = encode(s)
    top = (IP if len(s.src) == 4 else IPv6)(packet)
    tcp = TCP(bytes(top.payload))
    assert (tcp.sport, tcp.dport, tcp.seq, tcp.ack) == (s.sport, s.dport, s.seq, s.ack)
    assert (int(tcp.flags) & 255, tcp.window, tcp.urgptr) == (s.ctl, s.wnd, s.up)
    assert tcp.dataofs == 5 + len(s.options) // 4
    if len(s.src) == 4:
        assert (top.ttl, top.tos, top.id, int(top.flags), top.len) == (s.ttl, s.tos, s.ident, 2, len(packet))
        checksum = top.chksum
        del top.chksum
        assert IP(bytes(top)).chksum == checksum
    else:
        assert (top.hlim, top.tc, top.plen) == (s.ttl, s.tos, len(packet) - 40)


@given(segments())
def test_dpkt_sees_the_same(s: Segment) -> None:
    s.ip_options = b""
    packet = encode(s)
    top = dpkt.ip.IP(packet) if len(s.src) == 4 else dpkt.ip6.IP6(packet)
    tcp = top.data if isinstance(top.data, dpkt.tcp.TCP) else dpkt.tcp.TCP(packet[40:])
    assert (tcp.sport, tcp.dport, tcp.seq, tcp.ack) == (s.sport, s.dport, s.seq, s.ack)
    assert (tcp.flags & 255, tcp.win, tcp.urp, tcp.opts, tcp.data) == (s.ctl, s.wnd, s.up, s.options, s.data)
    octets = bytes(tcp)
    assert dpkt.in_cksum(pseudo(s.src, s.dst, len(octets)) + octets) == 0


@given(st.integers(0, 0xFFFFFFFF), st.sampled_from(["S", "SA", "PA", "FA", "R"]), st.binary(max_size=40), st.booleans())
def test_what_scapy_writes_is_read(seq: int, flags: str, text: bytes, v6: bool) -> None:
    top = IPv6(src="fd00::2", dst="fd00::1", hlim=9) if v6 else IP(src="10.0.0.2", dst="10.0.0.1", ttl=9)
    s = decoded(bytes(top / TCP(sport=1, dport=2, seq=seq, flags=flags, options=[("MSS", 1234)]) / text))
    assert (s.src, s.dst) == (V6 if v6 else V4)
    assert (s.seq, s.mss, s.data, s.ttl, s.checksum_ok, s.options_ok) == (seq, 1234, text, 9, True, True)
    assert s.ctl == {"S": SYN, "SA": SYN | ACK, "PA": PSH | ACK, "FA": 1 | ACK, "R": 4}[flags]


def test_what_dpkt_writes_is_read() -> None:
    tcp = dpkt.tcp.TCP(sport=5, dport=6, seq=7, ack=8, flags=ACK, win=9, data=ALL_OCTETS[:33])
    ip = dpkt.ip.IP(src=V4[0], dst=V4[1], p=6, ttl=3, data=tcp)
    ip.len = 20 + len(tcp)
    s = decoded(bytes(ip))
    assert (s.sport, s.dport, s.seq, s.ack, s.ctl, s.wnd, s.ttl) == (5, 6, 7, 8, ACK, 9, 3)
    assert s.checksum_ok and s.data == ALL_OCTETS[:33]


def test_a_checksum_of_zero_and_its_other_form() -> None:
    """Text chosen so that the checksum is 0: it is written as 0, and 0xFFFF in its place is as good."""
    s = Segment(*V4, 1, 2, data=b"\0\0")
    plain = encode(s)
    s.data = plain[36:38]
    packet = bytearray(encode(s))
    assert packet[36:38] == b"\0\0"
    packet[36:38] = struct.pack("!H", 0xFFFF)
    assert decoded(bytes(packet)).checksum_ok
