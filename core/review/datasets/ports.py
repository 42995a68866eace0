"""Declare the repositories of datasets, of the ratings that they are made of, and of people's consent."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from core.chat.context.records import Applied
from core.chat.records import Author, MessageStatus
from core.chat.tools.records import ToolStep
from core.review.cases.records import CaseState
from core.review.datasets.records import Dataset, DatasetFile, DatasetSettings, DatasetVersion, LineSource


@dataclass(frozen=True, slots=True, kw_only=True)
class Rated:
    """A rating of an answer in a chat, with what a reviewer decided about it. It has no text."""

    id: str
    user_id: str
    conversation_id: str
    answer_id: str
    rating: int
    rated_at: datetime
    model: str
    model_version: str = ""
    case: int | None = None
    state: CaseState | None = None
    tags: tuple[str, ...] = ()
    correction: str = ""
    """The better answer that the person wrote."""
    beaten: tuple[str, ...] = ()
    """Ids of the other answers, if the person preferred this one side by side."""
    opposites: tuple[tuple[str, str], ...] = ()
    """Id of answer and rating of each other answer to the same question that the person rated poor, if this one is rated good."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ThreadMessage:
    """A message of a conversation, with what a line may hold of it."""

    id: str
    parent_id: str | None
    author: Author
    text: str
    status: MessageStatus
    steps: tuple[ToolStep, ...] = ()
    instructions: tuple[Applied, ...] = ()
    has_files: bool = False


Thread = Mapping[str, ThreadMessage]
"""All messages of a conversation, by id."""


class RatedRepository(Protocol):
    """Reads what datasets are made of."""

    def find(self, settings: DatasetSettings, limit: int, after: Rated | None = None, *, newest_first: bool = False) -> Sequence[Rated]:
        """List ratings of answers in chats that the filters match, the oldest first. after: the last one read."""
        ...

    def count(self, settings: DatasetSettings) -> int:
        """Count the ratings that the filters match."""
        ...

    def threads(self, conversation_ids: Collection[str]) -> Mapping[str, Thread]:
        """Return the messages of conversations that still exist."""
        ...


class DatasetRepository(Protocol):
    """Stores datasets. A version is written once, whole."""

    def add(self, dataset: Dataset) -> None: ...
    def get(self, dataset_id: str) -> Dataset | None: ...
    def for_change(self, dataset_id: str) -> Dataset | None:
        """Read and lock a dataset."""
        ...

    def all(self) -> Sequence[Dataset]:
        """List all datasets, the last changed first."""
        ...

    def save(self, dataset: Dataset) -> None: ...
    def rename_group(self, old: str, new: str) -> None:
        """Let the settings of datasets and of versions name a group by its new name."""
        ...

    def remove(self, dataset_id: str) -> None: ...
    def add_version(self, version: DatasetVersion, sources: Sequence[LineSource]) -> None:
        """Insert a version, without its files."""
        ...

    def add_file(self, version_id: str, file: DatasetFile, content: Iterable[bytes]) -> None: ...
    def versions(self, dataset_ids: Collection[str]) -> Sequence[DatasetVersion]:
        """List the versions of these datasets with their files, the newest first."""
        ...

    def version(self, version_id: str) -> DatasetVersion | None: ...
    def set_used_by(self, version_id: str, used_by: str) -> None: ...
    def remove_version(self, version_id: str) -> None: ...
    def parts(self, file_id: str, after: int) -> Sequence[tuple[int, bytes]]:
        """Return the next parts of a file after this number, with their numbers; empty at the end. after: 0 for the first parts."""
        ...

    def sources_gone(self, version_ids: Collection[str]) -> Mapping[str, Collection[int]]:
        """Return, for each version, the lines whose chat or rating is gone, or whose rating has changed."""
        ...

    def people_of(self, version_ids: Collection[str]) -> Collection[str]:
        """Return the ids of the people whose chats are in these versions."""
        ...

    def lines_of(self, version_ids: Collection[str], user_ids: Collection[str]) -> Mapping[str, Collection[int]]:
        """Return, for each version, the lines of these people."""
        ...


class TrainingChoiceRepository(Protocol):
    """Stores people's decisions."""

    def get(self, user_id: str) -> bool | None:
        """Return a person's decision; None if there is none."""
        ...

    def all(self) -> Mapping[str, bool]: ...
    def put(self, user_id: str, agreed: bool | None, at: datetime) -> None:
        """Store a decision; None removes it."""
        ...
