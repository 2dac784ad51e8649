"""The rules of arrival_syn_sent.wire.

Generated from spec/rules/tcp/*.wire by `make generate` (spec/backends/python.py). Do not edit.
"""

from __future__ import annotations

from typing import Any

from wireproof.reference.generated.tcp_procedures import do_open_actively, do_shut, do_take_mss
from wireproof.reference.generated.tcp_state import Tcp
from wireproof.reference.generated.tcp_terms import ack_acceptable, eff_snd_mss
from wireproof.reference.reassembly import hold
from wireproof.reference.run import (
    AT_STEP,
    CONTINUE,
    DONE,
    DROP,
    Run,
    Template,
)
from wireproof.reference.sequence import MASK as M


def arrives_syn_sent_ack__no_ack(c: Tcp, e: Any, x: Run) -> int | None:
    """No ack. RFC 9293 3.10.7.3 first"""
    if e.ctl & 16 != 0:
        return None
    x.fired.append("tcp/syn_sent_ack/no_ack")
    return CONTINUE


def arrives_syn_sent_ack__acceptable(c: Tcp, e: Any, x: Run) -> int | None:
    """Acceptable. RFC 9293 3.10.7.3 first"""
    if not (ack_acceptable(c, e, x)):
        return None
    x.fired.append("tcp/syn_sent_ack/acceptable")
    return CONTINUE


def arrives_syn_sent_ack__unacceptable_reset(c: Tcp, e: Any, x: Run) -> int | None:
    """A reset is never answered with a reset. RFC 9293 3.10.7.3 first"""
    if not (e.ctl & 4 != 0):
        return None
    x.fired.append("tcp/syn_sent_ack/unacceptable_reset")
    return DROP


