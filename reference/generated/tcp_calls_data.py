"""The rules of calls_data.wire.

Generated from spec/rules/tcp/*.wire by `make generate` (spec/backends/python.py). Do not edit.
"""

from __future__ import annotations

from typing import Any

from wireproof.reference.generated.tcp_procedures import do_arm_persist
from wireproof.reference.generated.tcp_state import Tcp
from wireproof.reference.generated.tcp_terms import snd_end
from wireproof.reference.run import (
    DONE,
    Outcome,
    Run,
)


def call_send_closed__report(c: Tcp, e: Any, x: Run) -> int | None:
    """The report that is pending is told first. [MUST-12] RFC 9293 3.10.2 CLOSED; POSIX.1-2024 send()"""
    if not (c.error != "NONE"):
        return None
    x.fired.append("tcp/send_closed/report")
    told = c.error
    if not x.settle(
        c,
        "tcp/send_closed/report",
        (
            Outcome("error", told),
            Outcome("error", "EPIPE"),
        ),
    ):
        return DONE
    c.error = "NONE"
    return DONE


def call_send_closed__no_connection(c: Tcp, e: Any, x: Run) -> int | None:
    """The connection does not exist. RFC 9293 3.10.2 CLOSED; POSIX.1-2024 send()"""
    x.fired.append("tcp/send_closed/no_connection")
    outcomes = (
        Outcome("error", "ENOTCONN"),
        Outcome("error", "EPIPE"),
    )
    if not x.settle(c, "tcp/send_closed/no_connection", outcomes):
        return DONE
    return DONE


def call_send_closed(c: Tcp, e: Any, x: Run) -> int:
    """send() in CLOSED (RFC 9293 3.10.2 CLOSED; POSIX.1-2024 send())"""
    return call_send_closed__report(c, e, x) or call_send_closed__no_connection(c, e, x) or DONE


def call_send_listening__no_peer(c: Tcp, e: Any, x: Run) -> int | None:
    """No peer. RFC 9293 3.10.2 LISTEN; POSIX.1-2024 send()"""
    x.fired.append("tcp/send_listening/no_peer")
    outcomes = (
        Outcome("error", "ENOTCONN"),
        Outcome("error", "EPIPE"),
    )
    if not x.settle(c, "tcp/send_listening/no_peer", outcomes):
        return DONE
    return DONE


def call_send_listening(c: Tcp, e: Any, x: Run) -> int:
    """send() in LISTEN (RFC 9293 3.10.2 LISTEN; POSIX.1-2024 send())"""
    return call_send_listening__no_peer(c, e, x) or DONE


def call_send_early__no_room(c: Tcp, e: Any, x: Run) -> int | None:
    """No room. RFC 9293 3.10.2; POSIX.1-2024 send()"""
    if x.flag("room"):
        return None
    x.fired.append("tcp/send_early/no_room")
    outcomes = (
        Outcome("error", "EAGAIN"),
        Outcome("error", "ENOBUFS"),
    )
    if not x.settle(c, "tcp/send_early/no_room", outcomes):
        return DONE
    return DONE


def call_send_early__closing(c: Tcp, e: Any, x: Run) -> int | None:
    """CLOSE was called before the connection was open. RFC 9293 3.10.2; POSIX.1-2024 send()"""
    if not (c.snd_fin):
        return None
    x.fired.append("tcp/send_early/closing")
    if not x.settle(c, "tcp/send_early/closing", (Outcome("error", "EPIPE"),)):
        return DONE
    return DONE


def call_send_early__queue(c: Tcp, e: Any, x: Run) -> int | None:
    """Queue. RFC 9293 3.10.2; POSIX.1-2024 send()"""
    x.fired.append("tcp/send_early/queue")
    if not x.settle(c, "tcp/send_early/queue", (Outcome("count", "", 1, len(e.data)),)):
        return DONE
    c.snd_data = c.snd_data + e.data[: x.count]
    return DONE


def call_send_early(c: Tcp, e: Any, x: Run) -> int:
    """send() in SYN-SENT, SYN-RECEIVED (RFC 9293 3.10.2; POSIX.1-2024 send())"""
    return (
        call_send_early__no_room(c, e, x)
        or call_send_early__closing(c, e, x)
        or call_send_early__queue(c, e, x)
        or DONE
    )


def call_send__no_room(c: Tcp, e: Any, x: Run) -> int | None:
    """No room. RFC 9293 3.10.2; 3.9.1.2; POSIX.1-2024 send()"""
    if x.flag("room"):
        return None
    x.fired.append("tcp/send/no_room")
    if not x.settle(
        c,
        "tcp/send/no_room",
        (
            Outcome("error", "EAGAIN"),
            Outcome("error", "ENOBUFS"),
        ),
    ):
        return DONE
    return DONE


