"""The specification's names and where they stand in the reference's objects."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from wireproof.reference import reassembly, sequence
from wireproof.reference.run import Template
from wireproof.reference.segment import CTL_NAMES, URG
from wireproof.spec import evaluate, ir
from wireproof.spec.backends.python_terms import ident

OPERATIONS = evaluate.Operations(
    sequence.lt, sequence.le, reassembly.part, reassembly.hold, reassembly.ready, reassembly.beyond
)

ELSEWHERE = {"LEN": "length", "ACKNO": "ack"}
"""Fields of a segment whose place has another name."""

slot = functools.cache(ident)


@dataclass(slots=True)
class Binding:
    """A configuration ``c``, an event ``e`` and parameters ``p`` as an environment of the interpreter.

    ``choices`` are the silent choices by name (false when not named), ``count`` is RET.COUNT.
    """

    model: ir.Model
    c: Any
    p: Any
    e: Any = None
    choices: Mapping[str, bool] = field(default_factory=dict)
    count: int = 0

    operations = OPERATIONS

    def variable(self, name: str) -> Any:
        return getattr(self.c, slot(name))

    def parameter(self, name: str) -> Any:
        return getattr(self.p, slot(name))

    def profile(self, name: str) -> bool:
        return bool(getattr(self.p, slot(name)))

    def field(self, f: ir.Field) -> Any:
        name = f.name.partition(".")[2] or f.name
        if f.name == "RET.COUNT":
            return self.count
        if f.event in ("segment", "output"):
            if f.sort == ir.FLAG and name in CTL_NAMES:
                return bool(self.e.ctl >> CTL_NAMES.index(name) & 1)
            if name == "DSCP":
                return self.e.tos >> 2
            name = ELSEWHERE.get(name, name)
        return getattr(self.e, slot(name))

    def chosen(self, name: str) -> bool:
        return self.choices.get(name, False)

    def running(self, timer: str) -> bool:
        return bool(getattr(self.c, slot(timer) + "_from") >= 0)

    def now(self) -> int:
        return int(self.c.now)

    def ways(self, rule: ir.Rule) -> Iterator[Binding]:
        """The same environment with every combination of the choices that the rule's guard hangs on."""
        names = sorted(frozenset[str]().union(*(evaluate.choices_of(c.test, self.model) for c in rule.guard)))
        for values in itertools.product((False, True), repeat=len(names)):
            choices = {**self.choices, **dict(zip(names, values, strict=True))}
            yield Binding(self.model, self.c, self.p, self.e, choices, self.count)


def template(rule: ir.Rule, send: ir.Send, env: Binding) -> Template:
    """The segment that a rule sends, whether its guard holds or not."""
    names: dict[str, Any] = {}
    for a in rule.actions:
        if a is send:
            break
        if isinstance(a, ir.Bind):
            names[a.name] = evaluate.evaluate(a.value, env, names)

    def value(e: ir.Expr | None, missing: Any) -> Any:
        return missing if e is None else evaluate.evaluate(e, env, names)

    seq = value(send.seq, 0)
    span = (value(send.seq_high, seq) - seq) & sequence.MASK
    ack = value(send.ack, None)
    ctl, may = (sum(1 << CTL_NAMES.index(bit) for bit in bits) for bits in (send.ctl, send.may))
    if "ACK" in send.ctl and not {"SYN", "RST"} & set(send.ctl):
        may |= URG
    return Template(
        rule.id,
        seq,
        span,
        ack,
        value(send.ack_low, ack),
        ctl,
        may,
        value(send.text, b""),
        value(send.low, 0),
        value(send.high, 0),
        send.rest,
    )


def segment_sent(rule: ir.Rule) -> ir.Send | None:
    """The first segment that a rule sends, if it sends one."""
    return next((a for a in rule.actions if isinstance(a, ir.Send)), None)
