"""The belief about one connection: how it widens and narrows, what it keeps and what it forgets."""

from __future__ import annotations

from typing import Any

import pytest

from wireproof.conformance import judge as judges
from wireproof.conformance.judge import Judge, Refusal
from wireproof.conformance.matching import outcome_text, result_text
from wireproof.conformance.session import Result
from wireproof.conformance.trial import Trial, every_way
from wireproof.reference import machine
from wireproof.reference.connection import CallEvent
from wireproof.reference.run import Outcome
from wireproof.reference.segment import CTL_NAMES, SYN, Segment

S = 1_000_000
A, B = bytes([10, 0, 0, 2]), bytes([10, 0, 0, 1])
OK = Result("ok")
ISS, IRS = 100, 500


def bits(names: str) -> int:
    return sum(1 << CTL_NAMES.index(n) for n in names.split(","))


def incoming(ctl: str, seq: int, ack: int = 0, data: bytes = b"", **more: Any) -> Segment:
    s = Segment(B, A, 5000, 80, seq, ack, bits(ctl), 65535, data=data)
    for name, value in more.items():
        setattr(s, name, value)
    return s


def outgoing(ctl: str, seq: int, ack: int = 0, data: bytes = b"", **more: Any) -> Segment:
    s = Segment(A, B, 80, 5000, seq, ack, bits(ctl), 65535, data=data)
    s.mss = 1460 if s.ctl & SYN else 0
    for name, value in more.items():
        setattr(s, name, value)
    return s


def new(profile: str = "rfc5961", slack: int = 0, **settings: int) -> Judge:
    m = machine.tcp()
    return Judge(m, m.params(profile, **({"ip_header": 20, "default_mss": 536} | settings)), slack)


def connected(profile: str = "rfc5961", slack: int = 0, **settings: int) -> Judge:
    """After an active open."""
    j = new(profile, slack, **settings)
    assert j.call("open_active", CallEvent(), OK, 0) is None
    assert j.sent(outgoing("SYN", ISS), 0) is None
    assert j.arrive("segment", incoming("SYN,ACK", IRS, ISS + 1, mss=1460), 0) is None
    assert j.sent(outgoing("ACK", ISS + 1, IRS + 1), 0) is None
    assert j.quiet(0) is None
    return j


def listening() -> Judge:
    j = new()
    assert j.call("open_passive", CallEvent(), OK, 0) is None
    return j


def states(j: Judge) -> list[str]:
    return sorted(c.state for c in j.configs)


def text_of(r: Refusal | None) -> str:
    assert r is not None
    return r.text


# ---- stimuli widen the belief, what comes out narrows it ----------------------------------------------------------


def test_a_fresh_connection_is_closed() -> None:
    j = new()
    assert states(j) == ["CLOSED"] and j.finished and j.deviations() == ()
    assert j.next_timer() is None and j.next_deadline(0) is None


def test_an_event_tells_its_rules() -> None:
    j = new()
    assert j.call("open_active", CallEvent(), OK, 0) is None
    assert j.fired[0] == "tcp/connect/open" and j.stimulus == j.fired
    assert j.sent(outgoing("SYN", ISS), 0) is None
    assert j.fired == ["tcp/connect/open"]
    assert "tcp/connect/open" in j.stimulus


def test_a_silent_choice_is_two_beliefs() -> None:
    j = listening()
    assert j.arrive("segment", incoming("SYN", IRS, options_ok=False), 0) is None
    assert states(j) == ["LISTEN", "SYN-RECEIVED"]
    assert not j.finished


def test_a_segment_tells_which_it_was() -> None:
    j = listening()
    j.arrive("segment", incoming("SYN", IRS, options_ok=False), 0)
    assert j.sent(outgoing("SYN,ACK", ISS, IRS + 1), 0) is None
    assert states(j) == ["SYN-RECEIVED"]


def test_silence_tells_which_it_was() -> None:
    j = listening()
    j.arrive("segment", incoming("SYN", IRS, options_ok=False), 0)
    assert j.quiet(0) is None
    assert states(j) == ["LISTEN"] and j.finished


def test_silence_is_judged_when_its_time_is_over() -> None:
    """Nothing is wrong as long as it may still come: at the same instant, or within the slack."""
    j = connected(slack=5)
    assert j.arrive("segment", incoming("ACK", IRS + 1, ISS + 9), 10) is None
    assert j.advance(10) is None
    assert j.advance(15) is None
    assert "had to be sent by" in text_of(j.advance(16))


