"""Selecting test cases: by id, requirement, section, rule, state, event, level, or words in the id.

One language for what to run and what to leave out; several selectors widen the choice. Globs of ids go part by part:
``*`` is one part (or a piece of one), ``**`` any number of parts.
"""

from __future__ import annotations

import difflib
import fnmatch
import functools
import random
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from wireproof.conformance.testcase import TestCase

Test = Callable[[TestCase], bool]

REQUIREMENT = re.compile(r"(MUST|SHLD|MAY|REC)-[0-9*?\[\]-]+", re.IGNORECASE)
SECTION = re.compile(r"rfc ?(\d+)[: ](.+)", re.IGNORECASE)
_CITED = re.compile(r"RFC (\d+)|(POSIX)\S*|(?<![\w.-])(\d{1,2}(?:\.\d+)*)(?![\w(-])")

TAGS: dict[str, Callable[[TestCase], list[str]]] = {
    "state": lambda c: [c.state],
    "event": lambda c: [c.event],
    "level": lambda c: [c.level],
    "rule": lambda c: c.rules,
    "cell": lambda c: c.cells,
}
"""What ``name:value`` may ask for."""


class SelectionError(ValueError):
    """A selector that cannot be understood; the message says what would be."""


@dataclass(slots=True)
class Selection:
    """The chosen cases, and the selectors that matched nothing with a hint each."""

    cases: list[TestCase]
    unmatched: list[tuple[str, str]] = field(default_factory=list)
    whole: bool = False
    """Everything there is was chosen."""


@functools.cache
def glob(pattern: str) -> re.Pattern[str]:
    """A glob over ids with ``/`` between the parts, as a regular expression for ``fullmatch``."""
    every = pattern.split("/")
    parts = [p for n, p in enumerate(every) if not (n and p == every[n - 1] == "**")]
    if parts == ["**"]:
        return re.compile(".*")
    out = ""
    for part in parts[:-1]:
        out += "(?:[^/]+/)*" if part == "**" else _piece(part) + "/"
    out = out.removesuffix("/") + "(?:/.*)?" if parts[-1] == "**" else out + _piece(parts[-1])
    return re.compile(out)


def _piece(part: str) -> str:
    return "".join("[^/]*" if c == "*" else "[^/]" if c == "?" else re.escape(c) for c in part)


def nearest(word: str, known: Iterable[str]) -> str:
    """The most similar of the known words, or an empty string."""
    known = list(known)
    lowered = {k.lower(): k for k in known}
    found = difflib.get_close_matches(word.lower(), lowered, 1, 0.5)
    return lowered[found[0]] if found else ""


def sections(cites: Iterable[str]) -> set[tuple[str, str]]:
    """(RFC number, section) of every section that citations name: ``RFC 9293 3.7, 3.8.6.2.1`` has two."""
    out = set()
    for cite in cites:
        rfc = ""
        for number, other, section in _CITED.findall(cite):
            if number or other:
                rfc = number
            elif rfc:
                out.add((rfc, section))
    return out


@functools.cache
def rule_sections() -> dict[str, set[tuple[str, str]]]:
    """The sections that each rule of the specification cites."""
    from wireproof.spec.load import tcp

    return {r.id: sections(r.cites) for _, r in tcp().rules()}


def _in_section(rfc: str, section: str) -> Test:
    section = section.strip().rstrip(".")
    cited = rule_sections()
    rules = {
        rule
        for rule, found in cited.items()
        if any(r == rfc and (s == section or s.startswith(section + ".")) for r, s in found)
    }
    return lambda c: not rules.isdisjoint(c.rules)


def _values(values: Callable[[TestCase], list[str]], pattern: str) -> Test:
    if "/" in pattern:
        wanted = glob(pattern)
        return lambda c: any(wanted.fullmatch(v) for v in values(c))
    upper = pattern.upper()
    return lambda c: any(fnmatch.fnmatchcase(v.upper(), upper) for v in values(c))


def is_selector(text: str) -> bool:
    """Does this look like a selector, rather than like the name of a target?"""
    name = text.partition(":")[0].lower()
    return (
        text.startswith("@")
        or REQUIREMENT.fullmatch(text) is not None
        or SECTION.fullmatch(text) is not None
        or name in TAGS
        or ("/" in text and name not in ("mutant", "exec", "tap"))
    )


def parse(text: str) -> Test:
    """What one selector asks for. Raises :class:`SelectionError`."""
    if REQUIREMENT.fullmatch(text):
        return _values(lambda c: c.ids, text)
    if section := SECTION.fullmatch(text):
        return _in_section(section[1], section[2])
    name, colon, value = text.partition(":")
    if colon and "/" not in name:
        if name.lower() not in TAGS:
            guess = nearest(name, [*TAGS, "rfc9293"])
            did = f"; did you mean '{guess}:{value}'?" if guess else ""
            raise SelectionError(f"'{text}': there is no tag '{name}' (known: {', '.join(TAGS)}, rfc9293){did}")
        return _values(TAGS[name.lower()], value)
    wanted = glob(text)
    return lambda c: any(wanted.fullmatch(i) for i in (c.id, *c.aka))


