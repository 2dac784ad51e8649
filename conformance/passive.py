"""An oracle that sees the wire alone: the calls of the user are inferred from what they make the stack send.

Text that goes beyond what was queued was sent by the user just then; more may wait behind it. A FIN tells that the
user has closed, a SYN that it has opened, a reset that it may have aborted. What was sent once is known from then
on: a retransmission with another octet is refused. Reading is taken for granted. Neither the size of small segments
(Nagle is the user's choice) nor the times of calls can be judged.
"""

from __future__ import annotations

from typing import Any

from wireproof.conformance.judge import Judge, Refusal
from wireproof.conformance.oracle import Key, Oracle
from wireproof.conformance.session import Result
from wireproof.conformance.trial import every_way
from wireproof.reference.connection import CallEvent
from wireproof.reference.segment import ACK, FIN, RST, SYN, Segment

MASK = 0xFFFFFFFF
WAITING = bytes(4096)
"""Stands for text that the user may have queued and nobody has seen."""
OPEN = ("ESTABLISHED", "CLOSE-WAIT")


class PassiveJudge(Judge):
    """A judge that infers calls. Beyond SND.NXT nothing is known of the text that is queued. Captures are long: only
    what departs from the fewest SHOULDs is believed."""

    few = 1

    def arrive(self, event: str, e: Any, now: int) -> Refusal | None:
        refusal = super().arrive(event, e, now)
        also: list[Any] = []
        for c in self.configs:
            c.rcv_data = b""
            if c.state in OPEN and c.snd_wnd == 0 and c.persist_from < 0:
                # The user may have text waiting, and then the closed window will be probed.
                also += self._call(c, "send", CallEvent(data=WAITING[:1]), Result("count", 1), now)
        self.configs = self.configs + [c for c in also if c.persist_from >= 0]
        return refusal

    def sent(self, out: Segment, now: int) -> Refusal | None:
        before = self.configs
        kept = [c.copy() for c in before]
        self.configs = [v for c in before for v in self._variants(c, out, now)]
        refusal = super().sent(out, now)
        if refusal is not None:
            self.configs = kept
            return refusal
        for c in self.configs:
            self._forget_unsent(c)
        self._keep(self.configs, now)
        return None

    def _variants(self, c: Any, out: Segment, now: int) -> list[Any]:
        """The configurations that unseen calls may have led to before ``out`` was sent."""
        if out.ctl & RST and c.state not in ("CLOSED", "LISTEN"):
            return [c, *self._call(c, "abort", CallEvent(), Result("ok"), now)]
        if c.state == "CLOSED" and out.ctl & (SYN | ACK | RST) == SYN:
            found = self._call(c, "open_active", CallEvent(), Result("ok"), now)
            for new in found:
                new.ttl_set, new.nodelay_set = out.ttl, True
            return found
        c.nodelay_set = True
        c.ttl_set = out.ttl
        c.dscp_set = out.tos >> 2
        if c.state == "SYN-RECEIVED" or out.ctl & SYN:
            return [c]
        new = c.copy()
        if new.state in OPEN and not new.snd_fin:
            self._queue(new, out)
        variants = [new]
        if out.ctl & FIN and not new.snd_fin:
            variants = self._call(new, "close", CallEvent(), Result("ok"), now)
        elif out.data and new.state in OPEN and not new.snd_fin:
            more = new.copy()
            more.snd_data += WAITING
            variants.append(more)
        return variants if out.data or out.ctl & FIN else [c]

    def _queue(self, c: Any, out: Segment) -> None:
        """The text of ``out`` that was never sent before is what the user has sent."""
        known = (c.snd_nxt - c.snd_base) & MASK
        at = (out.seq - c.snd_base) & MASK
        if at <= known < at + len(out.data):
            c.snd_data = c.snd_data[:known] + out.data[known - at :]
        elif at + len(out.data) <= known:
            c.snd_data = c.snd_data[:known]

    def _forget_unsent(self, c: Any) -> None:
        """Nothing is known of text beyond SND.NXT."""
        if not c.snd_fin and c.state in OPEN and c.persist_from < 0:
            c.snd_data = c.snd_data[: (c.snd_nxt - c.snd_base) & MASK]
            c.due = ()

    def _call(self, c: Any, name: str, e: CallEvent, result: Result, now: int) -> list[Any]:
        self.trial.observed = result
        found, _, _ = every_way(self.trial, c, lambda c, x: self.machine.call(name, c, e, x), now)
        for new in found:
            if new.owed and new.owed_since < 0:
                new.owed_since = now
        return found


class PassiveOracle(Oracle):
    """Judges one end of what a tap sees. Every port may be one that it listens on."""

    def new_judge(self) -> Judge:
        return PassiveJudge(self.machine, self.p, self.slack)

    def _new(self, key: Key, port: int) -> Judge:
        judge = super()._new(key, port)
        listening = self.machine.Tcp()
        listening.state = "LISTEN"
        listening.passive = True
        judge.configs.append(listening)
        return judge
