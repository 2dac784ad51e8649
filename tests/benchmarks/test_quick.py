"""The benchmarks can be run and say what they found; how fast anything was is no test's affair."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

RUN = Path(__file__).with_name("run.py")
SUBJECTS = {
    "oracle": {"transfer", "handshakes"},
    "reference": {"clean", "faults", "ratio"},
    "codec": {
        f"{what}_{text}{which}"
        for what in ("encode", "decode")
        for text in ("empty", "full")
        for which in ("", "_dpkt", "_ratio")
    },
    "specification": {"load", "check"},
    "suite": {"ref"},
    "generated": {"generated", "replayed", "bare", "ratio", "ratio_replayed"},
    "purposes": {"traces", "proofs"},
    "mutants": {"unchanged", "compile", "ratio"},
    "endpoints": {"ours", "spin", "ratio"},
    "nicmodel": {"sent", "segmented", "received", "coalesced"},
    "linux": {"connections", "sessions", "bare", "ratio", "ratio_sessions"},
}


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, RUN, *arguments], capture_output=True, text=True, timeout=300)


@pytest.fixture(scope="module")
def quick() -> tuple[dict[str, Any], str]:
    done = run("--quick")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout), done.stderr


def test_every_subject_has_its_figures(quick: tuple[dict[str, Any], str]) -> None:
    result, _ = quick
    assert result["quick"] is True
    assert set(result["subjects"]) == set(SUBJECTS)
    for name, figures in result["subjects"].items():
        if name == "linux" and "not_run" in figures["connections"]:
            assert figures["connections"]["not_run"]
            continue
        assert set(figures) == SUBJECTS[name], name


def test_a_figure_has_a_unit_its_runs_and_their_median(quick: tuple[dict[str, Any], str]) -> None:
    result, _ = quick
    for figures in result["subjects"].values():
        for figure in figures.values():
            if "not_run" in figure:
                continue
            assert len(figure["runs"]) == result["runs"]
            assert all(r > 0 for r in figure["runs"])
            assert min(figure["runs"]) <= figure["median"] <= max(figure["runs"])
            assert figure["unit"]


def test_the_table_has_a_line_for_each_figure(quick: tuple[dict[str, Any], str]) -> None:
    result, table = quick
    assert len(table.splitlines()) == sum(len(figures) for figures in result["subjects"].values())


@pytest.mark.root
def test_root_gets_the_kernel_measured(quick: tuple[dict[str, Any], str]) -> None:
    result, _ = quick
    assert result["subjects"]["linux"]["ratio"]["aim"] == 0.25


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become somebody else")
def test_somebody_else_is_told_why_the_kernel_was_not_measured() -> None:
    code = (
        "import os, runpy, sys; os.geteuid = lambda: 1000; sys.argv = ['run.py', '--quick', 'linux'];"
        f"runpy.run_path({str(RUN)!r}, run_name='__main__')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert json.loads(done.stdout)["subjects"]["linux"] == {"connections": {"not_run": "needs root"}}
    assert "not run: needs root" in done.stderr


def test_an_unknown_subject_is_refused() -> None:
    done = run("nothing")
    assert done.returncode == 2
    assert "there is no subject 'nothing'" in done.stderr


def test_the_two_searches_say_how_much_they_searched(quick: tuple[dict[str, Any], str]) -> None:
    figures = quick[0]["subjects"]["endpoints"]
    assert figures["ours"]["states"] > 1000 and figures["ours"]["depth"] > 5
    if "not_run" in figures["spin"]:
        assert "spin" in figures["spin"]["not_run"] or "gcc" in figures["spin"]["not_run"]
    else:
        assert figures["spin"]["states"] > figures["ours"]["states"]
