"""The configuration of a TCP connection and the parameters of its environment.

Generated from spec/rules/tcp/*.wire by `make generate` (spec/backends/python.py). Do not edit.
"""

from __future__ import annotations

from typing import Any

from wireproof.reference.run import (
    STOPPED,
    Template,
)
from wireproof.reference.sequence import MASK as M


class Tcp:
    """A configuration: all variables, each timer's earliest and latest end (us), what is owed at once.

    ``owed_since``: when the oldest of ``owed`` was asked for. ``due``: permissions that became duties, with
    their deadlines.

    ``unbound``: the initial sequence number was chosen and has not been seen; everything counted from it
    is relative to 0 until then. ``deviations``: (rule, requirement) of SHOULDs not followed.
    """

    __slots__ = (
        "acknowledge_from",
        "acknowledge_until",
        "cwnd",
        "deviations",
        "dscp_set",
        "due",
        "dupacks",
        "duplicate_ack_from",
        "duplicate_ack_until",
        "error",
        "fin_known",
        "fin_seq",
        "irs",
        "iss",
        "keep_alive",
        "keep_alive_from",
        "keep_alive_until",
        "keep_count",
        "keep_idle",
        "keep_interval",
        "last_small",
        "max_snd_wnd",
        "nodelay_set",
        "now",
        "overridden",
        "override_sws_from",
        "override_sws_until",
        "owed",
        "owed_since",
        "passive",
        "path_mtu",
        "persist_from",
        "persist_until",
        "probe_interval",
        "probes",
        "rcv_closed",
        "rcv_data",
        "rcv_edge",
        "rcv_fin",
        "rcv_held",
        "rcv_nxt",
        "rcv_offer",
        "rcv_prior",
        "rcv_prior_at",
        "rcv_up",
        "rcv_urgent",
        "recover",
        "recover_flight",
        "recovering",
        "repeats",
        "resend",
        "retransmission_from",
        "retransmission_until",
        "retries",
        "rto",
        "rtt_at",
        "rtt_known",
        "rtt_running",
        "rtt_seq",
        "rttvar",
        "snd_base",
        "snd_data",
        "snd_fin",
        "snd_mss",
        "snd_nxt",
        "snd_una",
        "snd_up",
        "snd_urgent",
        "snd_wl1",
        "snd_wl2",
        "snd_wnd",
        "soft_error",
        "srtt",
        "ssthresh",
        "state",
        "stretched",
        "time_wait_end_from",
        "time_wait_end_until",
        "ttl_set",
        "unacked",
        "unbound",
        "user_timeout",
        "user_timeout_from",
        "user_timeout_until",
    )

    def __init__(self) -> None:
        self.state: str = "CLOSED"
        self.passive: bool = False
        self.error: str = "NONE"
        self.soft_error: str = "NONE"
        self.iss: int = 0
        self.snd_una: int = 0
        self.snd_nxt: int = 0
        self.snd_wnd: int = 0
        self.snd_up: int = 0
        self.snd_urgent: bool = False
        self.snd_wl1: int = 0
        self.snd_wl2: int = 0
        self.max_snd_wnd: int = 0
        self.snd_mss: int = 536
        self.snd_data: bytes = b""
        self.snd_base: int = 0
        self.snd_fin: bool = False
        self.irs: int = 0
        self.rcv_nxt: int = 0
        self.rcv_prior: int = 0
        self.rcv_prior_at: int = 0
        self.rcv_edge: int = 0
        self.rcv_offer: int = 0
        self.rcv_up: int = 0
        self.rcv_urgent: bool = False
        self.rcv_data: bytes = b""
        self.rcv_held: tuple[tuple[int, bytes], ...] = ()
        self.rcv_fin: bool = False
        self.fin_known: bool = False
        self.fin_seq: int = 0
        self.rcv_closed: bool = False
        self.unacked: int = 0
        self.repeats: int = 0
        self.stretched: bool = False
        self.rto: int = 1_000_000
        self.srtt: int = 0
        self.rttvar: int = 0
        self.rtt_known: bool = False
        self.rtt_running: bool = False
        self.rtt_seq: int = 0
        self.rtt_at: int = 0
        self.retries: int = 0
        self.probes: int = 0
        self.cwnd: int = 65_535
        self.ssthresh: int = 1_073_741_824
        self.probe_interval: int = 1_000_000
        self.dupacks: int = 0
        self.recovering: bool = False
        self.recover: int = 0
        self.recover_flight: int = 0
        self.resend: bool = False
        self.path_mtu: int = 65_535
        self.last_small: int = 0
        self.overridden: bool = False
        self.nodelay_set: bool = False
        self.keep_alive: bool = False
        self.keep_idle: int = 7_200_000_000
        self.keep_interval: int = 75_000_000
        self.keep_count: int = 9
        self.user_timeout: int = 0
        self.ttl_set: int = 64
        self.dscp_set: int = 0
        self.retransmission_from: int = STOPPED
        self.retransmission_until: int = STOPPED
        self.acknowledge_from: int = STOPPED
        self.acknowledge_until: int = STOPPED
        self.duplicate_ack_from: int = STOPPED
        self.duplicate_ack_until: int = STOPPED
        self.persist_from: int = STOPPED
        self.persist_until: int = STOPPED
        self.override_sws_from: int = STOPPED
        self.override_sws_until: int = STOPPED
        self.keep_alive_from: int = STOPPED
        self.keep_alive_until: int = STOPPED
        self.user_timeout_from: int = STOPPED
        self.user_timeout_until: int = STOPPED
        self.time_wait_end_from: int = STOPPED
        self.time_wait_end_until: int = STOPPED
        self.now: int = 0
        self.unbound: bool = False
        self.owed: tuple[Template, ...] = ()
        self.owed_since: int = -1
        self.due: tuple[tuple[str, int], ...] = ()
        self.deviations: tuple[tuple[str, str], ...] = ()

    def copy(self) -> "Tcp":
        """The same configuration, to go another way from here."""
        new = Tcp.__new__(Tcp)
        new.state = self.state
        new.passive = self.passive
        new.error = self.error
        new.soft_error = self.soft_error
        new.iss = self.iss
        new.snd_una = self.snd_una
        new.snd_nxt = self.snd_nxt
        new.snd_wnd = self.snd_wnd
        new.snd_up = self.snd_up
        new.snd_urgent = self.snd_urgent
        new.snd_wl1 = self.snd_wl1
        new.snd_wl2 = self.snd_wl2
        new.max_snd_wnd = self.max_snd_wnd
        new.snd_mss = self.snd_mss
        new.snd_data = self.snd_data
        new.snd_base = self.snd_base
        new.snd_fin = self.snd_fin
        new.irs = self.irs
        new.rcv_nxt = self.rcv_nxt
        new.rcv_prior = self.rcv_prior
        new.rcv_prior_at = self.rcv_prior_at
        new.rcv_edge = self.rcv_edge
        new.rcv_offer = self.rcv_offer
        new.rcv_up = self.rcv_up
        new.rcv_urgent = self.rcv_urgent
        new.rcv_data = self.rcv_data
        new.rcv_held = self.rcv_held
        new.rcv_fin = self.rcv_fin
        new.fin_known = self.fin_known
        new.fin_seq = self.fin_seq
        new.rcv_closed = self.rcv_closed
        new.unacked = self.unacked
        new.repeats = self.repeats
        new.stretched = self.stretched
        new.rto = self.rto
        new.srtt = self.srtt
        new.rttvar = self.rttvar
        new.rtt_known = self.rtt_known
        new.rtt_running = self.rtt_running
        new.rtt_seq = self.rtt_seq
        new.rtt_at = self.rtt_at
        new.retries = self.retries
        new.probes = self.probes
        new.cwnd = self.cwnd
        new.ssthresh = self.ssthresh
        new.probe_interval = self.probe_interval
        new.dupacks = self.dupacks
        new.recovering = self.recovering
        new.recover = self.recover
        new.recover_flight = self.recover_flight
        new.resend = self.resend
        new.path_mtu = self.path_mtu
        new.last_small = self.last_small
        new.overridden = self.overridden
        new.nodelay_set = self.nodelay_set
        new.keep_alive = self.keep_alive
        new.keep_idle = self.keep_idle
        new.keep_interval = self.keep_interval
        new.keep_count = self.keep_count
        new.user_timeout = self.user_timeout
        new.ttl_set = self.ttl_set
        new.dscp_set = self.dscp_set
        new.retransmission_from = self.retransmission_from
        new.retransmission_until = self.retransmission_until
        new.acknowledge_from = self.acknowledge_from
        new.acknowledge_until = self.acknowledge_until
        new.duplicate_ack_from = self.duplicate_ack_from
        new.duplicate_ack_until = self.duplicate_ack_until
        new.persist_from = self.persist_from
        new.persist_until = self.persist_until
        new.override_sws_from = self.override_sws_from
        new.override_sws_until = self.override_sws_until
        new.keep_alive_from = self.keep_alive_from
        new.keep_alive_until = self.keep_alive_until
        new.user_timeout_from = self.user_timeout_from
        new.user_timeout_until = self.user_timeout_until
        new.time_wait_end_from = self.time_wait_end_from
        new.time_wait_end_until = self.time_wait_end_until
        new.now = self.now
        new.unbound = self.unbound
        new.owed = self.owed
        new.owed_since = self.owed_since
        new.due = self.due
        new.deviations = self.deviations
        return new

    def key(self) -> tuple[Any, ...]:
        """Equal keys: the same configuration, deviations and clock aside."""
        return (
            self.state,
            self.passive,
            self.error,
            self.soft_error,
            self.iss,
            self.snd_una,
            self.snd_nxt,
            self.snd_wnd,
            self.snd_up,
            self.snd_urgent,
            self.snd_wl1,
            self.snd_wl2,
            self.max_snd_wnd,
            self.snd_mss,
            self.snd_data,
            self.snd_base,
            self.snd_fin,
            self.irs,
            self.rcv_nxt,
            self.rcv_prior,
            self.rcv_prior_at,
            self.rcv_edge,
            self.rcv_offer,
            self.rcv_up,
            self.rcv_urgent,
            self.rcv_data,
            self.rcv_held,
            self.rcv_fin,
            self.fin_known,
            self.fin_seq,
            self.rcv_closed,
            self.unacked,
            self.repeats,
            self.stretched,
            self.rto,
            self.srtt,
            self.rttvar,
            self.rtt_known,
            self.rtt_running,
            self.rtt_seq,
            self.rtt_at,
            self.retries,
            self.probes,
            self.cwnd,
            self.ssthresh,
            self.probe_interval,
            self.dupacks,
            self.recovering,
            self.recover,
            self.recover_flight,
            self.resend,
            self.path_mtu,
            self.last_small,
            self.overridden,
            self.nodelay_set,
            self.keep_alive,
            self.keep_idle,
            self.keep_interval,
            self.keep_count,
            self.user_timeout,
            self.ttl_set,
            self.dscp_set,
            self.retransmission_from,
            self.retransmission_until,
            self.acknowledge_from,
            self.acknowledge_until,
            self.duplicate_ack_from,
            self.duplicate_ack_until,
            self.persist_from,
            self.persist_until,
            self.override_sws_from,
            self.override_sws_until,
            self.keep_alive_from,
            self.keep_alive_until,
            self.user_timeout_from,
            self.user_timeout_until,
            self.time_wait_end_from,
            self.time_wait_end_until,
            self.unbound,
            self.owed,
            self.due,
        )

    def rebase_irs(self, delta: int) -> None:
        """Move everything that is counted from IRS."""
        self.snd_wl1 = (self.snd_wl1 + delta) & M
        self.irs = (self.irs + delta) & M
        self.rcv_nxt = (self.rcv_nxt + delta) & M
        self.rcv_prior = (self.rcv_prior + delta) & M
        self.rcv_edge = (self.rcv_edge + delta) & M
        self.rcv_up = (self.rcv_up + delta) & M
        self.fin_seq = (self.fin_seq + delta) & M

    def rebase_iss(self, delta: int) -> None:
        """Move everything that is counted from ISS."""
        self.iss = (self.iss + delta) & M
        self.snd_una = (self.snd_una + delta) & M
        self.snd_nxt = (self.snd_nxt + delta) & M
        self.snd_up = (self.snd_up + delta) & M
        self.snd_wl2 = (self.snd_wl2 + delta) & M
        self.snd_base = (self.snd_base + delta) & M
        self.rtt_seq = (self.rtt_seq + delta) & M
        self.recover = (self.recover + delta) & M
        self.last_small = (self.last_small + delta) & M


