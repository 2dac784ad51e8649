"""Expressions of the checked model as Python text."""

from __future__ import annotations

import re
from collections.abc import Iterable

from wireproof.spec import ir

CONTROL = {"FIN": 1, "SYN": 2, "RST": 4, "PSH": 8, "ACK": 16, "URG": 32, "ECE": 64, "CWR": 128}

FIELDS = {
    "SEG.SEQ": "e.seq",
    "SEG.ACK": "e.ack",
    "SEG.LEN": "e.length",
    "SEG.WND": "e.wnd",
    "SEG.UP": "e.up",
    "SEG.DATA": "e.data",
    "SEG.MSS": "e.mss",
    "SEG.CHECKSUM-OK": "e.checksum_ok",
    "SEG.HEADER-OK": "e.header_ok",
    "SEG.OPTIONS-OK": "e.options_ok",
    "SEG.DST-GROUP": "e.dst_group",
    "SEG.SRC-INVALID": "e.src_invalid",
    "OUT.SEQ": "e.seq",
    "OUT.ACKNO": "e.ack",
    "OUT.LEN": "e.length",
    "OUT.WND": "e.wnd",
    "OUT.UP": "e.up",
    "OUT.DATA": "e.data",
    "OUT.MSS": "e.mss",
    "OUT.CHECKSUM-OK": "e.checksum_ok",
    "OUT.HEADER-OK": "e.header_ok",
    "OUT.OPTIONS-OK": "e.options_ok",
    "OUT.PADDING-OK": "e.padding_ok",
    "OUT.RESERVED": "e.reserved",
    "OUT.TTL": "e.ttl",
    "OUT.DSCP": "e.tos >> 2",
    "RET.COUNT": "x.count",
}
"""Where the fields of the specification's events stand in the reference's objects."""

KEYWORDS = {"from", "in", "is", "not", "and", "or", "if", "else", "def", "class", "lambda", "pass", "import", "for"}


def ident(name: str) -> str:
    """``SND.UNA`` to ``snd_una``."""
    out = re.sub(r"[.\-]", "_", name).lower()
    return out + "_" if out in KEYWORDS else out


def field(f: ir.Field) -> str:
    """A field of an event."""
    if f.name in FIELDS:
        return FIELDS[f.name]
    bit = f.name.removeprefix("OUT.")
    if bit in CONTROL and f.sort == ir.FLAG:
        return f"e.ctl & {CONTROL[bit]} != 0"
    return "e." + ident(f.name.split(".", 1)[-1])


_LEVELS = {"if": 0, "implies": 1, "or": 1, "and": 2, "not": 3, "cmp": 4, "&": 5, "+": 6, "*": 7, "atom": 9}


