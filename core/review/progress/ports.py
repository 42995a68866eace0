"""Declare where the numbers of the review's progress come from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from core.review.cases.ports import Groups
from core.review.progress.records import CaseTimes, Fixes


class ReviewProgressRepository(Protocol):
    """Reads times and counts. Complaints only, except for judgements. groups: cases of other people are not counted."""

    def times(self, since: datetime, groups: Groups = None) -> Sequence[CaseTimes]:
        """Return the complaints that were open at that time or later."""
        ...

    def fixes(self, since: datetime, groups: Groups = None) -> Fixes:
        """Count what became of the complaints that were closed as fixed since then."""
        ...

    def tags(self, since: datetime, groups: Groups = None) -> Sequence[tuple[str, str]]:
        """Return (tag, case id) of the same complaints."""
        ...

    def closers(self, since: datetime, groups: Groups = None) -> Sequence[tuple[str, str]]:
        """Return (reviewer's name, case id) of complaints that a reviewer closed since then, once each."""
        ...

    def judged(self, since: datetime, groups: Groups = None) -> Mapping[str, int]:
        """Return the number of judgements and decisions since then, by the reviewer's name."""
        ...

    def pairs(self, since: datetime, groups: Groups = None) -> Mapping[str, Mapping[tuple[str, str], int]]:
        """Return how often two reviewers gave each pair of answers since then, by the question's id."""
        ...