def arrives_syn_sent_ack__unacceptable(c: Tcp, e: Any, x: Run) -> int | None:
    """It acknowledges something that was never sent: an old duplicate, or a half-open peer. RFC 9293 3.5.1"""
    x.fired.append("tcp/syn_sent_ack/unacceptable")
    c.owed = (
        *c.owed,
        Template(
            "tcp/syn_sent_ack/unacceptable",
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


def arrives_syn_sent_ack(c: Tcp, e: Any, x: Run) -> int:
    """segment in SYN-SENT, step 1 (RFC 9293 3.10.7.3 first)"""
    return (
        arrives_syn_sent_ack__no_ack(c, e, x)
        or arrives_syn_sent_ack__acceptable(c, e, x)
        or arrives_syn_sent_ack__unacceptable_reset(c, e, x)
        or arrives_syn_sent_ack__unacceptable(c, e, x)
        or DONE
    )


def arrives_syn_sent_reset__no_reset(c: Tcp, e: Any, x: Run) -> int | None:
    """No reset. RFC 9293 3.10.7.3 second"""
    if e.ctl & 4 != 0:
        return None
    x.fired.append("tcp/syn_sent_reset/no_reset")
    return CONTINUE


def arrives_syn_sent_reset__refused(c: Tcp, e: Any, x: Run) -> int | None:
    """The peer refuses: the reset acknowledges our SYN. [MUST-12] RFC 9293 3.10.7.3 second"""
    if not (e.ctl & 16 != 0):
        return None
    x.fired.append("tcp/syn_sent_reset/refused")
    c.error = "ECONNREFUSED"
    do_shut(c, None, x)
    return DROP


def arrives_syn_sent_reset__reset_without_ack(c: Tcp, e: Any, x: Run) -> int | None:
    """A reset that acknowledges nothing could be anybody's. [U-4] RFC 9293 3.10.7.3 second"""
    x.fired.append("tcp/syn_sent_reset/reset_without_ack")
    return DROP


def arrives_syn_sent_reset(c: Tcp, e: Any, x: Run) -> int:
    """segment in SYN-SENT, step 2 (RFC 9293 3.10.7.3 second)"""
    return (
        arrives_syn_sent_reset__no_reset(c, e, x)
        or arrives_syn_sent_reset__refused(c, e, x)
        or arrives_syn_sent_reset__reset_without_ack(c, e, x)
        or DONE
    )


def arrives_syn_sent_security__no_compartments(c: Tcp, e: Any, x: Run) -> int | None:
    """No compartments. RFC 9293 3.10.7.3 third"""
    x.fired.append("tcp/syn_sent_security/no_compartments")
    return CONTINUE


def arrives_syn_sent_security(c: Tcp, e: Any, x: Run) -> int:
    """segment in SYN-SENT, step 3 (RFC 9293 3.10.7.3 third)"""
    return arrives_syn_sent_security__no_compartments(c, e, x) or DONE


def arrives_syn_sent_syn__established_without_text(c: Tcp, e: Any, x: Run) -> int | None:
    """The connection is open at this end; what came with the SYN,ACK is left for the peer to send again. RFC
    9293 3.10.7.3 fourth"""
    if not (e.ctl & 2 != 0 and e.ctl & 16 != 0 and (len(e.data) > 0 or e.ctl & 1 != 0) and not x.flag("text_kept")):
        return None
    x.fired.append("tcp/syn_sent_syn/established_without_text")
    do_open_actively(c, e, x)
    return DROP


def arrives_syn_sent_syn__established(c: Tcp, e: Any, x: Run) -> int | None:
    """The peer answers our SYN: the connection is open at this end, and is acknowledged. [U-5, MUST-14] RFC
    9293 3.10.7.3 fourth"""
    if not (e.ctl & 2 != 0 and e.ctl & 16 != 0):
        return None
    x.fired.append("tcp/syn_sent_syn/established")
    do_open_actively(c, e, x)
    return AT_STEP + 6


def arrives_syn_sent_syn__simultaneous_open(c: Tcp, e: Any, x: Run) -> int | None:
    """Both ends open at once: answer SYN,ACK and wait for the peer's acknowledgment. [MUST-10] RFC 9293 3.5"""
    if not (e.ctl & 2 != 0):
        return None
    x.fired.append("tcp/syn_sent_syn/simultaneous_open")
    c.irs = e.seq
    c.rcv_nxt = e.seq + 1 & M
    c.rcv_prior = e.seq + 1 & M
    c.rcv_edge = (e.seq + 1 & M) + c.rcv_offer & M
    c.rcv_held = hold(c.rcv_held, e.seq + 1 & M, e.data) if x.flag("text_kept") else c.rcv_held
    c.fin_known = e.ctl & 1 != 0 and x.flag("text_kept")
    c.fin_seq = (e.seq + 1 & M) + len(e.data) & M
    do_take_mss(c, e, x)
    c.snd_wnd = e.wnd
    c.max_snd_wnd = e.wnd
    c.snd_wl1 = e.seq
    c.snd_wl2 = e.ack
    c.cwnd = x.p.iw_segments * eff_snd_mss(c, x)
    c.state = "SYN-RECEIVED"
    c.owed = (
        *c.owed,
        Template(
            "tcp/syn_sent_syn/simultaneous_open",
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


def arrives_syn_sent_syn__no_syn(c: Tcp, e: Any, x: Run) -> int | None:
    """No syn. RFC 9293 3.10.7.3 fourth"""
    x.fired.append("tcp/syn_sent_syn/no_syn")
    return CONTINUE


def arrives_syn_sent_syn(c: Tcp, e: Any, x: Run) -> int:
    """segment in SYN-SENT, step 4 (RFC 9293 3.10.7.3 fourth)"""
    return (
        arrives_syn_sent_syn__established_without_text(c, e, x)
        or arrives_syn_sent_syn__established(c, e, x)
        or arrives_syn_sent_syn__simultaneous_open(c, e, x)
        or arrives_syn_sent_syn__no_syn(c, e, x)
        or DONE
    )


def arrives_syn_sent_neither__neither_dropped(c: Tcp, e: Any, x: Run) -> int | None:
    """Neither SYN nor RST. RFC 9293 3.10.7.3 fifth"""
    x.fired.append("tcp/syn_sent_neither/neither_dropped")
    return DROP


def arrives_syn_sent_neither(c: Tcp, e: Any, x: Run) -> int:
    """segment in SYN-SENT, step 5 (RFC 9293 3.10.7.3 fifth)"""
    return arrives_syn_sent_neither__neither_dropped(c, e, x) or DONE
