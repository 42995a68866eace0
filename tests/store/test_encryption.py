"""Encryption at rest: nothing readable in the store, keys that change while it runs, and no start without the key."""

from __future__ import annotations

import os
import random
import threading
import time
from array import array
from base64 import b64encode
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import LargeBinary, Text, select, text, type_coerce, update

from bootstrap.parts import open_index
from core.chat.context.records import AnswerContext, Applied, Holder, Instructions, Summary
from core.chat.follow_ups.records import FollowUp
from core.chat.memory.records import Memory, MemoryState
from core.chat.records import Folder
from core.chat.tools.records import ToolStep
from core.chat.turn_runner import TurnOptions
from core.errors import StartFailed, StoredError, Unavailable
from core.grounding.records import BatchItem, GroundBatch
from core.identity.records import SecondFactor
from core.inference.vectors import CachedVector
from core.knowledge.tables.records import Table as Sheet
from core.models.swaps.records import CanaryQuestion, ReplayQuestion
from core.notices.records import Notice, NoticeKind
from core.platforms.records import EditedBy
from core.plugins.records import PluginState
from core.programs.records import Batch, FilePurpose, ProgramFile, StoredResponse
from core.prompts.records import Prompt, PromptVersion, Share
from core.review.cases.opening import open_case
from core.review.cases.records import CaseEvent, CaseEventKind, CaseQuery, SavedView
from core.review.judging.records import Judgement, QuestionKind, Seat
from core.review.judging.records import Question as ReviewQuestion
from core.review.records import NO_DETAILS, RatingDetails, RatingForm
from core.search.records import SearchQuery
from core.tasks.records import Job, JobState
from data.backup.restore import restore
from data.backup.write import write_backup
from data.database import Database, open_database
from data.encryption.key_watch import KeyWatch
from data.encryption.reseal import reseal
from data.encryption.sealed_text import MARK, PLAIN, SEALED, SealedBytes, SealedProse
from data.encryption.sealing import Keyring, use_keyring
from data.index.documents import load_documents
from data.index.worker import IndexWorker
from data.migrate import migrate
from data.repositories.knowledge.files import PART_BYTES
from data.search.port import WritableIndex
from data.search.words import FILE_NAMES
from data.tables import (
    DatasetFilePartTable,
    DocumentPartTable,
    FilePartTable,
    GroundImagePartTable,
    GroundItemPartTable,
    MessageTable,
    ProgramFilePartTable,
    Table,
)
from data.unit_of_work import SqlUnitOfWork
from samples.servers.elasticsearch_node import ElasticsearchNode
from settings import Settings
from tests.migrated import migrated_sqlite
from tests.store import things
from tests.store.things import put_exchange, put_file, put_user

