"""Check questions before they are asked."""

from __future__ import annotations

import re

from core.characters import halves, is_blank, without_controls
from core.errors import InvalidInput

_REQUEST_ID = re.compile(r"[\x21-\x7e]{1,100}")


def check_question(text: str, max_chars: int, *, files: bool = False) -> str:
    """Return the question trimmed, with normal line ends and without control characters. Raises InvalidInput if it cannot be asked.

    Control characters come with text pasted from terminals: see `without_controls`. files: whether files are attached, so that the text
    may be empty.
    """
    text = without_controls(text).replace("\r\n", "\n").replace("\r", "\n").replace("\f", "\n").strip()
    if is_blank(text) and not files:
        raise InvalidInput("The question is empty. Enter a question.")
    if len(text) > max_chars:
        sentence = "The question has {n:,} characters; the limit is {limit:,}. Shorten it or split it."
        raise InvalidInput(sentence, n=len(text), limit=max_chars)
    if halves(text):
        raise InvalidInput("The question contains half a character (an unpaired surrogate). Remove it and ask again.")
    return "" if is_blank(text) else text


def check_request_id(request_id: str) -> None:
    if not _REQUEST_ID.fullmatch(request_id):
        raise InvalidInput("request_id must be 1 to 100 visible ASCII characters.")
