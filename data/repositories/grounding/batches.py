"""Store batches of images."""

from __future__ import annotations

import json
from collections.abc import Sequence

from sqlalchemy import delete, func, insert, select, update

from core.errors import StoredError
from core.grounding.records import BatchCounts, BatchItem, GroundBatch, GroundImage, GroundRun, ItemState
from data.repositories.grounding.grounding import SqlGroundingRepository, runs_with_images
from data.repositories.knowledge.files import PART_BYTES
from data.tables import GroundBatchTable, GroundImageTable, GroundItemPartTable, GroundItemTable
from data.transaction import AnyRow, Transaction

_T = GroundBatchTable.__table__.c
_ITEM = GroundItemTable.__table__.c
_PART = GroundItemPartTable.__table__.c
_IMAGE = GroundImageTable.__table__.c
_DONE, _EMPTY = _ITEM.state == ItemState.DONE, _ITEM.boxes == 0


class SqlGroundBatchRepository:
    def __init__(self, transaction: Transaction) -> None:
        self._sql = transaction

    def add(self, batch: GroundBatch) -> None:
        values = {
            "id": batch.id,
            "user_id": batch.user_id,
            "name": batch.name,
            "phrases": json.dumps(batch.phrases, ensure_ascii=False),
            "model": batch.model,
            "job_id": batch.job_id,
            "created_at": batch.created_at,
        }
        self._sql.write(insert(GroundBatchTable).values(values))

    def add_item(self, item: BatchItem, content: bytes) -> None:
        values = {column.name: getattr(item, column.name) for column in _ITEM}
        self._sql.write(insert(GroundItemTable).values(values))
        pieces = [{"item_id": item.id, "content": content[at : at + PART_BYTES]} for at in range(0, len(content), PART_BYTES)]
        if pieces:
            self._sql.write(insert(GroundItemPartTable), pieces)

    def get(self, batch_id: str) -> GroundBatch | None:
        row = self._sql.first(select(*_T).where(_T.id == batch_id))
        return None if row is None else _batch_of(row)

    def of_user(self, user_id: str, limit: int) -> Sequence[GroundBatch]:
        statement = select(*_T).where(_T.user_id == user_id).order_by(_T.created_at.desc(), _T.id.desc()).limit(limit)
        return [_batch_of(row) for row in self._sql.all(statement)]

    def counts(self, batch_id: str) -> BatchCounts:
        row = self._sql.first(
            select(
                func.count(),
                func.count().filter(_DONE),
                func.count().filter(_ITEM.state == ItemState.FAILED),
                func.count().filter(_DONE, _EMPTY),
                func.coalesce(func.sum(_ITEM.boxes), 0),
                func.coalesce(func.sum(_ITEM.duration_s), 0.0),
            ).where(_ITEM.batch_id == batch_id)
        )
        assert row is not None, "counts have a row"
        total, done, failed, empty, boxes, seconds = row
        return BatchCounts(total=int(total), done=int(done), failed=int(failed), empty=int(empty), boxes=int(boxes), seconds=float(seconds))

    def items(self, batch_id: str, state: ItemState | None, limit: int, offset: int, *, empty: bool = False) -> Sequence[BatchItem]:
        statement = select(*_ITEM).where(_ITEM.batch_id == batch_id)
        if state is not None:
            statement = statement.where(_ITEM.state == state)
        if empty:
            statement = statement.where(_DONE, _EMPTY)
        rows = self._sql.all(statement.order_by(_ITEM.position).limit(limit).offset(offset))
        return [BatchItem(**row._mapping) for row in rows]

    def waiting(self, batch_id: str, limit: int) -> Sequence[BatchItem]:
        return self.items(batch_id, ItemState.WAITING, limit, 0)

    def content(self, item_id: str) -> bytes:
        rows = self._sql.all(select(_PART.content).where(_PART.item_id == item_id).order_by(_PART.number))
        return b"".join(row.content for row in rows)

    def finish(self, item_id: str, boxes: int, duration_s: float) -> bool:
        values = {"state": ItemState.DONE, "boxes": boxes, "duration_s": duration_s, "error": None}
        waiting = (_ITEM.id == item_id, _ITEM.state == ItemState.WAITING)
        if not self._sql.write(update(GroundItemTable).where(*waiting).values(values)).rowcount:
            return False
        self._sql.write(delete(GroundItemPartTable).where(_PART.item_id == item_id))
        return True

    def fail(self, item_id: str, error: StoredError) -> None:
        waiting = (_ITEM.id == item_id, _ITEM.state == ItemState.WAITING)
        self._sql.write(update(GroundItemTable).where(*waiting).values(state=ItemState.FAILED, error=error))

    def reset_failed(self, batch_id: str) -> None:
        failed = (_ITEM.batch_id == batch_id, _ITEM.state == ItemState.FAILED)
        self._sql.write(update(GroundItemTable).where(*failed).values(state=ItemState.WAITING, error=None))

    def set_job(self, batch_id: str, job_id: str) -> None:
        self._sql.write(update(GroundBatchTable).where(_T.id == batch_id).values(job_id=job_id))

    def runs(self, batch_id: str, limit: int) -> Sequence[tuple[GroundRun, GroundImage]]:
        return runs_with_images(self._sql, _IMAGE.batch_id == batch_id, limit)

    def remove(self, batch_id: str) -> None:
        images = [row.id for row in self._sql.all(select(_IMAGE.id).where(_IMAGE.batch_id == batch_id))]
        SqlGroundingRepository(self._sql).remove_images(images)
        self._sql.write(delete(GroundBatchTable).where(_T.id == batch_id))


def _batch_of(row: AnyRow) -> GroundBatch:
    values = dict(row._mapping)
    return GroundBatch(**{**values, "phrases": tuple(json.loads(values["phrases"]))})
