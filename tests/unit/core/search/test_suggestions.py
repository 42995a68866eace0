"""Suggestions of a search field while a person types."""

from __future__ import annotations

import pytest

from core.people.accounts import Accounts
from core.people.records import Role, User
from core.search.suggestions import MAX_TYPED, TITLES, WORDS, Suggestions
from core.unit_of_work import UnitOfWorkFactory
from tests.store import things


@pytest.fixture
def suggestions(unit_of_work: UnitOfWorkFactory, ana: User, accounts: Accounts) -> Suggestions:
    bo = accounts.add(None, "bo", Role.ANALYST, password="correct horse")
    with unit_of_work() as work:
        for day, title in enumerate(["Bond prices in May", "Prices of bonds (again)", "机器学习入门", "C++ templates"]):
            work.conversations.add(things.conversation(ana, title, things.later(days=day)))
        work.conversations.add(things.conversation(bo, "Bonding secrets"))
        work.commit()
    return Suggestions(unit_of_work)


@pytest.mark.parametrize(
    ("typed", "titles"),
    [
        ("bon", ["Prices of bonds (again)", "Bond prices in May"]),
        ("BOND pri", ["Prices of bonds (again)", "Bond prices in May"]),
        ("ｂｏｎｄ may", ["Bond prices in May"]),
        ("ond", []),
        ("学习", ["机器学习入门"]),
        ("入", ["机器学习入门"]),
        ("c+", ["C++ templates"]),
        ("(again", ["Prices of bonds (again)"]),
        ("secret", []),
        ("", []),
        ("  ", []),
        ("(((", []),
    ],
)
def test_titles_hold_what_was_typed_at_the_beginning_of_words(
    suggestions: Suggestions, ana: User, typed: str, titles: list[str]
) -> None:
    assert [each.title for each in suggestions.suggest(ana, typed).conversations] == titles


def test_the_last_word_is_completed_with_words_of_own_titles_only(suggestions: Suggestions, ana: User) -> None:
    assert set(suggestions.suggest(ana, "may bon").words) == {"may bond", "may bonds"}
    assert list(suggestions.suggest(ana, "bonds").words) == []


def test_no_more_is_offered_than_can_be_looked_over(unit_of_work: UnitOfWorkFactory, suggestions: Suggestions, ana: User) -> None:
    with unit_of_work() as work:
        for n in range(20):
            work.conversations.add(things.conversation(ana, f"prefix{n} and more", things.later(days=n + 10)))
        work.commit()
    offered = suggestions.suggest(ana, "prefix")
    assert (len(offered.conversations), len(offered.words)) == (TITLES, WORDS)
    assert offered.conversations[0].title == "prefix19 and more"


def test_an_endless_text_is_cut(suggestions: Suggestions, ana: User) -> None:
    assert suggestions.suggest(ana, "a" * 1_000_000).conversations == []
    assert suggestions.suggest(ana, "bond" + " " * MAX_TYPED + "zzz").conversations
