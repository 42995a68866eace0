"""Tell programs the right base address when theirs is wrong, instead of answering with a page."""

from __future__ import annotations

import re
from urllib.parse import quote

from starlette.datastructures import Headers
from starlette.responses import JSONResponse, Response
from starlette.types import Scope

from api.anthropic.errors import anthropic_body

WRONG_BASE = "The API has no path {path}. Set the base address to {base}, so that the request goes to {right}."
_READS = frozenset({"GET", "HEAD"})
_ROUTES = (
    "/chat/completions", "/completions", "/embeddings", "/rerank", "/responses", "/tokenize", "/detokenize",
    "/messages/count_tokens", "/messages", "/models", "/files", "/batches",
)  # fmt: skip
_PREFIXES = ("/v1/v1", "/openai", "/openai/v1", "/anthropic", "/anthropic/v1", "/v1/chat/completions", "/v1/messages", "/v1/responses")
_WRONG = re.compile(f"(?:{'|'.join(_PREFIXES)})?({'|'.join(_ROUTES)})(/.*)?")
_LONGEST_PATH = 200


def right_path(scope: Scope, headers: Headers) -> str | None:
    """Return the path that a program meant; None if the path is one of the API's own or a page's."""
    path = str(scope["path"]).rstrip("/")
    found = _WRONG.fullmatch(path)
    if found is None:
        return None
    if scope["method"] in _READS and not ("authorization" in headers or "x-api-key" in headers):
        return None  # A browser opens the page with this name.
    return f"/v1{found[1]}{found[2] or ''}"


def refusal(scope: Scope, host: str, right: str) -> Response:
    """Return 404 in the dialect of the path that was meant."""
    anthropic = right.startswith("/v1/messages")
    base = f"{scope.get('scheme', 'http')}://{host}" + ("" if anthropic else "/v1")
    words = WRONG_BASE.format(path=_shown(str(scope["path"])), base=base, right=_shown(right))
    if anthropic:
        return JSONResponse(anthropic_body(404, words), 404)
    error = {"message": words, "type": "invalid_request_error", "code": "wrong_base_address", "param": None}
    return JSONResponse({"error": error}, 404)


def _shown(path: str) -> str:
    return quote(path[:_LONGEST_PATH], safe="/:@")
