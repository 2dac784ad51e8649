"""From the syntax tree to the one canonical text; parsed, it gives the same tree."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Literal

from wireproof.spec import syntax as s
from wireproof.spec.layout import WIDTH, Bind, expression, fill, lay, shield
from wireproof.spec.source import NOWHERE, Span

__all__ = ["WIDTH", "expression", "format_file"]

Gap = Literal["never", "keep", "always"]
"""Is there an empty line above: no; if the source has one; yes."""

BLOCKS = s.Section | s.Claim | s.Machine | s.Enumeration | s.Header | s.Event | s.Profile
"""Items that stand apart from their neighbours; of the others, those of a kind may stand together."""


@dataclass(slots=True)
class Line:
    """One logical line of the output, wrapped or not, and the places that it stands for."""

    text: list[str]
    places: list[Span]
    gap: Gap = "never"
    before: list[tuple[bool, str]] = field(default_factory=list)
    """Comments on lines of their own: (an empty line above?, text)."""
    after: list[str] = field(default_factory=list)
    """Comments that followed on the same line, in order."""

    @property
    def indent(self) -> str:
        return self.text[0][: len(self.text[0]) - len(self.text[0].lstrip())]


def format_file(file: s.File) -> str:
    """The canonical text of a file, its comments included."""
    writer = _Writer({line for line, _ in file.comments})
    previous: s.Item | None = None
    for item in file.items:
        writer.item(item, _gap(previous, item))
        previous = item
    return _print(file, writer.lines)


def _gap(previous: s.Item | None, item: s.Item) -> Gap:
    if previous is None or isinstance(item, BLOCKS) or isinstance(previous, BLOCKS):
        return "always"
    abbreviations = isinstance(item, s.Let | s.Function) and isinstance(previous, s.Let | s.Function)
    return "keep" if type(item) is type(previous) or abbreviations else "always"


class _Writer:
    """Writes nodes as lines, without their comments."""

    def __init__(self, commented: set[int]):
        self.lines: list[Line] = []
        self.commented = commented

    def put(self, text: list[str], at: Span, gap: Gap = "never") -> None:
        self.lines.append(Line(text, [at], gap))

    def docs(self, docs: Sequence[s.Doc], indent: str) -> None:
        """Documentation on lines of its own, the texts in one column."""
        for d in docs:
            self.put([f'{indent}{d.kind:<5} "{d.text}"'], d.span)

    def documented(self, text: list[str], at: Span, docs: Sequence[s.Doc], gap: Gap = "never") -> None:
        """A line with its documentation behind it if there is room and no comment is between, else below."""
        self.put(text, at, gap)
        whole = " ".join([text[-1], *(f'{d.kind} "{d.text}"' for d in docs)])
        if docs and len(whole) <= WIDTH and self.commented.isdisjoint(range(at.line, docs[-1].span.line)):
            self.lines[-1].text[-1] = whole
            self.lines[-1].places += [d.span for d in docs]
        else:
            self.docs(docs, self.lines[-1].indent + "  ")

    # ---- declarations ----

    def item(self, item: s.Item, gap: Gap) -> None:
        at = item.span
        match item:
            case s.Section():
                self.section(item)
            case s.Claim():
                self.claim(item)
            case s.Machine():
                self.put([f"machine {item.name}"], at, gap)
                self.docs(item.docs, "  ")
            case s.Enumeration():
                self.put(fill(f"enum {item.name} = ", item.members, " | ", lead=True), at, gap)
                self.docs(item.docs, "  ")
            case s.Header():
                self.put([f"header {item.name}"], at, gap)
                self.docs(item.docs, "  ")
                for f in item.fields:
                    self.documented([f"  field {f.name} {f.bits} bits"], f.span, f.docs)
            case s.Event():
                self.put([f"event {item.name}"], at, gap)
                self.docs(item.docs, "  ")
                for g in item.fields:
                    self.documented([f"  field {_typed(g.name, g.sort, g.base)}"], g.span, g.docs)
            case s.Profile():
                names = fill(f"profile {item.name} includes ", item.includes, ", ")
                self.put(names if item.includes else [f"profile {item.name}"], at, gap)
                self.docs(item.docs, "  ")
                for name, value in item.settings:
                    self.put(lay(f"  with {name} = ", value), value.span)
            case s.Call():
                args = fill(f"call {item.name}(", [f"{a.name}: {a.sort}" for a in item.args], ", ", end=")")
                self.documented(args, at, item.docs, gap)
            case s.Parameter():
                self.documented(lay(f"param {item.name} : {item.sort} = ", item.value), at, item.docs, gap)
            case s.Variable():
                head = f"var {_typed(item.name, item.sort, item.base)} = "
                self.documented(lay(head, item.value), at, item.docs, gap)
            case s.Timer():
                self.documented([f"timer {item.name}"], at, item.docs, gap)
            case s.Let():
                self.documented(lay(f"let {item.name} = ", item.value), at, item.docs, gap)
            case s.Function():
                pairs = [f"{name}: {sort}" for name, sort in item.args]
                head_lines = fill(f"function {item.name}(", pairs, ", ", end=f") : {item.sort} = ")
                lines = [*head_lines[:-1], *lay(head_lines[-1], item.value)]
                self.documented(lines, at, item.docs, gap)

    # ---- claims ----

    def claim(self, c: s.Claim) -> None:
        ids = fill(f"{c.kind} {c.name} [", c.ids, ", ", end="]")
        self.put(ids if c.ids else [f"{c.kind} {c.name}"], c.span, "always")
        for clause in c.clauses:
            self.put(_claim_clause(clause), clause.span)

    # ---- sections ----

    def section(self, section: s.Section) -> None:
        self.put(_header(section), section.span, "always")
        self.docs(section.docs, "  ")
        # The tree keeps lets and choices apart; the source tells in which order they were written.
        names: list[s.Let | s.Choose] = [*section.lets, *section.choices]
        gap: Gap = "always"
        for node in sorted(names, key=lambda n: (n.span.line, n.span.column)):
            head = f"let {node.name} = " if isinstance(node, s.Let) else ""
            lines = lay(head, node.value) if isinstance(node, s.Let) else _choose("choose ", node)
            self.documented(lines, node.span, node.docs, gap)
            gap = "keep"
        for rule in section.rules:
            self.rule(rule)

    def rule(self, rule: s.Rule) -> None:
        level = f" {rule.level}" if rule.level else ""
        ids = fill(f"rule {rule.name} [", rule.ids, ", ", end=f"]{level}")
        self.put(ids if rule.ids else [f"rule {rule.name}{level}"], rule.span, "always")
        for is_set, run in groupby(rule.clauses, key=lambda c: isinstance(c, s.Set)):
            clauses = list(run)
            # Assignments that follow one another have their := in one column.
            width = max(len(c.target) for c in clauses if isinstance(c, s.Set)) if is_set else 0
            for clause in clauses:
                docs = clause.docs if isinstance(clause, s.Let | s.Choose) else []
                self.documented(_clause(clause, width), clause.span, docs)


def _typed(name: str, sort: str, base: str | None) -> str:
    return f"{name} : {sort}" + (f" of {base}" if base else "")


def _header(section: s.Section) -> list[str]:
    """The first line of a section; too long, it is broken before ``step`` or ``named``."""
    if section.kind == "procedure":
        return [f"procedure {section.name}"]
    starts = {"event": "on ", "timeout": "on timeout ", "call": "on call "}
    start = starts.get(section.kind, f"{section.kind} send") + section.subject + " in "
    tail = f"named {section.name}" if section.step is None else f"step {section.step} named {section.name}"
    match section.states:
        case None:
            lines = [start + "any"]
        case [state]:
            lines = [start + state]
        case states:
            lines = fill(start + "{", states, ", ", end="}")
    if len(lines[-1]) + 1 + len(tail) <= WIDTH:
        return [*lines[:-1], f"{lines[-1]} {tail}"]
    return [*lines, f"  {tail}"]


# ---- clauses -----------------------------------------------------------------------------------------------


def _clause(clause: s.Clause, width: int) -> list[str]:
    """A clause: two columns of indent, the keyword, the operand in the eleventh column."""
    match clause:
        case s.Doc(kind=kind, text=text):
            return [_key(kind) + f'"{text}"']
        case s.Supports(profile=profile, negated=negated):
            return [_key("without" if negated else "supports") + profile]
        case s.Deviates(ids=ids):
            return fill(_key("deviates"), ids, ", ")
        case s.Cell(name=name):
            return [_key("cell") + name]
        case s.When(label=label, guard=guard):
            return lay(_key("when") + (f"{label}: " if label else ""), guard)
        case s.Require(label=label, condition=condition):
            return lay(_key("require") + (f"{label}: " if label else ""), condition)
        case s.Due(within=within, condition=None):
            return lay(_key("due") + "within ", within)
        case s.Due(within=within, condition=s.Node() as when):
            return _join(lay(_key("due") + "within ", within), " when ", when)
        case s.Let(name=name, value=value):
            return lay(_key("let") + f"{name} = ", value)
        case s.Choose():
            return _choose(_key("choose"), clause)
        case s.Set(target=target, value=value):
            return lay(_key("set") + f"{target:<{width}} := ", value)
        case s.Send(patterns=patterns, text=text):
            return _send(patterns, text)
        case s.Start():
            return _start(clause)
        case s.Return(outcomes=outcomes):
            return fill(_key("return"), [_outcome(o) for o in outcomes], " or ", lead=True)
    return [(_key(_verb(clause)) + _operand(clause)).rstrip()]


def _claim_clause(clause: s.ClaimClause) -> list[str]:
    match clause:
        case s.In(states=None):
            return [_key("in") + "any"]
        case s.In(states=[state]):
            return [_key("in") + state]
        case s.In(states=list(states)):
            return fill(_key("in") + "{", states, ", ", end="}")
        case s.On(occasions=occasions):
            return fill(_key("on"), [occasion(*o) for o in occasions], ", ")
        case s.For(event=event):
            return [_key("for") + event]
        case s.Holds(label=label, condition=condition):
            return lay(_key("holds") + (f"{label}: " if label else ""), condition)
        case s.Then(label=label, condition=condition):
            return lay(_key("then") + (f"{label}: " if label else ""), condition)
        case s.Doc() | s.Supports() | s.When():
            return _clause(clause, 0)
    raise AssertionError(clause)


def occasion(kind: str, subject: str) -> str:
    """A kind of steps as it is written after 'on'."""
    return f"{kind} {subject}" if subject else kind


def _key(keyword: str) -> str:
    return f"  {keyword:<7} "


def _verb(clause: s.Clause) -> str:
    return type(clause).__name__.lower()


def _operand(clause: s.Clause) -> str:
    match clause:
        case s.Enter(state=name) | s.Stop(timer=name) | s.Report(error=name):
            return name
        case s.Signal(what=name) | s.Do(procedure=name):
            return name
        case s.Continue(step=int(step)):
            return f"at step {step}"
    return ""


def _join(lines: list[str], word: str, e: s.Expr, least: Bind = Bind.IF) -> list[str]:
    """More of a line: ``word`` and an expression behind its last printed line."""
    return [*lines[:-1], *lay(lines[-1] + word, e, least)]


def _choose(key: str, choose: s.Choose) -> list[str]:
    head = f"{key}{choose.name} in "
    if choose.low is None or choose.high is None:
        return [head + choose.domain]
    low = shield(expression(choose.low, Bind.SUM), ("flag", "sequence_number"))
    return [f"{head}{low} .. {expression(choose.high, Bind.SUM)}"]


def _send(patterns: Iterable[s.Pattern | s.Control], text: s.Text | None) -> list[str]:
    shown = [_pattern(p) for p in patterns]
    lines = fill(_key("send"), shown, "")
    match text:
        case s.Text(form="rest", of=of):
            return _join(lines, " text rest of ", of)
        case s.Text(form="some", count=s.Node() as count, of=of):
            return _join([*lines[:-1], f"{lines[-1]} text {shield(expression(count), ('rest',))}"], " of ", of)
        case s.Text(of=of):
            return [*lines[:-1], f"{lines[-1]} text {shield(expression(of), ('rest',))}"]
    return lines


def _pattern(pattern: s.Pattern | s.Control) -> str:
    if isinstance(pattern, s.Control):
        return f"<CTL={','.join(bit + '?' * optional for bit, optional in pattern.bits)}>"
    high = f" .. {expression(pattern.high, Bind.SUM)}" if pattern.high is not None else ""
    return f"<{pattern.field}={expression(pattern.low, Bind.SUM)}{high}>"


def _start(start: s.Start) -> list[str]:
    head = f"{_key('start')}{start.timer} {start.form} "
    if start.form == "after":
        return lay(head, start.low)
    lines = lay(head, start.low, Bind.SUM)
    if start.high is None:
        return lines
    joined = _join(lines, " and ", start.high, Bind.SUM)
    if len(joined) == 1 and len(joined[0]) <= WIDTH:
        return joined
    return [*lines, *lay(" " * (len(head) - 4) + "and ", start.high, Bind.SUM)]


def _outcome(o: s.Outcome) -> str:
    low = f" {expression(o.low, Bind.SUM)}" if o.low is not None else ""
    high = f" .. {expression(o.high, Bind.SUM)}" if o.high is not None else ""
    of = f" of {expression(o.of, Bind.SUM)}" if o.of is not None else ""
    return o.kind + low + high + of


# ---- comments ----------------------------------------------------------------------------------------------


def _print(file: s.File, lines: list[Line]) -> str:
    """All lines with the comments at their places and the empty lines between them."""
    raw = next((place.source.text for line in lines for place in line.places if place is not NOWHERE), "").split("\n")
    last = _attach(file.comments, lines, raw)
    out: list[str] = []
    for line in lines:
        keep, empty = line.gap != "never", line.gap == "always"
        for above, text in line.before:
            _empty(out, empty or (keep and above))
            out.append(line.indent + text)
            empty = False
        *spare, after = line.after or [""]
        _empty(out, empty or (keep and _empty_above(raw, line.places[0])))
        # A line has room for one comment; what was broken over several lines may have had more.
        out += [line.indent + text for text in spare]
        out += line.text
        out[-1] += f" {after}" if after else ""
    empty = True
    for above, text in last:
        _empty(out, empty or above)
        out.append(text)
        empty = False
    return "".join(f"{line}\n" for line in out)


def _empty(out: list[str], wanted: bool) -> None:
    if wanted and out:
        out.append("")


def _empty_above(raw: list[str], place: Span) -> bool:
    return place is not NOWHERE and place.line > 1 and not raw[place.line - 2].strip()


def _attach(comments: list[tuple[int, str]], lines: list[Line], raw: list[str]) -> list[tuple[bool, str]]:
    """Give each comment to the line that follows it or that it follows; returns those after the last line."""
    places = sorted(((p.line, p.column, i) for i, line in enumerate(lines) for p in line.places if p is not NOWHERE))
    starts = [line for line, _, _ in places]
    rest: list[tuple[bool, str]] = []
    for number, text in comments:
        text = text.rstrip()
        shown = raw[number - 1] if number <= len(raw) else ""
        after = bisect_right(starts, number)
        if after and not shown.lstrip().startswith("--"):
            lines[places[after - 1][2]].after.append(text)
        elif after < len(places):
            above = number > 1 and not raw[number - 2].strip()
            lines[places[after][2]].before.append((above, text))
        else:
            above = 1 < number <= len(raw) and not raw[number - 2].strip()
            rest.append((above, text))
    return rest
