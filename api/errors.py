"""Turn every error into JSON with one readable sentence, in the shape that callers of the path expect."""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.anthropic.errors import anthropic_body, anthropic_error, is_anthropic
from api.logged_paths import UNKNOWN
from core.errors import Busy, ModelFailed, NotAllowed, NotFound, NotSignedIn, PortalError, PromptTooLong
from core.inference.vectors import InputTooLong
from core.operations.log_context import error_code

log = logging.getLogger(__name__)

UNEXPECTED = (
    "Something went wrong in the portal. Try again. If it happens again, give an admin the code {code}: the log has the reason under it."
)

STATUS_SENTENCES = {
    400: ("bad_request", "The body is not JSON in UTF-8. Check it and send it again."),
    404: ("not_found", "{path} does not exist. /api/v1/openapi.json lists every path."),
    405: ("method_not_allowed", "{path} does not support {method}. /api/v1/openapi.json lists the methods of every path."),
    415: ("unsupported_encoding", "Bodies encoded as {detail} are not supported. Send gzip, deflate, or an uncompressed body."),
    413: ("too_large", "The body is too large: the limit is {detail}. Send less."),
}


class ErrorContent(BaseModel):
    code: str = Field(description="A code for programs, such as not_found.")
    message: str = Field(description="A sentence for people that says what happened and what to do.")


class ErrorBody(BaseModel):
    """The body of every refusal under /api/v1."""

    error: ErrorContent


class OpenAIErrorContent(BaseModel):
    message: str
    type: str
    code: str | None
    param: str | None


class OpenAIErrorBody(BaseModel):
    """The body of every refusal under /v1, in OpenAI's shape."""

    error: OpenAIErrorContent


_AWAY = "The store, the index, the disk or a model cannot do this now. Try again."
REFUSALS: dict[int | str, dict[str, Any]] = {
    "4XX": {"model": ErrorBody, "description": "Refused, with the reason."},
    422: {"model": ErrorBody, "description": "A field that is not as described."},
    503: {"model": ErrorBody, "description": _AWAY},
}
"""Errors that every route under /api/v1 may return, besides its own."""
OPENAI_REFUSALS: dict[int | str, dict[str, Any]] = {
    "4XX": {"model": OpenAIErrorBody, "description": "Refused, with the reason."},
    422: {"model": OpenAIErrorBody, "description": "A field that is not as described."},
    502: {"model": OpenAIErrorBody, "description": "The model failed while it answered."},
    503: {"model": OpenAIErrorBody, "description": _AWAY},
}
"""Errors that every route under /v1 may return, besides its own."""


PROMPT_FIELDS = {"/v1/completions": "prompt", "/v1/responses": "input"}
"""The field that holds the prompt, where it is not `messages`."""


def is_openai(path: str) -> bool:
    return path == "/v1" or path.startswith("/v1/")


def install(app: FastAPI) -> None:
    app.add_exception_handler(PortalError, portal_error)
    app.add_exception_handler(RequestValidationError, _validation_error)
    app.add_exception_handler(HTTPException, http_error)
    app.add_middleware(AnswerUnexpected)


def unexpected() -> ModelFailed:
    """Return what ends a stream after an unexpected error. The log has the error under its code."""
    return ModelFailed(UNEXPECTED, code=error_code())


def openai_error(error: PortalError, prompt_field: str = "messages") -> tuple[int, dict[str, Any]]:
    """Return status and body of an error in OpenAI's shape. prompt_field: the field that holds the prompt."""
    status, code, param = error.status, error.code, None
    match error:
        case PromptTooLong():
            status, code, param = 400, "context_length_exceeded", prompt_field
        case InputTooLong():
            status, code, param = 400, "context_length_exceeded", _text(error.params["field"])
        case NotSignedIn():
            code = "invalid_api_key"
        case NotFound() if "id" in error.params:
            param = _text(error.params.get("field"))
        case NotFound():
            code, param = "model_not_found", "model"
        case Busy():
            code = "rate_limit_exceeded"
        case PortalError(status=422):
            status, param = 400, _text(error.params.get("field") or error.params.get("name"))
    return status, {"error": {"message": str(error), "type": _openai_type(status), "code": code, "param": param}}


def _openai_type(status: int) -> str:
    if status == 429:
        return "rate_limit_error"
    return "server_error" if status >= 500 else "invalid_request_error"


