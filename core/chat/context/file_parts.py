"""Choose the parts of long files that are relevant to the question."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from core.chat.context.exchanges import Exchange
from core.chat.context.records import FileParts
from core.chat.context.window import Window
from core.chat.records import Message
from core.errors import PortalError
from core.inference.vectors import EmbeddingRequest
from core.knowledge.records import StoredFile
from core.knowledge.relevance import Part, best_parts, parts_of
from core.models.records import ModelKind

FILES_SHARE = 0.5
"""Share of the prompt limit for files, if not everything fits."""
PART_TOKENS = 16
"""Tokens of the mark before a part."""
_ELSEWHERE = "(Only parts of this file are read. Those that matter for the newest question stand there.)"


@dataclass(frozen=True, slots=True)
class ChosenParts:
    """The parts of files that the model reads."""

    read: Mapping[str, str]
    """The text to read in place of each whole file, by the file's id."""
    extra: Sequence[tuple[str, str]]
    """Names and parts of files from earlier turns. They are read with the question, so that the earlier turns stay unchanged."""
    parts: tuple[FileParts, ...]


def chosen_parts(
    window: Window, turns: Sequence[Exchange], question: Message, read: Mapping[str, str], limit: int
) -> ChosenParts | None:  # fmt: skip
    """Choose the parts relevant to the question; None if the files are short enough to be read whole."""
    earlier = [file for turn in turns for file in turn.question.files]
    files = [*earlier, *question.files]
    whole = "\n".join(read[file.id] for file in files)
    tokens = window.count_text(whole) if files else 0
    budget = int(limit * FILES_SHARE)
    budget = min(budget, max(budget // 4, limit - window.count_text(question.text) - budget // 4))
    if tokens <= budget:
        return None
    cost = tokens / max(1, len(whole))
    found = [(file, part) for file in files for part in parts_of(read[file.id])]
    room = {id(part): len(part.text) * cost + PART_TOKENS for _, part in found}
    best = best_parts(question.text, [part for _, part in found], lambda part: round(room[id(part)]), budget, _Meaning(window).similar)
    chosen = {id(part) for part in best}
    of_file = {file.id: [part for owner, part in found if owner.id == file.id and id(part) in chosen] for file in files}
    text = {file.id: _written(of_file[file.id]) for file in files}
    return ChosenParts(
        read={**read, **text, **{file.id: _ELSEWHERE for file in earlier}},
        extra=[(file.name, text[file.id]) for file in _once(earlier) if of_file[file.id]],
        parts=tuple(_recorded(file, read[file.id], of_file[file.id]) for file in _once(files)),
    )


class _Meaning:
    """Compares texts with an embedding model of this portal, if there is one."""

    def __init__(self, window: Window) -> None:
        self._window = window

    def similar(self, question: str, texts: Sequence[str]) -> Sequence[float] | None:
        """Return the cosine similarity of each text to the question; None without an embedding model, or if it fails."""
        local = [each for each in self._window.gateway.served() if each.kind is ModelKind.EMBEDDING and each.owner == "portal"]
        if not local or not question.strip() or not texts:
            return None
        request = EmbeddingRequest(inputs=(question, *texts), user_id=self._window.user.id, model=local[0].name, truncate=True)
        try:
            rows = self._window.gateway.embed(self._window.user, request).result().rows
        except PortalError:
            return None
        asked = rows[0]
        return [sum(a * b for a, b in zip(asked, row, strict=True)) for row in rows[1:]]


def _once(files: Sequence[StoredFile]) -> list[StoredFile]:
    return list({file.id: file for file in files}.values())


def _written(parts: Sequence[Part]) -> str:
    """Write parts of a file, each with its line numbers."""
    return "\n".join(f"[lines {first} to {last}]\n{text}" for first, last, text in _joined(parts))


def _recorded(file: StoredFile, text: str, parts: Sequence[Part]) -> FileParts:
    return FileParts(file.name, text.count("\n") + 1, tuple((first, last) for first, last, _ in _joined(parts)))


def _joined(parts: Sequence[Part]) -> list[tuple[int, int, str]]:
    """Return the first line, last line and text of each part, with adjacent parts merged."""
    found: list[tuple[int, int, str]] = []
    for part in parts:
        if found and part.first <= found[-1][1] + 1:
            first, last, text = found[-1]
            found[-1] = (first, part.last, text + ("" if part.first == last else "\n") + part.text)
        else:
            found.append((part.first, part.last, part.text))
    return found
