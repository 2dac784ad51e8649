"""Mutants of the specification: what operators make, and which of them the solver calls the same."""

from __future__ import annotations

import functools
from collections import Counter
from dataclasses import replace

import pytest

from wireproof.spec import equivalence, ir
from wireproof.spec.backends.python import namespace
from wireproof.spec.backends.python_units import Units
from wireproof.spec.load import tcp
from wireproof.spec.mutate import Mutant, mutants
from wireproof.spec.rewrite import negated, stepped, text, variants
from wireproof.spec.validate import validate


@functools.cache
def made() -> dict[str, Mutant]:
    return {m.id: m for m in mutants(tcp())[0]}


def test_there_are_many_and_each_operator_is_among_them() -> None:
    found, same = mutants(tcp())
    operators = Counter(m.operator for m in found)
    assert len(found) >= 500
    wanted = {"negate", "drop-conjunct", "boundary", "drop-set", "drop-start", "drop-stop", "drop-do", "drop-send"}
    wanted |= {"state", "flag", "number", "order", "timer", "end", "connective", "drop-report", "result", "level"}
    assert wanted <= set(operators)
    assert {m.role for m in found} == {"reference", "oracle"}
    assert len({m.id for m in (*found, *same)}) == len(found) + len(same)


def test_ids_and_changes_are_the_same_each_time() -> None:
    before = [(m.id, m.what) for m in mutants(tcp())[0]]
    assert before == [(m.id, m.what) for m in mutants(tcp())[0]]


def test_the_original_is_left_as_it_was() -> None:
    units = Units(tcp()).texts
    for m in list(made().values())[::50]:
        m.model(tcp())
    assert Units(tcp()).texts == units


@pytest.mark.parametrize("mutant", sorted(made())[::60])
def test_a_mutant_differs_in_code_and_is_well_formed(mutant: str) -> None:
    m = made()[mutant]
    model = m.model(tcp())
    validate(model, after=m.id)
    assert Units(tcp()).changed(model)
    assert namespace(model)["SPEC_HASH"] == tcp().spec_hash


def test_no_mutant_begins_as_the_original_does() -> None:
    """Twice nothing is nothing: such a change is left out as the same code."""
    units = Units(tcp())
    first = [m for m in made().values() if m.id.startswith("initial/")]
    assert len(first) > 50
    assert [m.id for m in first if not units.changed(m.model(tcp()))] == []


def test_pieces_make_the_same_machine_as_the_whole() -> None:
    whole, pieces = namespace(tcp()), Units(tcp()).namespace()
    assert {k for k in whole if not k.startswith("__")} == {k for k in pieces if not k.startswith("__")}


def _less(a: int, b: int) -> ir.Op:
    return ir.Op("<", [ir.Lit(a, ir.LENGTH), ir.Lit(b, ir.LENGTH)], ir.FLAG)


def test_variants_of_a_comparison_are_its_two_sides() -> None:
    x = ir.Op("<", [ir.Var("CWND", ir.LENGTH), ir.Var("SND.WND", ir.LENGTH)], ir.FLAG)
    assert [text(v.expr) for v in variants(x)] == ["CWND =< SND.WND", "(CWND + 1) < SND.WND"]
    assert text(negated(negated(x))) == text(x)
    assert text(stepped(ir.Lit(0, ir.LENGTH), -1)) == "0 - 1"


def test_a_variant_shares_nothing_that_is_changed() -> None:
    both = ir.Op("and", [_less(1, 2), _less(3, 4)], ir.FLAG)
    before = text(both)
    assert len({text(v.expr) for v in variants(both)}) > 6
    assert text(both) == before


def test_an_order_that_means_nothing_is_called_equivalent() -> None:
    answer = equivalence.compare(tcp(), made()["order/syn_sent_ack/no_ack/1"])
    # 'not ACK' passes on, and so does an acceptable ACK: which comes first shows nowhere.
    assert answer.how == "equivalent"
    assert "syn_sent_ack" in answer.by


@pytest.mark.parametrize(
    "mutant",
    [
        "negate/syn_sent_ack/no_ack/1",
        "drop-set/close/queue_fin/1",
        "flag/listen_ack/ack_refused/1",
        "state/listen/open/1",
        "drop-stop/shut/delete/1",
        "number/syn_sent_ack/unacceptable/1",
        "timer/back_off/double/1",
    ],
)
def test_what_differs_is_never_called_equivalent(mutant: str) -> None:
    m = made().get(mutant)
    if m is None:
        m = next(x for x in made().values() if x.operator == mutant.split("/")[0])
    assert equivalence.compare(tcp(), m).how != "equivalent"


def test_octets_of_one_length_are_told_apart() -> None:
    """What is queued in another order has the same length and is not the same."""
    section = next(s for s in tcp().sections if s.name == "send")
    at = next(i for i, r in enumerate(section.rules) if r.name == "queue")
    rule = section.rules[at]
    assign = next(a for a in rule.actions if isinstance(a, ir.Assign))
    assert isinstance(assign.value, ir.Op)
    turned = replace(assign, value=replace(assign.value, args=list(reversed(assign.value.args))))
    actions = [turned if a is assign else a for a in rule.actions]
    changed = replace(section, rules=[*section.rules[:at], replace(rule, actions=actions), *section.rules[at + 1 :]])
    m = Mutant("x", "x", rule.id, rule.span, "", "reference", False, changed)
    assert equivalence.compare(tcp(), m).how == "different"
