"""Every mutant of the specification must be told apart from the original by the suite.

A specification is followed and is judged by, so a mutant is tried in both roles. As the *reference*: an implementation
that follows the mutant is judged by the original, and the mutant is killed when it is refused; so is one that follows
it with another habit than the reference's. As the *oracle*:
implementations that the original lets pass or refuses (the reference, one with other habits, mutants killed before)
are judged by the mutant, and it is killed when it decides otherwise.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache, cached_property, lru_cache
from typing import Any

from wireproof.conformance import habits, suite
from wireproof.conformance.attempt import Attempt, attempt, same
from wireproof.conformance.footprint import Footprint, bits_of, footprints, touches
from wireproof.conformance.testcase import TestCase
from wireproof.conformance.tester import Settings
from wireproof.reference.machine import Machine
from wireproof.spec import ir, load
from wireproof.spec.backends.python_units import Units
from wireproof.spec.elaborate_rule import rule_expressions
from wireproof.spec.expressions import walk
from wireproof.spec.mutate import Mutant, mutants

PROFILES = ("rfc5961", "linux", "rfc9293")
"""rfc793 differs from rfc9293 in nothing that a rule asks."""
LINUX_HABITS = ("latest", "late", "choice:empty_probe", "choice:resets", "may:tcp/new_text/minshall")
"""Habits that only the linux profile permits, or whose bounds are others there."""
MOST_KILLED = 40
"""How many mutants that were killed before one oracle is tried with."""
MOST_FOLLOWED, MOST_ELSEWHERE = 600, 60
"""How many cases an implementation that follows a mutant is tried with, in the first profile and in each other."""
MOST_PLAIN, MOST_HABITS = 80, 160
"""How many cases an oracle is tried with on the reference, and on the reference with habits."""

Outcome = dict[str, Any]
"""``id``; ``stage``: reference, habit or oracle; ``outcome``: killed or survived; of a killed one ``profile``,
``case``, ``habit`` or ``mutant`` (which implementation told it apart), ``verdict`` and ``rule``; ``tried``: how many
attempts were made."""


class Bench:
    """Everything that trying a mutant needs, made once a process. ``prints``: what :func:`tasks` give."""

    def __init__(self, prints: Sequence[Footprint], cases: Sequence[TestCase] | None = None):
        self.spec: ir.Model = load.tcp()
        self.cases = list(cases) if cases is not None else suite.load()
        self.units = Units(self.spec)
        self.machine = Machine(self.units.namespace())
        self.settings = {p: Settings(self.machine, p) for p in PROFILES}
        self.prints = sorted(prints, key=lambda f: (PROFILES.index(f.profile), len(self.cases[f.case].steps), f.case))
        self.follower = lru_cache(maxsize=64)(self._follower)
        self._exclusion: dict[str, frozenset[str]] = {}

    @cached_property
    def mutants(self) -> dict[str, Mutant]:
        return {m.id: m for m in mutants(self.spec)[0]}

    @cached_property
    def numbers(self) -> dict[str, int]:
        return {c.id: i for i, c in enumerate(self.cases)}

    def _follower(self, mutant: str) -> Machine:
        """The machine of a mutant."""
        return Machine(self.units.namespace(self.mutants[mutant].model(self.spec)))

    # ---- the two roles --------------------------------------------------------------------------------------------

    def as_reference(self, mutant: str) -> Outcome:
        """An implementation that follows the mutant, judged by the original."""
        m = self.mutants[mutant]
        machine = self._follower(mutant)
        tried = 0
        plain = [f for f in self.prints if not f.habit and f.verdict == "pass"]
        ordered = self._ordered(m, plain, reference=True)
        todo = [
            f
            for p in PROFILES
            for f in spread(
                [f for f in ordered if f.profile == p], MOST_ELSEWHERE if p != PROFILES[0] else MOST_FOLLOWED
            )
        ]
        for f in todo:
            tried += 1
            if same(f.trace, habits.session("", machine, f.profile)):
                continue
            got = attempt(self.cases[f.case], habits.session("", machine, f.profile), self.settings[f.profile])
            if got.verdict in ("fail", "error"):
                return self._killed(m, "reference", f, got, tried)
        return {"id": mutant, "stage": "reference", "outcome": "survived", "tried": tried}

    def with_habits(self, mutant: str) -> Outcome:
        """Implementations that follow the mutant and have a habit that is permitted, judged by the original."""
        m = self.mutants[mutant]
        machine = self._follower(mutant)
        permitted = [f for f in self.prints if f.habit and f.verdict == "pass"]
        tried = 0
        # What an implementation with a habit runs is not noted; what the oracle looks at on its account is as much.
        for f in _fairly(self._ordered(m, permitted, reference=False))[:MOST_HABITS]:
            tried += 1
            got = attempt(self.cases[f.case], habits.session(f.habit, machine, f.profile), self.settings[f.profile])
            if got.verdict in ("fail", "error"):
                return self._killed(m, "habit", f, got, tried)
        return {"id": mutant, "stage": "habit", "outcome": "survived", "tried": tried}

    def as_oracle(self, mutant: str, killed: Sequence[Outcome]) -> Outcome:
        """Implementations that the original has judged, judged by the mutant."""
        m = self.mutants[mutant]
        machine = self._follower(mutant)
        settings = {p: Settings(machine, p) for p in PROFILES}
        tried = 0
        ordered = self._ordered(m, [f for f in self.prints if f.verdict in ("pass", "fail")], reference=False)
        plain = [f for f in ordered if not f.habit]
        for f in [*spread(plain, MOST_PLAIN), *_fairly([f for f in ordered if f.habit])[:MOST_HABITS]]:
            tried += 1
            iut = habits.session(f.habit, self.machine, f.profile)
            got = attempt(self.cases[f.case], iut, settings[f.profile])
            if differs(f.verdict, f.deviations, got):
                return self._killed(m, "oracle", f, got, tried)
        for k in self._near(m, killed):
            tried += 1
            case = self.cases[self.numbers[k["case"]]]
            iut = habits.session("", self.follower(k["id"]), k["profile"])
            got = attempt(case, iut, settings[k["profile"]])
            if differs(k["verdict"], (), got):
                f = Footprint(self.numbers[k["case"]], "", k["profile"], "fail", "", (), (0, 0), (0, 0))
                return self._killed(m, "oracle", f, got, tried) | {"mutant": k["id"]}
        return {"id": mutant, "stage": "oracle", "outcome": "survived", "tried": tried}

    def again(self, o: Outcome) -> bool:
        """Is a mutant that was killed still killed by the same case in the same way?"""
        case, profile = self.cases[self.numbers[o["case"]]], o["profile"]
        mutated = self.follower(o["id"])
        if o["stage"] in ("reference", "habit"):
            got = attempt(case, habits.session(o["habit"], mutated, profile), self.settings[profile])
            return got.verdict in ("fail", "error")
        iut = self.follower(o["mutant"]) if o.get("mutant") else self.machine
        before = attempt(case, habits.session(o["habit"], iut, profile), self.settings[profile])
        got = attempt(case, habits.session(o["habit"], iut, profile), Settings(mutated, profile))
        return differs(before.verdict, before.deviations, got)

    # ---- which, in which order ------------------------------------------------------------------------------------

    def _ordered(self, m: Mutant, found: Sequence[Footprint], reference: bool) -> list[Footprint]:
        """Where the mutant can show at all; first the cases that are about its rule."""
        bits = bits_of(self.spec, self.units, m)
        shown = [f for f in found if touches(f.reference if reference else f.oracle, bits, m.decides)]
        return sorted(shown, key=lambda f: (f.habit != "", m.place not in self.cases[f.case].rules))

    def _near(self, m: Mutant, killed: Sequence[Outcome]) -> list[Outcome]:
        """The mutants killed before that are about the same: at the same place, or refused by the same rule."""
        section = m.place.rsplit("/", 1)[0]
        readers = self._readers(m.place)

        def distance(k: Outcome) -> int | None:
            place = self.mutants[k["id"]].place
            if place == m.place:
                return 0
            if k["rule"] == m.place:
                return 1
            if k["rule"] in readers or place in readers:
                return 2
            return 3 if "/let" not in section and place.startswith(section + "/") else None

        found = [(d, k) for k in killed if k["id"] in self.mutants and (d := distance(k)) is not None]
        return [k for _, k in sorted(found, key=lambda p: (p[0], p[1]["id"]))[:MOST_KILLED]]

    def _readers(self, place: str) -> frozenset[str]:
        """The rules that read a let, a function, a parameter or a variable."""
        if place not in self._exclusion:
            _, kind, name = place.split("/")
            found: set[str] = set()
            if kind in ("let", "function", "param", "var"):
                for _, r in self.spec.rules():
                    for e in rule_expressions(r):
                        if any(getattr(x, "name", getattr(x, "function", "")) == name for x in walk(e)):
                            found.add(r.id)
            self._exclusion[place] = frozenset(found)
        return self._exclusion[place]

    def _killed(self, m: Mutant, stage: str, f: Footprint, got: Attempt, tried: int) -> Outcome:
        return {
            "id": m.id,
            "stage": stage,
            "outcome": "killed",
            "profile": f.profile,
            "case": self.cases[f.case].id,
            "habit": f.habit,
            "verdict": got.verdict,
            "rule": got.rule,
            "tried": tried,
        }


def spread(found: Sequence[Footprint], most: int) -> list[Footprint]:
    """At most so many: the first half as they come, then every n-th of the rest."""
    if len(found) <= most:
        return list(found)
    head, rest = found[: most // 2], found[most // 2 :]
    return [*head, *rest[:: -(-len(rest) // (most - len(head)))]]


def _fairly(found: Sequence[Footprint]) -> list[Footprint]:
    """The first of each habit, the second of each, and so on."""
    turns: dict[tuple[str, str], int] = {}
    turn = {}
    for f in found:
        turn[id(f)] = turns[f.profile, f.habit] = turns.get((f.profile, f.habit), 0) + 1
    return sorted(found, key=lambda f: turn[id(f)])


def differs(verdict: str, deviations: tuple[tuple[str, str], ...], got: Attempt) -> bool:
    """Does an oracle decide otherwise than the original did? An inconclusive answer decides nothing."""
    if got.verdict == "error":
        return True
    if verdict in ("fail", "error"):
        return got.verdict == "pass"
    return got.verdict == "fail" or (got.verdict == "pass" and got.deviations != deviations)


def tasks(machine: Machine) -> list[tuple[str, str]]:
    """The (profile, habit) pairs of which footprints are needed besides those of :data:`PROFILES` without a habit."""
    return [("rfc5961", h) for h in habits.names(machine)] + [("linux", h) for h in LINUX_HABITS]


@cache
def _units() -> tuple[Units, list[TestCase]]:
    return Units(load.tcp()), suite.load()


def prints_of(profile: str, habit: str = "", plain: Sequence[Footprint] = ()) -> list[Footprint]:
    """The footprints of one task (for a process of its own)."""
    units, cases = _units()
    return footprints(units, cases, profile, habit, [f for f in plain if f.profile == profile])
