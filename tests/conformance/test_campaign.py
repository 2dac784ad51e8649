"""Campaigns: the stream of events, what the baseline makes of it, retries, records, interruptions."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from wireproof.conformance import catalogue, records, suite, timing
from wireproof.conformance.baseline import Baseline, BaselineError, Entry, read
from wireproof.conformance.campaign import Campaign, Options
from wireproof.conformance.oracle import Oracle
from wireproof.conformance.select import select
from wireproof.conformance.session import IutError, Unsupported
from wireproof.conformance.targets.reference import ReferenceTarget
from wireproof.conformance.testcase import SLOW_US
from wireproof.conformance.testcase import TestCase as Case
from wireproof.conformance.tester import Report, Settings
from wireproof.reference.codec import encode
from wireproof.reference.segment import Segment

CASES = suite.load()
RESETS = select(CASES, ["rule:tcp/sequence/unacceptable_reset"]).cases
BROKEN = catalogue.find("mutant:rst-answered")
RULE = "tcp/sequence/unacceptable_reset"


def run(kind: catalogue.Kind, cases: list[Case], *entries: Entry, **options: Any) -> list[dict[str, Any]]:
    """The events of a run."""
    events: list[dict[str, Any]] = []
    of = options.pop("of", len(cases))
    recorder = options.pop("recorder", None)
    Campaign(kind, cases, of, Baseline(list(entries)), events.append, recorder, Options(**options)).run()
    return events


def known(**more: Any) -> Entry:
    return Entry(**{"kind": "fail", "rule": RULE, "reason": "because", **more})


def results(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [e for e in events if e["event"] == "result"]


def test_the_stream_is_plan_results_summary_and_plain_data() -> None:
    events = run(catalogue.find("ref"), RESETS)
    assert [e["event"] for e in events] == ["plan", *["result"] * len(RESETS), "summary"]
    assert json.loads(json.dumps(events)) == events
    assert {e["id"] for e in results(events)} == {c.id for c in RESETS}
    assert events[0]["selected"] == len(RESETS)
    assert events[-1]["counts"]["pass"] == len(RESETS)
    assert events[-1]["exit"] == 0


@pytest.mark.parametrize("name", ["ref", "ref6"])
def test_the_reference_passes_everything(name: str) -> None:
    events = run(catalogue.find(name), CASES)
    assert [e["id"] for e in results(events) if e["verdict"] != "pass" or e["deviations"]] == []
    assert events[-1]["exit"] == 0
    assert events[-1]["not_verified"] == 0


def test_a_mutant_fails_by_the_rule_it_breaks() -> None:
    events = run(BROKEN, RESETS)
    failed = [e for e in results(events) if e["verdict"] == "fail"]
    assert events[-1]["exit"] == 1
    assert events[-1]["new"] == len(failed) > 0
    assert {e["rule"] for e in failed} == {RULE}
    first = failed[0]
    assert first["meaning"]
    assert first["cites"]
    assert first["explanation"]
    assert first["steps"][-1]["kind"] == "tx"
    assert first["steps"][-1]["text"].startswith("ACK ")
    assert len({e["cex"] for e in failed}) == len(failed)


@pytest.mark.parametrize(
    ("entry", "explains"),
    [
        (known(), True),
        (known(match=["tcp/sequence/**", "tcp/state/**"]), True),
        (known(rule="tcp/sequence/*"), True),
        (known(text="^ACK "), True),
        (known(text="^RST"), False),
        (known(rule="tcp/text/*"), False),
        (known(match=["tcp/text/**"]), False),
        (known(kind="should"), False),
    ],
)
def test_an_entry_explains_by_id_and_rule_and_text(entry: Entry, explains: bool) -> None:
    events = run(BROKEN, RESETS, entry)
    failed = [e for e in results(events) if e["verdict"] == "fail"]
    assert {e["overlay"] for e in failed} == ({"xfail"} if explains else {""})
    assert events[-1]["exit"] == (0 if explains else 1)
    assert events[-1]["overlays"]["xfail"] == (len(failed) if explains else 0)


def test_stale_entries_are_told_after_whole_runs_and_fail_only_if_strict() -> None:
    entry = known(match=["tcp/nothing/**"])
    assert len(run(BROKEN, RESETS, known(), entry)[-1]["stale"]) == 1
    assert run(BROKEN, RESETS, known(), entry)[-1]["exit"] == 0
    assert run(BROKEN, RESETS, known(), entry, strict=True)[-1]["exit"] == 1
    assert run(BROKEN, RESETS, known(), entry, strict=True, of=len(CASES))[-1]["stale"] == []


def test_a_test_that_must_fail_and_passes_is_xpass() -> None:
    assert run(catalogue.find("ref"), RESETS, known(match=[RESETS[0].id]))[-1]["exit"] == 0
    events = run(catalogue.find("ref"), RESETS, known(match=[RESETS[0].id], always=True))
    assert [e["id"] for e in results(events) if e["overlay"] == "xpass"] == [RESETS[0].id]
    assert events[-1]["exit"] == 1


def test_options_change_the_exit_status_only() -> None:
    events = run(BROKEN, RESETS, exit_zero=True)
    assert events[-1]["verdict"] == "not conformant"
    assert events[-1]["exit"] == 0


# ---- a target that says what it is told to -----------------------------------------------------------------------


class Scripted(ReferenceTarget):
    """Reports what a script says of each program, one list entry a run."""

    def __init__(self, script: dict[str, list[Any]]) -> None:
        super().__init__()
        self.script = script
        self.runs = 0

    def run(self, programs: Any, progress: Any) -> None:
        self.runs += 1
        for p in programs:
            what = self.script.get(p.id, [Report("pass")])
            now = what.pop(0) if len(what) > 1 else what[0]
            if isinstance(now, KeyboardInterrupt):
                raise now
            if isinstance(now, BaseException):
                progress.finished(p, None, now)
            else:
                progress.finished(p, now, None)


def scripted(monkeypatch: pytest.MonkeyPatch, clock: str, script: dict[str, list[Any]]) -> catalogue.Kind:
    monkeypatch.setitem(catalogue._OPENERS, "scripted", lambda kind, longest: Scripted(script))
    return replace(catalogue.find("ref"), name="scripted", group="scripted", clock=clock)  # type: ignore[arg-type]


def failure() -> Report:
    """A report of a failing test."""
    reports: list[Report] = []

    class Note:
        def finished(self, program: Any, result: Any, error: Any) -> None:
            reports.append(result)

    from wireproof.conformance.campaign import CaseProgram

    target = BROKEN.open()
    target.run([CaseProgram(c, BROKEN.settings()) for c in RESETS], Note())
    return next(r for r in reports if r.verdict == "fail")


def test_unlisted_departures_from_a_should_fail_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    case = CASES[0]
    kind = scripted(monkeypatch, "virtual", {case.id: [Report("pass", deviations=[("tcp/x/y", "SHLD-1")])]})
    events = run(kind, [case])
    assert results(events)[0]["overlay"] == "unlisted"
    assert events[-1]["exit"] == 1

    def entry(**more: Any) -> Entry:
        return Entry(**{"kind": "should", "rule": "tcp/x/*", "reason": "r", "requirements": ["SHLD-1"], **more})

    assert run(kind, [case], entry())[-1]["exit"] == 0
    assert run(kind, [case], entry(requirements=["SHLD-2"]))[-1]["exit"] == 1
    assert run(kind, [case], entry(rule="tcp/z/*"))[-1]["exit"] == 1


@pytest.mark.parametrize(
    ("clock", "timely", "second", "verdict"),
    [
        ("wall", True, "pass", "inconclusive"),
        ("wall", True, "fail", "fail"),
        ("wall", False, "pass", "fail"),
        ("virtual", True, "pass", "fail"),
    ],
)
def test_only_a_timing_miss_on_a_wall_clock_is_tried_again(
    monkeypatch: pytest.MonkeyPatch, clock: str, timely: bool, second: str, verdict: str
) -> None:
    failed = failure()
    if timely:
        assert failed.refusal is not None
        failed.refusal.kind = "missing"
    case = RESETS[0]
    kind = scripted(monkeypatch, clock, {case.id: [failed, failed if second == "fail" else Report("pass")]})
    events = run(kind, [case, RESETS[1]])
    assert {e["id"]: e["verdict"] for e in results(events)} == {case.id: verdict, RESETS[1].id: "pass"}
    assert events[-1]["exit"] == (1 if verdict == "fail" else 0)


def test_what_a_timer_brings_too_early_is_a_timing_miss() -> None:
    early = run(catalogue.find("mutant:rto-impatient"), select(CASES, ["tcp/connect/closed/open/open-active"]).cases)
    assert results(early)[0]["kind"] == "unexpected"
    kind = catalogue.find("mutant:rto-impatient")
    reports: list[Report] = []

    class Note:
        def finished(self, program: Any, result: Any, error: Any) -> None:
            reports.append(result)

    from wireproof.conformance.campaign import CaseProgram

    cases = select(CASES, ["tcp/connect/closed/open/open-active"]).cases
    kind.open().run([CaseProgram(c, kind.settings()) for c in cases], Note())
    assert [timing.is_timing(r, kind.settings()) for r in reports] == [True]
    assert not timing.is_timing(failure(), BROKEN.settings())


def crossing(settings: Settings) -> Report:
    """The retransmission of a SYN is sent just before the SYN,ACK goes in, and is read after it."""
    session = ReferenceTarget().session()
    oracle = Oracle(settings.machine, session.local, settings.profile, slack=settings.slack)
    ends = {"local": (session.local, 80), "remote": (session.remote, 5000)}
    oracle.call(1, "open_active", ends, session.call(1, "open_active", **ends), 0)
    ((_, syn),) = session.drain()
    oracle.tx(syn, 0)
    oracle.quiet(0)
    session.pass_time(2_000_000)
    ((at, again),) = session.drain()
    iss = int.from_bytes(again[24:28], "big")
    answer = Segment(session.remote, session.local, 5000, 80, seq=1, ack=iss + 1, ctl=0x12, wnd=65535)
    oracle.rx(encode(answer), at)
    assert oracle.tx(again, at + 10) is not None
    return Report("fail", oracle.refusal, oracle=oracle)


def slack_of(us: int) -> Settings:
    settings = catalogue.find("ref").settings()
    settings.slack = us
    return settings


def test_a_segment_that_crosses_a_stimulus_is_a_timing_miss() -> None:
    settings = slack_of(80_000)
    report = crossing(settings)
    assert timing.crossed(report, settings)
    settings.slack = 5
    assert not timing.crossed(report, settings)


def test_a_crossing_is_no_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the two events the other way round all was allowed. A second run that nothing allows counts all the same."""
    once, again, broken = CASES[:3]
    cross = crossing(slack_of(80_000))
    script: dict[str, list[Any]] = {
        once.id: [cross, Report("pass")],
        again.id: [cross, cross],
        broken.id: [cross, failure()],
    }
    events = run(scripted(monkeypatch, "wall", script), [once, again, broken])
    assert {e["id"]: e["verdict"] for e in results(events)} == {once.id: "pass", again.id: "pass", broken.id: "fail"}


