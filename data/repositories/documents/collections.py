"""Store collections, their documents and passages."""

from __future__ import annotations

from collections.abc import Collection as Ids
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import and_, case, delete, exists, func, insert, select, update

from core.documents.ports import IndexedDocument, IndexedVectors
from core.documents.records import Collection, Counts, Document, DocumentState, Passage
from core.prompts.records import Share
from data.columns import error_json, error_of
from data.repositories.knowledge.files import PART_BYTES, PARTS_AT_ONCE
from data.repositories.prompts.shared_rows import rename_group, visible_rows, withdraw_from
from data.tables import CollectionTable, DocumentPartTable, DocumentTable, PassageTable, PassageVectorTable
from data.transaction import AnyRow, Transaction

ROWS_AT_ONCE = 500

_T = CollectionTable.__table__.c
_DOCUMENT = DocumentTable.__table__.c
_PART = DocumentPartTable.__table__.c
_PASSAGE = PassageTable.__table__.c
_VECTOR = PassageVectorTable.__table__.c
_DOCUMENTS = select(*(column for column in _DOCUMENT if column.name != "words"))
_VISIBLE = visible_rows(CollectionTable)


class SqlCollectionRepository:
    def __init__(self, transaction: Transaction) -> None:
        self._sql = transaction

    def add(self, collection: Collection) -> None:
        values = {"id": collection.id, "user_id": collection.owner_id, "version": collection.version, "created_at": collection.created_at}
        self._sql.write(insert(CollectionTable).values({**values, **_changeable(collection)}))

    def get(self, collection_id: str) -> Collection | None:
        row = self._sql.first(select(CollectionTable.__table__).where(_T.id == collection_id))
        return None if row is None else _collection(row)

    def lock(self, collection_id: str) -> Collection | None:
        rows = self._sql.lock(select(CollectionTable.__table__).where(_T.id == collection_id))
        return _collection(rows[0]) if rows else None

    def visible(self, user_id: str, group: str) -> Sequence[Collection]:
        return [_collection(row) for row in self._sql.all(_VISIBLE, {"user": user_id, "group": group or None})]

    def counts(self, collection_ids: Ids[str]) -> Mapping[str, Counts]:
        if not collection_ids:
            return {}
        waits = _DOCUMENT.state.in_([DocumentState.WAITING, DocumentState.READING])
        statement = select(
            _DOCUMENT.collection_id,
            func.count().label("documents"),
            func.sum(case((waits, 1), else_=0)).label("waiting"),
            func.sum(case((_DOCUMENT.state == DocumentState.FAILED, 1), else_=0)).label("failed"),
            func.sum(_DOCUMENT.passages).label("passages"),
        )
        rows = self._sql.all(statement.where(_DOCUMENT.collection_id.in_(list(collection_ids))).group_by(_DOCUMENT.collection_id))
        return {
            row.collection_id: Counts(documents=row.documents, waiting=row.waiting, failed=row.failed, passages=row.passages)
            for row in rows
        }  # fmt: skip

    def count_of(self, user_id: str) -> int:
        return int(self._sql.scalar(select(func.count()).select_from(CollectionTable).where(_T.user_id == user_id)) or 0)

    def save(self, collection: Collection) -> None:
        self._sql.write(update(CollectionTable).where(_T.id == collection.id).values(_changeable(collection)))

    def remove(self, collection_id: str) -> None:
        self._sql.write(delete(CollectionTable).where(_T.id == collection_id))

    def rename_group(self, old: str, new: str) -> None:
        rename_group(self._sql, CollectionTable, old, new)

    def withdraw_from(self, group: str) -> None:
        withdraw_from(self._sql, CollectionTable, group)

    def add_document(self, document: Document, content: bytes) -> None:
        values = {
            "id": document.id, "collection_id": document.collection_id, "name": document.name, "size_bytes": document.size_bytes,
            "sha256": document.sha256, "created_at": document.created_at, **_state(document),
        }  # fmt: skip
        self._sql.write(insert(DocumentTable).values(values))
        self._add_parts(document.id, content, extracted=False)

    def document(self, document_id: str) -> Document | None:
        row = self._sql.first(_DOCUMENTS.where(_DOCUMENT.id == document_id))
        return None if row is None else _document(row)

    def documents(self, collection_id: str) -> Sequence[Document]:
        rows = self._sql.all(_DOCUMENTS.where(_DOCUMENT.collection_id == collection_id))
        return sorted(map(_document, rows), key=lambda each: (each.name.casefold(), each.id))

    def named(self, document_ids: Ids[str]) -> Mapping[str, Document]:
        return {row.id: _document(row) for row in self._sql.all(_DOCUMENTS.where(_DOCUMENT.id.in_(list(document_ids))))}

    def save_document(self, document: Document) -> bool:
        saved = self._sql.write(update(DocumentTable).where(_DOCUMENT.id == document.id).values(_state(document)))
        return saved.rowcount > 0

    def remove_document(self, document: Document) -> None:
        self._sql.write(delete(DocumentTable).where(_DOCUMENT.id == document.id))
        self._changed(document.collection_id)

    def content(self, document_id: str) -> bytes:
        return b"".join(self._parts(document_id, extracted=False))

    def text(self, document_id: str) -> str:
        return b"".join(self._parts(document_id, extracted=True)).decode("utf-8")

    def put_passages(self, document: Document, text: str, passages: Sequence[Passage], words: bytes) -> None:
        self._sql.write(delete(PassageTable).where(_PASSAGE.document_id == document.id))
        self._sql.write(delete(PassageVectorTable).where(_VECTOR.document_id == document.id))
        self._sql.write(delete(DocumentPartTable).where(_PART.document_id == document.id, _PART.extracted.is_(True)))
        self._add_parts(document.id, text.encode("utf-8"), extracted=True)
        rows = [
            {
                "document_id": document.id, "position": each.position, "start_at": each.start, "end_at": each.end, "page": each.page,
                "first_line": each.first_line, "last_line": each.last_line, "heading": each.heading, "text": each.text,
            }
            for each in passages
        ]  # fmt: skip
        for at in range(0, len(rows), ROWS_AT_ONCE):
            self._sql.write(insert(PassageTable), rows[at : at + ROWS_AT_ONCE])
        self._sql.write(update(DocumentTable).where(_DOCUMENT.id == document.id).values(words=words))
        self._changed(document.collection_id)

    def words(self, collection_id: str) -> Sequence[IndexedDocument]:
        ready = and_(_DOCUMENT.collection_id == collection_id, _DOCUMENT.words.is_not(None), _DOCUMENT.state == DocumentState.READY)
        rows = self._sql.all(select(_DOCUMENT.id, _DOCUMENT.words).where(ready).order_by(_DOCUMENT.id))
        return [IndexedDocument(row.id, row.words) for row in rows]

    def passages(self, document_id: str, positions: Ids[int] | None = None) -> Sequence[Passage]:
        wanted = _PASSAGE.document_id == document_id
        if positions is not None:
            wanted = and_(wanted, _PASSAGE.position.in_(list(positions)))
        return [_passage(row) for row in self._sql.all(select(PassageTable.__table__).where(wanted).order_by(_PASSAGE.position))]

    def without_vectors(self, collection_id: str, version: str) -> Sequence[str]:
        has = exists(select(_VECTOR.number).where(_VECTOR.document_id == _DOCUMENT.id, _VECTOR.version == version))
        ready = and_(_DOCUMENT.collection_id == collection_id, _DOCUMENT.state == DocumentState.READY, ~has)
        return [row.id for row in self._sql.all(select(_DOCUMENT.id).where(ready).order_by(_DOCUMENT.id))]

    def put_vectors(self, document: Document, version: str, vectors: bytes) -> None:
        self._sql.write(delete(PassageVectorTable).where(_VECTOR.document_id == document.id))
        self._sql.write(insert(PassageVectorTable).values(document_id=document.id, version=version, vectors=vectors))
        self._changed(document.collection_id)

    def vectors(self, collection_id: str, version: str) -> Sequence[IndexedVectors]:
        statement = select(_VECTOR.document_id, _VECTOR.vectors).join(DocumentTable, _DOCUMENT.id == _VECTOR.document_id)
        ready = and_(_DOCUMENT.collection_id == collection_id, _DOCUMENT.state == DocumentState.READY, _VECTOR.version == version)
        return [IndexedVectors(row.document_id, row.vectors) for row in self._sql.all(statement.where(ready).order_by(_DOCUMENT.id))]

    def _changed(self, collection_id: str) -> None:
        self._sql.write(update(CollectionTable).where(_T.id == collection_id).values(version=_T.version + 1))

    def _add_parts(self, document_id: str, content: bytes, *, extracted: bool) -> None:
        at_once = PART_BYTES * PARTS_AT_ONCE
        for start in range(0, len(content), at_once):
            pieces = (content[at : at + PART_BYTES] for at in range(start, min(start + at_once, len(content)), PART_BYTES))
            rows = [{"document_id": document_id, "extracted": extracted, "content": piece} for piece in pieces]
            self._sql.write(insert(DocumentPartTable), rows)

    def _parts(self, document_id: str, *, extracted: bool) -> list[bytes]:
        statement = select(_PART.content).where(_PART.document_id == document_id, _PART.extracted == extracted).order_by(_PART.number)
        return [row.content for row in self._sql.all(statement)]


