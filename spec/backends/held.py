"""Text that arrived ahead of its turn, as terms: what reference/reassembly.py does, by sequence number and length.

Two forms. :class:`Slots` has room for a fixed number of pieces and follows the reference piece by piece; where more
would be needed, ``lost`` is true and nothing may be concluded. :class:`Anything` stands for any number of pieces: what
can be taken from it is any length, the same one for the same question. That holds for every real value, so what is
proved with it is proved; a refutation with it is none.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

import z3

from wireproof.spec.backends import fold
from wireproof.spec.backends.fold import FALSE, both, chosen, either, folded, negated

SLOTS = 2
HALF = 0x80000000
REACH = 1 << 31
"""No piece is as long as half the sequence space."""

_SORT = z3.DeclareSort("reassembly")
_NONE = z3.Const("empty", _SORT)
_READY = z3.Function("ready", _SORT, z3.BitVecSort(32), z3.BitVecSort(64))
_HOLD = z3.Function("hold", _SORT, z3.BitVecSort(32), z3.BitVecSort(64), _SORT)
_OCTET = z3.Function("octet held", _SORT, z3.BitVecSort(32), z3.BitVecSort(8))
_BEYOND = z3.Function("beyond", _SORT, z3.BitVecSort(32), _SORT)


def number(n: int) -> Any:
    return z3.BitVecVal(n, 64)


def before(a: Any, b: Any) -> Any:
    """a < b in modular order."""
    return both([negated(fold.same(a, b)), folded(z3.ULT(folded(b - a), HALF))])


def not_after(a: Any, b: Any) -> Any:
    """a =< b in modular order."""
    return folded(z3.ULT(folded(b - a), HALF))


def wide(a: Any) -> Any:
    """A distance of sequence numbers as a length."""
    return folded(z3.ZeroExt(32, a))


_LINEAR = {z3.Z3_OP_BADD: lambda a, b: a + b, z3.Z3_OP_BSUB: lambda a, b: a - b}


def narrow(a: Any) -> Any:
    """The lower 32 bits of a length. Sums are taken apart: the solver orders sums of one width, not of two."""
    kind = a.decl().kind()
    if kind in _LINEAR:
        return functools.reduce(lambda x, y: folded(_LINEAR[kind](x, y)), map(narrow, a.children()))
    if kind == z3.Z3_OP_ZERO_EXT and a.arg(0).size() == 32:
        return a.arg(0)
    if kind == z3.Z3_OP_ITE:
        return chosen(a.arg(0), narrow(a.arg(1)), narrow(a.arg(2)))
    return folded(z3.Extract(31, 0, a))


def part(length: Any, first: Any, low: Any, high: Any) -> tuple[Any, Any]:
    """Of a text whose first octet has the number ``first``, what lies in [low, high): how many octets it skips, and
    how many there are."""
    skip = chosen(before(first, low), folded(low - first), z3.BitVecVal(0, 32))
    begin = folded(first + skip)
    room, skipped = wide(folded(high - begin)), wide(skip)
    left = chosen(folded(length > skipped), folded(length - skipped), number(0))
    return skipped, chosen(before(begin, high), chosen(folded(left < room), left, room), number(0))


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece: its first number (32 bits) and its length (64 bits), 0 for none."""

    at: Any
    length: Any

    @property
    def there(self) -> Any:
        return folded(self.length > 0)

    @property
    def end(self) -> Any:
        return folded(self.at + narrow(self.length))


def _pick(condition: Any, a: Piece, b: Piece) -> Piece:
    return Piece(chosen(condition, a.at, b.at), chosen(condition, a.length, b.length))


def _gone(p: Piece, condition: Any) -> Piece:
    return Piece(p.at, chosen(condition, number(0), p.length))


NOTHING = Piece(z3.BitVecVal(0, 32), z3.BitVecVal(0, 64))


