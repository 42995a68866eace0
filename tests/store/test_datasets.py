"""Datasets on both databases."""

from __future__ import annotations

from dataclasses import replace

from core.review.cases.opening import put_rating
from core.review.datasets.records import DatasetSettings, Format, LineSource, Source
from core.review.records import Comparison, Lane, RatingDetails, Vote
from data.database import Database
from data.unit_of_work import SqlUnitOfWork
from tests.store import things
from tests.store.things import put_exchange, put_user

SFT = DatasetSettings(format=Format.SFT, sources=(Source.GOOD,))


def test_a_version_comes_back_with_its_files_and_goes_with_its_dataset(database: Database) -> None:
    ana = put_user(database)
    with SqlUnitOfWork(database) as work:
        made = things.put_dataset(work, ana, "Answers", b"{}\n" * 9)
        work.commit()
    with SqlUnitOfWork(database) as work:
        assert work.datasets.get(made.id) == work.datasets.for_change(made.id) == made and list(work.datasets.all()) == [made]
        [version] = work.datasets.versions([made.id])
        assert (version.number, version.used_by, version.report.by_tag) == (1, "Answers", {"Answers": 1})
        [file] = version.files
        [(number, content)] = work.datasets.parts(file.id, 0)
        assert content == b"{}\n" * 9 and not work.datasets.parts(file.id, number)
        work.datasets.remove(made.id)
        work.commit()
    with SqlUnitOfWork(database) as work:
        assert not work.datasets.versions([made.id]) and not work.datasets.parts(file.id, 0)


def test_lines_whose_chat_or_rating_is_gone_or_changed_are_found(database: Database) -> None:
    ana = put_user(database)
    answers = [put_exchange(database, ana)[2] for _ in range(4)]
    ratings = [things.feedback(ana, each) for each in answers]
    with SqlUnitOfWork(database) as work:
        for rating in ratings:
            put_rating(work, rating)
        made = things.put_dataset(work, ana)
        [version] = work.datasets.versions([made.id])
        work.datasets.remove_version(version.id)
        sources = [
            LineSource(line=line, user_id=ana.id, conversation_id=each.conversation_id, rating_id=each.id, rating=1)
            for line, each in enumerate(ratings)
        ]  # fmt: skip
        work.datasets.add_version(version, sources)
        assert not work.datasets.sources_gone([version.id])
        assert work.datasets.people_of([version.id]) == {ana.id} and not work.datasets.lines_of([version.id], [])
        assert work.datasets.lines_of([version.id], [ana.id]) == {version.id: {0, 1, 2, 3}}
        work.conversations.remove(answers[0].conversation_id)
        work.feedback.remove(ana.id, answers[1].id)
        put_rating(work, things.feedback(ana, answers[2], -1))
        assert work.datasets.sources_gone([version.id]) == {version.id: {0, 1, 2}}
        work.commit()


def test_ratings_are_read_page_by_page_with_votes_and_opposite_ratings(database: Database) -> None:
    ana = put_user(database)
    talk, asked, good = put_exchange(database, ana)
    poor = things.answer(asked, "No.")
    with SqlUnitOfWork(database) as work:
        work.messages.add(poor)
        for number, (answer, rating) in enumerate(((good, 1), (poor, -1))):
            put_rating(work, things.feedback(ana, answer, rating, at=things.later(seconds=number)))
        compared = Comparison(
            id=things.new_id(), user_id=ana.id, group=ana.group, conversation_id=talk.id, question_id=asked.id,
            lanes=(Lane("t1", good.id), Lane("t2", poor.id)), created_at=things.NOW,
        )  # fmt: skip
        work.comparisons.add(compared)
        work.comparisons.vote(compared.id, Vote.ONE, good.id, things.NOW)
        work.commit()
    with SqlUnitOfWork(database) as work:
        [first] = work.rated.find(SFT, 1)
        assert (first.answer_id, first.beaten, first.model_version) == (good.id, (poor.id,), "f00d")
        [second] = work.rated.find(SFT, 9, first)
        assert first.opposites == ((poor.id, second.id),) and (second.answer_id, second.opposites) == (poor.id, ())
        assert work.rated.find(SFT, 1, newest_first=True) == [second] and work.rated.count(SFT) == 2
        thread = work.rated.threads([talk.id])[talk.id]
        assert thread[good.id].parent_id == asked.id and thread[asked.id].text == "What is a bond?" and not thread[good.id].has_files
        for settings in ({"group": "other"}, {"model": "other"}, {"tag": "other"}, {"until": things.NOW}):
            assert not work.rated.count(DatasetSettings(format=Format.SFT, sources=(Source.GOOD,), **settings))  # type: ignore[arg-type]


def test_a_reviewers_correction_is_taken_before_the_raters_and_goes_with_the_chat(database: Database) -> None:
    ana = put_user(database)
    talk, _, answered = put_exchange(database, ana)
    rated = replace(things.feedback(ana, answered, -1), details=RatingDetails(better_answer="About 5 %."))
    with SqlUnitOfWork(database) as work:
        put_rating(work, rated)
        assert [each.correction for each in work.rated.find(SFT, 1)] == ["About 5 %."]
        case = work.cases.of_feedback(rated.id)
        assert case is not None
        work.cases.save(replace(case, correction="It is 5 %."))
        assert [each.correction for each in work.rated.find(SFT, 1)] == ["It is 5 %."]
        work.conversations.remove(talk.id)
        assert [each.correction for each in work.rated.find(SFT, 1)] == [""]


def test_a_decision_is_replaced_and_removed(database: Database) -> None:
    ana = put_user(database)
    with SqlUnitOfWork(database) as work:
        for agreed in (True, False):
            work.training_choices.put(ana.id, agreed, things.NOW)
            assert work.training_choices.get(ana.id) is agreed and work.training_choices.all() == {ana.id: agreed}
        work.training_choices.put(ana.id, None, things.NOW)
        assert work.training_choices.get(ana.id) is None and not work.training_choices.all()
