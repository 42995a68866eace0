"""Suggest titles and their words while a person types. This works without the search index."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from core.chat.records import Conversation
from core.people.permissions import Permission, require
from core.people.records import User
from core.unit_of_work import UnitOfWorkFactory

LOOKED_AT = 500
"""Number of the person's newest conversations whose titles are searched."""
MAX_TYPED = 100
TITLES, WORDS = 6, 3
_HAS_NO_SPACES = re.compile("[\u2e80-\U0003ffff]")
"""Characters of Chinese, Japanese and Korean, whose words may begin anywhere in a line because there are no spaces."""
_LATIN = re.compile(r"[^\W_\u2e80-\U0003ffff]{2,}")


@dataclass(frozen=True, slots=True)
class Suggested:
    """Suggestions for a typed text."""

    words: Sequence[str]
    """The typed text with its last word completed, most frequent completion first."""
    conversations: Sequence[Conversation]
    """Conversations whose titles match, newest first."""


class Suggestions:
    """Suggests words and conversations while a person types."""

    def __init__(self, unit_of_work: UnitOfWorkFactory) -> None:
        self._unit_of_work = unit_of_work

    def suggest(self, user: User, typed: str) -> Suggested:
        """Find titles in which each typed word begins a word. Chinese words may stand anywhere."""
        require(user, Permission.CHAT)
        words = _normal(typed[:MAX_TYPED]).split()
        if not words:
            return Suggested([], [])
        with self._unit_of_work() as work:
            newest = work.conversations.of_user(user.id, LOOKED_AT)
        titles = [(_normal(each.title), each) for each in newest]
        patterns = [_pattern(word) for word in words]
        matching = [each for title, each in titles if all(pattern.search(title) for pattern in patterns)]
        return Suggested(_completions(words, [title for title, _ in titles]), matching[:TITLES])


def _completions(words: list[str], titles: list[str]) -> list[str]:
    *before, last = words
    longer = Counter(word for title in titles for word in set(_LATIN.findall(title)) if word.startswith(last) and word != last)
    return [" ".join([*before, word]) for word, _ in longer.most_common(WORDS)]


def _pattern(word: str) -> re.Pattern[str]:
    return re.compile(("" if _HAS_NO_SPACES.match(word) else r"(?<!\w)") + re.escape(word))


def _normal(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()
