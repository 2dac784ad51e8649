"""What can be wrong with what a rule does: one action left out or changed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Literal, NamedTuple

from wireproof.spec import ir
from wireproof.spec.rewrite import negated, scaled, stepped, text, variants

SECOND = 1_000_000


class ActionChange(NamedTuple):
    """The actions of a rule with one change. ``role``: spec/mutate.py."""

    operator: str
    what: str
    actions: list[ir.Action]
    role: Literal["reference", "oracle"] = "reference"


class _New(NamedTuple):
    operator: str
    what: str
    action: ir.Action | None
    role: Literal["reference", "oracle"] = "reference"


def action_changes(model: ir.Model, section: ir.Section, r: ir.Rule) -> Iterator[ActionChange]:
    """Every change of one action of a rule."""
    for i, a in enumerate(r.actions):
        for n in _action(model, section, a):
            middle = [] if n.action is None else [n.action]
            yield ActionChange(n.operator, n.what, [*r.actions[:i], *middle, *r.actions[i + 1 :]], n.role)


def end_changes(r: ir.Rule) -> Iterator[tuple[str, ir.End, int | None]]:
    """Other things that could become of the segment."""
    match r.end:
        case "continue":
            yield "'continue' becomes 'drop'", "drop", None
            if r.step is not None:
                yield f"'continue at step {r.step}' becomes 'continue'", "continue", None
        case "drop":
            yield "'drop' becomes 'continue'", "continue", None
        case "redeliver":
            yield "'redeliver' becomes 'drop'", "drop", None


def _action(model: ir.Model, section: ir.Section, a: ir.Action) -> Iterator[_New]:
    match a:
        case ir.Bind():
            for v in variants(a.value):
                yield _New(v.operator, v.what, replace(a, value=v.expr))
        case ir.Assign():
            yield from _assign(model, a)
        case ir.Start():
            yield _New("drop-start", f"{a.timer} is not started", None)
            yield from _start(a)
        case ir.Stop():
            yield _New("drop-stop", f"{a.timer} is not stopped", None)
        case ir.Do():
            yield _New("drop-do", f"'{a.procedure}' is not done", None)
        case ir.Send():
            if section.kind != "may":
                yield _New("drop-send", f"{pattern(a)} is not sent", None)
            yield from _send(a)
        case ir.Return():
            yield from _return(a)


# ---- set, enter, report ---------------------------------------------------------------------------------------------


def _assign(model: ir.Model, a: ir.Assign) -> Iterator[_New]:
    what = "enter" if a.target == "STATE" else "report" if a.target == "ERROR" else "set"
    yield _New(f"drop-{what}", f"{a.target} keeps its value", None)
    value = a.value
    if isinstance(value, ir.Member):
        for other in _others(model.enums[value.sort.name], value.member, a.target):
            operator = "state" if a.target == "STATE" else "wrong-value"
            yield _New(operator, f"{a.target} becomes {other}", replace(a, value=replace(value, member=other)))
        return
    if value.sort == ir.FLAG:
        yield _New("wrong-value", f"{a.target} becomes '{text(negated(value))}'", replace(a, value=negated(value)))
    elif value.sort.name in ("seq32", "length", "count"):
        yield _New("off-by-one", f"{a.target} becomes one more", replace(a, value=stepped(value, 1)))
    for v in variants(value):
        yield _New(v.operator, v.what, replace(a, value=v.expr))


def _others(members: list[str], member: str, target: str) -> list[str]:
    """The neighbours of a state; another error."""
    at = members.index(member)
    if target == "STATE":
        return [members[i] for i in (at - 1, at + 1) if 0 <= i < len(members)]
    return [members[at + 1] if at + 1 < len(members) else members[1]]


# ---- timers ---------------------------------------------------------------------------------------------------------


def _start(a: ir.Start) -> Iterator[_New]:
    """The bounds of a timer: what an implementation does when it goes by the wrong one, and what is let pass."""
    exact = a.high is not None and a.high == a.low
    if exact:
        if isinstance(a.low, ir.Lit) and a.low.value == 0:
            late = ir.Lit(SECOND, ir.DURATION, span=a.low.span)
            yield _New("timer", f"{a.timer} ends a second later", replace(a, low=late, high=late))
            yield _New("timer", f"{a.timer} may end up to a second later", replace(a, high=late), "oracle")
            return
        for new in (scaled(a.low, up=2), scaled(a.low, down=2)):
            yield _New("timer", f"{a.timer} ends after '{text(new)}'", replace(a, low=new, high=new))
        return
    if not (isinstance(a.low, ir.Lit) and a.low.value == 0):
        nil = ir.Lit(0, ir.DURATION, span=a.low.span)
        for new in (scaled(a.low, up=2), scaled(a.low, down=2), nil):
            yield _New("timer", f"{a.timer} ends '{text(new)}' from now at the earliest", replace(a, low=new))
    if a.high is None:
        return
    twice, half = scaled(a.high, up=2), scaled(a.high, down=2)
    yield _New("timer", f"{a.timer} ends after '{text(twice)}'", replace(a, low=twice, high=twice))
    yield _New("timer", f"{a.timer} may end as late as '{text(twice)}'", replace(a, high=twice), "oracle")
    yield _New("timer", f"{a.timer} ends by '{text(half)}'", replace(a, high=half), "oracle")
    for v in (*variants(a.low), *variants(a.high)):
        if v.operator in ("arithmetic", "extreme"):
            low, high = (v.expr, a.high) if v.expr.sort == a.low.sort and v.what in _whats(a.low) else (a.low, v.expr)
            yield _New(v.operator, v.what, replace(a, low=low, high=high))


def _whats(e: ir.Expr) -> set[str]:
    return {v.what for v in variants(e)}


# ---- segments -------------------------------------------------------------------------------------------------------


def pattern(a: ir.Send) -> str:
    """A segment to send, in short."""
    bits = ",".join([*a.ctl, *(f"{b}?" for b in a.may)])
    ack = f"<ACK={text(a.ack)}>" if a.ack is not None else ""
    return f"<SEQ={text(a.seq)}>{ack}<CTL={bits}>"


def _send(a: ir.Send) -> Iterator[_New]:
    for by, what in ((1, "one more"), (-1, "one less")):
        new = stepped(a.seq, by)
        yield _New("number", f"SEQ is {what}", replace(a, seq=new))
        if a.ack is not None:
            yield _New("number", f"ACK is {what}", replace(a, ack=stepped(a.ack, by), ack_low=None))
    for bit in a.ctl:
        rest = [b for b in a.ctl if b != bit]
        gone = replace(a, ctl=rest, ack=None, ack_low=None) if bit == "ACK" else replace(a, ctl=rest)
        yield _New("flag", f"{bit} is not set", gone)
    for bit in ("FIN", "RST"):
        if bit not in (*a.ctl, *a.may):
            yield _New("flag", f"{bit} is set", replace(a, ctl=[*a.ctl, bit]))
    for bit in a.may:
        yield _New("flag", f"{bit} may not be set", replace(a, may=[b for b in a.may if b != bit]), "oracle")
    yield from _freedom(a)
    yield from _text(a)


def _freedom(a: ir.Send) -> Iterator[_New]:
    """Ranges of numbers cut or widened: nobody need notice but the oracle."""
    if a.ack is not None and a.ack_low is not None:
        yield _New("range", "only the highest ACK may go", replace(a, ack_low=None), "oracle")
        yield _New("range", "ACK may be one less", replace(a, ack_low=stepped(a.ack_low, -1)), "oracle")
    if a.seq_high is not None:
        yield _New("range", "only the lowest SEQ may go", replace(a, seq_high=None), "oracle")
        yield _New("range", "SEQ may be one more", replace(a, seq_high=stepped(a.seq_high, 1)), "oracle")


def _text(a: ir.Send) -> Iterator[_New]:
    if a.text is None:
        return
    for v in variants(a.text):
        yield _New(v.operator, v.what, replace(a, text=v.expr))
    none = ir.Lit(0, ir.LENGTH, span=a.span)
    yield _New("text", "it goes without its text", replace(a, text=None, low=none, high=none, rest=False))
    if a.high is not None and a.low is not None:
        if a.high == a.low:
            return
        yield _New("text", "one octet more may go", replace(a, high=stepped(a.high, 1)))
        yield _New("text", "one octet more must go", replace(a, low=stepped(a.low, 1)), "oracle")


# ---- results --------------------------------------------------------------------------------------------------------


def _return(a: ir.Return) -> Iterator[_New]:
    for i, o in enumerate(a.outcomes):
        if len(a.outcomes) > 1:
            rest = [*a.outcomes[:i], *a.outcomes[i + 1 :]]
            yield _New("drop-result", f"'{outcome(o)}' may not be returned", replace(a, outcomes=rest), "oracle")
    first, others = a.outcomes[0], a.outcomes[1:]
    error = ir.Outcome("error", ir.Member("EPROTO", ir.Sort("errno"), span=a.span), None, None, span=a.span)
    fine = ir.Outcome("ok", None, None, None, span=a.span)
    wrong = fine if first.kind == "error" else error
    if all(o.kind != wrong.kind or o == error for o in others):
        yield _New("result", f"'{outcome(first)}' becomes '{outcome(wrong)}'", replace(a, outcomes=[wrong, *others]))
    elif wrong is fine:
        yield _New("result", f"it returns '{outcome(error)}'", replace(a, outcomes=[error]))
    if first.kind in ("count", "text") and first.low is not None and first.high is not None:
        if first.high == first.low:
            high = replace(first, low=stepped(first.low, 1), high=stepped(first.high, 1))
        else:
            high = replace(first, high=stepped(first.high, -1))
            low = replace(first, low=stepped(first.low, 1))
            yield _New("result", f"at least '{outcome(low)}'", replace(a, outcomes=[low, *others]), "oracle")
        yield _New("result", f"'{outcome(first)}' becomes '{outcome(high)}'", replace(a, outcomes=[high, *others]))
        for v in variants(first.high):
            changed = replace(first, high=v.expr)
            yield _New(v.operator, v.what, replace(a, outcomes=[changed, *others]))


def outcome(o: ir.Outcome) -> str:
    """A result in short."""
    match o.kind:
        case "error" | "state":
            return f"{o.kind} {text(o.low) if o.low is not None else ''}"
        case "count" | "text":
            assert o.low is not None and o.high is not None
            return f"{o.kind} {text(o.low)} .. {text(o.high)}"
    return o.kind
