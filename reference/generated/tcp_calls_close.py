"""The rules of calls_close.wire.

Generated from spec/rules/tcp/*.wire by `make generate` (spec/backends/python.py). Do not edit.
"""

from __future__ import annotations

from typing import Any

from wireproof.reference.generated.tcp_procedures import do_arm_persist, do_close_sending, do_shut
from wireproof.reference.generated.tcp_state import Tcp
from wireproof.reference.run import (
    DONE,
    Outcome,
    Run,
    Template,
)


def call_close_closed__no_connection(c: Tcp, e: Any, x: Run) -> int | None:
    """No connection. RFC 9293 3.10.4 CLOSED; POSIX.1-2024 shutdown()"""
    x.fired.append("tcp/close_closed/no_connection")
    if not x.settle(
        c,
        "tcp/close_closed/no_connection",
        (
            Outcome("error", "ENOTCONN"),
            Outcome("ok"),
        ),
    ):
        return DONE
    return DONE


def call_close_closed(c: Tcp, e: Any, x: Run) -> int:
    """close() in CLOSED (RFC 9293 3.10.4 CLOSED; POSIX.1-2024 shutdown())"""
    return call_close_closed__no_connection(c, e, x) or DONE


def call_close_listening__delete(c: Tcp, e: Any, x: Run) -> int | None:
    """Delete. RFC 9293 3.10.4 LISTEN; POSIX.1-2024 shutdown()"""
    if not (x.flag("stops")):
        return None
    x.fired.append("tcp/close_listening/delete")
    if not x.settle(c, "tcp/close_listening/delete", (Outcome("ok"),)):
        return DONE
    do_shut(c, None, x)
    return DONE


def call_close_listening__stay(c: Tcp, e: Any, x: Run) -> int | None:
    """Stay. RFC 9293 3.10.4 LISTEN; POSIX.1-2024 shutdown()"""
    x.fired.append("tcp/close_listening/stay")
    if not x.settle(
        c,
        "tcp/close_listening/stay",
        (
            Outcome("ok"),
            Outcome("error", "ENOTCONN"),
        ),
    ):
        return DONE
    return DONE


def call_close_listening(c: Tcp, e: Any, x: Run) -> int:
    """close() in LISTEN (RFC 9293 3.10.4 LISTEN; POSIX.1-2024 shutdown())"""
    return call_close_listening__delete(c, e, x) or call_close_listening__stay(c, e, x) or DONE


def call_close_opening__delete_and_tell(c: Tcp, e: Any, x: Run) -> int | None:
    """The opening is given up, and the next call is told. RFC 9293 3.10.4 SYN-SENT; POSIX.1-2024 shutdown()"""
    if not (x.flag("told")):
        return None
    x.fired.append("tcp/close_opening/delete_and_tell")
    if not x.settle(
        c,
        "tcp/close_opening/delete_and_tell",
        (
            Outcome("ok"),
            Outcome("error", "ENOTCONN"),
        ),
    ):
        return DONE
    c.error = "ECONNRESET"
    do_shut(c, None, x)
    return DONE


def call_close_opening__delete(c: Tcp, e: Any, x: Run) -> int | None:
    """The opening is given up. RFC 9293 3.10.4 SYN-SENT; POSIX.1-2024 shutdown()"""
    x.fired.append("tcp/close_opening/delete")
    if not x.settle(
        c,
        "tcp/close_opening/delete",
        (
            Outcome("ok"),
            Outcome("error", "ENOTCONN"),
        ),
    ):
        return DONE
    do_shut(c, None, x)
    return DONE


def call_close_opening(c: Tcp, e: Any, x: Run) -> int:
    """close() in SYN-SENT (RFC 9293 3.10.4 SYN-SENT; POSIX.1-2024 shutdown())"""
    return call_close_opening__delete_and_tell(c, e, x) or call_close_opening__delete(c, e, x) or DONE


def call_close_half_open__queue_always(c: Tcp, e: Any, x: Run) -> int | None:
    """Linux queues the CLOSE until the connection is open, whatever waits. RFC 9293 3.10.4 SYN-RECEIVED"""
    if not (x.p.linux and not c.snd_fin):
        return None
    x.fired.append("tcp/close_half_open/queue_always")
    if not x.settle(c, "tcp/close_half_open/queue_always", (Outcome("ok"),)):
        return DONE
    c.snd_fin = True
    return DONE


def call_close_half_open__send_fin(c: Tcp, e: Any, x: Run) -> int | None:
    """Nothing is queued: the FIN can go. RFC 9293 3.10.4 SYN-RECEIVED"""
    if not (len(c.snd_data) == 0 and not c.snd_fin):
        return None
    x.fired.append("tcp/close_half_open/send_fin")
    if not x.settle(c, "tcp/close_half_open/send_fin", (Outcome("ok"),)):
        return DONE
    c.snd_fin = True
    c.state = "FIN-WAIT-1"
    do_arm_persist(c, None, x)
    return DONE


