"""The rules of timeouts.wire.

Generated from spec/rules/tcp/*.wire by `make generate` (spec/backends/python.py). Do not edit.
"""

from __future__ import annotations

from typing import Any

from wireproof.reference.generated.tcp_procedures import (
    do_back_off,
    do_collapse,
    do_count_probe,
    do_probe_again,
    do_shut,
)
from wireproof.reference.generated.tcp_state import Tcp
from wireproof.reference.generated.tcp_terms import (
    acked_from,
    eff_snd_mss,
    fin_sent,
    fin_waits,
    flight,
    outstanding_data,
    snd_end,
    unsent,
    unsent_data,
    zero_octet,
)
from wireproof.reference.run import (
    DONE,
    FOREVER,
    Run,
    Template,
)
from wireproof.reference.sequence import MASK as M


def timeout_user_timeout__give_up(c: Tcp, e: Any, x: Run) -> int | None:
    """R2 has passed: the user is told, and everything is forgotten. [MUST-20, MUST-22, MUST-23, SHLD-11] RFC
    9293 3.10.8; 3.8.3"""
    x.fired.append("tcp/user_timeout/give_up")
    c.error = "ETIMEDOUT"
    do_shut(c, None, x)
    return DONE


def timeout_user_timeout(c: Tcp, e: Any, x: Run) -> int:
    """USER-TIMEOUT ends in any state (RFC 9293 3.10.8; 3.8.3)"""
    return timeout_user_timeout__give_up(c, e, x) or DONE


def timeout_time_wait_over__delete(c: Tcp, e: Any, x: Run) -> int | None:
    """Delete. [MUST-13] RFC 9293 3.10.8; 3.6.1"""
    x.fired.append("tcp/time_wait_over/delete")
    do_shut(c, None, x)
    return DONE


def timeout_time_wait_over(c: Tcp, e: Any, x: Run) -> int:
    """TIME-WAIT-END ends in TIME-WAIT (RFC 9293 3.10.8; 3.6.1)"""
    return timeout_time_wait_over__delete(c, e, x) or DONE


def timeout_retransmit_syn__syn_again(c: Tcp, e: Any, x: Run) -> int | None:
    """Syn again. [MUST-22, MUST-18] RFC 9293 3.10.8; 3.8.3"""
    x.fired.append("tcp/retransmit_syn/syn_again")
    do_back_off(c, None, x)
    c.owed = (
        *c.owed,
        Template(
            "tcp/retransmit_syn/syn_again",
            c.iss,  # seq
            0,  # span
            None,  # ack
            None,  # ack_from
            2,  # SYN
            0,  # may
            b"",  # text
            0,  # low
            0,  # high
            False,  # rest
        ),
    )
    return DONE


def timeout_retransmit_syn(c: Tcp, e: Any, x: Run) -> int:
    """RETRANSMISSION ends in SYN-SENT (RFC 9293 3.10.8; 3.8.3)"""
    return timeout_retransmit_syn__syn_again(c, e, x) or DONE


def timeout_retransmit_syn_ack__syn_ack_again(c: Tcp, e: Any, x: Run) -> int | None:
    """Syn ack again. [MUST-18] RFC 9293 3.10.8; 3.8.3"""
    x.fired.append("tcp/retransmit_syn_ack/syn_ack_again")
    do_back_off(c, None, x)
    c.owed = (
        *c.owed,
        Template(
            "tcp/retransmit_syn_ack/syn_ack_again",
            c.iss,  # seq
            0,  # span
            c.rcv_nxt,  # ack
            c.rcv_nxt,  # ack_from
            18,  # SYN+ACK
            0,  # may
            b"",  # text
            0,  # low
            0,  # high
            False,  # rest
        ),
    )
    return DONE


def timeout_retransmit_syn_ack(c: Tcp, e: Any, x: Run) -> int:
    """RETRANSMISSION ends in SYN-RECEIVED (RFC 9293 3.10.8; 3.8.3)"""
    return timeout_retransmit_syn_ack__syn_ack_again(c, e, x) or DONE


def timeout_retransmit__syn_after_close(c: Tcp, e: Any, x: Run) -> int | None:
    """The user closed in SYN-RECEIVED: the SYN,ACK is still what the peer waits for. RFC 9293 3.10.8; RFC 6298
    5.4 to 5.6"""
    if not (c.snd_una == c.iss and flight(c, x) > 0):
        return None
    x.fired.append("tcp/retransmit/syn_after_close")
    do_back_off(c, None, x)
    c.owed = (
        *c.owed,
        Template(
            "tcp/retransmit/syn_after_close",
            c.iss,  # seq
            0,  # span
            c.rcv_nxt,  # ack
            c.rcv_nxt,  # ack_from
            18,  # SYN+ACK
            0,  # may
            b"",  # text
            0,  # low
            0,  # high
            False,  # rest
        ),
    )
    return DONE


