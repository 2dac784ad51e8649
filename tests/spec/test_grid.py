"""The grid of RFC 9293 3.10: 145 cells, named as the RFC orders them, filled by rules of that event and state."""

from __future__ import annotations

import dataclasses

from wireproof.spec import load
from wireproof.spec.grid import cells

STATES = (
    "CLOSED",
    "LISTEN",
    "SYN-SENT",
    "SYN-RECEIVED",
    "ESTABLISHED",
    "FIN-WAIT-1",
    "FIN-WAIT-2",
    "CLOSE-WAIT",
    "CLOSING",
    "LAST-ACK",
    "TIME-WAIT",
)
CALLS = ("OPEN", "SEND", "RECEIVE", "CLOSE", "ABORT", "STATUS")


def expected() -> list[str]:
    names = [f"{c}/{s}" for c in CALLS for s in STATES]
    names += [f"SEGMENT/CLOSED/{case}" for case in ("reset", "no_ack", "ack")]
    names += [f"SEGMENT/LISTEN/step-{n}" for n in range(1, 5)]
    names += [f"SEGMENT/SYN-SENT/step-{n}" for n in range(1, 6)]
    names += [f"SEGMENT/{s}/step-{n}" for s in STATES[3:] for n in range(1, 9)]
    return [*names, "TIMEOUT/USER-TIMEOUT", "TIMEOUT/RETRANSMISSION", "TIMEOUT/TIME-WAIT-END"]


def filled(cell: str) -> list[str]:
    return next(c.rules for c in cells(load.tcp()) if c.cell == cell)


def test_the_cells_are_those_of_the_rfc() -> None:
    assert len(expected()) == len(set(expected())) == 145
    assert [c.cell for c in cells(load.tcp())] == expected()


def test_all_are_filled_by_rules_that_exist_and_are_for_that_state() -> None:
    at = {r.id: s for s, r in load.tcp().rules()}
    for c in cells(load.tcp()):
        assert c.rules, c.cell
        assert len(set(c.rules)) == len(c.rules)
        first, state = c.cell.split("/")[:2]
        for rule in c.rules:
            section = at[rule]
            if first == "TIMEOUT":
                assert (section.kind, section.subject) == ("timeout", state)
                continue
            assert state in section.states, (c.cell, rule)
            assert section.kind == ("event" if first == "SEGMENT" else "call")
            if "/step-" in c.cell:
                assert section.step == int(c.cell.rsplit("-", 1)[1])


def test_some_cells_by_hand() -> None:
    assert filled("TIMEOUT/TIME-WAIT-END") == ["tcp/time_wait_over/delete"]
    assert "tcp/sequence/unacceptable_reset" in filled("SEGMENT/ESTABLISHED/step-1")
    assert "tcp/sequence/new_incarnation" in filled("SEGMENT/TIME-WAIT/step-1")
    assert "tcp/syn_sent_reset/refused" in filled("SEGMENT/SYN-SENT/step-2")
    assert {"tcp/connect/open", "tcp/listen/open"} <= set(filled("OPEN/CLOSED"))


def test_open_is_filled_only_when_both_openings_are() -> None:
    model = load.tcp()
    active_only = [s for s in model.sections if not (s.kind == "call" and s.subject == "open_passive")]
    for c in cells(dataclasses.replace(model, sections=active_only)):
        assert bool(c.rules) != c.cell.startswith("OPEN/")


def test_a_cell_without_its_section_is_empty() -> None:
    model = load.tcp()
    rest = [s for s in model.sections if not (s.kind == "event" and s.step == 7 and "ESTABLISHED" in s.states)]
    empty = {c.cell for c in cells(dataclasses.replace(model, sections=rest)) if not c.rules}
    assert "SEGMENT/ESTABLISHED/step-7" in empty
    assert all(cell.endswith("/step-7") for cell in empty)