def portal_error(request: Request, error: Exception) -> Response:
    """Turn an error of the portal into the response that callers of the path expect."""
    assert isinstance(error, PortalError)
    headers: dict[str, str] = {}
    if isinstance(error, Busy):
        headers["Retry-After"] = str(max(1, math.ceil(error.retry_after)))
    if error.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    path = request.url.path
    if isinstance(error, NotAllowed) and (user := getattr(request.state, "user", None)) is not None:
        route = request.scope.get("route")
        request.app.state.portal().audit.refused(user, f"{request.method} {getattr(route, 'path', path[:100])}")
    if is_openai(path):
        status, body = anthropic_error(error) if is_anthropic(request.scope) else openai_error(error, PROMPT_FIELDS.get(path, "messages"))
        return _json(status, body, headers)
    return refusal(request, error.status, error.code, str(error), headers=headers)


def _validation_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    if error.errors()[0]["loc"][0] == "path":
        # An id that the portal never issued identifies nothing.
        return http_error(request, HTTPException(404))
    sentence, field = refused_field(error.errors(), error.body)
    status = 400 if is_openai(request.url.path) else 422
    return refusal(request, status, "invalid_input", sentence, field or None)


def refused_field(problems: Sequence[Any], body: Any) -> tuple[str, str]:
    """Return a sentence about the first of pydantic's problems, and its field as it was sent."""
    first, field = problems[0], ""
    if first["type"] != "json_invalid":
        first, field = _deepest(problems, body)
    return validation_sentence(first, field), field


def _deepest(problems: Sequence[Any], body: Any) -> tuple[Any, str]:
    """Return the first problem and its field, as it was sent.

    For a union, pydantic lists the problems of each type, with the type's name in the path. The one that got furthest is the most useful.
    """
    locations = [(problem, _sent_location(problem, body)) for problem in problems]
    first = locations[0][1]
    problem, location = max((each for each in locations if each[1][: len(first)] == first), key=lambda each: len(each[1]))
    return problem, ".".join(location)


def _sent_location(problem: Mapping[str, Any], body: Any) -> list[str]:
    """Return the location of the problem in the body: the steps of the validator's path that the body has."""
    kind, *steps = problem["loc"]
    if kind != "body":
        return [str(step) for step in steps]
    location = []
    for number, step in enumerate(steps):
        if (isinstance(body, dict) and step in body) or (isinstance(body, list) and isinstance(step, int) and step < len(body)):
            body = body[step]
        elif problem["type"] != "missing" or number < len(steps) - 1:
            continue
        location.append(str(step))
    return location


def validation_sentence(problem: Mapping[str, Any], field: str) -> str:
    """Turn one of pydantic's problems into a sentence."""
    match problem["type"]:
        case "json_invalid":
            return "The body is not valid JSON. Check it and send it again."
        case "missing" if not field:
            return "The body is missing. Send a JSON object."
        case "missing":
            return f"{field} is missing."
        case "extra_forbidden":
            return f"{field} is not a field of this request. Leave it out."
        case "model_attributes_type" | "model_type" | "dict_type" if not field:
            return "The body must be a JSON object, sent as application/json."
    says = str(problem["msg"]).removeprefix("Value error, ").rstrip(".")
    return f"{field}: {says}." if field else f"{says}."


def http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    code, sentence = STATUS_SENTENCES.get(error.status_code, ("error", "{detail}"))
    message = sentence.format(method=request.method, path=request.url.path[:200], detail=error.detail)
    return refusal(request, error.status_code, code, message, headers=error.headers)


class AnswerUnexpected:
    """Logs unexpected errors and returns one sentence. An exception that reached the server would also cut the connection."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = False

        async def noted(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self._app(scope, receive, noted)
        except Exception:
            if started or scope["type"] != "http":
                raise
            log.exception("%s %s failed", scope["method"], getattr(scope.get("route"), "path", UNKNOWN))
            await refusal(Request(scope), 500, "error", UNEXPECTED.format(code=error_code()))(scope, receive, send)


def refusal(
    request: Request, status: int, code: str, message: str, param: str | None = None, headers: Mapping[str, str] | None = None
) -> Response:
    if is_anthropic(request.scope):
        return _json(status, anthropic_body(status, message), headers)
    if is_openai(request.url.path):
        return _json(status, {"error": {"message": message, "type": _openai_type(status), "code": code, "param": param}}, headers)
    return _json(status, {"error": {"code": code, "message": message}}, headers)


def _json(status: int, body: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> Response:
    # ASCII only: a name may contain an unpaired surrogate, which UTF-8 cannot encode.
    return Response(json.dumps(body), status, dict(headers or {}), "application/json")


def _text(value: object) -> str | None:
    return None if value is None else str(value)
