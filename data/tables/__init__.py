"""Define the tables, by areas. Ids are strings from core; integer keys are the database's own and give the order of insertion.

In reading order:

- base: what all tables share
- people: accounts, sessions, permissions, limits and privacy policies
- chat: conversations, what programs store, and notices
- knowledge: files, collections of documents, images, and the boxes found on them
- models: presets, access, hot swaps, comparisons, and the platforms' configuration
- review: ratings, review cases, and datasets
- usage: generation rows, usage by day and hour, and alerts
- operations: keys, retention, index jobs, background jobs, tasks of people, and plugins
"""

from data.tables.base import Table
from data.tables.chat.conversations import (
    ConversationTable,
    FolderTable,
    FollowUpTable,
    InstructionsTable,
    MemorySwitchTable,
    MemoryTable,
    MessageTable,
    PromptTable,
    PromptVersionTable,
    ShareTable,
    SummaryTable,
    TurnTable,
)
from data.tables.chat.notices import NoticeChoicesTable, NoticeTable
from data.tables.chat.programs import BatchTable, ProgramFilePartTable, ProgramFileTable, ResponseTable
from data.tables.knowledge.documents import CollectionTable, DocumentPartTable, DocumentTable, PassageTable, PassageVectorTable
from data.tables.knowledge.files import AttachmentTable, FilePartTable, FileTable
from data.tables.knowledge.grounding import (
    GroundBatchTable,
    GroundCorrectionTable,
    GroundEvaluationTable,
    GroundImagePartTable,
    GroundImageTable,
    GroundItemPartTable,
    GroundItemTable,
    GroundResultTable,
    GroundRunTable,
)
from data.tables.models.platforms import EmbeddingTable, PlatformsVersionTable, ResultTable
from data.tables.models.serving import (
    CanaryQuestionTable,
    ChangeMarkerTable,
    ComparisonVoteTable,
    FileComparisonTable,
    GroupModelTable,
    ModelAccessTable,
    PresetTable,
    ReplayQuestionTable,
    SwapTable,
)
from data.tables.operations.plugins import PluginTable
from data.tables.operations.storage import DataKeyTable, IndexJobTable, LegalHoldTable, RetentionRuleTable
from data.tables.operations.tasks import JobTable
from data.tables.operations.workflows import (
    TaskScheduleTable,
    TaskTemplateTable,
    WorkflowFileTable,
    WorkflowResultTable,
    WorkflowRunTable,
    WorkflowTaskTable,
)
from data.tables.people.access import LimitCounterTable, LimitLeaseTable, LimitRuleTable
from data.tables.people.accounts import (
    ApiKeyTable,
    AttemptTable,
    AuditEventTable,
    DeviceTable,
    GroupManagerTable,
    GroupTable,
    ProofTable,
    RoleTable,
    SessionTable,
    UserTable,
)
from data.tables.people.identity import OutsideIdentityTable, RecoveryCodeTable, SecondFactorTable
from data.tables.people.privacy import PrivacyPolicyTable
from data.tables.review.datasets import (
    DatasetFilePartTable,
    DatasetFileTable,
    DatasetSourceTable,
    DatasetTable,
    DatasetVersionTable,
    TrainingChoiceTable,
)
from data.tables.review.experiments import ExperimentTable
from data.tables.review.ratings import (
    ComparisonTable,
    FeedbackTable,
    RatingFormTable,
    ReviewAnswerTable,
    ReviewCaseTable,
    ReviewEventTable,
    ReviewGuidelinesTable,
    ReviewJudgementTable,
    ReviewQuestionsTable,
    ReviewTagTable,
    ReviewViewTable,
)
from data.tables.review.votes import ArenaVoteTable
from data.tables.usage.alerts import AlertDeliveryTable, AlertEpisodeTable, AlertRuleTable, AlertWebhookTable
from data.tables.usage.generations import GenerationTable
from data.tables.usage.machines import MachineSpanTable
from data.tables.usage.money import BudgetTable, PriceTable
from data.tables.usage.reports import MadeReportTable, ReportMailTable, ReportPlanTable
from data.tables.usage.rollups import UsageCellTable, UsageDayTable, UsageHourTable, UsagePersonTable

__all__ = [
    "AlertDeliveryTable",
    "AlertEpisodeTable",
    "AlertRuleTable",
    "AlertWebhookTable",
    "ApiKeyTable",
    "ArenaVoteTable",
    "AttachmentTable",
    "AttemptTable",
    "AuditEventTable",
    "BatchTable",
    "BudgetTable",
    "CanaryQuestionTable",
    "ChangeMarkerTable",
    "CollectionTable",
    "ComparisonTable",
    "ComparisonVoteTable",
    "ConversationTable",
    "DataKeyTable",
    "DatasetFilePartTable",
    "DatasetFileTable",
    "DatasetSourceTable",
    "DatasetTable",
    "DatasetVersionTable",
    "DeviceTable",
    "DocumentPartTable",
    "DocumentTable",
    "EmbeddingTable",
    "ExperimentTable",
    "FeedbackTable",
    "FileComparisonTable",
    "FilePartTable",
    "FileTable",
    "FolderTable",
    "FollowUpTable",
    "GenerationTable",
    "GroundBatchTable",
    "GroundCorrectionTable",
    "GroundEvaluationTable",
    "GroundImagePartTable",
    "GroundImageTable",
    "GroundItemPartTable",
    "GroundItemTable",
    "GroundResultTable",
    "GroundRunTable",
    "GroupManagerTable",
    "GroupModelTable",
    "GroupTable",
    "IndexJobTable",
    "InstructionsTable",
    "JobTable",
    "LegalHoldTable",
    "LimitCounterTable",
    "LimitLeaseTable",
    "LimitRuleTable",
    "MachineSpanTable",
    "MadeReportTable",
    "MemorySwitchTable",
    "MemoryTable",
    "MessageTable",
    "ModelAccessTable",
    "NoticeChoicesTable",
    "NoticeTable",
    "OutsideIdentityTable",
    "PassageTable",
    "PassageVectorTable",
    "PlatformsVersionTable",
    "PluginTable",
    "PresetTable",
    "PriceTable",
    "PrivacyPolicyTable",
    "ProgramFilePartTable",
    "ProgramFileTable",
    "PromptTable",
    "PromptVersionTable",
    "ProofTable",
    "RatingFormTable",
    "RecoveryCodeTable",
    "ReplayQuestionTable",
    "ReportMailTable",
    "ReportPlanTable",
    "ResponseTable",
    "ResultTable",
    "RetentionRuleTable",
    "ReviewAnswerTable",
    "ReviewCaseTable",
    "ReviewEventTable",
    "ReviewGuidelinesTable",
    "ReviewJudgementTable",
    "ReviewQuestionsTable",
    "ReviewTagTable",
    "ReviewViewTable",
    "RoleTable",
    "SecondFactorTable",
    "SessionTable",
    "ShareTable",
    "SummaryTable",
    "SwapTable",
    "Table",
    "TaskScheduleTable",
    "TaskTemplateTable",
    "TrainingChoiceTable",
    "TurnTable",
    "UsageCellTable",
    "UsageDayTable",
    "UsageHourTable",
    "UsagePersonTable",
    "UserTable",
    "WorkflowFileTable",
    "WorkflowResultTable",
    "WorkflowRunTable",
    "WorkflowTaskTable",
]
