"""What tells two profiles of the specification apart: the shortest trace that one makes and the other refuses.

The reference runs in one profile and the oracle judges in the other, and the other way round, breadth first over the
stimuli of ``alphabet.py``. At each silent choice that a step asks for, the reference takes both ways. The belief set
does the same for the profile that judges, so that a refusal means: nothing that this profile allows looks like it.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from wireproof.conformance.explain import blame
from wireproof.conformance.judge import Refusal
from wireproof.conformance.oracle import Oracle
from wireproof.conformance.search import Node, look, own_key, stimuli
from wireproof.conformance.targets.reference import ReferenceSession, ReferenceTarget
from wireproof.conformance.testcase import Step
from wireproof.conformance.tester import Settings, Tester, Unreachable
from wireproof.reference import machine as machines
from wireproof.reference.machine import Machine
from wireproof.reference.policy import CHOICES, USES, Policy
from wireproof.spec import ir
from wireproof.spec.backends.python_terms import ident

Path = tuple[tuple[Step, frozenset[str]], ...]
"""Steps, each with the silent choices that are taken the other way at it."""
MAX_STEPS = 5
MAX_NODES = 4000


@dataclass(slots=True, frozen=True)
class Gap:
    """What the text has differently in two profiles."""

    rules: tuple[str, ...]
    params: tuple[tuple[str, int, int], ...]
    """Name, value in the first, value in the second."""

    def __bool__(self) -> bool:
        return bool(self.rules or self.params)


def gap(model: ir.Model, a: str, b: str) -> Gap:
    """The rules that one profile has and the other has not, and the parameters that differ. Raises KeyError."""
    has = [set(model.profiles[p].includes) for p in (a, b)]

    def applies(r: ir.Rule, claimed: set[str]) -> bool:
        return set(r.supports) <= claimed and not set(r.without) & claimed

    rules = tuple(r.id for _, r in model.rules() if applies(r, has[0]) != applies(r, has[1]))
    values = [machines.tcp().params(p) for p in (a, b)]
    pairs = [(n, getattr(values[0], ident(n)), getattr(values[1], ident(n))) for n in model.params]
    return Gap(rules, tuple((n, x, y) for n, x, y in pairs if x != y))


@dataclass(slots=True)
class Difference:
    """A trace that ``does`` makes and ``refuses`` refuses; ``rule`` makes the difference."""

    does: str
    refuses: str
    names: list[str]
    path: Path
    tester: Tester
    refusal: Refusal
    rule: str
    by_parameter: bool = False
    """No rule that only one profile has took part: a parameter makes the difference."""

    @property
    def steps(self) -> list[Step]:
        return [step for step, _ in self.path]


@dataclass(slots=True)
class Search:
    """What was found, and how far the search went."""

    differences: list[Difference] = field(default_factory=list)
    steps: int = 0
    """Every trace of so many stimuli was tried (up to states that look alike)."""
    tried: int = 0
    exhausted: bool = True
    """No state was left out because there were too many."""


class _Noting(Machine):
    """The specification's machine, with a list of the rules that its user ran."""

    def __init__(self) -> None:
        self.__dict__.update(machines.tcp().__dict__)
        self.ran: list[str] = []

    def arrive(self, event: str, c: Any, e: Any, x: Any) -> int:
        end = super().arrive(event, c, e, x)
        self.ran += x.fired
        return end

    def call(self, name: str, c: Any, e: Any, x: Any) -> bool:
        known = super().call(name, c, e, x)
        self.ran += x.fired
        return known

    def timeout(self, timer: str, c: Any, x: Any) -> None:
        super().timeout(timer, c, x)
        self.ran += x.fired


class _Run:
    """One run of a path: the reference in one profile under the oracle in another."""

    def __init__(self, does: str, judges: str, uses: frozenset[str], machine: Machine | None = None):
        self.asked: dict[str, None] = {}
        self.other: frozenset[str] = frozenset()
        target = ReferenceTarget(
            machine=machine, profile=does, policy=functools.partial(Policy, uses=uses, choose=self.choose)
        )
        self.session: ReferenceSession = target.session()
        self.tester = Tester(self.session, Settings(machines.tcp(), judges))

    def choose(self, name: str, usual: bool) -> bool:
        self.asked[name] = None
        return usual != (name in self.other)

    def walk(self, path: Path) -> bool:
        """False when a step cannot be reached, or a step before the last one was refused."""
        try:
            for n, (step, self.other) in enumerate(path):
                self.asked.clear()
                for until in self.tester.step(step):
                    self.session.pass_time(until)
                if self.tester.oracle.refusal is not None:
                    return n == len(path) - 1
        except Unreachable:
            return False
        return True

    def listen(self) -> None:
        """What every test does after its last step."""
        self.other = frozenset()
        for until in self.tester.aftermath():
            self.session.pass_time(until)

    @property
    def refusal(self) -> Refusal | None:
        return self.tester.oracle.refusal

    @property
    def alone(self) -> bool:
        """Is one configuration left of the connection, so that the reference is where the belief is?"""
        judge = self.tester.oracle.judges.get(own_key(self.session))
        return judge is None or len(judge.configs) == 1


