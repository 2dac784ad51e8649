"""A host of the reference: its address, connections, listeners, and time. Sans-IO.

The host never reads a clock and owns no socket: whoever drives it says what time it is (integer microseconds),
hands in IP datagrams, and takes what is sent through ``transmit``.
"""

from __future__ import annotations

import heapq
import itertools
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from wireproof.reference import machine as machines
from wireproof.reference.addresses import is_group, is_invalid_source
from wireproof.reference.codec import Icmp, decode, encode
from wireproof.reference.connection import CallEvent, Connection
from wireproof.reference.icmp import classify
from wireproof.reference.policy import Policy
from wireproof.reference.run import REDELIVER, Outcome
from wireproof.reference.segment import ACK, RST, SYN, Segment

Key = tuple[bytes, int, bytes, int]
"""Local address and port, remote address and port."""

SYNCHRONIZED = frozenset({"ESTABLISHED", "FIN-WAIT-1", "FIN-WAIT-2", "CLOSE-WAIT", "CLOSING", "LAST-ACK", "TIME-WAIT"})
OPTIONS = {
    "nodelay": "NODELAY",
    "keepalive": "KEEPALIVE",
    "keepidle_s": "KEEPIDLE-S",
    "keepintvl_s": "KEEPINTVL-S",
    "keepcnt": "KEEPCNT",
    "user_timeout_ms": "USER-TIMEOUT-MS",
    "ttl": "TTL",
    "dscp": "DSCP",
    "rcvbuf": "RCVBUF",
    "sndbuf": "SNDBUF",
    "oobinline": "OOBINLINE",
}
"""Option names of the upper tester and of the specification."""


@dataclass(slots=True)
class Listener:
    """A passive OPEN: its port, the connections being opened, and those that wait to be accepted."""

    local: tuple[bytes, int]
    backlog: int
    options: list[tuple[str, int]]
    opening: set[Key] = field(default_factory=set)
    ready: deque[Connection] = field(default_factory=deque)


