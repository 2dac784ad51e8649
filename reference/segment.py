"""A TCP segment with the parts of its IP datagram that TCP sees, as plain data (RFC 9293 3.1)."""

from __future__ import annotations

from dataclasses import dataclass

FIN, SYN, RST, PSH, ACK, URG, ECE, CWR = 1, 2, 4, 8, 16, 32, 64, 128
"""Control bits, as they stand in the 14th octet of the header."""

CTL_NAMES = ("FIN", "SYN", "RST", "PSH", "ACK", "URG", "ECE", "CWR")


@dataclass(slots=True)
class Segment:
    """One TCP segment.

    Addresses are 4 (IPv4) or 16 (IPv6) octets, network order. ``seq`` and ``ack`` are sequence numbers modulo
    2^32, ``wnd`` and ``up`` are octets as on the wire (no scaling), ``ctl`` is a mask of control bits.
    ``options`` is the raw options field, padding included (0 to 40 octets, a multiple of 4).

    The fields from ``mss`` on are what decoding found out; an encoder computes the wire from the others.
    """

    src: bytes
    dst: bytes
    sport: int
    dport: int
    seq: int = 0
    ack: int = 0
    ctl: int = 0
    wnd: int = 0
    up: int = 0
    options: bytes = b""
    data: bytes = b""
    ttl: int = 64
    tos: int = 0
    ident: int = 0
    ip_options: bytes = b""
    reserved: int = 0
    mss: int = 0
    """The value of the (last) well-formed MSS option; 0 when there is none."""
    options_ok: bool = True
    """No option had an illegal length (0, 1, or past the end of the header; RFC 9293 3.1, MUST-7)."""
    padding_ok: bool = True
    """All octets after an End of Option List were zero (RFC 9293 3.1, MUST-69)."""
    checksum_ok: bool = True
    header_ok: bool = True
    """The data offset was at least 5 words and inside the datagram."""
    dst_group: bool = False
    """The destination is a broadcast or multicast address; set by the host that knows its networks."""
    src_invalid: bool = False
    """The source is an address that no peer can have; set by the host."""

    @property
    def length(self) -> int:
        """SEG.LEN: octets of data, plus one for SYN and one for FIN (RFC 9293 3.4)."""
        return len(self.data) + (self.ctl & SYN != 0) + (self.ctl & FIN)

    def control(self) -> str:
        """The control bits by name, in the order of the RFC's examples, for example ``SYN,ACK``."""
        names = [n for i, n in enumerate(CTL_NAMES) if self.ctl >> i & 1 and n != "ACK"]
        if self.ctl & ACK:
            names.append("ACK")
        return ",".join(names) or "none"
