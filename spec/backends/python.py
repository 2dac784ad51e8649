"""The executable backend: one Python function a rule, with the rule's name.

``modules(model)`` gives the text of every generated module of ``reference/generated``; ``namespace(model)`` compiles
the same text in memory, which is how mutants of the specification are made.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from wireproof.spec import ir
from wireproof.spec.backends.python_state import state as state_text
from wireproof.spec.backends.python_terms import CONTROL, Terms, ident, python_type, quoted
from wireproof.spec.elaborate_rule import rule_expressions
from wireproof.spec.expressions import events_of

PREFIX = {
    "event": "arrives",
    "timeout": "timeout",
    "call": "call",
    "may": "may",
    "every": "every",
    "after": "after",
    "procedure": "do",
}
END = {"done": "DONE", "continue": "CONTINUE", "drop": "DROP", "redeliver": "REDELIVER"}

RUNTIME = """from typing import Any

from wireproof.reference.reassembly import beyond, hold, part, ready
from wireproof.reference.run import (
    AT_STEP,
    CONTINUE,
    DONE,
    DROP,
    FOREVER,
    REDELIVER,
    STOPPED,
    EveryRule,
    MayRule,
    Outcome,
    Run,
    Template,
)
from wireproof.reference.sequence import MASK as M
from wireproof.reference.sequence import le, lt
"""


def passes_on(r: ir.Rule) -> bool:
    """A rule that only hands the event on to the next step, and so has no meaning of its own."""
    return not r.meaning and (r.end == "continue" or (not r.actions and r.end == "done"))


def section_function(section: ir.Section) -> str:
    return f"{PREFIX[section.kind]}_{section.name}"


def rule_function(section: ir.Section, rule: ir.Rule) -> str:
    return f"{section_function(section)}__{rule.name}"


class PythonBackend:
    """Text of the generated modules of one model."""

    def __init__(self, model: ir.Model):
        self.model = model
        self.terms = Terms(model)
        self.procedures = {s.name: s for s in model.sections if s.kind == "procedure"}

    # ---- lets, functions ----------------------------------------------------------------------------------------

    def lets(self) -> Iterator[str]:
        for f in self.model.functions.values():
            args = ", ".join(f"{ident(a)}: {python_type(s)}" for a, s in f.args)
            yield f"def {f.name}({args}) -> {python_type(f.sort)}:"
            if f.meaning:
                yield f'    """{f.meaning}"""'
            yield f"    return {self.terms.of(f.value)}"
            yield ""
            yield ""
        for a in self.model.abbreviations.values():
            args = "c: Tcp, e: Any, x: Run" if a.events else "c: Tcp, x: Run"
            yield f"def {ident(a.name)}({args}) -> {python_type(a.sort)}:"
            if a.meaning:
                yield f'    """{a.meaning}"""'
            text = self.terms.of(a.value)
            yield f"    return {text}"
            yield ""
            yield ""

    # ---- sections ---------------------------------------------------------------------------------------------

    def section(self, s: ir.Section) -> Iterator[str]:
        if s.kind == "may":
            for r in s.rules:
                yield from self.may_rule(s, r)
            return
        if s.kind == "every":
            for r in s.rules:
                yield from self.every_rule(s, r)
            return
        for r in s.rules:
            yield from self.rule(s, r)
        fn = section_function(s)
        yield f"def {fn}(c: Tcp, e: Any, x: Run) -> int:"
        yield f'    """{self.title(s)}"""'
        calls = [f"{rule_function(s, r)}(c, e, x)" for r in s.rules]
        fallback = "DONE"
        if len(calls) == 1:
            yield f"    return {calls[0]} or {fallback}"
        else:
            yield "    return ("
            yield f"        {calls[0]}"
            for call in calls[1:]:
                yield f"        or {call}"
            yield f"        or {fallback}"
            yield "    )"
        yield ""
        yield ""

    def title(self, s: ir.Section) -> str:
        states = "any state" if len(s.states) == len(self.model.enums["state"]) else ", ".join(s.states)
        what = {
            "event": f"{s.subject} in {states}, step {s.step}",
            "timeout": f"{s.subject} ends in {states}",
            "call": f"{s.subject}() in {states}",
            "after": f"after each send in {states}",
            "procedure": s.meaning or s.name,
        }.get(s.kind, s.name)
        cites = f" ({'; '.join(s.cites)})" if s.cites else ""
        return f"{what}{cites}"

    def doc(self, r: ir.Rule) -> str:
        parts = [r.meaning or r.name.replace("_", " ").capitalize() + "."]
        if r.ids:
            parts.append(f"[{', '.join(r.ids)}]")
        if r.cites:
            parts.append("; ".join(r.cites))
        text = " ".join(parts)
        return textwrap.fill(text, 104, subsequent_indent="    ")

    def guard(self, r: ir.Rule, conjuncts: list[ir.Conjunct]) -> Iterator[str]:
        """Leave with None unless the profile and all conjuncts hold."""
        tests = [f"x.p.{ident(p)}" for p in r.supports] + [f"not x.p.{ident(p)}" for p in r.without]
        tests += [self.terms.of(c.test, 3) for c in conjuncts]
        if not tests:
            return
        if len(tests) == 1:
            negated = (
                tests[0][4:]
                if tests[0].startswith("not ") and " or " not in tests[0] and " and " not in tests[0]
                else None
            )
            yield f"    if {negated or f'not ({tests[0]})'}:"
        else:
            yield "    if not (" if sum(map(len, tests)) > 80 else f"    if not ({' and '.join(tests)}):"
            if sum(map(len, tests)) > 80:
                yield f"        {tests[0]}"
                for t in tests[1:]:
                    yield f"        and {t}"
                yield "    ):"
        yield "        return None"

    def rule(self, s: ir.Section, r: ir.Rule) -> Iterator[str]:
        yield f"def {rule_function(s, r)}(c: Tcp, e: Any, x: Run) -> int | None:"
        yield f'    """{self.doc(r)}"""'
        yield from self.guard(r, r.guard)
        yield f'    x.fired.append("{r.id}")'
        if r.deviates:
            ids = ", ".join(f'"{i}"' for i in r.deviates)
            yield f'    x.deviate(c, "{r.id}", ({ids},))'
        returns = [a for a in r.actions if isinstance(a, ir.Return)]
        lets_done = 0
        if returns:
            while lets_done < len(r.actions) and isinstance(r.actions[lets_done], ir.Bind):
                yield from self.action(r, r.actions[lets_done])
                lets_done += 1
            yield from self.settle(r, returns[0])
        for a in r.actions[lets_done:]:
            if not isinstance(a, ir.Return):
                yield from self.action(r, a)
        if r.end == "continue" and r.step is not None:
            yield f"    return AT_STEP + {r.step}"
        else:
            yield f"    return {END[r.end]}"
        yield ""
        yield ""

    def settle(self, r: ir.Rule, returns: ir.Return) -> Iterator[str]:
        t = self.terms
        outcomes = []
        for o in returns.outcomes:
            match o.kind:
                case "ok":
                    outcomes.append('Outcome("ok")')
                case "error" | "state":
                    assert o.low is not None
                    outcomes.append(f'Outcome("{o.kind}", {t.of(o.low)})')
                case "count":
                    assert o.low is not None and o.high is not None
                    outcomes.append(f'Outcome("count", "", {t.of(o.low)}, {t.of(o.high)})')
                case "text":
                    assert o.low is not None and o.high is not None and o.of is not None
                    outcomes.append(f'Outcome("octets", "", {t.of(o.low)}, {t.of(o.high)}, {t.of(o.of)})')
        line = f'    if not x.settle(c, "{r.id}", ({", ".join(outcomes)},)):'
        if len(line) <= 108:
            yield line
        else:
            yield "    outcomes = ("
            for text in outcomes:
                yield f"        {text},"
            yield "    )"
            yield f'    if not x.settle(c, "{r.id}", outcomes):'
        yield "        return DONE"

    def action(self, r: ir.Rule, a: ir.Action) -> Iterator[str]:
        t = self.terms
        match a:
            case ir.Bind():
                yield f"    {ident(a.name)} = {t.of(a.value)}"
            case ir.Assign():
                yield f"    c.{ident(a.target)} = {t.of(a.value)}"
            case ir.ChooseNumber():
                yield f'    c.{ident(a.target)} = x.number(c, "{a.target}")'
            case ir.Send():
                yield from self.send(r, a, "    c.owed = (*c.owed, ", ")")
            case ir.Start():
                name = ident(a.timer)
                low = t.of(a.low, 6)
                yield f"    c.{name}_from = c.now" + ("" if low == "0" else f" + {low}")
                if a.high is None:
                    yield f"    c.{name}_until = FOREVER"
                elif a.high == a.low:
                    yield f"    c.{name}_until = c.{name}_from"
                else:
                    yield f"    c.{name}_until = c.now + {t.of(a.high, 6)}"
            case ir.Stop():
                name = ident(a.timer)
                yield f"    c.{name}_from = c.{name}_until = STOPPED"
            case ir.Signal():
                yield f'    x.signals.append("{a.what}")'
            case ir.Do():
                event = "e" if self.needs_event(a.procedure) else "None"
                yield f"    do_{a.procedure}(c, {event}, x)"
            case ir.Return():
                raise AssertionError("settled before")

    def needs_event(self, procedure: str, seen: frozenset[str] = frozenset()) -> bool:
        section = self.procedures[procedure]
        for r in section.rules:
            if any(events_of(e, self.model.abbreviations) for e in rule_expressions(r)):
                return True
            for a in r.actions:
                if (
                    isinstance(a, ir.Do)
                    and a.procedure not in seen
                    and self.needs_event(a.procedure, seen | {procedure})
                ):
                    return True
        return False

    def send(self, r: ir.Rule, a: ir.Send, before: str, after: str) -> Iterator[str]:
        """A Template expression between ``before`` and ``after``."""
        t = self.terms
        ctl = sum(CONTROL[b] for b in a.ctl)
        may = sum(CONTROL[b] for b in a.may)
        if "ACK" in a.ctl and not {"SYN", "RST"} & set(a.ctl):
            may |= CONTROL["URG"]
        seq = t.of(a.seq)
        span = "0"
        if a.seq_high is not None:
            span = t.of(ir.Op("-", [a.seq_high, a.seq], ir.LENGTH))
            if isinstance(a.seq_high, ir.Op):
                span = f"{t.of(a.seq_high, 7)} - {t.of(a.seq, 7)} & M"
        ack = t.of(a.ack) if a.ack is not None else "None"
        ack_from = t.of(a.ack_low) if a.ack_low is not None else ack
        text = t.of(a.text) if a.text is not None else 'b""'
        low = t.of(a.low) if a.low is not None else "0"
        high = t.of(a.high) if a.high is not None else "0"
        names = "+".join(a.ctl + [f"{b}?" for b in a.may])
        args = f'"{r.id}", {seq}, {span}, {ack}, {ack_from}, {ctl}, {may}, {text}, {low}, {high}, {a.rest}'
        line = f"{before}Template({args}){after}"
        if len(line) + len(names) + 4 <= 108:
            yield f"{line}  # {names}"
            return
        yield f"{before}Template("
        yield f'        "{r.id}",'
        for value, label in (
            (seq, "seq"),
            (span, "span"),
            (ack, "ack"),
            (ack_from, "ack_from"),
            (str(ctl), names),
            (str(may), "may"),
            (text, "text"),
            (low, "low"),
            (high, "high"),
            (str(a.rest), "rest"),
        ):
            yield f"        {value},  # {label}"
        yield f"    ){after}"

    def may_rule(self, s: ir.Section, r: ir.Rule) -> Iterator[str]:
        fn = rule_function(s, r)
        early = [c for c in r.guard if "output" not in events_of(c.test, self.model.abbreviations)]
        late = [c for c in r.guard if c not in early]
        send = next(a for a in r.actions if isinstance(a, ir.Send))
        yield f"def {fn}(c: Tcp, x: Run) -> Template | None:"
        yield f'    """{self.doc(r)}"""'
        yield from self.guard(r, early)
        yield from self.send(r, send, "    return ", "")
        yield ""
        yield ""
        if late:
            yield f"def {fn}__check(c: Tcp, e: Any, x: Run) -> bool:"
            yield f'    """What the segment itself must satisfy: {", ".join(c.name for c in late)}."""'
            yield f"    return {' and '.join(self.terms.of(c.test, 3) for c in late)}"
            yield ""
            yield ""
        if r.due is not None:
            yield f"def {fn}__due(c: Tcp, x: Run) -> int:"
            yield '    """Within which time it must be sent, while this holds (us)."""'
            within = self.terms.of(r.due[0])
            if r.due[1] is None:
                yield f"    return {within}"
            else:
                yield f"    return {within} if {self.terms.of(r.due[1], 1)} else 0"
            yield ""
            yield ""

    def every_rule(self, s: ir.Section, r: ir.Rule) -> Iterator[str]:
        yield f"def {rule_function(s, r)}(c: Tcp, e: Any, x: Run) -> str | None:"
        yield f'    """{self.doc(r)}"""'
        yield from self.guard(r, r.guard)
        for q in r.requires:
            yield f"    if not ({self.terms.of(q.test)}):"
            yield f'        return "{q.name}"'
        yield "    return None"
        yield ""
        yield ""

    # ---- tables -----------------------------------------------------------------------------------------------

    def tables(self) -> Iterator[str]:
        m = self.model
        states = m.enums["state"]
        yield "Section = Any"
        yield "ARRIVES: dict[str, dict[str, tuple[tuple[int, Section], ...]]] = {"
        for event in m.events:
            if event == "output":
                continue
            yield f'    "{event}": {{'
            for state in states:
                steps = sorted(
                    (
                        (s.step, section_function(s))
                        for s in m.sections
                        if s.kind == "event" and s.subject == event and state in s.states
                    ),
                    key=lambda p: p[0],
                )
                inner = ", ".join(f"({n}, {fn})" for n, fn in steps)
                yield f'        "{state}": ({inner}{"," if steps else ""}),'
            yield "    },"
        yield "}"
        for kind, table in (("call", "CALLS"), ("timeout", "TIMEOUTS")):
            yield f"{table}: dict[str, dict[str, Section]] = {{"
            subjects = [*m.calls] if kind == "call" else [*m.timers]
            for subject in subjects:
                yield f'    "{subject}": {{'
                for state in states:
                    for s in m.sections:
                        if s.kind == kind and s.subject == subject and state in s.states:
                            yield f'        "{state}": {section_function(s)},'
                yield "    },"
            yield "}"
        yield "MAY: dict[str, tuple[MayRule, ...]] = {"
        for state in states:
            yield f'    "{state}": ('
            for s in m.sections:
                if s.kind == "may" and state in s.states:
                    for r in s.rules:
                        fn = rule_function(s, r)
                        late = any("output" in events_of(c.test, m.abbreviations) for c in r.guard)
                        check = f"{fn}__check" if late else "None"
                        due = f"{fn}__due" if r.due else "None"
                        deviates = "(" + "".join(f'"{i}",' for i in r.deviates) + ")"
                        yield f'        MayRule("{r.id}", {fn}, {check}, {due}, {deviates}),'
            yield "    ),"
        yield "}"
        yield "EVERY: dict[str, tuple[EveryRule, ...]] = {"
        for state in states:
            yield f'    "{state}": ('
            for s in m.sections:
                if s.kind == "every" and state in s.states:
                    for r in s.rules:
                        ids = "(" + "".join(f'"{i}",' for i in r.ids) + ")"
                        yield f'        EveryRule("{r.id}", "{r.level}", {ids}, {rule_function(s, r)}),'
            yield "    ),"
        yield "}"
        yield "AFTER: dict[str, tuple[Section, ...]] = {"
        for state in states:
            fns = [section_function(s) for s in m.sections if s.kind == "after" and state in s.states]
            yield f'    "{state}": ({", ".join(fns)}{"," if fns else ""}),'
        yield "}"
        silent = sorted(t for t in m.timers if self.may_be_silent(t))
        yield f"SILENT_TIMERS = frozenset(({quoted(silent)},))"
        yield '"""Timers whose end may show nothing on the wire."""'
        plain = sorted(t for t in m.timers if self.only_acknowledges(t))
        yield f"SENDING_TIMERS = frozenset(({quoted(plain)},))"
        yield '"""Timers whose end sends a bare acknowledgment."""'
        hidden = ("procedure", "every", "after")
        deciding = [r.id for s, r in m.rules() if s.kind not in hidden and not passes_on(r)]
        yield f"DECIDING = frozenset(({quoted(deciding)},))"
        yield '"""Rules that decide something: not procedures, and not those that only pass on to the next step."""'
        yield f'SPEC_HASH = "{m.spec_hash}"'

    def only_acknowledges(self, timer: str) -> bool:
        """Does every rule for the end of this timer send an acknowledgment at SND.NXT, and nothing with it?"""
        rules = [r for s in self.model.sections if s.kind == "timeout" and s.subject == timer for r in s.rules]
        sends = [[a for a in r.actions if isinstance(a, ir.Send)] for r in rules]
        return bool(rules) and all(
            len(found) == 1
            and found[0].ctl == ["ACK"]
            and found[0].text is None
            and isinstance(found[0].seq, ir.Var)
            and found[0].seq.name == "SND.NXT"
            for found in sends
        )

    def may_be_silent(self, timer: str) -> bool:
        """Does some rule for the end of this timer send nothing?"""
        for s in self.model.sections:
            if s.kind == "timeout" and s.subject == timer:
                for r in s.rules:
                    if not any(isinstance(a, ir.Send) for a in r.actions):
                        return True
        return False


def header(what: str) -> str:
    return (
        f'"""{what}\n\n'
        "Generated from spec/rules/tcp/*.wire by `make generate` (spec/backends/python.py). Do not edit.\n"
        '"""\n\nfrom __future__ import annotations\n\n'
    )


