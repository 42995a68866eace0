"""Serve collections, and the passages in them that answer a question."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter
from pydantic import BaseModel, Field

from api.identity import SignedIn
from api.portal.shapes import Asked, FolderId, Id, Line, Prose, at_least_one
from api.services import PortalHere
from core.documents.finding import MAX_FOUND, MAX_QUESTION_CHARS
from core.documents.records import MAX_CHOSEN, MAX_NAME_LENGTH, FoundPassage, ListedCollection
from core.prompts.records import Share

router = APIRouter(prefix="/api/v1/collections", tags=["documents"])

ShareWord = Literal["own", "group", "everyone"]
CollectionId = FolderId


class NewCollection(Asked):
    name: Line = Field(description=f"1 to {MAX_NAME_LENGTH} characters.")


class ChangedCollection(Asked):
    name: Line | None = None
    share: ShareWord | None = Field(default=None, description="Who reads it beside its owner. Admins share with everyone.")


class CollectionOut(BaseModel):
    id: str
    name: str
    owner: str
    own: bool
    share: ShareWord
    group: str | None = Field(description="The group that it is shared with.")
    documents: int
    passages: int
    waiting: int = Field(description="Documents that are not read yet.")
    failed: int = Field(description="Documents that could not be read.")
    created_at: datetime
    updated_at: datetime

    @staticmethod
    def of(listed: ListedCollection) -> CollectionOut:
        collection, counts = listed.collection, listed.counts
        return CollectionOut(
            id=collection.id, name=collection.name, owner=listed.owner_name, own=listed.own, share=collection.share.value,
            group=collection.group or None, documents=counts.documents, passages=counts.passages, waiting=counts.waiting,
            failed=counts.failed, created_at=collection.created_at, updated_at=collection.updated_at,
        )  # fmt: skip


class CollectionsOut(BaseModel):
    items: list[CollectionOut]


class AskedPassages(Asked):
    question: Annotated[Prose, Field(max_length=MAX_QUESTION_CHARS)]
    collections: Annotated[list[CollectionId], Field(min_length=1, max_length=MAX_CHOSEN)]
    max_passages: int = Field(default=MAX_FOUND, description=f"1 to {MAX_FOUND}; neighbouring passages are then merged.")


class PassageOut(BaseModel):
    collection_id: str
    document_id: str
    document: str
    page: int | None = Field(description="null if the document has no pages.")
    first_line: int = Field(description="Lines of the document's text, counted from 1.")
    last_line: int
    heading: str
    start: int = Field(description="Offsets in the document's text.")
    end: int
    score: float = Field(description="0 to 1.")
    text: str

    @staticmethod
    def of(found: FoundPassage) -> PassageOut:
        return PassageOut(
            collection_id=found.collection_id, document_id=found.document_id, document=found.document, page=found.page or None,
            first_line=found.first_line, last_line=found.last_line, heading=found.heading, start=found.start, end=found.end,
            score=round(found.score, 3), text=found.text,
        )  # fmt: skip


class FoundOut(BaseModel):
    passages: list[PassageOut] = Field(description="The best first; empty if none reaches the limit.")
    best_score: float = Field(description="Of the best passage, also if it is below the limit.")
    limit: float
    by_meaning: bool = Field(description="Whether vectors were compared too, because an embedding model is available.")
    reranked: bool = Field(description="Whether a reranker ordered them; the scores are then its own.")
    seconds: float


@router.get("")
def listing(portal: PortalHere, user: SignedIn) -> CollectionsOut:
    """List the collections that you may read: your own, your group's and those for everyone."""
    return CollectionsOut(items=[CollectionOut.of(each) for each in portal.collections.list(user)])


@router.post("", status_code=201)
def add(body: NewCollection, portal: PortalHere, user: SignedIn) -> CollectionOut:
    return CollectionOut.of(portal.collections.get(user, portal.collections.add(user, body.name).id))


@router.post("/passages")
def passages(body: AskedPassages, portal: PortalHere, user: SignedIn) -> FoundOut:
    """Find the passages that answer a question. Nothing is stored."""
    found = portal.finder.find(user, body.collections, body.question, body.max_passages)
    return FoundOut(
        passages=[PassageOut.of(each) for each in found.passages], best_score=round(found.best, 3), limit=found.limit,
        by_meaning=found.by_meaning, reranked=found.reranked, seconds=round(found.seconds, 4),
    )  # fmt: skip


@router.get("/{collection_id}")
def get(collection_id: Id, portal: PortalHere, user: SignedIn) -> CollectionOut:
    return CollectionOut.of(portal.collections.get(user, collection_id))


@router.patch("/{collection_id}")
def change(collection_id: Id, body: ChangedCollection, portal: PortalHere, user: SignedIn) -> CollectionOut:
    """Change the fields that are sent."""
    at_least_one(name=body.name, share=body.share)
    if body.name is not None:
        portal.collections.rename(user, collection_id, body.name)
    if body.share is not None:
        portal.collections.share(user, collection_id, Share(body.share))
    return CollectionOut.of(portal.collections.get(user, collection_id))


@router.delete("/{collection_id}", status_code=204)
def remove(collection_id: Id, portal: PortalHere, user: SignedIn) -> None:
    """Delete one of your collections with its documents and passages."""
    portal.collections.remove(user, collection_id)
