"""From a rule's clauses to the checked rule: guards as conjuncts, actions in order, what must and must not stand."""

from __future__ import annotations

from typing import Protocol

from wireproof.spec import ir
from wireproof.spec import syntax as s
from wireproof.spec.expressions import Scope, Typer, walk
from wireproof.spec.format import expression
from wireproof.spec.scope import CONTROL_BITS, Globals, suggest
from wireproof.spec.source import Span


class Parent(Protocol):
    """The elaborator of the whole machine, as far as one rule needs it."""

    g: Globals
    t: Typer

    def problem(self, code: str, span: Span, text: str, hint: str) -> None: ...

    def choice(self, c: s.Choose, scope: Scope) -> ir.Choice: ...

    def local(self, name: str, span: Span, scope: Scope) -> None: ...


class RuleElaborator:
    """One rule; the order of clauses is kept for lets and actions."""

    def __init__(self, parent: Parent, section: ir.Section, rule: s.Rule, scope: Scope):
        self.e = parent
        self.t = parent.t
        self.section = section
        self.r = rule
        self.scope = scope
        self.out = ir.Rule(
            id=f"{parent.g.machine.name if parent.g.machine else ''}/{section.name}/{rule.name}",
            name=rule.name,
            ids=list(rule.ids),
            level=rule.level or _level(rule.ids),
            meaning=doc_of([c for c in rule.clauses if isinstance(c, s.Doc)], "means"),
            cites=docs_of([c for c in rule.clauses if isinstance(c, s.Doc)], "cites") or section.cites,
            notes=docs_of([c for c in rule.clauses if isinstance(c, s.Doc)], "note"),
            supports=[],
            without=[],
            deviates=[],
            cell="",
            guard=[],
            requires=[],
            choices=[],
            due=None,
            actions=[],
            end="done",
            step=None,
            span=rule.span,
        )
        self.ended: Span | None = None
        self.guarded = False

    def problem(self, code: str, span: Span, text: str, hint: str) -> None:
        self.e.problem(code, span, text, hint)

    def rule(self) -> ir.Rule:
        for c in self.r.clauses:
            if isinstance(c, s.Doc):
                continue
            if self.ended is not None and not isinstance(c, s.Due):
                self.problem("after-end", c.span, "nothing can follow drop, continue or redeliver", "move it up")
            self.clause(c)
        if not self.guarded and self.section.kind != "every" and not self.out.supports:
            self.problem(
                "no-guard",
                self.r.span,
                f"the rule '{self.r.name}' says nothing of when it holds",
                "add 'when ...' or 'otherwise'",
            )
        if self.section.kind == "event" and self.section.subject == "segment" and self.ended is None:
            self.problem(
                "no-end",
                self.r.span,
                f"the rule '{self.r.name}' does not say what becomes of the segment",
                "end it with drop, continue, continue at step N, or redeliver",
            )
        otherwise = [c for c in self.r.clauses if isinstance(c, s.Otherwise)]
        if otherwise and (self.out.guard or len(otherwise) > 1):
            text = "'otherwise' stands alone: it holds whenever no rule before it does"
            self.problem("misplaced", otherwise[-1].span, text, "keep either 'otherwise' or the conditions")
        returns = [a for a in self.out.actions if isinstance(a, ir.Return)]
        if self.section.kind == "call" and len(returns) != 1:
            many = bool(returns)
            text = f"the rule '{self.r.name}' {'returns twice' if many else 'does not say what the call returns'}"
            hint = "keep one; outcomes that are as good are joined by 'or'" if many else "add 'return ok', for example"
            self.problem("no-return", returns[1].span if many else self.r.span, text, hint)
        if self.section.kind == "may":
            for a in self.out.actions:
                if not isinstance(a, ir.Send):
                    text = "a permission to send changes nothing by itself"
                    self.problem("misplaced", a.span, text, "write it under 'after send'")
            sends = [a for a in self.out.actions if isinstance(a, ir.Send)]
            if len(sends) != 1:
                many = bool(sends)
                text = f"the rule '{self.r.name}' {'has two segments' if many else 'does not say what may be sent'}"
                hint = "write a rule for each" if many else "add 'send <SEQ=...>...'"
                self.problem("one-send", sends[1].span if many else self.r.span, text, hint)
        if self.section.kind == "every" and not self.out.requires:
            self.problem("no-require", self.r.span, "a rule for every send requires something", "add 'require ...'")
        return self.out

    def clause(self, c: s.Clause) -> None:
        o, t = self.out, self.t
        match c:
            case s.Supports():
                if c.profile not in self.e.g.profiles:
                    self.problem(
                        "unknown-profile",
                        c.span,
                        f"there is no profile '{c.profile}'",
                        suggest(c.profile, [*self.e.g.profiles]),
                    )
                (o.without if c.negated else o.supports).append(c.profile)
            case s.Deviates():
                o.deviates += c.ids
            case s.Cell():
                o.cell = c.name
            case s.Otherwise():
                self.guarded = True
            case s.When():
                self.guarded = True
                o.guard += self.conjuncts(c.label, c.guard)
            case s.Require():
                if self.section.kind != "every":
                    self.problem("misplaced", c.span, "'require' goes with 'every send'", "write 'when'")
                o.requires += self.conjuncts(c.label, c.condition)
            case s.Due():
                if self.section.kind != "may":
                    self.problem("misplaced", c.span, "'due' goes with 'may send'", "use a timer")
                within = t.expect(c.within, ir.DURATION, self.scope)
                o.due = (within, t.flag(c.condition, self.scope) if c.condition else None)
                for e in (x for x in o.due if x is not None):
                    self.no_lets(e, e.span)
            case s.Choose():
                self.choose(c)
            case s.Let():
                self.e.local(c.name, c.span, self.scope)
                value = t.expr(c.value, self.scope)
                if value.sort == ir.NUMBER:
                    value = t.fit(value, ir.LENGTH, c.span)
                self.scope.locals[c.name] = ir.Local(c.name, value.sort, span=c.span)
                o.actions.append(ir.Bind(c.name, value, span=c.span))
            case s.Drop():
                self.finish("drop", c.span)
            case s.Continue():
                self.finish("continue", c.span)
                o.step = c.step
            case s.Redeliver():
                self.finish("redeliver", c.span)
            case s.Doc():
                pass
            case _:
                self.action(c)

    def finish(self, end: ir.End, span: Span) -> None:
        if self.section.kind != "event" or self.section.subject != "segment":
            self.problem("misplaced", span, f"'{end}' goes with 'on segment'", "remove it")
        self.out.end = end
        self.ended = span

    def conjuncts(self, label: str | None, guard: s.Expr) -> list[ir.Conjunct]:
        found = conjuncts(self.t, label, guard, self.scope)
        for c in found:
            self.no_lets(c.test, c.span)
        return found

    def no_lets(self, e: ir.Expr, at: Span) -> None:
        """A rule's own let is an action: it has no value while it is asked whether the rule holds."""
        for x in walk(e):
            if isinstance(x, ir.Local):
                text = f"a condition reads '{x.name}', which has a value only once the rule is taken"
                hint = "write the let at the head of the section, or its expression in the condition"
                self.problem("let-in-condition", at, text, hint)

    def choose(self, c: s.Choose) -> None:
        choice = self.e.choice(c, self.scope)
        self.out.choices.append(choice)
        self.out.notes += choice.notes
        if c.domain == "sequence_number":
            v = self.e.g.variables.get(c.name)
            if v is None or v.sort != "seq32":
                self.problem("unknown-name", c.span, f"'{c.name}' is no seq32 variable", "declare it with 'var'")
            self.out.actions.append(ir.ChooseNumber(c.name, span=c.span))

    def action(self, c: s.Action) -> None:
        o, t, g = self.out, self.t, self.e.g
        if self.section.kind == "every":
            self.problem("misplaced", c.span, "a rule for every send only requires", "move it to 'after send'")
        match c:
            case s.Set():
                v = g.variables.get(c.target)
                if v is None:
                    g.no_variable(c.target, c.span)
                    t.expr(c.value, self.scope)
                    return
                sort = g.sort(v.sort, v.base, v.span)
                o.actions.append(ir.Assign(c.target, t.expect(c.value, sort, self.scope), span=c.span))
            case s.Enter():
                states = g.enums["state"].members if "state" in g.enums else []
                if c.state not in states:
                    self.problem("unknown-state", c.span, f"there is no state {c.state}", suggest(c.state, states))
                member = ir.Member(c.state, ir.Sort("state"), span=c.span)
                o.actions.append(ir.Assign("STATE", member, span=c.span))
            case s.Send():
                o.actions.append(self.send(c))
            case s.Start():
                self.timer(c.timer, c.span)
                low = t.expect(c.low, ir.DURATION, self.scope)
                high = t.expect(c.high, ir.DURATION, self.scope) if c.high else (None if c.form == "from" else low)
                if isinstance(low, ir.Lit) and isinstance(high, ir.Lit) and low.value > high.value:
                    text = f"the timer {c.timer} would end after the latest time that it may"
                    self.problem("sort", c.span, text, "write the shorter duration first")
                o.actions.append(ir.Start(c.timer, low, high, span=c.span))
            case s.Stop():
                self.timer(c.timer, c.span)
                o.actions.append(ir.Stop(c.timer, span=c.span))
            case s.Return():
                if self.section.kind != "call":
                    self.problem("misplaced", c.span, "'return' goes with 'on call'", "use 'report'")
                o.actions.append(ir.Return([self.outcome(x) for x in c.outcomes], span=c.span))
            case s.Report():
                errors = g.enums["errno"].members if "errno" in g.enums else []
                if c.error not in errors:
                    hint = suggest(c.error, errors) if errors else "declare: enum errno = NONE | ..."
                    self.problem("unknown-name", c.span, f"'{c.error}' is no errno", hint)
                elif "ERROR" not in g.variables:
                    text = "'report' sets the variable ERROR, which is not declared"
                    self.problem("unknown-name", c.span, text, "declare: var ERROR : errno = ...")
                value = ir.Member(c.error, ir.Sort("errno"), span=c.span)
                o.actions.append(ir.Assign("ERROR", value, span=c.span))
            case s.Signal():
                o.actions.append(ir.Signal(c.what, span=c.span))
            case s.Do():
                o.actions.append(ir.Do(c.procedure, span=c.span))
            case _:
                raise AssertionError(c)

    def timer(self, name: str, span: Span) -> None:
        if name not in self.e.g.timers:
            self.problem("unknown-timer", span, f"there is no timer {name}", suggest(name, [*self.e.g.timers]))

    def outcome(self, x: s.Outcome) -> ir.Outcome:
        t = self.t
        match x.kind:
            case "ok":
                return ir.Outcome("ok", None, None, None, span=x.span)
            case "error":
                assert x.low is not None
                return ir.Outcome("error", t.expect(x.low, ir.Sort("errno"), self.scope), None, None, span=x.span)
            case "state":
                assert x.low is not None
                return ir.Outcome("state", t.expect(x.low, ir.Sort("state"), self.scope), None, None, span=x.span)
        assert x.low is not None
        low = t.expect(x.low, ir.LENGTH, self.scope)
        high = t.expect(x.high, ir.LENGTH, self.scope) if x.high else low
        of = t.expect(x.of, ir.OCTETS, self.scope) if x.of else None
        return ir.Outcome(x.kind, low, high, of, span=x.span)

    def send(self, c: s.Send) -> ir.Send:
        t = self.t
        seq = ack = ack_low = seq_high = None
        ctl: list[str] = []
        may: list[str] = []
        ranges = {x.name: x for x in self.out.choices if x.domain == "range"}
        fields = [p.field if not isinstance(p, s.Control) else "CTL" for p in c.patterns]
        for name in dict.fromkeys(n for i, n in enumerate(fields) if n in fields[:i]):
            self.problem("field-twice", c.span, f"the segment has {name} twice", "remove one of them")
        for p in c.patterns:
            if isinstance(p, s.Control):
                for bit, optional in p.bits:
                    if bit not in CONTROL_BITS:
                        self.problem(
                            "unknown-bit", p.span, f"there is no control bit {bit}", suggest(bit, [*CONTROL_BITS])
                        )
                    (may if optional else ctl).append(bit)
            elif p.field == "SEQ":
                iss = ir.Sort("seq32", "ISS" if "ISS" in self.e.g.variables else None)
                low = t.expr(p.low, self.scope)
                if isinstance(low, ir.Ranged):
                    r = ranges[low.name]
                    assert r.low is not None
                    seq, seq_high = r.low, r.high
                else:
                    seq = t.fit(low, iss, p.span)
                    seq_high = t.expect(p.high, iss, self.scope) if p.high else None
            elif p.field == "ACK":
                irs = ir.Sort("seq32", "IRS" if "IRS" in self.e.g.variables else None)
                ack = t.expect(p.high or p.low, irs, self.scope)
                ack_low = t.expect(p.low, irs, self.scope) if p.high else None
            else:
                self.problem("unknown-field", p.span, f"a segment has no field {p.field} to fix", "fix SEQ, ACK or CTL")
        if seq is None:
            self.problem("no-seq", c.span, "a segment that is sent has a SEQ", "add <SEQ=...>")
            seq = ir.Lit(0, ir.SEQ32)
        if ("ACK" in ctl) != (ack is not None):
            lacks = "no <ACK=...>" if ack is None else "no ACK in <CTL=...>"
            has = "ACK in <CTL=...>" if ack is None else "<ACK=...>"
            self.problem("ack-bit", c.span, f"the segment has {has} and {lacks}", "give both or neither")
        text = low_e = high_e = None
        rest = False
        if c.text is not None:
            text = t.expect(c.text.of, ir.OCTETS, self.scope)
            rest = c.text.form in ("rest", "all")
            if c.text.count is not None:
                count = t.expr(c.text.count, self.scope)
                if isinstance(count, ir.Ranged):
                    low_e, high_e = ranges[count.name].low, ranges[count.name].high
                else:
                    low_e = high_e = t.fit(count, ir.LENGTH, c.text.span)
        return ir.Send(seq, seq_high, ack, ack_low, ctl, may, text, low_e, high_e, rest, span=c.span)


