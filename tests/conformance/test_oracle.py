"""The oracle on sequences of events made by hand: what it believes, what it refuses, and what it says then."""

from __future__ import annotations

from typing import Any, Literal

import pytest

from wireproof.conformance.judge import Refusal
from wireproof.conformance.oracle import Oracle
from wireproof.conformance.session import Result
from wireproof.conformance.targets.reference import V4, V6
from wireproof.reference import machine
from wireproof.reference.codec import encode, encode_icmp
from wireproof.reference.segment import CTL_NAMES, SYN, Segment

ISS = 5_000
"""Where the implementation numbers from, in these sequences."""
IRS = 9_000
"""Where its peer does."""
MS = 1_000
S = 1_000_000
OK = Result("ok")
AGAIN = Result("error", "EAGAIN")
MSS = b"\x02\x04\x05\xb4"
MSS_V6 = b"\x02\x04\x05\xa0"
ILLEGAL = b"\x02\x00\x00\x00"
"""An MSS option that says that it is no octet long."""


def bits(names: str) -> int:
    return sum(1 << CTL_NAMES.index(n) for n in names.split(","))


class Talk:
    """Events of one host, given to an oracle; each answers with the refusal, if there is one."""

    def __init__(self, family: Literal[4, 6] = 4, profile: str = "rfc5961", slack: int = 0):
        self.local, self.remote = V4 if family == 4 else V6
        self.oracle = Oracle(machine.tcp(), self.local, profile, slack=slack)
        self.now = 0
        self.port = 4_000
        """The peer's port."""

    def rx(self, ctl: str, seq: int, ack: int = 0, data: bytes = b"", **more: Any) -> Refusal | None:
        """A segment of the peer's arrives."""
        s = Segment(self.remote, self.local, self.port, 80, seq, ack, bits(ctl), more.pop("wnd", 65535), data=data)
        for name, value in more.items():
            setattr(s, name, value)
        return self.oracle.rx(encode(s), self.now)

    def tx(self, ctl: str, seq: int, ack: int = 0, data: bytes = b"", **more: Any) -> Refusal | None:
        """A segment comes out; one with SYN announces an MSS."""
        s = Segment(self.local, self.remote, 80, self.port, seq, ack, bits(ctl), more.pop("wnd", 65535), data=data)
        s.options = b"" if not s.ctl & SYN else MSS if len(self.local) == 4 else MSS_V6
        for name, value in more.items():
            setattr(s, name, value)
        return self.oracle.tx(encode(s), self.now)

    def call(self, fn: str, result: Result = OK, h: int = 1, **args: Any) -> Refusal | None:
        if fn == "open_active":
            args |= {"local": (self.local, 80), "remote": (self.remote, self.port)}
        elif fn == "open_passive":
            args |= {"local": (self.local, 80), "backlog": 8}
        return self.oracle.call(h, fn, args, result, self.now)

    def status(self, state: str, h: int = 1) -> Refusal | None:
        return self.call("status", Result("state", state), h)

    def quiet(self) -> Refusal | None:
        return self.oracle.quiet(self.now)

    def wait(self, us: int) -> Refusal | None:
        """Time passes in which nothing is seen."""
        self.now += us
        return self.oracle.advance(self.now)

    @property
    def belief(self) -> list[Any]:
        """The configurations believed of the connection."""
        return self.oracle.judges[(self.local, 80, self.remote, self.port)].configs

    def connected(self) -> Talk:
        """An active open, completed."""
        assert self.call("open_active") is None
        assert self.tx("SYN", ISS) is None
        assert self.quiet() is None
        assert self.rx("SYN,ACK", IRS, ISS + 1, options=MSS) is None
        assert self.tx("ACK", ISS + 1, IRS + 1) is None
        assert self.quiet() is None
        return self

    def listening(self) -> Talk:
        assert self.call("open_passive") is None
        return self

    def accepting(self, data: bytes = b"") -> Talk:
        """A passive open up to the SYN,ACK."""
        self.listening()
        assert self.rx("SYN", IRS, options=MSS, data=data) is None
        assert self.tx("SYN,ACK", ISS, IRS + 1) is None
        assert self.quiet() is None
        return self


