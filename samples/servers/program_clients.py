"""Environments for third-party clients, installed once from the locks and kept beside the portal's own environment."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

import settings
from samples.servers.missing import missing
from samples.servers.node import environment, npm

ROOT = Path(__file__).parents[2]
PACKAGES = ROOT / "tests" / "programs" / "package.json"
PACKAGE_LOCK = ROOT / "tests" / "programs" / "package-lock.json"
INSTALL_S = 900


def node_folder() -> Path:
    """Return a folder with node_modules."""
    folder = _folder("node", PACKAGE_LOCK)
    if not (folder / "installed").exists():
        folder.mkdir(parents=True, exist_ok=True)
        for file in (PACKAGES, PACKAGE_LOCK):
            shutil.copy(file, folder)
        _run([*npm(), "ci", "--no-audit", "--no-fund", "--ignore-scripts", "--omit=dev"], folder)
        (folder / "installed").touch()
    return folder


def client_python(requirements: str) -> Path:
    """Return a Python with the clients of this lock in requirements/, whose dependencies would clash with the portal's."""
    lock = ROOT / "requirements" / requirements
    folder = _folder("python", lock)
    python = folder / "bin" / "python"
    if not (folder / "installed").exists():
        shutil.rmtree(folder, ignore_errors=True)
        _run([sys.executable, "-m", "venv", str(folder)], ROOT)
        _run([str(python), "-m", "pip", "install", "-q", "--disable-pip-version-check", "-r", str(lock)], ROOT)
        (folder / "installed").touch()
    return python


def _folder(name: str, lock: Path) -> Path:
    """Return a folder of its own for each state of a lock."""
    return settings.load().home / "clients" / f"{name}-{sha256(lock.read_bytes()).hexdigest()[:12]}"


def _run(command: Sequence[str | Path], folder: Path) -> None:
    try:
        subprocess.run(command, cwd=folder, env=environment(), check=True, capture_output=True, text=True, timeout=INSTALL_S)
    except (OSError, subprocess.SubprocessError) as problem:
        missing(f"{' '.join(map(str, command[:3]))} failed: {getattr(problem, 'stderr', None) or problem}"[:500])