def call_close_half_open__queue(c: Tcp, e: Any, x: Run) -> int | None:
    """What is queued goes first, once the connection is open. RFC 9293 3.10.4 SYN-RECEIVED"""
    x.fired.append("tcp/close_half_open/queue")
    if not x.settle(c, "tcp/close_half_open/queue", (Outcome("ok"),)):
        return DONE
    c.snd_fin = True
    return DONE


def call_close_half_open(c: Tcp, e: Any, x: Run) -> int:
    """close() in SYN-RECEIVED (RFC 9293 3.10.4 SYN-RECEIVED)"""
    return (
        call_close_half_open__queue_always(c, e, x)
        or call_close_half_open__send_fin(c, e, x)
        or call_close_half_open__queue(c, e, x)
        or DONE
    )


def call_close__queue_fin(c: Tcp, e: Any, x: Run) -> int | None:
    """The FIN follows what is queued. RFC 9293 3.10.4 ESTABLISHED; 3.6"""
    x.fired.append("tcp/close/queue_fin")
    if not x.settle(c, "tcp/close/queue_fin", (Outcome("ok"),)):
        return DONE
    c.snd_fin = True
    c.state = "FIN-WAIT-1"
    do_arm_persist(c, None, x)
    return DONE


def call_close(c: Tcp, e: Any, x: Run) -> int:
    """close() in ESTABLISHED (RFC 9293 3.10.4 ESTABLISHED; 3.6)"""
    return call_close__queue_fin(c, e, x) or DONE


def call_close_twice__already(c: Tcp, e: Any, x: Run) -> int | None:
    """Closed already; no second FIN is made. RFC 9293 3.10.4 FIN-WAIT-1, FIN-WAIT-2"""
    x.fired.append("tcp/close_twice/already")
    outcomes = (
        Outcome("ok"),
        Outcome("error", "ENOTCONN"),
        Outcome("error", "EPIPE"),
    )
    if not x.settle(c, "tcp/close_twice/already", outcomes):
        return DONE
    return DONE


def call_close_twice(c: Tcp, e: Any, x: Run) -> int:
    """close() in FIN-WAIT-1, FIN-WAIT-2 (RFC 9293 3.10.4 FIN-WAIT-1, FIN-WAIT-2)"""
    return call_close_twice__already(c, e, x) or DONE


def call_close_second__queue_fin(c: Tcp, e: Any, x: Run) -> int | None:
    """The peer has closed; our FIN follows what is queued. RFC 9293 3.10.4 CLOSE-WAIT"""
    x.fired.append("tcp/close_second/queue_fin")
    if not x.settle(c, "tcp/close_second/queue_fin", (Outcome("ok"),)):
        return DONE
    c.snd_fin = True
    c.state = "LAST-ACK"
    do_arm_persist(c, None, x)
    return DONE


def call_close_second(c: Tcp, e: Any, x: Run) -> int:
    """close() in CLOSE-WAIT (RFC 9293 3.10.4 CLOSE-WAIT)"""
    return call_close_second__queue_fin(c, e, x) or DONE


def call_close_late__already(c: Tcp, e: Any, x: Run) -> int | None:
    """Already. RFC 9293 3.10.4"""
    x.fired.append("tcp/close_late/already")
    outcomes = (
        Outcome("error", "ENOTCONN"),
        Outcome("ok"),
        Outcome("error", "EPIPE"),
    )
    if not x.settle(c, "tcp/close_late/already", outcomes):
        return DONE
    return DONE


def call_close_late(c: Tcp, e: Any, x: Run) -> int:
    """close() in CLOSING, LAST-ACK, TIME-WAIT (RFC 9293 3.10.4)"""
    return call_close_late__already(c, e, x) or DONE


def call_release_unopened__delete(c: Tcp, e: Any, x: Run) -> int | None:
    """Delete. RFC 9293 3.6.1, 3.10.4; POSIX.1-2024 close()"""
    x.fired.append("tcp/release_unopened/delete")
    if not x.settle(c, "tcp/release_unopened/delete", (Outcome("ok"),)):
        return DONE
    do_shut(c, None, x)
    return DONE


def call_release_unopened(c: Tcp, e: Any, x: Run) -> int:
    """release() in CLOSED, LISTEN, SYN-SENT (RFC 9293 3.6.1, 3.10.4; POSIX.1-2024 close())"""
    return call_release_unopened__delete(c, e, x) or DONE


