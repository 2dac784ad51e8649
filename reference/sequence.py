"""Sequence numbers modulo 2^32 (RFC 9293 3.4): the one definition of their order.

``a`` precedes ``b`` when going up from ``a`` reaches ``b`` in fewer than 2^31 steps. At exactly 2^31, the antipode,
neither precedes the other and neither test holds: a specification that lets a verdict hang on it says so.
"""

from __future__ import annotations

MASK = 0xFFFFFFFF
HALF = 0x80000000


def lt(a: int, b: int) -> bool:
    """a < b in modular order."""
    return 0 < ((b - a) & MASK) < HALF


def le(a: int, b: int) -> bool:
    """a =< b in modular order."""
    return ((b - a) & MASK) < HALF
