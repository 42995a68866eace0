from __future__ import annotations

from collections.abc import Iterator

import pytest

from core.people.records import Role, User
from core.review.cases.changes import CaseChange
from core.review.cases.records import CaseQuery, CaseState
from core.review.own_feedback import OwnRatings
from tests.pages.seeded import Stage, as_role, page, stage, texts


@pytest.fixture
def seeded(tmp_path) -> Iterator[Stage]:
    made = stage(tmp_path)
    yield made
    made.portal.close()


def rater(made: Stage) -> User:
    """Return a person with a poor rating whose case is open and whose chat still exists."""
    people = {each.id: each for each in made.portal.accounts.people(made.admin)}
    found = made.portal.case_queue.find(made.admin, CaseQuery(states=(CaseState.NEW,), rating=-1), 100).cases
    return people[next(case.feedback.user_id for case in found if case.feedback.question and case.feedback.user_id != made.admin.id)]


def test_nobody_has_rated_anything_yet(tmp_path) -> None:
    made = stage(tmp_path, empty=True)
    drawn = page("my_feedback", made)
    assert not drawn.exception and "You have not rated an answer yet" in texts(drawn)
    made.portal.close()


def test_a_person_reads_state_fix_and_reply_without_the_reviewers_name(seeded: Stage) -> None:
    person = rater(seeded)
    own = next(each for each in seeded.portal.own_feedback.find(person, OwnRatings.OPEN).ratings if each.question)
    case = seeded.portal.case_queue.get(seeded.admin, own.number)
    change = CaseChange(state=CaseState.FIXED, fix="Rates v4", reply="Thank you for *telling* us.", note="Not for the rater")
    seeded.portal.case_work.change(seeded.admin, own.number, case.version, change)
    drawn = page("my_feedback", seeded, person)
    drawn.segmented_control(key="own-feedback-which").set_value(OwnRatings.FIXED).run()
    shown = texts(drawn).replace("\\", "")
    assert not drawn.exception and "**Fixed in Rates v4**" in shown and "Thank you for *telling* us." in shown
    assert "Not for the rater" not in shown and seeded.admin.name not in shown and seeded.admin.full_name not in shown
    assert any(button.key == f"mineask-{own.number}" for button in drawn.button)


def test_a_rating_is_taken_back(seeded: Stage) -> None:
    person = rater(seeded)
    before = seeded.portal.own_feedback.find(person, limit=1)
    number = before.ratings[0].number
    drawn = page("my_feedback", seeded, person)
    drawn.button(key=f"mineback-{number}").click().run()
    after = seeded.portal.own_feedback.find(person)
    assert after.counts[OwnRatings.ALL] == before.counts[OwnRatings.ALL] - 1
    assert number not in [each.number for each in after.ratings]


def test_the_page_speaks_chinese_and_every_role_may_open_it(seeded: Stage) -> None:
    drawn = page("my_feedback", seeded, rater(seeded), language="zh")
    assert not drawn.exception and "我的反馈" in texts(drawn)
    for role in Role:
        assert not page("my_feedback", seeded, as_role(rater(seeded), role)).exception
