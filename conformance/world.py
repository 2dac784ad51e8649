"""One or two hosts and what is in flight, as plain data that can be copied, compared and gone through.

A :class:`World` is a value: nothing in it changes. ``enabled`` says what can happen, ``apply`` gives the world after
it, ``key`` is the same for worlds that differ only in initial sequence numbers and in what time it is. The hosts run
the generated rules as the reference does, by a fixed policy, one connection each.

Two scenarios: ``two-hosts`` (A and B, and a network that delivers, loses, doubles and reorders what they send) and
``one-host`` (A alone: the user injects what arrives). Times are microseconds from the beginning of the world.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

from wireproof.conformance.tester import PATTERN, PEER_ISN
from wireproof.conformance.world_events import Event, Flying
from wireproof.conformance.world_policy import FixedPolicy
from wireproof.reference import machine as machines
from wireproof.reference.connection import CallEvent, Connection
from wireproof.reference.host import OPTIONS, SYNCHRONIZED
from wireproof.reference.machine import Machine
from wireproof.reference.run import REDELIVER
from wireproof.reference.segment import ACK, FIN, PSH, RST, SYN, Segment
from wireproof.reference.sequence import MASK

HOSTS = ("A", "B")
ADDRESS = {"A": b"\x0a\0\0\x01", "B": b"\x0a\0\0\x02"}
PORT = {"A": 1000, "B": 2000}
ISS = {"A": 100, "B": 300}
"""Where the hosts' numbering begins at time 0; it goes on with the clock."""
NEITHER, OWN, LISTENER, ENDED = "neither", "own", "listener", "ended"
KEPT = ("nodelay_set", "keep_alive", "keep_idle", "keep_interval", "keep_count", "user_timeout", "ttl_set", "dscp_set")
"""Options: a listener keeps them for the next connection."""


class End(NamedTuple):
    """One end: its configuration, the user's hold on it, its receive buffer (octets).

    ``hold``: ``neither`` (nothing was opened, or it was let go), ``listener`` (a passive OPEN that has no connection
    yet), ``own`` (a connection), ``ended`` (a connection that is over; the user can still ask).
    """

    c: Any
    hold: str = NEITHER
    rcvbuf: int = 65535


class World(NamedTuple):
    """What there is at one moment: the ends (one or two), what is in flight in the order of sending, the time."""

    ends: tuple[End, ...]
    wire: tuple[Flying, ...] = ()
    now: int = 0


Log = list[tuple[str, str, Any]]
"""What was seen: the host, the kind (``rx``, ``tx``, ``call``, ``tick``, ``crash``, ``fired``), and what."""


@dataclass(slots=True)
class Limits:
    """What is offered (``enabled``): how many segments the network holds, which calls and what they send."""

    calls: tuple[str, ...] = ("open_active", "open_passive", "send", "receive", "close", "abort")
    sends: tuple[int, ...] = (10,)
    drop: bool = True
    dup: bool = True
    reorder: bool = True
    wire: int = 8
    """Nothing is doubled beyond this."""
    tick: bool = True


@dataclass(slots=True)
class Scenario:
    """The rules that a world goes by. ``machine`` runs the hosts and may be a mutant's; ``law`` is what judges them
    (world_record.py); ``params`` are settings of the specification."""

    name: str = "two-hosts"
    machine: Machine = field(default_factory=machines.tcp)
    law: Machine = field(default_factory=machines.tcp)
    profile: str = "rfc5961"
    params: dict[str, int] = field(default_factory=dict)
    limits: Limits = field(default_factory=Limits)
    drivers: tuple[Connection, ...] = field(init=False)
    p: Any = field(init=False)

    def __post_init__(self) -> None:
        self.p = self.machine.params(self.profile, **self.params)
        self.drivers = tuple(self._driver(h) for h in self.hosts)

    @property
    def hosts(self) -> tuple[str, ...]:
        return HOSTS if self.name == "two-hosts" else HOSTS[:1]

    def _driver(self, host: str) -> Connection:
        peer = other(host)
        key = (ADDRESS[host], PORT[host], ADDRESS[peer], PORT[peer])
        return Connection(self.machine, FixedPolicy(self.p, ISS[host]), key, lambda s: None)

    def start(self) -> World:
        """The world before anything has happened."""
        return World(tuple(End(self.machine.Tcp()) for _ in self.hosts))


