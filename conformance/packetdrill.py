"""A trace as a packetdrill script, for people who have kernels rather than wireproof.

The language of packetdrill (grammar of 2019) says less than a trace: what it cannot say becomes a comment where it
stood, and is listed at the head, so that nobody takes the script for the whole. It is only written, never read.
"""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from wireproof.conformance.judge import Refusal
from wireproof.conformance.ladder import packet_text, refused
from wireproof.conformance.oracle import Key, Oracle, Step
from wireproof.conformance.session import Result
from wireproof.conformance.trace_reader import Header
from wireproof.reference.codec import Icmp, Malformed, decode
from wireproof.reference.run import Template
from wireproof.reference.segment import ACK, FIN, PSH, RST, SYN, URG, Segment

OPTIONS = {
    "nodelay": ("SOL_TCP", "TCP_NODELAY"),
    "keepalive": ("SOL_SOCKET", "SO_KEEPALIVE"),
    "keepidle_s": ("SOL_TCP", "TCP_KEEPIDLE"),
    "keepintvl_s": ("SOL_TCP", "TCP_KEEPINTVL"),
    "keepcnt": ("SOL_TCP", "TCP_KEEPCNT"),
    "user_timeout_ms": ("SOL_TCP", "TCP_USER_TIMEOUT"),
    "ttl": ("SOL_IP", "IP_TTL"),
    "dscp": ("SOL_IP", "IP_TOS"),
    "rcvbuf": ("SOL_SOCKET", "SO_RCVBUF"),
    "sndbuf": ("SOL_SOCKET", "SO_SNDBUF"),
    "oobinline": ("SOL_SOCKET", "SO_OOBINLINE"),
}
TCP_INFO = {
    "ESTABLISHED": 1,
    "SYN-SENT": 2,
    "SYN-RECEIVED": 3,
    "FIN-WAIT-1": 4,
    "FIN-WAIT-2": 5,
    "CLOSE-WAIT": 8,
    "LAST-ACK": 9,
    "CLOSING": 11,
}
"""Linux's numbers of the states that its TCP_INFO tells."""
UNREACHABLE = ("net_unreachable", "host_unreachable", "protocol_unreachable", "port_unreachable", "frag_needed")
CODES = {0: 0, 1: 1, 3: 1, 4: 3}
"""Codes of ICMPv6's type 1 as those of ICMP's type 3."""
FLAGS = ((SYN, "S"), (FIN, "F"), (RST, "R"), (PSH, "P"), (URG, "U"), (ACK, "."))
MASK = 0xFFFFFFFF

CONTENT = "the octets of text: only their number is said"
WINDOWS = "the windows of segments that were sent: each stack has its own"
DAMAGE = "segments that are no sound ones (checksum, header)"
OPTION = "options that are neither MSS nor NOP nor EOL"
OTHERS = "segments of other connections or addresses"
STRANGERS = "segments for which there was no connection yet"
MESSAGES = "ICMP messages other than destination unreachable"
QUESTIONS = "calls that packetdrill has no words for"
SILENCE = "what had to come and did not, for more than one segment would have done"
ANSWER = "the refused step: it is a comment, and what was allowed instead stands beside it"


def script(header: Header, oracle: Oracle, title: str = "") -> str:
    """The script for what an oracle saw, up to the step that it refused."""
    writer = _Writer(header)
    shown = oracle.steps[: refused(oracle)]
    wrong = oracle.refusal is not None and oracle.refusal.kind != "missing"
    for n, step in enumerate(shown, 1):
        writer.step(step, oracle.refusal if wrong and n == len(shown) else None)
    if oracle.refusal is not None and not wrong:
        writer.missing(oracle.refusal)
    return "\n".join([*_head(header, oracle, title, writer.losses), "", *writer.lines]) + "\n"


def _head(header: Header, oracle: Oracle, title: str, losses: dict[str, int]) -> Iterator[str]:
    yield f"// {title or (header.case.id if header.case is not None else 'a trace')}"
    yield f"// target {header.target or '-'} - profile {header.profile} - specification {oracle.machine.spec_hash}"
    if oracle.refusal is not None:
        yield f"// refused by {oracle.refusal.rule}: {_plain(oracle.refusal.text)}"
    else:
        yield "// accepted"
    if header.family == 6:
        yield "// run with --ip_version=ipv6"
    if losses:
        yield "// Not said in this script:"
        yield from (f"//   {what} ({n})" for what, n in losses.items())


