"""Build the services of review: feedback, cases, answers side by side, and datasets."""

from __future__ import annotations

from dataclasses import dataclass

from bootstrap.foundation import Foundation
from core.chat.turns import Turns
from core.models.swaps.swaps import Swaps
from core.privacy.filter import PrivacyFilter
from core.review.accepted_answers import AcceptedAnswers
from core.review.cases.export import CaseExport
from core.review.cases.queue import CaseQueue
from core.review.cases.upkeep import CaseUpkeep
from core.review.cases.views import CaseViews
from core.review.cases.work import CaseWork
from core.review.datasets.builds import DatasetBuilds
from core.review.datasets.datasets import Datasets
from core.review.datasets.selection import Selection
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
from data.own_patterns import Re2Patterns


@dataclass(frozen=True, kw_only=True)
class ReviewServices:
    feedback: FeedbackQueue
    rating_forms: RatingForms
    side_by_side: SideBySide
    accepted_answers: AcceptedAnswers
    case_queue: CaseQueue
    case_export: CaseExport
    case_work: CaseWork
    case_views: CaseViews
    own_feedback: OwnFeedback
    review_names: ReviewNames
    training_consent: TrainingConsent
    datasets: Datasets
    dataset_builds: DatasetBuilds
    review_guidelines: ReviewGuidelines
    review_questions: ReviewQuestions
    review_judgements: ReviewJudgements
    review_progress: ReviewProgress


def build_names(base: Foundation) -> ReviewNames:
    privacy = PrivacyFilter(base.unit_of_work, base.clock, Re2Patterns())
    return ReviewNames(base.unit_of_work, privacy, base.clock, hidden=base.settings.masked_review)


def build_review(base: Foundation, turns: Turns, swaps: Swaps, names: ReviewNames) -> ReviewServices:
    privacy = PrivacyFilter(base.unit_of_work, base.clock, Re2Patterns())
    feedback = FeedbackQueue(base.unit_of_work, base.index, base.clock, privacy, names)
    queue = CaseQueue(base.unit_of_work, base.index, feedback, base.clock, names)
    selection = Selection(base.unit_of_work, privacy, base.settings.dataset_holdout_percent)
    builds = DatasetBuilds(base.unit_of_work, base.jobs, selection, base.clock)
    base.run_jobs_of(CaseUpkeep(base.unit_of_work), builds)
    return ReviewServices(
        feedback=feedback,
        rating_forms=RatingForms(base.unit_of_work, base.clock),
        side_by_side=SideBySide(base.unit_of_work, base.clock, turns, feedback),
        accepted_answers=AcceptedAnswers(base.unit_of_work, swaps, feedback),
        case_queue=queue,
        case_export=CaseExport(base.unit_of_work, queue, privacy, base.clock),
        case_work=CaseWork(base.unit_of_work, base.clock, names),
        case_views=CaseViews(base.unit_of_work, base.clock),
        review_names=names,
        own_feedback=OwnFeedback(base.unit_of_work, base.clock),
        training_consent=TrainingConsent(base.unit_of_work, base.clock),
        datasets=Datasets(base.unit_of_work, selection, base.clock),
        dataset_builds=builds,
        review_guidelines=ReviewGuidelines(base.unit_of_work, base.clock),
        review_questions=ReviewQuestions(base.unit_of_work, base.clock),
        review_judgements=ReviewJudgements(base.unit_of_work, base.clock, base.settings.review_second_percent),
        review_progress=ReviewProgress(base.unit_of_work, base.clock),
    )
