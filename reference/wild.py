"""A policy that uses whatever the specification leaves free, at random: no stack is like it, and it must be accepted.

All of it hangs on the host's secret: the same secret, the same decisions.
"""

from __future__ import annotations

import random
from typing import Any

from wireproof.reference.policy import CHOICES, Policy
from wireproof.reference.run import FOREVER, MayRule, Template
from wireproof.reference.sequence import MASK

LONGEST_US = 2_000_000
"""A timer that may end late ends at most so much later than it could."""
AT_ONCE = 3
"""Permissions used at one moment, at most: some could be used for ever."""


class Wild(Policy):
    """Decisions at random. ``everything`` are the permissions that a stack may use without being told so."""

    def __init__(
        self,
        p: Any,
        secret: bytes,
        four_tuple: bytes,
        sndbuf: int = 65536,
        rcvbuf: int = 65535,
        everything: frozenset[str] = frozenset(),
    ):
        self.random = random.Random(secret + four_tuple)
        other = {name: self.random.random() < 0.5 for name in CHOICES}
        super().__init__(
            p, secret, four_tuple, sndbuf, rcvbuf, everything, lambda name, usual: usual != other.get(name, False)
        )
        self.at = -1
        self.used = 0

    def willing(self, rule: MayRule) -> bool:
        if self.at != self.c.now:
            self.at, self.used = self.c.now, 0
        if rule.due is not None and rule.due(self.c, self):
            return True
        self.used += 1
        return self.used <= AT_ONCE and self.random.random() < 0.7

    def amount(self, t: Template) -> int:
        if t.low >= min(t.high, len(t.text)) or self.random.random() < 0.7:
            return t.high
        return self.random.randint(t.low, min(t.high, len(t.text)))

    def acknowledges(self, t: Template) -> int:
        assert t.ack is not None and t.ack_from is not None
        return (t.ack_from + self.random.randint(0, (t.ack - t.ack_from) & MASK)) & MASK

    def window(self, c: Any) -> int:
        """What was offered before, or anything that opens it enough (RFC 9293 3.8.6.2.2) and that there is room for."""
        usual = super().window(c)
        offered = (c.rcv_edge - c.rcv_nxt) & MASK
        free = max(0, min(65535, self.rcvbuf - len(c.rcv_data)))
        step = min(self.rcvbuf // 2, min(c.snd_mss, self.p.mtu - self.p.ip_header - 20))
        if c.state in ("CLOSED", "LISTEN", "SYN-SENT", "SYN-RECEIVED") or not offered + step <= free:
            return usual
        return usual if self.random.random() < 0.5 else self.random.randint(offered + step, free)

    def fires_at(self, c: Any, timer: str, low: int, high: int) -> int:
        if high <= low or high >= FOREVER:
            return low
        # Asked more than once: the answer is the timer's own.
        late = random.Random(f"{timer} {low} {high}").random()
        return low + int(late * min(high - low, LONGEST_US))
