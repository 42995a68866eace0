"""Define one line of the doctor."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """One result. good: True if the part works, False if it is broken, None for information. advice: what to do, if anything."""

    part: str
    good: bool | None
    state: str
    advice: str = ""
