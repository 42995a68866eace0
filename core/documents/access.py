"""Decide who sees and changes a collection."""

from __future__ import annotations

from core.documents.records import Collection, Document
from core.errors import NotAllowed, NotFound
from core.people.permissions import Permission, require
from core.people.records import User
from core.prompts.sharing import sees
from core.unit_of_work import UnitOfWork

GONE = "This collection does not exist. It may have been removed."
DOCUMENT_GONE = "This document does not exist. It may have been removed."


def seen(work: UnitOfWork, user: User, collection_id: str) -> Collection:
    """Return a collection that the person may read. Raises NotFound."""
    require(user, Permission.CHAT)
    found = work.collections.get(collection_id)
    if found is None or not sees(user, found):
        raise NotFound(GONE)
    return found


def seen_document(work: UnitOfWork, user: User, document_id: str) -> tuple[Collection, Document]:
    """Return a document that the person may read, with its collection. Raises NotFound."""
    require(user, Permission.CHAT)
    document = work.collections.document(document_id)
    collection = work.collections.get(document.collection_id) if document is not None else None
    if document is None or collection is None or not sees(user, collection):
        raise NotFound(DOCUMENT_GONE)
    return collection, document


def locked(work: UnitOfWork, user: User, collection_id: str) -> Collection:
    """Return and lock a collection that the person may read. Raises NotFound."""
    require(user, Permission.CHAT)
    found = work.collections.lock(collection_id)
    if found is None or not sees(user, found):
        raise NotFound(GONE)
    return found


def own(work: UnitOfWork, user: User, collection_id: str) -> Collection:
    """Return and lock one of the person's collections. Raises NotFound, NotAllowed."""
    found = locked(work, user, collection_id)
    check_own(user, found)
    return found


def check_own(user: User, collection: Collection) -> None:
    """Raise NotAllowed for somebody else's collection."""
    if collection.owner_id != user.id:
        raise NotAllowed("Only its owner can change this collection.")