def conjuncts(t: Typer, label: str | None, guard: s.Expr, scope: Scope) -> list[ir.Conjunct]:
    """A condition with a name is one conjunct; without one, each part between its outermost 'and's is one."""
    parts = [guard] if label or not (isinstance(guard, s.Logic) and guard.op == "and") else guard.of
    return [
        ir.Conjunct(label or expression(p), t.flag(p, scope), span=p.span if p.span.line > 1 else guard.span)
        for p in parts
    ]


def rule_expressions(r: ir.Rule) -> list[ir.Expr]:
    """Every expression of a rule, outermost ones only."""
    out: list[ir.Expr | None] = [c.test for c in (*r.guard, *r.requires)]
    for ch in r.choices:
        out += [ch.low, ch.high]
    if r.due:
        out += [r.due[0], r.due[1]]
    for a in r.actions:
        match a:
            case ir.Bind() | ir.Assign():
                out.append(a.value)
            case ir.Send():
                out += [a.seq, a.seq_high, a.ack, a.ack_low, a.text, a.low, a.high]
            case ir.Start():
                out += [a.low, a.high]
            case ir.Return():
                for o in a.outcomes:
                    out += [o.low, o.high, o.of]
    return [e for e in out if e is not None]


def doc_of(docs: list[s.Doc], kind: str) -> str:
    return " ".join(d.text for d in docs if d.kind == kind)


def docs_of(docs: list[s.Doc], kind: str) -> list[str]:
    return [d.text for d in docs if d.kind == kind]


def _level(ids: list[str]) -> s.Level:
    for prefix, level in (("MUST-", "must"), ("U-", "must"), ("SHLD-", "should"), ("REC-", "should"), ("MAY-", "may")):
        if any(i.startswith(prefix) for i in ids):
            return level  # type: ignore[return-value]
    return "procedure"
