"""The rules of calls_open.wire.

Generated from spec/rules/tcp/*.wire by `make generate` (spec/backends/python.py). Do not edit.
"""

from __future__ import annotations

from typing import Any

from wireproof.reference.generated.tcp_procedures import do_number_ourselves, do_watch_idle
from wireproof.reference.generated.tcp_state import Tcp
from wireproof.reference.generated.tcp_terms import unread_from
from wireproof.reference.run import (
    DONE,
    STOPPED,
    Outcome,
    Run,
    Template,
)
from wireproof.reference.sequence import lt


def call_connect__report_first(c: Tcp, e: Any, x: Run) -> int | None:
    """The report that is pending is told instead. RFC 9293 3.10.1 CLOSED; POSIX.1-2024 connect()"""
    if not (c.error != "NONE" and x.flag("told_first")):
        return None
    x.fired.append("tcp/connect/report_first")
    told = c.error
    if not x.settle(c, "tcp/connect/report_first", (Outcome("error", told),)):
        return DONE
    c.error = "NONE"
    return DONE


def call_connect__to_many(c: Tcp, e: Any, x: Run) -> int | None:
    """TCP is between two ends: opening to a broadcast or multicast address is refused, and nothing is sent.
    [MUST-46] RFC 9293 3.9.1.1"""
    if not (e.group):
        return None
    x.fired.append("tcp/connect/to_many")
    outcomes = (
        Outcome("error", "ENETUNREACH"),
        Outcome("error", "EACCES"),
        Outcome("error", "EHOSTUNREACH"),
        Outcome("error", "EINVAL"),
        Outcome("error", "EADDRNOTAVAIL"),
    )
    if not x.settle(c, "tcp/connect/to_many", outcomes):
        return DONE
    return DONE


def call_connect__open(c: Tcp, e: Any, x: Run) -> int | None:
    """Choose an initial sequence number and send a SYN. RFC 9293 3.10.1 CLOSED; POSIX.1-2024 connect()"""
    x.fired.append("tcp/connect/open")
    if not x.settle(c, "tcp/connect/open", (Outcome("ok"),)):
        return DONE
    c.iss = x.number(c, "ISS")
    c.passive = False
    c.error = "NONE"
    c.fin_known = False
    c.snd_mss = x.p.default_mss
    do_number_ourselves(c, None, x)
    c.state = "SYN-SENT"
    c.owed = (*c.owed, Template("tcp/connect/open", c.iss, 0, None, None, 2, 0, b"", 0, 0, False))  # SYN
    c.user_timeout_from = c.now + (c.user_timeout if c.user_timeout > 0 else x.p.r2_syn)
    c.user_timeout_until = c.now + x.p.r2_latest
    return DONE


def call_connect(c: Tcp, e: Any, x: Run) -> int:
    """open_active() in CLOSED (RFC 9293 3.10.1 CLOSED; POSIX.1-2024 connect())"""
    return call_connect__report_first(c, e, x) or call_connect__to_many(c, e, x) or call_connect__open(c, e, x) or DONE


def call_connect_listening__refused(c: Tcp, e: Any, x: Run) -> int | None:
    """A listening socket cannot be connected. RFC 9293 3.10.1 LISTEN; POSIX.1-2024 connect()"""
    x.fired.append("tcp/connect_listening/refused")
    outcomes = (
        Outcome("error", "EISCONN"),
        Outcome("error", "EOPNOTSUPP"),
        Outcome("error", "EINVAL"),
    )
    if not x.settle(c, "tcp/connect_listening/refused", outcomes):
        return DONE
    return DONE


def call_connect_listening(c: Tcp, e: Any, x: Run) -> int:
    """open_active() in LISTEN (RFC 9293 3.10.1 LISTEN; POSIX.1-2024 connect())"""
    return call_connect_listening__refused(c, e, x) or DONE


def call_connect_again__under_way(c: Tcp, e: Any, x: Run) -> int | None:
    """The connection already exists, and is being opened. RFC 9293 3.10.1; POSIX.1-2024 connect()"""
    x.fired.append("tcp/connect_again/under_way")
    outcomes = (
        Outcome("error", "EALREADY"),
        Outcome("error", "EISCONN"),
    )
    if not x.settle(c, "tcp/connect_again/under_way", outcomes):
        return DONE
    return DONE


def call_connect_again(c: Tcp, e: Any, x: Run) -> int:
    """open_active() in SYN-SENT, SYN-RECEIVED (RFC 9293 3.10.1; POSIX.1-2024 connect())"""
    return call_connect_again__under_way(c, e, x) or DONE


def call_connect_connected__exists(c: Tcp, e: Any, x: Run) -> int | None:
    """The connection already exists. RFC 9293 3.10.1; POSIX.1-2024 connect()"""
    x.fired.append("tcp/connect_connected/exists")
    if not x.settle(c, "tcp/connect_connected/exists", (Outcome("error", "EISCONN"),)):
        return DONE
    return DONE


