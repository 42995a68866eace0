"""Experiments on both databases: what is kept of them, and how the rows of their variants are added up."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from core.experiments.records import Guard, Raise, State, Trip
from core.inference.records import FinishReason, Source
from core.review.cases.opening import put_rating
from core.review.records import RatingDetails
from data.database import Database
from data.unit_of_work import SqlUnitOfWork
from tests.store import things
from tests.store.things import put_exchange, put_user


def test_an_experiment_comes_back_as_it_was_and_splits_while_it_is_active(database: Database) -> None:
    ana = put_user(database)
    made = things.experiment("Newer", ana.id)
    with SqlUnitOfWork(database) as work:
        work.experiments.add(made)
        assert work.experiments.get(made.id) == replace(made, started_by_name="Ana") and work.experiments.get("x") is None
        [split] = work.experiments.splits()
        assert (split.subject, split.other, split.groups, split.promoted) == ("old", "new", frozenset({"risk"}), False)
        trip = Trip(guard=Guard.POOR, value=0.6, limit=0.5, people=4)
        work.experiments.save(replace(made, state=State.STOPPED_ITSELF, trip=trip, ended_at=things.NOW))
        assert not work.experiments.splits()
        found = work.experiments.for_change(made.id)
        assert found is not None and found.trip == trip and [each.id for each in work.experiments.all(9)] == [made.id]
        raised = replace(made, design=replace(made.design, to_b=90), raised=(Raise(at=things.NOW, to_b=90),), planned=7)
        work.experiments.save(raised)
        assert work.experiments.get(made.id) == replace(raised, started_by_name="Ana") and work.experiments.splits()[0].to_b == 90
        work.experiments.save(replace(made, state=State.PROMOTED))
        assert [each.promoted for each in work.experiments.splits()] == [True]


def test_rows_of_a_variant_are_added_up_by_person(database: Database) -> None:
    ana, bob = put_user(database), put_user(database, things.user("bob"))
    _, asked, first = put_exchange(database, ana)
    later_answer = things.answer(asked, "Another.")
    row = replace(things.generation(ana, first), variant="e:b", cost=0.5)
    rows = [
        row,
        replace(row, id=things.new_id(), message_id=later_answer.id, timings=replace(row.timings, ttft_s=2.0), cost=None),
        replace(row, id=things.new_id(), message_id=None, finish_reason=FinishReason.ERROR, timings=replace(row.timings, ttft_s=None)),
        replace(row, id=things.new_id(), message_id=None, cached_at=things.NOW),
        replace(row, id=things.new_id(), message_id=None, source=Source.TITLE),
        replace(row, id=things.new_id(), message_id=None, variant="e:a"),
        replace(row, id=things.new_id(), message_id=None, user_id=bob.id),
    ]
    with SqlUnitOfWork(database) as work:
        work.messages.add(later_answer)
        for each in rows:
            work.generations.add(each)
        put_rating(work, things.feedback(ana, first, -1))
        work.commit()
    with SqlUnitOfWork(database) as work:
        found = work.experiments.figures("e:b")
        mine = next(each for each in found.people if each.user_id == ana.id)
        assert len(found.people) == 2 and found.first_token_p95 == 2.0
        assert (mine.answers, mine.errors, mine.good, mine.poor, mine.timed, mine.kept, mine.asked_again) == (4, 1, 0, 1, 2, 2, 1)
        assert (mine.rated, mine.accepted) == (1, 0)
        assert mine.first_token_s == pytest.approx(2.4) and (mine.priced, mine.cost) == (3, 1.5)
        assert work.experiments.figures("e:c").people == () and work.experiments.figures("e:c").first_token_p95 is None


def test_an_answer_is_accepted_if_it_is_rated_good_and_nobody_wrote_a_better_one(database: Database) -> None:
    ana = put_user(database)
    given = (("", "", 1), ("It is 5 %.", "", 1), ("", "It is 4 %.", 1), ("", "", -1))
    answers = [put_exchange(database, ana)[2] for _ in given]
    with SqlUnitOfWork(database) as work:
        for answered, (better, correction, rating) in zip(answers, given, strict=True):
            work.generations.add(replace(things.generation(ana, answered), variant="e:b"))
            rated = replace(things.feedback(ana, answered, rating), details=RatingDetails(better_answer=better))
            put_rating(work, rated)
            if correction and (case := work.cases.of_feedback(rated.id)) is not None:
                work.cases.save(replace(case, correction=correction))
        work.commit()
    with SqlUnitOfWork(database) as work:
        [mine] = work.experiments.figures("e:b").people
        assert (mine.good, mine.rated, mine.accepted) == (3, 4, 1)
        [(day, again)] = work.experiments.daily("e:b", things.NOW)
        assert day == things.NOW.date() and again == mine
        assert mine.plus(mine).answers == 8 and work.experiments.daily("e:b", things.NOW + timedelta(days=1)) == []
