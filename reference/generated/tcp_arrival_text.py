"""The rules of arrival_text.wire.

Generated from spec/rules/tcp/*.wire by `make generate` (spec/backends/python.py). Do not edit.
"""

from __future__ import annotations

from typing import Any

from wireproof.reference.generated.tcp_procedures import (
    do_fill_from_held,
    do_may_repeat,
    do_owe_acknowledgment,
    do_owe_for_fin,
    do_peer_closed,
    do_shut,
)
from wireproof.reference.generated.tcp_state import Tcp
from wireproof.reference.generated.tcp_terms import fin_seq, fresh, text_seq, unread_from
from wireproof.reference.reassembly import hold, part, ready
from wireproof.reference.run import (
    CONTINUE,
    DONE,
    DROP,
    Run,
    Template,
)
from wireproof.reference.sequence import MASK as M
from wireproof.reference.sequence import le, lt


def arrives_urgent__announced(c: Tcp, e: Any, x: Run) -> int | None:
    """The peer has urgent data, or more of it: tell the user, once for each advance. [MUST-30, MUST-31,
    MUST-32] RFC 9293 3.10.7.4 sixth; 3.8.5"""
    if not (
        e.ctl & 32 != 0
        and (lt(c.rcv_up, e.seq + e.up & M) or not c.rcv_urgent)
        and lt(unread_from(c, x), e.seq + e.up & M)
    ):
        return None
    x.fired.append("tcp/urgent/announced")
    c.rcv_up = e.seq + e.up & M
    c.rcv_urgent = True
    x.signals.append("URGENT")
    return CONTINUE


def arrives_urgent__nothing_urgent(c: Tcp, e: Any, x: Run) -> int | None:
    """Nothing urgent. RFC 9293 3.10.7.4 sixth; 3.8.5"""
    x.fired.append("tcp/urgent/nothing_urgent")
    return CONTINUE


def arrives_urgent(c: Tcp, e: Any, x: Run) -> int:
    """segment in SYN-RECEIVED, ESTABLISHED, FIN-WAIT-1, FIN-WAIT-2, step 6 (RFC 9293 3.10.7.4 sixth; 3.8.5)"""
    return arrives_urgent__announced(c, e, x) or arrives_urgent__nothing_urgent(c, e, x) or DONE


def arrives_urgent_after_fin__ignored(c: Tcp, e: Any, x: Run) -> int | None:
    """The peer has said that nothing follows its FIN. RFC 9293 3.10.7.4 sixth"""
    x.fired.append("tcp/urgent_after_fin/ignored")
    return CONTINUE


def arrives_urgent_after_fin(c: Tcp, e: Any, x: Run) -> int:
    """segment in CLOSE-WAIT, CLOSING, LAST-ACK, TIME-WAIT, step 6 (RFC 9293 3.10.7.4 sixth)"""
    return arrives_urgent_after_fin__ignored(c, e, x) or DONE


