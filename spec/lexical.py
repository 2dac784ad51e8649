"""The words and signs of the language and of its neighbours, and what is refused before anything is parsed."""

from __future__ import annotations

import re

from wireproof.spec.diagnostics import Diagnostic
from wireproof.spec.source import Source, Span

MAX_DEPTH = 32
"""Brackets, conditionals and negations nested deeper than this are refused: nobody could read them."""

TOKENS = re.compile(r'"[^"\n]*"|--[^\n]*|(?P<open>[(\[{])|(?P<close>[)\]}])|(?P<word>[A-Za-z0-9_]+)|[^\s"]')
CLOSER = {"(": ")", "[": "]", "{": "}"}


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


ITEMS = _words(
    "machine enum header event call param profile var timer let function on may every after procedure invariant "
    "property theorem"
)
CLAUSES = _words(
    "means cites note supports without deviates cell when otherwise let choose require due set enter send start stop "
    "return report signal do drop continue redeliver"
)
STARTERS = ITEMS | CLAUSES | {"rule", "field", "with", "holds"}
"""Words that begin an item, a rule or a clause."""

WORDS = STARTERS | _words("not and or implies if then else in any step named timeout text for")
"""Those, and the other words that a name can stand behind."""

OPENERS = _words("and or not implies if then else holds mod = < > + - * /")
"""An expression comes behind them."""

OPERATORS = {
    "==": "equality is one '='",
    "===": "equality is one '='",
    "!=": "'not equal' is written '/='",
    "<>": "'not equal' is written '/='",
    "<=": "'less or equal' is written '=<'",
    "=>": "'greater or equal' is written '>=', implication 'implies'",
    "->": "implication is written 'implies'",
    "<-": "an assignment is written 'set NAME := value'",
    "&": "write 'and'",
    "&&": "write 'and'",
    "||": "write 'or'",
    "|": "write 'or' between conditions; '|' stands only between the members of an enum",
    "!": "write 'not'",
    "~": "write 'not'",
    "%": "write 'mod'",
    "**": "there is no power operator; write the product",
    "^": "there is no power operator; write the product",
    "+=": "write the whole assignment: 'set NAME := NAME + value'",
    "-=": "write the whole assignment: 'set NAME := NAME - value'",
    "++": "write the whole assignment: 'set NAME := NAME + 1'",
    "//": "a comment starts with '--'",
    "/*": "a comment starts with '--' and ends with its line",
    "*/": "a comment starts with '--' and ends with its line",
    "#": "a comment starts with '--'",
    ";": "remove it: layout and separators carry no meaning, each clause begins with its keyword",
    "...": "a range is written with two dots: 'low .. high'",
    "'": 'a text stands between double quotes: "text"',
    "`": 'a text stands between double quotes: "text"',
}

CHARACTERS = {
    "≤": "=<",
    "≥": ">=",
    "≠": "/=",
    "∧": "and",
    "∨": "or",
    "¬": "not",
    "⇒": "implies",
    "→": "implies",
    "≔": ":=",
    "∈": "in",
    "×": "*",
    "·": "*",
    "÷": "/",
    "−": "-",
    "–": "-",
    "—": "--",
    "…": "..",
    "“": '"',
    "”": '"',
    "„": '"',
    "«": '"',
    "»": '"',
    "‘": '"',
    "’": '"',
}

TERMINALS = {
    "UPPER": "a NAME in capitals",
    "NAME": "a name in small letters",
    "STRING": 'a "text"',
    "INT": "a number",
    "HEX": "a number",
    "DURATION": "a duration (500 ms)",
    "ID": "a requirement id (MUST-1)",
    "$END": "the end of the file",
    "SIGN": "+ or -",
    "TIMES": "*, / or mod",
    "LESS_EQUAL": "a comparison",
    "GREATER_EQUAL": "a comparison",
    "NOT_EQUAL": "a comparison",
    "LPAR": "'('",
    "RPAR": "')'",
    "LSQB": "'['",
    "RSQB": "']'",
    "LBRACE": "'{'",
    "RBRACE": "'}'",
    "COMMA": "','",
    "COLON": "':'",
    "EQUAL": "'='",
    "LESS": "'<'",
    "GREATER": "'>'",
    "__ANON_0": "'..'",
    "__ANON_1": "':='",
    "OPTIONAL": "'?'",
    "VBAR": "'|'",
}
"""Terminals that are not their own name in small letters."""


def span_at(source: Source, start: int, end: int) -> Span:
    """The span of some characters of one line, given by their offsets."""
    line = source.text.count("\n", 0, start) + 1
    column = start - (source.text.rfind("\n", 0, start) + 1) + 1
    return Span(source, line, column, line, column + max(1, end - start))


def before_parsing(source: Source) -> Diagnostic | None:
    """What the parser would bear badly: nesting without end, keywords that it would take for names."""
    brackets = chained = negations = conditionals = 0
    head = previous = ""
    for token in TOKENS.finditer(source.text):
        text = token[0]
        if text.startswith("--"):
            continue
        if previous + text in OPERATORS:
            return None  # from here on it is another language; the parser will say so
        if (found := _taken_for_a_name(source, token, head, previous)) is not None:
            return found
        brackets = max(0, brackets + bool(token["open"]) - bool(token["close"]))
        chained += text == "[" and previous == "]"
        negations = negations + 1 if text == "not" else 0
        conditionals += text == "if"
        if text in STARTERS:
            chained = conditionals = 0
            head = text
        if brackets + chained + negations + conditionals > MAX_DEPTH:
            what = f"this is nested more than {MAX_DEPTH} deep"
            return Diagnostic(
                "too-deep", span_at(source, token.start(), token.end()), what, "name parts of it with let"
            )
        previous = text
    return None


def _taken_for_a_name(source: Source, token: re.Match[str], head: str, previous: str) -> Diagnostic | None:
    """Where a name may stand, the grammar takes any word for one, keywords too; and it reads ``whenACK`` as two."""
    text = token[0]
    # An enum's members may be called anything; the '>' of a segment ends it.
    if text in STARTERS and previous in OPENERS and head != "enum" and (head, previous) != ("send", ">"):
        what = f"an expression is missing before '{text}'"
        hint = "complete the expression, or remove what asks for one"
    elif re.fullmatch(r"[a-z]+[A-Z][A-Z0-9]*|[A-Z][A-Z0-9]*[a-z]+", text) and re.findall("[a-z]+", text)[0] in WORDS:
        return mixed_letters(source, token.start(), text)
    else:
        return None
    return Diagnostic("syntax", span_at(source, token.start(), token.end()), what, hint)


def mixed_letters(source: Source, start: int, word: str) -> Diagnostic:
    """The diagnostic for a word in capitals and small letters."""
    parts = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z0-9]+", word)
    small = "_".join(parts).lower()
    if {parts[0], parts[-1]} & WORDS:
        hint = f"put a space beside the keyword: '{' '.join(parts)}'"
    elif word.lower() in WORDS:
        hint = f"keywords are in small letters: '{word.lower()}'"
    else:
        hint = f"names are in capitals ({capitals(small)}) or in small letters ({small})"
    span = span_at(source, start, start + len(word))
    return Diagnostic("syntax", span, f"'{word}' mixes capitals and small letters", hint)


def capitals(word: str) -> str:
    """A word in the shape of a name in capitals."""
    return word.upper().replace("_", "-")
