"""Declare what the filter needs: stored policies, and a search with own patterns that cannot run for long."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

from core.privacy.records import PrivacyPolicy


class PolicyRepository(Protocol):
    def all(self) -> Sequence[PrivacyPolicy]:
        """Return all policies, by group."""
        ...

    def of_group(self, group: str) -> PrivacyPolicy | None:
        """Return the group's policy, or that of every group; None if there is neither."""
        ...

    def put(self, policy: PrivacyPolicy) -> None: ...
    def remove(self, group: str) -> bool: ...
    def rename_group(self, old: str, new: str) -> None: ...


class OwnPatterns(Protocol):
    """Searches with own patterns, in time proportional to the text."""

    def check(self, patterns: Sequence[str]) -> None:
        """Raise InvalidInput for a pattern that cannot be used, or if none can be used here."""
        ...

    def find(self, patterns: Sequence[str], text: str) -> Iterator[tuple[int, int]]: ...
