"""The generated rules as one thing that can be run, and how an event finds its rules."""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Mapping
from typing import Any

from wireproof.reference.run import AT_STEP, CONTINUE, DONE, EveryRule, MayRule

Section = Callable[[Any, Any, Any], int]


class Machine:
    """The tables of a specification: the one that is generated, or a mutant's.

    ``Tcp`` makes a configuration, ``params`` the parameters of a profile.
    """

    def __init__(self, space: Mapping[str, Any]):
        self.Tcp: Callable[[], Any] = space["Tcp"]
        self.params: Callable[..., Any] = space["params"]
        self.arrives: dict[str, dict[str, tuple[tuple[int, Section], ...]]] = space["ARRIVES"]
        self.calls: dict[str, dict[str, Section]] = space["CALLS"]
        self.timeouts: dict[str, dict[str, Section]] = space["TIMEOUTS"]
        self.may: dict[str, tuple[MayRule, ...]] = space["MAY"]
        self.every: dict[str, tuple[EveryRule, ...]] = space["EVERY"]
        self.after: dict[str, tuple[Section, ...]] = space["AFTER"]
        self.timer_slots: tuple[tuple[str, str, str], ...] = space["TIMER_SLOTS"]
        self.timer_starts: Callable[[Any], tuple[int, ...]] = operator.attrgetter(*(s[1] for s in self.timer_slots))
        """Of a configuration: when each timer may end, in the order of the slots; negative when it does not run."""
        self.silent_timers: frozenset[str] = space["SILENT_TIMERS"]
        self.sending_timers: frozenset[str] = space["SENDING_TIMERS"]
        self.deciding: frozenset[str] = space["DECIDING"]
        self.bases: dict[str, str] = space["BASES"]
        self.spec_hash: str = space["SPEC_HASH"]
        self._used: dict[frozenset[str], dict[str, tuple[MayRule, ...]]] = {}

    def used(self, ids: frozenset[str]) -> dict[str, tuple[MayRule, ...]]:
        """``may`` with these rules only."""
        found = self._used.get(ids)
        if found is None:
            found = {state: tuple(r for r in rules if r.id in ids) for state, rules in self.may.items()}
            self._used[ids] = found
        return found

    def arrive(self, event: str, c: Any, e: Any, x: Any) -> int:
        """Run the steps for an event that arrives (``segment``, ``icmp``); how it ended (run.py)."""
        table = self.arrives[event]
        step = -1
        while True:
            found = next((entry for entry in table[c.state] if entry[0] > step), None)
            if found is None:
                return DONE
            n, section = found
            end = section(c, e, x)
            if end == CONTINUE:
                step = n
            elif end >= AT_STEP:
                step = end - AT_STEP - 1
            else:
                return end

    def call(self, name: str, c: Any, e: Any, x: Any) -> bool:
        """Run the rule for a call; False when the specification does not have it in this state."""
        section = self.calls[name].get(c.state)
        if section is None:
            return False
        section(c, e, x)
        return True

    def timeout(self, timer: str, c: Any, x: Any) -> None:
        """The timer has ended: it is stopped, and its rule runs if the state has one."""
        for name, low, high in self.timer_slots:
            if name == timer:
                setattr(c, low, -1)
                setattr(c, high, -1)
        section = self.timeouts[timer].get(c.state)
        if section is not None:
            section(c, None, x)

    def sent(self, c: Any, out: Any, x: Any) -> None:
        """What the sending of a segment changes."""
        for section in self.after[c.state]:
            section(c, out, x)


@functools.cache
def tcp() -> Machine:
    """The machine generated from the specification that comes with wireproof."""
    from wireproof.reference.generated import tcp as generated

    return Machine(vars(generated))
