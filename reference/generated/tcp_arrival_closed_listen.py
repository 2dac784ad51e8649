"""The rules of arrival_closed_listen.wire.

Generated from spec/rules/tcp/*.wire by `make generate` (spec/backends/python.py). Do not edit.
"""

from __future__ import annotations

from typing import Any

from wireproof.reference.generated.tcp_procedures import do_note_prior, do_number_ourselves, do_take_mss
from wireproof.reference.generated.tcp_state import Tcp
from wireproof.reference.reassembly import hold
from wireproof.reference.run import (
    CONTINUE,
    DONE,
    DROP,
    Run,
    Template,
)
from wireproof.reference.sequence import MASK as M


def arrives_header__wrong_checksum(c: Tcp, e: Any, x: Run) -> int | None:
    """A segment whose checksum is wrong is as good as never sent. [MUST-3] RFC 9293 3.1"""
    if e.checksum_ok:
        return None
    x.fired.append("tcp/header/wrong_checksum")
    return DROP


def arrives_header__no_header(c: Tcp, e: Any, x: Run) -> int | None:
    """The data offset points into the fixed header or past the end. RFC 9293 3.1"""
    if e.header_ok:
        return None
    x.fired.append("tcp/header/no_header")
    return DROP


def arrives_header__to_many(c: Tcp, e: Any, x: Run) -> int | None:
    """TCP is between two ends: a segment to a broadcast or multicast address is not for us. [MUST-57] RFC 9293
    3.9.2.3"""
    if not (e.dst_group):
        return None
    x.fired.append("tcp/header/to_many")
    return DROP


def arrives_header__from_nobody(c: Tcp, e: Any, x: Run) -> int | None:
    """A source address that no host can have. [MUST-63] RFC 9293 3.9.2.3"""
    if not (e.src_invalid):
        return None
    x.fired.append("tcp/header/from_nobody")
    return DROP


def arrives_header__illegal_option(c: Tcp, e: Any, x: Run) -> int | None:
    """An option of illegal length must not hurt; the segment may be dropped for it. [MUST-7] RFC 9293 3.1"""
    if not (not e.options_ok and x.flag("option_drops")):
        return None
    x.fired.append("tcp/header/illegal_option")
    return DROP


def arrives_header__sound(c: Tcp, e: Any, x: Run) -> int | None:
    """Sound. [MUST-4, MUST-5, MUST-6, MUST-64] RFC 9293 3.1, 3.2, 3.9.2"""
    x.fired.append("tcp/header/sound")
    do_note_prior(c, None, x)
    return CONTINUE


def arrives_header(c: Tcp, e: Any, x: Run) -> int:
    """segment in any state, step 0 (RFC 9293 3.1)"""
    return (
        arrives_header__wrong_checksum(c, e, x)
        or arrives_header__no_header(c, e, x)
        or arrives_header__to_many(c, e, x)
        or arrives_header__from_nobody(c, e, x)
        or arrives_header__illegal_option(c, e, x)
        or arrives_header__sound(c, e, x)
        or DONE
    )


def arrives_closed__reset_ignored(c: Tcp, e: Any, x: Run) -> int | None:
    """A reset for a connection that does not exist is dropped, so that two ends never answer each other's
    resets. RFC 9293 3.10.7.1"""
    if not (e.ctl & 4 != 0):
        return None
    x.fired.append("tcp/closed/reset_ignored")
    return DROP


