"""The search for the largest set of invariants that every transition keeps, over processes.

What breaks an invariant drops it at once, and nobody asks for it again; what was proved with an invariant that was
dropped later is asked again. The answer does not hang on the order: the largest set is one. Where the solver gives
no answer in time, the invariant is dropped too, and said to be undecided: never proved, never refuted.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass, field

from wireproof.spec import ir
from wireproof.spec.decide import PROVED, UNKNOWN
from wireproof.spec.prove import Answer, Key, MomentProver, Query, everywhere, initially, theorem
from wireproof.spec.transitions import Moment, moments

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Job:
    """One moment: which invariants are assumed, which are asked for, which properties."""

    moment: Moment
    known: frozenset[Key]
    asked: frozenset[Key]
    properties: frozenset[str]


@dataclass(slots=True)
class Found:
    """What is proved, and for the rest the first transition at which it could not be: with ``broken`` the solver has
    values for it, with ``unknown`` no answer in time."""

    invariants: frozenset[Key] = frozenset()
    failed: dict[Key, Answer] = field(default_factory=dict)
    theorems: dict[str, tuple[str, dict[str, str]]] = field(default_factory=dict)
    questions: int = 0
    transitions: int = 0

    def verdict(self, claim: ir.Claim) -> str:
        """``proved``, ``broken`` or ``unknown`` for a claim as a whole; a broken one need not be false."""
        if isinstance(claim, ir.Theorem):
            return self.theorems[claim.name][0]
        n = len(claim.then) if isinstance(claim, ir.Property) else len(claim.holds)
        verdicts = [self.failed[k].verdict for i in range(n) if (k := (claim.name, i)) in self.failed]
        return next((v for v in ("broken", UNKNOWN) if v in verdicts), PROVED)

    def where(self, claim: ir.Claim) -> str:
        """The transition at which its proof failed."""
        return next((a.transition for (name, _), a in self.failed.items() if name == claim.name), "")


_model: ir.Model
_timeout_ms: int
_provers: dict[Moment, MomentProver] = {}


def _begin(model: ir.Model, timeout_ms: int) -> None:
    global _model, _timeout_ms
    _model, _timeout_ms = model, timeout_ms
    _provers.clear()


def _prover(moment: Moment) -> MomentProver:
    if moment not in _provers:
        _provers[moment] = MomentProver(_model, moment, Query(_timeout_ms))
    return _provers[moment]


def _ask(job: Job) -> tuple[list[Answer], int]:
    prover = _prover(job.moment)
    before = prover.query.asked
    answers: list[Answer] = []
    asked = job.asked
    for a in prover.kept(job.known, asked):
        answers.append(a)
    answers += prover.properties(job.known, job.properties)
    return answers, prover.query.asked - before


def _first() -> dict[Key, str]:
    return initially(_model, _timeout_ms)


def _theorem(name: str) -> tuple[str, str, dict[str, str]]:
    verdict, values = theorem(_model, _model.theorems[name], _timeout_ms)
    return name, verdict, {k: str(v) for k, v in values.items()}


class Induction:
    """Proves what it can of the claims named; invariants are all tried, since the others may rest on them."""

    def __init__(self, model: ir.Model, timeout_ms: int = 10_000, jobs: int = 2, progress: Progress | None = None):
        self.model = model
        self.timeout_ms = timeout_ms
        self.jobs = max(1, jobs)
        self.progress = progress or (lambda text: None)
        self.found = Found()
        self.known: frozenset[Key] = frozenset()
        self.rests: dict[tuple[Moment, Key], frozenset[Key]] = {}
        """For each proof the invariants that it used."""

    def run(self, names: Iterable[str]) -> Found:
        """Raises nothing of its own; interrupted, it stops the processes."""
        wanted = frozenset(names)
        context = multiprocessing.get_context("fork")
        pool = ProcessPoolExecutor(self.jobs, context, _begin, (self.model, self.timeout_ms))
        try:
            self._theorems(pool, wanted)
            properties = frozenset(n for n in self.model.properties if n in wanted)
            if properties or any(n in self.model.invariants for n in wanted):
                self._invariants(pool)
                self._properties(pool, properties)
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
        self.found.invariants = self.known
        return self.found

    def _theorems(self, pool: ProcessPoolExecutor, wanted: frozenset[str]) -> None:
        for name, verdict, values in pool.map(_theorem, [t for t in self.model.theorems if t in wanted]):
            self.found.theorems[name] = verdict, values

    def _invariants(self, pool: ProcessPoolExecutor) -> None:
        first = pool.submit(_first).result()
        begin = Moment("time", "", "CLOSED")
        for key, verdict in first.items():
            if verdict != PROVED:
                self.found.failed[key] = Answer(key, begin, "the initial configuration", verdict)
        self.known = frozenset(k for k, v in first.items() if v == PROVED)
        all_moments = moments(self.model)
        todo = dict.fromkeys(all_moments, self.known)
        self.found.transitions = len(all_moments)
        while todo:
            self._round(pool, {m: asked & self.known for m, asked in todo.items()}, frozenset())
            todo = {}
            for (moment, key), used in list(self.rests.items()):
                if key in self.known and not used <= self.known:
                    todo[moment] = todo.get(moment, frozenset()) | {key}
                    del self.rests[moment, key]

    def _properties(self, pool: ProcessPoolExecutor, names: frozenset[str]) -> None:
        if names:
            self._round(pool, {m: frozenset[Key]() for m in moments(self.model)}, names)

    def _round(self, pool: ProcessPoolExecutor, todo: dict[Moment, frozenset[Key]], names: frozenset[str]) -> None:
        left = list(todo.items())
        running: set[Future[tuple[list[Answer], int]]] = set()
        done = 0
        while left or running:
            while left and len(running) <= self.jobs:
                moment, asked = left.pop(0)
                open_names = names - {k[0] for k in self.found.failed}
                job = Job(moment, self.known, asked & self.known, open_names)
                running.add(pool.submit(_ask, job))
            ended, running = wait(running, return_when=FIRST_COMPLETED)
            for f in ended:
                answers, questions = f.result()
                self.found.questions += questions
                done += 1
                self._note(answers)
            what = f"{len(self.known)} invariants left" if not names else f"{len(names)} properties"
            self.progress(f"{done} of {len(todo)} moments, {what}, {self.found.questions} questions")

    def _note(self, answers: list[Answer]) -> None:
        for a in answers:
            if a.verdict == PROVED:
                self.rests[a.moment, a.key] = self.rests.get((a.moment, a.key), frozenset()) | a.used
            else:
                self.found.failed.setdefault(a.key, a)
                self.known -= {a.key}


def claims_of_every_machine(model: ir.Model) -> list[Key]:
    """What is tried beside the text's invariants."""
    return list(everywhere(model))
