from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from core.chat.turns import TurnOptions
from core.errors import Unavailable
from core.people.records import Role, User
from core.search.records import MARK_END, MARK_START, UNRATED, SearchPage, SearchQuery
from pages.chat.search import PAGE
from pages.widgets.chat.message import plain
from pages.widgets.search.search_hits import pieces
from tests.pages.drawn import House, build
from tests.pages.seeded import texts


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = build(tmp_path)
    yield made
    made.portal.close()


@pytest.fixture
def ana(house: House) -> User:
    return house.person(Role.ANALYST)


def search(house: House, words: str = "", user: User | None = None, portal: object = None) -> AppTest:
    def page(portal: object, user: object) -> None:
        from pages.chat import search

        search.render(portal, user)

    drain(house)
    drawn = AppTest.from_function(page, default_timeout=60, args=(portal or house.portal, user or house.person(Role.ANALYST)))
    if words:
        drawn.query_params["q"] = words
    return drawn.run()


def drain(house: House) -> None:
    assert house.portal.index_worker.drain(10)


def component(drawn: AppTest, name: str) -> dict[str, Any] | None:
    """Return the data of the component of this name."""
    for each in drawn.get("bidi_component"):
        if each.proto.component_name.split(".")[-1] == name:
            data: dict[str, Any] = json.loads(each.proto.json)[0]
            return data
    return None


def found(drawn: AppTest) -> list[tuple[str, list[str]]]:
    """Each group: its title, and its snippets with the found words in brackets."""
    data = component(drawn, "found")
    if data is None:
        return []
    return [(marked(group["title"]), [marked(item["snippet"]) for item in group["items"]]) for group in data["groups"]]


def marked(parts: list[str]) -> str:
    return "".join(f"[{part}]" if n % 2 else part for n, part in enumerate(parts))


def do(drawn: AppTest, kind: str, **fields: object) -> AppTest:
    """Report what a component would have reported: AppTest does not run their scripts."""
    drawn.session_state["chat_intents"] = [{"kind": kind, **fields}]
    return drawn.run()


def test_without_words_the_page_says_what_to_do(house: House) -> None:
    drawn = search(house)
    assert not drawn.exception
    assert "Search your chats" in texts(drawn) and not found(drawn)


def test_hits_of_one_chat_stand_under_its_title_with_the_words_marked(house: House, ana: User) -> None:
    house.ask(ana, "what is a bond?")
    drawn = search(house, "bond")
    assert found(drawn) == [("what is a [bond]?", ["what is a [bond]?"])]
    assert "2 results" in texts(drawn)


def test_chinese_words_of_two_characters_are_found(house: House, ana: User) -> None:
    house.ask(ana, "请用简单的话解释机器学习")
    assert "[学习]" in str(found(search(house, "学习")))


def test_hostile_text_stays_text(house: House, ana: User) -> None:
    hostile = "bond <img src=x onerror=alert(1)> :red[x] ![y](http://evil.example) </mark>"
    house.ask(ana, hostile)
    drawn = search(house, "bond")
    [(_, [snippet])] = found(drawn)
    assert snippet == hostile.replace("bond", "[bond]")
    # Nothing of it is in anything that Streamlit reads as Markdown or HTML.
    assert "onerror" not in texts(drawn) and "evil" not in texts(drawn)


def test_hostile_words_that_find_nothing_are_shown_as_themselves(house: House) -> None:
    words = "<script>alert(1)</script> :red[x] ![y](http://evil.example/p)"
    shown = texts(search(house, words))
    assert f"No results for “{plain(words)}”" in shown and words not in shown


def test_nobody_finds_what_somebody_else_asked(house: House, ana: User) -> None:
    house.ask(ana, "a secret bond")
    for role in (Role.MANAGER, Role.ADMIN):
        drawn = search(house, "bond", house.person(role))
        assert not found(drawn) and "secret" not in texts(drawn)
        assert component(drawn, "searchField")["offers"] == []  # type: ignore[index]