MASTER = b"m" * 32
SECRET = "the merger is on Friday 合并"
WORDS = SECRET.encode() * (PART_BYTES // 10)
"""The content of a file: several parts."""
VECTOR = array("f", WORDS[:400])
_MESSAGE = MessageTable.__table__.c
_PART = FilePartTable.__table__.c


def again(database: Database) -> Database:
    """Return the same database as another process has it."""
    return open_database(database.url.render_as_string(hide_password=False))


def sealing(database: Database, master: bytes = MASTER) -> Keyring:
    keyring = use_keyring(database, master)
    assert keyring is not None
    return keyring


def put_secrets(database: Database) -> tuple[str, str]:
    """Secrets in every column that is sealed; returns the ids of question and rating."""
    ana = put_user(database, things.user(things.new_id()))
    _, asked, answered = put_exchange(database, ana, SECRET, SECRET, SECRET)
    said = RatingDetails(reasons=(SECRET,), passage=SECRET, better_answer=SECRET)
    rated = replace(things.feedback(ana, answered, -1, SECRET), details=said)
    secret_file = replace(things.file(ana, len(WORDS)), name=SECRET, tables=(Sheet(name="t", title=SECRET, rows=1, columns=()),))
    with SqlUnitOfWork(database) as work:
        step = ToolStep(
            id="1", name="find", title="Find", arguments=SECRET, round=1, text_at=0, reasoning_at=0, started_at=things.NOW, result=SECRET
        )  # fmt: skip
        work.messages.finish(answered.id, answered.status, SECRET, SECRET, steps=[step])
        work.feedback.put(rated)
        newest = work.rating_forms.newest()
        work.rating_forms.add(RatingForm(version=newest.version + 1 if newest else 1, poor_reasons=(SECRET,), saved_at=things.NOW), ana.id)
        work.feedback.review(rated.id, rated.state, SECRET, ana.id, things.NOW)
        open_case(work, replace(rated, details=NO_DETAILS))  # The reasons become tags, which are not sealed.
        case = work.cases.of_feedback(rated.id)
        assert case is not None
        work.cases.save(replace(case, fix=SECRET, reply=SECRET, correction=SECRET))
        work.cases.record(CaseEvent(case_id=case.id, at=things.NOW, kind=CaseEventKind.NOTE, before=SECRET, after=SECRET))
        view = SavedView(id=things.new_id(), name=SECRET, query=CaseQuery(words=SECRET))
        work.case_views.put(ana.id, view, things.NOW)
        work.experiments.add(things.experiment(SECRET, ana.id))
        things.put_dataset(work, ana, SECRET, WORDS)
        things.put_alert(work, ana, SECRET)
        things.put_task(work, ana, SECRET)
        things.put_schedule(work, ana, things.put_template(work, ana, SECRET), SECRET)
        things.put_report(work, ana, SECRET)
        work.guidelines.add(SECRET, ana.id, things.NOW)
        reviewed = ReviewQuestion(id="why", label=SECRET, kind=QuestionKind.TEXT)
        work.review_questions.add([reviewed], ana.id, things.NOW)
        judged = Judgement(
            id=things.new_id(), case_id=case.id, seat=Seat.FIRST, user_id=ana.id, user_name=ana.name, answers={"why": SECRET},
            questions_version=1, guidelines_version=1, judged_at=things.NOW,
        )  # fmt: skip
        work.judgements.put(judged, frozenset({"why"}))
        work.files.add(secret_file, WORDS)
        work.files.attach(asked.id, asked.conversation_id, [secret_file.id])
        work.second_factors.put(SecondFactor(user_id=ana.id, secret=SECRET, created_at=things.NOW))
        work.instructions.put(Instructions(Holder.PERSON, ana.id, SECRET, things.NOW))
        applied = (Applied(Holder.GROUP, SECRET, things.NOW),)
        work.messages.finish(answered.id, answered.status, SECRET, SECRET, None, AnswerContext(instructions=applied))
        summary = Summary(
            id=things.new_id(), conversation_id=asked.conversation_id, until_id=answered.id, turns=1, text=SECRET, model="m",
            created_at=things.NOW,
        )  # fmt: skip
        work.summaries.add(summary)
        fact = Memory(
            id=things.new_id(), user_id=ana.id, text=SECRET, state=MemoryState.ACCEPTED, created_at=things.NOW, updated_at=things.NOW
        )  # fmt: skip
        work.memories.add(fact)
        work.results.put(things.kept_result(ana, SECRET))
        prompt = Prompt(
            id=things.new_id(), owner_id=ana.id, title=SECRET, text=SECRET, share=Share.OWN, group="", starter=False, version=1,
            created_at=things.NOW, updated_at=things.NOW,
        )  # fmt: skip
        work.prompts.add(prompt)
        work.prompts.add_version(prompt.id, PromptVersion(1, SECRET, SECRET, things.NOW), 5)
        things.put_collection(work, ana, SECRET)
        work.shares.add(things.share(ana, asked.conversation_id, SECRET), SECRET)
        waits = FollowUp(
            id=things.new_id(), conversation_id=asked.conversation_id, user_id=ana.id, text=SECRET, options=TurnOptions(SECRET),
            created_at=things.NOW,
        )  # fmt: skip
        work.follow_ups.add(waits)
        work.notices.add(Notice(id=things.new_id(), user_id=ana.id, kind=NoticeKind.JOB_DONE, subject=SECRET, created_at=things.NOW))
        work.plugins.put(PluginState(name=things.new_id(), error=SECRET))
        work.folders.add(Folder(things.new_id(), ana.id, SECRET, things.NOW))
        work.offers.put_preset(things.preset(things.new_id(), SECRET))
        work.swaps.add(things.swap(things.new_id(), SECRET))
        work.file_comparisons.add(things.comparison(things.new_id(), SECRET))
        work.swaps.add_canary(CanaryQuestion(id=things.new_id(), model="m", question=SECRET, pattern=SECRET))
        work.swaps.add_replay(ReplayQuestion(id=things.new_id(), model="m", question=SECRET, accepted=SECRET, created_at=things.NOW))
        program_file = ProgramFile(things.new_id(), ana.id, SECRET, FilePurpose.BATCH, 0, things.NOW, things.NOW)
        work.program_files.add(program_file)
        work.program_files.append(program_file.id, WORDS)
        batch = Batch(things.new_id(), ana.id, things.NOW, things.NOW, "/v1/responses", *["file"] * 3, "job", metadata=SECRET)
        work.batches.add(batch)
        work.embeddings.add([CachedVector(key=things.new_id(), vector=VECTOR, tokens=1)], things.NOW)
        work.responses.add(StoredResponse(things.new_id(), ana.id, things.NOW, SECRET, SECRET))
        job = Job(things.new_id(), "test", things.NOW, things.NOW, payload={"secret": SECRET}, key=things.new_id())
        work.jobs.add(job)
        work.jobs.claim("worker", "server", ["test"], things.NOW, things.NOW)
        work.jobs.renew(job.id, "worker", things.NOW, 0.5, {"secret": SECRET})
        failed = StoredError("It failed: {why}", {"why": SECRET}, "failed")
        work.jobs.end(job.id, "worker", JobState.FAILED, things.NOW, {"secret": SECRET}, failed)
        image = things.ground_image(ana, SECRET)
        work.grounding.add_image(image, WORDS)
        run = things.ground_run(image, SECRET)
        work.grounding.add_run(run)
        work.grounding.put_correction(replace(run, corrected=run.boxes, comment=SECRET), things.NOW)
        secret_batch = GroundBatch(
            id=things.new_id(), user_id=ana.id, name=SECRET, phrases=(SECRET,), model=None, job_id="job", created_at=things.NOW
        )
        work.ground_batches.add(secret_batch)
        work.ground_batches.add_item(BatchItem(id=things.new_id(), batch_id=secret_batch.id, position=0, name=SECRET), WORDS)
        work.grounding.put_result(things.new_id(), run.boxes, things.NOW)
        work.platforms_versions.add(things.NOW, ana.id, EditedBy.PAGE, None, SECRET)
        work.commit()
    return asked.id, rated.id


def raw_texts(database: Database) -> dict[str, list[str]]:
    """Return what lies in the sealed columns of texts."""
    found: dict[str, list[str]] = {}
    with database.connect() as connection:
        for table in Table.metadata.sorted_tables:
            for column in table.columns:
                if isinstance(column.type, SealedProse):
                    found[column.type.where] = list(connection.scalars(select(type_coerce(column, Text)).where(column.is_not(None))))
    return found


def raw_parts(database: Database, part: Any = _PART) -> list[bytes]:
    """Return the stored contents of files."""
    with database.connect() as connection:
        return list(connection.scalars(select(type_coerce(part.content, LargeBinary)).order_by(part.number)))


def on_disk(database: Database) -> bytes:
    """Return the database file and its log, once nobody has it open."""
    file = Path(str(database.url.database))
    return b"".join(path.read_bytes() for path in file.parent.glob(file.name + "*"))


def readable(database: Database, asked: str, rated: str) -> bool:
    with SqlUnitOfWork(database) as work:
        message, feedback = work.messages.get(asked), work.feedback.get(rated)
        assert message is not None
        assert feedback is not None
        talk = work.conversations.get(message.conversation_id)
        assert talk is not None
        answer = work.messages.get(feedback.message_id)
        assert answer is not None
        [file] = message.files
        assert feedback.details == RatingDetails(reasons=(SECRET,), passage=SECRET, better_answer=SECRET)
        texts = {message.text, answer.text, answer.reasoning, talk.title, feedback.comment, feedback.note, feedback.question, file.name}
        assert file.tables[0].title == SECRET
        return texts == {SECRET} and work.files.content(file.id) == WORDS


def test_every_sealed_column_says_where_it_stands() -> None:
    sealed = {f"{column.table.name}.{column.name}": column.type for each in Table.metadata.tables.values() for column in each.columns}
    places = {place: kind.where for place, kind in sealed.items() if isinstance(kind, SealedProse | SealedBytes)}
    assert places == {place: place for place in places}
    assert set(places) == {
        "conversations.title", "folders.name", "messages.text", "messages.reasoning", "messages.steps", "files.name", "files.tables",
        "file_parts.content",
        "feedback.comment", "feedback.note", "review_cases.fix", "review_cases.reply",
        "review_cases.correction", "review_events.before", "review_events.after",
        "review_guidelines.text", "review_questions.questions", "review_judgements.texts",
        "review_views.name", "review_views.query", "datasets.name", "datasets.settings", "dataset_versions.settings",
        "dataset_versions.report", "dataset_versions.used_by", "dataset_file_parts.content",
        "alert_rules.rule", "alert_rules.silence", "alert_episodes.rule_name", "alert_episodes.note", "alert_deliveries.rule_name",
        "alert_deliveries.target", "alert_deliveries.name", "alert_deliveries.content", "alert_webhooks.name",
        "alert_webhooks.address", "alert_webhooks.secret",
        "workflow_tasks.body", "workflow_runs.body", "workflow_runs.error", "workflow_results.body", "task_templates.body",
        "task_schedules.body", "task_schedules.problem",
        "report_plans.plan", "made_reports.name", "made_reports.content", "report_mails.address",
        "jobs.payload", "jobs.detail", "jobs.result", "jobs.error",
        "feedback.reasons", "feedback.passage", "feedback.better_answer", "rating_forms.body",
        "platforms_versions.text",
        "presets.title", "presets.description", "presets.system_prompt", "presets.params", "presets.tools", "model_swaps.record",
        "model_comparisons.record", "experiments.record",
        "canary_questions.question", "canary_questions.pattern", "replay_questions.question", "replay_questions.accepted",
        "responses.input", "responses.body", "program_files.name", "program_file_parts.content", "batches.metadata",
        "second_factors.secret", "messages.context", "instructions.text", "prompts.title", "prompts.text", "prompt_versions.title",
        "prompt_versions.text", "summaries.text", "memories.text", "results.body",
        "ground_images.name", "ground_image_parts.content", "ground_runs.phrases", "ground_runs.boxes",
        "ground_corrections.boxes", "ground_corrections.comment", "ground_results.boxes", "embeddings.vector",
        "ground_batches.name", "ground_batches.phrases", "ground_items.name", "ground_item_parts.content",
        "shares.title", "shares.snapshot",
        "collections.name", "documents.name", "documents.words", "documents.error",
        "document_parts.content", "passages.heading", "passages.text", "passage_vectors.vectors",
        "follow_ups.text", "follow_ups.options", "plugins.error", "notices.subject",
    }  # fmt: skip


def test_nothing_readable_lies_in_the_store_and_all_of_it_can_be_read(database: Database) -> None:
    sealing(database)
    ids = put_secrets(database)
    texts = raw_texts(database)
    assert all(each.startswith(MARK) for column in texts.values() for each in column)
    assert all(column for column in texts.values())
    assert "merger" not in repr(texts)
    parts = raw_parts(database)
    assert len(parts) > 1 and all(each.startswith(SEALED) for each in parts) and b"merger" not in b"".join(parts)
    assert len(set(texts["messages.text"])) == len(texts["messages.text"]), "equal texts must not look equal"
    assert readable(database, *ids)
    with database.connect() as connection:
        [document] = load_documents(connection, {("message", ids[0]): 1})
    assert document.text == f"{SECRET}\n{FILE_NAMES}{SECRET}", "the question, and the name of its file"


def test_a_text_that_was_changed_or_moved_is_not_read(database: Database) -> None:
    sealing(database)
    asked, _ = put_secrets(database)
    with database.connect() as connection:
        [title] = list(connection.scalars(text("SELECT title FROM conversations")))
        [stored] = list(connection.scalars(select(type_coerce(_MESSAGE.text, Text)).where(_MESSAGE.id == asked)))
    for broken in (title, stored[:-6] + "AAAA==", stored[:30], MARK, MARK + "nokey:AAAA"):
        with database.engine.begin() as connection:
            connection.execute(text("UPDATE messages SET text = :broken WHERE id = :id"), {"broken": broken, "id": asked})
        with pytest.raises(Unavailable, match="cannot be decrypted"), SqlUnitOfWork(database) as work:
            work.messages.get(asked)


def test_a_plain_text_is_never_taken_for_a_sealed_one(database: Database) -> None:
    _, asked, _ = put_exchange(database, put_user(database), MARK + "not sealed")
    with SqlUnitOfWork(database) as work:
        found = work.messages.get(asked.id)
    assert found is not None
    assert found.text == "\ufffdnot sealed"


def test_encryption_is_switched_on_while_the_portal_runs(database: Database) -> None:
    ids = put_secrets(database)
    other = again(database)
    keyring = sealing(other)
    assert readable(other, *ids)  # what is plain stays readable
    assert b"".join(each.removeprefix(PLAIN) for each in raw_parts(database)) == WORDS
    tables = (
        FilePartTable, ProgramFilePartTable, GroundImagePartTable, GroundItemPartTable, DatasetFilePartTable, DocumentPartTable,
    )  # fmt: skip
    parts = [raw_parts(database, part.__table__.c) for part in tables]
    count = sum(map(len, (*raw_texts(database).values(), *parts)))
    assert reseal(other, keyring) == count + 3, "the vector of a text, and the words and vectors of a document"
    assert "merger" not in repr(raw_texts(database)) and b"merger" not in b"".join(raw_parts(database))
    assert b"merger" not in b"".join(raw_parts(database, ProgramFilePartTable.__table__.c))
    assert readable(other, *ids)
    assert reseal(other, keyring) == 0
    if database.is_sqlite:
        database.close()
        other.close()
        assert b"merger" not in on_disk(database)
    other.close()


def test_with_encryption_on_no_file_ever_lies_readable_on_the_disk(tmp_path: Path) -> None:
    """Not in the pages of the database, not in its log; that the same words are found without encryption proves the look."""
    found = []
    for master in (None, MASTER):
        database = open_database(f"sqlite:///{tmp_path / str(master is None)}.db")
        migrate(database)
        use_keyring(database, master)
        put_secrets(database)
        found.append(b"merger" in on_disk(database))  # open still: the log is there too
        database.close()
        found.append(b"merger" in on_disk(database))
    assert found == [True, True, False, False]


def test_a_part_of_a_file_that_was_changed_or_sealed_elsewhere_is_not_read(database: Database) -> None:
    keyring = sealing(database)
    ana = put_user(database)
    file = put_file(database, ana, b"x" * 1000)
    [stored] = raw_parts(database)
    elsewhere = SEALED + keyring.seal_bytes(b"x" * 1000, "messages.text")
    for broken in (elsewhere, stored[:-1], stored[:40] + bytes([stored[40] ^ 1]) + stored[41:], SEALED, SEALED + b"nokey:" + b"x" * 40):
        with database.engine.begin() as connection:
            connection.execute(update(FilePartTable).values({"content": type_coerce(broken, LargeBinary)}))
        with pytest.raises(Unavailable, match="cannot be decrypted"), SqlUnitOfWork(database) as work:
            work.files.content(file.id)


def test_a_new_data_key_is_taken_up_by_a_portal_that_runs(database: Database) -> None:
    sealing(database)
    ids = put_secrets(database)
    other = again(database)
    keyring = sealing(other)
    keyring.add_key()
    assert reseal(other, keyring) > 0
    assert readable(database, *ids)
    put_secrets(database)
    assert {each.partition(":")[0] for column in raw_texts(database).values() for each in column} == {MARK + keyring.current}
    assert {each.partition(b":")[0] for each in raw_parts(database)} == {SEALED + keyring.current.encode()}
    other.close()


def test_another_replica_takes_a_new_data_key_without_a_restart(database: Database) -> None:
    other = again(database)
    here, there = sealing(database), sealing(other)
    watch = KeyWatch(there, every_s=0.01)
    try:
        before = here.current
        here.add_key()
        until = time.monotonic() + 60
        while there.current == before:
            assert time.monotonic() < until, "the new key was not noticed"
            time.sleep(0.01)
        assert there.current == here.current
        put_secrets(other)
        assert {each.partition(":")[0] for column in raw_texts(database).values() for each in column} == {MARK + here.current}
    finally:
        watch.close()
        other.close()


def test_files_come_and_go_while_their_keys_are_changed(database: Database) -> None:
    sealing(database)
    ana = put_user(database)
    contents = {put_file(database, ana, content).id: content for content in (random.Random(n).randbytes(100_000) for n in range(20))}
    other = again(database)
    keyring, done = sealing(other), threading.Event()
    wrong: list[str] = []

    def use() -> None:
        while not done.is_set():
            new = os.urandom(70_000)
            added = put_file(database, ana, new)
            with SqlUnitOfWork(database) as work:
                wrong.extend(id for id, content in (contents | {added.id: new}).items() if work.files.content(id) != content)
                work.files.remove_waiting(added.id)
                work.commit()

    user = threading.Thread(target=use)
    user.start()
    try:
        for _ in range(3):
            keyring.add_key()
            assert reseal(other, keyring) >= 40
    finally:
        done.set()
        user.join()
    assert not wrong
    reseal(other, keyring)  # what was added with the key before
    assert {each.partition(b":")[0] for each in raw_parts(database)} == {SEALED + keyring.current.encode()}
    with SqlUnitOfWork(database) as work:
        assert {id: work.files.content(id) for id in contents} == contents
    other.close()


def test_keys_are_changed_while_a_file_is_deleted_from_its_end(database: Database) -> None:
    sealing(database)
    put_file(database, put_user(database), b"x" * (PART_BYTES + 1))
    other = again(database)
    keyring = sealing(other)
    keyring.add_key()
    if database.is_sqlite:
        assert reseal(other, keyring) > 0
        other.close()
        return
    changed: list[int] = []
    work = threading.Thread(target=lambda: changed.append(reseal(other, keyring)))
    with database.engine.connect() as deleting, database.engine.connect() as watching:
        first, last = deleting.scalars(select(FilePartTable.__table__.c.number).order_by(FilePartTable.__table__.c.number)).all()
        lock = text("SELECT number FROM file_parts WHERE number = :number FOR UPDATE")
        deleting.execute(lock, {"number": last})
        work.start()
        until = time.monotonic() + 60
        while not watching.scalar(text("SELECT count(*) FROM pg_locks WHERE NOT granted")):
            assert time.monotonic() < until, "the change of keys does not wait for the deletion"
            time.sleep(0.01)
        deleting.execute(lock, {"number": first})  # Each would wait for the other if both were locked in one transaction.
        deleting.rollback()
    work.join()
    assert changed and changed[0] > 0
    other.close()


def test_nothing_old_is_left_in_a_log_that_is_in_use(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("data.database.BUSY_TIMEOUT_S", 0.01)
    database = migrated_sqlite(tmp_path / "portal.db")
    put_secrets(database)
    other = again(database)
    keyring = sealing(other)
    with database.engine.connect() as reading:
        reading.exec_driver_sql("BEGIN")
        assert reading.exec_driver_sql("SELECT count(*) FROM messages").scalar() == 2
        monkeypatch.setattr("data.encryption.reseal.LOG_S", 0.0)
        with pytest.raises(Unavailable, match="old content is still in the log"):
            reseal(other, keyring)
        assert b"merger" in on_disk(database)
        reading.rollback()
    assert reseal(other, keyring) == 0
    assert b"merger" not in on_disk(database)
    other.close()
    database.close()


def test_another_master_key_wraps_the_same_data_keys(database: Database) -> None:
    keyring = sealing(database)
    ids = put_secrets(database)
    before = raw_texts(database)
    assert keyring.rewrap(b"n" * 32) == 1
    assert raw_texts(database) == before
    other = again(database)
    with pytest.raises(StartFailed, match="not the master key"):
        use_keyring(other, MASTER)
    sealing(other, b"n" * 32)
    assert readable(other, *ids)
    other.close()


def test_an_encrypted_store_does_not_start_without_its_key(database: Database) -> None:
    use_keyring(database, None)
    sealing(database)
    asked, _ = put_secrets(database)
    other = again(database)
    with pytest.raises(StartFailed, match="is encrypted"):
        use_keyring(other, None)
    with pytest.raises(Unavailable, match="has no key"), SqlUnitOfWork(other) as work:
        work.messages.get(asked)
    with SqlUnitOfWork(database) as work:
        message = work.messages.get(asked)
    assert message is not None
    with pytest.raises(Unavailable, match="A file in the database is encrypted"), SqlUnitOfWork(other) as work:
        work.files.content(message.files[0].id)
    other.close()


def test_a_change_during_resealing_is_not_overwritten(database: Database) -> None:
    asked, _ = put_secrets(database)
    other = again(database)
    keyring = sealing(other)
    is_current = keyring.is_current

    def meanwhile(stored: str | bytes) -> bool:
        with database.engine.begin() as connection:
            connection.execute(update(MessageTable).where(_MESSAGE.id == asked).values(text="changed meanwhile"))
        return is_current(stored)

    keyring.is_current = meanwhile  # type: ignore[method-assign]
    reseal(other, keyring)
    with SqlUnitOfWork(other) as work:
        found = work.messages.get(asked)
    assert found is not None
    assert found.text == "changed meanwhile"
    other.close()


def test_a_backup_keeps_what_is_sealed_sealed(database: Database, tmp_path: Path) -> None:
    sealing(database)
    ids = put_secrets(database)
    written = write_backup(database, tmp_path / "portal.backup", None)
    target = open_database(f"sqlite:///{tmp_path / 'restored.db'}")
    with written.path.open("rb") as file:
        restore(target, file, None)
    assert raw_texts(target).keys() == raw_texts(database).keys()
    assert "merger" not in repr(raw_texts(target))
    assert raw_parts(target) == raw_parts(database)
    sealing(target)
    assert readable(target, *ids)
    target.close()


def test_elasticsearch_gets_no_readable_text_unless_an_admin_allows_it(
    elasticsearch_node: ElasticsearchNode, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """It is another machine with other readers: what is sealed here must not lie open there."""
    plain = Settings(home=tmp_path, elasticsearch_url=elasticsearch_node.url)
    sealed = replace(plain, master_key=b64encode(MASTER).decode())
    allowed = replace(sealed, index_plaintext=True)
    database = open_database(plain.database)
    request.addfinalizer(database.close)
    migrate(database)
    put_secrets(database)

    def drained(settings: Settings) -> WritableIndex:
        index = open_index(settings, database)
        request.addfinalizer(index.close)
        assert IndexWorker(database, index).drain(20)
        return index

    assert drained(plain).search(SearchQuery("merger", "message"))
    sealing(database)
    put_secrets(database)
    with pytest.raises(Unavailable, match=r"Elasticsearch would store them in readable form.*PORTAL_INDEX_PLAINTEXT=true"):
        drained(sealed).search(SearchQuery("merger", "message"))
    there = httpx.get(f"{elasticsearch_node.url}/_cat/indices?format=json", timeout=60).json()
    left = {each["index"] for each in there if each["index"].startswith("glm-portal-")}
    # Log lines hold nothing that people wrote.
    assert {name for name in left if not name.startswith("glm-portal-logs-")} == set(), "what lay there from before is gone"
    assert len(drained(allowed).search(SearchQuery("merger", "message"))) == 4
    drained(sealed)