def timeout_retransmit__front_and_fin(c: Tcp, e: Any, x: Run) -> int | None:
    """The text at the front goes again, with the FIN if it fits. [MUST-18, SHLD-16, MAY-7] RFC 9293 3.10.8;
    RFC 6298 5.4 to 5.6"""
    if not (fin_sent(c, x) and len(outstanding_data(c, x)) > 0):
        return None
    x.fired.append("tcp/retransmit/front_and_fin")
    do_collapse(c, None, x)
    do_back_off(c, None, x)
    c.owed = (
        *c.owed,
        Template(
            "tcp/retransmit/front_and_fin",
            c.snd_una,  # seq
            0,  # span
            c.rcv_nxt,  # ack
            acked_from(c, x),  # ack_from
            16,  # ACK+PSH?+FIN?
            41,  # may
            outstanding_data(c, x),  # text
            1,  # low
            eff_snd_mss(c, x),  # high
            False,  # rest
        ),
    )
    return DONE


def timeout_retransmit__front(c: Tcp, e: Any, x: Run) -> int | None:
    """The text at the front goes again. [MUST-18, SHLD-16, MAY-7] RFC 9293 3.10.8; RFC 6298 5.4 to 5.6"""
    if not (len(outstanding_data(c, x)) > 0):
        return None
    x.fired.append("tcp/retransmit/front")
    do_collapse(c, None, x)
    do_back_off(c, None, x)
    c.owed = (
        *c.owed,
        Template(
            "tcp/retransmit/front",
            c.snd_una,  # seq
            0,  # span
            c.rcv_nxt,  # ack
            acked_from(c, x),  # ack_from
            16,  # ACK+PSH?
            40,  # may
            outstanding_data(c, x),  # text
            1,  # low
            eff_snd_mss(c, x),  # high
            False,  # rest
        ),
    )
    return DONE


def timeout_retransmit__only_fin(c: Tcp, e: Any, x: Run) -> int | None:
    """Only fin. RFC 9293 3.10.8; RFC 6298 5.4 to 5.6"""
    if not (fin_sent(c, x) and flight(c, x) > 0):
        return None
    x.fired.append("tcp/retransmit/only_fin")
    do_collapse(c, None, x)
    do_back_off(c, None, x)
    c.owed = (
        *c.owed,
        Template(
            "tcp/retransmit/only_fin",
            c.snd_una,  # seq
            0,  # span
            c.rcv_nxt,  # ack
            acked_from(c, x),  # ack_from
            17,  # FIN+ACK+PSH?
            40,  # may
            b"",  # text
            0,  # low
            0,  # high
            False,  # rest
        ),
    )
    return DONE


def timeout_retransmit__nothing_outstanding(c: Tcp, e: Any, x: Run) -> int | None:
    """Nothing outstanding. RFC 9293 3.10.8; RFC 6298 5.4 to 5.6"""
    x.fired.append("tcp/retransmit/nothing_outstanding")
    return DONE


def timeout_retransmit(c: Tcp, e: Any, x: Run) -> int:
    """RETRANSMISSION ends in ESTABLISHED, FIN-WAIT-1, FIN-WAIT-2, CLOSE-WAIT, CLOSING, LAST-ACK (RFC 9293 3.10.8; RFC 6298 5.4 to 5.6)"""
    return (
        timeout_retransmit__syn_after_close(c, e, x)
        or timeout_retransmit__front_and_fin(c, e, x)
        or timeout_retransmit__front(c, e, x)
        or timeout_retransmit__only_fin(c, e, x)
        or timeout_retransmit__nothing_outstanding(c, e, x)
        or DONE
    )


def timeout_acknowledge__acknowledge(c: Tcp, e: Any, x: Run) -> int | None:
    """What is owed is sent: what is expected next, and the window. [MUST-40, SHLD-18] RFC 9293 3.8.6.3"""
    x.fired.append("tcp/acknowledge/acknowledge")
    c.owed = (
        *c.owed,
        Template(
            "tcp/acknowledge/acknowledge",
            c.snd_nxt,  # seq
            0,  # span
            c.rcv_nxt,  # ack
            acked_from(c, x),  # ack_from
            16,  # ACK
            32,  # may
            b"",  # text
            0,  # low
            0,  # high
            False,  # rest
        ),
    )
    return DONE


def timeout_acknowledge(c: Tcp, e: Any, x: Run) -> int:
    """ACKNOWLEDGE ends in any state (RFC 9293 3.8.6.3)"""
    return timeout_acknowledge__acknowledge(c, e, x) or DONE


