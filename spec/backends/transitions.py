"""The state machine that the rules amount to: every change of STATE that some rule can make, and on what.

A reading of the checked model that knows the state and the control bits, and nothing else: a rule is followed when
its guard does not contradict them, through the steps of a segment and into procedures. So an edge here says that the
text has such a rule; that values exist for which it holds is what the checker proves.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from wireproof.spec import ir

Facts = tuple[tuple[str, bool], ...]
"""What is known of the segment's control bits."""
CONTROL = ("SYN", "FIN", "RST")
"""The bits that make a segment more than text or an acknowledgment."""


@dataclass(frozen=True, slots=True)
class Edge:
    """One transition. ``event`` is what happens (``rcv SYN,ACK``, ``CLOSE``, ``TIME-WAIT-END ends``), ``sends`` the
    segments that go because of it (``SYN,ACK``), ``rules`` the ids of all rules that decide so."""

    source: str
    target: str
    event: str
    sends: tuple[str, ...]
    rules: tuple[str, ...]

    @property
    def label(self) -> str:
        """As in the RFC's figure: the event, a stroke, what is sent."""
        return f"{self.event} / {', '.join(f'snd {s}' for s in self.sends)}" if self.sends else self.event


def edges(model: ir.Model, profile: str | None = None) -> list[Edge]:
    """The transitions in the order of the states; with ``profile`` only those of an implementation that claims it.
    Raises KeyError for a profile that the model does not have."""
    found = _Machine(model, profile).edges()
    merged: dict[tuple[str, str, str, tuple[str, ...]], list[str]] = {}
    for e in found:
        rules = merged.setdefault((e.source, e.target, e.event, e.sends), [])
        rules += [r for r in e.rules if r not in rules]
    order = {s: n for n, s in enumerate(model.enums["state"])}
    keys = sorted(merged, key=lambda k: (order[k[0]], order[k[1]]))
    return [Edge(*k, tuple(merged[k])) for k in keys]


@dataclass(frozen=True, slots=True)
class _Way:
    """One way through the actions of a rule: where it leads, what it shows."""

    state: str
    entered: bool = False
    sends: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    """Control bits and conditions that decided."""
    facts: Facts = ()

    def sending(self, *more: str) -> _Way:
        return replace(self, sends=self.sends + tuple(s for s in more if s and s not in self.sends))