def test_beliefs_that_are_the_same_are_one() -> None:
    j = connected()
    j.configs = [j.configs[0], j.configs[0].copy()]
    assert j.call("status", CallEvent(), Result("state", "ESTABLISHED"), 1) is None
    assert len(j.configs) == 1


def test_of_the_same_beliefs_the_one_with_fewer_deviations_stays() -> None:
    j = connected()
    deviant = j.configs[0].copy()
    deviant.deviations = (("tcp/x/y", "SHLD-1"),)
    j.configs = [deviant, j.configs[0]]
    assert j.call("status", CallEvent(), Result("state", "ESTABLISHED"), 1) is None
    assert [c.deviations for c in j.configs] == [()]


def test_too_many_beliefs_are_cut_and_that_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(judges, "MAX_BELIEF", 1)
    j = listening()
    j.arrive("segment", incoming("SYN", IRS, options_ok=False), 0)
    assert len(j.configs) == 1 and j.lossy


def test_the_configuration_before_is_not_changed() -> None:
    j = connected()
    before = j.configs[0]
    key = before.key()
    j.arrive("segment", incoming("ACK,PSH", IRS + 1, ISS + 1, b"text"), 1)
    j.call("send", CallEvent(data=b"abc"), Result("count", 3), 2)
    assert before.key() == key and j.configs[0] is not before


# ---- refusals -----------------------------------------------------------------------------------------------------


def test_a_second_reset() -> None:
    j = new()
    assert j.arrive("segment", incoming("ACK", IRS, 77), 0) is None
    assert j.sent(outgoing("RST", 77), 0) is None
    r = j.sent(outgoing("RST", 77), 0)
    assert r is not None and r.kind == "unexpected" and r.after


def test_a_refusal_names_the_nearest_rule_and_what_was_wanted() -> None:
    j = connected()
    j.call("send", CallEvent(data=b"abc"), Result("count", 3), 0)
    r = j.sent(outgoing("ACK,PSH", ISS + 1, IRS + 1, b"abx"), 0)
    assert r is not None
    assert (r.kind, r.rule, r.time) == ("unexpected", "tcp/new_text/last_of_queue", 0)
    assert r.text == "PSH,ACK seq=101 ack=501 len=3: TEXT: expected 0x63 at octet 2, seen 0x78"
    assert r.configuration.state == "ESTABLISHED"
    assert [len(c.differences) for c in r.candidates] == sorted(len(c.differences) for c in r.candidates)


def test_what_holds_of_every_segment_comes_before_what_it_was_meant_to_be() -> None:
    r = connected().sent(outgoing("ACK,PSH", ISS + 77, IRS + 9, b"boo", ttl=1), 0)
    assert r is not None
    assert (r.kind, r.rule) == ("broken", "tcp/form/time_to_live")


def test_a_result_that_no_rule_gives() -> None:
    j = connected()
    r = j.call("status", CallEvent(), Result("state", "LISTEN"), 0)
    assert text_of(r) == "status() returned state LISTEN; expected: state ESTABLISHED"
    assert r is not None and r.event[0] == "status"


def test_a_refused_call_leaves_the_belief_as_it_was() -> None:
    j = connected()
    before = [c.key() for c in j.configs]
    j.call("status", CallEvent(), Result("state", "LISTEN"), 0)
    assert [c.key() for c in j.configs] == before


# ---- time ---------------------------------------------------------------------------------------------------------


def test_a_timer_that_ends_in_silence_is_two_beliefs_until_its_latest_time() -> None:
    j = connected()
    j.call("close", CallEvent(), OK, 0)
    j.sent(outgoing("FIN,ACK", ISS + 1, IRS + 1), 0)
    j.arrive("segment", incoming("FIN,ACK", IRS + 1, ISS + 2), 0)
    j.sent(outgoing("ACK", ISS + 2, IRS + 2), 0)
    assert states(j) == ["TIME-WAIT"]
    early = j.next_timer()
    late = j.next_deadline(0)
    assert early == 240 * S and late is not None and late >= early
    assert j.call("status", CallEvent(), Result("state", "TIME-WAIT"), early - 1) is None
    assert j.call("status", CallEvent(), Result("state", "TIME-WAIT"), early) is None
    assert j.advance(late + 1) is None
    assert states(j) == ["CLOSED"] and j.finished


