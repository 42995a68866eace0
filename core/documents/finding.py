"""Find the passages that answer a question."""

from __future__ import annotations

import time
from collections.abc import Sequence

from core.bounds import within
from core.documents.access import seen, sees
from core.documents.ports import Match, PassageIndex
from core.documents.ranking import merged
from core.documents.records import MAX_CHOSEN, Collection, CollectionName, Finding, FoundPassage, Passage
from core.documents.terms import question_words
from core.errors import InvalidInput
from core.people.permissions import Permission, require
from core.people.records import User
from core.unit_of_work import UnitOfWork, UnitOfWorkFactory

MAX_QUESTION_CHARS = 4_000
"""How much of a question is read."""
CANDIDATES = 50
"""How many passages of each ranking are considered."""
MAX_FOUND = 8
"""Most passages for one question, before neighbours are merged."""
MERGED_CHARS = 3_000
LIMIT = 0.35
"""A passage with a smaller share of the question's words, weighted by how rare they are, does not answer it."""


class Finder:
    """Finds passages in collections that a person may read."""

    def __init__(self, unit_of_work: UnitOfWorkFactory, index: PassageIndex) -> None:
        self._unit_of_work = unit_of_work
        self._index = index

    def find(
        self, user: User, collection_ids: Sequence[str], question: str, most: int = MAX_FOUND, *, merged_chars: int = MERGED_CHARS
    ) -> Finding:
        """Return the passages that may answer a question. Nothing is stored. merged_chars: longest text of merged neighbours.

        Raises NotFound for a collection that the person may not read, and InvalidInput for an empty question.
        """
        require(user, Permission.CHAT)
        within("max_passages", most, 1, MAX_FOUND)
        ids = list(dict.fromkeys(collection_ids))
        if not 1 <= len(ids) <= MAX_CHOSEN:
            raise InvalidInput("Choose 1 to {most} collections.", most=MAX_CHOSEN)
        words = question_words(question[:MAX_QUESTION_CHARS])
        if not words:
            raise InvalidInput("Ask a question with at least one word.")
        begun = time.perf_counter()
        with self._unit_of_work() as work:
            collections = [seen(work, user, each) for each in ids]
            candidates = [
                (match, collection) for collection in collections for match in self._matches(work, collection, words)
            ]  # fmt: skip
            candidates.sort(key=lambda each: -each[0].score)
            best = max((match.share for match, _ in candidates), default=0.0)
            chosen = [each for each in candidates[:CANDIDATES] if each[0].share >= LIMIT][:most]
            found = _found(work, chosen)
        return Finding(
            passages=tuple(merged(found, merged_chars)), best=best, limit=LIMIT, seconds=time.perf_counter() - begun,
            searched=tuple(CollectionName(each.id, each.name) for each in collections),
        )  # fmt: skip

    def for_turn(
        self, user: User, collection_ids: Sequence[str], question: str, before: str = "", merged_chars: int = MERGED_CHARS
    ) -> Finding:
        """Find passages for a question of a chat; collections that the person may no longer read are left out.

        before: the question before this one, which is searched with it if it alone finds nothing.
        """
        with self._unit_of_work() as work:
            found = [work.collections.get(each) for each in dict.fromkeys(collection_ids)]
        searched = tuple(CollectionName(each.id, each.name) for each in found if each is not None and sees(user, each))
        ids = [each.id for each in searched[:MAX_CHOSEN]]
        nothing = Finding(passages=(), best=0.0, limit=LIMIT, seconds=0.0, searched=searched)
        for asked in (question, f"{question}\n{before}") if before else (question,):
            try:
                nothing = self.find(user, ids, asked, merged_chars=merged_chars)
            except InvalidInput:
                continue
            if nothing.passages:
                break
        return nothing

    def _matches(self, work: UnitOfWork, collection: Collection, words: Sequence[str]) -> Sequence[Match]:
        return self._index.match(collection, lambda: work.collections.words(collection.id), words, CANDIDATES)


def _found(work: UnitOfWork, chosen: Sequence[tuple[Match, Collection]]) -> list[FoundPassage]:
    """Read the chosen passages, in order."""
    documents = work.collections.named({match.document_id for match, _ in chosen})
    positions: dict[str, set[int]] = {}
    for match, _ in chosen:
        positions.setdefault(match.document_id, set()).add(match.position)
    passages: dict[tuple[str, int], Passage] = {
        (id, each.position): each for id, wanted in positions.items() for each in work.collections.passages(id, wanted)
    }
    found: list[FoundPassage] = []
    for match, collection in chosen:
        passage, document = passages.get((match.document_id, match.position)), documents.get(match.document_id)
        if passage is None or document is None:
            continue
        found.append(
            FoundPassage(
                collection_id=collection.id, collection=collection.name, document_id=document.id, document=document.name,
                start=passage.start, end=passage.end, page=passage.page, first_line=passage.first_line, last_line=passage.last_line,
                heading=passage.heading, text=passage.text, score=match.share,
            )
        )  # fmt: skip
    return found
