"""What the solver says of a specification is so: its terms mean what the interpreter says, its witnesses hold.

Three readers of one guard are set against each other: the solver's terms, the interpreter, and, for small
specifications, a person.
"""

from __future__ import annotations

import copy
import random
from typing import Any

import pytest
import z3

from tests.spec.witness import Env, values_of
from wireproof.spec import check as checker
from wireproof.spec import ir, load
from wireproof.spec.backends.z3_terms import Z3Terms
from wireproof.spec.check import check
from wireproof.spec.diagnostics import Diagnostic
from wireproof.spec.evaluate import evaluate, holds
from wireproof.spec.expressions import walk
from wireproof.spec.source import Source

HEAD = """machine toy
  means "A toy."
enum state = IDLE | BUSY
profile base
  means "Base."
profile extra includes base
  means "More."
event segment
  field SEG.SEQ : seq32
  field SEG.WND : length
  field SEG.DATA : octets
  field SEG.LEN : length
  field RST : flag
  field ACK : flag
  field SYN : flag
  field FIN : flag
event output
  field OUT.SEQ : seq32
var STATE : state = IDLE
var NXT : seq32 = 0
var TRIES : count = 0
var ROOM : length = 0
var DATA : octets = empty
var HELD : reassembly = empty
timer T
function span(low: seq32, high: seq32) : length = if low < high then high - low else 0
"""

IDLE = "\non segment in IDLE named idle\n"


def toy(body: str) -> ir.Model:
    return load.load_sources([Source("toy.wire", HEAD + body)])


def rules(*guards: str, head: str = IDLE) -> str:
    """A section of rules a, b, c... with these clauses before 'drop'."""
    return head + "".join(f"rule {name}\n  {g}\n  drop\n" for name, g in zip("abcdefgh", guards, strict=False))


def findings(body: str) -> list[Diagnostic]:
    return check(toy(body))[0]


def codes(body: str) -> list[str]:
    return [d.code for d in findings(body)]


# ---- the interpreter as the second reader ------------------------------------------------------------------------


def witness_of(d: Diagnostic) -> dict[str, Any]:
    assert d.code == "unhandled"
    return values_of(d.text.split(" holds when ", 1)[1])


# ---- what is refused, and where ----------------------------------------------------------------------------------


def test_a_sound_section_has_no_finding() -> None:
    found, figures = check(toy(rules("when RST", "when ACK", "otherwise")))
    assert found == []
    assert (figures["sections"], figures["total"], figures["rules"], figures["reachable"]) == (1, 1, 3, 3)


def test_swapping_two_rules_makes_one_unreachable() -> None:
    special, general = "when RST and not ACK", "when RST"
    assert codes(rules(special, general, "otherwise")) == []
    (found,) = findings(rules(general, special, "otherwise"))
    assert found.code == "unreachable-rule"
    assert "'b'" in found.text and "'a' stands before it" in found.text
    assert found.cause is not None
    assert found.cause.source.line(found.cause.line) == "rule a"
    assert found.span.source.line(found.span.line) == "rule b"


def test_rules_that_cover_only_together_are_all_named_and_no_other() -> None:
    (found,) = findings(rules("when ROOM = 77", "when RST", "when SYN", "when not RST", "when ACK"))
    assert found.code == "unreachable-rule"
    assert "'b' and 'd' before it, together," in found.text
    assert found.cause is not None and found.cause.source.line(found.cause.line) == "rule b"


def test_conditions_that_exclude_each_other() -> None:
    (found,) = findings(rules("when RST and not RST", "otherwise"))
    assert "its conditions exclude each other" in found.text and found.cause is None


def test_a_rule_that_the_states_of_its_section_exclude() -> None:
    assert codes(rules("when STATE = BUSY", "otherwise")) == ["unreachable-rule"]


def test_the_end_of_file_is_no_catch_all() -> None:
    (found,) = findings(rules("when RST", "when ACK"))
    assert witness_of(found) == {"STATE": "IDLE", "RST": False, "ACK": False}
    assert found.span.source.line(found.span.line) == "on segment in IDLE named idle"


def test_a_window_test_with_a_gap_at_its_edge() -> None:
    """Checked by hand: what is neither below nor above 100 is 100."""
    (found,) = findings(rules("when SEG.WND < 100", "when SEG.WND > 100"))
    assert witness_of(found) == {"STATE": "IDLE", "SEG.WND": 100}


def test_the_antipode_is_neither_before_nor_after_nor_the_same() -> None:
    (found,) = findings(rules("when SEG.SEQ < NXT", "when NXT < SEG.SEQ", "when NXT = SEG.SEQ"))
    assert witness_of(found) == {"STATE": "IDLE", "NXT": 0, "SEG.SEQ": 2**31}