def refused(r: Refusal | None, kind: str, rule: str = "") -> Refusal:
    """It is a refusal of that kind, for that rule."""
    assert r is not None and r.kind == kind, r
    assert not rule or r.rule == rule, (r.rule, r.text)
    return r


# ---- what is as it should be ------------------------------------------------------------------------------------


@pytest.mark.parametrize("family", [4, 6])
def test_a_connection_from_the_handshake_to_time_wait(family: Literal[4, 6]) -> None:
    t = Talk(family).connected()
    assert t.status("ESTABLISHED") is None
    assert t.call("send", Result("count", 5), data=b"hello") is None
    assert t.tx("ACK,PSH", ISS + 1, IRS + 1, b"hello") is None
    assert t.quiet() is None
    assert t.rx("ACK,PSH", IRS + 1, ISS + 6, b"welcome") is None
    assert t.call("receive", Result("octets", b"welc"), max=4) is None
    assert t.call("receive", Result("octets", b"ome"), max=100) is None
    assert t.call("receive", AGAIN, max=100) is None
    assert t.tx("ACK", ISS + 6, IRS + 8) is None
    assert t.call("close") is None
    assert t.tx("FIN,ACK", ISS + 6, IRS + 8) is None
    assert t.quiet() is None
    assert t.status("FIN-WAIT-1") is None
    assert t.rx("ACK", IRS + 8, ISS + 7) is None
    assert t.status("FIN-WAIT-2") is None
    assert t.rx("FIN,ACK", IRS + 8, ISS + 7) is None
    assert t.tx("ACK", ISS + 7, IRS + 9) is None
    assert t.quiet() is None
    assert t.status("TIME-WAIT") is None
    assert t.call("receive", Result("octets", b""), max=100) is None
    assert t.wait(300 * S) is None
    assert t.status("CLOSED") is None
    t.oracle.finish()
    assert (t.oracle.refusal, t.oracle.deviations, t.oracle.lossy) == (None, {}, False)


@pytest.mark.parametrize("family", [4, 6])
def test_a_passive_open_that_is_accepted(family: Literal[4, 6]) -> None:
    t = Talk(family).accepting()
    assert t.call("accept", AGAIN, new=2) is None
    assert t.rx("ACK", IRS + 1, ISS + 1) is None
    assert t.call("accept", Result("handle", 2), new=2) is None
    assert t.status("ESTABLISHED", h=2) is None
    assert t.rx("FIN,ACK", IRS + 1, ISS + 1) is None
    assert t.tx("ACK", ISS + 1, IRS + 2) is None
    assert t.status("CLOSE-WAIT", h=2) is None
    assert t.call("close", h=2) is None
    assert t.tx("FIN,ACK", ISS + 1, IRS + 2) is None
    assert t.rx("ACK", IRS + 2, ISS + 2) is None
    assert t.status("CLOSED", h=2) is None


def test_each_event_tells_the_rules_and_states_that_explain_it() -> None:
    t = Talk().connected()
    steps = t.oracle.steps
    assert [s.kind for s in steps] == ["call", "tx", "rx", "tx"]
    assert steps[0].rules[0] == "tcp/connect/open"
    assert steps[1].rules == ("tcp/connect/open",)
    assert "tcp/syn_sent_syn/established" in steps[2].rules
    assert [s.states for s in steps] == [("SYN-SENT",), ("SYN-SENT",), ("ESTABLISHED",), ("ESTABLISHED",)]


def test_what_is_for_other_hosts_is_none_of_its_business() -> None:
    t = Talk()
    other = bytes([10, 0, 0, 77])
    assert t.oracle.rx(encode(Segment(t.remote, other, 4000, 80, ctl=bits("SYN"))), 0) is None
    assert t.oracle.judges == {}


