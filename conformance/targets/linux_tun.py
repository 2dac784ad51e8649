"""A TUN interface in the current network namespace, with addresses and routes by ioctl: nothing need be installed."""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import socket
import struct
import time
from pathlib import Path

from wireproof.conformance.session import IutError

TUNSETIFF = 0x400454CA
IFF_TUN, IFF_NO_PI = 0x0001, 0x1000
IFF_UP, RTF_UP = 0x1, 0x1
IFA_F_TENTATIVE = 0x40
SIOCADDRT = 0x890B
SIOCGIFFLAGS, SIOCSIFFLAGS = 0x8913, 0x8914
SIOCSIFADDR, SIOCSIFNETMASK, SIOCSIFMTU = 0x8916, 0x891C, 0x8922
SIOCGIFINDEX, SIOCSIFTXQLEN = 0x8933, 0x8943

# What the kernel sends while the loop is busy waits in the device; the usual 500 places would lose packets when
# hundreds of tests' timers go off together.
QUEUE_LENGTH = 65536


def _ifreq(name: str, body: bytes = b"") -> bytes:
    return struct.pack("16s24s", name.encode(), body)


def _ioctl(sock: socket.socket, request: int, argument: bytes, what: str) -> bytes:
    try:
        return fcntl.ioctl(sock, request, argument)
    except OSError as error:
        raise IutError(f"{what}: {error.strerror}") from error


def link_up(name: str) -> None:
    """Set an interface of the current namespace up."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        answer = _ioctl(sock, SIOCGIFFLAGS, _ifreq(name), f"{name}: no flags")
        (flags,) = struct.unpack_from("H", answer, 16)
        _ioctl(sock, SIOCSIFFLAGS, _ifreq(name, struct.pack("H", flags | IFF_UP)), f"{name} stays down")


class Tun:
    """A TUN interface without link headers or offloads, made in the calling thread's network namespace.

    ``fd`` is non-blocking: a read gives one IP datagram or ``EAGAIN``; a write returns when the kernel has dealt
    with the datagram. ``mtu`` is in octets. Raises :class:`IutError`, with the step that failed, when the
    interface cannot be made.
    """

    def __init__(self, name: str = "wire0", mtu: int = 1500) -> None:
        self.name = name
        self.mtu = mtu
        try:
            self.fd = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            raise IutError(f"/dev/net/tun: {error.strerror}") from error
        try:
            fcntl.ioctl(self.fd, TUNSETIFF, _ifreq(name, struct.pack("H", IFF_TUN | IFF_NO_PI)))
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
                _ioctl(sock, SIOCSIFMTU, _ifreq(name, struct.pack("i", mtu)), f"{name}: no MTU of {mtu}")
                _ioctl(sock, SIOCSIFTXQLEN, _ifreq(name, struct.pack("i", QUEUE_LENGTH)), f"{name}: no queue")
        except OSError as error:
            self.close()
            raise IutError(f"the TUN interface {name} could not be made: {error.strerror}") from error
        except IutError:
            self.close()
            raise

    def up(self, address: bytes, prefix: int) -> None:
        """Give the interface its address with a network of ``prefix`` bits, set it up, make it the default route."""
        if len(address) == 4:
            self._up4(address, prefix)
        else:
            self._up6(address, prefix)

    def _up4(self, address: bytes, prefix: int) -> None:
        mask = (0xFFFFFFFF << 32 - prefix & 0xFFFFFFFF).to_bytes(4, "big")
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            _ioctl(sock, SIOCSIFADDR, _ifreq(self.name, _sockaddr4(address)), f"{self.name}: no address")
            _ioctl(sock, SIOCSIFNETMASK, _ifreq(self.name, _sockaddr4(mask)), f"{self.name}: no netmask")
            link_up(self.name)
            anywhere, device = _sockaddr4(bytes(4)), ctypes.create_string_buffer(self.name.encode())
            # struct rtentry: pad, destination, gateway, netmask, flags, pads, metric, device, mtu, window, irtt
            route = struct.pack(
                "L16s16s16sHhLPhPLLH",
                *(0, anywhere, anywhere, anywhere, RTF_UP, 0, 0, 0, 0, ctypes.addressof(device), 0, 0, 0),
            )
            _ioctl(sock, SIOCADDRT, route, f"{self.name}: no default route")

    def _up6(self, address: bytes, prefix: int) -> None:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sock:
            answer = _ioctl(sock, SIOCGIFINDEX, _ifreq(self.name), f"{self.name}: no index")
            (index,) = struct.unpack_from("i", answer, 16)
            link_up(self.name)
            entry = struct.pack("16sIi", address, prefix, index)
            _ioctl(sock, SIOCSIFADDR, entry, f"{self.name}: no address")
            # struct in6_rtmsg: destination, source, gateway, type, lengths, metric, info, flags, index
            route = struct.pack("16s16s16sIHHILIi", bytes(16), bytes(16), bytes(16), 0, 0, 0, 1024, 0, RTF_UP, index)
            _ioctl(sock, SIOCADDRT, route, f"{self.name}: no default route")
        _await_address6(address)

    def write(self, packet: bytes) -> bool:
        """Hand one datagram to the kernel; False if it is no IP datagram at all, which the interface refuses.

        Raises :class:`IutError` when the interface is gone.
        """
        try:
            os.write(self.fd, packet)
        except OSError as error:
            if error.errno == errno.EINVAL:
                return False
            raise IutError(f"{self.name} takes no packets: {error.strerror}") from error
        return True

    def close(self) -> None:
        """Take the interface away. Harmless when repeated."""
        fd, self.fd = self.fd, -1
        if fd >= 0:
            os.close(fd)


def _await_address6(address: bytes) -> None:
    """Wait until a new IPv6 address is usable: the kernel settles that in a work queue, even without detection."""
    for _ in range(2000):
        for line in Path("/proc/thread-self/net/if_inet6").read_text().splitlines():
            name, _, _, _, flags, _ = line.split()
            if bytes.fromhex(name) == address and not int(flags, 16) & IFA_F_TENTATIVE:
                return
        time.sleep(0.001)
    raise IutError(f"the address {socket.inet_ntop(socket.AF_INET6, address)} stays tentative")


def _sockaddr4(address: bytes) -> bytes:
    return struct.pack("HH4s8x", socket.AF_INET, 0, address)