def test_the_witness_has_the_least_values_and_none_to_spare() -> None:
    """Checked by hand: 0, 1 and 2 leave a remainder below 3; RST is of no account."""
    (found,) = findings(rules("when ROOM mod 7 < 3", "when SEG.WND > ROOM and RST", "when TRIES = 0"))
    assert witness_of(found) == {"STATE": "IDLE", "ROOM": 3, "SEG.WND": 0, "TRIES": 1}


def test_the_witness_does_not_hang_on_what_was_asked_before() -> None:
    """The solver's own answers do: they change with every term that the process has made."""
    body = rules("when ROOM * 3 < SEG.WND + 7 and NXT < SEG.SEQ", "when len(DATA) > ROOM", "when TRIES * 5 < 3")
    texts = set()
    for n in range(6):
        texts.add(findings(body)[0].text)
        findings(rules(*(f"when ROOM > {n * k} and NXT < SEG.SEQ + {k}" for k in (9, 5, 3)), "otherwise"))
    assert len(texts) == 1


def test_the_witness_tells_the_state() -> None:
    body = rules("when STATE = IDLE", "when RST", head="\non segment in {IDLE, BUSY} named both\n")
    (found,) = findings(body)
    assert witness_of(found) == {"STATE": "BUSY", "RST": False}


def test_the_witness_tells_profiles_and_choices() -> None:
    head = IDLE + 'choose free in flag\n  note "Open."\n'
    (found,) = findings(rules("supports extra\n  when SEG.WND = SEG.WND", "when free", head=head))
    assert witness_of(found) == {"STATE": "IDLE", "free": False, "profile extra": False}


def test_a_profile_brings_those_it_includes() -> None:
    assert codes(rules("supports extra\n  without base\n  when RST", "otherwise")) == ["unreachable-rule"]
    assert codes(rules("supports base\n  when RST", "supports extra\n  when RST", "otherwise")) == ["unreachable-rule"]
    assert codes(rules("supports extra\n  when RST", "supports base\n  when RST", "otherwise")) == []


def test_the_length_of_a_segment_counts_syn_and_fin() -> None:
    assert codes(rules("when SYN and SEG.LEN = 0", "otherwise")) == ["unreachable-rule"]
    assert codes(rules("when SYN and FIN and SEG.LEN = 2 and len(SEG.DATA) = 0", "otherwise")) == []
    assert codes(rules("when SEG.LEN > 65535", "otherwise")) == ["unreachable-rule"]


def test_permissions_and_laws_stand_each_for_itself() -> None:
    may = "\nmay send named offer\n" + "".join(
        f"rule {n}\n  when {g}\n  send <SEQ=NXT><CTL=RST>\n" for n, g in (("a", "ROOM > 0"), ("b", "ROOM > 1"))
    )
    assert codes(may) == []
    assert codes(may.replace("ROOM > 1", "ROOM < 0")) == ["unreachable-rule"]
    law = "\nevery send named laws\nrule a\n  when ROOM > 0\n  require low: ROOM < 9\n"
    assert codes(law) == []
    assert codes(law.replace("ROOM > 0", "ROOM > 0 and ROOM = 0")) == ["unreachable-rule"]


def test_procedures_and_what_follows_a_send_must_be_total() -> None:
    assert codes("\nprocedure p\nrule a\n  when ROOM > 0\n  set ROOM := 0\n") == ["unhandled"]
    assert codes("\nafter send named sent\nrule a\n  when ROOM > 0\n  set ROOM := 0\n") == ["unhandled"]


def test_an_unknown_is_a_finding_and_never_a_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checker._Section, "ask", lambda self, *_: z3.unknown)
    found, figures = check(toy(rules("when RST", "otherwise")))
    assert [d.code for d in found] == ["undecided"] * 3
    assert (figures["reachable"], figures["total"]) == (0, 0)


def test_the_solver_itself_runs_out_of_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checker, "TIMEOUT_MS", 1)
    hard = "when muldiv(ROOM, ROOM, SEG.WND) = 982451653 and ROOM mod 7919 = 17 and TRIES * ROOM mod 104729 = 3"
    assert "undecided" in codes(rules(hard, "otherwise"))


def test_check_text_asks_the_solver_too() -> None:
    assert [d.code for d in load.check_text(HEAD + rules("when RST"), "toy.wire")] == ["unhandled"]


# ---- terms: what a length cannot tell, and arithmetic that must not wrap -----------------------------------------

