"""Split settings that hold several values."""

from __future__ import annotations


def listed(written: str) -> list[str]:
    """Split a setting of comma-separated values."""
    return [part.strip() for part in written.split(",") if part.strip()]


def pairs(written: str) -> tuple[tuple[str, str], ...]:
    """Split a setting of the form a=b;c=d at the last = of each pair, since names of groups in a directory may contain others."""
    parts = (part.rpartition("=") for part in written.split(";") if part.strip())
    return tuple((left.strip(), right.strip()) for left, _, right in parts)
