"""The rules of icmp.wire.

Generated from spec/rules/tcp/*.wire by `make generate` (spec/backends/python.py). Do not edit.
"""

from __future__ import annotations

from typing import Any

from wireproof.reference.generated.tcp_procedures import do_shut
from wireproof.reference.generated.tcp_state import Tcp
from wireproof.reference.generated.tcp_terms import outstanding_data
from wireproof.reference.run import (
    DONE,
    Run,
)
from wireproof.reference.sequence import le, lt


def arrives_icmp_late__ignored(c: Tcp, e: Any, x: Run) -> int | None:
    """There is no opening or exchange that it could end. RFC 9293 3.9.2.2"""
    x.fired.append("tcp/icmp_late/ignored")
    return DONE


def arrives_icmp_late(c: Tcp, e: Any, x: Run) -> int:
    """icmp in CLOSED, LISTEN, TIME-WAIT, step 0 (RFC 9293 3.9.2.2)"""
    return arrives_icmp_late__ignored(c, e, x) or DONE


def arrives_icmp__quench(c: Tcp, e: Any, x: Run) -> int | None:
    """Source quench is obsolete and discarded. [MUST-55] RFC 9293 3.9.2.2"""
    if not (e.quench):
        return None
    x.fired.append("tcp/icmp/quench")
    return DONE


def arrives_icmp__not_ours(c: Tcp, e: Any, x: Run) -> int | None:
    """It quotes what is not outstanding: old, or forged. [MUST-54] RFC 5927 4.1"""
    if not (not (le(c.snd_una, e.seq) and lt(e.seq, c.snd_nxt)) and x.flag("checked")):
        return None
    x.fired.append("tcp/icmp/not_ours")
    return DONE


def arrives_icmp__too_big(c: Tcp, e: Any, x: Run) -> int | None:
    """The path takes less: cut smaller from now on, and send again what was too large. [MUST-16] RFC 9293
    3.7.2; RFC 1191; RFC 8201"""
    if not (e.too_big):
        return None
    x.fired.append("tcp/icmp/too_big")
    c.path_mtu = min(c.path_mtu, max(e.mtu, x.p.ip_header + 20 + 8))
    c.resend = len(outstanding_data(c, x)) > 0
    c.recover = c.snd_nxt
    return DONE


def arrives_icmp__soft(c: Tcp, e: Any, x: Run) -> int | None:
    """It may pass: the connection goes on, and the user can ask. [MUST-54, MUST-56, SHLD-25, MUST-47] RFC 9293
    3.9.2.2"""
    if not (e.soft):
        return None
    x.fired.append("tcp/icmp/soft")
    c.soft_error = e.error
    return DONE


def arrives_icmp__hard_while_opening(c: Tcp, e: Any, x: Run) -> int | None:
    """Hard while opening. [SHLD-26, MUST-54] RFC 9293 3.9.2.2"""
    if not (
        e.hard
        and c.state
        in (
            "SYN-SENT",
            "SYN-RECEIVED",
        )
    ):
        return None
    x.fired.append("tcp/icmp/hard_while_opening")
    c.error = e.error
    do_shut(c, None, x)
    return DONE


def arrives_icmp__hard_survived(c: Tcp, e: Any, x: Run) -> int | None:
    """Linux keeps an open connection and remembers the error. RFC 9293 3.9.2.2"""
    if not (e.hard and x.flag("survives")):
        return None
    x.fired.append("tcp/icmp/hard_survived")
    x.deviate(c, "tcp/icmp/hard_survived", ("SHLD-26",))
    c.soft_error = e.error
    return DONE


def arrives_icmp__hard(c: Tcp, e: Any, x: Run) -> int | None:
    """Hard. [SHLD-26] RFC 9293 3.9.2.2"""
    if not (e.hard):
        return None
    x.fired.append("tcp/icmp/hard")
    c.error = e.error
    do_shut(c, None, x)
    return DONE


def arrives_icmp__other(c: Tcp, e: Any, x: Run) -> int | None:
    """Other. RFC 9293 3.9.2.2"""
    x.fired.append("tcp/icmp/other")
    return DONE


def arrives_icmp(c: Tcp, e: Any, x: Run) -> int:
    """icmp in SYN-SENT, SYN-RECEIVED, ESTABLISHED, FIN-WAIT-1, FIN-WAIT-2, CLOSE-WAIT, CLOSING, LAST-ACK, step 0 (RFC 9293 3.9.2.2)"""
    return (
        arrives_icmp__quench(c, e, x)
        or arrives_icmp__not_ours(c, e, x)
        or arrives_icmp__too_big(c, e, x)
        or arrives_icmp__soft(c, e, x)
        or arrives_icmp__hard_while_opening(c, e, x)
        or arrives_icmp__hard_survived(c, e, x)
        or arrives_icmp__hard(c, e, x)
        or arrives_icmp__other(c, e, x)
        or DONE
    )
