"""The executable backend in pieces, so that a specification with one change is made to run in milliseconds.

A unit is the text of one section, of the abbreviations, of the state or of the tables. Each is compiled once; for a
changed model only the units whose text differs are compiled again, and all are executed into a namespace of their own.
"""

from __future__ import annotations

from collections.abc import Callable
from types import CodeType

from wireproof.spec import ir
from wireproof.spec.backends.python import RUNTIME, PythonBackend, rule_function
from wireproof.spec.backends.python_state import state
from wireproof.spec.backends.python_terms import ident

_FUTURE = "from __future__ import annotations\n"
Wrap = Callable[[str, Callable[..., object]], Callable[..., object]]


class Units:
    """The pieces of one model, compiled, and namespaces of models that differ from it in little."""

    def __init__(self, model: ir.Model):
        self.model = model
        self.backend = PythonBackend(model)
        self.texts = self._texts(model, self.backend)
        self._runtime = compile(_FUTURE + RUNTIME, "<runtime>", "exec")
        self._codes = {name: _compiled(name, text) for name, text in self.texts.items()}

    def _texts(self, model: ir.Model, backend: PythonBackend) -> dict[str, str]:
        out = {"state": "\n".join(state(model)), "terms": "\n".join(backend.lets())}
        for s in sorted(model.sections, key=lambda s: s.kind != "procedure"):
            out[_unit(s)] = "\n".join(backend.section(s))
        out["tables"] = "\n".join(backend.tables())
        return out

    def changed(self, model: ir.Model) -> dict[str, str]:
        """The units of a changed model (see Mutant.model) whose text differs, with their text."""
        before = self.model
        backend = PythonBackend(model)
        if self._other_arguments(model, backend):
            found = self._texts(model, backend)
        else:
            found = {}
            if model.variables is not before.variables or model.params is not before.params:
                found["state"] = "\n".join(state(model))
            if model.abbreviations is not before.abbreviations or model.functions is not before.functions:
                found["terms"] = "\n".join(backend.lets())
            if model.sections is not before.sections:
                for new, old in zip(model.sections, before.sections, strict=True):
                    if new is not old:
                        found[_unit(new)] = "\n".join(backend.section(new))
                found["tables"] = "\n".join(backend.tables())
        return {name: text for name, text in found.items() if text != self.texts[name]}

    def _other_arguments(self, model: ir.Model, backend: PythonBackend) -> bool:
        """Does a procedure that changed read an event now, or no more? Then its callers change too."""
        return any(
            new is not old
            and new.kind == "procedure"
            and backend.needs_event(new.name) != self.backend.needs_event(new.name)
            for new, old in zip(model.sections, self.model.sections, strict=True)
        )

    def namespace(self, model: ir.Model | None = None, wrap: Wrap | None = None) -> dict[str, object]:
        """The generated names of this model, or of a changed one; ``wrap`` is put around every rule and let."""
        codes = self._codes
        if model is not None:
            codes = {**codes, **{name: _compiled(name, text) for name, text in self.changed(model).items()}}
        space: dict[str, object] = {"__name__": "wireproof.mutant"}
        exec(self._runtime, space)
        for name, code in codes.items():
            if name == "tables" and wrap is not None:
                for f in self.functions():
                    if callable(found := space.get(f)):
                        space[f] = wrap(f, found)
            exec(code, space)
        return space

    def functions(self) -> list[str]:
        """The names of all rules' functions, of lets and of the specification's functions."""
        found = [f for s, r in self.model.rules() for f in functions_of(s, r)]
        return [*found, *(ident(a) for a in self.model.abbreviations), *self.model.functions]


def functions_of(section: ir.Section, rule: ir.Rule) -> list[str]:
    """The functions that a rule is made into."""
    name = rule_function(section, rule)
    return [name, f"{name}__check", f"{name}__due"] if section.kind == "may" else [name]


def _unit(section: ir.Section) -> str:
    return f"{section.kind} {section.name}"


def _compiled(name: str, text: str) -> CodeType:
    return compile(_FUTURE + text, f"<{name}>", "exec")
