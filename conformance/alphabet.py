"""The stimuli that a search tries: calls, segments around every edge, damage, ICMP, time.

Each has a short name that becomes the last part of a test's id, and never changes.
"""

from __future__ import annotations

from typing import Any

from wireproof.conformance.testcase import Step

NXT, EDGE = "RCV.NXT", "RCV.EDGE"


def _seg(ctl: str, seq: tuple[str, int] = (NXT, 0), ack: tuple[str, int] = ("SND.NXT", 0), **more: Any) -> Step:
    return {"seg": ctl, "seq": list(seq), "ack": list(ack), **more}


SEGMENTS: dict[str, Step] = {
    # in order
    "ack": _seg("ACK"),
    "ack-una": _seg("ACK", ack=("SND.UNA", 0)),
    "ack-half": _seg("ACK", ack=("SND.UNA", 1)),
    "ack-below-una": _seg("ACK", ack=("SND.UNA", -1)),
    "ack-far-below": _seg("ACK", ack=("SND.UNA", -70000)),
    "ack-beyond-nxt": _seg("ACK", ack=("SND.NXT", 1)),
    "ack-antipode": _seg("ACK", ack=("SND.NXT", 0x7FFFFFFF)),
    "ack-window-zero": _seg("ACK", wnd=0),
    "ack-window-one": _seg("ACK", wnd=1),
    "ack-window-small": _seg("ACK", wnd=400),
    "ack-window-32k": _seg("ACK", wnd=0x8000),
    "text-1": _seg("PSH,ACK", len=1),
    "text-full": _seg("ACK", len=1460),
    "text-fill": _seg("PSH,ACK", len="window"),
    "text-no-ack": _seg("PSH", len=10),
    "text-mss-option": _seg("PSH,ACK", len=10, options="02040100"),
    "text-unknown-option": _seg("PSH,ACK", len=10, options="fd0400000101fe0300010101"),
    "text-nop-eol": _seg("PSH,ACK", len=10, options="01010000"),
    "fin": _seg("FIN,ACK"),
    "fin-text": _seg("FIN,PSH,ACK", len=20),
    "fin-no-ack": _seg("FIN"),
    "none": _seg(""),
    "urg": _seg("URG,PSH,ACK", len=20, up=10),
    "urg-no-text": _seg("URG,ACK", up=50),
    # around the window
    "text-old": _seg("PSH,ACK", seq=(NXT, -5), len=5),
    "text-overlap-left": _seg("PSH,ACK", seq=(NXT, -5), len=10),
    "text-hole": _seg("PSH,ACK", seq=(NXT, 10), len=10),
    "text-hole-full": _seg("PSH,ACK", seq=(NXT, 1460), len=1460),
    "text-edge-last": _seg("PSH,ACK", seq=(EDGE, -1), len=1),
    "text-edge-over": _seg("PSH,ACK", seq=(EDGE, -5), len=10),
    "text-edge": _seg("PSH,ACK", seq=(EDGE, 0), len=1),
    "text-beyond": _seg("PSH,ACK", seq=(EDGE, 1), len=10),
    "text-antipode": _seg("PSH,ACK", seq=(NXT, 0x7FFFFFFF), len=10),
    "ack-old": _seg("ACK", seq=(NXT, -1)),
    "ack-edge-last": _seg("ACK", seq=(EDGE, -1)),
    "ack-edge": _seg("ACK", seq=(EDGE, 0)),
    "ack-beyond": _seg("ACK", seq=(EDGE, 1)),
    "fin-hole": _seg("FIN,ACK", seq=(NXT, 10)),
    "fin-old": _seg("FIN,ACK", seq=(NXT, -1)),
    # resets
    "rst": _seg("RST"),
    "rst-ack": _seg("RST,ACK"),
    "rst-ack-beyond": _seg("RST,ACK", ack=("SND.NXT", 1)),
    "rst-ack-old": _seg("RST,ACK", ack=("SND.UNA", 0)),
    "rst-text": _seg("RST,ACK", len=20),
    "rst-below": _seg("RST", seq=(NXT, -1)),
    "rst-in-window": _seg("RST", seq=(NXT, 1)),
    "rst-edge-last": _seg("RST", seq=(EDGE, -1)),
    "rst-edge": _seg("RST", seq=(EDGE, 0)),
    "rst-beyond": _seg("RST", seq=(EDGE, 1)),
    # openings
    "syn": _seg("SYN", mss=1460),
    "syn-no-mss": _seg("SYN"),
    "syn-mss-small": _seg("SYN", mss=100),
    "syn-mss-odd": _seg("SYN", options="010204020001"),
    "syn-text": _seg("SYN", len=10, mss=1460),
    "syn-fin": _seg("SYN,FIN", mss=1460),
    "syn-below": _seg("SYN", seq=(NXT, -1), mss=1460),
    "syn-in-window": _seg("SYN", seq=(NXT, 1), mss=1460),
    "syn-beyond": _seg("SYN", seq=(EDGE, 10), mss=1460),
    "syn-ack": _seg("SYN,ACK", mss=1460),
    "syn-ack-text": _seg("SYN,ACK", mss=1460, len=10),
    "syn-ack-beyond": _seg("SYN,ACK", ack=("SND.NXT", 1), mss=1460),
    "syn-ack-old": _seg("SYN,ACK", ack=("ISS", 0), mss=1460),
    "syn-ack-window-zero": _seg("SYN,ACK", mss=1460, wnd=0),
    "syn-rst": _seg("SYN,RST"),
    "syn-to-broadcast": _seg("SYN", mss=1460, dst="broadcast"),
    "syn-to-multicast": _seg("SYN", mss=1460, dst="multicast"),
    "syn-from-broadcast": _seg("SYN", mss=1460, src="broadcast"),
    "syn-from-multicast": _seg("SYN", mss=1460, src="multicast"),
    # damage
    "text-bad-checksum": _seg("PSH,ACK", len=10, damage="checksum"),
    "text-flipped": _seg("PSH,ACK", len=10, damage="text"),
    "syn-bad-checksum": _seg("SYN", mss=1460, damage="checksum"),
    "rst-bad-checksum": _seg("RST", damage="checksum"),
    "text-bad-offset": _seg("PSH,ACK", len=10, damage="offset"),
    "syn-option-length-0": _seg("SYN", options="02000000"),
    "syn-option-length-1": _seg("SYN", options="fd010000"),
    "syn-option-too-long": _seg("SYN", options="0101fd09"),
    "text-option-length-0": _seg("PSH,ACK", len=10, options="fd000000"),
}

