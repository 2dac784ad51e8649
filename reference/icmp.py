"""What an ICMP message says about a TCP connection (RFC 9293 3.9.2.2; RFC 792, RFC 4443)."""

from __future__ import annotations

from wireproof.reference.connection import IcmpEvent

_V4 = {
    (3, 0): ("soft", "ENETUNREACH"),
    (3, 1): ("soft", "EHOSTUNREACH"),
    (3, 2): ("hard", "ENOPROTOOPT"),
    (3, 3): ("hard", "ECONNREFUSED"),
    (3, 4): ("too_big", "EMSGSIZE"),
    (3, 5): ("soft", "EOPNOTSUPP"),
    (4, 0): ("quench", "NONE"),
    (11, 0): ("soft", "EHOSTUNREACH"),
    (11, 1): ("soft", "EHOSTUNREACH"),
    (12, 0): ("soft", "EPROTO"),
    (12, 1): ("soft", "EPROTO"),
    (12, 2): ("soft", "EPROTO"),
}
_V6 = {
    (1, 0): ("soft", "ENETUNREACH"),
    (1, 1): ("hard", "EACCES"),
    (1, 3): ("soft", "EHOSTUNREACH"),
    (1, 4): ("hard", "ECONNREFUSED"),
    (2, 0): ("too_big", "EMSGSIZE"),
    (3, 0): ("soft", "EHOSTUNREACH"),
    (3, 1): ("soft", "EHOSTUNREACH"),
    (4, 0): ("soft", "EPROTO"),
    (4, 1): ("soft", "EPROTO"),
    (4, 2): ("soft", "EPROTO"),
}


def classify(version: int, kind: int, code: int, seq: int, mtu: int) -> IcmpEvent | None:
    """The event for a connection, or None for a message that says nothing about one.

    ``seq`` is the sequence number in the quoted segment, ``mtu`` the next hop's (0: not given).
    """
    if version == 4 and kind == 4:
        return IcmpEvent(seq, quench=True)
    found = (_V4 if version == 4 else _V6).get((kind, code))
    if found is None:
        return None
    what, error = found
    event = IcmpEvent(seq, mtu=mtu or (576 if version == 4 else 1280), error=error)
    setattr(event, what, True)
    return event