class Host:
    """One address of a reference stack.

    ``transmit`` takes each IP datagram sent; ``broadcast`` are the addresses that mean everybody on the network.
    ``uses`` and ``choose`` are what policies do with permissions and silent choices (policy.py).
    """

    def __init__(
        self,
        address: bytes,
        transmit: Callable[[bytes], None],
        *,
        machine: machines.Machine | None = None,
        profile: str = "rfc5961",
        mtu: int = 1500,
        secret: bytes = b"wireproof",
        sndbuf: int = 65536,
        rcvbuf: int = 65535,
        broadcast: frozenset[bytes] = frozenset(),
        encode_segment: Callable[[Segment], bytes] = encode,
        policy: Callable[..., Policy] = Policy,
    ):
        self.address = address
        self.transmit = transmit
        self.machine = machine or machines.tcp()
        v6 = len(address) == 16
        self.p = self.machine.params(
            profile, mtu=mtu, ip_header=40 if v6 else 20, default_mss=1220 if v6 else 536, receive_buffer=rcvbuf
        )
        self.secret = secret
        self.sndbuf = sndbuf
        self.rcvbuf = rcvbuf
        self.broadcast = broadcast
        self.encode = encode_segment
        self.policy = policy
        self.now = 0
        self.own = frozenset({address})
        self.connections: dict[Key, Connection] = {}
        self.listeners: dict[int, Listener] = {}
        self.handles: dict[int, Connection | Listener | None] = {}
        """None: a handle that was made (by ``set``) and not opened."""
        self.presets: dict[int, list[tuple[str, int]]] = {}
        self._ident = itertools.count(1)
        self._wake: list[tuple[int, int, Connection]] = []
        self._order = itertools.count()
        self._ports = itertools.count(49152)

    # ---- packets --------------------------------------------------------------------------------------------------

    def receive(self, packet: bytes) -> None:
        """An IP datagram has arrived. What is no segment or ICMP message for this host is dropped."""
        got = decode(packet)
        if isinstance(got, Segment):
            self.segment(got)
        elif isinstance(got, Icmp):
            self._icmp(got)

    def segment(self, s: Segment) -> None:
        """A decoded segment has arrived."""
        s.dst_group = is_group(s.dst, self.broadcast)
        if s.dst != self.address and not s.dst_group:
            return
        s.src_invalid = is_invalid_source(s.src, self.own, self.broadcast)
        key = (s.dst, s.dport, s.src, s.sport)
        connection = self.connections.get(key)
        listener = self.listeners.get(s.dport)
        if connection is None:
            connection = self._stranger(key, s, listener)
            if connection is None:
                return
        end = connection.arrive("segment", s, self.now)
        self._settle(connection)
        if end == REDELIVER:
            self.segment(s)

    def _stranger(self, key: Key, s: Segment, listener: Listener | None) -> Connection | None:
        """A connection for a segment that none is there for: a child of a listener, or one in CLOSED."""
        child = self._connection(key)
        if listener is not None:
            if s.ctl & (SYN | ACK | RST) == SYN and len(listener.opening) + len(listener.ready) > listener.backlog:
                return None
            child.c.state = "LISTEN"
            child.c.passive = True
            self._preset(child, listener.options)
        return child

    def _preset(self, connection: Connection, options: list[tuple[str, int]]) -> None:
        """Options that were set before there was a connection."""
        for option, value in options:
            connection.call("set", CallEvent(option=option, value=value), self.now)
            self._buffer(connection, option, value)

    def _buffer(self, connection: Connection, option: str, value: int) -> None:
        """Buffer sizes are the host's affair: the specification leaves them open."""
        if option == "RCVBUF":
            opened = connection.c.state not in ("CLOSED", "LISTEN")
            # Once a window was offered it must not shrink (RFC 9293 3.8.6, SHLD-14).
            connection.policy.rcvbuf = min(65535, max(256, value, connection.policy.rcvbuf if opened else 0))
        elif option == "SNDBUF":
            connection.policy.sndbuf = max(256, value)

    def _connection(self, key: Key) -> Connection:
        four_tuple = key[0] + key[1].to_bytes(2, "big") + key[2] + key[3].to_bytes(2, "big")
        policy = self.policy(self.p, self.secret, four_tuple, self.sndbuf, self.rcvbuf)
        return Connection(self.machine, policy, key, self._send)

    def _send(self, s: Segment) -> None:
        s.ident = next(self._ident) & 0xFFFF
        self.transmit(self.encode(s))

    def _icmp(self, m: Icmp) -> None:
        if m.quoted is None:
            return
        src, dst, sport, dport, seq = m.quoted
        connection = self.connections.get((src, sport, dst, dport))
        event = classify(m.version, m.type, m.code, seq, m.mtu)
        if connection is not None and event is not None:
            connection.arrive("icmp", event, self.now)
            self._settle(connection)

    def _settle(self, connection: Connection) -> None:
        """After anything that happened to a connection: the tables, the accept queue, its next timer."""
        state = connection.c.state
        key = connection.key
        known = self.connections.get(key) is connection
        listener = self.listeners.get(key[1])
        mine = known or key not in self.connections
        if listener is not None and mine and key in listener.opening and state != "SYN-RECEIVED":
            listener.opening.discard(key)
            if state in SYNCHRONIZED:
                listener.ready.append(connection)
        if state in ("CLOSED", "LISTEN"):
            if known:
                del self.connections[key]
            connection.wake = None
            return
        if not known:
            self.connections[key] = connection
            if state == "SYN-RECEIVED" and listener is not None:
                listener.opening.add(key)
        at = connection.next_time()
        # A later time is found when the earlier one has come: most timers are put off again and again.
        if at is not None and (connection.wake is None or at < connection.wake):
            self._wake_at(connection, at)

    # ---- time -----------------------------------------------------------------------------------------------------

    def _wake_at(self, connection: Connection, at: int) -> None:
        connection.wake = at
        heapq.heappush(self._wake, (at, next(self._order), connection))

    def next_time(self) -> int | None:
        """When something happens here by itself, or None."""
        while self._wake:
            at, _, connection = self._wake[0]
            if self.connections.get(connection.key) is not connection:
                heapq.heappop(self._wake)
                continue
            actual = connection.next_time()
            if actual == at:
                return at
            heapq.heappop(self._wake)
            if connection.wake == at:
                connection.wake = None
                if actual is not None:
                    self._wake_at(connection, actual)
        return None

    def advance(self, now: int) -> None:
        """It is ``now``: end the timers that are due, in order."""
        while (at := self.next_time()) is not None and at <= now:
            self.now = max(self.now, at)
            _, _, connection = heapq.heappop(self._wake)
            connection.wake = None
            connection.advance(self.now)
            self._settle(connection)
        self.now = max(self.now, now)

    # ---- calls ----------------------------------------------------------------------------------------------------

    def call(self, h: int, fn: str, **args: Any) -> Outcome:
        """A call of the upper tester on handle ``h`` (conformance/session.py lists them). Raises KeyError for an
        unknown call; a handle that was let go answers ``error EBADF``."""
        target = self.handles.get(h)
        if fn in ("open_active", "open_passive") and target is None:
            return self._open(h, fn, args)
        if fn == "set" and target is None and h not in self.handles:
            self.presets.setdefault(h, []).append((OPTIONS[args["option"]], args["value"]))
            return Outcome("ok")
        if isinstance(target, Listener):
            return self._on_listener(h, target, fn, args)
        if target is None:
            return self._on_unopened(h, fn, args)
        return self._on_connection(h, target, fn, args)

    def _open(self, h: int, fn: str, args: dict[str, Any]) -> Outcome:
        options = self.presets.pop(h, [])
        address, port = args["local"]
        if fn == "open_passive":
            if port in self.listeners:
                return Outcome("error", "EADDRINUSE")
            listener = Listener((address, port), args.get("backlog", 16), options)
            self.listeners[port] = listener
            self.handles[h] = listener
            return Outcome("ok")
        remote, remote_port = args["remote"]
        if port == 0:
            port = next(self._ports) % 16384 + 49152
        key = (self.address, port, remote, remote_port)
        if key in self.connections:
            return Outcome("error", "EADDRINUSE")
        connection = self._connection(key)
        self._preset(connection, options)
        result = connection.call("open_active", CallEvent(group=is_group(remote, self.broadcast)), self.now)
        if result.kind == "ok":
            self.handles[h] = connection
        self._settle(connection)
        return result

    def _on_unopened(self, h: int, fn: str, args: dict[str, Any]) -> Outcome:
        """A handle with no connection: the specification's CLOSED."""
        if h in self.handles:
            return Outcome("error", "EBADF")
        connection = self._connection((self.address, 0, bytes(len(self.address)), 0))
        if fn == "accept":
            return Outcome("error", "EINVAL")
        if fn in ("release", "abort"):
            self.handles[h] = None
        return connection.call(fn, self._event(fn, args), self.now)

    def _on_listener(self, h: int, listener: Listener, fn: str, args: dict[str, Any]) -> Outcome:
        if fn == "accept":
            if not listener.ready:
                return Outcome("error", "EAGAIN")
            self.handles[args["new"]] = listener.ready.popleft()
            return Outcome("handle", str(args["new"]))
        stand_in = self._connection((listener.local[0], listener.local[1], bytes(len(self.address)), 0))
        stand_in.c.state = "LISTEN"
        result = stand_in.call(fn, self._event(fn, args), self.now)
        if fn == "set":
            listener.options.append((OPTIONS[args["option"]], args["value"]))
        if stand_in.c.state == "CLOSED":
            self._stop_listening(listener)
            self.handles[h] = None if fn in ("release", "abort") else stand_in
        return result

    def _stop_listening(self, listener: Listener) -> None:
        self.listeners.pop(listener.local[1], None)
        for key in list(listener.opening):
            self.connections.pop(key, None)
        while listener.ready:
            waiting = listener.ready.popleft()
            waiting.call("abort", CallEvent(), self.now)
            self._settle(waiting)

    def _on_connection(self, h: int, connection: Connection, fn: str, args: dict[str, Any]) -> Outcome:
        if fn == "accept":
            return Outcome("error", "EINVAL")
        if fn == "open_active" and self.connections.get(connection.key, connection) is not connection:
            return Outcome("error", "EADDRINUSE")
        result = connection.call(fn, self._event(fn, args), self.now)
        if fn == "set":
            self._buffer(connection, OPTIONS[args["option"]], args["value"])
        self._settle(connection)
        if fn in ("release", "abort"):
            self.handles[h] = None
        return result

    def _event(self, fn: str, args: dict[str, Any]) -> CallEvent:
        if fn == "set":
            return CallEvent(option=OPTIONS[args["option"]], value=args["value"])
        return CallEvent(data=args.get("data", b""), urgent=args.get("urgent", False), max=args.get("max", 0))
