"""Declare the services that pages call. bootstrap.portal has them in this process, remote.portal over the internal API."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from core.access.audit_chain import AuditChain
from core.access.groups import Groups
from core.access.limits import Limits
from core.access.roles import Roles
from core.arena.leaderboard import Leaderboard
from core.arena.matches import ArenaMatches
from core.asking.again import AskingAgain
from core.asking.asking import Asking
from core.chat.context.instructions import InstructionsService
from core.chat.context.service import ChatContext
from core.chat.conversations import Conversations
from core.chat.exports.exports import ChatExports
from core.chat.flags import ConversationFlags
from core.chat.folders import Folders
from core.chat.follow_ups.service import FollowUps
from core.chat.imports.service import ChatImports
from core.chat.lifecycle.kept_chats import KeptChats
from core.chat.memory.service import Memories
from core.chat.temporary import TemporaryChats
from core.chat.tools.chat_tools import ChatTools
from core.chat.turns import Turns
from core.comparing.comparisons import Comparisons
from core.documents.collections import Collections
from core.documents.documents import Documents
from core.documents.finding import Finder
from core.experiments.service import Experiments
from core.grounding.batch.batches import GroundBatches
from core.grounding.corrections import BoxCorrections
from core.grounding.evaluation.evaluations import Evaluations
from core.grounding.exports.box_exports import BoxExports
from core.grounding.grounding import Grounding
from core.identity.second_factor import SecondFactors
from core.identity.single_sign_on import SingleSignOn
from core.inference.caching.result_cache import ResultCache
from core.inference.choosing.access import ModelAccess
from core.inference.choosing.presets import Presets
from core.inference.gateway import Gateway
from core.knowledge.files import Files
from core.knowledge.tables.queries import TableQueries
from core.models.reports import FileReports
from core.models.service import ModelService
from core.models.swaps.swaps import Swaps
from core.notices.service import Notices
from core.operations.backups import Backups
from core.operations.disk import DiskSpace
from core.operations.index_maintenance import IndexMaintenance
from core.operations.logs.service import PortalLogs
from core.operations.retention import Retention
from core.people.accounts import Accounts
from core.people.api_keys import ApiKeys
from core.people.audit import AuditTrail
from core.people.sessions import Sessions
from core.people.signing_in.devices import Devices
from core.people.signing_in.sign_in import SignIn
from core.platforms.platform_monitor import PlatformMonitor
from core.platforms.service import PlatformService
from core.plugins.service import Plugins
from core.privacy.filter import PrivacyFilter
from core.prompts.library import PromptLibrary
from core.review.accepted_answers import AcceptedAnswers
from core.review.cases.export import CaseExport
from core.review.cases.queue import CaseQueue
from core.review.cases.views import CaseViews
from core.review.cases.work import CaseWork
from core.review.datasets.builds import DatasetBuilds
from core.review.datasets.datasets import Datasets
from core.review.feedback import FeedbackQueue
from core.review.judging.guidelines import ReviewGuidelines
from core.review.judging.judgements import ReviewJudgements
from core.review.judging.questions import ReviewQuestions
from core.review.names import ReviewNames
from core.review.own_feedback import OwnFeedback
from core.review.progress.service import ReviewProgress
from core.review.rating_forms import RatingForms
from core.review.side_by_side import SideBySide
from core.review.training_consent import TrainingConsent
from core.search.search import Search
from core.search.suggestions import Suggestions
from core.sharing.shares import Shares
from core.tasks.jobs import Jobs
from core.transfers.downloads import Downloads
from core.transfers.imports import Imports
from core.transfers.quantizing import Quantizing
from core.usage.alerts.handling import AlertHandling
from core.usage.alerts.preview import AlertPreviews
from core.usage.alerts.rules import AlertRules
from core.usage.alerts.telling.delivery import AlertDelivery
from core.usage.alerts.telling.webhooks import AlertWebhooks
from core.usage.boards.rows import AnswerLines
from core.usage.boards.service import Boards
from core.usage.money.repricing import Repricing
from core.usage.money.service import Money
from core.usage.own import OwnUsage
from core.usage.reporting.plans import ReportPlans
from core.usage.reporting.writer import ReportWriter
from core.usage.reports import UsageReports
from core.workflows.results import WorkflowResults
from core.workflows.runs import WorkflowRuns
from core.workflows.schedules.schedules import TaskSchedules
from core.workflows.tasks import WorkflowTasks
from core.workflows.templates.library import TaskTemplates
from core.workflows.templates.running import TemplateRuns


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

    arena: ArenaMatches
    leaderboard: Leaderboard
    experiments: Experiments
    accepted_answers: AcceptedAnswers
    accounts: Accounts
    api_keys: ApiKeys
    asking: Asking
    asking_again: AskingAgain
    audit: AuditTrail
    audit_chain: AuditChain
    backups: Backups
    case_export: CaseExport
    case_queue: CaseQueue
    case_views: CaseViews
    case_work: CaseWork
    chat_imports: ChatImports
    chat_tools: ChatTools
    context: ChatContext
    conversations: Conversations
    dataset_builds: DatasetBuilds
    datasets: Datasets
    devices: Devices
    disk: DiskSpace
    documents: Documents
    downloads: Downloads
    exports: ChatExports
    feedback: FeedbackQueue
    file_reports: FileReports
    finder: Finder
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
    index_maintenance: IndexMaintenance
    jobs: Jobs
    limits: Limits
    conversation_flags: ConversationFlags
    model_access: ModelAccess
    models: ModelService
    notices: Notices
    platform_monitor: PlatformMonitor
    platforms: PlatformService
    plugins: Plugins
    presets: Presets
    privacy: PrivacyFilter
    memories: Memories
    own_feedback: OwnFeedback
    rating_forms: RatingForms
    review_names: ReviewNames
    review_guidelines: ReviewGuidelines
    review_questions: ReviewQuestions
    review_judgements: ReviewJudgements
    review_progress: ReviewProgress
    result_cache: ResultCache
    prompts: PromptLibrary
    retention: Retention
    logs: PortalLogs
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
    table_queries: TableQueries
    temporary: TemporaryChats
    kept_chats: KeptChats
    training_consent: TrainingConsent
    collections: Collections
    comparisons: Comparisons
    turns: Turns
    alert_rules: AlertRules
    alert_handling: AlertHandling
    alert_previews: AlertPreviews
    alert_webhooks: AlertWebhooks
    workflow_tasks: WorkflowTasks
    workflow_runs: WorkflowRuns
    workflow_results: WorkflowResults
    task_templates: TaskTemplates
    template_runs: TemplateRuns
    task_schedules: TaskSchedules
    alert_delivery: AlertDelivery
    usage: UsageReports
    boards: Boards
    own_usage: OwnUsage
    money: Money
    repricing: Repricing
    report_plans: ReportPlans
    report_writer: ReportWriter
    answer_lines: AnswerLines
