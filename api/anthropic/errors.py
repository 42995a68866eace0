"""Write refusals in Anthropic's shape."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, Field
from starlette.datastructures import Headers
from starlette.types import Scope

from core.errors import PortalError, PromptTooLong
from core.operations.log_context import logged_fields

_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
}


class AnthropicErrorContent(BaseModel):
    type: str = Field(description="A word for programs, such as invalid_request_error.")
    message: str = Field(description="A sentence for people that says what happened and what to do.")


class AnthropicErrorBody(BaseModel):
    """The body of every refusal under /v1/messages."""

    type: Literal["error"]
    error: AnthropicErrorContent
    request_id: str | None = Field(description="As in the header X-Request-ID.")


VERSION_HEADER = "anthropic-version"
"""Sent by every client of Anthropic's API."""
_SHARED = "/v1/models"
"""Both dialects have this path; the header says which one the client speaks."""


def is_anthropic(scope: Scope) -> bool:
    """Tell whether the client expects Anthropic's shape."""
    path = str(scope["path"])
    if path == _SHARED or path.startswith(f"{_SHARED}/"):
        return VERSION_HEADER in Headers(scope=scope)
    return path == "/v1/messages" or path.startswith("/v1/messages/")


def anthropic_body(status: int, message: str) -> dict[str, Any]:
    kind = _TYPES.get(status, "api_error" if status >= 500 else "invalid_request_error")
    return {"type": "error", "error": {"type": kind, "message": message}, "request_id": logged_fields().get("request_id")}


def anthropic_error(error: PortalError) -> tuple[int, dict[str, Any]]:
    """Return status and body of an error."""
    status = 400 if error.status == 422 else error.status
    message = str(error)
    if isinstance(error, PromptTooLong):
        # Clients recognize from these words that they must shorten a conversation.
        message = f"prompt is too long: {error.tokens} tokens > {error.limit} maximum. {message}"
    return status, anthropic_body(status, message)
