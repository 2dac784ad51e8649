"""Octets as terms: a length, and what stands at a position.

The octets of a free text are an uninterpreted function of the position; slices, joins and choices are worked out when
somebody asks for a position. Two texts are compared at a position that stands for any at which they could differ.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import z3

from wireproof.spec.backends.fold import FALSE, TRUE, chosen, folded
from wireproof.spec.backends.held import number

OCTET = z3.BitVecSort(8)
POSITION = z3.BitVecSort(64)


@dataclass(frozen=True, slots=True, eq=False)
class Text:
    """``length`` octets (64 bits); ``octet`` gives the one at a position (64 bits) below that."""

    length: Any
    octet: Callable[[Any], Any]
    seen: dict[int, tuple[Any, Any]] = field(default_factory=dict)

    def at(self, i: Any) -> Any:
        """The octet at a position, the same term for the same question."""
        key = i.get_id()
        if key not in self.seen:
            self.seen[key] = (i, self.octet(i))
        return self.seen[key][1]

    def slice(self, low: Any, high: Any | None = None) -> Text:
        """From ``low`` up to and without ``high``; a bound below zero is zero."""
        begin = chosen(folded(low > 0), low, number(0))
        end = self.length if high is None else chosen(folded(high < self.length), high, self.length)
        left = chosen(folded(end > begin), folded(end - begin), number(0))
        return Text(left, lambda i: self.at(folded(i + begin)))

    def then(self, other: Text) -> Text:
        """This text with another one behind it."""
        return Text(
            folded(self.length + other.length),
            lambda i: chosen(folded(i < self.length), self.at(i), other.at(folded(i - self.length))),
        )

    def merged(self, condition: Any, other: Text) -> Text:
        return Text(chosen(condition, self.length, other.length), lambda i: chosen(condition, self.at(i), other.at(i)))

    def eq(self, other: object) -> bool:
        return self is other


def free(name: str, length: Any) -> Text:
    """Any text of that length; equal names are equal texts."""
    return Text(length, z3.Function(f"octets of {name}", POSITION, OCTET))


def zeros(length: Any) -> Text:
    return Text(length, lambda i: z3.BitVecVal(0, 8))


EMPTY = zeros(number(0))


def equal(a: Text, b: Text, name: str, bounds: list[Any]) -> Any:
    """A truth value for ``a = b``: when it is false the lengths differ or the octets at some position do; when it is
    true the lengths are the same. More is not said, so with it one can prove and not refute."""
    if a is b:
        return TRUE
    if z3.is_false(z3.simplify(a.length == b.length)):
        return FALSE
    same, i = z3.Bool(name), z3.BitVec(f"{name} at", 64)
    differs = z3.And(i >= 0, i < a.length, a.at(i) != b.at(i))
    bounds += [z3.Implies(same, a.length == b.length), z3.Or(same, a.length != b.length, differs)]
    if a.length.eq(EMPTY.length) or b.length.eq(EMPTY.length):
        return folded(a.length == b.length)
    return same
