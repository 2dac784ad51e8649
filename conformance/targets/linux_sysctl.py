"""The kernel parameters that make a namespace of Linux a repeatable target, and writing them.

Every value that traces depend on is written, those that equal the kernel's default too: a machine may have been tuned.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from wireproof.conformance.session import IutError

ROOT = Path("/proc/sys/net")


@dataclass(frozen=True, slots=True)
class Sysctl:
    """One parameter below ``net``. An ``optional`` one may be missing or read-only, as on other kernel versions."""

    name: str
    value: str
    optional: bool = False


def _tcp(optional: bool, **values: int | str) -> list[Sysctl]:
    return [Sysctl(f"ipv4/tcp_{name}", str(value), optional) for name, value in values.items()]


COMMON = (
    # The specification negotiates neither timestamps, SACK, window scaling, ECN nor fast open.
    *_tcp(False, timestamps=0, sack=0, window_scaling=0, ecn=0, fastopen=0),
    *_tcp(True, dsack=0, frto=0, recovery=0, early_retrans=0, comp_sack_nr=0, mtu_probing=0, ecn_option=0),
    # One test leaves nothing behind for the next, and what is sent depends on no rate limit.
    *_tcp(False, no_metrics_save=1, moderate_rcvbuf=0, syncookies=0),
    *_tcp(True, invalid_ratelimit=0, challenge_ack_limit=2147483647, tw_reuse=0, no_ssthresh_metrics_save=1),
    *_tcp(True, congestion_control="reno", autocorking=0, slow_start_after_idle=0, plb_enabled=0),
    # Time laws. The doubling of the SYN's timer from the first retransmission on is RFC 6298's.
    *_tcp(True, syn_linear_timeouts=0, thin_linear_timeouts=0, rto_min_us=200000, rto_max_ms=120000),
    *_tcp(True, fin_timeout=60, keepalive_time=7200, keepalive_intvl=75, keepalive_probes=9),
    *_tcp(True, retries1=3, retries2=15, syn_retries=6, synack_retries=5, orphan_retries=0),
    *_tcp(True, max_syn_backlog=65536, abort_on_overflow=0, rfc1337=0, stdurg=0, min_snd_mss=48),
    # Windows: at most 65,535 without scaling.
    *_tcp(True, rmem="4096 131072 6291456", wmem="4096 16384 4194304", shrink_window=0, adv_win_scale=1, app_win=31),
    Sysctl("ipv4/icmp_ratelimit", "0"),
    Sysctl("ipv4/icmp_msgs_per_sec", "1000000", optional=True),
    Sysctl("ipv4/icmp_msgs_burst", "1000000", optional=True),
    Sysctl("ipv4/ip_default_ttl", "64"),
    Sysctl("ipv4/ip_no_pmtu_disc", "0"),
    # Ports that the kernel picks itself stay clear of those that tests have for themselves.
    Sysctl("ipv4/ip_local_port_range", "61000 65535"),
    # Spoofed sources are part of tests.
    Sysctl("ipv4/conf/all/rp_filter", "0"),
    Sysctl("ipv4/conf/default/rp_filter", "0"),
    Sysctl("core/somaxconn", "65536", optional=True),
)

# Without these IPv6 talks unasked: router solicitations, address detection, multicast reports of its own addresses.
IPV6 = (
    Sysctl("ipv6/conf/default/disable_ipv6", "0"),
    Sysctl("ipv6/conf/all/disable_ipv6", "0"),
    Sysctl("ipv6/conf/default/addr_gen_mode", "1"),
    Sysctl("ipv6/conf/default/router_solicitations", "0"),
    Sysctl("ipv6/conf/default/accept_ra", "0"),
    Sysctl("ipv6/conf/default/accept_dad", "0"),
    Sysctl("ipv6/conf/default/dad_transmits", "0"),
    Sysctl("ipv6/conf/default/hop_limit", "64"),
    Sysctl("ipv6/icmp/ratelimit", "0"),
    Sysctl("ipv6/auto_flowlabels", "0", optional=True),
)

NO_IPV6 = (
    Sysctl("ipv6/conf/default/disable_ipv6", "1", optional=True),
    Sysctl("ipv6/conf/all/disable_ipv6", "1", optional=True),
)


def settings(family: Literal[4, 6]) -> tuple[Sysctl, ...]:
    """What has to be written before the interface is made, for a target that speaks IPv4 or IPv6."""
    return COMMON + (IPV6 if family == 6 else NO_IPV6)


def apply(wanted: tuple[Sysctl, ...]) -> dict[str, str]:
    """Write parameters in the calling thread's namespace; which optional ones this kernel does not have, and why.

    Raises :class:`IutError` for a parameter that is not optional, or one that reads back as something else.
    """
    refused: dict[str, str] = {}
    for parameter in wanted:
        path = ROOT / parameter.name
        try:
            path.write_text(parameter.value)
            seen = path.read_text().split()
        except OSError as error:
            if not parameter.optional:
                raise IutError(f"sysctl net/{parameter.name} = {parameter.value}: {error.strerror}") from error
            refused[parameter.name] = error.strerror or "refused"
            continue
        if seen != parameter.value.split():
            raise IutError(f"sysctl net/{parameter.name} is {' '.join(seen)} after writing {parameter.value}")
    return refused
