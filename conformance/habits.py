"""Implementations that differ from the reference in one habit: what the oracle itself is tried with.

The reference goes one way where the specification leaves several. That an oracle still lets the others pass, and
still refuses what is wrong, shows only with implementations that have them: each habit here is one, permitted or not.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from wireproof.conformance.targets.reference import ReferenceSession
from wireproof.reference.codec import encode
from wireproof.reference.connection import Connection
from wireproof.reference.host import Host, Key
from wireproof.reference.machine import Machine
from wireproof.reference.policy import CHOICES, USES, Policy
from wireproof.reference.run import FOREVER, MayRule, Outcome, Template
from wireproof.reference.segment import ACK, FIN, PSH, RST, SYN, URG, Segment


class HabitualPolicy(Policy):
    """The reference's policy with one decision made another way."""

    habit = ""

    def flag(self, name: str) -> bool:
        return super().flag(name) != (self.habit == f"choice:{name}")

    def settle(self, c: Any, rule: str, outcomes: tuple[Outcome, ...]) -> bool:
        if self.habit.startswith("result:"):
            outcomes = outcomes[int(self.habit.partition(":")[2]) % len(outcomes) :]
        super().settle(c, rule, outcomes)
        o = self.result
        if self.habit == "least" and o.kind in ("count", "octets"):
            self.count = o.low
            self.result_text = o.text[: o.low]
        return True

    def fires_at(self, c: Any, timer: str, low: int, high: int) -> int:
        if self.habit == "latest" and high < FOREVER:
            return high
        if self.habit == "late" and high < FOREVER and timer != "DUPLICATE-ACK":
            return high + 1
        if self.habit == "early" and low > c.now + 1 and timer != "ACKNOWLEDGE":
            return low - 1
        return super().fires_at(c, timer, low, high)


class HabitualConnection(Connection):
    """Fills what is left open in a segment another way."""

    __slots__ = ()

    def fill(self, t: Template) -> Segment:
        assert isinstance(self.policy, HabitualPolicy)
        habit = self.policy.habit
        if habit == "small" and t.low < t.high:
            t = t._replace(high=max(t.low, 1))
        elif habit == "plain":
            t = t._replace(may=t.may & ~(PSH | FIN | ACK))
        elif habit == "pushy":
            t = t._replace(ctl=t.ctl | t.may & PSH)
        return super().fill(t)


class HabitualMachine(Machine):
    """Uses one more permission, before all others."""

    def __init__(self, machine: Machine, rule: str):
        self.__dict__.update(machine.__dict__)
        self._rule = rule
        self._used = {}

    def used(self, ids: frozenset[str]) -> dict[str, tuple[MayRule, ...]]:
        found = super().used(ids | {self._rule})
        return {state: tuple(sorted(rules, key=lambda r: r.id != self._rule)) for state, rules in found.items()}


class HabitualHost(Host):
    """A host whose connections have a habit."""

    habit = ""

    def _connection(self, key: Key) -> Connection:
        plain = super()._connection(key)
        policy = HabitualPolicy(self.p, self.secret, plain.policy.four_tuple, self.sndbuf, self.rcvbuf)
        policy.habit = self.habit
        return HabitualConnection(self.machine, policy, key, plain.transmit)


def _spoil(change: Callable[[Segment], None]) -> Callable[[Segment], bytes]:
    def encoded(s: Segment) -> bytes:
        change(s)
        return encode(s)

    return encoded


def _set(**values: Any) -> Callable[[Segment], None]:
    def change(s: Segment) -> None:
        for name, value in values.items():
            setattr(s, name, value)

    return change


def _unless_syn(change: Callable[[Segment], None], bits: int = SYN | RST) -> Callable[[Segment], None]:
    def maybe(s: Segment) -> None:
        if not s.ctl & bits:
            change(s)

    return maybe


def _shift(name: str, by: int) -> Callable[[Segment], None]:
    def change(s: Segment) -> None:
        setattr(s, name, max(0, getattr(s, name) + by))

    return change


