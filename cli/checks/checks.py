"""Run ./portal test: install what tests need, then check style, types and tests. pytest comes last, so its summary is the last line."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from cli.checks import background_soak
from cli.checks.outcome import Outcome, to_run_again
from cli.checks.parallel_tests import NOTING, TEST_LIMIT_S, ParallelTests, Part, Result
from cli.environment import python_packages, system_packages
from cli.environment.engine_build import library_path
from cli.environment.install import install_runtime
from cli.paths import REPOSITORY, Paths

_POSTGRESQL = Path("/usr/lib/postgresql")
PARTS: tuple[Part, ...] = (
    ("tests/browser",),
    ("tests/functional/test_[a-p]*.py",),
    ("tests/functional/test_[!a-p]*.py",),
    ("tests/security",),
    ("tests/unit/test_*.py",),
    ("tests/unit/bench", "tests/unit/bootstrap", "tests/unit/cli", "tests/unit/pages", "tests/unit/plugins"),
    ("tests/unit/data", "tests/unit/remote"),
    ("tests/pages",),
    ("tests/unit/core",),
    ("tests/store",),
    ("tests/unit/models",),
    ("tests/unit/api",),
)
"""Together these are all tests. Two workers take them from both ends, so small parts stand in the middle."""
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
        _run(paths, "pytest", "pytest", *arguments) if arguments else _run_tests_beside_soak(paths),
    ]
    return next((code for code in codes if code), 0)


def _run_tests_beside_soak(paths: Paths) -> int:
    with background_soak.running(paths.python, REPOSITORY, _environment(paths)) as soak:
        return run_tests(paths, soak)


def run_tests(paths: Paths, soak: background_soak.Soak | None = None) -> int:
    """Run all tests in two workers, and a few failed ones again. Returns 0 if everything passed.

    The output of each part is shown when the part has ended, the soak's last. Then come the lines of all failures, the tests that failed
    only once, and one line that counts all tests, with the soak as one.
    """
    print(f"\n── pytest, {len(PARTS)} parts in two workers", flush=True)
    limits = ["-o", f"faulthandler_timeout={TEST_LIMIT_S}", "-o", "faulthandler_exit_on_timeout=true"]
    pytest: list[str | Path] = [paths.python, "-m", "pytest", *NOTING, *limits]
    tests = ParallelTests(pytest, REPOSITORY, _environment(paths), _show)
    results = tests.run(PARTS)
    again = to_run_again(results)
    outcome = Outcome(results, tests.run_alone(again) if again else None)
    passed, failed, skipped = outcome.counts
    soak_code = soak.wait() if soak else 0
    if soak:
        passed, failed = passed + (not soak_code), failed + bool(soak_code)
        print(f"\n── soak\n{soak.output()}", flush=True)
    if soak_code or outcome.code:
        print("\n── failures", *outcome.failures(), sep="\n")
    if soak and soak_code:
        print("\n".join(soak.failures() or [f"The soak ended with code {soak_code}."]))
    if outcome.unsteady:
        print("\n── unsteady: failed beside other tests and passed alone", *outcome.unsteady, sep="\n")
    print(f"{passed} passed, {failed} failed, {skipped} skipped", flush=True)
    return outcome.code or soak_code


def _show(result: Result) -> None:
    print(f"\n── pytest {' '.join(result.part)}, {result.seconds:.0f} s\n{result.output}", flush=True)


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
    if shutil.which("slapd", path=os.defpath + ":/usr/sbin") is None:
        missing.append("slapd")
    if shutil.which("curl") is None:
        missing.append("curl")
    return missing


def _run(paths: Paths, title: str, module: str, *arguments: str) -> int:
    print(f"\n── {title}", flush=True)
    return subprocess.run([paths.python, "-m", module, *arguments], cwd=REPOSITORY, env=_environment(paths), check=False).returncode


def _environment(paths: Paths) -> dict[str, str]:
    """Return this environment without the settings of a portal that runs here. The location of the Python environment is not a setting.

    Compiled modules are kept: otherwise each portal and each part would compile them anew, a quarter of what a start takes.
    """
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PORTAL_") or name == "PORTAL_HOME"}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    return environment | library_path(paths)