@dataclass(slots=True)
class _Writer:
    """Writes steps one after another; knows what the script has made known so far."""

    header: Header
    lines: list[str] = field(default_factory=list)
    losses: dict[str, int] = field(default_factory=dict)
    fds: dict[int, int] = field(default_factory=dict)
    """Handle to file descriptor."""
    next_fd: int = 3
    last: int | None = None
    connection: Key | None = None
    """The connection of the script: host's address and port, peer's address and port."""
    ours: int | None = None
    """The initial sequence number of the host's side, and of the peer's."""
    theirs: int | None = None

    def step(self, step: Step, refusal: Refusal | None) -> None:
        """One step; the refused one is said in a comment."""
        if step.call is not None:
            self.call(step, *step.call, refusal)
        else:
            self.packet(step, refusal)

    def missing(self, refusal: Refusal) -> None:
        """What had to come and did not: a line that a right stack fulfils, where it can be said exactly."""
        self.comment(f"nothing came: {refusal.rule}: {refusal.text}")
        owed = [t for t in getattr(refusal.configuration, "owed", ()) if t.rule == refusal.rule and _exact(t)]
        if not owed or self.ours is None:
            self.lose(SILENCE)
            return
        t = owed[0]
        until = max(0, refusal.time - (self.last or 0)) / 1e6
        text = f"> {_flags(t.ctl)} {_range(t.seq - self.ours, len(t.text))}"
        text += "" if t.ack is None else f" ack {(t.ack - (self.theirs or 0)) & MASK}"
        self.lines.append(f"{f'+0~+{until:g}' if until else '+0'}  {text}{' <...>' if t.ctl & SYN else ''}")

    # ---- lines ----------------------------------------------------------------------------------------------------

    def say(self, step: Step, text: str, refusal: Refusal | None = None) -> None:
        """A line with its time; a refused one as a comment with what was allowed."""
        line = f"{self.time(step)}  {text}"
        if refusal is None:
            self.lines.append(line)
            return
        self.lose(ANSWER)
        self.comment(f"REFUSED by {refusal.rule}: {refusal.text}")
        self.comment(line)
        for c in refusal.candidates[:3]:
            self.comment(f"allowed by {c.rule}: {c.wanted}")

    def time(self, step: Step) -> str:
        """From the step before, in seconds; what comes by itself after a while may come within a tenth."""
        if self.last is None:
            self.last = step.time
            return "0"
        gap, self.last = step.time - self.last, step.time
        if step.kind != "tx" or gap <= 0:
            return f"+{max(0, gap) / 1e6:.6f}".rstrip("0").rstrip(".")
        tenth = gap // 100_000
        return f"+{tenth / 10:g}~+{(tenth + 1) / 10:g}"

    def comment(self, text: str) -> None:
        self.lines.append(f"// {_plain(text)}")

    def lose(self, what: str, text: str = "") -> None:
        """Note that something is not said, and say it in a comment."""
        self.losses[what] = self.losses.get(what, 0) + 1
        if text:
            self.comment(text)

    # ---- calls ----------------------------------------------------------------------------------------------------

    def call(self, step: Step, h: int, fn: str, args: dict[str, Any], result: Result, refusal: Refusal | None) -> None:
        if fn == "accept":
            fd = self.next_fd if result.kind == "handle" else -1
            if result.kind == "handle":
                self.fds[args["new"]] = fd
                self.next_fd += 1
            self.say(step, f"accept({self.fd(step, h)}, ..., ...) = {fd if fd >= 0 else _returned(result)}", refusal)
            return
        fd = self.fd(step, h)
        lines = list(_syscalls(fd, fn, args, result))
        if fn == "status":
            self.status(step, fd, result, refusal)
        elif not lines:
            self.lose(QUESTIONS, f"{fn}({h}) -> {result.kind} {result.value if result.value is not None else ''}")
        for line in lines[:-1]:
            self.say(step, line)
        if lines:
            self.say(step, lines[-1], refusal)
        if fn == "send" and result.kind == "count":
            self.lose(CONTENT)
        if fn == "open_active" and result.kind == "ok" and self.connection is None:
            self.connection = (*args["local"], *args["remote"])

    def fd(self, step: Step, h: int) -> int:
        """The descriptor of a handle; one that has none yet is made."""
        if h not in self.fds:
            fd = self.fds[h] = self.next_fd
            self.next_fd += 1
            self.say(step, f"socket(..., SOCK_STREAM, IPPROTO_TCP) = {fd}")
            self.say(step, f"fcntl({fd}, F_SETFL, O_RDWR|O_NONBLOCK) = 0")
        return self.fds[h]

    def status(self, step: Step, fd: int, result: Result, refusal: Refusal | None) -> None:
        """TCP_INFO knows neither TIME-WAIT nor LISTEN nor CLOSED as the specification does, and only one socket."""
        number = TCP_INFO.get(result.value) if result.kind == "state" and fd == self.next_fd - 1 else None
        if number is None:
            self.lose(QUESTIONS, f"status of {fd}: {result.value}")
        else:
            self.say(step, f"%{{ assert tcpi_state == {number}, tcpi_state }}%", refusal)

    # ---- packets --------------------------------------------------------------------------------------------------

    def packet(self, step: Step, refusal: Refusal | None) -> None:
        got = decode(step.packet)
        way = "<" if step.kind == "rx" else ">"
        if isinstance(got, Icmp) and step.kind == "rx":
            self.icmp(step, got)
        elif not isinstance(got, Segment) or not (got.header_ok and got.checksum_ok):
            self.lose(DAMAGE, f"{way} {_damaged(step.packet)}")
        elif not (self.known(got) if step.kind == "rx" else self.own(got)):
            self.lose(OTHERS if self.connection is not None else STRANGERS, f"{way} {packet_text(step.packet)}")
        else:
            self.segment(step, got, way, refusal)
            return
        if refusal is not None:
            self.lose(ANSWER, f"REFUSED by {refusal.rule}: {refusal.text}")

    def known(self, s: Segment) -> bool:
        """Does a segment that goes in belong to the script's connection, or begin it?"""
        key = (s.dst, s.dport, s.src, s.sport)
        if self.connection is None and s.ctl & (SYN | ACK | RST) == SYN and s.dst == self.header.local:
            self.connection = key
        return self.connection == key

    def own(self, s: Segment) -> bool:
        return self.connection == (s.src, s.sport, s.dst, s.dport)

    def segment(self, step: Step, s: Segment, way: str, refusal: Refusal | None) -> None:
        inward = way == "<"
        if s.ctl & SYN and inward and self.theirs is None:
            self.theirs = s.seq
        if s.ctl & SYN and not inward and self.ours is None:
            self.ours = s.seq
        if inward and self.theirs is None and not s.ctl & SYN:
            self.theirs = s.seq  # packetdrill counts from the first that it sees
        zero, other = (self.theirs, self.ours) if inward else (self.ours, self.theirs)
        text = f"{way} {_flags(s.ctl)} {_range(s.seq - (zero or 0), len(s.data))}"
        if s.ctl & ACK:
            text += f" ack {(s.ack - (other or 0)) & MASK}"
        if inward:
            text += f" win {s.wnd}"
        if s.ctl & URG:
            text += f" urg {s.up}"
        options = self.options(s, inward)
        if s.data:
            self.lose(CONTENT)
        if not inward and s.ctl & ACK:
            self.lose(WINDOWS)
        self.say(step, text + options, refusal)

    def options(self, s: Segment, inward: bool) -> str:
        """``<mss 1460>``; of a segment that comes out, whatever it has if it has anything else."""
        if not s.options:
            return ""
        found = _options(s.options)
        if found is not None:
            return f" <{','.join(found)}>"
        if inward:
            self.lose(OPTION, f"its options are {s.options.hex()}:")
            return ""
        self.lose(OPTION)
        return " <...>"

    def icmp(self, step: Step, m: Icmp) -> None:
        code = CODES.get(m.code) if m.version == 6 and m.type == 1 else m.code if m.type == 3 else None
        if m.version == 6 and m.type == 2:
            code = 4
        same = m.quoted is not None and self.connection == (m.quoted[0], m.quoted[2], m.quoted[1], m.quoted[3])
        if code is None or code >= len(UNREACHABLE) or not same or m.quoted is None:
            self.lose(MESSAGES, f"< {packet_text(step.packet)}")
            return
        mtu = f" mtu {m.mtu}" if code == 4 else ""
        self.say(step, f"< icmp unreachable {UNREACHABLE[code]}{mtu} [{_range(m.quoted[4] - (self.ours or 0), 0)}]")


