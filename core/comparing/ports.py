"""Declare the comparer of two files, and the repository of comparisons."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from core.comparing.records import ComparedFile, ComparedQuestion, Comparison, QuestionResult, Vote, VoteCounts


class FileComparer(Protocol):
    """Compares two model files on the same tokens."""

    def check(self, reference: Path, candidate: Path) -> tuple[ComparedFile, ComparedFile]:
        """Return both files if they can be compared.

        Raises InvalidInput for an unusable file, a file that is no chat model, different vocabularies, or too little memory for both.
        """
        ...

    def compare(
        self,
        reference: Path,
        candidate: Path,
        questions: Sequence[ComparedQuestion],
        loaded: Callable[[int, int], None],
        check: Callable[[], None],
    ) -> Iterator[QuestionResult]:
        """Yield the result of each question, in order.

        loaded: called with 0 for the reference or 1 for the candidate, and its memory in bytes. check: called several times a second; may
        raise to stop. Raises as check() does, and ModelFailed.
        """
        ...


class FileComparisonRepository(Protocol):
    """Stores comparisons and votes."""

    def add(self, comparison: Comparison) -> None: ...
    def save(self, comparison: Comparison) -> None: ...
    def get(self, comparison_id: str) -> Comparison | None: ...
    def newest(self, limit: int) -> Sequence[Comparison]: ...
    def running(self, server: str) -> Sequence[Comparison]: ...
    def remove(self, comparison_id: str) -> None:
        """Delete a comparison with its votes."""
        ...

    def vote(self, vote: Vote) -> None:
        """Store a vote, replacing an earlier one of the same person on the same question."""
        ...

    def voted(self, comparison_id: str, user_id: str) -> frozenset[int]:
        """Return the numbers of the questions that a person has voted on."""
        ...

    def votes(self, comparison_id: str) -> Mapping[int, VoteCounts]:
        """Count the votes by question."""
        ...
