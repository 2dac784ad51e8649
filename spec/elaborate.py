"""From the syntax tree to the checked model: sections, rules, actions."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from wireproof.spec import ir
from wireproof.spec import syntax as s
from wireproof.spec.diagnostics import SpecError
from wireproof.spec.elaborate_claims import ClaimElaborator
from wireproof.spec.elaborate_rule import RuleElaborator, doc_of, docs_of, rule_expressions
from wireproof.spec.expressions import Scope, Typer, events_of
from wireproof.spec.scope import Globals, Problems, collect, suggest
from wireproof.spec.source import Source, Span

WHAT = {
    "event": "a rule for '{}'",
    "timeout": "a timeout",
    "call": "a rule for a call",
    "may": "a permission to send",
    "every": "a rule for every send",
    "after": "what follows a send",
    "procedure": "a procedure",
}


def elaborate(files: list[s.File], sources: Iterable[Source] = ()) -> ir.Model:
    """Resolve names and check sorts. Raises :class:`SpecError` with all diagnostics found."""
    problems = Problems()
    g = collect(files, problems)
    typer = Typer(g)
    model = _Elaborator(g, typer).model(sources)
    if problems.found:
        raise SpecError(sorted(problems.found, key=lambda d: (d.span.source.name, d.span.line, d.span.column)))
    return model


class _Elaborator:
    def __init__(self, g: Globals, typer: Typer):
        self.g = g
        self.t = typer

    def problem(self, code: str, span: Span, text: str, hint: str) -> None:
        self.g.problems.add(code, span, text, hint)

    def model(self, sources: Iterable[Source]) -> ir.Model:
        g, t = self.g, self.t
        nowhere = Scope(frozenset(), "a declaration")
        digest = hashlib.sha256()
        for source in sources:
            digest.update(source.name.encode() + b"\0" + source.text.encode() + b"\0")
        enums = {e.name: e.members for e in g.enums.values()}
        for needed in ("state",):
            if needed not in enums:
                if g.machine is not None:
                    hint = "declare: enum state = CLOSED | ..."
                    self.problem("no-states", g.machine.span, "the machine has no states", hint)
                enums[needed] = []
        params = {}
        for p in g.params.values():
            sort = g.sort(p.sort, None, p.span)
            params[p.name] = ir.Parameter(
                p.name, sort, t.expect(p.value, sort, nowhere), doc_of(p.docs, "means"), span=p.span
            )
        variables = {}
        for v in g.variables.values():
            sort = g.sort(v.sort, v.base, v.span)
            self.base(v.base, v.span)
            initial = t.expect(v.value, sort, nowhere)
            variables[v.name] = ir.Variable(
                v.name, sort, initial, doc_of(v.docs, "means"), docs_of(v.docs, "cites"), span=v.span
            )
        for x in [f for e in g.events.values() for f in e.fields] + [f for c in g.calls.values() for f in c.args]:
            self.base(x.base, x.span)
        if "STATE" not in variables and g.machine is not None:
            self.problem(
                "no-states", g.machine.span, "the machine has no variable STATE", "declare: var STATE : state = ..."
            )
        for name, wanted in (("STATE", "state"), ("ERROR", "errno")):
            if name in variables and wanted in enums and variables[name].sort not in (ir.Sort(wanted), ir.UNKNOWN):
                text = f"{name} is of the sort {variables[name].sort}, and {wanted} is wanted for it"
                self.problem("sort", variables[name].span, text, f"declare: var {name} : {wanted} = ...")
        sections = [self.section(x) for x in g.sections]
        self.check_procedures(sections)
        self.check_names(sections)
        claims = ClaimElaborator(g, t)
        claims.all()
        for name in g.lets:
            t.abbreviation(name, g.lets[name].span)
        for name in g.functions:
            t.function(name)
        return ir.Model(
            machine=g.machine.name if g.machine else "",
            meaning=doc_of(g.machine.docs, "means") if g.machine else "",
            enums=enums,
            headers={h.name: [(f.name, f.bits) for f in h.fields] for h in g.headers.values()},
            events={e.name: self.event(e.name, e.fields) for e in g.events.values()},
            calls={c.name: self.event("call", c.args) for c in g.calls.values()},
            params=params,
            profiles=self.profiles(),
            variables=variables,
            timers={x.name: doc_of(x.docs, "means") for x in g.timers.values()},
            functions=t.functions,
            abbreviations=t.abbreviations,
            sections=sections,
            spec_hash=digest.hexdigest()[:12],
            invariants=claims.invariants,
            properties=claims.properties,
            theorems=claims.theorems,
        )

    def base(self, name: str | None, span: Span) -> None:
        """What sequence numbers count from is a variable that is one."""
        v = self.g.variables.get(name) if name is not None else None
        if name is not None and v is None:
            self.g.no_variable(name, span)
        elif v is not None and v.sort != "seq32":
            text = f"'{name}' is of the sort {v.sort}, and sequence numbers count from a seq32"
            self.problem("sort", span, text, "name a seq32 variable, such as the initial sequence number")

    def event(self, name: str, fields: list[s.Field]) -> ir.Event:
        return ir.Event(name, {f.name: self.g.sort(f.sort, f.base, f.span) for f in fields})

    def profiles(self) -> dict[str, ir.Profile]:
        out = {}
        for p in self.g.profiles.values():
            brings: list[str] = []
            todo = [p.name]
            while todo:
                n = todo.pop(0)
                if p.name in brings and n == p.name:
                    text = f"the profile '{n}' includes itself"
                    self.problem("circular", p.span, text, "break the circle of includes")
                if n in brings:
                    continue
                if n not in self.g.profiles:
                    self.problem(
                        "unknown-profile", p.span, f"there is no profile '{n}'", suggest(n, [*self.g.profiles])
                    )
                    continue
                brings.append(n)
                todo += self.g.profiles[n].includes
            settings = []
            for name, value in p.settings:
                if name not in self.g.params:
                    self.problem("unknown-name", p.span, f"'{name}' is no parameter", suggest(name, [*self.g.params]))
                    continue
                sort = self.g.sort(self.g.params[name].sort, None, p.span)
                settings.append((name, self.t.expect(value, sort, Scope(frozenset(), "a profile"))))
            out[p.name] = ir.Profile(
                p.name, brings, settings, doc_of(p.docs, "means"), docs_of(p.docs, "note"), span=p.span
            )
        return out

    # ---- sections ------------------------------------------------------------------------------------------

    def section(self, x: s.Section) -> ir.Section:
        g = self.g
        events: frozenset[str]
        if x.kind == "event":
            if x.subject not in g.events:
                self.problem(
                    "unknown-event", x.span, f"there is no event '{x.subject}'", suggest(x.subject, [*g.events])
                )
            events = frozenset({x.subject})
        elif x.kind == "call":
            if x.subject not in g.calls:
                self.problem("unknown-call", x.span, f"there is no call '{x.subject}'", suggest(x.subject, [*g.calls]))
            events = frozenset({"call"})
        elif x.kind == "timeout":
            if x.subject not in g.timers:
                self.problem("unknown-timer", x.span, f"there is no timer {x.subject}", suggest(x.subject, [*g.timers]))
            events = frozenset()
        elif x.kind in ("may", "every", "after"):
            events = frozenset({"output"})
        else:
            events = frozenset(e for e, _ in g.fields.values())
        states = g.enums["state"].members if "state" in g.enums else []
        if x.states is not None:
            for name in x.states:
                if name not in states:
                    self.problem("unknown-state", x.span, f"there is no state {name}", suggest(name, states))
            if len(set(x.states)) != len(x.states):
                self.problem("state-twice", x.span, "a state is named twice", "remove one")
        scope = Scope(events, WHAT[x.kind].format(x.subject))
        if x.kind == "call" and x.subject in g.calls:
            scope.call = x.subject
        choices = [self.choice(c, scope) for c in x.choices]
        out = ir.Section(
            kind=x.kind,
            subject=x.subject,
            states=list(x.states) if x.states is not None else list(states),
            step=x.step or 0,
            name=x.name,
            meaning=doc_of(x.docs, "means"),
            cites=docs_of(x.docs, "cites"),
            notes=docs_of(x.docs, "note") + [n for c in choices for n in c.notes],
            choices=choices,
            rules=[],
            span=x.span,
        )
        for rule in x.rules:
            for other in (r for r in out.rules if r.name == rule.name):
                text = f"the section has two rules '{rule.name}'"
                self.g.problems.add("declared-twice", rule.span, text, "rename one", other.span, "the other one")
                break
            inner = Scope(scope.events, scope.what, dict(scope.locals), call=scope.call)
            out.rules.append(RuleElaborator(self, out, rule, inner).rule())
        return out

    def choice(self, c: s.Choose, scope: Scope) -> ir.Choice:
        if c.domain != "sequence_number":
            self.local(c.name, c.span, scope)
        if c.domain == "sequence_number":
            return ir.Choice(c.name, c.domain, None, None, docs_of(c.docs, "note"), span=c.span)
        if c.domain == "flag":
            scope.locals[c.name] = ir.Chosen(c.name, ir.FLAG, span=c.span)
            return ir.Choice(c.name, c.domain, None, None, docs_of(c.docs, "note"), span=c.span)
        assert c.low is not None and c.high is not None
        low, high = self.t.unify(self.t.expr(c.low, scope), self.t.expr(c.high, scope), c.span)
        sort = ir.LENGTH if low.sort == ir.NUMBER else low.sort
        low, high = self.t.fit(low, sort, c.span), self.t.fit(high, sort, c.span)
        scope.locals[c.name] = ir.Ranged(c.name, sort, span=c.span)
        return ir.Choice(c.name, c.domain, low, high, docs_of(c.docs, "note"), span=c.span)

    def local(self, name: str, span: Span, scope: Scope) -> None:
        """Report a name given in a rule or section that is taken."""
        if name in scope.locals:
            text = f"'{name}' is given twice in this rule"
            self.problem("declared-twice", span, text, "use another name: what is named once does not change")
        elif name in self.g.where:
            text, first = f"'{name}' is declared for the whole machine, too", self.g.where[name]
            self.g.problems.add("declared-twice", span, text, "use another name", first, "declared here")

    # ---- checks over all sections -------------------------------------------------------------------------------

    def check_names(self, sections: list[ir.Section]) -> None:
        seen: dict[str, ir.Section] = {}
        for x in sections:
            if x.name in seen and x.kind == seen[x.name].kind == "procedure":
                self.g.problems.add(
                    "declared-twice",
                    x.span,
                    f"the procedure '{x.name}' is declared twice",
                    "rename or remove one of them",
                    seen[x.name].span,
                    "first declared here",
                )
            elif x.name in seen:
                self.g.problems.add(
                    "declared-twice",
                    x.span,
                    f"two sections are named '{x.name}'",
                    "rename one of them",
                    seen[x.name].span,
                    "first named here",
                )
            seen[x.name] = x
        handled: dict[tuple[str, str, str, int], ir.Section] = {}
        for x in sections:
            if x.kind not in ("event", "call", "timeout"):
                continue
            for state in dict.fromkeys(x.states):
                key = (x.kind, x.subject, state, x.step)
                if key in handled:
                    what = {"event": "the event ", "call": "the call ", "timeout": "the timeout "}[x.kind]
                    self.g.problems.add(
                        "handled-twice",
                        x.span,
                        f"{what}'{x.subject}' in {state} is handled by two sections",
                        "join them, or give them different states or steps",
                        handled[key].span,
                        "the other one",
                    )
                    break
                handled[key] = x
        steps = {(key[1], key[3]) for key in handled if key[0] == "event"}
        for x in sections:
            for r in x.rules:
                if x.kind != "event" or r.step is None:
                    continue
                if r.step <= x.step:
                    text = f"the rule '{r.name}' goes on at step {r.step}, and this is step {x.step}"
                    self.problem("no-step", r.span, text, "steps are taken in order: name a later one")
                elif (x.subject, r.step) not in steps:
                    text = f"the rule '{r.name}' goes on at step {r.step}, which no section is"
                    self.problem("no-step", r.span, text, "write the section, or name another step")

    def check_procedures(self, sections: list[ir.Section]) -> None:
        """Every procedure exists, none calls itself, and each reads only events that all its callers have."""
        by_name = {x.name: x for x in sections if x.kind == "procedure"}
        direct: dict[str, frozenset[str]] = {}
        calls: dict[str, list[ir.Do]] = {}
        for x in sections:
            used: set[str] = set()
            calls[x.name] = []
            for r in x.rules:
                for e in rule_expressions(r):
                    used |= events_of(e, self.t.abbreviations)
                calls[x.name] += [a for a in r.actions if isinstance(a, ir.Do)]
            direct[x.name] = frozenset(used)
        for x in sections:
            for do in calls[x.name]:
                if do.procedure not in by_name:
                    self.problem(
                        "unknown-procedure",
                        do.span,
                        f"there is no procedure '{do.procedure}'",
                        suggest(do.procedure, [*by_name]),
                    )
        needs: dict[str, frozenset[str]] = {}

        def need(name: str, path: tuple[str, ...]) -> frozenset[str]:
            if name in path:
                circle = " -> ".join((*path[path.index(name) :], name))
                self.problem(
                    "circular", by_name[name].span, f"the procedure calls itself: {circle}", "break the circle"
                )
                return frozenset()
            if name not in needs:
                inner = [need(d.procedure, (*path, name)) for d in calls[name] if d.procedure in by_name]
                needs[name] = direct[name].union(*inner)
            return needs[name]

        for x in sections:
            if x.kind == "procedure":
                need(x.name, ())
        for x in sections:
            if x.kind == "procedure":
                continue
            given: set[str] = set()
            if x.kind == "event":
                given = {x.subject}
            elif x.kind == "call":
                given = {"call"}
            elif x.kind in ("may", "every", "after"):
                given = {"output"}
            for do in calls[x.name]:
                if do.procedure in by_name and not needs.get(do.procedure, frozenset()) <= given:
                    missing = ", ".join(sorted(needs[do.procedure] - given))
                    self.problem(
                        "wrong-event",
                        do.span,
                        f"the procedure '{do.procedure}' reads the event '{missing}', which "
                        f"{WHAT[x.kind].format(x.subject)} does not have",
                        "call it where the event is at hand, or pass what it needs in a variable",
                    )