def call_connect_connected(c: Tcp, e: Any, x: Run) -> int:
    """open_active() in ESTABLISHED, FIN-WAIT-1, FIN-WAIT-2, CLOSE-WAIT, CLOSING, LAST-ACK, TIME-WAIT (RFC 9293 3.10.1; POSIX.1-2024 connect())"""
    return call_connect_connected__exists(c, e, x) or DONE


def call_listen__open(c: Tcp, e: Any, x: Run) -> int | None:
    """A new record, whatever else is under way on the same port. [MUST-41, MUST-42] RFC 9293 3.10.1 CLOSED;
    POSIX.1-2024 listen()"""
    x.fired.append("tcp/listen/open")
    if not x.settle(c, "tcp/listen/open", (Outcome("ok"),)):
        return DONE
    c.passive = True
    c.state = "LISTEN"
    return DONE


def call_listen(c: Tcp, e: Any, x: Run) -> int:
    """open_passive() in CLOSED (RFC 9293 3.10.1 CLOSED; POSIX.1-2024 listen())"""
    return call_listen__open(c, e, x) or DONE


def call_listen_again__exists(c: Tcp, e: Any, x: Run) -> int | None:
    """RFC 9293: the connection already exists; POSIX: the backlog is changed. RFC 9293 3.10.1; POSIX.1-2024
    listen()"""
    x.fired.append("tcp/listen_again/exists")
    if not x.settle(
        c,
        "tcp/listen_again/exists",
        (
            Outcome("ok"),
            Outcome("error", "EINVAL"),
        ),
    ):
        return DONE
    return DONE


def call_listen_again(c: Tcp, e: Any, x: Run) -> int:
    """open_passive() in LISTEN (RFC 9293 3.10.1; POSIX.1-2024 listen())"""
    return call_listen_again__exists(c, e, x) or DONE


def call_listen_connected__exists(c: Tcp, e: Any, x: Run) -> int | None:
    """The connection already exists, and stays as it is. [MUST-41] RFC 9293 3.10.1; POSIX.1-2024 listen()"""
    x.fired.append("tcp/listen_connected/exists")
    outcomes = (
        Outcome("error", "EINVAL"),
        Outcome("error", "EISCONN"),
    )
    if not x.settle(c, "tcp/listen_connected/exists", outcomes):
        return DONE
    return DONE


def call_listen_connected(c: Tcp, e: Any, x: Run) -> int:
    """open_passive() in SYN-SENT, SYN-RECEIVED, ESTABLISHED, FIN-WAIT-1, FIN-WAIT-2, CLOSE-WAIT, CLOSING, LAST-ACK, TIME-WAIT (RFC 9293 3.10.1; POSIX.1-2024 listen())"""
    return call_listen_connected__exists(c, e, x) or DONE


def call_status_closed__closed(c: Tcp, e: Any, x: Run) -> int | None:
    """RFC 9293: the connection does not exist; a socket that is still held says CLOSED. RFC 9293 3.10.6 CLOSED"""
    x.fired.append("tcp/status_closed/closed")
    outcomes = (
        Outcome("state", "CLOSED"),
        Outcome("error", "ENOTCONN"),
    )
    if not x.settle(c, "tcp/status_closed/closed", outcomes):
        return DONE
    return DONE


def call_status_closed(c: Tcp, e: Any, x: Run) -> int:
    """status() in CLOSED (RFC 9293 3.10.6 CLOSED)"""
    return call_status_closed__closed(c, e, x) or DONE


def call_status_open__tell(c: Tcp, e: Any, x: Run) -> int | None:
    """Tell. RFC 9293 3.10.6"""
    x.fired.append("tcp/status_open/tell")
    if not x.settle(c, "tcp/status_open/tell", (Outcome("state", c.state),)):
        return DONE
    return DONE


def call_status_open(c: Tcp, e: Any, x: Run) -> int:
    """status() in LISTEN, SYN-SENT, SYN-RECEIVED, ESTABLISHED, FIN-WAIT-1, FIN-WAIT-2, CLOSE-WAIT, CLOSING, LAST-ACK (RFC 9293 3.10.6)"""
    return call_status_open__tell(c, e, x) or DONE


def call_status_time_wait__tell(c: Tcp, e: Any, x: Run) -> int | None:
    """Tell. RFC 9293 3.10.6 TIME-WAIT"""
    x.fired.append("tcp/status_time_wait/tell")
    outcomes = (
        Outcome("state", "TIME-WAIT"),
        Outcome("state", "CLOSED"),
    )
    if not x.settle(c, "tcp/status_time_wait/tell", outcomes):
        return DONE
    return DONE


