"""Convert errors to JSON and back: class, template, parameters and code. The reader's side builds the sentence."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from core.errors import PortalError, Unavailable

_FIELDS = frozenset({"template", "params"})


def write_error(error: PortalError) -> dict[str, Any]:
    """Return the error as JSON. Parameters other than strings and numbers become strings."""
    return {
        "class": type(error).__name__,
        "template": error.template,
        "params": {name: _simple(value) for name, value in error.params.items()},
        "status": error.status,
        "code": error.code,
        "more": {name: _simple(value) for name, value in vars(error).items() if name not in _FIELDS},
    }


def read_error(data: Any) -> PortalError:
    """Return the error. If its class is unknown here, as after an upgrade of the other side, keep status and code. Never raises."""
    try:
        kind = {each.__name__: each for each in _kinds(PortalError)}.get(data["class"], PortalError)
        error = kind.__new__(kind)
        params: Mapping[str, Any] = data["params"]
        PortalError.__init__(error, str(data["template"]), **params)
        error.__dict__.update(data["more"])
        if (error.status, error.code) != (data["status"], data["code"]):
            error.status, error.code = int(data["status"]), str(data["code"])
        return error
    except (KeyError, TypeError, ValueError, IndexError, AttributeError):
        return Unavailable("The admin server sent an answer that this server does not understand. Both must run the same release.")


def _kinds(kind: type[PortalError]) -> Iterator[type[PortalError]]:
    yield kind
    for each in kind.__subclasses__():
        yield from _kinds(each)


def _simple(value: object) -> str | int | float | bool | None:
    return value if value is None or isinstance(value, str | int | float | bool) else str(value)
