"""From text to the syntax tree."""

from __future__ import annotations

import functools
import re
from importlib import resources
from pathlib import Path
from typing import Any

import lark
from lark.visitors import v_args

from wireproof.spec import syntax as s
from wireproof.spec.diagnostics import Diagnostic, SpecError
from wireproof.spec.lexical import before_parsing
from wireproof.spec.mistakes import syntax_error
from wireproof.spec.parse_claims import Claims
from wireproof.spec.source import MAX_OCTETS, Source, Span

UNITS = {"us": 1, "ms": 1000, "s": 1_000_000, "min": 60_000_000, "h": 3_600_000_000}


@functools.cache
def grammar() -> lark.Lark:
    """The LALR(1) parser of the language, made once."""
    text = resources.files("wireproof.spec").joinpath("grammar/wire.lark").read_text("utf-8")
    return lark.Lark(
        text, parser="lalr", propagate_positions=True, maybe_placeholders=True, edit_terminals=_whole_words
    )


def _whole_words(t: lark.lexer.TerminalDef) -> None:
    """A keyword ends where the word ends: ``doit`` is a name, not ``do it``."""
    word = t.pattern.value
    if isinstance(t.pattern, lark.lexer.PatternStr) and word.isalpha():
        t.pattern = lark.lexer.PatternRE(word + r"(?![A-Za-z0-9_])")
        t.priority = max(t.priority, 1)


def parse_file(path: Path, name: str | None = None) -> s.File:
    """Parse one ``.wire`` file. Raises :class:`SpecError` when it cannot be read, decoded or parsed."""
    shown = name or path.name
    try:
        raw = path.read_bytes()
    except OSError as e:
        where = Span(Source(shown, ""), 1, 1, 1, 1)
        raise SpecError(
            [Diagnostic("unreadable", where, f"cannot read the file: {e.strerror}", "check path and rights")]
        ) from None
    return parse(decode(raw, shown))


def decode(raw: bytes, name: str) -> Source:
    """Octets to a source; UTF-8 only, at most MAX_OCTETS."""
    if len(raw) > MAX_OCTETS:
        where = Span(Source(name, ""), 1, 1, 1, 1)
        text = f"the file has {len(raw):,} octets; a specification file has at most {MAX_OCTETS:,}"
        raise SpecError([Diagnostic("too-long", where, text, "split it into files by subject")])
    try:
        return Source(name, raw.decode("utf-8"))
    except UnicodeDecodeError as e:
        before = raw[: e.start].decode("utf-8")
        line = before.count("\n") + 1
        column = len(before) - (before.rfind("\n") + 1) + 1
        source = Source(name, raw.decode("utf-8", errors="replace"))
        where = Span(source, line, column, line, column + 1)
        text = f"octet 0x{raw[e.start]:02x} at offset {e.start} is not UTF-8"
        utf_16 = raw[:2] in (b"\xff\xfe", b"\xfe\xff")
        hint = "it looks like UTF-16: save the file as UTF-8" if utf_16 else "save the file as UTF-8"
        raise SpecError([Diagnostic("not-utf-8", where, text, hint)]) from None


def parse(source: Source) -> s.File:
    """Parse a source. Raises :class:`SpecError` with one diagnostic at the first place that is no specification."""
    _check_depth(source)
    try:
        tree = grammar().parse(source.text)
    except lark.exceptions.UnexpectedInput as e:
        raise SpecError([syntax_error(source, e)]) from None
    try:
        items = _Build(source).transform(tree)
    except RecursionError:
        where = Span(source, 1, 1, 1, 1)
        raise SpecError(
            [Diagnostic("too-deep", where, "an expression is nested too deeply", "name parts of it with let")]
        ) from None
    except lark.exceptions.VisitError as e:
        if isinstance(e.orig_exc, SpecError):
            raise e.orig_exc from None
        if isinstance(e.orig_exc, RecursionError):
            where = Span(source, 1, 1, 1, 1)
            hint = "name parts of it with let"
            raise SpecError([Diagnostic("too-deep", where, "an expression is nested too deeply", hint)]) from None
        raise
    comments = [
        (i, m.group())
        for i, line in enumerate(source.text.split("\n"), 1)
        if (m := re.search(r"--[^\n]*", re.sub(r'"[^"\n]*"', lambda q: "x" * len(q.group()), line)))
        and (m := re.compile(r"--.*").search(line, m.start()))
    ]
    return s.File(source.name, items, comments, span=Span(source, 1, 1, 1, 1))


def _check_depth(source: Source) -> None:
    if (found := before_parsing(source)) is not None:
        raise SpecError([found])


