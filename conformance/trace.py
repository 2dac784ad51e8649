"""Trace files (``.wpt``): what was seen in one test, to be kept, handed in, judged again, and looked at elsewhere.

A trace is JSON lines: a header, one line for each step, and a last line that tells how many there were. Times are
microseconds on the target's clock, octets are hexadecimal. A step is a datagram that went to the host (``rx``) or
came from it (``tx``), a call and what it returned, or a ``tick``: up to here nothing else was seen. Ticks with
``quiet`` say that everything that the host gives at once had been seen. In a trace that has none, that is taken to
be so after each stimulus and what was sent at the same time.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal

from wireproof.conformance import pcap
from wireproof.conformance.oracle import Oracle, Step, Verdict
from wireproof.conformance.testcase import TestCase
from wireproof.conformance.tester import Report, Settings
from wireproof.conformance.trace_reader import VERSION, Header, Trace, TraceError, read
from wireproof.reference import machine as machines
from wireproof.reference.machine import Machine

__all__ = [
    "Header",
    "Trace",
    "TraceError",
    "header_of",
    "read",
    "recorded",
    "rejudge",
    "save",
    "to_pcapng",
    "verdict",
    "write",
]


# ---- writing ------------------------------------------------------------------------------------------------------


def recorded(oracle: Oracle) -> list[Step]:
    """What an oracle saw, with a tick for each time that it judged silence."""
    out: list[Step] = []
    begin = 0
    for end, now, at_once in oracle.passes:
        out += oracle.steps[begin:end]
        out.append(Step(now, "tick", at_once=at_once))
        begin = end
    return out + oracle.steps[begin:]


def header_of(report: Report, settings: Settings, case: TestCase | None, target: str, suite: str, seed: int) -> Header:
    """The header for what a test found."""
    oracle, refusal = report.oracle, report.refusal
    assert oracle is not None
    return Header(
        local=oracle.local,
        profile=settings.profile,
        slack_us=settings.slack,
        params=dict(settings.params),
        target=target,
        spec_hash=settings.machine.spec_hash,
        suite=suite,
        case=case,
        seed=seed,
        verdict=report.verdict,
        rule=refusal.rule if refusal is not None else "",
        kind=refusal.kind if refusal is not None else "",
        text=refusal.text if refusal is not None else report.reason,
        ids=list(case.ids) if case is not None else [],
    )


def save(
    path: Path,
    report: Report,
    settings: Settings,
    *,
    case: TestCase | None = None,
    target: str = "",
    suite: str = "",
    seed: int = 0,
) -> None:
    """Write what a test saw and found. Raises OSError."""
    if report.oracle is None:
        raise ValueError("a test that has seen nothing leaves no trace")
    write(path, header_of(report, settings, case, target, suite, seed), recorded(report.oracle))


def write(path: Path, header: Header, steps: Iterable[Step]) -> None:
    """Write a trace. Raises OSError."""
    first = {"wpt": VERSION, **asdict(header), "family": header.family, "local": header.local.hex()}
    lines = [first, *(_line(i, s) for i, s in enumerate(steps, 1))]
    lines.append({"end": True, "steps": len(lines) - 1})
    path.write_text("".join(json.dumps(x, separators=(",", ":")) + "\n" for x in lines), "utf-8")


def _line(i: int, step: Step) -> dict[str, Any]:
    out: dict[str, Any] = {"i": i, "t": step.time, "kind": step.kind}
    if step.kind == "tick":
        return out | {"quiet": True} if step.at_once else out
    if step.call is not None:
        h, fn, args, result = step.call
        shown = {k: [v[0].hex(), v[1]] if isinstance(v, tuple) else _hex(v) for k, v in args.items()}
        out["call"] = {"h": h, "fn": fn, "args": shown, "result": {"kind": result.kind, "value": _hex(result.value)}}
    else:
        out["frame"] = step.packet.hex()
    return out | {"rules": list(step.rules), "states": list(step.states)}


def _hex(v: Any) -> Any:
    return v.hex() if isinstance(v, bytes) else v


# ---- judging again ------------------------------------------------------------------------------------------------


def rejudge(trace: Trace, machine: Machine | None = None) -> Oracle:
    """An oracle of today's specification that has seen the trace. Raises TraceError when it cannot judge it."""
    return _judged(trace, machine)[0]


def verdict(oracle: Oracle) -> Verdict:
    """What an oracle that has seen everything says."""
    if oracle.refusal is None:
        return "pass"
    return "inconclusive" if oracle.lossy else "fail"


def _judged(trace: Trace, machine: Machine | None) -> tuple[Oracle, int | None]:
    """The oracle, and which of its steps it refused or missed something after."""
    header = trace.header
    machine = machine or machines.tcp()
    try:
        known = machine.params(header.profile)
    except KeyError:
        raise TraceError(
            f"{trace.path}:1: profile '{header.profile}' is not known; write one that `wireproof spec show` lists"
        ) from None
    if unknown := [name for name in header.params if not hasattr(known, name)]:
        raise TraceError(f"{trace.path}:1: 'params' names unknown parameters ({', '.join(unknown)}); leave them out")
    oracle = Oracle(machine, header.local, header.profile, slack=header.slack_us, **header.params)  # type: ignore[arg-type]
    refused: int | None = None
    for step in _with_quiet(trace.steps):
        if step.call is not None:
            h, fn, args, result = step.call
            oracle.call(h, fn, args, result, step.time)
        elif step.kind == "rx":
            oracle.rx(step.packet, step.time)
        elif step.kind == "tx":
            oracle.tx(step.packet, step.time)
        elif step.at_once:
            oracle.quiet(step.time)
        else:
            oracle.advance(step.time)
        if refused is None and oracle.refusal is not None:
            refused = len(oracle.steps) - 1
    oracle.finish()
    return oracle, refused


def _with_quiet(steps: list[Step]) -> Iterator[Step]:
    """The steps; where no tick tells it, what is given at once ends with what was sent at a stimulus's own time."""
    if any(s.at_once for s in steps):
        yield from steps
        return
    since: int | None = None
    for step in steps:
        if since is not None and (step.kind != "tx" or step.time != since):
            yield Step(since, "tick", at_once=True)
            since = None
        yield step
        if step.kind in ("rx", "call"):
            since = step.time
    if since is not None:
        yield Step(since, "tick", at_once=True)


def to_pcapng(trace: Trace, path: Path, machine: Machine | None = None) -> None:
    """Write the datagrams of a trace as a capture, each with the rules that explain it, judged today. Raises
    TraceError and OSError."""
    oracle, refused = _judged(trace, machine)
    refusal = oracle.refusal
    # What was missing is told at the last datagram before.
    marked = refused
    while marked is not None and marked >= 0 and not oracle.steps[marked].packet:
        marked -= 1
    packets: list[tuple[int, Literal["in", "out"], bytes, str]] = []
    for i, step in enumerate(oracle.steps):
        if not step.packet:
            continue
        comment = " ".join([*dict.fromkeys(step.rules)])
        if step.states:
            comment += f" -> {' or '.join(step.states)}"
        if refusal is not None and i == marked:
            comment = f"{comment}\n" if comment and refusal.kind in ("missing", "result") else ""
            comment += f"REFUSED {refusal.rule}: {refusal.text}"
        elif refusal is not None and refused is not None and i > refused:
            comment = "after the refusal, not judged"
        packets.append((step.time, "in" if step.kind == "rx" else "out", step.packet, comment.strip()))
    pcap.write(path, packets)
