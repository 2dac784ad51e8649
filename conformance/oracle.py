"""The test oracle for one host: it watches calls, packets and time, and says pass, or why not.

The oracle is passive. Events must be given in order; the first refusal is final. What the verdict may depend on
(profile, MTU, the clock's slack) is said at the start.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from wireproof.conformance.judge import Candidate, Judge, Refusal
from wireproof.conformance.listening import Listening, perhaps_stopped, stopped
from wireproof.conformance.session import Result
from wireproof.reference.addresses import is_group, is_invalid_source
from wireproof.reference.codec import Icmp, Malformed, decode
from wireproof.reference.connection import CallEvent
from wireproof.reference.host import OPTIONS, SYNCHRONIZED
from wireproof.reference.icmp import classify
from wireproof.reference.machine import Machine
from wireproof.reference.run import REDELIVER
from wireproof.reference.segment import ACK, RST, SYN, Segment

Key = tuple[bytes, int, bytes, int]
Verdict = Literal["pass", "fail", "inconclusive", "error", "unsupported", "skipped"]


@dataclass(slots=True)
class Step:
    """One event as it was seen, with the rules that explain it."""

    time: int
    kind: Literal["rx", "tx", "call", "tick"]
    packet: bytes = b""
    call: tuple[int, str, dict[str, Any], Result] | None = None
    rules: tuple[str, ...] = ()
    states: tuple[str, ...] = ()
    """The states of the connection concerned, after the event."""
    at_once: bool = False
    """Of a tick: everything that is given at once had been seen."""


class Oracle:
    """Judges what one host at address ``local`` does.

    ``settings`` are parameters of the specification (``mtu=1500``); ``slack`` is in microseconds.
    """

    def __init__(
        self,
        machine: Machine,
        local: bytes,
        profile: str = "rfc5961",
        *,
        slack: int = 0,
        broadcast: frozenset[bytes] = frozenset(),
        **settings: int,
    ):
        v6 = len(local) == 16
        base = {"ip_header": 40 if v6 else 20, "default_mss": 1220 if v6 else 536}
        self.machine = machine
        self.profile = profile
        self.p = machine.params(profile, **(base | settings))
        self.local = local
        self.own = frozenset({local})
        self.slack = slack
        self.broadcast = broadcast
        self.judges: dict[Key, Judge] = {}
        self.detached: dict[int, Judge] = {}
        """Handles whose connection is in CLOSED: the user may still ask."""
        self.ended: dict[Key, tuple[Key, Judge]] = {}
        """Connections that were open and ended before anybody accepted them, by the name that they wait under."""
        self.listeners: dict[int, Listening] = {}
        self.handles: dict[int, Key | int] = {}
        """Handle to a connection's key, or to a listener's port."""
        self.gone: set[int] = set()
        self.past: set[int] = set()
        """Handles of connections that made way for new ones between the same ports."""
        self.presets: dict[int, list[tuple[str, int]]] = {}
        self.steps: list[Step] = []
        self.passes: list[tuple[int, int, bool]] = []
        """When silence was judged: after how many steps, up to when, whether what is given at once had been seen."""
        self.refusal: Refusal | None = None
        self.now = 0
        self.deviations: dict[tuple[str, str], None] = {}
        self.lossy = False

    # ---- events ---------------------------------------------------------------------------------------------------

    def rx(self, packet: bytes, now: int) -> Refusal | None:
        """A datagram goes to the host."""
        step = Step(now, "rx", packet)
        self.steps.append(step)
        got = decode(packet)
        if self.refusal is None:
            if isinstance(got, Segment):
                self._segment(got, now, step)
            elif isinstance(got, Icmp):
                self._icmp(got, now, step)
        return self.refusal

    def tx(self, packet: bytes, now: int) -> Refusal | None:
        """A datagram comes from the host."""
        step = Step(now, "tx", packet)
        self.steps.append(step)
        if self.refusal is not None:
            return self.refusal
        got = decode(packet)
        if isinstance(got, Malformed):
            candidate = Candidate("tcp/form/checksum", "every segment", broken=got.reason)
            self.refusal = Refusal(
                "broken", "tcp/form/checksum", f"no datagram: {got.reason}", now, [candidate], event=packet
            )
        elif isinstance(got, Segment):
            self._sent(got, now, step)
        return self.refusal

    def call(self, h: int, fn: str, args: dict[str, Any], result: Result, now: int) -> Refusal | None:
        """A call was made on handle ``h`` and returned ``result``."""
        step = Step(now, "call", call=(h, fn, args, result))
        self.steps.append(step)
        if self.refusal is None:
            self._call(h, fn, args, result, now, step)
        return self.refusal

    def advance(self, now: int) -> Refusal | None:
        """Nothing was seen up to ``now``."""
        return self._pass(now, at_once=False)

    def quiet(self, now: int) -> Refusal | None:
        """Everything that the host does at once has been seen."""
        return self._pass(now, at_once=True)

    def _pass(self, now: int, at_once: bool) -> Refusal | None:
        if self.refusal is not None:
            return self.refusal
        self.now = now
        self.passes.append((len(self.steps), now, at_once))
        for key, judge in list(self.judges.items()):
            refusal = judge.quiet(now) if at_once else judge.advance(now)
            if refusal is not None:
                self._refuse(refusal, judge)
                return refusal
            self.settle(key, judge)
        return None

    def new_judge(self) -> Judge:
        """A judge for a connection in CLOSED."""
        return Judge(self.machine, self.p, self.slack)

    # ---- segments -------------------------------------------------------------------------------------------------

    def _segment(self, s: Segment, now: int, step: Step) -> None:
        s.dst_group = is_group(s.dst, self.broadcast)
        if s.dst != self.local and not s.dst_group:
            return
        s.src_invalid = is_invalid_source(s.src, self.own, self.broadcast)
        key = (s.dst, s.dport, s.src, s.sport)
        judge = self.judges.get(key)
        if judge is None:
            judge = self._new(key, s.dport)
        elif s.dport in self.listeners:
            self._perhaps_over(key, judge, s, now)
        self._note(judge.arrive("segment", s, now), judge, step)
        for c in judge.configs:
            if c.state == "LISTEN" and c.irs != c.rcv_nxt:
                c.state = "CLOSED"
        if judge.end == REDELIVER and self.refusal is None:
            self._reopened(key, judge)
            again = self._new(key, s.dport)
            self._note(again.arrive("segment", s, now), again, step)
            again.configs += [c for c in judge.configs if c.state != "CLOSED"]
            again.lossy = any(c.state not in ("CLOSED", "TIME-WAIT") for c in judge.configs)
            judge = again
        self.settle(key, judge)

    def _reopened(self, key: Key, judge: Judge) -> None:
        """A connection may have made way for a new one between the same ports: whoever holds its handle still has
        the old one, of which the wire says no more."""
        held = self.new_judge()
        held.configs = [c.copy() for c in judge.configs]
        for c in held.configs:
            c.owed, c.due = (), ()
            for name, low, high in self.machine.timer_slots:
                if name in self.machine.sending_timers:
                    setattr(c, low, -1)
                    setattr(c, high, -1)
        for c in judge.configs:
            c.passive = False  # in TIME-WAIT it means nothing, and nobody may accept it twice
        for h, k in self.handles.items():
            if k == key and h not in self.detached:
                self.detached[h] = held
                self.past.add(h)
        listening = self.listeners.get(key[1])
        if listening is not None:
            listening.accepted.discard(key)
            if key in listening.children:
                self._ended_unaccepted(listening, key, held)

    def _new(self, key: Key, port: int) -> Judge:
        """A judge for a connection that did not exist: from a listener, or in CLOSED."""
        judge = self.new_judge()
        listening = self.listeners.get(port)
        if listening is not None:
            c = judge.configs[0]
            c.state = "LISTEN"
            c.passive = True
            for option, value in listening.options:
                judge.call("set", CallEvent(option=option, value=value), Result("ok"), self.now)
            if listening.doubtful:
                judge.configs.append(self.machine.Tcp())
        self.judges[key] = judge
        return judge

    def _perhaps_over(self, key: Key, judge: Judge, s: Segment, now: int) -> None:
        """A segment comes for a connection that may be over, and there is a listener: then it is the listener's."""
        listening = self.listeners[key[1]]
        over = [c for c in judge.configs if c.state in ("CLOSED", "LISTEN") and not c.owed]
        if not over and not judge.may_be_over(now):
            return
        if key in listening.children and not any(map(_was_established, over)):
            judge.configs = [c for c in judge.configs if c not in over] + self._new(key, key[1]).configs
        elif over and s.ctl & (SYN | ACK | RST) != SYN and all(map(_was_established, over)):
            for c in over:
                c.state = "LISTEN"  # for this segment, which opens nothing
        else:
            judge.lossy = True  # two connections would have to be followed: nothing is said from here on
        self.judges[key] = judge

    def _icmp(self, m: Icmp, now: int, step: Step) -> None:
        if m.quoted is None:
            return
        src, dst, sport, dport, seq = m.quoted
        key = (src, sport, dst, dport)
        judge = self.judges.get(key)
        event = classify(m.version, m.type, m.code, seq, m.mtu)
        if judge is not None and event is not None:
            self._note(judge.arrive("icmp", event, now), judge, step)
            self.settle(key, judge)

    def _sent(self, s: Segment, now: int, step: Step) -> None:
        key = (s.src, s.sport, s.dst, s.dport)
        judge = self.judges.get(key)
        if judge is None:
            judge = self.new_judge()
        self._note(judge.sent(s, now), judge, step)
        self.settle(key, judge)

    def _note(self, refusal: Refusal | None, judge: Judge, step: Step) -> None:
        step.rules += tuple(judge.fired)
        configs = judge.configs
        step.states = (configs[0].state,) if len(configs) == 1 else tuple(dict.fromkeys(c.state for c in configs))
        if refusal is not None:
            self._refuse(refusal, judge)

    def _refuse(self, refusal: Refusal, judge: Judge) -> None:
        if not refusal.rule:
            refusal.rule = "tcp/closed/reset_with_ack"
        self.refusal = refusal
        self.lossy = judge.lossy

    def settle(self, key: Key, judge: Judge) -> None:
        """Forget connections that are over; note deviations and who may be accepted."""
        if judge.finished:
            for d in judge.deviations():
                self.deviations[d] = None
            for h, k in self.handles.items():
                if k == key:
                    self.detached.setdefault(h, judge)
            waiting = self.listeners.get(key[1])
            if waiting is not None:
                waiting.accepted.discard(key)
                if key in waiting.children:
                    self._ended_unaccepted(waiting, key, judge)
            if self.judges.get(key) is judge:
                del self.judges[key]
            return
        if self.judges.get(key) is not judge:
            self.judges[key] = judge
        listening = self.listeners.get(key[1])
        known = listening is None or key in listening.children or key in listening.accepted
        if listening is not None and not known and all(c.passive for c in judge.configs):
            listening.children.append(key)
        if listening is not None and key in listening.children and key not in listening.opened:
            self._note_opened(listening, key)

    def _note_opened(self, listening: Listening, key: Key) -> None:
        """Connections are accepted in the order in which they are opened, whenever their SYN came."""
        if self._states(key) <= SYNCHRONIZED:
            listening.opened.add(key)
            listening.children.remove(key)
            listening.children.append(key)

    def _ended_unaccepted(self, listening: Listening, key: Key, judge: Judge) -> None:
        """A connection ended before it was accepted: one that was established can still be handed out."""
        at = listening.children.index(key)
        if any(map(_was_established, judge.configs)):
            # It keeps its place in the queue under a name of its own: the peer may connect again meanwhile.
            name = (*key[:3], -1 - len(self.steps))
            self.ended[name] = (key, judge)
            listening.children[at] = name
            listening.opened.add(name)
        else:
            del listening.children[at]
        listening.opened.discard(key)

    def _states(self, key: Key) -> set[str]:
        """The states that a connection may be in; one that ended before it was accepted counts as it was."""
        judge = self.judges.get(key)
        return {c.state for c in judge.configs} if judge is not None else {"ESTABLISHED", "CLOSED"}

    # ---- calls ----------------------------------------------------------------------------------------------------

    def _call(self, h: int, fn: str, args: dict[str, Any], result: Result, now: int, step: Step) -> None:
        if result.kind == "error" and result.value == "EBADF":
            if h not in self.gone and (h in self.handles or h in self.detached):
                self._wrong(f"{fn}() says EBADF for a handle that is open", now)
            return
        target = self.handles.get(h)
        if fn == "accept":
            self._accept(args["new"], target, result, now)
        elif fn == "set" and target is None and h not in self.detached:
            if result.kind == "ok":
                self.presets.setdefault(h, []).append((OPTIONS[args["option"]], args["value"]))
        elif fn == "open_active" and target is None:
            self._open_active(h, args, result, now, step)
        elif fn == "open_passive" and target is None:
            self._open_passive(h, args, result, now)
        elif isinstance(target, int):
            self._on_listener(h, target, fn, args, result, now, step)
        else:
            judge = self.detached.get(h)
            if judge is None:
                judge = self.judges.get(target) if target is not None else None
            if judge is None:
                judge = self.new_judge()
                self.detached[h] = judge
            if fn == "open_active" and target is not None and self._in_use(target, judge, result, now):
                return
            self._note(judge.call(fn, event_of(fn, args), result, now), judge, step)
            if fn in ("release", "abort"):
                self.gone.add(h)
                self.handles.pop(h, None)
                self.detached.pop(h, None)
            if h in self.past:
                return
            if target is not None and (self.judges.get(target) is judge or not judge.finished):
                self.detached.pop(h, None)
                self.settle(target, judge)

    def _in_use(self, key: Key, judge: Judge | None, result: Result, now: int) -> bool:
        """Was an opening refused because another connection has the same addresses and ports? It must be."""
        other = self.judges.get(key)
        if other is None or other is judge:
            return False
        if result.value in ("EADDRINUSE", "EADDRNOTAVAIL", "EISCONN"):
            return True
        if not other.may_be_over(now):
            self._wrong(f"open_active() returned {result.kind} {result.value} for a pair that is in use", now)
            return True
        listening = self.listeners.get(key[1])
        if listening is not None and key in listening.children:
            listening.children.remove(key)
        return False

    def _wrong(self, text: str, now: int) -> None:
        self.refusal = Refusal("result", "tcp/status_open/tell", text, now)

    def _open_active(self, h: int, args: dict[str, Any], result: Result, now: int, step: Step) -> None:
        local, remote = args["local"], args["remote"]
        judge = self.new_judge()
        if self._in_use((self.local, local[1], remote[0], remote[1]), None, result, now):
            self.presets.pop(h, None)
            return
        for option, value in self.presets.pop(h, []):
            judge.call("set", CallEvent(option=option, value=value), Result("ok"), now)
        event = CallEvent(group=is_group(remote[0], self.broadcast))
        self._note(judge.call("open_active", event, result, now), judge, step)
        key = (self.local, local[1], remote[0], remote[1])
        if result.kind == "ok":
            self.handles[h] = key
            self.detached.pop(h, None)
            self.settle(key, judge)

    def _open_passive(self, h: int, args: dict[str, Any], result: Result, now: int) -> None:
        port = args["local"][1]
        options = self.presets.pop(h, [])
        if result.kind == "ok":
            self.listeners[port] = Listening(options)
            self.handles[h] = port
            self.detached.pop(h, None)
        elif not (result.kind == "error" and result.value == "EADDRINUSE"):
            self._wrong(f"open_passive() returned {result.kind} {result.value} on a free port", now)

    def _accept(self, new: int, target: Key | int | None, result: Result, now: int) -> None:
        listening = self.listeners.get(target) if isinstance(target, int) else None
        if listening is None:
            if result.kind != "error":
                self._wrong("accept() on a handle that does not listen", now)
            return
        states = [(k, self._states(k)) for k in listening.children]
        if result.kind == "handle":
            ready = [k for k, s in states if s & SYNCHRONIZED]
            if not ready:
                self._wrong("accept() gave a connection, and none was established", now)
                return
            listening.children.remove(ready[0])
            listening.opened.discard(ready[0])
            if ready[0] in self.judges:
                self.handles[new] = ready[0]
                listening.accepted.add(ready[0])
            else:
                self.handles[new], self.detached[new] = self.ended.pop(ready[0])
        elif any(s <= SYNCHRONIZED for _, s in states):
            self._wrong(f"accept() returned {result.value}, and a connection was established", now)

    def _on_listener(
        self, h: int, port: int, fn: str, args: dict[str, Any], result: Result, now: int, step: Step
    ) -> None:
        judge = self.new_judge()
        judge.configs[0].state = "LISTEN"
        if self.listeners[port].doubtful:
            judge.configs.append(self.machine.Tcp())
        self._note(judge.call(fn, event_of(fn, args), result, now), judge, step)
        if fn == "set":
            self.listeners[port].options.append((OPTIONS[args["option"]], args["value"]))
        if any(c.state == "CLOSED" for c in judge.configs):
            if not self.listeners[port].doubtful:
                perhaps_stopped(self.listeners[port], self, now)
            self.listeners[port].doubtful = True
        if fn in ("release", "abort"):
            self.gone.add(h)
            self.handles.pop(h, None)
            stopped(self.listeners.pop(port), self, now)

    # ---- the end --------------------------------------------------------------------------------------------------

    def finish(self) -> None:
        """No more events: collect the deviations of connections that are still open."""
        for judge in self.judges.values():
            for d in judge.deviations():
                self.deviations[d] = None

    def next_deadline(self) -> int | None:
        """When the next thing must have happened at the latest, or None."""
        times = [t for j in self.judges.values() if (t := j.next_deadline(self.now)) is not None]
        return min(times) if times else None

    def next_timer(self) -> int | None:
        """The earliest time at which a timer may end by itself, or None."""
        times = [t for j in self.judges.values() if (t := j.next_timer()) is not None]
        return min(times) if times else None

    def acknowledges(self, key: Key) -> int | None:
        """When an acknowledgment that the connection still owes must have come at the latest; None: it owes none."""
        judge = self.judges.get(key)
        times = [] if judge is None else [c.acknowledge_until for c in judge.configs if c.acknowledge_until >= 0]
        return max(times) + self.slack + 1 if times else None

    def configuration(self, key: Key) -> Any | None:
        """The first configuration believed of a connection, or None when there is none."""
        judge = self.judges.get(key)
        return judge.configs[0] if judge is not None else None


def _was_established(c: Any) -> bool:
    """Was a connection that is in CLOSED open before?"""
    return bool(c.state == "CLOSED" and c.irs != c.rcv_nxt and c.snd_una != c.iss)


def event_of(fn: str, args: dict[str, Any]) -> CallEvent:
    """The arguments of a call as the rules see them."""
    if fn == "set":
        return CallEvent(option=OPTIONS[args["option"]], value=args["value"])
    return CallEvent(data=args.get("data", b""), urgent=args.get("urgent", False), max=args.get("max", 0))
