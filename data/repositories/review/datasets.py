"""Store datasets, their versions and files, and which ratings the lines come from."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace

from sqlalchemy import delete, exists, insert, or_, select, update

from core.review.datasets.records import Dataset, DatasetFile, DatasetVersion, LineSource
from core.review.datasets.stored import read_report, read_settings, write_report, write_settings
from data.tables import (
    ConversationTable,
    DatasetFilePartTable,
    DatasetFileTable,
    DatasetSourceTable,
    DatasetTable,
    DatasetVersionTable,
    FeedbackTable,
)
from data.transaction import AnyRow, AnySelect, Transaction

PARTS_AT_ONCE = 16
_ROWS = 500

_T = DatasetTable.__table__.c
_VERSION = DatasetVersionTable.__table__.c
_SOURCE = DatasetSourceTable.__table__.c
_FILE = DatasetFileTable.__table__.c
_PART = DatasetFilePartTable.__table__.c
_CONVERSATION = ConversationTable.__table__.c
_RATING = FeedbackTable.__table__.c


class SqlDatasetRepository:
    def __init__(self, transaction: Transaction) -> None:
        self._sql = transaction

    def add(self, dataset: Dataset) -> None:
        values = {"id": dataset.id, "created_at": dataset.created_at, "created_by": dataset.created_by, **_changeable(dataset)}
        self._sql.write(insert(DatasetTable).values(values))

    def get(self, dataset_id: str) -> Dataset | None:
        row = self._sql.first(select(*_T).where(_T.id == dataset_id))
        return None if row is None else _dataset(row)

    def for_change(self, dataset_id: str) -> Dataset | None:
        rows = self._sql.lock(select(*_T).where(_T.id == dataset_id))
        return _dataset(rows[0]) if rows else None

    def all(self) -> Sequence[Dataset]:
        return [_dataset(row) for row in self._sql.all(select(*_T).order_by(_T.updated_at.desc(), _T.id))]

    def save(self, dataset: Dataset) -> None:
        self._sql.write(update(DatasetTable).where(_T.id == dataset.id).values(_changeable(dataset)))

    def rename_group(self, old: str, new: str) -> None:
        for each in self.all():
            if each.settings.group == old:
                self.save(replace(each, settings=replace(each.settings, group=new)))
        for row in self._sql.all(select(_VERSION.id, _VERSION.settings)):
            if (settings := read_settings(json.loads(row.settings))).group == old:
                renamed = _json(write_settings(replace(settings, group=new)))
                self._sql.write(update(DatasetVersionTable).where(_VERSION.id == row.id).values(settings=renamed))

    def remove(self, dataset_id: str) -> None:
        self._sql.write(delete(DatasetTable).where(_T.id == dataset_id))

    def add_version(self, version: DatasetVersion, sources: Sequence[LineSource]) -> None:
        values = {
            "id": version.id, "dataset_id": version.dataset_id, "number": version.number,
            "settings": _json(write_settings(version.settings)), "report": _json(write_report(version.report)),
            "built_at": version.built_at, "built_by": version.built_by, "used_by": version.used_by,
        }  # fmt: skip
        self._sql.write(insert(DatasetVersionTable).values(values))
        rows = [
            {
                "version_id": version.id, "line": each.line, "user_id": each.user_id, "conversation_id": each.conversation_id,
                "rating_id": each.rating_id, "rating": each.rating,
            }
            for each in sources
        ]  # fmt: skip
        for at in range(0, len(rows), _ROWS):
            self._sql.write(insert(DatasetSourceTable), rows[at : at + _ROWS])

    def add_file(self, version_id: str, file: DatasetFile, content: Iterable[bytes]) -> None:
        values = {
            "id": file.id, "version_id": version_id, "name": file.name, "lines": file.lines, "size_bytes": file.size_bytes,
            "sha256": file.sha256,
        }  # fmt: skip
        self._sql.write(insert(DatasetFileTable).values(values))
        for part in content:
            self._sql.write(insert(DatasetFilePartTable).values(file_id=file.id, content=part))

    def versions(self, dataset_ids: Collection[str]) -> Sequence[DatasetVersion]:
        if not dataset_ids:
            return []
        found = select(*_VERSION).where(_VERSION.dataset_id.in_(list(dataset_ids)))
        return self._versions(self._sql.all(found.order_by(_VERSION.number.desc())))

    def version(self, version_id: str) -> DatasetVersion | None:
        found = self._versions(self._sql.all(select(*_VERSION).where(_VERSION.id == version_id)))
        return found[0] if found else None

    def set_used_by(self, version_id: str, used_by: str) -> None:
        self._sql.write(update(DatasetVersionTable).where(_VERSION.id == version_id).values(used_by=used_by))

    def remove_version(self, version_id: str) -> None:
        self._sql.write(delete(DatasetVersionTable).where(_VERSION.id == version_id))

    def parts(self, file_id: str, after: int) -> Sequence[tuple[int, bytes]]:
        statement = select(_PART.number, _PART.content).where(_PART.file_id == file_id, _PART.number > after).order_by(_PART.number)
        return [(row.number, row.content) for row in self._sql.all(statement.limit(PARTS_AT_ONCE))]

    def sources_gone(self, version_ids: Collection[str]) -> Mapping[str, Collection[int]]:
        chat = exists(select(_CONVERSATION.id).where(_CONVERSATION.id == _SOURCE.conversation_id))
        rating = exists(select(_RATING.id).where(_RATING.id == _SOURCE.rating_id, _RATING.rating == _SOURCE.rating))
        statement = select(_SOURCE.version_id, _SOURCE.line).where(_SOURCE.version_id.in_(list(version_ids)), or_(~chat, ~rating))
        return self._lines(statement)

    def people_of(self, version_ids: Collection[str]) -> Collection[str]:
        statement = select(_SOURCE.user_id).distinct().where(_SOURCE.version_id.in_(list(version_ids)))
        return {row.user_id for row in self._sql.all(statement)}

    def lines_of(self, version_ids: Collection[str], user_ids: Collection[str]) -> Mapping[str, Collection[int]]:
        if not user_ids:
            return {}
        of_these = select(_SOURCE.version_id, _SOURCE.line).where(_SOURCE.version_id.in_(list(version_ids)))
        return self._lines(of_these.where(_SOURCE.user_id.in_(sorted(user_ids))))

    def _lines(self, statement: AnySelect) -> dict[str, set[int]]:
        found: defaultdict[str, set[int]] = defaultdict(set)
        for row in self._sql.all(statement):
            found[row.version_id].add(row.line)
        return found

    def _versions(self, rows: Sequence[AnyRow]) -> list[DatasetVersion]:
        files: defaultdict[str, list[DatasetFile]] = defaultdict(list)
        of_these = select(*_FILE).where(_FILE.version_id.in_([row.id for row in rows])).order_by(_FILE.name.desc())
        for row in self._sql.all(of_these) if rows else ():
            files[row.version_id].append(
                DatasetFile(id=row.id, name=row.name, lines=row.lines, size_bytes=row.size_bytes, sha256=row.sha256)
            )
        return [
            DatasetVersion(
                id=row.id, dataset_id=row.dataset_id, number=row.number, settings=read_settings(json.loads(row.settings)),
                report=read_report(json.loads(row.report)), built_at=row.built_at, built_by=row.built_by, used_by=row.used_by,
                files=tuple(files[row.id]),
            )
            for row in rows
        ]  # fmt: skip


def _changeable(dataset: Dataset) -> dict[str, object]:
    return {
        "name": dataset.name, "settings": _json(write_settings(dataset.settings)), "updated_at": dataset.updated_at,
        "versions": dataset.versions,
    }  # fmt: skip


def _dataset(row: AnyRow) -> Dataset:
    return Dataset(
        id=row.id, name=row.name, settings=read_settings(json.loads(row.settings)), created_at=row.created_at,
        created_by=row.created_by, updated_at=row.updated_at, versions=row.versions,
    )  # fmt: skip


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