# ---- wrong segments -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("at", "octet"), [(0, "0x58"), (3, "0x58"), (9, "0x58")])
def test_a_wrong_octet_is_told_with_its_offset(at: int, octet: str) -> None:
    t = Talk().connected()
    text = b"abcdefghij"
    assert t.call("send", Result("count", 10), data=text) is None
    wrong = text[:at] + b"X" + text[at + 1 :]
    r = refused(t.tx("ACK,PSH", ISS + 1, IRS + 1, wrong), "unexpected", "tcp/new_text/last_of_queue")
    (difference,) = r.candidates[0].differences
    assert difference.field == "TEXT"
    assert (difference.expected, difference.seen) == (f"0x{text[at]:02x} at octet {at}", octet)
    assert f"0x{text[at]:02x} at octet {at}" in r.text


def test_a_wrong_acknowledgment_is_told_as_one() -> None:
    t = Talk()
    assert t.call("open_active") is None
    assert t.tx("SYN", ISS) is None
    assert t.rx("SYN,ACK", IRS, ISS + 1, options=MSS) is None
    r = refused(t.tx("ACK", ISS + 1, IRS + 2), "unexpected")
    (difference,) = r.candidates[0].differences
    assert (difference.field, difference.expected, difference.seen) == ("ACK", str(IRS + 1), str(IRS + 2))
    assert r.after and r.after[-1].startswith("tcp/")


def test_a_wrong_sequence_number_is_told_as_one() -> None:
    t = Talk().connected()
    assert t.call("send", Result("count", 3), data=b"abc") is None
    r = refused(t.tx("ACK,PSH", ISS + 2, IRS + 1, b"abc"), "unexpected")
    assert any(d.field == "SEQ" and d.seen == str(ISS + 2) for c in r.candidates for d in c.differences)


def test_text_that_nobody_gave() -> None:
    t = Talk().connected()
    r = refused(t.tx("ACK,PSH", ISS + 1, IRS + 1, b"boo"), "unexpected")
    assert "len=3" in r.text


def test_a_reset_that_nothing_calls_for() -> None:
    refused(Talk().connected().tx("RST", ISS + 1), "unexpected")


def test_a_segment_of_a_connection_that_does_not_exist() -> None:
    r = refused(Talk().tx("ACK", 1, 2), "unexpected", "tcp/closed/reset_with_ack")
    assert "nothing may be sent here" in r.text


def test_one_reset_answers_a_stranger_and_no_second() -> None:
    t = Talk()
    assert t.rx("ACK", IRS, 77) is None
    assert t.tx("RST", 77) is None
    assert t.quiet() is None
    refused(t.tx("RST", 77), "unexpected")


def test_a_stranger_that_is_not_answered() -> None:
    t = Talk()
    assert t.rx("ACK", IRS, 77) is None
    refused(t.quiet(), "missing", "tcp/closed/reset_with_ack")


def test_the_syn_again_where_a_syn_and_ack_is_due() -> None:
    t = Talk()
    assert t.call("open_active") is None
    assert t.tx("SYN", ISS) is None
    assert t.rx("SYN", IRS, options=MSS) is None
    refused(t.tx("ACK", ISS + 1, IRS + 1), "unexpected", "tcp/syn_sent_syn/simultaneous_open")


@pytest.mark.parametrize(
    ("change", "rule", "broken"),
    [
        ({"ttl": 63}, "tcp/form/time_to_live", "as_set"),
        ({"reserved": 1}, "tcp/form/header", "reserved_zero"),
        ({"options": MSS}, "tcp/form/mss_only_with_syn", "no_mss"),
        ({"options": ILLEGAL}, "tcp/form/options", "lengths"),
        ({"options": b"\x00\x00\x00\x01"}, "tcp/form/options", "padding"),
    ],
)
def test_what_holds_of_every_segment(change: dict[str, Any], rule: str, broken: str) -> None:
    t = Talk().connected()
    assert t.call("send", Result("count", 3), data=b"abc") is None
    r = refused(t.tx("ACK,PSH", ISS + 1, IRS + 1, b"abc", **change), "broken", rule)
    assert f"'{broken}'" in r.text


