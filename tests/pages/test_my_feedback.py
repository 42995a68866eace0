from __future__ import annotations

from collections.abc import Iterator

import pytest

from core.chat.records import Author, MessageStatus
from core.people.records import Role, User
from core.review.cases.changes import CaseChange
from core.review.cases.records import CaseState
from core.review.names import RevealReason
from core.review.own_feedback import OwnRatings
from tests.pages.seeded import Stage, as_role, page, stage, texts


@pytest.fixture
def seeded(tmp_path) -> Iterator[Stage]:
    made = stage(tmp_path)
    yield made
    made.portal.close()


def rater(made: Stage) -> User:
    """Return a person who has just rated an answer poor. What is seeded depends on the day and the hour."""
    assert made.seeded is not None
    for person in made.seeded.people.values():
        for chat in made.portal.conversations.list(person) if person.id != made.admin.id else ():
            for shown in made.portal.conversations.transcript(person, chat.id):
                if shown.message.author is Author.ASSISTANT and shown.message.status is MessageStatus.DONE:
                    made.portal.feedback.rate(person, shown.message.id, -1, "These rates are old")
                    return person
    raise AssertionError("nobody has a chat")


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


def test_a_fixed_question_is_asked_again_and_both_answers_are_shown(seeded: Stage) -> None:
    person, portal = rater(seeded), seeded.portal
    own = next(each for each in portal.own_feedback.find(person, OwnRatings.OPEN).ratings if each.question)
    model = portal.gateway.chat_models(person)[0].name
    case = portal.case_queue.get(seeded.admin, own.number)
    portal.case_work.change(seeded.admin, own.number, case.version, CaseChange(state=CaseState.FIXED, fix="Rates v4", fix_model=model))
    drawn = page("my_feedback", seeded, person)
    drawn.button(key=f"mineask-{own.number}").click().run()
    again = portal.own_feedback.get(person, own.message_id).again_id
    assert again is not None
    if (live := portal.turns.running(person, again)) is not None:
        live.wait_finished(60)
    drawn = page("my_feedback", seeded, person)
    [question, answer] = [each.message for each in portal.conversations.transcript(person, again)]
    assert question.text == own.question and answer.generation is not None and answer.generation.model == model
    shown = texts(drawn)
    assert not drawn.exception and "Before" in shown and "Now" in shown and answer.text in shown
    drawn.button(key=f"mineno-{own.number}").click().run()
    assert portal.case_queue.get(seeded.admin, own.number).state is CaseState.NEW
    assert "reviewers look at it again" in texts(drawn)


def test_the_page_says_who_saw_the_name_when_and_why(seeded: Stage) -> None:
    person, portal = rater(seeded), seeded.portal
    own = portal.own_feedback.find(person).ratings[0]
    assert "saw your name" not in texts(page("my_feedback", seeded, person))
    portal.review_names.reveal(seeded.admin, own.number, RevealReason.INCIDENT, "A client called <b>twice</b>")
    shown = texts(page("my_feedback", seeded, person))
    [look] = portal.review_names.looks(person)
    assert f"**{seeded.admin.name} saw your name**" in shown and look.at.strftime("%Y-%m-%d %H:%M UTC") in shown
    assert "because of a complaint or incident" in shown and "A client called" in shown and "<b>" not in shown
