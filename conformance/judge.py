"""The belief about one connection: every configuration of it that explains what was seen so far.

Stimuli (segments and calls that go in, time) widen the belief, what comes out narrows it. When no configuration is
left the last event is refused, and the refusal says what was allowed instead. No solver runs here.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar
from weakref import WeakKeyDictionary

from wireproof.conformance.matching import Difference, describe, differences, matches, outcome_text, result_text
from wireproof.conformance.session import Result
from wireproof.conformance.trial import Trial, every_way
from wireproof.reference.connection import CallEvent
from wireproof.reference.machine import Machine
from wireproof.reference.run import FOREVER, REDELIVER, MayRule, Outcome, Template
from wireproof.reference.segment import ACK, SYN, Segment

MAX_BELIEF = 64
"""More configurations than this are never kept: the ones with the fewest deviations stay, and a verdict that may
hang on the others is inconclusive."""


@dataclass(slots=True)
class Candidate:
    """A rule that might have explained an event, and why it did not."""

    rule: str
    wanted: str
    differences: list[Difference] = field(default_factory=list)
    broken: str = ""
    """The name of the conjunct or requirement that was false."""


@dataclass(slots=True)
class Refusal:
    """Why an event cannot be explained. ``kind``: ``unexpected`` (a segment that nothing allows), ``missing`` (one
    that had to come), ``result`` (a call returned what it cannot), ``broken`` (a segment that breaks what holds of
    every segment). ``rule`` is the rule broken."""

    kind: str
    rule: str
    text: str
    time: int
    candidates: list[Candidate] = field(default_factory=list)
    configuration: Any = None
    after: list[str] = field(default_factory=list)
    """The rules that fired at the last stimulus."""
    event: Any = None


class _Tables:
    """What is asked for at every event, of a machine."""

    __slots__ = ("duties", "ends", "silent", "starts")

    _of: ClassVar[WeakKeyDictionary[Machine, _Tables]] = WeakKeyDictionary()

    def __init__(self, machine: Machine):
        self.duties: dict[str, tuple[MayRule, ...]] = {
            state: tuple(r for r in rules if r.due is not None) for state, rules in machine.may.items()
        }
        """The permissions that may become duties."""
        self.starts = machine.timer_starts
        self.ends: Callable[[Any], tuple[int, ...]] = operator.attrgetter(*(s[2] for s in machine.timer_slots))
        """Of a configuration: when each timer ends at the latest, in the order of the slots."""
        self.silent = [i for i, (name, _, _) in enumerate(machine.timer_slots) if name in machine.silent_timers]

    @classmethod
    def of(cls, machine: Machine) -> _Tables:
        """Those of this machine, made once."""
        tables = cls._of.get(machine)
        if tables is None:
            tables = cls._of[machine] = cls(machine)
        return tables


class Judge:
    """Judges one connection. Times are microseconds; ``slack`` is how much later than its deadline something may be
    seen because the clock is shared with others."""

    few = 8  # a belief of no more configurations is kept whole, whatever they depart from

    def __init__(self, machine: Machine, p: Any, slack: int, start: Any | None = None):
        self.machine = machine
        self.p = p
        self.slack = slack
        self.trial = Trial(p)
        self._tables = _Tables.of(machine)
        self.configs: list[Any] = [start if start is not None else machine.Tcp()]
        self.fired: list[str] = []
        """Rules of the last event, along the first explanation."""
        self.stimulus: list[str] = []
        """Rules of the last stimulus."""
        self.lossy = False
        """The belief was cut: a refusal from here on proves nothing."""
        self.end = 0
        """How the last segment that arrived ended (run.py): REDELIVER if it may have ended so."""

    # ---- what goes in ---------------------------------------------------------------------------------------------

    def arrive(self, event: str, e: Any, now: int) -> Refusal | None:
        """A segment or ICMP message goes in."""
        if (refusal := self.advance(now)) is not None:
            return refusal

        self.end = 0

        def run(c: Any, x: Trial) -> None:
            end = self.machine.arrive(event, c, e, x)
            if self.end != REDELIVER:
                self.end = end

        found: list[Any] = []
        for c in self._before(now):
            results, _, self.fired = every_way(self.trial, c, run, now)
            found += results
        self._keep(found, now)
        self.stimulus = self.fired
        return None

    def call(self, name: str, e: CallEvent, result: Result, now: int) -> Refusal | None:
        """A call goes in and comes back at once with a result."""
        if (refusal := self.advance(now)) is not None:
            return refusal
        self.trial.observed = result
        found: list[Any] = []
        missed: list[tuple[str, tuple[Outcome, ...]]] = []
        fired: list[str] = []
        for c in self._before(now):
            results, m, f = every_way(self.trial, c, lambda c, x: self.machine.call(name, c, e, x), now)
            found += results
            missed += [x for x in m if x not in missed]
            fired = f if results or not fired else fired
        self.fired = fired
        if not found:
            candidates = [Candidate(rule, " or ".join(outcome_text(o) for o in outcomes)) for rule, outcomes in missed]
            rule = missed[-1][0] if missed else ""
            wanted = "; or ".join(dict.fromkeys(c.wanted for c in candidates))
            text = f"{name}() returned {result_text(result)}; expected: {wanted}"
            return Refusal(
                "result", rule, text, now, candidates, self.configs[0], list(self.stimulus), (name, e, result)
            )
        self._keep(found, now)
        self.stimulus = fired
        return None

    # ---- what comes out -------------------------------------------------------------------------------------------

    def sent(self, out: Segment, now: int) -> Refusal | None:
        """A segment comes out."""
        if (refusal := self.advance(now)) is not None:
            return refusal
        found: list[Any] = []
        candidates: list[Candidate] = []
        fired: list[str] = []
        self.trial.signals = []
        for c in self.configs:
            c.now = max(c.now, now)
            direct = self._explain(c, out, now, candidates, fired)
            found += direct
            # A bare acknowledgment that is explained without a timer, or by one, needs no other that would send it.
            acknowledged = bool(direct)
            for name, ended, rules in self._fireable(c, now, self.machine.sending_timers if direct else frozenset()):
                if acknowledged and name in self.machine.sending_timers:
                    continue
                explained = self._explain(ended, out, now, candidates, fired)
                if explained:
                    fired += rules
                    acknowledged = acknowledged or name in self.machine.sending_timers
                found += explained
        if not found:
            return self._refuse_segment(out, now, candidates)
        self.fired = fired
        self._keep(self._likely(found), now)
        return None

    def _likely(self, found: list[Any]) -> list[Any]:
        """What departs from more than need be is believed too, while the belief is small; without it, it is cut."""
        if len(found) <= self.few:
            return found
        least = min(len(c.deviations) for c in found)
        kept = [c for c in found if len(c.deviations) == least]
        self.lossy = self.lossy or len(kept) < len(found)
        return kept

    def _explain(self, c: Any, out: Segment, now: int, why: list[Candidate], fired: list[str]) -> list[Any]:
        """Configurations after ``out`` was sent in ``c``, if the specification lets it."""
        found = []
        for i, t in enumerate(c.owed):
            if matches(c, t, out):
                new = self._take(c, out, now, t.rule, why)
                if new is not None:
                    new.owed = c.owed[:i] + c.owed[i + 1 :]
                    fired.append(t.rule)
                    found.append(new)
                    break
        if found:
            return found
        trial = self.trial
        deviant: list[tuple[Any, tuple[str, ...], str]] = []
        for r in self.machine.may[c.state]:
            t = r.offer(c, trial)
            if t is None or not matches(c, t, out):
                continue
            if r.check is not None and not r.check(c, out, trial):
                why.append(Candidate(r.id, describe(t), broken="its condition on the segment"))
                continue
            if r.deviates:
                deviant.append((t, r.deviates, r.id))
                continue
            new = self._take(c, out, now, r.id, why)
            if new is not None:
                new.due = tuple(d for d in new.due if d[0] != r.id)
                fired.append(r.id)
                found.append(new)
        if not found:
            for _, ids, rule in deviant:
                new = self._take(c, out, now, rule, why)
                if new is not None:
                    trial.deviate(new, rule, ids)
                    fired.append(rule)
                    found.append(new)
        return found

    def _take(self, c: Any, out: Segment, now: int, rule: str, why: list[Candidate]) -> Any | None:
        """``c`` after sending ``out``: None when it breaks what holds of every segment."""
        new = c.copy()
        new.now = now
        if new.unbound and out.ctl & SYN:
            delta = out.seq
            new.unbound = False
            new.rebase_iss(delta)
            new.owed = tuple(t._replace(seq=(t.seq + delta) & 0xFFFFFFFF) for t in new.owed)
        for r in self.machine.every[new.state]:
            broken = r.broken(new, out, self.trial)
            if broken is None:
                continue
            if r.level == "must":
                why.append(Candidate(r.id, "every segment", broken=broken))
                return None
            for i in r.ids:
                if (r.id, i) not in new.deviations:
                    new.deviations = (*new.deviations, (r.id, i))
        self.trial.fired = []
        self.machine.sent(new, out, self.trial)
        return new

    def _refuse_segment(self, out: Segment, now: int, every: list[Candidate]) -> Refusal:
        candidates = list(every)
        broken = [x for x in every if x.wanted == "every segment"]
        if not broken and not out.ctl & SYN:
            # What is wrong with the segment whatever it was meant to be (its checksum, say) is the better answer.
            c = self.configs[0]
            for law in self.machine.every[c.state]:
                name = law.broken(c, out, self.trial) if law.level == "must" else None
                if name is not None:
                    broken.append(Candidate(law.id, "every segment", broken=name))
            candidates += broken
        for c in self.configs[:4]:
            pool: list[Template] = list(c.owed)
            for r in self.machine.may[c.state]:
                t = r.offer(c, self.trial)
                if t is not None:
                    pool.append(t)
            for _, ended, _ in self._fireable(c, now):
                pool += [t for t in ended.owed if t not in pool]
            for t in pool:
                d = differences(c, t, out)
                if d and all(x.rule != t.rule for x in candidates):
                    candidates.append(Candidate(t.rule, describe(t), d))
        candidates.sort(key=lambda x: (len(x.differences), x.rule))
        after = list(self.stimulus)
        if broken:
            b = broken[0]
            text = f"the segment breaks '{b.broken}', which holds of every segment"
            return Refusal("broken", b.rule, text, now, candidates, self.configs[0], after, out)
        near = [x for x in candidates if len(x.differences) == 1 and x.differences[0].field != "CTL"]
        deciding = [r for r in after if r in self.machine.deciding] or after
        rule = near[0].rule if near else (deciding[-1] if deciding else "")
        what = f"{out.control()} seq={out.seq} ack={out.ack if out.ctl & ACK else '-'} len={len(out.data)}"
        if near:
            text = f"{what}: {near[0].differences[0]}"
        elif candidates:
            text = f"{what}: nothing allows it; {candidates[0].wanted} would be"
        else:
            text = f"{what}: nothing may be sent here"
        return Refusal("unexpected", rule, text, now, candidates, self.configs[0], after, out)

    # ---- time -----------------------------------------------------------------------------------------------------

    def advance(self, now: int) -> Refusal | None:
        """Time has come to ``now`` and nothing else was seen: what had to come by then must have."""
        return self._pass(now, at_once=False)

    def quiet(self, now: int) -> Refusal | None:
        """Everything that is given at once has been seen: nothing that is owed at once may be left."""
        return self._pass(now, at_once=True)

    def _calm(self, now: int, at_once: bool) -> bool:
        """Nothing had to come by now, in any configuration, and no timer has ended by itself."""
        limit = now - self.slack
        for c in self.configs:
            if c.owed and (at_once or c.owed_since < limit):
                return False
            for _, until in c.due:
                if until < limit:
                    return False
            ends = self._tables.ends(c)
            for i, until in enumerate(ends):
                if 0 <= until <= now and (until < limit or (at_once and until == self._tables.starts(c)[i])):
                    return False
        return True

    def _pass(self, now: int, at_once: bool) -> Refusal | None:
        if self._calm(now, at_once):
            return None
        alive: list[Any] = []
        lost: list[tuple[str, str, int, Any]] = []
        todo = list(self.configs)
        changed = False
        while todo:
            c = todo.pop()
            if c.owed and (at_once or c.owed_since + self.slack < now):
                t = c.owed[0]
                lost.append((t.rule, describe(t), c.owed_since, c))
                continue
            overdue = [d for d in c.due if d[1] + self.slack < now]
            if overdue:
                todo += self._silent(c, overdue[0][1] + self.slack)
                lost.append((overdue[0][0], "what it allows, for it was due", overdue[0][1], c))
                continue
            first: tuple[int, str] | None = None
            for name, low, high in self.machine.timer_slots:
                until = getattr(c, high)
                if until < 0 or until >= FOREVER:
                    continue
                over = until + self.slack < now or (at_once and until <= now and until == getattr(c, low))
                if over and (first is None or until < first[0]):
                    first = (until, name)
            if first is None:
                alive.append(c)
                continue
            changed = True
            until, name = first
            results, _, _ = self._end_timer(c, name, max(c.now, until))
            for new in results:
                if new.owed and not c.owed:
                    new.owed_since = until
                self._set_due(new, new.now)
                todo.append(new)
            todo += [
                x
                for x in self._silent(c, min(now, until + self.slack))
                if name not in self.machine.silent_timers or x.key() not in {r.key() for r in results}
            ]
        if not alive:
            rule, wanted, since, c = lost[0]
            text = f"{wanted} had to be sent by {since / 1e6:.6f} s and was not"
            candidates = [Candidate(r, w) for r, w, _, _ in lost]
            return Refusal("missing", rule, text, now, candidates, c, list(self.stimulus), None)
        if changed or len(alive) != len(self.configs):
            self._keep(alive, None)
        return None

    def _before(self, now: int) -> list[Any]:
        """The configurations that a stimulus may meet: as they are, and with timers ended that end in silence."""
        out: list[Any] = []
        for c in self.configs:
            out.append(c)
            out += self._silent(c, now)
        return out

    def _fireable(self, c: Any, now: int, aside: frozenset[str] = frozenset()) -> list[tuple[str, Any, list[str]]]:
        """Every timer that may have ended by now, ``aside`` left out: its name, the configuration after, the rules
        that fired."""
        out: list[tuple[str, Any, list[str]]] = []
        for i, low in enumerate(self._tables.starts(c)):
            if 0 <= low <= now and (name := self.machine.timer_slots[i][0]) not in aside:
                results, _, fired = self._end_timer(c, name, now)
                out += [(name, r, fired) for r in results]
        return out

    def _end_timer(self, c: Any, name: str, at: int) -> tuple[list[Any], Any, list[str]]:
        return every_way(self.trial, c, lambda c, x: self.machine.timeout(name, c, x), at)

    def _silent(self, c: Any, now: int) -> list[Any]:
        """``c`` with timers ended that show nothing."""
        out: list[Any] = []
        starts = self._tables.starts(c)
        for i in self._tables.silent:
            if 0 <= starts[i] <= now:
                results, _, _ = self._end_timer(c, self.machine.timer_slots[i][0], max(now, c.now))
                out += [r for r in results if r.owed == c.owed]
        return out

    # ---- the belief -----------------------------------------------------------------------------------------------

    def _keep(self, found: list[Any], now: int | None) -> None:
        """The new belief: duplicates dropped, duties noted."""
        if now is not None:
            for c in found:
                if c.owed and c.owed_since < 0:
                    c.owed_since = now
                if not c.owed:
                    c.owed_since = -1
                self._set_due(c, now)
        if len(found) > 1:
            best: dict[Any, Any] = {}
            for c in found:
                k = c.key()
                if k not in best or len(c.deviations) < len(best[k].deviations):
                    best[k] = c
            found = list(best.values())
            if len(found) > MAX_BELIEF:
                found.sort(key=lambda c: len(c.deviations))
                found = found[:MAX_BELIEF]
                self.lossy = True
        self.configs = found

    def also(self, more: list[Any]) -> None:
        """It may be in one of these configurations too."""
        self._keep([*self.configs, *more], None)

    def _set_due(self, c: Any, now: int) -> None:
        """Which permissions are duties now, since when."""
        before = c.due
        due: list[tuple[str, int]] = []
        for r in self._tables.duties[c.state]:
            if r.offer(c, self.trial) is not None:
                assert r.due is not None
                within = r.due(c, self.trial)
                if within:
                    known = next((d for d in before if d[0] == r.id), None)
                    due.append(known or (r.id, now + within))
        c.due = tuple(due)

    # ---- queries --------------------------------------------------------------------------------------------------

    @property
    def finished(self) -> bool:
        """CLOSED or LISTEN in every configuration, with nothing owed."""
        for c in self.configs:  # noqa: SIM110 - asked after every event: a generator takes longer
            if c.owed or c.state not in ("CLOSED", "LISTEN"):
                return False
        return True

    def may_be_over(self, now: int) -> bool:
        """Can the connection be in CLOSED by now?"""
        todo = self._before(now)
        ended = [e for c in todo for _, e, _ in self._fireable(c, now)]
        return any(c.state in ("CLOSED", "LISTEN") for c in (*todo, *ended))

    def deviations(self) -> tuple[tuple[str, str], ...]:
        """The deviations that every explanation needs: those of the one with the fewest."""
        best: tuple[tuple[str, str], ...] = min((c.deviations for c in self.configs), key=len)
        return best

    def next_timer(self) -> int | None:
        """The earliest time at which a timer may end by itself, acknowledgments aside, or None."""
        times = [
            low
            for c in self.configs
            for name, slot, _ in self.machine.timer_slots
            if name not in self.machine.sending_timers and (low := getattr(c, slot)) >= 0
        ]
        return min(times) if times else None

    def next_deadline(self, now: int) -> int | None:
        """When the next thing must have happened, at the latest, or None."""
        times = []
        for c in self.configs:
            for _, _, high in self.machine.timer_slots:
                until = getattr(c, high)
                if 0 <= until < FOREVER:
                    times.append(until)
            times += [d[1] for d in c.due]
        return min(times) if times else None
