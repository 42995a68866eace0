"""Check questions before they are asked."""

from __future__ import annotations

import re
import unicodedata

from core.errors import InvalidInput

_REQUEST_ID = re.compile(r"[\x21-\x7e]{1,100}")


def check_question(text: str, max_chars: int, *, files: bool = False) -> str:
    """Return the question trimmed and with normal line ends. Raises InvalidInput if it cannot be asked.

    files: whether files are attached; then the text may be empty.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n").strip()
    if not text and not files:
        raise InvalidInput("The question is empty. Enter a question.")
    if len(text) > max_chars:
        sentence = "The question has {n:,} characters; the limit is {limit:,}. Shorten it or split it."
        raise InvalidInput(sentence, n=len(text), limit=max_chars)
    for place, character in enumerate(text):
        if unicodedata.category(character) in ("Cc", "Cs") and character not in "\n\t":
            raise InvalidInput(
                "The question contains a control character (U+{code:04X} at position {place}). Remove it and ask again.",
                code=ord(character),
                place=place + 1,
            )
    return text


def check_request_id(request_id: str) -> None:
    if not _REQUEST_ID.fullmatch(request_id):
        raise InvalidInput("request_id must be 1 to 100 visible ASCII characters.")
