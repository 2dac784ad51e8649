"""What nothing can cover is proved so, and nothing that can be covered ever is."""

from __future__ import annotations

import pytest

from wireproof.conformance import purpose_table
from wireproof.spec.load import tcp
from wireproof.spec.prove import Key, everywhere
from wireproof.spec.purposes import Purpose, purposes
from wireproof.spec.transitions import Moment, moments
from wireproof.spec.unreachable import Refuter, concerned

MODEL = tcp()
ALL = {p.id: p for p in purposes(MODEL)}
KNOWN: frozenset[Key] = frozenset(
    [*everywhere(MODEL), *((n, i) for n, c in MODEL.invariants.items() for i in range(len(c.holds)))]
)
BUDGET_MS = 20_000


def possible(moment: Moment, *ids: str, known: frozenset[Key] = KNOWN) -> list[str]:
    refuter = Refuter(MODEL, moment, known, BUDGET_MS)
    return [refuter.possible(ALL[i]) for i in ids]


def test_no_timer_runs_without_a_connection() -> None:
    """By an invariant; without it the solver has a configuration in which one does."""
    here = Moment("time", "", "LISTEN")
    wanted = "timer/OVERRIDE-SWS/LISTEN/ends"
    assert possible(here, wanted) == ["never"]
    assert possible(here, wanted, known=frozenset()) == ["perhaps"]


def test_both_sides_of_an_acknowledgment_can_be_met() -> None:
    here = Moment("segment", "", "SYN-RECEIVED")
    edges = [f"edge/tcp/syn_received_ack/established/1/{s}" for s in ("-1", "0", "+1")]
    assert possible(here, *edges) == ["perhaps"] * 3


def test_a_rule_is_not_considered_where_its_section_is_not() -> None:
    assert possible(Moment("segment", "", "SYN-SENT"), "rule/tcp/sequence/acceptable") == ["never"]


@pytest.mark.parametrize("moment", [m for m in moments(MODEL) if m.state == "SYN-SENT" and m.kind != "output"], ids=str)
def test_what_a_test_covers_is_never_refuted(moment: Moment) -> None:
    """Every rule that some test makes fire in this state is possible in one of its moments. The refuter may say so of
    too much; of too little it must not."""
    covered = {e.purpose for e in purpose_table.read() if e.status == "covered"}
    here = [
        ALL[f"rule/{r.id}"]
        for s, r in MODEL.rules()
        if s.kind == ("event" if moment.kind in MODEL.events else moment.kind)
        and s.subject == (moment.subject or moment.kind)
        and s.states == [moment.state]
        and f"rule/{r.id}" in covered
    ]
    refuter = Refuter(MODEL, moment, KNOWN, BUDGET_MS)
    assert [p.id for p in here if refuter.possible(p) == "never"] == []


def test_cells_and_requirements_are_not_for_proofs() -> None:
    kinds = {p.kind for p in concerned([Purpose("cell/x", "cell"), *ALL.values()])}
    assert kinds == {"rule", "conjunct", "edge", "timer"}
