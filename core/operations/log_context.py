"""Hold the request, person and turn that the current code works for, to add them to its log lines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from uuid import uuid4

FIELDS = ("request_id", "user_id", "turn_id", "model")

_current: ContextVar[dict[str, str] | None] = ContextVar("log_context", default=None)


def new_request_id() -> str:
    return uuid4().hex


@contextmanager
def log_context(**fields: str) -> Iterator[None]:
    """Add fields, of FIELDS, to every log line of this thread or task until the block ends."""
    token = _current.set({**(_current.get() or {}), **fields})
    try:
        yield
    finally:
        _current.reset(token)


def add_to_log_context(**fields: str) -> None:
    """Add fields to the innermost block, even from a thread with a copy of its context, as in FastAPI's dependencies."""
    current = _current.get()
    if current is not None:
        current.update(fields)


def error_code(otherwise: str = "") -> str:
    """Return the id that a person can quote: the request's, which all of its log lines have. otherwise: another id of these lines."""
    return (_current.get() or {}).get("request_id") or otherwise


def logged_fields() -> Mapping[str, str]:
    return dict(_current.get() or {})
