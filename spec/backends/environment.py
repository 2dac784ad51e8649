"""Parameters and profiles as terms."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import z3

from wireproof.spec import ir
from wireproof.spec.backends.fold import both, chosen, either, negated
from wireproof.spec.backends.path import Path, PathTerms
from wireproof.spec.backends.z3_terms import MOST


def parameters(terms: PathTerms, profile: str | None, settings: Mapping[str, int]) -> None:
    """Set ``params`` and ``profiles`` of the terms.

    With a profile they are its values. Without one every profile is possible, and each parameter is any value; see
    :func:`as_profiles_have_them`. ``settings`` fix parameters. Raises KeyError for a profile that is not there.
    """
    model = terms.model
    if profile is None:
        terms.profiles = {p: terms.variable(f"profile {p}", ir.FLAG) for p in model.profiles}
        terms.bounds.append(one_profile(terms))
        for p in model.params.values():
            terms.params[p.name] = _free(terms, p)
    else:
        included = model.profiles[profile].includes
        terms.profiles = {p: z3.BoolVal(p in included) for p in model.profiles}
        terms.path = Path(z3.BoolVal(True), z3.BoolVal(True), {}, {}, None)
        terms.params = {p.name: terms.of(p.value) for p in model.params.values()}
        for name in reversed(included):
            for param, value in model.profiles[name].settings:
                terms.params[param] = terms.of(value)
    for name, number in settings.items():
        terms.params[name] = z3.BitVecVal(number, 64)


def _free(terms: PathTerms, p: ir.Parameter) -> Any:
    found = z3.BitVec(f"param {p.name}", 64)
    terms.bounds += [found >= 0, found <= MOST]
    return found


def one_profile(terms: PathTerms) -> Any:
    """Some profile is claimed, with all that it includes, and nothing else."""
    model = terms.model
    return either(
        both(terms.profiles[p] if p in one.includes else negated(terms.profiles[p]) for p in model.profiles)
        for one in model.profiles.values()
    )


def as_profiles_have_them(terms: PathTerms, loose: frozenset[str] = frozenset()) -> list[Any]:
    """Conditions: every parameter is what the profile that is claimed says, except the ``loose`` ones."""
    model = terms.model
    terms.path = Path(z3.BoolVal(True), z3.BoolVal(True), {}, {}, None)
    values = {p.name: terms.of(p.value) for p in model.params.values()}
    # What includes others comes last: its settings count.
    for one in sorted(model.profiles.values(), key=lambda p: len(p.includes)):
        for param, value in one.settings:
            values[param] = chosen(terms.profiles[one.name], terms.of(value), values[param])
    return [terms.params[name] == value for name, value in values.items() if name not in loose]
