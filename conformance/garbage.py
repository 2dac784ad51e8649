"""Datagrams that are not what they should be: octets in the place of a segment, and datagrams that are cut off."""

from __future__ import annotations

from struct import pack

from wireproof.conformance.oracle import Key
from wireproof.conformance.testcase import Step
from wireproof.reference.checksum import internet_checksum, tcp_checksum

TCP = 6


def datagram(step: Step, key: Key) -> bytes:
    """The datagram of a ``raw`` step (octets as what an IP datagram of the peer's carries) or of an ``octets`` step
    (the datagram itself).

    ``proto``: the IP protocol, 6 unless given; with ``ports`` the first four octets become the connection's ports,
    with ``sum`` the checksum is right if there is room for one.
    """
    if "octets" in step:
        return bytes.fromhex(step["octets"])
    local, local_port, remote, remote_port = key
    body = bytearray.fromhex(step["raw"])
    if step.get("ports") and len(body) >= 4:
        body[:4] = pack("!HH", remote_port, local_port)
    if step.get("sum"):
        set_checksum(body, remote, local)
    return _ip(remote, local, step.get("proto", TCP), bytes(body))


def cut(packet: bytes, octets: int, honest: bool) -> bytes:
    """A datagram without its last octets; ``honest``: its IP header says so."""
    size = len(packet) - octets
    head = 40 if packet[0] >> 4 == 6 else 20
    if size <= head or not honest:
        return packet[: max(size, 0)]
    if head == 40:
        return packet[:4] + (size - 40).to_bytes(2, "big") + packet[6:size]
    header = bytearray(packet[:20])
    header[2:4] = size.to_bytes(2, "big")
    header[10:12] = b"\0\0"
    header[10:12] = internet_checksum(bytes(header)).to_bytes(2, "big")
    return bytes(header) + packet[20:size]


def set_checksum(body: bytearray, src: bytes, dst: bytes) -> None:
    """Make the checksum of a TCP segment right, where there is one."""
    if len(body) >= 18:
        body[16:18] = b"\0\0"
        body[16:18] = tcp_checksum(src, dst, bytes(body)).to_bytes(2, "big")


def _ip(src: bytes, dst: bytes, protocol: int, body: bytes) -> bytes:
    if len(src) == 16:
        return pack("!IHBB16s16s", 6 << 28, len(body), protocol, 64, src, dst) + body
    header = pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(body), 0, 0x4000, 64, protocol, 0, src, dst)
    return header[:10] + internet_checksum(header).to_bytes(2, "big") + header[12:] + body
