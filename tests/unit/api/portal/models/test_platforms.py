"""The configuration of platforms by REST."""

from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest

ONE = """platforms:
- name: gateway
  type: openai
  base_url: http://127.0.0.1:9/v1
  models: {llm: [glm-4.7]}
routes:
  chat: [glm-4.7@gateway]
"""


@pytest.fixture
def ada(signed_in: Callable[[str], httpx.Client]) -> httpx.Client:
    return signed_in("ada")


def test_a_configuration_is_applied_and_listed(ada: httpx.Client) -> None:
    assert ada.get("/api/v1/platforms").json()["version"] == 0
    applied = ada.put("/api/v1/platforms", json={"text": ONE}).json()
    assert applied["version"] == 1 and applied["text"] == ONE and applied["problem"] is None
    assert {each["name"]: each["models"] for each in applied["platforms"]} == {"gateway": ["glm-4.7"], "local": []}
    assert applied["routes"] == {"chat": ["glm-4.7@gateway"]}
    assert ada.get("/api/v1/platforms").json() == applied


def test_a_wrong_line_is_named(ada: httpx.Client) -> None:
    ada.put("/api/v1/platforms", json={"text": ONE})
    refused = ada.put("/api/v1/platforms", json={"text": ONE.replace("glm-4.7@gateway", "glm-5@gateway")})
    assert refused.status_code == 422
    assert refused.json()["error"]["code"] == "invalid_configuration"
    assert "platforms.yaml, line 7: gateway has no glm-5. It has glm-4.7." in refused.text
    assert ada.get("/api/v1/platforms").json()["version"] == 1


def test_versions_are_listed_with_their_differences_and_restored(ada: httpx.Client) -> None:
    ada.put("/api/v1/platforms", json={"text": ONE})
    ada.put("/api/v1/platforms", json={"text": "platforms: []\n", "based_on": 1})
    listed = ada.get("/api/v1/platforms/versions").json()["items"]
    assert [(each["number"], each["author"], each["edited_by"]) for each in listed] == [(2, "ada", "page"), (1, "ada", "page")]
    assert "-- name: gateway" in ada.get("/api/v1/platforms/versions/2").json()["diff"]
    assert ada.post("/api/v1/platforms/versions/1/restore").json()["text"] == ONE
    assert ada.put("/api/v1/platforms", json={"text": "", "based_on": 1}).status_code == 409