@dataclass(frozen=True, slots=True)
class Slots:
    """At most ``len(pieces)`` pieces, in the order of the reference; slots between them may be empty."""

    pieces: tuple[Piece, ...]
    lost: Any = FALSE

    @staticmethod
    def empty(slots: int = SLOTS) -> Slots:
        return Slots((NOTHING,) * slots)

    def is_empty(self) -> Any:
        return both(negated(p.there) for p in self.pieces)

    def ready(self, seq: Any) -> Any:
        found = number(0)
        for p in reversed(self.pieces):
            inside = both([p.there, not_after(p.at, seq), before(seq, p.end)])
            found = chosen(inside, folded(p.length - wide(folded(seq - p.at))), found)
        return found

    def octet(self, seq: Any) -> Any:
        """The octet held under a number: which one, the slots do not tell."""
        return z3.FreshConst(z3.BitVecSort(8), "octet held")

    def beyond(self, seq: Any) -> Slots:
        out = []
        for p in self.pieces:
            inside = before(seq, p.end)
            rest = Piece(seq, chosen(inside, folded(p.length - wide(folded(seq - p.at))), number(0)))
            out.append(_gone(_pick(not_after(seq, p.at), p, rest), negated(p.there)))
        return Slots(tuple(out), self.lost)

    def hold(self, seq: Any, length: Any) -> Slots:
        """As the reference does it: what lies before each piece, the pieces, what is left; ordered and joined."""
        found: list[Piece] = []
        todo = Piece(seq, length)
        for p in self.pieces:
            gap = wide(folded(p.at - todo.at))
            some = both([todo.there, p.there])
            first = both([some, before(todo.at, p.at)])
            found.append(Piece(todo.at, chosen(first, chosen(folded(gap < todo.length), gap, todo.length), number(0))))
            found.append(p)
            skip = wide(folded(p.end - todo.at))
            left = chosen(folded(skip < todo.length), folded(todo.length - skip), number(0))
            todo = _pick(both([some, before(todo.at, p.end)]), Piece(p.end, left), todo)
        found.append(todo)
        return self._settled(_joined(_ordered(found, seq)))

    def _settled(self, found: list[Piece]) -> Slots:
        """The pieces that are there, moved to the front."""
        for last in range(len(found) - 1, 0, -1):
            for i in range(last):
                a, b = found[i], found[i + 1]
                empty = negated(a.there)
                found[i], found[i + 1] = _pick(empty, b, a), _pick(empty, a, b)
        n = len(self.pieces)
        return Slots(tuple(found[:n]), either([self.lost, *(p.there for p in found[n:])]))

    def merged(self, condition: Any, other: Slots) -> Slots:
        pieces = tuple(_pick(condition, a, b) for a, b in zip(self.pieces, other.pieces, strict=True))
        return Slots(pieces, chosen(condition, self.lost, other.lost))

    def eq(self, other: object) -> bool:
        if not isinstance(other, Slots) or not self.lost.eq(other.lost):
            return False
        return all(a.at.eq(b.at) and a.length.eq(b.length) for a, b in zip(self.pieces, other.pieces, strict=True))


def _ordered(found: list[Piece], seq: Any) -> list[Piece]:
    """By the distance from just behind the antipode of ``seq``; what is not there comes last. Stable."""
    keys = [chosen(p.there, wide(folded(folded(p.at - seq) + HALF)), number(1 << 33)) for p in found]
    for last in range(len(found) - 1, 0, -1):
        for i in range(last):
            swap = folded(keys[i + 1] < keys[i])
            a, b, ka, kb = found[i], found[i + 1], keys[i], keys[i + 1]
            found[i], found[i + 1] = _pick(swap, b, a), _pick(swap, a, b)
            keys[i], keys[i + 1] = chosen(swap, kb, ka), chosen(swap, ka, kb)
    return found


def _joined(found: list[Piece]) -> list[Piece]:
    """Pieces that touch become one, in the slot of the last."""
    for i in range(1, len(found)):
        a, b = found[i - 1], found[i]
        touch = both([a.there, b.there, fold.same(a.end, b.at)])
        found[i - 1] = _gone(a, touch)
        found[i] = _pick(touch, Piece(a.at, folded(a.length + b.length)), b)
    return found


@dataclass(frozen=True, slots=True)
class Anything:
    """Any number of pieces; ``bounds`` collects what holds of every answer."""

    term: Any
    bounds: list[Any]

    @staticmethod
    def empty(bounds: list[Any]) -> Anything:
        return Anything(_NONE, bounds)

    @staticmethod
    def free(name: str, bounds: list[Any]) -> Anything:
        return Anything(z3.Const(name, _SORT), bounds)

    def is_empty(self) -> Any:
        return fold.same(self.term, _NONE)

    def ready(self, seq: Any) -> Any:
        if self.term.eq(_NONE):
            return number(0)
        n = _READY(self.term, seq)
        self.bounds.extend([n >= 0, n < REACH, z3.Implies(self.term == _NONE, n == 0)])
        return n

    def octet(self, seq: Any) -> Any:
        """The octet held under a number."""
        return _OCTET(self.term, seq)

    def hold(self, seq: Any, length: Any) -> Anything:
        nothing = both([folded(length <= 0), self.is_empty()])
        return Anything(chosen(nothing, self.term, _HOLD(self.term, seq, length)), self.bounds)

    def beyond(self, seq: Any) -> Anything:
        if self.term.eq(_NONE):
            return self
        rest = _BEYOND(self.term, seq)
        self.bounds.append(z3.Implies(self.term == _NONE, rest == _NONE))
        return Anything(rest, self.bounds)

    def merged(self, condition: Any, other: Anything) -> Anything:
        return Anything(chosen(condition, self.term, other.term), self.bounds)

    def eq(self, other: object) -> bool:
        return isinstance(other, Anything) and bool(self.term.eq(other.term))


Held = Slots | Anything