def call_status_time_wait(c: Tcp, e: Any, x: Run) -> int:
    """status() in TIME-WAIT (RFC 9293 3.10.6 TIME-WAIT)"""
    return call_status_time_wait__tell(c, e, x) or DONE


def call_pending_report__pending(c: Tcp, e: Any, x: Run) -> int | None:
    """Pending. [MUST-47, MUST-12, U-3] RFC 9293 3.9.1.8; POSIX.1-2024 SO_ERROR"""
    if not (c.error != "NONE"):
        return None
    x.fired.append("tcp/pending_report/pending")
    told = c.error
    if not x.settle(c, "tcp/pending_report/pending", (Outcome("error", told),)):
        return DONE
    c.error = "NONE"
    c.soft_error = "NONE"
    return DONE


def call_pending_report__soft(c: Tcp, e: Any, x: Run) -> int | None:
    """A soft error is information: it may be told, or kept from a user who did not ask for it. [MUST-47,
    SHLD-25, U-3] RFC 9293 3.9.2.2"""
    if not (c.soft_error != "NONE"):
        return None
    x.fired.append("tcp/pending_report/soft")
    told = c.soft_error
    if not x.settle(
        c,
        "tcp/pending_report/soft",
        (
            Outcome("error", told),
            Outcome("ok"),
        ),
    ):
        return DONE
    c.soft_error = "NONE"
    return DONE


def call_pending_report__nothing(c: Tcp, e: Any, x: Run) -> int | None:
    """Nothing. RFC 9293 3.9.1.8; POSIX.1-2024 SO_ERROR"""
    x.fired.append("tcp/pending_report/nothing")
    if not x.settle(c, "tcp/pending_report/nothing", (Outcome("ok"),)):
        return DONE
    return DONE


def call_pending_report(c: Tcp, e: Any, x: Run) -> int:
    """error() in any state (RFC 9293 3.9.1.8; POSIX.1-2024 SO_ERROR)"""
    return (
        call_pending_report__pending(c, e, x)
        or call_pending_report__soft(c, e, x)
        or call_pending_report__nothing(c, e, x)
        or DONE
    )


def call_urgent_ahead__ahead(c: Tcp, e: Any, x: Run) -> int | None:
    """Ahead. [MUST-32, MUST-33] RFC 9293 3.8.5"""
    if not (c.rcv_urgent and lt(unread_from(c, x), c.rcv_up)):
        return None
    x.fired.append("tcp/urgent_ahead/ahead")
    if not x.settle(c, "tcp/urgent_ahead/ahead", (Outcome("count", "", 1, 1),)):
        return DONE
    return DONE


def call_urgent_ahead__none(c: Tcp, e: Any, x: Run) -> int | None:
    """None. RFC 9293 3.8.5"""
    x.fired.append("tcp/urgent_ahead/none")
    if not x.settle(c, "tcp/urgent_ahead/none", (Outcome("count", "", 0, 0),)):
        return DONE
    return DONE


def call_urgent_ahead(c: Tcp, e: Any, x: Run) -> int:
    """urgent() in any state (RFC 9293 3.8.5)"""
    return call_urgent_ahead__ahead(c, e, x) or call_urgent_ahead__none(c, e, x) or DONE


def call_set_option__nagle(c: Tcp, e: Any, x: Run) -> int | None:
    """Nagle. [MUST-17] RFC 9293 3.9.1; POSIX.1-2024 setsockopt()"""
    if not (e.option == "NODELAY"):
        return None
    x.fired.append("tcp/set_option/nagle")
    if not x.settle(c, "tcp/set_option/nagle", (Outcome("ok"),)):
        return DONE
    c.nodelay_set = e.value > 0
    return DONE


def call_set_option__keep_alive_on(c: Tcp, e: Any, x: Run) -> int | None:
    """Keep alive on. [MUST-24, MUST-25, MAY-5] RFC 9293 3.9.1; POSIX.1-2024 setsockopt()"""
    if not (e.option == "KEEPALIVE" and e.value > 0):
        return None
    x.fired.append("tcp/set_option/keep_alive_on")
    if not x.settle(c, "tcp/set_option/keep_alive_on", (Outcome("ok"),)):
        return DONE
    c.keep_alive = True
    do_watch_idle(c, None, x)
    return DONE


def call_set_option__keep_alive_off(c: Tcp, e: Any, x: Run) -> int | None:
    """Keep alive off. [MUST-24] RFC 9293 3.9.1; POSIX.1-2024 setsockopt()"""
    if not (e.option == "KEEPALIVE"):
        return None
    x.fired.append("tcp/set_option/keep_alive_off")
    if not x.settle(c, "tcp/set_option/keep_alive_off", (Outcome("ok"),)):
        return DONE
    c.keep_alive = False
    c.keep_alive_from = c.keep_alive_until = STOPPED
    return DONE


