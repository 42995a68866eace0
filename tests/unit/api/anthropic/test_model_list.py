"""The models in Anthropic's shape, read by the official client's own types."""

from __future__ import annotations

from dataclasses import replace

import httpx
import pytest
from anthropic.types import ModelInfo

from core.models.records import ModelKind
from samples.fakes import FILE, MODEL, FakeRouter

VERSION = {"anthropic-version": "2023-06-01"}


@pytest.fixture(autouse=True)
def five_models(router: FakeRouter) -> None:
    chats = [replace(MODEL, name=f"glm-{number}", default=not number) for number in range(4)]
    router.available = [*chats, replace(MODEL, name="vectors", file=replace(FILE, kind=ModelKind.EMBEDDING), default=False)]


def ids(client: httpx.Client, **query: object) -> list[str]:
    body = client.get("/v1/models", headers=VERSION, params={name: str(value) for name, value in query.items()}).json()
    assert body.keys() == {"data", "has_more", "first_id", "last_id"}
    found = [ModelInfo.model_validate(each).id for each in body["data"]]
    assert (body["first_id"], body["last_id"]) == ((found[0], found[-1]) if found else (None, None))
    return [*found, "..."] if body["has_more"] else found


def test_the_header_asks_for_the_chat_models_in_anthropics_shape(ann: httpx.Client) -> None:
    assert ids(ann) == ["glm-0", "glm-1", "glm-2", "glm-3"]
    assert len(ann.get("/v1/models").json()["data"]) == 5


def test_the_list_comes_in_pages(ann: httpx.Client) -> None:
    assert ids(ann, limit=2) == ["glm-0", "glm-1", "..."]
    assert ids(ann, limit=2, after_id="glm-1") == ["glm-2", "glm-3"]
    assert ids(ann, limit=2, before_id="glm-3") == ["glm-1", "glm-2", "..."]
    assert ids(ann, after_id="glm-3") == []


def test_one_model_and_refusals_have_the_shape(ann: httpx.Client) -> None:
    assert ann.get("/v1/models/glm-2", headers=VERSION).json()["display_name"] == "glm-2"
    for path, status in (("/nobody", 404), ("/vectors", 404), ("?after_id=nobody", 400), ("?limit=0", 400)):
        response = ann.get(f"/v1/models{path}", headers=VERSION)
        assert (response.status_code, response.json()["type"]) == (status, "error")
    assert ann.get("/v1/models", headers={**VERSION, "Authorization": "Bearer none"}).json()["error"]["type"] == "authentication_error"
