"""Define the responses, files and batches that programs store."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from core.errors import StoredError


@dataclass(frozen=True, slots=True)
class StoredResponse:
    """A response with its input, both as JSON text in the shape of the API."""

    id: str
    user_id: str
    created_at: datetime
    input: str
    """The input items of the request, without those of earlier responses."""
    body: str
    """The complete response, or for a running background response its current state."""
    previous_id: str | None = None
    """The id of the response that this one continues."""
    job_id: str | None = None
    """The job of a background response; None for one that was answered at once."""


class FilePurpose(StrEnum):
    BATCH = "batch"
    BATCH_OUTPUT = "batch_output"


@dataclass(frozen=True, slots=True)
class ProgramFile:
    """A file of /v1/files, without its content."""

    id: str
    user_id: str
    name: str
    purpose: FilePurpose
    size_bytes: int
    created_at: datetime
    expires_at: datetime
    ready: bool = True
    """False while the content is being written."""


class BatchStatus(StrEnum):
    VALIDATING = "validating"
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    FAILED = "failed"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


BATCH_ENDED = (BatchStatus.COMPLETED, BatchStatus.FAILED, BatchStatus.EXPIRED, BatchStatus.CANCELLED)


@dataclass(frozen=True, slots=True)
class Batch:
    """Requests of one file, answered by a job."""

    id: str
    user_id: str
    created_at: datetime
    expires_at: datetime
    """The time after which unanswered lines count as expired."""
    route: str
    input_file_id: str
    output_file_id: str
    error_file_id: str
    job_id: str
    metadata: str = "{}"
    """Metadata of the program as JSON text."""
    status: BatchStatus = BatchStatus.VALIDATING
    lines: int = 0
    """Number of lines of the input; 0 until they are counted."""
    position: int = 0
    """Number of lines whose results are stored. Blank lines count too."""
    completed: int = 0
    failed: int = 0
    started_at: datetime | None = None
    ended_at: datetime | None = None
    error: StoredError | None = None
    """Why the whole batch failed."""


@dataclass(frozen=True, slots=True)
class LineAnswer:
    """The API's answer to one request. body: a JSON object as text."""

    status: int
    body: str
    request_id: str
