"""One question, two solvers: what the first does not answer in half of the time the second is asked."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import z3

WORK_PER_MS = 2_500
"""What Z3 counts as its work in a millisecond of an idle core, roughly."""
PROVED, BROKEN, UNKNOWN = "proved", "broken", "unknown"


def names_in(terms: Iterable[Any]) -> set[str]:
    """The variables that terms mention."""
    found: set[str] = set()
    seen: set[int] = set()
    todo = list(terms)
    while todo:
        t = todo.pop()
        if t.get_id() in seen:
            continue
        seen.add(t.get_id())
        if t.num_args() == 0 and t.decl().kind() == z3.Z3_OP_UNINTERPRETED:
            found.add(t.decl().name())
        todo += t.children()
    return found


def about(terms: list[Any], bounds: Iterable[Any]) -> list[Any]:
    """The bounds that hang together with the terms, by the variables that they share."""
    left = [(b, names_in([b])) for b in bounds]
    names = names_in(terms)
    kept: list[Any] = []
    while True:
        near = [(b, n) for b, n in left if n & names]
        if not near:
            return kept
        left = [(b, n) for b, n in left if not n & names]
        for b, n in near:
            kept.append(b)
            names |= n


def second_solver() -> Any:
    """Eliminates what it can and leaves the bits to a SAT solver; it has no memory of other questions."""
    steps = ("simplify", "propagate-values", "solve-eqs", "elim-uncnstr", "ackermannize_bv", "simplify", "bit-blast")
    return z3.Then(*steps, "sat").solver()


class Shift:
    """Sequence numbers as distances from one of their base: a change of variables, after which the solver sees that
    only distances count. ``based`` has the variables of each base; the first of them stays."""

    def __init__(self, based: dict[str, list[Any]]):
        self.pairs = [
            (v, pivot + z3.BitVec(f"{v.decl().name()} from {pivot.decl().name()}", 32))
            for pivot, *others in based.values()
            for v in others
        ]
        self.pairs += [(pivot, pivot) for pivot, *_ in based.values()]
        self.known: dict[int, tuple[Any, Any]] = {}

    def of(self, term: Any) -> Any:
        """The term in the new variables."""
        key = term.get_id()
        if key not in self.known:
            self.known[key] = term, z3.simplify(z3.substitute(term, *self.pairs))
        return self.known[key][1]

    def back(self, model: Any, name: str) -> Any:
        """The value that a variable of before has in a model of the new ones; None for one that it leaves open."""
        for v, distance in self.pairs:
            if v.decl().name() == name:
                return model.eval(distance, model_completion=True)
        return next((model[d] for d in model.decls() if d.name() == name), None)


def limit(solver: Any, timeout_ms: int) -> None:
    """Give the solver so much work, counted by itself: the same question has the same answer on a busy machine."""
    solver.set("rlimit", max(1, timeout_ms) * WORK_PER_MS)


def decide(constraints: list[Any], timeout_ms: int) -> tuple[str, Any]:
    """``proved`` when they cannot hold together, ``broken`` with a model when they can, ``unknown`` otherwise."""
    for solver in (z3.Solver(), second_solver()):
        limit(solver, timeout_ms // 2)
        solver.add(*constraints)
        try:
            answer = solver.check()
        except z3.Z3Exception:
            continue
        if answer == z3.unsat:
            return PROVED, None
        if answer == z3.sat:
            return BROKEN, solver.model()
    return UNKNOWN, None


CASE_MS = 400
"""Work for a case before it is split further."""
CASES_PER_SECOND = 100
"""How many cases a budget allows."""


def atoms(term: Any) -> list[Any]:
    """The conditions that a term hangs on and that are made of no others."""
    found: dict[int, Any] = {}
    seen: set[int] = set()
    todo = [term]
    while todo:
        t = todo.pop()
        if t.get_id() not in seen:
            seen.add(t.get_id())
            inner = t.children()
            if z3.is_bool(t) and inner and not any(z3.is_bool(x) for x in inner):
                found[t.get_id()] = t
            todo += inner
    return list(found.values())


def by_cases(constraints: list[Any], timeout_ms: int) -> str:
    """``proved`` when every case is refuted: a case that is not, with little work, is split by the next condition.
    Which way a comparison of sequence numbers goes is most of what makes them hard."""
    conditions = [x for t in constraints[:2] for x in atoms(t)]
    todo: list[tuple[list[Any], int]] = [([], 0)]
    done = 0
    while todo:
        case, at = todo.pop()
        done += 1
        if done > timeout_ms * CASES_PER_SECOND // 1000:
            return UNKNOWN
        solver = z3.Solver()
        limit(solver, min(CASE_MS, timeout_ms) if at < len(conditions) else timeout_ms)
        solver.add(*constraints, *case)
        answer = solver.check()
        if answer == z3.unsat:
            continue
        if answer == z3.sat or at == len(conditions):
            return UNKNOWN
        todo += [([*case, conditions[at]], at + 1), ([*case, z3.Not(conditions[at])], at + 1)]
    return PROVED
