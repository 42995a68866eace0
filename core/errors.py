"""A small tree of errors. Each carries an English sentence with named fields, which the edges translate and show."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self


class PortalError(Exception):
    """An error a person may read.

    template: an English sentence with `{named}` fields; it is also the key of its translation.
    params: what fills the fields. `str(error)` is the filled English sentence.
    """

    status = 500
    code = "error"

    def __init__(self, template: str, **params: object) -> None:
        super().__init__(template.format(**params))
        self.template = template
        self.params = params


@dataclass(frozen=True, slots=True)
class StoredError:
    """An error as data: words are made from it where it is shown, in the reader's language."""

    template: str
    """An English sentence with `{named}` fields, the key of its translation."""
    params: Mapping[str, str | int | float] = field(default_factory=dict)
    code: str = PortalError.code

    @classmethod
    def of(cls, error: PortalError) -> Self:
        """Keep numbers as numbers, so that each language writes them its own way; everything else as text."""
        params = {name: value if isinstance(value, int | float) else str(value) for name, value in error.params.items()}
        return cls(error.template, params, error.code)

    @classmethod
    def kept(cls, sentence: str) -> Self:
        """Wrap a finished sentence, as older versions stored them: it is shown as it is."""
        return cls("{sentence}", {"sentence": sentence})

    def __str__(self) -> str:
        return self.template.format(**self.params)

    def __hash__(self) -> int:
        return hash((self.template, tuple(sorted(self.params.items())), self.code))


class InvalidInput(PortalError):
    """What was sent cannot be used; the sentence says what to change."""

    status = 422
    code = "invalid_input"


class NotSignedIn(PortalError):
    status = 401
    code = "not_signed_in"


class NotAllowed(PortalError):
    status = 403
    code = "not_allowed"


class NotFound(PortalError):
    status = 404
    code = "not_found"


class Conflict(PortalError):
    """The thing exists already, or is in a state that does not allow this."""

    status = 409
    code = "conflict"


class Busy(PortalError):
    """Come back after `retry_after` seconds."""

    status = 429
    code = "busy"

    def __init__(self, template: str, *, retry_after: float, **params: object) -> None:
        super().__init__(template, **params)
        self.retry_after = retry_after


class ModelFailed(PortalError):
    """The model could not be loaded, or stopped in the middle of an answer."""

    status = 502
    code = "model_failed"


class Unavailable(PortalError):
    """A part that this needs (a model, the index) is not there now."""

    status = 503
    code = "unavailable"


class StartFailed(PortalError):
    """The portal cannot start; the one sentence says what to do."""

    code = "start_failed"


class PromptTooLong(InvalidInput):
    """The prompt has `tokens` tokens; the context holds `limit`, the answer included."""

    code = "prompt_too_long"

    def __init__(self, tokens: int, limit: int) -> None:
        self.tokens, self.limit = tokens, limit
        super().__init__(
            "The question with its conversation has {tokens} tokens; the model can read {limit}. Shorten it or start a new chat.",
            tokens=tokens,
            limit=limit,
        )