def call_send__queue_urgent(c: Tcp, e: Any, x: Run) -> int | None:
    """The octet after the last of this text is where the urgent data ends. [MUST-30, MUST-62] RFC 9293 3.8.5"""
    if not (e.urgent):
        return None
    x.fired.append("tcp/send/queue_urgent")
    if not x.settle(c, "tcp/send/queue_urgent", (Outcome("count", "", 1, len(e.data)),)):
        return DONE
    c.snd_data = c.snd_data + e.data[: x.count]
    c.snd_up = snd_end(c, x)
    c.snd_urgent = True
    do_arm_persist(c, None, x)
    return DONE


def call_send__queue(c: Tcp, e: Any, x: Run) -> int | None:
    """Queue. [MAY-16, MUST-60] RFC 9293 3.10.2; 3.9.1.2; POSIX.1-2024 send()"""
    x.fired.append("tcp/send/queue")
    if not x.settle(c, "tcp/send/queue", (Outcome("count", "", 1, len(e.data)),)):
        return DONE
    c.snd_data = c.snd_data + e.data[: x.count]
    do_arm_persist(c, None, x)
    return DONE


def call_send(c: Tcp, e: Any, x: Run) -> int:
    """send() in ESTABLISHED, CLOSE-WAIT (RFC 9293 3.10.2; 3.9.1.2; POSIX.1-2024 send())"""
    return call_send__no_room(c, e, x) or call_send__queue_urgent(c, e, x) or call_send__queue(c, e, x) or DONE


def call_send_closing__closing(c: Tcp, e: Any, x: Run) -> int | None:
    """The user has said that nothing follows. RFC 9293 3.10.2; POSIX.1-2024 send()"""
    x.fired.append("tcp/send_closing/closing")
    if not x.settle(c, "tcp/send_closing/closing", (Outcome("error", "EPIPE"),)):
        return DONE
    return DONE


def call_send_closing(c: Tcp, e: Any, x: Run) -> int:
    """send() in FIN-WAIT-1, FIN-WAIT-2, CLOSING, LAST-ACK, TIME-WAIT (RFC 9293 3.10.2; POSIX.1-2024 send())"""
    return call_send_closing__closing(c, e, x) or DONE


def call_receive_closed__rest(c: Tcp, e: Any, x: Run) -> int | None:
    """What arrived before the end can still be read. RFC 9293 3.10.3 CLOSED; POSIX.1-2024 recv()"""
    if not (len(c.rcv_data) > 0 and x.flag("kept")):
        return None
    x.fired.append("tcp/receive_closed/rest")
    outcomes = (Outcome("octets", "", 1, min(e.max, len(c.rcv_data)), c.rcv_data),)
    if not x.settle(c, "tcp/receive_closed/rest", outcomes):
        return DONE
    c.rcv_data = c.rcv_data[x.count :]
    return DONE


def call_receive_closed__end_before_report(c: Tcp, e: Any, x: Run) -> int | None:
    """The peer's FIN was taken before its reset: that comes first. [MUST-12] RFC 9293 3.10.3 CLOSED;
    POSIX.1-2024 recv()"""
    if not (c.error != "NONE" and c.rcv_fin and x.flag("end_first")):
        return None
    x.fired.append("tcp/receive_closed/end_before_report")
    if not x.settle(c, "tcp/receive_closed/end_before_report", (Outcome("octets", "", 0, 0, c.rcv_data),)):
        return DONE
    return DONE


def call_receive_closed__report(c: Tcp, e: Any, x: Run) -> int | None:
    """Report. [MUST-12] RFC 9293 3.10.3 CLOSED; POSIX.1-2024 recv()"""
    if not (c.error != "NONE"):
        return None
    x.fired.append("tcp/receive_closed/report")
    told = c.error
    if not x.settle(c, "tcp/receive_closed/report", (Outcome("error", told),)):
        return DONE
    c.error = "NONE"
    c.rcv_data = b""
    return DONE


def call_receive_closed__ended(c: Tcp, e: Any, x: Run) -> int | None:
    """After an orderly end, or once the report was told, there is nothing more. RFC 9293 3.10.3 CLOSED;
    POSIX.1-2024 recv()"""
    x.fired.append("tcp/receive_closed/ended")
    outcomes = (
        Outcome("error", "ENOTCONN"),
        Outcome("octets", "", 0, 0, c.rcv_data),
    )
    if not x.settle(c, "tcp/receive_closed/ended", outcomes):
        return DONE
    c.rcv_data = b""
    return DONE


