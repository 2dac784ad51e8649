"""Interrupt vectors: cause, mask, and moderation by a least interval, a delay and a latest time.

An interrupt is a message. One is owed when a cause is raised, also one that was set already, or when a cause that is
set is unmasked; so nothing that happens after a message goes without another.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from wireproof.nicmodel.registers import CAUSE, DELAY, ICTL, INTERVAL, LATEST, MASK, ICtl, RegisterFile, of_queue
from wireproof.nicmodel.schedule import Schedule


@dataclass(frozen=True, slots=True)
class Message:
    """The unmasked causes of a vector at a cycle. Vector q belongs to queue q."""

    cycle: int
    vector: int
    cause: int


@dataclass(slots=True)
class _Vector:
    owed: bool = False
    first: int = 0
    """The cycle of the first event since the last message."""
    last: int = 0
    sent: int | None = None
    planned: int | None = None


class Interrupts:
    """All vectors. Messages are in ``sent``, oldest first, until the host takes them."""

    def __init__(self, registers: RegisterFile, schedule: Schedule, vectors: int, defects: frozenset[str]) -> None:
        self._registers = registers
        self._schedule = schedule
        self._defects = defects
        self._vectors = [_Vector() for _ in range(vectors)]
        self.sent: list[Message] = []
        for vector in range(vectors):
            registers.on_write[of_queue(MASK, vector)] = partial(self._unmasked, vector)
            for register in (INTERVAL, DELAY, LATEST):
                registers.on_write[of_queue(register, vector)] = partial(self._remoderate, vector)

    def reset(self) -> None:
        self._vectors = [_Vector() for _ in self._vectors]

    def signal(self, vector: int, cause: int) -> None:
        """An event: the cause is set at once, the message comes when moderation allows it."""
        state, now = self._vectors[vector], self._schedule.now
        before = self._get(CAUSE, vector)
        self._registers.set(of_queue(CAUSE, vector), before | int(cause))
        if self._is_lost(vector, cause):
            return
        if not state.owed or not before:
            state.first = now
        state.owed, state.last = True, now
        self._plan(vector)

    def _is_lost(self, vector: int, cause: int) -> bool:
        """Only in a device with a defect."""
        if "interrupt-lost-unmask" in self._defects and not cause & self._get(MASK, vector):
            return True
        return "interrupt-lost-moderated" in self._defects and self._too_soon(vector)

    def _too_soon(self, vector: int) -> bool:
        sent = self._vectors[vector].sent
        return sent is not None and self._schedule.now < sent + self._get(INTERVAL, vector)

    def _remoderate(self, vector: int, _old: int, _new: int) -> None:
        self._plan(vector)

    def _unmasked(self, vector: int, old: int, new: int) -> None:
        if self._get(CAUSE, vector) & new & ~old and "interrupt-lost-unmask" not in self._defects:
            state = self._vectors[vector]
            if not state.owed:
                state.first = state.last = self._schedule.now
            state.owed = True
        self._plan(vector)

    def _due(self, vector: int) -> int | None:
        """The cycle in which the message is to be sent, as things are."""
        state = self._vectors[vector]
        if not state.owed or not self._get(CAUSE, vector) & self._get(MASK, vector):
            return None
        due = state.last + self._get(DELAY, vector)
        if latest := self._get(LATEST, vector):
            due = min(due, state.first + latest)
        if state.sent is not None and "moderation-ignored" not in self._defects:
            due = max(due, state.sent + self._get(INTERVAL, vector))
        return due

    def _plan(self, vector: int) -> None:
        due, state = self._due(vector), self._vectors[vector]
        if due is None or (state.planned is not None and state.planned <= due):
            return
        state.planned = due
        self._schedule.at(due, lambda: self._check(vector, due))

    def _check(self, vector: int, planned: int) -> None:
        state = self._vectors[vector]
        if state.planned != planned:
            return
        state.planned = None
        due = self._due(vector)
        if due is not None and due <= self._schedule.now:
            self._send(vector)
        else:
            self._plan(vector)

    def _send(self, vector: int) -> None:
        state = self._vectors[vector]
        cause = self._get(CAUSE, vector) & self._get(MASK, vector)
        state.owed, state.sent = False, self._schedule.now
        target = vector
        if "interrupt-wrong-vector" in self._defects:
            target = (vector + 1) % len(self._vectors)
        self.sent.append(Message(self._schedule.now, target, cause))
        control = self._get(ICTL, vector)
        if control & ICtl.AUTO_CLEAR:
            self._drop(CAUSE, vector, cause)
        if control & ICtl.AUTO_MASK and "interrupt-auto-mask-lost" not in self._defects:
            self._drop(MASK, vector, cause)

    def _get(self, register: int, vector: int) -> int:
        return self._registers.get(of_queue(register, vector))

    def _drop(self, register: int, vector: int, bits: int) -> None:
        self._registers.set(of_queue(register, vector), self._get(register, vector) & ~bits)

    def take(self) -> list[Message]:
        """The messages since the last call."""
        taken, self.sent = self.sent, []
        return taken
