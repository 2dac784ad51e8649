"""Layers and packaging are what they claim to be: who imports whom, what is listed, how long modules are."""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

MAY_IMPORT = {
    "spec": {"spec"},
    "reference": {"reference"},
    # A model checked against code that it shares proves nothing.
    "nicmodel": {"nicmodel"},
    "conformance": {"spec", "reference", "nicmodel", "conformance"},
    "tools": {"spec", "reference", "nicmodel", "conformance", "tools"},
}
LONGEST = 500


def modules(layer: str) -> list[Path]:
    return sorted(p for p in (ROOT / layer).rglob("*.py") if "__pycache__" not in p.parts)


ALL_MODULES = [path for layer in MAY_IMPORT for path in modules(layer)]


def imported(node: ast.AST) -> list[str]:
    """The dotted names that a node imports; ``from wireproof import spec`` gives ``wireproof.spec``."""
    match node:
        case ast.Import(names=names):
            return [alias.name for alias in names]
        case ast.ImportFrom(module="wireproof", level=0, names=names):
            return [f"wireproof.{alias.name}" for alias in names]
        case ast.ImportFrom(module=module, level=level):
            return ["." * level + (module or "")]
        case ast.Call(
            func=ast.Name(id="import_module" | "__import__") | ast.Attribute(attr="import_module"),
            args=[ast.Constant(value=str(name)), *_],
        ):
            return [name]
    return []


def fault(layer: str, name: str) -> str | None:
    """What is wrong with importing ``name`` in ``layer``, if anything."""
    top, _, rest = name.partition(".")
    if name.startswith("."):
        return "relative import"
    if top == "tests":
        return "imports tests"
    if top in MAY_IMPORT:
        return "not spelled wireproof.*"
    if top == "wireproof" and (other := rest.partition(".")[0]) not in MAY_IMPORT[layer]:
        return f"{layer} may not import {other or 'wireproof itself'}"
    return None


def faults(layer: str, source: str) -> Iterator[str]:
    """Each forbidden import of a module's source, with its line."""
    for node in ast.walk(ast.parse(source)):
        for name in imported(node):
            if why := fault(layer, name):
                yield f"{getattr(node, 'lineno', 0)}: {name}: {why}"


@pytest.mark.parametrize("layer", MAY_IMPORT)
def test_imports_point_downwards(layer: str) -> None:
    found = modules(layer)
    assert found, f"{layer}/ holds no modules"
    assert [f"{p.relative_to(ROOT)}:{f}" for p in found for f in faults(layer, p.read_text())] == []


@pytest.mark.parametrize(
    ("layer", "source"),
    [
        ("spec", "import wireproof.reference.segment"),
        ("spec", "from wireproof.tools import cli"),
        ("reference", "from wireproof import spec"),
        ("reference", "def late():\n    from wireproof.spec.ir import Rule"),
        ("reference", "if TYPE_CHECKING:\n    import wireproof.conformance"),
        ("nicmodel", "from wireproof.reference.segment import Segment"),
        ("conformance", "import wireproof.spec, wireproof.tools"),
        ("conformance", "importlib.import_module('wireproof.tools.cli')"),
        ("tools", "import tests.conftest"),
        ("tools", "from . import cli"),
        ("tools", "from ..spec import parse"),
        ("tools", "from spec import parse"),
        ("tools", "import wireproof"),
    ],
)
def test_the_walk_sees_a_forbidden_import(layer: str, source: str) -> None:
    assert len(list(faults(layer, source))) == 1


@pytest.mark.parametrize(
    ("layer", "source"),
    [
        ("spec", "import ast, lark\nfrom wireproof.spec.ir import Rule"),
        ("reference", "from wireproof import reference"),
        ("conformance", "import wireproof.nicmodel\nfrom wireproof.reference.segment import Segment"),
        ("tools", "from wireproof.conformance.session import Session"),
    ],
)
def test_the_walk_lets_an_allowed_import_pass(layer: str, source: str) -> None:
    assert list(faults(layer, source)) == []


def test_every_package_of_the_tree_is_installed() -> None:
    setuptools = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    folders = {path.parent.relative_to(ROOT) for path in ALL_MODULES}
    tree = {"wireproof." + ".".join(folder.parts): folder.as_posix() for folder in folders}
    assert sorted(setuptools["packages"]) == sorted(tree)
    assert setuptools["package-dir"] == tree


def test_type_checkers_see_the_same_tree() -> None:
    links = {link.name: link for link in (ROOT / ".typing" / "wireproof").iterdir()}
    assert set(links) == set(MAY_IMPORT)
    # Relative, or a clone elsewhere would be checked against this tree.
    assert {name: link.readlink().as_posix() for name, link in links.items()} == {
        name: f"../../{name}" for name in MAY_IMPORT
    }
    assert all(link.resolve() == ROOT / name for name, link in links.items())


def test_no_module_is_too_long() -> None:
    lengths = {
        path.relative_to(ROOT).as_posix(): len(path.read_text().splitlines())
        for path in ALL_MODULES
        if ROOT / "reference" / "generated" not in path.parents
    }
    assert {name: lines for name, lines in lengths.items() if lines > LONGEST} == {}
