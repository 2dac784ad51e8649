"""Two targets under the same tests: what counts as a difference, and who is blamed."""

from __future__ import annotations

import pytest

from wireproof.conformance import catalogue, suite, target_diff
from wireproof.conformance.testcase import TestCase as Case
from wireproof.conformance.tester import Report

SYN_ACK = {"seg": "SYN,ACK", "mss": 1460}
OPEN = {"call": "open_active", "h": 1}


def cases(*ids: str) -> list[Case]:
    return [c for c in suite.load() if c.id.startswith(ids)]


def compare(a: str, b: str, chosen: list[Case]) -> target_diff.Comparison:
    return target_diff.compare(catalogue.find(a), catalogue.find(b), chosen)


def test_a_target_is_like_itself() -> None:
    chosen = cases("tcp/reset/", "tcp/sequence/established")
    found = compare("ref", "ref", chosen)
    assert len(found.agree) == len(chosen) > 20
    assert not found.differ
    assert not found.undecided


def test_the_wrong_one_is_blamed_by_its_rule() -> None:
    chosen = cases("tcp/sequence/established/unacceptable_reset")
    found = compare("ref", "mutant:rst-answered", chosen)
    assert found.differ
    first = found.differ[0]
    assert (first.blame, first.rules) == ("B wrong", ("", "tcp/sequence/unacceptable_reset"))
    assert (first.a, first.b) == ("nothing", "ACK seq=1 ack=1")
    assert first.stimulus.startswith("rcv RST")
    swapped = compare("mutant:rst-answered", "ref", chosen).differ[0]
    assert (swapped.blame, swapped.a, swapped.b) == ("A wrong", first.b, first.a)


def test_both_can_be_wrong() -> None:
    text, reset = {"seg": "PSH,ACK", "len": 5}, {"seg": "RST", "seq": ["RCV.NXT", -1]}
    case = Case("both", [OPEN, SYN_ACK, text, {"wait": 700_000}, reset])
    found = compare("mutant:rst-answered", "mutant:ack-forgotten", [case])
    (one,) = found.differ
    assert one.blame == "both wrong"
    assert one.rules[0] == "tcp/sequence/unacceptable_reset" != one.rules[1]
    assert compare("mutant:rst-answered", "mutant:rst-answered", [case]).agree == ["both"]


def test_shortest_first() -> None:
    found = compare("ref", "mutant:rst-answered", cases("tcp/sequence/"))
    assert [d.step for d in found.differ] == sorted(d.step for d in found.differ)


@pytest.mark.parametrize(
    ("a", "b", "blame"),
    [
        ("pass", "pass", "both allowed"),
        ("fail", "fail", "both wrong"),
        ("fail", "pass", "A wrong"),
        ("pass", "fail", "B wrong"),
        ("inconclusive", "pass", "undecided"),
        ("fail", "inconclusive", "undecided"),
    ],
)
def test_blame(a: str, b: str, blame: str) -> None:
    assert target_diff.blame(Report(a), Report(b)) == blame  # type: ignore[arg-type]


def test_a_test_without_an_answer_is_neither_alike_nor_different(monkeypatch: pytest.MonkeyPatch) -> None:
    case = Case("x", [OPEN])
    reports = iter([{"x": Report("error", reason="IutError: gone")}, target_diff.run(catalogue.find("ref"), [case])])
    monkeypatch.setattr(target_diff, "run", lambda *_: next(reports))
    found = compare("ref", "ref6", [case])
    assert found.undecided == [("x", "A: IutError: gone")]
    assert not found.agree
    assert not found.differ


def test_a_difference_on_a_wall_clock_must_be_there_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Once only: what differed the first time is undecided, not a difference."""
    case = Case("x", [OPEN, SYN_ACK])
    other = Case("x", [OPEN, SYN_ACK, {"seg": "PSH,ACK", "len": 5}])
    ref = catalogue.find("ref")
    same, different = target_diff.run(ref, [case]), target_diff.run(ref, [other])
    order = iter([same, different, same, same])
    monkeypatch.setattr(target_diff, "run", lambda *_: next(order))
    found = target_diff.compare(ref, catalogue.find("linux"), [case])
    assert not found.differ
    assert [i for i, _ in found.undecided] == ["x"]


def test_numbers_do_not_depend_on_what_was_chosen_at_random() -> None:
    """The same test at another time has another initial sequence number, and looks the same."""
    late = target_diff.run(catalogue.find("ref"), [Case("x", [{"wait": 5_000_000}, OPEN, SYN_ACK])])["x"]
    early = target_diff.run(catalogue.find("ref"), [Case("x", [{"wait": 1}, OPEN, SYN_ACK])])["x"]
    assert late.oracle is not None
    assert early.oracle is not None
    seen = [next(s.packet for s in r.steps if s.kind == "tx") for r in (late.oracle, early.oracle)]
    assert seen[0] != seen[1]
    assert target_diff.diverge(Case("x", []), late, early) is None


@pytest.mark.root
def test_the_kernel_against_the_reference() -> None:
    """Every difference has a side: allowed, or the kernel's; the reference is never to blame."""
    found = compare("ref", "linux", cases("tcp/listen_syn/", "tcp/reset/established"))
    assert len(found.agree) > 5
    assert {d.blame for d in found.differ} <= {"both allowed", "B wrong", "undecided"}
