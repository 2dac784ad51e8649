"""The generated files are what the specification gives now."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def test_generated_files_are_fresh() -> None:
    """A generated file edited by hand, or a rule changed without ``make generate``, fails here."""
    done = subprocess.run(
        [sys.executable, "-m", "wireproof.tools.generate", "--check"],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
