"""The claims of a specification (invariants, properties, theorems), looked at while its rules run.

A :class:`Watching` machine is used wherever a :class:`~wireproof.reference.machine.Machine` is, by the reference or by
the oracle: every step that is taken with it is one that the claims speak of. What is read is the checked text
(``spec/evaluate.py``), not generated code.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from wireproof.conformance.bindings import Binding
from wireproof.reference.machine import Machine
from wireproof.spec import ir
from wireproof.spec.evaluate import PropertyEnvironment, Term, breach, concerns, subterms


@dataclass(slots=True)
class Breach:
    """A claim that a step did not keep: which conjunct, at what step, and the values that it saw."""

    claim: ir.Claim
    conjunct: ir.Conjunct
    kind: str
    """The kind of the step: an event, ``call``, ``timeout``, or empty for a configuration that nothing led to."""
    subject: str
    """The call or the timer."""
    values: list[Term] = field(default_factory=list)

    def __str__(self) -> str:
        at = f" at {self.kind} {self.subject}".rstrip() if self.kind else ""
        seen = ", ".join(f"{t.text} = {t.value}" for t in self.values)
        return f"{type(self.claim).__name__.lower()} {self.claim.name}{at}: not {self.conjunct.name} ({seen})"


class Claims:
    """The claims that are watched; ``asked`` counts how often each had something to say, ``breaches`` what it was."""

    def __init__(self, model: ir.Model, names: Iterable[str] | None = None):
        self.model = model
        wanted = None if names is None else frozenset(names)
        chosen = [c for c in model.claims() if wanted is None or c.name in wanted]
        self.invariants = [c for c in chosen if isinstance(c, ir.Invariant)]
        self.properties = [c for c in chosen if isinstance(c, ir.Property)]
        self.theorems = [c for c in chosen if isinstance(c, ir.Theorem)]
        self.asked: Counter[str] = Counter()
        self.breaches: list[Breach] = []

    def configuration(self, env: Binding, kind: str = "", subject: str = "") -> None:
        """One configuration: the invariants."""
        for c in self.invariants:
            self._ask(c, env, kind, subject)

    def step(self, kind: str, subject: str, before: Binding, after: Binding) -> None:
        """One step: the properties that are about it, the theorems of its event, and the configuration after it."""
        env = PropertyEnvironment(before, after)
        for p in self.properties:
            if concerns(p, kind, subject):
                self._ask(p, env, kind, subject)
        for t in self.theorems:
            if t.event in ("", kind):
                self._ask(t, after, kind, subject)
        self.configuration(after, kind, subject)

    def _ask(self, c: ir.Claim, env: Binding | PropertyEnvironment, kind: str, subject: str) -> None:
        asked, broken = breach(c, env)
        self.asked[c.name] += asked
        if broken is not None:
            self.breaches.append(Breach(c, broken, kind, subject, subterms(broken.test, env)))


class Watching(Machine):
    """A machine whose every step is shown to claims."""

    def __init__(self, machine: Machine, claims: Claims):
        self.__dict__.update(vars(machine))
        self.claims = claims

    def _look(self, kind: str, subject: str, before: Any, after: Any, e: Any, x: Any) -> None:
        if getattr(x, "expected", None) is not None:
            return  # the call returned something else than these rules want: no step was taken
        p, model = x.p, self.claims.model
        first = Binding(model, before, p, e, count=x.count)
        self.claims.step(kind, subject, first, Binding(model, after, p, e, count=x.count))

    def arrive(self, event: str, c: Any, e: Any, x: Any) -> int:
        before = c.copy()
        end = super().arrive(event, c, e, x)
        self._look(event, "", before, c, e, x)
        return end

    def call(self, name: str, c: Any, e: Any, x: Any) -> bool:
        before = c.copy()
        known = super().call(name, c, e, x)
        self._look("call", name, before, c, e, x)
        return known

    def timeout(self, timer: str, c: Any, x: Any) -> None:
        before = c.copy()
        super().timeout(timer, c, x)
        self._look("timeout", timer, before, c, None, x)

    def sent(self, c: Any, out: Any, x: Any) -> None:
        before = c.copy()
        super().sent(c, out, x)
        self._look("output", "", before, c, out, x)
