"""The live kernel as a target: what its sessions see, and that they neither mix, hang nor leave anything behind."""

from __future__ import annotations

import errno
import os
import signal
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

import pytest

from wireproof.conformance.session import IutError, Program, Result, Session, TestProgram, Unsupported
from wireproof.conformance.targets import linux_namespace
from wireproof.conformance.targets.environment import probe
from wireproof.conformance.targets.linux import LinuxTarget
from wireproof.conformance.targets.linux_wire import ADDRESSES
from wireproof.conformance.targets.linux_wire import tester_address as address_of
from wireproof.conformance.targets.wire_loop import bare_connections
from wireproof.reference.codec import decode, encode, encode_icmp
from wireproof.reference.segment import ACK, FIN, PSH, RST, SYN, URG, Segment

pytestmark = pytest.mark.root

ISN = 1_000_000
SECOND = 1_000_000
MSS_1460 = b"\x02\x04\x05\xb4"

Body = Callable[[Session], TestProgram]


@dataclass
class Scripted:
    """A program from a generator function."""

    body: Body
    id: str = "scripted"

    def start(self, session: Session) -> TestProgram:
        return self.body(session)


@dataclass
class Outcomes:
    """What a target reported, in order."""

    results: list[Any] = field(default_factory=list)
    errors: list[BaseException | None] = field(default_factory=list)

    def finished(self, program: Program, result: Any, error: BaseException | None) -> None:
        self.results.append(result)
        self.errors.append(error)


@pytest.fixture(scope="module", params=[4, 6], ids=["ipv4", "ipv6"])
def either(request: pytest.FixtureRequest) -> Iterator[LinuxTarget]:
    target = LinuxTarget(request.param)
    yield target
    target.shutdown()


@pytest.fixture(scope="module")
def linux() -> Iterator[LinuxTarget]:
    target = LinuxTarget(4)
    yield target
    target.shutdown()


def run(target: LinuxTarget, *bodies: Body) -> list[Any]:
    """Run programs that all have to end well; their results in the order in which they ended."""
    outcomes = Outcomes()
    target.run([Scripted(body) for body in bodies], outcomes)
    for error in outcomes.errors:
        if error is not None:
            raise error
    return outcomes.results


class Peer:
    """The tester's end of one connection, by hand."""

    def __init__(self, session: Session, port: int = 0) -> None:
        self.s = session
        self.port = session.remote_port + port
        self.seq = ISN
        self.ack = 0

    def packet(self, ctl: int, data: bytes = b"", **fields: Any) -> bytes:
        values: dict[str, Any] = {
            "src": self.s.remote,
            "dst": self.s.local,
            "sport": self.port,
            "dport": self.s.local_port,
            "seq": self.seq,
            "ack": self.ack if ctl & ACK else 0,
            "ctl": ctl,
            "wnd": 65535,
            "data": data,
        }
        segment = Segment(**values | fields)
        self.seq = self.seq + segment.length & 0xFFFFFFFF
        return encode(segment)

    def send(self, ctl: int, data: bytes = b"", **fields: Any) -> list[Segment]:
        """Send one segment and take what is said at once."""
        self.s.inject(self.packet(ctl, data, **fields))
        return self.hear()

    def hear(self) -> list[Segment]:
        heard = []
        for _, packet in self.s.drain():
            segment = decode(packet)
            assert isinstance(segment, Segment), segment
            heard.append(segment)
            assert segment.checksum_ok
            assert (segment.src, segment.dst) == (self.s.local, self.s.remote)
            assert (segment.sport, segment.dport) == (self.s.local_port, self.port)
            self.ack = segment.seq + segment.length & 0xFFFFFFFF
        return heard

    def listen_and_shake(self, h: int = 1, new: int = 2) -> None:
        """The kernel listens on handle ``h`` and accepts this connection as ``new``."""
        s = self.s
        assert s.call(h, "open_passive", local=(s.local, s.local_port), backlog=4).kind == "ok"
        (synack,) = self.send(SYN, options=MSS_1460)
        assert synack.ctl == SYN | ACK and synack.ack == ISN + 1
        assert self.send(ACK) == []
        assert s.call(h, "accept", new=new) == Result("handle", new)

    def answer_connect(self, h: int = 1) -> None:
        """The kernel connects on handle ``h``."""
        s = self.s
        assert connect(s, h).kind == "ok"
        (syn,) = self.hear()
        assert syn.ctl == SYN
        (ack,) = self.send(SYN | ACK, options=MSS_1460)
        assert ack.ctl == ACK


