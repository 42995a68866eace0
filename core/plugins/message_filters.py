"""Let plugins change questions and answers. A filter that fails or takes too long is skipped, and the answer continues."""

from __future__ import annotations

from collections.abc import Callable, Sequence

MAX_LINE_LENGTH = 4000
"""Characters without a line break that are held back; a longer line is filtered in pieces."""
Filter = Callable[[Sequence[str]], Sequence[str]]
"""Takes texts and returns as many. Raises nothing."""


class MessageFilters:
    """The filters of the plugins that are on for one person, in the order of the plugins' names."""

    def __init__(self, questions: Sequence[Filter], answers: Sequence[Filter]) -> None:
        self._questions = questions
        self._answers = answers

    @property
    def change_answers(self) -> bool:
        return bool(self._answers)

    def of_questions(self, texts: Sequence[str]) -> Sequence[str]:
        for each in self._questions:
            texts = each(texts)
        return texts

    def of_answer(self) -> LineFilter:
        """Return a filter for one text that arrives in pieces."""
        return LineFilter(self._answers)


class LineFilter:
    """Filters a text that arrives in pieces, in whole lines: each line is held back until it ends."""

    def __init__(self, filters: Sequence[Filter]) -> None:
        self._filters = filters
        self._held = ""

    def feed(self, piece: str) -> str:
        """Take a piece; return the text that can be shown."""
        self._held += piece
        end = self._held.rfind("\n") + 1
        if not end and len(self._held) > MAX_LINE_LENGTH:
            end = len(self._held)
        lines, self._held = self._held[:end], self._held[end:]
        return self._filtered(lines)

    def finish(self) -> str:
        """Return what was held back, at the end."""
        lines, self._held = self._held, ""
        return self._filtered(lines)

    def _filtered(self, lines: str) -> str:
        for each in self._filters:
            lines = each([lines])[0] if lines else ""
        return lines
