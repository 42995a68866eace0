"""Remember how each file was loaded last, in a small JSON file, so that the next load can offer the same settings."""

from __future__ import annotations

import json
import logging
from dataclasses import asdict, fields
from pathlib import Path
from threading import Lock
from typing import Any

from core.errors import InvalidInput
from core.models.load_settings import Adapter, LoadSettings

MAX_FILES = 200
"""Number of files; the one not loaded for longest is forgotten first."""
_log = logging.getLogger(__name__)


def settings_of(written: object) -> LoadSettings | None:
    """Rebuild settings from the output of `asdict`; None if they are no longer valid."""
    if not isinstance(written, dict) or not written.keys() <= {field.name for field in fields(LoadSettings)}:
        return None
    values: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in written.items()}
    try:
        values["adapters"] = tuple(Adapter(each["name"], Path(each["path"]), each["scale"]) for each in values.get("adapters", ()))
        return LoadSettings(**values)
    except (InvalidInput, TypeError, KeyError):
        return None


def write_json(path: Path, content: object) -> None:
    """Write JSON atomically. Raises OSError."""
    fresh = path.with_suffix(".new")
    fresh.write_text(json.dumps(content, indent=1, default=str), "utf-8")
    fresh.replace(path)


class RememberedSettings:
    """Remembers settings. Safe from any thread. A file that cannot be read or written is ignored: nothing depends on it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = Lock()

    def of(self, model: Path) -> LoadSettings | None:
        """Return the settings that the model was loaded with last; None if they are unknown or no longer valid."""
        with self._lock:
            return settings_of(self._read().get(str(model.absolute())))

    def keep(self, model: Path, settings: LoadSettings) -> None:
        with self._lock:
            known = self._read()
            known.pop(str(model.absolute()), None)
            known[str(model.absolute())] = asdict(settings)
            try:
                write_json(self._path, dict(list(known.items())[-MAX_FILES:]))
            except OSError as problem:
                _log.warning("how %s was loaded could not be noted: %s", model.name, problem)

    def _read(self) -> dict[str, object]:
        try:
            known = json.loads(self._path.read_text("utf-8"))
        except (OSError, ValueError):
            return {}
        return known if isinstance(known, dict) else {}
