"""The rules of sending.wire.

Generated from spec/rules/tcp/*.wire by `make generate` (spec/backends/python.py). Do not edit.
"""

from __future__ import annotations

from typing import Any

from wireproof.reference.generated.tcp_state import Tcp
from wireproof.reference.generated.tcp_terms import (
    acked_from,
    fin_sent,
    fin_waits,
    flight,
    full,
    nagle_allows,
    outstanding_data,
    room_in_flight,
    unsent,
    unsent_data,
    usable,
)
from wireproof.reference.run import (
    Run,
    Template,
)
from wireproof.reference.sequence import MASK as M
from wireproof.reference.sequence import le, lt


def may_new_text__full_segment(c: Tcp, x: Run) -> Template | None:
    """A segment as large as the peer and the path take. [SHLD-28, MUST-16, MUST-38, SHLD-15] RFC 9293 3.7,
    3.8.6.2.1"""
    if not (
        c.snd_una != c.iss
        and full(c, x) < unsent(c, x)
        and full(c, x) <= usable(c, x)
        and full(c, x) <= room_in_flight(c, x)
    ):
        return None
    return Template(
        "tcp/new_text/full_segment",
        c.snd_nxt,  # seq
        0,  # span
        c.rcv_nxt,  # ack
        acked_from(c, x),  # ack_from
        16,  # ACK+PSH?
        40,  # may
        unsent_data(c, x)[: full(c, x)],  # text
        0,  # low
        0,  # high
        True,  # rest
    )


def may_new_text__full_segment__due(c: Tcp, x: Run) -> int:
    """Within which time it must be sent, while this holds (us)."""
    return x.p.send_latest if flight(c, x) == 0 else 0


def may_new_text__last_of_queue(c: Tcp, x: Run) -> Template | None:
    """All that is queued, pushed; a small segment waits while anything is outstanding, unless the user wants
    no delay. [MUST-61, MUST-60, SHLD-7, SHLD-27] RFC 9293 3.7, 3.8.6.2.1"""
    if not (
        c.snd_una != c.iss
        and (unsent(c, x) >= 1 and unsent(c, x) <= full(c, x))
        and unsent(c, x) <= usable(c, x)
        and unsent(c, x) <= room_in_flight(c, x)
        and nagle_allows(c, x)
    ):
        return None
    return Template(
        "tcp/new_text/last_of_queue",
        c.snd_nxt,  # seq
        0,  # span
        c.rcv_nxt,  # ack
        acked_from(c, x),  # ack_from
        24,  # ACK+PSH
        32,  # may
        unsent_data(c, x),  # text
        0,  # low
        0,  # high
        True,  # rest
    )


def may_new_text__last_of_queue__due(c: Tcp, x: Run) -> int:
    """Within which time it must be sent, while this holds (us)."""
    return x.p.send_latest if flight(c, x) == 0 else 0


def may_new_text__last_of_queue_and_fin(c: Tcp, x: Run) -> Template | None:
    """All that is queued, with the FIN behind it. [MUST-61] RFC 9293 3.7, 3.8.6.2.1"""
    if not (
        c.snd_una != c.iss
        and fin_waits(c, x)
        and (unsent(c, x) >= 1 and unsent(c, x) <= full(c, x))
        and unsent(c, x) <= usable(c, x)
        and unsent(c, x) <= room_in_flight(c, x)
    ):
        return None
    return Template(
        "tcp/new_text/last_of_queue_and_fin",
        c.snd_nxt,  # seq
        0,  # span
        c.rcv_nxt,  # ack
        acked_from(c, x),  # ack_from
        17,  # FIN+ACK+PSH?
        40,  # may
        unsent_data(c, x),  # text
        0,  # low
        0,  # high
        True,  # rest
    )


def may_new_text__part_of_window(c: Tcp, x: Run) -> Template | None:
    """Less than a full segment because the window is small, but at least half of the largest it has ever been.
    [MUST-38] RFC 9293 3.7, 3.8.6.2.1"""
    if not (
        c.snd_una != c.iss
        and usable(c, x) < unsent(c, x)
        and (usable(c, x) >= 1 and usable(c, x) < full(c, x))
        and c.max_snd_wnd // 2 <= usable(c, x)
        and usable(c, x) <= room_in_flight(c, x)
    ):
        return None
    return Template(
        "tcp/new_text/part_of_window",
        c.snd_nxt,  # seq
        0,  # span
        c.rcv_nxt,  # ack
        acked_from(c, x),  # ack_from
        16,  # ACK+PSH?
        40,  # may
        unsent_data(c, x)[: usable(c, x)],  # text
        0,  # low
        0,  # high
        True,  # rest
    )


def may_new_text__part_of_window__due(c: Tcp, x: Run) -> int:
    """Within which time it must be sent, while this holds (us)."""
    return x.p.send_latest if flight(c, x) == 0 else 0


def may_new_text__overridden(c: Tcp, x: Run) -> Template | None:
    """A small segment after the override timer. [MUST-38] RFC 9293 3.7, 3.8.6.2.1"""
    if not (
        c.snd_una != c.iss
        and unsent(c, x) >= 1
        and usable(c, x) >= 1
        and c.overridden
        and min(unsent(c, x), min(usable(c, x), full(c, x))) <= room_in_flight(c, x)
    ):
        return None
    return Template(
        "tcp/new_text/overridden",
        c.snd_nxt,  # seq
        0,  # span
        c.rcv_nxt,  # ack
        acked_from(c, x),  # ack_from
        16,  # ACK+PSH?
        40,  # may
        unsent_data(c, x),  # text
        1,  # low
        min(unsent(c, x), min(usable(c, x), full(c, x))),  # high
        False,  # rest
    )


