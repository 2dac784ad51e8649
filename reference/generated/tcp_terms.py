"""What the specification abbreviates.

Generated from spec/rules/tcp/*.wire by `make generate` (spec/backends/python.py). Do not edit.
"""

from __future__ import annotations

from typing import Any

from wireproof.reference.generated.tcp_state import Tcp
from wireproof.reference.reassembly import part
from wireproof.reference.run import (
    Run,
)
from wireproof.reference.sequence import MASK as M
from wireproof.reference.sequence import le, lt


def span(low: int, high: int) -> int:
    """Octets from low to high; 0 when high is not ahead."""
    return high - low & M if lt(low, high) else 0


def later(a: int, b: int) -> int:
    """The later of two sequence numbers."""
    return b if lt(a, b) else a


def flight(c: Tcp, x: Run) -> int:
    """Sequence space sent and not acknowledged."""
    return span(c.snd_una, c.snd_nxt)


def eff_snd_mss(c: Tcp, x: Run) -> int:
    return min(c.snd_mss, min(x.p.mtu, c.path_mtu) - x.p.ip_header - 20)


def acked_now(c: Tcp, e: Any, x: Run) -> int:
    return e.ack - c.snd_una & M


def growth_in_slow_start(c: Tcp, e: Any, x: Run) -> int:
    return min(acked_now(c, e, x) + x.p.growth_round * eff_snd_mss(c, x), x.p.growth_limit * eff_snd_mss(c, x))


def growth_in_avoidance(c: Tcp, e: Any, x: Run) -> int:
    return max(
        1,
        eff_snd_mss(c, x)
        * max(eff_snd_mss(c, x), min(acked_now(c, e, x), x.p.growth_limit * eff_snd_mss(c, x)))
        // max(c.cwnd, 1),
    )


def at_loss(c: Tcp, x: Run) -> int:
    """What is halved when a loss is noticed."""
    return max(flight(c, x), c.cwnd) if x.p.halve_window > 0 else flight(c, x)


def all_acked(c: Tcp, x: Run) -> bool:
    return c.snd_una == c.snd_nxt


def r2(c: Tcp, x: Run) -> int:
    return c.user_timeout if c.user_timeout > 0 else x.p.r2_data


def snd_end(c: Tcp, x: Run) -> int:
    """The sequence number after the last octet that the user sent: where the FIN goes."""
    return c.snd_base + len(c.snd_data) & M


def fin_acked(c: Tcp, x: Run) -> bool:
    return c.snd_fin and c.snd_una == snd_end(c, x) + 1 & M


def fin_waits(c: Tcp, x: Run) -> bool:
    """The user has closed and the FIN has not gone."""
    return c.snd_fin and c.snd_nxt != snd_end(c, x) + 1 & M


def unsent(c: Tcp, x: Run) -> int:
    """Octets queued and never sent."""
    return span(c.snd_nxt, snd_end(c, x))


def usable(c: Tcp, x: Run) -> int:
    """The usable window; 0 when the window has shrunk."""
    return span(c.snd_nxt, c.snd_una + c.snd_wnd & M)


def rcv_wnd(c: Tcp, x: Run) -> int:
    return span(c.rcv_nxt, c.rcv_edge)


def acceptable(c: Tcp, e: Any, x: Run) -> bool:
    """The four cases of the acceptability test."""
    return (
        (e.seq == c.rcv_nxt if rcv_wnd(c, x) == 0 else le(c.rcv_nxt, e.seq) and lt(e.seq, c.rcv_edge))
        if e.length == 0
        else rcv_wnd(c, x) > 0
        and (
            le(c.rcv_nxt, e.seq)
            and lt(e.seq, c.rcv_edge)
            or le(c.rcv_nxt, e.seq + (e.length - 1) & M)
            and lt(e.seq + (e.length - 1) & M, c.rcv_edge)
        )
    )


def ack_acceptable(c: Tcp, e: Any, x: Run) -> bool:
    return lt(c.snd_una, e.ack) and le(e.ack, c.snd_nxt)


def unread_from(c: Tcp, x: Run) -> int:
    """The sequence number of the next octet the user will read."""
    return c.rcv_nxt - (len(c.rcv_data) + (1 if c.rcv_fin else 0)) & M


def text_seq(c: Tcp, e: Any, x: Run) -> int:
    return e.seq + 1 & M if e.ctl & 2 != 0 else e.seq


def fresh(c: Tcp, e: Any, x: Run) -> bytes:
    """The octets of the segment that lie in the window and have not been taken before."""
    return part(e.data, text_seq(c, e, x), c.rcv_nxt, c.rcv_edge)


def fin_seq(c: Tcp, e: Any, x: Run) -> int:
    return text_seq(c, e, x) + len(e.data) & M


def outstanding_data(c: Tcp, x: Run) -> bytes:
    return c.snd_data[: span(c.snd_base, c.snd_nxt)]


def full(c: Tcp, x: Run) -> int:
    return eff_snd_mss(c, x)


def may_fly(c: Tcp, x: Run) -> int:
    """The congestion window, and one segment for each of the first two duplicate acknowledgments."""
    return (
        span(c.snd_una, c.snd_una + c.cwnd & M)
        + x.p.flight_slack * full(c, x)
        + (0 if c.recovering else min(c.dupacks, 2) * full(c, x))
    )


def proportional(c: Tcp, x: Run) -> int:
    """What proportional rate reduction lets fly."""
    return (
        c.recover_flight + (c.dupacks // 2 + x.p.flight_slack) * full(c, x)
        if c.recovering and x.p.proportional > 0
        else 0
    )


def room_in_flight(c: Tcp, x: Run) -> int:
    return (
        max(may_fly(c, x), proportional(c, x)) - flight(c, x)
        if flight(c, x) < max(may_fly(c, x), proportional(c, x))
        else 0
    )


def acked_from(c: Tcp, x: Run) -> int:
    """The lowest acknowledgment that may go: while one segment is processed, what its acknowledgment sets free may go before its text is taken."""
    return c.rcv_prior if c.now - c.rcv_prior_at <= 2 * x.p.at_once else c.rcv_nxt


def unsent_data(c: Tcp, x: Run) -> bytes:
    return c.snd_data[span(c.snd_base, c.snd_nxt) :]


def nagle_allows(c: Tcp, x: Run) -> bool:
    return flight(c, x) == 0 or c.nodelay_set or c.snd_fin or c.snd_urgent or full(c, x) <= unsent(c, x)


def fin_sent(c: Tcp, x: Run) -> bool:
    return c.snd_fin and c.snd_nxt == snd_end(c, x) + 1 & M


def zero_octet(c: Tcp, x: Run) -> bytes:
    return bytes(1)