PACKAGE = "wireproof.reference.generated"


def bodies(model: ir.Model, backend: type[PythonBackend] = PythonBackend) -> dict[str, tuple[str, list[str]]]:
    """Module name to (what it is, lines), in an order in which each needs only earlier ones."""
    b = backend(model)
    out = {
        "tcp_state": (
            "The configuration of a TCP connection and the parameters of its environment.",
            [*state_text(model)],
        ),
        "tcp_terms": ("What the specification abbreviates.", [*b.lets()]),
    }
    procedures = [line for s in model.sections if s.kind == "procedure" for line in b.section(s)]
    out["tcp_procedures"] = ("What several rules do alike.", procedures)
    files: dict[str, list[str]] = {}
    for s in model.sections:
        if s.kind != "procedure":
            stem = s.span.source.name.rsplit("/", 1)[-1].removesuffix(".wire")
            files.setdefault(stem, []).extend(b.section(s))
    for stem, lines in files.items():
        out[f"tcp_{stem}"] = (f"The rules of {stem}.wire.", lines)
    out["tcp"] = ("The tables of a TCP connection: which rules answer which event in which state.", [*b.tables()])
    return out


def modules(model: ir.Model) -> dict[str, str]:
    """File name to unformatted text of every generated module."""
    texts = {}
    earlier: list[str] = []
    for name, (what, lines) in bodies(model).items():
        imports = "".join(f"from {PACKAGE}.{m} import *  # noqa: F403\n" for m in earlier)
        body = "\n".join(lines)
        texts[f"{name}.py"] = header(what) + RUNTIME + imports + "\n\n" + body + "\n"
        earlier.append(name)
    return texts


def namespace(
    model: ir.Model, backend: type[PythonBackend] = PythonBackend, more: dict[str, object] | None = None
) -> dict[str, object]:
    """The generated names, compiled in memory (for mutants); ``more`` is what the backend's text needs besides."""
    space: dict[str, object] = {"__name__": "wireproof.mutant", **(more or {})}
    exec(compile("from __future__ import annotations\n" + RUNTIME, "<runtime>", "exec"), space)
    for name, (_, lines) in bodies(model, backend).items():
        text = "from __future__ import annotations\n" + "\n".join(lines)
        exec(compile(text, f"<{name} of {model.spec_hash}>", "exec"), space)
    return space
