"""How the reference resolves what the specification leaves open.

Each method answers one freedom; a stack with other habits is another policy. Times are microseconds.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

from wireproof.reference.run import MayRule, Outcome, Template

USES = frozenset(
    {
        "tcp/new_text/full_segment",
        "tcp/new_text/last_of_queue_and_fin",
        "tcp/new_text/last_of_queue",
        "tcp/new_text/part_of_window",
        "tcp/new_text/overridden",
        "tcp/end/fin",
        "tcp/again/lost_text",
        "tcp/again/lost_fin",
        "tcp/window/update",
    }
)
"""The permissions that the reference uses, always as soon as it can."""

CHOICES = {
    "option_drops": False,
    "text_kept": True,
    "reopens": True,
    "discarded": False,
    "kept": True,
    "stops": False,
    "told": False,
    "told_first": False,
    "end_first": False,
    "quiet": False,
    "resets": False,
    "empty_probe": False,
    "garbage": False,
    "survives": False,
    "checked": True,
}
"""The silent choices, by name; ``room`` depends on the buffer."""

DELAYED_ACK = 100_000
"""How long the reference waits for something to carry an acknowledgment."""


class Policy:
    """The reference's decisions for one connection.

    ``secret`` keys the initial sequence numbers (RFC 6528), ``four_tuple`` is the connection's identity as octets,
    ``sndbuf`` and ``rcvbuf`` are octets. ``uses`` are the permissions to use; ``choose`` is asked at each silent
    choice, with its name and what the reference would choose.
    """

    uses: frozenset[str] = USES

    def __init__(
        self,
        p: Any,
        secret: bytes,
        four_tuple: bytes,
        sndbuf: int = 65536,
        rcvbuf: int = 65535,
        uses: frozenset[str] | None = None,
        choose: Callable[[str, bool], bool] | None = None,
    ):
        self.p = p
        self.secret = secret
        self.four_tuple = four_tuple
        self.sndbuf = sndbuf
        self.rcvbuf = rcvbuf
        if uses is not None:
            self.uses = uses
        self.choose = choose
        self.fired: list[str] = []
        self.signals: list[str] = []
        self.count = 0
        self.result: Outcome = Outcome("ok")
        self.result_text = b""
        self.c: Any = None

    # ---- Run ----------------------------------------------------------------------------------------------------

    def flag(self, name: str) -> bool:
        usual = len(self.c.snd_data) < self.sndbuf if name == "room" else CHOICES[name]
        return usual if self.choose is None else self.choose(name, usual)

    def number(self, c: Any, name: str) -> int:
        """An initial sequence number: a clock of 4 us plus a keyed function of the four-tuple (RFC 9293 3.4.1)."""
        digest = hashlib.blake2b(self.four_tuple, key=self.secret, digest_size=4).digest()
        return int(c.now // 4 + int.from_bytes(digest, "big")) & 0xFFFFFFFF

    def settle(self, c: Any, rule: str, outcomes: tuple[Outcome, ...]) -> bool:
        o = outcomes[0]
        self.result = o
        if o.kind == "count":
            self.count = max(o.low, min(o.high, self.sndbuf - len(c.snd_data)))
            if o.high <= 1:
                self.count = o.high
        elif o.kind == "octets":
            self.count = min(o.high, len(o.text))
            self.result_text = o.text[: self.count]
        return True

    # ---- what to send -------------------------------------------------------------------------------------------

    def willing(self, rule: MayRule) -> bool:
        """Use a permission that holds?"""
        return True

    def amount(self, t: Template) -> int:
        """How many octets of the text to send."""
        return t.high

    def acknowledges(self, t: Template) -> int:
        """The acknowledgment number of a segment that has one."""
        assert t.ack is not None
        return t.ack

    def deviate(self, c: Any, rule: str, ids: tuple[str, ...]) -> None:
        c.deviations = (*c.deviations, *((rule, i) for i in ids))

    # ---- what goes into a segment -----------------------------------------------------------------------------

    def window(self, c: Any) -> int:
        """The window to offer: receiver's silly window avoidance, and never less than was offered before
        (RFC 9293 3.8.6.2.2)."""
        free = max(0, min(65535, self.rcvbuf - len(c.rcv_data)))
        if c.state in ("CLOSED", "LISTEN"):
            return 0
        offered = (c.rcv_edge - c.rcv_nxt) & 0xFFFFFFFF
        if offered > 65535:
            offered = 0
        if c.state in ("SYN-SENT", "SYN-RECEIVED"):
            return free
        step = min(self.rcvbuf // 2, min(c.snd_mss, self.p.mtu - self.p.ip_header - 20))
        return free if free - offered >= step else offered

    def fires_at(self, c: Any, timer: str, low: int, high: int) -> int:
        """When a timer that may end between ``low`` and ``high`` ends here."""
        if timer == "ACKNOWLEDGE" and high > low:
            if c.unacked >= 2 * min(c.snd_mss, self.p.mtu - self.p.ip_header - 20):
                return low
            return min(low + DELAYED_ACK, high)
        return low