def call_release__unread_reset(c: Tcp, e: Any, x: Run) -> int | None:
    """Text that arrived will never be read: the peer is told with a reset. [SHLD-3, MAY-1] RFC 9293 3.6.1;
    POSIX.1-2024 close()"""
    if not (
        len(c.rcv_data) > 0
        and not x.flag("quiet")
        and c.state
        in (
            "ESTABLISHED",
            "FIN-WAIT-1",
            "FIN-WAIT-2",
            "CLOSE-WAIT",
        )
    ):
        return None
    x.fired.append("tcp/release/unread_reset")
    if not x.settle(c, "tcp/release/unread_reset", (Outcome("ok"),)):
        return DONE
    c.owed = (
        *c.owed,
        Template(
            "tcp/release/unread_reset",
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


def call_release__unread_quiet(c: Tcp, e: Any, x: Run) -> int | None:
    """Unread quiet. RFC 9293 3.6.1; POSIX.1-2024 close()"""
    if not (
        len(c.rcv_data) > 0
        and c.state
        in (
            "ESTABLISHED",
            "FIN-WAIT-1",
            "FIN-WAIT-2",
            "CLOSE-WAIT",
        )
    ):
        return None
    x.fired.append("tcp/release/unread_quiet")
    x.deviate(c, "tcp/release/unread_quiet", ("SHLD-3",))
    if not x.settle(c, "tcp/release/unread_quiet", (Outcome("ok"),)):
        return DONE
    c.rcv_closed = True
    do_close_sending(c, None, x)
    return DONE


def call_release__orderly(c: Tcp, e: Any, x: Run) -> int | None:
    """Orderly. RFC 9293 3.6.1; POSIX.1-2024 close()"""
    x.fired.append("tcp/release/orderly")
    if not x.settle(c, "tcp/release/orderly", (Outcome("ok"),)):
        return DONE
    c.rcv_closed = True
    do_close_sending(c, None, x)
    return DONE


def call_release(c: Tcp, e: Any, x: Run) -> int:
    """release() in SYN-RECEIVED, ESTABLISHED, FIN-WAIT-1, FIN-WAIT-2, CLOSE-WAIT, CLOSING, LAST-ACK, TIME-WAIT (RFC 9293 3.6.1; POSIX.1-2024 close())"""
    return (
        call_release__unread_reset(c, e, x)
        or call_release__unread_quiet(c, e, x)
        or call_release__orderly(c, e, x)
        or DONE
    )


def call_abort_closed__no_connection(c: Tcp, e: Any, x: Run) -> int | None:
    """No connection. RFC 9293 3.10.5 CLOSED"""
    x.fired.append("tcp/abort_closed/no_connection")
    if not x.settle(
        c,
        "tcp/abort_closed/no_connection",
        (
            Outcome("ok"),
            Outcome("error", "ENOTCONN"),
        ),
    ):
        return DONE
    return DONE


def call_abort_closed(c: Tcp, e: Any, x: Run) -> int:
    """abort() in CLOSED (RFC 9293 3.10.5 CLOSED)"""
    return call_abort_closed__no_connection(c, e, x) or DONE


def call_abort_unopened__delete(c: Tcp, e: Any, x: Run) -> int | None:
    """Delete. RFC 9293 3.10.5 LISTEN, SYN-SENT"""
    x.fired.append("tcp/abort_unopened/delete")
    if not x.settle(c, "tcp/abort_unopened/delete", (Outcome("ok"),)):
        return DONE
    do_shut(c, None, x)
    return DONE


def call_abort_unopened(c: Tcp, e: Any, x: Run) -> int:
    """abort() in LISTEN, SYN-SENT (RFC 9293 3.10.5 LISTEN, SYN-SENT)"""
    return call_abort_unopened__delete(c, e, x) or DONE


def call_abort__reset(c: Tcp, e: Any, x: Run) -> int | None:
    """Send a reset and forget everything. RFC 9293 3.10.5"""
    x.fired.append("tcp/abort/reset")
    if not x.settle(c, "tcp/abort/reset", (Outcome("ok"),)):
        return DONE
    c.owed = (
        *c.owed,
        Template(
            "tcp/abort/reset",
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


def call_abort(c: Tcp, e: Any, x: Run) -> int:
    """abort() in SYN-RECEIVED, ESTABLISHED, FIN-WAIT-1, FIN-WAIT-2, CLOSE-WAIT (RFC 9293 3.10.5)"""
    return call_abort__reset(c, e, x) or DONE


def call_abort_closing__reset_all_the_same(c: Tcp, e: Any, x: Run) -> int | None:
    """Reset all the same. RFC 9293 3.10.5"""
    if not (x.p.linux and x.flag("resets") and c.state != "TIME-WAIT"):
        return None
    x.fired.append("tcp/abort_closing/reset_all_the_same")
    if not x.settle(c, "tcp/abort_closing/reset_all_the_same", (Outcome("ok"),)):
        return DONE
    c.owed = (
        *c.owed,
        Template(
            "tcp/abort_closing/reset_all_the_same",
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


def call_abort_closing__delete(c: Tcp, e: Any, x: Run) -> int | None:
    """Delete. RFC 9293 3.10.5"""
    x.fired.append("tcp/abort_closing/delete")
    if not x.settle(c, "tcp/abort_closing/delete", (Outcome("ok"),)):
        return DONE
    do_shut(c, None, x)
    return DONE


def call_abort_closing(c: Tcp, e: Any, x: Run) -> int:
    """abort() in CLOSING, LAST-ACK, TIME-WAIT (RFC 9293 3.10.5)"""
    return call_abort_closing__reset_all_the_same(c, e, x) or call_abort_closing__delete(c, e, x) or DONE
