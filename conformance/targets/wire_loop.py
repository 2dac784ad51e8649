"""The bare loop over TUN, without sessions and without checking: the yardstick of what the tester itself costs."""

from __future__ import annotations

import os
import socket
import struct
import time

from wireproof.conformance.session import IutError
from wireproof.conformance.targets import linux_sysctl
from wireproof.conformance.targets.linux_namespace import NetworkNamespace
from wireproof.conformance.targets.linux_tun import Tun, link_up
from wireproof.conformance.targets.linux_wire import IUT, PREFIX

SEGMENTS = 10
"""Segments a connection: three to open, data and its acknowledgment each way, and three to close."""

PORT = 80
_TESTER = bytes([10, 1, 0, 1])
_REQUEST, _RESPONSE = b"bare loop, there", b"bare loop, again"
_ISN = 1_000_000


class _Header:
    """A prebuilt datagram with one set of flags and one text; only ports, sequence and acknowledgment vary."""

    def __init__(self, flags: int, seq: int, text: bytes = b"", options: bytes = b"") -> None:
        length = 20 + len(options) + len(text)
        ip = bytearray(struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + length, 0, 0x4000, 64, 6, 0, _TESTER, IUT[4]))
        struct.pack_into("!H", ip, 10, -_sum(ip) % 0xFFFF)
        offset_and_flags = (5 + len(options) // 4) << 12 | flags
        tcp = struct.pack("!HHIIHHHH", 0, PORT, seq, 0, offset_and_flags, 65535, 0, 0) + options + text
        self._packet = ip + tcp
        self._partial = _sum(_TESTER + IUT[4] + struct.pack("!HH", 6, length) + tcp)

    def packet(self, port: int, ack: int) -> bytearray:
        """The datagram; the same buffer each time. 2^16 is 1 modulo 65535, so 32-bit fields need no splitting."""
        packet = self._packet
        struct.pack_into("!H", packet, 20, port)
        struct.pack_into("!I", packet, 28, ack)
        struct.pack_into("!H", packet, 36, -(self._partial + port + ack) % 0xFFFF)
        return packet


def _sum(octets: bytes | bytearray) -> int:
    return int.from_bytes(octets + bytes(len(octets) % 2), "big") % 0xFFFF


class _Loop:
    def __init__(self, fd: int, listener: socket.socket) -> None:
        self.fd = fd
        self.listener = listener
        after_request = _ISN + 1 + len(_REQUEST)
        self.syn = _Header(0x02, _ISN, options=b"\x02\x04\x05\xb4")
        self.handshake = _Header(0x10, _ISN + 1)
        self.request = _Header(0x18, _ISN + 1, _REQUEST)
        self.ack = _Header(0x10, after_request)
        self.fin = _Header(0x11, after_request)
        self.last = _Header(0x10, after_request + 1)

    def connection(self, port: int) -> None:
        """One connection: the tester opens, asks, is answered, and closes first."""
        fd, write, read = self.fd, os.write, os.read
        write(fd, self.syn.packet(port, 0))
        ack = int.from_bytes(read(fd, 2048)[24:28], "big") + 1 & 0xFFFFFFFF
        write(fd, self.handshake.packet(port, ack))
        accepted, _ = self.listener.accept()
        write(fd, self.request.packet(port, ack))
        read(fd, 2048)  # its acknowledgment: a new connection's are not delayed
        accepted.recv(64)
        accepted.send(_RESPONSE)
        read(fd, 2048)
        ack = ack + len(_RESPONSE) & 0xFFFFFFFF
        write(fd, self.ack.packet(port, ack))
        write(fd, self.fin.packet(port, ack))
        accepted.close()  # its FIN acknowledges ours, which is why the acknowledgment of a FIN may be delayed
        while not read(fd, 2048)[33] & 0x01:
            pass
        write(fd, self.last.packet(port, ack + 1 & 0xFFFFFFFF))


def bare_connections(n: int) -> float:
    """Make ``n`` TCP connections to the live kernel, one after the other; how many a second (wall clock).

    In a namespace of its own, which is gone afterwards; needs root. Raises :class:`IutError` if the kernel does not
    answer as expected.
    """
    namespace = NetworkNamespace()
    try:
        with namespace.entered():
            linux_sysctl.apply(linux_sysctl.settings(4))
            link_up("lo")
            tun = Tun()
            try:
                tun.up(IUT[4], PREFIX[4])
                return _timed(tun, n)
            finally:
                tun.close()
    finally:
        namespace.close()


def _timed(tun: Tun, n: int) -> float:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_NONBLOCK) as listener:
        listener.bind((socket.inet_ntoa(IUT[4]), PORT))
        listener.listen(16)
        loop = _Loop(tun.fd, listener)
        begun = time.perf_counter()
        try:
            for i in range(n):
                loop.connection(1024 + i % 64000)
        except OSError as error:
            raise IutError(f"the kernel did not answer at once: {error.strerror}") from error
        return n / (time.perf_counter() - begun)
