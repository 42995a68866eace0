"""Build the services of review: feedback, and answers side by side."""

from __future__ import annotations

from dataclasses import dataclass

from bootstrap.foundation import Foundation
from core.chat.turns import Turns
from core.models.swaps import Swaps
from core.review.accepted_answers import AcceptedAnswers
from core.review.feedback import FeedbackQueue
from core.review.side_by_side import SideBySide
from data.own_patterns import Re2Patterns


@dataclass(frozen=True, kw_only=True)
class ReviewServices:
    feedback: FeedbackQueue
    side_by_side: SideBySide
    accepted_answers: AcceptedAnswers


def build_review(base: Foundation, turns: Turns, swaps: Swaps) -> ReviewServices:
    feedback = FeedbackQueue(base.unit_of_work, base.index, base.clock, Re2Patterns())
    return ReviewServices(
        feedback=feedback,
        side_by_side=SideBySide(base.unit_of_work, base.clock, turns, feedback),
        accepted_answers=AcceptedAnswers(base.unit_of_work, swaps, feedback),
    )
