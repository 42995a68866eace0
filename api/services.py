"""What the routes need of the portal: its services, and the three parts that health and metrics look at."""

from __future__ import annotations

from typing import Annotated, Protocol, cast

from fastapi import Depends, Request

from core.chat.conversations import Conversations
from core.chat.folders import Folders
from core.chat.turns import Turns
from core.inference.gateway import Gateway
from core.knowledge.files import Files
from core.models.ports import ModelPool
from core.models.service import ModelService
from core.operations.backups import Backups
from core.operations.disk import DiskSpace
from core.operations.index_care import IndexCare
from core.operations.retention import Retention
from core.people.accounts import Accounts
from core.people.devices import Devices
from core.people.session_watch import SessionWatch
from core.people.sessions import Sessions
from core.people.sign_in import SignIn
from core.review.feedback import FeedbackQueue
from core.search.ports import IndexJobs, SearchIndex
from core.search.search import Search
from core.tasks.jobs import Jobs
from core.usage.reports import UsageReports


class RouteSettings(Protocol):
    @property
    def origins(self) -> frozenset[str]: ...
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
    def sign_in(self) -> SignIn: ...
    @property
    def sessions(self) -> Sessions: ...
    @property
    def session_watch(self) -> SessionWatch: ...
    @property
    def devices(self) -> Devices: ...
    @property
    def conversations(self) -> Conversations: ...
    @property
    def folders(self) -> Folders: ...
    @property
    def turns(self) -> Turns: ...
    @property
    def files(self) -> Files: ...
    @property
    def gateway(self) -> Gateway: ...
    @property
    def feedback(self) -> FeedbackQueue: ...
    @property
    def search(self) -> Search: ...
    @property
    def retention(self) -> Retention: ...
    @property
    def index_care(self) -> IndexCare: ...
    @property
    def jobs(self) -> Jobs: ...
    @property
    def backups(self) -> Backups: ...
    @property
    def usage(self) -> UsageReports: ...
    @property
    def models(self) -> ModelService: ...
    @property
    def pool(self) -> ModelPool: ...
    @property
    def index(self) -> SearchIndex: ...
    @property
    def index_worker(self) -> IndexJobs: ...
    @property
    def disk(self) -> DiskSpace: ...
    @property
    def log_lines_dropped(self) -> int: ...


def portal_of(request: Request) -> Portal:
    return cast(Portal, request.app.state.portal())


PortalHere = Annotated[Portal, Depends(portal_of)]
