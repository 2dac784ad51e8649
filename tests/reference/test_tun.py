"""The kernel's own TCP, as the standard library's client uses it, against the reference on a TUN interface."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

HERE, KERNEL = "10.77.0.2", "10.77.0.1"
SIZE = 50_000_000
LOSS = 0.01

SERVER = """
    import socket, subprocess, sys
    from pathlib import Path
    from wireproof.reference.host import Host
    from wireproof.reference.http import Server
    from wireproof.reference.loop import Loop
    from wireproof.reference.sockets import Stack
    from wireproof.reference.tun import TunPort, configure, new_namespace

    here, kernel, loss, root, client = sys.argv[1:]
    family = socket.AF_INET6 if ":" in here else socket.AF_INET
    # This process alone moves, and the client that it starts.
    new_namespace()
    port = TunPort("wp0", loss=float(loss), seed=1)
    configure("wp0", socket.inet_pton(family, kernel), 64 if family == socket.AF_INET6 else 24)
    host = Host(socket.inet_pton(family, here), port.transmit)
    port.attach(host)
    loop = Loop(port)
    Server(Stack(host, loop), 80, Path(root))
    child = subprocess.Popen([sys.executable, "-c", client, here, root])
    while child.poll() is None:
        loop.step(loop.now() + 50_000)
    print("lost", port.lost, file=sys.stderr)
    sys.exit(child.returncode or (3 if float(loss) and not port.lost else 0))
"""

CLIENT = """
    import hashlib, http.client, json, sys, time

    here, root = sys.argv[1:]
    begun = time.monotonic()

    def request(method, path, body=None):
        global begun
        begun = time.monotonic()
        connection.request(method, path, body=body)
        answer = connection.getresponse()
        text = answer.read()
        return {"status": answer.status, "sha256": hashlib.sha256(text).hexdigest(), "length": len(text),
                "text": text[:100].decode("latin-1"), "seconds": time.monotonic() - begun}

    connection = http.client.HTTPConnection(here, 80, timeout=90)
"""


def served(tmp_path: Path, script: str, here: str = HERE, kernel: str = KERNEL, loss: float = 0.0) -> Any:
    """What the client's ``script`` printed as JSON, run in a network namespace with the reference."""
    client = textwrap.dedent(CLIENT) + textwrap.dedent(script)
    command = [sys.executable, "-c", textwrap.dedent(SERVER), here, kernel, str(loss), str(tmp_path), client]
    done = subprocess.run(command, capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.root
@pytest.mark.slow
def test_the_kernel_gets_and_puts_fifty_megabytes_through_loss(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    data = os.urandom(SIZE)
    (tmp_path / "large").write_bytes(data)
    script = """
        data = open(root + "/large", "rb").read()
        print(json.dumps([request("GET", "/large"), request("PUT", "/x", data)]))
    """
    got, put = served(tmp_path, script, loss=LOSS)
    for name, answer in (("GET", got), ("PUT", put)):
        record_property(f"{name} MB/s", round(SIZE / 1e6 / answer["seconds"], 2))
    digest = hashlib.sha256(data).hexdigest()
    assert (got["status"], got["length"], got["sha256"]) == (200, SIZE, digest)
    assert (put["status"], put["text"].strip()) == (200, digest)


@pytest.mark.root
@pytest.mark.parametrize(("here", "kernel"), [(HERE, KERNEL), ("fd00:77::2", "fd00:77::1")], ids=["ipv4", "ipv6"])
def test_one_connection_carries_many_requests(tmp_path: Path, here: str, kernel: str) -> None:
    script = """
        print(json.dumps([request("GET", "/"), request("GET", "/octets/100000"), request("GET", "/nothing"),
                          request("POST", "/", b"abc"), request("PUT", "/", b"")]))
    """
    greeting, octets, nothing, posted, empty = served(tmp_path, script, here, kernel)
    assert (greeting["status"], octets["status"], octets["length"], nothing["status"]) == (200, 200, 100_000, 404)
    assert posted["text"].strip() == hashlib.sha256(b"abc").hexdigest()
    assert empty["text"].strip() == hashlib.sha256(b"").hexdigest()


@pytest.mark.root
def test_many_connections_at_once(tmp_path: Path) -> None:
    script = """
        import concurrent.futures

        def fetch(i):
            c = http.client.HTTPConnection(here, 80, timeout=60)
            c.request("GET", f"/octets/{200_000 + i}")
            return hashlib.sha256(c.getresponse().read()).hexdigest()

        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            print(json.dumps(list(pool.map(fetch, range(32)))))
    """
    from wireproof.reference.http import octets

    wanted = [hashlib.sha256(b"".join(octets(200_000 + i))).hexdigest() for i in range(32)]
    assert served(tmp_path, script, loss=0.005) == wanted
