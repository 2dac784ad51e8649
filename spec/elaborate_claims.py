"""From the clauses of invariants, properties and theorems to the checked model."""

from __future__ import annotations

from typing import Any

from wireproof.spec import ir
from wireproof.spec import syntax as s
from wireproof.spec.elaborate_rule import conjuncts, doc_of, docs_of
from wireproof.spec.expressions import Scope, Typer
from wireproof.spec.format import occasion
from wireproof.spec.scope import Globals, suggest
from wireproof.spec.source import Span

ONCE = {s.In: "in", s.On: "on", s.For: "for"}
"""Clauses that stand once."""
EVERY_STEP = ("every", "step")


class ClaimElaborator:
    """All claims of a machine; what is wrong with one is reported, and the others are gone on with."""

    def __init__(self, g: Globals, typer: Typer):
        self.g = g
        self.t = typer
        self.invariants: dict[str, ir.Invariant] = {}
        self.properties: dict[str, ir.Property] = {}
        self.theorems: dict[str, ir.Theorem] = {}

    def problem(self, code: str, span: Span, text: str, hint: str) -> None:
        self.g.problems.add(code, span, text, hint)

    def all(self) -> None:
        first: dict[str, s.Claim] = {}
        for c in self.g.claims:
            other = first.setdefault(c.name, c)
            if other is not c:
                text = f"the {other.kind} '{c.name}' and the {c.kind} '{c.name}' have one name"
                self.g.problems.add("declared-twice", c.span, text, "rename one", other.span, "the other one")
            self.claim(c)

    def claim(self, c: s.Claim) -> None:
        self.once(c)
        match c.kind:
            case "invariant":
                self.invariant(c)
            case "property":
                self.property(c)
            case "theorem":
                self.theorem(c)

    def once(self, c: s.Claim) -> None:
        for kind, word in ONCE.items():
            found = [x for x in c.clauses if isinstance(x, kind)]
            if len(found) > 1:
                text = f"the {c.kind} '{c.name}' has two clauses '{word}'"
                self.problem("misplaced", found[1].span, text, "join them in one list" if word != "for" else "keep one")

    def invariant(self, c: s.Claim) -> None:
        hint = "an invariant speaks of a configuration; of an event and what it does speaks a property"
        scope = Scope(frozenset(), "an invariant", elsewhere=hint)
        holds = self.stated(c, s.Holds, scope)
        self.invariants[c.name] = ir.Invariant(**self.head(c), states=self.states(c), holds=holds)

    def property(self, c: s.Claim) -> None:
        on = self.occasions(c)
        scope = self.scope(on)
        when, then = self.stated(c, s.When, scope), self.stated(c, s.Then, scope)
        if not any(isinstance(x, s.On) for x in c.clauses):
            hint = "add 'on segment', 'on call', 'on timeout', 'on output' or 'on every step'"
            self.problem("no-occasion", c.span, f"the property '{c.name}' does not say of which steps it speaks", hint)
        self.properties[c.name] = ir.Property(**self.head(c), on=on, states=self.states(c), when=when, then=then)

    def theorem(self, c: s.Claim) -> None:
        event = next((x for x in c.clauses if isinstance(x, s.For)), None)
        if event is not None:
            self.known_event(event.event, event.span)
        name = event.event if event is not None else ""
        what = f"a theorem for '{name}'" if name else "a theorem"
        hint = f"a theorem reads the fields of one event, behind 'for'{'' if name else ': add it'}"
        scope = Scope(frozenset({name} if name else ()), what, elsewhere=hint)
        when, holds = self.stated(c, s.When, scope), self.stated(c, s.Holds, scope)
        self.theorems[c.name] = ir.Theorem(**self.head(c), event=name, when=when, holds=holds)

    # ---- parts -----------------------------------------------------------------------------------------------

    def head(self, c: s.Claim) -> dict[str, Any]:
        """What all claims have; a profile that does not exist is reported."""
        docs = [x for x in c.clauses if isinstance(x, s.Doc)]
        profiles = [x for x in c.clauses if isinstance(x, s.Supports)]
        for x in profiles:
            if x.profile not in self.g.profiles:
                text = f"there is no profile '{x.profile}'"
                self.problem("unknown-profile", x.span, text, suggest(x.profile, [*self.g.profiles]))
        return {
            "name": c.name,
            "ids": list(c.ids),
            "meaning": doc_of(docs, "means"),
            "cites": docs_of(docs, "cites"),
            "notes": docs_of(docs, "note"),
            "supports": [x.profile for x in profiles if not x.negated],
            "without": [x.profile for x in profiles if x.negated],
            "span": c.span,
        }

    def stated(self, c: s.Claim, kind: type[s.When] | type[s.Then] | type[s.Holds], scope: Scope) -> list[ir.Conjunct]:
        out: list[ir.Conjunct] = []
        for x in c.clauses:
            if isinstance(x, kind):
                out += conjuncts(self.t, x.label, x.guard if isinstance(x, s.When) else x.condition, scope)
        return out

    def states(self, c: s.Claim) -> list[str]:
        """The states of a claim, all of them when it names none."""
        known = self.g.enums["state"].members if "state" in self.g.enums else []
        clause = next((x for x in c.clauses if isinstance(x, s.In)), None)
        if clause is None or clause.states is None:
            return list(known)
        for name in clause.states:
            if name not in known:
                self.problem("unknown-state", clause.span, f"there is no state {name}", suggest(name, known))
        if len(set(clause.states)) != len(clause.states):
            self.problem("state-twice", clause.span, "a state is named twice", "remove one")
        return list(clause.states)

    def occasions(self, c: s.Claim) -> list[tuple[str, str]]:
        """The steps that a property is about; what does not exist or is named twice is reported."""
        clause = next((x for x in c.clauses if isinstance(x, s.On)), None)
        if clause is None:
            return []
        on = clause.occasions
        for i, (kind, subject) in enumerate(on):
            if kind == "call" and subject and subject not in self.g.calls:
                text = f"there is no call '{subject}'"
                self.problem("unknown-call", clause.span, text, suggest(subject, [*self.g.calls]))
            elif kind == "timeout" and subject and subject not in self.g.timers:
                text = f"there is no timer {subject}"
                self.problem("unknown-timer", clause.span, text, suggest(subject, [*self.g.timers]))
            elif kind not in ("call", "timeout", "every"):
                self.known_event(kind, clause.span)
            wider = next((o for o in on if o == EVERY_STEP or o == (kind, "")), None)
            if (kind, subject) in on[:i] or (wider is not None and wider != (kind, subject)):
                shown = occasion(kind, subject)
                text = (
                    f"'{shown}' is named twice"
                    if wider is None or wider == (kind, subject)
                    else (f"'{shown}' is among '{occasion(*wider)}', which is named, too")
                )
                self.problem("occasion-twice", clause.span, text, "remove one")
        return [("step", "") if o == EVERY_STEP else o for o in on]

    def known_event(self, name: str, span: Span) -> None:
        if name == "step":
            self.problem("unknown-event", span, "'step' is no event", "write 'every step'")
        elif name not in self.g.events:
            hint = suggest(name, [*self.g.events])
            self.problem("unknown-event", span, f"there is no event '{name}'", hint)

    def scope(self, on: list[tuple[str, str]]) -> Scope:
        """The fields that all occasions have: those of the one event or call, if there is one only."""
        shown = [occasion(*(EVERY_STEP if o == ("step", "") else o)) for o in on]
        what = f"a property on '{', '.join(shown)}'" if on else "a property"
        hint = "the fields of an event, or the arguments of a call, can be read where it stands alone behind 'on'"
        match on:
            case [("call", subject)] if subject:
                return Scope(frozenset({"call"}), what, call=subject, elsewhere=hint, step="after")
            case [(kind, "")] if kind not in ("call", "timeout", "step"):
                return Scope(frozenset({kind}), what, elsewhere=hint, step="after")
        return Scope(frozenset(), what, elsewhere=hint, step="after")


def claim_conjuncts(c: ir.Claim) -> list[ir.Conjunct]:
    """All conjuncts of a claim, conditions first."""
    match c:
        case ir.Invariant():
            return list(c.holds)
        case ir.Property():
            return [*c.when, *c.then]
        case ir.Theorem():
            return [*c.when, *c.holds]
