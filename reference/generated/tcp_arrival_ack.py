"""The rules of arrival_ack.wire.

Generated from spec/rules/tcp/*.wire by `make generate` (spec/backends/python.py). Do not edit.
"""

from __future__ import annotations

from typing import Any

from wireproof.reference.generated.tcp_procedures import (
    do_answer_to_fin,
    do_arm_persist,
    do_opened,
    do_take_acknowledgment,
    do_take_window,
    do_watch_idle,
)
from wireproof.reference.generated.tcp_state import Tcp
from wireproof.reference.run import (
    CONTINUE,
    DONE,
    DROP,
    Run,
    Template,
)
from wireproof.reference.sequence import MASK as M
from wireproof.reference.sequence import le, lt


def arrives_syn_received_ack__no_ack(c: Tcp, e: Any, x: Run) -> int | None:
    """No ack. RFC 9293 3.10.7.4 fifth, SYN-RECEIVED"""
    if e.ctl & 16 != 0:
        return None
    x.fired.append("tcp/syn_received_ack/no_ack")
    return DROP


def arrives_syn_received_ack__established(c: Tcp, e: Any, x: Run) -> int | None:
    """Our SYN is acknowledged: the connection is open. RFC 9293 3.10.7.4 fifth, SYN-RECEIVED"""
    if not ((lt(c.snd_una, e.ack) and le(e.ack, c.snd_nxt)) and not c.snd_fin):
        return None
    x.fired.append("tcp/syn_received_ack/established")
    c.state = "ESTABLISHED"
    do_opened(c, e, x)
    return CONTINUE


def arrives_syn_received_ack__established_and_closing(c: Tcp, e: Any, x: Run) -> int | None:
    """The user closed while the connection was being opened: the FIN follows what is queued. RFC 9293 3.10.4
    SYN-RECEIVED"""
    if not (lt(c.snd_una, e.ack) and le(e.ack, c.snd_nxt)):
        return None
    x.fired.append("tcp/syn_received_ack/established_and_closing")
    c.state = "FIN-WAIT-1"
    do_opened(c, e, x)
    return CONTINUE


def arrives_syn_received_ack__unacceptable(c: Tcp, e: Any, x: Run) -> int | None:
    """It acknowledges what was never sent, or nothing: reset. RFC 9293 3.10.7.4 fifth, SYN-RECEIVED"""
    x.fired.append("tcp/syn_received_ack/unacceptable")
    c.owed = (
        *c.owed,
        Template(
            "tcp/syn_received_ack/unacceptable",
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
    return DROP


def arrives_syn_received_ack(c: Tcp, e: Any, x: Run) -> int:
    """segment in SYN-RECEIVED, step 5 (RFC 9293 3.10.7.4 fifth, SYN-RECEIVED)"""
    return (
        arrives_syn_received_ack__no_ack(c, e, x)
        or arrives_syn_received_ack__established(c, e, x)
        or arrives_syn_received_ack__established_and_closing(c, e, x)
        or arrives_syn_received_ack__unacceptable(c, e, x)
        or DONE
    )


def arrives_acknowledgment__no_ack(c: Tcp, e: Any, x: Run) -> int | None:
    """No ack. RFC 9293 3.10.7.4 fifth"""
    if e.ctl & 16 != 0:
        return None
    x.fired.append("tcp/acknowledgment/no_ack")
    return DROP


def arrives_acknowledgment__too_old(c: Tcp, e: Any, x: Run) -> int | None:
    """It acknowledges what was acknowledged more than a window ago: somebody may be guessing. [MAY-12, U-11,
    U-12] RFC 5961 5"""
    if not (x.p.rfc5961 and lt(e.ack, c.snd_una - c.max_snd_wnd & M)):
        return None
    x.fired.append("tcp/acknowledgment/too_old")
    c.acknowledge_from = c.now
    c.acknowledge_until = c.acknowledge_from
    return DROP


def arrives_acknowledgment__not_yet_sent(c: Tcp, e: Any, x: Run) -> int | None:
    """It acknowledges what was not sent yet. [U-11, U-12] RFC 9293 3.10.7.4 fifth"""
    if not (lt(c.snd_nxt, e.ack)):
        return None
    x.fired.append("tcp/acknowledgment/not_yet_sent")
    c.acknowledge_from = c.now
    c.acknowledge_until = c.acknowledge_from
    return DROP


def arrives_acknowledgment__taken(c: Tcp, e: Any, x: Run) -> int | None:
    """Take the acknowledgment, then the window, then see whether our FIN is through. RFC 9293 3.10.7.4 fifth"""
    x.fired.append("tcp/acknowledgment/taken")
    do_take_acknowledgment(c, e, x)
    do_take_window(c, e, x)
    do_answer_to_fin(c, None, x)
    do_watch_idle(c, None, x)
    do_arm_persist(c, None, x)
    return CONTINUE


def arrives_acknowledgment(c: Tcp, e: Any, x: Run) -> int:
    """segment in ESTABLISHED, FIN-WAIT-1, FIN-WAIT-2, CLOSE-WAIT, CLOSING, LAST-ACK, step 5 (RFC 9293 3.10.7.4 fifth)"""
    return (
        arrives_acknowledgment__no_ack(c, e, x)
        or arrives_acknowledgment__too_old(c, e, x)
        or arrives_acknowledgment__not_yet_sent(c, e, x)
        or arrives_acknowledgment__taken(c, e, x)
        or DONE
    )


def arrives_time_wait_ack__no_ack(c: Tcp, e: Any, x: Run) -> int | None:
    """No ack. RFC 9293 3.10.7.4 fifth, TIME-WAIT"""
    if e.ctl & 16 != 0:
        return None
    x.fired.append("tcp/time_wait_ack/no_ack")
    return DROP


def arrives_time_wait_ack__not_yet_sent(c: Tcp, e: Any, x: Run) -> int | None:
    """It acknowledges what was never sent. RFC 9293 3.10.7.4 fifth, TIME-WAIT"""
    if not (lt(c.snd_nxt, e.ack)):
        return None
    x.fired.append("tcp/time_wait_ack/not_yet_sent")
    c.acknowledge_from = c.now
    c.acknowledge_until = c.acknowledge_from
    return DROP


def arrives_time_wait_ack__nothing_to_do(c: Tcp, e: Any, x: Run) -> int | None:
    """Both FINs are acknowledged. There is nothing to take from it. RFC 9293 3.10.7.4 fifth, TIME-WAIT"""
    x.fired.append("tcp/time_wait_ack/nothing_to_do")
    return CONTINUE


def arrives_time_wait_ack(c: Tcp, e: Any, x: Run) -> int:
    """segment in TIME-WAIT, step 5 (RFC 9293 3.10.7.4 fifth, TIME-WAIT)"""
    return (
        arrives_time_wait_ack__no_ack(c, e, x)
        or arrives_time_wait_ack__not_yet_sent(c, e, x)
        or arrives_time_wait_ack__nothing_to_do(c, e, x)
        or DONE
    )
