"""What a number or a word that somebody chose may be. Both raise InvalidInput."""

from __future__ import annotations

from core.errors import InvalidInput


def within(name: str, value: float | None, low: float, high: float) -> None:
    # A comparison is false for NaN, and exact for whole numbers of any length, which a float could not hold.
    if value is not None and not low <= value <= high:
        raise InvalidInput("{name} must lie between {low} and {high}.", name=name, low=low, high=high)


def one_of(name: str, value: str, *choices: str) -> None:
    if value not in choices:
        raise InvalidInput("{name} must be one of {choices}, not {value}.", name=name, choices=", ".join(choices), value=repr(value[:40]))