def expression(text: str) -> Test:
    """A ``-k`` expression: words that the id must contain, with ``and``, ``or``, ``not`` and parentheses."""
    tokens = re.findall(r"[()]|[^\s()]+", text)
    at = 0

    def fault(what: str) -> SelectionError:
        return SelectionError(f"-k '{text}': {what}; write for instance -k 'rst and not (window or old)'")

    def peek() -> str:
        return tokens[at] if at < len(tokens) else ""

    def either() -> Test:
        nonlocal at
        left = both()
        while peek() == "or":
            at += 1
            left = _join(any, left, both())
        return left

    def both() -> Test:
        nonlocal at
        left = single()
        while peek() == "and":
            at += 1
            left = _join(all, left, single())
        return left

    def single() -> Test:
        nonlocal at
        token = peek()
        at += 1
        if token == "not":
            inner = single()
            return lambda c: not inner(c)
        if token == "(":
            inner = either()
            if peek() != ")":
                raise fault("a ')' is missing")
            at += 1
            return inner
        if token in ("", ")", "and", "or"):
            raise fault(f"a word is missing before '{token}'" if token else "it ends too early")
        word = token.lower()
        return lambda c: word in c.id.lower()

    found = either()
    if at < len(tokens):
        raise fault(f"'{peek()}' does not fit here (use and, or)")
    return found


def _join(how: Callable[[Iterable[bool]], bool], *tests: Test) -> Test:
    return lambda c: how(t(c) for t in tests)


def expand(texts: Iterable[str]) -> list[str]:
    """Selectors with ``@file`` replaced by the lines of the file; ``#`` begins a comment. Raises SelectionError."""
    out: list[str] = []
    for text in texts:
        if not text.startswith("@"):
            out.append(text)
            continue
        try:
            lines = Path(text[1:]).read_text("utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as e:
            why = e.strerror if isinstance(e, OSError) else "not UTF-8 text"
            raise SelectionError(f"'{text}': the file of selectors cannot be read ({why})") from None
        out += [word for line in lines if (word := line.partition("#")[0].strip())]
    return out


def hint(text: str, cases: Sequence[TestCase]) -> str:
    """What a selector that matches nothing may have meant."""
    name, colon, value = text.partition(":")
    if REQUIREMENT.fullmatch(text):
        guess = nearest(text, sorted({i for c in cases for i in c.ids}))
    elif SECTION.fullmatch(text):
        return "no test exercises a rule that cites this section"
    elif colon:
        known = sorted({v for c in cases for v in TAGS[name.lower()](c) if v})
        guess = nearest(value, known)
        if not guess and len(known) < 20:
            return f"known: {', '.join(known)}"
        guess = guess and f"{name}:{guess}"
    elif any(c.id.startswith(text.rstrip("/") + "/") for c in cases):
        guess = f"{text.rstrip('/')}/**"
    else:
        guess = nearest(text, [c.id for c in cases])
    return f"did you mean '{guess}'?" if guess else "`wireproof suite list` shows the tests"


def select(
    cases: Sequence[TestCase],
    include: Iterable[str] = (),
    exclude: Iterable[str] = (),
    keyword: str = "",
    sample: int | None = None,
    seed: int = 0,
    ids: frozenset[str] | None = None,
) -> Selection:
    """The cases that any of ``include`` names (all, when there is none) and nothing excludes.

    ``ids`` limits the choice to these ids; ``sample`` takes that many at random, the same ones for a seed.
    Raises :class:`SelectionError`.
    """
    chosen = list(cases) if ids is None else [c for c in cases if c.id in ids]
    unmatched: list[tuple[str, str]] = []

    def matched(texts: Iterable[str]) -> set[str]:
        found: set[str] = set()
        for text in expand(texts):
            test = parse(text)
            some = {c.id for c in cases if test(c)}
            if not some:
                unmatched.append((text, hint(text, cases)))
            found |= some
        return found

    include = list(include)
    if include:
        wanted = matched(include)
        chosen = [c for c in chosen if c.id in wanted]
    if unwanted := matched(exclude):
        chosen = [c for c in chosen if c.id not in unwanted]
    if keyword:
        test = expression(keyword)
        chosen = [c for c in chosen if test(c)]
    if sample is not None and sample < len(chosen):
        picked = {c.id for c in random.Random(seed).sample(chosen, sample)}
        chosen = [c for c in chosen if c.id in picked]
    return Selection(chosen, unmatched, whole=len(chosen) == len(cases))
