"""Retention on both databases: due rows are deleted from the store and from the index, and no others."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from sqlalchemy import select

from core.chat.records import MessageStatus
from core.errors import StoredError
from core.grounding.records import BatchItem, GroundBatch
from core.operations.records import LegalHold, RetentionKind, RetentionRule
from core.operations.retention import PROOF
from core.people.audit_records import AuditEvent
from core.review.cases.opening import put_rating
from core.search.records import SearchQuery
from core.tasks.records import Job
from data.database import Database
from data.index.worker import IndexWorker
from data.search.sqlite.index import SqliteIndex
from data.tables import FilePartTable
from data.unit_of_work import SqlUnitOfWork
from tests.store import things
from tests.store.things import put_exchange, put_file, put_user


def test_what_is_due_is_found_and_removed_from_store_and_index(database: Database, tmp_path: Path) -> None:
    index = SqliteIndex(tmp_path / "search.db")
    worker = IndexWorker(database, index)
    ana, bo = put_user(database, things.user("ana", group="risk")), put_user(database, things.user("bo", group="legal"))
    (anas, _, answered), (bos, _, _) = put_exchange(database, ana), put_exchange(database, bo)
    rated = things.feedback(ana, answered)
    every, legal = RetentionRule(RetentionKind.CHATS, "*", 30), RetentionRule(RetentionKind.CHATS, "legal", 60)
    ratings = RetentionRule(RetentionKind.FEEDBACK, "*", 9)
    with SqlUnitOfWork(database) as work:
        put_rating(work, rated)
        for rule in (every, legal, ratings, RetentionRule(RetentionKind.CHATS, "legal", 90)):
            work.retention.put_rule(rule)
        work.commit()
    assert worker.drain(10)
    after = things.NOW + timedelta(seconds=1)
    with SqlUnitOfWork(database) as work:
        assert work.retention.rules() == [every, RetentionRule(RetentionKind.CHATS, "legal", 90), ratings]
        assert work.retention.due(every, things.NOW, [], 10) == []
        assert set(work.retention.due(every, after, [], 10)) == {anas.id, bos.id}
        assert len(work.retention.due(every, after, [], 1)) == 1
        assert work.retention.due(every, after, ["legal"], 10) == [anas.id]
        assert work.retention.due(legal, after, ["legal"], 10) == [bos.id]
        assert work.retention.due(ratings, after, [], 10) == [rated.id]
        work.retention.place_hold(LegalHold(ana.id, ana.name, "case", things.NOW))
        assert work.retention.is_held(ana.id)
        assert work.retention.due(every, after, [], 10) == [bos.id]
        assert work.retention.due(ratings, after, [], 10) == []
        assert work.retention.lift_hold(ana.id)
        assert not work.retention.lift_hold(ana.id)
        work.retention.remove(RetentionKind.CHATS, [anas.id])
        assert work.cases.of_feedback(rated.id) is not None
        work.retention.remove(RetentionKind.FEEDBACK, [rated.id])
        assert work.cases.of_feedback(rated.id) is None
        assert work.retention.remove_rule("feedback", "*")
        assert not work.retention.remove_rule("feedback", "*")
        work.commit()
    assert worker.drain(10)
    assert list(index.ids("conversation")) == [bos.id]
    assert len(list(index.ids("message"))) == 2
    assert list(index.ids("feedback")) == []
    index.close()


def test_batches_of_images_go_with_the_originals_that_failed_unless_they_run_or_are_held(database: Database) -> None:
    ana = put_user(database, things.user("ana"))
    rule, after = RetentionRule(RetentionKind.FILES, "*", 30), things.later(days=3)
    with SqlUnitOfWork(database) as work:
        work.jobs.add(Job(id="job1", kind="grounding.batch", created_at=things.NOW, run_after=things.NOW))
        for number in range(2):
            work.ground_batches.add(GroundBatch(
                id=f"batch{number}", user_id=ana.id, name="b", phrases=("a car",), model=None, job_id=f"job{number}", created_at=things.NOW,
            ))  # fmt: skip
            item = BatchItem(id=f"item{number}", batch_id=f"batch{number}", position=0, name="a.png")
            work.ground_batches.add_item(item, b"not an image")
        work.ground_batches.fail("item0", StoredError("It is not an image."))
        assert work.retention.due(rule, things.NOW, [], 10) == []
        assert work.retention.due(rule, after, [], 10) == ["batch0"]
        work.retention.place_hold(LegalHold(ana.id, ana.name, "case", things.NOW))
        assert work.retention.due(rule, after, [], 10) == []
        work.retention.remove(RetentionKind.FILES, ["batch0"])
        assert work.ground_batches.get("batch0") is None and work.ground_batches.get("batch1") is not None
        assert work.ground_batches.items("batch0", None, 9, 0) == []
        assert work.ground_batches.content("item1") == b"not an image"


def test_files_that_are_due_go_with_their_parts_and_their_questions_stay(database: Database, tmp_path: Path) -> None:
    index = SqliteIndex(tmp_path / "search.db")
    worker = IndexWorker(database, index)
    ana, bo = put_user(database, things.user("ana", group="risk")), put_user(database, things.user("bo", group="legal"))
    (talk, asked, answered), (_, bos_asked, _) = put_exchange(database, ana), put_exchange(database, bo)
    first, second = put_file(database, ana, shown_by=asked), put_file(database, ana, shown_by=asked, at=things.later(days=2))
    bos = put_file(database, bo, shown_by=bos_asked, at=things.later(days=1))
    waiting = put_file(database, ana)
    every, legal = RetentionRule(RetentionKind.FILES, "*", 30), RetentionRule(RetentionKind.FILES, "legal", 60)
    after, running = things.later(days=3), things.turn(ana, asked, answered)
    with SqlUnitOfWork(database) as work:
        assert work.retention.due(every, things.NOW, [], 10) == []
        assert work.retention.due(every, after, [], 10) == [first.id, bos.id, second.id], "one that waits is no chat's yet"
        assert work.retention.due(every, after, [], 1) == [first.id]
        assert work.retention.due(every, after, ["legal"], 10) == [first.id, second.id]
        assert work.retention.due(legal, after, ["legal"], 10) == [bos.id]
        work.turns.add(running)
        assert work.retention.due(every, after, [], 10) == [bos.id]
        work.turns.finish(running.id, MessageStatus.DONE)
        work.retention.place_hold(LegalHold(ana.id, ana.name, "case", things.NOW))
        assert work.retention.due(every, after, [], 10) == [bos.id]

    def with_files() -> set[str]:
        assert worker.drain(10)
        queries = [SearchQuery("bond", "message", has_file=True), SearchQuery("rates", "conversation", has_file=True)]
        return {hit.id for query in queries for hit in index.page(query).hits}

    assert with_files() == {asked.id, asked.conversation_id, bos_asked.id, bos_asked.conversation_id}
    with SqlUnitOfWork(database) as work:
        work.retention.remove(RetentionKind.FILES, [first.id, bos.id])
        work.commit()
    assert with_files() == {asked.id, asked.conversation_id}, "one of hers is left"
    index.close()
    with SqlUnitOfWork(database) as work:
        assert [each.files for each in work.messages.of_conversation(talk.id)] == [(second,), ()]
        assert work.messages.by_ids(bo.id, [bos_asked.id])[0].files == ()
        assert (work.files.content(first.id), work.files.content(second.id)) == (b"", b"1;2;3")
    with database.connect() as connection:
        assert set(connection.scalars(select(FilePartTable.file_id))) == {second.id, waiting.id}


def test_audit_events_that_are_due_go_from_the_index_too(database: Database, tmp_path: Path) -> None:
    index = SqliteIndex(tmp_path / "search.db")
    worker = IndexWorker(database, index)
    ana = put_user(database, things.user("ana"))
    rule = RetentionRule(RetentionKind.AUDIT, "*", 180)
    with SqlUnitOfWork(database) as work:
        for day, (actor, action, subject) in enumerate(
            [(None, "model.load", "glm"), (None, PROOF, "chats"), (ana.id, "model.load", "glm"), (None, "user.disable", "ana")]
        ):
            work.audit.add(AuditEvent(things.later(days=day), actor, action, subject, {}))
        work.commit()
    assert worker.drain(10)
    first, proof, by_ana, about_ana = index.ids("audit")
    with SqlUnitOfWork(database) as work:
        after = things.later(days=10)
        assert work.retention.due(rule, things.NOW, [], 10) == []
        assert work.retention.due(rule, after, [], 10) == [first, by_ana, about_ana]
        assert work.retention.due(rule, after, [], 1) == [first]
        work.retention.place_hold(LegalHold(ana.id, ana.name, "case", things.NOW))
        assert work.retention.due(rule, after, [], 10) == [first]
        work.retention.remove(RetentionKind.AUDIT, [first])
        work.commit()
    assert worker.drain(10)
    assert list(index.ids("audit")) == [proof, by_ana, about_ana]
    index.close()


def test_ended_swaps_and_comparisons_become_due_and_running_ones_do_not(database: Database) -> None:
    ana, bo = put_user(database, things.user("ana", group="risk")), put_user(database, things.user("bo", group="legal"))
    ended = {"ended_at": things.NOW, "started_by": ana.id}
    swap, running = replace(things.swap("s1"), **ended), replace(things.swap("s2"), started_by=ana.id)
    kept = replace(things.swap("s3"), ended_at=things.NOW, started_by=bo.id)
    left = replace(things.swap("s4"), ended_at=things.NOW, started_by="gone")
    comparison = replace(things.comparison("c1"), **ended)
    rule, after = RetentionRule(RetentionKind.MODEL_REPORTS, "*", 30), things.NOW + timedelta(seconds=1)
    with SqlUnitOfWork(database) as work:
        for each in (swap, running, kept, left):
            work.swaps.add(each)
        work.file_comparisons.add(comparison)
        work.retention.place_hold(LegalHold(bo.id, bo.name, "case", things.NOW))
        work.commit()
    with SqlUnitOfWork(database) as work:
        assert not work.retention.due(rule, things.NOW, [], 10)
        due = work.retention.due(rule, after, [], 10)
        assert sorted(due) == ["c1", "s1", "s4"]
        assert work.retention.due(RetentionRule(RetentionKind.MODEL_REPORTS, "legal", 30), after, [], 10) == []
        work.retention.remove(RetentionKind.MODEL_REPORTS, due)
        work.commit()
    with SqlUnitOfWork(database) as work:
        assert {each.id for each in work.swaps.newest(10)} == {"s2", "s3"} and not work.file_comparisons.newest(10)