@dataclass(slots=True)
class _Machine:
    model: ir.Model
    profile: str | None
    procedures: dict[str, ir.Section] = field(init=False)
    matters: dict[str, bool] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.procedures = {s.name: s for s in self.model.sections if s.kind == "procedure"}
        if self.profile is not None and self.profile not in self.model.profiles:
            raise KeyError(self.profile)

    def edges(self) -> Iterator[Edge]:
        for state in self.model.enums["state"]:
            for section in self.model.sections:
                if state not in section.states or section.kind not in ("event", "timeout", "call"):
                    continue
                if section.kind != "event":
                    for way, _ in self.ways(section, state, ()):
                        yield from self.edge(section, state, way)
            for event in self.model.events:
                yield from self.arrival(event, state)

    def arrival(self, event: str, state: str) -> Iterator[Edge]:
        """An event that goes through steps, from the first one of the state on."""
        todo: list[tuple[str, int, Facts]] = [(state, -1, ())]
        seen = set(todo)
        while todo:
            now, after, facts = todo.pop(0)
            section = self.next_step(event, now, after)
            if section is None:
                continue
            for way, rule in self.ways(section, now, facts):
                yield from self.edge(section, now, way)
                if rule.end == "continue":
                    step = section.step if rule.step is None else rule.step - 1
                    then = (way.state, step, way.facts)
                    if then not in seen:
                        seen.add(then)
                        todo.append(then)

    def next_step(self, event: str, state: str, after: int) -> ir.Section | None:
        found = [
            s
            for s in self.model.sections
            if s.kind == "event" and s.subject == event and state in s.states and s.step > after
        ]
        return min(found, key=lambda s: s.step, default=None)

    def edge(self, section: ir.Section, source: str, way: _Way) -> Iterator[Edge]:
        if not way.entered or way.state == source:
            return
        sends = way.sending(*self.gained(source, way.state)).sends
        yield Edge(source, way.state, event_text(section, way.words), sends, way.rules)

    def gained(self, source: str, target: str) -> Iterator[str]:
        """What the new state has to send, and the old one had not: a FIN that is due."""
        for s in self.model.sections:
            if s.kind == "may" and target in s.states and source not in s.states:
                for r in s.rules:
                    if r.due is not None and self.supported(r) is not False:
                        yield from (control(a) for a in r.actions if isinstance(a, ir.Send) and set(a.ctl) & {*CONTROL})

    # ---- rules ------------------------------------------------------------------------------------------------------

    def supported(self, rule: ir.Rule) -> bool | None:
        """Does the rule belong to the profile? None: no profile was named, and it belongs to some."""
        if not rule.supports and not rule.without:
            return True
        if self.profile is None:
            return None
        claimed = self.model.profiles[self.profile].includes
        return set(rule.supports) <= set(claimed) and not set(rule.without) & set(claimed)

    def ways(self, section: ir.Section, state: str, facts: Facts) -> Iterator[tuple[_Way, ir.Rule]]:
        """All ways through a section: of its rules the first that holds, as far as state and bits tell."""
        passed: tuple[str, ...] = ()
        for rule in section.rules:
            supported = self.supported(rule)
            if supported is False:
                continue
            held = all_of([self.truth(c.test, state, facts) for c in rule.guard])
            if held is not False:
                known = literals(rule)
                words = (*passed, *self.words(rule))
                way = _Way(state, rules=(rule.id,), words=words, facts=with_facts(facts, known))
                owed = (self.timer_sends(t) for c in rule.guard for t in running(c.test))
                for end in self.run(rule.actions, way.sending(*owed)):
                    yield end, rule
            if held is True and supported is True:
                return
            if supported is True and len(rule.guard) == 1 and (one := literal(rule.guard[0].test)):
                facts = with_facts(facts, [(one[0], not one[1])])
                passed += (one[0],) if not one[1] else ()

    def run(self, actions: list[ir.Action], way: _Way) -> list[_Way]:
        ways = [way]
        for a in actions:
            match a:
                case ir.Assign(target="STATE", value=ir.Member(member=state)):
                    ways = [replace(w, state=state, entered=True) for w in ways]
                case ir.Send():
                    ways = [w.sending(control(a)) for w in ways]
                case ir.Start(low=ir.Lit(value=0)):
                    ways = [w.sending(self.timer_sends(a.timer)) for w in ways] if a.high is not None else ways
                case ir.Do() if self.matter(a.procedure):
                    ways = [w2 for w in ways for w2 in self.procedure(a.procedure, w)]
        return ways

    def procedure(self, name: str, way: _Way) -> Iterator[_Way]:
        for inner, _ in self.ways(self.procedures[name], way.state, way.facts):
            moved = inner.entered
            yield replace(
                inner.sending(),
                entered=way.entered or moved,
                sends=way.sending(*inner.sends).sends,
                rules=way.rules + (inner.rules if moved else ()),
                words=way.words + (inner.words if moved else ()),
            )

    def matter(self, procedure: str) -> bool:
        """Can the procedure change the state, or make a segment go?"""
        if procedure not in self.matters:
            actions = [a for r in self.procedures[procedure].rules for a in r.actions]
            self.matters[procedure] = any(
                (isinstance(a, ir.Assign) and a.target == "STATE")
                or isinstance(a, ir.Send)
                or (isinstance(a, ir.Start) and isinstance(a.low, ir.Lit) and a.low.value == 0)
                or (isinstance(a, ir.Do) and self.matter(a.procedure))
                for a in actions
            )
        return self.matters[procedure]

    def timer_sends(self, timer: str) -> str:
        """What goes when a timer ends, if that is always the same."""
        sections = [s for s in self.model.sections if s.kind == "timeout" and s.subject == timer]
        sent = {control(a) for s in sections for r in s.rules for a in r.actions if isinstance(a, ir.Send)}
        return sent.pop() if len(sent) == 1 else ""

    # ---- guards -----------------------------------------------------------------------------------------------------

    def truth(self, e: ir.Expr, state: str, facts: Facts) -> bool | None:
        """The truth of a condition as far as the state and the control bits tell it; None: they do not."""
        match e:
            case ir.Lit(sort=ir.FLAG):
                return bool(e.value)
            case ir.Field():
                return dict(facts).get(e.name)
            case ir.Abbrev():
                return self.truth(self.model.abbreviations[e.name].value, state, facts)
            case ir.Op(op="not"):
                inner = self.truth(e.args[0], state, facts)
                return None if inner is None else not inner
            case ir.Op(op="and"):
                return all_of([self.truth(a, state, facts) for a in e.args])
            case ir.Op(op="or"):
                inner = all_of([negated(self.truth(a, state, facts)) for a in e.args])
                return negated(inner)
            case ir.Op(op="=" | "/=" | "in", args=[ir.Var(name="STATE"), *others]):
                if all(isinstance(o, ir.Member) for o in others):
                    among = state in {o.member for o in others if isinstance(o, ir.Member)}
                    return among != (e.op == "/=")
        return None

    def words(self, rule: ir.Rule) -> tuple[str, ...]:
        """The control bits that a guard asks for, and its named conditions."""
        out: list[str] = []
        for c in rule.guard:
            out += [w for w in asked(c.test) if w not in out]
        return tuple(out)


