"""Choose for each model file: repacked weights, else the weights as they are in the file.

With AMX buffers llama.cpp cannot lay out every architecture: it aborts at deepseek2 (GLM-4.7-Flash). The result is remembered by the
file's fingerprint, for this machine only.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from threading import Lock

from models.engine.llama.options import BackendOptions
from models.trials.load_trial import Crashed, try_to_load

FILE_BUFFERS = "file_buffers.json"
"""The file under the home that keeps the results."""
MAX_FILES = 1000
"""Most files that are remembered; the oldest is forgotten first."""
_log = logging.getLogger(__name__)


class FileBuffers:
    """Safe from any thread. A file that cannot be read or written only costs the trial of a later load."""

    def __init__(self, path: Path, machine: str) -> None:
        """path: the file to remember in. machine: see `machine_trial.identity`; what another machine noted does not count."""
        self._path = path
        self._machine = machine
        self._lock = Lock()

    def try_to_load(
        self, path: Path, version: str, options: BackendOptions, wanted: Callable[[], bool] = lambda: True
    ) -> BackendOptions:
        """Return the options with which a child process could load the file. Raises ModelFailed. version: the file's fingerprint.
        wanted: asked now and then; False ends the trial.
        """
        plain = replace(options, extra_buffers=False)
        if not options.extra_buffers or version in self._plain():
            try_to_load(path, plain, wanted)
            return plain
        try:
            try_to_load(path, options, wanted)
        except Crashed as crash:
            _log.warning("%s Trying again without repacked weights.", crash)
            try_to_load(path, plain, wanted)
            self._remember(version)
            return plain
        return options

    def _plain(self) -> list[str]:
        """Return the fingerprints of files that load only without repacked weights."""
        try:
            known = json.loads(self._path.read_text("utf-8"))
        except (OSError, ValueError):
            return []
        if not isinstance(known, dict) or known.get("machine") != self._machine or not isinstance(known.get("plain"), list):
            return []
        return [str(each) for each in known["plain"]]

    def _remember(self, version: str) -> None:
        with self._lock:
            kept = [*self._plain(), version][-MAX_FILES:]
            fresh = self._path.with_suffix(".new")
            try:
                fresh.write_text(json.dumps({"machine": self._machine, "plain": kept}, indent=1), "utf-8")
                fresh.replace(self._path)
            except OSError as problem:
                _log.warning("%s cannot be written (%s); the file will be tried both ways again", self._path, problem.strerror)
