"""Z3 terms as Python functions: a term is walked once, and what it shares is worked out once.

Only for tests: substituting values in a term and simplifying it takes milliseconds, a compiled term microseconds.
Bit vectors are unsigned numbers, members of enumerations their names.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import z3

INLINE = 12
"""How deep a term is written into its parent before it gets a line of its own."""

Compiled = Callable[[Mapping[str, Any]], tuple[Any, ...]]


def _signed(text: str, bits: int) -> str:
    return f"(({text} ^ {1 << (bits - 1)}) - {1 << (bits - 1)})"


class _Writer:
    def __init__(self, terms: list[Any]):
        self.lines: list[str] = []
        self.names: dict[int, str] = {}
        self.depth: dict[int, int] = {}
        self.uses: dict[int, int] = {}
        seen: set[int] = set()
        todo = list(terms)
        while todo:
            t = todo.pop()
            if t.get_id() in seen:
                continue
            seen.add(t.get_id())
            for x in t.children():
                self.uses[x.get_id()] = self.uses.get(x.get_id(), 0) + 1
                todo.append(x)

    def of(self, root: Any) -> str:
        todo = [root]
        while todo:
            t = todo[-1]
            missing = [x for x in t.children() if x.get_id() not in self.names]
            if missing:
                todo += missing
                continue
            todo.pop()
            if t.get_id() not in self.names:
                self.define(t)
        return self.names[root.get_id()]

    def define(self, t: Any) -> None:
        key = t.get_id()
        depth = 1 + max((self.depth.get(x.get_id(), 0) for x in t.children()), default=-1)
        text = self.text(t, [self.names[x.get_id()] for x in t.children()])
        if t.num_args() and (self.uses.get(key, 0) > 1 or depth > INLINE):
            name = f"t{len(self.lines)}"
            self.lines.append(f"{name} = {text}")
            self.names[key], self.depth[key] = name, 0
        else:
            self.names[key], self.depth[key] = text, depth

    def text(self, t: Any, a: list[str]) -> str:
        kind = t.decl().kind()
        bits = t.size() if z3.is_bv(t) else 0
        mask = (1 << bits) - 1
        inner = t.arg(0).size() if t.num_args() and z3.is_bv(t.arg(0)) else 0
        match kind:
            case z3.Z3_OP_TRUE:
                return "True"
            case z3.Z3_OP_FALSE:
                return "False"
            case z3.Z3_OP_BNUM:
                return str(t.as_long())
            case z3.Z3_OP_DT_CONSTRUCTOR:
                return repr(t.decl().name())
            case z3.Z3_OP_UNINTERPRETED if not a:
                return f"v[{t.decl().name()!r}]"
            case z3.Z3_OP_ITE:
                return f"({a[1]} if {a[0]} else {a[2]})"
            case z3.Z3_OP_AND:
                return f"({' and '.join(a)})"
            case z3.Z3_OP_OR:
                return f"({' or '.join(a)})"
            case z3.Z3_OP_NOT:
                return f"(not {a[0]})"
            case z3.Z3_OP_IMPLIES:
                return f"(not {a[0]} or {a[1]})"
            case z3.Z3_OP_EQ:
                return f"({a[0]} == {a[1]})"
            case z3.Z3_OP_DISTINCT:
                return f"({a[0]} != {a[1]})"
            case z3.Z3_OP_BADD:
                return f"(({' + '.join(a)}) & {mask})"
            case z3.Z3_OP_BSUB:
                return f"(({' - '.join(a)}) & {mask})"
            case z3.Z3_OP_BMUL:
                return f"(({' * '.join(a)}) & {mask})"
            case z3.Z3_OP_BNEG:
                return f"(-{a[0]} & {mask})"
            case z3.Z3_OP_BUDIV | z3.Z3_OP_BUDIV_I:
                return f"({a[0]} // {a[1]} if {a[1]} else {mask})"
            case z3.Z3_OP_ULT:
                return f"({a[0]} < {a[1]})"
            case z3.Z3_OP_ULEQ:
                return f"({a[0]} <= {a[1]})"
            case z3.Z3_OP_SLT | z3.Z3_OP_SLEQ | z3.Z3_OP_SGT | z3.Z3_OP_SGEQ:
                sign = {z3.Z3_OP_SLT: "<", z3.Z3_OP_SLEQ: "<=", z3.Z3_OP_SGT: ">", z3.Z3_OP_SGEQ: ">="}[kind]
                flip = 1 << (inner - 1)
                return f"(({a[0]} ^ {flip}) {sign} ({a[1]} ^ {flip}))"
            case z3.Z3_OP_EXTRACT:
                high, low = t.params()
                return f"({a[0]} >> {low} & {mask})" if low else f"({a[0]} & {(1 << (high + 1)) - 1})"
            case z3.Z3_OP_ZERO_EXT:
                return a[0]
            case z3.Z3_OP_SIGN_EXT:
                return f"({_signed(a[0], inner)} & {mask})"
        raise NotImplementedError(f"{t.decl().name()} ({kind})")


def compiled(terms: list[Any]) -> Compiled:
    """A function from the values of the variables to the values of the terms."""
    writer = _Writer(terms)
    results = [writer.of(t) for t in terms]
    body = "\n    ".join([*writer.lines, f"return ({', '.join(results)},)"])
    space: dict[str, Any] = {}
    exec(compile(f"def run(v):\n    {body}\n", "<terms>", "exec"), space)
    run: Compiled = space["run"]
    return run