def _syscalls(fd: int, fn: str, args: dict[str, Any], result: Result) -> Iterator[str]:
    """The system calls that a call of the upper tester is; none when there is no such call."""
    told = _returned(result)
    match fn:
        case "open_passive":
            yield f"bind({fd}, ..., ...) = 0"
            yield f"listen({fd}, {args['backlog']}) = {told}"
        case "open_active":
            told = "-1 EINPROGRESS (Operation now in progress)" if result.kind == "ok" else told
            yield f"connect({fd}, ..., ...) = {told}"
        case "send" if args["urgent"]:
            yield f"send({fd}, ..., {len(args['data'])}, MSG_OOB) = {told}"
        case "send":
            yield f"write({fd}, ..., {len(args['data'])}) = {told}"
        case "receive":
            yield f"read({fd}, ..., {args['max']}) = {told}"
        case "close":
            yield f"shutdown({fd}, SHUT_WR) = {told}"
        case "release":
            yield f"close({fd}) = {told}"
        case "abort":
            yield f"setsockopt({fd}, SOL_SOCKET, SO_LINGER, {{onoff=1, linger=0}}, 8) = 0"
            yield f"close({fd}) = {told}"
        case "error":
            number = getattr(errno, result.value) if result.kind == "error" else 0
            yield f"getsockopt({fd}, SOL_SOCKET, SO_ERROR, [{number}], [4]) = 0"
        case "set":
            level, name = OPTIONS[args["option"]]
            value = args["value"] << 2 if args["option"] == "dscp" else args["value"]
            yield f"setsockopt({fd}, {level}, {name}, [{value}], 4) = {told}"


