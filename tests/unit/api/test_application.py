from __future__ import annotations

import pytest
from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute
from starlette.routing import Match
from starlette.testclient import TestClient
from starlette.types import Scope

from api.application import Group


@pytest.fixture
def tried() -> list[str]:
    """Return the routes that were compared with a request."""
    return []


@pytest.fixture
def client(tried: list[str]) -> TestClient:
    class Noting(APIRoute):
        def matches(self, scope: Scope) -> tuple[Match, Scope]:
            tried.append(self.path)
            return super().matches(scope)

    app = FastAPI()
    for name in ("chats", "files"):
        router = APIRouter(prefix=f"/api/{name}", route_class=Noting)
        router.add_api_route("", lambda name=name: name, methods=["GET"])
        router.add_api_route("/{which}", lambda which, name=name: f"{name} {which}", methods=["GET"])
        app.include_router(Group(router))
    return TestClient(app)


def test_only_groups_whose_paths_begin_like_the_request_are_tried(client: TestClient, tried: list[str]) -> None:
    assert client.get("/api/files/1").json().startswith("files")
    assert set(tried) == {"/api/files", "/api/files/{which}"}


def test_an_unknown_path_and_another_method_are_refused_as_before(client: TestClient, tried: list[str]) -> None:
    assert client.get("/api/people").status_code == 404
    assert tried == []
    assert client.post("/api/chats/1").status_code == 405
    assert client.get("/api/chats").json()
