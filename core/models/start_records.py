"""Define what happens around a start: the models to load, those that failed, and the crash before it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from core.errors import StoredError
from core.models.load_settings import LoadSettings
from core.models.records import Residency


@dataclass(frozen=True, slots=True)
class StartModel:
    """A model that is loaded at every start of the portal."""

    name: str
    path: Path
    settings: LoadSettings
    default: bool = False
    """Whether the model becomes the default."""
    residency: Residency = field(default_factory=Residency)


@dataclass(frozen=True, slots=True)
class StartProblem:
    """A model that was not loaded at the start although it should have been, and the reason."""

    name: str
    path: Path
    reason: StoredError


class ModelWork(StrEnum):
    LOADING = "loading"
    DECODING = "decoding"
    SAMPLING = "sampling"


@dataclass(frozen=True, slots=True)
class Crash:
    """A run of the portal that crashed in native code. It contains only ids and no text of people."""

    at: datetime
    model: str
    """Name of the working model; empty if there was none."""
    doing: ModelWork | None
    """What the model was doing; None if no model was working."""
    answers: int
    """Number of answers in the step that crashed."""
    requests: tuple[str, ...]
    """Ids of the turns or completions of these answers."""
    error: str
    """llama.cpp's own message, or else the name of the signal."""
    in_a_row: int = 0
    """How many consecutive runs, including this one, crashed with this model; 0 after a run that ended normally."""