IMPOSSIBLE = {
    "a product of a count and a length": "when TRIES * ROOM < 0",
    "more octets behind a bound than there are": "when len(DATA[ROOM - 5 ..]) > len(DATA)",
    "a slice of less than nothing": "when len(DATA[5 .. 3]) > 0",
    "a part larger than the whole": "when len(part(DATA, NXT, NXT, SEG.SEQ)) > len(DATA)",
    "half of a difference below zero": "when (ROOM - SEG.WND) / 2 > ROOM",
    "a remainder below zero": "when (ROOM - SEG.WND) mod 8 < 0",
    "a proportion that does not fit in 64 bits": "when muldiv(ROOM, 1073741824, 1073741824) /= ROOM",
    "equal octets of different length": "when SEG.DATA = DATA and len(SEG.DATA) /= len(DATA)",
    "octets that are not themselves": "when DATA /= DATA",
    "one term with two lengths": "when len(ready(HELD, NXT)) = 1 and len(ready(HELD, NXT)) = 2",
    "a span backwards": "when span(NXT, SEG.SEQ) > 0 and span(SEG.SEQ, NXT) > 0",
}
POSSIBLE = {
    "a difference below zero": "when ROOM - SEG.WND < 0",
    "octets of one length that differ": "when len(SEG.DATA) = len(DATA) and SEG.DATA /= DATA",
    "terms that differ": "when len(ready(HELD, NXT)) = 1 and len(ready(HELD, SEG.SEQ)) = 2",
    "a timer that runs": "when running(T)",
}


@pytest.mark.parametrize("clauses", IMPOSSIBLE.values(), ids=IMPOSSIBLE.keys())
def test_what_cannot_be_is_not_reachable(clauses: str) -> None:
    assert codes(rules(clauses, "otherwise")) == ["unreachable-rule"]


@pytest.mark.parametrize("clauses", POSSIBLE.values(), ids=POSSIBLE.keys())
def test_what_can_be_is_reachable(clauses: str) -> None:
    assert codes(rules(clauses, "otherwise")) == []


@pytest.mark.parametrize(
    ("guard", "found"),
    [("x = 0", ["unreachable-rule"]), ("y = x", ["unreachable-rule"]), ("x = 65535", [])],
)
def test_a_let_is_what_it_stands_for(guard: str, found: list[str]) -> None:
    lets = "let x = SEG.WND + 1\nlet y = x + 1\n"
    assert codes(lets + rules(f"when {guard}", "when not SYN", "otherwise")) == found


def test_octets_of_one_length_are_not_taken_for_the_same() -> None:
    """The second rule is reached: the octets may differ."""
    assert codes(rules("when SEG.DATA = DATA", "when len(SEG.DATA) = len(DATA)", "otherwise")) == []


def test_terms_are_told_apart_however_long_they_are() -> None:
    """Two terms that differ only at the end of a long chain: as Z3 prints them in short, they would be one."""

    def chain(name: str, last: int) -> str:
        lets = [f"let {name}0 = if RST then 1 else {last}"]
        for n in range(1, 40):
            lets.append(f"let {name}{n} = if SEG.WND > {n} then {name}{n - 1} + {n} else {n}")
        return "\n".join(lets) + "\n"

    guard = "when len(ready(HELD, NXT + x39)) = 1 and len(ready(HELD, NXT + y39)) = 2"
    assert codes(chain("x", 2) + chain("y", 3) + rules(guard, "otherwise")) == []


# ---- the whole specification of TCP ------------------------------------------------------------------------------


def draw(r: random.Random, term: Any, near: int) -> Any:
    """A value of the sort of a variable, near an edge."""
    if z3.is_bool(term):
        return r.random() < 0.5
    if term.sort_kind() == z3.Z3_BV_SORT:
        if term.size() == 32:
            return (near + r.choice((0, 0, 1, 2, -1, 536, 65535, 1 << 31, (1 << 31) - 1))) % 2**32
        return r.choice((0, 0, 1, 2, 3, 535, 536, 1460, 65535, 10**6, 120_000_000))
    return r.choice([term.sort().constructor(n).name() for n in range(term.sort().num_constructors())])


def opaque(e: ir.Expr, model: ir.Model) -> bool:
    """Does it hang on contents of octets, of which the solver knows only the number?"""
    for x in walk(e):
        if isinstance(x, ir.Abbrev) and opaque(model.abbreviations[x.name].value, model):
            return True
        if isinstance(x, ir.Op) and x.op in ("part", "hold", "ready", "beyond"):
            return True
    return False


def test_the_terms_of_guards_are_what_the_interpreter_says() -> None:
    """Every conjunct of the specification, at random points near the edges: the two readings agree."""
    model, r = load.tcp(), random.Random(9293)
    seen = {True: 0, False: 0}
    conjuncts = [c.test for _, rule in model.rules() for c in (*rule.guard, *rule.requires)]
    for test in conjuncts:
        if opaque(test, model):
            continue
        terms = Z3Terms(model)
        term = terms.of(test)
        for _ in range(6):
            near = r.choice((0, 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF))
            drawn = {name: draw(r, v, near) for name, v in terms.known.items()}
            pairs = [(v, literal(v, drawn[name])) for name, v in terms.known.items()]
            told = z3.is_true(z3.simplify(z3.substitute(term, *pairs)))
            env = Env(model, {terms.shown[n]: v for n, v in drawn.items()})
            assert told == bool(evaluate(test, env)), (test.span, drawn)
            seen[told] += 1
    assert min(seen.values()) > 300


