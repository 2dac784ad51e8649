"""What every name of a specification stands for, and the diagnostics when it stands for nothing."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from wireproof.spec import ir
from wireproof.spec import syntax as s
from wireproof.spec.diagnostics import Diagnostic
from wireproof.spec.source import Span

CONTROL_BITS = ("FIN", "SYN", "RST", "PSH", "ACK", "URG", "ECE", "CWR")


@dataclass(slots=True)
class Problems:
    """Collects diagnostics; elaboration goes on after one so that a file's faults are reported together."""

    found: list[Diagnostic] = field(default_factory=list)

    def add(self, code: str, span: Span, text: str, hint: str, cause: Span | None = None, cause_text: str = "") -> None:
        d = Diagnostic(code, span, text, hint, cause=cause, cause_text=cause_text)
        if d not in self.found:
            self.found.append(d)


@dataclass(slots=True)
class Globals:
    """The declarations of a machine by name, before and while they are elaborated."""

    problems: Problems
    machine: s.Machine | None = None
    enums: dict[str, s.Enumeration] = field(default_factory=dict)
    members: dict[str, str] = field(default_factory=dict)
    """Enumerator to enumeration."""
    headers: dict[str, s.Header] = field(default_factory=dict)
    events: dict[str, s.Event] = field(default_factory=dict)
    fields: dict[str, tuple[str, ir.Sort]] = field(default_factory=dict)
    """Field to its event and sort."""
    calls: dict[str, s.Call] = field(default_factory=dict)
    params: dict[str, s.Parameter] = field(default_factory=dict)
    profiles: dict[str, s.Profile] = field(default_factory=dict)
    variables: dict[str, s.Variable] = field(default_factory=dict)
    timers: dict[str, s.Timer] = field(default_factory=dict)
    lets: dict[str, s.Let] = field(default_factory=dict)
    functions: dict[str, s.Function] = field(default_factory=dict)
    sections: list[s.Section] = field(default_factory=list)
    procedures: dict[str, s.Section] = field(default_factory=dict)
    claims: list[s.Claim] = field(default_factory=list)
    where: dict[str, Span] = field(default_factory=dict)
    """First declaration of every name, for 'declared here'."""

    def sort(self, name: str, base: str | None, span: Span) -> ir.Sort:
        """The sort that a name in the text stands for."""
        if name in ir.BUILT_IN:
            if base is not None and name != "seq32":
                self.problems.add(
                    "sort", span, f"'of {base}' goes with seq32 only, not with {name}", f"remove 'of {base}'"
                )
            return ir.Sort(name, base if name == "seq32" else None)
        if name in self.enums:
            return ir.Sort(name)
        known = [*ir.BUILT_IN, *self.enums]
        self.problems.add("unknown-sort", span, f"'{name}' is not a sort", suggest(name, known))
        return ir.UNKNOWN

    def no_variable(self, name: str, span: Span) -> None:
        """Report a name that stands where only a variable can."""
        kinds: dict[str, Iterable[str]] = {
            "a let": self.lets,
            "a parameter": self.params,
            "a field of an event": self.fields,
            "a timer": self.timers,
            "an enumerator": self.members,
        }
        kind = next((k for k, names in kinds.items() if name in names), None)
        if kind is None:
            self.problems.add("unknown-name", span, f"'{name}' is no variable", suggest(name, [*self.variables]))
        else:
            hint = "name a variable, or declare one with 'var'"
            self.problems.add("not-a-variable", span, f"'{name}' is {kind}, and no variable", hint)

    def all_names(self) -> list[str]:
        """Every name that can stand in an expression."""
        return [
            *self.variables,
            *self.params,
            *self.fields,
            *self.members,
            *self.lets,
        ]


def suggest(name: str, known: list[str]) -> str:
    """What to do about an unknown name: the nearest known one, or where to declare it."""
    if "-" in name and any(part and part in known for part in (name.rsplit("-", 1)[0],)):
        left, right = name.rsplit("-", 1)
        return f"a hyphen belongs to a name: write '{left} - {right}' with spaces to subtract"
    near = difflib.get_close_matches(name, known, 1, 0.6)
    if near:
        return f"did you mean '{near[0]}'?"
    if not known:
        return "declare it: nothing of its kind is declared yet"
    return "declare it, or choose one of: " + ", ".join(sorted(known)[:6]) + (", ..." if len(known) > 6 else "")


