"""The productions of invariants, properties and theorems, from the parser's tree to the syntax tree."""

from __future__ import annotations

from typing import Any, Literal

from lark.visitors import Transformer, v_args

from wireproof.spec import syntax as s
from wireproof.spec.source import Span


@v_args(meta=True)
class Claims(Transformer[Any, list[s.Item]]):
    """One method a production, as in :mod:`wireproof.spec.parse`, whose transformer these belong to."""

    def at(self, m: Any) -> Span:
        raise NotImplementedError

    def _claim(self, m: Any, c: Any, kind: Literal["invariant", "property", "theorem"]) -> s.Claim:
        return s.Claim(kind, str(c[0]), c[1] or [], c[2:], span=self.at(m))

    def invariant(self, m: Any, c: Any) -> s.Claim:
        return self._claim(m, c, "invariant")

    def property(self, m: Any, c: Any) -> s.Claim:
        return self._claim(m, c, "property")

    def theorem(self, m: Any, c: Any) -> s.Claim:
        return self._claim(m, c, "theorem")

    def in_states(self, m: Any, c: Any) -> s.In:
        return s.In(c[0], span=self.at(m))

    def on_step(self, m: Any, c: Any) -> s.On:
        return s.On(list(c), span=self.at(m))

    def event_occasion(self, m: Any, c: Any) -> tuple[str, str]:
        return (str(c[0]), "")

    def timeout_occasion(self, m: Any, c: Any) -> tuple[str, str]:
        return ("timeout", str(c[0] or ""))

    def call_occasion(self, m: Any, c: Any) -> tuple[str, str]:
        return ("call", str(c[0] or ""))

    def step_occasion(self, m: Any, c: Any) -> tuple[str, str]:
        return ("every", "step")

    def for_event(self, m: Any, c: Any) -> s.For:
        return s.For(str(c[0]), span=self.at(m))

    def then(self, m: Any, c: Any) -> s.Then:
        return s.Then(str(c[0]) if c[0] is not None else None, c[1], span=self.at(m))

    def holds(self, m: Any, c: Any) -> s.Holds:
        return s.Holds(str(c[0]) if c[0] is not None else None, c[1], span=self.at(m))
