"""Judge the open case, compare two judgements, and decide where they differ."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

import streamlit as st

from core.people.records import User
from core.review.cases.records import ReviewCase
from core.review.judging.records import Answers, Compared, JudgedCase, Question, Seat
from pages.shell.live_part import callback
from pages.shell.words import listed, t
from pages.widgets.chat.message import plain
from pages.widgets.review.case_location import attempt
from pages.widgets.review.judging.answer_fields import Given, answer_fields, forget
from pages.widgets.review.judging.question_words import answer_word, asked_word

if TYPE_CHECKING:
    from bootstrap.portal import Portal

_CHANGING = "feedback-judging"


def judgement_beside(portal: Portal, user: User, case: ReviewCase, *, locked: bool) -> None:
    """Draw the judgement of a case: what this reviewer may see of it, and may do. locked: another reviewer works on the case."""
    judged = portal.review_judgements.of_case(user, case.number)
    with st.container(key="rvjudge", gap="xsmall"):
        with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
            st.caption(t("Judgement"), width="stretch")
            _second(portal, user, case, judged, locked=locked)
        if judged.compared:
            _comparison(case, judged)
            if judged.seat is Seat.DECISION:
                _decide(portal, user, case, judged, locked=locked)
        elif judged.seat is None or (judged.own and st.session_state.get(_CHANGING) != case.number):
            _read(judged, case, locked=locked)
        else:
            _fields(portal, user, case, judged, locked=locked)


def _second(portal: Portal, user: User, case: ReviewCase, judged: JudgedCase, *, locked: bool) -> None:
    """Draw whether a second reviewer judges too, and the button to ask for it."""
    if judged.compared:
        return
    if not judged.second:
        words, wanted = t("Second reviewer"), True
    elif judged.own or not judged.hidden:
        words, wanted = t("No second reviewer"), False
    else:
        return
    st.button(
        words, icon=":material/group_add:" if wanted else ":material/group_remove:", type="tertiary", key="rvsecond",
        disabled=locked, on_click=callback(_ask_second), args=(portal, user, case, wanted),
        help=t("Two reviewers judge without seeing each other's answers. A third decides where they differ."),
    )  # fmt: skip


def _ask_second(portal: Portal, user: User, case: ReviewCase, wanted: bool) -> None:
    attempt(lambda: portal.review_judgements.ask_second(user, case.number, asked=wanted))


def _fields(portal: Portal, user: User, case: ReviewCase, judged: JudgedCase, *, locked: bool) -> None:
    """Draw the fields of a new or changed judgement."""
    prefix = f"rvanswer-{case.number}-{judged.questions.version}"
    if judged.hidden:
        st.markdown(f":gray[{t('Another reviewer has judged this case. You see those answers when yours are saved.')}]")
    given = answer_fields(judged.questions.questions, judged.own.answers if judged.own else {}, prefix, disabled=locked)
    missing = [each for each in judged.questions.questions if each.required and each.id not in given]
    with st.container(horizontal=True, gap="xsmall", vertical_alignment="center"):
        st.button(
            t("Save judgement"), shortcut="S", key="rvjudge-go", disabled=locked or bool(missing) or not given,
            on_click=callback(_save), args=(portal, user, case, judged, given, prefix),
        )  # fmt: skip
        if judged.own:
            st.button(t("Cancel"), type="tertiary", key="rvjudge-no", on_click=_stop_changing, args=(judged, prefix))


def _save(portal: Portal, user: User, case: ReviewCase, judged: JudgedCase, given: Given, prefix: str) -> None:
    if attempt(lambda: portal.review_judgements.judge(user, case.number, given)):
        _stop_changing(judged, prefix)


def _stop_changing(judged: JudgedCase, prefix: str) -> None:
    st.session_state.pop(_CHANGING, None)
    forget(judged.questions.questions, prefix)


def _read(judged: JudgedCase, case: ReviewCase, *, locked: bool) -> None:
    """Draw one judgement to read, with the button to change an own one."""
    if judged.own_rating and not judged.shown:
        st.markdown(f":gray[{t('You gave this rating. Another reviewer judges it.')}]")
    for each in judged.shown:
        _answers(judged.questions.questions, each.answers)
        own = judged.own is not None and each.id == judged.own.id
        who = t("You judged it.") if own else t("{name} judged it.", name=plain(each.user_name))
        waits = f" {t('A second reviewer has not answered yet.')}" if judged.second and own else ""
        st.caption(f"{who}{waits}")
        if own and judged.seat is Seat.FIRST:
            st.button(t("Change"), type="tertiary", key="rvjudge-change", disabled=locked, on_click=_change, args=(case.number,))


def _change(number: int) -> None:
    st.session_state[_CHANGING] = number


def _answers(questions: tuple[Question, ...], answers: Answers) -> None:
    rows = [(asked_word(each.label), answer_word(each, answers[each.id])) for each in questions if each.id in answers]
    st.html("<dl class='props'>" + "".join(f"<dt>{escape(name)}</dt><dd>{escape(answer)}</dd>" for name, answer in rows) + "</dl>")


def _comparison(case: ReviewCase, judged: JudgedCase) -> None:
    """Draw both reviewers' answers, and say how far they agree."""
    first, second = (next(each for each in judged.shown if each.seat is seat) for seat in (Seat.FIRST, Seat.SECOND))
    st.markdown(f"**{verdict(case, judged)}**")
    head = "".join(f"<th>{escape(name)}</th>" for name in ("", first.user_name, second.user_name))
    st.html(f"<table class='rvtwo'><tr>{head}</tr>{''.join(_row(each) for each in judged.compared)}</table>")
    for each in judged.shown:
        texts = [question for question in judged.questions.questions if not question.is_compared and question.id in each.answers]
        for question in texts:
            st.markdown(f":gray[**{plain(each.user_name)}** · {plain(asked_word(question.label))}]")
            st.text(each.answers[question.id])