def connect(s: Session, h: int = 1) -> Result:
    return s.call(h, "open_active", local=(s.local, s.local_port), remote=(s.remote, s.remote_port))


def state(s: Session, h: int) -> str:
    return str(s.call(h, "status").value)


# ---- connections by hand ----------------------------------------------------------------------------------------


def test_a_passive_connection_from_the_handshake_to_the_end(either: LinuxTarget) -> None:
    def body(s: Session) -> TestProgram:
        peer = Peer(s)
        peer.listen_and_shake()
        assert state(s, 1) == "LISTEN"
        assert state(s, 2) == "ESTABLISHED"
        (ack,) = peer.send(ACK | PSH, b"question")
        assert ack.ctl == ACK and ack.ack == peer.seq
        assert s.call(2, "receive", max=100) == Result("octets", b"question")
        assert s.call(2, "receive", max=100) == Result("error", "EAGAIN")
        assert s.call(2, "send", data=b"answer") == Result("count", 6)
        (answer,) = peer.hear()
        assert answer.data == b"answer" and answer.ctl == ACK | PSH
        assert peer.send(ACK) == []
        peer.send(ACK | FIN)
        assert state(s, 2) == "CLOSE-WAIT"
        assert s.call(2, "receive", max=100) == Result("octets", b"")
        assert s.call(2, "close").kind == "ok"
        assert state(s, 2) == "LAST-ACK"
        fin = peer.hear()[-1]
        assert fin.ctl & FIN and fin.ack == peer.seq
        assert peer.send(ACK) == []
        assert state(s, 2) == "CLOSED"
        return "done"
        yield

    assert run(either, body) == ["done"]


def test_an_active_connection_that_closes_first_is_seen_in_time_wait(either: LinuxTarget) -> None:
    def body(s: Session) -> TestProgram:
        peer = Peer(s)
        assert connect(s).kind == "ok"
        assert state(s, 1) == "SYN-SENT"
        assert connect(s) == Result("error", "EALREADY")
        (syn,) = peer.hear()
        assert syn.mss == (1460 if len(s.local) == 4 else 1440)
        assert len(syn.options) == 4, "the MSS and nothing else"
        (ack,) = peer.send(SYN | ACK, options=MSS_1460)
        assert ack.ctl == ACK
        assert state(s, 1) == "ESTABLISHED"
        assert s.call(1, "error").kind == "ok"
        assert s.call(1, "close").kind == "ok"
        (fin,) = peer.hear()
        assert fin.ctl == FIN | ACK
        assert state(s, 1) == "FIN-WAIT-1"
        assert peer.send(ACK) == []
        assert state(s, 1) == "FIN-WAIT-2"
        (last,) = peer.send(FIN | ACK)
        assert last.ctl == ACK and last.ack == peer.seq
        assert state(s, 1) == "TIME-WAIT"
        assert s.call(1, "release").kind == "ok"
        return "done"
        yield

    assert run(either, body) == ["done"]


def test_simultaneous_close_is_seen_in_closing(linux: LinuxTarget) -> None:
    def body(s: Session) -> TestProgram:
        peer = Peer(s)
        peer.answer_connect()
        s.call(1, "close")
        s.drain()  # its FIN stays unacknowledged
        peer.send(FIN | ACK)
        return state(s, 1)
        yield

    assert run(linux, body) == ["CLOSING"]


def test_reset_of_an_established_connection(either: LinuxTarget) -> None:
    def body(s: Session) -> TestProgram:
        peer = Peer(s)
        peer.listen_and_shake()
        assert peer.send(RST) == []
        assert s.call(2, "error") == Result("error", "ECONNRESET")
        assert s.call(2, "send", data=b"x") == Result("error", "EPIPE")
        assert state(s, 2) == "CLOSED"
        return "done"
        yield

    assert run(either, body) == ["done"]


def test_a_refused_connection(either: LinuxTarget) -> None:
    def body(s: Session) -> TestProgram:
        peer = Peer(s)
        connect(s)
        peer.hear()
        assert peer.send(RST | ACK) == []
        assert s.call(1, "error") == Result("error", "ECONNREFUSED")
        assert s.call(1, "error").kind == "ok", "reading clears it"
        return "done"
        yield

    assert run(either, body) == ["done"]


