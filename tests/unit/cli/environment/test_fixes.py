"""Causes that stop a first start, each as a sentence with its cure. They are real where possible: pip, a full disk, two commands."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import signal
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from cli import main, progress
from cli.environment import engine, python_packages, system_packages
from cli.environment.engine_build import Build
from cli.environment.fixes import DISK, DOWNLOAD, FILE_LIMIT, READ_ONLY, RIGHTS, failed, fix_for
from cli.paths import REPOSITORY, Paths
from core.errors import StartFailed

FULL = Path("/dev/full")


@pytest.mark.parametrize(
    ("printed", "cure"),
    [
        ("ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device", DISK),
        ("c++: fatal error: Killed signal terminated program cc1plus", "Memory ran out."),
        ("after ProxyError('Cannot connect to proxy.')\nERROR: No match (from versions: none)", "The proxy refused the connection"),
        ("ssl.SSLCertVerificationError: CERTIFICATE_VERIFY_FAILED", "set PIP_CERT"),
        ("urllib3.exceptions.IncompleteRead: IncompleteRead(10 bytes read)", DOWNLOAD),
        ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.", DOWNLOAD),
        ("CMake Error: CMAKE_CXX_COMPILER not set, after EnableLanguage", "sudo apt-get install -y g++"),
        ("The virtual environment was not created because ensurepip is not available.", "sudo apt-get install -y python3-venv"),
        ("/usr/bin/python3: No module named venv", "sudo apt-get install -y python3-venv"),
        ("E: Could not get lock /var/lib/dpkg/lock-frontend.", "Another program is installing packages"),
        ("NewConnectionError: [Errno -3] Temporary failure in name resolution", "set HTTPS_PROXY"),
        ("error: [Errno 13] Permission denied: '/x'", RIGHTS),
        ("cp: cannot create 'x': Read-only file system", READ_ONLY),
        ("OSError: [Errno 27] File too large", FILE_LIMIT),
    ],
)
def test_what_was_printed_is_known_by_its_cure(printed: str, cure: str) -> None:
    assert cure in fix_for(printed.splitlines())


def test_what_nobody_knows_has_no_cure(tmp_path: Path) -> None:
    with pytest.raises(StartFailed, match=r"failed: It rains\. All of its output"):
        progress.run([sys.executable, "-c", "print('It rains'); raise SystemExit(3)"], tmp_path / "log")


def test_a_disk_that_fills_while_the_log_is_written_is_reported() -> None:
    with pytest.raises(StartFailed) as told:
        progress.run([sys.executable, "-c", "print('x' * 100_000)"], FULL)
    assert DISK in str(told.value)


def test_a_file_that_cannot_be_written_is_named_with_its_cure() -> None:
    told = str(failed(PermissionError(errno.EACCES, "Permission denied", "/cache/wheels")))
    assert told == f"/cache/wheels cannot be used (Permission denied). {RIGHTS}"


def test_a_cache_that_cannot_be_made_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()

    def start(_paths: Paths, *, with_engine: bool) -> None:
        engine.compile_wheel(Paths(tmp_path / "home", tmp_path / "file" / "cache"), Build(frozenset()))

    monkeypatch.setenv("PORTAL_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(main, "install_runtime", start)
    assert main.main(["run"]) == 1
    [line] = capsys.readouterr().err.splitlines()
    assert "cannot be used (Not a directory)" in line


def test_a_missing_compiler_is_reported_before_anything_is_compiled(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(system_packages, "missing_compiler", lambda: ["g++"])
    monkeypatch.setattr(system_packages, "privilege", lambda: None)
    with pytest.raises(StartFailed, match=r"Type: sudo apt-get install -y g\+\+|packages of your system"):
        engine.compile_wheel(paths, Build(frozenset()))


def test_a_python_without_venv_is_missed_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == "venv" else object())
    assert system_packages.missing_venv() == [system_packages.VENV]


# A package index that works, cuts, or is not there


class _Index(ThreadingHTTPServer):
    """One package, of which the first `cut` downloads end in the middle."""

    def __init__(self, wheel: bytes, cut: int) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.wheel, self.cut, self.served = wheel, cut, 0


class _Answer(BaseHTTPRequestHandler):
    server: _Index

    def do_GET(self) -> None:
        body = self.server.wheel
        if not self.path.endswith(".whl"):
            body = b'<a href="/tiny-1.0-py3-none-any.whl">tiny-1.0-py3-none-any.whl</a>'
        self.send_response(200)
        self.send_header("Content-Type", "text/html" if body is not self.server.wheel else "application/zip")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if body is self.server.wheel:
            self.server.served += 1
            if self.server.served <= self.server.cut:
                body = body[: len(body) // 2]
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def wheel(tmp_path: Path) -> bytes:
    path = tmp_path / "tiny-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as made:
        made.writestr("tiny.py", "\n".join(f"a{number} = {number}" for number in range(5000)))
        made.writestr("tiny-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n")
        made.writestr("tiny-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        made.writestr("tiny-1.0.dist-info/RECORD", "")
    return path.read_bytes()


@pytest.fixture
def lock(wheel: bytes, tmp_path: Path) -> Path:
    path = tmp_path / "requirements.txt"
    path.write_text(f"tiny==1.0 --hash=sha256:{hashlib.sha256(wheel).hexdigest()}\n")
    return path


@pytest.fixture
def pip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a Python whose pip installs into a folder of its own and does not wait between its tries."""
    monkeypatch.setenv("PIP_TARGET", str(tmp_path / "installed"))
    for name, value in {"PIP_RETRIES": "1", "PIP_NO_CACHE_DIR": "1", "PIP_CONFIG_FILE": os.devnull, "PIP_RESUME_RETRIES": "0"}.items():
        monkeypatch.setenv(name, value)
    for name in ("NO_PROXY", "HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    return Path(sys.executable)


@pytest.mark.parametrize(("cut", "installed"), [(0, True), (1, True), (9, False)])
def test_half_a_download_is_fetched_again_and_reported_if_it_stays_half(
    pip: Path, lock: Path, wheel: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cut: int, installed: bool
) -> None:
    with _Index(wheel, cut) as index:
        threading.Thread(target=index.serve_forever, daemon=True).start()
        monkeypatch.setenv("PIP_INDEX_URL", f"http://127.0.0.1:{index.server_port}/simple")
        try:
            if installed:
                python_packages.pip_install(pip, tmp_path / "log", lock)
            else:
                with pytest.raises(StartFailed) as told:
                    python_packages.pip_install(pip, tmp_path / "log", lock)
                assert DOWNLOAD in str(told.value)
        finally:
            index.shutdown()
    assert (tmp_path / "installed" / "tiny.py").exists() == installed


def test_a_proxy_that_is_not_there_is_named(pip: Path, lock: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("PIP_INDEX_URL", "http://index.invalid/simple")
    monkeypatch.setenv("PIP_TRUSTED_HOST", "index.invalid")
    with pytest.raises(StartFailed, match="HTTPS_PROXY and HTTP_PROXY"):
        python_packages.pip_install(pip, tmp_path / "log", lock)


def test_an_index_that_cannot_be_reached_is_told_with_what_to_set(
    pip: Path, lock: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    with pytest.raises(StartFailed, match="The package index could not be reached"):
        python_packages.pip_install(pip, tmp_path / "log", lock)


# Two at once, and one that was killed

_INSTALLS = """
import sys, time
from pathlib import Path
from cli.environment.install import _alone
from cli.paths import Paths
from cli.progress import run
paths = Paths(Path(sys.argv[1]), Path(sys.argv[2]))
paths.prepare()
with _alone(paths):
    print("inside", flush=True)
    run([sys.executable, "-c", sys.argv[3]], paths.log)
print("done", flush=True)
"""


@contextmanager
def _installing(paths: Paths, body: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", _INSTALLS, str(paths.home), str(paths.cache), body]
    with subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as started:
        yield started


def _until_there(path: Path) -> str:
    return f"import os, time\nwhile not os.path.exists({str(path)!r}): time.sleep(0.02)"


def _line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def test_a_second_command_waits_for_the_first_and_says_so(paths: Paths, tmp_path: Path) -> None:
    may_end = tmp_path / "may_end"
    with _installing(paths, _until_there(may_end)) as first:
        assert _line(first) == "inside"
        with _installing(paths, "pass") as second:
            assert _line(second) == "Another ./portal is installing here; waiting for it to finish."
            may_end.touch()
            assert first.communicate(timeout=60)[0] == "done\n"
            assert second.communicate(timeout=60)[0] == "inside\ndone\n"


def test_what_a_killed_command_left_running_is_waited_for(paths: Paths, tmp_path: Path) -> None:
    began, ended = tmp_path / "began", str(tmp_path / "ended")
    body = f"import time; open({str(began)!r}, 'w').close(); time.sleep(1); open({ended!r}, 'w').close()"
    with _installing(paths, body) as first:
        assert _line(first) == "inside"
        while not began.exists():
            assert first.poll() is None
            time.sleep(0.01)
        first.kill()
    with _installing(paths, f"import os; raise SystemExit(not os.path.exists({ended!r}))") as second:
        assert second.communicate(timeout=60)[0].splitlines()[-1] == "done"


def test_a_command_that_is_told_to_stop_takes_along_what_it_started(tmp_path: Path) -> None:
    body = (
        "import signal, sys; from pathlib import Path; from cli import main, progress;"
        "main._dispatch = lambda *_: progress.run(['sh', '-c', 'sleep 300 & echo $!; wait'], Path(sys.argv[1]), each_line=print);"
        "main.main(['run'])"
    )
    command = [sys.executable, "-u", "-c", body, str(tmp_path / "log")]
    with subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True) as started:
        sleeper = int(_line(started))
        started.send_signal(signal.SIGTERM)
        assert started.wait(60) == 128 + signal.SIGTERM
    until = time.monotonic() + 60
    while _runs(sleeper) and time.monotonic() < until:
        time.sleep(0.05)
    assert not _runs(sleeper)


def _runs(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def test_what_a_killed_compilation_left_is_removed(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    build = Build(frozenset())
    left = paths.cache / build.key / "work" / "half"
    left.mkdir(parents=True)
    seen: list[bool] = []

    def compiled(work: Path, _places: Paths, _build: Build) -> Path:
        seen.append(left.exists())
        return work

    monkeypatch.setattr(engine, "compile_in", compiled)
    assert not engine.compile_wheel(paths, build).exists()
    assert seen == [False]


def test_homes_that_share_a_cache_compile_one_after_the_other(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    build = Build(frozenset())
    with engine.compiling_alone(paths.cache / build.key), (paths.cache / build.key / "compile.lock").open() as other:
        with pytest.raises(BlockingIOError):
            fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_an_environment_that_was_killed_half_made_is_made_anew(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    (paths.venv / "bin").mkdir(parents=True)
    paths.python.symlink_to(sys.executable)
    (paths.venv / "half").touch()

    def make(command: list[object], _log: Path) -> None:
        Path(str(command[-1]), "bin").mkdir(parents=True)

    monkeypatch.setattr(python_packages, "run", make)
    python_packages.make_environment(paths)
    assert not (paths.venv / "half").exists()
