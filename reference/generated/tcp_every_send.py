"""The rules of every_send.wire.

Generated from spec/rules/tcp/*.wire by `make generate` (spec/backends/python.py). Do not edit.
"""

from __future__ import annotations

from typing import Any

from wireproof.reference.generated.tcp_procedures import do_arm_retransmission, do_time_it
from wireproof.reference.generated.tcp_state import Tcp
from wireproof.reference.generated.tcp_terms import eff_snd_mss, later, span
from wireproof.reference.run import (
    DONE,
    STOPPED,
    Run,
)
from wireproof.reference.sequence import MASK as M
from wireproof.reference.sequence import le, lt


def every_form__checksum(c: Tcp, e: Any, x: Run) -> str | None:
    """The checksum covers pseudo-header, header and text. [MUST-2] RFC 9293 3.1, 3.2"""
    if not (e.checksum_ok):
        return "intact"
    return None


def every_form__header(c: Tcp, e: Any, x: Run) -> str | None:
    """The data offset is right and reserved bits are zero. RFC 9293 3.1, 3.2"""
    if not (e.header_ok):
        return "offset"
    if not (e.reserved == 0):
        return "reserved_zero"
    return None


def every_form__options(c: Tcp, e: Any, x: Run) -> str | None:
    """Every option but EOL and NOP has a length octet that is right, and what follows EOL is zero. [MUST-68,
    MUST-69, MUST-4] RFC 9293 3.1, 3.2"""
    if not (e.options_ok):
        return "lengths"
    if not (e.padding_ok):
        return "padding"
    return None


def every_form__mss_only_with_syn(c: Tcp, e: Any, x: Run) -> str | None:
    """Mss only with syn. [MUST-65] RFC 9293 3.2"""
    if e.ctl & 2 != 0:
        return None
    if not (e.mss == 0):
        return "no_mss"
    return None


def every_form__mss_announced(c: Tcp, e: Any, x: Run) -> str | None:
    """Our own limit is told when it is not what the peer would assume. [SHLD-5, MAY-3] RFC 9293 3.7.1"""
    if not (e.ctl & 2 != 0 and x.p.mtu - x.p.ip_header - 20 != x.p.default_mss):
        return None
    if not (e.mss > 0):
        return "mss"
    return None


def every_form__mss_value(c: Tcp, e: Any, x: Run) -> str | None:
    """Mss value. [MUST-67, MUST-14] RFC 9293 3.7.1"""
    if not (e.ctl & 2 != 0):
        return None
    if not (e.mss <= x.p.mtu - x.p.ip_header - 20):
        return "fits"
    return None


def every_form__time_to_live(c: Tcp, e: Any, x: Run) -> str | None:
    """Time to live. [MUST-49] RFC 9293 3.9.2"""
    if not (c.state != "CLOSED"):
        return None
    if not (e.ttl == c.ttl_set):
        return "as_set"
    return None


def every_form__diffserv(c: Tcp, e: Any, x: Run) -> str | None:
    """Diffserv. [MUST-48, SHLD-21, SHLD-22] RFC 9293 3.9.1.9, 3.9.2"""
    if not (c.state != "CLOSED"):
        return None
    if not (e.tos >> 2 == c.dscp_set):
        return "as_set"
    return None


def every_limits__segment_size(c: Tcp, e: Any, x: Run) -> str | None:
    """No segment exceeds what the peer and the path take. [MUST-16, MUST-15] RFC 9293 3.7.1, 3.8.6"""
    if not (len(e.data) <= eff_snd_mss(c, x)):
        return "fits"
    return None


def every_limits__right_edge(c: Tcp, e: Any, x: Run) -> str | None:
    """What was offered is not taken back. [SHLD-14] RFC 9293 3.7.1, 3.8.6"""
    if not (e.ctl & 16 != 0 and not e.ctl & 4 != 0 and not e.ctl & 2 != 0):
        return None
    if not (le(c.rcv_edge, e.ack + e.wnd & M)):
        return "not_moved_left"
    return None


