"""Where generated traces get their choices from: a seeded generator that keeps a tape of them, or Hypothesis.

Every choice is a number below n. 0 is always the plainest, so that a tape with smaller numbers is a plainer trace.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import TypeVar

Draw = Callable[[int], int]
"""A choice: a number of 0 .. n - 1, for n of at least 1."""

T = TypeVar("T")


class Tape:
    """Choices of a seeded generator, kept in the order in which they were made. The same seed, the same choices."""

    __slots__ = ("_random", "choices")

    def __init__(self, seed: str):
        self._random = random.Random(seed).random
        self.choices: list[int] = []

    def __call__(self, n: int) -> int:
        if n <= 1:
            return 0
        choice = int(self._random() * n)
        self.choices.append(choice)
        return choice


def pick(draw: Draw, options: Sequence[T]) -> T:
    """One of them; the first is the plainest."""
    return options[draw(len(options))]


def chance(draw: Draw, n: int) -> bool:
    """True once in ``n`` times; False is the plainer."""
    return draw(n) == n - 1
