"""Remember which models to load at every start, in a small JSON file under the home."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from threading import Lock

from core.errors import InvalidInput
from core.models.records import Residency
from core.models.start_records import StartModel
from models.serving.state_files.remembered_settings import settings_of, write_json

START_MODELS = "start_models.json"
"""Name of the list's file in the home."""
_log = logging.getLogger(__name__)


class FileStartList:
    """Implements core's StartList. Safe from any thread. An entry that cannot be read is left out; nothing else depends on it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = Lock()

    def all(self) -> Sequence[StartModel]:
        with self._lock:
            return self._read()

    def keep(self, model: StartModel) -> None:
        with self._lock:
            others = [each for each in self._read() if each.name != model.name]
            if model.default:
                others = [replace(each, default=False) for each in others]
            self._write([*others, model])

    def make_default(self, name: str) -> None:
        with self._lock:
            self._write([replace(each, default=each.name == name) for each in self._read()])

    def forget(self, name: str) -> None:
        with self._lock:
            known = self._read()
            left = [each for each in known if each.name != name]
            if len(left) < len(known):
                self._write(left)

    def _read(self) -> list[StartModel]:
        try:
            written = json.loads(self._path.read_text("utf-8"))
        except (OSError, ValueError):
            return []
        return [model for each in written if (model := _model(each))] if isinstance(written, list) else []

    def _write(self, models: list[StartModel]) -> None:
        try:
            write_json(self._path, [asdict(model) for model in models])
        except OSError as problem:
            _log.error("which models to load at the next start could not be noted in %s: %s", self._path, problem.strerror)


def _model(written: object) -> StartModel | None:
    match written:
        case {"name": str(name), "path": str(path), "settings": dict(settings), "default": bool(default)}:
            read = settings_of(settings)
            residency = _residency(written.get("residency") if isinstance(written, dict) else None)
            return None if read is None else StartModel(name=name, path=Path(path), settings=read, default=default, residency=residency)
    return None


def _residency(written: object) -> Residency:
    """Return the stored rule; a damaged one counts as missing."""
    try:
        return Residency(**written) if isinstance(written, dict) else Residency()
    except (InvalidInput, TypeError):
        return Residency()
