from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from core.entities import FinishReason, RatedGeneration
from core.errors import InvalidInput
from core.usage import UsageQuery, quantile, totals


def row(**changes: object) -> RatedGeneration:
    values: dict[str, object] = {
        "user_id": "ana",
        "group": "Risk",
        "model": "guide",
        "source": "chat",
        "conversation_id": "c1",
        "created_at": datetime(2026, 11, 1, tzinfo=UTC),
        "prompt_tokens": 10,
        "completion_tokens": 5,
        "cached_tokens": 0,
        "queue_s": 0.0,
        "ttft_s": 0.2,
        "duration_s": 1.0,
        "tokens_per_second": 40.0,
        "finish_reason": FinishReason.STOP,
        "rating": None,
    }
    return RatedGeneration(**{**values, **changes})  # type: ignore[arg-type]


def test_nothing_measured_is_missing_rather_than_zero() -> None:
    empty = totals([])
    assert (empty.answers, empty.people, empty.tokens) == (0, 0, 0)
    assert empty.satisfaction is None and empty.latency_p95 is None and empty.ttft_p50 is None


def test_totals_count_people_chats_tokens_and_ratings_once() -> None:
    rows = [row(rating=1), row(rating=-1, conversation_id="c2"), row(user_id="bo", source="api", conversation_id=None)]
    found = totals(rows)
    assert (found.answers, found.people, found.chats, found.tokens) == (3, 2, 2, 45)
    assert found.satisfaction == 0.5


def test_failed_generations_count_as_errors_and_do_not_bend_the_latency() -> None:
    found = totals([row(duration_s=1.0), row(duration_s=500.0, ttft_s=None, finish_reason=FinishReason.ERROR)])
    assert found.errors == 1 and found.latency_p95 == 1.0


def test_waits_and_gaps_between_tokens_are_of_those_that_were_measured() -> None:
    found = totals([row(queue_s=1.0, inter_token_p95_s=0.1), row(queue_s=3.0), row(queue_s=90.0, finish_reason=FinishReason.ERROR)])
    assert (found.queue_p50, found.queue_p95, found.inter_token_p95) == (2.0, pytest.approx(2.9), 0.1)
    assert totals([row()]).inter_token_p95 is None


def test_quantiles_lie_between_neighbours() -> None:
    assert quantile([1.0, 2.0, 3.0, 4.0], 0.5) == 2.5
    assert quantile([1.0, 2.0], 0.95) == pytest.approx(1.95)
    assert quantile([7.0], 0.95) == 7.0


def test_the_interval_of_few_ratings_is_wide_and_stays_within_0_and_1() -> None:
    low, high = totals([row(rating=1)]).satisfaction_interval() or (0, 0)
    assert low == pytest.approx(0.2065, abs=1e-3) and high == pytest.approx(1.0)


def test_the_range_before_has_as_many_days_and_ends_the_day_before() -> None:
    query = UsageQuery(date(2026, 11, 8), date(2026, 11, 14))
    assert (query.before.first, query.before.last) == (date(2026, 11, 1), date(2026, 11, 7))


def test_a_range_that_ends_before_it_starts_is_refused() -> None:
    with pytest.raises(InvalidInput):
        UsageQuery(date(2026, 11, 8), date(2026, 11, 7))