def test_icmp_port_unreachable_ends_an_attempt(either: LinuxTarget) -> None:
    def body(s: Session) -> TestProgram:
        connect(s)
        ((_, syn),) = s.drain()
        kind, code = (3, 3) if len(s.local) == 4 else (1, 4)
        s.inject(encode_icmp(s.remote, s.local, kind, code, syn))
        assert s.drain() == []
        return s.call(1, "error").value
        yield

    assert run(either, body) == ["ECONNREFUSED"]


def test_a_closed_port_answers_with_a_reset(either: LinuxTarget) -> None:
    def body(s: Session) -> TestProgram:
        peer = Peer(s)
        (reset,) = peer.send(SYN)
        assert reset.ctl == RST | ACK and reset.seq == 0 and reset.ack == ISN + 1
        return "done"
        yield

    assert run(either, body) == ["done"]


def test_abort_sends_a_reset(linux: LinuxTarget) -> None:
    def body(s: Session) -> TestProgram:
        peer = Peer(s)
        peer.listen_and_shake()
        assert s.call(2, "abort").kind == "ok"
        (reset,) = peer.hear()
        assert reset.ctl & RST
        gone = Result("error", "EBADF")
        assert s.call(2, "status") == s.call(2, "release") == s.call(2, "send", data=b"x") == gone
        assert s.call(2, "set", option="ttl", value=9) == gone
        return "done"
        yield

    assert run(linux, body) == ["done"]


def test_urgent_data_is_announced_each_time_the_pointer_advances(either: LinuxTarget) -> None:
    def body(s: Session) -> TestProgram:
        peer = Peer(s)
        peer.listen_and_shake()
        s.call(2, "set", option="oobinline", value=1)
        assert s.call(2, "urgent") == Result("count", 0)
        peer.send(ACK | URG, b"ab", up=5)
        assert s.call(2, "urgent") == Result("count", 1), "the octet that it points to is yet to come"
        assert s.call(2, "urgent") == Result("count", 0)
        peer.send(ACK, b"cd")
        assert s.call(2, "urgent") == Result("count", 0)
        peer.send(ACK | URG, b"efgh", up=4)
        assert s.call(2, "urgent") == Result("count", 1)
        assert s.call(2, "at_mark") == Result("count", 0)
        assert s.call(2, "receive", max=100) == Result("octets", b"abcdefg"), "reading stops at the mark"
        assert s.call(2, "at_mark") == Result("count", 1)
        assert s.call(2, "send", data=b"!", urgent=True) == Result("count", 1)
        sent = peer.hear()[-1]
        assert sent.ctl & URG and sent.up == 1
        return "done"
        yield

    assert run(either, body) == ["done"]


def test_urgent_data_that_came_before_accept(linux: LinuxTarget) -> None:
    def body(s: Session) -> TestProgram:
        peer = Peer(s)
        s.call(1, "open_passive", local=(s.local, s.local_port), backlog=4)
        peer.send(SYN)
        peer.send(ACK)
        peer.send(ACK | URG, b"abc", up=3)
        s.call(1, "accept", new=2)
        return [s.call(2, "urgent").value, s.call(2, "urgent").value]
        yield

    assert run(linux, body) == [[1, 0]]


OPTIONS = {
    "nodelay": 1,
    "keepalive": 1,
    "keepidle_s": 7,
    "keepintvl_s": 3,
    "keepcnt": 2,
    "user_timeout_ms": 900,
    "rcvbuf": 8192,
    "sndbuf": 8192,
    "oobinline": 1,
}


def test_options_before_the_open_and_what_they_put_on_the_wire(either: LinuxTarget) -> None:
    def body(s: Session) -> TestProgram:
        for option, value in OPTIONS.items():
            assert s.call(1, "set", option=option, value=value).kind == "ok", option
        s.call(1, "set", option="ttl", value=33)
        s.call(1, "set", option="dscp", value=10)
        connect(s)
        (syn,) = Peer(s).hear()
        assert (syn.ttl, syn.tos) == (33, 40)
        assert s.call(1, "set", option="keepcnt", value=-1) == Result("error", "EINVAL")
        with pytest.raises(Unsupported):
            s.call(1, "set", option="colour", value=1)
        with pytest.raises(Unsupported):
            s.call(1, "fly")
        return "done"
        yield

    assert run(either, body) == ["done"]


# ---- many at once -----------------------------------------------------------------------------------------------


