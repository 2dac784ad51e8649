"""What several rules do alike.

Generated from spec/rules/tcp/*.wire by `make generate` (spec/backends/python.py). Do not edit.
"""

from __future__ import annotations

from typing import Any

from wireproof.reference.generated.tcp_state import Tcp
from wireproof.reference.generated.tcp_terms import (
    acked_now,
    all_acked,
    at_loss,
    eff_snd_mss,
    fin_acked,
    fin_waits,
    flight,
    growth_in_avoidance,
    growth_in_slow_start,
    r2,
    span,
    unsent,
    usable,
)
from wireproof.reference.reassembly import beyond, ready
from wireproof.reference.run import (
    DONE,
    FOREVER,
    STOPPED,
    Run,
)
from wireproof.reference.sequence import MASK as M
from wireproof.reference.sequence import le, lt


def do_opened__settle(c: Tcp, e: Any, x: Run) -> int | None:
    """Settle."""
    x.fired.append("tcp/opened/settle")
    do_measure_rtt(c, e, x)
    do_after_syn_loss(c, None, x)
    c.snd_una = e.ack
    c.snd_wnd = e.wnd
    c.snd_wl1 = e.seq
    c.snd_wl2 = e.ack
    c.max_snd_wnd = max(c.max_snd_wnd, e.wnd)
    c.retransmission_from = c.retransmission_until = STOPPED
    c.user_timeout_from = c.user_timeout_until = STOPPED
    do_watch_idle(c, None, x)
    do_arm_persist(c, None, x)
    return DONE


def do_opened(c: Tcp, e: Any, x: Run) -> int:
    """What becomes known when our SYN is acknowledged."""
    return do_opened__settle(c, e, x) or DONE


def do_take_acknowledgment__something_new(c: Tcp, e: Any, x: Run) -> int | None:
    """Something new. RFC 9293 3.10.7.4 fifth, ESTABLISHED"""
    if not (lt(c.snd_una, e.ack) and le(e.ack, c.snd_nxt)):
        return None
    x.fired.append("tcp/take_acknowledgment/something_new")
    text = min(span(c.snd_base, e.ack), len(c.snd_data))
    do_measure_rtt(c, e, x)
    c.snd_data = c.snd_data[text:]
    c.snd_base = c.snd_base + text & M
    do_grow(c, e, x)
    c.snd_una = e.ack
    c.dupacks = 0
    c.retries = 0
    c.snd_urgent = c.snd_urgent and lt(e.ack, c.snd_up)
    do_rearm(c, None, x)
    return DONE


def do_take_acknowledgment__duplicate(c: Tcp, e: Any, x: Run) -> int | None:
    """The same acknowledgment again with nothing else to say: something arrived behind a hole. [MUST-19] RFC
    5681 2"""
    if not (e.ack == c.snd_una and flight(c, x) > 0 and e.length == 0 and e.wnd == c.snd_wnd):
        return None
    x.fired.append("tcp/take_acknowledgment/duplicate")
    c.dupacks = min(c.dupacks + 1, 1000)
    do_count_duplicate(c, None, x)
    do_rearm_user_timeout(c, None, x)
    return DONE


def do_take_acknowledgment__nothing_new(c: Tcp, e: Any, x: Run) -> int | None:
    """Nothing new. RFC 9293 3.10.7.4 fifth, ESTABLISHED"""
    x.fired.append("tcp/take_acknowledgment/nothing_new")
    do_rearm_user_timeout(c, None, x)
    return DONE


def do_take_acknowledgment(c: Tcp, e: Any, x: Run) -> int:
    """Advance SND.UNA, drop what is acknowledged, time the round trip, open or shrink the congestion window. (RFC 9293 3.10.7.4 fifth, ESTABLISHED)"""
    return (
        do_take_acknowledgment__something_new(c, e, x)
        or do_take_acknowledgment__duplicate(c, e, x)
        or do_take_acknowledgment__nothing_new(c, e, x)
        or DONE
    )


def do_measure_rtt__first_sample(c: Tcp, e: Any, x: Run) -> int | None:
    """First sample. [MUST-18] RFC 6298 2, 3"""
    if not (c.rtt_running and lt(c.rtt_seq, e.ack) and not c.rtt_known):
        return None
    x.fired.append("tcp/measure_rtt/first_sample")
    sample = c.now - c.rtt_at
    c.srtt = sample
    c.rttvar = sample // 2
    c.rtt_known = True
    c.rtt_running = False
    do_compute_rto(c, None, x)
    return DONE


def do_measure_rtt__further_sample(c: Tcp, e: Any, x: Run) -> int | None:
    """Further sample. [MUST-18] RFC 6298 2, 3"""
    if not (c.rtt_running and lt(c.rtt_seq, e.ack)):
        return None
    x.fired.append("tcp/measure_rtt/further_sample")
    sample = c.now - c.rtt_at
    c.rttvar = (3 * c.rttvar + abs(c.srtt - sample)) // 4
    c.srtt = (7 * c.srtt + sample) // 8
    c.rtt_running = False
    do_compute_rto(c, None, x)
    return DONE


def do_measure_rtt__no_sample(c: Tcp, e: Any, x: Run) -> int | None:
    """No sample. RFC 6298 2, 3"""
    x.fired.append("tcp/measure_rtt/no_sample")
    return DONE


