"""The fields of a judgement. The digits answer the choices, one question after the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import streamlit as st

from core.review.judging.checks import MAX_ANSWER_LENGTH
from core.review.judging.records import Answers, Question, QuestionKind
from pages.shell.words import t
from pages.widgets.chat.message import plain
from pages.widgets.review.judging.question_words import asked_word

Given = dict[str, str | int | Sequence[str]]


def answer_fields(questions: Sequence[Question], before: Answers, prefix: str, *, disabled: bool) -> Given:
    """Draw a field for each question, and return what they hold. before: the answers to begin with. prefix: of the widgets' keys."""
    for question in questions:
        st.session_state.setdefault(f"{prefix}-{question.id}", _begin(question, before.get(question.id, "")))
    given: Given = {}
    for question in questions:
        answer = _field(question, f"{prefix}-{question.id}", disabled=disabled)
        if answer not in (None, "", []):
            given[question.id] = list(answer) if isinstance(answer, list | tuple) else answer
    if not disabled:
        _keys(questions, prefix)
    return given


def forget(questions: Sequence[Question], prefix: str) -> None:
    """Let the fields begin with the stored answers again."""
    for question in questions:
        st.session_state.pop(f"{prefix}-{question.id}", None)


def _field(question: Question, key: str, *, disabled: bool) -> str | int | Sequence[str] | None:
    label = plain(asked_word(question.label)) + ("" if question.required else f" :gray[{t('optional')}]")
    about = plain(asked_word(question.description)) or None
    if question.kind is QuestionKind.TEXT:
        return st.text_area(label, key=key, max_chars=MAX_ANSWER_LENGTH, height=80, help=about, disabled=disabled)
    with st.container(key=f"rvask-{key}", gap="xxsmall"):
        if question.kind is QuestionKind.RATING:
            found: str | int | Sequence[str] | None = st.pills(
                label, list(range(1, question.top + 1)), key=key, disabled=disabled, format_func=str, width="stretch"
            )
        else:
            words = _numbered(question)
            mode = "multi" if question.kind is QuestionKind.SEVERAL else "single"
            found = st.pills(label, list(words), selection_mode=mode, format_func=words.__getitem__, key=key, disabled=disabled)
        if about:
            st.caption(about)
    return found


def _numbered(question: Question) -> Mapping[str, str]:
    """Return the choices with the keys that pick them."""
    return {each.id: f":gray[{_digit(n)}] {plain(asked_word(each.label))}" for n, each in enumerate(question.choices, 1)}


def _digit(number: int) -> str:
    return str(number) if number < 10 else ""


def _keys(questions: Sequence[Question], prefix: str) -> None:
    """Draw the buttons that only the keyboard presses: a digit answers the first question that has no answer yet."""
    waiting = next((each for each in questions if each.is_compared and not st.session_state.get(f"{prefix}-{each.id}")), None)
    if waiting is None:
        return
    options = list(range(1, waiting.top + 1)) if waiting.kind is QuestionKind.RATING else [each.id for each in waiting.choices]
    with st.container(key="zero-rvanswerkeys"):
        for n, option in enumerate(options[:9], 1):
            st.button(
                str(n), shortcut=str(n), key=f"rvdigit-{n}", on_click=_answer,
                args=(f"{prefix}-{waiting.id}", [option] if waiting.kind is QuestionKind.SEVERAL else option),
            )  # fmt: skip


def _answer(key: str, value: object) -> None:
    st.session_state[key] = value


def _begin(question: Question, answer: str) -> object:
    """Return a stored answer as its widget holds it."""
    match question.kind:
        case QuestionKind.RATING:
            return int(answer) if answer else None
        case QuestionKind.SEVERAL:
            return [each for each in answer.split(",") if each in {choice.id for choice in question.choices}]
        case QuestionKind.SINGLE:
            return answer if answer in {choice.id for choice in question.choices} else None
        case QuestionKind.TEXT:
            return answer
