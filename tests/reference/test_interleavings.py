"""Two reference hosts under random faults and random orders of calls; every step is judged by an oracle at each."""

from __future__ import annotations

import errno
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from wireproof.conformance.oracle import Oracle
from wireproof.conformance.targets.reference import result_of
from wireproof.reference.connection import Connection
from wireproof.reference.host import Host
from wireproof.reference.loop import Loop
from wireproof.reference.network import Faults
from wireproof.reference.policy import Policy
from wireproof.reference.simulation import Simulation
from wireproof.reference.sockets import SHUT_WR, Socket, Stack

ADDRESSES = {
    4: (bytes([10, 0, 0, 1]), bytes([10, 0, 0, 2])),
    6: (bytes.fromhex("fd" + 14 * "00" + "01"), bytes.fromhex("fd" + 14 * "00" + "02")),
}
PORT = 80
OVER = ("CLOSED", "TIME-WAIT")
PATTERN = bytes((i * 7 + (i >> 8) * 13 + (i >> 16)) & 0xFF for i in range(1 << 21))

chance = st.sampled_from([0.0, 0.01, 0.05, 0.1, 0.2])
sizes = st.one_of(st.integers(1, 3000), st.integers(1, 65536))
actions = st.one_of(
    st.tuples(st.just("send"), sizes),
    st.tuples(st.just("recv"), sizes),
    st.tuples(st.just("urgent"), st.integers(1, 2000)),
    st.tuples(st.just("wait"), st.one_of(st.integers(0, 30_000), st.integers(0, 3_000_000), st.just(300_000_000))),
    st.tuples(st.sampled_from(["rcvbuf", "sndbuf"]), st.integers(1200, 40_000)),
    st.tuples(st.sampled_from(["shutdown", "nodelay"]), st.just(1)),
    st.tuples(st.sampled_from(["close", "abort"]), st.just(1)),
)


@dataclass(frozen=True)
class Plan:
    """What happens in one run."""

    family: int
    seed: int
    faults: Faults
    steps: tuple[tuple[int, tuple[str, int]], ...]
    """Which end (0: the one that connected, 1: the other) does what."""
    rest: tuple[int, int]
    """Octets that each end sends at the end, if it still can."""
    profile: str = "rfc5961"
    mtu: int = 1500


@dataclass
class End:
    """One end, as its application sees it."""

    socket: Socket
    sent: int = 0
    shut: bool = False
    got: bytearray = field(default_factory=bytearray)
    eof: bool = False
    errors: list[int] = field(default_factory=list)
    gone: bool = False


def plans(largest: int, steps: int) -> st.SearchStrategy[Plan]:
    return st.builds(
        Plan,
        family=st.sampled_from([4, 6]),
        seed=st.integers(0, 1 << 32),
        faults=st.builds(Faults, loss=chance, duplicate=chance, reorder=chance, corrupt=chance),
        steps=st.lists(st.tuples(st.sampled_from([0, 1]), actions), max_size=steps).map(tuple),
        rest=st.tuples(st.integers(1, largest), st.integers(1, largest)),
        profile=st.sampled_from(["rfc5961", "rfc9293", "rfc793", "linux"]),
        mtu=st.sampled_from([1500, 1300, 9000, 65535]),
    )


