"""The syntax tree. The comment beside each class is the concrete syntax it stands for."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from wireproof.spec.source import NOWHERE, Span

Level = Literal["must", "should", "may", "procedure"]


@dataclass(slots=True, kw_only=True)
class Node:
    """Whatever stands at a place in a source; equality ignores the place."""

    span: Span = field(default=NOWHERE, compare=False, repr=False)


# ---- expressions -----------------------------------------------------------------------------------------


@dataclass(slots=True)
class Name(Node):  # SND.UNA   ack_acceptable
    id: str


@dataclass(slots=True)
class Number(Node):  # 536   0xffff
    value: int
    text: str


@dataclass(slots=True)
class Duration(Node):  # 500 ms
    us: int
    text: str


@dataclass(slots=True)
class Constant(Node):  # true false now never empty
    word: str


@dataclass(slots=True)
class Not(Node):  # not E
    of: Expr


@dataclass(slots=True)
class Logic(Node):  # E and E and E
    op: Literal["and", "or", "implies"]
    of: list[Expr]


@dataclass(slots=True)
class Compare(Node):  # A < B =< C
    first: Expr
    rest: list[tuple[str, Expr]]


@dataclass(slots=True)
class Member(Node):  # E in {A, B}
    of: Expr
    among: list[Expr]


@dataclass(slots=True)
class Arith(Node):  # A + B - C   A * B / C
    first: Expr
    rest: list[tuple[str, Expr]]


@dataclass(slots=True)
class Slice(Node):  # E[A .. B]
    of: Expr
    low: Expr | None
    high: Expr | None


@dataclass(slots=True)
class Apply(Node):  # min(A, B)
    function: str
    args: list[Expr]


@dataclass(slots=True)
class If(Node):  # if C then A else B
    condition: Expr
    then: Expr
    orelse: Expr


Expr = Name | Number | Duration | Constant | Not | Logic | Compare | Member | Arith | Slice | Apply | If

# ---- what stands beside things ----------------------------------------------------------------------------


@dataclass(slots=True)
class Doc(Node):  # means "..."   cites "..."   note "..."
    kind: Literal["means", "cites", "note"]
    text: str


@dataclass(slots=True)
class Declaration(Node):
    name: str
    docs: list[Doc]


@dataclass(slots=True)
class Machine(Declaration):  # machine tcp
    pass


@dataclass(slots=True)
class Enumeration(Declaration):  # enum state = CLOSED | LISTEN
    members: list[str]


@dataclass(slots=True)
class Layout(Node):  # field source_port 16 bits
    name: str
    bits: int
    docs: list[Doc]


@dataclass(slots=True)
class Header(Declaration):  # header tcp field ...
    fields: list[Layout]


@dataclass(slots=True)
class Field(Node):  # field SEG.SEQ : seq32 of IRS
    name: str
    sort: str
    base: str | None
    docs: list[Doc]


@dataclass(slots=True)
class Event(Declaration):  # event segment field ...
    fields: list[Field]


@dataclass(slots=True)
class Call(Declaration):  # call send(CALL.DATA: octets)
    args: list[Field]


@dataclass(slots=True)
class Parameter(Declaration):  # param MSL : duration = 2 min
    sort: str
    value: Expr


@dataclass(slots=True)
class Profile(Declaration):  # profile linux includes rfc5961 with RTO.MIN = 200 ms
    includes: list[str]
    settings: list[tuple[str, Expr]]


@dataclass(slots=True)
class Variable(Declaration):  # var SND.UNA : seq32 of ISS = 0
    sort: str
    base: str | None
    value: Expr


@dataclass(slots=True)
class Timer(Declaration):  # timer RETRANSMISSION
    pass


@dataclass(slots=True)
class Let(Declaration):  # let unsent = E
    value: Expr


@dataclass(slots=True)
class Function(Declaration):  # function f(x: seq32) : length = E
    args: list[tuple[str, str]]
    sort: str
    value: Expr


# ---- clauses of a rule ------------------------------------------------------------------------------------


@dataclass(slots=True)
class Supports(Node):  # supports rfc5961   without rfc5961
    profile: str
    negated: bool


@dataclass(slots=True)
class Deviates(Node):  # deviates SHLD-7
    ids: list[str]


@dataclass(slots=True)
class Cell(Node):  # cell reset
    name: str


@dataclass(slots=True)
class When(Node):  # when in_window: E
    label: str | None
    guard: Expr


@dataclass(slots=True)
class Otherwise(Node):  # otherwise
    pass


@dataclass(slots=True)
class Require(Node):  # require checksum: E
    label: str | None
    condition: Expr


@dataclass(slots=True)
class Due(Node):  # due within 1 s when E
    within: Expr
    condition: Expr | None


@dataclass(slots=True)
class Choose(Node):  # choose n in 1 .. limit   choose held in flag   choose ISS in sequence_number
    name: str
    domain: Literal["flag", "sequence_number", "range"]
    low: Expr | None
    high: Expr | None
    docs: list[Doc]


@dataclass(slots=True)
class Set(Node):  # set SND.UNA := E
    target: str
    value: Expr


@dataclass(slots=True)
class Enter(Node):  # enter SYN-SENT
    state: str


@dataclass(slots=True)
class Pattern(Node):  # <SEQ=E>   <SEQ=A .. B>
    field: str
    low: Expr
    high: Expr | None


@dataclass(slots=True)
class Control(Node):  # <CTL=SYN,ACK,PSH?>
    bits: list[tuple[str, bool]]


@dataclass(slots=True)
class Text(Node):  # text E   text n of E   text rest of E
    form: Literal["all", "some", "rest"]
    count: Expr | None
    of: Expr


@dataclass(slots=True)
class Send(Node):  # send <SEQ=..><ACK=..><CTL=..> text ...
    patterns: list[Pattern | Control]
    text: Text | None


@dataclass(slots=True)
class Start(Node):  # start T after E   start T between A and B   start T from A
    timer: str
    low: Expr
    high: Expr | None
    form: Literal["after", "between", "from"]


@dataclass(slots=True)
class Stop(Node):  # stop T
    timer: str


@dataclass(slots=True)
class Outcome(Node):  # ok   error E   count A .. B   text A .. B of E   state E
    kind: Literal["ok", "error", "count", "text", "state"]
    low: Expr | None = None
    high: Expr | None = None
    of: Expr | None = None


@dataclass(slots=True)
class Return(Node):  # return O or O
    outcomes: list[Outcome]


@dataclass(slots=True)
class Report(Node):  # report ECONNRESET
    error: str


@dataclass(slots=True)
class Signal(Node):  # signal URGENT
    what: str


@dataclass(slots=True)
class Do(Node):  # do accept_text
    procedure: str


@dataclass(slots=True)
class Drop(Node):  # drop
    pass


@dataclass(slots=True)
class Continue(Node):  # continue   continue at step 6
    step: int | None


@dataclass(slots=True)
class Redeliver(Node):  # redeliver
    pass


Action = Set | Enter | Send | Start | Stop | Return | Report | Signal | Do | Drop | Continue | Redeliver
Clause = Doc | Supports | Deviates | Cell | When | Otherwise | Let | Choose | Require | Due | Action

# ---- sections ---------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Rule(Node):  # rule name [MUST-1] must  clauses
    name: str
    ids: list[str]
    level: Level | None
    clauses: list[Clause]


@dataclass(slots=True)
class Section(Node):  # on EVENT in STATES step N named NAME  docs lets rules
    kind: Literal["event", "timeout", "call", "may", "every", "after", "procedure"]
    subject: str
    """The event, timer or call; empty for the others."""
    states: list[str] | None
    """None: any state."""
    step: int | None
    name: str
    docs: list[Doc]
    lets: list[Let]
    choices: list[Choose]
    rules: list[Rule]


# ---- claims: what the rules together keep ------------------------------------------------------------------


@dataclass(slots=True)
class In(Node):  # in {ESTABLISHED, CLOSE-WAIT}
    states: list[str] | None
    """None: any state."""


@dataclass(slots=True)
class On(Node):  # on segment, call send, timeout, every step
    occasions: list[tuple[str, str]]
    """The kind (an event, ``call``, ``timeout``) and the call or timer, empty: all of them; ``every`` with ``step``."""


@dataclass(slots=True)
class For(Node):  # for segment
    event: str


@dataclass(slots=True)
class Holds(Node):  # holds ordered: E
    label: str | None
    condition: Expr


@dataclass(slots=True)
class Then(Node):  # then kept: E
    label: str | None
    condition: Expr


ClaimClause = Doc | Supports | In | On | For | When | Holds | Then


@dataclass(slots=True)
class Claim(Node):  # invariant name [MUST-1] clauses   property ...   theorem ...
    kind: Literal["invariant", "property", "theorem"]
    name: str
    ids: list[str]
    clauses: list[ClaimClause]


Item = (
    Machine
    | Enumeration
    | Header
    | Event
    | Call
    | Parameter
    | Profile
    | Variable
    | Timer
    | Let
    | Function
    | Section
    | Claim
)


@dataclass(slots=True)
class File(Node):
    """One parsed source; ``comments`` are (line, text) of the comment lines, for the formatter."""

    name: str
    items: list[Item]
    comments: list[tuple[int, str]] = field(default_factory=list, compare=False)
