"""One line of the doctor."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """good: True in order, False broken, None worth knowing. advice: what to do, where something is to be done."""

    part: str
    good: bool | None
    state: str
    advice: str = ""
