"""The model needs nothing but Python: what is checked against others must not share their code."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

MODULES = sorted((Path(__file__).resolve().parents[2] / "nicmodel").rglob("*.py"))


def imports(source: str) -> list[str]:
    nodes = list(ast.walk(ast.parse(source)))
    names = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    return names + [node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)]


def foreign(source: str) -> list[str]:
    """Imports that are neither the standard library's nor the model's own."""
    ours = ("wireproof.nicmodel",)
    return [
        name
        for name in imports(source)
        if name.split(".")[0] not in sys.stdlib_module_names and not name.startswith(ours)
    ]


def test_only_the_standard_library_is_imported() -> None:
    assert len(MODULES) > 15
    assert {path.name: found for path in MODULES if (found := foreign(path.read_text()))} == {}


def test_a_foreign_import_is_seen() -> None:
    assert foreign("import dpkt\nfrom z3 import Int\nimport struct") == ["dpkt", "z3"]


def test_threads_and_chance_are_not_used() -> None:
    used = {name.split(".")[0] for path in MODULES for name in imports(path.read_text())}
    assert used & {"threading", "random", "time", "asyncio", "multiprocessing", "os", "secrets"} == set()
