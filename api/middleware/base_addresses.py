"""Correct addresses: tell programs the right base address instead of answering with a page, and lead browsers to pages."""

from __future__ import annotations

import re
from urllib.parse import quote

from starlette.datastructures import Headers
from starlette.responses import JSONResponse, RedirectResponse, Response
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
_MAX_PATH_LENGTH = 200
START = "chat"
"""The name of the start page, whose own address is /."""
_FILES = frozenset({"static", "app", "media", "component", "_stcore"})
"""The first parts of addresses under which Streamlit serves files."""


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
    return quote(path[:_MAX_PATH_LENGTH], safe="/:@")


def page_redirect(scope: Scope, headers: Headers) -> Response | None:
    """Return a redirect if a browser opens an address below a page, or the start page by its name; else None.

    Streamlit answers an address below a page with a page whose scripts are not found, so it stays white.
    """
    if scope["method"] not in _READS or "text/html" not in headers.get("accept", ""):
        return None
    first, *others = [part for part in str(scope["path"]).split("/") if part] or [""]
    if first in _FILES or "_stcore" in others or not (others or first == START):
        return None
    query = bytes(scope.get("query_string", b"")).decode("latin-1")
    page = "" if first == START else quote(first, safe="")
    return RedirectResponse(f"/{page}" + (f"?{query}" if query else ""))
