"""Predicates and expressions about configurations, typed on a command line, in the specification's own syntax.

``STATE = CLOSING``, ``A.state == CLOSING and B.state == CLOSING``, ``SND.NXT - SND.UNA > 0``, ``running(PERSIST)``.
Names are found however they are spelled (``SND.WND``, ``snd_wnd``, ``syn-sent``, ``SYN_SENT``), and the usual
operators of programming languages are read for the language's own. The rest is the language: its parser, its sorts,
its meaning (spec/evaluate.py).

With hosts, variables, abbreviations and timers are those of a host (``A.SND.NXT``); sequence numbers that A sends and
those that B receives count from the same base, so ``A.SND.NXT - B.RCV.NXT`` has a meaning. The name of a variable is
then ``A.SND.NXT`` for the environment, too.
"""

from __future__ import annotations

import dataclasses
import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import cast

from wireproof.spec import ir
from wireproof.spec import syntax as s
from wireproof.spec.diagnostics import Diagnostic, SpecError
from wireproof.spec.expressions import BUILT_IN_FUNCTIONS, Scope, Typer
from wireproof.spec.parse import parse
from wireproof.spec.scope import Globals, Problems
from wireproof.spec.source import Source, Span

WORDS = frozenset(
    ["and", "or", "not", "implies", "if", "then", "else", "in", "mod", "true", "false", "now", "never", "empty"]
)
OPERATORS = {
    "===": "=", "==": "=", "!=": "/=", "<>": "/=", "<=": "=<", "&&": " and ", "||": " or ", "≤": "=<", "≥": ">=",
    "≠": "/=", "∧": " and ", "∨": " or ", "¬": " not ",
}  # fmt: skip
NAME = r"[A-Za-z_][A-Za-z0-9_]*(?:[.-][A-Za-z][A-Za-z0-9_]*|-[0-9]+)*"
TOKENS = re.compile(
    rf"(?P<number>0x[0-9a-fA-F]+|[0-9]+(?:\s*(?:us|ms|s|min|h)\b)?)"
    rf"|running\s*\(\s*(?P<timer>{NAME})\s*\)"
    rf"|(?P<name>{NAME})"
    rf"|(?P<operator>{'|'.join(map(re.escape, OPERATORS))})"
    rf"|(?P<other>\s+|=<|>=|/=|\.\.|.)"
)
HEAD = "let predicate =\n"
STAND_IN = re.compile(r"q([0-9]+)q")


@dataclass(frozen=True, slots=True)
class Expression:
    """An expression that was read: its text as it was typed, and the checked form with its sort."""

    text: str
    value: ir.Expr

    @property
    def sort(self) -> ir.Sort:
        return self.value.sort


def predicate(text: str, model: ir.Model, hosts: tuple[str, ...] = (), extra: Mapping[str, ir.Sort] = {}) -> Expression:
    """A condition. ``extra`` are further names without a host. Raises :class:`SpecError`."""
    return _Reader(text, model, hosts, extra).expression(ir.FLAG)


def expression(
    text: str, model: ir.Model, hosts: tuple[str, ...] = (), extra: Mapping[str, ir.Sort] = {}
) -> Expression:
    """An expression of any sort. Raises :class:`SpecError`."""
    return _Reader(text, model, hosts, extra).expression(None)


def mentions(text: str, hosts: tuple[str, ...]) -> bool:
    """Does the text name one of the hosts?"""
    return re.search(rf"\b(?:{'|'.join(hosts)})\.[A-Za-z]", text, re.IGNORECASE) is not None


def qualified(e: ir.Expr, host: str, sorts: Mapping[str | None, str | None], model: ir.Model) -> ir.Expr:
    """An expression about one configuration as one about that of a host; abbreviations are written out. ``sorts``
    renames what sequence numbers count from."""
    sort = _rebased(e.sort, sorts)
    match e:
        case ir.Var():
            return ir.Var(f"{host}.{e.name}", sort, span=e.span)
        case ir.Running():
            return ir.Running(f"{host}.{e.timer}", sort, span=e.span)
        case ir.Abbrev():
            return qualified(model.abbreviations[e.name].value, host, sorts, model)
        case ir.Op() | ir.Use():
            return dataclasses.replace(e, args=[qualified(a, host, sorts, model) for a in e.args], sort=sort)
    return e


def _rebased(sort: ir.Sort, sorts: Mapping[str | None, str | None]) -> ir.Sort:
    return ir.Sort(sort.name, sorts.get(sort.base, sort.base)) if sort.base else sort


def spelling(name: str) -> str:
    """What all spellings of a name have in common."""
    return re.sub(r"[._-]", "", name).lower()