class _Direction:
    """Breadth-first search with one profile running and the other judging, a level at a time."""

    def __init__(self, does: str, judges: str, uses: frozenset[str], max_nodes: int):
        self.does, self.judges, self.uses, self.max_nodes = does, judges, uses, max_nodes
        start = [
            Node([], [], "closed", "CLOSED", False, False, "closed"),
            Node([{"call": "open_passive", "h": 1}], ["listen"], "passive", "LISTEN", False, False, "listen"),
        ]
        self.frontier: list[tuple[Node, Path]] = [(n, tuple((s, frozenset()) for s in n.steps)) for n in start]
        self.later = self.frontier[1:]
        del self.frontier[1:]
        self.seen = {n.key for n in start}
        self.tried = 0
        self.full = False

    def level(self) -> list[tuple[list[str], Path, _Run]]:
        """Try every stimulus after every path of this level: the refused ones. The others are the next level."""
        refused: list[tuple[list[str], Path, _Run]] = []
        following, self.later = self.later, []
        for node, path in self.frontier:
            for name, step in stimuli(node):
                if node.mode == "closed" and step.get("call") == "open_passive":
                    continue
                usual = self.attempt(node, path, name, step, frozenset(), following, refused)
                for choice in usual:
                    if choice in CHOICES:
                        self.attempt(node, path, name, step, frozenset([choice]), following, refused)
        self.frontier = following
        return refused

    def attempt(
        self,
        node: Node,
        path: Path,
        name: str,
        step: Step,
        other: frozenset[str],
        following: list[tuple[Node, Path]],
        refused: list[tuple[list[str], Path, _Run]],
    ) -> list[str]:
        """One stimulus after one path; the silent choices that it asked for."""
        longer = (*path, (step, other))
        run = _Run(self.does, self.judges, self.uses)
        self.tried += 1
        if not run.walk(longer):
            return []
        asked = list(run.asked)
        names = [*node.names, name]
        if run.refusal is None:
            child = self.child(node, run, longer, names)
            run.listen()
            if run.refusal is None:
                if child is not None:
                    following.append((child, longer))
                return asked
        if not run.tester.oracle.lossy:
            refused.append((names, longer, run))
        return asked

    def child(self, node: Node, run: _Run, path: Path, names: list[str]) -> Node | None:
        """The node that a path leads to, if it is a new one and the belief is certain."""
        step = path[-1][0]
        opening = node.mode == "closed" and step.get("call") == "open_active" and "dst" not in step
        mode = "active" if opening else node.mode
        accepted = node.accepted or names[-1] == "accept"
        released = node.released or step.get("call") in ("release", "abort")
        state, key = look(run.tester, run.session, mode, accepted, released)
        if key in self.seen or not run.alone:
            return None
        if len(self.seen) >= self.max_nodes:
            self.full = True
            return None
        self.seen.add(key)
        return Node([s for s, _ in path], names, mode, state, accepted, released, key)


def search(
    model: ir.Model,
    a: str,
    b: str,
    every: bool = False,
    max_steps: int = MAX_STEPS,
    max_nodes: int = MAX_NODES,
    progress: Callable[[int, int], None] | None = None,
) -> Search:
    """The shortest trace that tells two profiles apart, or with ``every`` one for each rule (or, where a parameter
    makes it, each rule that is blamed). No trace in the result is no proof that there is none."""
    between = gap(model, a, b)
    permissions = frozenset(r.id for s, r in model.rules() if s.kind == "may" and r.id in between.rules)
    directions = [_Direction(x, y, u, max_nodes) for x, y in ((a, b), (b, a)) for u in _uses(permissions)]
    out = Search()
    found: dict[str, Difference] = {}
    for depth in range(1, max_steps + 1):
        for d in directions:
            for names, path, run in d.level():
                one = _difference(model, between, d, names, path, run)
                found.setdefault(one.rule, one)
            out.tried = sum(x.tried for x in directions)
            if progress is not None:
                progress(depth, out.tried)
        out.steps = depth
        if found and (not every or set(between.rules) <= set(found)):
            break
    out.exhausted = not any(d.full for d in directions)
    out.differences = sorted(found.values(), key=lambda x: (len(x.path), x.by_parameter, x.rule))
    return out


def _uses(permissions: frozenset[str]) -> list[frozenset[str]]:
    """The reference as it is, and one that uses what only one of the profiles permits."""
    return [USES, USES | permissions] if permissions - USES else [USES]


def _difference(model: ir.Model, between: Gap, d: _Direction, names: list[str], path: Path, run: _Run) -> Difference:
    refusal = run.refusal
    assert refusal is not None
    rule = _deciding(between, d, path)
    blamed = rule or blame(refusal, run.tester.oracle, model)
    return Difference(d.does, d.judges, names, path, run.tester, refusal, blamed, not rule)


def _deciding(between: Gap, d: _Direction, path: Path) -> str:
    """The rule that only one of the profiles has and that took part, in either of them, at the latest step."""
    ran: list[str] = []
    permitted: list[str] = []
    for profile in (d.does, d.judges):
        machine = _Noting()
        run = _Run(profile, profile, d.uses, machine)
        if run.walk(path):
            run.listen()
        ran += machine.ran
        permitted += [r for s in run.tester.oracle.steps if s.kind == "tx" for r in s.rules]
    took_part = [r for r in (*permitted, *ran) if r in between.rules]
    return took_part[-1] if took_part else ""


def other_side(found: Difference) -> Oracle:
    """What the profile that refuses does itself when it is given the same stimuli, judged by itself."""
    run = _Run(found.refuses, found.refuses, USES)
    if run.walk(found.path):
        run.listen()
    return run.tester.oracle