def _changeable(collection: Collection) -> dict[str, Any]:
    return {
        "name": collection.name, "share": collection.share.value, "group_name": collection.group, "updated_at": collection.updated_at,
    }  # fmt: skip


def _state(document: Document) -> dict[str, Any]:
    return {
        "state": document.state, "error": error_json(document.error) if document.error else None, "pages": document.pages,
        "passages": document.passages, "read_at": document.read_at,
    }  # fmt: skip


def _collection(row: AnyRow) -> Collection:
    return Collection(
        id=row.id, owner_id=row.user_id, name=row.name, share=Share(row.share), group=row.group_name, version=row.version,
        created_at=row.created_at, updated_at=row.updated_at,
    )  # fmt: skip


def _document(row: AnyRow) -> Document:
    return Document(
        id=row.id, collection_id=row.collection_id, name=row.name, size_bytes=row.size_bytes, sha256=row.sha256, state=row.state,
        created_at=row.created_at, error=error_of(row.error) if row.error else None, pages=row.pages, passages=row.passages,
        read_at=row.read_at,
    )  # fmt: skip


def _passage(row: AnyRow) -> Passage:
    return Passage(
        position=row.position, start=row.start_at, end=row.end_at, page=row.page, first_line=row.first_line, last_line=row.last_line,
        heading=row.heading, text=row.text,
    )  # fmt: skip
