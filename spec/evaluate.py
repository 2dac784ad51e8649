"""The second reading of the text: expressions of the checked model, evaluated as they stand.

The backends translate rules to something that runs; this module reads the same expressions one by one, which is what
an explanation needs (which conjunct was false, and what did it see?) and what a translation can be checked against.
Values are plain: flags are bool, octets are bytes, enumeration members are their names, all numbers are int.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol

from wireproof.spec import ir
from wireproof.spec.source import Span

MASK = 0xFFFFFFFF
NO_NAMES: Mapping[str, Any] = MappingProxyType({})

Held = tuple[tuple[int, bytes], ...]


@dataclass(frozen=True, slots=True)
class Operations:
    """What the language leaves to its runtime: the order of sequence numbers, and text held ahead of its turn."""

    lt: Callable[[int, int], bool]
    le: Callable[[int, int], bool]
    part: Callable[[bytes, int, int, int], bytes]
    hold: Callable[[Held, int, bytes], Held]
    ready: Callable[[Held, int], bytes]
    beyond: Callable[[Held, int], Held]


class Environment(Protocol):
    """Where an expression is evaluated: a configuration, an event, parameters and choices."""

    @property
    def model(self) -> ir.Model: ...

    @property
    def operations(self) -> Operations: ...

    def variable(self, name: str) -> Any: ...

    def parameter(self, name: str) -> Any: ...

    def profile(self, name: str) -> bool:
        """Is this profile claimed?"""

    def field(self, f: ir.Field) -> Any: ...

    def chosen(self, name: str) -> bool:
        """A silent choice."""

    def running(self, timer: str) -> bool: ...

    def now(self) -> int: ...


@dataclass(frozen=True, slots=True)
class PropertyEnvironment:
    """A step: names have their values ``after`` it, inside of before() those ``before``; both see the event."""

    before: Environment
    after: Environment

    @property
    def model(self) -> ir.Model:
        return self.after.model

    @property
    def operations(self) -> Operations:
        return self.after.operations

    def variable(self, name: str) -> Any:
        return self.after.variable(name)

    def parameter(self, name: str) -> Any:
        return self.after.parameter(name)

    def profile(self, name: str) -> bool:
        return self.after.profile(name)

    def field(self, f: ir.Field) -> Any:
        return self.after.field(f)

    def chosen(self, name: str) -> bool:
        return self.after.chosen(name)

    def running(self, timer: str) -> bool:
        return self.after.running(timer)

    def now(self) -> int:
        return self.after.now()


def evaluate(e: ir.Expr, env: Environment, names: Mapping[str, Any] = NO_NAMES) -> Any:
    """The value of an expression; ``names`` are a rule's lets or a function's arguments."""
    match e:
        case ir.Lit():
            return bool(e.value) if e.sort == ir.FLAG else e.value
        case ir.Member():
            return e.member
        case ir.Var():
            return env.variable(e.name)
        case ir.Param():
            return env.parameter(e.name)
        case ir.Field():
            return env.field(e)
        case ir.Local() | ir.Ranged():
            return names[e.name]
        case ir.Chosen():
            return env.chosen(e.name)
        case ir.Abbrev():
            return evaluate(env.model.abbreviations[e.name].value, env)
        case ir.Now():
            return env.now()
        case ir.Empty():
            return () if e.sort == ir.REASSEMBLY else b""
        case ir.Use():
            function = env.model.functions[e.function]
            given = [evaluate(a, env, names) for a in e.args]
            return evaluate(function.value, env, dict(zip((n for n, _ in function.args), given, strict=True)))
        case ir.Running():
            return env.running(e.timer)
        case ir.Op():
            return _operation(e, env, names)
        case ir.Before():
            if not isinstance(env, PropertyEnvironment):
                raise ValueError("before() needs a step: evaluate it in a PropertyEnvironment")
            return evaluate(e.value, env.before, names)


def _operation(e: ir.Op, env: Environment, names: Mapping[str, Any]) -> Any:
    op, args = e.op, e.args
    match op:
        case "and":
            return all(evaluate(a, env, names) for a in args)
        case "or":
            return any(evaluate(a, env, names) for a in args)
        case "not":
            return not evaluate(args[0], env, names)
        case "implies":
            return not evaluate(args[0], env, names) or bool(evaluate(args[1], env, names))
        case "if":
            return evaluate(args[1] if evaluate(args[0], env, names) else args[2], env, names)
    values = [evaluate(a, env, names) for a in args]
    a = values[0]
    b: Any = values[1] if len(values) > 1 else None
    numbers = any(x.sort.name == "seq32" for x in args)
    run = env.operations
    match op:
        case "=":
            return a == b
        case "/=":
            return a != b
        case "in":
            return a in values[1:]
        case "<":
            return run.lt(a, b) if numbers else a < b
        case "=<":
            return run.le(a, b) if numbers else a <= b
        case "+":
            return (a + b) & MASK if numbers else a + b
        case "-":
            return (a - b) & MASK if numbers else a - b
        case "*":
            return a * b
        case "/":
            return a // b
        case "mod":
            return a % b
        case "len":
            return len(a)
        case "min":
            return min(a, b)
        case "max":
            return max(a, b)
        case "slice":
            # A bound below zero is none of the octets; it never counts from the end.
            return a[max(0, b) :] if len(values) < 3 else a[max(0, b) : max(0, values[2])]
        case "distance":
            return abs(a - b)
        case "muldiv":
            return a * b // values[2]
        case "zeros":
            return bytes(a)
        case "part":
            return run.part(a, b, values[2], values[3])
        case "hold":
            return run.hold(a, b, values[2])
        case "ready":
            return run.ready(a, b)
        case "beyond":
            return run.beyond(a, b)
    raise ValueError(f"the interpreter does not know the operation '{op}'; add it to spec/evaluate.py")


# ---- guards ------------------------------------------------------------------------------------------------


def applies(rule: ir.Rule | ir.Claim, env: Environment) -> bool:
    """Is the rule, or the claim, one of those that the profile has?"""
    return all(env.profile(p) for p in rule.supports) and not any(env.profile(p) for p in rule.without)


def holds(rule: ir.Rule, env: Environment) -> bool:
    """Profile and guard: would the rule be taken if it came first?"""
    return applies(rule, env) and all(evaluate(c.test, env) for c in rule.guard)


# ---- claims ------------------------------------------------------------------------------------------------


def concerns(claim: ir.Property, kind: str, subject: str) -> bool:
    """Is a property about such steps? An event by its name; call and timeout with what was called or ended."""
    return any(k == "step" or (k == kind and s in ("", subject)) for k, s in claim.on)


def breach(claim: ir.Claim, env: Environment) -> tuple[bool, ir.Conjunct | None]:
    """Does a claim say something of this, and which of its conjuncts does not hold then?

    An invariant is asked of a configuration, a property of a :class:`PropertyEnvironment` that it ``concerns``, a
    theorem of any environment that has the event whose fields it reads.
    """
    if not applies(claim, env):
        return False, None
    if isinstance(claim, ir.Invariant | ir.Property):
        first = env.before if isinstance(env, PropertyEnvironment) and isinstance(claim, ir.Property) else env
        if first.variable("STATE") not in claim.states:
            return False, None
    if not isinstance(claim, ir.Invariant) and not all(evaluate(c.test, env) for c in claim.when):
        return False, None
    wanted = claim.then if isinstance(claim, ir.Property) else claim.holds
    return True, next((c for c in wanted if not evaluate(c.test, env)), None)


# ---- what an expression mentions ---------------------------------------------------------------------------


class Term(NamedTuple):
    """A name that an expression mentions, as the specification writes it, and its value."""

    text: str
    value: Any
    sort: ir.Sort


def subterms(e: ir.Expr, env: Environment) -> list[Term]:
    """The variables, fields, parameters, choices and lets that an expression mentions, each once, in order.

    A let that is a flag tells little by itself: what it mentions follows it.
    """
    found: dict[str, Term] = {}
    _mention(e, env, found)
    return list(found.values())


def _mention(e: ir.Expr, env: Environment, found: dict[str, Term]) -> None:
    match e:
        case ir.Var() | ir.Param() | ir.Field() | ir.Chosen():
            found.setdefault(e.name, Term(e.name, evaluate(e, env), e.sort))
        case ir.Abbrev():
            found.setdefault(e.name, Term(e.name, evaluate(e, env), e.sort))
            if e.sort == ir.FLAG:
                _mention(env.model.abbreviations[e.name].value, env, found)
        case ir.Running():
            text = f"running({e.timer})"
            found.setdefault(text, Term(text, env.running(e.timer), ir.FLAG))
        case ir.Now():
            found.setdefault("now", Term("now", env.now(), e.sort))
        case ir.Op() | ir.Use():
            for a in e.args:
                _mention(a, env, found)
        case ir.Before() if isinstance(env, PropertyEnvironment):
            for t in subterms(e.value, env.before):
                found.setdefault(f"before({t.text})", Term(f"before({t.text})", t.value, t.sort))


def choices_of(e: ir.Expr, model: ir.Model) -> frozenset[str]:
    """The silent choices that an expression hangs on, through lets."""
    match e:
        case ir.Chosen():
            return frozenset({e.name})
        case ir.Abbrev():
            return choices_of(model.abbreviations[e.name].value, model)
        case ir.Before():
            return choices_of(e.value, model)
        case ir.Op() | ir.Use():
            return frozenset[str]().union(*(choices_of(a, model) for a in e.args))
    return frozenset()


def source_text(span: Span) -> str:
    """What stands at a place of the text, on one line."""
    lines = [span.source.line(n) for n in range(span.line, span.end_line + 1)]
    lines[-1] = lines[-1][: span.end_column - 1]
    lines[0] = lines[0][span.column - 1 :]
    return " ".join(" ".join(line.partition("--")[0].split()) for line in lines)
