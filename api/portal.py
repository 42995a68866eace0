"""What the routes need of the portal: its services, and the three parts that health and metrics look at."""

from __future__ import annotations

from typing import Annotated, Protocol, cast

from fastapi import Depends, Request

from core.accounts import Accounts
from core.completions import Completions
from core.conversations import Conversations
from core.embeddings import Embeddings
from core.feedback import FeedbackQueue
from core.files import Files
from core.folders import Folders
from core.index_room import IndexRoom
from core.model_room import ModelRoom
from core.ports import IndexJobs, ModelPool, SearchIndex
from core.retention import Retention
from core.search import Search
from core.sessions import Sessions
from core.store_room import StoreRoom
from core.turns import Turns
from core.usage import UsageReports


class RouteSettings(Protocol):
    @property
    def secure_cookie(self) -> bool: ...
    @property
    def isolated(self) -> bool: ...
    @property
    def own_hosts(self) -> tuple[str, ...]: ...
    @property
    def metrics_token(self) -> str: ...
    @property
    def connections_per_address(self) -> int: ...


class Portal(Protocol):
    @property
    def settings(self) -> RouteSettings: ...
    @property
    def accounts(self) -> Accounts: ...
    @property
    def sessions(self) -> Sessions: ...
    @property
    def conversations(self) -> Conversations: ...
    @property
    def folders(self) -> Folders: ...
    @property
    def turns(self) -> Turns: ...
    @property
    def files(self) -> Files: ...
    @property
    def completions(self) -> Completions: ...
    @property
    def embeddings(self) -> Embeddings: ...
    @property
    def feedback(self) -> FeedbackQueue: ...
    @property
    def search(self) -> Search: ...
    @property
    def retention(self) -> Retention: ...
    @property
    def index_room(self) -> IndexRoom: ...
    @property
    def store_room(self) -> StoreRoom: ...
    @property
    def usage(self) -> UsageReports: ...
    @property
    def models(self) -> ModelRoom: ...
    @property
    def pool(self) -> ModelPool: ...
    @property
    def index(self) -> SearchIndex: ...
    @property
    def index_worker(self) -> IndexJobs: ...
    @property
    def log_lines_dropped(self) -> int: ...


def portal_of(request: Request) -> Portal:
    return cast(Portal, request.app.state.portal())


PortalHere = Annotated[Portal, Depends(portal_of)]