def arrives_closed__reset_without_ack(c: Tcp, e: Any, x: Run) -> int | None:
    """Nobody is here: the reset is made acceptable to the sender. RFC 9293 3.10.7.1"""
    if e.ctl & 16 != 0:
        return None
    x.fired.append("tcp/closed/reset_without_ack")
    c.owed = (
        *c.owed,
        Template(
            "tcp/closed/reset_without_ack",
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
    return DROP


def arrives_closed__reset_with_ack(c: Tcp, e: Any, x: Run) -> int | None:
    """Nobody is here: the reset takes its sequence number from the acknowledgment. RFC 9293 3.10.7.1"""
    x.fired.append("tcp/closed/reset_with_ack")
    c.owed = (
        *c.owed,
        Template(
            "tcp/closed/reset_with_ack",
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


def arrives_closed(c: Tcp, e: Any, x: Run) -> int:
    """segment in CLOSED, step 1 (RFC 9293 3.10.7.1)"""
    return (
        arrives_closed__reset_ignored(c, e, x)
        or arrives_closed__reset_without_ack(c, e, x)
        or arrives_closed__reset_with_ack(c, e, x)
        or DONE
    )


def arrives_listen_reset__reset_ignored(c: Tcp, e: Any, x: Run) -> int | None:
    """It cannot answer anything that this end has sent. RFC 9293 3.10.7.2 first"""
    if not (e.ctl & 4 != 0):
        return None
    x.fired.append("tcp/listen_reset/reset_ignored")
    return DROP


def arrives_listen_reset__no_reset(c: Tcp, e: Any, x: Run) -> int | None:
    """No reset. RFC 9293 3.10.7.2 first"""
    x.fired.append("tcp/listen_reset/no_reset")
    return CONTINUE


def arrives_listen_reset(c: Tcp, e: Any, x: Run) -> int:
    """segment in LISTEN, step 1 (RFC 9293 3.10.7.2 first)"""
    return arrives_listen_reset__reset_ignored(c, e, x) or arrives_listen_reset__no_reset(c, e, x) or DONE


def arrives_listen_ack__ack_refused(c: Tcp, e: Any, x: Run) -> int | None:
    """Nothing has been sent yet, so nothing can be acknowledged. RFC 9293 3.10.7.2 second"""
    if not (e.ctl & 16 != 0):
        return None
    x.fired.append("tcp/listen_ack/ack_refused")
    c.owed = (
        *c.owed,
        Template(
            "tcp/listen_ack/ack_refused",
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


def arrives_listen_ack__no_ack(c: Tcp, e: Any, x: Run) -> int | None:
    """No ack. RFC 9293 3.10.7.2 second"""
    x.fired.append("tcp/listen_ack/no_ack")
    return CONTINUE


def arrives_listen_ack(c: Tcp, e: Any, x: Run) -> int:
    """segment in LISTEN, step 2 (RFC 9293 3.10.7.2 second)"""
    return arrives_listen_ack__ack_refused(c, e, x) or arrives_listen_ack__no_ack(c, e, x) or DONE


def arrives_listen_syn__syn_and_fin(c: Tcp, e: Any, x: Run) -> int | None:
    """Linux drops a SYN that carries a FIN too. RFC 9293 3.10.7.2 third"""
    if not (x.p.linux and e.ctl & 2 != 0 and e.ctl & 1 != 0):
        return None
    x.fired.append("tcp/listen_syn/syn_and_fin")
    return DROP


def arrives_listen_syn__accept(c: Tcp, e: Any, x: Run) -> int | None:
    """A connection begins: note the peer's number and options, choose our own, answer SYN,ACK. [MUST-11,
    MUST-14, MUST-15, MUST-19] RFC 9293 3.10.7.2 third"""
    if not (e.ctl & 2 != 0):
        return None
    x.fired.append("tcp/listen_syn/accept")
    c.iss = x.number(c, "ISS")
    c.passive = True
    c.irs = e.seq
    c.rcv_nxt = e.seq + 1 & M
    c.rcv_prior = e.seq + 1 & M
    c.rcv_edge = e.seq + 1 & M
    c.rcv_held = hold(c.rcv_held, e.seq + 1 & M, e.data) if x.flag("text_kept") else c.rcv_held
    c.fin_known = e.ctl & 1 != 0 and x.flag("text_kept")
    c.fin_seq = (e.seq + 1 & M) + len(e.data) & M
    do_take_mss(c, e, x)
    do_number_ourselves(c, None, x)
    c.snd_wnd = e.wnd
    c.max_snd_wnd = e.wnd
    c.snd_wl1 = e.seq
    c.snd_wl2 = c.iss
    c.state = "SYN-RECEIVED"
    c.owed = (
        *c.owed,
        Template(
            "tcp/listen_syn/accept",
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
    c.user_timeout_from = c.now + x.p.r2_syn
    c.user_timeout_until = c.now + x.p.r2_latest
    return DROP


def arrives_listen_syn__no_syn(c: Tcp, e: Any, x: Run) -> int | None:
    """No syn. RFC 9293 3.10.7.2 third"""
    x.fired.append("tcp/listen_syn/no_syn")
    return CONTINUE


def arrives_listen_syn(c: Tcp, e: Any, x: Run) -> int:
    """segment in LISTEN, step 3 (RFC 9293 3.10.7.2 third)"""
    return (
        arrives_listen_syn__syn_and_fin(c, e, x)
        or arrives_listen_syn__accept(c, e, x)
        or arrives_listen_syn__no_syn(c, e, x)
        or DONE
    )


def arrives_listen_other__other_dropped(c: Tcp, e: Any, x: Run) -> int | None:
    """Neither RST nor ACK nor SYN: nothing to begin a connection with. RFC 9293 3.10.7.2 fourth"""
    x.fired.append("tcp/listen_other/other_dropped")
    return DROP


def arrives_listen_other(c: Tcp, e: Any, x: Run) -> int:
    """segment in LISTEN, step 4 (RFC 9293 3.10.7.2 fourth)"""
    return arrives_listen_other__other_dropped(c, e, x) or DONE
