"""What may happen next in a generated trace: drawn from what the rules compare, for the state that is believed.

A segment is aimed at one rule: the flags that its guard asks for, and the fields at an edge of one of its comparisons,
or one beside it. One in four is then changed in one field more; a few are garbage. The tables here only say how a field
of the specification is written in a test case.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from wireproof.conformance import edges
from wireproof.conformance.draws import Draw, chance, pick
from wireproof.conformance.edges import Edge, Form, Recipe
from wireproof.conformance.testcase import Step
from wireproof.reference.host import OPTIONS
from wireproof.reference.segment import CTL_NAMES

HALF = 1 << 31
OFFSETS = (0, 0, 0, 0, 1, -1, 1, -1, 2, HALF - 1, -HALF, HALF + 1, 65535, -65535, 1460, -1460)
"""Where a number is put beside an edge: at it, on either side, at the antipode, a window and a segment away."""
LENGTHS = (0, 0, 0, 1, 1, 10, 536, 1459, 1460, 1460, "window")
WINDOWS = (65535, 65535, 65535, 0, 1, 400, 1460, 0x8000)
LONGEST = 1461
"""Text of a segment, at most: one octet more than the IUT asks for."""
CONTROL = frozenset(CTL_NAMES)
WRITTEN = {"SEG.LEN": "len", "len(SEG.DATA)": "len", "SEG.WND": "wnd", "SEG.UP": "up", "SEG.MSS": "mss"}
"""How a field is written in a step."""

UNTRUE: dict[str, tuple[Step, ...]] = {
    "SEG.CHECKSUM-OK": ({"damage": "checksum"},),
    "SEG.HEADER-OK": ({"damage": "offset"},),
    "SEG.OPTIONS-OK": (
        {"options": "fd000000"},
        {"options": "02000000"},
        {"options": "fd010000"},
        {"options": "0101fd09"},
    ),
}
"""How a flag about a segment's form is made false."""
TRUE: dict[str, tuple[Step, ...]] = {
    "SEG.DST-GROUP": ({"dst": "broadcast"}, {"dst": "multicast"}),
    "SEG.SRC-INVALID": ({"src": "broadcast"}, {"src": "multicast"}),
    "ICMP.QUENCH": ({"icmp": [4, 0]},),
    "ICMP.SOFT": tuple({"icmp": i} for i in ([3, 0], [3, 1], [11, 0], [12, 0])),
    "ICMP.HARD": tuple({"icmp": i} for i in ([3, 3], [3, 2])),
    "ICMP.TOO-BIG": ({"icmp": [3, 4]},),
}
"""How a flag is made true."""
SOUND_OPTIONS = ("01010000", "fd0400000101fe0300010101", "02040100", "010204020001")
VALUES: dict[str, tuple[int, ...]] = {
    "nodelay": (1, 0),
    "keepalive": (1, 0),
    "keepidle_s": (2, 1),
    "keepintvl_s": (1, 2),
    "keepcnt": (2, 1),
    "user_timeout_ms": (3000, 500, 0),
    "ttl": (33, 1, 255),
    "dscp": (10, 0, 63),
    "rcvbuf": (2304, 4608),
}
"""What options are set to; those that a rule compares come from its edge too."""
BEFORE_OPEN = ("rcvbuf", "nodelay", "keepalive", "user_timeout_ms", "keepidle_s", "ttl")
TERMINAL = frozenset({"release", "abort"})


@dataclass(slots=True)
class View:
    """What is known when a step is chosen: the connection's state, and the handles that can be called."""

    state: str = "CLOSED"
    listener: int = 0
    """The handle that listens; 0: none."""
    handle: int = 0
    """The handle of the connection; 0: none."""
    fresh: int = 1
    """The next handle that was not used."""
    acceptable: bool = False
    timed: bool = False
    """A timer runs that may end by itself."""
    injected: int = 0
    handles: list[int] = field(default_factory=list)


@dataclass(slots=True, frozen=True)
class Times:
    """How long a trace may wait: ``patient`` for whatever a timer needs, or (us) no longer than ``longest``."""

    patient: bool = True
    longest: int = 1 << 40


