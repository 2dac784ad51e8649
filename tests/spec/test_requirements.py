"""The numbered requirements of RFC 9293: all there, each with rules or a reason, and faults told."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from wireproof.spec import load, requirements
from wireproof.spec.source import Source

NUMBERED = [
    *(f"MUST-{n}" for n in range(1, 70)),
    *(f"SHLD-{n}" for n in range(1, 32)),
    *(f"MAY-{n}" for n in range(1, 19)),
    "REC-1",
    *(f"U-{n}" for n in range(3, 13)),
]

ONE_RULE = """machine toy
  means "A toy."
enum state = IDLE
event segment
  field RST : flag
var STATE : state = IDLE

on segment in IDLE named idle

rule only [{ids}]
{clauses}  otherwise
  drop
"""


def toy(ids: str, clauses: str = "") -> Source:
    return Source("toy.wire", ONE_RULE.format(ids=ids, clauses=clauses))


def entry(i: str, reason: str = "") -> str:
    more = f'reason = "{reason}"\n' if reason else ""
    return f'[[requirement]]\nid = "{i}"\nlevel = "MUST"\nsection = "3.1"\nmeans = "A thing."\n{more}\n'


def test_every_number_is_there_once() -> None:
    assert len(NUMBERED) == 129
    assert Counter(r.id for r in requirements.read()) == Counter(NUMBERED)


@pytest.mark.parametrize("r", requirements.read(), ids=lambda r: r.id)
def test_a_requirement_has_level_section_and_meaning(r: requirements.Requirement) -> None:
    levels = {
        "MUST": ("MUST", "MUST NOT"),
        "SHLD": ("SHOULD", "SHOULD NOT"),
        "MAY": ("MAY",),
        "REC": ("RECOMMENDED",),
        "U": ("MUST", "SHOULD", "MAY"),
    }
    assert r.level in levels[r.id.split("-")[0]]
    assert r.section.startswith("3.")
    assert 5 < len(r.means) < 160


def test_the_specification_answers_for_all() -> None:
    model = load.tcp()
    assert requirements.diagnose(model) == []
    table = requirements.table(model)
    assert sum(bool(r.rules) for r in table) >= 95
    rules = {rule.id for _, rule in model.rules()}
    for r in table:
        assert bool(r.rules) != bool(r.reason), r.id
        assert set(r.rules) <= rules and len(set(r.rules)) == len(r.rules)


def test_rules_are_those_that_cite_it() -> None:
    model = load.tcp()
    for r in requirements.table(model):
        assert r.rules == [rule.id for _, rule in model.rules() if r.id in rule.ids + rule.deviates]


def test_a_table_does_not_change_the_next() -> None:
    model = load.tcp()
    assert requirements.table(model) == requirements.table(model)


def test_an_id_that_does_not_exist_is_told_with_the_nearest(tmp_path: Path) -> None:
    path = tmp_path / "r.toml"
    path.write_text(entry("MUST-1"))
    model = load.load_sources([toy("MUST-1, MUST-11", "  deviates SHLD-1\n")])
    found = requirements.diagnose(model, path)
    assert [d.code for d in found] == ["unknown-requirement", "unknown-requirement"]
    assert "MUST-11" in found[0].text and "'MUST-1'" in found[0].hint
    assert "SHLD-1" in found[1].text
    assert found[0].span.source.name == "toy.wire" and found[0].span.line == 10


def test_neither_rule_nor_reason(tmp_path: Path) -> None:
    path = tmp_path / "r.toml"
    path.write_text(entry("MUST-1") + entry("MUST-2") + entry("MUST-3", "not observable"))
    (found,) = requirements.diagnose(load.load_sources([toy("MUST-1")]), path)
    assert found.code == "requirement-open" and "MUST-2" in found.text
    assert (found.span.source.name, found.span.source.line(found.span.line)) == ("r.toml", 'id = "MUST-2"')


def test_a_reason_is_stale_once_a_rule_cites_the_id(tmp_path: Path) -> None:
    path = tmp_path / "r.toml"
    path.write_text(entry("MUST-1", "later work"))
    (found,) = requirements.diagnose(load.load_sources([toy("MUST-1")]), path)
    assert found.code == "stale-reason" and "toy/idle/only" in found.text


def test_a_deviation_counts_as_a_citation(tmp_path: Path) -> None:
    path = tmp_path / "r.toml"
    path.write_text(entry("MUST-1") + entry("SHLD-1"))
    model = load.load_sources([toy("MUST-1", "  deviates SHLD-1\n")])
    assert requirements.diagnose(model, path) == []


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("requirement = [", "not a list of requirements"),
        ("", "'requirement' is missing"),
        ('[[requirement]]\nid = "MUST-1"\n', "'level' is missing"),
        (entry("MUST-1") + entry("MUST-1"), "MUST-1 stands there twice"),
    ],
)
def test_a_table_that_is_none_is_told_with_its_file(tmp_path: Path, text: str, what: str) -> None:
    path = tmp_path / "r.toml"
    path.write_text(text)
    with pytest.raises(ValueError, match=r"r\.toml") as e:
        requirements.read(path)
    assert what in str(e.value)


def test_check_text_tells_of_unknown_ids_too() -> None:
    found = load.check_text(toy("MUST-70").text, "toy.wire")
    assert [d.code for d in found] == ["unknown-requirement"]
