"""Fifty megabytes each way between the kernel and the reference, judged at both ends from the wire alone."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

SCRIPT = '''
    import json, subprocess, sys
    from pathlib import Path
    from wireproof.conformance.passive import PassiveOracle
    from wireproof.reference.host import Host
    from wireproof.reference.http import Server
    from wireproof.reference.loop import Loop
    from wireproof.reference.machine import tcp
    from wireproof.reference.sockets import Stack
    from wireproof.reference.tun import TunPort, configure, new_namespace

    size, root = int(sys.argv[1]), Path(sys.argv[2])
    new_namespace()
    # The specification's kernel profile: Reno, and no undoing of what was taken for a loss.
    for name, value in {"tcp_congestion_control": "reno", "tcp_frto": 0, "tcp_recovery": 0, "tcp_early_retrans": 0,
                        "tcp_no_metrics_save": 1, "tcp_slow_start_after_idle": 0}.items():
        Path("/proc/sys/net/ipv4", name).write_text(str(value))
    here, kernel = bytes([10, 77, 0, 2]), bytes([10, 77, 0, 1])
    at_host, at_kernel = [], []
    port = TunPort("wp0", loss=0.01, seed=1, tap=lambda *e: at_host.append(e), wire=lambda *e: at_kernel.append(e))
    configure("wp0", kernel, 24)
    host = Host(here, port.transmit)
    port.attach(host)
    loop = Loop(port)
    Server(Stack(host, loop), 80, root)
    child = subprocess.Popen([sys.executable, "-c", CLIENT, str(size)], stdout=subprocess.PIPE, text=True)
    while child.poll() is None:
        loop.step(loop.now() + 50_000)
    end = loop.now() + 200_000
    while loop.now() < end:
        loop.step(end)

    def judge(address, profile, events, stimulus):
        oracle = PassiveOracle(tcp(), address, profile, slack=300_000, at_once=50_000, flight_slack=16)
        for n, (at, way, packet) in enumerate(events):
            refusal = (oracle.rx if way == stimulus else oracle.tx)(packet, at)
            oracle.steps.clear()
            if refusal is not None:
                return [n, refusal.kind, refusal.rule, refusal.text]
        return None

    def spoiled(events, way, at):
        """One octet of text changed in a segment that is sent again, with its checksum made right."""
        from wireproof.reference.codec import decode, encode
        seen, out = {}, []
        for time, w, packet in events:
            s = decode(packet)
            if w == way and getattr(s, "data", b"") and not at[1:]:
                key = (s.sport, s.dport, s.seq)
                if key in seen:
                    s.data = bytes([s.data[0] ^ 1]) + s.data[1:]
                    packet = encode(s)
                    at.append(len(out))
                seen[key] = True
            out.append((time, w, packet))
        return out

    place = [0]
    changed = spoiled(at_kernel, "rx", place)
    print(json.dumps({
        "client": json.loads(child.stdout.read() or "null"),
        "lost": port.lost,
        "events": [len(at_host), len(at_kernel)],
        "reference": judge(here, "rfc5961", at_host, "rx"),
        "kernel": judge(kernel, "linux", at_kernel, "tx"),
        "spoiled at": place[1:],
        "spoiled": judge(kernel, "linux", changed, "tx"),
    }))
'''

CLIENT = """
import hashlib, http.client, json, os, sys

size = int(sys.argv[1])
c = http.client.HTTPConnection("10.77.0.2", 80, timeout=90)
data = os.urandom(size)
c.request("PUT", "/x", data)
stored = c.getresponse().read().decode().strip() == hashlib.sha256(data).hexdigest()
c.request("GET", "/large")
got = hashlib.sha256(c.getresponse().read()).hexdigest()
c.close()
print(json.dumps({"stored": stored, "got": got}))
"""


def transfer(tmp_path: Path, size: int) -> dict[str, Any]:
    """Both directions through one per cent of loss; what the oracles at both ends say."""
    text = f"CLIENT = {CLIENT!r}\n" + textwrap.dedent(SCRIPT)
    done = subprocess.run(
        [sys.executable, "-c", text, str(size), str(tmp_path)], capture_output=True, text=True, timeout=400
    )
    assert done.returncode == 0, done.stderr
    result: dict[str, Any] = json.loads(done.stdout)
    return result


@pytest.mark.root
@pytest.mark.slow
def test_the_oracle_accepts_every_packet_of_both_sides(tmp_path: Path) -> None:
    import hashlib
    import os

    size = 50_000_000
    data = os.urandom(size)
    (tmp_path / "large").write_bytes(data)
    got = transfer(tmp_path, size)
    assert got["client"] == {"stored": True, "got": hashlib.sha256(data).hexdigest()}
    assert got["lost"] > 500 and min(got["events"]) > 100_000
    assert got["reference"] is None
    assert got["kernel"] is None
    # The same events with one octet of one retransmission changed: refused there, for its text.
    (place,) = got["spoiled at"]
    n, kind, _rule, _text = got["spoiled"]
    assert (n, kind) == (place, "unexpected")