@v_args(meta=True)
class _Build(Claims):
    """One method a production; optional parts that are absent arrive as None."""

    def __init__(self, source: Source):
        super().__init__()
        self.source = source

    def at(self, m: Any) -> Span:
        if m.empty:
            return Span(self.source, 1, 1, 1, 1)
        return Span(self.source, m.line, m.column, m.end_line, m.end_column)

    def start(self, m: Any, c: list[Any]) -> list[s.Item]:
        return c

    # declarations
    def means(self, m: Any, c: Any) -> s.Doc:
        return s.Doc("means", str(c[0])[1:-1], span=self.at(m))

    def cites(self, m: Any, c: Any) -> s.Doc:
        return s.Doc("cites", str(c[0])[1:-1], span=self.at(m))

    def note(self, m: Any, c: Any) -> s.Doc:
        return s.Doc("note", str(c[0])[1:-1], span=self.at(m))

    def doc(self, m: Any, c: Any) -> s.Doc:
        doc: s.Doc = c[0]
        return doc

    def machine(self, m: Any, c: Any) -> s.Machine:
        return s.Machine(str(c[0]), c[1:], span=self.at(m))

    def enumerator(self, m: Any, c: Any) -> str:
        return str(c[0])

    def enumeration(self, m: Any, c: Any) -> s.Enumeration:
        members = [x for x in c[1:] if isinstance(x, str)]
        return s.Enumeration(str(c[0]), _docs(c), members, span=self.at(m))

    def layout(self, m: Any, c: Any) -> s.Layout:
        return s.Layout(str(c[0]), int(c[1]), c[2:], span=self.at(m))

    def header(self, m: Any, c: Any) -> s.Header:
        return s.Header(str(c[0]), _docs(c), [x for x in c if isinstance(x, s.Layout)], span=self.at(m))

    def sort(self, m: Any, c: Any) -> str:
        return str(c[0])

    def field(self, m: Any, c: Any) -> s.Field:
        return s.Field(str(c[0]), c[1], str(c[2]) if c[2] is not None else None, c[3:], span=self.at(m))

    def event(self, m: Any, c: Any) -> s.Event:
        return s.Event(str(c[0]), _docs(c), [x for x in c if isinstance(x, s.Field)], span=self.at(m))

    def argument(self, m: Any, c: Any) -> s.Field:
        return s.Field(str(c[0]), c[1], None, [], span=self.at(m))

    def call(self, m: Any, c: Any) -> s.Call:
        return s.Call(str(c[0]), _docs(c), [x for x in c if isinstance(x, s.Field)], span=self.at(m))

    def parameter(self, m: Any, c: Any) -> s.Parameter:
        return s.Parameter(str(c[0]), c[3:], c[1], c[2], span=self.at(m))

    def setting(self, m: Any, c: Any) -> tuple[str, s.Expr]:
        return (str(c[0]), c[1])

    def profile(self, m: Any, c: Any) -> s.Profile:
        names = [str(x) for x in c[1:] if isinstance(x, lark.Token)]
        settings = [x for x in c if isinstance(x, tuple)]
        return s.Profile(str(c[0]), _docs(c), names, settings, span=self.at(m))

    def variable(self, m: Any, c: Any) -> s.Variable:
        base = str(c[2]) if c[2] is not None else None
        return s.Variable(str(c[0]), c[4:], c[1], base, c[3], span=self.at(m))

    def timer(self, m: Any, c: Any) -> s.Timer:
        return s.Timer(str(c[0]), c[1:], span=self.at(m))

    def let(self, m: Any, c: Any) -> s.Let:
        return s.Let(str(c[0]), c[2:], c[1], span=self.at(m))

    def typed(self, m: Any, c: Any) -> tuple[str, str]:
        return (str(c[0]), c[1])

    def function(self, m: Any, c: Any) -> s.Function:
        args = [x for x in c if isinstance(x, tuple)]
        rest = [x for x in c[1:] if not isinstance(x, tuple)]
        return s.Function(str(c[0]), rest[2:], args, rest[0], rest[1], span=self.at(m))

    # sections
    def section(self, m: Any, c: Any) -> s.Section:
        section: s.Section = c[0]
        return section

    def one_state(self, m: Any, c: Any) -> list[str]:
        return [str(c[0])]

    def states(self, m: Any, c: Any) -> list[str]:
        return [str(x) for x in c]

    def any_state(self, m: Any, c: Any) -> list[str] | None:
        return None

    def where(self, m: Any, c: Any) -> list[str] | None:
        states: list[str] | None = c[0] if c else None
        return states

    def step(self, m: Any, c: Any) -> int:
        return int(c[0])

    def body(self, m: Any, c: Any) -> list[Any]:
        return list(c)

    def _section(
        self, m: Any, kind: Any, subject: str, states: list[str] | None, step: int | None, name: str, body: list[Any]
    ) -> s.Section:
        return s.Section(
            kind,
            subject,
            states,
            step,
            name,
            _docs(body),
            [x for x in body if isinstance(x, s.Let)],
            [x for x in body if isinstance(x, s.Choose)],
            [x for x in body if isinstance(x, s.Rule)],
            span=self.at(m),
        )

    def on_event(self, m: Any, c: Any) -> s.Section:
        return self._section(m, "event", str(c[0]), c[1], c[2], str(c[3]), c[4])

    def on_timeout(self, m: Any, c: Any) -> s.Section:
        return self._section(m, "timeout", str(c[0]), c[1], None, str(c[2]), c[3])

    def on_call(self, m: Any, c: Any) -> s.Section:
        return self._section(m, "call", str(c[0]), c[1], None, str(c[2]), c[3])

    def may_send(self, m: Any, c: Any) -> s.Section:
        return self._section(m, "may", "", c[0], None, str(c[1]), c[2])

    def every_send(self, m: Any, c: Any) -> s.Section:
        return self._section(m, "every", "", c[0], None, str(c[1]), c[2])

    def after_send(self, m: Any, c: Any) -> s.Section:
        return self._section(m, "after", "", c[0], None, str(c[1]), c[2])

    def procedure(self, m: Any, c: Any) -> s.Section:
        return self._section(m, "procedure", "", None, None, str(c[0]), c[1])

    def id(self, m: Any, c: Any) -> str:
        return str(c[0])

    def ids(self, m: Any, c: Any) -> list[str]:
        return list(c)

    def level(self, m: Any, c: Any) -> str:
        return str(c[0])

    def rule(self, m: Any, c: Any) -> s.Rule:
        clauses = [x for x in c[3:] if x is not None]
        return s.Rule(str(c[0]), c[1] or [], c[2], clauses, span=self.at(m))

    def supports(self, m: Any, c: Any) -> s.Supports:
        return s.Supports(str(c[0]), False, span=self.at(m))

    def without(self, m: Any, c: Any) -> s.Supports:
        return s.Supports(str(c[0]), True, span=self.at(m))

    def deviates(self, m: Any, c: Any) -> s.Deviates:
        return s.Deviates(c[0], span=self.at(m))

    def cell(self, m: Any, c: Any) -> s.Cell:
        return s.Cell(str(c[0]), span=self.at(m))

    def when(self, m: Any, c: Any) -> s.When:
        return s.When(str(c[0]) if c[0] is not None else None, c[1], span=self.at(m))

    def otherwise(self, m: Any, c: Any) -> s.Otherwise:
        return s.Otherwise(span=self.at(m))

    def require(self, m: Any, c: Any) -> s.Require:
        return s.Require(str(c[0]) if c[0] is not None else None, c[1], span=self.at(m))

    def due(self, m: Any, c: Any) -> s.Due:
        return s.Due(c[0], c[1], span=self.at(m))

    def flag_domain(self, m: Any, c: Any) -> tuple[str, None, None]:
        return ("flag", None, None)

    def sequence_domain(self, m: Any, c: Any) -> tuple[str, None, None]:
        return ("sequence_number", None, None)

    def range_domain(self, m: Any, c: Any) -> tuple[str, Any, Any]:
        return ("range", c[0], c[1])

    def choose(self, m: Any, c: Any) -> s.Choose:
        domain, low, high = c[1]
        return s.Choose(str(c[0]), domain, low, high, c[2:], span=self.at(m))

    # actions
    def set(self, m: Any, c: Any) -> s.Set:
        return s.Set(str(c[0]), c[1], span=self.at(m))

    def enter(self, m: Any, c: Any) -> s.Enter:
        return s.Enter(str(c[0]), span=self.at(m))

    def field_pattern(self, m: Any, c: Any) -> s.Pattern:
        return s.Pattern(str(c[0]), c[1], c[2], span=self.at(m))

    def bit(self, m: Any, c: Any) -> tuple[str, bool]:
        return (str(c[0]), c[1] is not None)

    def control_pattern(self, m: Any, c: Any) -> s.Control:
        return s.Control([x for x in c if isinstance(x, tuple)], span=self.at(m))

    def text_rest(self, m: Any, c: Any) -> s.Text:
        return s.Text("rest", None, c[0], span=self.at(m))

    def text_of(self, m: Any, c: Any) -> s.Text:
        if c[1] is None:
            return s.Text("all", None, c[0], span=self.at(m))
        return s.Text("some", c[0], c[1], span=self.at(m))

    def send(self, m: Any, c: Any) -> s.Send:
        text = c[-1] if c[-1] is None or isinstance(c[-1], s.Text) else None
        return s.Send([x for x in c if isinstance(x, s.Pattern | s.Control)], text, span=self.at(m))

    def start_after(self, m: Any, c: Any) -> s.Start:
        return s.Start(str(c[0]), c[1], None, "after", span=self.at(m))

    def start_between(self, m: Any, c: Any) -> s.Start:
        return s.Start(str(c[0]), c[1], c[2], "between", span=self.at(m))

    def start_from(self, m: Any, c: Any) -> s.Start:
        return s.Start(str(c[0]), c[1], None, "from", span=self.at(m))

    def stop_timer(self, m: Any, c: Any) -> s.Stop:
        return s.Stop(str(c[0]), span=self.at(m))

    def returns_ok(self, m: Any, c: Any) -> s.Outcome:
        return s.Outcome("ok", span=self.at(m))

    def returns_error(self, m: Any, c: Any) -> s.Outcome:
        return s.Outcome("error", c[0], span=self.at(m))

    def returns_count(self, m: Any, c: Any) -> s.Outcome:
        return s.Outcome("count", c[0], c[1], span=self.at(m))

    def returns_text(self, m: Any, c: Any) -> s.Outcome:
        return s.Outcome("text", c[0], c[1], c[2], span=self.at(m))

    def returns_state(self, m: Any, c: Any) -> s.Outcome:
        return s.Outcome("state", c[0], span=self.at(m))

    def return_(self, m: Any, c: Any) -> s.Return:
        return s.Return(c, span=self.at(m))

    def report(self, m: Any, c: Any) -> s.Report:
        return s.Report(str(c[0]), span=self.at(m))

    def deliver(self, m: Any, c: Any) -> s.Signal:
        return s.Signal(str(c[0]), span=self.at(m))

    def do(self, m: Any, c: Any) -> s.Do:
        return s.Do(str(c[0]), span=self.at(m))

    def drop(self, m: Any, c: Any) -> s.Drop:
        return s.Drop(span=self.at(m))

    def continue_(self, m: Any, c: Any) -> s.Continue:
        return s.Continue(int(c[0]) if c and c[0] is not None else None, span=self.at(m))

    def redeliver(self, m: Any, c: Any) -> s.Redeliver:
        return s.Redeliver(span=self.at(m))

    # expressions
    def conditional(self, m: Any, c: Any) -> s.If:
        return s.If(c[0], c[1], c[2], span=self.at(m))

    def implies(self, m: Any, c: Any) -> s.Expr:
        if c[1] is None:
            first: s.Expr = c[0]
            return first
        return s.Logic("implies", [c[0], c[1]], span=self.at(m))

    def disjunction(self, m: Any, c: Any) -> s.Logic:
        return s.Logic("or", c, span=self.at(m))

    def conjunction(self, m: Any, c: Any) -> s.Logic:
        return s.Logic("and", c, span=self.at(m))

    def not_(self, m: Any, c: Any) -> s.Not:
        return s.Not(c[0], span=self.at(m))

    def comparison(self, m: Any, c: Any) -> s.Compare:
        rest = [(str(c[i]), c[i + 1]) for i in range(1, len(c), 2)]
        return s.Compare(c[0], rest, span=self.at(m))

    def member(self, m: Any, c: Any) -> s.Member:
        return s.Member(c[0], c[1:], span=self.at(m))

    def sum(self, m: Any, c: Any) -> s.Arith:
        rest = [(str(c[i]), c[i + 1]) for i in range(1, len(c), 2)]
        return s.Arith(c[0], rest, span=self.at(m))

    product = sum

    def slice_(self, m: Any, c: Any) -> s.Slice:
        return s.Slice(c[0], c[1], c[2], span=self.at(m))

    def number(self, m: Any, c: Any) -> s.Number:
        return s.Number(int(str(c[0]), 0) if str(c[0]).startswith("0x") else int(c[0]), str(c[0]), span=self.at(m))

    def duration(self, m: Any, c: Any) -> s.Duration:
        match = re.fullmatch(r"([0-9]+) *([a-z]+)", str(c[0]))
        assert match is not None
        return s.Duration(int(match[1]) * UNITS[match[2]], f"{match[1]} {match[2]}", span=self.at(m))

    def true(self, m: Any, c: Any) -> s.Constant:
        return s.Constant("true", span=self.at(m))

    def false(self, m: Any, c: Any) -> s.Constant:
        return s.Constant("false", span=self.at(m))

    def now(self, m: Any, c: Any) -> s.Constant:
        return s.Constant("now", span=self.at(m))

    def never(self, m: Any, c: Any) -> s.Constant:
        return s.Constant("never", span=self.at(m))

    def empty(self, m: Any, c: Any) -> s.Constant:
        return s.Constant("empty", span=self.at(m))

    def apply(self, m: Any, c: Any) -> s.Apply:
        return s.Apply(str(c[0]), [x for x in c[1:] if x is not None], span=self.at(m))

    def name(self, m: Any, c: Any) -> s.Name:
        return s.Name(str(c[0]), span=self.at(m))


def _docs(children: list[Any]) -> list[s.Doc]:
    return [x for x in children if isinstance(x, s.Doc)]
