"""Declare where second factors are kept."""

from __future__ import annotations

from collections.abc import Collection
from typing import Protocol

from core.identity.records import SecondFactor


class SecondFactorRepository(Protocol):
    def get(self, user_id: str) -> SecondFactor | None: ...
    def put(self, factor: SecondFactor) -> None:
        """Store a person's factor in place of the one before."""
        ...

    def take_step(self, user_id: str, step: int) -> bool:
        """Note that a code of this step was used. Returns False if one of it or a later step was used before."""
        ...

    def set_codes(self, user_id: str, hashes: Collection[str]) -> None:
        """Replace the recovery codes, given as hashes."""
        ...

    def take_code(self, user_id: str, code_hash: str) -> bool:
        """Remove a recovery code. Returns False if there is none."""
        ...

    def codes_left(self, user_id: str) -> int: ...
    def remove(self, user_id: str) -> None:
        """Remove the factor and its recovery codes."""
        ...
