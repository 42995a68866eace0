"""Stop, start and ask the portal of a release."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

from core.errors import StartFailed

STOP_S = 60.0
"""Seconds that a portal which was started for a check may take to end."""
_PAUSE_S = 0.3


def ask(python: Path | str, root: Path, *arguments: str, what: str) -> str:
    """Run a command of a release and return what it printed. Raises StartFailed with its last line."""
    command = [python, *arguments]
    asked = subprocess.run(command, cwd=root, env=_environment(), capture_output=True, text=True, errors="replace", check=False)
    if asked.returncode:
        lines = (asked.stderr or asked.stdout).strip().splitlines() or [f"it ended with {asked.returncode}"]
        raise StartFailed("{what} failed: {reason}", what=what, reason=lines[-1])
    return asked.stdout


def run_command(line: str) -> None:
    """Run a command line of the operator, such as `systemctl stop glm-portal-admin`. Raises StartFailed."""
    code = subprocess.run(line, shell=True, check=False).returncode
    if code:
        raise StartFailed("{line} ended with {code}.", line=line, code=code)


@contextmanager
def started(root: Path, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Yield a running ./portal of a release, and end it afterwards. Its output goes to `log`."""
    with log.open("ab") as output:
        command = [sys.executable, str(root / "portal"), "run"]
        child = subprocess.Popen(
            command, cwd=root, env=_environment(), stdout=output, stderr=subprocess.STDOUT, start_new_session=True
        )
    try:
        yield child
    finally:
        child.send_signal(signal.SIGTERM)
        try:
            child.wait(STOP_S)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def wait_until_ready(address: str, seconds: float, child: subprocess.Popen[bytes] | None = None) -> None:
    """Wait until a portal says that it can answer. Raises StartFailed if it ends or does not within `seconds`."""
    until = time.monotonic() + seconds
    said = "nothing"
    while time.monotonic() < until:
        if child is not None and child.poll() is not None:
            raise StartFailed("The portal ended with {code} instead of serving.", code=child.returncode)
        try:
            with urlopen(f"{address}/readyz", timeout=10):
                return
        except HTTPError as answer:
            said = answer.read().decode(errors="replace").strip()
        except (URLError, OSError) as problem:
            said = str(problem)
        time.sleep(_PAUSE_S)
    late = "{address}/readyz was not ready within {seconds} s. It said: {said}"
    raise StartFailed(late, address=address, seconds=f"{seconds:g}", said=said)


def _environment() -> dict[str, str]:
    """Return this environment, without what names another release's modules."""
    return {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "LD_LIBRARY_PATH")}