class Stimuli:
    """Draws steps. ``family`` is the address family, ``times`` how long may be waited."""

    def __init__(self, family: Literal[4, 6] = 4, times: Times = Times()):
        self.times = times
        self.family = family
        self.waits = tuple(d for d in edges.durations() if d <= times.longest)
        found = edges.recipes()
        self.aims = {s: tuple(r for r in found if r.subject == "segment" and s in r.states) for s in states(found)}
        self.procedures = tuple(r for r in found if r.kind == "procedure")
        self.icmps = tuple(r for r in found if r.subject == "icmp" and r.flags)
        self.icmp_edges = tuple(e for r in found if r.subject == "icmp" for e in r.edges)
        self.loose = tuple(
            dict.fromkeys(e for r in found if r.kind == "event" and r.subject == "segment" for e in r.edges)
        )
        self.later = edges.later()
        self.mixed = tuple(dict.fromkeys(flags_of(r) for r in found if r.subject == "segment"))
        """What the guards ask of the control bits, each once."""

    # ---- the beginning ------------------------------------------------------------------------------------------

    def opening(self, draw: Draw) -> list[Step]:
        """How a trace begins: options, and an OPEN."""
        out: list[Step] = []
        while chance(draw, 6) and len(out) < 3:
            out.append(self.option(draw, 1, BEFORE_OPEN))
        kind = pick(draw, ("passive",) * 6 + ("active",) * 6 + ("none", "group"))
        if kind == "passive":
            out.append({"call": "open_passive", "h": 1})
        elif kind == "active":
            out.append({"call": "open_active", "h": 1})
        elif kind == "group":
            out.append({"call": "open_active", "h": 1, "dst": pick(draw, ("broadcast", "multicast"))})
        return out

    # ---- any step -----------------------------------------------------------------------------------------------

    def step(self, draw: Draw, view: View) -> Step:
        """The next step."""
        what = pick(draw, KINDS)
        if what == "call" and (view.handle or view.listener):
            return self.call(draw, view)
        if what == "wait":
            return self.wait(draw, view)
        if what == "icmp" and view.state not in ("CLOSED", "LISTEN"):
            return self.icmp(draw)
        if what == "garbage":
            return self.garbage(draw)
        if what == "again" and view.injected:
            return {"again": 1 + draw(min(view.injected, 8))}
        if view.acceptable and view.listener and draw(3):
            return {"call": "accept", "h": view.listener, "new": view.fresh}
        return self.segment(draw, view.state)

    # ---- segments -----------------------------------------------------------------------------------------------

    def segment(self, draw: Draw, state: str) -> Step:
        """A segment aimed at a rule of this state."""
        recipe = self.aim(draw, state)
        flags, more = self.flags(draw, recipe, state)
        out: Step = {"seg": flags, "seq": ["RCV.NXT", 0], "ack": ["SND.NXT", 0], **more}
        texted = ("SYN" not in flags and "RST" not in flags) or chance(draw, 8)
        if texted and (size := pick(draw, LENGTHS)):
            out["len"] = size
        if "SYN" in flags and "options" not in out and draw(8):
            out["mss"] = pick(draw, (1460, 1460, 536, 100))
        if (wnd := pick(draw, WINDOWS)) != 65535:
            out["wnd"] = wnd
        if "URG" in flags:
            out["up"] = pick(draw, (1, 0, 10, 1460, 65535))
        if recipe.edges and draw(4):
            self.place(draw, out, pick(draw, recipe.edges))
        elif chance(draw, 8):
            self.place(draw, out, pick(draw, self.later[pick(draw, tuple(f for f in self.later if f in WRITTEN))]))
        if chance(draw, 4):
            self.off(draw, out)
        if chance(draw, 24):
            out["peer"] = 1 + draw(2)
        return plain(out)

    def aim(self, draw: Draw, state: str) -> Recipe:
        """The rule that is aimed at."""
        aims = self.aims[state]
        if state not in OPENING:
            aims += self.procedures
        found = pick(draw, aims)
        # A reset mostly ends the trace: other rules come first.
        return pick(draw, aims) if ("RST", True) in found.flags and draw(3) else found

    def flags(self, draw: Draw, recipe: Recipe, state: str) -> tuple[str, Step]:
        """The control bits that a rule asks for, and how its other flags are written."""
        asked = dict(recipe.flags)
        for name in recipe.open_flags:
            if draw(2):
                asked[name] = True
        bits = {b for b, on in asked.items() if on and b in CONTROL}
        if asked.get("ACK", state not in ("CLOSED", "LISTEN")):
            bits.add("ACK")
        if state in ("LISTEN", "SYN-SENT") and "SYN" not in asked and draw(3):
            bits.add("SYN")
        elif state not in OPENING and "FIN" not in asked and chance(draw, 10):
            bits.add("FIN")
        if chance(draw, 12):
            bits.add(pick(draw, ("PSH", "URG")))
        more: Step = {}
        for name, on in recipe.flags:
            written = (TRUE if on else UNTRUE).get(name)
            if written:
                more |= pick(draw, written)
        return control(bits), more

    def place(self, draw: Draw, out: Step, edge: Edge) -> None:
        """Put one field of a segment at an edge, or beside it."""
        field_ = pick(draw, sorted(f for f in edge.fields if edge.solved(f) is not None))
        form = edge.solved(field_)
        assert form is not None
        offset = pick(draw, OFFSETS)
        known, rest = self.fields(out, form)
        base, at = rest.text() or "ABS", rest.constant + known + offset
        if field_ in ("SEG.SEQ", "SEG.ACK"):
            out[field_[4:].lower()] = [base, at]
            return
        if abs(at) > (65535 if field_ in ("SEG.WND", "SEG.UP", "SEG.MSS") else LONGEST):
            at %= LONGEST
        if field_ == "SEG.LEN":
            at -= ("SYN" in out["seg"]) + ("FIN" in out["seg"])
        out[WRITTEN[field_]] = max(at, 0) if base == "ABS" else [base, at]

    def fields(self, out: Step, form: Form) -> tuple[int, Form]:
        """What the segment's other fields come to in a sum: the known part, and what stays relative."""
        known, rest = 0, form.without(frozenset(n for n, _ in form.terms if edges.is_field(n)))
        for name, k in form.terms:
            if not edges.is_field(name):
                continue
            if name in ("SEG.SEQ", "SEG.ACK"):
                base, offset = out[name[4:].lower()]
                known += k * offset
                rest = rest.plus(base_form(base).times(k))
            elif name in ("SEG.LEN", "len(SEG.DATA)"):
                size = out.get("len", 0)
                size = size if isinstance(size, int) else 1460
                if name == "SEG.LEN":
                    size += ("SYN" in out["seg"]) + ("FIN" in out["seg"])
                known += k * size
            else:
                size = out.get(WRITTEN[name], 65535 if name == "SEG.WND" else 0)
                known += k * (size if isinstance(size, int) else 0)
        return known, rest

    def off(self, draw: Draw, out: Step) -> None:
        """Change one field of a segment that may be right."""
        what = pick(draw, ("seq", "ack", "flag", "mix", "wnd", "len", "options", "loose", "form", "cut"))
        if what in ("seq", "ack"):
            base, offset = out[what]
            out[what] = [base, offset + pick(draw, OFFSETS[4:])]
        elif what == "flag":
            out["seg"] = control(set(out["seg"].split(",")) ^ {pick(draw, CTL_NAMES[:6])})
        elif what == "mix":
            out["seg"] = control({b for _ in range(2) for b, on in pick(draw, self.mixed) if on})
        elif what == "wnd":
            out["wnd"] = pick(draw, WINDOWS)
        elif what == "len":
            out["len"] = pick(draw, LENGTHS)
        elif what == "options":
            out["options"] = pick(draw, SOUND_OPTIONS)
        elif what == "loose":
            self.place(draw, out, pick(draw, self.loose))
        elif what == "form":
            out |= pick(draw, pick(draw, tuple(UNTRUE.values())))
        else:
            out |= {"cut": 1 + draw(24), "honest": bool(draw(2))}

    # ---- what is no segment -------------------------------------------------------------------------------------

    def icmp(self, draw: Draw) -> Step:
        """An ICMP message about the connection, or about what it never sent."""
        recipe = pick(draw, self.icmps)
        out: Step = {"icmp": [3, 0], "seq": ["SND.UNA", 0]}
        for name, on in recipe.flags:
            if on:
                out |= pick(draw, TRUE[name])
        if chance(draw, 8):
            out["icmp"] = [draw(13), draw(4)]
        if draw(3) == 0:
            form = pick(draw, self.icmp_edges).solved("ICMP.SEQ")
            assert form is not None
            out["seq"] = [form.text(), form.constant + pick(draw, OFFSETS)]
        if out["icmp"] in ([3, 4], [2, 0]):
            out["mtu"] = pick(draw, (1000, 576, 1499, 1500, 0, 68, 65535))
        return out

    def garbage(self, draw: Draw) -> Step:
        """Octets in the place of a segment, or of a datagram."""
        size = pick(draw, (20, 0, 1, 4, 19, 20, 21, 40, 60))
        octets = bytes(draw(256) for _ in range(size))
        if chance(draw, 4):
            return {"octets": octets.hex()}
        out: Step = {"raw": octets.hex(), "ports": True}
        if draw(3):
            out["sum"] = True
        if chance(draw, 6):
            out["proto"] = pick(draw, (17, 253, 1 if self.family == 4 else 58))
        return out

    def wait(self, draw: Draw, view: View) -> Step:
        """Time: until a timer must have ended, just before it, or as long as a parameter says."""
        how = pick(draw, ("timer", "timer", "timer", "short", "short", "early", "named", "before"))
        most: Step = {} if self.times.patient else {"most": self.times.longest}
        if how == "timer":
            return {"wait": "timer", **most}
        if how == "before" and self.times.patient and view.timed:
            return {"wait": "before-timer"}
        if how == "early":
            return {"wait": "timer", "less": pick(draw, (1, 2, 1000, 100_000)), **most}
        if how == "named" and self.waits:
            return {"wait": max(1, pick(draw, self.waits) + pick(draw, (0, 1, -1)))}
        return {"wait": pick(draw, (1, 1000, 10_000, 200_000))}

    # ---- calls --------------------------------------------------------------------------------------------------

    def call(self, draw: Draw, view: View) -> Step:
        """A call on a handle that is open."""
        names = tuple(edges.calls())
        name = pick(draw, names)
        h = view.handle or view.listener
        if view.listener and view.handle and chance(draw, 12):
            h = view.listener
        if name in TERMINAL and draw(4):
            name = "send"
        if name.startswith("open") and (draw(4) or h == view.listener):
            name = pick(draw, ("receive", "status"))
        return self.called(draw, name, h)

    def called(self, draw: Draw, name: str, h: int) -> Step:
        """This call, with its arguments."""
        out: Step = {"call": name, "h": h}
        if name == "send":
            out["len"] = self.send_size(draw)
            if chance(draw, 6):
                out["urgent"] = True
        elif name == "receive":
            out["max"] = pick(draw, (10000, 1, 100, 65535))
        elif name == "set":
            return self.option(draw, h, tuple(VALUES))
        return out

    def send_size(self, draw: Draw) -> Any:
        """How much the user sends: small, whole segments and one beside, or what a guard compares later."""
        if chance(draw, 3):
            form = pick(draw, self.later["len(CALL.DATA)"]).solved("len(CALL.DATA)")
            assert form is not None
            return [form.text() or "ABS", form.constant + pick(draw, (0, 1, -1))]
        return pick(draw, (1, 1000, 1459, 1460, 1461, 5000, 20000))

    def option(self, draw: Draw, h: int, names: Sequence[str]) -> Step:
        """An option is set."""
        name = pick(draw, names)
        values = VALUES[name]
        compared = [r for r in edges.recipes() if ("CALL.OPTION", OPTIONS[name]) in r.members and r.edges]
        if compared and chance(draw, 3):
            form = compared[0].edges[0].solved("CALL.VALUE")
            assert form is not None
            values = (max(0, form.constant), form.constant + 1)
        return {"call": "set", "h": h, "option": name, "value": pick(draw, values)}


