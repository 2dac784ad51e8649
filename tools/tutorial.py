"""The tutorial's transcripts: what the lessons print, in ``docs/tutorial`` and in the golden files of the tests.

``python -m wireproof.tools.tutorial`` writes both anew in the repository that it stands in; the tests compare, so
that neither can go stale.
"""

from __future__ import annotations

import re
from pathlib import Path

from wireproof.tools import lesson

BLOCK = re.compile(r"(?<=^```text\n\$ wireproof explore --lesson )(?P<name>[a-z-]+)\n.*?(?=^```$)", re.M | re.S)


def page(text: str, transcripts: dict[str, str]) -> str:
    """A page with its transcripts as they are now."""
    return BLOCK.sub(lambda m: f"{m['name']}\n{transcripts[m['name']]}", text)


def write(root: Path) -> list[Path]:
    """Write the golden transcripts and the pages below a repository's root; the files that changed."""
    transcripts = {name: lesson.transcript(name) for name in lesson.names()}
    wanted = {root / "tests/tools/golden/explore" / f"{name}.out": text for name, text in transcripts.items()}
    for path in sorted((root / "docs/tutorial").glob("*.md")):
        wanted[path] = page(path.read_text("utf-8"), transcripts)
    changed = [p for p, text in wanted.items() if not p.exists() or p.read_text("utf-8") != text]
    for path in changed:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(wanted[path], "utf-8")
    return changed


if __name__ == "__main__":
    for path in write(Path(__file__).resolve().parent.parent):
        print(path)
