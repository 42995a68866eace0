"""Add documents to collections, read them again, open and remove them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from hashlib import sha256
from uuid import uuid4

from core.access.limits import Limits
from core.clock import Clock
from core.documents.access import check_own, own, seen, seen_document
from core.documents.collections import HELD
from core.documents.reading import KIND
from core.documents.records import MAX_DOCUMENTS, Document, DocumentPage, DocumentState
from core.errors import Conflict, InvalidInput, NotFound
from core.knowledge.attachment import clean_name
from core.operations.disk import ENDLESS, DiskSpace
from core.people.audit_events import record
from core.people.permissions import Permission, require
from core.people.records import User
from core.tasks.jobs import Jobs
from core.unit_of_work import UnitOfWork, UnitOfWorkFactory

MB = 1_000_000
MAX_SHOWN = 6_000
"""Most characters of a text without pages that are shown around a passage."""
SHOWN_BEFORE = 400


class Documents:
    """Manages the documents of collections. A job reads each of them after it was added."""

    def __init__(self, unit_of_work: UnitOfWorkFactory, jobs: Jobs, clock: Clock, max_bytes: int, disk: DiskSpace = ENDLESS) -> None:
        """max_bytes: limit for one document. disk: refuses documents if too little space is left."""
        self._unit_of_work = unit_of_work
        self._jobs = jobs
        self._clock = clock
        self._limits = Limits(unit_of_work, clock)
        self._disk = disk
        self.max_bytes = max_bytes

    def list(self, user: User, collection_id: str) -> Sequence[Document]:
        """Return the documents of a collection by name. Raises NotFound."""
        with self._unit_of_work() as work:
            return work.collections.documents(seen(work, user, collection_id).id)

    def add(self, user: User, collection_id: str, name: str, content: bytes) -> Document:
        """Store a document and have it read. It replaces a document of the same name; unchanged content is not read again.

        Raises NotFound, NotAllowed, InvalidInput, Conflict at the limit, DiskFull and LimitReached.
        """
        require(user, Permission.CHAT)
        require(user, Permission.UPLOAD)
        with self._unit_of_work() as work:
            check_own(user, seen(work, user, collection_id))
        self._disk.check()
        name = clean_name(name)
        if len(content) > self.max_bytes:
            size, limit = f"{len(content) / MB:.1f}", f"{self.max_bytes / MB:.0f}"
            raise InvalidInput("{name} has {size} MB; the limit for one document is {limit} MB.", name=name, size=size, limit=limit)
        if not content:
            raise InvalidInput("{name} is empty.", name=name)
        hashed, now = sha256(content).hexdigest(), self._clock()
        with self._unit_of_work() as work:
            own(work, user, collection_id)
            others = work.collections.documents(collection_id)
            same = next((each for each in others if each.sha256 == hashed and each.name == name), None)
            if same is not None:
                return same
            replaced = next((each for each in others if each.name == name), None)
            if replaced is None and len(others) >= MAX_DOCUMENTS:
                raise Conflict("A collection has at most {limit} documents. Make another one.", limit=MAX_DOCUMENTS)
            self._limits.upload(work, user)
            if replaced is not None:
                if work.retention.is_held(user.id):
                    raise Conflict(HELD)
                work.collections.remove_document(replaced)
            document = Document(
                id=uuid4().hex, collection_id=collection_id, name=name, size_bytes=len(content), sha256=hashed,
                state=DocumentState.WAITING, created_at=now,
            )  # fmt: skip
            work.collections.add_document(document, content)
            self._have_read(work, user, document)
            work.commit()
        self._jobs.wake()
        return document

    def read_again(self, user: User, document_id: str) -> Document:
        """Have one of the person's documents read again. Raises NotFound, NotAllowed, and Conflict while it is being read."""
        with self._unit_of_work() as work:
            document = replace(self._own(work, user, document_id), state=DocumentState.WAITING, error=None)
            work.collections.save_document(document)
            self._have_read(work, user, document)
            work.commit()
        self._jobs.wake()
        return document

    def remove(self, user: User, document_id: str) -> None:
        """Delete one of the person's documents with its passages. Raises NotFound, NotAllowed, Conflict."""
        with self._unit_of_work() as work:
            document = self._own(work, user, document_id)
            if work.retention.is_held(user.id):
                raise Conflict(HELD)
            work.collections.remove_document(document)
            record(work, self._clock(), user.id, "document.remove", document_id)
            work.commit()

    def get(self, user: User, document_id: str) -> Document:
        """Return a document that the person may read. Raises NotFound."""
        with self._unit_of_work() as work:
            return seen_document(work, user, document_id)[1]

    def read(self, user: User, document_id: str) -> tuple[Document, bytes]:
        """Return a document with its original content. Raises NotFound."""
        with self._unit_of_work() as work:
            document = seen_document(work, user, document_id)[1]
            return document, work.collections.content(document_id)

    def page(self, user: User, document_id: str, start: int, end: int) -> DocumentPage:
        """Return the page of a document's text that has the passage from start to end. Raises NotFound."""
        with self._unit_of_work() as work:
            document = seen_document(work, user, document_id)[1]
            text = work.collections.text(document_id)
        if not 0 <= start < end <= len(text):
            raise NotFound("This passage is no longer in {name}. It may have been read again.", name=document.name)
        if "\f" in text:
            low = text.rfind("\f", 0, start) + 1
            high = found if (found := text.find("\f", start)) >= 0 else len(text)
        else:
            low, high = _around(text, start, end)
        page = text.count("\f", 0, start) + 1 if "\f" in text else 0
        return DocumentPage(
            document=document, text=text[low:high], start=start - low, end=min(end, high) - low, page=page,
            pages=text.count("\f") + 1 if page else 0,
        )  # fmt: skip

    def _own(self, work: UnitOfWork, user: User, document_id: str) -> Document:
        collection, _ = seen_document(work, user, document_id)
        own(work, user, collection.id)
        return seen_document(work, user, document_id)[1]

    def _have_read(self, work: UnitOfWork, user: User, document: Document) -> None:
        self._jobs.add(work, KIND, {"document": document.id}, owner=user, key=f"{KIND} {document.id}")


def _around(text: str, start: int, end: int) -> tuple[int, int]:
    """Return whole lines around a passage: few before it, so that it is seen at once."""
    low, high = max(0, start - SHOWN_BEFORE), min(len(text), end + max(0, MAX_SHOWN - (end - start)))
    low = text.rfind("\n", 0, low) + 1 if low else 0
    high = found if high < len(text) and (found := text.find("\n", high)) >= 0 else len(text) if high == len(text) else high
    return low, high
