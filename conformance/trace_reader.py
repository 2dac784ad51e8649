"""Reading a trace file, line by line, with a word for everything that can be wrong with one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn, get_args

from wireproof.conformance.oracle import Step, Verdict
from wireproof.conformance.session import Kind, Result
from wireproof.conformance.testcase import TestCase
from wireproof.reference.host import OPTIONS

VERSION = 1
VERDICTS = frozenset(get_args(Verdict))
CALLS: dict[str, tuple[str, ...]] = {
    "open_active": ("local", "remote"),
    "open_passive": ("local", "backlog"),
    "accept": ("new",),
    "send": ("data", "urgent"),
    "receive": ("max",),
    "close": (),
    "release": (),
    "abort": (),
    "status": (),
    "error": (),
    "set": ("option", "value"),
    "at_mark": (),
    "urgent": (),
}
"""The calls that a trace may hold, and the arguments that each must have."""


class TraceError(ValueError):
    """A trace that cannot be used: the message names file and line and says what to do."""


@dataclass(slots=True)
class Header:
    """What a trace says of itself: where it comes from, how to judge it, and what was found then."""

    local: bytes
    """The address of the host under test."""
    profile: str = "rfc5961"
    slack_us: int = 0
    params: dict[str, int] = field(default_factory=dict)
    target: str = ""
    spec: str = "tcp"
    spec_hash: str = ""
    suite: str = ""
    case: TestCase | None = None
    seed: int = 0
    verdict: Verdict = "pass"
    rule: str = ""
    kind: str = ""
    """The kind of the refusal, if there was one."""
    text: str = ""
    ids: list[str] = field(default_factory=list)
    scenario: str = ""
    """Of a trace that was made in a world (``explore``, ``reach``): which one, and all that happened there."""
    events: list[str] = field(default_factory=list)

    @property
    def family(self) -> int:
        return 4 if len(self.local) == 4 else 6


@dataclass(slots=True)
class Trace:
    """A trace that was read; ``path`` for what is said of it."""

    path: Path
    header: Header
    steps: list[Step]


def read(path: Path) -> Trace:
    """A trace. Raises :class:`TraceError` for anything that is not a whole, well-formed one."""
    try:
        text = path.read_text("utf-8")
    except OSError as e:
        raise TraceError(f"{path}: cannot be read ({e.strerror}); give the name of a .wpt file") from None
    except UnicodeDecodeError:
        raise TraceError(
            f"{path}:1: not UTF-8 text; give the name of a .wpt file (captures are read as pcap)"
        ) from None
    lines = text.split("\n")
    if lines[-1] == "":
        lines.pop()
    reader = _Reader(path, lines)
    return Trace(path, reader.header(), list(reader.steps()))


class _Reader:
    """Reads one file, and knows at which line it is for what it has to say."""

    def __init__(self, path: Path, lines: list[str]):
        self.path = path
        self.lines = lines
        self.n = 1

    def fail(self, what: str, do: str) -> NoReturn:
        raise TraceError(f"{self.path}:{self.n}: {what}; {do}")

    def wrong(self, what: str) -> NoReturn:
        self.fail(what, "correct the line or record the trace again")

    def cut_off(self) -> NoReturn:
        self.fail("the trace ends here without its end line", "it was cut off: copy or record it again")

    def line(self) -> dict[str, Any]:
        """The line at which the reader is."""
        if self.n > len(self.lines):
            self.cut_off()
        try:
            raw = json.loads(self.lines[self.n - 1])
        except (ValueError, RecursionError):
            if self.n == len(self.lines) > 1:
                self.cut_off()
            if self.n == 1:
                self.fail("not a trace file", "give the name of a .wpt file")
            self.wrong("not JSON")
        if not isinstance(raw, dict):
            self.wrong("not a JSON object")
        return raw

    def get(self, raw: dict[str, Any], name: str, kind: type) -> Any:
        """A field that must be there and of this type (a bool is no int)."""
        value = raw.get(name)
        if type(value) is not kind:
            self.wrong(f"'{name}' must be {_SHOWN[kind]}, not {'missing' if name not in raw else repr(value)[:40]}")
        return value

    def octets(self, value: Any, name: str) -> bytes:
        try:
            return bytes.fromhex(value)
        except (ValueError, TypeError):
            self.wrong(f"'{name}' must be octets in hexadecimal, not {repr(value)[:40]}")

    def strings(self, raw: dict[str, Any], name: str) -> list[str]:
        value = raw.get(name, [])
        if not isinstance(value, list) or not all(isinstance(x, str) for x in value):
            self.wrong(f"'{name}' must be a list of strings")
        return value

    # ---- header -------------------------------------------------------------------------------------------------

    def header(self) -> Header:
        raw = self.line()
        version = raw.get("wpt")
        if version is None:
            self.fail("not a trace file (no 'wpt')", "give the name of a .wpt file")
        if version != VERSION:
            self.fail(
                f"trace format {version!r}, and this wireproof reads {VERSION}", "use the wireproof that wrote it"
            )
        local = self.octets(raw.get("local"), "local")
        if len(local) not in (4, 16) or raw.get("family") != (4 if len(local) == 4 else 6):
            self.wrong(f"'local' has {len(local)} octets and 'family' is {raw.get('family')!r}")
        params = self.get(raw, "params", dict)
        if not all(type(v) is int for v in params.values()):
            self.wrong("'params' must be integers by name")
        if self.get(raw, "verdict", str) not in VERDICTS:
            self.wrong(f"unknown verdict {raw['verdict']!r}")
        texts = {name: self.get(raw, name, str) for name in ("spec", "spec_hash", "suite", "target", "profile", "rule")}
        out = Header(local, slack_us=self.get(raw, "slack_us", int), params=params, verdict=raw["verdict"], **texts)
        out.seed = self.get(raw, "seed", int)
        out.kind, out.text = str(raw.get("kind", "")), str(raw.get("text", ""))
        out.ids = self.strings(raw, "ids")
        out.case = self.case(raw.get("case"))
        out.scenario, out.events = str(raw.get("scenario", "")), self.strings(raw, "events")
        return out

    def case(self, raw: Any) -> TestCase | None:
        if raw is None:
            return None
        try:
            return TestCase(**raw)
        except TypeError as e:
            self.wrong(f"'case' is no test case ({e})")

    # ---- steps --------------------------------------------------------------------------------------------------

    def steps(self) -> Iterator[Step]:
        """The steps, up to the end line, which must be the last."""
        i = 0
        while True:
            self.n += 1
            raw = self.line()
            if "end" in raw:
                break
            i += 1
            if self.get(raw, "i", int) != i:
                self.wrong(f"step {raw['i']} where step {i} must be: lines are missing or out of order")
            yield self.step(raw)
        if raw["end"] is not True or self.get(raw, "steps", int) != i:
            self.wrong(f"the end line tells of {raw.get('steps')!r} steps, and there are {i}")
        if self.n != len(self.lines):
            self.n += 1
            self.wrong("text after the end line")

    def step(self, raw: dict[str, Any]) -> Step:
        kind = raw.get("kind")
        if kind not in ("rx", "tx", "call", "tick"):
            self.wrong(f"unknown kind {kind!r} of a step (known: rx, tx, call, tick)")
        out = Step(self.get(raw, "t", int), kind, at_once=raw.get("quiet") is True)
        if kind in ("rx", "tx"):
            out.packet = self.octets(raw.get("frame"), "frame")
        elif kind == "call":
            out.call = self.call(self.get(raw, "call", dict))
        out.rules, out.states = tuple(self.strings(raw, "rules")), tuple(self.strings(raw, "states"))
        return out

    def call(self, raw: dict[str, Any]) -> tuple[int, str, dict[str, Any], Result]:
        fn = self.get(raw, "fn", str)
        if fn not in CALLS:
            self.wrong(f"unknown call {fn!r} (known: {', '.join(CALLS)})")
        given = self.get(raw, "args", dict)
        if missing := [name for name in CALLS[fn] if name not in given]:
            self.wrong(f"{fn}() lacks {', '.join(missing)}")
        args: dict[str, Any] = {name: self.argument(given, name) for name in given}
        result = self.get(raw, "result", dict)
        return self.get(raw, "h", int), fn, args, self.result(result)

    def argument(self, given: dict[str, Any], name: str) -> Any:
        if name in ("local", "remote"):
            pair = self.get(given, name, list)
            if len(pair) != 2 or type(pair[1]) is not int or not 0 <= pair[1] <= 0xFFFF:
                self.wrong(f"'{name}' must be an address and a port")
            address = self.octets(pair[0], name)
            if len(address) not in (4, 16):
                self.wrong(f"'{name}' must begin with an address of 4 or 16 octets")
            return address, pair[1]
        if name == "data":
            return self.octets(given[name], name)
        if name == "option" and given[name] not in OPTIONS:
            self.wrong(f"unknown option {given[name]!r} (known: {', '.join(OPTIONS)})")
        if name in ("urgent", "option"):
            return self.get(given, name, bool if name == "urgent" else str)
        return self.get(given, name, int)

    def result(self, raw: dict[str, Any]) -> Result:
        kind = self.get(raw, "kind", str)
        if kind not in get_args(Kind):
            self.wrong(f"unknown kind {kind!r} of a result (known: {', '.join(get_args(Kind))})")
        if kind == "octets":
            return Result("octets", self.octets(raw.get("value"), "value"))
        if kind == "ok":
            return Result("ok")
        return Result(kind, self.get(raw, "value", int if kind in ("count", "handle") else str))


_SHOWN = {int: "an integer", str: "a string", dict: "an object", list: "a list", bool: "true or false"}
