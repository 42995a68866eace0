"""Locate the folders that the command uses."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from core.errors import StartFailed

REPOSITORY = Path(__file__).resolve().parent.parent
DEFAULT_HOME = "~/.local/share/glm-portal"


@dataclass(frozen=True, slots=True)
class Paths:
    """Folders. home: PORTAL_HOME. cache: compiled wheels, shared by all homes of this person."""

    home: Path
    cache: Path

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> Paths:
        home = Path(environment.get("PORTAL_HOME") or DEFAULT_HOME).expanduser().absolute()
        cache = Path(environment.get("XDG_CACHE_HOME") or "~/.cache").expanduser().absolute()
        return cls(home, cache / "glm-portal" / "wheels")

    @property
    def venv(self) -> Path:
        return self.home / "venv"

    @property
    def python(self) -> Path:
        return self.venv / "bin" / "python"

    @property
    def site_packages(self) -> Path:
        return self.venv / "lib" / f"python{sys.version_info.major}.{sys.version_info.minor}" / "site-packages"

    @property
    def stamp(self) -> Path:
        """Return the record of what is installed in the environment; it is deleted with it."""
        return self.venv / "installed.json"

    @property
    def engine_trial_result(self) -> Path:
        """Return the record of how the engine was tested on this machine; the portal reads it when it starts."""
        return self.home / "engine.json"

    @property
    def log(self) -> Path:
        return self.home / "logs" / "install.log"

    def prepare(self) -> None:
        """Create the home. Raises StartFailed."""
        try:
            self.log.parent.mkdir(parents=True, exist_ok=True)
            probe = self.home / ".writable"
            probe.write_bytes(b"1")
            probe.unlink()
        except OSError as problem:
            raise StartFailed(
                "The folder {home} cannot be written ({reason}). Free some space, change its permissions, or set PORTAL_HOME to another "
                "folder.",
                home=self.home,
                reason=problem.strerror,
            ) from problem