def every_limits__worth_telling(c: Tcp, e: Any, x: Run) -> str | None:
    """A window of less than a segment is not opened bit by bit. [MUST-39] RFC 9293 3.8.6.2.2"""
    if not (
        e.ctl & 16 != 0
        and not e.ctl & 4 != 0
        and not e.ctl & 2 != 0
        and not c.rcv_fin
        and lt(c.rcv_edge, e.ack + e.wnd & M)
        and e.wnd < min(eff_snd_mss(c, x), x.p.default_mss)
    ):
        return None
    if not (
        min(x.p.receive_buffer // 2, min(eff_snd_mss(c, x), x.p.default_mss)) <= (e.ack + e.wnd & M) - c.rcv_edge & M
    ):
        return "step"
    return None


def every_limits__stretch(c: Tcp, e: Any, x: Run) -> str | None:
    """Once two full-sized segments wait for an acknowledgment, it does not wait for more. [SHLD-19, MUST-58]
    RFC 9293 3.8.6.3"""
    if not (e.ctl & 16 != 0 and not e.ctl & 4 != 0):
        return None
    if not (not c.stretched):
        return "not_stretched"
    return None


def every_limits__urgent_pointer(c: Tcp, e: Any, x: Run) -> str | None:
    """The pointer tells where the octet after the urgent data is. [MUST-62, MUST-30] RFC 9293 3.8.5"""
    if not (e.ctl & 32 != 0):
        return None
    if not (c.snd_urgent):
        return "urgent"
    if not (e.seq + e.up & M == c.snd_up):
        return "points_past"
    return None


def every_limits__urgent_shown(c: Tcp, e: Any, x: Run) -> str | None:
    """Text that comes before the end of the urgent data says so. [MUST-30] RFC 9293 3.8.5"""
    if not (
        c.snd_urgent
        and len(e.data) > 0
        and span(e.seq, c.snd_up) >= 1
        and span(e.seq, c.snd_up) <= 65_535
        and not e.ctl & 4 != 0
    ):
        return None
    if not (e.ctl & 32 != 0):
        return "urg"
    return None


def after_numbers__something_new(c: Tcp, e: Any, x: Run) -> int | None:
    """Something new."""
    if not (lt(c.snd_nxt, e.seq + e.length & M) and not e.ctl & 4 != 0 and not e.ctl & 2 != 0):
        return None
    x.fired.append("tcp/numbers/something_new")
    do_time_it(c, e, x)
    c.last_small = e.seq + e.length & M if len(e.data) < eff_snd_mss(c, x) else c.last_small
    c.snd_nxt = e.seq + e.length & M
    c.overridden = False
    c.override_sws_from = c.override_sws_until = STOPPED
    do_arm_retransmission(c, None, x)
    return DONE


def after_numbers__sent_before(c: Tcp, e: Any, x: Run) -> int | None:
    """A segment that is sent again is never timed. RFC 6298 3"""
    if not (e.length > 0 and not e.ctl & 4 != 0 and not e.ctl & 2 != 0):
        return None
    x.fired.append("tcp/numbers/sent_before")
    c.rtt_running = False
    c.resend = False
    return DONE


def after_numbers__nothing(c: Tcp, e: Any, x: Run) -> int | None:
    """Nothing."""
    x.fired.append("tcp/numbers/nothing")
    return DONE


def after_numbers(c: Tcp, e: Any, x: Run) -> int:
    """after each send in any state"""
    return (
        after_numbers__something_new(c, e, x)
        or after_numbers__sent_before(c, e, x)
        or after_numbers__nothing(c, e, x)
        or DONE
    )


def after_acknowledges__reset(c: Tcp, e: Any, x: Run) -> int | None:
    """Reset. RFC 9293 3.8.6"""
    if not (e.ctl & 4 != 0):
        return None
    x.fired.append("tcp/acknowledges/reset")
    return DONE


def after_acknowledges__syn(c: Tcp, e: Any, x: Run) -> int | None:
    """A SYN offers a window before there is anything to count it from. RFC 9293 3.8.6"""
    if not (e.ctl & 2 != 0 and not e.ctl & 16 != 0):
        return None
    x.fired.append("tcp/acknowledges/syn")
    c.rcv_offer = e.wnd
    return DONE


def after_acknowledges__acknowledges_again(c: Tcp, e: Any, x: Run) -> int | None:
    """Nothing was owed: this is the one that may be repeated, and where answers are known to be prompt there
    is no other. RFC 9293 3.8.6"""
    if not (
        e.ctl & 16 != 0 and e.ack == c.rcv_nxt and e.length == 0 and not c.acknowledge_from >= 0 and x.p.at_once == 0
    ):
        return None
    x.fired.append("tcp/acknowledges/acknowledges_again")
    c.rcv_edge = c.rcv_nxt + e.wnd & M
    c.unacked = 0
    c.stretched = False
    c.repeats = 0
    c.duplicate_ack_from = c.duplicate_ack_until = STOPPED
    return DONE


def after_acknowledges__acknowledges(c: Tcp, e: Any, x: Run) -> int | None:
    """Text or FIN carries the acknowledgment; one that may be repeated alone may still follow. RFC 9293 3.8.6"""
    if not (e.ctl & 16 != 0 and e.ack == c.rcv_nxt):
        return None
    x.fired.append("tcp/acknowledges/acknowledges")
    c.rcv_edge = c.rcv_nxt + e.wnd & M
    c.unacked = 0
    c.stretched = False
    c.acknowledge_from = c.acknowledge_until = STOPPED
    return DONE


def after_acknowledges__acknowledges_prior(c: Tcp, e: Any, x: Run) -> int | None:
    """It went before the text of the last segment was taken: that is still to be acknowledged. RFC 9293 3.8.6"""
    if not (e.ctl & 16 != 0 and le(c.rcv_prior, e.ack) and lt(e.ack, c.rcv_nxt)):
        return None
    x.fired.append("tcp/acknowledges/acknowledges_prior")
    c.rcv_edge = later(c.rcv_edge, e.ack + e.wnd & M)
    c.acknowledge_from = c.now
    c.acknowledge_until = c.now + x.p.ack_latest
    return DONE


def after_acknowledges__other(c: Tcp, e: Any, x: Run) -> int | None:
    """Other. RFC 9293 3.8.6"""
    x.fired.append("tcp/acknowledges/other")
    return DONE


def after_acknowledges(c: Tcp, e: Any, x: Run) -> int:
    """after each send in any state (RFC 9293 3.8.6)"""
    return (
        after_acknowledges__reset(c, e, x)
        or after_acknowledges__syn(c, e, x)
        or after_acknowledges__acknowledges_again(c, e, x)
        or after_acknowledges__acknowledges(c, e, x)
        or after_acknowledges__acknowledges_prior(c, e, x)
        or after_acknowledges__other(c, e, x)
        or DONE
    )