def test_an_index_that_names_what_is_not_yours_or_is_gone_shows_nothing(house: House, ana: User) -> None:
    chat = house.ask(ana, "a secret bond")
    drain(house)
    index = house.portal.index
    whole = index.page

    def lying(query: Any) -> SearchPage:
        return whole(replace(query, owner_id=ana.id))

    index.page = lying  # type: ignore[method-assign]
    assert found(search(house, "bond"))
    assert not found(search(house, "bond", house.person(Role.MANAGER)))
    pages = {kind: whole(SearchQuery("bond", kind, ana.id)) for kind in ("conversation", "message")}
    house.portal.conversations.delete(ana, chat)
    index.page = lambda query: pages[query.kind]  # type: ignore[method-assign]
    assert not found(search(house, "bond"))


def test_filters_narrow_and_are_cleared(house: House, ana: User) -> None:
    house.ask(ana, "what is a bond?")
    drawn = search(house, "bond")
    drawn.selectbox(key="search-kind").set_value("conversation").run()
    assert found(drawn) == [("what is a [bond]?", [])]
    drawn.selectbox(key="search-rating").set_value(-1).run()
    assert not found(drawn) and "No chats match the filters." in texts(drawn)
    drawn.button(key="search-clear").click().run()
    assert len(found(drawn)[0][1]) == 1
    drawn.selectbox(key="search-kind").set_value(None).run()
    later = datetime.now(UTC).date() + timedelta(days=40)
    drawn.date_input(key="search-dates").set_value((later, later)).run()
    assert not found(drawn)


def options(drawn: AppTest, key: str) -> list[str]:
    return [option for each in drawn.selectbox if each.key == key for option in each.options]


def test_a_folder_narrows_and_is_offered_only_where_there_is_one(house: House, ana: User) -> None:
    chat = house.ask(ana, "what is a bond?")
    house.ask(ana, "another bond")
    drawn = search(house, "bond")
    assert len(found(drawn)) == 2 and not options(drawn, "search-folder")
    hostile = ":red[x] <b>Plans</b>"
    folders = [house.portal.folders.new(ana, name).id for name in (hostile, "Audits")]
    house.portal.folders.new(house.person(Role.MANAGER), "Secret")
    house.portal.conversations.move(ana, chat, folders[0])
    drain(house)
    assert options(drawn.run(), "search-folder") == [hostile, "Audits"]
    drawn.selectbox(key="search-folder").set_value(folders[0]).run()
    assert [title for title, _ in found(drawn)] == ["what is a [bond]?"]
    drawn.selectbox(key="search-folder").set_value(folders[1]).run()
    assert not found(drawn) and "No chats match the filters." in texts(drawn)
    house.portal.folders.remove(ana, folders[1])
    assert len(found(drawn.run())) == 2 and not drawn.exception
    drawn.selectbox(key="search-folder").set_value(folders[0]).run()
    drawn.button(key="search-clear").click().run()
    assert len(found(drawn)) == 2
    drawn.selectbox(key="search-folder").set_value(folders[0]).run()
    house.portal.folders.remove(ana, folders[0])
    assert len(found(drawn.run())) == 2 and not options(drawn, "search-folder") and not drawn.exception


def test_questions_with_files_are_found_and_say_which(house: House, ana: User) -> None:
    chat = house.ask(ana, "what is a bond?")
    file = house.portal.files.upload(ana, "<b> :red[x] rates.csv", b"1;2")
    turn = house.portal.turns.start(ana, chat, "and this bond?", TurnOptions(), "r-1", files=[file.id])
    house.settle(ana, turn.id)
    drawn = search(house, "bond")
    data = component(drawn, "found")
    assert data is not None
    assert sorted((item["files"] for group in data["groups"] for item in group["items"]), key=len) == [[], [file.name]]
    drawn.segmented_control(key="search-files").set_value(True).run()
    assert [snippets for _, snippets in found(drawn)] == [["and this [bond]?"]]
    drawn.button(key="search-clear").click().run()
    assert sum(len(snippets) for _, snippets in found(drawn)) == 2
    drawn = search(house, "rates.csv")
    assert [snippets for _, snippets in found(drawn)] == [["and this bond? <b> :red[x] [rates.csv]"]]
    assert "<b>" not in texts(drawn)


