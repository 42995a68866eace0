"""Define the errors. Each has an English sentence with named fields, which pages and REST translate and show."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Self


class PortalError(Exception):
    """An error that people may read.

    template: an English sentence with `{named}` fields; it is also the key of its translation.
    params: the values of the fields. `str(error)` is the complete English sentence.
    """

    status = 500
    code = "error"

    def __init__(self, template: str, **params: object) -> None:
        super().__init__(template.format(**params))
        self.template = template
        self.params = params


@dataclass(frozen=True, slots=True)
class StoredError:
    """An error stored as data. The sentence is built in the reader's language when it is shown."""

    template: str
    """An English sentence with `{named}` fields, the key of its translation."""
    params: Mapping[str, str | int | float] = field(default_factory=dict)
    code: str = PortalError.code

    @classmethod
    def of(cls, error: PortalError) -> Self:
        """Convert an error. Numbers stay numbers, so that each language can format them; everything else becomes text."""
        params = {name: value if isinstance(value, int | float) else str(value) for name, value in error.params.items()}
        return cls(error.template, params, error.code)

    @classmethod
    def of_text(cls, sentence: str) -> Self:
        """Wrap a finished sentence, as older versions stored them; it is shown unchanged."""
        return cls("{sentence}", {"sentence": sentence})

    def __str__(self) -> str:
        return self.template.format(**self.params)

    def __hash__(self) -> int:
        return hash((self.template, tuple(sorted(self.params.items())), self.code))


class InvalidInput(PortalError):
    """The input cannot be used; the sentence says what to change."""

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
    """The object already exists, or its state does not allow this."""

    status = 409
    code = "conflict"


class Busy(PortalError):
    """The portal is busy. Try again after `retry_after` seconds."""

    status = 429
    code = "busy"

    def __init__(self, template: str, *, retry_after: float, **params: object) -> None:
        super().__init__(template, **params)
        self.retry_after = retry_after


class BeingReplaced(Busy):
    """The model is being unloaded to free memory for its successor. The chat waits; programs try again."""

    def __init__(self, model: str) -> None:
        super().__init__(self.sentence, retry_after=5, model=model)

    sentence = "The model {model} is being replaced by a new version. Try again in a moment."


class Waking(BeingReplaced):
    """The model was unloaded because it was not used, and is loading again."""

    sentence = "The model {model} was idle and is loading again. Try again in a moment."


class ModelFailed(PortalError):
    """The model could not be loaded, or stopped in the middle of an answer."""

    status = 502
    code = "model_failed"


class Unavailable(PortalError):
    """A component that this needs (a model, the index) is unavailable."""

    status = 503
    code = "unavailable"


class ServerUnreachable(Unavailable):
    """The admin server cannot be reached from this user server."""

    def __init__(self, wait: Callable[[float], bool] = lambda _seconds: True, *, sent: bool = False) -> None:
        """wait: blocks until the server is back, at most this many seconds; returns whether it is. sent: it may have got the request."""
        super().__init__("The portal's main server cannot be reached. What is on the page stays there. Try again in a moment.")
        self.wait = wait
        self.sent = sent


class StartFailed(PortalError):
    """The portal cannot start. The sentence says what to do."""

    code = "start_failed"


class PromptTooLong(InvalidInput):
    """The prompt has `tokens` tokens, but the context holds `limit`, including the answer."""

    code = "prompt_too_long"

    def __init__(self, tokens: int, limit: int) -> None:
        self.tokens, self.limit = tokens, limit
        super().__init__(
            "The conversation has {tokens} tokens with this question; the model's limit is {limit}. Shorten the question or start a new "
            "chat.",
            tokens=tokens,
            limit=limit,
        )