def _exact(t: Template) -> bool:
    """Is there only one segment that fits (but for the window and urgent data)?"""
    return not t.span and t.ack == t.ack_from and not t.may & ~URG and (not t.text or t.low == t.high == len(t.text))


def _returned(result: Result) -> str:
    """What a system call returns."""
    if result.kind == "error":
        number = getattr(errno, result.value, 0)
        note = os.strerror(number) if number else ""
        return f"-1 {result.value}" + (f" ({note})" if re.fullmatch(r"[A-Za-z0-9_ ]+", note) else "")
    if result.kind == "count":
        return str(result.value)
    return str(len(result.value)) if result.kind == "octets" else "0"


def _range(seq: int, length: int) -> str:
    seq &= MASK
    return f"{seq}:{(seq + length) & MASK}({length})"


def _flags(ctl: int) -> str:
    return "".join(letter for bit, letter in FLAGS if ctl & bit) or "-"


def _options(raw: bytes) -> list[str] | None:
    """The options in packetdrill's words, or None when it has none for them."""
    out: list[str] = []
    i = 0
    while i < len(raw):
        if raw[i] == 0:
            return [*out, "eol"] if not any(raw[i:]) else None
        if raw[i] == 1:
            out.append("nop")
            i += 1
        elif raw[i] == 2 and raw[i + 1 : i + 2] == b"\x04" and i + 4 <= len(raw):
            out.append(f"mss {int.from_bytes(raw[i + 2 : i + 4], 'big')}")
            i += 4
        else:
            return None
    return out


def _damaged(packet: bytes) -> str:
    got = decode(packet)
    if isinstance(got, Malformed):
        return f"{len(packet)} octets that are no datagram: {got.reason}"
    wrong = "" if not isinstance(got, Segment) or got.header_ok else " with a wrong data offset"
    wrong += "" if not isinstance(got, Segment) or got.checksum_ok else " with a wrong checksum"
    return packet_text(packet) + wrong


def _plain(text: str) -> str:
    """Text that cannot end a comment: one line of ASCII."""
    return " ".join(text.split()).encode("ascii", "backslashreplace").decode()