def may_new_text__overridden__due(c: Tcp, x: Run) -> int:
    """Within which time it must be sent, while this holds (us)."""
    return x.p.send_latest if flight(c, x) == 0 else 0


def may_new_text__minshall(c: Tcp, x: Run) -> Template | None:
    """Linux holds a small segment only while an earlier small one is outstanding. [MUST-38] RFC 9293 3.7,
    3.8.6.2.1"""
    if not (
        x.p.linux
        and c.snd_una != c.iss
        and (unsent(c, x) >= 1 and unsent(c, x) < full(c, x))
        and unsent(c, x) <= usable(c, x)
        and le(c.last_small, c.snd_una)
        and unsent(c, x) <= room_in_flight(c, x)
    ):
        return None
    return Template(
        "tcp/new_text/minshall",
        c.snd_nxt,  # seq
        0,  # span
        c.rcv_nxt,  # ack
        acked_from(c, x),  # ack_from
        16,  # ACK+PSH?+FIN?
        41,  # may
        unsent_data(c, x),  # text
        0,  # low
        0,  # high
        True,  # rest
    )


def may_new_text__split_early(c: Tcp, x: Run) -> Template | None:
    """A segment that is neither full nor the last, while more waits and the window is open. RFC 9293 3.7,
    3.8.6.2.1"""
    if not (
        c.snd_una != c.iss
        and unsent(c, x) >= 2
        and usable(c, x) >= 1
        and room_in_flight(c, x) >= 1
        and nagle_allows(c, x)
    ):
        return None
    return Template(
        "tcp/new_text/split_early",
        c.snd_nxt,  # seq
        0,  # span
        c.rcv_nxt,  # ack
        acked_from(c, x),  # ack_from
        16,  # ACK+PSH?
        40,  # may
        unsent_data(c, x),  # text
        1,  # low
        min(unsent(c, x) - 1, min(usable(c, x), min(room_in_flight(c, x), full(c, x)))),  # high
        False,  # rest
    )


def may_end__fin(c: Tcp, x: Run) -> Template | None:
    """The user has closed and everything queued has gone. RFC 9293 3.6, 3.10.4"""
    if not (fin_waits(c, x) and unsent(c, x) == 0):
        return None
    return Template(
        "tcp/end/fin",
        c.snd_nxt,  # seq
        0,  # span
        c.rcv_nxt,  # ack
        acked_from(c, x),  # ack_from
        17,  # FIN+ACK+PSH?
        40,  # may
        b"",  # text
        0,  # low
        0,  # high
        False,  # rest
    )


def may_end__fin__due(c: Tcp, x: Run) -> int:
    """Within which time it must be sent, while this holds (us)."""
    return x.p.send_latest if usable(c, x) > 0 and c.snd_una != c.iss else 0


def may_again__lost_text(c: Tcp, x: Run) -> Template | None:
    """Recovery: the text at SND.UNA is taken for lost. RFC 5681 3.2; RFC 6582 3.2; RFC 6298 5"""
    if not (c.resend and len(outstanding_data(c, x)) > 0):
        return None
    return Template(
        "tcp/again/lost_text",
        c.snd_una,  # seq
        0,  # span
        c.rcv_nxt,  # ack
        acked_from(c, x),  # ack_from
        16,  # ACK+PSH?
        40,  # may
        outstanding_data(c, x),  # text
        1,  # low
        full(c, x),  # high
        False,  # rest
    )


def may_again__lost_fin(c: Tcp, x: Run) -> Template | None:
    """Recovery: only the FIN is left to send again. RFC 5681 3.2; RFC 6582 3.2; RFC 6298 5"""
    if not (c.resend and (fin_sent(c, x) and flight(c, x) == 1)):
        return None
    return Template(
        "tcp/again/lost_fin",
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
    )


def may_again__more_lost_text(c: Tcp, x: Run) -> Template | None:
    """During recovery anything that was outstanding when the loss was noticed may go again; after a timeout,
    not before something was acknowledged. RFC 5681 3.2; RFC 6582 3.2; RFC 6298 5"""
    if not ((c.recovering or c.retries == 0 and lt(c.snd_una, c.recover)) and len(outstanding_data(c, x)) > 0):
        return None
    return Template(
        "tcp/again/more_lost_text",
        c.snd_una,  # seq
        (c.snd_nxt - 1 & M) - c.snd_una & M,  # span
        c.rcv_nxt,  # ack
        acked_from(c, x),  # ack_from
        16,  # ACK+PSH?
        40,  # may
        outstanding_data(c, x),  # text
        1,  # low
        full(c, x),  # high
        False,  # rest
    )


def may_again__more_lost_text_and_fin(c: Tcp, x: Run) -> Template | None:
    """The same, with the FIN. RFC 5681 3.2; RFC 6582 3.2; RFC 6298 5"""
    if not ((c.recovering or c.retries == 0 and lt(c.snd_una, c.recover)) and fin_sent(c, x)):
        return None
    return Template(
        "tcp/again/more_lost_text_and_fin",
        c.snd_una,  # seq
        (c.snd_nxt - 1 & M) - c.snd_una & M,  # span
        c.rcv_nxt,  # ack
        acked_from(c, x),  # ack_from
        17,  # FIN+ACK+PSH?
        40,  # may
        outstanding_data(c, x),  # text
        0,  # low
        0,  # high
        True,  # rest
    )


def may_window__update(c: Tcp, x: Run) -> Template | None:
    """The user has read: the window opens by enough to be worth telling. [MUST-39, MAY-8] RFC 9293 3.8.6.2.2"""
    return Template(
        "tcp/window/update",
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
    )


def may_window__update__check(c: Tcp, e: Any, x: Run) -> bool:
    """What the segment itself must satisfy: moves_edge."""
    return lt(c.rcv_edge, c.rcv_nxt + e.wnd & M)
