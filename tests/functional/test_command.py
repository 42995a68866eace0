"""`./portal run` as a process: what it prints, how it ends, and what stops its start."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from cli.paths import REPOSITORY
from samples.servers.ports import free_port


def _environment(home: Path, port: int, **more: str) -> dict[str, str]:
    plain = {name: value for name, value in os.environ.items() if not name.startswith("PORTAL_")}
    return {**plain, "PORTAL_HOME": str(home), "PORTAL_PORT": str(port), **more}


@contextmanager
def _portal(home: Path, port: int) -> Iterator[subprocess.Popen[str]]:
    """Yield a portal that is ready; killed if it is still there at the end."""
    command = [sys.executable, "-m", "cli.serving.serve"]
    started = subprocess.Popen(
        command, cwd=REPOSITORY, env=_environment(home, port), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        until = time.monotonic() + 60
        while not _ready(port):
            assert started.poll() is None, started.communicate()[0]
            assert time.monotonic() < until, "not ready within 60 s"
            time.sleep(0.1)
        yield started
    finally:
        if started.poll() is None:
            started.kill()
        started.communicate()


def _ready(port: int) -> bool:
    try:
        with urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5) as answer:
            return bool(json.load(answer)["ready"])
    except (URLError, OSError):
        return False


def _stop(portal: subprocess.Popen[str]) -> str:
    """SIGTERM; returns all it printed."""
    portal.send_signal(signal.SIGTERM)
    printed, _ = portal.communicate(timeout=60)
    assert portal.returncode == 0, printed
    return printed


def _refused(home: Path, port: int, **more: str) -> str:
    """Return the one sentence of a start that is refused."""
    command = [sys.executable, "-m", "cli.serving.serve"]
    environment = _environment(home, port, **more)
    ended = subprocess.run(command, cwd=REPOSITORY, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 1, ended.stdout + ended.stderr
    assert ended.stdout == ""
    return ended.stderr


def test_the_first_start_tells_the_password_once_and_sigterm_ends_it_cleanly(tmp_path: Path) -> None:
    port = free_port()
    with _portal(tmp_path, port) as portal:
        assert "Another portal is using" in _refused(tmp_path, free_port())
        assert "is used by another program" in _refused(tmp_path / "other", port)
        lines = _stop(portal).splitlines()
    assert [line.partition(",")[0] for line in lines] == [
        "First admin: name admin",
        f"GLM Portal: http://127.0.0.1:{port}  (Ctrl+C stops it)",
    ]
    with _portal(tmp_path, port) as portal:
        assert "password" not in _stop(portal)


def test_a_start_that_cannot_succeed_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for refusal in (
        _refused(tmp_path / "file" / "home", free_port()),
        _refused(tmp_path, free_port(), PORTAL_ADMIN_PASSWORD="short"),
        _refused(tmp_path, free_port(), PORTAL_HOSTS="0.0.0.0"),
    ):
        assert len(refusal.splitlines()) == 1, refusal