def call_set_option__keep_idle(c: Tcp, e: Any, x: Run) -> int | None:
    """Keep idle. [MUST-27] RFC 9293 3.9.1; POSIX.1-2024 setsockopt()"""
    if not (e.option == "KEEPIDLE-S"):
        return None
    x.fired.append("tcp/set_option/keep_idle")
    if not x.settle(c, "tcp/set_option/keep_idle", (Outcome("ok"),)):
        return DONE
    c.keep_idle = e.value * 1_000_000
    do_watch_idle(c, None, x)
    return DONE


def call_set_option__keep_interval(c: Tcp, e: Any, x: Run) -> int | None:
    """Keep interval. RFC 9293 3.9.1; POSIX.1-2024 setsockopt()"""
    if not (e.option == "KEEPINTVL-S"):
        return None
    x.fired.append("tcp/set_option/keep_interval")
    if not x.settle(c, "tcp/set_option/keep_interval", (Outcome("ok"),)):
        return DONE
    c.keep_interval = e.value * 1_000_000
    return DONE


def call_set_option__keep_count(c: Tcp, e: Any, x: Run) -> int | None:
    """Keep count. RFC 9293 3.9.1; POSIX.1-2024 setsockopt()"""
    if not (e.option == "KEEPCNT"):
        return None
    x.fired.append("tcp/set_option/keep_count")
    if not x.settle(c, "tcp/set_option/keep_count", (Outcome("ok"),)):
        return DONE
    c.keep_count = e.value
    return DONE


def call_set_option__user_timeout_running(c: Tcp, e: Any, x: Run) -> int | None:
    """Something is outstanding: the new limit counts from now. [MUST-21] RFC 9293 3.9.1; POSIX.1-2024
    setsockopt()"""
    if not (e.option == "USER-TIMEOUT-MS" and e.value > 0 and c.user_timeout_from >= 0):
        return None
    x.fired.append("tcp/set_option/user_timeout_running")
    if not x.settle(c, "tcp/set_option/user_timeout_running", (Outcome("ok"),)):
        return DONE
    c.user_timeout = e.value * 1000
    c.user_timeout_from = c.now + e.value * 1000
    c.user_timeout_until = c.now + x.p.r2_latest
    return DONE


def call_set_option__user_timeout(c: Tcp, e: Any, x: Run) -> int | None:
    """User timeout. [MUST-21] RFC 9293 3.9.1; POSIX.1-2024 setsockopt()"""
    if not (e.option == "USER-TIMEOUT-MS"):
        return None
    x.fired.append("tcp/set_option/user_timeout")
    if not x.settle(c, "tcp/set_option/user_timeout", (Outcome("ok"),)):
        return DONE
    c.user_timeout = e.value * 1000
    return DONE


def call_set_option__time_to_live(c: Tcp, e: Any, x: Run) -> int | None:
    """Time to live. [MUST-49] RFC 9293 3.9.1; POSIX.1-2024 setsockopt()"""
    if not (e.option == "TTL"):
        return None
    x.fired.append("tcp/set_option/time_to_live")
    if not x.settle(c, "tcp/set_option/time_to_live", (Outcome("ok"),)):
        return DONE
    c.ttl_set = e.value
    return DONE


def call_set_option__diffserv(c: Tcp, e: Any, x: Run) -> int | None:
    """Diffserv. [MUST-48, SHLD-21] RFC 9293 3.9.1; POSIX.1-2024 setsockopt()"""
    if not (e.option == "DSCP"):
        return None
    x.fired.append("tcp/set_option/diffserv")
    if not x.settle(c, "tcp/set_option/diffserv", (Outcome("ok"),)):
        return DONE
    c.dscp_set = e.value
    return DONE


def call_set_option__other(c: Tcp, e: Any, x: Run) -> int | None:
    """Buffer sizes and where urgent data is read do not change what the peer may see. RFC 9293 3.9.1;
    POSIX.1-2024 setsockopt()"""
    x.fired.append("tcp/set_option/other")
    if not x.settle(c, "tcp/set_option/other", (Outcome("ok"),)):
        return DONE
    return DONE


def call_set_option(c: Tcp, e: Any, x: Run) -> int:
    """set() in any state (RFC 9293 3.9.1; POSIX.1-2024 setsockopt())"""
    return (
        call_set_option__nagle(c, e, x)
        or call_set_option__keep_alive_on(c, e, x)
        or call_set_option__keep_alive_off(c, e, x)
        or call_set_option__keep_idle(c, e, x)
        or call_set_option__keep_interval(c, e, x)
        or call_set_option__keep_count(c, e, x)
        or call_set_option__user_timeout_running(c, e, x)
        or call_set_option__user_timeout(c, e, x)
        or call_set_option__time_to_live(c, e, x)
        or call_set_option__diffserv(c, e, x)
        or call_set_option__other(c, e, x)
        or DONE
    )
