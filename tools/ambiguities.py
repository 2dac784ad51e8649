"""docs/ambiguities.md: every ``note`` of the specification, where the RFC is open or contradicts itself."""

from __future__ import annotations

from wireproof.spec import ir

HEADER = """# Ambiguities, freedoms and deviations, as the specification notes them

Generated from the `note` clauses of spec/rules/tcp/*.wire by `make generate`. Do not edit.

Each line says what RFC 9293 leaves open, says twice, or where implementations differ, and how the specification
decides. The rule or section that carries the note is named after it.
"""


def render(model: ir.Model) -> str:
    """The page as Markdown, by source file in the order of the text."""
    files: dict[str, list[tuple[int, str, str]]] = {}

    def add(span_file: str, line: int, where: str, notes: list[str]) -> None:
        for n in notes:
            files.setdefault(span_file, []).append((line, where, n))

    for p in model.profiles.values():
        add(p.span.source.name, p.span.line, f"profile {p.name}", p.notes)
    for a in model.abbreviations.values():
        add(a.span.source.name, a.span.line, f"let {a.name}", a.notes)
    for s in model.sections:
        add(s.span.source.name, s.span.line, f"section {s.name} ({'; '.join(s.cites)})", s.notes)
        for r in s.rules:
            add(r.span.source.name, r.span.line, f"rule {r.id} ({'; '.join(r.cites)})", r.notes)
    for c in model.claims():
        kind = type(c).__name__.lower()
        add(c.span.source.name, c.span.line, f"{kind} {c.name} ({'; '.join(c.cites)})", c.notes)
    out = [HEADER]
    for name in sorted(files):
        out.append(f"\n## {name}\n")
        seen = set()
        for _, where, note in sorted(files[name]):
            if note not in seen:
                seen.add(note)
                out.append(f"- {note} *{where}*")
    return "\n".join(out) + "\n"
