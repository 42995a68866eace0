"""Cache llama.cpp's server tests, taken from the archive that the engine is compiled from."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from bench.engine.peers import fetch_source
from cli.environment.python_packages import ENGINE, pins
from cli.paths import Paths

TESTS = "tools/server/tests"


def server_tests() -> Path:
    """Return the folder of the tests; fetch them at the first call (PyPI's archive of 70 MB, its hash checked).

    Their conftest.py and pytest.ini are left out: those start llama-server and download its models.
    """
    paths = Paths.of(os.environ)
    folder = paths.cache.parent / "peers" / f"llama-server-tests-{pins(ENGINE)['llama-cpp-python']}"
    if folder.exists():
        return folder
    paths.prepare()
    with tempfile.TemporaryDirectory(prefix="glm-portal-peers-") as temporary:
        tests = fetch_source(Path(temporary), paths) / TESTS
        made = folder.with_name(f"{folder.name}.{os.getpid()}")
        shutil.copytree(tests / "unit", made / "unit")
        shutil.copy(tests / "utils.py", made)
        made.replace(folder)
    return folder
