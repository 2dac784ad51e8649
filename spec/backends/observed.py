"""The executable backend once more, with rules that tell how their guards came out: for measuring what tests cover."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from wireproof.spec import ir
from wireproof.spec.backends.python import PythonBackend, namespace, rule_function
from wireproof.spec.backends.python_terms import ident
from wireproof.spec.expressions import events_of
from wireproof.spec.purposes import comparisons

Seen = Callable[[int, str, tuple[int, ...], tuple[bool, ...], tuple[tuple[int, int], ...]], None]
"""Told when a rule is considered, which no rule before it has decided: the rule's number, the state, the numbers of
its conjuncts, how they came out, and both sides of its comparisons. Conjuncts that ask for a silent choice come last,
and only when all others hold; the third is shorter without them."""


class ObservedBackend(PythonBackend):
    """Text of rules that report."""

    def __init__(self, model: ir.Model):
        super().__init__(model)
        self.numbers = {r.id: n for n, (_, r) in enumerate(model.rules())}

    def may_rule(self, s: ir.Section, r: ir.Rule) -> Iterator[str]:
        """What a segment must satisfy is looked at last: the check reports too."""
        late = [c for c in r.guard if "output" in events_of(c.test, self.model.abbreviations)]
        check = f"def {rule_function(s, r)}__check("
        inside = False
        for line in super().may_rule(s, r):
            if inside and line.startswith("    return "):
                yield from self.guard(r, late, "False")
                yield "    return True"
                inside = False
                continue
            inside = inside or line.startswith(check)
            yield line

    def guard(self, r: ir.Rule, conjuncts: list[ir.Conjunct], refused: str = "None") -> Iterator[str]:
        """As the plain backend's, every conjunct evaluated. A rule that the profile does not have is not seen."""
        profile = [f"x.p.{ident(p)}" for p in r.supports] + [f"not x.p.{ident(p)}" for p in r.without]
        if profile:
            yield f"    if not ({' and '.join(profile)}):"
            yield "        return None"
        texts = [self.terms.of(c.test) for c in conjuncts]
        silent = [n for n, t in enumerate(texts) if "x.flag(" in t]
        loud = [n for n in range(len(texts)) if n not in silent]
        numbers = [r.guard.index(conjuncts[n]) for n in (*loud, *silent)]
        yield f"    held = ({''.join(f'bool({texts[n]}), ' for n in loud)})"
        for n in silent:
            yield f"    if all(held): held = (*held, bool({texts[n]}))"
        sides = "".join(
            f"({self.terms.of(c.left)}, {self.terms.of(c.right)}), "
            for c in comparisons(self.model, r)
            if r.guard[c.conjunct] in conjuncts
        )
        yield f"    SEEN({self.numbers[r.id]}, c.state, {tuple(numbers)!r}, held, ({sides}))"
        yield "    if not all(held):"
        yield f"        return {refused}"


def observed(model: ir.Model, seen: Seen) -> dict[str, object]:
    """The generated names, compiled in memory, whose rules call ``seen``."""
    return namespace(model, ObservedBackend, {"SEEN": seen})