def test_time_wait_may_not_end_before() -> None:
    """Until 2 MSL are over the peer's FIN is acknowledged again, and not reset."""
    j = connected()
    j.call("close", CallEvent(), OK, 0)
    j.sent(outgoing("FIN,ACK", ISS + 1, IRS + 1), 0)
    j.arrive("segment", incoming("FIN,ACK", IRS + 1, ISS + 2), 0)
    j.sent(outgoing("ACK", ISS + 2, IRS + 2), 0)
    assert j.arrive("segment", incoming("FIN,ACK", IRS + 1, ISS + 2), 239 * S) is None
    r = j.sent(outgoing("RST", ISS + 2), 239 * S)
    assert r is not None and r.kind == "unexpected"
    assert j.sent(outgoing("ACK", ISS + 2, IRS + 2), 239 * S) is None


def test_time_never_goes_back_in_a_configuration() -> None:
    j = connected()
    j.arrive("segment", incoming("ACK,PSH", IRS + 1, ISS + 1, b"text"), 7)
    assert all(c.now == 7 for c in j.configs)


def test_what_is_acknowledged_is_no_duty_any_more() -> None:
    j = connected()
    j.arrive("segment", incoming("ACK,PSH", IRS + 1, ISS + 1, b"text"), 0)
    assert j.next_deadline(0) == 500_000
    assert j.sent(outgoing("ACK", ISS + 1, IRS + 5), 400_000) is None
    assert j.next_deadline(400_000) is None
    assert j.advance(600_000) is None


def test_text_carries_the_acknowledgment() -> None:
    j = connected()
    j.arrive("segment", incoming("ACK,PSH", IRS + 1, ISS + 1, b"text"), 0)
    j.call("send", CallEvent(data=b"abc"), Result("count", 3), 1)
    assert j.sent(outgoing("ACK,PSH", ISS + 1, IRS + 5, b"abc"), 1) is None
    assert j.advance(900_000) is None


def test_permissions_are_not_duties_while_others_are_outstanding() -> None:
    """Nagle: the second small segment waits for the acknowledgment of the first, and is due from then on."""
    j = connected()
    j.call("send", CallEvent(data=b"abc"), Result("count", 3), 0)
    assert j.sent(outgoing("ACK,PSH", ISS + 1, IRS + 1, b"abc"), 0) is None
    j.call("send", CallEvent(data=b"def"), Result("count", 3), 0)
    assert j.configs[0].due == ()
    assert j.arrive("segment", incoming("ACK", IRS + 1, ISS + 4), 300_000) is None
    assert j.configs[0].due == (("tcp/new_text/last_of_queue", 300_000 + S),)
    r = j.advance(300_000 + S + 1)
    assert r is not None and (r.kind, r.rule) == ("missing", "tcp/new_text/last_of_queue")


def test_a_closed_window_is_all_the_same_answered() -> None:
    """With no room left text is refused, and what is expected is told again (MUST-66)."""
    j = new()
    j.call("open_active", CallEvent(), OK, 0)
    j.sent(outgoing("SYN", ISS, wnd=4), 0)
    j.arrive("segment", incoming("SYN,ACK", IRS, ISS + 1, mss=1460), 0)
    assert j.sent(outgoing("ACK", ISS + 1, IRS + 1, wnd=4), 0) is None
    j.arrive("segment", incoming("ACK,PSH", IRS + 1, ISS + 1, b"full"), 0)
    assert j.sent(outgoing("ACK", ISS + 1, IRS + 5, wnd=0), 0) is None
    assert j.arrive("segment", incoming("ACK,PSH", IRS + 5, ISS + 1, b"!"), S) is None
    assert "tcp/sequence/zero_window" in j.stimulus
    assert all(c.rcv_data == b"full" for c in j.configs)
    assert j.sent(outgoing("ACK", ISS + 1, IRS + 5, wnd=0), S) is None
    assert j.arrive("segment", incoming("RST", IRS + 5), S) is None
    assert states(j) == ["CLOSED"]


# ---- deviations ---------------------------------------------------------------------------------------------------


def test_a_deviation_is_believed_only_when_nothing_else_explains() -> None:
    """SHLD-28 prefers full segments: half of what may go is permitted, and counted."""
    j = connected()
    j.call("send", CallEvent(data=bytes(5000)), Result("count", 5000), 0)
    assert j.sent(outgoing("ACK", ISS + 1, IRS + 1, bytes(700)), 0) is None
    assert j.deviations() == (("tcp/new_text/split_early", "SHLD-28"),)