def literal(term: Any, value: Any) -> Any:
    if z3.is_bool(term):
        return z3.BoolVal(value)
    if term.sort_kind() == z3.Z3_BV_SORT:
        return z3.BitVecVal(value, term.size())
    makers = [term.sort().constructor(n) for n in range(term.sort().num_constructors())]
    return next(c() for c in makers if c.name() == value)


@pytest.mark.slow
def test_the_specification_of_tcp_is_total_and_every_rule_is_reached() -> None:
    """With its witnesses read back: in each of them the interpreter takes that rule, and none before it."""
    model = load.tcp()
    found, figures = check(model, witnesses=True)
    assert found == []
    assert figures["reachable"] == figures["rules"] == len(model.rules())
    assert figures["total"] == sum(s.kind in checker.DECIDING for s in model.sections)
    for section in model.sections:
        for n, rule in enumerate(section.rules):
            env = Env(model, values_of(figures["witnesses"][rule.id]))
            assert env.variable("STATE") in section.states
            assert holds(rule, env), (rule.id, env.values)
            if section.kind in checker.DECIDING:
                earlier = [e.id for e in section.rules[:n] if holds(e, env)]
                assert earlier == [], (rule.id, env.values)


@pytest.mark.parametrize("name", ["tcp/sequence/acceptable", "tcp/reset/challenge", "tcp/urgent/announced"])
def test_without_a_rule_its_section_has_a_hole_or_falls_to_another(name: str) -> None:
    """Removing a rule from the specification is either noticed, with a true witness, or taken up by a later rule."""
    model = copy.deepcopy(load.tcp())
    (section,) = (s for s, r in model.rules() if r.id == name)
    section.rules = [r for r in section.rules if r.id != name]
    model.sections = [section]
    for d in check(model)[0]:
        env = Env(model, witness_of(d))
        assert not any(holds(r, env) for r in section.rules)


def test_losing_otherwise_is_noticed_wherever_it_stands() -> None:
    """Each section that ends with 'otherwise' needs it: without it there is a hole, and its witness is one."""
    model = load.tcp()
    sections = [s for s in model.sections if s.kind in checker.DECIDING and len(s.rules) > 1]
    sections = [s for s in sections if not s.rules[-1].guard and not s.rules[-1].supports + s.rules[-1].without]
    assert len(sections) > 30
    for section in sections:
        short = copy.copy(section)
        short.rules = section.rules[:-1]
        one = copy.copy(model)
        one.sections = [short]
        (found,) = check(one)[0]
        env = Env(model, witness_of(found))
        assert not any(holds(r, env) for r in short.rules), (section.name, env.values)


@pytest.mark.parametrize(
    ("section", "covered", "by"),
    [
        ("syn_sent_ack", "unacceptable_reset", "unacceptable"),
        ("syn_sent_reset", "refused", "reset_without_ack"),
        ("syn_sent_syn", "established", "simultaneous_open"),
        ("syn_sent_syn", "simultaneous_open", "no_syn"),
    ],
)
def test_swapping_two_rules_of_syn_sent_is_noticed(section: str, covered: str, by: str) -> None:
    """The order of RFC 9293 3.10.7.3 is in the order of the rules."""
    model = copy.copy(load.tcp())
    swapped = copy.copy(next(s for s in model.sections if s.name == section))
    names = [r.name for r in swapped.rules]
    i, j = names.index(covered), names.index(by)
    assert i < j
    swapped.rules = list(swapped.rules)
    swapped.rules[i], swapped.rules[j] = swapped.rules[j], swapped.rules[i]
    model.sections = [swapped]
    (found,) = check(model)[0]
    assert f"'{covered}' is never reached: '{by}' stands before it" in found.text


@pytest.mark.parametrize(
    ("syn", "ack", "rule"), [(True, True, "established"), (True, False, "simultaneous_open"), (False, True, "no_syn")]
)
def test_by_hand_one_rule_of_the_synchronizing_step_holds(syn: bool, ack: bool, rule: str) -> None:
    """What a person reads in RFC 9293 3.10.7.3, fourth step: with our SYN acknowledged, or not, or no SYN at all."""
    model = load.tcp()
    (section,) = (s for s in model.sections if s.name == "syn_sent_syn")
    values = {"STATE": "SYN-SENT", "SYN": syn, "ACK": ack, "SEG.LEN": int(syn)}
    env = Env(model, values | {"ISS": 10, "SND.UNA": 10, "SND.NXT": 11, "SEG.ACK": 11, "SEG.SEQ": 77})
    assert next(r.name for r in section.rules if holds(r, env)) == rule
