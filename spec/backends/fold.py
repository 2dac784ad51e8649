"""Z3 terms that stay small: what is constant is folded as soon as it is built.

From a configuration whose values are known almost everything folds away, and what is left for the solver is what the
event leaves open.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import z3

TRUE, FALSE = z3.BoolVal(True), z3.BoolVal(False)


def constant(t: Any) -> bool:
    """Is the term a value: a number, a truth value, a member of an enumeration?"""
    if z3.is_app(t):
        return bool(t.num_args() == 0 and t.decl().kind() != z3.Z3_OP_UNINTERPRETED)
    return False


def folded(t: Any) -> Any:
    """The term, evaluated when all that it is made of directly is constant."""
    if t.num_args() and all(constant(x) for x in t.children()):
        return z3.simplify(t)
    return t


def both(parts: Iterable[Any]) -> Any:
    """The conjunction."""
    left: list[Any] = []
    for p in parts:
        if z3.is_false(p):
            return FALSE
        if not z3.is_true(p) and not any(p.eq(q) for q in left):
            left.append(p)
    return TRUE if not left else left[0] if len(left) == 1 else z3.And(*left)


def either(parts: Iterable[Any]) -> Any:
    """The disjunction."""
    left: list[Any] = []
    for p in parts:
        if z3.is_true(p):
            return TRUE
        if not z3.is_false(p) and not any(p.eq(q) for q in left):
            left.append(p)
    return FALSE if not left else left[0] if len(left) == 1 else z3.Or(*left)


def negated(t: Any) -> Any:
    """Not ``t``."""
    if z3.is_true(t):
        return FALSE
    if z3.is_false(t):
        return TRUE
    return t.arg(0) if z3.is_not(t) else z3.Not(t)


def chosen(condition: Any, a: Any, b: Any) -> Any:
    """``a`` if the condition holds, else ``b``."""
    if z3.is_true(condition) or a.eq(b):
        return a
    if z3.is_false(condition):
        return b
    if z3.is_bool(a):
        if z3.is_true(a):
            return either([condition, b])
        if z3.is_false(a):
            return both([negated(condition), b])
        if z3.is_true(b):
            return either([negated(condition), a])
        if z3.is_false(b):
            return both([condition, a])
    return z3.If(condition, a, b)


def same(a: Any, b: Any) -> Any:
    """``a = b``; a choice between members of an enumeration is looked into."""
    if a.eq(b):
        return TRUE
    if constant(a) and constant(b):
        return FALSE if a.sort() == b.sort() and a.sort().kind() == z3.Z3_DATATYPE_SORT else z3.simplify(a == b)
    for one, other in ((a, b), (b, a)):
        if constant(other) and z3.is_app_of(one, z3.Z3_OP_ITE) and other.sort().kind() == z3.Z3_DATATYPE_SORT:
            return chosen(one.arg(0), same(one.arg(1), other), same(one.arg(2), other))
    return a == b


def leaves(t: Any) -> list[Any] | None:
    """The constants that a term can be, in the order of the text; None when it can be anything."""
    if constant(t):
        return [t]
    if not z3.is_app_of(t, z3.Z3_OP_ITE):
        return None
    left, right = leaves(t.arg(1)), leaves(t.arg(2))
    if left is None or right is None:
        return None
    return left + [x for x in right if not any(x.eq(y) for y in left)]
