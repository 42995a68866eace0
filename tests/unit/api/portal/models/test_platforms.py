"""The configuration of platforms by REST."""

from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest

from samples.servers.models.model_server import ANSWER, ModelServer, page

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
    assert ada.get("/api/v1/platforms").json()["text"] == ONE


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


def test_an_answer_says_who_gave_it_and_why(ada: httpx.Client) -> None:
    server, broken = ModelServer(("glm-4.7",)), ModelServer(("glm-4.7",))
    broken.behave = page(502)
    rows = "".join(
        f"- name: {name}\n  type: openai\n  base_url: {each.url}\n  models: {{llm: [glm-4.7]}}\n  price: {{input: 1, output: 2, per: 10}}\n"
        for name, each in (("broken", broken), ("gateway", server))
    )
    text = f"platforms:\n{rows}routes:\n  chat: [glm-4.7@broken, glm-4.7@gateway]\n"
    try:
        assert ada.put("/api/v1/platforms", json={"text": text}).status_code == 200
        chat = ada.post("/api/v1/conversations", json={}).json()["id"]
        assert ada.post(f"/api/v1/conversations/{chat}/messages", json={"text": "Hello"}).status_code == 200
        message = ada.get(f"/api/v1/conversations/{chat}/messages").json()["items"][-1]
        assert message["text"] == ANSWER
        generation = message["generation"]
        assert (generation["model"], generation["platform"], generation["prompt_tokens"]) == ("glm-4.7", "gateway", 11)
        assert generation["routed"] == {
            "place": "glm-4.7@gateway", "left_out": ["broken failed (502)."], "dropped": [], "estimated": False,
            "cost": (11 + 2 * 4) / 10, "currency": "USD",
        }  # fmt: skip
        asked = {"model": "glm-4.7@gateway", "messages": [{"role": "user", "content": "Hi"}], "top_k": 3}
        completion = ada.post("/v1/chat/completions", json=asked)
        assert completion.json()["choices"][0]["message"]["content"] == ANSWER and completion.json()["model"] == "glm-4.7"
        assert completion.headers["X-Portal-Ignored"] == "top_k"
        listed = {each["id"]: each for each in ada.get("/v1/models").json()["data"]}
        assert listed["glm-4.7"]["owned_by"] == "broken, gateway" and "glm-4.7@gateway" in listed and listed["fake"]["owned_by"] == "portal"
    finally:
        server.close()
        broken.close()


def test_who_may_not_use_a_model_does_not_get_it_by_its_platform_or_as_a_substitute(
    ada: httpx.Client, ann: httpx.Client, signed_in: Callable[[str], httpx.Client]
) -> None:
    server = ModelServer(("glm-4.7",))
    server.behave = page(502)
    text = f"platforms:\n- {{name: gateway, type: openai, base_url: '{server.url}', models: {{llm: [glm-4.7]}}}}\n"
    try:
        ada.put("/api/v1/platforms", json={"text": text + "routes:\n  chat: [glm-4.7@gateway, fake@local]\n"})
        hello = {"messages": [{"role": "user", "content": "Hi"}]}
        ada.put("/api/v1/model-access/fake", json={"roles": ["manager"]})
        assert ann.post("/v1/chat/completions", json={"model": "fake@local", **hello}).status_code == 403
        assert ann.post("/v1/chat/completions", json={"model": "glm-4.7", **hello}).status_code == 502
        assert signed_in("max").post("/v1/chat/completions", json={"model": "glm-4.7", **hello}).status_code == 200
        ada.put("/api/v1/model-access/glm-4.7", json={"roles": ["manager"]})
        assert ann.post("/v1/chat/completions", json={"model": "glm-4.7@gateway", **hello}).status_code == 403
    finally:
        server.close()


def test_a_platform_is_watched_tested_and_its_route_explained(ada: httpx.Client) -> None:
    server = ModelServer(("glm-4.7",))
    text = (
        f"platforms:\n- {{name: gateway, type: openai, base_url: '{server.url}', models: {{llm: [glm-4.7]}},\n"
        "   price: {output: 5, per: 10}}\n"
        "routes:\n  chat: [{to: glm-4.7@gateway, groups: [legal]}, fake@local]\n"
    )
    try:
        ada.put("/api/v1/platforms", json={"text": text})
        tested = ada.post("/api/v1/platforms/gateway/test", json={}).json()
        assert (tested["place"], tested["text"]) == ("glm-4.7@gateway", ANSWER)
        assert ada.post("/api/v1/platforms/local/test", json={"question": "Hi"}).json()["place"] == "fake@local"
        states = {each["name"]: each for each in ada.get("/api/v1/platforms").json()["states"]}
        gateway = states["gateway"]
        assert (gateway["condition"], gateway["answers"], gateway["errors"], gateway["in_use"]) == ("healthy", 1, 0, 0)
        assert (gateway["cost_today"], gateway["currency"], states["local"]["cost_today"]) == (2.0, "USD", None)
        assert gateway["ttft_p50_s"] > 0 and states["local"]["concurrent"] is None
        explained = ada.post("/api/v1/platforms/route", json={"question": "Hello there", "group": "sales"}).json()
        assert explained["places"] == ["fake@local"] and explained["left_out"] == ["glm-4.7@gateway: for other groups."]
        explained = ada.post("/api/v1/platforms/route", json={"question": "Hello there", "group": "legal"}).json()
        assert explained["places"] == ["glm-4.7@gateway", "fake@local"]
        server.behave = page(502)
        for _ in range(2):
            assert ada.post("/api/v1/platforms/gateway/test", json={}).status_code == 502
        gateway = next(each for each in ada.get("/api/v1/platforms").json()["states"] if each["name"] == "gateway")
        assert gateway["condition"] == "unused" and gateway["since"] is not None
        assert gateway["failures"][0]["error"] == "gateway failed (502)." and gateway["errors"] == 2
    finally:
        server.close()
