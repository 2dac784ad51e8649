"""The targets by name: what ``wireproof run`` can be pointed at, and how each is judged."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Literal

from wireproof.conformance import mutation
from wireproof.conformance.baseline import Baseline, read
from wireproof.conformance.select import nearest
from wireproof.conformance.session import Target
from wireproof.conformance.targets.reference import ReferenceTarget
from wireproof.conformance.tester import Settings
from wireproof.reference import machine

WALL_SLACK_US = 80_000
"""How late something may be seen where the clock is shared with other work."""


class UnknownTarget(ValueError):  # noqa: N818 - what the user named, not a fault
    """There is no target of this name; the message has the nearest one."""


@dataclass(slots=True, frozen=True)
class Kind:
    """A target before it is started. ``group`` names the file of known departures."""

    name: str
    about: str
    group: str
    family: Literal[4, 6]
    clock: Literal["virtual", "wall"]
    profile: str
    needs_root: bool = False

    def settings(self) -> Settings:
        """How it is judged."""
        slack = WALL_SLACK_US if self.clock == "wall" else 0
        return Settings(machine.tcp(), self.profile, slack=slack)

    def open(self, longest_us: int = 0) -> Target:
        """Start it; no test needs longer than ``longest_us``. Raises IutError or MutantError."""
        return _OPENERS[self.group](self, longest_us)

    def baseline(self, path: Path | None = None) -> Baseline:
        """Its known departures: from ``path``, or from the file that comes with wireproof, if there is one."""
        if path is not None:
            return read(path, self.family)
        found = Path(str(resources.files("wireproof.conformance.targets").joinpath(f"{self.group}.toml")))
        return read(found, self.family) if found.is_file() else Baseline()


def _linux(kind: Kind, longest_us: int) -> Target:
    from wireproof.conformance.targets.linux import LinuxTarget

    return LinuxTarget(kind.family, limit_s=max(150.0, 2 * longest_us / 1e6))


_OPENERS: dict[str, Callable[[Kind, int], Target]] = {
    "ref": lambda kind, _: ReferenceTarget(kind.name, family=kind.family, profile=kind.profile),
    "mutant": lambda kind, _: mutation.target(kind.name.partition(":")[2]),
    "linux": _linux,
}


@functools.cache
def kinds() -> dict[str, Kind]:
    """All targets by name."""
    found = [
        Kind("ref", "the reference stack, generated from the specification", "ref", 4, "virtual", "rfc5961"),
        Kind("ref6", "the reference stack over IPv6", "ref", 6, "virtual", "rfc5961"),
        Kind(
            "linux", "the kernel that this runs on, over a TUN interface of its own", "linux", 4, "wall", "linux", True
        ),
        Kind("linux6", "the kernel over IPv6", "linux", 6, "wall", "linux", True),
    ]
    found += [Kind(f"mutant:{m.name}", m.story, "mutant", 4, "virtual", "rfc5961") for m in mutation.mutants().values()]
    return {k.name: k for k in found}


def find(name: str) -> Kind:
    """The target of this name. Raises :class:`UnknownTarget`."""
    if name in kinds():
        return kinds()[name]
    guess = nearest(name, kinds()) or nearest(f"mutant:{name}", kinds())
    did = f"did you mean '{guess}'?" if guess else "`wireproof targets list` shows them"
    raise UnknownTarget(f"there is no target '{name}'; {did}")