OPENING = frozenset({"CLOSED", "LISTEN", "SYN-SENT"})
KINDS = ("segment",) * 22 + ("call",) * 9 + ("wait",) * 5 + ("icmp",) * 2 + ("again", "garbage")


def states(recipes: Sequence[Recipe]) -> list[str]:
    """The states that any rule is about, in alphabetical order."""
    return sorted({s for r in recipes for s in r.states})


def flags_of(recipe: Recipe) -> tuple[tuple[str, bool], ...]:
    """What a rule asks of the control bits."""
    return tuple((n, on) for n, on in recipe.flags if n in CONTROL)


def control(bits: set[str]) -> str:
    """Control bits as a step names them, always in the same order."""
    return ",".join(n for n in ("SYN", "FIN", "RST", "URG", "PSH", "ACK", "ECE", "CWR") if n in bits)


@functools.cache
def base_form(base: str) -> Form:
    """A test case's base as a sum."""
    form, sign = Form(()), 1
    for word in base.split():
        if word in "+-":
            sign = 1 if word == "+" else -1
        elif word != "ABS":
            form, sign = form.plus(Form(((word, sign),))), 1
    return form


def plain(step: Step) -> Step:
    """A segment without what says nothing."""
    if "ACK" not in step["seg"].split(","):
        step.pop("ack", None)
    return step
