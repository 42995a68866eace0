"""The texts that the guide learns: every name in an answer is that of the page, tab or button, in its language."""

from __future__ import annotations

import json
from collections import Counter
from itertools import chain
from pathlib import Path
from random import Random

import pytest

from models.guide.training.questions import Questions
from models.guide.training.texts import Language, intents, out_of_scope
from models.guide.training.wording import varied
from pages.widgets.chat.empty_chat import STARTERS

CHINESE: dict[str, object] = json.loads((Path(__file__).parents[4] / "pages/shell/catalogues/zh.json").read_text("utf-8"))
INTENTS = intents()
ANSWERED_BY = {"Get started": "what_can_you_do", "Privacy": "where_data_is", "Keyboard": "keyboard", "Roles": "roles"}
"""Which intent answers each question that an empty chat offers."""


def test_an_answer_names_what_the_pages_show() -> None:
    unknown = {each.name: each.names(Language.EN) - set(CHINESE) for each in INTENTS}
    assert {name: names for name, names in unknown.items() if names} == {}, "not in the catalogue"
    pairs = {each.name: ({CHINESE[name] for name in each.names(Language.EN)}, each.names(Language.ZH)) for each in INTENTS}
    assert {name: pair for name, pair in pairs.items() if pair[0] != pair[1]} == {}, "the Chinese answer names something else"


def test_an_intent_has_enough_phrasings_and_a_short_answer() -> None:
    for intent in INTENTS:
        for language in Language:
            assert len(intent.questions[language]) >= 8 and len(intent.held_out[language]) >= 2, intent.name
            assert len(intent.answers[language]) <= 300, intent.name


def test_no_phrasing_belongs_to_two_intents_and_none_that_is_held_out_is_learned() -> None:
    learned = [question for intent in INTENTS for language in Language for question in intent.questions[language]]
    held_out = [question for intent in INTENTS for language in Language for question in intent.held_out[language]]
    assert [question for question, n in Counter(each.lower().strip("?？") for each in held_out).items() if n > 1] == []
    assert {each.lower().strip("?？") for each in learned} & {each.lower().strip("?？") for each in held_out} == set()
    owners: dict[str, set[str]] = {}
    for intent in INTENTS:
        for question in chain.from_iterable(intent.questions.values()):
            owners.setdefault(question.lower(), set()).add(intent.name)
    assert {question: names for question, names in owners.items() if len(names) > 1} == {}


def test_the_questions_of_an_empty_chat_are_learned_in_both_languages() -> None:
    known = {intent.name: intent for intent in INTENTS}
    assert [starter.title for starter in STARTERS] == list(ANSWERED_BY)
    for starter in STARTERS:
        intent = known[ANSWERED_BY[starter.title]]
        assert starter.text in intent.questions[Language.EN]
        assert CHINESE[starter.text] in intent.questions[Language.ZH]


@pytest.mark.parametrize("language", Language)
def test_questions_are_varied_and_keep_their_answer(language: Language) -> None:
    questions, random = Questions(), Random(3)
    answers = {each.answers[language] for each in questions.intents} | {out_of_scope().answers[language]}
    drawn = [questions.draw(language, random) for _ in range(400)]
    assert {each.answer for each in drawn} <= answers and len({each.answer for each in drawn}) > 50
    assert all(each.question.strip() and "{" not in each.question.replace("{a}", "") for each in drawn)
    question = {Language.EN: "how do I rename a chat", Language.ZH: "怎么重命名对话"}[language]
    assert len({varied(question, language, random, short=False) for _ in range(50)}) > 20