TIMERS = (
    "RETRANSMISSION",
    "ACKNOWLEDGE",
    "DUPLICATE-ACK",
    "PERSIST",
    "OVERRIDE-SWS",
    "KEEP-ALIVE",
    "USER-TIMEOUT",
    "TIME-WAIT-END",
)
TIMER_SLOTS = (
    ("RETRANSMISSION", "retransmission_from", "retransmission_until"),
    ("ACKNOWLEDGE", "acknowledge_from", "acknowledge_until"),
    ("DUPLICATE-ACK", "duplicate_ack_from", "duplicate_ack_until"),
    ("PERSIST", "persist_from", "persist_until"),
    ("OVERRIDE-SWS", "override_sws_from", "override_sws_until"),
    ("KEEP-ALIVE", "keep_alive_from", "keep_alive_until"),
    ("USER-TIMEOUT", "user_timeout_from", "user_timeout_until"),
    ("TIME-WAIT-END", "time_wait_end_from", "time_wait_end_until"),
)
BASES = {
    "iss": "ISS",
    "snd_una": "ISS",
    "snd_nxt": "ISS",
    "snd_up": "ISS",
    "snd_wl1": "IRS",
    "snd_wl2": "ISS",
    "snd_base": "ISS",
    "irs": "IRS",
    "rcv_nxt": "IRS",
    "rcv_prior": "IRS",
    "rcv_edge": "IRS",
    "rcv_up": "IRS",
    "fin_seq": "IRS",
    "rtt_seq": "ISS",
    "recover": "ISS",
    "last_small": "ISS",
}
"""Which initial sequence number each variable counts from."""
STATES = (
    "CLOSED",
    "LISTEN",
    "SYN-SENT",
    "SYN-RECEIVED",
    "ESTABLISHED",
    "FIN-WAIT-1",
    "FIN-WAIT-2",
    "CLOSE-WAIT",
    "CLOSING",
    "LAST-ACK",
    "TIME-WAIT",
)
ERRNOS = (
    "NONE",
    "EACCES",
    "EADDRINUSE",
    "EADDRNOTAVAIL",
    "EAGAIN",
    "EALREADY",
    "EBADF",
    "ECONNREFUSED",
    "ECONNRESET",
    "EHOSTUNREACH",
    "EINVAL",
    "EISCONN",
    "EMSGSIZE",
    "ENETUNREACH",
    "ENOBUFS",
    "ENOPROTOOPT",
    "ENOTCONN",
    "EOPNOTSUPP",
    "EPIPE",
    "EPROTO",
    "ETIMEDOUT",
)
OPTIONS = (
    "NODELAY",
    "KEEPALIVE",
    "KEEPIDLE-S",
    "KEEPINTVL-S",
    "KEEPCNT",
    "USER-TIMEOUT-MS",
    "TTL",
    "DSCP",
    "RCVBUF",
    "SNDBUF",
    "OOBINLINE",
)


