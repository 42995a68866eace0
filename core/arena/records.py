"""Define contenders, votes on two blind answers, and the match that they come from."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from core.errors import StoredError


class Choice(StrEnum):
    """A vote on two answers."""

    LEFT = "left"
    RIGHT = "right"
    ALIKE = "alike"
    POOR = "poor"
    """Both answers are poor; it counts as a tie."""


class VoteTask(StrEnum):
    """What the question of a vote is about, as the person says."""

    WRITING = "writing"
    SUMMARY = "summary"
    TRANSLATION = "translation"
    NUMBERS = "numbers"
    CODE = "code"
    KNOWLEDGE = "knowledge"


@dataclass(frozen=True, slots=True, order=True)
class Contender:
    """A model or preset that votes compare. version: distinguishes files that served under one name; empty for presets and files."""

    name: str
    version: str = ""

    @property
    def label(self) -> str:
        """Return the name with the beginning of the version, as in "glm b71e"."""
        return f"{self.name} {self.version[:4]}" if self.version else self.name


def file_version(version: str, platform: str) -> str:
    """Return the version that tells files of one name apart; "" for a platform that reports none but its own name."""
    return "" if version == platform else version


@dataclass(frozen=True, slots=True, kw_only=True)
class ArenaVote:
    """The vote of one person on one match. It holds no text."""

    id: str
    user_id: str
    left: Contender
    right: Contender
    choice: Choice
    voted_at: datetime
    task: VoteTask | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VoteCount:
    """The votes of one person on one pair, first < second."""

    user_id: str
    first: Contender
    second: Contender
    first_wins: int = 0
    second_wins: int = 0
    ties: int = 0

    @property
    def votes(self) -> int:
        return self.first_wins + self.second_wins + self.ties


@dataclass(frozen=True, slots=True, kw_only=True)
class VoteFilter:
    """Which votes count; all given conditions apply. since is inclusive, until exclusive."""

    since: datetime | None = None
    until: datetime | None = None
    group: str | None = None
    """The group that the voters belong to now."""
    task: VoteTask | None = None
    """Only votes of the Arena have one."""


class MatchState(StrEnum):
    ANSWERING = "answering"
    READY = "ready"
    """Both have answered; the vote is open."""
    VOTED = "voted"
    FAILED = "failed"
    """One could not answer, so nothing is counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One answer of a match. Name and measurements are empty until the vote, and the text until both answers have ended."""

    text: str = ""
    name: str = ""
    tokens: int | None = None
    tokens_per_second: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """A match as its person may see it at this moment."""

    id: str
    question: str
    task: VoteTask | None
    state: MatchState
    left: Side
    right: Side
    choice: Choice | None = None
    error: StoredError | None = None
    """Why an answer failed."""
    agreed: int = 0
    """How many other votes on this pair prefer the same contender, or are ties as this one."""
    others: int = 0
    """How many other votes there are on this pair."""
