"""Declare the repositories of programs' data, and the answerer of requests without a connection."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from core.errors import StoredError
from core.people.records import User
from core.programs.records import Batch, BatchStatus, FilePurpose, LineAnswer, ProgramFile, StoredResponse
from core.tasks.records import Json


class ResponseRepository(Protocol):
    """Stores responses."""

    def add(self, response: StoredResponse) -> None: ...
    def get(self, response_id: str) -> StoredResponse | None: ...
    def put_body(self, response_id: str, body: str) -> bool:
        """Replace the body. Returns False if the response is gone."""
        ...

    def remove(self, response_id: str) -> None: ...
    def created_before(self, before: datetime, limit: int) -> Sequence[str]:
        """Return ids of responses created before this time, except those of people under a legal hold."""
        ...


class ProgramFileRepository(Protocol):
    """Stores files in parts, so that no file is ever in memory as a whole."""

    def add(self, file: ProgramFile) -> None: ...
    def append(self, file_id: str, content: bytes) -> None:
        """Add content at the end of a file."""
        ...

    def make_ready(self, file_id: str) -> None:
        """Mark a file as complete, and store its size."""
        ...

    def get(self, file_id: str) -> ProgramFile | None: ...
    def parts(self, file_id: str, after: int) -> Sequence[tuple[int, bytes]]:
        """Return the next parts after this number, with their numbers; empty at the end. after: 0 for the first parts."""
        ...

    def of_user(self, user_id: str, limit: int, after: ProgramFile | None, purpose: FilePurpose | None) -> Sequence[ProgramFile]:
        """List a person's complete files, newest first. after: the last file read."""
        ...

    def total_bytes(self, user_id: str) -> int: ...
    def remove(self, file_id: str) -> None: ...
    def expired(self, now: datetime, limit: int) -> Sequence[str]:
        """Return ids of expired files, except those of people under a legal hold and those used by a running batch."""
        ...


class BatchRepository(Protocol):
    """Stores batches."""

    def add(self, batch: Batch) -> None: ...
    def get(self, batch_id: str) -> Batch | None: ...
    def of_user(self, user_id: str, limit: int, after: Batch | None) -> Sequence[Batch]:
        """List a person's batches, newest first. after: the last batch read."""
        ...

    def running(self) -> Sequence[Batch]:
        """List the batches of all people that have not ended."""
        ...

    def uses(self, file_id: str) -> bool:
        """Tell whether a batch that has not ended reads or writes this file."""
        ...

    def begin(self, batch_id: str, lines: int, at: datetime) -> None:
        """Store the number of lines, and that they are now being answered."""
        ...

    def advance(self, batch_id: str, position: int, to: int, completed: int, failed: int) -> bool:
        """Count answered lines. Returns False if the batch is not at `position` because another server has taken it over."""
        ...

    def end(self, batch_id: str, status: BatchStatus, at: datetime, error: StoredError | None = None) -> bool:
        """Store how a batch ended. Returns False if it had already ended."""
        ...

    def remove_before(self, before: datetime) -> int:
        """Delete ended batches from before this time, except those of people under a legal hold; returns how many."""
        ...


class RequestAnswerer(Protocol):
    """Answers a request for a job. The API provides it, because it knows the formats of requests and answers."""

    def answer(self, user: User, route: str, body: Mapping[str, Json], check: Callable[[], None]) -> LineAnswer:
        """Answer one request of a batch with lower priority than people's. A refusal is an answer with its status.

        check: raises when the job must end, which frees the model. Raises Busy and Unavailable; the caller decides whether to retry.
        """
        ...

    def respond(self, user: User, response_id: str, body: Mapping[str, Json], check: Callable[[], None]) -> str:
        """Answer a request for a response. Returns the response as JSON text. Raises PortalError.

        check: raises when the job must end, which frees the model.
        """
        ...
