"""Check numbers and words from callers. Both functions raise InvalidInput."""

from __future__ import annotations

from enum import StrEnum
from typing import TypeVar

from core.errors import InvalidInput

E = TypeVar("E", bound=StrEnum)


def within(name: str, value: float | None, low: float, high: float) -> None:
    # A comparison is false for NaN, and exact for whole numbers of any length, which a float could not hold.
    if value is not None and not low <= value <= high:
        raise InvalidInput("{name} must be between {low} and {high}.", name=name, low=low, high=high)


def one_of(name: str, value: str, choices: type[E]) -> E:
    """Return the choice that `value` names."""
    try:
        return choices(value)
    except ValueError:
        raise InvalidInput(
            "{name} must be one of {choices}, not {value}.", name=name, choices=", ".join(choices), value=repr(str(value)[:40])
        ) from None
