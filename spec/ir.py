"""The checked model: every name resolved, every expression with its sort, guards as lists of named conjuncts.

The backends read this and nothing earlier. Everything is plain data; ``span`` leads back to the text.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from wireproof.spec.source import NOWHERE, Span
from wireproof.spec.syntax import Level


@dataclass(frozen=True, slots=True)
class Sort:
    """flag, count, length (octets), seq32, duration and instant (us), octets, reassembly, number, or an enumeration.

    ``base`` says from which initial sequence number a seq32 counts; ``number`` is a literal that takes the sort
    its neighbours have.
    """

    name: str
    base: str | None = None

    def __str__(self) -> str:
        return f"{self.name} of {self.base}" if self.base else self.name


FLAG, COUNT, LENGTH, SEQ32 = Sort("flag"), Sort("count"), Sort("length"), Sort("seq32")
DURATION, INSTANT, OCTETS, REASSEMBLY = Sort("duration"), Sort("instant"), Sort("octets"), Sort("reassembly")
NUMBER = Sort("number")
UNKNOWN = Sort("unknown")
"""The sort of what was reported already; it goes with everything, so that one fault is told once."""
BUILT_IN = {s.name: s for s in (FLAG, COUNT, LENGTH, SEQ32, DURATION, INSTANT, OCTETS, REASSEMBLY)}
ORDERED = ("count", "length", "seq32", "duration", "instant")


@dataclass(slots=True, kw_only=True)
class Node:
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@dataclass(slots=True)
class Lit(Node):  # 536   500 ms   true   never
    value: int
    sort: Sort


@dataclass(slots=True)
class Member(Node):  # SYN-SENT
    member: str
    sort: Sort


@dataclass(slots=True)
class Var(Node):  # SND.UNA
    name: str
    sort: Sort


@dataclass(slots=True)
class Param(Node):  # MSL
    name: str
    sort: Sort


@dataclass(slots=True)
class Field(Node):  # SEG.SEQ, OUT.WND, CALL.DATA, RET.COUNT
    event: str
    name: str
    sort: Sort


@dataclass(slots=True)
class Local(Node):  # a rule's let, a function's argument
    name: str
    sort: Sort


@dataclass(slots=True)
class Chosen(Node):  # a flag that the implementation chooses in silence
    name: str
    sort: Sort


@dataclass(slots=True)
class Ranged(Node):  # n in 1 .. limit: shows in the segment that is sent
    name: str
    sort: Sort


@dataclass(slots=True)
class Abbrev(Node):  # the use of a let of the machine or of a section
    name: str
    sort: Sort


@dataclass(slots=True)
class Now(Node):
    sort: Sort


@dataclass(slots=True)
class Empty(Node):
    sort: Sort


@dataclass(slots=True)
class Op(Node):
    """``op`` is one of + - * / mod, = /= < =<, and or not implies, if, in, slice, and the built-in functions."""

    op: str
    args: list[Expr]
    sort: Sort


@dataclass(slots=True)
class Use(Node):  # span(a, b): a function of the specification
    function: str
    args: list[Expr]
    sort: Sort


@dataclass(slots=True)
class Running(Node):  # running(T)
    timer: str
    sort: Sort


@dataclass(slots=True)
class Before(Node):  # before(RCV.EDGE): its value before the step; only in properties
    value: Expr
    sort: Sort


Expr = Lit | Member | Var | Param | Field | Local | Chosen | Ranged | Abbrev | Now | Empty | Op | Use | Running | Before


# ---- actions -----------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Bind(Node):  # let x = E: the value at this point
    name: str
    value: Expr


@dataclass(slots=True)
class Assign(Node):  # set X := E; enter S is STATE := S
    target: str
    value: Expr


@dataclass(slots=True)
class ChooseNumber(Node):  # choose ISS in sequence_number
    target: str


@dataclass(slots=True)
class Send(Node):
    """One segment, with what is left open: ``seq`` .. ``seq + span``, ``ctl`` bits that must and ``may`` be set,
    and ``low`` to ``high`` octets of ``text`` (``rest``: all of it from the sequence number on)."""

    seq: Expr
    seq_high: Expr | None
    ack: Expr | None
    """The highest acknowledgment number that fits; ``ack_low`` the lowest, when they differ."""
    ack_low: Expr | None
    ctl: list[str]
    may: list[str]
    text: Expr | None
    low: Expr | None
    high: Expr | None
    rest: bool


@dataclass(slots=True)
class Start(Node):  # earliest and latest end, from now; high None: never
    timer: str
    low: Expr
    high: Expr | None


@dataclass(slots=True)
class Stop(Node):
    timer: str


@dataclass(slots=True)
class Outcome(Node):
    kind: Literal["ok", "error", "count", "text", "state"]
    low: Expr | None
    high: Expr | None
    of: Expr | None


@dataclass(slots=True)
class Return(Node):
    outcomes: list[Outcome]


@dataclass(slots=True)
class Signal(Node):
    what: str


@dataclass(slots=True)
class Do(Node):
    procedure: str


Action = Bind | Assign | ChooseNumber | Send | Start | Stop | Return | Signal | Do

End = Literal["done", "continue", "drop", "redeliver"]


@dataclass(slots=True)
class Conjunct(Node):
    """One named part of a guard."""

    name: str
    test: Expr


@dataclass(slots=True)
class Choice(Node):
    name: str
    domain: Literal["flag", "sequence_number", "range"]
    low: Expr | None
    high: Expr | None
    notes: list[str]


@dataclass(slots=True)
class Rule(Node):
    id: str
    """``tcp/section/rule``."""
    name: str
    ids: list[str]
    level: Level
    meaning: str
    cites: list[str]
    notes: list[str]
    supports: list[str]
    without: list[str]
    deviates: list[str]
    cell: str
    guard: list[Conjunct]
    requires: list[Conjunct]
    choices: list[Choice]
    due: tuple[Expr, Expr | None] | None
    actions: list[Action]
    end: End
    step: int | None
    """Where ``continue at step N`` goes."""


@dataclass(slots=True)
class Section(Node):
    kind: Literal["event", "timeout", "call", "may", "every", "after", "procedure"]
    subject: str
    states: list[str]
    step: int
    name: str
    meaning: str
    cites: list[str]
    notes: list[str]
    choices: list[Choice]
    rules: list[Rule]


@dataclass(slots=True)
class Invariant(Node):
    """What every configuration keeps while its state is one of ``states``."""

    name: str
    ids: list[str]
    meaning: str
    cites: list[str]
    notes: list[str]
    supports: list[str]
    without: list[str]
    states: list[str]
    holds: list[Conjunct]


@dataclass(slots=True)
class Property(Node):
    """What every step keeps that ``on`` names, from a state of ``states``, if ``when`` holds: ``then``.

    ``on``: kind and subject; the kind is the name of an event, or call, timeout, step. The subject is a call or a
    timer, or empty for all of them. Variables have their values after the step; :class:`Before` those before it.
    """

    name: str
    ids: list[str]
    meaning: str
    cites: list[str]
    notes: list[str]
    supports: list[str]
    without: list[str]
    on: list[tuple[str, str]]
    states: list[str]
    when: list[Conjunct]
    then: list[Conjunct]


@dataclass(slots=True)
class Theorem(Node):
    """What holds of all values, whatever the rules do; ``event`` is the one whose fields it reads, or empty."""

    name: str
    ids: list[str]
    meaning: str
    cites: list[str]
    notes: list[str]
    supports: list[str]
    without: list[str]
    event: str
    when: list[Conjunct]
    holds: list[Conjunct]


Claim = Invariant | Property | Theorem


@dataclass(slots=True)
class Variable(Node):
    name: str
    sort: Sort
    initial: Expr
    meaning: str
    cites: list[str]


@dataclass(slots=True)
class Parameter(Node):
    name: str
    sort: Sort
    value: Expr
    meaning: str


@dataclass(slots=True)
class Profile(Node):
    name: str
    includes: list[str]
    """All profiles that it brings, itself first."""
    settings: list[tuple[str, Expr]]
    meaning: str
    notes: list[str]


@dataclass(slots=True)
class Abbreviation(Node):
    name: str
    value: Expr
    sort: Sort
    meaning: str
    events: frozenset[str]
    """The events whose fields it reads."""
    notes: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Function(Node):
    name: str
    args: list[tuple[str, Sort]]
    sort: Sort
    value: Expr
    meaning: str


@dataclass(slots=True)
class Event(Node):
    name: str
    fields: dict[str, Sort]


@dataclass(slots=True)
class Model:
    """One machine, checked."""

    machine: str
    meaning: str
    enums: dict[str, list[str]]
    headers: dict[str, list[tuple[str, int]]]
    events: dict[str, Event]
    calls: dict[str, Event]
    params: dict[str, Parameter]
    profiles: dict[str, Profile]
    variables: dict[str, Variable]
    timers: dict[str, str]
    """Timer and its meaning."""
    functions: dict[str, Function]
    abbreviations: dict[str, Abbreviation]
    sections: list[Section]
    spec_hash: str
    invariants: dict[str, Invariant] = field(default_factory=dict)
    properties: dict[str, Property] = field(default_factory=dict)
    theorems: dict[str, Theorem] = field(default_factory=dict)

    def claims(self) -> list[Claim]:
        """All invariants, properties and theorems, each kind in the order of the text."""
        return [*self.invariants.values(), *self.properties.values(), *self.theorems.values()]

    def rules(self) -> list[tuple[Section, Rule]]:
        """All rules in the order of the text."""
        return [(s, r) for s in self.sections for r in s.rules]