def call_receive_closed(c: Tcp, e: Any, x: Run) -> int:
    """receive() in CLOSED (RFC 9293 3.10.3 CLOSED; POSIX.1-2024 recv())"""
    return (
        call_receive_closed__rest(c, e, x)
        or call_receive_closed__end_before_report(c, e, x)
        or call_receive_closed__report(c, e, x)
        or call_receive_closed__ended(c, e, x)
        or DONE
    )


def call_receive_listening__no_peer(c: Tcp, e: Any, x: Run) -> int | None:
    """RFC 9293 would queue the request; a listening socket has nobody to receive from. RFC 9293 3.10.3;
    POSIX.1-2024 recv()"""
    x.fired.append("tcp/receive_listening/no_peer")
    outcomes = (
        Outcome("error", "ENOTCONN"),
        Outcome("error", "EAGAIN"),
    )
    if not x.settle(c, "tcp/receive_listening/no_peer", outcomes):
        return DONE
    return DONE


def call_receive_listening(c: Tcp, e: Any, x: Run) -> int:
    """receive() in LISTEN (RFC 9293 3.10.3; POSIX.1-2024 recv())"""
    return call_receive_listening__no_peer(c, e, x) or DONE


def call_receive_early__nothing_yet(c: Tcp, e: Any, x: Run) -> int | None:
    """Nothing yet. RFC 9293 3.10.3; POSIX.1-2024 recv()"""
    x.fired.append("tcp/receive_early/nothing_yet")
    outcomes = (
        Outcome("error", "EAGAIN"),
        Outcome("error", "ENOTCONN"),
    )
    if not x.settle(c, "tcp/receive_early/nothing_yet", outcomes):
        return DONE
    return DONE


def call_receive_early(c: Tcp, e: Any, x: Run) -> int:
    """receive() in SYN-SENT, SYN-RECEIVED (RFC 9293 3.10.3; POSIX.1-2024 recv())"""
    return call_receive_early__nothing_yet(c, e, x) or DONE


def call_receive__some(c: Tcp, e: Any, x: Run) -> int | None:
    """Text in the order in which it was sent, from where the user left off. [MUST-12] RFC 9293 3.10.3;
    POSIX.1-2024 recv()"""
    if not (len(c.rcv_data) > 0):
        return None
    x.fired.append("tcp/receive/some")
    outcomes = (Outcome("octets", "", 1, min(e.max, len(c.rcv_data)), c.rcv_data),)
    if not x.settle(c, "tcp/receive/some", outcomes):
        return DONE
    c.rcv_data = c.rcv_data[x.count :]
    return DONE


def call_receive__nothing_yet(c: Tcp, e: Any, x: Run) -> int | None:
    """Nothing yet. RFC 9293 3.10.3; POSIX.1-2024 recv()"""
    x.fired.append("tcp/receive/nothing_yet")
    if not x.settle(c, "tcp/receive/nothing_yet", (Outcome("error", "EAGAIN"),)):
        return DONE
    return DONE


def call_receive(c: Tcp, e: Any, x: Run) -> int:
    """receive() in ESTABLISHED, FIN-WAIT-1, FIN-WAIT-2 (RFC 9293 3.10.3; POSIX.1-2024 recv())"""
    return call_receive__some(c, e, x) or call_receive__nothing_yet(c, e, x) or DONE


def call_receive_after_fin__rest(c: Tcp, e: Any, x: Run) -> int | None:
    """Rest. RFC 9293 3.10.3; POSIX.1-2024 recv()"""
    if not (len(c.rcv_data) > 0):
        return None
    x.fired.append("tcp/receive_after_fin/rest")
    outcomes = (Outcome("octets", "", 1, min(e.max, len(c.rcv_data)), c.rcv_data),)
    if not x.settle(c, "tcp/receive_after_fin/rest", outcomes):
        return DONE
    c.rcv_data = c.rcv_data[x.count :]
    return DONE


def call_receive_after_fin__end_of_file(c: Tcp, e: Any, x: Run) -> int | None:
    """The peer closed in good order. [MUST-12] RFC 9293 3.10.3; POSIX.1-2024 recv()"""
    x.fired.append("tcp/receive_after_fin/end_of_file")
    if not x.settle(c, "tcp/receive_after_fin/end_of_file", (Outcome("octets", "", 0, 0, c.rcv_data),)):
        return DONE
    return DONE


def call_receive_after_fin(c: Tcp, e: Any, x: Run) -> int:
    """receive() in CLOSE-WAIT, CLOSING, LAST-ACK, TIME-WAIT (RFC 9293 3.10.3; POSIX.1-2024 recv())"""
    return call_receive_after_fin__rest(c, e, x) or call_receive_after_fin__end_of_file(c, e, x) or DONE
