"""The tester: the lower side sends segments, the upper side makes calls, and the oracle watches both.

A program (a generator, see session.py) drives one session through the steps of a test case. Fields are computed
from the oracle's belief, so that the test adapts to what the implementation chose.
"""

from __future__ import annotations

import functools
from collections.abc import Generator
from dataclasses import dataclass, field
from typing import Any

from wireproof.conformance.garbage import cut, datagram
from wireproof.conformance.judge import Refusal
from wireproof.conformance.numbers import total
from wireproof.conformance.oracle import Key, Oracle, Verdict
from wireproof.conformance.session import Session, Unsupported
from wireproof.conformance.testcase import Step, TestCase
from wireproof.reference.codec import encode, encode_icmp
from wireproof.reference.machine import Machine
from wireproof.reference.segment import ACK, CTL_NAMES, RST, SYN, Segment

PEER_ISN = 1_000_000
"""Where the tester's own numbering begins."""
AFTERMATH_US = 650_000
"""How long a test listens after its last step: longer than an acknowledgment may be delayed."""
NOTHING_DUE_US = 1_000_000
"""How long a test listens when it waits for a timer and none must end."""
ACKNOWLEDGED_EACH_US = 10_000
"""How often a test looks whether an acknowledgment that it waits for has come."""
BEFORE_TIMER_US = 1_000_000
"""How long before a timer may end a test acts to show that it has not ended yet."""

