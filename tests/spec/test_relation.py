"""Two backends, one meaning: the generated Python and the Z3 relation do the same from the same moment.

Configurations, events, choices and parameters are drawn at random, near the edges on purpose (test_evaluate.py). The
unit tests compare some thousands; ``make validate`` compares 100,000 (tests/spec/validate.py).
"""

from __future__ import annotations

import itertools

import pytest
import z3

from tests.spec.compiled import compiled
from tests.spec.twin import Observed, Twins, run, specification
from wireproof.reference.machine import tcp
from wireproof.spec import ir
from wireproof.spec.backends.relation import Relation, Step

SEED = 9293
COMPARISONS = 4_000


def test_both_backends_do_the_same() -> None:
    twins = Twins(SEED)
    for _ in run(twins, COMPARISONS):
        pass
    assert twins.wrong[:5] == []
    assert sum(twins.made.values()) > COMPARISONS - 50
    # What is only compared in part must stay the exception, and most rules must have been met.
    assert twins.beyond < COMPARISONS / 50
    assert len(twins.fired) > 230


def test_the_comparison_sees_a_difference() -> None:
    """A relation in which a window test has < for =< is found out, with the configuration and the event."""
    twins = Twins(SEED)
    rule = next(r for _, r in twins.model.rules() if r.id == "tcp/text/in_order")
    test = rule.guard[0].test
    assert isinstance(test, ir.Op) and test.op == "=<"
    test.op = "<"
    try:
        for _ in run(twins, 1000, [("segment", "segment", "ESTABLISHED"), ("segment", "segment", "FIN-WAIT-1")]):
            pass
    finally:
        test.op = "=<"
    assert twins.wrong
    assert "tcp/text/in_order" in twins.wrong[0]
    assert "configuration {'STATE': " in twins.wrong[0] and "event Segment(" in twins.wrong[0]


# ---- path by path ------------------------------------------------------------------------------------------------


def known_steps(twins: Twins, state: str) -> tuple[Step, Observed, object]:
    """One random segment on one random configuration, both known: the relation has one way."""
    c, p = twins.configuration(state), twins.draw.parameters()
    choices = {f: twins.draw.r.random() < 0.5 for f in twins.draw.flags}
    x = Observed(p, choices, 0, 0, 1000)
    e = twins.draw.segment(c)
    r = Relation(twins.model, merge=False, slots=4, prune=True)
    v = twins.values(c, e, x, state)
    event = twins.model.events["segment"]
    fields = {n: r.constant(s, bytes(v[f"1 {n}"]) if s == ir.OCTETS else v[f"1 {n}"]) for n, s in event.fields.items()}
    r.terms.params = {n: z3.BitVecVal(v[f"param {n}"], 64) for n in twins.model.params}
    r.terms.profiles = {n: z3.BoolVal(v[f"profile {n}"]) for n in twins.model.profiles}
    r.terms.known |= {f"1 choice {f}": z3.BoolVal(b) for f, b in choices.items()}
    r.terms.known |= {f"1 chosen {n}": z3.BitVecVal(1000, 32) for n in ("ISS",)}
    steps = [s for s in r.arrive("segment", r.known(c), fields) if not z3.is_false(z3.simplify(s.condition))]
    new = c.copy()
    tcp().arrive("segment", new, e, x)
    assert len(steps) == 1, (state, [s.rules for s in steps])
    return steps[0], x, new


@pytest.mark.parametrize(
    "state", ["CLOSED", "LISTEN", "SYN-SENT", "SYN-RECEIVED", "ESTABLISHED", "FIN-WAIT-1", "TIME-WAIT"]
)
def test_from_a_known_configuration_one_way_is_left(state: str) -> None:
    twins = Twins(SEED + 1)
    for _ in range(25):
        step, x, new = known_steps(twins, state)
        assert list(step.rules) == x.fired
        assert z3.is_true(z3.simplify(step.condition))
        after = step.after
        assert str(z3.simplify(after.values["STATE"])) == new.state  # type: ignore[attr-defined]
        assert z3.simplify(after.values["RCV.NXT"]).as_long() == new.rcv_nxt  # type: ignore[attr-defined]
        assert z3.simplify(after.values["CWND"]).as_signed_long() == new.cwnd  # type: ignore[attr-defined]