ICMP: dict[str, Step] = {
    "icmp-net-unreachable": {"icmp": [3, 0], "seq": ["SND.UNA", 0]},
    "icmp-host-unreachable": {"icmp": [3, 1], "seq": ["SND.UNA", 0]},
    "icmp-protocol-unreachable": {"icmp": [3, 2], "seq": ["SND.UNA", 0]},
    "icmp-port-unreachable": {"icmp": [3, 3], "seq": ["SND.UNA", 0]},
    "icmp-too-big": {"icmp": [3, 4], "seq": ["SND.UNA", 0], "mtu": 1000},
    "icmp-source-quench": {"icmp": [4, 0], "seq": ["SND.UNA", 0]},
    "icmp-time-exceeded": {"icmp": [11, 0], "seq": ["SND.UNA", 0]},
    "icmp-parameter-problem": {"icmp": [12, 0], "seq": ["SND.UNA", 0]},
    "icmp-port-unreachable-old": {"icmp": [3, 3], "seq": ["SND.UNA", -1000]},
}

PRESETS: dict[str, Step] = {
    "small-buffer": {"call": "set", "h": 1, "option": "rcvbuf", "value": 2304},
    "preset-user-timeout": {"call": "set", "h": 1, "option": "user_timeout_ms", "value": 3000},
}
"""Options set before the handle is opened."""

OPENINGS: dict[str, Step] = {
    "open-to-broadcast": {"call": "open_active", "h": 1, "dst": "broadcast"},
    "open-to-multicast": {"call": "open_active", "h": 1, "dst": "multicast"},
}

TIME: dict[str, Step] = {"timer": {"wait": "timer"}}


def calls(h: int) -> dict[str, Step]:
    """The calls on an open handle."""
    return {
        "open-active": {"call": "open_active", "h": h},
        "open-passive": {"call": "open_passive", "h": h},
        "send-1": {"call": "send", "h": h, "len": 1},
        "send-1000": {"call": "send", "h": h, "len": 1000},
        "send-5000": {"call": "send", "h": h, "len": 5000},
        "send-urgent": {"call": "send", "h": h, "len": 10, "urgent": True},
        "receive": {"call": "receive", "h": h, "max": 10000},
        "receive-1": {"call": "receive", "h": h, "max": 1},
        "close": {"call": "close", "h": h},
        "release": {"call": "release", "h": h},
        "abort": {"call": "abort", "h": h},
        "status": {"call": "status", "h": h},
        "error": {"call": "error", "h": h},
        "urgent": {"call": "urgent", "h": h},
        "nodelay": {"call": "set", "h": h, "option": "nodelay", "value": 1},
        "keepalive": {"call": "set", "h": h, "option": "keepalive", "value": 1},
        "keepalive-off": {"call": "set", "h": h, "option": "keepalive", "value": 0},
        "keepidle": {"call": "set", "h": h, "option": "keepidle_s", "value": 2},
        "keepintvl": {"call": "set", "h": h, "option": "keepintvl_s", "value": 1},
        "keepcnt": {"call": "set", "h": h, "option": "keepcnt", "value": 2},
        "user-timeout": {"call": "set", "h": h, "option": "user_timeout_ms", "value": 3000},
        "ttl": {"call": "set", "h": h, "option": "ttl", "value": 33},
        "dscp": {"call": "set", "h": h, "option": "dscp", "value": 10},
    }
