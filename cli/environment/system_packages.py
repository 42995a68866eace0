"""Install Debian packages if allowed, else print the command line to type."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from cli.progress import run, step
from core.errors import StartFailed

VENV = f"python{sys.version_info.major}.{sys.version_info.minor}-venv"
COMPILER = "g++"


def missing_venv() -> list[str]:
    """Return the package of ensurepip, which Debian splits off from Python."""
    return [] if importlib.util.find_spec("venv") and importlib.util.find_spec("ensurepip") else [VENV]


def missing_compiler() -> list[str]:
    has = (os.environ.get("CXX") or shutil.which("g++") or shutil.which("clang++")) and (os.environ.get("CC") or shutil.which("cc"))
    return [] if has else [COMPILER]


def install(packages: Sequence[str], log: Path) -> None:
    """Install the packages. Raises StartFailed with the line to type if this user may not."""
    if not packages:
        return
    names = " ".join(packages)
    if shutil.which("apt-get") is None:
        raise StartFailed((
            "These programs are missing: {names}. Install them with your system's package manager, then try again."
        ), names=names)
    prefix = privilege()
    if prefix is None:
        raise StartFailed("System packages are missing. Type: sudo apt-get install -y {names}", names=names)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    with step(f"Installing system packages: {names}", f"Installed system packages: {names}"):
        run([*prefix, "apt-get", "update", "-qq"], log, environment=environment)
        run([*prefix, "apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages], log, environment=environment)


def privilege() -> list[str] | None:
    """Return the prefix of apt-get commands: empty for root, sudo if it asks for no password; None if this user may not install."""
    if os.geteuid() == 0:
        return []
    if shutil.which("sudo") and subprocess.run(["sudo", "-n", "true"], capture_output=True, check=False).returncode == 0:
        return ["sudo", "-n", "--preserve-env=DEBIAN_FRONTEND"]
    return None