class Params:
    """Parameters of an environment and a profile (durations in us, lengths in octets)."""

    __slots__ = (
        "mtu",
        "ip_header",
        "default_mss",
        "msl",
        "msl_late",
        "rto_initial",
        "rto_syn_lost",
        "rto_min",
        "rto_max",
        "rto_early",
        "rto_late",
        "ack_latest",
        "at_once",
        "send_latest",
        "override",
        "r2_data",
        "r2_syn",
        "r2_latest",
        "iw_segments",
        "growth_limit",
        "growth_round",
        "flight_slack",
        "halve_window",
        "proportional",
        "receive_buffer",
        "rfc793",
        "rfc9293",
        "rfc5961",
        "linux",
    )

    def __init__(self) -> None:
        self.mtu: int = 1500
        self.ip_header: int = 20
        self.default_mss: int = 536
        self.msl: int = 120_000_000
        self.msl_late: int = 1_000_000
        self.rto_initial: int = 1_000_000
        self.rto_syn_lost: int = 3_000_000
        self.rto_min: int = 1_000_000
        self.rto_max: int = 60_000_000
        self.rto_early: int = 0
        self.rto_late: int = 0
        self.ack_latest: int = 500_000
        self.at_once: int = 0
        self.send_latest: int = 1_000_000
        self.override: int = 100_000
        self.r2_data: int = 100_000_000
        self.r2_syn: int = 180_000_000
        self.r2_latest: int = 86_400_000_000
        self.iw_segments: int = 4
        self.growth_limit: int = 1
        self.growth_round: int = 0
        self.flight_slack: int = 0
        self.halve_window: int = 0
        self.proportional: int = 0
        self.receive_buffer: int = 65_535
        self.rfc793: bool = False
        self.rfc9293: bool = False
        self.rfc5961: bool = False
        self.linux: bool = False


