"""When are two worlds the same? Sequence numbers count from where the connection began, times from now."""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable
from typing import Any

from wireproof.conformance.world import Scenario, World
from wireproof.reference.machine import Machine
from wireproof.reference.segment import ACK
from wireproof.reference.sequence import MASK

ASKED = ("rcv_prior", "rcv_prior_at", "rtt_at", "rtt_seq", "rcv_up", "fin_seq", "rcv_held")
"""Variables that mean something only while another says so, as the rules ask for them."""
ASIDE = ("now", "owed_since", "due", "deviations", "owed", "unbound")
"""Nothing is owed between events, and the oracle's own notes are not the host's."""
Getter = Callable[[Any], tuple[Any, ...]]


@functools.cache
def _getters(machine: Machine) -> tuple[Getter, Getter, Getter, Getter]:
    """What of a configuration is plain, what counts from ISS, what from IRS, and its timers."""
    timers = [slot for _, low, high in machine.timer_slots for slot in (low, high)]
    special = {*machine.bases, *timers, *ASKED, *ASIDE}
    plain = sorted(n for n in type(machine.Tcp()).__slots__ if n not in special)
    bases = {n: base for n, base in machine.bases.items() if n not in (*ASKED, base.lower())}
    ours, theirs = ([n for n, base in bases.items() if base == b] for b in ("ISS", "IRS"))
    get = operator.attrgetter
    return get(*plain), get(*ours), get(*theirs), get(*timers)


def configuration_key(machine: Machine, c: Any, now: int, at_once: int = 0) -> tuple[Any, ...]:
    """A configuration without its clock and its initial numbers.

    RCV.PRIOR counts only where answers may take time (AT.ONCE): the hosts here always acknowledge RCV.NXT.
    """
    plain, ours, theirs, timers = _getters(machine)
    iss, irs = c.iss, c.irs
    return (
        *plain(c),
        *[(n - iss) & MASK for n in ours(c)],
        *[(n - irs) & MASK for n in theirs(c)],
        *[t - now if t >= 0 else -1 for t in timers(c)],
        ((c.rcv_prior - irs) & MASK, now - c.rcv_prior_at) if 0 <= now - c.rcv_prior_at < at_once else None,
        (now - c.rtt_at, (c.rtt_seq - iss) & MASK) if c.rtt_running else None,
        (c.rcv_up - irs) & MASK if c.rcv_urgent else None,
        (c.fin_seq - irs) & MASK if c.fin_known else None,
        tuple(((at - irs) & MASK, text) for at, text in c.rcv_held) if c.rcv_held else (),
    )


def key(scenario: Scenario, world: World) -> tuple[Any, ...]:
    """Equal keys: the same may happen from here on, and the same comes of it.

    Where the network reorders, the order of what is in flight does not matter.
    """
    machine, now, at_once = scenario.machine, world.now, scenario.p.at_once
    ends = tuple(
        (configuration_key(machine, e.c, now, 2 * at_once + 1 if at_once else 0), e.hold, e.rcvbuf) for e in world.ends
    )
    if not world.wire:
        return ends
    isns = [e.c.iss for e in world.ends]
    flying = []
    for f in world.wire:
        s = f.segment
        ours, theirs = (isns[0], isns[1]) if f.to == "B" else (isns[1], isns[0])
        ack = (s.ack - theirs) & MASK if s.ctl & ACK else -1
        flying.append((f.to, (s.seq - ours) & MASK, ack, s.ctl, s.wnd, s.up, s.data, s.mss, now - f.at))
    if scenario.limits.reorder:
        flying.sort()
    return (*ends, tuple(flying))
