"""A symbolic configuration of a machine: a Z3 term for each variable, the ends of each timer, the clock."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import z3

from wireproof.spec import ir
from wireproof.spec.backends.fold import chosen
from wireproof.spec.backends.held import Anything, Held, Slots, number
from wireproof.spec.backends.text import Text
from wireproof.spec.backends.text import free as free_text
from wireproof.spec.backends.z3_terms import MOST, Z3Terms

STOPPED = -1
FOREVER = 1 << 60
LEAST = -MOST
"""Lengths, counts and times of a free configuration lie between this and MOST; that they are not negative is proved,
not assumed (spec/prove.py)."""

QUEUE = 1 << 30
"""No queue holds as many octets: beyond half the sequence space its numbers would have no order (RFC 9293 3.4)."""

Values = dict[str, Any]
"""Variable to its term; octets are a :class:`Text`, a reassembly is :class:`Held`."""


@runtime_checkable
class Numbers(Protocol):
    """Terms that note sequence numbers by their base."""

    def number(self, name: str, sort: ir.Sort) -> Any: ...


@dataclass(frozen=True, slots=True)
class Timer:
    """Earliest and latest end (us, 64 bits): -1 when it does not run, 2^60 for never."""

    low: Any
    high: Any

    @property
    def running(self) -> Any:
        if z3.is_bv_value(self.low):
            return z3.BoolVal(self.low.as_signed_long() >= 0)
        return self.low >= 0


OFF = Timer(number(STOPPED), number(STOPPED))


@dataclass(slots=True)
class Configuration:
    """Values, timers and ``now`` (us)."""

    values: Values
    timers: dict[str, Timer]
    now: Any


def merge(condition: Any, a: Any, b: Any) -> Any:
    """A value that is ``a`` under the condition, else ``b``."""
    if isinstance(a, Slots | Anything | Text):
        return a if a.eq(b) else a.merged(condition, b)
    return chosen(condition, a, b)


def merge_timers(condition: Any, a: Timer, b: Timer) -> Timer:
    if a is b:
        return a
    return Timer(chosen(condition, a.low, b.low), chosen(condition, a.high, b.high))


def free(terms: Z3Terms, prefix: str = "", slots: int | None = None, state: str | None = None) -> Configuration:
    """Any configuration; the bounds of its values are added to those of ``terms``.

    Lengths, counts and times may be negative as far as this goes. ``slots`` is the room of each reassembly; without
    it, it is any. ``state`` fixes the state.
    """
    values: Values = {}
    for v in terms.model.variables.values():
        name = prefix + v.name
        if v.name == "STATE" and state is not None:
            values[v.name] = terms.enums["state"][1][state]
        elif v.sort == ir.REASSEMBLY:
            values[v.name] = _free_held(terms, name, slots)
        elif v.sort.name == "seq32" and isinstance(terms, Numbers):
            values[v.name] = terms.number(name, v.sort)
        elif v.sort == ir.FLAG or v.sort.name == "seq32" or v.sort.name in terms.enums:
            values[v.name] = terms.variable(name, v.sort)
        else:
            number_of = z3.BitVec(name, 64)
            octets = v.sort == ir.OCTETS
            values[v.name] = free_text(name, number_of) if octets else number_of
            low, high = (0, QUEUE) if octets else (LEAST, MOST)
            terms.bounds += [number_of >= low, number_of <= high]
    timers = {}
    for t in terms.model.timers:
        low, high = (z3.BitVec(f"{prefix}{t}.{end}", 64) for end in ("from", "until"))
        runs = z3.And(low >= 0, low <= MOST, z3.Or(z3.And(high >= 0, high <= MOST), high == FOREVER))
        terms.bounds.append(z3.Or(z3.And(low == STOPPED, high == STOPPED), runs))
        timers[t] = Timer(low, high)
    now = z3.BitVec(prefix + "now", 64)
    terms.bounds += [now >= 0, now <= MOST]
    return Configuration(values, timers, now)


def _free_held(terms: Z3Terms, name: str, slots: int | None) -> Held:
    if slots is None:
        return Anything.free(name, terms.bounds)
    found = Slots.empty(slots)
    pieces = []
    for i, p in enumerate(found.pieces):
        at, length = z3.BitVec(f"{name}.{i}.at", 32), z3.BitVec(f"{name}.{i}.length", 64)
        terms.bounds += [length >= 0, length <= MOST]
        pieces.append(type(p)(at, length))
    return Slots(tuple(pieces))
