"""Define what reviewers judge by, and their judgements."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

MAX_GUIDELINES_LENGTH = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Guidelines:
    """One version of the guidelines. A version is never changed."""

    version: int
    """Counts from 1."""
    text: str
    """Markdown."""
    author_name: str
    saved_at: datetime


class QuestionKind(StrEnum):
    SINGLE = "single"
    """One of the choices."""
    SEVERAL = "several"
    """Any of the choices."""
    RATING = "rating"
    """A number from 1 to `top`."""
    TEXT = "text"


@dataclass(frozen=True, slots=True)
class Choice:
    id: str
    """Empty in a new choice."""
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A question that reviewers answer about a case."""

    id: str = ""
    """Empty in a new question. Answers name it, so it stays through all versions."""
    label: str
    kind: QuestionKind
    description: str = ""
    required: bool = False
    choices: tuple[Choice, ...] = ()
    top: int = 0
    """The highest number of a rating; 0 for other kinds."""

    @property
    def is_compared(self) -> bool:
        """Tell whether the answers of two reviewers can agree: texts cannot."""
        return self.kind is not QuestionKind.TEXT


@dataclass(frozen=True, slots=True, kw_only=True)
class QuestionSet:
    """One version of the questions. A version is never changed."""

    version: int
    """0 for the questions of a new portal."""
    questions: tuple[Question, ...]
    author_name: str | None = None
    saved_at: datetime | None = None


class Seat(StrEnum):
    """Which judgement of a case it is."""

    FIRST = "first"
    SECOND = "second"
    DECISION = "decision"
    """A third person's answers to the questions on which the first two differ."""


Answers = Mapping[str, str]
"""The answers by the question's id: a choice's id, ids joined by commas in order, a number, or a text. Unanswered questions are absent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """A reviewer's answers about one case, with the versions that they were made under."""

    id: str
    case_id: str
    seat: Seat
    user_id: str
    user_name: str
    answers: Answers
    questions_version: int
    guidelines_version: int
    """0 if there were none."""
    judged_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """One question with both reviewers' answers. decided: the third person's; None until then, and where the two agree."""

    question: Question
    first: str
    second: str
    decided: str | None = None

    @property
    def agree(self) -> bool:
        return self.first == self.second


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedCase:
    """The judgements of a case, as far as this reviewer may see them, and what the reviewer may do."""

    questions: QuestionSet
    """The newest questions."""
    second: bool
    """Whether a second reviewer judges the case too."""
    seat: Seat | None
    """The judgement that this reviewer may give or change now; None for none."""
    own_rating: bool
    """Whether this reviewer gave the rating. Others judge it."""
    own: Judgement | None
    shown: tuple[Judgement, ...]
    """Empty for everybody else until the second judgement is in."""
    hidden: bool
    """Whether there is a judgement that this reviewer may not see yet."""
    compared: tuple[Compared, ...]
    """The questions that both reviewers were asked; empty without two judgements."""
    result: Answers
    """The case's judgement; empty until it is final."""