def test_a_symbolic_segment_has_every_way_that_a_known_configuration_leaves() -> None:
    """From ESTABLISHED with nothing outstanding: the ways are disjoint, cover everything, and each has a witness."""
    c = tcp().Tcp()
    c.state, c.iss, c.snd_una, c.snd_nxt, c.snd_base = "ESTABLISHED", 100, 101, 101, 101
    c.irs, c.rcv_nxt, c.rcv_prior, c.rcv_edge, c.snd_wnd, c.rcv_up = 500, 501, 501, 501 + 65535, 65535, 501
    r = Relation(specification(), "rfc5961", merge=False, slots=2, prune=True)
    steps = list(r.arrive("segment", r.known(c)))
    ways = {s.rules for s in steps}
    assert len(ways) == len(steps) > 30
    assert any("tcp/reset/challenge" in w for w in ways)
    assert any(w[-1] == "tcp/fin/no_fin" and "tcp/text/out_of_order" in w for w in ways)
    assert not any("tcp/reset/refused_passive" in w for w in ways)
    solver = z3.Solver()
    solver.add(*r.assumptions)
    assert solver.check(z3.Not(z3.Or(*[s.condition for s in steps]))) == z3.unsat
    for a, b in itertools.pairwise(steps):
        assert solver.check(a.condition) == z3.sat
        assert solver.check(a.condition, b.condition) == z3.unsat


def test_what_there_is_no_room_for_is_marked() -> None:
    """A third piece behind two holes: with two slots the step can refute nothing, with three it can."""
    c = tcp().Tcp()
    c.state, c.rcv_nxt, c.rcv_edge, c.snd_una, c.snd_nxt = "ESTABLISHED", 1, 60_000, 101, 101
    c.rcv_held = ((100, b"x" * 10), (200, b"x" * 10))
    for slots, inexact in ((2, True), (3, False)):
        r = Relation(specification(), "rfc5961", merge=False, slots=slots, prune=True)
        event = r.model.events["segment"]
        values = {"SEG.SEQ": 300, "SEG.ACK": 101, "SEG.DATA": b"x" * 10, "SEG.LEN": 10, "ACK": True}
        values |= {"SEG.CHECKSUM-OK": True, "SEG.HEADER-OK": True, "SEG.OPTIONS-OK": True}
        blank = {n: b"" if s == ir.OCTETS else 0 for n, s in event.fields.items()}
        fields = {n: r.constant(s, {**blank, **values}[n]) for n, s in event.fields.items()}
        step = next(s for s in r.arrive("segment", r.known(c), fields) if z3.is_true(z3.simplify(s.condition)))
        assert "tcp/text/out_of_order" in step.rules
        assert step.inexact is inexact


# ---- the compiler of terms -------------------------------------------------------------------------------------


def test_compiled_terms_are_the_solvers() -> None:
    """Each operation at its edges: the compiled function says what the solver says."""
    a, b = z3.BitVecs("a b", 64)
    n = z3.BitVec("n", 32)
    terms = [a + b, a - b, a * b, -a, z3.UDiv(a, b), z3.ZeroExt(32, n), z3.Extract(31, 0, a), z3.SignExt(64, a)]
    terms += [a < b, a <= b, a > b, a >= b, z3.ULT(a, b), z3.ULE(a, b), z3.If(a == b, a, b), z3.Implies(a == b, a < b)]
    run_terms = compiled(terms)
    edges = [0, 1, 2, (1 << 31), (1 << 63) - 1, 1 << 63, (1 << 64) - 1]
    for x in edges:
        for y in edges:
            values = {"a": x, "b": y, "n": x & 0xFFFFFFFF}
            known = [(a, z3.BitVecVal(x, 64)), (b, z3.BitVecVal(y, 64)), (n, z3.BitVecVal(x, 32))]
            for term, found in zip(terms, run_terms(values), strict=True):
                value = z3.simplify(z3.substitute(term, *known))
                expected = value.as_long() if z3.is_bv(value) else z3.is_true(value)
                assert found == expected, (term, x, y)