def test_a_wrong_checksum() -> None:
    t = Talk()
    assert t.call("open_active") is None
    raw = bytearray(encode(Segment(t.local, t.remote, 80, 4000, ISS, ctl=SYN, wnd=65535, options=MSS)))
    raw[36] ^= 1
    refused(t.oracle.tx(bytes(raw), 0), "broken", "tcp/form/checksum")


def test_octets_that_are_no_datagram() -> None:
    r = refused(Talk().oracle.tx(b"\x45\x00nonsense", 0), "broken", "tcp/form/checksum")
    assert r.text.startswith("no datagram: ")


def test_the_first_refusal_is_final() -> None:
    t = Talk().connected()
    r = t.tx("RST", ISS + 1)
    assert t.tx("ACK", ISS + 1, IRS + 1) is r
    assert t.call("status", Result("state", "LISTEN")) is r
    assert t.wait(S) is r


# ---- what did not come --------------------------------------------------------------------------------------------


def test_a_syn_that_is_not_answered() -> None:
    t = Talk().listening()
    assert t.rx("SYN", IRS, options=MSS) is None
    r = refused(t.quiet(), "missing", "tcp/listen_syn/accept")
    assert "<CTL=SYN,ACK>" in r.text and "had to be sent by 0.000000 s" in r.text


def test_an_open_that_sends_nothing() -> None:
    t = Talk()
    assert t.call("open_active") is None
    refused(t.quiet(), "missing", "tcp/connect/open")


def test_a_delayed_acknowledgment_that_never_comes() -> None:
    t = Talk().connected()
    assert t.rx("ACK,PSH", IRS + 1, ISS + 1, b"text") is None
    assert t.quiet() is None
    assert t.wait(500 * MS) is None
    r = refused(t.wait(1), "missing")
    assert f"<ACK={IRS + 5}>" in r.text and "0.500000 s" in r.text


def test_slack_is_added_to_every_deadline() -> None:
    t = Talk(slack=20 * MS).connected()
    assert t.rx("ACK,PSH", IRS + 1, ISS + 1, b"text") is None
    assert t.wait(520 * MS) is None
    refused(t.wait(1), "missing")


def test_a_delayed_acknowledgment_in_time() -> None:
    t = Talk().connected()
    assert t.rx("ACK,PSH", IRS + 1, ISS + 1, b"text") is None
    assert t.wait(499 * MS) is None
    assert t.tx("ACK", ISS + 1, IRS + 5) is None
    assert t.wait(10 * S) is None


def test_a_retransmission_that_never_comes() -> None:
    t = Talk().connected()
    assert t.call("send", Result("count", 3), data=b"abc") is None
    assert t.tx("ACK,PSH", ISS + 1, IRS + 1, b"abc") is None
    assert t.wait(S) is None
    r = refused(t.wait(S), "missing")
    assert r.rule.startswith("tcp/retransmit/") and f"<SEQ={ISS + 1}>" in r.text


def test_retransmissions_in_time_and_further_apart() -> None:
    t = Talk()
    assert t.call("open_active") is None
    assert t.tx("SYN", ISS) is None
    for pause in (1, 2, 4, 8):
        assert t.wait(pause * S) is None
        assert t.tx("SYN", ISS) is None
    assert t.wait(15 * S) is None
    refused(t.tx("SYN", ISS), "unexpected")


def test_a_retransmission_before_its_time() -> None:
    t = Talk().connected()
    assert t.call("send", Result("count", 3), data=b"abc") is None
    assert t.tx("ACK,PSH", ISS + 1, IRS + 1, b"abc") is None
    assert t.wait(S - 1) is None
    refused(t.tx("ACK,PSH", ISS + 1, IRS + 1, b"abc"), "unexpected")


def test_a_retransmission_of_other_octets() -> None:
    t = Talk().connected()
    assert t.call("send", Result("count", 3), data=b"abc") is None
    assert t.tx("ACK,PSH", ISS + 1, IRS + 1, b"abc") is None
    assert t.wait(S) is None
    r = refused(t.tx("ACK,PSH", ISS + 1, IRS + 1, b"abd"), "unexpected")
    assert "TEXT: expected 0x63 at octet 2, seen 0x64" in r.text


