"""Each malformed specification under ``reject/`` gets exactly the diagnostic beside it.

``WIREPROOF_UPDATE_GOLDEN=1 pytest tests/spec/test_reject.py`` writes the diagnostics anew: read them before committing.
"""

from __future__ import annotations

import importlib.util
import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from wireproof.spec.diagnostics import Diagnostic, SpecError, render
from wireproof.spec.parse import decode, parse
from wireproof.spec.source import MAX_OCTETS

REJECT = Path(__file__).parent / "reject"
CASES = sorted(REJECT.glob("*.wire"))
UPDATE = os.environ.get("WIREPROOF_UPDATE_GOLDEN", "") not in ("", "0")

RULE = "on segment in LISTEN named listen\n\nrule r\n  "


def parse_only(text: str | bytes, name: str) -> list[Diagnostic]:
    """What the parser alone finds."""
    try:
        parse(decode(text if isinstance(text, bytes) else text.encode(), name))
    except SpecError as e:
        return e.diagnostics
    return []


def checker() -> Callable[[str | bytes, str], list[Diagnostic]]:
    """The whole front end, or as much of it as there is."""
    if importlib.util.find_spec("wireproof.spec.load") is None:
        return parse_only
    from wireproof.spec.load import check_text

    return check_text


def diagnose(raw: str | bytes, name: str) -> str:
    return "\n".join(render(d) for d in checker()(raw, name))


@pytest.mark.parametrize("path", CASES, ids=lambda p: p.stem)
def test_the_diagnostic_is_the_golden_one(path: Path) -> None:
    golden = path.with_suffix(".expect")
    text = diagnose(path.read_bytes(), path.name) + "\n"
    if UPDATE:
        golden.write_text(text, "utf-8")
    assert text == golden.read_text("utf-8")


@pytest.mark.parametrize("path", CASES, ids=lambda p: p.stem)
def test_a_diagnostic_has_a_place_a_caret_and_a_remedy(path: Path) -> None:
    found = checker()(path.read_bytes(), path.name)
    assert found, "this is no malformed specification"
    for diagnostic in found:
        head, line, caret, *rest = render(diagnostic).split("\n")
        assert re.fullmatch(rf"{re.escape(path.name)}:\d+:\d+: (error|warning): .+ \[[a-z0-9-]+\]", head)
        assert re.match(r" *\d+ \| ", line)
        assert re.fullmatch(r" *\| *\^+", caret)
        assert re.fullmatch(r"  what to do: .+", rest[-1])


@pytest.mark.parametrize("path", CASES, ids=lambda p: p.stem)
def test_the_caret_stands_under_text(path: Path) -> None:
    """Diagnostics of the parser point at what is there, except where something is missing at the end."""
    for d in parse_only(path.read_bytes(), path.name):
        line = d.span.source.line(d.span.line)
        assert 1 <= d.span.column <= max(1, len(line))
        assert line[d.span.column - 1 : d.span.end_column - 1].strip() or not line[d.span.column - 1 :].isascii()


def test_every_golden_diagnostic_has_its_case() -> None:
    assert sorted(p.stem for p in REJECT.glob("*.expect")) == [p.stem for p in CASES]


def test_no_two_cases_are_the_same() -> None:
    assert len({p.read_bytes() for p in CASES}) == len(CASES)


@pytest.mark.parametrize(
    ("text", "code", "place"),
    [
        pytest.param(RULE + "when " + "(" * (10 << 20), "too-long", (1, 1), id="10 MB of brackets"),
        pytest.param(RULE + "when " + "(" * (3 << 20), "too-deep", (4, 40), id="3 MB of brackets"),
        pytest.param("-- \n" * (5 << 18), "too-long", (1, 1), id="5 MB of comments"),
        pytest.param(RULE + "when " + "not " * 5_000 + "ACK", "too-deep", (4, 136), id="negations"),
        pytest.param(RULE + "when " + "not\n" * 5_000 + "ACK", "too-deep", (36, 1), id="negations on lines"),
        pytest.param(RULE + "set X := " + "if A then B else " * 5_000 + "C", "too-deep", (4, 556), id="conditionals"),
        pytest.param(RULE + "set X := A" + "[1 .. 2]" * 5_000, "too-deep", (4, 269), id="slices"),
        pytest.param(RULE + "set X := " + "f(" * 5_000 + "A", "too-deep", (4, 77), id="calls"),
        pytest.param(RULE + "when A in {" + "{" * 200, "too-deep", (4, 45), id="braces"),
        pytest.param(RULE + "set X := " + "{[(" * 40, "too-deep", (4, 44), id="all kinds of brackets"),
        pytest.param(RULE + "when " + "+" * 100_000, "syntax", (4, 8), id="a line of signs"),
        pytest.param("machine " + "x" * (4 << 20), "too-long", (1, 1), id="a long name"),
        pytest.param("x" * (1 << 20), "syntax", (1, 1), id="one long word"),
        pytest.param('machine tcp\n  means "' + "x" * (1 << 20), "lexical", (2, 9), id="a long open text"),
        pytest.param(RULE + "when A -- " + "(" * 500 + "\n  drup", "syntax", (5, 3), id="brackets in a comment"),
        pytest.param(RULE + 'note "' + "(" * 500 + '"\n  drup', "syntax", (5, 3), id="brackets in a text"),
    ],
)
def test_what_no_small_file_can_show(text: str, code: str, place: tuple[int, int]) -> None:
    (found,) = parse_only(text, "big.wire")
    assert (found.code, (found.span.line, found.span.column)) == (code, place)
    assert len(render(found)) < 1_000


def test_the_longest_file_is_parsed() -> None:
    assert parse_only("-- \n" * (MAX_OCTETS // 4), "big.wire") == []


@pytest.mark.parametrize("octet", [0x80, 0xC0, 0xE9, 0xF5, 0xFF])
def test_what_is_not_utf_8_is_told_with_its_offset(octet: int) -> None:
    (found,) = parse_only(b"machine tcp\n-- \xc3\xa4\n-- " + bytes([octet]) + b" \n", "octets.wire")
    assert found.code == "not-utf-8"
    assert (found.span.line, found.span.column) == (3, 4)
    assert f"octet 0x{octet:02x} at offset 21" in found.text


NESTS = ["if A then B else (C implies D or E and not F = G + H * f(", "A[1 + B * (", "f(g(", "(A or not B and not ("]


@pytest.mark.parametrize("opening", NESTS)
@pytest.mark.parametrize("times", range(1, 33))
def test_nesting_is_parsed_or_refused(opening: str, times: int) -> None:
    """Up to the bound nothing overflows, whatever stands between the brackets; beyond it there is a diagnostic."""
    closing = "".join({"(": ")", "[": " .. ]"}[c] for c in reversed(opening) if c in "([")
    found = parse_only(RULE + "set X := " + opening * times + "A" + closing * times, "deep.wire")
    assert [d.code for d in found] in ([], ["too-deep"])


@pytest.mark.parametrize("wide", [100_000, 1_000_000])
def test_breadth_is_no_depth(wide: int) -> None:
    """What is long but flat is parsed: only nesting is bounded."""
    assert parse_only(RULE + "when A" + " and A" * (wide // 100) + "\n  set X := A" + " + A" * (wide // 100), "w") == []
