"""The Internet checksum against the sum that RFC 1071 defines, word by word, and against scapy and dpkt."""

from __future__ import annotations

import dpkt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scapy.utils import checksum as scapy_checksum

from wireproof.reference.checksum import ICMPV6, adds_up, internet_checksum, pseudo, tcp_checksum


def by_words(data: bytes) -> int:
    """The checksum as it is defined: 16-bit words, end-around carry, complement."""
    total = 0
    for i in range(0, len(data), 2):
        total += int.from_bytes(data[i : i + 2].ljust(2, b"\0"), "big")
        total = (total & 0xFFFF) + (total >> 16)
    return total ^ 0xFFFF


@given(st.binary(max_size=200))
def test_the_sum_is_the_one_of_the_definition(data: bytes) -> None:
    assert internet_checksum(data) == by_words(data) == scapy_checksum(data) == dpkt.in_cksum(data)


@pytest.mark.parametrize(
    ("data", "value"),
    [
        (b"", 0xFFFF),
        (bytes(20), 0xFFFF),
        (b"\xff\xff", 0),
        (b"\xff\xff" * 700, 0),
        (b"\xff\xfe\x00\x01", 0),
        (b"\x80\x00\x7f\xff", 0),
        (b"\x00\x01", 0xFFFE),
        (b"\x01", 0xFEFF),
        (bytes.fromhex("0001f203f4f5f6f7"), 0x220D),
    ],
)
def test_both_zeros_and_the_example_of_rfc_1071(data: bytes, value: int) -> None:
    assert internet_checksum(data) == value == by_words(data)


@given(st.binary(max_size=100).map(lambda b: b[: len(b) & ~1]), st.binary(max_size=100))
def test_a_sum_goes_on_where_another_ended(first: bytes, second: bytes) -> None:
    so_far = internet_checksum(first) ^ 0xFFFF
    assert internet_checksum(second, so_far) == internet_checksum(first + second)


@given(st.binary(min_size=2, max_size=100))
def test_what_got_its_checksum_adds_up(data: bytes) -> None:
    whole = internet_checksum(b"\0\0" + data).to_bytes(2, "big") + data
    assert adds_up(whole)
    assert not adds_up(bytes([whole[0] ^ 1]) + whole[1:])


@given(st.binary(min_size=1, max_size=100).filter(any), st.booleans())
def test_the_two_zeros_are_equally_good_in_a_checksum(data: bytes, low: bool) -> None:
    if len(data) % 2:
        data += b"\0"
    complete = data + internet_checksum(data).to_bytes(2, "big")
    zero = b"\0\0" if low else b"\xff\xff"
    assert adds_up(complete + zero)


@pytest.mark.parametrize("size", [0, 2, 20, 21])
def test_zeros_alone_do_not_add_up(size: int) -> None:
    assert not adds_up(bytes(size))


def test_pseudo_headers() -> None:
    a, b = bytes([10, 0, 0, 1]), bytes([10, 0, 0, 2])
    assert pseudo(a, b, 0x1234) == a + b + bytes([0, 6, 0x12, 0x34])
    a, b = bytes(range(16)), bytes(range(16, 32))
    assert pseudo(a, b, 0x1234) == a + b + bytes([0, 0, 0x12, 0x34, 0, 0, 0, 6])
    assert pseudo(a, b, 8, ICMPV6) == a + b + bytes([0, 0, 0, 8, 0, 0, 0, 58])


@given(st.binary(min_size=4, max_size=4), st.binary(min_size=4, max_size=4), st.binary(min_size=20, max_size=64))
def test_the_pseudo_header_counts(src: bytes, dst: bytes, segment: bytes) -> None:
    assert tcp_checksum(src, dst, segment) == by_words(pseudo(src, dst, len(segment)) + segment)
