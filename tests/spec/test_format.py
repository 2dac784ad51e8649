"""The formatter: text to tree to text and tree to text to tree, comments kept, one canonical look."""

from __future__ import annotations

import re
from importlib import resources
from pathlib import Path
from typing import Any

import lark
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from wireproof.spec import syntax as s
from wireproof.spec.format import WIDTH, expression, format_file
from wireproof.spec.parse import UNITS, grammar, parse
from wireproof.spec.source import Source, rule_files

ROOT = Path(__file__).resolve().parents[2]
SAMPLES = Path(__file__).parent / "samples"
TREE = sorted({*rule_files(ROOT / "spec"), *SAMPLES.glob("*.wire")})
EVERYTHING = SAMPLES / "every_production.wire"
IN_ANY_FORM = ["", "on segment in {LISTEN} named braces rule r drop", "on segment named no_states rule r drop"]
"""What the canonical text of the samples never has."""


def read(text: str) -> s.File:
    return parse(Source("sample.wire", text))


def comments(file: s.File) -> list[str]:
    return sorted(text.rstrip() for _, text in file.comments)


def check_round_trip(text: str) -> str:
    """The canonical text, after checking that it is stable, says the same and has every comment."""
    file = read(text)
    canonical = format_file(file)
    again = read(canonical)
    assert again == file
    assert comments(again) == comments(file)
    assert format_file(again) == canonical
    return canonical


