"""Mutants: the reference with a seeded fault.

Most are edits of the specification's text (``mutants.toml``), compiled in memory like the original, so that the fault
is one that the language can say; a few spoil datagrams on their way out.
"""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from importlib import resources

from wireproof.conformance.targets.reference import ReferenceTarget
from wireproof.reference.codec import encode
from wireproof.reference.machine import Machine
from wireproof.reference.segment import SYN, Segment
from wireproof.spec import load
from wireproof.spec.backends import python
from wireproof.spec.source import Source


class MutantError(ValueError):
    """A mutant that cannot be made: its name is unknown, or its edit does not fit the text any more."""


@dataclass(slots=True, frozen=True)
class Mutant:
    """One seeded fault: an edit (``find`` becomes ``replace`` in ``file``, once) or the name of a ``wire`` fault."""

    name: str
    story: str
    file: str = ""
    find: str = ""
    replace: str = ""
    wire: str = ""


@functools.cache
def mutants() -> dict[str, Mutant]:
    """All mutants by name."""
    text = resources.files("wireproof.conformance").joinpath("mutants.toml").read_text("utf-8")
    return {m["name"]: Mutant(**m) for m in tomllib.loads(text)["mutant"]}


@functools.cache
def _texts() -> tuple[Source, ...]:
    return tuple(load.sources(load.rules_root() / "tcp"))


def machine(mutant: Mutant) -> Machine:
    """The mutant's rules. Raises :class:`MutantError` when the edit does not fit."""
    texts = []
    for source in _texts():
        text = source.text
        if source.name == mutant.file:
            if text.count(mutant.find) != 1:
                raise MutantError(
                    f"mutant {mutant.name}: its text stands {text.count(mutant.find)} times in {mutant.file}, "
                    "not once; "
                    "correct conformance/mutants.toml"
                )
            text = text.replace(mutant.find, mutant.replace)
        texts.append(Source(source.name, text))
    return Machine(python.namespace(load.load_sources(texts)))


def target(name: str, **options: object) -> ReferenceTarget:
    """The mutant as a target. Raises :class:`MutantError` for an unknown name."""
    if name not in mutants():
        raise MutantError(f"there is no mutant '{name}'; `wireproof targets list` shows them")
    m = mutants()[name]
    if m.wire:
        return ReferenceTarget(f"mutant:{name}", encode_segment=WIRE[m.wire], **options)  # type: ignore[arg-type]
    return ReferenceTarget(f"mutant:{name}", machine(m), **options)  # type: ignore[arg-type]


def odd_checksum(s: Segment) -> bytes:
    """The last octet of odd-sized text is left out of the checksum."""
    packet = bytearray(encode(s))
    if len(s.data) % 2:
        packet[-1] = (packet[-1] + 1) & 0xFF
        wrong = bytes(packet)
        packet[-1] = (packet[-1] - 1) & 0xFF
        return wrong
    return bytes(packet)


def mss_everywhere(s: Segment) -> bytes:
    """An MSS option on segments without SYN."""
    if not s.ctl & SYN:
        s.options = b"\x02\x04\x05\xb4" + s.options
    return encode(s)


WIRE: dict[str, Callable[[Segment], bytes]] = {"odd_checksum": odd_checksum, "mss_everywhere": mss_everywhere}
