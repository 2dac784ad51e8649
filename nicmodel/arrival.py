"""A frame on its way from the wire to a receive ring, with what the device has found out about it."""

from __future__ import annotations

from dataclasses import dataclass

from wireproof.nicmodel.checksum import Verdict
from wireproof.nicmodel.headers import Layout
from wireproof.nicmodel.steering import Steering


@dataclass(frozen=True, slots=True)
class Arrival:
    """``frame`` and ``layout`` are those after stripping; ``tags`` are all that came on the wire."""

    frame: bytes
    layout: Layout
    tags: tuple[tuple[int, int], ...]
    verdict: Verdict
    steering: Steering
    inner: int | None = None
    outer: int | None = None
    count: int = 1
    """Frames of the wire in it."""
    fixed_id: bool = False
    """It is several, all with the same IPv4 identification."""
    raw_sum: int | None = None
    """None when it is several frames."""