def test_no_deviation_without_need() -> None:
    j = connected()
    j.call("send", CallEvent(data=bytes(5000)), Result("count", 5000), 0)
    assert j.sent(outgoing("ACK", ISS + 1, IRS + 1, bytes(1460)), 0) is None
    assert j.deviations() == ()


def test_the_requirement_of_a_law_that_is_no_must_is_a_deviation() -> None:
    """A SYN without the MSS option: SHLD-5 would have it."""
    j = new()
    j.call("open_active", CallEvent(), OK, 0)
    assert j.sent(outgoing("SYN", ISS, mss=0), 0) is None
    assert {rule for rule, _ in j.deviations()} == {"tcp/form/mss_announced"}


# ---- the ways through silent choices ------------------------------------------------------------------------------


def test_every_way_is_taken_once() -> None:
    class Config:
        now = 0

        def __init__(self, seen: tuple[str, ...] = ()):
            self.seen = seen

        def copy(self) -> Config:
            return Config(self.seen)

    def run(c: Any, x: Trial) -> None:
        c.seen += ("a" if x.flag("first") else "b",)
        if x.flag("first"):
            c.seen += ("c" if x.flag("second") else "d",)

    start = Config()
    found, missed, _ = every_way(Trial(None), start, run, 5)
    assert sorted(c.seen for c in found) == [("a", "c"), ("a", "d"), ("b",)]
    assert missed == [] and start.seen == () and all(c.now == 5 for c in found)


@pytest.mark.parametrize(
    ("outcomes", "result", "fits", "count"),
    [
        ((Outcome("ok"),), OK, True, 0),
        ((Outcome("ok"),), Result("error", "EPIPE"), False, 0),
        ((Outcome("error", "EPIPE"), Outcome("error", "ENOTCONN")), Result("error", "ENOTCONN"), True, 0),
        ((Outcome("error", "EPIPE"),), Result("error", "EAGAIN"), False, 0),
        ((Outcome("state", "LISTEN"),), Result("state", "LISTEN"), True, 0),
        ((Outcome("count", "", 1, 9),), Result("count", 9), True, 9),
        ((Outcome("count", "", 1, 9),), Result("count", 0), False, 0),
        ((Outcome("count", "", 1, 9),), Result("count", 10), False, 0),
        ((Outcome("octets", "", 1, 3, b"abc"),), Result("octets", b"ab"), True, 2),
        ((Outcome("octets", "", 1, 3, b"abc"),), Result("octets", b"ax"), False, 0),
        ((Outcome("octets", "", 1, 3, b"abc"),), Result("octets", b""), False, 0),
        ((Outcome("octets", "", 1, 3, b"abcd"),), Result("octets", b"abcd"), False, 0),
    ],
)  # fmt: skip
def test_a_result_fits_an_outcome(outcomes: tuple[Outcome, ...], result: Result, fits: bool, count: int) -> None:
    x = Trial(None)
    x.observed = result
    assert x.settle(None, "tcp/x/y", outcomes) is fits
    assert x.count == count
    assert x.expected == (None if fits else ("tcp/x/y", outcomes))


def test_an_initial_number_is_unknown_until_it_is_seen() -> None:
    j = connected()
    c = j.configs[0]
    assert Trial(None).number(c, "ISS") == 0 and c.unbound


# ---- texts --------------------------------------------------------------------------------------------------------


def test_outcomes_and_results_as_text() -> None:
    assert [outcome_text(o) for o in (Outcome("ok"), Outcome("error", "EPIPE"), Outcome("state", "LISTEN"))] == [
        "ok",
        "error EPIPE",
        "state LISTEN",
    ]
    assert outcome_text(Outcome("count", "", 3, 3)) == "count 3"
    assert outcome_text(Outcome("count", "", 1, 3)) == "count 1 .. 3"
    assert outcome_text(Outcome("octets", "", 1, 9, b"abc")) == "1 .. 3 octets beginning b'abc'"
    assert outcome_text(Outcome("octets", "", 0, 0, b"")) == "end of file"
    assert result_text(OK) == "ok" and result_text(Result("count", 3)) == "count 3"
    assert result_text(Result("octets", b"")) == "end of file"
    assert result_text(Result("octets", b"abc")) == "3 octets beginning b'abc'"