def arrives_text__nobody_reads(c: Tcp, e: Any, x: Run) -> int | None:
    """The user has let go of the connection: new text can never be delivered, and the peer is told with a
    reset. [SHLD-3, MAY-1] RFC 9293 3.6.1"""
    if not (c.rcv_closed and len(fresh(c, e, x)) > 0):
        return None
    x.fired.append("tcp/text/nobody_reads")
    c.owed = (
        *c.owed,
        Template(
            "tcp/text/nobody_reads",
            e.ack,  # seq
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
    return DROP


def arrives_text__none(c: Tcp, e: Any, x: Run) -> int | None:
    """None. RFC 9293 3.10.7.4 seventh; 3.8.6"""
    if not (len(e.data) == 0 and len(ready(c.rcv_held, c.rcv_nxt)) == 0):
        return None
    x.fired.append("tcp/text/none")
    return CONTINUE


def arrives_text__in_order(c: Tcp, e: Any, x: Run) -> int | None:
    """Text at the left edge: take it, with what was held behind it, and owe an acknowledgment. [MUST-40,
    SHLD-18, MUST-58, MUST-59] RFC 9293 3.10.7.4 seventh; 3.8.6"""
    if not (le(text_seq(c, e, x), c.rcv_nxt)):
        return None
    x.fired.append("tcp/text/in_order")
    taken = len(fresh(c, e, x))
    c.rcv_data = c.rcv_data + fresh(c, e, x)
    c.rcv_nxt = c.rcv_nxt + taken & M
    c.stretched = c.stretched or taken > 0 and 2 * (x.p.mtu - x.p.ip_header - 20) <= c.unacked
    c.unacked = c.unacked + taken
    do_fill_from_held(c, None, x)
    do_owe_acknowledgment(c, None, x)
    return CONTINUE


def arrives_text__out_of_order(c: Tcp, e: Any, x: Run) -> int | None:
    """Text behind a hole: hold it; an acknowledgment of what is expected may go at once. [MAY-13] RFC 9293
    3.10.7.4 seventh; 3.8.6"""
    x.fired.append("tcp/text/out_of_order")
    c.rcv_held = hold(c.rcv_held, text_seq(c, e, x), part(e.data, text_seq(c, e, x), c.rcv_nxt, c.rcv_edge))
    do_may_repeat(c, None, x)
    return CONTINUE


def arrives_text(c: Tcp, e: Any, x: Run) -> int:
    """segment in SYN-RECEIVED, ESTABLISHED, FIN-WAIT-1, FIN-WAIT-2, step 7 (RFC 9293 3.10.7.4 seventh; 3.8.6)"""
    return (
        arrives_text__nobody_reads(c, e, x)
        or arrives_text__none(c, e, x)
        or arrives_text__in_order(c, e, x)
        or arrives_text__out_of_order(c, e, x)
        or DONE
    )


def arrives_text_after_fin__ignored_in_time_wait(c: Tcp, e: Any, x: Run) -> int | None:
    """Text behind the FIN is not taken; an acknowledgment may say so. RFC 9293 3.10.7.4 seventh"""
    if not (c.state == "TIME-WAIT" and len(e.data) > 0 and not e.ctl & 1 != 0):
        return None
    x.fired.append("tcp/text_after_fin/ignored_in_time_wait")
    do_may_repeat(c, None, x)
    return CONTINUE


def arrives_text_after_fin__ignored(c: Tcp, e: Any, x: Run) -> int | None:
    """The peer has said that nothing follows its FIN. RFC 9293 3.10.7.4 seventh"""
    x.fired.append("tcp/text_after_fin/ignored")
    return CONTINUE


def arrives_text_after_fin(c: Tcp, e: Any, x: Run) -> int:
    """segment in CLOSE-WAIT, CLOSING, LAST-ACK, TIME-WAIT, step 7 (RFC 9293 3.10.7.4 seventh)"""
    return arrives_text_after_fin__ignored_in_time_wait(c, e, x) or arrives_text_after_fin__ignored(c, e, x) or DONE


def arrives_fin__its_turn(c: Tcp, e: Any, x: Run) -> int | None:
    """Everything before the FIN has been taken: the peer has closed. [MUST-12] RFC 9293 3.10.7.4 eighth"""
    if not (
        e.ctl & 1 != 0
        and fin_seq(c, e, x) == c.rcv_nxt
        and lt(c.rcv_nxt, c.rcv_edge)
        or c.fin_known
        and c.fin_seq == c.rcv_nxt
    ):
        return None
    x.fired.append("tcp/fin/its_turn")
    c.rcv_nxt = c.rcv_nxt + 1 & M
    c.rcv_fin = True
    c.fin_known = False
    do_owe_for_fin(c, None, x)
    do_peer_closed(c, None, x)
    return CONTINUE


def arrives_fin__at_closed_window(c: Tcp, e: Any, x: Run) -> int | None:
    """Linux takes a bare FIN at a closed window. RFC 9293 3.10.7.4 eighth"""
    if not (x.p.linux and e.ctl & 1 != 0 and fin_seq(c, e, x) == c.rcv_nxt and len(e.data) == 0):
        return None
    x.fired.append("tcp/fin/at_closed_window")
    c.rcv_nxt = c.rcv_nxt + 1 & M
    c.rcv_edge = c.rcv_nxt
    c.rcv_fin = True
    c.fin_known = False
    do_owe_for_fin(c, None, x)
    do_peer_closed(c, None, x)
    return CONTINUE


def arrives_fin__before_its_turn(c: Tcp, e: Any, x: Run) -> int | None:
    """A FIN behind a hole is held like text; with text, it calls for no second acknowledgment. RFC 9293
    3.10.7.4 eighth"""
    if not (e.ctl & 1 != 0 and lt(c.rcv_nxt, fin_seq(c, e, x)) and lt(fin_seq(c, e, x), c.rcv_edge)):
        return None
    x.fired.append("tcp/fin/before_its_turn")
    c.fin_known = True
    c.fin_seq = fin_seq(c, e, x)
    c.repeats = c.repeats - 1 if len(e.data) > 0 and c.repeats > 0 else c.repeats
    do_may_repeat(c, None, x)
    return CONTINUE


def arrives_fin__no_fin(c: Tcp, e: Any, x: Run) -> int | None:
    """No fin. RFC 9293 3.10.7.4 eighth"""
    x.fired.append("tcp/fin/no_fin")
    return CONTINUE


def arrives_fin(c: Tcp, e: Any, x: Run) -> int:
    """segment in SYN-RECEIVED, ESTABLISHED, FIN-WAIT-1, FIN-WAIT-2, step 8 (RFC 9293 3.10.7.4 eighth)"""
    return (
        arrives_fin__its_turn(c, e, x)
        or arrives_fin__at_closed_window(c, e, x)
        or arrives_fin__before_its_turn(c, e, x)
        or arrives_fin__no_fin(c, e, x)
        or DONE
    )


def arrives_fin_again__again_in_time_wait(c: Tcp, e: Any, x: Run) -> int | None:
    """A FIN where none can be new: the wait begins again, and an acknowledgment may say so. RFC 9293 3.10.7.4
    eighth"""
    if not (c.state == "TIME-WAIT" and e.ctl & 1 != 0):
        return None
    x.fired.append("tcp/fin_again/again_in_time_wait")
    do_may_repeat(c, None, x)
    c.time_wait_end_from = c.now + 2 * x.p.msl
    c.time_wait_end_until = c.now + 2 * x.p.msl + x.p.msl_late
    return CONTINUE


def arrives_fin_again__remain(c: Tcp, e: Any, x: Run) -> int | None:
    """The FIN was taken already. RFC 9293 3.10.7.4 eighth"""
    x.fired.append("tcp/fin_again/remain")
    return CONTINUE


def arrives_fin_again(c: Tcp, e: Any, x: Run) -> int:
    """segment in CLOSE-WAIT, CLOSING, LAST-ACK, TIME-WAIT, step 8 (RFC 9293 3.10.7.4 eighth)"""
    return arrives_fin_again__again_in_time_wait(c, e, x) or arrives_fin_again__remain(c, e, x) or DONE