def other(host: str) -> str:
    """The other end."""
    return "B" if host == "A" else "A"


# ---- what happens --------------------------------------------------------------------------------------------------


def apply(scenario: Scenario, world: World, event: Event, log: Log | None = None) -> World:
    """The world after an event; ``log`` is told what was seen. Raises ValueError for what cannot happen here."""
    kind = event.kind
    if kind == "deliver":
        flying = _flying(world, event)
        wire = world.wire[: event.n - 1] + world.wire[event.n :]
        return _arrive(scenario, world._replace(wire=wire), flying.to, flying.segment, log)
    if kind == "inject":
        assert event.segment is not None
        return _arrive(scenario, world, event.host, event.segment, log)
    if kind == "call":
        return _call(scenario, world, event, log)
    if kind == "tick":
        at = next_time(scenario, world)
        if at is None:
            raise ValueError("no timer runs at any host")
        return _pass(scenario, world, max(at, world.now), log)
    if kind == "wait":
        until = world.now + event.n
        while (at := next_time(scenario, world)) is not None and at <= until:
            world = _pass(scenario, world, max(at, world.now), log)
        return _pass(scenario, world, until, log)
    if kind == "drop":
        _flying(world, event)
        return world._replace(wire=world.wire[: event.n - 1] + world.wire[event.n :])
    if kind == "delay":
        flying = _flying(world, event)
        return world._replace(wire=(*world.wire[: event.n - 1], *world.wire[event.n :], flying))
    if kind == "dup":
        return world._replace(wire=(*world.wire, _flying(world, event)))
    if kind == "crash":
        if log is not None:
            log.append((event.host, "crash", None))
        return _with(world, HOSTS.index(event.host), End(scenario.machine.Tcp()))
    raise ValueError(f"'{kind}' is no event")


def _flying(world: World, event: Event) -> Flying:
    if not 0 < event.n <= len(world.wire):
        raise ValueError(f"no segment {event.n} is in flight")
    return world.wire[event.n - 1]


def _with(world: World, i: int, end: End) -> World:
    return world._replace(ends=(*world.ends[:i], end, *world.ends[i + 1 :]))


def _drive(scenario: Scenario, world: World, i: int, c: Any, end: End) -> tuple[Connection, list[Segment]]:
    """The connection that runs the rules on a configuration, and where its segments go."""
    driver = scenario.drivers[i]
    out: list[Segment] = []
    driver.c = c
    policy = driver.policy
    policy.c = c
    policy.rcvbuf = end.rcvbuf
    policy.fired = []
    driver.transmit = out.append
    return driver, out


def _arrive(scenario: Scenario, world: World, host: str, s: Segment, log: Log | None) -> World:
    i = HOSTS.index(host)
    end = world.ends[i]
    if log is not None:
        log.append((host, "rx", s))
    # To a connection in CLOSED a segment is a stranger's: what the user still holds stays as it is.
    stranger = end.c.state == "CLOSED"
    c = scenario.machine.Tcp() if stranger else end.c.copy()
    driver, out = _drive(scenario, world, i, c, end)
    how = driver.arrive("segment", s, world.now)
    fired = list(driver.policy.fired)
    if how == REDELIVER:
        world = _settled(scenario, world, i, c, end, out, fired, log)
        return _arrive(scenario, world, host, s, None if log is None else _Again(log))
    return _settled(scenario, world, i, end.c if stranger else c, end, out, fired, log)


class _Again(list[tuple[str, str, Any]]):
    """A log to which a segment that is given again does not come a second time."""

    def __init__(self, log: Log):
        super().__init__()
        self.log = log

    def append(self, item: tuple[str, str, Any]) -> None:
        if item[1] != "rx":
            self.log.append(item)


