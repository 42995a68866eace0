"""Define datasets: their settings, the report of a build, their versions and the files of a version."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from core.errors import InvalidInput
from core.review.cases.records import CaseState

MAX_NAME = 80
MAX_CHARACTERS = 1_000_000


class Format(StrEnum):
    SFT = "sft"
    """Conversations to imitate."""
    DPO = "dpo"
    """Pairs of a preferred and a rejected answer."""
    KTO = "kto"
    """Single answers, labelled good or poor."""


class Layout(StrEnum):
    """The fields of a line."""

    TRL = "trl"
    LLAMA_FACTORY = "llama_factory"


class Source(StrEnum):
    """Where examples come from."""

    ACCEPTED = "accepted"
    """Answers that were rated good and whose case was kept as an example."""
    CORRECTED = "corrected"
    """Better answers that people wrote, over the rated ones."""
    GOOD = "good"
    POOR = "poor"
    OPPOSITE = "opposite"
    """Two answers to one question, one rated good and the other poor."""
    VOTES = "votes"
    """Answers side by side, of which the person preferred one."""


SOURCES: Mapping[Format, tuple[Source, ...]] = {
    Format.SFT: (Source.ACCEPTED, Source.CORRECTED, Source.GOOD, Source.VOTES),
    Format.DPO: (Source.CORRECTED, Source.OPPOSITE, Source.VOTES),
    Format.KTO: (Source.GOOD, Source.POOR, Source.CORRECTED, Source.VOTES),
}
"""What each format can be made of."""


class PersonalData(StrEnum):
    MASK = "mask"
    LEAVE_OUT = "leave_out"


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetSettings:
    """Which examples get into a dataset, and in what form. since is inclusive, until exclusive."""

    format: Format
    sources: tuple[Source, ...]
    layout: Layout = Layout.TRL
    states: tuple[CaseState, ...] = ()
    """Only ratings whose case is in one of these states; empty for all."""
    group: str | None = None
    model: str | None = None
    tag: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    personal_data: PersonalData = PersonalData.MASK
    near_duplicates: bool = True
    """Whether nearly equal examples are removed; equal ones always are."""
    min_characters: int = 1
    """Least length of an answer."""
    max_characters: int = 32_000
    """Most characters of an example."""
    tag_limit: int | None = None
    """Most examples of each tag."""
    context: bool = True
    """Whether the earlier turns of the conversation are kept."""
    instructions: bool = False
    """Whether the instructions that the model read are kept as a system message."""
    tools: bool = False
    """Whether calls of tools and their results are kept."""

    def __post_init__(self) -> None:
        if not self.sources:
            raise InvalidInput("Choose at least one kind of source.")
        if unfit := [each.value for each in self.sources if each not in SOURCES[self.format]]:
            raise InvalidInput("{format} cannot be made of these sources: {names}.", format=self.format.upper(), names=", ".join(unfit))
        if not 1 <= self.min_characters <= self.max_characters <= MAX_CHARACTERS:
            raise InvalidInput("The limits of length must be between 1 and {most}, the smaller one first.", most=MAX_CHARACTERS)
        if self.tag_limit is not None and not 1 <= self.tag_limit <= 1_000_000:
            raise InvalidInput("The limit for each tag must be between 1 and 1,000,000.")
        if self.tools and self.layout is Layout.LLAMA_FACTORY:
            raise InvalidInput("Files for LLaMA-Factory cannot hold calls of tools. Leave them out, or choose the fields of TRL.")
        if self.since is not None and self.until is not None and self.since >= self.until:
            raise InvalidInput("The period must begin before it ends.")


class Reason(StrEnum):
    """Why an example was left out, in the order of the steps."""

    NO_CONSENT = "no_consent"
    CHAT_DELETED = "chat_deleted"
    FILES = "files"
    """The conversation has files, which a line cannot hold."""
    INCOMPLETE = "incomplete"
    """The answer was stopped, failed or is empty."""
    PERSONAL_DATA = "personal_data"
    TOO_SHORT = "too_short"
    TOO_LONG = "too_long"
    DUPLICATE = "duplicate"
    NEAR_DUPLICATE = "near_duplicate"
    TAG_LIMIT = "tag_limit"
    WITHDRAWN = "withdrawn"
    """The chat was deleted, or the rating or the consent withdrawn, while the version was built."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    found: int
    """Examples that the filters and sources match."""
    left_out: Mapping[Reason, int]
    train: int
    holdout: int
    holdout_percent: int
    people: int
    masked: int = 0
    """Examples in which personal data was masked."""
    by_tag: Mapping[str, int] = field(default_factory=dict)
    """Examples of each tag, the most frequent first."""
    by_source: Mapping[str, int] = field(default_factory=dict)
    by_model: Mapping[str, int] = field(default_factory=dict)

    @property
    def kept(self) -> int:
        return self.train + self.holdout


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """A named definition, of which versions are built."""

    id: str
    name: str
    settings: DatasetSettings
    created_at: datetime
    created_by: str
    """The id of the person who made it."""
    updated_at: datetime
    versions: int = 0
    """The number of the newest version."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetFile:
    id: str
    name: str
    lines: int
    size_bytes: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetVersion:
    """What was built once from the settings. Its files never change."""

    id: str
    dataset_id: str
    number: int
    settings: DatasetSettings
    report: Report
    built_at: datetime
    built_by: str
    used_by: str = ""
    """What was trained with it, as somebody noted. Such a version cannot be deleted."""
    files: tuple[DatasetFile, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LineSource:
    """A rating that a line of a version comes from."""

    line: int
    user_id: str
    conversation_id: str
    rating_id: str
    rating: int
