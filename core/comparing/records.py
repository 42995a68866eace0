"""Define a comparison of two model files: its questions, what was measured, and the votes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from core.errors import StoredError

KL_BOUNDS = (0.001, 0.01, 0.1, 0.5)
"""Nats. They divide tokens into those that agree and those that differ more and more."""


@dataclass(frozen=True, slots=True)
class ComparedQuestion:
    """A question with an accepted answer, whose tokens both files predict."""

    question: str
    answer: str


class QuestionSet(StrEnum):
    BUILT_IN = "built_in"
    """Comes with the portal, in English and Chinese."""
    REPLAY = "replay"
    """The replay questions of admins."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QuestionResult:
    """What both files made of one question. The KL divergence is of the second file's distribution from the first's, the reference."""

    question: str
    tokens: int
    """Of the accepted answer: the positions that were compared."""
    kl_sum: float
    same_top: int
    """Positions at which both files prefer the same token."""
    kl_counts: tuple[int, ...]
    """Positions by KL_BOUNDS, one more than bounds."""
    losses: tuple[float, float]
    """The sum of the negative log likelihoods of the accepted answer's tokens, in nats, by file: reference, candidate."""
    texts: tuple[str, str] = ("", "")
    """What each file answers."""
    generated: tuple[int, int] = (0, 0)
    """Tokens of those answers."""
    seconds: tuple[float, float] = (0.0, 0.0)
    """How long those answers took, without reading the question."""

    @property
    def kl_mean(self) -> float:
        return self.kl_sum / self.tokens if self.tokens else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedFile:
    """One of the two files. memory_bytes: measured while it was loaded, with one conversation."""

    path: Path
    quantization: str
    size_bytes: int
    memory_bytes: int = 0


class VoteChoice(StrEnum):
    """Which answer a person prefers."""

    REFERENCE = "reference"
    CANDIDATE = "candidate"
    ALIKE = "alike"
    POOR = "poor"
    """Both are poor."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Vote:
    comparison_id: str
    user_id: str
    number: int
    """Of the question, from 0."""
    choice: VoteChoice


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """One comparison. Its id is that of its job."""

    id: str
    started_by: str
    created_at: datetime
    server: str
    reference: ComparedFile
    candidate: ComparedFile
    questions: int
    results: tuple[QuestionResult, ...] = ()
    ended_at: datetime | None = None
    error: StoredError | None = None
    started_by_name: str = ""
    """Filled in when it is read."""

    @property
    def done(self) -> bool:
        return self.ended_at is not None and self.error is None


@dataclass(frozen=True, slots=True)
class Ballot:
    """The next question of a blind vote. Which file wrote which answer is hidden."""

    number: int
    question: str
    answer_a: str
    answer_b: str
    voted: int
    of: int


VoteCounts = Mapping[VoteChoice, int]
