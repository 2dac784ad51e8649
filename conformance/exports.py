"""A trace for other people's tools: ITF for those of model checkers, Mermaid for pages."""

from __future__ import annotations

import json
from typing import Any

from wireproof.conformance.ladder import rungs
from wireproof.conformance.oracle import Oracle
from wireproof.conformance.trace_reader import Header

_ENTITIES = str.maketrans({"#": "#35;", ";": "#59;", "<": "#lt;", ">": "#gt;"})
"""What Mermaid would take for its syntax."""

VARIABLES = ("time_us", "kind", "event", "rules", "state", "refused")


def itf(header: Header, oracle: Oracle, title: str = "") -> str:
    """The trace in the Informal Trace Format (ADR 015 of Apalache): a state for the beginning and one after each
    step, with the variables of ``VARIABLES``. ``state`` is the set of states that the connection may be in."""
    steps = rungs(oracle)
    first: dict[str, Any] = {"time_us": 0, "kind": "init", "event": "", "rules": [], "states": []}
    states = []
    believed: list[str] = []
    for n, step in enumerate([first, *steps]):
        believed = step["states"] or believed
        states.append(
            {
                "#meta": {"index": n},
                "time_us": {"#bigint": str(step.get("t", 0))},
                "kind": step["kind"],
                "event": step["text"] if n else "",
                "rules": step["rules"],
                "state": {"#set": sorted(believed)},
                "refused": _refused_at(oracle, n, len(steps)),
            }
        )
    meta = {
        "format": "ITF",
        "format-description": "https://apalache.informal.systems/docs/adr/015adr-trace.html",
        "source": title or (header.case.id if header.case is not None else ""),
        "description": f"wireproof trace of {header.target or 'a target'}, profile {header.profile}, "
        f"specification {oracle.machine.spec_hash}",
        "status": "violation" if oracle.refusal is not None else "ok",
        "varTypes": {
            "time_us": "Int",
            "kind": "Str",
            "event": "Str",
            "rules": "Seq(Str)",
            "state": "Set(Str)",
            "refused": "Str",
        },
    }
    return json.dumps({"#meta": meta, "params": [], "vars": list(VARIABLES), "states": states}, indent=1) + "\n"


def _refused_at(oracle: Oracle, n: int, steps: int) -> str:
    refusal = oracle.refusal
    return f"{refusal.rule}: {refusal.text}" if refusal is not None and n == steps else ""


def mermaid(header: Header, oracle: Oracle, title: str = "") -> str:
    """The trace as a Mermaid sequence diagram: user, host, tester."""
    named = title or (header.case.id if header.case is not None else "a trace")
    out = ["sequenceDiagram", f"  title {_escaped(named)}"]
    out += [
        "  participant U as user",
        f"  participant H as {_escaped(header.target or 'host')}",
        "  participant T as tester",
    ]
    before: list[str] = []
    steps = rungs(oracle)
    for n, step in enumerate(steps, 1):
        wrong = oracle.refusal is not None and oracle.refusal.kind != "missing" and n == len(steps)
        text = f"{step['t'] / 1e6:.3f} s  {step['text']}"
        arrow = {"rx": "T->>H", "tx": "H-xT" if wrong else "H->>T", "call": "U->>H"}[step["kind"]]
        out.append(f"  {arrow}: {_escaped(text)}")
        if step["states"] and step["states"] != before:
            before = step["states"]
            out.append(f"  Note over H: {_escaped(' or '.join(before))}")
    if oracle.refusal is not None:
        out.append(f"  Note over U,T: REFUSED by {_escaped(f'{oracle.refusal.rule}: {oracle.refusal.text}')}")
    return "\n".join(out) + "\n"


def _escaped(text: str) -> str:
    """Text that no diagram takes for its syntax."""
    return text.translate(_ENTITIES)
