"""Note which test runs, and which failed.

`./portal test` loads this plugin of pytest: it names the test that hangs or crashes its process, and runs a few failed ones again.
"""

from __future__ import annotations

import faulthandler
import json
import os
from pathlib import Path

import pytest

from cli.checks.parallel_tests import FAILED, RUNNING, STACKS


def pytest_configure() -> None:
    if RUNNING in os.environ:
        # pytest redirects the usual descriptor while a test runs, so this writes to a copy.
        faulthandler.register(STACKS, file=os.dup(2), all_threads=True)


def pytest_runtest_logstart(nodeid: str) -> None:
    _note(nodeid)


def pytest_runtest_logfinish() -> None:
    _note("")


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.failed and (file := os.environ.get(FAILED)):
        with Path(file).open("a", encoding="utf-8") as failed:
            failed.write(f"{json.dumps(report.nodeid)}\n")


def _note(text: str) -> None:
    if file := os.environ.get(RUNNING):
        Path(file).write_text(text, "utf-8")