def negated(value: bool | None) -> bool | None:
    return None if value is None else not value


def all_of(values: list[bool | None]) -> bool | None:
    """Conjunction of what is known, unknown or false."""
    if False in values:
        return False
    return None if None in values else True


def literal(e: ir.Expr) -> tuple[str, bool] | None:
    """A field that is a flag, or its negation."""
    if isinstance(e, ir.Op) and e.op == "not":
        inner = literal(e.args[0])
        return (inner[0], not inner[1]) if inner is not None else None
    return (e.name, True) if isinstance(e, ir.Field) and e.sort == ir.FLAG else None


def conjuncts(e: ir.Expr) -> Iterator[ir.Expr]:
    if isinstance(e, ir.Op) and e.op == "and":
        for a in e.args:
            yield from conjuncts(a)
    else:
        yield e


def literals(rule: ir.Rule) -> list[tuple[str, bool]]:
    """What holds of the bits when the guard does."""
    parts = [p for c in rule.guard for p in conjuncts(c.test)]
    return [one for p in parts if (one := literal(p)) is not None]


def with_facts(facts: Facts, more: list[tuple[str, bool]]) -> Facts:
    return tuple(sorted({**dict(facts), **dict(more)}.items()))


def asked(e: ir.Expr) -> Iterator[str]:
    """The flags and flag-like abbreviations that a condition asks to be true."""
    match e:
        case ir.Field(sort=ir.FLAG) | ir.Abbrev(sort=ir.FLAG):
            yield e.name
        case ir.Op(op="and"):
            for a in e.args:
                yield from asked(a)
        case ir.Op(op="or") if all(any(asked(a)) or reads_flag(a) for a in e.args):
            for a in e.args:
                yield from asked(a)


def reads_flag(e: ir.Expr) -> bool:
    """Does a condition ask for a flag that this end remembers?"""
    return any(isinstance(p, ir.Var) and p.sort == ir.FLAG for p in conjuncts(e))


def running(e: ir.Expr) -> Iterator[str]:
    """The timers that a condition asks to run."""
    for part in conjuncts(e):
        if isinstance(part, ir.Running):
            yield part.timer


def control(send: ir.Send) -> str:
    """The bits that a segment must have, as the text has them."""
    return ",".join(send.ctl)


def event_text(section: ir.Section, words: tuple[str, ...]) -> str:
    """An event in the words of the figure."""
    if section.kind == "timeout":
        return f"{section.subject} ends"
    if section.kind == "call":
        return section.subject.upper().replace("_", " ")
    named = dict.fromkeys(w.removeprefix("ICMP.") for w in words)
    bits = sorted((w for w in named if w.isupper()), key=lambda w: (w == "ACK", w == "FIN", w))
    conditions = [w for w in named if not w.isupper()]
    if not bits and not conditions:
        conditions = [section.name]
    text = " ".join(["rcv", *(["ICMP"] if section.subject == "icmp" else []), ",".join(bits)]).strip()
    return f"{text} [{', '.join(conditions)}]" if conditions else text
