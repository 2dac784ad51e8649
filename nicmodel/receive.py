"""The receive side: filters, verdicts, steering, stripping, coalescing, in this order."""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from functools import partial

from wireproof.nicmodel import vlan
from wireproof.nicmodel.arrival import Arrival
from wireproof.nicmodel.checksum import Verdict, judge, ones_sum
from wireproof.nicmodel.coalescing import Coalescer
from wireproof.nicmodel.delivery import Deliverer
from wireproof.nicmodel.headers import ETHERNET, Layout, parse
from wireproof.nicmodel.registers import MACHI, MACLO, MAXFRAME, OFFLOAD, RXCTL, Offload, RegisterFile, RxCtl
from wireproof.nicmodel.rings import FLOW_FIXED_ID, FLOW_RULE, RxError, RxReport, RxStatus
from wireproof.nicmodel.schedule import FETCH, Schedule, transfer
from wireproof.nicmodel.statistics import Counter, Statistics
from wireproof.nicmodel.steering import Steerer

FIFO_OCTETS = 256 * 1024
"""Of frames that have arrived and have not been looked at."""
BROADCAST = b"\xff" * 6


class Receiver:
    """Frames are taken from the wire into a FIFO and then one at a time."""

    def __init__(
        self,
        registers: RegisterFile,
        schedule: Schedule,
        statistics: Statistics,
        deliverer: Deliverer,
        defects: frozenset[str],
    ) -> None:
        self._registers = registers
        self._schedule = schedule
        self._statistics = statistics
        self._deliverer = deliverer
        self._defects = defects
        self._steerer = Steerer(registers, defects)
        self._coalescer = Coalescer(registers, defects)
        self._waiting: deque[bytes] = deque()
        self._octets = 0
        self._running = False
        self._watched: int | None = None
        """The deadline at which the trains are looked at next."""
        self._verdict = Verdict()
        registers.on_write[OFFLOAD] = self._switched

    def reset(self) -> None:
        self._coalescer.reset()
        self._deliverer.reset()
        self._waiting.clear()
        self._octets = 0
        self._running = False
        self._watched = None
        self._verdict = Verdict()

    def take(self, frame: bytes) -> None:
        """A frame has come from the wire."""
        if not self._registers.get(RXCTL) & RxCtl.ENABLE:
            return
        if self._octets + len(frame) > FIFO_OCTETS:
            self._statistics.add(Counter.RX_MISSED)
            return
        self._waiting.append(frame)
        self._octets += len(frame)
        if not self._running:
            self._running = True
            self._schedule.after(FETCH, self._step)

    def _switched(self, old: int, new: int) -> None:
        if old & ~new & Offload.RSC:
            self._deliver_all(self._coalescer.all())

    def _step(self) -> None:
        if not self._waiting:
            self._running = False
            return
        frame = self._waiting.popleft()
        self._octets -= len(frame)
        self._schedule.after(FETCH + transfer(len(frame)), self._step)
        if (why := self._refusal(frame)) is not None:
            self._statistics.add(why)
            return
        self._process(frame)

    def _refusal(self, frame: bytes) -> Counter | None:
        """Why the frame is not for this host."""
        if len(frame) < ETHERNET:
            return Counter.RX_RUNT
        tags = self._parse(frame).tags
        if len(frame) - 4 * len(tags) > self._registers.get(MAXFRAME):
            return Counter.RX_LONG
        if not self._addressed(frame[:6]):
            return Counter.RX_FILTERED
        return None if vlan.admitted(tags, self._registers, self._defects) else Counter.RX_VLAN_FILTERED

    def _addressed(self, address: bytes) -> bool:
        control = RxCtl(self._registers.get(RXCTL))
        if address == BROADCAST:
            return RxCtl.BROADCAST in control
        if address[0] & 1:
            return RxCtl.ALL_MULTICAST in control
        own = self._registers.get(MACLO) | self._registers.get(MACHI) << 32
        return RxCtl.PROMISCUOUS in control or address == own.to_bytes(6, "little")

    def _parse(self, frame: bytes) -> Layout:
        return parse(frame, vlan.tpids(self._registers), self._defects)

    def _process(self, frame: bytes) -> None:
        layout = self._parse(frame)
        verdict = self._judge(frame, layout)
        steering = self._steerer.steer(layout)
        if steering.drop:
            self._statistics.add(Counter.RX_RULE_DROPPED)
            return
        stripped = vlan.strip(frame, layout.tags, self._registers, self._defects)
        body = layout if stripped.frame == frame else self._parse(stripped.frame)
        summed = frame if "rx-raw-sum-with-tag" in self._defects else stripped.frame
        arrival = Arrival(
            stripped.frame,
            body,
            layout.tags,
            verdict,
            steering,
            stripped.inner,
            stripped.outer,
            raw_sum=ones_sum(summed[ETHERNET:]),
        )
        self._deliver_all(self._coalescer.offer(arrival, self._schedule.now))
        self._watch()

    def _judge(self, frame: bytes, layout: Layout) -> Verdict:
        verdict = judge(frame, layout, self._defects)
        if verdict.ip_bad:
            self._statistics.add(Counter.RX_IP_CHECKSUM)
        if verdict.l4_bad:
            self._statistics.add(Counter.RX_L4_CHECKSUM)
        before, self._verdict = self._verdict, verdict
        return before if "rx-status-stale" in self._defects else verdict

    def _watch(self) -> None:
        """See to the trains at the next deadline."""
        deadline = self._coalescer.deadline
        if deadline is not None and (self._watched is None or deadline < self._watched):
            self._watched = deadline
            self._schedule.at(deadline, partial(self._expire, deadline))

    def _expire(self, watched: int) -> None:
        if watched != self._watched:
            return
        self._watched = None
        self._deliver_all(self._coalescer.due(self._schedule.now))
        self._watch()

    def _deliver_all(self, arrivals: list[Arrival]) -> None:
        for arrival in arrivals:
            if arrival.count > 1:
                self._statistics.add(Counter.RSC_TRAINS)
                self._statistics.add(Counter.RSC_MERGED, arrival.count)
            self._deliverer.deliver(arrival, self._report(arrival))

    def _report(self, arrival: Arrival) -> RxReport:
        """The write-back of the frame's last buffer."""
        steering = arrival.steering
        report = RxReport(
            0,
            count=arrival.count,
            status=self._status(arrival),
            error=RxError.NONE,
            hash_type=steering.type,
            flow=_flow(arrival),
            hash=steering.hash,
            inner=arrival.inner or 0,
            outer=arrival.outer or 0,
        )
        if not self._registers.get(OFFLOAD) & Offload.RX_CHECKSUM:
            return report
        return replace(report, error=_error(arrival.verdict), raw_sum=arrival.raw_sum or 0)

    def _status(self, arrival: Arrival) -> RxStatus:
        found = {
            RxStatus.INNER_TAG: arrival.inner is not None,
            RxStatus.OUTER_TAG: arrival.outer is not None,
            RxStatus.COALESCED: arrival.count > 1,
        }
        if self._registers.get(OFFLOAD) & Offload.RX_CHECKSUM:
            found |= {
                RxStatus.IP_CHECKED: arrival.verdict.ip_checked,
                RxStatus.L4_CHECKED: arrival.verdict.l4_checked,
                RxStatus.RAW_SUM: arrival.raw_sum is not None,
            }
        status = RxStatus.DONE | RxStatus.EOP
        for bit, holds in found.items():
            status |= bit if holds else RxStatus(0)
        return status


def _error(verdict: Verdict) -> RxError:
    bad = RxError.IP_CHECKSUM if verdict.ip_bad else RxError.NONE
    return bad | (RxError.L4_CHECKSUM if verdict.l4_bad else RxError.NONE)


def _flow(arrival: Arrival) -> int:
    rule = arrival.steering.rule
    return (0 if rule is None else FLOW_RULE | rule) | (FLOW_FIXED_ID if arrival.fixed_id else 0)
