"""Run ./portal test: install what tests need, then check style, types and tests. pytest comes last, so its summary is the last line."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from cli.environment import python_packages, system_packages
from cli.environment.engine_build import library_path
from cli.environment.install import install_runtime
from cli.paths import REPOSITORY, Paths

_POSTGRESQL = Path("/usr/lib/postgresql")
UNIT = ("tests/unit", "tests/security", "tests/pages", "tests/store")
OTHERS = ("tests/browser", "tests/functional")
"""UNIT and OTHERS divide all tests into two parts that take about the same time."""
_CJK_FONTS = Path("/usr/share/fonts/opentype/noto")


def run_all(paths: Paths, arguments: Sequence[str]) -> int:
    """Run every check. Returns 0 if everything passed."""
    paths.prepare()
    missing = [] if python_packages.has_environment(paths) else system_packages.missing_venv()
    system_packages.install([*missing, *missing_for_tests()], paths.log)
    install_runtime(paths)
    python_packages.install(paths, python_packages.TEST, "the tests' packages")
    python_packages.install(paths, python_packages.IDENTITY, "packages for company accounts")
    python_packages.install(paths, python_packages.PDF, "packages for PDF exports")
    python_packages.install(paths, python_packages.REDIS, "packages for Redis")
    codes = [
        _run(paths, "ruff", "ruff", "check", "."),
        _run(paths, "mypy", "mypy"),
        _run(paths, "pytest", "pytest", *arguments) if arguments else run_tests(paths),
    ]
    return next((code for code in codes if code), 0)


def run_tests(paths: Paths) -> int:
    """Run all tests in two processes at once. Returns 0 if everything passed.

    The output of the second process is shown once both have ended, then one line that counts all tests.
    """
    print(f"\n── pytest, in two processes: {' '.join(UNIT)} and {' '.join(OTHERS)}", flush=True)
    with tempfile.TemporaryFile() as file:
        second = subprocess.Popen(
            [paths.python, "-m", "pytest", *OTHERS], cwd=REPOSITORY, env=_environment(paths), stdout=file, stderr=subprocess.STDOUT
        )
        try:
            last = ""
            with subprocess.Popen(
                [paths.python, "-m", "pytest", *UNIT], cwd=REPOSITORY, env=_environment(paths), stdout=subprocess.PIPE, text=True
            ) as first:
                for line in first.stdout or ():
                    print(line, end="", flush=True)
                    last = line if line.strip() else last
            codes = [first.returncode, second.wait()]
        finally:
            if second.poll() is None:
                second.terminate()
                second.wait()
        file.seek(0)
        output = file.read().decode("utf-8", "replace")
    print(f"\n── pytest {' '.join(OTHERS)}\n{output}", flush=True)
    counted = [_counts(last), _counts(output.strip().rpartition("\n")[2])]
    passed, failed, skipped = (sum(each[number] for each in counted) for number in range(3))
    print(f"{passed} passed, {failed} failed, {skipped} skipped", flush=True)
    return next((code for code in codes if code), 0)


def _counts(line: str) -> tuple[int, int, int]:
    """Return how many tests passed, failed (errors too) and were skipped, from pytest's last line."""
    found = {word.rstrip("s"): int(number) for number, word in re.findall(r"(\d+) (passed|failed|errors?|skipped)", line)}
    return found.get("passed", 0), found.get("failed", 0) + found.get("error", 0), found.get("skipped", 0)


def missing_for_tests() -> list[str]:
    """Return the missing Debian packages of the servers and the browser that tests use."""
    missing = []
    if shutil.which("chromium") is None:
        missing.append("chromium")
    if not any(_CJK_FONTS.glob("NotoSansCJK*")):
        missing.append("fonts-noto-cjk")
    if not any(_POSTGRESQL.glob("*/bin/initdb")):
        missing.append("postgresql")
    if shutil.which("nginx", path=os.defpath + ":/usr/sbin") is None:
        missing.append("nginx-light")
    if shutil.which("redis-server") is None:
        missing.append("redis-server")
    if shutil.which("mvn") is None:
        missing.append("maven")
    return missing


def _run(paths: Paths, title: str, module: str, *arguments: str) -> int:
    print(f"\n── {title}", flush=True)
    return subprocess.run([paths.python, "-m", module, *arguments], cwd=REPOSITORY, env=_environment(paths), check=False).returncode


def _environment(paths: Paths) -> dict[str, str]:
    """Return this environment without the settings of a portal that runs here. The location of the Python environment is not a setting."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PORTAL_") or name == "PORTAL_HOME"}
    return environment | library_path(paths)
