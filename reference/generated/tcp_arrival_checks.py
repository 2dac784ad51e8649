"""The rules of arrival_checks.wire.

Generated from spec/rules/tcp/*.wire by `make generate` (spec/backends/python.py). Do not edit.
"""

from __future__ import annotations

from typing import Any

from wireproof.reference.generated.tcp_procedures import do_shut
from wireproof.reference.generated.tcp_state import Tcp
from wireproof.reference.generated.tcp_terms import acceptable, rcv_wnd
from wireproof.reference.run import (
    CONTINUE,
    DONE,
    DROP,
    REDELIVER,
    Run,
    Template,
)
from wireproof.reference.sequence import MASK as M
from wireproof.reference.sequence import lt


def arrives_sequence__new_incarnation(c: Tcp, e: Any, x: Run) -> int | None:
    """A new connection between the same ports takes over from the one in TIME-WAIT. [MAY-2] RFC 9293 3.6.1"""
    if not (
        c.state == "TIME-WAIT"
        and e.ctl & 2 != 0
        and not e.ctl & 4 != 0
        and not e.ctl & 16 != 0
        and lt(c.rcv_nxt, e.seq)
        and x.flag("reopens")
    ):
        return None
    x.fired.append("tcp/sequence/new_incarnation")
    do_shut(c, None, x)
    return REDELIVER


def arrives_sequence__acceptable(c: Tcp, e: Any, x: Run) -> int | None:
    """Acceptable. RFC 9293 3.10.7.4 first; 3.4"""
    if not (acceptable(c, e, x)):
        return None
    x.fired.append("tcp/sequence/acceptable")
    return CONTINUE


def arrives_sequence__zero_window(c: Tcp, e: Any, x: Run) -> int | None:
    """With the window closed text is refused, but the acknowledgment, urgent pointer and reset of a segment at
    RCV.NXT count. [MUST-66] RFC 9293 3.10.7.4 first; 3.4"""
    if not (rcv_wnd(c, x) == 0 and e.seq == c.rcv_nxt and not e.ctl & 2 != 0):
        return None
    x.fired.append("tcp/sequence/zero_window")
    c.acknowledge_from = c.now
    c.acknowledge_until = c.acknowledge_from
    return CONTINUE


def arrives_sequence__unacceptable_reset(c: Tcp, e: Any, x: Run) -> int | None:
    """A reset from outside the window is dropped in silence. RFC 9293 3.10.7.4 first; 3.4"""
    if not (e.ctl & 4 != 0):
        return None
    x.fired.append("tcp/sequence/unacceptable_reset")
    return DROP


def arrives_sequence__old_fin(c: Tcp, e: Any, x: Run) -> int | None:
    """The peer has not heard our last acknowledgment: acknowledge its FIN again and wait another 2 MSL. RFC
    9293 3.10.7.4 fifth, TIME-WAIT"""
    if not (c.state == "TIME-WAIT" and e.ctl & 1 != 0):
        return None
    x.fired.append("tcp/sequence/old_fin")
    c.acknowledge_from = c.now
    c.acknowledge_until = c.acknowledge_from
    c.time_wait_end_from = c.now + 2 * x.p.msl
    c.time_wait_end_until = c.now + 2 * x.p.msl + x.p.msl_late
    return DROP


