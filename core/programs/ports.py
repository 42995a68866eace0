"""Declare what core needs to store responses and to answer requests without a connection."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from core.people.records import User
from core.programs.records import StoredResponse
from core.tasks.records import Json


class ResponseRepository(Protocol):
    def add(self, response: StoredResponse) -> None: ...
    def get(self, response_id: str) -> StoredResponse | None: ...
    def put_body(self, response_id: str, body: str) -> bool:
        """Replace the body. Returns False if the response is gone."""
        ...

    def remove(self, response_id: str) -> None: ...
    def created_before(self, before: datetime, limit: int) -> Sequence[str]:
        """Return ids of responses made before this moment, except those of people under a hold."""
        ...


class RequestAnswerer(Protocol):
    """Answers a request of the API for a job. Provided by the edge, which knows the dialects."""

    def respond(self, user: User, response_id: str, body: Mapping[str, Json], check: Callable[[], None]) -> str:
        """Answer a request for a response. Returns the response as JSON text. Raises PortalError.

        check: raises when the job must end; then the model is freed.
        """
        ...
