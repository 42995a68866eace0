"""Declare the transaction and the repositories that core needs of the database."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Protocol, Self

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


class UnitOfWork(Protocol):
    """A transaction. Leaving it without commit() rolls it back."""

    users: UserRepository
    roles: RoleRepository
    groups: GroupRepository
    limits: LimitRepository
    policies: PolicyRepository
    plugins: PluginRepository
    notices: NoticeRepository
    sessions: SessionRepository
    proofs: ProofRepository
    second_factors: SecondFactorRepository
    outside_identities: OutsideIdentityRepository
    api_keys: ApiKeyRepository
    attempts: AttemptRepository
    devices: DeviceRepository
    conversations: ConversationRepository
    messages: MessageRepository
    turns: TurnRepository
    folders: FolderRepository
    instructions: InstructionsRepository
    prompts: PromptRepository
    collections: CollectionRepository
    summaries: SummaryRepository
    memories: MemoryRepository
    follow_ups: FollowUpRepository
    files: FileRepository
    shares: ShareRepository
    generations: GenerationRepository
    rollups: RollupRepository
    money: MoneyRepository
    machines: MachineRepository
    alerts: AlertRepository
    workflows: WorkflowRepository
    task_templates: TemplateRepository
    task_schedules: ScheduleRepository
    reports: ReportRepository
    offers: OfferRepository
    embeddings: EmbeddingRepository
    results: ResultRepository
    swaps: SwapRepository
    file_comparisons: FileComparisonRepository
    feedback: FeedbackRepository
    rating_forms: RatingFormRepository
    comparisons: ComparisonRepository
    votes: VoteRepository
    experiments: ExperimentRepository
    cases: CaseRepository
    case_views: SavedViewRepository
    training_choices: TrainingChoiceRepository
    rated: RatedRepository
    datasets: DatasetRepository
    guidelines: GuidelinesRepository
    review_questions: QuestionSetRepository
    judgements: JudgementRepository
    review_progress: ReviewProgressRepository
    audit: AuditRepository
    retention: RetentionRepository
    jobs: JobRepository
    platforms_versions: PlatformsVersionRepository
    responses: ResponseRepository
    program_files: ProgramFileRepository
    batches: BatchRepository
    grounding: GroundingRepository
    ground_batches: GroundBatchRepository
    ground_evaluations: EvaluationRepository

    def __enter__(self) -> Self: ...
    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None: ...
    def commit(self) -> None:
        """Commit the transaction. Raises Unavailable if the database cannot write (disk full, server gone)."""
        ...


UnitOfWorkFactory = Callable[[], UnitOfWork]
