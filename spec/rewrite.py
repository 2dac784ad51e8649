"""Small changes to checked expressions, and expressions written out again: what mutants of a specification are made of.

Expressions are never changed in place: a variant shares with the original what it leaves alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

from wireproof.spec import ir

WHOLE = ("seq32", "length", "count")
"""Sorts in which 1 is the least step."""
_INFIX = {"and", "or", "+", "-", "*", "/", "mod", "=", "/=", "<", "=<"}


class Variant(NamedTuple):
    """One way to change an expression: by which operator, what became of what, and the whole of it changed."""

    operator: str
    what: str
    expr: ir.Expr


def text(e: ir.Expr) -> str:
    """An expression as the language writes it, near enough to be read."""
    match e:
        case ir.Lit() if e.sort == ir.FLAG:
            return "true" if e.value else "false"
        case ir.Lit():
            return f"{e.value} us" if e.sort == ir.DURATION else str(e.value)
        case ir.Member():
            return e.member
        case ir.Now():
            return "now"
        case ir.Empty():
            return "empty"
        case ir.Running():
            return f"running({e.timer})"
        case ir.Use():
            return f"{e.function}({', '.join(map(text, e.args))})"
        case ir.Op():
            return _op_text(e)
        case ir.Before():
            return f"before({text(e.value)})"
    return e.name


def _op_text(e: ir.Op) -> str:
    args = [f"({text(a)})" if isinstance(a, ir.Op) and a.op in (*_INFIX, "if") else text(a) for a in e.args]
    if e.op in _INFIX:
        return f" {e.op} ".join(args)
    match e.op:
        case "not":
            return f"not {args[0]}"
        case "implies":
            return f"{args[0]} implies {args[1]}"
        case "if":
            return f"if {args[0]} then {args[1]} else {args[2]}"
        case "in":
            return f"{args[0]} in {{{', '.join(args[1:])}}}"
        case "slice":
            return f"{args[0]}[{args[1]} .. {args[2] if len(args) > 2 else ''}]"
    return f"{e.op}({', '.join(map(text, e.args))})"


def negated(e: ir.Expr) -> ir.Expr:
    """The contrary of a condition."""
    if isinstance(e, ir.Op) and e.op == "not":
        return e.args[0]
    if isinstance(e, ir.Lit):
        return replace(e, value=int(not e.value))
    return ir.Op("not", [e], ir.FLAG, span=e.span)


def stepped(e: ir.Expr, by: int) -> ir.Expr:
    """``e`` plus or minus ``by`` (of a sort in :data:`WHOLE`)."""
    if isinstance(e, ir.Lit) and e.value + by >= 0:
        return replace(e, value=e.value + by)
    # What is beside a sequence number is a length; a count keeps its own.
    sort = ir.LENGTH if e.sort.name == "seq32" else e.sort
    return ir.Op("+" if by > 0 else "-", [e, ir.Lit(abs(by), sort, span=e.span)], e.sort, span=e.span)


def scaled(e: ir.Expr, up: int = 1, down: int = 1) -> ir.Expr:
    """``e`` times ``up`` by ``down``; a literal is worked out."""
    if isinstance(e, ir.Lit):
        return replace(e, value=e.value * up // down)
    op, by = ("*", up) if down == 1 else ("/", down)
    return ir.Op(op, [e, ir.Lit(by, ir.COUNT, span=e.span)], e.sort, span=e.span)


def variants(e: ir.Expr) -> Iterator[Variant]:
    """Every way to change one place of an expression a little, outermost place first."""
    for operator, new in _here(e):
        yield Variant(operator, f"'{text(e)}' becomes '{text(new)}'", new)
    if isinstance(e, ir.Op | ir.Use):
        for i, a in enumerate(e.args):
            for v in variants(a):
                yield v._replace(expr=replace(e, args=[*e.args[:i], v.expr, *e.args[i + 1 :]]))


def _here(e: ir.Expr) -> Iterator[tuple[str, ir.Expr]]:
    match e:
        case ir.Op(op="and" | "or"):
            yield "connective", replace(e, op="or" if e.op == "and" else "and")
            for i in range(len(e.args)):
                rest = [*e.args[:i], *e.args[i + 1 :]]
                yield "drop-operand", rest[0] if len(rest) == 1 else replace(e, args=rest)
            for i, a in enumerate(e.args):
                yield "negate-operand", replace(e, args=[*e.args[:i], negated(a), *e.args[i + 1 :]])
        case ir.Op(op="<" | "=<"):
            yield "boundary", replace(e, op="=<" if e.op == "<" else "<")
            if e.args[0].sort.name in WHOLE:
                shifted = [stepped(e.args[0], 1), e.args[1]] if e.op == "<" else [e.args[0], stepped(e.args[1], 1)]
                yield "boundary", replace(e, args=shifted)
        case ir.Op(op="=" | "/=") if e.args[0].sort.name in WHOLE:
            for by in (1, -1):
                yield "boundary", replace(e, args=[e.args[0], stepped(e.args[1], by)])
        case ir.Op(op="=" | "/=") if isinstance(e.args[1], ir.Member) and e.args[1].sort.name == "state":
            yield "equality", replace(e, op="/=" if e.op == "=" else "=")
        case ir.Op(op="in"):
            for i in range(1, len(e.args)):
                if len(e.args) > 2:
                    yield "drop-member", replace(e, args=[*e.args[:i], *e.args[i + 1 :]])
        case ir.Op(op="min" | "max"):
            yield "extreme", replace(e, op="max" if e.op == "min" else "min")
        case ir.Op(op="+" | "-") if e.args[1].sort.name != "seq32" and e.args[1].sort != ir.OCTETS:
            yield "arithmetic", replace(e, op="-" if e.op == "+" else "+")
        case ir.Op(op="if"):
            yield "branch", replace(e, args=[e.args[0], e.args[2], e.args[1]])
        case ir.Lit() if e.sort.name in ("length", "count") and 0 < e.value < 1 << 30:
            yield "constant", replace(e, value=e.value + 1)
        case ir.Lit() if e.sort == ir.DURATION and 0 < e.value < 1 << 60:
            yield "constant", replace(e, value=2 * e.value)