def test_errors_and_unsupported(monkeypatch: pytest.MonkeyPatch) -> None:
    a, b, c = CASES[:3]
    script: dict[str, list[Any]] = {a.id: [IutError("it crashed")], b.id: [Unsupported("no urgent data")]}
    kind = scripted(monkeypatch, "virtual", script)
    events = run(kind, [a, b, c])
    assert [(e["verdict"], e["text"]) for e in results(events)][:2] == [
        ("error", "it crashed"),
        ("unsupported", "no urgent data"),
    ]
    assert (events[-1]["new"], events[-1]["exit"], events[-1]["not_verified"]) == (1, 1, 1)
    assert run(kind, [b])[-1]["exit"] == 4
    assert run(kind, [b], exit_zero=True)[-1]["exit"] == 0


def test_only_inconclusive_is_nothing_verified(monkeypatch: pytest.MonkeyPatch) -> None:
    kind = scripted(monkeypatch, "virtual", {CASES[0].id: [Report("inconclusive", reason="why")]})
    assert run(kind, CASES[:1])[-1]["exit"] == 4
    assert run(kind, CASES[:1], allow_inconclusive=True)[-1]["exit"] == 0


def test_slow_tests_are_skipped_on_a_wall_clock_unless_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    slow = replace(CASES[0], duration_us=SLOW_US + 1)
    kind = scripted(monkeypatch, "wall", {})
    assert [e["verdict"] for e in results(run(kind, [slow]))] == ["skipped"]
    assert [e["verdict"] for e in results(run(kind, [slow], slow=True))] == ["pass"]
    assert [e["verdict"] for e in results(run(replace(kind, clock="virtual"), [slow]))] == ["pass"]


