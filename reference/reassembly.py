"""Text that arrived ahead of its turn: disjoint, ordered pieces of the sequence space (RFC 9293 3.10.7.4, SHLD-31).

A value is a tuple of (sequence number, octets), ordered by distance from the first; what came first wins where
pieces overlap. All functions are pure.
"""

from __future__ import annotations

from wireproof.reference.sequence import HALF, MASK, le, lt

Held = tuple[tuple[int, bytes], ...]


def part(data: bytes, first: int, low: int, high: int) -> bytes:
    """The octets of ``data`` (whose first one has sequence number ``first``) that lie in [low, high)."""
    skip = (low - first) & MASK if lt(first, low) else 0
    begin = (first + skip) & MASK
    if not lt(begin, high):
        return b""
    return data[skip : skip + ((high - begin) & MASK)]


def hold(held: Held, seq: int, data: bytes) -> Held:
    """Add a piece; octets that are held already stay as they are."""
    out: list[tuple[int, bytes]] = []
    todo = (seq, data)
    for at, piece in held:
        start, text = todo
        end = (at + len(piece)) & MASK
        if text and lt(start, at):
            before = text[: (at - start) & MASK]
            out.append((start, before))
        if text and lt(start, end):
            skip = (end - start) & MASK
            todo = (end, text[skip:])
        out.append((at, piece))
    if todo[1]:
        out.append(todo)
    out.sort(key=lambda p: (p[0] - seq + HALF) & MASK)
    return _joined(out)


def _joined(pieces: list[tuple[int, bytes]]) -> Held:
    out: list[tuple[int, bytes]] = []
    for at, piece in pieces:
        if out and (out[-1][0] + len(out[-1][1])) & MASK == at:
            out[-1] = (out[-1][0], out[-1][1] + piece)
        else:
            out.append((at, piece))
    return tuple(out)


def ready(held: Held, seq: int) -> bytes:
    """The octets from ``seq`` on up to the first hole; empty when ``seq`` itself is a hole."""
    for at, piece in held:
        if le(at, seq) and lt(seq, (at + len(piece)) & MASK):
            return piece[(seq - at) & MASK :]
    return b""


def beyond(held: Held, seq: int) -> Held:
    """What is held at ``seq`` and after it."""
    out = []
    for at, piece in held:
        if le(seq, at):
            out.append((at, piece))
        elif lt(seq, (at + len(piece)) & MASK):
            out.append((seq, piece[(seq - at) & MASK :]))
    return tuple(out)