class Terms:
    """Writes expressions; ``model`` gives lets and functions."""

    def __init__(self, model: ir.Model):
        self.model = model

    def of(self, e: ir.Expr, level: int = 0) -> str:
        """Python text of an expression, in brackets when it binds less tightly than ``level``."""
        text, own = self._term(e)
        return f"({text})" if own < level else text

    def _term(self, e: ir.Expr) -> tuple[str, int]:
        atom = _LEVELS["atom"]
        match e:
            case ir.Lit():
                if e.sort == ir.FLAG:
                    return str(bool(e.value)), atom
                return ("FOREVER" if e.value == 1 << 60 else _digits(e.value)), atom
            case ir.Member():
                return repr(e.member).replace("'", '"'), atom
            case ir.Var():
                return f"c.{ident(e.name)}", atom
            case ir.Param():
                return f"x.p.{ident(e.name)}", atom
            case ir.Field():
                text = field(e)
                return text, (_LEVELS["cmp"] if "!=" in text else _LEVELS["&"] if ">>" in text else atom)
            case ir.Local() | ir.Ranged():
                return ident(e.name), atom
            case ir.Chosen():
                return f'x.flag("{e.name}")', atom
            case ir.Abbrev():
                return f"{ident(e.name)}({self.arguments(e.name)})", atom
            case ir.Now():
                return "c.now", atom
            case ir.Empty():
                return ("()" if e.sort == ir.REASSEMBLY else 'b""'), atom
            case ir.Use():
                return f"{e.function}({', '.join(self.of(a) for a in e.args)})", atom
            case ir.Running():
                return f"c.{ident(e.timer)}_from >= 0", _LEVELS["cmp"]
            case ir.Op():
                return self._op(e)
            case ir.Before():
                raise ValueError("before() stands in properties, and no code is made from these")

    def arguments(self, name: str) -> str:
        """What a let's function is given: c, e (if it reads an event), x."""
        return "c, e, x" if self.model.abbreviations[name].events else "c, x"

    def _op(self, e: ir.Op) -> tuple[str, int]:
        op, a = e.op, e.args
        atom = _LEVELS["atom"]
        if op in ("and", "or"):
            level = _LEVELS[op]
            return f" {op} ".join(self.of(x, level + 1) for x in a), level
        if op == "implies":
            return f"not {self.of(a[0], 4)} or {self.of(a[1], 2)}", _LEVELS["or"]
        if op == "not":
            return f"not {self.of(a[0], 3)}", _LEVELS["not"]
        if op == "if":
            return f"{self.of(a[1], 1)} if {self.of(a[0], 1)} else {self.of(a[2], 1)}", _LEVELS["if"]
        if op == "in":
            return f"{self.of(a[0], 5)} in ({', '.join(self.of(x) for x in a[1:])},)", _LEVELS["cmp"]
        if op in ("=", "/="):
            sign = {"=": "==", "/=": "!="}[op]
            return f"{self.of(a[0], 5)} {sign} {self.of(a[1], 5)}", _LEVELS["cmp"]
        if op in ("<", "=<"):
            if a[0].sort.name == "seq32" or a[1].sort.name == "seq32":
                return f"{'lt' if op == '<' else 'le'}({self.of(a[0])}, {self.of(a[1])})", atom
            if isinstance(a[0], ir.Lit):
                return f"{self.of(a[1], 5)} {'>' if op == '<' else '>='} {self.of(a[0], 5)}", _LEVELS["cmp"]
            return f"{self.of(a[0], 5)} {'<' if op == '<' else '<='} {self.of(a[1], 5)}", _LEVELS["cmp"]
        if op in ("+", "-"):
            text = f"{self.of(a[0], 6)} {op} {self.of(a[1], 7)}"
            if a[0].sort.name == "seq32":
                return f"{text} & M", _LEVELS["&"]
            return text, _LEVELS["+"]
        if op in ("*", "/", "mod"):
            sign = {"*": "*", "/": "//", "mod": "%"}[op]
            return f"{self.of(a[0], 7)} {sign} {self.of(a[1], 8)}", _LEVELS["*"]
        if op == "slice":
            low = self.of(a[1])
            high = self.of(a[2]) if len(a) > 2 else ""
            return f"{self.of(a[0], 9)}[{'' if low == '0' else low}:{high}]", atom
        if op == "distance":
            return f"abs({self.of(a[0])} - {self.of(a[1], 7)})", atom
        if op == "muldiv":
            return f"{self.of(a[0], 7)} * {self.of(a[1], 8)} // {self.of(a[2], 8)}", _LEVELS["*"]
        if op == "zeros":
            return f"bytes({self.of(a[0])})", atom
        return f"{op}({', '.join(self.of(x) for x in a)})", atom


def _digits(n: int) -> str:
    return f"{n:_}" if n >= 10000 else str(n)


def quoted(names: Iterable[str]) -> str:
    """The names as the inside of a tuple."""
    return ", ".join(f'"{n}"' for n in names)


def python_type(sort: ir.Sort) -> str:
    return {
        "flag": "bool",
        "octets": "bytes",
        "reassembly": "tuple[tuple[int, bytes], ...]",
    }.get(sort.name, "int" if sort.name in ir.BUILT_IN else "str")
