"""What all tests share: when root tests run, what a skip means, and how Hypothesis draws."""

from __future__ import annotations

import os
from collections.abc import Generator

import hypothesis
import pytest

REQUIRE_ALL = os.environ.get("WIREPROOF_REQUIRE_ALL", "") not in ("", "0")
"""Nothing may be skipped: a machine that cannot run a test fails it."""

# No deadline: a virtual machine that pauses is not a bug in the code under test.
hypothesis.settings.register_profile("ci", derandomize=True, print_blob=True, deadline=None)
hypothesis.settings.register_profile("dev", print_blob=True, deadline=None)
hypothesis.settings.load_profile("ci" if os.environ.get("CI") else "dev")


def missing_for_root_tests() -> str | None:
    """Why this process cannot run tests marked ``root``; None when it can."""
    if os.geteuid() != 0:
        return "needs root"
    try:
        os.close(os.open("/dev/net/tun", os.O_RDWR))
    except OSError as error:
        return f"needs /dev/net/tun: {error.strerror}"
    return None


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a root test before its fixtures touch the machine."""
    if item.get_closest_marker("root") and (reason := missing_for_root_tests()):
        pytest.skip(reason)


def refuse_skip(report: pytest.TestReport | pytest.CollectReport) -> None:
    """Under WIREPROOF_REQUIRE_ALL, make a skip a failure with the same reason. An xfail is no skip."""
    if not REQUIRE_ALL or not report.skipped or hasattr(report, "wasxfail"):
        return
    reason = str(report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr)
    report.outcome = "failed"
    report.longrepr = f"WIREPROOF_REQUIRE_ALL allows no skip: {reason.removeprefix('Skipped: ')}"


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    refuse_skip(report)
    return report


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """A module that skips itself (``importorskip``) is a skip like any other."""
    report = yield
    refuse_skip(report)
    return report
