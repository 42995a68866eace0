"""Describe the failures of another server. No text of its error pages gets into a sentence."""

from __future__ import annotations

import re
from enum import StrEnum

from core.errors import Busy, InvalidInput, ModelFailed, PortalError, StoredError, Unavailable

MAX_REASON_LENGTH = 200
_CLASSES = re.compile(r"^(?:(?:[A-Za-z_]+\.)?[A-Za-z]*(?:Error|Exception)(?:: | - ))+")
"""Names of exceptions that a gateway puts before its message."""
_MARKUP = re.compile(r"<[^>]*>|[<>]")


class Fault(StrEnum):
    UNREACHABLE = "unreachable"
    TIMED_OUT = "timed_out"
    CUT = "cut"
    BUSY = "busy"
    BROKEN = "broken"
    INVALID_ANSWER = "nonsense"
    LOCKED = "locked"
    """It does not accept the portal's key."""
    REFUSED = "refused"
    """It rejects this request; another platform may take it."""


COUNTED = frozenset(Fault) - {Fault.BUSY, Fault.REFUSED}
"""Failures of the platform, not of the request."""


class PlatformFailure(Exception):
    """A platform could not answer. retry_after: seconds that it asked for."""

    def __init__(self, fault: Fault, template: str, *, retry_after: float | None = None, **params: str | int | float) -> None:
        super().__init__(template.format(**params))
        self.fault = fault
        self.error = StoredError(template, params, f"platform_{fault.value}")
        self.retry_after = retry_after

    def for_people(self) -> PortalError:
        """Return the error for the person who asked, where no other platform is left."""
        error = self.error
        match self.fault:
            case Fault.BUSY:
                return Busy(error.template, retry_after=self.retry_after or 5.0, **error.params)
            case Fault.REFUSED:
                return InvalidInput(error.template, **error.params)
            case Fault.UNREACHABLE | Fault.LOCKED:
                return Unavailable(error.template, **error.params)
            case _:
                return ModelFailed(error.template, **error.params)


def unreachable(platform: str, reason: str) -> PlatformFailure:
    return PlatformFailure(Fault.UNREACHABLE, "{platform} cannot be reached ({reason}).", platform=platform, reason=reason)


def timed_out(platform: str, seconds: float) -> PlatformFailure:
    return PlatformFailure(Fault.TIMED_OUT, "{platform} sent nothing for {seconds} s.", platform=platform, seconds=round(seconds, 1))


def cut(platform: str) -> PlatformFailure:
    return PlatformFailure(Fault.CUT, "{platform} stopped in the middle of the answer.", platform=platform)


def invalid_answer(platform: str, what: str) -> PlatformFailure:
    words = "{platform} sent something that is not an answer ({what})."
    return PlatformFailure(Fault.INVALID_ANSWER, words, platform=platform, what=plain(what) or "?")


def of_status(platform: str, status: int, message: object, retry_after: float | None = None) -> PlatformFailure:
    """Return the failure for a status. message: the server's text, used if it is plain."""
    reason = plain(message)
    if status in (401, 403):
        return PlatformFailure(Fault.LOCKED, "{platform} does not accept the portal's key ({status}).", platform=platform, status=status)
    if status == 429 or (status == 503 and retry_after is not None):
        return PlatformFailure(Fault.BUSY, "{platform} is busy.", retry_after=retry_after, platform=platform)
    if 300 <= status < 400:
        return invalid_answer(platform, f"HTTP {status}")
    if status >= 500 or status < 400:
        return PlatformFailure(Fault.BROKEN, "{platform} failed ({status}).", platform=platform, status=status)
    if not reason:
        return PlatformFailure(Fault.REFUSED, "{platform} refused the request ({status}).", platform=platform, status=status)
    return PlatformFailure(
        Fault.REFUSED, "{platform} refused the request ({status}): {reason}", platform=platform, status=status, reason=reason
    )


def plain(message: object) -> str:
    """Return the server's text as one plain line; empty if it is a page or not text."""
    if not isinstance(message, str) or "<html" in message.lower() or "<!doctype" in message.lower():
        return ""
    line = " ".join(_MARKUP.sub(" ", message).split())
    line = _CLASSES.sub("", "".join(each for each in line if each.isprintable()))
    return line if len(line) <= MAX_REASON_LENGTH else line[: MAX_REASON_LENGTH - 1] + "…"
