"""What became of each claim: proof first, then a bounded search for what is not proved."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal

from wireproof.conformance.bounded import Bounded, Search
from wireproof.spec import ir, load
from wireproof.spec.diagnostics import Diagnostic, SpecError
from wireproof.spec.induction import Found, Induction

Status = Literal["proved", "bounded", "violated", "open"]
HOLDS, VIOLATED, OPEN = 0, 1, 4


@dataclass(slots=True)
class Result:
    """One claim. ``how`` says it in words; ``depth`` and ``states`` of a bounded search; ``steps`` of a violation."""

    name: str
    kind: str
    status: Status
    how: str
    meaning: str
    cites: list[str] = field(default_factory=list)
    depth: int = 0
    states: int = 0
    steps: list[str] = field(default_factory=list)
    trace: str = ""

    def json(self) -> dict[str, object]:
        return asdict(self)


def model_with(extra: Path | None) -> ir.Model:
    """The specification of TCP, with the claims of a further file. Raises SpecError for a file that is not sound or
    has more than claims: what is searched are the rules that wireproof comes with."""
    if extra is None:
        return load.tcp()
    own = load.sources(load.rules_root() / "tcp")
    model = load.load_sources([*own, *load.sources(extra)])
    base = load.tcp()
    if [r.id for _, r in model.rules()] != [r.id for _, r in base.rules()] or model.variables != base.variables:
        at = next(s.span for s in [*model.sections, *model.variables.values()] if s.span.source.name == extra.name)
        hint = "leave invariants, properties and theorems in it"
        raise SpecError([Diagnostic("not-a-claim", at, f"{extra.name} may add claims only", hint)])
    return model


def unknown_names(model: ir.Model, names: Iterable[str]) -> str:
    """What to say of names that no claim has, with the nearest; empty when all are known."""
    known = [c.name for c in model.claims()]
    for name in names:
        if name not in known:
            near = difflib.get_close_matches(name, known, 1)
            hint = f"did you mean '{near[0]}'?" if near else "`wireproof verify --list` names them"
            return f"there is no claim '{name}'; {hint}"
    return ""


@dataclass(slots=True)
class Budget:
    """Seconds for a question of the solver, steps and seconds of the bounded search, processes."""

    timeout: int = 20
    depth: int = 3
    seconds: int = 60
    jobs: int = 2
    proof: bool = True
    """False: nothing is proved, everything is searched."""


class Verification:
    """Runs both parts; ``progress`` gets a line now and then."""

    def __init__(self, model: ir.Model, budget: Budget, progress: Callable[[str], None], keep: Path | None = None):
        self.model = model
        self.budget = budget
        self.progress = progress
        self.keep = keep
        self.proofs = Found()
        self.search = Bounded()

    def run(self, claims: list[ir.Claim]) -> list[Result]:
        tried = claims if self.budget.proof else [c for c in claims if isinstance(c, ir.Theorem)]
        induction = Induction(self.model, self.budget.timeout * 1000, self.budget.jobs, self.progress)
        self.proofs = induction.run([c.name for c in tried])
        left = [c.name for c in claims if not isinstance(c, ir.Theorem) and not self.proved(c)]
        traces: dict[str, str] = {}
        if left:
            search = Search(self.model, left)
            self.search = search.run(self.budget.depth, self.budget.seconds, self.progress)
            for name, violation in self.search.violations.items():
                if self.keep is not None:
                    self.keep.mkdir(parents=True, exist_ok=True)
                    path = self.keep / f"{name}.wpt"
                    search.keep(violation, path)
                    traces[name] = str(path)
        return [self.result(c, traces.get(c.name, "")) for c in claims]

    def proved(self, c: ir.Claim) -> bool:
        return self.budget.proof and self.proofs.verdict(c) == "proved"

    def result(self, c: ir.Claim, trace: str) -> Result:
        out = Result(c.name, type(c).__name__.lower(), "open", "", c.meaning, list(c.cites))
        if isinstance(c, ir.Theorem):
            return self.theorem(out, self.proofs.verdict(c))
        if self.proved(c):
            out.status, out.how = "proved", "proved by induction, for every trace"
            return out
        out.depth, out.states = self.search.depth, self.search.states
        violation = self.search.violations.get(c.name)
        where = self.proofs.where(c)
        if violation is not None:
            out.status, out.steps, out.trace = "violated", violation.names, trace
            out.how = f"false after {len(violation.steps)} steps: {violation.breach}"
        elif self.search.depth and self.search.asked.get(c.name):
            out.status = "bounded"
            out.how = f"holds to depth {out.depth} ({out.states} states): bounded, not proved"
        else:
            met = f"nothing up to depth {out.depth} met it" if self.search.depth else "no search came to an end"
            out.how = f"not proved, and {met}"
        if violation is None:
            why = "no answer in time" if self.proofs.verdict(c) == "unknown" else "the induction fails"
            out.how += f" ({why} at {where})" if self.budget.proof else " (no proof was tried)"
        return out

    def theorem(self, out: Result, verdict: str) -> Result:
        if verdict == "proved":
            out.status, out.how = "proved", "proved, for all values"
        elif verdict == "broken":
            values = self.proofs.theorems[out.name][1]
            shown = ", ".join(f"{k} = {v}" for k, v in sorted(values.items()))
            out.status, out.how = "violated", f"false when {shown}"
        else:
            out.how = f"the solver gave no answer with the work of {self.budget.timeout} s"
        return out


def status_of(results: list[Result]) -> int:
    """1 when something is false, 4 when something stays open, else 0."""
    found = {r.status for r in results}
    return VIOLATED if "violated" in found else OPEN if "open" in found else HOLDS
