"""Images, runs, corrections and cached results on both databases."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from sqlalchemy import select

from core.errors import StoredError
from core.grounding.evaluation.records import Evaluation, Score
from core.grounding.records import Box
from core.operations.records import LegalHold, RetentionKind, RetentionRule
from core.review.records import ABOUT_IMAGE, FeedbackFilter
from core.search.records import SearchQuery
from data.database import Database
from data.index.worker import IndexWorker
from data.search.sqlite.index import SqliteIndex
from data.tables import GroundImagePartTable, GroundRunTable
from data.unit_of_work import SqlUnitOfWork
from tests.store import things
from tests.store.things import put_user

CONTENT = bytes(range(256)) * 3_000


def test_an_image_is_stored_in_parts_with_its_runs(database: Database) -> None:
    ana, bo = put_user(database, things.user("ana")), put_user(database, things.user("bo"))
    image = things.ground_image(ana, "街.png")
    run, failed = things.ground_run(image), replace(things.ground_run(image, at=things.later(days=1)), boxes=(), cached=True)
    failed = replace(failed, error=StoredError("{platform} is busy.", {"platform": "boxes"}))
    with SqlUnitOfWork(database) as work:
        work.grounding.add_image(image, CONTENT)
        work.grounding.add_run(run)
        work.grounding.add_run(failed)
        work.commit()
    with SqlUnitOfWork(database) as work:
        assert work.grounding.image(image.id) == image and work.grounding.content(image.id) == CONTENT
        assert (work.grounding.run(run.id), work.grounding.run("none")) == (run, None)
        assert work.grounding.runs_of_image(image.id) == [run, failed]
        assert work.grounding.runs_of_user(ana.id, 9) == [(failed, image), (run, image)]
        assert work.grounding.runs_of_user(ana.id, 9, failed.id) == [(run, image)]
        assert work.grounding.runs_of_user(bo.id, 9) == []
        assert (work.grounding.count_images(ana.id), work.grounding.count_images(bo.id)) == (1, 0)
        assert work.grounding.image_with_hash(ana.id, image.sha256) == image
        assert work.grounding.image_with_hash(bo.id, image.sha256) is None
        work.grounding.remove_image(image.id)
        work.commit()
    with SqlUnitOfWork(database) as work:
        assert work.grounding.image(image.id) is None and work.grounding.run(run.id) is None
    with database.connect() as connection:
        assert not connection.scalars(select(GroundImagePartTable.number)).all() and not connection.scalars(select(GroundRunTable.id)).all()


def test_results_are_kept_until_they_are_forgotten(database: Database) -> None:
    boxes = (Box(1, 2, 3.125, 4, "名", 0.25),)
    with SqlUnitOfWork(database) as work:
        work.grounding.put_result("a", boxes, things.NOW)
        work.grounding.put_result("b", (), things.NOW)
        work.grounding.put_result("b", (), things.later(days=2))
        assert work.grounding.results(["a", "b", "c"]) == {"a": boxes, "b": ()}
        assert work.grounding.forget_results(things.later(days=1)) == 1
        assert work.grounding.results(["a", "b"]) == {"b": ()}


def test_a_correction_is_found_by_its_phrases_until_the_image_is_deleted(database: Database, tmp_path: Path) -> None:
    ana = put_user(database, things.user("ana"))
    image = things.ground_image(ana)
    run = things.ground_run(image, "a purple bicycle")
    fixed = replace(run, corrected=(Box(5, 6, 7, 8, "bicycle"),), comment="Too large")
    rating = replace(
        things.feedback(ana, things.answer(things.question(things.conversation(ana))), -1, "Too large"),
        conversation_id=ABOUT_IMAGE + image.id,
        message_id=run.id,
    )
    with SqlUnitOfWork(database) as work:
        work.grounding.add_image(image, b"abc")
        work.grounding.add_run(run)
        work.grounding.put_correction(replace(fixed, corrected=()), things.NOW)
        work.grounding.put_correction(fixed, things.NOW)
        work.feedback.put(rating)
        work.commit()
    index = SqliteIndex(tmp_path / "search.db")
    worker = IndexWorker(database, index)
    query = SearchQuery("bicycle", "feedback")
    assert worker.drain(10)
    with SqlUnitOfWork(database) as work:
        assert work.grounding.run(run.id) == fixed
        [found] = work.feedback.find(FeedbackFilter(), 9)
        assert (found.question, found.answer, found.run_id) == ("a purple bicycle, a dog", None, run.id)
        assert [hit.id for hit in index.page(query).hits] == [rating.id]
        work.grounding.remove_image(image.id)
        work.commit()
    assert worker.drain(10)
    with SqlUnitOfWork(database) as work:
        [found] = work.feedback.find(FeedbackFilter(), 9)
        assert (found.question, found.run_id, found.comment) == (None, run.id, "Too large")
    assert not index.page(query).hits
    index.close()


def test_old_images_go_by_the_rule_for_files_unless_they_are_held(database: Database) -> None:
    ana, bo = put_user(database, things.user("ana")), put_user(database, things.user("bo", group="legal"))
    hers, his = things.ground_image(ana), things.ground_image(bo)
    rule = RetentionRule(RetentionKind.FILES, "*", 30)
    with SqlUnitOfWork(database) as work:
        work.grounding.add_image(hers, b"abc")
        work.grounding.add_image(his, b"abc")
        after = things.NOW + timedelta(days=1)
        assert work.retention.due(rule, things.NOW, [], 9) == []
        assert set(work.retention.due(rule, after, [], 9)) == {hers.id, his.id}
        assert work.retention.due(rule, after, ["legal"], 9) == [hers.id]
        work.retention.place_hold(LegalHold(ana.id, ana.name, "case", things.NOW))
        assert work.retention.due(rule, after, [], 9) == [his.id]
        work.retention.remove(RetentionKind.FILES, [his.id])
        assert work.grounding.image(his.id) is None and work.grounding.image(hers.id) == hers


def test_evaluations_are_replaced_by_id_and_listed_newest_first(database: Database) -> None:
    first = Evaluation(
        id="a", model="finder@boxes", model_version="1", set_version="7", shapes=Score(1, 2, 3), texts=Score(4, 5, 6), images=9,
        seconds=1.25, created_at=things.NOW,
    )  # fmt: skip
    second = replace(first, id="b", model="other", model_version="2", created_at=things.later(days=1))
    with SqlUnitOfWork(database) as work:
        work.ground_evaluations.put(replace(first, images=1))
        work.ground_evaluations.put(first)
        work.ground_evaluations.put(second)
        work.commit()
    with SqlUnitOfWork(database) as work:
        assert work.ground_evaluations.newest(9) == [second, first]
        assert work.ground_evaluations.newest(9, "finder@boxes") == [first]
        work.ground_evaluations.trim("other", 0)
        assert work.ground_evaluations.newest(9) == [first]
