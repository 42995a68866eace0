"""Answer known questions from a file. A question that is not in it goes to the next model of the route."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

from core.plugins.hookspecs import (
    PlatformDeclines,
    PlatformKind,
    PlatformModel,
    PlatformPiece,
    PlatformQuestion,
    PlatformSettings,
    PlatformTrouble,
    hookimpl,
)

OPTIONS = {
    "type": "object",
    "properties": {
        "file": {"type": "string", "minLength": 1},
        "likeness": {"type": "number", "minimum": 0, "maximum": 1},
    },
    "required": ["file"],
    "additionalProperties": False,
}


class Faq:
    """A platform with one model. The file is read for each question, so that a change of it holds at once."""

    def __init__(self, settings: PlatformSettings) -> None:
        self._file = Path(settings.options["file"])
        self._likeness = float(settings.options.get("likeness", 0.6))

    def models(self) -> list[PlatformModel]:
        self._known()
        return [PlatformModel(id="faq", context=32_000)]

    def answer(self, question: PlatformQuestion) -> Iterator[PlatformPiece]:
        asked = _words(next((each.text for each in reversed(question.messages) if each.role == "user"), ""))
        likeness, found = max(((_likeness(asked, _words(known)), text) for known, text in self._known().items()), default=(0.0, ""))
        if likeness < self._likeness:
            raise PlatformDeclines("The file has no answer to this question.")
        for line in found.splitlines(keepends=True):
            yield PlatformPiece(text=line)

    def _known(self) -> dict[str, str]:
        try:
            return {str(question): str(text) for question, text in json.loads(self._file.read_text("utf-8")).items()}
        except (OSError, ValueError, AttributeError) as problem:
            raise PlatformTrouble(f"The file {self._file.name} cannot be read.") from problem


def _words(text: str) -> frozenset[str]:
    return frozenset(re.findall(r"\w+", text.lower()))


def _likeness(one: frozenset[str], other: frozenset[str]) -> float:
    return len(one & other) / max(1, len(one | other))


@hookimpl
def platforms() -> list[PlatformKind]:
    return [PlatformKind(name="faq", title="Known questions from a file", open=Faq, options=OPTIONS)]
