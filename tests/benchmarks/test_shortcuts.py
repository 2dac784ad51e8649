"""What the judge leaves out to be fast it may leave out: it would have made no difference."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from wireproof.conformance.judge import NEED_QUEUED, is_idle
from wireproof.conformance.trial import Trial
from wireproof.reference import machine

TCP = machine.tcp()
ISS = 0xFFFFFFF0


def configurations(state: str) -> list[Any]:
    """Connections that have sent everything: few octets and many, acknowledged or not, closed or not, all windows."""
    out = []
    for octets, left, fin, window, cwnd, mss, path_mtu, flags in itertools.product(
        (0, 1, 536, 3000), (0, 1), (False, True), (0, 1, 65535), (1, 65535), (0, 1, 1460), (48, 65535), (False, True)
    ):
        c = TCP.Tcp()
        c.state = state
        c.iss, c.snd_base = ISS, (ISS + 1) & 0xFFFFFFFF
        c.snd_data, c.snd_fin = bytes(octets), fin
        c.snd_nxt = (c.snd_base + octets + fin) & 0xFFFFFFFF
        c.snd_una = c.snd_base if left else c.snd_nxt
        c.snd_wnd = c.max_snd_wnd = window
        c.cwnd, c.snd_mss, c.path_mtu = cwnd, mss, path_mtu
        c.overridden = c.nodelay_set = c.recovering = c.resend = flags
        out.append(c)
    return out


@pytest.mark.parametrize("state", sorted(s for s, rules in TCP.may.items() if rules))
@pytest.mark.parametrize("profile", ["rfc793", "rfc5961", "linux"])
def test_nothing_new_is_offered_while_nothing_is_queued(state: str, profile: str) -> None:
    trial = Trial(TCP.params(profile))
    skipped = [r for r in TCP.may[state] if r.id.startswith(NEED_QUEUED)]
    for c in configurations(state):
        assert is_idle(c)
        assert [r.id for r in skipped if r.offer(c, trial) is not None] == []


def test_queued_text_or_a_fin_that_waits_is_not_idle() -> None:
    c = TCP.Tcp()
    assert is_idle(c)
    c.snd_data = b"x"
    assert not is_idle(c)
    c.snd_nxt = 1
    assert is_idle(c)
    c.snd_fin = True
    assert not is_idle(c)
    c.snd_nxt = 2
    assert is_idle(c)


def test_the_prefixes_name_rules() -> None:
    ids = {r.id for rules in TCP.may.values() for r in rules}
    for prefix in NEED_QUEUED:
        assert any(i.startswith(prefix) for i in ids), prefix
