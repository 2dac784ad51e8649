"""Mutants of the specification against the suite: the results that come with it, and a campaign that is interrupted."""

from __future__ import annotations

import functools
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from wireproof.conformance import habits, suite
from wireproof.conformance import specmutants_run as runs
from wireproof.conformance.attempt import attempt, same
from wireproof.conformance.footprint import Footprint, footprints
from wireproof.conformance.specmutants import Bench, Outcome, differs
from wireproof.conformance.tester import Settings
from wireproof.reference import machine
from wireproof.spec import equivalence
from wireproof.spec.backends.python_units import Units
from wireproof.spec.load import tcp
from wireproof.spec.mutate import Mutant, mutants


@functools.cache
def bench() -> Bench:
    return Bench(())


@functools.cache
def results() -> list[Outcome]:
    return runs.read_results()


def lines(outcome: str) -> list[Outcome]:
    return [o for o in results() if o["outcome"] == outcome]


# ---- what comes with wireproof --------------------------------------------------------------------------------------


def test_the_results_are_of_mutants_that_there_are() -> None:
    known = [o for o in results() if o["id"] in bench().mutants]
    assert len(results()) >= 500
    assert len(known) >= 0.9 * len(results()), "most results are of mutants that are gone: run `make mutants`"
    assert len({o["id"] for o in results()}) == len(results())
    assert {o["outcome"] for o in results()} <= {"killed", "equivalent", "listed"}


def test_each_survivor_says_why() -> None:
    assert all(o["by"] and o["what"] for o in (*lines("equivalent"), *lines("listed")))
    assert all(o["solver"] in ("different", "unknown") for o in lines("listed"))


def sampled(outcome: str, stage: str = "", every: int = 1) -> list[Outcome]:
    found = [o for o in lines(outcome) if not stage or o["stage"] == stage]
    return found[:: max(1, len(found) // every)]


def test_a_sample_is_killed_by_the_case_that_is_named() -> None:
    tried = [*sampled("killed", "reference", 24), *sampled("killed", "oracle", 10)]
    still = [o for o in tried if o["id"] in bench().mutants and o["case"] in bench().numbers]
    assert len(still) >= 30 or len(still) >= 0.9 * len(tried)
    assert [o["id"] for o in still if not bench().again({"habit": "", **o})] == []


def test_a_sample_of_what_was_proved_equivalent_is_proved_again() -> None:
    for o in sampled("equivalent", every=5):
        if o["id"] in bench().mutants:
            assert equivalence.compare(tcp(), bench().mutants[o["id"]]).how == "equivalent"


# ---- the parts ------------------------------------------------------------------------------------------------------


def test_the_original_is_its_own_mutant_and_never_killed() -> None:
    """What kills mutants lets the original live: the same code in another namespace is judged like the reference."""
    twin = bench().units.namespace()
    settings = Settings(machine.Machine(twin), "rfc5961")
    for case in suite.load()[::100]:
        got = attempt(case, habits.session("", machine.tcp(), "rfc5961"), settings)
        assert got.verdict == "pass", case.id
        assert same(got.trace, habits.session("", machine.Machine(twin), "rfc5961"))


def test_an_endless_mutant_is_an_error_and_not_a_hang() -> None:
    def endless(c: object, e: object, x: object) -> int:
        while True:
            pass

    broken = machine.Machine(bench().units.namespace())
    broken.calls["open_active"] = dict.fromkeys(broken.calls["open_active"], endless)
    case = next(c for c in suite.load() if c.steps[0].get("call") == "open_active")
    got = attempt(case, habits.session("", broken, "rfc5961"), Settings(machine.tcp(), "rfc5961"))
    assert (got.verdict, got.rule.split(":")[0]) == ("error", "StuckError")


@pytest.mark.parametrize("habit", ["late", "early", "spoiled:ttl", "spoiled:checksum", "spoiled:reserved"])
def test_a_habit_that_is_not_permitted_is_refused(habit: str) -> None:
    settings = Settings(machine.tcp(), "rfc5961")
    verdicts = Counter(
        attempt(c, habits.session(habit, machine.tcp(), "rfc5961"), settings).verdict for c in suite.load()[::40]
    )
    assert verdicts["fail"] > 0


@pytest.mark.parametrize("habit", ["latest", "least", "small", "pushy", "choice:told", "may:tcp/new_text/split_early"])
def test_a_habit_that_is_permitted_passes(habit: str) -> None:
    settings = Settings(machine.tcp(), "rfc5961")
    for c in suite.load()[::40]:
        assert attempt(c, habits.session(habit, machine.tcp(), "rfc5961"), settings).verdict == "pass", c.id


def test_an_oracle_differs_only_by_what_it_decides() -> None:
    case = suite.load()[0]
    got = attempt(case, habits.session("", machine.tcp(), "rfc5961"), Settings(machine.tcp(), "rfc5961"))
    assert not differs("pass", got.deviations, got)
    assert differs("fail", (), got)
    assert differs("pass", (("rule", "SHLD-1"),), got)
    assert not differs("pass", (), got._replace(verdict="inconclusive"))


# ---- the campaign ---------------------------------------------------------------------------------------------------


@functools.cache
def few() -> tuple[list[Mutant], list[Footprint]]:
    found = [m for m in mutants(tcp())[0] if m.place.startswith("tcp/syn_sent_ack/")][:8]
    cases = [c for c in suite.load() if "/syn_sent_ack/" in c.id]
    numbers = {c.id: i for i, c in enumerate(suite.load())}
    prints = footprints(Units(tcp()), cases, "rfc5961")
    return found, [replace(f, case=numbers[cases[f.case].id]) for f in prints]


def test_an_interrupted_campaign_goes_on_where_it_ended(tmp_path: Path) -> None:
    found, prints = few()
    path = tmp_path / "kept.ndjson"
    seen: list[str] = []

    def interrupt(what: str, done: int, of: int) -> None:
        seen.append(what)
        if len(seen) == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        runs.campaign(found, runs.Journal(path), 1, interrupt, prints)
    before = path.read_text()
    done = {o["id"] for o in runs.Journal(path).outcomes.values()}
    assert 0 < len(done) < len(found)
    path.write_text(before + '{"id": "cut sho')
    kept = runs.Journal(path)
    tried: list[tuple[str, int]] = []
    runs.campaign(found, kept, 1, lambda what, n, of: tried.append((what, of)), prints)
    assert ("as reference", len(found) - len(done)) in tried
    assert path.read_text().startswith(before)
    assert set(kept.of("reference")) == {m.id for m in found}
    assert Counter(o["outcome"] for o in runs.results(found, kept))["killed"] >= 4
    again: list[str] = []
    runs.campaign(found, runs.Journal(path), 1, lambda what, n, of: again.append(what), prints)
    assert again == []


def test_the_sample_is_the_same_whatever_else_there_is() -> None:
    found = mutants(tcp())[0]
    whole = {m.id for m in runs.sample(found, 6)}
    assert len(whole) >= 500
    assert {m.id for m in runs.sample(found[::2], 6)} == whole & {m.id for m in found[::2]}
