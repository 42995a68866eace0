"""Check numbers and words that a caller chose. Both functions raise InvalidInput."""

from __future__ import annotations

from core.errors import InvalidInput


def within(name: str, value: float | None, low: float, high: float) -> None:
    # A comparison is false for NaN, and exact for whole numbers of any length, which a float could not hold.
    if value is not None and not low <= value <= high:
        raise InvalidInput("{name} must be between {low} and {high}.", name=name, low=low, high=high)


def one_of(name: str, value: str, *choices: str) -> None:
    if value not in choices:
        raise InvalidInput("{name} must be one of {choices}, not {value}.", name=name, choices=", ".join(choices), value=repr(value[:40]))
