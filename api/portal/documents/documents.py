"""Serve the documents of collections."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

import anyio.to_thread
from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field
from starlette.responses import Response

from api.identity import SignedIn
from api.portal.download import download
from api.portal.shapes import Id, Line
from api.services import PortalHere
from core.documents.records import Document

router = APIRouter(prefix="/api/v1", tags=["documents"])

_BODY = {"requestBody": {"required": True, "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}}}


class DocumentOut(BaseModel):
    id: str
    collection_id: str
    name: str
    size_bytes: int
    state: Literal["waiting", "reading", "ready", "failed"]
    error: str | None = Field(description="Why it could not be read, and what to do.")
    pages: int | None = Field(description="null if it has no pages.")
    passages: int
    created_at: datetime
    read_at: datetime | None

    @staticmethod
    def of(document: Document) -> DocumentOut:
        return DocumentOut(
            id=document.id, collection_id=document.collection_id, name=document.name, size_bytes=document.size_bytes,
            state=document.state.value, error=str(document.error) if document.error else None, pages=document.pages or None,
            passages=document.passages, created_at=document.created_at, read_at=document.read_at,
        )  # fmt: skip


class DocumentsOut(BaseModel):
    items: list[DocumentOut] = Field(description="By name.")


@router.get("/collections/{collection_id}/documents")
def listing(collection_id: Id, portal: PortalHere, user: SignedIn) -> DocumentsOut:
    return DocumentsOut(items=[DocumentOut.of(each) for each in portal.documents.list(user, collection_id)])


@router.post("/collections/{collection_id}/documents", status_code=201, openapi_extra=_BODY)
async def add(
    request: Request, collection_id: Id, portal: PortalHere, user: SignedIn,
    name: Annotated[Line, Query(description="With its extension, for example contract.pdf.")],
) -> DocumentOut:  # fmt: skip
    """Add a document; the request body is its content. A job reads it: `state` says when it is ready."""
    content = await request.body()
    return DocumentOut.of(await anyio.to_thread.run_sync(portal.documents.add, user, collection_id, name, content))


@router.get("/documents/{document_id}")
def get(document_id: Id, portal: PortalHere, user: SignedIn) -> DocumentOut:
    return DocumentOut.of(portal.documents.get(user, document_id))


@router.get("/documents/{document_id}/content", response_class=Response)
def content(document_id: Id, portal: PortalHere, user: SignedIn) -> Response:
    """Download the original content. Browsers never show it as a page."""
    document, found = portal.documents.read(user, document_id)
    return download(found, "application/octet-stream", document.name)


@router.post("/documents/{document_id}/read")
def read_again(document_id: Id, portal: PortalHere, user: SignedIn) -> DocumentOut:
    """Read a document of your own again."""
    return DocumentOut.of(portal.documents.read_again(user, document_id))


@router.delete("/documents/{document_id}", status_code=204)
def remove(document_id: Id, portal: PortalHere, user: SignedIn) -> None:
    """Delete a document of your own with its passages."""
    portal.documents.remove(user, document_id)
