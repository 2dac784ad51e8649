"""What happened in a test, step by step, as plain data for people to read."""

from __future__ import annotations

from typing import Any

from wireproof.conformance.matching import control, result_text
from wireproof.conformance.oracle import Oracle, Step
from wireproof.reference.codec import Icmp, Malformed, decode
from wireproof.reference.segment import ACK, URG, Segment


def rungs(oracle: Oracle) -> list[dict[str, Any]]:
    """The steps that the oracle saw, up to the one that it refused: time (us from the first), kind, text, rules,
    states."""
    out: list[dict[str, Any]] = []
    zero = oracle.steps[0].time if oracle.steps else 0
    for step in oracle.steps[: refused(oracle)]:
        out.append(
            {
                "t": step.time - zero,
                "kind": step.kind,
                "text": text_of(step),
                "rules": list(step.rules),
                "states": list(step.states),
            }
        )
    return out


def refused(oracle: Oracle) -> int:
    """How many steps there are up to the refused one; what the tester saw after it is left out."""
    refusal, steps = oracle.refusal, oracle.steps
    if refusal is None:
        return len(steps)
    if refusal.kind == "missing":
        return sum(s.time <= refusal.time for s in steps)
    wanted = "call" if refusal.kind == "result" else "tx"
    at = [n for n, s in enumerate(steps, 1) if s.kind == wanted and s.time == refusal.time]
    if wanted == "tx":
        same = [n for n in at if refusal.event in (steps[n - 1].packet, decode(steps[n - 1].packet))]
        at = same[:1] or at
    return at[-1] if at else len(steps)


def text_of(step: Step) -> str:
    """One step in a few words."""
    if step.call is not None:
        h, fn, args, result = step.call
        shown = ", ".join(f"{k}={_value(v)}" for k, v in args.items())
        return f"{fn}({h}{', ' if shown else ''}{shown}) -> {result_text(result)}"
    return packet_text(step.packet)


def packet_text(packet: bytes) -> str:
    """A datagram in a few words: control bits and numbers of a segment, the kind of an ICMP message."""
    got = decode(packet)
    if isinstance(got, Malformed):
        return f"no datagram: {got.reason}"
    if isinstance(got, Icmp):
        quoted = f" seq={got.quoted[4]}" if got.quoted is not None else ""
        return f"ICMP type {got.type} code {got.code}{quoted}"
    assert isinstance(got, Segment)
    parts = [control(got.ctl), f"seq={got.seq}"]
    if got.ctl & ACK:
        parts.append(f"ack={got.ack}")
    if got.data:
        parts.append(f"len={len(got.data)}")
    parts.append(f"win={got.wnd}")
    if got.ctl & URG:
        parts.append(f"up={got.up}")
    return " ".join(parts)


def _value(v: Any) -> str:
    if isinstance(v, bytes):
        return f"{len(v)} octets"
    if isinstance(v, tuple) and len(v) == 2:
        return f"port {v[1]}"
    return str(v)