def do_measure_rtt(c: Tcp, e: Any, x: Run) -> int:
    """One sample of the round-trip time, never from a segment that was sent twice. (RFC 6298 2, 3)"""
    return (
        do_measure_rtt__first_sample(c, e, x)
        or do_measure_rtt__further_sample(c, e, x)
        or do_measure_rtt__no_sample(c, e, x)
        or DONE
    )


def do_compute_rto__from_samples(c: Tcp, e: Any, x: Run) -> int | None:
    """From samples. RFC 6298 2.3, 2.4, 2.5"""
    x.fired.append("tcp/compute_rto/from_samples")
    c.rto = min(max(c.srtt + max(1000, 4 * c.rttvar), x.p.rto_min), x.p.rto_max)
    return DONE


def do_compute_rto(c: Tcp, e: Any, x: Run) -> int:
    """compute_rto (RFC 6298 2.3, 2.4, 2.5)"""
    return do_compute_rto__from_samples(c, e, x) or DONE


def do_grow__recovery_ends(c: Tcp, e: Any, x: Run) -> int | None:
    """Recovery ends. RFC 5681 3.1; RFC 6582 3.2"""
    if not (c.recovering and le(c.recover, e.ack)):
        return None
    x.fired.append("tcp/grow/recovery_ends")
    c.recovering = False
    c.resend = False
    c.cwnd = max(c.ssthresh, 2 * eff_snd_mss(c, x))
    return DONE


def do_grow__recovery_goes_on(c: Tcp, e: Any, x: Run) -> int | None:
    """A partial acknowledgment: the next hole is lost too. RFC 5681 3.1; RFC 6582 3.2"""
    if not (c.recovering):
        return None
    x.fired.append("tcp/grow/recovery_goes_on")
    c.cwnd = max(c.cwnd - min(c.cwnd, acked_now(c, e, x)), eff_snd_mss(c, x)) + eff_snd_mss(c, x)
    c.resend = True
    return DONE


def do_grow__timeout_recovery(c: Tcp, e: Any, x: Run) -> int | None:
    """After a timeout, what was outstanding then goes again as it is acknowledged, in slow start. RFC 5681
    3.1; RFC 6582 3.2"""
    if not (lt(e.ack, c.recover)):
        return None
    x.fired.append("tcp/grow/timeout_recovery")
    c.cwnd = min(c.cwnd + growth_in_slow_start(c, e, x), 1_073_741_824)
    c.resend = True
    return DONE


def do_grow__slow_start(c: Tcp, e: Any, x: Run) -> int | None:
    """Slow start. [MUST-19] RFC 5681 3.1; RFC 6582 3.2"""
    if not (c.cwnd < c.ssthresh):
        return None
    x.fired.append("tcp/grow/slow_start")
    c.resend = False
    c.cwnd = min(c.cwnd + growth_in_slow_start(c, e, x), 1_073_741_824)
    return DONE


def do_grow__avoidance(c: Tcp, e: Any, x: Run) -> int | None:
    """Avoidance. [MUST-19] RFC 5681 3.1; RFC 6582 3.2"""
    x.fired.append("tcp/grow/avoidance")
    c.resend = False
    c.cwnd = min(c.cwnd + growth_in_avoidance(c, e, x), 1_073_741_824)
    return DONE


def do_grow(c: Tcp, e: Any, x: Run) -> int:
    """The congestion window after an acknowledgment of something new (before SND.UNA moves). (RFC 5681 3.1; RFC 6582 3.2)"""
    return (
        do_grow__recovery_ends(c, e, x)
        or do_grow__recovery_goes_on(c, e, x)
        or do_grow__timeout_recovery(c, e, x)
        or do_grow__slow_start(c, e, x)
        or do_grow__avoidance(c, e, x)
        or DONE
    )


def do_count_duplicate__inflate(c: Tcp, e: Any, x: Run) -> int | None:
    """Inflate. RFC 5681 3.2; RFC 6582 3.2"""
    if not (c.recovering):
        return None
    x.fired.append("tcp/count_duplicate/inflate")
    c.cwnd = min(c.cwnd + eff_snd_mss(c, x), 1_073_741_824)
    return DONE


