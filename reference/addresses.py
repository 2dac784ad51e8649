"""Which addresses a TCP endpoint must not talk to (RFC 1122 3.2.1.3; RFC 9293 3.9.2.3)."""

from __future__ import annotations

V6_LOOPBACK = bytes(15) + b"\x01"


def is_group(address: bytes, subnet_broadcast: frozenset[bytes] = frozenset()) -> bool:
    """A broadcast or multicast address (4 or 16 octets)."""
    if len(address) == 4:
        return (address[0] >= 224 and address[0] < 240) or address == b"\xff\xff\xff\xff" or address in subnet_broadcast
    return address[0] == 0xFF


def is_invalid_source(address: bytes, own: frozenset[bytes], subnet_broadcast: frozenset[bytes] = frozenset()) -> bool:
    """An address that no peer on a network can have: group, loopback, unspecified, this network, or our own."""
    if address in own or is_group(address, subnet_broadcast):
        return True
    if len(address) == 4:
        return address[0] in (0, 127) or address[0] >= 240
    return address in (bytes(16), V6_LOOPBACK)
