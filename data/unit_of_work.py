"""Implement the unit of work with SQLAlchemy."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from sqlalchemy import Connection

from core.access.ports import LimitRepository
from core.arena.ports import VoteRepository
from core.chat.context.ports import InstructionsRepository, SummaryRepository
from core.chat.follow_ups.ports import FollowUpRepository
from core.chat.memory.ports import MemoryRepository
from core.chat.ports import ConversationRepository, FolderRepository, MessageRepository, TurnRepository
from core.comparing.ports import FileComparisonRepository
from core.documents.ports import CollectionRepository
from core.experiments.ports import ExperimentRepository
from core.grounding.evaluation.ports import EvaluationRepository
from core.grounding.ports import GroundBatchRepository, GroundingRepository
from core.identity.ports import OutsideIdentityRepository, SecondFactorRepository
from core.inference.ports import EmbeddingRepository, OfferRepository, ResultRepository
from core.knowledge.ports import FileRepository
from core.models.swaps.ports import SwapRepository
from core.notices.ports import NoticeRepository
from core.operations.ports import RetentionRepository
from core.people.ports import (
    ApiKeyRepository,
    AttemptRepository,
    AuditRepository,
    DeviceRepository,
    GroupRepository,
    ProofRepository,
    RoleRepository,
    SessionRepository,
    UserRepository,
)
from core.platforms.ports import PlatformsVersionRepository
from core.plugins.ports import PluginRepository
from core.privacy.ports import PolicyRepository
from core.programs.ports import BatchRepository, ProgramFileRepository, ResponseRepository
from core.prompts.ports import PromptRepository
from core.review.cases.ports import CaseRepository, SavedViewRepository
from core.review.datasets.ports import DatasetRepository, RatedRepository, TrainingChoiceRepository
from core.review.judging.ports import GuidelinesRepository, JudgementRepository, QuestionSetRepository
from core.review.ports import ComparisonRepository, FeedbackRepository, RatingFormRepository
from core.review.progress.ports import ReviewProgressRepository
from core.sharing.ports import ShareRepository
from core.tasks.ports import JobRepository
from core.usage.alerts.ports import AlertRepository
from core.usage.machines.ports import MachineRepository
from core.usage.money.ports import MoneyRepository
from core.usage.ports import GenerationRepository
from core.usage.reporting.ports import ReportRepository
from core.usage.rollups.ports import RollupRepository
from core.workflows.ports import WorkflowRepository
from core.workflows.schedules.ports import ScheduleRepository
from core.workflows.templates.ports import TemplateRepository
from data.database import Database
from data.repositories.access.counted_limits import CountedLimitRepository
from data.repositories.access.limits import SqlLimitRepository
from data.repositories.arena.experiments import SqlExperimentRepository
from data.repositories.arena.votes import SqlVoteRepository
from data.repositories.chat.conversations import SqlConversationRepository
from data.repositories.chat.folders import SqlFolderRepository
from data.repositories.chat.follow_ups import SqlFollowUpRepository
from data.repositories.chat.instructions import SqlInstructionsRepository
from data.repositories.chat.memories import SqlMemoryRepository
from data.repositories.chat.messages import SqlMessageRepository
from data.repositories.chat.summaries import SqlSummaryRepository
from data.repositories.chat.turns import SqlTurnRepository
from data.repositories.documents.collections import SqlCollectionRepository
from data.repositories.grounding.batches import SqlGroundBatchRepository
from data.repositories.grounding.evaluations import SqlEvaluationRepository
from data.repositories.grounding.grounding import SqlGroundingRepository
from data.repositories.identity.outside_identities import SqlOutsideIdentityRepository
from data.repositories.identity.second_factors import SqlSecondFactorRepository
from data.repositories.inference.embeddings import SqlEmbeddingRepository
from data.repositories.inference.offers import SqlOfferRepository
from data.repositories.inference.results import SqlResultRepository
from data.repositories.knowledge.files import SqlFileRepository
from data.repositories.models.comparisons import SqlFileComparisonRepository
from data.repositories.models.swaps import SqlSwapRepository
from data.repositories.notices.notices import SqlNoticeRepository
from data.repositories.operations.retention import SqlRetentionRepository
from data.repositories.people.api_keys import SqlApiKeyRepository
from data.repositories.people.attempts import SqlAttemptRepository
from data.repositories.people.audit import SqlAuditRepository
from data.repositories.people.devices import SqlDeviceRepository
from data.repositories.people.groups import SqlGroupRepository
from data.repositories.people.proofs import SqlProofRepository
from data.repositories.people.roles import SqlRoleRepository
from data.repositories.people.sessions import SqlSessionRepository
from data.repositories.people.users import SqlUserRepository
from data.repositories.platforms.versions import SqlPlatformsVersionRepository
from data.repositories.plugins.plugins import SqlPluginRepository
from data.repositories.privacy.policies import SqlPolicyRepository
from data.repositories.programs.batches import SqlBatchRepository
from data.repositories.programs.files import SqlProgramFileRepository
from data.repositories.programs.responses import SqlResponseRepository
from data.repositories.prompts.prompts import SqlPromptRepository
from data.repositories.review.cases import SqlCaseRepository
from data.repositories.review.comparisons import SqlComparisonRepository
from data.repositories.review.datasets import SqlDatasetRepository
from data.repositories.review.feedback import SqlFeedbackRepository
from data.repositories.review.judging.guidelines import SqlGuidelinesRepository
from data.repositories.review.judging.judgements import SqlJudgementRepository
from data.repositories.review.judging.progress import SqlReviewProgressRepository
from data.repositories.review.judging.questions import SqlQuestionSetRepository
from data.repositories.review.rated import SqlRatedRepository
from data.repositories.review.rating_forms import SqlRatingFormRepository
from data.repositories.review.training_choices import SqlTrainingChoiceRepository
from data.repositories.review.views import SqlSavedViewRepository
from data.repositories.sharing.shares import SqlShareRepository
from data.repositories.tasks.jobs import SqlJobRepository
from data.repositories.usage.alerts.alerts import SqlAlertRepository
from data.repositories.usage.generations import SqlGenerationRepository
from data.repositories.usage.machines import SqlMachineRepository
from data.repositories.usage.money import SqlMoneyRepository
from data.repositories.usage.reports import SqlReportRepository
from data.repositories.usage.rollups import SqlRollupRepository
from data.repositories.workflows.schedules import SqlScheduleRepository
from data.repositories.workflows.templates import SqlTemplateRepository
from data.repositories.workflows.workflows import SqlWorkflowRepository
from data.transaction import Transaction


class SqlUnitOfWork:
    """One transaction; implements core.unit_of_work.UnitOfWork. Use it once, in a `with`, on one thread."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def __enter__(self) -> Self:
        self._connection: Connection = self._database.begin_unit()
        transaction = Transaction(self._connection)
        self._transaction = transaction
        self.users: UserRepository = SqlUserRepository(transaction)
        self.roles: RoleRepository = SqlRoleRepository(transaction)
        self.groups: GroupRepository = SqlGroupRepository(transaction)
        counters = self._database.limit_counters
        self._counted = CountedLimitRepository(transaction, counters) if counters else None
        self.limits: LimitRepository = self._counted or SqlLimitRepository(transaction)
        self.policies: PolicyRepository = SqlPolicyRepository(transaction)
        self.plugins: PluginRepository = SqlPluginRepository(transaction)
        self.notices: NoticeRepository = SqlNoticeRepository(transaction)
        self.sessions: SessionRepository = SqlSessionRepository(transaction)
        self.proofs: ProofRepository = SqlProofRepository(transaction)
        self.api_keys: ApiKeyRepository = SqlApiKeyRepository(transaction)
        self.second_factors: SecondFactorRepository = SqlSecondFactorRepository(transaction)
        self.outside_identities: OutsideIdentityRepository = SqlOutsideIdentityRepository(transaction)
        self.attempts: AttemptRepository = SqlAttemptRepository(transaction)
        self.devices: DeviceRepository = SqlDeviceRepository(transaction)
        self.conversations: ConversationRepository = SqlConversationRepository(transaction)
        self.messages: MessageRepository = SqlMessageRepository(transaction)
        self.turns: TurnRepository = SqlTurnRepository(transaction)
        self.files: FileRepository = SqlFileRepository(transaction)
        self.folders: FolderRepository = SqlFolderRepository(transaction)
        self.instructions: InstructionsRepository = SqlInstructionsRepository(transaction)
        self.prompts: PromptRepository = SqlPromptRepository(transaction)
        self.collections: CollectionRepository = SqlCollectionRepository(transaction)
        self.summaries: SummaryRepository = SqlSummaryRepository(transaction)
        self.memories: MemoryRepository = SqlMemoryRepository(transaction)
        self.shares: ShareRepository = SqlShareRepository(transaction)
        self.follow_ups: FollowUpRepository = SqlFollowUpRepository(transaction)
        self.generations: GenerationRepository = SqlGenerationRepository(transaction, self._database.usage_days)
        self.money: MoneyRepository = SqlMoneyRepository(transaction)
        self.machines: MachineRepository = SqlMachineRepository(transaction)
        self.rollups: RollupRepository = SqlRollupRepository(transaction)
        self.alerts: AlertRepository = SqlAlertRepository(transaction)
        self.workflows: WorkflowRepository = SqlWorkflowRepository(transaction)
        self.task_templates: TemplateRepository = SqlTemplateRepository(transaction)
        self.task_schedules: ScheduleRepository = SqlScheduleRepository(transaction)
        self.reports: ReportRepository = SqlReportRepository(transaction)
        self.offers: OfferRepository = SqlOfferRepository(transaction)
        self.embeddings: EmbeddingRepository = SqlEmbeddingRepository(transaction)
        self.results: ResultRepository = SqlResultRepository(transaction)
        self.swaps: SwapRepository = SqlSwapRepository(transaction)
        self.file_comparisons: FileComparisonRepository = SqlFileComparisonRepository(transaction)
        self.feedback: FeedbackRepository = SqlFeedbackRepository(transaction)
        self.rating_forms: RatingFormRepository = SqlRatingFormRepository(transaction)
        self.comparisons: ComparisonRepository = SqlComparisonRepository(transaction)
        self.votes: VoteRepository = SqlVoteRepository(transaction)
        self.experiments: ExperimentRepository = SqlExperimentRepository(transaction)
        self.cases: CaseRepository = SqlCaseRepository(transaction)
        self.case_views: SavedViewRepository = SqlSavedViewRepository(transaction)
        self.training_choices: TrainingChoiceRepository = SqlTrainingChoiceRepository(transaction)
        self.rated: RatedRepository = SqlRatedRepository(transaction)
        self.datasets: DatasetRepository = SqlDatasetRepository(transaction)
        self.guidelines: GuidelinesRepository = SqlGuidelinesRepository(transaction)
        self.review_questions: QuestionSetRepository = SqlQuestionSetRepository(transaction)
        self.judgements: JudgementRepository = SqlJudgementRepository(transaction)
        self.review_progress: ReviewProgressRepository = SqlReviewProgressRepository(transaction)
        self._audit = SqlAuditRepository(transaction)
        self.audit: AuditRepository = self._audit
        self.retention: RetentionRepository = SqlRetentionRepository(transaction)
        self.jobs: JobRepository = SqlJobRepository(transaction)
        self.platforms_versions: PlatformsVersionRepository = SqlPlatformsVersionRepository(transaction)
        self.responses: ResponseRepository = SqlResponseRepository(transaction)
        self.program_files: ProgramFileRepository = SqlProgramFileRepository(transaction)
        self.batches: BatchRepository = SqlBatchRepository(transaction)
        self.grounding: GroundingRepository = SqlGroundingRepository(transaction)
        self.ground_batches: GroundBatchRepository = SqlGroundBatchRepository(transaction)
        self.ground_evaluations: EvaluationRepository = SqlEvaluationRepository(transaction)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        # Closing returns the connection to the pool, which rolls back what was not committed.
        self._database.end_unit(self._connection)
        if self._counted:
            self._counted.take_back()

    def commit(self) -> None:
        """Commit. Raises Unavailable if the database cannot write; nothing is saved then."""
        self._audit.write_added()
        self._transaction.commit()
        if self._counted:
            self._counted.keep()
        if self._transaction.announced:
            self._database.jobs_queued.set()
