from __future__ import annotations

import httpx

from tests.unit.api.conftest import Server


def test_the_routes_under_v1_are_listed_for_everyone(client: httpx.Client, server: Server) -> None:
    body = client.get("/v1").json()
    described = {(method.upper(), path) for path, methods in server.app.openapi()["paths"].items() for method in methods}
    assert {(each["method"], each["path"]) for each in body["data"]} == {one for one in described if one[1].startswith("/v1")}
    assert client.get("/v1/").json() == body
    assert {each["dialect"] for each in body["data"]} == {"OpenAI", "Anthropic"}
    assert all(each["description"].endswith(".") for each in body["data"]), body["data"]