def test_text_that_may_go_has_to() -> None:
    t = Talk().connected()
    assert t.call("send", Result("count", 3), data=b"abc") is None
    assert t.quiet() is None
    assert t.wait(S) is None
    r = refused(t.wait(1), "missing", "tcp/new_text/last_of_queue")
    assert "it was due" in r.text


# ---- results of calls ---------------------------------------------------------------------------------------------


def test_octets_received_are_those_that_arrived() -> None:
    t = Talk().connected()
    assert t.rx("ACK,PSH", IRS + 1, ISS + 1, b"right") is None
    r = refused(t.call("receive", Result("octets", b"wrong"), max=100), "result")
    assert "receive() returned 5 octets beginning b'wrong'" in r.text
    assert "5 .. 5 octets beginning b'right'" in r.text or "1 .. 5 octets beginning b'right'" in r.text


@pytest.mark.parametrize("result", [Result("octets", b"rightly"), Result("octets", b""), AGAIN, OK])
def test_neither_more_nor_none_of_them(result: Result) -> None:
    t = Talk().connected()
    assert t.rx("ACK,PSH", IRS + 1, ISS + 1, b"right") is None
    refused(t.call("receive", result, max=100), "result")


def test_text_ahead_of_its_turn_is_not_received_yet() -> None:
    t = Talk().connected()
    assert t.rx("ACK,PSH", IRS + 4, ISS + 1, b"def") is None
    assert t.tx("ACK", ISS + 1, IRS + 1) is None
    assert t.call("receive", AGAIN, max=100) is None
    assert t.rx("ACK,PSH", IRS + 1, ISS + 1, b"abc") is None
    assert t.call("receive", Result("octets", b"abcdef"), max=100) is None
    assert t.tx("ACK", ISS + 1, IRS + 7) is None


def test_a_status_that_is_not_the_state() -> None:
    t = Talk().connected()
    r = refused(t.status("SYN-SENT"), "result", "tcp/status_open/tell")
    assert "status() returned state SYN-SENT; expected: state ESTABLISHED" in r.text


def test_more_octets_accepted_than_given() -> None:
    refused(Talk().connected().call("send", Result("count", 4), data=b"abc"), "result")


def test_a_send_after_the_close() -> None:
    t = Talk().connected()
    assert t.call("close") is None
    assert t.tx("FIN,ACK", ISS + 1, IRS + 1) is None
    r = refused(t.call("send", Result("count", 3), data=b"abc"), "result")
    assert "expected: error EPIPE" in r.text


def test_a_reset_is_reported_once() -> None:
    t = Talk().connected()
    assert t.rx("RST", IRS + 1) is None
    assert t.status("CLOSED") is None
    assert t.call("receive", Result("error", "ECONNRESET"), max=9) is None
    refused(t.call("receive", Result("error", "ECONNRESET"), max=9), "result")


def test_a_handle_that_is_open_is_no_bad_one() -> None:
    refused(Talk().connected().call("status", Result("error", "EBADF")), "result")


# ---- silent choices: all of them are believed until one is seen ---------------------------------------------------


def test_an_illegal_option_may_be_ignored() -> None:
    t = Talk().listening()
    assert t.rx("SYN", IRS, options=ILLEGAL) is None
    assert sorted(c.state for c in t.belief) == ["LISTEN", "SYN-RECEIVED"]
    assert t.tx("SYN,ACK", ISS, IRS + 1) is None
    assert [c.state for c in t.belief] == ["SYN-RECEIVED"]


def test_an_illegal_option_may_be_the_end_of_its_segment() -> None:
    t = Talk().listening()
    assert t.rx("SYN", IRS, options=ILLEGAL) is None
    assert t.quiet() is None
    assert t.oracle.judges == {}
    refused(t.tx("SYN,ACK", ISS, IRS + 1), "unexpected")


