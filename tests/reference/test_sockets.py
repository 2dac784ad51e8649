"""The sockets facade on virtual time: blocking, tasks, timeouts, readiness, errors by number."""

from __future__ import annotations

import errno
from collections.abc import Callable

import pytest

from wireproof.reference.loop import Loop
from wireproof.reference.network import Faults
from wireproof.reference.simulation import Simulation
from wireproof.reference.sockets import (
    POLLERR,
    POLLHUP,
    POLLIN,
    POLLNVAL,
    POLLOUT,
    SHUT_RD,
    SHUT_RDWR,
    SHUT_WR,
    SO_ERROR,
    STATE,
    Socket,
    Stack,
    poll,
)

A, B, NOBODY = bytes([10, 0, 0, 1]), bytes([10, 0, 0, 2]), bytes([10, 0, 0, 9])


class World:
    """Two hosts on one network."""

    def __init__(self, faults: Faults | None = None):
        self.sim = Simulation(1, faults)
        self.loop = Loop(self.sim)
        self.a, self.b = (Stack(self.sim.host(address), self.loop) for address in (A, B))

    def listener(self, port: int = 80) -> Socket:
        s = self.b.socket()
        s.bind((B, port))
        s.listen()
        return s

    def pair(self) -> tuple[Socket, Socket]:
        listener = self.listener()
        client = self.a.socket()
        client.connect((B, 80))
        server, peer = listener.accept()
        assert peer == client.getsockname()
        return client, server


@pytest.fixture
def world() -> World:
    return World()


def error_of(operation: Callable[[], object]) -> int | None:
    with pytest.raises(OSError) as caught:
        operation()
    return caught.value.errno


def test_plain_calls_block_until_they_can_return(world: World) -> None:
    client, server = world.pair()
    client.sendall(b"hello")
    assert server.recv(100) == b"hello"
    server.sendall(b"there")
    assert client.recv(2) == b"th"
    assert client.recv(100) == b"ere"
    client.shutdown(SHUT_WR)
    assert server.recv(1) == b""
    server.close()
    assert client.recv(1) == b""
    assert client.getsockopt(STATE) == "TIME-WAIT"


def test_tasks_run_while_plain_calls_block(world: World) -> None:
    listener = world.listener()

    async def echo(s: Socket) -> None:
        while data := await s.arecv(4096):
            await s.asendall(data)
        s.close()

    async def serve() -> None:
        while True:
            s, _ = await listener.aaccept()
            world.loop.spawn(echo(s))

    world.loop.spawn(serve())
    clients = [world.a.socket() for _ in range(5)]
    for i, client in enumerate(clients):
        client.connect((B, 80))
        client.sendall(bytes([i]) * 1000)
    for i, client in enumerate(clients):
        got = b""
        while len(got) < 1000:
            got += client.recv(4096)
        assert got == bytes([i]) * 1000
        client.shutdown(SHUT_WR)
        assert client.recv(1) == b""


def test_a_plain_call_within_a_task_is_an_error(world: World) -> None:
    client, _ = world.pair()

    async def wrong() -> None:
        client.recv(1)

    task = world.loop.spawn(wrong())
    world.loop.wait(lambda: task.done)
    assert isinstance(task.error, RuntimeError)


def test_timeouts_are_kept_on_the_clock_of_the_driver(world: World) -> None:
    client, server = world.pair()
    client.settimeout(2.5)
    begun = world.sim.now()
    with pytest.raises(TimeoutError):
        client.recv(1)
    assert world.sim.now() - begun == 2_500_000
    with pytest.raises(TimeoutError):
        client.sendall(b"x" * 1_000_000)
    server.setblocking(False)
    assert server.recv(1) == b"x"
    client.setblocking(False)
    with pytest.raises(BlockingIOError):
        client.recv(1)


def test_connecting_fails_for_its_reason(world: World) -> None:
    assert error_of(lambda: world.a.socket().connect((B, 81))) == errno.ECONNREFUSED
    begun = world.sim.now()
    assert error_of(lambda: world.a.socket().connect((NOBODY, 80))) == errno.ETIMEDOUT
    # R2 for a SYN is at least three minutes (RFC 9293 3.8.3).
    assert world.sim.now() - begun >= 180_000_000
    assert error_of(lambda: world.a.socket().connect((bytes([224, 0, 0, 1]), 80))) in (errno.ENETUNREACH, errno.EACCES)


