"""Read a document into passages, as a job."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace

from core.clock import Clock
from core.documents.passages import passages_of
from core.documents.ports import PassageIndex
from core.documents.records import Document, DocumentState
from core.documents.terms import passage_words
from core.errors import Busy, Conflict, InvalidInput, PortalError, StoredError, Unavailable
from core.knowledge.file_texts import FileTexts
from core.people.records import User
from core.tasks.handlers import Cancelled, JobKind, Report, Stopping
from core.tasks.records import Job, Json
from core.unit_of_work import UnitOfWorkFactory

log = logging.getLogger(__name__)

KIND = "document.read"
MAX_PASSAGES = 20_000
"""Most passages of one document."""
AT_ONCE = 2
TRIES = 5


class DocumentReading:
    """Reads documents that wait. What cannot be read keeps the reason, which pages show."""

    def __init__(self, unit_of_work: UnitOfWorkFactory, texts: FileTexts, index: PassageIndex, clock: Clock) -> None:
        self._unit_of_work = unit_of_work
        self._texts = texts
        self._index = index
        self._clock = clock

    def job_kinds(self) -> Sequence[JobKind]:
        return [JobKind(KIND, self.run, most_tries=TRIES, resumable=True, at_once=AT_ONCE, listed=False, notices=False)]

    def run(self, job: Job, report: Report) -> Mapping[str, Json] | None:
        document = self._begun(str(job.payload["document"]))
        if document is None:
            return None
        try:
            return self._read(*document, report)
        except Stopping:
            raise
        except (Cancelled, Exception) as problem:
            if job.tries >= TRIES or not isinstance(problem, Busy | Unavailable):
                error = problem if isinstance(problem, PortalError) else Conflict("It was not read to the end. Read it again.")
                self._store(replace(document[0], state=DocumentState.FAILED, error=StoredError.of(error)))
            raise

    def _begun(self, document_id: str) -> tuple[Document, User, bytes] | None:
        """Mark a document as being read; return it with its owner and content. None if it was removed."""
        with self._unit_of_work() as work:
            document = work.collections.document(document_id)
            collection = work.collections.get(document.collection_id) if document is not None else None
            owner = work.users.get(collection.owner_id) if collection is not None else None
            if document is None or owner is None:
                return None
            content = work.collections.content(document.id)
            work.collections.save_document(replace(document, state=DocumentState.READING))
            work.commit()
        return document, owner, content

    def _read(self, document: Document, owner: User, content: bytes, report: Report) -> Mapping[str, Json] | None:
        report(0.1)
        try:
            text = self._texts.read(owner, document.name, content, lambda _position: report.check()).text
        except (Busy, Unavailable):
            raise  # Tried again later.
        except PortalError as problem:
            log.info("document %s could not be read: %s", document.id, problem)
            self._store(replace(document, state=DocumentState.FAILED, error=StoredError.of(problem), pages=0, passages=0))
            return None
        report(0.6)
        passages, pages = passages_of(text)
        report.check()
        read = replace(
            document, state=DocumentState.READY, error=None, pages=pages, passages=len(passages), read_at=self._clock()
        )  # fmt: skip
        if not 0 < len(passages) <= MAX_PASSAGES:
            sentence = (
                "{name} gives {n} passages; the limit is {limit}. Split it into several documents."
                if passages
                else "{name} contains no text to search."
            )
            error = InvalidInput(sentence, name=document.name, n=f"{len(passages):,}", limit=f"{MAX_PASSAGES:,}")
            self._store(replace(read, state=DocumentState.FAILED, error=StoredError.of(error), passages=0))
            return None
        words = self._index.packed([passage_words(f"{document.name} {each.heading}", each.text) for each in passages])
        report(0.8)
        with self._unit_of_work() as work:
            if work.collections.lock(document.collection_id) is not None and work.collections.save_document(read):
                work.collections.put_passages(read, text, passages, words)
            work.commit()
        return {"passages": len(passages)}

    def _store(self, document: Document) -> None:
        with self._unit_of_work() as work:
            work.collections.save_document(document)
            work.commit()
