"""Create the virtual environment and install the pinned packages."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

from cli.environment.cures import DOWNLOAD
from cli.places import REPOSITORY, Places
from cli.progress import Step, run, step
from core.errors import StartFailed

RUN = REPOSITORY / "requirements.txt"
TEST = REPOSITORY / "requirements/dev.txt"
BUILD = REPOSITORY / "requirements/build.txt"
ENGINE = REPOSITORY / "requirements/engine.txt"
CUDA = REPOSITORY / "requirements/cuda.txt"

_PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
_PIN = re.compile(r"^([A-Za-z0-9._-]+)==([^ \\]+)", re.MULTILINE)


def pins(lock: Path) -> dict[str, str]:
    """Parse a lock file: package name to pinned version."""
    return dict(_PIN.findall(lock.read_text("utf-8")))


def fingerprint(lock: Path) -> str:
    return hashlib.sha256(lock.read_bytes()).hexdigest()[:16]


def read_stamp(places: Places) -> dict[str, str]:
    """Read what is installed in the environment: {} if there is none, or one of another Python."""
    try:
        stamp: dict[str, str] = json.loads(places.stamp.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return stamp if stamp.get("python") == _PYTHON and places.python.exists() else {}


def add_to_stamp(places: Places, **facts: str) -> None:
    stamp = {"python": _PYTHON, **read_stamp(places), **facts}
    temporary = places.stamp.with_suffix(".new")
    temporary.write_text(json.dumps(stamp, indent=1), "utf-8")
    temporary.replace(places.stamp)


def has_environment(places: Places) -> bool:
    return bool(read_stamp(places))


def make_environment(places: Places) -> None:
    if has_environment(places):
        return
    with step("Creating the Python environment", "Created the Python environment"):
        shutil.rmtree(places.venv, ignore_errors=True)
        run([sys.executable, "-m", "venv", places.venv], places.log)
        add_to_stamp(places)


def has(places: Places, lock: Path) -> bool:
    return read_stamp(places).get(lock.name) == fingerprint(lock)


def install(places: Places, lock: Path, what: str) -> None:
    """Install what a lock file names, once; every file is checked against its hash."""
    if has(places, lock):
        return
    with step(f"Installing {what}", f"Installed {what}") as current:
        pip_install(places.python, places.log, lock, each_line=_counter(current, len(pins(lock))))
    add_to_stamp(places, **{lock.name: fingerprint(lock)})


def pip_install(python: Path, log: Path, lock: Path, *, each_line: Callable[[str], None] | None = None) -> None:
    """Install with pip; an interrupted or damaged download is repeated once. Raises StartFailed."""
    options = ["--no-input", "--disable-pip-version-check", "--progress-bar=off"]
    command: list[str | Path] = [python, "-m", "pip", "install", *options, "--require-hashes", "--no-deps", "-r", lock]
    try:
        run(command, log, each_line=each_line)
    except StartFailed as problem:
        if problem.params.get("cure") != DOWNLOAD:
            raise
        run(command, log, each_line=each_line)


def _counter(current: Step, total: int) -> Callable[[str], None]:
    found = 0

    def count(line: str) -> None:
        nonlocal found
        if line.startswith(("Collecting ", "Requirement already satisfied")):
            found += 1
            current.detail = f"{found} of {total}"
        elif line.startswith("Installing collected"):
            current.detail = "unpacking"

    return count
