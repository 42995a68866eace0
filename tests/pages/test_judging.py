"""Guidelines, questions and judgements on the page of cases."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from streamlit.testing.v1 import AppTest

from core.people.records import Role, User
from core.review.cases.records import CaseState, Judging, ReviewCase
from core.review.judging.defaults import DEFAULT
from pages.widgets.review.case_views import NEEDED, QUERIES
from tests.pages.seeded import Stage, as_role, page, stage, texts


@pytest.fixture
def seeded(tmp_path) -> Iterator[Stage]:
    made = stage(tmp_path)
    made.portal.accounts.add(None, "rena", Role.REVIEWER, password="long enough")
    yield made
    made.portal.close()


def rena(made: Stage) -> User:
    found = made.portal.accounts.credentials("rena")
    assert found is not None
    return found.user


def new_case(made: Stage) -> ReviewCase:
    query = QUERIES[NEEDED]
    return next(case for case in made.portal.case_queue.find(made.admin, query, 50).cases if case.state is CaseState.NEW)


def opened(made: Stage, case: ReviewCase, user: User | None = None) -> AppTest:
    drawn = page("cases", made, user)
    drawn.session_state["feedback-case"] = case.number
    return drawn.run()


def keys(drawn: AppTest) -> list[str]:
    return [button.key for button in drawn.button]


def test_guidelines_stand_beside_the_case_once_there_are_some(seeded: Stage) -> None:
    case = new_case(seeded)
    assert "Check the date." not in texts(opened(seeded, case))
    seeded.portal.review_guidelines.save(seeded.admin, "## Facts\nCheck the date.", 0)
    drawn = opened(seeded, case, as_role(seeded.admin, Role.REVIEWER))
    assert "Check the date" in texts(drawn) and "Version 1 by mei" in texts(drawn)
    seeded.portal.review_guidelines.save(seeded.admin, "", 1)
    assert "Version" not in [each.label for each in opened(seeded, case).expander]


def test_digits_answer_one_question_after_the_other_and_the_judgement_is_saved(seeded: Stage) -> None:
    case = new_case(seeded)
    drawn = opened(seeded, case)
    assert drawn.button(key="rvjudge-go").disabled
    drawn.button(key="rvdigit-2").click().run()
    drawn.button(key="rvdigit-3").click().run()
    assert not [key for key in keys(drawn) if key.startswith("rvdigit")], "every question has an answer"
    drawn.button(key="rvjudge-go").click().run()
    assert not drawn.exception and "You judged it." in texts(drawn) and "3 of 4" in texts(drawn)
    stored = seeded.portal.review_judgements.of_case(seeded.admin, case.number)
    assert stored.own is not None and stored.own.answers == {"cause": "not_followed", "severity": "3"}
    drawn.button(key="rvjudge-change").click().run()
    drawn.button(key="rvjudge-no").click().run()
    assert "You judged it." in texts(drawn)


def test_the_second_reviewer_sees_no_answers_and_then_both_see_where_they_differ(seeded: Stage) -> None:
    case, portal, other = new_case(seeded), seeded.portal, rena(seeded)
    portal.review_judgements.ask_second(other, case.number, asked=True)
    portal.review_judgements.judge(other, case.number, {"cause": "outdated_source", "severity": 2})
    drawn = opened(seeded, case)
    assert "You see those answers when yours are saved" in texts(drawn) and "rvsecond" not in keys(drawn)
    assert "rena** judged the case" in texts(drawn) and "2 of 4" not in texts(drawn)
    drawn.button(key="rvdigit-4").click().run()
    drawn.button(key="rvdigit-2").click().run()
    drawn.button(key="rvjudge-go").click().run()
    assert "Agreed on 1 of 2. A third reviewer decides: Cause." in texts(drawn)
    assert "Outdated source" in texts(drawn) and "rvdecide-go" not in keys(drawn)

    third = opened(seeded, case, as_role(seeded.portal.accounts.add(None, "otto", Role.REVIEWER, password="long enough"), Role.REVIEWER))
    third.button(key="rvdigit-1").click().run()
    third.button(key="rvdecide-go").click().run()
    assert "otto decided: Cause." in texts(third) and "Decided: Wrong fact" in texts(third)
    assert portal.case_queue.get(seeded.admin, case.number).judging is Judging.DONE


def test_only_those_who_set_up_the_review_have_the_menu(seeded: Stage) -> None:
    for role, there in ((Role.ADMIN, True), (Role.REVIEWER, False)):
        drawn = page("cases", seeded, as_role(seeded.admin, role))
        menus = [each for each in drawn.get("menu_button") if "Set up" in str(each.proto)]
        assert bool(menus) is there


def test_the_judgement_speaks_chinese(seeded: Stage) -> None:
    drawn = page("cases", seeded, language="zh")
    assert "评估" in texts(drawn) and "严重程度" in str([each.label for each in drawn.get("button_group")])
    assert len(DEFAULT.questions) == 2


def test_the_progress_of_the_review_is_said_in_a_sentence_and_weak_numbers_are_not_shown(seeded: Stage) -> None:
    case, portal, other = new_case(seeded), seeded.portal, rena(seeded)
    portal.review_judgements.ask_second(other, case.number, asked=True)
    portal.review_judgements.judge(other, case.number, {"cause": "outdated_source", "severity": 2})
    portal.review_judgements.judge(seeded.admin, case.number, {"cause": "style", "severity": 2})
    drawn = page("review_progress", seeded)
    report = portal.review_progress.report(seeded.admin, 30)
    assert not drawn.exception and f"**{report.opened} complaints came in and {report.closed} were closed in 30 days.**" in texts(drawn)
    assert "<th>Severity</th><td>100 %</td><td>1</td><td>too few</td>" in texts(drawn) and "rvline" not in texts(drawn)
    assert "<th>rena</th>" in texts(drawn)
    refused = page("review_progress", seeded, as_role(seeded.admin, Role.ANALYST))
    assert "does not allow this" in texts(refused) and "complaints came in" not in texts(refused)
    assert "天内收到" in texts(page("review_progress", seeded, language="zh"))