@pytest.mark.parametrize("kept", [True, False])
def test_text_on_a_syn_may_be_kept_or_not(kept: bool) -> None:
    t = Talk().accepting(b"early")
    assert len(t.belief) == 2
    assert t.rx("ACK", IRS + 1, ISS + 1) is None
    assert {c.rcv_nxt for c in t.belief} == {IRS + 1, IRS + 6}
    assert t.call("accept", Result("handle", 2), new=2) is None
    early = Result("octets", b"early")
    assert t.call("receive", early if kept else AGAIN, h=2, max=9) is None
    assert {c.rcv_nxt for c in t.belief} == {IRS + 6 if kept else IRS + 1}
    refused(t.call("receive", early, h=2, max=9), "result")


@pytest.mark.parametrize("kept", [True, False])
def test_text_on_a_syn_is_seen_by_its_acknowledgment(kept: bool) -> None:
    t = Talk().accepting(b"early")
    assert t.rx("ACK", IRS + 1, ISS + 1) is None
    if kept:
        assert t.tx("ACK", ISS + 1, IRS + 6) is None
    else:
        assert t.wait(S) is None
    assert {c.rcv_nxt for c in t.belief} == {IRS + 6 if kept else IRS + 1}


# ---- the initial sequence number ----------------------------------------------------------------------------------


@pytest.mark.parametrize("iss", [0, 1, ISS, 0x7FFFFFFF, 0xFFFFFFFF])
def test_the_first_syn_tells_the_initial_sequence_number(iss: int) -> None:
    t = Talk()
    assert t.call("open_active") is None
    (before,) = t.belief
    assert before.unbound and (before.iss, before.snd_nxt) == (0, 1)
    assert t.tx("SYN", iss) is None
    (after,) = t.belief
    nxt = (iss + 1) & 0xFFFFFFFF
    assert not after.unbound
    assert (after.iss, after.snd_una, after.snd_nxt, after.snd_base) == (iss, iss, nxt, nxt)
    refused(t.tx("SYN", (iss + 1) & 0xFFFFFFFF), "unexpected")


def test_what_was_queued_before_is_numbered_with_it() -> None:
    t = Talk()
    assert t.call("open_active") is None
    assert t.tx("SYN", 0xFFFFFFFE) is None
    assert t.rx("SYN,ACK", IRS, 0xFFFFFFFF, options=MSS) is None
    assert t.tx("ACK", 0xFFFFFFFF, IRS + 1) is None
    assert t.call("send", Result("count", 4), data=b"wrap") is None
    assert t.tx("ACK,PSH", 0xFFFFFFFF, IRS + 1, b"wrap") is None
    assert t.rx("ACK", IRS + 1, 3) is None
    (c,) = t.belief
    assert (c.snd_una, c.snd_nxt) == (3, 3)


def test_a_syn_and_ack_binds_the_number_too() -> None:
    t = Talk().listening()
    assert t.rx("SYN", IRS, options=MSS) is None
    (c,) = t.belief
    assert c.unbound
    assert t.tx("SYN,ACK", 777, IRS + 1) is None
    (c,) = t.belief
    assert (c.iss, c.snd_nxt, c.snd_wl2, c.unbound) == (777, 778, 777, False)


# ---- listeners ----------------------------------------------------------------------------------------------------


def opened(t: Talk, port: int, iss: int) -> None:
    """A connection from that port of the peer's, established."""
    t.port = port
    assert t.rx("SYN", IRS, options=MSS) is None
    assert t.tx("SYN,ACK", iss, IRS + 1) is None
    assert t.rx("ACK", IRS + 1, iss + 1) is None


def test_connections_are_accepted_in_their_order() -> None:
    t = Talk().listening()
    for port in (4001, 4002, 4003):
        opened(t, port, ISS + port)
    for h, port in ((2, 4001), (3, 4002), (4, 4003)):
        assert t.call("accept", Result("handle", h), new=h) is None
        assert t.oracle.handles[h] == (t.local, 80, t.remote, port)
    assert t.call("accept", AGAIN, new=5) is None


def test_what_is_not_established_yet_is_passed_over() -> None:
    t = Talk().accepting()
    opened(t, 4001, 100)
    assert t.call("accept", Result("handle", 2), new=2) is None
    assert t.oracle.handles[2] == (t.local, 80, t.remote, 4001)


