"""Ask a hub in a separate process, which can be stopped at any moment and takes no time from the decode thread."""

from __future__ import annotations

import json
import logging
import os
import selectors
import subprocess
import sys
import tempfile
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from subprocess import PIPE, Popen
from typing import Any

from core.errors import Conflict, InvalidInput, ModelFailed, NotAllowed, NotFound, PortalError, Unavailable
from core.models.catalogue import Hub, Listing, RemoteFile, Repository
from models.hub.lines import Failure, Task

_log = logging.getLogger(__name__)
_ROOT = Path(__file__).parents[2]
TICK_S = 0.2
"""Seconds between checks whether to stop."""
_NAMES = {Hub.HUGGING_FACE: "Hugging Face", Hub.MODELSCOPE: "ModelScope"}
_TOKENS = {Hub.HUGGING_FACE: "HF_TOKEN", Hub.MODELSCOPE: "MODELSCOPE_API_TOKEN"}
_FIXED = {
    # Turn off usage reports to the hub's makers, and a transfer method that cannot be resumed.
    "HF_HUB_DISABLE_TELEMETRY": "1", "HF_HUB_DISABLE_XET": "1", "HF_HUB_DISABLE_IMPLICIT_TOKEN": "1", "HF_HUB_OFFLINE": "0",
    "MODELSCOPE_DOWNLOAD_FILE_LOCK": "false", "MODELSCOPE_DOWNLOAD_TOTAL_TIMEOUT": "604800", "MODELSCOPE_DOWNLOAD_MAX_RETRIES": "30",
    "MODELSCOPE_DOWNLOAD_INTRA_CLOUD": "false", "PYTHONUNBUFFERED": "1",
}  # fmt: skip


class HubClient:
    """Implements core's ModelHub. Thread-safe: each call has its own process."""

    def __init__(self, environment: Mapping[str, str] | None = None) -> None:
        """environment: holds the address of a mirror and the tokens; None: the portal's own environment."""
        self._environment = os.environ if environment is None else environment

    def files(self, repository: Repository, check: Callable[[], None]) -> Listing:
        task = Task(hub=repository.hub.value, repository=repository.name)
        found = self._ask(task, repository, lambda _line: check())["listing"]
        return Listing(
            found["revision"], tuple(RemoteFile(each["name"], int(each["size_bytes"]), each["sha256"]) for each in found["files"])
        )

    def download(
        self, repository: Repository, revision: str, file: RemoteFile, folder: Path, progress: Callable[[int], None]
    ) -> Path:
        if file.name.startswith(("/", "\\")) or ".." in Path(file.name).parts:
            raise InvalidInput("{file} is not the name of a file.", file=repr(file.name[:80]))
        task = Task(
            hub=repository.hub.value,
            repository=repository.name,
            revision=revision,
            file=file.name,
            size_bytes=file.size_bytes,
            folder=str(folder),
        )
        done = 0

        def on_line(line: Mapping[str, Any]) -> None:
            nonlocal done
            done = min(int(line.get("done", done)), file.size_bytes)
            progress(done)

        return Path(self._ask(task, repository, on_line)["path"])

    def _ask(self, task: Task, repository: Repository, on_line: Callable[[Mapping[str, Any]], None]) -> Mapping[str, Any]:
        """Return the last line of the process. on_line: called with each progress line, and with an empty one several times a second."""
        with tempfile.TemporaryDirectory(prefix="portal-hub-") as home:
            environment = {key: value for key, value in self._environment.items() if not key.startswith("PORTAL_")}
            own = {"HF_HOME": home, "MODELSCOPE_HOME": home, "MODELSCOPE_CACHE": home}
            process = Popen(
                [sys.executable, "-m", "models.hub.worker"], cwd=_ROOT, env={**environment, **_FIXED, **own}, stdin=PIPE, stdout=PIPE,
                stderr=PIPE, text=True, encoding="utf-8", errors="replace",
            )  # fmt: skip
            last: Mapping[str, Any] = {}
            words: deque[str] = deque(maxlen=20)
            try:
                assert process.stdin is not None
                process.stdin.write(task.line())
                process.stdin.flush()
                for line in _lines(process, words):
                    if not line or "done" in line:
                        on_line(line)
                    else:
                        last = line
            except BrokenPipeError:
                pass
            finally:
                _end(process)
        if "listing" in last or "path" in last:
            return last
        failure = Failure(last.get("failure", Failure.OTHER))
        reason = str(last.get("reason") or (words[-1] if words else "its process ended"))
        _log.warning("%s: %s (%s)", repository.name, reason, failure)
        raise _said(failure, reason, repository)


def _lines(process: Popen[str], words: deque[str]) -> Iterator[Mapping[str, Any]]:
    """Yield the process's lines until it ends, and an empty one whenever there was none for a while. words: receives its log."""
    assert process.stdout is not None and process.stderr is not None
    buffers = {process.stdout.fileno(): b"", process.stderr.fileno(): b""}
    with selectors.DefaultSelector() as selector:
        for descriptor in buffers:
            selector.register(descriptor, selectors.EVENT_READ)
        while selector.get_map():
            ready = selector.select(TICK_S)
            if not ready:
                yield {}
            for key, _ in ready:
                block = os.read(key.fd, 65536)
                if not block:
                    selector.unregister(key.fd)
                    continue
                *complete, buffers[key.fd] = (buffers[key.fd] + block).split(b"\n")
                for each in complete:
                    text = each.decode("utf-8", "replace")
                    if key.fd == process.stderr.fileno():
                        words.append(text)
                    else:
                        yield json.loads(text)


def _end(process: Popen[str]) -> None:
    if process.poll() is None:
        process.kill()
    for stream in (process.stdin, process.stdout, process.stderr):
        if stream is not None:
            try:
                stream.close()
            except OSError:
                continue
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        _log.warning("a hub process does not end")


def _said(failure: Failure, reason: str, repository: Repository) -> PortalError:
    """Return the error that explains the failure to people."""
    hub, token = _NAMES[repository.hub], _TOKENS[repository.hub]
    if failure is Failure.NOT_FOUND:
        return NotFound(
            "{hub} has no repository or file {repository}, or it is private. Check the name; for a private one, set {token}.",
            hub=hub, repository=repository.name, token=token,
        )  # fmt: skip
    if failure is Failure.REFUSED:
        return NotAllowed(
            "{hub} refuses access to {repository}. Accept its terms on the hub's site, then set {token} to a token of that account.",
            hub=hub, repository=repository.name, token=token,
        )  # fmt: skip
    if failure is Failure.DISK_FULL:
        return Conflict("The disk became full during the download. What has arrived is kept: free some space, then try again.")
    if failure is Failure.FILE_LIMIT:
        return Conflict("The file is larger than this server's limit for the size of a file. Raise the limit (ulimit -f), then try again.")
    if failure is Failure.WRONG:
        return ModelFailed(
            "A file of {repository} is not what the hub announced, so it was deleted. Try again.", repository=repository.name
        )
    if failure is Failure.NETWORK:
        return Unavailable(
            "{hub} cannot be reached, or the connection broke ({reason}). What has arrived is kept. Check the network, the proxy and the "
            "mirror, then try again.",
            hub=hub, reason=reason,
        )  # fmt: skip
    return Unavailable("The download failed: {reason}. What has arrived is kept. Try again.", reason=reason)
