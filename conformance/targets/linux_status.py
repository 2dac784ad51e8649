"""The state of a connection in the live kernel: ``TCP_INFO``, and for what has no socket any more ``sock_diag``."""

from __future__ import annotations

import errno
import socket
import struct

from wireproof.conformance.session import IutError

STATES = {
    1: "ESTABLISHED",
    2: "SYN-SENT",
    3: "SYN-RECEIVED",
    4: "FIN-WAIT-1",
    5: "FIN-WAIT-2",
    6: "TIME-WAIT",
    7: "CLOSED",
    8: "CLOSE-WAIT",
    9: "LAST-ACK",
    10: "LISTEN",
    11: "CLOSING",
    12: "SYN-RECEIVED",
}
"""The kernel's numbers (TCP_NEW_SYN_RECV is 12) by their names in RFC 9293."""

Endpoint = tuple[bytes, int]

NETLINK_SOCK_DIAG, SOCK_DIAG_BY_FAMILY, NLM_F_REQUEST, NLMSG_ERROR = 4, 20, 1, 2
_LISTEN, _CLOSED = 10, 7


def socket_state(sock: socket.socket) -> int:
    """The number of the state that a socket itself has."""
    return sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0]


class StateByAddress:
    """Asks the kernel for the state of a connection by its pair of endpoints, in the namespace it was made in.

    Needed for TIME-WAIT: a connection that enters it loses its socket, which from then on calls itself CLOSED.
    """

    def __init__(self) -> None:
        try:
            self._netlink = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_SOCK_DIAG)
        except OSError as error:
            raise IutError(f"sock_diag: {error.strerror}") from error

    def __call__(self, local: Endpoint, remote: Endpoint) -> int:
        """The state's number; that of CLOSED where the kernel knows no such connection."""
        family = socket.AF_INET if len(local[0]) == 4 else socket.AF_INET6
        endpoints = struct.pack("!HH16s16s", local[1], remote[1], local[0], remote[0])
        request = struct.pack("=BBxxI", family, socket.IPPROTO_TCP, 0xFFFFFFFF) + endpoints
        request += struct.pack("=III", 0, 0xFFFFFFFF, 0xFFFFFFFF)  # any interface, no cookie
        header = struct.pack("=IHHII", 16 + len(request), SOCK_DIAG_BY_FAMILY, NLM_F_REQUEST, 1, 0)
        self._netlink.send(header + request)
        answer = self._netlink.recv(8192)
        (kind,) = struct.unpack_from("=H", answer, 4)
        if kind == NLMSG_ERROR:
            (number,) = struct.unpack_from("=i", answer, 16)
            if -number == errno.ENOENT:
                return _CLOSED
            raise IutError(f"sock_diag: {errno.errorcode.get(-number, number)}")
        state = answer[17]
        # Without the connection the kernel falls back to a listener on the same port.
        return _CLOSED if state == _LISTEN else state

    def close(self) -> None:
        self._netlink.close()
