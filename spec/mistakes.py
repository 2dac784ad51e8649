"""What is wrong with a text that does not parse, and what to do about it: the usual mistakes, one function each."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

import lark

from wireproof.spec.diagnostics import Diagnostic
from wireproof.spec.lexical import (
    CHARACTERS,
    CLAUSES,
    CLOSER,
    OPERATORS,
    STARTERS,
    TERMINALS,
    TOKENS,
    WORDS,
    capitals,
    mixed_letters,
    span_at,
)
from wireproof.spec.source import Source


@dataclass(frozen=True, slots=True)
class Place:
    """Where the parser could not go on."""

    source: Source
    start: int
    end: int
    text: str
    """The whole word or operator there; empty at the end of the file."""
    accepts: frozenset[str]
    """The terminals that could stand there."""
    glued: bool
    """The parser took the beginning of the word for a keyword."""

    @property
    def before(self) -> str:
        """The word or character before the place, comments skipped."""
        lines = re.sub(r"--[^\n]*", "", self.source.text[max(0, self.start - 500) : self.start])
        found = re.search(r"([A-Za-z0-9_.-]+|\S)\s*\Z", lines)
        return found[1] if found else ""

    def keywords(self) -> list[str]:
        """The words that could stand here (of a word that was cut in two: all that begin something)."""
        if self.glued:
            return sorted(STARTERS)
        return sorted(n.lower() for n in self.accepts if n not in TERMINALS and n != "CTL")

    def error(self, text: str, hint: str, code: str = "syntax", opened: int | None = None) -> Diagnostic:
        span = span_at(self.source, self.start, self.end)
        if opened is None:
            return Diagnostic(code, span, text, hint)
        cause = span_at(self.source, opened, opened + 1)
        return Diagnostic(code, span, text, hint, cause=cause, cause_text="opened here")


def syntax_error(source: Source, e: lark.exceptions.UnexpectedInput) -> Diagnostic:
    """The diagnostic for the place at which the parser gave up: of the usual mistakes the first that fits."""
    place = _place(source, e)
    for mistake in MISTAKES:
        if (found := mistake(place)) is not None:
            return found
    return place.error(f"'{place.text}' cannot stand here", f"expected here: {expected(place)}")


def _place(source: Source, e: lark.exceptions.UnexpectedInput) -> Place:
    parser: Any = getattr(e, "interactive_parser", None)
    found = parser.accepts() if parser else None
    accepts = frozenset(found or getattr(e, "allowed", None) or getattr(e, "expected", None) or ())
    if isinstance(e, lark.exceptions.UnexpectedToken) and e.token.type == "$END":
        end = e.token.end_pos or 0
        return Place(source, max(0, end - 1), end, "", accepts, False)
    at = e.pos_in_stream or 0
    text = source.text
    shape = next((s for s in (r"[A-Za-z0-9_]", r"[=<>!:&|/*+%~-]", r"\.") if re.match(s, text[at])), None)
    if shape is None:
        return Place(source, at, at + 1, text[at], accepts, False)
    left, right = re.search(rf"{shape}*\Z", text[max(0, at - 80) : at]), re.match(rf"{shape}*", text[at : at + 80])
    start, end = at - len(left[0] if left else ""), at + len(right[0] if right else "")
    if text[start].isupper():
        end = start + len(_rest(text[start : end + 80]).rstrip(".-"))
    return Place(source, start, end, text[start:end], accepts, start < at and text[start].isalpha())


def expected(place: Place) -> str:
    """What could stand there, for people: names and signs first, then words in alphabetic order."""
    accepts = place.accepts
    if "LPAR" in accepts and "INT" in accepts:
        return "an expression"
    if "SET" in accepts or "MACHINE" in accepts:
        operator = "an operator, " if "AND" in accepts else ""
        clause = "a clause (when, set, send, ...), the next rule, " if "SET" in accepts else ""
        clause = next((f"'{w.lower()}', " for w in ("HOLDS", "THEN") if w in accepts), clause)
        return f"{operator}{clause}a declaration (enum, var, let, ...) or a section (on, may send, procedure, ...)"
    shown = sorted({TERMINALS.get(n, n.lower().replace("ctl", "CTL")) for n in accepts})
    return ", ".join(shown[:8]) + (", ..." if len(shown) > 8 else "")


# ---- the mistakes, most telling first --------------------------------------------------------------------------


def _unclosed_text(p: Place) -> Diagnostic | None:
    if p.text != '"':
        return None
    return p.error("a text that is opened here is not closed on its line", 'add the closing "', "lexical")


def _odd_character(p: Place) -> Diagnostic | None:
    if not p.text or (p.text.isascii() and p.text.isprintable()):
        return None
    name = unicodedata.name(p.text, f"U+{ord(p.text):04X}").lower()
    if p.text == "\ufeff":
        hint = "save the file as UTF-8 without a byte order mark"
    elif p.text in CHARACTERS:
        hint = f"write {CHARACTERS[p.text]}"
    elif p.text.isspace() or not p.text.isprintable():
        hint = "put a plain space in its place"
    else:
        hint = "only texts and comments may hold other characters than ASCII"
    return p.error(f"the character {p.text!r} ({name}) cannot stand here", hint, "lexical")


def _assignment(p: Place) -> Diagnostic | None:
    if "__ANON_1" in p.accepts and p.text in {"=", ":", "==", "<-"}:
        return p.error(f"'{p.text}' cannot stand here", "an assignment is written 'set NAME := value'")
    if p.text == ":=" and "EQUAL" in p.accepts:
        return p.error("':=' cannot stand here", "write '='; only set assigns with ':='")
    following = p.source.text[p.end : p.end + 80].lstrip()
    if p.text[:1].isupper() and "SET" in p.accepts and re.match(r":=|=[^<]", following):
        return p.error(f"'{p.text}' cannot begin a clause", f"an assignment is written 'set {p.text} := value'")
    return None


def _foreign_operator(p: Place) -> Diagnostic | None:
    hint = OPERATORS.get(p.text)
    if hint is None or (p.text == "|" and "VBAR" in p.accepts):
        return None
    return p.error(f"'{p.text}' is no operator or sign of this language", hint)


def _number(p: Place) -> Diagnostic | None:
    head = re.search(r"[0-9]+ *\Z", p.source.text[max(0, p.start - 30) : p.start])
    if p.text == "," and head and re.match(r"[0-9]{3}\b", p.source.text[p.end : p.end + 4]):
        return p.error("a number has no separators", "write its digits together: 65535")
    if p.text == "." and head:
        return p.error("a number is whole", "choose a smaller unit: '1500 ms' for 1.5 s")
    if re.fullmatch(r"0[XbBoO][0-9a-fA-F]*|[0-9]+[A-Za-z_]\w*", p.text):
        hint = "write it in digits, or as 0x and hexadecimal digits; durations end with us, ms, s, min or h"
        return p.error(f"'{p.text}' is no number", hint)
    if head and re.fullmatch(r"(?i)(sec|min|hour|milli|micro|day)[a-z]*|[smhd]", p.text):
        return p.error(f"'{p.text}' is no unit", "the units of time are us, ms, s, min and h")
    return None


def _brackets(p: Place) -> Diagnostic | None:
    stack = _open_brackets(p.source.text, p.start if p.text else p.end)
    if p.text in CLOSER.values():
        if not stack:
            return p.error(f"there is nothing open that this '{p.text}' closes", "remove it, or open it before")
        at, opened = stack[-1]
        if CLOSER[opened] != p.text:
            text = f"'{p.text}' does not close '{opened}'"
            return p.error(text, f"close it with '{CLOSER[opened]}'", opened=at)
    if stack and (not p.text or p.text in STARTERS | {"named", "step"}):
        at, opened = stack[-1]
        where = f"before '{p.text}'" if p.text else "at the end of the file"
        return p.error(f"'{opened}' is still open {where}", f"close it with '{CLOSER[opened]}'", opened=at)
    return None


def _open_brackets(text: str, end: int) -> list[tuple[int, str]]:
    stack: list[tuple[int, str]] = []
    for token in TOKENS.finditer(text, 0, end):
        if token["open"]:
            stack.append((token.start(), token[0]))
        elif token["close"] and stack:
            stack.pop()
    return stack


def _reserved(p: Place) -> Diagnostic | None:
    """A word of the language stood where only a name could, so the parser took it for one."""
    word = p.before
    if "AND" not in p.accepts or word not in {"not", "and", "or", "implies", "mod", "if", "then", "else", "in"}:
        return None
    start = p.source.text.rindex(word, 0, p.start)
    at = Place(p.source, start, start + len(word), word, p.accepts, False)
    hint = f"put it in parentheses: '({word} ...)'" if word in {"not", "if"} else "an operand is missing before it"
    return at.error(f"'{word}' cannot stand here", hint)


def _letters(p: Place) -> Diagnostic | None:
    """Small letters, capitals, hyphens, dots and underscores in the wrong place."""
    if re.fullmatch(r"[A-Z][A-Z0-9.-]*_[A-Z0-9_.-]*", p.text):
        return p.error(f"'{p.text}' is no name", f"names in capitals have hyphens: {capitals(p.text)}")
    if p.text == "." and re.fullmatch(r"[A-Za-z0-9_.-]+", p.before):
        whole = _widened(p)
        return whole.error(f"'{whole.text}' is no name", f"names with dots are in capitals: {whole.text.upper()}")
    if p.text == "-" and re.fullmatch(r"[a-z][a-z0-9_]*", p.before) and not {"SIGN", "NAME"} & p.accepts:
        whole = _widened(p)
        small = whole.text.lower().replace("-", "_")
        return whole.error(f"'{whole.text}' is no name", f"names in small letters have underscores: {small}")
    if (p.glued or {"UPPER", "NAME"} & p.accepts) and p.text.lower() != p.text != p.text.upper():
        return mixed_letters(p.source, p.start, p.text)
    if not re.fullmatch(r"\w[\w.-]*", p.text) or p.text in STARTERS:
        return None
    if get_close_matches(p.text.lower(), p.keywords(), n=1, cutoff=0.8):
        return None
    if "UPPER" in p.accepts and "NAME" not in p.accepts and p.text[0].islower():
        return p.error(f"'{p.text}' is not in capitals", f"a name in capitals stands here, such as {capitals(p.text)}")
    if "NAME" in p.accepts and "UPPER" not in p.accepts and p.text[0].isupper():
        small = re.sub(r"\W", "_", p.text.lower())
        return p.error(f"'{p.text}' is in capitals", f"a name in small letters stands here: {small}")
    return None


def _widened(p: Place) -> Place:
    """The place with the word before it and what of the name comes behind it."""
    start = p.source.text.rindex(p.before, 0, p.start)
    text = _rest(p.source.text[start : p.end + 80])
    return Place(p.source, start, start + len(text), text, p.accepts, False)


def _rest(text: str) -> str:
    """The name at the beginning of a text, with all that names are made of."""
    found = re.match(r"[A-Za-z0-9_.-]*", text)
    return found[0] if found else ""


def _identifier(p: Place) -> Diagnostic | None:
    if "ID" not in p.accepts or p.text in STARTERS:
        return None
    return p.error(f"'{p.text}' is no requirement id", "ids look like MUST-1, SHLD-2, MAY-3, REC-4 or U-5")


def _level(p: Place) -> Diagnostic | None:
    if "MUST" not in p.accepts or p.text.lower() not in {"must", "should", "may", "shall", "required", "recommended"}:
        return None
    return p.error(f"'{p.text}' is no level", "the level of a rule is must, should, may or procedure, in small letters")


def _section_header(p: Place) -> Diagnostic | None:
    if "NAMED" in p.accepts and p.text in STARTERS | {""}:
        return p.error("a section has a name", "put 'named NAME' before its rules and documentation")
    if "NAMED" in p.accepts and (p.text == "," or p.text[:1].isupper()):
        return p.error(f"'{p.text}' cannot stand here", "states are written 'in LISTEN', 'in {A, B}' or 'in any'")
    return None


def _nameless_rule(p: Place) -> Diagnostic | None:
    found = re.search(r"\brule[ \t]*\n\s*([a-z]+)\s+\Z", p.source.text[max(0, p.start - 200) : p.start])
    if found is None or found[1] not in CLAUSES:
        return None
    start = p.source.text.rindex(found[1], 0, p.start)
    at = Place(p.source, start, start + len(found[1]), found[1], p.accepts, False)
    return at.error(f"the rule before '{at.text}' has no name", "write 'rule NAME'")


def _rule_and_section(p: Place) -> Diagnostic | None:
    if p.text == "rule" and "RULE" not in p.accepts and "MACHINE" in p.accepts:
        hint = "begin a section before it: 'on EVENT in STATES named NAME', 'may send ...', 'procedure NAME'"
        return p.error("a rule stands in a section", hint)
    if "RULE" in p.accepts and "WHEN" not in p.accepts:
        if p.text in CLAUSES - {"let", "choose"}:
            return p.error(f"'{p.text}' stands in a rule", "begin the rule before it: 'rule NAME'")
        if p.text in STARTERS | {""}:
            return p.error("a section has at least one rule", "add 'rule NAME' and its clauses")
    if p.text in CLAUSES and "MACHINE" in p.accepts and "WHEN" not in p.accepts:
        return p.error(f"'{p.text}' stands in a rule", "begin a section and a rule before it")
    return None


CLAIMS = {
    "invariant": ("holds", {"in"}, "it has 'in STATES' and 'holds'; 'when A holds B' is written 'holds A implies B'"),
    "property": ("then", {"in", "when"}, "it has 'on STEPS', 'in STATES', 'when' and 'then', in this order"),
    "theorem": ("holds", {"for", "when"}, "it has 'for EVENT', 'when' and 'holds', in this order"),
}
"""With which word each kind of claim says what it says, what has to stand before that, and its clauses."""


def _claim(p: Place) -> Diagnostic | None:
    """The clauses of an invariant, a property or a theorem, and their order."""
    if not {"HOLDS", "THEN"} & p.accepts or "MEANS" not in p.accepts:
        return None
    kind = re.findall(r"\b(invariant|property|theorem)\s+[a-z]", p.source.text[: p.start])[-1]
    word, before, clauses = CLAIMS[kind]
    an = "an" if kind == "invariant" else "a"
    if "MACHINE" in p.accepts:
        found = p.error(f"'{p.text}' stands before '{word}'", f"move it up: {clauses}")
        return found if p.text in before else None
    if "COMMA" in p.accepts and re.match("[a-z]", p.text) and p.text not in STARTERS:
        hint = "steps of several kinds stand between commas: 'on segment, call'"
        return p.error(f"'{p.text}' cannot stand here", hint)
    if p.text in CLAUSES or p.text in ("on", "for", "in", "then", "holds"):
        return p.error(f"'{p.text}' cannot stand here in {an} {kind}", clauses)
    if p.text in STARTERS | {""}:
        return p.error(f"the {kind} before this says nothing", f"add '{word} ...'")
    return None


def _conditional(p: Place) -> Diagnostic | None:
    if {"THEN", "ELSE"} & p.accepts and (p.text in STARTERS or not p.text or p.text[0].isalnum()):
        return p.error("an if has three parts", "write 'if CONDITION then VALUE else VALUE'")
    if p.text == "if" and "WHEN" in p.accepts:
        return p.error("'if' begins no clause", "the condition of a rule is written 'when', each case is a rule")
    if p.text == "implies":
        return p.error("implies cannot be chained", "put one of them in parentheses")
    return None


def _operand(p: Place) -> Diagnostic | None:
    if not {"LPAR", "NAME", "INT"} <= p.accepts or (
        p.text not in STARTERS | {"", ",", "then", "else", *CLOSER.values()}
    ):
        return None
    where = f"before '{p.text}'" if p.text else "at the end of the file"
    return p.error(f"an expression is missing {where}", "complete the expression, or remove what asks for one")


REMEDIES = (
    ({"OK", "ERROR"}, "what a call returns is 'ok', 'error E', 'count N', 'text N of DATA' or 'state S'"),
    ({"BETWEEN", "FROM"}, "write 'start TIMER after DURATION', 'between A and B' or 'from A'"),
    ({"STRING"}, 'the text stands between double quotes: "text"'),
    ({"WITHIN"}, "write 'due within DURATION'"),
    ({"BITS"}, "the width of a header's field is written 'field NAME 16 bits'"),
    ({"LESS"}, "a segment is written <SEQ=value><ACK=value><CTL=SYN,ACK>"),
    ({"COMMA", "GREATER"}, "control bits stand between commas: <CTL=SYN,ACK>"),
    ({"COLON"}, "the sort is missing: ': sort'"),
    ({"LPAR"}, "arguments stand in parentheses, even if there are none: 'call close()'"),
    ({"GREATER", "__ANON_0"}, "each field of a segment ends with '>': <SEQ=value>"),
    ({"LBRACE"}, "the members stand in braces: 'in {A, B}'"),
    ({"__ANON_0"}, "a range is written 'low .. high'; octets are cut out with DATA[low .. high]"),
    ({"EQUAL"}, "a value follows: '= value'"),
    ({"IN"}, "write 'choose NAME in low .. high', 'in flag' or 'in sequence_number'"),
)
"""Terminals that are accepted together in one kind of place only, and what to do there."""


def _remedy(p: Place) -> Diagnostic | None:
    if len(p.accepts) > 6 or (p.text.isalpha() and get_close_matches(p.text, p.keywords(), cutoff=0.7)):
        return None
    if p.text == ":" and p.accepts == {"INT"}:
        return p.error("':' cannot stand here", "the width of a header's field is written 'field NAME 16 bits'")
    hint = next((hint for needs, hint in REMEDIES if needs <= p.accepts), "")
    return p.error(f"{_shown(p)} cannot stand here", hint) if hint and p.text else None


def _few_members(p: Place) -> Diagnostic | None:
    if p.text == "," and "VBAR" in p.accepts:
        return p.error("',' cannot stand here", "the members of an enum stand between '|'")
    if "FIELD" in p.accepts and "CALL" not in p.accepts and p.text in STARTERS | {""}:
        return p.error("an event or header has at least one field", "add 'field NAME ...'")
    if p.text == "step" and "AT" in p.accepts:
        return p.error("'step' cannot stand here", "write 'continue at step NUMBER'")
    return None


def _misspelt(p: Place) -> Diagnostic | None:
    """A keyword with a letter too many or too few, perhaps taken for a keyword and a name behind it."""
    if not re.fullmatch(r"[A-Za-z_]\w*", p.text):
        return None
    near = get_close_matches(p.text.lower(), p.keywords(), n=1, cutoff=0.7)
    near = near or [k for k in p.keywords() if len(k) > 2 and p.text.startswith(k)]
    if not near:
        return None
    hint = "keywords are in small letters" if near[0] == p.text.lower() else "did you mean"
    text = f"'{p.text}' is no keyword" if p.glued or p.text not in STARTERS else f"'{p.text}' cannot stand here"
    return p.error(text, f"{hint}: '{near[0]}'" if hint[0] == "k" else f"{hint} '{near[0]}'?")


def _end(p: Place) -> Diagnostic | None:
    if p.text:
        return None
    return p.error("the file ends in the middle of something", f"expected here: {expected(p)}")


def _shown(p: Place) -> str:
    return "the end of the file" if not p.text else f"'{p.text}'"


def _cut_keyword(p: Place) -> Diagnostic | None:
    """``rulee x`` was read as rule e, and x is one name too many: lines begin with keywords, this one does not."""
    line = re.search(r"^[ \t]*([a-z][a-z0-9_]*)[ \t]+\Z", p.source.text[: p.start], re.MULTILINE)
    if p.glued or line is None or line[1] in WORDS:
        return None
    near = max((k for k in STARTERS if line[1].startswith(k)), key=len, default="")
    at = Place(p.source, line.start(1), line.end(1), line[1], p.accepts, True)
    return at.error(f"'{line[1]}' is no keyword", f"did you mean '{near}'?") if near else None


MISTAKES: tuple[Callable[[Place], Diagnostic | None], ...] = (
    _unclosed_text,
    _nameless_rule,
    _cut_keyword,
    _odd_character,
    _assignment,
    _foreign_operator,
    _number,
    _reserved,
    _letters,
    _identifier,
    _level,
    _section_header,
    _claim,
    _rule_and_section,
    _few_members,
    _conditional,
    _brackets,
    _operand,
    _remedy,
    _misspelt,
    _end,
)