def test_accept_has_nothing_to_give() -> None:
    t = Talk().accepting()
    r = refused(t.call("accept", Result("handle", 2), new=2), "result")
    assert "none was established" in r.text


def test_accept_must_give_what_is_there() -> None:
    t = Talk().listening()
    opened(t, 4001, 100)
    r = refused(t.call("accept", AGAIN, new=2), "result")
    assert "a connection was established" in r.text


def test_accept_on_what_does_not_listen() -> None:
    assert Talk().connected().call("accept", Result("error", "EINVAL"), new=2) is None
    refused(Talk().connected().call("accept", Result("handle", 2), new=2), "result")


def test_a_port_that_is_free_can_be_listened_on() -> None:
    refused(Talk().call("open_passive", Result("error", "EACCES")), "result")


def test_options_of_a_listener_are_those_of_its_connections() -> None:
    t = Talk()
    assert t.call("set", option="ttl", value=9) is None
    t.listening()
    assert t.rx("SYN", IRS, options=MSS) is None
    refused(t.tx("SYN,ACK", ISS, IRS + 1, ttl=64), "broken", "tcp/form/time_to_live")


def test_a_released_listener_resets_who_comes() -> None:
    t = Talk().listening()
    assert t.call("release") is None
    assert t.oracle.listeners == {}
    assert t.rx("SYN", IRS, options=MSS) is None
    assert t.tx("RST,ACK", 0, IRS + 1) is None
    assert t.call("status", Result("error", "EBADF")) is None


def test_a_released_listener_aborts_what_was_not_accepted() -> None:
    t = Talk().listening()
    opened(t, 4001, ISS)
    assert t.call("release") is None
    assert t.tx("RST", ISS + 1) is None
    assert t.quiet() is None
    assert t.oracle.judges == {}


def test_a_released_listener_that_leaves_its_connections_alone() -> None:
    t = Talk().listening()
    opened(t, 4001, ISS)
    assert t.call("release") is None
    refused(t.quiet(), "missing", "tcp/abort/reset")


def test_a_released_listener_and_one_that_is_being_opened() -> None:
    """Both are believed: it may be forgotten with the listener, or when its timers end."""
    t = Talk().accepting()
    assert t.call("release") is None
    assert sorted(c.state for c in t.belief) == ["CLOSED", "SYN-RECEIVED"]


# ---- ICMP, and who is refused -------------------------------------------------------------------------------------


def unreachable(t: Talk, code: int, seq: int) -> bytes:
    quoted = encode(Segment(t.local, t.remote, 80, t.port, seq, ctl=bits("SYN")))
    return encode_icmp(t.remote, t.local, 3, code, quoted)


def test_an_icmp_message_for_the_connection() -> None:
    t = Talk()
    assert t.call("open_active") is None
    assert t.tx("SYN", ISS) is None
    assert t.oracle.rx(unreachable(t, 1, ISS), t.now) is None
    assert t.status("SYN-SENT") is None
    assert t.oracle.steps[-2].rules != ()


def test_an_icmp_message_for_no_connection() -> None:
    t = Talk()
    assert t.oracle.rx(unreachable(t, 1, ISS), t.now) is None
    assert t.oracle.steps[-1].rules == ()


# ---- deadlines for the tester -------------------------------------------------------------------------------------


def test_when_the_next_thing_must_have_come() -> None:
    t = Talk().connected()
    assert t.oracle.next_deadline() is None
    assert t.rx("ACK,PSH", IRS + 1, ISS + 1, b"text") is None
    assert t.oracle.next_deadline() == 500 * MS
    assert t.oracle.next_timer() is None
    assert t.tx("ACK", ISS + 1, IRS + 5) is None
    assert t.oracle.next_deadline() is None
    assert t.call("send", Result("count", 3), data=b"abc") is None
    assert t.oracle.next_deadline() == S
    assert t.tx("ACK,PSH", ISS + 1, IRS + 5, b"abc") is None
    assert t.oracle.next_timer() == S
