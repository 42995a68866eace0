"""Let a child process load a file and compute with it first: `python -m models.trials.load_trial PATH OPTIONS`, run by `try_to_load`.

llama.cpp checks some of what a file claims with assertions that end the process, and some not at all. The child loads the file as this
process would, and decodes what a load must be able to decode (`trial_run.py`). How it ends tells whether this process may do the same.
"""

from __future__ import annotations

import dataclasses
import json
import logging
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from core.errors import ModelFailed, PortalError
from models.child.process import how_it_ended
from models.engine.llama.options import BackendOptions
from models.plain_words import without_codes
from models.trials.trial_run import run_trial

TIMEOUT_S = 120.0
BYTES_PER_S = 50_000_000
"""Bytes per second of a slow disk: a larger file gets more time."""
_POLL_S = 0.2
_REFUSED = b"refused: "
_log = logging.getLogger(__name__)


class Crashed(ModelFailed):
    """The child died in native code: other options may do better, see `file_buffers.py`."""


def try_to_load(path: Path, options: BackendOptions, wanted: Callable[[], bool] = lambda: True) -> None:
    """Try the file. Raises ModelFailed if llama.cpp refuses the file or does not finish; Crashed if the process dies. The log has
    llama.cpp's words.

    wanted: asked now and then; False ends the trial.
    """
    seconds = TIMEOUT_S + path.stat().st_size / BYTES_PER_S
    arguments = [str(path.absolute()), json.dumps(dataclasses.asdict(options)), str(seconds)]
    command = [sys.executable, "-m", "models.trials.load_trial", *arguments]
    # The file is on trial, not the GPU; and the child needs none of the portal's secrets.
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PORTAL_")}
    environment |= {"CUDA_VISIBLE_DEVICES": "", "GGML_NO_BACKTRACE": "1"}
    try:
        child = subprocess.Popen(
            command,
            cwd=Path(__file__).parents[2],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
    except OSError as error:
        raise ModelFailed("The process that tests a model could not start: {reason}.", reason=error.strerror or str(error)) from None
    said, errors = _wait(child, path, seconds, wanted)
    if child.returncode == 0:
        return
    if said.startswith(_REFUSED):
        raise ModelFailed("{reason}", reason=said.removeprefix(_REFUSED).decode("utf-8", "replace").strip())
    how = how_it_ended(child.returncode)
    _log.error("llama.cpp crashed (%s) in the trial of %s: %s", how, path.name, without_codes(errors.decode("utf-8", "replace"))[-2000:])
    if child.returncode == -signal.SIGKILL:
        raise ModelFailed(
            "The test of {file} was killed, which usually means that memory ran out. Choose a smaller context or a "
            "smaller file.", file=path.name
        )
    failed = Crashed if child.returncode < 0 else ModelFailed
    raise failed(
        "llama.cpp crashed ({how}) while testing {file}. The file is damaged or does not fit its architecture: download it again, or "
        "convert the model again. The log has the details.",
        how=how, file=path.name,
    )  # fmt: skip


def _wait(child: subprocess.Popen[bytes], path: Path, seconds: float, wanted: Callable[[], bool]) -> tuple[bytes, bytes]:
    """Return its output once it has ended. Raises ModelFailed, with the child killed, if that takes too long or was cancelled."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            return child.communicate(timeout=_POLL_S)
        except subprocess.TimeoutExpired:
            late = time.monotonic() > deadline
            if late or not wanted():
                child.kill()
                child.communicate()
                if late:
                    raise ModelFailed(
                        "The test of {file} did not finish in {seconds} s. The file is damaged, or this machine is too slow for it.",
                        file=path.name, seconds=round(seconds),
                    ) from None  # fmt: skip
                raise ModelFailed("Loading was cancelled.") from None


def main(path: str, options: str, seconds: str) -> int:
    # If the portal is gone by then, the kernel ends a child that would never end by itself.
    signal.alarm(round(float(seconds)) + 10)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # Models that are loaded answer meanwhile.
    os.nice(5)
    chosen = json.loads(options)
    try:
        run_trial(Path(path), BackendOptions(**chosen))
    except PortalError as error:
        sys.stdout.write(f"{_REFUSED.decode()}{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