def _no_urgent(s: Segment) -> None:
    s.ctl &= ~URG
    s.up = 0


def _urgent_off(by: int) -> Callable[[Segment], None]:
    def change(s: Segment) -> None:
        if s.ctl & URG:
            s.up += by

    return change


def _always_urgent(s: Segment) -> None:
    s.ctl |= URG


def _mss(by: int) -> Callable[[Segment], None]:
    def change(s: Segment) -> None:
        if s.ctl & SYN and s.mss:
            s.mss += by
            s.options = b"\x02\x04" + s.mss.to_bytes(2, "big")

    return change


def _no_options(s: Segment) -> None:
    s.mss, s.options = 0, b""


SPOILED: dict[str, Callable[[Segment], bytes]] = {
    "ttl": _spoil(_shift("ttl", 1)),
    "tos": _spoil(_shift("tos", 4)),
    "window-less": _spoil(_unless_syn(_shift("wnd", -1))),
    "window-half": _spoil(_unless_syn(lambda s: setattr(s, "wnd", s.wnd // 2))),
    "window-one": _spoil(_unless_syn(lambda s: setattr(s, "wnd", max(s.wnd, 1)))),
    "no-urgent": _spoil(_no_urgent),
    "urgent-late": _spoil(_urgent_off(1)),
    "urgent-early": _spoil(_urgent_off(-1)),
    "urgent": _spoil(_unless_syn(_always_urgent)),
    "mss-more": _spoil(_mss(1)),
    "mss-less": _spoil(_mss(-1)),
    "no-mss": _spoil(_no_options),
    "mss-always": _spoil(_set(mss=1460, options=b"\x02\x04\x05\xb4")),
    "bad-option": _spoil(_set(options=b"\xfd\x00\x00\x00")),
    "bad-padding": _spoil(_set(options=b"\x00\x01\x01\x01")),
}
"""Segments spoiled on their way out."""


def _packet(change: Callable[[bytearray, int], None]) -> Callable[[Segment], bytes]:
    def encoded(s: Segment) -> bytes:
        packet = bytearray(encode(s))
        change(packet, 40 if len(s.src) == 16 else 20)
        return bytes(packet)

    return encoded


def _reserved(packet: bytearray, header: int) -> None:
    from wireproof.reference.checksum import tcp_checksum

    packet[header + 12] |= 2
    packet[header + 16 : header + 18] = b"\0\0"
    src, dst = (packet[12:16], packet[16:20]) if header == 20 else (packet[8:24], packet[24:40])
    checksum = tcp_checksum(bytes(src), bytes(dst), bytes(packet[header:]))
    packet[header + 16 : header + 18] = checksum.to_bytes(2, "big")


def _checksum(packet: bytearray, header: int) -> None:
    packet[header + 17] ^= 1


SPOILED["reserved"] = _packet(_reserved)
SPOILED["checksum"] = _packet(_checksum)


def names(machine: Machine) -> list[str]:
    """All habits, in a fixed order."""
    may = sorted({r.id for rules in machine.may.values() for r in rules} - USES)
    return [
        *("latest", "late", "early", "least", "small", "plain", "pushy"),
        *("result:1", "result:2"),
        *(f"choice:{name}" for name in (*CHOICES, "room")),
        *(f"may:{rule}" for rule in may),
        *(f"spoiled:{name}" for name in SPOILED),
    ]


def session(habit: str, machine: Machine, profile: str) -> ReferenceSession:
    """A session with an implementation that has a habit (none: the reference). Raises KeyError for an unknown one."""
    kind, _, name = habit.partition(":")
    options: dict[str, Any] = {"encode_segment": SPOILED[name]} if kind == "spoiled" else {}
    used = HabitualMachine(machine, name) if kind == "may" else machine
    make: type[Host] = HabitualHost if habit else Host

    def host(transmit: Callable[[bytes], None], address: bytes) -> Host:
        made = make(address, transmit, machine=used, profile=profile, **options)
        if isinstance(made, HabitualHost):
            made.habit = habit
        return made

    return ReferenceSession(host, 4)
