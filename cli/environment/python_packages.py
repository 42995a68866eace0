"""Create the virtual environment and install the pinned packages."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

from cli.environment.fixes import DOWNLOAD
from cli.environment.offline import PYTHON, pip_options
from cli.paths import REPOSITORY, Paths
from cli.progress import Step, run, step
from core.errors import StartFailed

RUN = REPOSITORY / "requirements.txt"
TEST = REPOSITORY / "requirements/dev.txt"
BUILD = REPOSITORY / "requirements/build.txt"
ENGINE = REPOSITORY / "requirements/engine.txt"
IDENTITY = REPOSITORY / "requirements/identity.txt"
PDF = REPOSITORY / "requirements/pdf.txt"
REDIS = REPOSITORY / "requirements/redis.txt"
CUDA = REPOSITORY / "requirements/cuda.txt"

_PIN = re.compile(r"^([A-Za-z0-9._-]+)==([^ \\]+)", re.MULTILINE)
_MARKED = re.compile(r"^([A-Za-z0-9._-]+)==[^ \\]+ *;", re.MULTILINE)


def pins(lock: Path) -> dict[str, str]:
    """Parse a lock file: package name to pinned version."""
    return dict(_PIN.findall(lock.read_text("utf-8")))


def only_on_some_systems(lock: Path) -> frozenset[str]:
    """Return the packages of a lock file that pip installs only where their environment marker holds."""
    return frozenset(_MARKED.findall(lock.read_text("utf-8")))


def fingerprint(lock: Path) -> str:
    return hashlib.sha256(lock.read_bytes()).hexdigest()[:16]


def read_stamp(paths: Paths) -> dict[str, str]:
    """Read the record of installed packages: {} if there is none, or if it is of another Python."""
    try:
        stamp: dict[str, str] = json.loads(paths.stamp.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return stamp if stamp.get("python") == PYTHON and paths.python.exists() else {}


def add_to_stamp(paths: Paths, **facts: str) -> None:
    stamp = {"python": PYTHON, **read_stamp(paths), **facts}
    temporary = paths.stamp.with_suffix(".new")
    temporary.write_text(json.dumps(stamp, indent=1), "utf-8")
    temporary.replace(paths.stamp)


def has_environment(paths: Paths) -> bool:
    return bool(read_stamp(paths))


def make_environment(paths: Paths) -> None:
    if has_environment(paths):
        return
    with step("Creating the Python environment", "Created the Python environment"):
        shutil.rmtree(paths.venv, ignore_errors=True)
        run([sys.executable, "-m", "venv", paths.venv], paths.log)
        add_to_stamp(paths)


def has(paths: Paths, lock: Path) -> bool:
    return read_stamp(paths).get(lock.name) == fingerprint(lock)


def install(paths: Paths, lock: Path, what: str) -> None:
    """Install the packages of a lock file, once; every file is checked against its hash."""
    if has(paths, lock):
        return
    with step(f"Installing {what}", f"Installed {what}") as current:
        pip_install(paths.python, paths.log, lock, each_line=_counter(current, len(pins(lock))))
    add_to_stamp(paths, **{lock.name: fingerprint(lock)})


def pip_install(python: Path, log: Path, lock: Path, *, each_line: Callable[[str], None] | None = None) -> None:
    """Install with pip; repeat an interrupted or damaged download once. Raises StartFailed."""
    options = ["--no-input", "--disable-pip-version-check", "--progress-bar=off", *pip_options(lock)]
    command: list[str | Path] = [python, "-m", "pip", "install", *options, "--require-hashes", "--no-deps", "-r", lock]
    try:
        run(command, log, each_line=each_line)
    except StartFailed as problem:
        if problem.params.get("fix") != DOWNLOAD:
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
