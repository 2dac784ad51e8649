"""The serve command: what it refuses, and that the kernel's client reaches what it serves."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from wireproof.tools.commands.serve import serve

COMMAND = [sys.executable, "-c", "from wireproof.tools.commands.serve import serve; serve()"]


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [
        (["--address", "banana"], "10.77.0.2/24"),
        (["--address", "10.77.0.2/32"], "no room for a peer"),
        (["--peer", "10.78.0.1"], "not another address of 10.77.0.0/24"),
        (["--peer", "10.77.0.2"], "not another address"),
        (["--peer", "fd00::1"], "not another address"),
        (["--namespace", "a", "--new-namespace"], "exclude each other"),
        (["--device", "a-name-that-is-too-long"], "1 to 15 octets"),
        (["--loss", "1.5"], "1.5"),
        (["--root", "/nonexistent/directory"], "does not exist"),
    ],
)
def test_wrong_usage_is_explained(arguments: list[str], wanted: str) -> None:
    result = CliRunner().invoke(serve, arguments)
    assert result.exit_code == 2
    assert wanted in result.output


def test_a_namespace_that_is_not_there() -> None:
    result = CliRunner().invoke(serve, ["--namespace", "/nonexistent/namespace"])
    assert result.exit_code == 3
    assert "no network namespace /nonexistent/namespace" in result.output


@pytest.mark.root
def test_it_serves_what_it_says_until_it_is_interrupted(tmp_path: Path) -> None:
    (tmp_path / "page").write_text("a page")
    (tmp_path / "root").symlink_to("/")
    capture = tmp_path.parent / f"{tmp_path.name}.pcap"
    arguments = ["--new-namespace", "--root", str(tmp_path), "--loss", "0.05", "--pcap", str(capture)]
    with subprocess.Popen([*COMMAND, *arguments], stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            first, second = server.stdout.readline(), server.stdout.readline()
            assert "serves HTTP at 10.77.0.2 port 80 on wp0" in first
            namespace = re.search(r"--net=(\S+)", second)
            assert namespace is not None
            url = second.split()[-1]
            enter = [sys.executable, "-c", FETCH, namespace[1], url + "page", url + "root/etc/hostname"]
            fetched = subprocess.run(enter, capture_output=True, text=True, timeout=100)
            assert fetched.stdout.splitlines() == ["200 a page", "404 Not Found"], fetched.stderr
        finally:
            server.send_signal(signal.SIGINT)
            server.wait(10)
    assert server.returncode == 130
    # A global header and datagrams of both ends.
    octets = capture.read_bytes()
    assert octets[:4] == bytes.fromhex("d4c3b2a1")
    assert octets.count(bytes([10, 77, 0, 1, 10, 77, 0, 2])) >= 5


FETCH = """
import ctypes, os, sys, urllib.request, urllib.error
fd = os.open(sys.argv[1], os.O_RDONLY)
assert ctypes.CDLL(None).setns(fd, 0x40000000) == 0
for url in sys.argv[2:]:
    try:
        answer = urllib.request.urlopen(url, timeout=60)
    except urllib.error.HTTPError as error:
        answer = error
    print(answer.status, answer.read().decode().strip())
"""


@pytest.mark.root
def test_it_stops_after_the_time_it_was_given() -> None:
    begun = time.monotonic()
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    done = subprocess.run(
        [*COMMAND, "--new-namespace", "--for", "0.5", "--address", "fd00:77::2/64"],
        capture_output=True,
        text=True,
        timeout=60,
        env=environment,
    )
    assert done.returncode == 0, done.stderr
    assert "curl http://[fd00:77::2]/" in done.stdout
    assert time.monotonic() - begun < 20


@pytest.mark.root
def test_the_device_is_taken() -> None:
    script = (
        "from wireproof.reference.tun import TunPort, new_namespace; new_namespace(); t = TunPort('wp0');"
        "from wireproof.tools.commands.serve import serve; serve(['--for', '0'])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert done.returncode == 3
    assert "choose one with --device" in done.stderr