def test_five_hundred_retransmission_timers_overlap(either: LinuxTarget) -> None:
    def body(s: Session) -> TestProgram:
        peer = Peer(s)
        s.call(1, "open_passive", local=(s.local, s.local_port), backlog=4)
        begun = s.now()
        peer.send(SYN)
        end = s.now() + 3 * SECOND
        while s.now() < end:
            yield end
            for at, packet in s.drain():
                again = decode(packet)
                assert isinstance(again, Segment) and again.ctl == SYN | ACK
                return at - begun
        raise AssertionError("the SYN,ACK did not come again")

    begun = time.monotonic()
    delays = run(either, *[body] * 500)
    assert time.monotonic() - begun < 4
    assert len(delays) == 500
    assert min(delays) > 0.9 * SECOND


def test_sessions_do_not_see_each_others_packets(linux: LinuxTarget) -> None:
    def body(s: Session) -> TestProgram:
        peer = Peer(s)
        peer.listen_and_shake()
        text = bytes(s.remote)
        for _ in range(20):
            yield s.now() + 1000
            s.call(2, "send", data=text)
            (heard,) = peer.hear()  # which checks that it is this connection's
            assert heard.data == text
            peer.send(ACK)
        return s.remote, s.local_port

    places = run(linux, *[body] * 60)
    assert len({remote for remote, _ in places}) == len({port for _, port in places}) == 60


def test_the_answer_to_a_spoofed_source_goes_to_the_session_with_the_port(linux: LinuxTarget) -> None:
    def body(s: Session) -> TestProgram:
        yield s.now() + 1000
        s.inject(Peer(s).packet(SYN, src=bytes([192, 0, 2, s.local_port & 0x7F | 1])))
        ((_, packet),) = s.drain()
        answer = decode(packet)
        assert isinstance(answer, Segment)
        return (answer.ctl, answer.sport == s.local_port, answer.dst[:3])

    assert run(linux, *[body] * 20) == [(RST | ACK, True, bytes([192, 0, 2]))] * 20


def test_what_a_closed_session_still_sends_reaches_nobody(linux: LinuxTarget) -> None:
    def noisy(s: Session) -> TestProgram:
        peer = Peer(s)
        peer.listen_and_shake()
        s.call(2, "send", data=b"never acknowledged")
        s.call(2, "release")  # an orphan, which retransmits for a while
        return "noisy"
        yield

    def quiet(s: Session) -> TestProgram:
        yield s.now() + SECOND // 2
        return s.drain()

    strays = linux.wire.strays
    assert run(linux, noisy, quiet) == ["noisy", []]
    assert linux.wire.strays > strays


def test_programs_start_in_order_and_in_a_window() -> None:
    under_way: list[Session] = []
    most = 0
    order: list[int] = []

    def numbered(i: int) -> Body:
        def body(s: Session) -> TestProgram:
            nonlocal most
            order.append(i)
            under_way.append(s)
            most = max(most, len(under_way))
            yield s.now() + 5000
            under_way.remove(s)
            return i

        return body

    target = LinuxTarget(4, window=7)
    try:
        assert sorted(run(target, *map(numbered, range(40)))) == list(range(40))
    finally:
        target.shutdown()
    assert order == list(range(40))
    assert most == 7


# ---- programs that fail -----------------------------------------------------------------------------------------


def test_a_program_that_raises_is_reported_and_the_others_go_on(linux: LinuxTarget) -> None:
    def faulty(s: Session) -> TestProgram:
        yield s.now() + 1000
        raise ZeroDivisionError("on purpose")

    def stillborn(s: Session) -> TestProgram:
        raise LookupError("no generator at all")

    def sound(s: Session) -> TestProgram:
        yield s.now() + 5000
        return "sound"

    outcomes = Outcomes()
    linux.run([Scripted(faulty), Scripted(stillborn), Scripted(sound)], outcomes)
    assert [type(error) for error in outcomes.errors] == [LookupError, ZeroDivisionError, type(None)]
    assert outcomes.results == [None, None, "sound"]


def waits_for_ever(s: Session) -> TestProgram:
    while True:
        yield s.now() + 3600 * SECOND


def never_waits(s: Session) -> TestProgram:
    while True:
        s.drain()
    yield


def waits_for_the_past(s: Session) -> TestProgram:
    while True:
        yield 0


