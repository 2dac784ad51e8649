"""The requirements of RFC 9293, which rules answer them, and why some have no rule."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from pathlib import Path

from wireproof.spec import ir
from wireproof.spec.diagnostics import Diagnostic
from wireproof.spec.load import rules_root
from wireproof.spec.scope import suggest
from wireproof.spec.source import Source, Span


@dataclass(slots=True)
class Requirement:
    """One requirement: ``rules`` cite it, or ``reason`` says why none does."""

    id: str
    level: str
    section: str
    means: str
    reason: str | None = None
    rules: list[str] = field(default_factory=list)
    claims: list[str] = field(default_factory=list)
    """The invariants, properties and theorems that cite it: they show it of the rules, and do not stand for one."""
    span: Span | None = None


def read(path: Path | None = None) -> list[Requirement]:
    """The requirements of a toml file, in its order. Raises ValueError naming the file when it is no such list."""
    path = path or rules_root() / "tcp" / "requirements.toml"
    text = path.read_text("utf-8")
    source = Source(path.name, text)
    lines = {line.split('"')[1]: n for n, line in enumerate(text.split("\n"), 1) if line.startswith('id = "')}
    out = []
    try:
        for entry in tomllib.loads(text)["requirement"]:
            i = entry["id"]
            span = Span(source, lines[i], 1, lines[i], len(source.line(lines[i])) + 1)
            out.append(Requirement(i, entry["level"], entry["section"], entry["means"], entry.get("reason"), span=span))
    except tomllib.TOMLDecodeError as e:
        raise ValueError(f"{path}: not a list of requirements: {e}") from None
    except KeyError as e:
        raise ValueError(f"{path}: not a list of requirements: {e} is missing") from None
    twice = [r.id for n, r in enumerate(out) if r.id in {other.id for other in out[:n]}]
    if twice:
        raise ValueError(f"{path}: {twice[0]} stands there twice")
    return out


def table(model: ir.Model, path: Path | None = None) -> list[Requirement]:
    """The requirements with the rules that cite them."""
    found = read(path)
    by_id = {r.id: r for r in found}
    for _, rule in model.rules():
        for i in dict.fromkeys([*rule.ids, *rule.deviates]):
            if i in by_id:
                by_id[i].rules.append(rule.id)
    for claim in model.claims():
        for i in dict.fromkeys(claim.ids):
            if i in by_id:
                by_id[i].claims.append(claim.name)
    return found


def diagnose(model: ir.Model, path: Path | None = None) -> list[Diagnostic]:
    """An id that does not exist, one with neither rule nor reason, one with both."""
    found = table(model, path)
    known = [r.id for r in found]
    cited = [(rule.span, i) for _, rule in model.rules() for i in (*rule.ids, *rule.deviates)]
    cited += [(claim.span, i) for claim in model.claims() for i in claim.ids]
    out = [
        Diagnostic("unknown-requirement", span, f"there is no requirement {i}", suggest(i, known))
        for span, i in cited
        if i not in known
    ]
    for r in found:
        assert r.span is not None
        if not r.rules and not r.reason:
            hint = "cite it in a rule, or give a reason"
            out.append(Diagnostic("requirement-open", r.span, f"no rule cites {r.id}, and no reason is given", hint))
        if r.rules and r.reason:
            text = f"{r.id} has a reason for having no rule, and {r.rules[0]} cites it"
            out.append(Diagnostic("stale-reason", r.span, text, "remove the reason, or the citation"))
    return out
