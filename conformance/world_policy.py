"""How the hosts of a world resolve what the specification leaves open: as the reference does, with known numbers."""

from __future__ import annotations

from typing import Any

from wireproof.reference.policy import CHOICES, Policy

OWN_CHOICES = CHOICES | {"stops": True}
"""CLOSE of a listener ends it, as RFC 9293 3.10.4 has it."""


class FixedPolicy(Policy):
    """The reference's policy; initial sequence numbers are ``iss`` at time 0 and go on with the clock of 4 us
    (RFC 9293 3.4.1), so that they can be read."""

    def __init__(self, p: Any, iss: int):
        super().__init__(p, b"", b"")
        self.iss = iss

    def flag(self, name: str) -> bool:
        if name == "room":
            return len(self.c.snd_data) < self.sndbuf
        return OWN_CHOICES[name]

    def number(self, c: Any, name: str) -> int:
        return int(self.iss + c.now // 4) & 0xFFFFFFFF