@pytest.mark.parametrize("path", TREE, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_round_trip_of_every_file(path: Path) -> None:
    text = path.read_text("utf-8")
    canonical = check_round_trip(text)
    assert not re.search(r"[ \t]$|\n\n\n|\A\n|\n\n\Z", canonical, re.MULTILINE)


@pytest.mark.parametrize("path", TREE, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_layout_carries_no_meaning(path: Path) -> None:
    """All on one line, and each token on its own: the same tree, and the same look but for empty lines."""
    text = path.read_text("utf-8")
    tokens = _tokens(text)
    one_line, many_lines = read(" ".join(tokens)), read("\n".join(tokens))
    assert one_line == many_lines == read(text)
    assert format_file(one_line) == format_file(many_lines)


def _tokens(text: str) -> list[str]:
    found = re.findall(r'"[^"\n]*"|--[^\n]*|[0-9]+ *(?:us|ms|s|min|h)\b|[\w.-]*\w|:=|=<|>=|/=|\.\.|\S', text)
    return [t for t in _split_ranges(found) if not t.startswith("--")]


def _split_ranges(tokens: list[str]) -> list[str]:
    return [part for t in tokens for part in ([t] if t[0] == '"' else re.split(r"(?<=\w)(?=\.\.)|(?<=\.\.)(?=\w)", t))]


def test_every_production_is_a_fixed_point() -> None:
    text = EVERYTHING.read_text("utf-8")
    assert format_file(read(text)) == text
    assert max(map(len, text.splitlines())) <= WIDTH


def test_comments_find_their_places() -> None:
    odd = SAMPLES / "odd_layout.wire"
    assert format_file(read(odd.read_text("utf-8"))) == odd.with_suffix(".canonical").read_text("utf-8")


def test_the_samples_use_every_alternative_of_the_grammar() -> None:
    text = resources.files("wireproof.spec").joinpath("grammar/wire.lark").read_text("utf-8")
    recording = lark.Lark(text, parser="lalr", propagate_positions=True, maybe_placeholders=True)
    used: set[Any] = set()
    tokens: set[tuple[str, str]] = set()
    callbacks: dict[Any, Any] = recording.parser.parser.parser.callbacks

    def record(rule: Any, build: Any) -> Any:
        def reduce(children: list[Any]) -> Any:
            used.add(rule)
            tokens.update((t.type, str(t)) for t in children if isinstance(t, lark.Token))
            return build(children)

        return reduce

    for rule in list(callbacks):
        callbacks[rule] = record(rule, callbacks[rule])
    for sample in [EVERYTHING.read_text("utf-8"), *IN_ANY_FORM]:
        recording.parse(sample)
    assert [rule for rule in recording.rules if rule not in used] == []
    values = {kind: {value for k, value in tokens if k == kind} for kind, _ in tokens}
    assert values["SIGN"] == {"+", "-"}
    assert values["TIMES"] == {"*", "/", "mod"}
    assert {v.split("-")[0] for v in values["ID"]} == {"MUST", "SHLD", "MAY", "REC", "U"}
    assert {v.lstrip("0123456789 ") for v in values["DURATION"]} == set(UNITS)


@pytest.mark.parametrize(
    "text",
    [
        "a and b and c",
        "a and (b and c)",
        "(a or b) and c",
        "a or b and c",
        "not (a and b)",
        "not a = b",
        "(not a) = b",
        "a - (b - c)",
        "a - b - c",
        "(a + b) * c",
        "a + b * c",
        "a * (b / c)",
        "(a < b) = c",
        "(a implies b) implies c",
        "a implies (b implies c)",
        "(if a then b else c) + 1",
        "if a then b else c + 1",
        "(a + b)[1 .. 2]",
        "(if a then b else c)[..]",
        "a[(if b then 1 else 2) ..]",
        "f(if a then b else c, not d)",
        "(a = b) in {(a = b), c + 1}",
    ],
)
def test_as_many_parentheses_as_needed(text: str) -> None:
    (let,) = read(f"let x = {text}").items
    assert isinstance(let, s.Let)
    assert expression(let.value) == text


@pytest.mark.parametrize(
    ("written", "canonical"),
    [
        ("((a))", "a"),
        ("(a and b) or c", "a and b or c"),
        ("(a * b) + c", "a * b + c"),
        ("not (a = b)", "not a = b"),
        ("f((a))", "f(a)"),
        ("2   min", "2 min"),
        ("500ms", "500 ms"),
        ("a[ (b+1)..]", "a[b + 1 ..]"),
        ("SND.NXT -1", "SND.NXT - 1"),
        ("SND.NXT-1", "SND.NXT-1"),
    ],
)
def test_no_more_parentheses_than_needed(written: str, canonical: str) -> None:
    (let,) = read(f"let x = {written}").items
    assert isinstance(let, s.Let)
    assert expression(let.value) == canonical


# ---- trees that nobody wrote -------------------------------------------------------------------------------

WORDS = [str(t.pattern.value).split("(?!")[0] for t in grammar().terminals]
KEYWORDS = {w for w in WORDS if re.fullmatch("[a-z_]+", w)} | {
    "mod",
    "must",
    "should",
    "may",
    "procedure",
}
SOFT = ["rest", "flag", "sequence_number", "text", "count", "state", "bits"]
"""Keywords of one place only; elsewhere they are names."""

names = st.from_regex(r"[a-z][a-z0-9_]{0,6}", fullmatch=True).filter(lambda n: n not in KEYWORDS)
uppers = st.from_regex(r"[A-Z][A-Z0-9]{0,3}([.-][A-Z][A-Z0-9]{0,2}){0,2}(-[0-9]{1,2})?", fullmatch=True).filter(
    lambda n: n != "CTL"
)
any_names = names | uppers
ids = st.lists(st.from_regex(r"(MUST|SHLD|MAY|REC|U)-[0-9]{1,3}", fullmatch=True), min_size=1, max_size=12)
texts = st.text(st.characters(exclude_characters='"\n', exclude_categories=["Cs"]), max_size=60)
docs = st.lists(st.builds(s.Doc, st.sampled_from(["means", "cites", "note"]), texts), max_size=3)
numbers = st.one_of(st.from_regex(r"[0-9]{1,6}", fullmatch=True), st.from_regex(r"0x[0-9a-fA-F]{1,6}", fullmatch=True))
durations = st.tuples(st.integers(0, 10**6), st.sampled_from(sorted(UNITS)))
leaves = st.one_of(
    (any_names | st.sampled_from(SOFT)).map(s.Name),
    numbers.map(lambda t: s.Number(int(t, 16 if t.startswith("0x") else 10), t)),
    durations.map(lambda d: s.Duration(d[0] * UNITS[d[1]], f"{d[0]} {d[1]}")),
    st.sampled_from(["true", "false", "now", "never", "empty"]).map(s.Constant),
)


def chain(operators: list[str], e: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.lists(st.tuples(st.sampled_from(operators), e), min_size=1, max_size=3)


def larger(e: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    several = st.lists(e, min_size=2, max_size=4)
    return st.one_of(
        st.builds(s.Not, e),
        st.builds(s.Logic, st.sampled_from(["and", "or"]), several),
        st.builds(s.Logic, st.just("implies"), st.lists(e, min_size=2, max_size=2)),
        st.builds(s.Compare, e, chain(["<", ">", "=", "=<", ">=", "/="], e)),
        st.builds(s.Member, e, st.lists(e, min_size=1, max_size=3)),
        st.builds(s.Arith, e, chain(["+", "-"], e)),
        st.builds(s.Arith, e, chain(["*", "/", "mod"], e)),
        st.builds(s.Slice, e, st.none() | e, st.none() | e),
        st.builds(s.Apply, names, st.lists(e, max_size=3)),
        st.builds(s.If, e, e, e),
    )


exprs: st.SearchStrategy[Any] = st.recursive(leaves, larger, max_leaves=10)
maybe = st.none() | exprs
bases = st.none() | uppers
lets = st.builds(s.Let, any_names, docs, exprs)
choices = st.one_of(
    st.builds(s.Choose, any_names, st.sampled_from(["flag", "sequence_number"]), st.none(), st.none(), docs),
    st.builds(s.Choose, any_names, st.just("range"), exprs, exprs, docs),
)
patterns = st.builds(s.Pattern, uppers, exprs, maybe) | st.builds(
    s.Control, st.lists(st.tuples(uppers, st.booleans()), min_size=1, max_size=4)
)
sent = st.one_of(
    st.none(),
    st.builds(s.Text, st.just("some"), exprs, exprs),
    st.builds(s.Text, st.sampled_from(["all", "rest"]), st.none(), exprs),
)
outcomes = st.one_of(
    st.just(s.Outcome("ok")),
    st.builds(s.Outcome, st.sampled_from(["error", "state"]), exprs),
    st.builds(s.Outcome, st.just("count"), exprs, maybe),
    st.builds(s.Outcome, st.just("text"), exprs, maybe, exprs),
)
clauses = st.one_of(
    st.builds(s.Doc, st.sampled_from(["means", "cites", "note"]), texts),
    st.builds(s.Supports, names, st.booleans()),
    st.builds(s.Deviates, ids),
    st.builds(s.Cell, names),
    st.builds(s.When, st.none() | names, exprs),
    st.just(s.Otherwise()),
    lets,
    choices,
    st.builds(s.Require, st.none() | names, exprs),
    st.builds(s.Due, exprs, maybe),
    st.builds(s.Set, uppers, exprs),
    st.builds(s.Enter, uppers),
    st.builds(s.Send, st.lists(patterns, min_size=1, max_size=4), sent),
    st.builds(s.Start, uppers, exprs, st.none(), st.sampled_from(["after", "from"])),
    st.builds(s.Start, uppers, exprs, exprs, st.just("between")),
    st.builds(s.Stop, uppers),
    st.builds(s.Return, st.lists(outcomes, min_size=1, max_size=3)),
    st.builds(s.Report, uppers),
    st.builds(s.Signal, uppers),
    st.builds(s.Do, names),
    st.just(s.Drop()),
    st.builds(s.Continue, st.none() | st.integers(0, 20)),
    st.just(s.Redeliver()),
)


def sayable(written: list[Any]) -> list[Any]:
    """Without clauses that the text would give to the one before: documentation of a name, the condition of due."""
    kept: list[Any] = []
    for clause in written:
        last = kept[-1] if kept else None
        taken = isinstance(clause, s.Doc) and isinstance(last, s.Let | s.Choose)
        taken |= isinstance(clause, s.When) and isinstance(last, s.Due) and last.condition is None
        kept += [] if taken else [clause]
    return kept


# A rule without level and clauses would take the first word of "may send" and "procedure" for its level.
levels = st.sampled_from([None, "must", "should", "may", "procedure"])
rules = st.builds(s.Rule, names, ids | st.just([]), levels, st.lists(clauses, min_size=1, max_size=6).map(sayable))


def sections(kind: str, subject: Any, states: Any, step: Any) -> st.SearchStrategy[Any]:
    bodies = (docs, st.lists(lets, max_size=2), st.lists(choices, max_size=2), st.lists(rules, min_size=1, max_size=3))
    return st.builds(s.Section, st.just(kind), subject, states, step, names, *bodies)


some_states = st.none() | st.lists(uppers, min_size=1, max_size=12)
no = st.none()
any_section = st.one_of(
    sections("event", names, some_states, no | st.integers(0, 9)),
    sections("timeout", uppers, some_states, no),
    sections("call", names, some_states, no),
    *(sections(kind, st.just(""), some_states, no) for kind in ("may", "every", "after")),
    sections("procedure", st.just(""), no, no),
)
arguments = st.builds(s.Field, uppers, names, no, st.just([]))
declarations = st.one_of(
    st.builds(s.Machine, names, docs),
    st.builds(s.Enumeration, names, docs, st.lists(any_names, min_size=1, max_size=20)),
    st.builds(s.Header, names, docs, st.lists(st.builds(s.Layout, names, st.integers(0, 99), docs), min_size=1)),
    st.builds(s.Event, names, docs, st.lists(st.builds(s.Field, uppers, names, bases, docs), min_size=1)),
    st.builds(s.Call, names, docs, st.lists(arguments, max_size=8)),
    st.builds(s.Parameter, uppers, docs, names, exprs),
    st.builds(s.Profile, names, docs, st.lists(names, max_size=3), st.lists(st.tuples(uppers, exprs), max_size=3)),
    st.builds(s.Variable, uppers, docs, names, bases, exprs),
    st.builds(s.Timer, uppers, docs),
    lets,
    st.builds(s.Function, names, docs, st.lists(st.tuples(names, names), min_size=1, max_size=8), names, exprs),
)
# A let behind a section would belong to its last rule.
files = st.builds(
    lambda first, rest: s.File("sample.wire", [*first, *rest]),
    st.lists(declarations, max_size=4),
    st.lists(any_section, max_size=2),
)
slow = settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


@slow
@given(exprs)
def test_an_expression_comes_back(tree: Any) -> None:
    (let,) = read(f"let x = {expression(tree)}").items
    assert isinstance(let, s.Let)
    assert let.value == tree


@slow
@given(files)
def test_a_tree_comes_back(file: s.File) -> None:
    text = format_file(file)
    assert read(text) == file
    check_round_trip(text)


@slow
@given(files, st.data())
def test_comments_anywhere_are_kept(file: s.File, data: st.DataObject) -> None:
    lines = format_file(file).split("\n")
    for i, where in data.draw(
        st.lists(st.tuples(st.integers(0, len(lines) - 1), st.sampled_from(["above", "behind"])))
    ):
        comment = data.draw(st.sampled_from(["-- one", '-- "quoted', "--", "-- -- twice", "---- ( { ----"]))
        lines[i] = f"{comment}\n{lines[i]}" if where == "above" else f"{lines[i]} {comment}"
    check_round_trip("\n".join(lines))
