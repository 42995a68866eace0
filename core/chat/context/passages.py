"""Add the passages of collections to a question, numbered so that the answer can cite them."""

from __future__ import annotations

from dataclasses import dataclass, replace

from core.chat.context.window import Window
from core.chat.records import Author, Message
from core.documents.finding import MERGED_CHARS, Finder
from core.documents.records import CollectionName, FoundPassage, Source

SHARE = 0.4
"""Share of the prompt limit that passages may take."""
_CITE = (
    "Answer the question from these passages. Cite the passages that you use by their numbers in square brackets, such as [1], behind "
    "the sentence that they support. If they do not answer the question, say so."
)
_NOTHING = "The collections {names} were searched. No passage in them answers the question: say so first."


@dataclass(frozen=True, slots=True)
class Cited:
    """What was found for a question."""

    text: str
    """What the model reads before the question; "" if no collection can be read."""
    sources: tuple[Source, ...]
    searched: tuple[CollectionName, ...]


def found_for(finder: Finder, window: Window, collection_ids: tuple[str, ...], branch: tuple[Message, ...]) -> Cited:
    """Find the passages for the question that the branch ends with, within their share of the context.

    Collections that the person may no longer read are left out.
    """
    asked = [each.text for each in branch if each.author is Author.USER]
    left = int(SHARE * window.limit)
    before = asked[-2] if len(asked) > 1 else ""
    found = finder.for_turn(window.user, collection_ids, asked[-1], before, merged_chars=max(1, min(MERGED_CHARS, left)))
    if not found.searched:
        return Cited("", (), ())
    kept: list[FoundPassage] = []
    for each in found.passages:
        if (needed := window.count_text(_written(len(kept) + 1, each))) <= left:
            kept.append(each)
            left -= needed
    if found.passages and not kept:  # A small context has room for a part of the best one.
        best = found.passages[0]
        kept = [replace(best, text=best.text[: max(1, left - len(_written(1, replace(best, text=""))))])]
    if not kept:
        names = ", ".join(f'"{each.name}"' for each in found.searched)
        return Cited(_NOTHING.format(names=names), (), found.searched)
    passages = "\n\n".join(_written(number, each) for number, each in enumerate(kept, start=1))
    return Cited(f"{passages}\n\n{_CITE}", tuple(map(Source.of, kept)), found.searched)


def _written(number: int, found: FoundPassage) -> str:
    page = f", page {found.page}" if found.page else ""
    heading = f", {found.heading}" if found.heading else ""
    return f"[{number}] {found.document}{page}{heading}\n{found.text}"
