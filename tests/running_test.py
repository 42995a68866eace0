"""Note which test runs. `./portal test` loads this plugin of pytest, so that a test that hangs or crashes its process is named."""

from __future__ import annotations

import faulthandler
import os
from pathlib import Path

from cli.commands.parallel_tests import RUNNING, STACKS


def pytest_configure() -> None:
    if RUNNING in os.environ:
        # pytest redirects the usual descriptor while a test runs, so this writes to a copy.
        faulthandler.register(STACKS, file=os.dup(2), all_threads=True)


def pytest_runtest_logstart(nodeid: str) -> None:
    _note(nodeid)


def pytest_runtest_logfinish() -> None:
    _note("")


def _note(text: str) -> None:
    if file := os.environ.get(RUNNING):
        Path(file).write_text(text, "utf-8")
