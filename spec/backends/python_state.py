"""The configuration and the parameters of a machine, as Python text."""

from __future__ import annotations

from collections.abc import Iterator

from wireproof.spec import ir
from wireproof.spec.backends.python_terms import Terms, ident, python_type, quoted


def state(model: ir.Model) -> Iterator[str]:
    """The configuration and the parameters."""
    m = model
    terms = Terms(model)
    variables = [(ident(v.name), v) for v in m.variables.values()]
    timers = [ident(t) for t in m.timers]
    slots = [n for n, _ in variables]
    for t in timers:
        slots += [f"{t}_from", f"{t}_until"]
    slots += ["now", "unbound", "owed", "owed_since", "due", "deviations"]
    yield "class Tcp:"
    yield '    """A configuration: all variables, each timer\'s earliest and latest end (us), what is owed at once.'
    yield ""
    yield "    ``owed_since``: when the oldest of ``owed`` was asked for. ``due``: permissions that became duties, with"
    yield "    their deadlines."
    yield ""
    yield "    ``unbound``: the initial sequence number was chosen and has not been seen; everything counted from it"
    yield "    is relative to 0 until then. ``deviations``: (rule, requirement) of SHOULDs not followed."
    yield '    """'
    yield ""
    yield "    __slots__ = ("
    for n in sorted(slots):
        yield f'        "{n}",'
    yield "    )"
    yield ""
    yield "    def __init__(self) -> None:"
    for n, v in variables:
        yield f"        self.{n}: {python_type(v.sort)} = {terms.of(v.initial)}"
    for t in timers:
        yield f"        self.{t}_from: int = STOPPED"
        yield f"        self.{t}_until: int = STOPPED"
    yield "        self.now: int = 0"
    yield "        self.unbound: bool = False"
    yield "        self.owed: tuple[Template, ...] = ()"
    yield "        self.owed_since: int = -1"
    yield "        self.due: tuple[tuple[str, int], ...] = ()"
    yield "        self.deviations: tuple[tuple[str, str], ...] = ()"
    yield ""
    yield '    def copy(self) -> "Tcp":'
    yield '        """The same configuration, to go another way from here."""'
    yield "        new = Tcp.__new__(Tcp)"
    for n in slots:
        yield f"        new.{n} = self.{n}"
    yield "        return new"
    yield ""
    yield "    def key(self) -> tuple[Any, ...]:"
    yield '        """Equal keys: the same configuration, deviations and clock aside."""'
    yield "        return ("
    for n in slots:
        if n not in ("now", "owed_since", "deviations"):
            yield f"            self.{n},"
    yield "        )"
    yield ""
    for base in sorted({v.sort.base for _, v in variables if v.sort.base}):
        yield f"    def rebase_{ident(base)}(self, delta: int) -> None:"
        yield f'        """Move everything that is counted from {base}."""'
        for n, v in variables:
            if v.sort.base == base:
                yield f"        self.{n} = (self.{n} + delta) & M"
        yield ""
    yield ""
    yield f"TIMERS = ({quoted(m.timers)},)"
    yield "TIMER_SLOTS = ("
    for t in m.timers:
        yield f'    ("{t}", "{ident(t)}_from", "{ident(t)}_until"),'
    yield ")"
    yield "BASES = {"
    for n, v in variables:
        if v.sort.base:
            yield f'    "{n}": "{v.sort.base}",'
    yield "}"
    yield '"""Which initial sequence number each variable counts from."""'
    for name, members in m.enums.items():
        yield f"{name.upper()}S = ({quoted(members)},)"
    yield ""
    yield ""
    yield "class Params:"
    yield '    """Parameters of an environment and a profile (durations in us, lengths in octets)."""'
    yield ""
    names = [ident(p) for p in m.params] + [ident(p) for p in m.profiles]
    yield f"    __slots__ = ({quoted(names)},)"
    yield ""
    yield "    def __init__(self) -> None:"
    for p in m.params.values():
        yield f"        self.{ident(p.name)}: {python_type(p.sort)} = {terms.of(p.value)}"
    for name in m.profiles:
        yield f"        self.{ident(name)}: bool = False"
    yield ""
    yield ""
    yield "def params(profile: str, **settings: int) -> Params:"
    yield '    """The parameters of a profile, with further settings. Raises KeyError for an unknown profile."""'
    yield "    p = Params()"
    yield "    for name in (*reversed(PROFILES[profile]),):"
    yield "        setattr(p, name, True)"
    yield "        for key, value in SETTINGS[name].items():"
    yield "            setattr(p, key, value)"
    yield "    for key, value in settings.items():"
    yield "        setattr(p, key, value)"
    yield "    return p"
    yield ""
    yield ""
    yield "PROFILES: dict[str, tuple[str, ...]] = {"
    for pr in m.profiles.values():
        yield f'    "{pr.name}": ({quoted(ident(n) for n in pr.includes)},),'
    yield "}"
    yield "SETTINGS: dict[str, dict[str, Any]] = {"
    for pr in m.profiles.values():
        inner = ", ".join(f'"{ident(n)}": {terms.of(v)}' for n, v in pr.settings)
        yield f'    "{ident(pr.name)}": {{{inner}}},'
    yield "}"
