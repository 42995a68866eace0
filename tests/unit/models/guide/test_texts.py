"""The texts that the guide learns: every name in an answer is that of the page, tab or button, in its language."""

from __future__ import annotations

import json
import re
from collections import Counter
from itertools import chain
from pathlib import Path
from random import Random

import pytest

from models.guide.training.questions import Questions, plain
from models.guide.training.texts import OUT_OF_SCOPE, Language, first_day, intents, out_of_scope
from models.guide.training.wording import varied, written_out
from pages.widgets.chat.empty_chat import STARTERS

CHINESE: dict[str, object] = json.loads((Path(__file__).parents[4] / "pages/shell/catalogues/zh.json").read_text("utf-8"))
INTENTS = intents()
ANSWERED_BY = {"Get started": "what_can_you_do", "Get a model": "add_model", "Privacy": "where_data_is", "Keyboard": "keyboard"}
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


def test_the_first_day_asks_each_topic_what_is_never_learned() -> None:
    listed, outside = first_day(), out_of_scope()
    names = {intent.name for intent in INTENTS} | {OUT_OF_SCOPE}
    assert {topic for each in listed for topic in each.topics} <= names
    assert all(len([each for each in listed if each.language is language]) >= 150 for language in Language)
    learned = {plain(each) for intent in INTENTS for each in chain.from_iterable(intent.questions.values())}
    learned |= {plain(each) for each in chain.from_iterable(outside.others.values())}
    assert [each.question for each in listed if plain(each.question) in learned] == []
    assert [question for question, n in Counter(plain(each.question) for each in listed).items() if n > 1] == []


def test_what_is_held_out_is_never_drawn() -> None:
    questions, random = Questions(), Random(5)
    held_out = {plain(each.question) for each in first_day()}
    drawn = {plain(questions.draw(language, random).question) for language in Language for _ in range(3_000)}
    assert not drawn & held_out


def test_a_pattern_is_written_out_with_one_of_each() -> None:
    made = {written_out("rename (a|my) (chat|conversation)", Random(n)) for n in range(40)}
    assert made == {"rename a chat", "rename my chat", "rename a conversation", "rename my conversation"}
    for intent in INTENTS:
        for language in Language:
            for pattern in (*intent.sentences[language], *intent.actions[language], *intent.things[language]):
                assert not re.search(r"[()|]", written_out(pattern, Random(1))), (intent.name, pattern)


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