@dataclass(slots=True)
class Piece:
    """A part of the text and what stands for it in the rewritten text."""

    start: int
    text: str
    new: str


@dataclass(slots=True)
class _Reader:
    """One text."""

    text: str
    model: ir.Model
    hosts: tuple[str, ...]
    extra: Mapping[str, ir.Sort]
    pieces: list[Piece] = field(default_factory=list)
    names: dict[str, ir.Expr] = field(default_factory=dict)
    """What the stand-ins in the rewritten text stand for."""
    problems: list[Diagnostic] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.text = " ".join(self.text.split("\n"))

    def expression(self, wanted: ir.Sort | None) -> Expression:
        if not self.text.strip():
            raise SpecError([self._problem(0, 1, "an expression is wanted here", "for example: STATE = CLOSING")])
        self._rewrite()
        if self.problems:
            raise SpecError(self.problems)
        source = Source("predicate", HEAD + "".join(p.new for p in self.pieces) + "\n")
        try:
            items = parse(source).items
        except SpecError as e:
            raise SpecError([self._translated(d) for d in e.diagnostics]) from None
        if len(items) != 1 or not isinstance(items[0], s.Let) or items[0].docs:
            raise SpecError(
                [self._problem(0, len(self.text), "this is more than one expression", "join them by 'and'")]
            )
        return Expression(self.text.strip(), self._elaborated(items[0].value, wanted))

    def _elaborated(self, e: s.Expr, wanted: ir.Sort | None) -> ir.Expr:
        problems = Problems()
        g = Globals(problems)
        g.functions = cast(dict[str, s.Function], dict.fromkeys(self.model.functions))
        typer = Typer(g, self.model.abbreviations, self.model.functions)
        scope = Scope(frozenset(), "a predicate", dict(self.names))
        value = typer.expr(e, scope)
        if not problems.found and wanted is not None:
            value = typer.fit(value, wanted, e.span)
            if problems.found and value.sort == ir.Sort("state"):
                problems.found = [
                    dataclasses.replace(d, hint=f"compare it: {self._state()} = ...") for d in problems.found
                ]
        if problems.found:
            raise SpecError([self._translated(d) for d in problems.found])
        return value

    def _state(self) -> str:
        return f"{self.hosts[0]}.STATE" if self.hosts else "STATE"

    # ---- names --------------------------------------------------------------------------------------------------

    def _rewrite(self) -> None:
        at = 0
        while at < len(self.text):
            m = TOKENS.match(self.text, at)
            assert m is not None
            whole, new = m[0], m[0]
            if m["timer"]:
                new = self._timer(m["timer"], m.start("timer"))
            elif m["name"]:
                whole, new = self._word(m[0], at)
            elif m["operator"]:
                new = OPERATORS[m[0]]
            self.pieces.append(Piece(at, whole, new))
            at += len(whole)

    def _stand_in(self, e: ir.Expr) -> str:
        name = f"q{len(self.names)}q"
        self.names[name] = e
        return f"{name} "

    def _word(self, chunk: str, at: int) -> tuple[str, str]:
        """How much of a run of letters is one name, and what stands for it."""
        if chunk.lower() in WORDS:
            return chunk, chunk.lower()
        if re.match(r"\s*\(", self.text[at + len(chunk) :]):
            known = {spelling(f): f for f in (*BUILT_IN_FUNCTIONS, *self.model.functions)}
            return chunk, known.get(spelling(chunk), chunk.lower())
        part = chunk
        while True:
            found = self._found(part)
            if found is not None:
                return part, self._stand_in(found)
            if "-" not in part:
                break
            part = part.rpartition("-")[0]
        self._unknown(chunk, at)
        return chunk, self._stand_in(ir.Lit(0, ir.UNKNOWN))

    def _split(self, name: str) -> tuple[str, str]:
        """A name's host, if it has one, and the rest."""
        host, dot, rest = name.partition(".")
        known = self.hosts or ("A",)
        return (host.upper(), rest) if dot and host.upper() in known else ("", name)

    def _found(self, name: str) -> ir.Expr | None:
        host, rest = self._split(name)
        m, wanted = self.model, spelling(rest)
        if host or not self.hosts:
            for table in (m.variables, m.abbreviations):
                for known in table:
                    if spelling(known) == wanted and (table is m.variables or not m.abbreviations[known].events):
                        return self._of(known, host)
        if host:
            return None
        for known, sort in self.extra.items():
            if spelling(known) == wanted:
                return ir.Var(known, sort)
        for known, p in m.params.items():
            if spelling(known) == wanted:
                return ir.Param(known, p.sort)
        for enum, members in m.enums.items():
            for member in members:
                if spelling(member) == wanted:
                    return ir.Member(member, ir.Sort(enum))
        return None

    def _of(self, name: str, host: str) -> ir.Expr:
        """A variable or an abbreviation, of a host when there are several."""
        m = self.model
        e: ir.Expr = (
            ir.Var(name, m.variables[name].sort) if name in m.variables else ir.Abbrev(name, m.abbreviations[name].sort)
        )
        return qualified(e, host, self._bases(host), m) if self.hosts else e

    def _bases(self, host: str) -> dict[str | None, str | None]:
        """ISS is a host's own numbering, IRS the other's."""
        other = next((h for h in self.hosts if h != host), None)
        return {"ISS": f"the ISS of {host}", "IRS": f"the ISS of {other}"}

    def _timer(self, name: str, at: int) -> str:
        host, rest = self._split(name)
        found = next((t for t in self.model.timers if spelling(t) == spelling(rest)), None)
        if found is None:
            self._near(name, at, f"there is no timer '{name}'", [*self.model.timers], host)
        elif self.hosts and not host:
            self._no_host(name, at, found)
        else:
            return self._stand_in(ir.Running(f"{host}.{found}" if self.hosts else found, ir.FLAG))
        return self._stand_in(ir.Lit(0, ir.UNKNOWN))

    # ---- what is wrong ------------------------------------------------------------------------------------------

    def _unknown(self, name: str, at: int) -> None:
        m = self.model
        host, rest = self._split(name)
        wanted = spelling(rest)
        own = [*m.variables, *(n for n, a in m.abbreviations.items() if not a.events)]
        if self.hosts and not host and (hit := next((n for n in own if spelling(n) == wanted), None)):
            self._no_host(name, at, hit)
            return
        fields = [f for e in (*m.events.values(), *m.calls.values()) for f in e.fields]
        fields += [n for n, a in m.abbreviations.items() if a.events]
        if any(spelling(f) == wanted for f in fields):
            text = f"'{name}' belongs to an event, and this is about the state between events"
            self.problems.append(self._problem(at, len(name), text, "name a variable, such as RCV.NXT"))
            return
        others = [*self.extra, *m.params, *(x for members in m.enums.values() for x in members)]
        self._near(name, at, f"'{name}' is not known", own if host else own + others, host)

    def _no_host(self, name: str, at: int, found: str) -> None:
        hint = "say of which host: " + " or ".join(f"{h}.{found}" for h in self.hosts)
        self.problems.append(self._problem(at, len(name), f"each host has a {found} of its own", hint))

    def _near(self, name: str, at: int, text: str, known: list[str], host: str) -> None:
        by_spelling = {spelling(n): n for n in known}
        near = difflib.get_close_matches(spelling(name.removeprefix(f"{host}.")), [*by_spelling], 1, 0.6)
        prefix = f"{host}." if host else ""
        few = known if len(known) < 12 else []
        hint = "choose one of: " + ", ".join(few) if few else "states, variables, lets and parameters of the machine do"
        if near:
            hint = f"did you mean '{prefix}{by_spelling[near[0]]}'?"
        self.problems.append(self._problem(at, len(name), text, hint, "unknown-name"))

    def _problem(self, at: int, width: int, text: str, hint: str, code: str = "predicate") -> Diagnostic:
        span = Span(Source("predicate", self.text), 1, at + 1, 1, at + 1 + max(1, width))
        return Diagnostic(code, span, text, hint)

    def _translated(self, d: Diagnostic) -> Diagnostic:
        """A diagnostic about the rewritten text as one about the text as it was typed."""
        if d.span.line == 2:
            start, end = self._place(d.span.column - 1, False), self._place(d.span.end_column - 1, True)
        else:
            start, end = (0, len(self.text)) if d.span.line < 2 else (len(self.text), len(self.text) + 1)
        shown = {p.new.strip(): p.text for p in self.pieces if STAND_IN.fullmatch(p.new.strip())}

        def original(text: str) -> str:
            # What else could stand in a specification is of no use here.
            text = re.sub(r"(?<=an operator), a declaration.*", "", text).replace("end of the file", "end")
            return STAND_IN.sub(lambda m: shown.get(m[0], m[0]), text)

        return self._problem(start, end - start, original(d.text), original(d.hint), d.code)

    def _place(self, offset: int, end: bool) -> int:
        """Where a place of the rewritten text is in the text."""
        at = 0
        for p in self.pieces:
            if offset < at + len(p.new) or (end and offset == at + len(p.new)):
                inside = offset - at
                if p.new == p.text or inside == 0:
                    return p.start + inside
                return p.start + (len(p.text) if end else 0)
            at += len(p.new)
        return len(self.text)