def test_an_interrupted_run_keeps_its_results(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    kind = scripted(monkeypatch, "wall", {CASES[2].id: [KeyboardInterrupt()]})
    recorder = records.Recorder(tmp_path)
    events = run(kind, CASES[:4], recorder=recorder)
    recorder.close()
    assert (events[-1]["partial"], events[-1]["exit"], events[-1]["not_run"]) == (True, 130, 2)
    kept = records.read(recorder.path)
    assert kept.events == events
    assert len(kept.results) == 2
    assert kept.summary is not None
    assert kept.summary["partial"]


# ---- records -------------------------------------------------------------------------------------------------------


def test_records_are_found_again(tmp_path: Path) -> None:
    assert records.last(home=tmp_path) is None
    for kind in (BROKEN, catalogue.find("ref")):
        recorder = records.Recorder(tmp_path)
        run(kind, RESETS, recorder=recorder)
        recorder.close()
    assert records.run_ids(tmp_path) == ["r2", "r1"]
    newest, broken = records.last(home=tmp_path), records.last(BROKEN.name, tmp_path)
    assert newest is not None
    assert broken is not None
    assert (newest.id, broken.id) == ("r2", "r1")
    first = broken.failures()[0]
    run_found, event = records.find(first["cex"], tmp_path)
    assert (run_found.id, event) == ("r1", first)
    with pytest.raises(records.RecordError, match="there is no counterexample"):
        records.find("c-none", tmp_path)
    with pytest.raises(records.RecordError, match="there are r2, r1"):
        records.load("r9", tmp_path)


def test_a_line_cut_off_is_left_out_and_other_damage_told(tmp_path: Path) -> None:
    recorder = records.Recorder(tmp_path)
    run(catalogue.find("ref"), RESETS[:2], recorder=recorder)
    recorder.close()
    file = recorder.path / records.RESULTS
    whole = file.read_text()
    file.write_text(whole[:-20])
    assert len(records.read(recorder.path).results) == 2
    file.write_text("[]\n" + whole)
    with pytest.raises(records.RecordError, match=":1: not an event"):
        records.read(recorder.path)


def test_short_ids_are_stable_and_grow_when_taken() -> None:
    name = records.short_id("ref", "tcp/a", "tcp/r")
    assert name == records.short_id("ref", "tcp/a", "tcp/r", set())
    assert records.short_id("ref", "tcp/a", "tcp/r", {name}) == records.short_id("ref", "tcp/a", "tcp/r", {name})
    assert len(records.short_id("ref", "tcp/a", "tcp/r", {name})) == len(name) + 1


# ---- the baseline's file -----------------------------------------------------------------------------------------

GOOD = 'kind = "fail"\nmatch = ["tcp/a/**"]\nrule = "tcp/r/s"\nreason = "so"\n'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (GOOD.replace("reason", "raeson"), r"unknown key 'raeson'; did you mean 'reason'\?"),
        (GOOD.replace('"fail"', '"flaky"'), "it must be 'fail' or 'should'"),
        (GOOD.replace('["tcp/a/**"]', '"tcp/a/**"'), "'match' must be a list of texts"),
        (GOOD.replace('["tcp/a/**"]', "[1]"), "'match' must be a list of texts"),
        (GOOD + "always = 1\n", "'always' must be true or false"),
        (GOOD + "family = true\n", "'family' must be a number"),
        (GOOD + "family = 5\n", "family must be 4 or 6"),
        (GOOD + 'text = "("\n', "text is no regular expression"),
        ('kind = "fail"\nrule = "r"\nreason = "s"\n', "'match' is missing"),
        ('kind = "should"\nrule = "r"\nreason = "s"\n', "'requirements' is missing"),
        ("kind = \n", "not TOML"),
    ],
)
def test_a_wrong_baseline_says_what_is_wrong(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "known.toml"
    file.write_text("[[deviation]]\n" + text)
    with pytest.raises(BaselineError, match=message):
        read(file)


@pytest.mark.parametrize(
    ("text", "message"),
    [("[[deviations]]\n", "unknown key 'deviations'"), ("[deviation]\n", "two brackets")],
)
def test_a_wrong_table_says_so(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "known.toml"
    file.write_text(text)
    with pytest.raises(BaselineError, match=message):
        read(file)
    with pytest.raises(BaselineError, match="cannot be read"):
        read(tmp_path / "absent.toml")


def test_entries_of_one_family_hold_there_only(tmp_path: Path) -> None:
    file = tmp_path / "known.toml"
    file.write_text(f"[[deviation]]\n{GOOD}family = 4\n[[deviation]]\n{GOOD}")
    assert [e.number for e in read(file, 4).entries] == [1, 2]
    assert [e.number for e in read(file, 6).entries] == [2]


def test_the_baselines_that_come_with_wireproof_are_sound() -> None:
    for kind in catalogue.kinds().values():
        kind.baseline()
    assert catalogue.find("ref").baseline().entries == []


def test_an_unknown_target_is_told_with_the_nearest() -> None:
    with pytest.raises(catalogue.UnknownTarget, match="did you mean 'linux'"):
        catalogue.find("lnux")
    with pytest.raises(catalogue.UnknownTarget, match="did you mean 'mutant:rst-answered'"):
        catalogue.find("rst-answerd")
