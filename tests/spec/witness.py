"""Reading a witness of the solver's back, and evaluating guards where it says."""

from __future__ import annotations

import re
from typing import Any

from wireproof.reference import sequence
from wireproof.spec import ir
from wireproof.spec.evaluate import Operations


class Octets:
    """Octets of which only the number is known; there may be more of them than any memory holds."""

    def __init__(self, n: int):
        self.n = n

    def __len__(self) -> int:
        return self.n

    def __getitem__(self, at: slice) -> Octets:
        return Octets(len(range(self.n)[at]))


class Env:
    """An environment whose values are given by the names that the specification has for them."""

    def __init__(self, model: ir.Model, values: dict[str, Any]):
        self.model = model
        self.values = values
        self.operations = Operations(
            lt=sequence.lt,
            le=sequence.le,
            part=lambda a, *_: Octets(self.fitting("len(part(", 0)),  # type: ignore[arg-type]
            hold=lambda *_: (),
            ready=lambda *_: Octets(self.fitting("len(ready(", 0)),  # type: ignore[arg-type]
            beyond=lambda *_: (),
        )

    def fitting(self, prefix: str, default: int) -> int:
        return next((v for k, v in self.values.items() if k.startswith(prefix)), default)

    def value(self, name: str, sort: ir.Sort) -> Any:
        if sort == ir.OCTETS:
            return Octets(self.values.get(f"len({name})", 0))
        if name in self.values:
            return self.values[name]
        if sort.name in self.model.enums:
            return self.model.enums[sort.name][0]
        return False if sort == ir.FLAG else () if sort == ir.REASSEMBLY else 0

    def variable(self, name: str) -> Any:
        return self.value(name, self.model.variables[name].sort)

    def parameter(self, name: str) -> Any:
        return self.value(name, self.model.params[name].sort)

    def profile(self, name: str) -> bool:
        return bool(self.values.get(f"profile {name}", False))

    def field(self, f: ir.Field) -> Any:
        return self.value(f.name, f.sort)

    def chosen(self, name: str) -> bool:
        return bool(self.values.get(name, False))

    def running(self, timer: str) -> bool:
        return bool(self.values.get(f"running({timer})", False))

    def now(self) -> int:
        return int(self.values.get("now", 0))


def values_of(witness: str) -> dict[str, Any]:
    """A witness as it is printed, read back."""
    out: dict[str, Any] = {}
    for name, value in re.findall(r"(?:^|, )(.+?) = ([A-Za-z0-9-]+)(?=, |$)", witness):
        out[name] = {"true": True, "false": False}.get(value, int(value) if value.isdigit() else value)
    return out
