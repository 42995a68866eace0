"""The questions of a new portal."""

from __future__ import annotations

from core.review.judging.records import Choice, Question, QuestionKind, QuestionSet

DEFAULT = QuestionSet(
    version=0,
    questions=(
        Question(
            id="cause", label="Cause", kind=QuestionKind.SINGLE, required=True, description="What is wrong with the answer, above all.",
            choices=(
                Choice("wrong_fact", "Wrong fact"),
                Choice("not_followed", "Did not follow the question"),
                Choice("outdated_source", "Outdated source"),
                Choice("style", "Style"),
                Choice("unsafe", "Unsafe"),
                Choice("not_the_model", "Not the model's fault"),
            ),
        ),
        Question(
            id="severity", label="Severity", kind=QuestionKind.RATING, top=4, required=True,
            description="1: hardly matters. 4: could cause damage.",
        ),
    ),
)  # fmt: skip
"""They are asked until an admin saves others."""