def arrives_sequence__syn_again(c: Tcp, e: Any, x: Run) -> int | None:
    """The peer sends its SYN again: Linux answers with its SYN,ACK. RFC 9293 3.10.7.4 first; 3.4"""
    if not (x.p.linux and c.state == "SYN-RECEIVED" and c.passive and e.ctl & 2 != 0 and e.seq == c.irs):
        return None
    x.fired.append("tcp/sequence/syn_again")
    c.owed = (
        *c.owed,
        Template(
            "tcp/sequence/syn_again",
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
    return DROP


def arrives_sequence__unacceptable(c: Tcp, e: Any, x: Run) -> int | None:
    """Say what is expected, and drop. RFC 9293 3.10.7.4 first; 3.5.1"""
    x.fired.append("tcp/sequence/unacceptable")
    c.acknowledge_from = c.now
    c.acknowledge_until = c.acknowledge_from
    return DROP


def arrives_sequence(c: Tcp, e: Any, x: Run) -> int:
    """segment in SYN-RECEIVED, ESTABLISHED, FIN-WAIT-1, FIN-WAIT-2, CLOSE-WAIT, CLOSING, LAST-ACK, TIME-WAIT, step 1 (RFC 9293 3.10.7.4 first; 3.4)"""
    return (
        arrives_sequence__new_incarnation(c, e, x)
        or arrives_sequence__acceptable(c, e, x)
        or arrives_sequence__zero_window(c, e, x)
        or arrives_sequence__unacceptable_reset(c, e, x)
        or arrives_sequence__old_fin(c, e, x)
        or arrives_sequence__syn_again(c, e, x)
        or arrives_sequence__unacceptable(c, e, x)
        or DONE
    )


def arrives_reset__no_reset(c: Tcp, e: Any, x: Run) -> int | None:
    """No reset. RFC 9293 3.10.7.4 second; 3.5.3"""
    if e.ctl & 4 != 0:
        return None
    x.fired.append("tcp/reset/no_reset")
    return CONTINUE


def arrives_reset__challenge(c: Tcp, e: Any, x: Run) -> int | None:
    """In the window but not exactly what is expected next: challenge it. [U-7, U-8] RFC 5961 3"""
    if not (x.p.rfc5961 and e.seq != c.rcv_nxt):
        return None
    x.fired.append("tcp/reset/challenge")
    c.acknowledge_from = c.now
    c.acknowledge_until = c.acknowledge_from
    return DROP


def arrives_reset__refused_passive(c: Tcp, e: Any, x: Run) -> int | None:
    """The opening that we answered is taken back: as if it had not been. [MUST-11, U-6] RFC 9293 3.10.7.4
    second; 3.5.3"""
    if not (c.state == "SYN-RECEIVED" and c.passive):
        return None
    x.fired.append("tcp/reset/refused_passive")
    do_shut(c, None, x)
    c.state = "LISTEN"
    return DROP


def arrives_reset__refused_active(c: Tcp, e: Any, x: Run) -> int | None:
    """Our simultaneous opening is refused. [MUST-11, MUST-12, U-6, SHLD-2] RFC 9293 3.10.7.4 second; 3.5.3"""
    if not (c.state == "SYN-RECEIVED"):
        return None
    x.fired.append("tcp/reset/refused_active")
    c.error = "ECONNREFUSED"
    do_shut(c, None, x)
    return DROP


def arrives_reset__reset_after_fin(c: Tcp, e: Any, x: Run) -> int | None:
    """Linux tells a user whose peer had already closed EPIPE. [U-6] RFC 9293 3.10.7.4 second; 3.5.3"""
    if not (x.p.linux and c.state == "CLOSE-WAIT"):
        return None
    x.fired.append("tcp/reset/reset_after_fin")
    c.error = "EPIPE"
    do_shut(c, None, x)
    return DROP


def arrives_reset__reset_by_peer(c: Tcp, e: Any, x: Run) -> int | None:
    """The peer aborted: the user is told, everything queued is flushed; text in the reset is for people, never
    for the user. [MUST-12, U-6, SHLD-2] RFC 9293 3.10.7.4 second; 3.5.3"""
    if not (
        c.state
        in (
            "ESTABLISHED",
            "FIN-WAIT-1",
            "FIN-WAIT-2",
            "CLOSE-WAIT",
        )
    ):
        return None
    x.fired.append("tcp/reset/reset_by_peer")
    c.error = "ECONNRESET"
    do_shut(c, None, x)
    return DROP


def arrives_reset__reset_when_closing_told(c: Tcp, e: Any, x: Run) -> int | None:
    """Both ends have closed; the user is told all the same. [U-6] RFC 9293 3.10.7.4 second; 3.5.3"""
    if not (x.flag("told") and c.state != "TIME-WAIT"):
        return None
    x.fired.append("tcp/reset/reset_when_closing_told")
    c.error = "ECONNRESET"
    do_shut(c, None, x)
    return DROP


def arrives_reset__reset_when_closing(c: Tcp, e: Any, x: Run) -> int | None:
    """Both ends have closed: the user has nothing more to learn. [U-6] RFC 9293 3.10.7.4 second; 3.5.3"""
    x.fired.append("tcp/reset/reset_when_closing")
    do_shut(c, None, x)
    return DROP


def arrives_reset(c: Tcp, e: Any, x: Run) -> int:
    """segment in SYN-RECEIVED, ESTABLISHED, FIN-WAIT-1, FIN-WAIT-2, CLOSE-WAIT, CLOSING, LAST-ACK, TIME-WAIT, step 2 (RFC 9293 3.10.7.4 second; 3.5.3)"""
    return (
        arrives_reset__no_reset(c, e, x)
        or arrives_reset__challenge(c, e, x)
        or arrives_reset__refused_passive(c, e, x)
        or arrives_reset__refused_active(c, e, x)
        or arrives_reset__reset_after_fin(c, e, x)
        or arrives_reset__reset_by_peer(c, e, x)
        or arrives_reset__reset_when_closing_told(c, e, x)
        or arrives_reset__reset_when_closing(c, e, x)
        or DONE
    )


def arrives_security__no_compartments(c: Tcp, e: Any, x: Run) -> int | None:
    """No compartments. RFC 9293 3.10.7.4 third; A.1"""
    x.fired.append("tcp/security/no_compartments")
    return CONTINUE


def arrives_security(c: Tcp, e: Any, x: Run) -> int:
    """segment in SYN-RECEIVED, ESTABLISHED, FIN-WAIT-1, FIN-WAIT-2, CLOSE-WAIT, CLOSING, LAST-ACK, TIME-WAIT, step 3 (RFC 9293 3.10.7.4 third; A.1)"""
    return arrives_security__no_compartments(c, e, x) or DONE


def arrives_syn__no_syn(c: Tcp, e: Any, x: Run) -> int | None:
    """No syn. RFC 9293 3.10.7.4 fourth"""
    if e.ctl & 2 != 0:
        return None
    x.fired.append("tcp/syn/no_syn")
    return CONTINUE


def arrives_syn__back_to_listen(c: Tcp, e: Any, x: Run) -> int | None:
    """A second SYN inside the window of a connection that is only being answered: begin again. RFC 9293
    3.10.7.4 fourth"""
    if not (c.state == "SYN-RECEIVED" and c.passive):
        return None
    x.fired.append("tcp/syn/back_to_listen")
    do_shut(c, None, x)
    c.state = "LISTEN"
    return DROP


def arrives_syn__challenge(c: Tcp, e: Any, x: Run) -> int | None:
    """A SYN where there is a connection already, whatever its number: challenge it. [U-9, U-10] RFC 5961 4"""
    if not (x.p.rfc5961):
        return None
    x.fired.append("tcp/syn/challenge")
    c.acknowledge_from = c.now
    c.acknowledge_until = c.acknowledge_from
    return DROP


def arrives_syn__error_with_ack(c: Tcp, e: Any, x: Run) -> int | None:
    """A SYN in the window is an error: reset the connection. RFC 793 3.9 fourth"""
    if not (e.ctl & 16 != 0):
        return None
    x.fired.append("tcp/syn/error_with_ack")
    c.owed = (
        *c.owed,
        Template(
            "tcp/syn/error_with_ack",
            e.ack,  # seq
            0,  # span
            None,  # ack
            None,  # ack_from
            4,  # RST
            0,  # may
            b"",  # text
            0,  # low
            0,  # high
            False,  # rest
        ),
    )
    c.error = "ECONNRESET"
    do_shut(c, None, x)
    return DROP


def arrives_syn__error_without_ack(c: Tcp, e: Any, x: Run) -> int | None:
    """A SYN in the window is an error: reset the connection. RFC 793 3.9 fourth"""
    x.fired.append("tcp/syn/error_without_ack")
    c.owed = (
        *c.owed,
        Template(
            "tcp/syn/error_without_ack",
            0,  # seq
            0,  # span
            e.seq + e.length & M,  # ack
            e.seq + e.length & M,  # ack_from
            20,  # RST+ACK
            0,  # may
            b"",  # text
            0,  # low
            0,  # high
            False,  # rest
        ),
    )
    c.error = "ECONNRESET"
    do_shut(c, None, x)
    return DROP


def arrives_syn(c: Tcp, e: Any, x: Run) -> int:
    """segment in SYN-RECEIVED, ESTABLISHED, FIN-WAIT-1, FIN-WAIT-2, CLOSE-WAIT, CLOSING, LAST-ACK, TIME-WAIT, step 4 (RFC 9293 3.10.7.4 fourth)"""
    return (
        arrives_syn__no_syn(c, e, x)
        or arrives_syn__back_to_listen(c, e, x)
        or arrives_syn__challenge(c, e, x)
        or arrives_syn__error_with_ack(c, e, x)
        or arrives_syn__error_without_ack(c, e, x)
        or DONE
    )