def test_a_program_that_never_ends_is_ended() -> None:
    def sound(s: Session) -> TestProgram:
        yield s.now() + 1000
        return "sound"

    target = LinuxTarget(4, limit_s=1, turn_s=0.2)
    outcomes = Outcomes()
    begun = time.monotonic()
    try:
        target.run([Scripted(b) for b in (waits_for_the_past, waits_for_ever, sound, never_waits)], outcomes)
    finally:
        target.shutdown()
    assert time.monotonic() - begun < 2
    assert outcomes.results.count("sound") == 1
    late = [error for error in outcomes.errors if error is not None]
    assert all(isinstance(error, IutError) for error in late)
    assert sorted(map(str, late)) == ["timeout", "timeout", "timeout: the test does not wait"]


def test_an_interrupted_run_closes_its_sessions(linux: LinuxTarget) -> None:
    sessions: list[Session] = []

    def waiting(s: Session) -> TestProgram:
        sessions.append(s)
        connect(s)
        yield s.now() + SECOND

    def interrupted(s: Session) -> TestProgram:
        raise KeyboardInterrupt
        yield

    home = linux_namespace.current()
    with pytest.raises(KeyboardInterrupt):
        linux.run([Scripted(waiting), Scripted(interrupted)], Outcomes())
    assert linux_namespace.current() == home
    assert sessions[0].call(1, "status") == Result("error", "EBADF")
    assert run(linux, at_once) == ["done"], "the target goes on"


def at_once(s: Session) -> TestProgram:
    return "done"
    yield


# ---- nothing is left behind -------------------------------------------------------------------------------------


def test_the_namespace_is_left_and_no_file_leaks() -> None:
    home = linux_namespace.current()
    files = sorted(os.listdir("/proc/self/fd"))
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, [])
    inside: list[str] = []

    def body(s: Session) -> TestProgram:
        inside.append(linux_namespace.current())
        Peer(s).listen_and_shake()
        s.call(3, "set", option="nodelay", value=1)
        yield s.now() + 1000

    for family in (4, 6):
        target = LinuxTarget(4 if family == 4 else 6)
        assert linux_namespace.current() == home
        run(target, *[body] * 10)
        assert linux_namespace.current() == home
        target.shutdown()
        target.shutdown()
    assert home not in inside and len(set(inside)) == 2
    assert sorted(os.listdir("/proc/self/fd")) == files
    assert signal.pthread_sigmask(signal.SIG_BLOCK, []) == mask


def test_a_namespace_that_is_closed_cannot_be_entered() -> None:
    namespace = linux_namespace.NetworkNamespace()
    namespace.close()
    with pytest.raises(IutError), namespace.entered():
        pass


def test_octets_that_are_no_datagram_are_refused_by_the_interface(linux: LinuxTarget) -> None:
    def body(s: Session) -> TestProgram:
        s.inject(b"")
        s.inject(b"\xf0" * 40)
        return s.drain()
        yield

    assert run(linux, body) == [[]]


def test_tester_addresses_are_distinct_and_inside_the_network() -> None:
    families: tuple[Literal[4, 6], ...] = (4, 6)
    for family in families:
        some = [address_of(family, n) for n in (*range(70000), ADDRESSES - 1)]
        assert len(set(some)) == len(some)
        assert address_of(family, ADDRESSES) == some[0]
        assert all(0 < address[-1] < 255 for address in some)


def test_the_bare_loop_connects() -> None:
    home = linux_namespace.current()
    assert bare_connections(500) > 100
    assert linux_namespace.current() == home


def test_the_probes_answer() -> None:
    home = linux_namespace.current()
    checks = {check.name: check for check in probe()}
    assert checks["python"].ok and checks["/dev/net/tun"].ok and checks["kernel target, IPv4"].ok
    assert all(check.detail for check in checks.values())
    assert all(check.ok or check.remedy for check in checks.values())
    assert linux_namespace.current() == home


def test_the_traffic_stays_inside(linux: LinuxTarget) -> None:
    """The kernel's address exists in the target's namespace and nowhere else."""

    def body(s: Session) -> TestProgram:
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as sock:
            sock.bind((socket.inet_ntoa(s.local), 0))
        return "bound"
        yield

    assert run(linux, body) == ["bound"]
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as sock, pytest.raises(OSError) as failed:
        sock.bind(("10.0.0.1", 0))
    assert failed.value.errno == errno.EADDRNOTAVAIL
