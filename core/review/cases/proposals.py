"""Propose the outcome of a case: that of the newest closed case with the same question, with how often such proposals were right."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from core.review.cases.records import OUTCOMES, CaseState, ReviewCase

COUNTED = 2000
"""Closed cases over which the hit rate is counted, the newest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    state: CaseState
    fix: str
    fix_model: str
    fix_prompt: str
    number: int
    """The case that it is taken from."""
    hits: int
    total: int
    """Closed cases whose question had an outcome before, and how many of them ended with that outcome."""


def proposal(case: ReviewCase, alike: Iterable[ReviewCase], closed: Iterable[tuple[str, CaseState]]) -> Proposal | None:
    """Return what the case may become, or None without a like one that has an outcome.

    alike: other cases with the same question. closed: questions with the outcomes of their cases, the one closed first at the beginning.
    """
    rated = [each for each in alike if each.feedback.rating == case.feedback.rating]
    ended = [each for each in rated if each.state in OUTCOMES and each.closed_at is not None]
    if not ended or not case.state.is_open:
        return None
    newest = max(ended, key=lambda each: (each.closed_at or each.updated_at, each.number))
    hits, total = hit_rate(closed)
    return Proposal(state=newest.state, fix=newest.fix, fix_model=newest.fix_model,
                    fix_prompt=newest.fix_prompt, number=newest.number, hits=hits, total=total)


def hit_rate(closed: Iterable[tuple[str, CaseState]]) -> tuple[int, int]:
    """Return how many cases ended as the one before with the same question did, and how many there were."""
    last: dict[str, CaseState] = {}
    hits = total = 0
    for question, state in closed:
        if question in last:
            total, hits = total + 1, hits + (last[question] is state)
        last[question] = state
    return hits, total