def test_a_socket_that_must_not_block_opens_in_the_background(world: World) -> None:
    world.listener()
    client = world.a.socket()
    client.setblocking(False)
    assert error_of(lambda: client.connect((B, 80))) == errno.EINPROGRESS
    assert poll(world.loop, [(client, POLLOUT)], timeout=5) == [(client, POLLOUT)]
    assert client.getsockopt(SO_ERROR) == 0
    assert client.getsockopt(STATE) == "ESTABLISHED"
    refused = world.a.socket()
    refused.setblocking(False)
    assert error_of(lambda: refused.connect((B, 81))) == errno.EINPROGRESS
    ((_, mask),) = poll(world.loop, [(refused, POLLOUT)])
    assert mask & POLLERR
    assert mask & POLLHUP
    assert refused.getsockopt(SO_ERROR) == errno.ECONNREFUSED
    assert refused.getsockopt(SO_ERROR) == 0


def test_poll_tells_who_can_read(world: World) -> None:
    client, server = world.pair()
    assert poll(world.loop, [(client, POLLIN), (server, POLLIN)], timeout=1) == []
    client.sendall(b"x")
    assert poll(world.loop, [(client, POLLIN), (server, POLLIN)]) == [(server, POLLIN)]
    server.close()
    assert server.poll() == POLLNVAL


def test_a_full_buffer_is_not_writable_until_the_peer_reads(world: World) -> None:
    client, server = world.pair()
    client.setblocking(False)
    sent = 0
    while client.poll() & POLLOUT or world.sim.now() < 1_000_000:
        try:
            sent += client.send(b"x" * 10_000)
        except BlockingIOError:
            world.sim.step(world.sim.now() + 100_000)
    assert sent > 65_535
    got = 0
    while got < sent:
        got += len(server.recv(65_536))
    assert poll(world.loop, [(client, POLLOUT)], timeout=60) == [(client, POLLOUT)]


def test_unread_text_makes_close_a_reset(world: World) -> None:
    client, server = world.pair()
    client.sendall(b"nobody will read this")
    world.sim.run(world.sim.now() + 1_000_000)
    server.close()
    assert error_of(lambda: client.recv(1)) == errno.ECONNRESET
    assert error_of(lambda: client.send(b"x")) == errno.EPIPE
    assert client.recv(1) == b""


def test_abort_resets(world: World) -> None:
    client, server = world.pair()
    client.abort()
    assert error_of(lambda: server.recv(1)) == errno.ECONNRESET
    assert error_of(lambda: client.recv(1)) == errno.EBADF


def test_what_is_shut_down_is_over(world: World) -> None:
    client, server = world.pair()
    client.shutdown(SHUT_RDWR)
    assert client.recv(1) == b""
    assert error_of(lambda: client.send(b"x")) == errno.EPIPE
    server.shutdown(SHUT_RD)
    assert server.recv(1) == b""
    server.sendall(b"still")


def test_misuse_has_its_numbers(world: World) -> None:
    s = world.a.socket()
    assert error_of(lambda: s.recv(1)) == errno.ENOTCONN
    assert error_of(lambda: s.send(b"x")) in (errno.ENOTCONN, errno.EPIPE)
    assert error_of(s.accept) == errno.EINVAL
    assert error_of(s.getpeername) == errno.ENOTCONN
    assert error_of(lambda: s.setsockopt("colour", 1)) == errno.ENOPROTOOPT
    assert error_of(lambda: s.bind((B, 1))) == errno.EADDRNOTAVAIL
    s.close()
    s.close()
    assert error_of(lambda: s.recv(1)) == errno.EBADF
    world.listener()
    other = world.b.socket()
    other.bind((B, 80))
    assert error_of(other.listen) == errno.EADDRINUSE


def test_options_set_before_the_opening_hold(world: World) -> None:
    world.listener()
    client = world.a.socket()
    client.setsockopt("ttl", 7)
    seen: list[bytes] = []
    world.sim.tap = lambda now, address, way, packet: seen.append(packet)
    client.connect((B, 80))
    assert seen[0][8] == 7


def test_nothing_left_to_happen_is_told(world: World) -> None:
    assert error_of(world.listener().accept) == errno.EDEADLK
