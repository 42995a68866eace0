"""Plans of reports over REST."""

from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest

PLAN = {"name": "Board", "cards": ["overview.figures", "money.groups"], "every": "month", "day": 2, "mails": ["a@corp.example"]}
PLANS = "/api/v1/usage/report-plans"


@pytest.fixture
def max_(signed_in: Callable[[str], httpx.Client]) -> httpx.Client:
    return signed_in("max")


def test_a_plan_is_added_changed_and_removed(max_: httpx.Client) -> None:
    made = max_.post(PLANS, json={"plan": PLAN}).json()
    assert (made["plan"]["day"], made["plan"]["language"], made["enabled"], made["problem"]) == (2, "en", True, None)
    assert made["next_at"] is not None and made["owner"]
    assert max_.post(PLANS, json={"plan": PLAN}).status_code == 422, "the name is taken"
    off = max_.patch(f"{PLANS}/{made['id']}", json={"enabled": False}).json()
    assert (off["enabled"], off["next_at"]) == (False, None)
    changed = max_.patch(f"{PLANS}/{made['id']}", json={"plan": {**PLAN, "period": "last_month", "language": "zh"}}).json()
    assert changed["plan"]["language"] == "zh" and [each["id"] for each in max_.get(PLANS).json()["items"]] == [made["id"]]
    assert max_.get("/api/v1/usage/reports").json() == {"items": []}
    assert max_.delete(f"{PLANS}/{made['id']}").status_code == 204
    assert max_.get(f"{PLANS}/{made['id']}").status_code == 404


@pytest.mark.parametrize(
    "wrong",
    [
        {"cards": []}, {"cards": ["overview.secrets"]}, {"every": "day"}, {"day": 31}, {"mails": ["x"]}, {"name": ""}, {"name": "a\nb"},
        {"people": ["0" * 32]}, {"period": "free", "first": "2026-01-01", "last": "2026-01-31"}, {"period": "free", "every": "never"},
        {"colour": "red"},
    ],
)  # fmt: skip
def test_a_plan_that_makes_no_sense_is_refused(max_: httpx.Client, wrong: dict[str, object]) -> None:
    assert max_.post(PLANS, json={"plan": {**PLAN, "name": "Other", **wrong}}).status_code == 422
