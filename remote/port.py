"""Declare the services that pages call. bootstrap.portal has them in this process, remote.portal over the internal API."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from core.access.audit_chain import AuditChain
from core.access.groups import Groups
from core.access.limits import Limits
from core.access.roles import Roles
from core.asking.asking import Asking
from core.chat.context.instructions import InstructionsService
from core.chat.context.service import ChatContext
from core.chat.conversations import Conversations
from core.chat.exports import ChatExports
from core.chat.folders import Folders
from core.chat.follow_ups.service import FollowUps
from core.chat.imports.service import ChatImports
from core.chat.marks import ConversationMarks
from core.chat.memory.service import Memories
from core.chat.temporary import TemporaryChats
from core.chat.turns import Turns
from core.comparing.comparisons import Comparisons
from core.grounding.batch.batches import GroundBatches
from core.grounding.box_exports import BoxExports
from core.grounding.corrections import BoxCorrections
from core.grounding.evaluation.evaluations import Evaluations
from core.grounding.grounding import Grounding
from core.identity.second_factor import SecondFactors
from core.identity.single_sign_on import SingleSignOn
from core.inference.caching.result_cache import ResultCache
from core.inference.choosing.access import ModelAccess
from core.inference.choosing.presets import Presets
from core.inference.gateway import Gateway
from core.knowledge.files import Files
from core.models.reports import FileReports
from core.models.service import ModelService
from core.models.swaps import Swaps
from core.notices.service import Notices
from core.operations.backups import Backups
from core.operations.disk import DiskSpace
from core.operations.index_care import IndexCare
from core.operations.retention import Retention
from core.people.accounts import Accounts
from core.people.api_keys import ApiKeys
from core.people.audit import AuditTrail
from core.people.sessions import Sessions
from core.people.signing_in.devices import Devices
from core.people.signing_in.sign_in import SignIn
from core.platforms.oversight import PlatformOversight
from core.platforms.service import PlatformService
from core.plugins.service import Plugins
from core.privacy.filter import PrivacyFilter
from core.prompts.library import PromptLibrary
from core.review.accepted_answers import AcceptedAnswers
from core.review.feedback import FeedbackQueue
from core.review.side_by_side import SideBySide
from core.search.search import Search
from core.search.suggestions import Suggestions
from core.sharing.shares import Shares
from core.tasks.jobs import Jobs
from core.transfers.downloads import Downloads
from core.transfers.imports import Imports
from core.transfers.quantizing import Quantizing
from core.usage.reports import UsageReports


class PageSettings(Protocol):
    """The settings that pages read."""

    @property
    def max_question_chars(self) -> int: ...
    @property
    def max_file_mb(self) -> int: ...
    @property
    def isolated(self) -> bool: ...
    @property
    def home(self) -> Path: ...


class PagePortal(Protocol):
    """The services of a portal. remote/services.py lists the methods that user servers may call."""

    accepted_answers: AcceptedAnswers
    accounts: Accounts
    api_keys: ApiKeys
    asking: Asking
    audit: AuditTrail
    audit_chain: AuditChain
    backups: Backups
    chat_imports: ChatImports
    context: ChatContext
    conversations: Conversations
    devices: Devices
    disk: DiskSpace
    downloads: Downloads
    exports: ChatExports
    feedback: FeedbackQueue
    file_reports: FileReports
    files: Files
    folders: Folders
    follow_ups: FollowUps
    gateway: Gateway
    grounding: Grounding
    box_corrections: BoxCorrections
    box_exports: BoxExports
    ground_batches: GroundBatches
    ground_evaluations: Evaluations
    groups: Groups
    imports: Imports
    instructions: InstructionsService
    quantizing: Quantizing
    index_care: IndexCare
    jobs: Jobs
    limits: Limits
    marks: ConversationMarks
    model_access: ModelAccess
    models: ModelService
    notices: Notices
    oversight: PlatformOversight
    platforms: PlatformService
    plugins: Plugins
    presets: Presets
    privacy: PrivacyFilter
    memories: Memories
    result_cache: ResultCache
    prompts: PromptLibrary
    retention: Retention
    roles: Roles
    search: Search
    second_factors: SecondFactors
    sessions: Sessions
    settings: PageSettings
    shares: Shares
    side_by_side: SideBySide
    sign_in: SignIn
    single_sign_on: SingleSignOn
    suggestions: Suggestions
    swaps: Swaps
    temporary: TemporaryChats
    comparisons: Comparisons
    turns: Turns
    usage: UsageReports
