"""Expressions and lists as text: the fewest parentheses that keep the tree, long lines wrapped."""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import IntEnum

from wireproof.spec import syntax as s

WIDTH = 110
"""The canonical text breaks lines that are longer, where they can be broken."""


class Bind(IntEnum):
    """How tightly the operators bind: the productions of the grammar, loosest first."""

    IF = 0
    IMPLIES = 1
    OR = 2
    AND = 3
    NOT = 4
    COMPARE = 5
    SUM = 6
    PRODUCT = 7
    POSTFIX = 8
    ATOM = 9


def binding(e: s.Expr) -> Bind:
    """The production that makes an expression of this form."""
    match e:
        case s.If():
            return Bind.IF
        case s.Logic(op=op):
            return Bind[op.upper()]
        case s.Not():
            return Bind.NOT
        case s.Compare() | s.Member():
            return Bind.COMPARE
        case s.Arith(rest=rest):
            return Bind.SUM if rest[0][0] in "+-" else Bind.PRODUCT
        case s.Slice():
            return Bind.POSTFIX
    return Bind.ATOM


def expression(e: s.Expr, least: Bind = Bind.IF) -> str:
    """An expression on one line, in parentheses if it binds less tightly than ``least``."""
    mine = binding(e)
    if mine < least:
        return f"({expression(e)})"
    match e:
        case s.Name(id=text) | s.Number(text=text) | s.Duration(text=text) | s.Constant(word=text):
            return text
        case s.Not(of=of):
            return f"not {expression(of, mine)}"
        case s.Logic(op=op, of=parts):
            return f" {op} ".join(expression(x, Bind(mine + 1)) for x in parts)
        case s.Compare(first=first, rest=rest) | s.Arith(first=first, rest=rest):
            tighter = Bind(mine + 1)
            return expression(first, tighter) + "".join(f" {op} {expression(x, tighter)}" for op, x in rest)
        case s.Member(of=of, among=among):
            return f"{expression(of, Bind.SUM)} in {{{', '.join(expression(x, Bind.SUM) for x in among)}}}"
        case s.Slice(of=of, low=low, high=high):
            start = f"{expression(low, Bind.SUM)} " if low is not None else ""
            end = f" {expression(high, Bind.SUM)}" if high is not None else ""
            return f"{expression(of, Bind.POSTFIX)}[{start}..{end}]"
        case s.Apply(function=function, args=args):
            return f"{function}({', '.join(map(expression, args))})"
        case s.If(condition=condition, then=then, orelse=orelse):
            return f"if {expression(condition)} then {expression(then)} else {expression(orelse)}"


def lay(head: str, e: s.Expr, least: Bind = Bind.IF) -> list[str]:
    """``head`` and an expression behind it, on one line or on several that continue under its beginning."""
    whole = head + expression(e, least)
    if len(whole) <= WIDTH:
        return [whole]
    mine = binding(e)
    margin = " " * len(head)
    if mine < least:
        return _end(lay(head + "(", e), ")")
    match e:
        case s.Not(of=of):
            return lay(head + "not ", of, mine)
        case s.Logic(op=op, of=parts):
            return _operands(head, parts[0], [(op, x) for x in parts[1:]], Bind(mine + 1))
        case s.Compare(first=first, rest=rest) | s.Arith(first=first, rest=rest):
            return _operands(head, first, rest, Bind(mine + 1))
        case s.Member(of=of, among=among):
            first_lines = lay(head, of, Bind.SUM)
            shown = [expression(x, Bind.SUM) for x in among]
            return [*first_lines[:-1], *fill(first_lines[-1] + " in {", shown, ", ", end="}")]
        case s.Apply(function=function, args=[*most, last]):
            lines: list[str] = []
            start = f"{head}{function}("
            for x in most:
                lines += _end(lay(start, x), ",")
                start = " " * len(start)
            return lines + _end(lay(start, last), ")")
        case s.If(condition=condition, then=then, orelse=orelse):
            return [
                *lay(head + "if ", condition),
                *lay(margin + "then ", then),
                *lay(margin + "else ", orelse),
            ]
    return [whole]


def _operands(head: str, first: s.Expr, rest: Sequence[tuple[str, s.Expr]], least: Bind) -> list[str]:
    lines = lay(head, first, least)
    for op, x in rest:
        lines += lay(f"{' ' * len(head)}{op} ", x, least)
    return lines


def _end(lines: list[str], end: str) -> list[str]:
    return [*lines[:-1], lines[-1] + end]


def fill(head: str, parts: Sequence[str], separator: str, *, end: str = "", lead: bool = False) -> list[str]:
    """``head`` and a list behind it, on as few lines as hold it; ``lead``: separators begin the lines."""
    lines = [head]
    for i, part in enumerate(parts):
        last = i == len(parts) - 1
        before = separator if i else ""
        tail = end if last else "" if lead else separator.rstrip()
        if i and len((lines[-1] + before + part + tail).rstrip()) > WIDTH:
            if lead:
                # The separator hangs to the left of the parts: the ``|`` of an enum comes under its ``=``.
                lines.append(" " * (len(head) - len(before.lstrip())) + before.lstrip() + part)
            else:
                lines[-1] += before.rstrip()
                lines.append(" " * len(head) + part)
        else:
            lines[-1] += before + part
    return _end(lines, end)


def shield(text: str, keywords: Sequence[str]) -> str:
    """Parentheses around an expression that begins with a name that is a keyword in this one place."""
    return f"({text})" if re.match(rf"(?:{'|'.join(keywords)})\b", text) else text