class Watch:
    """An oracle at each host."""

    def __init__(self, sim: Simulation, profile: str):
        self.sim = sim
        self.profile = profile
        self.oracles: dict[bytes, Oracle] = {}
        sim.tap = self.tap

    def attach(self, host: Host) -> None:
        oracle = Oracle(host.machine, host.address, self.profile, mtu=host.p.mtu)
        self.oracles[host.address] = oracle
        call = host.call

        def watched(h: int, fn: str, **args: Any) -> Any:
            # What a call sends goes out before it returns, and is judged after it.
            self.held = []
            outcome = call(h, fn, **args)
            held, self.held = self.held, None
            oracle.call(h, fn, self.named(host, h, fn, args), result_of(outcome), self.sim.now())
            self.check(oracle)
            for at, packet in held:
                oracle.tx(packet, at)
                self.check(oracle)
            return outcome

        host.call = watched  # type: ignore[method-assign]

    held: list[tuple[int, bytes]] | None = None

    def named(self, host: Host, h: int, fn: str, args: dict[str, Any]) -> dict[str, Any]:
        """The port that an active OPEN was given."""
        if fn == "open_active" and args["local"][1] == 0 and isinstance(c := host.handles.get(h), Connection):
            return {**args, "local": (host.address, c.key[1])}
        return args

    def tap(self, now: int, address: bytes, way: str, packet: bytes) -> None:
        oracle = self.oracles[address]
        if way == "tx" and self.held is not None:
            self.held.append((now, packet))
            return
        (oracle.rx if way == "rx" else oracle.tx)(packet, now)
        self.check(oracle)

    def check(self, oracle: Oracle) -> None:
        if oracle.refusal is not None:
            r = oracle.refusal
            lines = [f"{r.kind} {r.rule} at {r.time}: {r.text} (after {r.after})"]
            lines += [f"  {c.rule}: {c.wanted} {c.differences} {c.broken}" for c in r.candidates]
            raise AssertionError("\n".join(lines))


def run(plan: Plan, watch: bool) -> tuple[Simulation, list[End]]:
    """Carry out a plan; the simulation and both ends after everything is over."""
    sim = Simulation(plan.seed, plan.faults)
    hosts = [sim.host(a, profile=plan.profile, mtu=plan.mtu) for a in ADDRESSES[plan.family]]
    if watch:
        watcher = Watch(sim, plan.profile)
        for host in hosts:
            watcher.attach(host)
    loop = Loop(sim)
    stacks = [Stack(h, loop) for h in hosts]
    listener = stacks[1].socket()
    first = stacks[0].socket()
    # Without keep-alive an end in FIN-WAIT-2 whose peer has given up would wait for ever.
    for sock in (listener, first):
        for option, value in (("keepalive", 1), ("keepidle_s", 200), ("keepintvl_s", 20), ("keepcnt", 5)):
            sock.setsockopt(option, value)
    listener.bind((hosts[1].address, PORT))
    listener.listen()
    ends: list[End | None] = [End(first), None]
    listener.setblocking(False)

    def end(i: int) -> End | None:
        if ends[i] is None:
            try:
                made, _ = listener.accept()
            except BlockingIOError:
                return None
            made.setblocking(False)
            ends[i] = End(made)
        return ends[i]

    if watch:
        receive = hosts[1].receive

        def receive_and_accept(packet: bytes) -> None:
            # The oracle does not know that a connection which was reset can still be accepted.
            receive(packet)
            end(1)

        hosts[1].receive = receive_and_accept  # type: ignore[method-assign]
    try:
        first.connect((hosts[1].address, PORT))
    except OSError as failed:
        opener = ends[0]
        assert opener is not None
        opener.errors.append(failed.errno or errno.ETIMEDOUT)
    first.setblocking(False)
    for i, (what, n) in plan.steps:
        if what == "wait":
            sim.run(sim.now() + n)
        elif (e := end(i)) is not None and not e.gone:
            act(e, i, what, n)
    finish(sim, end, plan.rest)
    sim.run(sim.now() + 2_000_000_000, lambda: over(hosts))
    listener.close()
    if watch:
        for oracle in watcher.oracles.values():
            oracle.finish()
            # The reference follows every SHOULD as well.
            assert oracle.deviations == {}
    return sim, [e for e in ends if e is not None]


def act(e: End, i: int, what: str, n: int) -> None:
    """One call; its errors are noted."""
    try:
        if what in ("send", "urgent") and not e.shut:
            at = e.sent + i
            e.sent += e.socket.send(PATTERN[at : at + n], urgent=what == "urgent")
        elif what == "recv":
            got = e.socket.recv(n)
            e.got += got
            e.eof = e.eof or not got
        elif what == "shutdown":
            e.socket.shutdown(SHUT_WR)
            e.shut = True
        elif what in ("nodelay", "rcvbuf", "sndbuf"):
            e.socket.setsockopt(what, n)
        elif what in ("close", "abort"):
            getattr(e.socket, what)()
            e.gone = True
    except BlockingIOError:
        pass
    except OSError as error:
        e.errors.append(error.errno or errno.EIO)


