"""Define a comparison of two model files: its questions, measurements and votes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from core.errors import StoredError

KL_BOUNDS = (0.001, 0.01, 0.1, 0.5)
"""Bounds of KL divergence in nats, which divide positions from full agreement to large differences."""


@dataclass(frozen=True, slots=True)
class ComparedQuestion:
    """A question with an accepted answer, whose tokens both files predict."""

    question: str
    answer: str


class QuestionSet(StrEnum):
    BUILT_IN = "built_in"
    """The built-in questions, in English and Chinese."""
    REPLAY = "replay"
    """The replay questions of admins."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QuestionResult:
    """The results of both files for one question. KL divergence is from the reference's distribution to the candidate's."""

    question: str
    tokens: int
    """Number of tokens of the accepted answer, which are the compared positions."""
    kl_sum: float
    same_top: int
    """Number of positions at which both files prefer the same token."""
    kl_counts: tuple[int, ...]
    """Numbers of positions in the ranges between KL_BOUNDS, one more than there are bounds."""
    losses: tuple[float, float]
    """Sums of the negative log likelihoods of the accepted answer's tokens in nats: (reference, candidate)."""
    texts: tuple[str, str] = ("", "")
    """The answer that each file generated."""
    generated: tuple[int, int] = (0, 0)
    """Number of tokens of these answers."""
    seconds: tuple[float, float] = (0.0, 0.0)
    """Decode time of these answers in seconds, without prefill of the question."""

    @property
    def kl_mean(self) -> float:
        return self.kl_sum / self.tokens if self.tokens else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedFile:
    """One of the two compared files. memory_bytes: measured after loading it for one conversation."""

    path: Path
    quantization: str
    size_bytes: int
    memory_bytes: int = 0


class VoteChoice(StrEnum):
    """The answer that a person prefers."""

    REFERENCE = "reference"
    CANDIDATE = "candidate"
    ALIKE = "alike"
    POOR = "poor"
    """Both answers are poor."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Vote:
    """The vote of one person on one question of a comparison."""

    comparison_id: str
    user_id: str
    number: int
    """Number of the question, counted from 0."""
    choice: VoteChoice


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """A comparison of two files. Its id is that of its job."""

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
    """Name of the person who started the comparison, filled in when it is read."""

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
