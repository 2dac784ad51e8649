"""The wheel installs ``wireproof/`` and nothing else, with all that the code reads at run time."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path, PurePath, PurePosixPath

import pytest

ROOT = Path(__file__).resolve().parent.parent
LAYERS = ("spec", "reference", "conformance", "nicmodel", "tools")
SHIPPED = {".py", ".typed", ".lark", ".wire", ".toml", ".jsonl", ".txt"}
"""Kinds of file that the code needs where it is installed."""


def find_uv() -> str:
    """The same uv as the Makefile's: the one on PATH if it runs, else the private one."""
    found = shutil.which("uv")
    if found and subprocess.run([found, "--version"], capture_output=True).returncode == 0:
        return found
    return str(ROOT / ".uv" / "bin" / "uv")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """Built from a copy of the tree: a build leaves files beside its sources, and takes them up again."""
    source, out = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    for layer in LAYERS:
        shutil.copytree(ROOT / layer, source / layer, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "tests", source / "tests", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    done = subprocess.run(
        [find_uv(), "build", "--wheel", "--python", sys.executable, "--out-dir", str(out), str(source)],
        # Trust as the Makefile does, also where pytest is called without it.
        env={"UV_SYSTEM_CERTS": "true", **os.environ},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    (built,) = out.glob("*.whl")
    return zipfile.ZipFile(built)


def is_shipped(path: PurePath) -> bool:
    """Is it one of ours? The wheel's own metadata has texts, too."""
    ours = "__pycache__" not in path.parts and not path.parts[0].endswith(".dist-info")
    return path.suffix in SHIPPED and ours


def shipped_files() -> set[str]:
    """What the tree holds for the wheel, under the installed names."""
    paths = (path.relative_to(ROOT) for layer in LAYERS for path in (ROOT / layer).rglob("*"))
    return {f"wireproof/{path.as_posix()}" for path in paths if is_shipped(path)}


def test_only_our_package_and_its_metadata(wheel: zipfile.ZipFile) -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    tops = {PurePosixPath(name).parts[0] for name in wheel.namelist()}
    assert tops == {"wireproof", f"wireproof-{version}.dist-info"}


def test_all_code_grammars_and_rules_are_there(wheel: zipfile.ZipFile) -> None:
    installed = {name for name in wheel.namelist() if is_shipped(PurePosixPath(name))}
    assert installed == shipped_files()
    # Equal sets say nothing when both lack a kind.
    assert {PurePosixPath(name).suffix for name in installed} >= {".py", ".lark", ".wire"}
    assert {f"wireproof/{layer}/py.typed" for layer in LAYERS} <= installed


def test_the_licence_is_there(wheel: zipfile.ZipFile) -> None:
    (name,) = (n for n in wheel.namelist() if n.endswith("/LICENSE"))
    assert wheel.read(name) == (ROOT / "LICENSE").read_bytes()


def test_member_names_stay_inside(wheel: zipfile.ZipFile) -> None:
    paths = [PurePosixPath(name) for name in wheel.namelist()]
    assert [str(p) for p in paths if p.is_absolute() or ".." in p.parts] == []


def test_no_file_names_the_tree_it_was_made_in(wheel: zipfile.ZipFile) -> None:
    """A path of the builder's machine in a generated file would differ in every clone."""
    here = [f"{ROOT}/{layer}/".encode() for layer in (*LAYERS, "tests", "docs")]
    assert [n for n in wheel.namelist() if any(path in wheel.read(n) for path in here)] == []
