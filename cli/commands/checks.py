"""Run ./portal test: install what tests need, then check style, types and tests. pytest comes last, so its summary is the last line."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from cli.environment import python_packages, system_packages
from cli.environment.engine_build import library_path
from cli.environment.install import install_runtime
from cli.places import REPOSITORY, Places

_POSTGRESQL = Path("/usr/lib/postgresql")
_CJK_FONTS = Path("/usr/share/fonts/opentype/noto")


def run_all(places: Places, arguments: Sequence[str]) -> int:
    """Run every check. Returns 0 if everything passed."""
    places.prepare()
    missing = [] if python_packages.has_environment(places) else system_packages.missing_venv()
    system_packages.install([*missing, *missing_for_tests()], places.log)
    install_runtime(places)
    python_packages.install(places, python_packages.TEST, "the tests' packages")
    codes = [
        _run(places, "ruff", "ruff", "check", "."),
        _run(places, "mypy", "mypy"),
        _run(places, "pytest", "pytest", *arguments),
    ]
    return next((code for code in codes if code), 0)


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
    if shutil.which("mvn") is None:
        missing.append("maven")
    return missing


def _run(places: Places, title: str, module: str, *arguments: str) -> int:
    print(f"\n── {title}", flush=True)
    # The settings of a portal that runs here must not leak into tests. The location of the environment is not a setting.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PORTAL_") or name == "PORTAL_HOME"}
    environment |= library_path(places)
    return subprocess.run([places.python, "-m", module, *arguments], cwd=REPOSITORY, env=environment, check=False).returncode
