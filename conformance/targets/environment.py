"""What this machine offers to the targets: every answer comes from trying it."""

from __future__ import annotations

import importlib
import os
import platform
import socket
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from wireproof.conformance.session import IutError
from wireproof.conformance.targets import linux_sysctl
from wireproof.conformance.targets.linux_namespace import NetworkNamespace
from wireproof.conformance.targets.linux_tun import Tun, link_up
from wireproof.conformance.targets.linux_wire import IUT, PREFIX

MINIMUM_PYTHON = (3, 11)
CAP_NET_ADMIN, CAP_SYS_ADMIN = 12, 21


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was tried: ``detail`` is what was found, ``remedy`` what helps when it is not ``ok``."""

    name: str
    ok: bool
    detail: str
    remedy: str = ""


def _python() -> Check:
    wanted = ".".join(map(str, MINIMUM_PYTHON))
    ok = sys.version_info[:2] >= MINIMUM_PYTHON
    return Check("python", ok, platform.python_version(), f"use Python {wanted} or newer")


def _kernel() -> Check:
    ok = platform.system() == "Linux"
    detail = f"{platform.system()} {platform.release()}"
    return Check("kernel", ok, detail, "the live kernel target needs Linux; all others run anywhere")


def _cores() -> Check:
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return Check("cores", usable >= 1, f"{usable} usable")


def _z3() -> Check:
    try:
        z3 = importlib.import_module("z3")
        solver = z3.Solver()
        x = z3.BitVec("x", 32)
        solver.add(x + 1 == 0)
        ok = str(solver.check()) == "sat" and solver.model()[x].as_long() == 0xFFFFFFFF
        return Check("z3", ok, str(z3.get_version_string()), "it gives wrong answers: reinstall z3-solver")
    except Exception as error:  # a library that does not load fails in many ways
        return Check("z3", False, f"{type(error).__name__}: {error}", "install the package z3-solver")


def capabilities() -> int:
    """The effective capabilities of this thread, as a mask; 0 where the kernel does not tell."""
    try:
        lines = Path("/proc/thread-self/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1], 16) for line in lines if line.startswith("CapEff:")), 0)


def _privilege() -> Check:
    mask = capabilities()
    wanted = {"CAP_NET_ADMIN": CAP_NET_ADMIN, "CAP_SYS_ADMIN": CAP_SYS_ADMIN}
    missing = [name for name, bit in wanted.items() if not mask >> bit & 1]
    detail = f"uid {os.geteuid()}, " + (f"without {', '.join(missing)}" if missing else "with " + ", ".join(wanted))
    return Check("privilege", not missing, detail, "run as root, or in a container with these capabilities")


def _tun() -> Check:
    try:
        os.close(os.open("/dev/net/tun", os.O_RDWR))
    except OSError as error:
        remedy = "modprobe tun; in a container, pass the device in (--device /dev/net/tun)"
        return Check("/dev/net/tun", False, str(error.strerror), remedy)
    return Check("/dev/net/tun", True, "opens")


def _namespace() -> Check:
    try:
        NetworkNamespace().close()
    except (IutError, OSError) as error:
        remedy = "CAP_SYS_ADMIN is needed, and a container profile that allows unshare and setns"
        return Check("network namespace", False, str(error), remedy)
    return Check("network namespace", True, "made and left again")


def _interface() -> Check:
    """All of them together, with the parameters: this is what the live kernel target does first."""
    try:
        absent = _try_target(4)
    except (IutError, OSError) as error:
        return Check("kernel target, IPv4", False, str(error), "see the checks above, and the parameter that is named")
    return Check("kernel target, IPv4", True, "ready" + (f"; not set: {', '.join(absent)}" if absent else ""))


def _ipv6() -> Check:
    try:
        _try_target(6)
    except (IutError, OSError) as error:
        return Check("kernel target, IPv6", False, str(error), "boot without ipv6.disable=1; IPv4 works without")
    return Check("kernel target, IPv6", True, "ready")


def _try_target(family: int) -> list[str]:
    """Make a namespace, its parameters, and an interface with an address that binds; which parameters it lacks."""
    namespace = NetworkNamespace()
    try:
        with namespace.entered():
            absent = linux_sysctl.apply(linux_sysctl.settings(6 if family == 6 else 4))
            link_up("lo")
            tun = Tun()
            try:
                tun.up(IUT[family], PREFIX[family])
                domain = socket.AF_INET6 if family == 6 else socket.AF_INET
                with socket.socket(domain, socket.SOCK_STREAM) as sock:
                    sock.bind((socket.inet_ntop(domain, IUT[family]), 0))
            finally:
                tun.close()
    finally:
        namespace.close()
    return sorted(absent)


PROBES: tuple[Callable[[], Check], ...] = (
    _python,
    _z3,
    _cores,
    _kernel,
    _privilege,
    _tun,
    _namespace,
    _interface,
    _ipv6,
)


def probe() -> list[Check]:
    """Try everything that a target may need. Raises nothing; leaves no interface and no namespace behind."""
    return [check() for check in PROBES]