def test_answers_are_found_by_their_rating_and_by_having_none(house: House, ana: User) -> None:
    chat = house.ask(ana, "hello")
    answer = house.portal.conversations.transcript(ana, chat)[-1].message
    drawn = search(house, "fake")
    drawn.selectbox(key="search-rating").set_value(UNRATED).run()
    assert found(drawn) == [("hello", ["Hello from the [fake] model"])]
    house.portal.feedback.rate(ana, answer.id, 1)
    drain(house)
    assert not found(drawn.run())
    drawn.selectbox(key="search-rating").set_value(1).run()
    assert found(drawn)


def test_more_results_come_by_the_cursor(house: House, ana: User) -> None:
    for _ in range(PAGE + 3):
        house.portal.conversations.new(ana, "a bond")
    drawn = search(house, "bond")
    assert len(found(drawn)) == PAGE and f"{PAGE + 3} results" in texts(drawn)
    drawn.button(key="search-more").click().run()
    assert len(found(drawn)) == PAGE + 3
    assert not [each for each in drawn.button if each.key == "search-more"]


def test_an_index_that_does_not_answer_is_reported(house: House, ana: User) -> None:
    def down(query: object) -> SearchPage:
        raise Unavailable("The search index is unavailable. Try again in a minute, or ask an admin.")

    house.portal.index.page = down  # type: ignore[method-assign]
    drawn = search(house, "bond")
    assert not drawn.exception
    assert "Search is unavailable" in texts(drawn) and "Chats keep working without it" in texts(drawn)
    house.portal.index.page = type(house.portal.index).page.__get__(house.portal.index)  # type: ignore[method-assign]
    house.ask(ana, "a bond")
    drain(house)
    assert found(drawn.button(key="blank-search-action").click().run())


def test_an_index_that_is_behind_is_reported(house: House, ana: User) -> None:
    house.ask(ana, "a bond")
    drain(house)
    house.portal.index_worker.behind = lambda now: 42.0  # type: ignore[method-assign]
    drawn = search(house, "bond")
    assert "the index (sqlite) is 42.0 s behind" in texts(drawn)


def test_typing_offers_own_titles_words_and_what_was_looked_for_before(house: House, ana: User) -> None:
    chat = house.portal.conversations.new(ana, "Bond prices").id
    drawn = do(do(search(house), "search", text="bonus"), "search", text="")
    drawn.session_state["search_typed"] = "bon"
    offers = component(drawn.run(), "searchField")["offers"]  # type: ignore[index]
    assert [each[:3] for each in offers] == [["recent", "bonus"], ["word", "bond"], ["title", "Bond prices", chat]]
    assert all(each[0] != "recent" for each in component(do(drawn, "forget"), "searchField")["offers"])  # type: ignore[index]


def test_a_search_stands_in_the_address(house: House) -> None:
    drawn = do(search(house), "search", text="  rates  ")
    assert drawn.query_params["q"] in ("rates", ["rates"])
    assert "q" not in do(drawn, "search", text="").query_params


def test_snippets_are_cut_at_their_marks_and_lose_what_only_disturbs() -> None:
    assert pieces(f"a {MARK_START}b{MARK_END} c") == ["a ", "b", " c"]
    assert pieces(f"| Desk | USD | |:--|--:| | **{MARK_START}Rates{MARK_END}** | 4 |") == ["| Desk | USD |  | ", "Rates", " | 4 |"]
    assert pieces("a --flag and x--; stays") == ["a --flag and x--; stays"]
