"""``wireproof serve``: put the reference stack on a TUN interface and serve HTTP with it."""

from __future__ import annotations

import errno
import ipaddress
import os
import struct
import sys
import time
from pathlib import Path
from typing import BinaryIO, Literal

import click

from wireproof.reference.host import Host
from wireproof.reference.http import Server
from wireproof.reference.loop import Loop
from wireproof.reference.sockets import Stack
from wireproof.reference.tun import DEVICE, TunPort, configure, enter_namespace, new_namespace

CANNOT_START, INTERRUPTED = 3, 130
LINKTYPE_RAW = 101
Interface = ipaddress.IPv4Interface | ipaddress.IPv6Interface


class Capture:
    """Writes datagrams to a pcap file, as they pass."""

    def __init__(self, file: BinaryIO):
        self.file = file
        self.begun = time.time_ns() // 1000
        file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, LINKTYPE_RAW))

    def packet(self, now: int, _way: Literal["rx", "tx"], packet: bytes) -> None:
        """One datagram; ``now`` in microseconds since the port was made."""
        seconds, micros = divmod(self.begun + now, 1_000_000)
        self.file.write(struct.pack("<IIII", seconds, micros, len(packet), len(packet)) + packet)


def parsed(address: str, peer: str) -> tuple[Interface, bytes]:
    """The addresses of both ends, or a usage error that says what is wrong with them."""
    try:
        interface = ipaddress.ip_interface(address)
    except ValueError as error:
        raise click.BadParameter(f"{error} (wanted: 10.77.0.2/24)", param_hint="--address") from error
    try:
        other = ipaddress.ip_address(peer) if peer else next(a for a in interface.network.hosts() if a != interface.ip)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--peer") from error
    except StopIteration:
        raise click.BadParameter(f"no room for a peer in {interface.network}", param_hint="--address") from None
    if other == interface.ip or other not in interface.network:
        raise click.BadParameter(f"{other} is not another address of {interface.network}", param_hint="--peer")
    return interface, other.packed


def explained(error: OSError) -> str:
    """What failed, and what helps."""
    hints = {
        errno.EPERM: "run as root, or with CAP_NET_ADMIN (and CAP_SYS_ADMIN for namespaces)",
        errno.EACCES: "run as root, or with CAP_NET_ADMIN",
        errno.EBUSY: "another process has an interface of this name: choose one with --device",
    }
    what = error.strerror or str(error)
    hint = hints.get(error.errno or 0, "")
    if what.startswith(DEVICE) and error.errno in (errno.ENOENT, errno.ENODEV, errno.ENXIO):
        hint = "modprobe tun, or pass the device into the container"
    return f"{what}\n{hint}".strip()


@click.command()
@click.option("--address", default="10.77.0.2/24", show_default=True, help="The reference's address, with its network.")
@click.option("--peer", default="", help="The kernel's address on the same link [default: the network's first other].")
@click.option("--device", default="wp0", show_default=True, help="Name of the TUN interface.")
@click.option("--port", default=80, show_default=True, type=click.IntRange(1, 65535), help="TCP port to serve on.")
@click.option("--namespace", metavar="NAME", help="Put the interface into this network namespace (ip netns).")
@click.option("--new-namespace", is_flag=True, help="Make a network namespace for the interface.")
@click.option(
    "--root",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Directory to serve [default: none; /octets/N gives N octets].",
)
@click.option("--loss", default=0.0, type=click.FloatRange(0, 1), help="Chance that a datagram is lost, each way.")
@click.option("--seed", default=0, help="Seed of the losses.")
@click.option("--pcap", type=click.File("wb"), help="Write all datagrams to this file.")
@click.option("--for", "seconds", type=click.FloatRange(min=0), help="Stop after this many seconds.")
def serve(
    address: str,
    peer: str,
    device: str,
    port: int,
    namespace: str | None,
    new_namespace: bool,
    root: Path | None,
    loss: float,
    seed: int,
    pcap: BinaryIO | None,
    seconds: float | None,
) -> None:
    """Serve HTTP with the reference stack, on a TUN interface that the kernel can reach.

    GET gives files of --root, or generated octets at /octets/N; PUT and POST answer with the SHA-256 of the body.

    Exit status: 0 after --for, 2 for a usage error, 3 if the interface cannot be made, 130 when interrupted.
    """
    if namespace and new_namespace:
        raise click.UsageError("--namespace and --new-namespace exclude each other")
    if not 0 < len(device.encode()) < 16 or "/" in device or device.strip() != device:
        raise click.BadParameter("1 to 15 octets without slash or space", param_hint="--device")
    ours, theirs = parsed(address, peer)
    try:
        interface = start(ours, theirs, device, namespace, new_namespace, loss, seed, pcap)
    except OSError as error:
        click.echo(f"wireproof serve: {explained(error)}", err=True)
        sys.exit(CANNOT_START)
    try:
        run(interface, ours, port, root, seconds, reach(ours, port, namespace, new_namespace))
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    finally:
        interface.close()


def start(
    ours: Interface,
    theirs: bytes,
    device: str,
    namespace: str | None,
    new: bool,
    loss: float,
    seed: int,
    pcap: BinaryIO | None,
) -> TunPort:
    """The interface, up, with the kernel's address. Raises OSError."""
    if new:
        new_namespace()
    elif namespace:
        enter_namespace(namespace)
    tap = Capture(pcap).packet if pcap is not None else None
    interface = TunPort(device, loss=loss, seed=seed, tap=tap)
    try:
        configure(device, theirs, ours.network.prefixlen)
    except OSError:
        interface.close()
        raise
    return interface


def reach(ours: Interface, port: int, namespace: str | None, new: bool) -> str:
    """The command that reaches the server."""
    name = f"[{ours.ip}]" if ours.version == 6 else str(ours.ip)
    url = f"http://{name}/" if port == 80 else f"http://{name}:{port}/"
    enter = f"nsenter --net=/proc/{os.getpid()}/ns/net " if new else ""
    if namespace:
        enter = f"nsenter --net={namespace} " if "/" in namespace else f"ip netns exec {namespace} "
    return f"{enter}curl {url}"


def run(interface: TunPort, ours: Interface, port: int, root: Path | None, seconds: float | None, command: str) -> None:
    """Serve until ``seconds`` have passed, or for ever."""
    host = Host(ours.ip.packed, interface.transmit, mtu=interface.mtu, secret=os.urandom(32))
    interface.attach(host)
    loop = Loop(interface)
    server = Server(Stack(host, loop), port, root)
    click.echo(f"The reference stack serves HTTP at {ours.ip} port {port} on {interface.name}. Try:\n  {command}")
    sys.stdout.flush()
    end = None if seconds is None else loop.now() + round(seconds * 1e6)
    loop.wait(lambda: False, end)
    click.echo(f"{server.requests} requests served.")
