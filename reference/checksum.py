"""The Internet checksum (RFC 1071) and the pseudo-headers of TCP (RFC 9293 3.1, RFC 8200 8.1).

The ones' complement sum of 16-bit words is the big number that the octets spell, modulo 2^16 - 1, except that only
octets that are all zero have the sum 0: any other multiple of 2^16 - 1 is the sum 0xFFFF (the other zero).
"""

from __future__ import annotations

ONES = 0xFFFF
TCP = 6
ICMP = 1
ICMPV6 = 58


def _number(data: bytes) -> int:
    """The octets as one number; an odd octet at the end is the high one of its word (RFC 1071 1)."""
    n = int.from_bytes(data, "big")
    return n << 8 if len(data) & 1 else n


def internet_checksum(data: bytes, start: int = 0) -> int:
    """The checksum to be written into ``data``, whose own checksum field is zero.

    ``start`` is the sum of what comes before (it adds up: RFC 1071 2). Octets that are all zero give 0xFFFF, a sum
    of 0xFFFF gives 0.
    """
    n = _number(data) + start
    return ONES - (n % ONES) if n % ONES or not n else 0


def adds_up(data: bytes) -> bool:
    """``data``, its checksum included, has the sum 0xFFFF, so that nothing tells against it (RFC 1071 1).

    A checksum of 0 and one of 0xFFFF are equally good where other octets are not all zero.
    """
    n = _number(data)
    return n % ONES == 0 and n != 0


def pseudo(src: bytes, dst: bytes, length: int, protocol: int = TCP) -> bytes:
    """The pseudo-header before a segment of ``length`` octets: RFC 9293 3.1 for IPv4, RFC 8200 8.1 for IPv6."""
    if len(src) == 4:
        return src + dst + (protocol << 16 | length).to_bytes(4, "big")
    return src + dst + (length << 32 | protocol).to_bytes(8, "big")


def tcp_checksum(src: bytes, dst: bytes, segment: bytes) -> int:
    """The checksum of a TCP segment (header with a checksum field of zero, options, data)."""
    return internet_checksum(pseudo(src, dst, len(segment)) + segment)
