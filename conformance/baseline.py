"""Known departures of an implementation: a TOML file next to its target, each entry with the reason.

An entry explains failures (``kind = "fail"``: by test id, rule and text; those of generated traces by the rules that
the shortest such trace makes fire instead of the test id) or departures from a SHOULD that passing
tests carry (``kind = "should"``: by rule and requirement). What no entry explains is news; an entry that explains
nothing is stale.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from wireproof.conformance.select import glob, nearest

GENERATED = "property/"
"""How the ids of generated traces begin."""

DRAWN = re.compile(r"property/.*|.*/(reached|ends|forestalled|(edge|condition)-\d+-\w+)(-again)*")
"""The ids of generated traces, and of tests that were made for a purpose out of such traces."""

STEP = "step "
"""How a step of a generated trace is told from the rules that fired in it."""

KEYS: dict[str, type] = {
    "kind": str,
    "match": list,
    "property": list,
    "rule": str,
    "text": str,
    "seen": object,
    "reason": str,
    "requirements": list,
    "always": bool,
    "family": int,
}


class BaselineError(ValueError):
    """A baseline that cannot be used; the message names file and entry, and says what to write."""


@dataclass(slots=True)
class Entry:
    """One known departure. ``always``: the tests must fail; passing is news too. ``family``: holds for IPv4 or IPv6
    only. ``used`` counts what it explained in this run."""

    kind: str
    rule: str
    reason: str
    match: list[str] = field(default_factory=lambda: ["**"])
    property: list[str] = field(default_factory=list)
    """Of generated traces: one of these; each names rules (globs) that all fired in the trace, joined by `` + ``, or
    has a regular expression between slashes, which one of its steps fits."""
    text: str = ""
    seen: Any = ""
    requirements: list[str] = field(default_factory=list)
    always: bool = False
    family: int = 0
    number: int = 0
    used: int = 0

    def covers(self, test_id: str) -> bool:
        """Is the test one of those it is about?"""
        return any(glob(m).fullmatch(test_id) for m in self.match)

    def about(self, test_id: str, fired: Collection[str]) -> bool:
        """Is the test one of those it is about, or the trace one that makes its rules fire?"""
        if not test_id.startswith(GENERATED) and (self.covers(test_id) or not DRAWN.fullmatch(test_id)):
            return self.covers(test_id)
        return any(all(_fired(part, fired) for part in item.split(" + ")) for item in self.property)

    def explains(self, test_id: str, rule: str, text: str, fired: Collection[str] = ()) -> bool:
        """Does it explain this failure, in a test that made these rules fire?"""
        return (
            self.kind == "fail"
            and glob(self.rule).fullmatch(rule) is not None
            and (not self.text or re.search(self.text, text) is not None)
            and self.about(test_id, fired)
        )

    def allows(self, test_id: str, rule: str, requirement: str) -> bool:
        """Does it list this departure from a SHOULD?"""
        return (
            self.kind == "should"
            and glob(self.rule).fullmatch(rule) is not None
            and (not self.requirements or requirement in self.requirements)
            and (DRAWN.fullmatch(test_id) is not None or self.covers(test_id))
        )

    def as_dict(self) -> dict[str, Any]:
        """For the event stream."""
        return {s: getattr(self, s) for s in ("number", "kind", "match", "rule", "reason", "requirements")} | {
            "seen": self.seen if isinstance(self.seen, str) else str(self.seen)
        }


@dataclass(slots=True)
class Baseline:
    """The entries that hold for a target, in the order of the file."""

    entries: list[Entry] = field(default_factory=list)
    path: Path | None = None

    def failure(self, test_id: str, rules: list[str], text: str, fired: Collection[str] = ()) -> Entry | None:
        """The first entry that explains a failure with one of these rules, in a test that made ``fired`` fire."""
        for entry in self.entries:
            if any(entry.explains(test_id, rule, text, fired) for rule in rules):
                entry.used += 1
                return entry
        return None

    def deviation(self, test_id: str, rule: str, requirement: str) -> Entry | None:
        """The first entry that lists a departure from a SHOULD."""
        for entry in self.entries:
            if entry.allows(test_id, rule, requirement):
                entry.used += 1
                return entry
        return None

    def must_fail(self, test_id: str) -> Entry | None:
        """The entry that says that this test always fails."""
        return next((e for e in self.entries if e.always and e.covers(test_id)), None)

    def stale(self, undecided: list[str]) -> list[Entry]:
        """Entries about tests that explained nothing and are about no test that was left undecided."""
        return [e for e in self.entries if not e.used and e.match and not any(e.covers(i) for i in undecided)]


def _fired(rule: str, fired: Collection[str]) -> bool:
    if rule.startswith("/"):
        return any(re.search(rule.strip("/"), f) for f in fired if f.startswith(STEP))
    wanted = glob(rule)
    return any(wanted.fullmatch(f) for f in fired)


def read(path: Path, family: int = 0) -> Baseline:
    """The baseline in a file, without the entries for another address family. Raises :class:`BaselineError`."""
    try:
        raw = tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as e:
        why = e.strerror if isinstance(e, OSError) else "not UTF-8 text"
        raise BaselineError(f"{path}: cannot be read ({why})") from None
    except tomllib.TOMLDecodeError as e:
        raise BaselineError(f"{path}: not TOML: {e}") from None
    for key in raw:
        if key != "deviation":
            raise BaselineError(f"{path}: unknown key '{key}'; known is [[deviation]]")
    if not isinstance(raw.get("deviation", []), list):
        raise BaselineError(f"{path}: write [[deviation]] with two brackets, once for each entry")
    found = [_entry(path, n, e) for n, e in enumerate(raw.get("deviation", []), 1)]
    return Baseline([e for e in found if not (e.family and family and e.family != family)], path)


def _entry(path: Path, number: int, raw: dict[str, Any]) -> Entry:
    at = f"{path}, [[deviation]] {number}"
    for key, value in raw.items():
        if key not in KEYS:
            guess = nearest(key, KEYS)
            raise BaselineError(
                f"{at}: unknown key '{key}'"
                + (f"; did you mean '{guess}'?" if guess else f"; known: {', '.join(KEYS)}")
            )
        wanted = KEYS[key]
        if not isinstance(value, wanted) or (wanted is int and isinstance(value, bool)):
            raise BaselineError(f"{at}: '{key}' must be {_KIND_NAMES[wanted]}, not {value!r}")
        if isinstance(value, list) and key != "seen" and not all(isinstance(v, str) for v in value):
            raise BaselineError(f"{at}: '{key}' must be a list of texts")
    if raw.get("kind", "fail") not in ("fail", "should"):
        raise BaselineError(f"{at}: kind is '{raw['kind']}'; it must be 'fail' or 'should'")
    by = [] if raw.get("property") else ["match"]
    needed = ["kind", "rule", "reason"] + (by if raw.get("kind") == "fail" else ["requirements"])
    for key in needed:
        if not raw.get(key):
            raise BaselineError(f"{at}: '{key}' is missing")
    if raw.get("family", 4) not in (4, 6):
        raise BaselineError(f"{at}: family must be 4 or 6")
    try:
        what = "text"
        re.compile(raw.get("text", ""))
        what = "property"
        for part in (p for item in raw.get("property", ()) for p in item.split(" + ") if p.startswith("/")):
            re.compile(part.strip("/"))
    except re.error as e:
        raise BaselineError(f"{at}: {what} is no regular expression: {e}") from None
    if "match" not in raw and "property" in raw:
        raw = {**raw, "match": []}
    return Entry(number=number, **raw)


_KIND_NAMES = {str: "a text", list: "a list of texts", bool: "true or false", int: "a number"}
