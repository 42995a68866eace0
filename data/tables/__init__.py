"""Define the tables, by areas. Ids are strings from core; integer keys are the database's own and give the order of insertion.

In reading order:

- base: what all tables share
- people: accounts, roles, groups, sessions, proofs, API keys, password attempts, devices and the audit log
- access: limits and their counters
- identity: second factors and outside identities
- chat: conversations, folders, messages, turns, links to snapshots, queued questions, instructions, summaries, prompts,
  memories
- knowledge: files, and the messages that show them
- grounding: images, and the boxes found on them
- usage: generation rows
- models: presets, access to models, default models of groups, hot swaps
- privacy: policies for personal data
- programs: responses, files and batches of programs
- notices: notices, and what browsers show of them
- plugins: admins' decisions about plugins
- review: ratings and review cases
- datasets: datasets for training, and who agreed to be in them
- platforms: versions of the platforms' configuration, and cached vectors and answers
- operations: keys, retention, index jobs
- tasks: background jobs
"""

from data.tables.access import LimitCounterTable, LimitLeaseTable, LimitRuleTable
from data.tables.base import Table
from data.tables.chat import (
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
from data.tables.datasets import (
    DatasetFilePartTable,
    DatasetFileTable,
    DatasetSourceTable,
    DatasetTable,
    DatasetVersionTable,
    TrainingChoiceTable,
)
from data.tables.grounding import (
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
from data.tables.identity import OutsideIdentityTable, RecoveryCodeTable, SecondFactorTable
from data.tables.knowledge import AttachmentTable, FilePartTable, FileTable
from data.tables.models import (
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
from data.tables.notices import NoticeChoicesTable, NoticeTable
from data.tables.operations import DataKeyTable, IndexJobTable, LegalHoldTable, RetentionRuleTable
from data.tables.people import (
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
from data.tables.platforms import EmbeddingTable, PlatformsVersionTable, ResultTable
from data.tables.plugins import PluginTable
from data.tables.privacy import PrivacyPolicyTable
from data.tables.programs import BatchTable, ProgramFilePartTable, ProgramFileTable, ResponseTable
from data.tables.review import (
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
from data.tables.tasks import JobTable
from data.tables.usage import GenerationTable

__all__ = [
    "ApiKeyTable",
    "AttachmentTable",
    "AttemptTable",
    "AuditEventTable",
    "BatchTable",
    "CanaryQuestionTable",
    "ChangeMarkerTable",
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
    "EmbeddingTable",
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
    "MemorySwitchTable",
    "MemoryTable",
    "MessageTable",
    "ModelAccessTable",
    "NoticeChoicesTable",
    "NoticeTable",
    "OutsideIdentityTable",
    "PlatformsVersionTable",
    "PluginTable",
    "PresetTable",
    "PrivacyPolicyTable",
    "ProgramFilePartTable",
    "ProgramFileTable",
    "PromptTable",
    "PromptVersionTable",
    "ProofTable",
    "RatingFormTable",
    "RecoveryCodeTable",
    "ReplayQuestionTable",
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
    "TrainingChoiceTable",
    "TurnTable",
    "UserTable",
]
