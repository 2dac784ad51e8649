"""The grid of RFC 9293 3.10: every event in every state, and the rules that fill the cell."""

from __future__ import annotations

from dataclasses import dataclass

from wireproof.spec import ir

CALLS = {
    "OPEN": ("open_active", "open_passive"),
    "SEND": ("send",),
    "RECEIVE": ("receive",),
    "CLOSE": ("close",),
    "ABORT": ("abort",),
    "STATUS": ("status",),
}
SYNCHRONIZED = (
    "SYN-RECEIVED",
    "ESTABLISHED",
    "FIN-WAIT-1",
    "FIN-WAIT-2",
    "CLOSE-WAIT",
    "CLOSING",
    "LAST-ACK",
    "TIME-WAIT",
)
TIMEOUTS = ("USER-TIMEOUT", "RETRANSMISSION", "TIME-WAIT-END")


@dataclass(slots=True)
class Cell:
    """One cell, for example ``SEND/ESTABLISHED``, ``SEGMENT/SYN-SENT/step-4``, ``TIMEOUT/USER-TIMEOUT``."""

    cell: str
    rules: list[str]


def cells(model: ir.Model) -> list[Cell]:
    """The 145 cells in the order of the RFC: 66 of calls, 76 of segments, 3 of timeouts."""
    out: list[Cell] = []
    for name, calls in CALLS.items():
        for state in model.enums["state"]:
            parts = [_rules(model, "call", call, state) for call in calls]
            out.append(Cell(f"{name}/{state}", [r for p in parts for r in p] if all(parts) else []))
    for case in ("reset", "no_ack", "ack"):
        found = [r.id for s, r in model.rules() if r.cell == case and "CLOSED" in s.states]
        out.append(Cell(f"SEGMENT/CLOSED/{case}", found))
    for state, steps in (("LISTEN", 4), ("SYN-SENT", 5), *((s, 8) for s in SYNCHRONIZED)):
        for n in range(1, steps + 1):
            out.append(Cell(f"SEGMENT/{state}/step-{n}", _rules(model, "event", "segment", state, n)))
    for timer in TIMEOUTS:
        rules = [r.id for s, r in model.rules() if s.kind == "timeout" and s.subject == timer]
        out.append(Cell(f"TIMEOUT/{timer}", rules))
    return out


def _rules(model: ir.Model, kind: str, subject: str, state: str, step: int | None = None) -> list[str]:
    return [
        r.id
        for s, r in model.rules()
        if s.kind == kind and s.subject == subject and state in s.states and (step is None or s.step == step)
    ]
