"""Expressions of the checked model as Z3 terms: what guards can say, over the whole 32-bit sequence space.

Sequence numbers are 32-bit vectors with the modular order of RFC 9293 3.4; lengths, counts and times are 64-bit
vectors with bounds; octet strings are their lengths. What a length cannot tell (the contents of octets, what is held
for reassembly) is a fresh variable, the same for the same term. A length or a time below zero is what it is in the
interpreter (spec/evaluate.py): a number that is less than zero.
"""

from __future__ import annotations

import functools
from typing import Any

import z3

from wireproof.spec import ir
from wireproof.spec.evaluate import source_text

HALF = 0x80000000
MOST = 1 << 40
"""Bound of lengths and times: far beyond what a configuration holds."""
COUNTED = 1 << 20
"""Bound of counts: a count times a length or a time stays far from the overflow of 64 bits."""
FIELD = 65535
"""Bound of lengths and octets of an event."""
LENGTHS = (("SEG.LEN", "SEG.DATA", "SYN", "FIN"), ("OUT.LEN", "OUT.DATA", "OUT.SYN", "OUT.FIN"))
"""The length of a segment is that of its text, with one for SYN and one for FIN."""


@functools.cache
def enumeration(name: str, members: tuple[str, ...]) -> tuple[Any, dict[str, Any]]:
    """The Z3 sort of an enumeration and its values: one for each list of members, as Z3 wants it."""
    sort, values = z3.EnumSort(f"{name} {' '.join(members)}", [*members])
    return sort, dict(zip(members, values, strict=True))


class Z3Terms:
    """Encodes expressions of one model; ``bounds`` collects what is known of the variables made.

    ``known`` has the variables by what tells them apart, ``shown`` how the specification writes them.
    """

    def __init__(self, model: ir.Model):
        self.model = model
        self.bounds: list[Any] = []
        self.known: dict[str, Any] = {}
        self.shown: dict[str, str] = {}
        self.enums: dict[str, tuple[Any, dict[str, Any]]] = {}
        for name, members in model.enums.items():
            self.enums[name] = enumeration(name, tuple(members))

    def variable(self, name: str, sort: ir.Sort, most: int = MOST, shown: str | None = None) -> Any:
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
            self.bounds += [v >= 0, v <= (min(most, COUNTED) if sort == ir.COUNT else most)]
        self.known[name] = v
        self.shown[name] = shown or (f"len({name})" if sort in (ir.OCTETS, ir.REASSEMBLY) else name)
        return v

    def profile(self, name: str) -> Any:
        """Is this profile claimed?"""
        return self.variable(f"profile {name}", ir.FLAG)

    def opaque(self, e: ir.Op, sort: ir.Sort, args: list[Any]) -> Any:
        """What only its arguments tell: the same for the same term. ``sexpr`` is the whole of it, ``str`` is not."""
        key = f"{e.op}({', '.join(z3.simplify(x).sexpr() for x in args)})"
        text = source_text(e.span) or e.op
        return self.variable(key, sort, shown=f"len({text})" if sort in (ir.OCTETS, ir.REASSEMBLY) else text)

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
                return self.variable(e.name, e.sort, FIELD if e.sort in (ir.LENGTH, ir.OCTETS) else MOST)
            case ir.Local():
                return scope[e.name]
            case ir.Ranged():
                return self.variable(f"chosen {e.name}", e.sort, shown=e.name)
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
            case ir.Before():
                raise ValueError("before() needs the values of two configurations, and here is one")

    def _op(self, e: ir.Op, scope: dict[str, Any]) -> Any:
        return self.applied(e, [self.of(x, scope) for x in e.args])

    def applied(self, e: ir.Op, a: list[Any]) -> Any:
        """The term of an operation on these terms."""
        seq = e.args[0].sort.name == "seq32"
        nil = z3.BitVecVal(0, 64)
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
                return z3.Or(*[self.equal(e, e.args[0], x, a[0], t) for x, t in zip(e.args[1:], a[1:], strict=True)])
            case "=":
                return self.equal(e, *e.args, *a)
            case "/=":
                return z3.Not(self.equal(e, *e.args, *a))
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
                return self.quotient(a[0], a[1])
            case "mod":
                return a[0] - a[1] * self.quotient(a[0], a[1])
            case "min":
                return z3.If(a[0] <= a[1], a[0], a[1])
            case "max":
                return z3.If(a[0] >= a[1], a[0], a[1])
            case "distance":
                return z3.If(a[0] >= a[1], a[0] - a[1], a[1] - a[0])
            case "len" | "zeros":
                return a[0]
            case "slice":
                low = z3.If(a[1] > 0, a[1], nil)
                high = a[0] if len(a) < 3 else z3.If(a[2] < a[0], a[2], a[0])
                return z3.If(high > low, high - low, nil)
            case "muldiv":
                # The product of two lengths has more than 64 bits.
                wide = [z3.SignExt(64, x) for x in a]
                return z3.Extract(63, 0, self.quotient(wide[0] * wide[1], wide[2]))
            case "part":
                some = self.opaque(e, e.sort, a)
                self.bounds.append(some <= a[0])
                return some
            case "hold" | "ready" | "beyond":
                return self.opaque(e, e.sort, a)
        raise ValueError(f"the solver does not know the operation '{e.op}'; add it to spec/backends/z3_terms.py")

    def equal(self, e: ir.Op, left: ir.Expr, right: ir.Expr, a: Any, b: Any) -> Any:
        """Octets of one length need not be the same octets; with nothing on one side the length tells it all."""
        opaque = left.sort in (ir.OCTETS, ir.REASSEMBLY)
        if not opaque or isinstance(left, ir.Empty) or isinstance(right, ir.Empty) or z3.eq(a, b):
            return a == b
        # Either side first: it is the same question.
        key = f"same({', '.join(sorted(z3.simplify(x).sexpr() for x in (a, b)))})"
        same = self.variable(key, ir.FLAG, shown=source_text(e.span))
        self.bounds += [z3.Implies(same, a == b), z3.Implies(z3.And(a == 0, b == 0), same)]
        return same

    def quotient(self, a: Any, b: Any) -> Any:
        """Rounded down, as the interpreter does it. Division by zero is a fault there, and any number here."""
        if not z3.is_bv_value(b):
            a, b = z3.If(b < 0, -a, a), z3.If(b < 0, -b, b)
        return z3.If(a >= 0, z3.UDiv(a, b), -z3.UDiv(b - 1 - a, b))
