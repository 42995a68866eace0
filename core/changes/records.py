"""Define changes that charts mark."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Change(StrEnum):
    """Kinds of changes that are marked."""

    SWAP = "model.swap"
    LOAD = "model.load"
    UNLOAD = "model.unload"
    DEFAULT = "model.make_default"
    CONFIGURATION = "platforms.apply"
    PRESET = "preset.change"
    """Of a preset that is offered to people. details: "state" is offered, changed or withdrawn."""
    PROMPT = "prompt.change"
    """Of a prompt that everyone sees. subject: its id, since titles are sealed; details: "version"."""
    EXPERIMENT = "experiment.change"
    """details: "state" is started, stopped or promoted, "version" the variant B."""
    PRICE = "price.set"
    """Marked at the time from which the price holds."""
    REPRICE = "price.reprice"
    """Costs of past answers were recomputed. Marked at the first day of these answers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeMarker:
    """A change, and its time, for charts to show."""

    id: str
    at: datetime
    kind: str
    """A noun and a verb, e.g. "model.swap"."""
    subject: str
    details: Mapping[str, str]
