"""Files and batches of programs on both databases."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from core.errors import StoredError
from core.operations.records import LegalHold, RetentionKind, RetentionRule
from core.programs.records import Batch, BatchStatus, FilePurpose, ProgramFile
from data.database import Database
from data.unit_of_work import SqlUnitOfWork
from tests.store import things
from tests.store.things import put_user

DAY = timedelta(days=1)


def file(owner_id: str, name: str, purpose: FilePurpose = FilePurpose.BATCH) -> ProgramFile:
    return ProgramFile(name, owner_id, "名.jsonl", purpose, 0, things.NOW, things.NOW + DAY, ready=False)


def batch(owner_id: str, name: str, input_file_id: str) -> Batch:
    return Batch(name, owner_id, things.NOW, things.NOW + DAY, "/v1/responses", input_file_id, "file-out", "file-err", "job")


def test_a_file_is_written_in_parts_and_read_again(database: Database) -> None:
    ana = put_user(database, things.user("ana"))
    content = bytes(range(256)) * 9_000
    with SqlUnitOfWork(database) as work:
        work.program_files.add(file(ana.id, "file-1"))
        work.program_files.append("file-1", content)
        work.program_files.append("file-1", b"end")
        assert work.program_files.of_user(ana.id, 9, None, None) == []
        work.program_files.make_ready("file-1")
        work.commit()
    with SqlUnitOfWork(database) as work:
        stored = work.program_files.get("file-1")
        assert stored == replace(file(ana.id, "file-1"), ready=True, size_bytes=len(content) + 3)
        assert work.program_files.total_bytes(ana.id) == len(content) + 3
        read, number = b"", 0
        while parts := work.program_files.parts("file-1", number):
            read, number = read + b"".join(part for _, part in parts), parts[-1][0]
        assert read == content + b"end"
        work.program_files.remove("file-1")
        assert work.program_files.total_bytes(ana.id) == 0


def test_files_are_listed_newest_first_and_expire(database: Database) -> None:
    ana, bo = put_user(database, things.user("ana")), put_user(database, things.user("bo"))
    with SqlUnitOfWork(database) as work:
        for number, owner in enumerate((ana, ana, ana, bo)):
            made = replace(file(owner.id, f"file-{number}"), created_at=things.later(seconds=number // 2))
            work.program_files.add(made)
            work.program_files.make_ready(made.id)
        assert [each.id for each in work.program_files.of_user(ana.id, 2, None, None)] == ["file-2", "file-1"]
        last = work.program_files.get("file-1")
        assert [each.id for each in work.program_files.of_user(ana.id, 9, last, FilePurpose.BATCH)] == ["file-0"]
        assert work.program_files.of_user(ana.id, 9, None, FilePurpose.BATCH_OUTPUT) == []
        work.batches.add(batch(ana.id, "batch-1", "file-0"))
        work.retention.place_hold(LegalHold(bo.id, bo.name, "case", things.NOW))
        assert work.batches.uses("file-0") and not work.batches.uses("file-1")
        assert set(work.program_files.expired(things.NOW + 2 * DAY, 9)) == {"file-1", "file-2"}
        assert work.program_files.expired(things.NOW, 9) == []
        assert set(work.retention.due(RetentionRule(RetentionKind.FILES, "*", 1), things.NOW + 2 * DAY, [], 9)) == {"file-1", "file-2"}
        work.retention.remove(RetentionKind.FILES, ["file-1"])
        assert work.program_files.get("file-1") is None


def test_a_batch_advances_only_from_where_it_is(database: Database) -> None:
    ana = put_user(database, things.user("ana"))
    made = replace(batch(ana.id, "batch-1", "file-1"), metadata='{"名": "值"}')
    failed = StoredError("It failed: {why}", {"why": "x"})
    with SqlUnitOfWork(database) as work:
        work.batches.add(made)
        assert work.batches.get("batch-1") == made
        work.batches.begin("batch-1", 9, things.NOW)
        assert work.batches.advance("batch-1", 0, 4, 3, 1)
        assert not work.batches.advance("batch-1", 0, 4, 3, 1)
        assert work.batches.advance("batch-1", 4, 9, 5, 0)
        assert [each.id for each in work.batches.running()] == ["batch-1"]
        assert work.batches.end("batch-1", BatchStatus.FAILED, things.NOW, failed)
        assert not work.batches.end("batch-1", BatchStatus.COMPLETED, things.NOW)
        assert not work.batches.advance("batch-1", 9, 10, 1, 0)
        work.commit()
    with SqlUnitOfWork(database) as work:
        found = work.batches.get("batch-1")
        assert found is not None and (found.lines, found.position, found.completed, found.failed) == (9, 9, 8, 1)
        assert (found.status, found.error, found.started_at) == (BatchStatus.FAILED, failed, things.NOW)
        assert work.batches.of_user(ana.id, 9, found) == []
        assert work.batches.remove_before(things.NOW) == 0
        assert work.batches.remove_before(things.NOW + DAY) == 1
