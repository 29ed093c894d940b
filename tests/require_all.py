"""Name what a run left out; with REQUIRE_ALL=1, fail because of it.

A test that is skipped where everything is installed (.ci/run) has silently stopped testing.
"""

import os
from collections import Counter

import pytest

REQUIRED = os.environ.get("REQUIRE_ALL") == "1"


def left_out(reporter: pytest.TerminalReporter) -> Counter[str]:
    """Count the skipped tests by the reason they gave."""
    reasons: Counter[str] = Counter()
    for report in reporter.stats.get("skipped", []):
        where = report.longrepr
        reason = where[2] if isinstance(where, tuple) else str(where)
        reasons[reason.removeprefix("Skipped: ")] += 1
    return reasons


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Turn a pass with skipped tests into a failure where everything is required."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if REQUIRED and exitstatus == pytest.ExitCode.OK and reporter and left_out(reporter):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say which tests did not run, and why."""
    for reason, count in sorted(left_out(terminalreporter).items()):
        verdict = "LEFT OUT, AND REQUIRED" if REQUIRED else "left out"
        terminalreporter.write_line(f"{verdict}: {count} × {reason}")
