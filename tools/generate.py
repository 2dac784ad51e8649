"""Write everything that is generated from the specification; ``--check`` says whether it is fresh.

Run as ``python -m wireproof.tools.generate [--check] [--suite]``; the suite of test cases takes a minute or two and
is only made, or compared, when asked for. Exit status 1: something is stale (with --check), 2: the
specification has faults.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from wireproof.spec.backends import python
from wireproof.spec.diagnostics import SpecError
from wireproof.spec.load import tcp
from wireproof.tools import ambiguities

ROOT = Path(__file__).resolve().parent.parent


def formatted(name: str, text: str) -> str:
    """The text as ruff leaves it: imports that are not used dropped, lines wrapped."""
    for args in (
        ["check", "--fix", "--select", "F401,I001", "--quiet", "--exit-zero", "--stdin-filename", name, "-"],
        ["format", "--quiet", "--stdin-filename", name, "-"],
    ):
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *args], input=text, capture_output=True, text=True, cwd=ROOT, check=True
        )
        text = done.stdout
    return text


def explicit_imports(texts: dict[str, str]) -> dict[str, str]:
    """Replace the star imports between generated modules by the names that are used."""
    import ast

    defined: dict[str, set[str]] = {}
    out: dict[str, str] = {}
    for name, text in texts.items():
        tree = ast.parse(text)
        own = set()
        for n in tree.body:
            if isinstance(n, ast.FunctionDef | ast.ClassDef):
                own.add(n.name)
            elif isinstance(n, ast.Assign | ast.AnnAssign):
                targets = n.targets if isinstance(n, ast.Assign) else [n.target]
                own |= {t.id for t in targets if isinstance(t, ast.Name)}
        used = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name)}
        lines = []
        for line in text.split("\n"):
            if line.startswith(f"from {python.PACKAGE}.") and "import *" in line:
                module = line.split()[1].rsplit(".", 1)[1]
                names = sorted((defined[module] & used) - own)
                if name == "tcp.py" and module == "tcp_state":
                    names = sorted(defined[module])
                if names:
                    lines.append(f"from {python.PACKAGE}.{module} import {', '.join(names)}")
            else:
                lines.append(line)
        defined[name.removesuffix(".py")] = own
        if name == "tcp.py":
            exported = sorted(own | defined["tcp_state"])
            lines.append("__all__ = [" + ", ".join(f'"{n}"' for n in exported) + "]")
        out[name] = "\n".join(lines) + "\n"
    return out


def outputs() -> dict[Path, str]:
    """Every generated file with its text."""
    model = tcp()
    base = ROOT / "reference" / "generated"
    texts = explicit_imports(python.modules(model))
    files = {base / name: formatted(f"reference/generated/{name}", text) for name, text in texts.items()}
    files[ROOT / "docs" / "ambiguities.md"] = ambiguities.render(model)
    return files


def suite_text() -> str:
    """The text of the frozen suite, searched for anew: a minute or two."""
    from wireproof.conformance import suite
    from wireproof.conformance.testcase import suite_file

    return suite_file(suite.build(tcp()))


def main(argv: list[str]) -> int:
    check = "--check" in argv
    try:
        wanted = outputs()
        if "--suite" in argv:
            if not check:
                # The search runs the reference: it must be the one that this text gives.
                for p, text in wanted.items():
                    if not p.exists() or p.read_text() != text:
                        p.write_text(text)
                        print(f"wrote {p.relative_to(ROOT)}")
            wanted[ROOT / "conformance" / "suites" / "tcp.jsonl"] = suite_text()
    except SpecError as e:
        print(e, file=sys.stderr)
        return 2
    stale = [p for p, text in wanted.items() if not p.exists() or p.read_text() != text]
    base = ROOT / "reference" / "generated"
    extra = [p for p in base.glob("*.py") if p not in wanted and p.name != "__init__.py"]
    if check:
        for p in [*stale, *extra]:
            print(f"stale: {p.relative_to(ROOT)}; run `make generate`", file=sys.stderr)
        return 1 if stale or extra else 0
    for p in stale:
        p.write_text(wanted[p])
        print(f"wrote {p.relative_to(ROOT)}")
    for p in extra:
        p.unlink()
        print(f"removed {p.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