def _row(compared: Compared) -> str:
    cells = [answer_word(compared.question, answer) for answer in (compared.first, compared.second)]
    marked = "" if compared.agree else " class='differ'"
    decided = ""
    if compared.decided is not None:
        words = t("Decided: {answer}", answer=answer_word(compared.question, compared.decided))
        decided = f"<tr class='decided'><td></td><td colspan='2'>{escape(words)}</td></tr>"
    body = "".join(f"<td{marked}>{escape(cell)}</td>" for cell in cells)
    return f"<tr><th>{escape(asked_word(compared.question.label))}</th>{body}</tr>{decided}"


def verdict(case: ReviewCase, judged: JudgedCase) -> str:
    """Say on how many questions the reviewers agree, and who decides the others."""
    agreed = sum(each.agree for each in judged.compared)
    words = t("Agreed on {n} of {total}.", n=agreed, total=len(judged.compared))
    differing = listed(plain(asked_word(each.question.label)) for each in judged.compared if not each.agree)
    if not differing:
        return words
    decision = next((each for each in judged.shown if each.seat is Seat.DECISION), None)
    if decision:
        return f"{words} {t('{name} decided: {questions}.', name=plain(decision.user_name), questions=differing)}"
    judges = {each.user_id for each in judged.shown}
    if case.assignee_name and case.assignee_id not in judges:
        return f"{words} {t('{name} decides: {questions}.', name=plain(case.assignee_name), questions=differing)}"
    return f"{words} {t('A third reviewer decides: {questions}.', questions=differing)}"


def _decide(portal: Portal, user: User, case: ReviewCase, judged: JudgedCase, *, locked: bool) -> None:
    differing = [each.question for each in judged.compared if not each.agree]
    given = answer_fields(differing, {}, f"rvdecide-{case.number}", disabled=locked)
    st.button(
        t("Save decision"), shortcut="S", key="rvdecide-go", disabled=locked or len(given) < len(differing),
        on_click=callback(_save_decision), args=(portal, user, case, given),
    )  # fmt: skip


def _save_decision(portal: Portal, user: User, case: ReviewCase, given: Given) -> None:
    attempt(lambda: portal.review_judgements.decide(user, case.number, given))
