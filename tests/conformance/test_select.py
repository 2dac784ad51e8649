"""Selectors choose what they say, and what cannot be understood is told with what would be."""

from __future__ import annotations

from pathlib import Path

import pytest

from wireproof.conformance import suite
from wireproof.conformance.select import SelectionError, expression, glob, is_selector, parse, sections, select
from wireproof.conformance.testcase import TestCase as Case

CASES = suite.load()


def case(name: str, **tags: object) -> Case:
    return Case(id=name, steps=[], **tags)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("pattern", "name", "fits"),
    [
        ("**", "tcp/a/b", True),
        ("tcp/**", "tcp/a/b", True),
        ("tcp/**", "tcp", True),
        ("tcp/**", "tcpx/a", False),
        ("tcp/*", "tcp/a", True),
        ("tcp/*", "tcp/a/b", False),
        ("tcp/*/b", "tcp/a/b", True),
        ("tcp/**/b", "tcp/b", True),
        ("tcp/**/b", "tcp/a/x/b", True),
        ("tcp/**/b", "tcp/ab", False),
        ("**/rst-*", "tcp/a/rst-edge", True),
        ("**/rst-*", "tcp/rst-edge/x", False),
        ("a/**/**", "a", True),
        ("a/**/**/b", "a/b", True),
        ("tcp/a.b", "tcp/axb", False),
        ("tcp/?", "tcp/a", True),
        ("tcp/?", "tcp//", False),
    ],
)
def test_globs_go_part_by_part(pattern: str, name: str, fits: bool) -> None:
    assert (glob(pattern).fullmatch(name) is not None) is fits


@pytest.mark.parametrize(
    ("cite", "found"),
    [
        ("RFC 9293 3.7, 3.8.6.2.1", {("9293", "3.7"), ("9293", "3.8.6.2.1")}),
        ("RFC 9293 3.10.7.4 second; 3.5.3", {("9293", "3.10.7.4"), ("9293", "3.5.3")}),
        ("RFC 9293 3.10.8; RFC 6298 5.4 to 5.6", {("9293", "3.10.8"), ("6298", "5.4"), ("6298", "5.6")}),
        ("RFC 9293 3.9.1; POSIX.1-2024 setsockopt()", {("9293", "3.9.1")}),
        ("POSIX.1-2024 recv()", set()),
    ],
)
def test_sections_of_a_citation(cite: str, found: set[tuple[str, str]]) -> None:
    assert sections([cite]) == found


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("state:syn-sent", {"b"}),
        ("event:seg*", {"a"}),
        ("level:MUST", {"a"}),
        ("rule:tcp/reset/*", {"a"}),
        ("MUST-13", {"b"}),
        ("must-*", {"a", "b"}),
        ("MUST-1", {"a"}),
        ("old/name", {"b"}),
        ("a", {"a"}),
    ],
)
def test_each_kind_of_selector(text: str, expected: set[str]) -> None:
    cases = [
        case("a", state="LISTEN", event="segment", level="must", rules=["tcp/reset/x"], ids=["MUST-1"]),
        case("b", state="SYN-SENT", event="time", level="may", rules=["tcp/text/y"], ids=["MUST-13"], aka=["old/name"]),
    ]
    assert {c.id for c in select(cases, [text]).cases} == expected


def test_a_section_takes_what_is_below_it() -> None:
    broad, narrow = (select(CASES, [s]).cases for s in ("rfc9293:3.10.7", "rfc9293:3.10.7.3"))
    assert 0 < len(narrow) < len(broad) < len(CASES)
    assert {c.id for c in narrow} < {c.id for c in broad}
    assert not select(CASES, ["rfc9293:3.10.7.33"]).cases


def test_several_selectors_widen_and_exclude_narrows() -> None:
    both = select(CASES, ["state:LISTEN", "state:SYN-SENT"]).cases
    assert {c.state for c in both} == {"LISTEN", "SYN-SENT"}
    assert {c.state for c in select(CASES, ["state:LISTEN", "state:SYN-SENT"], ["state:LISTEN"]).cases} == {"SYN-SENT"}
    assert select(CASES).whole
    assert not select(CASES, exclude=["state:LISTEN"]).whole


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("rst and not window", {"rst-a"}),
        ("rst or fin", {"rst-a", "rst-window", "fin"}),
        ("not (rst or fin)", {"syn"}),
        ("RST", {"rst-a", "rst-window"}),
        ("not not syn", {"syn"}),
    ],
)
def test_expressions(text: str, ids: set[str]) -> None:
    cases = [case(n) for n in ("rst-a", "rst-window", "fin", "syn")]
    assert {c.id for c in select(cases, keyword=text).cases} == ids


@pytest.mark.parametrize("text", ["rst and", "(rst", "rst)", "and", "rst fin", "not", "()", " "])
def test_bad_expressions_say_how(text: str) -> None:
    with pytest.raises(SelectionError, match="write for instance"):
        expression(text)


def test_a_sample_is_the_same_for_a_seed() -> None:
    first, again, other = (select(CASES, sample=20, seed=s).cases for s in (7, 7, 8))
    assert [c.id for c in first] == [c.id for c in again]
    assert len(first) == len(other) == 20
    assert first != other
    assert select(CASES, sample=10**6).whole


def test_selectors_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "chosen"
    file.write_text("# what broke\nstate:LISTEN   # all of it\n\nstate:CLOSED\n")
    assert {c.state for c in select(CASES, [f"@{file}"]).cases} == {"LISTEN", "CLOSED"}
    with pytest.raises(SelectionError, match="cannot be read"):
        select(CASES, [f"@{tmp_path / 'absent'}"])
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(SelectionError, match="UTF-8"):
        select(CASES, [f"@{file}"])


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("state:SYNSENT", "state:SYN-SENT"),
        ("MUST-1313", "did you mean 'MUST-"),
        ("tcp/sequence", "tcp/sequence/**"),
        ("level:musst", "level:must"),
        ("rfc9293:9.9", "cites this section"),
    ],
)
def test_what_matches_nothing_gets_a_hint(text: str, hint: str) -> None:
    selection = select(CASES, [text])
    assert not selection.cases
    assert selection.unmatched[0][0] == text
    assert hint in selection.unmatched[0][1]


def test_an_unknown_tag_is_an_error_with_the_nearest() -> None:
    with pytest.raises(SelectionError, match="did you mean 'state:LISTEN'"):
        parse("stat:LISTEN")


@pytest.mark.parametrize("text", ["tcp/reset/**", "MUST-13", "SHLD-*", "rfc9293:3.4", "state:LISTEN", "@file"])
def test_selectors_are_told_from_targets(text: str) -> None:
    assert is_selector(text)
    assert not any(is_selector(t) for t in ("ref", "linux", "mutant:*", "mutant:rst-answered", "lnux"))
