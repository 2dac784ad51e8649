"""Does a segment that was seen fit a template that the specification asks for or permits? And both as text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from wireproof.conformance.session import Result
from wireproof.reference.run import Outcome, Template
from wireproof.reference.segment import ACK, CTL_NAMES, FIN, SYN, Segment
from wireproof.reference.sequence import MASK


def matches(c: Any, t: Template, out: Segment) -> bool:
    """True when every field that the template fixes is as it says. An unbound initial number fits any."""
    ctl = out.ctl
    if t.ctl & ~ctl or ctl & ~(t.ctl | t.may):
        return False
    if t.ack is not None and out.ack != t.ack and (out.ack - t.ack_from) & MASK > (t.ack - t.ack_from) & MASK:  # type: ignore[operator]
        return False
    offset = (out.seq - t.seq) & MASK
    if offset > t.span:
        if not (c.unbound and t.ctl & SYN):
            return False
        offset = 0
    text = t.text[offset:] if offset else t.text
    data = out.data
    if t.rest:
        return data == text
    n = len(data)
    if n > t.high or n < t.low or data != text[:n]:
        return False
    return not (ctl & FIN and t.may & FIN and n != len(text))


@dataclass(slots=True, frozen=True)
class Difference:
    """One field that is not as a template says."""

    field: str
    expected: str
    seen: str

    def __str__(self) -> str:
        return f"{self.field}: expected {self.expected}, seen {self.seen}"


def differences(c: Any, t: Template, out: Segment) -> list[Difference]:
    """What keeps a segment from fitting a template, field by field; empty when it fits."""
    found = []
    if t.ctl & ~out.ctl or out.ctl & ~(t.ctl | t.may):
        found.append(Difference("CTL", control(t.ctl, t.may), out.control()))
    if (
        t.ack is not None
        and t.ack_from is not None
        and out.ctl & ACK
        and (out.ack - t.ack_from) & MASK > (t.ack - t.ack_from) & MASK
    ):
        found.append(Difference("ACK", str(t.ack), str(out.ack)))
    offset = (out.seq - t.seq) & MASK
    if offset > t.span and not (c.unbound and t.ctl & SYN):
        wanted = str(t.seq) if not t.span else f"{t.seq} .. {(t.seq + t.span) & MASK}"
        found.append(Difference("SEQ", wanted, str(out.seq)))
        offset = 0
    if c.unbound and t.ctl & SYN:
        offset = 0
    text = t.text[offset:]
    n = len(out.data)
    if t.rest and n != len(text):
        found.append(Difference("LEN", f"{len(text)} octets of text", f"{n}"))
    elif not t.rest and not t.low <= n <= t.high:
        wanted = f"{t.low}" if t.low == t.high else f"{t.low} .. {t.high}"
        found.append(Difference("LEN", f"{wanted} octets of text", f"{n}"))
    elif out.data != text[:n]:
        at = next((i for i, (a, b) in enumerate(zip(out.data, text, strict=False)) if a != b), min(n, len(text)))
        if at < len(text):
            expected, seen = f"0x{text[at]:02x} at octet {at}", f"0x{out.data[at]:02x}"
        else:
            expected, seen = f"no more than {len(text)} octets", f"{n}"
        found.append(Difference("TEXT", expected, seen))
    elif out.ctl & FIN and t.may & FIN and n != len(text):
        found.append(Difference("FIN", f"only behind all {len(text)} octets", f"behind {n}"))
    return found


def control(ctl: int, may: int = 0) -> str:
    """Control bits by name; those that may be set have a question mark."""
    names = [n for i, n in enumerate(CTL_NAMES) if ctl >> i & 1]
    names += [f"{n}?" for i, n in enumerate(CTL_NAMES) if may >> i & 1]
    return ",".join(names) or "none"


def describe(t: Template) -> str:
    """A template as the RFC would write it."""
    parts = [f"<SEQ={t.seq}>" if not t.span else f"<SEQ={t.seq}..{(t.seq + t.span) & MASK}>"]
    if t.ack is not None:
        parts.append(f"<ACK={t.ack}>")
    parts.append(f"<CTL={control(t.ctl, t.may)}>")
    if t.text:
        n = len(t.text)
        parts.append(f" with {n if t.rest else f'{t.low} to {min(t.high, n)}'} octets of text")
    return "".join(parts)


def outcome_text(o: Outcome) -> str:
    """One allowed result as text."""
    match o.kind:
        case "ok":
            return "ok"
        case "error":
            return f"error {o.value}"
        case "state":
            return f"state {o.value}"
        case "count":
            return f"count {o.low}" if o.low == o.high else f"count {o.low} .. {o.high}"
    return f"{o.low} .. {min(o.high, len(o.text))} octets beginning {o.text[:16]!r}" if o.high else "end of file"


def result_text(r: Result) -> str:
    """An observed result as text."""
    if r.kind == "octets":
        return f"{len(r.value)} octets beginning {r.value[:16]!r}" if r.value else "end of file"
    return r.kind if r.value is None else f"{r.kind} {r.value}"
