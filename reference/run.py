"""What a rule meets when it runs: the parameters, the choices, the segments that it asks to send.

The generated rules are the same for every user; a :class:`Run` decides what the specification leaves open. The
reference decides by policy, the oracle tries every alternative.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

DONE, CONTINUE, DROP, REDELIVER = 1, 2, 3, 4
AT_STEP = 100
"""``AT_STEP + n``: continue at step n."""

FOREVER = 1 << 60
STOPPED = -1


class Template(NamedTuple):
    """A segment to send, with what is left open.

    The sequence number is ``seq`` to ``seq + span``; ``ctl`` bits are set, ``may`` bits can be; the acknowledgment is
    ``ack_from`` to ``ack``, None without ACK. The text is ``low`` to ``high`` octets of ``text`` from the sequence
    number on (``text`` begins at ``seq``), or all of it (``rest``). The window is always the sender's own choice.
    """

    rule: str
    seq: int
    span: int
    ack: int | None
    ack_from: int | None
    ctl: int
    may: int
    text: bytes
    low: int
    high: int
    rest: bool


class Outcome(NamedTuple):
    """One result that a call may have: ``low`` to ``high`` octets for count and text, ``value`` for the others."""

    kind: str
    value: str = ""
    low: int = 0
    high: int = 0
    text: bytes = b""


class Run(Protocol):
    """What rules see besides the configuration and the event."""

    p: Any
    """Parameters and profile flags (generated ``Params``)."""
    fired: list[str]
    """The rules that held, in order."""
    signals: list[str]
    count: int
    """RET.COUNT: octets that the call took or returned."""

    def flag(self, name: str) -> bool:
        """A silent choice; asked again within one event it answers the same."""

    def number(self, c: Any, name: str) -> int:
        """A sequence number of the implementation's choice."""

    def settle(self, c: Any, rule: str, outcomes: tuple[Outcome, ...]) -> bool:
        """The result of a call: False when what was observed is none of these."""

    def deviate(self, c: Any, rule: str, ids: tuple[str, ...]) -> None:
        """The rule that runs is a deviation from these requirements."""


class MayRule(NamedTuple):
    """A permission to send: what it offers, what the segment must further satisfy, when it is an obligation."""

    id: str
    offer: Callable[[Any, Any], Template | None]
    check: Callable[[Any, Any, Any], bool] | None
    due: Callable[[Any, Any], int] | None
    """The time within which it must be used (us), 0 when it need not be."""
    deviates: tuple[str, ...]


class EveryRule(NamedTuple):
    """What holds of every segment sent: the name of the broken requirement, or None."""

    id: str
    level: str
    ids: tuple[str, ...]
    broken: Callable[[Any, Any, Any], str | None]
