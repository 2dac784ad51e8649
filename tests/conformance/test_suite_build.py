"""Building the suite: the journal, what is made short, the table."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from wireproof.conformance import suite
from wireproof.conformance.cover import VARIANTS, Runner
from wireproof.conformance.coverage import Coverage
from wireproof.conformance.purpose_table import Entry, read, summary, text
from wireproof.conformance.suite_build import Build, entries, shortened
from wireproof.conformance.testcase import Step, SuiteError, TestCase
from wireproof.spec.load import tcp

MODEL = tcp()
STEPS: list[Step] = [
    {"call": "open_active", "h": 1},
    {"call": "status", "h": 1},
    {"seg": "RST,ACK", "seq": ["RCV.NXT", 0], "ack": ["SND.NXT", 0]},
    {"call": "error", "h": 1},
]
PURPOSE = "rule/tcp/syn_sent_reset/refused"


@pytest.fixture(scope="module")
def coverage() -> Coverage:
    return Coverage(MODEL)


def begun(tmp_path: Path) -> Build:
    build = Build(MODEL, tmp_path)
    build.begin()
    build.note({"cases": [json.loads(TestCase("tcp/x/y/z", STEPS[:1]).to_json())]})
    build.note({"seen": {"rule/tcp/open/active": "tcp/x/y/z"}, "on": "rfc5961", "seconds": 1.0})
    found = [{"steps": STEPS, "on": "rfc5961", "covers": [PURPOSE]}]
    build.note({"round": 0, "seconds": 1.5, "found": found, "pools": {"rfc5961": [STEPS]}, "refused": []})
    return build


def test_a_build_that_was_killed_goes_on(tmp_path: Path) -> None:
    """Also when the kill came in the middle of a line."""
    first = begun(tmp_path)
    with first.journal.open("a") as out:
        out.write('{"round": 1, "seco')
    again = Build(MODEL, tmp_path)
    assert again.resume()
    assert again.witnesses == first.witnesses
    assert (again.done, again.seconds, again.pools) == (first.done, first.seconds, first.pools)


def test_a_journal_of_another_specification_is_not_taken_up(tmp_path: Path) -> None:
    first = begun(tmp_path)
    lines = first.journal.read_text().splitlines()
    header = json.loads(lines[0]) | {"spec_hash": "another"}
    first.journal.write_text("\n".join([json.dumps(header), *lines[1:]]) + "\n")
    assert not Build(MODEL, tmp_path).resume()
    assert not Build(MODEL, tmp_path / "nowhere").resume()


def test_made_short_it_still_covers(coverage: Coverage) -> None:
    wanted = [p for p in Runner(coverage, VARIANTS[0]).run(STEPS) or () if p.startswith("rule/tcp/syn_sent")]
    assert wanted
    short = shortened(coverage, STEPS, VARIANTS[0], wanted)
    assert len(short) < len(STEPS)
    assert set(wanted) <= (Runner(coverage, VARIANTS[0]).run(short) or set())


def test_every_purpose_ends_in_one_of_three_ways(coverage: Coverage, tmp_path: Path) -> None:
    build = begun(tmp_path)
    ids = [p.id for p in coverage.purposes]
    build.witnesses = {i: w for i, w in build.witnesses.items() if i in ids}
    _, table = entries(build, coverage, {ids[-1]: "proved"}, "2 rounds", lambda *told: None)
    assert [e.purpose for e in table] == ids
    n = summary(table)["purposes"]
    assert n == {"covered": len(build.witnesses), "unreachable": 1, "open": len(ids) - 1 - len(build.witnesses)}
    assert all(e.why == "2 rounds" for e in table if e.status == "open")


def test_a_table_reads_as_it_was_written(tmp_path: Path) -> None:
    table = [Entry("rule/a", "covered", "tcp/a", "linux"), Entry("rule/b", "open", why="1 round")]
    file = tmp_path / "t.jsonl"
    file.write_text(text(table))
    assert read(file) == table


@pytest.mark.parametrize("line", ["{", '{"purpose": "x", "status": "done"}', '{"colour": 1}', "[]"])
def test_a_table_that_is_none_is_told(tmp_path: Path, line: str) -> None:
    file = tmp_path / "t.jsonl"
    file.write_text(f'{{"purpose": "x", "status": "open"}}\n{line}\n')
    with pytest.raises(SuiteError, match=r"t\.jsonl:2: not a purpose"):
        read(file)


def test_the_table_that_is_checked_in_is_of_this_model(coverage: Coverage) -> None:
    """Every purpose of the specification is in it, and a sample of what it calls covered is covered again."""
    table = read()
    assert [e.purpose for e in table] == [p.id for p in coverage.purposes]
    cases = {c.id: c for c in suite.load()}
    variants = {v.name: v for v in VARIANTS}
    for e in [e for e in table if e.status == "covered"][::40]:
        assert e.purpose in (Runner(coverage, variants[e.on]).run(cases[e.case].steps) or ()), e


def test_most_purposes_are_closed() -> None:
    n = summary(read())["purposes"]
    assert n["covered"] + n["unreachable"] >= 0.95 * sum(n.values())
    assert all(e.why for e in read() if e.status != "covered")