PATTERN = bytes((i * 7 + i // 251) & 0xFF for i in range(1 << 17))
"""What the tester and the upper tester send: octets that tell their place."""


VARIABLES = {"RCV.NXT": "rcv_nxt", "RCV.EDGE": "rcv_edge", "SND.NXT": "snd_nxt", "SND.UNA": "snd_una", "ISS": "iss"}
"""What a field of a step may be relative to, as the configuration names it."""


KEPT = 8
"""How many datagrams are kept to be injected again."""


class Unreachable(Exception):  # noqa: N818 - an outcome, not a fault
    """The purpose of the test cannot be reached any more: another permitted branch was taken."""


@dataclass(slots=True)
class Report:
    """What a test found."""

    verdict: Verdict
    refusal: Refusal | None = None
    reason: str = ""
    deviations: list[tuple[str, str]] = field(default_factory=list)
    oracle: Oracle | None = None
    steps_done: int = 0


@dataclass(slots=True)
class Settings:
    """How to judge: the profile, parameters of the specification, the clock's slack (us)."""

    machine: Machine
    profile: str = "rfc5961"
    slack: int = 0
    patience: int = 1 << 60
    """A test waits no longer than this for one timer (us): what would come later is not judged."""
    params: dict[str, int] = field(default_factory=dict)


class Tester:
    """One test under way."""

    def __init__(self, session: Session, settings: Settings):
        self.s = session
        self.oracle = Oracle(
            settings.machine,
            session.local,
            settings.profile,
            slack=settings.slack,
            broadcast=frozenset(),
            **settings.params,
        )
        self.patience = settings.patience
        self.sent = 0
        """Octets that the upper tester has sent, for the pattern."""
        self.begun = 0
        """How many events came before the stimulus of the last step, what it waited for included."""
        self.injected: list[bytes] = []
        """The last datagrams that went in, the newest last."""

    # ---- elementary actions -------------------------------------------------------------------------------------

    def pump(self) -> None:
        """Let the oracle see what the IUT sent, and that it said nothing else at once."""
        for at, packet in self.s.drain():
            self.oracle.tx(packet, at)
        self.oracle.quiet(self.s.now())

    def settle(self) -> None:
        """Take in what came by itself before the next stimulus, so that it is not mistaken for its answer."""
        for at, packet in self.s.drain():
            self.oracle.tx(packet, at)

    def call(self, h: int, fn: str, **args: Any) -> None:
        self.settle()
        result = self.s.call(h, fn, **args)
        now = self.s.now()
        if fn == "send" and result.kind == "count":
            self.sent += result.value
        self.oracle.call(h, fn, args, result, now)
        self.pump()

    def inject(self, packet: bytes) -> None:
        self.settle()
        now = self.s.now()
        self.oracle.rx(packet, now)
        self.injected = [*self.injected[1 - KEPT :], packet]
        self.s.inject(packet)
        self.pump()

    def wait(self, us: int) -> Generator[int, None, None]:
        """Let ``us`` pass, taking in what comes."""
        until = self.s.now() + us
        while self.s.now() < until and self.oracle.refusal is None:
            yield until
            for at, packet in self.s.drain():
                self.oracle.tx(packet, at)
            self.oracle.advance(self.s.now())

    def acknowledged(self, key: Key) -> Generator[int, None, None]:
        """Let an acknowledgment that is owed go out first: one that comes after a reset is the answer to it, or it is
        none, and only the time between the steps would tell which."""
        while self.oracle.refusal is None and (until := self.oracle.acknowledges(key)) is not None:
            yield from self.wait(max(1, min(until - self.s.now(), ACKNOWLEDGED_EACH_US)))

    def aftermath(self) -> Generator[int, None, None]:
        """After the last step: ask what can be asked, listen for what still comes, ask again."""
        handles = [h for h in (*self.oracle.handles, *self.oracle.detached) if h not in self.oracle.gone]
        for h in dict.fromkeys(handles):
            if not isinstance(self.oracle.handles.get(h), int):
                self.call(h, "status")
                self.call(h, "receive", max=100000)
                self.call(h, "error")
        yield from self.wait(AFTERMATH_US)
        for h in dict.fromkeys(handles):
            if self.oracle.refusal is None and h not in self.oracle.gone:
                self.call(h, "status")

    # ---- steps --------------------------------------------------------------------------------------------------

    def key(self, step: Step) -> Key:
        """The connection that a step is about."""
        peer = step.get("peer", 0)
        return (self.s.local, self.s.local_port, self.s.remote, self.s.remote_port + peer)

    def number(self, key: Key, relative: list[Any]) -> int:
        """A field given as [base, offset], from what the oracle believes of the connection."""
        base, offset = relative
        if base == "ABS":
            value = 0
        elif base == "PEER":
            value = PEER_ISN
        elif base not in VARIABLES:
            value = total(self.oracle, key, base, PEER_ISN)
        else:
            c = self.oracle.configuration(key)
            state = "CLOSED" if c is None else c.state
            if state in ("CLOSED", "LISTEN"):
                value = PEER_ISN if base.startswith("RCV") else 0
            elif state == "SYN-SENT" and base.startswith("RCV"):
                value = PEER_ISN
            else:
                value = getattr(c, VARIABLES[base])
        return int(value + offset) & 0xFFFFFFFF

    def amount(self, key: Key, given: Any, most: int, least: int = 0) -> int:
        """A number of octets: as it is, or [base, offset] within ``least`` and ``most``."""
        return given if isinstance(given, int) else min(max(_signed(self.number(key, given)), least), most)

    def segment(self, step: Step) -> Segment:
        """The segment of a ``seg`` step."""
        key = self.key(step)
        ctl = control_mask(step["seg"])
        local, local_port, remote, remote_port = key
        n = step.get("len", 0)
        if n == "window":
            c = self.oracle.configuration(key)
            n = 0 if c is None else min((c.rcv_edge - c.rcv_nxt) & 0xFFFFFFFF, 1460)
        n = self.amount(key, n, 1460)
        seq = self.number(key, step.get("seq", ["RCV.NXT", 0]))
        at = (seq - PEER_ISN - 1 + (ctl & SYN != 0)) & 0xFFFF
        out = Segment(
            src=remote,
            dst=local,
            sport=remote_port,
            dport=local_port,
            seq=seq,
            ack=self.number(key, step.get("ack", ["SND.NXT", 0])) if ctl & ACK else 0,
            ctl=ctl,
            wnd=self.amount(key, step.get("wnd", 65535), 65535),
            up=self.amount(key, step.get("up", 0), 65535),
            data=PATTERN[at : at + n],
        )
        if step.get("mss"):
            out.options = b"\x02\x04" + self.amount(key, step["mss"], 65535).to_bytes(2, "big")
        if "options" in step:
            out.options = bytes.fromhex(step["options"])
        if step.get("src"):
            out.src = _address(step["src"], len(local))
        if step.get("dst"):
            out.dst = _address(step["dst"], len(local))
        return out

    def packet(self, step: Step) -> bytes:
        """The datagram of a ``seg`` step, with the damage that the step asks for."""
        packet = encode(self.segment(step))
        if "cut" in step:
            return cut(packet, step["cut"], honest=bool(step.get("honest")))
        if "damage" not in step:
            return packet
        raw = bytearray(packet)
        header = 40 if len(self.s.local) == 16 else 20
        if step.get("damage") == "checksum":
            raw[header + 17] ^= 1
        elif step.get("damage") == "offset":
            raw[header + 12] = 0x40
            _fix_checksum(raw, header)
        elif step.get("damage") == "text":
            raw[-1] ^= 0x10
        return bytes(raw)

    def icmp(self, step: Step) -> bytes:
        """The ICMP message of an ``icmp`` step, quoting a segment of the IUT's."""
        key = self.key(step)
        local, local_port, remote, remote_port = key
        quoted = Segment(local, remote, local_port, remote_port, seq=self.number(key, step["seq"]), ctl=16)
        kind, code = step["icmp"]
        return encode_icmp(remote, local, kind, code, encode(quoted), self.amount(key, step.get("mtu", 0), 65535))

    def step(self, step: Step) -> Generator[int, None, None]:
        """Carry out one step."""
        if "seg" in step and control_mask(step["seg"]) & RST:
            yield from self.acknowledged(self.key(step))
        self.begun = len(self.oracle.steps)
        if "call" in step:
            args = {k: v for k, v in step.items() if k not in ("call", "h")}
            fn, h = step["call"], step["h"]
            if fn == "open_active":
                args = {
                    "local": (self.s.local, self.s.local_port),
                    "remote": (
                        _address(step["dst"], len(self.s.local)) if step.get("dst") else self.s.remote,
                        self.s.remote_port + step.get("peer", 0),
                    ),
                }
            elif fn == "open_passive":
                args = {"local": (self.s.local, self.s.local_port), "backlog": step.get("backlog", 8)}
            elif fn == "send":
                at = self.sent & 0xFFFF
                n = self.amount(self.key(step), step["len"], 65535, 1)
                args = {"data": PATTERN[at : at + n], "urgent": step.get("urgent", False)}
            self.call(h, fn, **args)
        elif "seg" in step:
            self.inject(self.packet(step))
        elif "icmp" in step:
            self.inject(self.icmp(step))
        elif "raw" in step or "octets" in step:
            self.inject(datagram(step, self.key(step)))
        elif "again" in step:
            if len(self.injected) < step["again"]:
                raise Unreachable("there is no such datagram to inject again")
            self.inject(self.injected[-step["again"]])
        elif step["wait"] == "before-timer":
            earliest = self.oracle.next_timer()
            if earliest is None:
                raise Unreachable("no timer runs any more")
            yield from self.wait(max(0, earliest - self.s.now() - BEFORE_TIMER_US))
        elif step["wait"] == "timer":
            deadline = self.oracle.next_deadline()
            left = NOTHING_DUE_US if deadline is None else max(0, deadline - self.s.now()) + self.oracle.slack + 1
            left = min(max(0, left - step.get("less", 0)), step.get("most", left))
            yield from self.wait(min(left, self.patience))
        else:
            yield from self.wait(step["wait"])


def run_case(case: TestCase, session: Session, settings: Settings) -> Generator[int, None, Report]:
    """A test case as a program for a session."""
    tester = Tester(session, settings)
    return (yield from judged(tester, _steps(tester, case.steps)))


def _steps(tester: Tester, steps: list[Step]) -> Generator[int, None, int]:
    """Carry out steps up to the first refusal; how many were done."""
    for done, step in enumerate(steps):
        yield from tester.step(step)
        if tester.oracle.refusal is not None:
            return done
    return len(steps)


def judged(tester: Tester, steps: Generator[int, None, int]) -> Generator[int, None, Report]:
    """Carry out what ``steps`` does, which says how many were done; then listen, and say what was found."""
    oracle = tester.oracle
    done = 0
    try:
        done = yield from steps
        if oracle.refusal is None:
            yield from tester.aftermath()
    except Unsupported as e:
        return Report("unsupported", reason=str(e), oracle=oracle, steps_done=done)
    except Unreachable as e:
        return Report("inconclusive", reason=str(e), oracle=oracle, steps_done=done)
    oracle.finish()
    if oracle.refusal is not None:
        verdict: Verdict = "inconclusive" if oracle.lossy else "fail"
        reason = "the belief was cut before the refusal" if oracle.lossy else ""
        return Report(verdict, oracle.refusal, reason, list(oracle.deviations), oracle, done)
    return Report("pass", deviations=list(oracle.deviations), oracle=oracle, steps_done=done)


def _signed(n: int) -> int:
    return n - (1 << 32) if n >> 31 else n


@functools.cache
def control_mask(names: str) -> int:
    """The control bits of a ``seg`` step."""
    return sum(1 << CTL_NAMES.index(n) for n in names.split(",")) if names else 0


def _address(text: str, length: int) -> bytes:
    """``broadcast``, ``multicast``, ``loopback``, ``own`` are told apart by the session; here: hex octets by family."""
    four, six = {
        "broadcast": ("ffffffff", "ff020000000000000000000000000001"),
        "multicast": ("e0000001", "ff020000000000000000000000000001"),
        "loopback": ("7f000001", "00000000000000000000000000000001"),
        "unspecified": ("00000000", "00000000000000000000000000000000"),
    }[text]
    return bytes.fromhex(four if length == 4 else six)


def _fix_checksum(raw: bytearray, header: int) -> None:
    """Make the TCP checksum of a damaged datagram right again."""
    from wireproof.reference.checksum import tcp_checksum

    raw[header + 16 : header + 18] = b"\0\0"
    if header == 20:
        src, dst = bytes(raw[12:16]), bytes(raw[16:20])
    else:
        src, dst = bytes(raw[8:24]), bytes(raw[24:40])
    raw[header + 16 : header + 18] = tcp_checksum(src, dst, bytes(raw[header:])).to_bytes(2, "big")
