"""What the routes need of the portal: its services, and the three parts that health and metrics look at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Protocol, cast

from fastapi import Depends, Request

from core.accounts import Accounts
from core.completions import Completions
from core.conversations import Conversations
from core.entities import SearchHit, SearchQuery
from core.feedback import FeedbackQueue
from core.generation import LoadedModel
from core.model_room import ModelRoom
from core.sessions import Sessions
from core.turns import Turns
from core.usage import UsageReports


class CookieSettings(Protocol):
    @property
    def secure_cookie(self) -> bool: ...


class Pool(Protocol):
    def loaded(self) -> Sequence[LoadedModel]: ...
    def metrics(self) -> Mapping[str, Any]:
        """By model name, a moment of its engine (an object whose fields are numbers)."""
        ...


class Index(Protocol):
    def search(self, query: SearchQuery) -> Sequence[SearchHit]: ...


class IndexJobs(Protocol):
    def pending(self) -> int:
        """Changes of the store that the index has not got yet."""
        ...


class Portal(Protocol):
    @property
    def settings(self) -> CookieSettings: ...
    @property
    def accounts(self) -> Accounts: ...
    @property
    def sessions(self) -> Sessions: ...
    @property
    def conversations(self) -> Conversations: ...
    @property
    def turns(self) -> Turns: ...
    @property
    def completions(self) -> Completions: ...
    @property
    def feedback(self) -> FeedbackQueue: ...
    @property
    def usage(self) -> UsageReports: ...
    @property
    def models(self) -> ModelRoom: ...
    @property
    def pool(self) -> Pool: ...
    @property
    def index(self) -> Index: ...
    @property
    def index_worker(self) -> IndexJobs: ...


def portal_of(request: Request) -> Portal:
    return cast(Portal, request.app.state.portal())


PortalHere = Annotated[Portal, Depends(portal_of)]
