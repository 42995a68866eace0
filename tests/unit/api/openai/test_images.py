"""Images in OpenAI's and Anthropic's requests reach the model decoded."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import replace

import httpx
import pytest

from samples.fakes import MODEL, FakeRouter
from samples.image_files import picture, written

DATA = b64encode(written(picture(300, 200))).decode()
URI = f"data:image/png;base64,{DATA}"
PART = {"type": "image_url", "image_url": {"url": URI}}
INPUT = {"type": "input_image", "image_url": URI}
REQUESTS = {
    "/v1/chat/completions": {
        "messages": [{"role": "user", "content": [{"type": "text", "text": "Which?"}, PART, PART]}]
    },
    "/v1/responses": {
        "store": False,
        "input": [{"role": "user", "content": [INPUT, INPUT, {"type": "input_text", "text": "Which?"}]}],
    },
    "/v1/messages": {
        "max_tokens": 10,
        "messages": [
            {"role": "user", "content": [
                *[{"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": DATA}}] * 2,
                {"type": "text", "text": "Which?"},
            ]},
        ],
    },
}  # fmt: skip


@pytest.mark.parametrize("path", REQUESTS)
def test_two_images_reach_a_model_that_sees_in_each_protocol(ann: httpx.Client, router: FakeRouter, path: str) -> None:
    router.available = [replace(MODEL, vision=True)]
    response = ann.post(path, json={"model": "fake", **REQUESTS[path]})
    assert response.status_code == 200, response.text
    [message] = [each for each in router.requests[-1].messages if each.images]
    assert message.content == "Which?"
    assert [(each.width, each.height) for each in message.images] == [(308, 196)] * 2


@pytest.mark.parametrize("path", REQUESTS)
def test_a_model_that_cannot_see_is_400_and_another_is_named(ann: httpx.Client, router: FakeRouter, path: str) -> None:
    router.available = [MODEL, replace(MODEL, name="glm-v", default=False, vision=True)]
    refused = ann.post(path, json={"model": "fake", **REQUESTS[path]})
    assert refused.status_code == 400
    assert "Choose one that can: glm-v" in refused.json()["error"]["message"]


def test_a_remote_address_is_refused_and_nothing_is_fetched(ann: httpx.Client, router: FakeRouter) -> None:
    router.available = [replace(MODEL, vision=True)]
    part = {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}
    refused = ann.post("/v1/chat/completions", json={"messages": [{"role": "user", "content": [part]}]})
    assert refused.status_code == 400 and "fetches no addresses" in refused.json()["error"]["message"]


def test_an_image_of_more_than_a_megabyte_fits_into_a_request(ann: httpx.Client, router: FakeRouter) -> None:
    router.available = [replace(MODEL, vision=True)]
    large = b64encode(written(picture(64, 64)) + bytes(1_500_000)).decode()
    part = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{large}"}}
    assert ann.post("/v1/chat/completions", json={"messages": [{"role": "user", "content": [part]}]}).status_code == 200
    assert ann.post("/v1/embeddings", json={"input": large}).status_code == 413