def _settled(
    scenario: Scenario,
    world: World,
    i: int,
    c: Any,
    end: End,
    out: list[Segment],
    fired: list[str],
    log: Log | None,
) -> World:
    """After anything that happened at a host: what it sent is in flight, and the user's hold is what it is."""
    host = HOSTS[i]
    if log is not None:
        log.append((host, "fired", fired))
        log += [(host, "tx", s) for s in out]
    hold = end.hold
    if hold == LISTENER:
        if c.state in SYNCHRONIZED:
            hold = OWN
        elif c.state in ("CLOSED", "LISTEN"):
            c = _listening(scenario, c)
    elif hold == OWN and c.state == "CLOSED":
        hold = ENDED
    now, wire = world.now, world.wire
    if out and len(world.ends) > 1:
        to = other(host)
        wire += tuple(Flying(to, s, now) for s in out)
    return World((*world.ends[:i], End(c, hold, end.rcvbuf), *world.ends[i + 1 :]), wire, now)


def _listening(scenario: Scenario, c: Any) -> Any:
    """A listener without a connection, with the options that were set."""
    new = scenario.machine.Tcp()
    for name in KEPT:
        setattr(new, name, getattr(c, name))
    new.state, new.passive = "LISTEN", True
    return new


def _pass(scenario: Scenario, world: World, now: int, log: Log | None) -> World:
    """It is ``now``: the timers that are due end, at A first; segments that are too old to live are gone."""
    msl = scenario.p.msl
    world = world._replace(now=now, wire=tuple(f for f in world.wire if now - f.at < msl))
    for i in range(len(world.ends)):
        end = world.ends[i]
        driver, _ = _drive(scenario, world, i, end.c, end)
        at = driver.next_time()
        if log is not None:
            log.append((HOSTS[i], "tick", now))
        if at is not None and at <= now:
            c = end.c.copy()
            driver, out = _drive(scenario, world, i, c, end)
            driver.advance(now)
            world = _settled(scenario, world, i, c, end, out, list(driver.policy.fired), log)
    return world


def next_time(scenario: Scenario, world: World) -> int | None:
    """When the first timer ends, or None."""
    times = [t for i in range(len(world.ends)) if (t := end_time(scenario, world, i)) is not None]
    return min(times) if times else None


def end_time(scenario: Scenario, world: World, i: int) -> int | None:
    """When the first timer of one host ends, or None."""
    driver = scenario.drivers[i]
    driver.c = world.ends[i].c
    return driver.next_time()


# ---- calls -----------------------------------------------------------------------------------------------------------


def _call(scenario: Scenario, world: World, event: Event, log: Log | None) -> World:
    i = HOSTS.index(event.host)
    end = world.ends[i]
    reason = unavailable(end, event.call)
    if reason:
        raise ValueError(f"{event.host}.{event.call}: {reason}")
    opens = event.call.startswith("open") and end.c.state == "CLOSED"
    c = scenario.machine.Tcp() if opens and end.hold == ENDED else end.c.copy()
    driver, out = _drive(scenario, world, i, c, end)
    e = call_event(end.c, event)
    result = driver.call(event.call, e, world.now)
    if log is not None:
        log.append((event.host, "call", (event, e, result)))
    if event.call == "set" and event.option == "rcvbuf":
        end = end._replace(rcvbuf=min(65535, max(256, event.n)))
    hold = end.hold
    if opens and result.kind == "ok":
        hold = LISTENER if event.call == "open_passive" else OWN
    elif event.call == "abort" or (hold == LISTENER and c.state == "CLOSED"):
        hold, c = NEITHER, scenario.machine.Tcp() if c.state == "CLOSED" else c
    end = end._replace(hold=hold)
    return _settled(scenario, world, i, c, end, out, list(driver.policy.fired), log)


def unavailable(end: End, call: str) -> str:
    """Why a call cannot be made at all, or nothing."""
    if end.hold == LISTENER and end.c.state == "SYN-RECEIVED":
        return "the user of a passive OPEN has no connection before it is established (accept)"
    return ""


def call_event(c: Any, event: Event) -> CallEvent:
    """The arguments of a call as the rules see them; text is the next of the pattern."""
    if event.call == "send":
        at = (c.snd_base + len(c.snd_data) - c.iss - 1) & MASK if c.state not in ("CLOSED", "LISTEN") else 0
        at &= 0xFFFF
        return CallEvent(data=PATTERN[at : at + event.n], urgent=event.urgent)
    if event.call == "set":
        return CallEvent(option=OPTIONS[event.option], value=event.n)
    return CallEvent(max=event.n)


