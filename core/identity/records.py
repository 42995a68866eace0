"""Define second factors. All times are timezone-aware UTC."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SecondFactor:
    user_id: str
    secret: str
    """In base32, as authenticator apps read it."""
    created_at: datetime
    confirmed_at: datetime | None = None
    """None: the person has not typed a code yet, so sign-in does not ask for one."""
    last_step: int = 0
    """The step of the last code that was accepted; no code of this or an earlier step is accepted again."""