def finish(sim: Simulation, end: Any, rest: tuple[int, int]) -> None:
    """Both ends send what is left, close, and read to the end."""
    left = list(rest)
    deadline = sim.now() + 3_000_000_000
    while sim.now() < deadline:
        moved = False
        for i in (0, 1):
            e = end(i)
            if e is None or e.gone:
                continue
            before = e.sent, len(e.got), e.eof
            if left[i] > 0 and not e.shut:
                act(e, i, "send", min(left[i], 20_000))
                left[i] -= e.sent - before[0]
            elif not e.shut:
                act(e, i, "shutdown", 1)
            act(e, i, "recv", 10_000)
            moved = moved or before != (e.sent, len(e.got), e.eof)
            if e.errors or (e.eof and e.shut):
                act(e, i, "close", 1)
        known = [e for i in (0, 1) if (e := end(i)) is not None]
        waiting = len(known) < 2 and any(h.connections for h in sim.hosts)
        if all(e.gone for e in known) and not waiting:
            break
        if not moved and not sim.step(deadline):
            break


def over(hosts: list[Host]) -> bool:
    return all(c.c.state in OVER for h in hosts for c in h.connections.values())


LEGITIMATE = {errno.ECONNRESET, errno.ETIMEDOUT, errno.EPIPE, errno.ECONNREFUSED, errno.ENOTCONN, errno.ECONNABORTED}


def judge(plan: Plan, sim: Simulation, ends: list[End]) -> str:
    """Whether everything came to a proper end; ``delivered`` when no octet is missing."""
    assert over(sim.hosts), [c.c.state for h in sim.hosts for c in h.connections.values()]
    for e in ends:
        assert set(e.errors) <= LEGITIMATE, [errno.errorcode[x] for x in e.errors]
    for i, e in enumerate(ends):
        # Never anything that was not sent, whatever else happened.
        begin = 1 - i
        assert bytes(e.got) == PATTERN[begin : begin + len(e.got)]
    early = any(what in ("close", "abort") for _, (what, _) in plan.steps)
    if len(ends) == 2 and not early and not any(e.errors for e in ends):
        for e, other in zip(ends, reversed(ends), strict=True):
            assert e.eof
            assert len(e.got) == other.sent
        return "delivered"
    return "ended early"


relaxed = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


@given(plans(65536, 20))
@settings(relaxed, max_examples=200)
def test_all_data_is_delivered_or_there_is_an_error(plan: Plan) -> None:
    event(judge(plan, *run(plan, watch=False)))


@given(plans(8000, 12))
@settings(relaxed, max_examples=300)
def test_both_oracles_accept_everything(plan: Plan) -> None:
    event(judge(plan, *run(plan, watch=True)))


def test_the_oracles_are_not_asleep(monkeypatch: pytest.MonkeyPatch) -> None:
    """An acknowledgment that comes 0.7 s late is refused, and one for each fourth segment is a deviation."""
    plan = Plan(4, 1, Faults(), (), (20_000, 2_000))
    fires_at = Policy.fires_at

    def late(self: Policy, c: Any, timer: str, low: int, high: int) -> int:
        return low + 700_000 if timer == "ACKNOWLEDGE" and high > low else fires_at(self, c, timer, low, high)

    def seldom(self: Policy, c: Any, timer: str, low: int, high: int) -> int:
        if timer == "ACKNOWLEDGE" and high > low:
            return low if c.unacked >= 4 * 1460 else low + 400_000
        return fires_at(self, c, timer, low, high)

    assert judge(plan, *run(plan, watch=True)) == "delivered"
    with monkeypatch.context() as patch:
        patch.setattr(Policy, "fires_at", late)
        with pytest.raises(AssertionError, match="missing tcp/acknowledge"):
            run(plan, watch=True)
    with monkeypatch.context() as patch:
        patch.setattr(Policy, "fires_at", seldom)
        with pytest.raises(AssertionError, match="SHLD-19"):
            run(plan, watch=True)