# ---- what can happen -----------------------------------------------------------------------------------------------


def enabled(scenario: Scenario, world: World) -> list[Event]:
    """What can happen next and changes something, in a fixed order."""
    limits = scenario.limits
    out: list[Event] = []
    seen: set[str] = set()
    for n, flying in enumerate(world.wire, 1):
        if not limits.reorder and flying.to in seen:
            continue
        seen.add(flying.to)
        out.append(Event("deliver", n=n))
        if limits.drop:
            out.append(Event("drop", n=n))
        if limits.dup and len(world.wire) < limits.wire:
            out.append(Event("dup", n=n))
    if limits.tick and next_time(scenario, world) is not None:
        out.append(Event("tick"))
    for i, end in enumerate(world.ends):
        out += _calls(limits, HOSTS[i], end)
    if len(world.ends) == 1:
        out += injections(world)
    return out


def _calls(limits: Limits, host: str, end: End) -> list[Event]:
    """The calls that would change something."""
    c, state, allowed = end.c, end.c.state, limits.calls
    if unavailable(end, ""):
        return []
    wanted: list[Event] = []
    if state == "CLOSED":
        wanted = [Event("call", host, "open_active"), Event("call", host, "open_passive")]
    elif end.hold == OWN and not c.snd_fin:
        wanted = [Event("call", host, "send", n) for n in limits.sends if state not in ("CLOSED", "LISTEN")]
    if c.rcv_data and end.hold != LISTENER:
        wanted.append(Event("call", host, "receive", 65535))
    if state != "CLOSED" and end.hold != NEITHER:
        if not c.snd_fin and state != "TIME-WAIT":
            wanted.append(Event("call", host, "close"))
        wanted.append(Event("call", host, "abort"))
    return [e for e in wanted if e.call in allowed]


def injections(world: World) -> list[Event]:
    """The segments that a peer would send to a host alone, fields filled in; of two that are the same, one."""
    c = world.ends[0].c
    out: dict[tuple[Any, ...], Event] = {}
    fresh = c.state in ("CLOSED", "LISTEN", "SYN-SENT")
    seq = PEER_ISN if fresh else c.rcv_nxt
    acks = [c.snd_nxt] if fresh or c.snd_nxt == c.snd_una else [c.snd_nxt, c.snd_una]
    for ctl in (SYN, RST) if fresh else (RST,):
        _offer(out, seq, 0, ctl, 0)
    for ack in acks:
        if c.state == "SYN-SENT":
            _offer(out, seq, ack, SYN | ACK, 0)
        elif c.state not in ("CLOSED", "LISTEN"):
            _offer(out, seq, ack, ACK, 0)
            if not c.rcv_fin:
                _offer(out, seq, ack, ACK | PSH, 10)
                _offer(out, seq, ack, ACK | FIN, 0)
    if c.state in ("SYN-SENT", "SYN-RECEIVED"):
        _offer(out, c.irs if c.state == "SYN-RECEIVED" else seq, c.snd_nxt, SYN | ACK, 0)
    return list(out.values())


def _offer(out: dict[tuple[Any, ...], Event], seq: int, ack: int, ctl: int, n: int) -> None:
    out.setdefault((seq, ack, ctl, n), Event("inject", "A", segment=injected(seq, ack, ctl, n)))


def injected(seq: int, ack: int, ctl: int, n: int = 0, wnd: int = 65535, host: str = "A") -> Segment:
    """A segment to a host that looks like its peer's; its text is the pattern of a peer that the user plays."""
    at = (seq - PEER_ISN - 1 + (ctl & SYN != 0)) & 0xFFFF
    peer = other(host)
    s = Segment(ADDRESS[peer], ADDRESS[host], PORT[peer], PORT[host], seq, ack, ctl, 0 if ctl & RST else wnd)
    s.data = PATTERN[at : at + n]
    if ctl & SYN:
        s.mss = 1460
        s.options = b"\x02\x04\x05\xb4"
    return s