def timeout_acknowledge_again__acknowledge_and_more(c: Tcp, e: Any, x: Run) -> int | None:
    """Acknowledge and more. [MAY-13] RFC 9293 3.10.7.4 seventh; RFC 5681 4.2"""
    if not (c.repeats > 1):
        return None
    x.fired.append("tcp/acknowledge_again/acknowledge_and_more")
    c.repeats = c.repeats - 1
    c.duplicate_ack_from = c.now
    c.duplicate_ack_until = FOREVER
    c.owed = (
        *c.owed,
        Template(
            "tcp/acknowledge_again/acknowledge_and_more",
            c.snd_nxt,  # seq
            0,  # span
            c.rcv_nxt,  # ack
            acked_from(c, x),  # ack_from
            16,  # ACK
            32,  # may
            b"",  # text
            0,  # low
            0,  # high
            False,  # rest
        ),
    )
    return DONE


def timeout_acknowledge_again__acknowledge(c: Tcp, e: Any, x: Run) -> int | None:
    """Acknowledge. [MAY-13] RFC 9293 3.10.7.4 seventh; RFC 5681 4.2"""
    x.fired.append("tcp/acknowledge_again/acknowledge")
    c.repeats = 0
    c.owed = (
        *c.owed,
        Template(
            "tcp/acknowledge_again/acknowledge",
            c.snd_nxt,  # seq
            0,  # span
            c.rcv_nxt,  # ack
            acked_from(c, x),  # ack_from
            16,  # ACK
            32,  # may
            b"",  # text
            0,  # low
            0,  # high
            False,  # rest
        ),
    )
    return DONE


def timeout_acknowledge_again(c: Tcp, e: Any, x: Run) -> int:
    """DUPLICATE-ACK ends in any state (RFC 9293 3.10.7.4 seventh; RFC 5681 4.2)"""
    return (
        timeout_acknowledge_again__acknowledge_and_more(c, e, x)
        or timeout_acknowledge_again__acknowledge(c, e, x)
        or DONE
    )


def timeout_probe__empty_segment(c: Tcp, e: Any, x: Run) -> int | None:
    """Empty segment. RFC 9293 3.8.6.1"""
    if not (x.p.linux and x.flag("empty_probe")):
        return None
    x.fired.append("tcp/probe/empty_segment")
    do_probe_again(c, None, x)
    c.owed = (
        *c.owed,
        Template(
            "tcp/probe/empty_segment",
            c.snd_una - 1 & M,  # seq
            0,  # span
            c.rcv_nxt,  # ack
            acked_from(c, x),  # ack_from
            16,  # ACK
            32,  # may
            b"",  # text
            0,  # low
            0,  # high
            False,  # rest
        ),
    )
    return DONE


def timeout_probe__one_octet(c: Tcp, e: Any, x: Run) -> int | None:
    """An octet of what waits, to be told of the window when it opens. [MUST-36, MUST-35, SHLD-29, SHLD-30] RFC
    9293 3.8.6.1"""
    if not (flight(c, x) == 0 and unsent(c, x) > 0):
        return None
    x.fired.append("tcp/probe/one_octet")
    do_probe_again(c, None, x)
    c.owed = (
        *c.owed,
        Template(
            "tcp/probe/one_octet",
            c.snd_nxt,  # seq
            0,  # span
            c.rcv_nxt,  # ack
            acked_from(c, x),  # ack_from
            16,  # ACK+PSH?
            40,  # may
            unsent_data(c, x),  # text
            1,  # low
            1,  # high
            False,  # rest
        ),
    )
    return DONE


def timeout_probe__octet_again(c: Tcp, e: Any, x: Run) -> int | None:
    """The octet that nobody has taken yet goes again. [MUST-36, SHLD-30] RFC 9293 3.8.6.1"""
    if not (flight(c, x) > 0 and len(outstanding_data(c, x)) > 0):
        return None
    x.fired.append("tcp/probe/octet_again")
    do_probe_again(c, None, x)
    c.owed = (
        *c.owed,
        Template(
            "tcp/probe/octet_again",
            c.snd_una,  # seq
            0,  # span
            c.rcv_nxt,  # ack
            acked_from(c, x),  # ack_from
            16,  # ACK+PSH?
            40,  # may
            outstanding_data(c, x),  # text
            1,  # low
            1,  # high
            False,  # rest
        ),
    )
    return DONE


def timeout_probe__fin_alone(c: Tcp, e: Any, x: Run) -> int | None:
    """Only the FIN waits behind the closed window: it is its own probe. [MUST-36] RFC 9293 3.8.6.1"""
    if not (fin_waits(c, x) or fin_sent(c, x) and flight(c, x) == 1):
        return None
    x.fired.append("tcp/probe/fin_alone")
    do_probe_again(c, None, x)
    c.owed = (
        *c.owed,
        Template(
            "tcp/probe/fin_alone",
            snd_end(c, x),  # seq
            0,  # span
            c.rcv_nxt,  # ack
            acked_from(c, x),  # ack_from
            17,  # FIN+ACK+PSH?
            40,  # may
            b"",  # text
            0,  # low
            0,  # high
            False,  # rest
        ),
    )
    return DONE