def do_count_duplicate__fast_retransmit(c: Tcp, e: Any, x: Run) -> int | None:
    """Fast retransmit. RFC 5681 3.2; RFC 6582 3.2"""
    if not (c.dupacks == 3 and le(c.recover, c.snd_una)):
        return None
    x.fired.append("tcp/count_duplicate/fast_retransmit")
    c.recover_flight = at_loss(c, x)
    c.ssthresh = max(at_loss(c, x) // 2, 2 * eff_snd_mss(c, x))
    c.cwnd = c.ssthresh + 3 * eff_snd_mss(c, x)
    c.recovering = True
    c.recover = c.snd_nxt
    c.resend = True
    return DONE


def do_count_duplicate__too_few(c: Tcp, e: Any, x: Run) -> int | None:
    """Too few. RFC 5681 3.2; RFC 6582 3.2"""
    x.fired.append("tcp/count_duplicate/too_few")
    return DONE


def do_count_duplicate(c: Tcp, e: Any, x: Run) -> int:
    """The third duplicate acknowledgment begins fast retransmit and fast recovery. (RFC 5681 3.2; RFC 6582 3.2)"""
    return (
        do_count_duplicate__inflate(c, e, x)
        or do_count_duplicate__fast_retransmit(c, e, x)
        or do_count_duplicate__too_few(c, e, x)
        or DONE
    )


def do_rearm__everything_acked(c: Tcp, e: Any, x: Run) -> int | None:
    """Everything acked. RFC 6298 5.2, 5.3"""
    if not (all_acked(c, x)):
        return None
    x.fired.append("tcp/rearm/everything_acked")
    c.retransmission_from = c.retransmission_until = STOPPED
    c.user_timeout_from = c.user_timeout_until = STOPPED
    c.rtt_running = False
    return DONE


def do_rearm__still_outstanding(c: Tcp, e: Any, x: Run) -> int | None:
    """Still outstanding. RFC 6298 5.2, 5.3"""
    x.fired.append("tcp/rearm/still_outstanding")
    do_time_retransmission(c, None, x)
    c.user_timeout_from = c.now + r2(c, x)
    c.user_timeout_until = c.now + x.p.r2_latest
    return DONE


def do_rearm(c: Tcp, e: Any, x: Run) -> int:
    """The retransmission timer and R2 run while something is outstanding, from the last acknowledgment of something new. (RFC 6298 5.2, 5.3)"""
    return do_rearm__everything_acked(c, e, x) or do_rearm__still_outstanding(c, e, x) or DONE


def do_rearm_user_timeout__peer_alive(c: Tcp, e: Any, x: Run) -> int | None:
    """Peer alive. [MUST-37, SHLD-17] RFC 9293 3.8.6, 3.8.6.1"""
    if not (c.user_timeout_from >= 0 and c.snd_wnd == 0):
        return None
    x.fired.append("tcp/rearm_user_timeout/peer_alive")
    c.user_timeout_from = c.now + r2(c, x)
    c.user_timeout_until = c.now + x.p.r2_latest
    return DONE


def do_rearm_user_timeout__as_before(c: Tcp, e: Any, x: Run) -> int | None:
    """As before. RFC 9293 3.8.6, 3.8.6.1"""
    x.fired.append("tcp/rearm_user_timeout/as_before")
    return DONE


def do_rearm_user_timeout(c: Tcp, e: Any, x: Run) -> int:
    """A peer that answers is not dead, even when it acknowledges nothing new because its window is closed. (RFC 9293 3.8.6, 3.8.6.1)"""
    return do_rearm_user_timeout__peer_alive(c, e, x) or do_rearm_user_timeout__as_before(c, e, x) or DONE


def do_take_window__update(c: Tcp, e: Any, x: Run) -> int | None:
    """Update. [MUST-1, REC-1, MUST-34] RFC 9293 3.10.7.4 fifth, ESTABLISHED"""
    if not (
        (le(c.snd_una, e.ack) and le(e.ack, c.snd_nxt))
        and (lt(c.snd_wl1, e.seq) or c.snd_wl1 == e.seq and le(c.snd_wl2, e.ack))
    ):
        return None
    x.fired.append("tcp/take_window/update")
    c.snd_wnd = e.wnd
    c.snd_wl1 = e.seq
    c.snd_wl2 = e.ack
    c.max_snd_wnd = max(c.max_snd_wnd, e.wnd)
    return DONE


def do_take_window__older(c: Tcp, e: Any, x: Run) -> int | None:
    """Older. RFC 9293 3.10.7.4 fifth, ESTABLISHED"""
    x.fired.append("tcp/take_window/older")
    return DONE


def do_take_window(c: Tcp, e: Any, x: Run) -> int:
    """Take the peer's window, unless the segment is older than the one it was last taken from. (RFC 9293 3.10.7.4 fifth, ESTABLISHED)"""
    return do_take_window__update(c, e, x) or do_take_window__older(c, e, x) or DONE


def do_answer_to_fin__fin_wait_1(c: Tcp, e: Any, x: Run) -> int | None:
    """Fin wait 1. RFC 9293 3.10.7.4 fifth"""
    if not (c.state == "FIN-WAIT-1" and fin_acked(c, x)):
        return None
    x.fired.append("tcp/answer_to_fin/fin_wait_1")
    c.state = "FIN-WAIT-2"
    return DONE


def do_answer_to_fin__closing(c: Tcp, e: Any, x: Run) -> int | None:
    """Closing. RFC 9293 3.10.7.4 fifth"""
    if not (c.state == "CLOSING" and fin_acked(c, x)):
        return None
    x.fired.append("tcp/answer_to_fin/closing")
    do_begin_time_wait(c, None, x)
    return DONE


def do_answer_to_fin__last_ack(c: Tcp, e: Any, x: Run) -> int | None:
    """Last ack. RFC 9293 3.10.7.4 fifth"""
    if not (c.state == "LAST-ACK" and fin_acked(c, x)):
        return None
    x.fired.append("tcp/answer_to_fin/last_ack")
    do_shut(c, None, x)
    return DONE


def do_answer_to_fin__not_yet(c: Tcp, e: Any, x: Run) -> int | None:
    """Not yet. RFC 9293 3.10.7.4 fifth"""
    x.fired.append("tcp/answer_to_fin/not_yet")
    return DONE


def do_answer_to_fin(c: Tcp, e: Any, x: Run) -> int:
    """Has our FIN been acknowledged? (RFC 9293 3.10.7.4 fifth)"""
    return (
        do_answer_to_fin__fin_wait_1(c, e, x)
        or do_answer_to_fin__closing(c, e, x)
        or do_answer_to_fin__last_ack(c, e, x)
        or do_answer_to_fin__not_yet(c, e, x)
        or DONE
    )


def do_begin_time_wait__wait(c: Tcp, e: Any, x: Run) -> int | None:
    """The end that closed first waits for 2 MSL, so that the peer can hear its last acknowledgment. [MUST-13]
    RFC 9293 3.6.1"""
    x.fired.append("tcp/begin_time_wait/wait")
    c.state = "TIME-WAIT"
    c.retransmission_from = c.retransmission_until = STOPPED
    c.persist_from = c.persist_until = STOPPED
    c.override_sws_from = c.override_sws_until = STOPPED
    c.keep_alive_from = c.keep_alive_until = STOPPED
    c.user_timeout_from = c.user_timeout_until = STOPPED
    c.time_wait_end_from = c.now + 2 * x.p.msl
    c.time_wait_end_until = c.now + 2 * x.p.msl + x.p.msl_late
    return DONE


def do_begin_time_wait(c: Tcp, e: Any, x: Run) -> int:
    """begin_time_wait (RFC 9293 3.6.1)"""
    return do_begin_time_wait__wait(c, e, x) or DONE


def do_arm_persist__over(c: Tcp, e: Any, x: Run) -> int | None:
    """The acknowledgment ended the connection, or its sending half: nothing waits any more. RFC 9293 3.8.6.1"""
    if not (
        c.state
        in (
            "CLOSED",
            "TIME-WAIT",
        )
    ):
        return None
    x.fired.append("tcp/arm_persist/over")
    return DONE


def do_arm_persist__keep(c: Tcp, e: Any, x: Run) -> int | None:
    """Keep. RFC 9293 3.8.6.1"""
    if not (c.snd_wnd == 0 and (len(c.snd_data) > 0 or fin_waits(c, x)) and c.persist_from >= 0):
        return None
    x.fired.append("tcp/arm_persist/keep")
    return DONE


def do_arm_persist__begin(c: Tcp, e: Any, x: Run) -> int | None:
    """Begin. [MUST-36, MUST-35, SHLD-29] RFC 9293 3.8.6.1"""
    if not (c.snd_wnd == 0 and (unsent(c, x) > 0 or fin_waits(c, x)) and all_acked(c, x)):
        return None
    x.fired.append("tcp/arm_persist/begin")
    c.probe_interval = c.rto
    c.persist_from = c.now + c.rto - min(c.rto, x.p.rto_early)
    c.persist_until = c.now + c.rto + c.rto // 4 + x.p.rto_late
    c.user_timeout_from = c.now + r2(c, x)
    c.user_timeout_until = c.now + x.p.r2_latest
    return DONE


def do_arm_persist__opened_on_probe(c: Tcp, e: Any, x: Run) -> int | None:
    """The window is open, and the octet that probed it is outstanding like any other. RFC 9293 3.8.6.1"""
    if not (c.persist_from >= 0 and flight(c, x) > 0):
        return None
    x.fired.append("tcp/arm_persist/opened_on_probe")
    c.persist_from = c.persist_until = STOPPED
    do_time_retransmission(c, None, x)
    c.user_timeout_from = c.now + r2(c, x)
    c.user_timeout_until = c.now + x.p.r2_latest
    return DONE


def do_arm_persist__opened(c: Tcp, e: Any, x: Run) -> int | None:
    """Opened. RFC 9293 3.8.6.1"""
    if not (c.persist_from >= 0):
        return None
    x.fired.append("tcp/arm_persist/opened")
    c.persist_from = c.persist_until = STOPPED
    c.user_timeout_from = c.user_timeout_until = STOPPED
    return DONE


def do_arm_persist__small_waits(c: Tcp, e: Any, x: Run) -> int | None:
    """The window is open by less than a segment: what waits may go when the override timer has gone off.
    [MUST-38] RFC 9293 3.8.6.2.1"""
    if not (
        unsent(c, x) > 0 and usable(c, x) >= 1 and usable(c, x) < eff_snd_mss(c, x) and not c.override_sws_from >= 0
    ):
        return None
    x.fired.append("tcp/arm_persist/small_waits")
    c.override_sws_from = c.now + x.p.override
    c.override_sws_until = c.now + FOREVER
    return DONE


def do_arm_persist__nothing_waits(c: Tcp, e: Any, x: Run) -> int | None:
    """Nothing waits. RFC 9293 3.8.6.1"""
    x.fired.append("tcp/arm_persist/nothing_waits")
    return DONE


def do_arm_persist(c: Tcp, e: Any, x: Run) -> int:
    """Probe while the window is closed, something waits behind it and nothing is outstanding. (RFC 9293 3.8.6.1)"""
    return (
        do_arm_persist__over(c, e, x)
        or do_arm_persist__keep(c, e, x)
        or do_arm_persist__begin(c, e, x)
        or do_arm_persist__opened_on_probe(c, e, x)
        or do_arm_persist__opened(c, e, x)
        or do_arm_persist__small_waits(c, e, x)
        or do_arm_persist__nothing_waits(c, e, x)
        or DONE
    )


def do_note_prior__still_answering(c: Tcp, e: Any, x: Run) -> int | None:
    """Still answering."""
    if not (c.now - c.rcv_prior_at <= x.p.at_once and x.p.at_once > 0):
        return None
    x.fired.append("tcp/note_prior/still_answering")
    return DONE


def do_note_prior__begin(c: Tcp, e: Any, x: Run) -> int | None:
    """Begin."""
    x.fired.append("tcp/note_prior/begin")
    c.rcv_prior = c.rcv_nxt
    c.rcv_prior_at = c.now
    return DONE


def do_note_prior(c: Tcp, e: Any, x: Run) -> int:
    """Remember what was expected before this segment; segments that come while an answer may still be on its way share one memory."""
    return do_note_prior__still_answering(c, e, x) or do_note_prior__begin(c, e, x) or DONE


def do_take_mss__announced(c: Tcp, e: Any, x: Run) -> int | None:
    """Announced. [MUST-14] RFC 9293 3.7.1"""
    if not (e.mss > 0):
        return None
    x.fired.append("tcp/take_mss/announced")
    c.snd_mss = e.mss
    return DONE


def do_take_mss__assumed(c: Tcp, e: Any, x: Run) -> int | None:
    """Assumed. [MUST-15] RFC 9293 3.7.1"""
    x.fired.append("tcp/take_mss/assumed")
    c.snd_mss = x.p.default_mss
    return DONE


def do_take_mss(c: Tcp, e: Any, x: Run) -> int:
    """The largest segment that the peer takes. (RFC 9293 3.7.1)"""
    return do_take_mss__announced(c, e, x) or do_take_mss__assumed(c, e, x) or DONE


def do_number_ourselves__from_iss(c: Tcp, e: Any, x: Run) -> int | None:
    """From iss. [MUST-19] RFC 9293 3.4.1; RFC 5681 3.1"""
    x.fired.append("tcp/number_ourselves/from_iss")
    c.snd_una = c.iss
    c.snd_nxt = c.iss + 1 & M
    c.snd_base = c.iss + 1 & M
    c.snd_up = c.iss
    c.recover = c.iss
    c.last_small = c.iss
    c.rto = x.p.rto_initial
    c.cwnd = x.p.iw_segments * eff_snd_mss(c, x)
    c.ssthresh = 1_073_741_824
    c.rtt_known = False
    c.rtt_running = True
    c.rtt_seq = c.iss
    c.rtt_at = c.now
    c.snd_fin = False
    c.snd_urgent = False
    c.retries = 0
    c.probes = 0
    c.dupacks = 0
    c.recovering = False
    c.resend = False
    c.overridden = False
    c.rcv_data = b""
    c.rcv_fin = False
    c.rcv_urgent = False
    c.rcv_closed = False
    c.unacked = 0
    c.repeats = 0
    c.stretched = False
    do_time_retransmission(c, None, x)
    return DONE


def do_number_ourselves(c: Tcp, e: Any, x: Run) -> int:
    """Everything that is counted from the initial send sequence number, and the first congestion window."""
    return do_number_ourselves__from_iss(c, e, x) or DONE


def do_time_retransmission__start_it(c: Tcp, e: Any, x: Run) -> int | None:
    """Start it. [MUST-18] RFC 6298 5"""
    x.fired.append("tcp/time_retransmission/start_it")
    c.retransmission_from = c.now + c.rto - min(c.rto, x.p.rto_early)
    c.retransmission_until = c.now + c.rto + c.rto // 4 + x.p.rto_late
    return DONE


def do_time_retransmission(c: Tcp, e: Any, x: Run) -> int:
    """Start the retransmission timer for the current RTO. (RFC 6298 5)"""
    return do_time_retransmission__start_it(c, e, x) or DONE


def do_open_actively__settle(c: Tcp, e: Any, x: Run) -> int | None:
    """Settle. [MUST-14, MUST-15, MUST-18] RFC 9293 3.10.7.3 fourth"""
    x.fired.append("tcp/open_actively/settle")
    do_measure_rtt(c, e, x)
    c.irs = e.seq
    c.rcv_nxt = e.seq + 1 & M
    c.rcv_prior = e.seq + 1 & M
    c.rcv_edge = (e.seq + 1 & M) + c.rcv_offer & M
    do_take_mss(c, e, x)
    c.snd_una = e.ack
    c.snd_wnd = e.wnd
    c.max_snd_wnd = e.wnd
    c.snd_wl1 = e.seq
    c.snd_wl2 = e.ack
    c.cwnd = x.p.iw_segments * eff_snd_mss(c, x)
    do_after_syn_loss(c, None, x)
    c.retransmission_from = c.retransmission_until = STOPPED
    c.user_timeout_from = c.user_timeout_until = STOPPED
    c.state = "ESTABLISHED"
    c.acknowledge_from = c.now
    c.acknowledge_until = c.acknowledge_from
    do_watch_idle(c, None, x)
    do_arm_persist(c, None, x)
    return DONE


def do_open_actively(c: Tcp, e: Any, x: Run) -> int:
    """Everything that the peer's SYN,ACK tells. (RFC 9293 3.10.7.3 fourth)"""
    return do_open_actively__settle(c, e, x) or DONE


def do_after_syn_loss__syn_was_lost(c: Tcp, e: Any, x: Run) -> int | None:
    """Syn was lost. RFC 6298 5.7"""
    if not (c.retries > 0):
        return None
    x.fired.append("tcp/after_syn_loss/syn_was_lost")
    c.rto = max(x.p.rto_syn_lost, x.p.rto_initial)
    c.retries = 0
    c.cwnd = eff_snd_mss(c, x)
    return DONE


def do_after_syn_loss__syn_arrived(c: Tcp, e: Any, x: Run) -> int | None:
    """Syn arrived. RFC 6298 5.7"""
    x.fired.append("tcp/after_syn_loss/syn_arrived")
    return DONE


def do_after_syn_loss(c: Tcp, e: Any, x: Run) -> int:
    """When the SYN had to be sent again its round trip is not known, and data starts with a cautious RTO. (RFC 6298 5.7)"""
    return do_after_syn_loss__syn_was_lost(c, e, x) or do_after_syn_loss__syn_arrived(c, e, x) or DONE


def do_shut__delete(c: Tcp, e: Any, x: Run) -> int | None:
    """Delete. RFC 9293 3.10.7.4; 3.10.8"""
    x.fired.append("tcp/shut/delete")
    c.state = "CLOSED"
    c.snd_data = b""
    c.rcv_held = ()
    c.retransmission_from = c.retransmission_until = STOPPED
    c.acknowledge_from = c.acknowledge_until = STOPPED
    c.duplicate_ack_from = c.duplicate_ack_until = STOPPED
    c.persist_from = c.persist_until = STOPPED
    c.override_sws_from = c.override_sws_until = STOPPED
    c.keep_alive_from = c.keep_alive_until = STOPPED
    c.user_timeout_from = c.user_timeout_until = STOPPED
    c.time_wait_end_from = c.time_wait_end_until = STOPPED
    return DONE


def do_shut(c: Tcp, e: Any, x: Run) -> int:
    """Delete the connection: stop all timers and enter CLOSED; what the user has not read stays readable. (RFC 9293 3.10.7.4; 3.10.8)"""
    return do_shut__delete(c, e, x) or DONE


def do_may_repeat__count(c: Tcp, e: Any, x: Run) -> int | None:
    """Count. [MAY-13]"""
    x.fired.append("tcp/may_repeat/count")
    c.repeats = min(c.repeats + 1, 100)
    c.duplicate_ack_from = c.now
    c.duplicate_ack_until = FOREVER
    return DONE


def do_may_repeat(c: Tcp, e: Any, x: Run) -> int:
    """One more acknowledgment may go though nothing new is acknowledged."""
    return do_may_repeat__count(c, e, x) or DONE


def do_owe_acknowledgment__at_once(c: Tcp, e: Any, x: Run) -> int | None:
    """Nothing of it could be taken: the window is full."""
    if not (c.unacked == 0):
        return None
    x.fired.append("tcp/owe_acknowledgment/at_once")
    c.acknowledge_from = c.now
    c.acknowledge_until = c.acknowledge_from
    return DONE


def do_owe_acknowledgment__already_owed(c: Tcp, e: Any, x: Run) -> int | None:
    """Already owed."""
    if not (c.acknowledge_from >= 0):
        return None
    x.fired.append("tcp/owe_acknowledgment/already_owed")
    return DONE


def do_owe_acknowledgment__within_half_a_second(c: Tcp, e: Any, x: Run) -> int | None:
    """Within half a second. [MUST-40, SHLD-18]"""
    x.fired.append("tcp/owe_acknowledgment/within_half_a_second")
    c.acknowledge_from = c.now
    c.acknowledge_until = c.now + x.p.ack_latest
    return DONE


def do_owe_acknowledgment(c: Tcp, e: Any, x: Run) -> int:
    """Text must be acknowledged within half a second; refused text at once."""
    return (
        do_owe_acknowledgment__at_once(c, e, x)
        or do_owe_acknowledgment__already_owed(c, e, x)
        or do_owe_acknowledgment__within_half_a_second(c, e, x)
        or DONE
    )


def do_fill_from_held__nothing_follows(c: Tcp, e: Any, x: Run) -> int | None:
    """Nothing follows."""
    if not (len(ready(c.rcv_held, c.rcv_nxt)) == 0):
        return None
    x.fired.append("tcp/fill_from_held/nothing_follows")
    return DONE


def do_fill_from_held__was_discarded(c: Tcp, e: Any, x: Run) -> int | None:
    """Was discarded."""
    if not (x.flag("discarded")):
        return None
    x.fired.append("tcp/fill_from_held/was_discarded")
    x.deviate(c, "tcp/fill_from_held/was_discarded", ("SHLD-31",))
    c.rcv_held = ()
    return DONE


def do_fill_from_held__follows(c: Tcp, e: Any, x: Run) -> int | None:
    """Follows. [SHLD-31]"""
    x.fired.append("tcp/fill_from_held/follows")
    more = ready(c.rcv_held, c.rcv_nxt)
    c.rcv_data = c.rcv_data + more
    c.rcv_nxt = c.rcv_nxt + len(more) & M
    c.unacked = c.unacked + len(more)
    c.rcv_held = beyond(c.rcv_held, c.rcv_nxt)
    return DONE


def do_fill_from_held(c: Tcp, e: Any, x: Run) -> int:
    """A hole was filled: what was held behind it follows."""
    return (
        do_fill_from_held__nothing_follows(c, e, x)
        or do_fill_from_held__was_discarded(c, e, x)
        or do_fill_from_held__follows(c, e, x)
        or DONE
    )


def do_owe_for_fin__already_owed(c: Tcp, e: Any, x: Run) -> int | None:
    """Already owed."""
    if not (c.acknowledge_from >= 0):
        return None
    x.fired.append("tcp/owe_for_fin/already_owed")
    return DONE


def do_owe_for_fin__owed(c: Tcp, e: Any, x: Run) -> int | None:
    """Owed."""
    x.fired.append("tcp/owe_for_fin/owed")
    c.acknowledge_from = c.now
    c.acknowledge_until = c.now + x.p.ack_latest
    return DONE


def do_owe_for_fin(c: Tcp, e: Any, x: Run) -> int:
    """owe_for_fin"""
    return do_owe_for_fin__already_owed(c, e, x) or do_owe_for_fin__owed(c, e, x) or DONE


def do_peer_closed__from_established(c: Tcp, e: Any, x: Run) -> int | None:
    """From established. RFC 9293 3.10.7.4 eighth"""
    if not (c.state == "ESTABLISHED" or c.state == "SYN-RECEIVED"):
        return None
    x.fired.append("tcp/peer_closed/from_established")
    c.state = "CLOSE-WAIT"
    return DONE


def do_peer_closed__from_fin_wait_1(c: Tcp, e: Any, x: Run) -> int | None:
    """Both have closed and our FIN is not through. RFC 9293 3.10.7.4 eighth"""
    if not (c.state == "FIN-WAIT-1"):
        return None
    x.fired.append("tcp/peer_closed/from_fin_wait_1")
    c.state = "CLOSING"
    return DONE


def do_peer_closed__from_fin_wait_2(c: Tcp, e: Any, x: Run) -> int | None:
    """From fin wait 2. RFC 9293 3.10.7.4 eighth"""
    x.fired.append("tcp/peer_closed/from_fin_wait_2")
    do_begin_time_wait(c, None, x)
    return DONE


def do_peer_closed(c: Tcp, e: Any, x: Run) -> int:
    """peer_closed (RFC 9293 3.10.7.4 eighth)"""
    return (
        do_peer_closed__from_established(c, e, x)
        or do_peer_closed__from_fin_wait_1(c, e, x)
        or do_peer_closed__from_fin_wait_2(c, e, x)
        or DONE
    )


def do_watch_idle__count(c: Tcp, e: Any, x: Run) -> int | None:
    """Count. [MUST-26, MUST-27, MUST-28, MUST-29] RFC 9293 3.8.4"""
    if not (
        c.keep_alive
        and c.state
        in (
            "ESTABLISHED",
            "CLOSE-WAIT",
            "FIN-WAIT-1",
            "FIN-WAIT-2",
            "CLOSING",
            "LAST-ACK",
        )
    ):
        return None
    x.fired.append("tcp/watch_idle/count")
    c.probes = 0
    c.keep_alive_from = c.now + c.keep_idle - min(c.keep_idle, x.p.rto_early)
    c.keep_alive_until = c.now + c.keep_idle + c.keep_idle // 4 + x.p.rto_late
    return DONE


def do_watch_idle__off(c: Tcp, e: Any, x: Run) -> int | None:
    """Off. RFC 9293 3.8.4"""
    x.fired.append("tcp/watch_idle/off")
    return DONE


def do_watch_idle(c: Tcp, e: Any, x: Run) -> int:
    """Keep-alive counts from the last segment that arrived. (RFC 9293 3.8.4)"""
    return do_watch_idle__count(c, e, x) or do_watch_idle__off(c, e, x) or DONE


def do_close_sending__from_established(c: Tcp, e: Any, x: Run) -> int | None:
    """From established."""
    if not (
        c.state
        in (
            "SYN-RECEIVED",
            "ESTABLISHED",
        )
    ):
        return None
    x.fired.append("tcp/close_sending/from_established")
    c.snd_fin = True
    c.state = "FIN-WAIT-1"
    do_arm_persist(c, None, x)
    return DONE


def do_close_sending__from_close_wait(c: Tcp, e: Any, x: Run) -> int | None:
    """From close wait."""
    if not (c.state == "CLOSE-WAIT"):
        return None
    x.fired.append("tcp/close_sending/from_close_wait")
    c.snd_fin = True
    c.state = "LAST-ACK"
    do_arm_persist(c, None, x)
    return DONE


def do_close_sending__closed_before(c: Tcp, e: Any, x: Run) -> int | None:
    """Closed before."""
    x.fired.append("tcp/close_sending/closed_before")
    return DONE


def do_close_sending(c: Tcp, e: Any, x: Run) -> int:
    """As the user's CLOSE does."""
    return (
        do_close_sending__from_established(c, e, x)
        or do_close_sending__from_close_wait(c, e, x)
        or do_close_sending__closed_before(c, e, x)
        or DONE
    )


def do_time_it__begin(c: Tcp, e: Any, x: Run) -> int | None:
    """Begin. RFC 6298 3"""
    if c.rtt_running:
        return None
    x.fired.append("tcp/time_it/begin")
    c.rtt_running = True
    c.rtt_seq = e.seq + (e.length - 1) & M
    c.rtt_at = c.now
    return DONE


def do_time_it__under_way(c: Tcp, e: Any, x: Run) -> int | None:
    """Under way. RFC 6298 3"""
    x.fired.append("tcp/time_it/under_way")
    return DONE


def do_time_it(c: Tcp, e: Any, x: Run) -> int:
    """time_it (RFC 6298 3)"""
    return do_time_it__begin(c, e, x) or do_time_it__under_way(c, e, x) or DONE


def do_arm_retransmission__probing(c: Tcp, e: Any, x: Run) -> int | None:
    """A probe of a closed window: the persist timer does the repeating. RFC 6298 5.1"""
    if not (c.snd_wnd == 0 and c.persist_from >= 0):
        return None
    x.fired.append("tcp/arm_retransmission/probing")
    return DONE


def do_arm_retransmission__running_already(c: Tcp, e: Any, x: Run) -> int | None:
    """Running already. RFC 6298 5.1"""
    if not (c.retransmission_from >= 0):
        return None
    x.fired.append("tcp/arm_retransmission/running_already")
    return DONE


def do_arm_retransmission__begin(c: Tcp, e: Any, x: Run) -> int | None:
    """Begin. RFC 6298 5.1"""
    x.fired.append("tcp/arm_retransmission/begin")
    do_time_retransmission(c, None, x)
    c.user_timeout_from = c.now + r2(c, x)
    c.user_timeout_until = c.now + x.p.r2_latest
    return DONE


def do_arm_retransmission(c: Tcp, e: Any, x: Run) -> int:
    """arm_retransmission (RFC 6298 5.1)"""
    return (
        do_arm_retransmission__probing(c, e, x)
        or do_arm_retransmission__running_already(c, e, x)
        or do_arm_retransmission__begin(c, e, x)
        or DONE
    )


def do_back_off__double(c: Tcp, e: Any, x: Run) -> int | None:
    """Double. [MUST-18, MUST-19] RFC 6298 5.5; 3 (Karn)"""
    x.fired.append("tcp/back_off/double")
    c.rto = min(2 * c.rto, x.p.rto_max)
    c.retries = min(c.retries + 1, 1000)
    c.rtt_running = False
    do_time_retransmission(c, None, x)
    return DONE


def do_back_off(c: Tcp, e: Any, x: Run) -> int:
    """Wait twice as long the next time, and time nothing that was sent twice. (RFC 6298 5.5; 3 (Karn))"""
    return do_back_off__double(c, e, x) or DONE


def do_collapse__first_time(c: Tcp, e: Any, x: Run) -> int | None:
    """First time. [MUST-19] RFC 5681 3.1, 4.1"""
    if not (c.retries == 0):
        return None
    x.fired.append("tcp/collapse/first_time")
    c.ssthresh = max(at_loss(c, x) // 2, 2 * eff_snd_mss(c, x))
    c.cwnd = eff_snd_mss(c, x)
    c.recover = c.snd_nxt
    c.recovering = False
    c.dupacks = 0
    return DONE


def do_collapse__again(c: Tcp, e: Any, x: Run) -> int | None:
    """Again. RFC 5681 3.1, 4.1"""
    x.fired.append("tcp/collapse/again")
    c.cwnd = eff_snd_mss(c, x)
    return DONE


def do_collapse(c: Tcp, e: Any, x: Run) -> int:
    """A timeout: start again from one segment. (RFC 5681 3.1, 4.1)"""
    return do_collapse__first_time(c, e, x) or do_collapse__again(c, e, x) or DONE


def do_probe_again__double(c: Tcp, e: Any, x: Run) -> int | None:
    """Double. [SHLD-30] RFC 9293 3.8.6.1"""
    x.fired.append("tcp/probe_again/double")
    c.probe_interval = min(2 * c.probe_interval, x.p.rto_max)
    c.persist_from = c.now + c.probe_interval - min(c.probe_interval, x.p.rto_early)
    c.persist_until = c.now + c.probe_interval + c.probe_interval // 4 + x.p.rto_late
    return DONE


def do_probe_again(c: Tcp, e: Any, x: Run) -> int:
    """Each probe waits twice as long as the one before. (RFC 9293 3.8.6.1)"""
    return do_probe_again__double(c, e, x) or DONE


def do_count_probe__count(c: Tcp, e: Any, x: Run) -> int | None:
    """Count."""
    x.fired.append("tcp/count_probe/count")
    c.probes = c.probes + 1
    c.keep_alive_from = c.now + c.keep_interval - min(c.keep_interval, x.p.rto_early)
    c.keep_alive_until = c.now + c.keep_interval + c.keep_interval // 4 + x.p.rto_late
    return DONE


def do_count_probe(c: Tcp, e: Any, x: Run) -> int:
    """count_probe"""
    return do_count_probe__count(c, e, x) or DONE