def collect(files: list[s.File], problems: Problems) -> Globals:
    """Sort all items of all files by kind; a name declared twice is a diagnostic."""
    g = Globals(problems)

    def declare(name: str, span: Span) -> bool:
        if name in g.where:
            problems.add(
                "declared-twice",
                span,
                f"'{name}' is declared twice",
                "rename or remove one of them",
                g.where[name],
                "first declared here",
            )
            return False
        g.where[name] = span
        return True

    for file in files:
        for item in file.items:
            _collect_item(g, item, declare)
    if g.machine is None and files:
        first = files[0].items[0].span if files[0].items else files[0].span
        problems.add("no-machine", first, "no machine is declared", "begin a file with 'machine NAME'")
    for event in [*g.events.values()]:
        for f in event.fields:
            if declare(f.name, f.span):
                g.fields[f.name] = (event.name, g.sort(f.sort, f.base, f.span))
    for call in g.calls.values():
        if len({f.name for f in call.args}) != len(call.args):
            text = f"the call '{call.name}' has two arguments of one name"
            problems.add("declared-twice", call.span, text, "rename one of them")
        for f in call.args:
            sort = g.sort(f.sort, f.base, f.span)
            known = g.fields.get(f.name)
            if known is not None and known[1] != sort:
                problems.add(
                    "argument-sort",
                    f.span,
                    f"'{f.name}' is {sort} here and {known[1]} in another call",
                    "rename one of them",
                )
            g.fields[f.name] = ("call", sort)
    g.fields.setdefault("RET.COUNT", ("call", ir.LENGTH))
    return g


Standing = s.Header | s.Event | s.Call | s.Timer


def _once(g: Globals, kind: str, item: Standing, known: Mapping[str, Standing]) -> None:
    """Report a second declaration of a kind whose names stand for themselves."""
    if item.name in known:
        first = known[item.name].span
        text = f"the {kind} '{item.name}' is declared twice"
        g.problems.add("declared-twice", item.span, text, "rename or remove one of them", first, "first declared here")


def _collect_item(g: Globals, item: s.Item, declare: Callable[[str, Span], bool]) -> None:
    match item:
        case s.Machine():
            if g.machine is not None:
                text = f"there are two machines, '{g.machine.name}' and '{item.name}'"
                hint = "a specification describes one machine: remove one"
                g.problems.add("declared-twice", item.span, text, hint, g.machine.span, "the first one")
            elif declare(item.name, item.span):
                g.machine = item
        case s.Enumeration():
            if declare(item.name, item.span):
                g.enums[item.name] = item
                for m in item.members:
                    if declare(m, item.span):
                        g.members[m] = item.name
        case s.Header():
            _once(g, "header", item, g.headers)
            g.headers[item.name] = item
        case s.Event():
            _once(g, "event", item, g.events)
            g.events[item.name] = item
        case s.Call():
            _once(g, "call", item, g.calls)
            g.calls[item.name] = item
        case s.Parameter():
            if declare(item.name, item.span):
                g.params[item.name] = item
        case s.Profile():
            if declare(item.name, item.span):
                g.profiles[item.name] = item
        case s.Variable():
            if declare(item.name, item.span):
                g.variables[item.name] = item
        case s.Timer():
            _once(g, "timer", item, g.timers)
            g.timers[item.name] = item
        case s.Let():
            if declare(item.name, item.span):
                g.lets[item.name] = item
        case s.Function():
            if declare(item.name, item.span):
                g.functions[item.name] = item
        case s.Claim():
            g.claims.append(item)
        case s.Section():
            g.sections.append(item)
            if item.kind == "procedure":
                g.procedures[item.name] = item
            for let in item.lets:
                if declare(let.name, let.span):
                    g.lets[let.name] = let
