"""Find the passages that answer a question."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

from core.bounds import within
from core.documents.access import seen
from core.documents.meaning import AskedVector, Meaning
from core.documents.ports import PassageIndex, VectorIndex
from core.documents.ranking import fused, merged
from core.documents.records import MAX_CHOSEN, Collection, CollectionName, Finding, FoundPassage
from core.documents.terms import question_words
from core.errors import InvalidInput
from core.people.permissions import Permission, require
from core.people.records import User
from core.prompts.sharing import sees
from core.unit_of_work import UnitOfWork, UnitOfWorkFactory

MAX_QUESTION_CHARS = 4_000
"""How much of a question is read."""
BY_MEANING = 0.7
"""The weight of a similarity relative to a share of words: small models find unrelated passages of the same language similar."""
CANDIDATES = 50
"""How many passages of each ranking are considered."""
MAX_FOUND = 8
"""Most passages for one question, before neighbours are merged."""
RERANKED = 24
"""How many of the best passages a reranker reads."""
MERGED_CHARS = 3_000
LIMIT = 0.35
"""A passage with a lower score does not answer the question. The score is the reranker's relevance; without one, the share of the
question's words, weighted by how rare they are, or how far the similarity of its vector is above the usual, whichever is higher."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Candidate:
    collection: Collection
    document_id: str
    position: int
    score: float

    @property
    def key(self) -> tuple[str, int]:
        return self.document_id, self.position


class Finder:
    """Finds passages in collections that a person may read."""

    def __init__(
        self, unit_of_work: UnitOfWorkFactory, index: PassageIndex, vectors: VectorIndex | None = None, meaning: Meaning | None = None
    ) -> None:
        """vectors, meaning: with None words alone decide."""
        self._unit_of_work = unit_of_work
        self._index = index
        self._vectors = vectors
        self._meaning = meaning

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
        asked = self._meaning.question(user, question[:MAX_QUESTION_CHARS]) if self._meaning is not None else None
        with self._unit_of_work() as work:
            collections = [seen(work, user, each) for each in ids]
            ranked = self._ranked(work, collections, words, asked)
            found = _found(work, ranked[:RERANKED])
        if self._meaning is not None and asked is not None:
            self._meaning.complete(collections, asked.version)
        texts = [each.text for each in found]
        relevances = self._meaning.relevances(user, question[:MAX_QUESTION_CHARS], texts) if self._meaning is not None else None
        if relevances is not None:
            scored = [replace(each, score=round(score, 5)) for each, score in zip(found, relevances, strict=True)]
            found = sorted(scored, key=lambda each: -each.score)
        fits = [each for each in found if each.score >= LIMIT][:most]
        return Finding(
            passages=tuple(merged(fits, merged_chars)), best=max((each.score for each in found), default=0.0), limit=LIMIT,
            seconds=time.perf_counter() - begun, searched=tuple(CollectionName(each.id, each.name) for each in collections),
            by_meaning=asked is not None, reranked=relevances is not None,
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

    def _ranked(
        self, work: UnitOfWork, collections: Sequence[Collection], words: Sequence[str], asked: AskedVector | None
    ) -> list[_Candidate]:
        """Return the best passages by words and by meaning, each with the better of its two scores."""
        by_words: list[tuple[float, _Candidate]] = []
        by_meaning: list[tuple[float, _Candidate]] = []
        for each in collections:
            for match in self._index.match(each, partial(work.collections.words, each.id), words, CANDIDATES):
                candidate = _Candidate(collection=each, document_id=match.document_id, position=match.position, score=match.share)
                by_words.append((match.score, candidate))
            if asked is not None and self._vectors is not None:
                load = partial(work.collections.vectors, each.id, asked.version)
                for near in self._vectors.similar(each, asked.version, load, asked.vector, CANDIDATES):
                    score = BY_MEANING * near.score
                    candidate = _Candidate(collection=each, document_id=near.document_id, position=near.position, score=score)
                    by_meaning.append((near.score, candidate))
        best: dict[tuple[str, int], _Candidate] = {}
        for _, candidate in (*by_words, *by_meaning):
            if candidate.key not in best or best[candidate.key].score < candidate.score:
                best[candidate.key] = candidate
        rankings = [
            [candidate.key for _, candidate in sorted(ranking, key=lambda each: -each[0])[:CANDIDATES]]
            for ranking in (by_words, by_meaning)
        ]
        return [best[key] for key in fused(rankings)]


def _found(work: UnitOfWork, chosen: Sequence[_Candidate]) -> list[FoundPassage]:
    """Read the chosen passages, in order."""
    documents = work.collections.named({each.document_id for each in chosen})
    positions: dict[str, set[int]] = {}
    for each in chosen:
        positions.setdefault(each.document_id, set()).add(each.position)
    passages = {(id, each.position): each for id, wanted in positions.items() for each in work.collections.passages(id, wanted)}
    found: list[FoundPassage] = []
    for each in chosen:
        passage, document = passages.get(each.key), documents.get(each.document_id)
        if passage is None or document is None:
            continue
        found.append(
            FoundPassage(
                collection_id=each.collection.id, collection=each.collection.name, document_id=document.id, document=document.name,
                start=passage.start, end=passage.end, page=passage.page, first_line=passage.first_line, last_line=passage.last_line,
                heading=passage.heading, text=passage.text, score=each.score,
            )
        )  # fmt: skip
    return found
