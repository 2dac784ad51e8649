"""The claims of the specification hold while its rules run: over the suite, in the reference and in the oracle.

No proof: a claim that no step ever asks, or one that is false, would not be noticed here if it were not looked for, so
both are: every claim must have had something to say, and false claims, which exist only in this file, must be refuted.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import pytest

from wireproof.conformance import suite
from wireproof.conformance.claims import Breach, Claims, Watching
from wireproof.conformance.session import Program, Session, TestProgram
from wireproof.conformance.targets.reference import ReferenceTarget
from wireproof.conformance.testcase import TestCase as Case
from wireproof.conformance.tester import Settings, run_case
from wireproof.reference import machine
from wireproof.spec import ir, load
from wireproof.spec.source import Source

CASES = suite.load()
MODEL = load.tcp()

OTHER_PROFILES = {"blind_reset_does_not_close", "blind_syn_does_not_close", "only_sending_moves_the_edge"}
"""Claims that not every profile has."""
RARE = {"acceptable_text_needs_a_window", "antipode_is_neither"}
"""Theorems whose conditions few cases of the suite meet; test_claims.py of the specification asks them."""

FALSE = """
invariant nothing_is_outstanding
  holds SND.UNA = SND.NXT
invariant never_closing
  in {CLOSING, LAST-ACK}
  holds not SND.FIN
property right_edge_never_moves
  on every step
  in ESTABLISHED
  then before(RCV.EDGE) = RCV.EDGE
property windows_only_shrink
  on segment
  in ESTABLISHED
  then smaller: SND.WND =< before(SND.WND)
property every_segment_is_acknowledged
  on segment
  in ESTABLISHED
  then owed: running(ACKNOWLEDGE) or running(DUPLICATE-ACK)
property nothing_is_taken
  on call send
  in ESTABLISHED
  then RET.COUNT < len(CALL.DATA)
property retransmission_does_not_back_off
  on timeout RETRANSMISSION
  in SYN-SENT
  then RTO = before(RTO)
theorem every_segment_is_acceptable
  for segment
  holds acceptable
"""


@dataclass(slots=True)
class Planned:
    """A case as a program."""

    id: str
    case: Case
    settings: Settings

    def start(self, session: Session) -> TestProgram:
        return run_case(self.case, session, self.settings)


class Passing:
    """What must come of each case: claims look on, and change nothing."""

    def finished(self, program: Program, result: Any, error: BaseException | None) -> None:
        assert error is None, f"{program.id}: {error!r}"
        assert result.verdict == "pass", program.id


def watch(claims: Claims, cases: Iterable[Case], profile: str = "rfc5961", oracle: bool = False) -> None:
    """Run cases on the reference; ``claims`` look at its steps, or at all that the oracle takes into account."""
    watching = Watching(machine.tcp(), claims)
    settings = Settings(watching if oracle else machine.tcp(), profile)
    target = ReferenceTarget(machine=None if oracle else watching, profile=profile)
    target.run([Planned(c.id, c, settings) for c in cases], Passing())


@functools.cache
def rewritten() -> ir.Model:
    """The specification with the false claims of this file."""
    texts = load.sources(load.rules_root() / "tcp")
    return load.load_sources([*texts, Source("false.wire", FALSE)])


@functools.cache
def refuted() -> dict[str, Breach]:
    """The first breach of each false claim, by name."""
    false = {c.name for c in rewritten().claims()} - {c.name for c in MODEL.claims()}
    claims = Claims(rewritten(), false)
    watch(claims, CASES[::7])
    first: dict[str, Breach] = {}
    for b in claims.breaches:
        first.setdefault(b.claim.name, b)
    return first


@pytest.mark.parametrize("profile", ["rfc793", "rfc5961", "linux"])
def test_the_reference_keeps_every_claim(profile: str) -> None:
    claims = Claims(MODEL)
    watch(claims, CASES[::4], profile)
    assert [str(b) for b in claims.breaches[:5]] == []
    silent = {c.name for c in MODEL.claims() if not claims.asked[c.name]}
    assert silent <= OTHER_PROFILES | RARE, "no step asked these: they claim nothing"


def test_every_claim_is_asked_in_some_profile() -> None:
    claims = Claims(MODEL, OTHER_PROFILES)
    watch(claims, CASES[::12])
    assert {name for name, n in claims.asked.items() if n} == OTHER_PROFILES


@pytest.mark.parametrize("profile", ["rfc9293", "linux"])
def test_what_the_oracle_takes_into_account_keeps_every_claim(profile: str) -> None:
    """Its configurations go all ways through the silent choices, not only the reference's."""
    claims = Claims(MODEL)
    watch(claims, CASES[1::12], profile, oracle=True)
    assert [str(b) for b in claims.breaches[:5]] == []
    assert sum(claims.asked.values()) > 30_000


@pytest.mark.parametrize("name", [line.split()[1] for line in FALSE.splitlines() if line[:1] in ("i", "p", "t")])
def test_a_false_claim_is_refuted(name: str) -> None:
    assert name in refuted()


def test_a_refutation_tells_step_conjunct_and_values() -> None:
    breach = refuted()["windows_only_shrink"]
    assert (breach.kind, breach.subject, breach.conjunct.name) == ("segment", "", "smaller")
    values = {t.text: t.value for t in breach.values}
    assert list(values) == ["SND.WND", "before(SND.WND)"]
    assert values["SND.WND"] > values["before(SND.WND)"]
    assert str(breach).startswith("property windows_only_shrink at segment: not smaller (SND.WND = ")
    assert str(refuted()["retransmission_does_not_back_off"]).startswith(
        "property retransmission_does_not_back_off at timeout RETRANSMISSION: not RTO = before(RTO) (RTO = 2000000, "
    )


def test_false_claims_stand_nowhere_but_here() -> None:
    assert not {c.name for c in MODEL.claims()} & set(refuted())


def test_watching_does_not_change_what_is_watched() -> None:
    """A watched machine is the machine: the same tables, and the same rules fire."""
    watching = Watching(machine.tcp(), Claims(MODEL))
    plain = {k: v for k, v in vars(watching).items() if k != "claims"}
    assert plain == vars(machine.tcp())