def timeout_probe__nothing_waits(c: Tcp, e: Any, x: Run) -> int | None:
    """Nothing waits. RFC 9293 3.8.6.1"""
    x.fired.append("tcp/probe/nothing_waits")
    return DONE


def timeout_probe(c: Tcp, e: Any, x: Run) -> int:
    """PERSIST ends in ESTABLISHED, CLOSE-WAIT, FIN-WAIT-1, CLOSING, LAST-ACK (RFC 9293 3.8.6.1)"""
    return (
        timeout_probe__empty_segment(c, e, x)
        or timeout_probe__one_octet(c, e, x)
        or timeout_probe__octet_again(c, e, x)
        or timeout_probe__fin_alone(c, e, x)
        or timeout_probe__nothing_waits(c, e, x)
        or DONE
    )


def timeout_override__small_segment_may_go(c: Tcp, e: Any, x: Run) -> int | None:
    """Small segment may go. [MUST-38] RFC 9293 3.8.6.2.1"""
    x.fired.append("tcp/override/small_segment_may_go")
    c.overridden = True
    return DONE


def timeout_override(c: Tcp, e: Any, x: Run) -> int:
    """OVERRIDE-SWS ends in any state (RFC 9293 3.8.6.2.1)"""
    return timeout_override__small_segment_may_go(c, e, x) or DONE


def timeout_keep_alive__not_idle(c: Tcp, e: Any, x: Run) -> int | None:
    """Something is outstanding: retransmission looks after it. [MUST-26] RFC 9293 3.8.4"""
    if not (flight(c, x) > 0 or unsent(c, x) > 0):
        return None
    x.fired.append("tcp/keep_alive/not_idle")
    c.keep_alive_from = c.now + c.keep_idle - min(c.keep_idle, x.p.rto_early)
    c.keep_alive_until = c.now + c.keep_idle + c.keep_idle // 4 + x.p.rto_late
    return DONE


def timeout_keep_alive__dead(c: Tcp, e: Any, x: Run) -> int | None:
    """Several probes in a row have found nobody. [MUST-29] RFC 9293 3.8.4"""
    if not (c.keep_count <= c.probes):
        return None
    x.fired.append("tcp/keep_alive/dead")
    c.error = "ETIMEDOUT"
    c.owed = (
        *c.owed,
        Template(
            "tcp/keep_alive/dead",
            c.snd_nxt,  # seq
            0,  # span
            None,  # ack
            None,  # ack_from
            4,  # RST+ACK?
            16,  # may
            b"",  # text
            0,  # low
            0,  # high
            False,  # rest
        ),
    )
    do_shut(c, None, x)
    return DONE


def timeout_keep_alive__garbage_probe(c: Tcp, e: Any, x: Run) -> int | None:
    """Garbage probe. [MAY-6] RFC 9293 3.8.4"""
    if not (x.flag("garbage")):
        return None
    x.fired.append("tcp/keep_alive/garbage_probe")
    do_count_probe(c, None, x)
    c.owed = (
        *c.owed,
        Template(
            "tcp/keep_alive/garbage_probe",
            c.snd_nxt - 1 & M,  # seq
            0,  # span
            c.rcv_nxt,  # ack
            acked_from(c, x),  # ack_from
            16,  # ACK
            32,  # may
            zero_octet(c, x),  # text
            1,  # low
            1,  # high
            False,  # rest
        ),
    )
    return DONE


def timeout_keep_alive__empty_probe(c: Tcp, e: Any, x: Run) -> int | None:
    """Empty probe. [SHLD-12, MAY-5] RFC 9293 3.8.4"""
    x.fired.append("tcp/keep_alive/empty_probe")
    do_count_probe(c, None, x)
    c.owed = (
        *c.owed,
        Template(
            "tcp/keep_alive/empty_probe",
            c.snd_nxt - 1 & M,  # seq
            0,  # span
            c.rcv_nxt,  # ack
            acked_from(c, x),  # ack_from
            16,  # ACK
            32,  # may
            b"",  # text
            0,  # low
            0,  # high
            False,  # rest
        ),
    )
    return DONE


def timeout_keep_alive(c: Tcp, e: Any, x: Run) -> int:
    """KEEP-ALIVE ends in ESTABLISHED, FIN-WAIT-1, FIN-WAIT-2, CLOSE-WAIT, CLOSING, LAST-ACK (RFC 9293 3.8.4)"""
    return (
        timeout_keep_alive__not_idle(c, e, x)
        or timeout_keep_alive__dead(c, e, x)
        or timeout_keep_alive__garbage_probe(c, e, x)
        or timeout_keep_alive__empty_probe(c, e, x)
        or DONE
    )
