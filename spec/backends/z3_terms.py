"""Expressions of the checked model as Z3 terms: what guards can say, over the whole 32-bit sequence space.

Sequence numbers are 32-bit vectors with the modular order of RFC 9293 3.4; lengths, counts and times are 64-bit
vectors with bounds; octet strings are their lengths. What a length cannot tell (the contents of octets, what is held
for reassembly) is a fresh variable, the same for the same term.
"""

from __future__ import annotations

import functools
from typing import Any

import z3

from wireproof.spec import ir

HALF = 0x80000000
MOST = 1 << 40
"""Bound of lengths, counts and times: far beyond what a configuration holds, far from overflow."""


@functools.cache
def enumeration(name: str, members: tuple[str, ...]) -> tuple[Any, dict[str, Any]]:
    """The Z3 sort of an enumeration and its values: one for each list of members, as Z3 wants it."""
    sort, values = z3.EnumSort(f"{name} {abs(hash(members))}", [*members])
    return sort, dict(zip(members, values, strict=True))


class Z3Terms:
    """Encodes expressions of one model; ``bounds`` collects what is known of the variables made."""

    def __init__(self, model: ir.Model):
        self.model = model
        self.bounds: list[Any] = []
        self.known: dict[str, Any] = {}
        self.enums: dict[str, tuple[Any, dict[str, Any]]] = {}
        for name, members in model.enums.items():
            self.enums[name] = enumeration(name, tuple(members))

    def variable(self, name: str, sort: ir.Sort, most: int = MOST) -> Any:
        """The variable of that name, made with its bounds on first use."""
        if name in self.known:
            return self.known[name]
        if sort == ir.FLAG:
            v = z3.Bool(name)
        elif sort.name == "seq32":
            v = z3.BitVec(name, 32)
        elif sort.name in self.enums:
            v = z3.Const(name, self.enums[sort.name][0])
        else:
            v = z3.BitVec(name, 64)
            self.bounds += [v >= 0, v <= most]
        self.known[name] = v
        return v

    def of(self, e: ir.Expr, scope: dict[str, Any] | None = None) -> Any:
        """The term of an expression; octets give their length."""
        scope = scope or {}
        match e:
            case ir.Lit():
                if e.sort == ir.FLAG:
                    return z3.BoolVal(bool(e.value))
                if e.sort.name == "seq32":
                    return z3.BitVecVal(e.value, 32)
                return z3.BitVecVal(min(e.value, MOST), 64)
            case ir.Member():
                return self.enums[e.sort.name][1][e.member]
            case ir.Var() | ir.Param() | ir.Chosen():
                return self.variable(e.name, e.sort)
            case ir.Field():
                most = 65535 if e.sort in (ir.LENGTH, ir.OCTETS) else MOST
                return self.variable(e.name, e.sort, most)
            case ir.Local() | ir.Ranged():
                return scope[e.name] if e.name in scope else self.variable(f"local {e.name}", e.sort)
            case ir.Abbrev():
                return self.of(self.model.abbreviations[e.name].value)
            case ir.Now():
                return self.variable("now", ir.INSTANT)
            case ir.Empty():
                return z3.BitVecVal(0, 64)
            case ir.Running():
                return self.variable(f"running({e.timer})", ir.FLAG)
            case ir.Use():
                f = self.model.functions[e.function]
                args = [self.of(a, scope) for a in e.args]
                return self.of(f.value, dict(zip([a for a, _ in f.args], args, strict=True)))
            case ir.Op():
                return self._op(e, scope)

    def _op(self, e: ir.Op, scope: dict[str, Any]) -> Any:
        a = [self.of(x, scope) for x in e.args]
        seq = e.args[0].sort.name == "seq32"
        match e.op:
            case "and":
                return z3.And(*a)
            case "or":
                return z3.Or(*a)
            case "implies":
                return z3.Implies(a[0], a[1])
            case "not":
                return z3.Not(a[0])
            case "if":
                return z3.If(a[0], a[1], a[2])
            case "in":
                return z3.Or(*[a[0] == x for x in a[1:]])
            case "=":
                return a[0] == a[1]
            case "/=":
                return a[0] != a[1]
            case "<":
                return z3.And(a[0] != a[1], z3.ULT(a[1] - a[0], HALF)) if seq else a[0] < a[1]
            case "=<":
                return z3.ULT(a[1] - a[0], HALF) if seq else a[0] <= a[1]
            case "+" if seq:
                return a[0] + z3.Extract(31, 0, a[1])
            case "-" if seq:
                if e.args[1].sort.name == "seq32":
                    return z3.ZeroExt(32, a[0] - a[1])
                return a[0] - z3.Extract(31, 0, a[1])
            case "+":
                return a[0] + a[1]
            case "-":
                return a[0] - a[1]
            case "*":
                return a[0] * a[1]
            case "/":
                return z3.UDiv(a[0], a[1])
            case "mod":
                return z3.URem(a[0], a[1])
            case "min":
                return z3.If(a[0] <= a[1], a[0], a[1])
            case "max":
                return z3.If(a[0] >= a[1], a[0], a[1])
            case "distance":
                return z3.If(a[0] >= a[1], a[0] - a[1], a[1] - a[0])
            case "len" | "zeros":
                return a[0]
            case "slice":
                high = a[0] if len(a) < 3 else z3.If(a[2] < a[0], a[2], a[0])
                return z3.If(high > a[1], high - a[1], z3.BitVecVal(0, 64))
            case "muldiv":
                return z3.UDiv(a[0] * a[1], a[2])
        return self.variable(f"{e.op}({', '.join(str(z3.simplify(x)) for x in a)})", ir.LENGTH)
