"""Write cases as CSV."""

from __future__ import annotations

from collections.abc import Iterable

from core.review.cases.records import ReviewCase
from core.usage.csv_file import to_csv

_HEADER = (
    "number", "id", "rated_at", "person", "group", "model", "model_version", "rating", "comment", "state", "priority", "assignee", "tags",
    "due_at", "note", "reviewer", "fix", "reply", "changed_at", "closed_at", "question", "answer", "prompt_tokens", "completion_tokens",
    "tokens_per_second", "first_token_s", "duration_s", "reasons", "score", "passage", "better_answer",
)  # fmt: skip


def case_csv(cases: Iterable[ReviewCase]) -> bytes:
    """Return the cases as CSV, with a header row."""
    return to_csv(_HEADER, (_row(case) for case in cases))


def _row(case: ReviewCase) -> tuple[object, ...]:
    rating, row, said = case.feedback, case.feedback.generation, case.feedback.details
    return (
        case.number, rating.id, rating.created_at, rating.user_name, rating.group, rating.model, row and row.model_version, rating.rating,
        rating.comment, case.state, case.priority, case.assignee_name, ", ".join(case.tags), case.due_at, rating.note,
        rating.reviewer_name, case.fix, case.reply, case.updated_at, case.closed_at, rating.question, rating.answer,
        row and row.usage.prompt_tokens, row and row.usage.completion_tokens, row and row.timings.tokens_per_second,
        row and row.timings.ttft_s, row and row.timings.duration_s, ", ".join(said.reasons), said.score, said.passage, said.better_answer,
    )  # fmt: skip
