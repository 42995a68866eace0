"""Prices, budgets and costs over REST."""

from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest

PRICE = {"model": "glm", "currency": "USD", "valid_from": "2026-01-01T00:00:00Z", "input": 0.6, "output": 2.2}


@pytest.fixture
def ada(signed_in: Callable[[str], httpx.Client]) -> httpx.Client:
    return signed_in("ada")


def test_an_admin_sets_reads_and_removes_a_price(ada: httpx.Client) -> None:
    assert ada.put("/api/v1/usage/prices", json=PRICE).status_code == 204
    [found] = [each for each in ada.get("/api/v1/usage/prices").json() if each["model"] == "glm"]
    assert (found["input"], found["cached"], found["output"]) == (0.6, None, 2.2)
    named = {"model": "glm", "valid_from": found["valid_from"]}
    assert ada.delete("/api/v1/usage/prices", params=named).status_code == 204
    assert ada.delete("/api/v1/usage/prices", params=named).status_code == 404


@pytest.mark.parametrize(
    "wrong",
    [{"currency": "usd"}, {"input": -1.0}, {"input": "1"}, {"valid_from": 1}, {"model": ""}, {"input": 0.0, "output": 0.0}, {"watt": 1.0}],
)
def test_a_price_that_makes_no_sense_is_refused(ada: httpx.Client, wrong: dict[str, object]) -> None:
    assert ada.put("/api/v1/usage/prices", json={**PRICE, **wrong}).status_code in (400, 422)


def test_a_budget_stands_in_the_costs(ada: httpx.Client) -> None:
    costs = ada.get("/api/v1/usage/costs").json()
    month = f"{costs['last'][:7]}-01"
    assert ada.put("/api/v1/usage/budgets", json={"group": "Risk", "month": month, "amount": 5.0, "currency": "USD"}).status_code == 204
    [budget] = [each for each in ada.get("/api/v1/usage/costs").json()["budgets"] if each["group"] == "Risk"]
    assert (budget["amount"], budget["spent"], budget["forecast"]) == (5.0, 0.0, None)
    assert ada.put("/api/v1/usage/budgets", json={"month": f"{month[:8]}02", "amount": 5.0, "currency": "USD"}).status_code in (400, 422)