def params(profile: str, **settings: int) -> Params:
    """The parameters of a profile, with further settings. Raises KeyError for an unknown profile."""
    p = Params()
    for name in (*reversed(PROFILES[profile]),):
        setattr(p, name, True)
        for key, value in SETTINGS[name].items():
            setattr(p, key, value)
    for key, value in settings.items():
        setattr(p, key, value)
    return p


PROFILES: dict[str, tuple[str, ...]] = {
    "rfc793": ("rfc793",),
    "rfc9293": ("rfc9293",),
    "rfc5961": (
        "rfc5961",
        "rfc9293",
    ),
    "linux": (
        "linux",
        "rfc5961",
        "rfc9293",
    ),
}
SETTINGS: dict[str, dict[str, Any]] = {
    "rfc793": {"iw_segments": 1000, "growth_limit": 1000},
    "rfc9293": {},
    "rfc5961": {},
    "linux": {
        "rto_min": 200_000,
        "rto_max": 120_000_000,
        "rto_early": 60_000,
        "rto_late": 500_000,
        "msl": 30_000_000,
        "msl_late": 6_000_000,
        "iw_segments": 10,
        "at_once": 20_000,
        "growth_limit": 1000,
        "growth_round": 1,
        "flight_slack": 4,
        "halve_window": 1,
        "proportional": 1,
        "r2_syn": 60_000_000,
    },
}
