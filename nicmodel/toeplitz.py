"""The Toeplitz hash: for each bit of the input that is set, 32 bits of the key from that place on, added modulo 2."""

from __future__ import annotations

KEY_OCTETS = 40


def toeplitz(key: bytes, data: bytes) -> int:
    """The 32-bit hash; the key has at least four octets more than the data, and counts as 0 beyond its end."""
    bits = 8 * len(data)
    window = int.from_bytes(key.ljust(len(data) + 4, b"\0")[: len(data) + 4])
    value = int.from_bytes(data)
    result = 0
    for place in range(bits):
        if value >> (bits - 1 - place) & 1:
            result ^= window >> (bits - place)
    return result & 0xFFFF_FFFF
