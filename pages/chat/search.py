"""Search: find the user's chats by their words, and open a hit at its message."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

import streamlit as st

from core.errors import PortalError
from core.people.records import User
from core.search.records import UNRATED
from core.search.search import Found, FoundItem
from pages.shell import frame
from pages.shell.live_part import part
from pages.shell.words import error_text, t
from pages.widgets.chat import linked_message
from pages.widgets.chat.message import plain
from pages.widgets.common.formats import count, seconds
from pages.widgets.common.requests import pending, queue_component_action, take
from pages.widgets.search.search_field import MAX_CHARACTERS, search_field
from pages.widgets.search.search_hits import found
from pages.widgets.usage.days import between, zone

if TYPE_CHECKING:
    from bootstrap.portal import Portal

PATH = "search"
WORDS = "q"
"""The query parameter with the search text."""
PAGE, MAX_PAGES = 30, 10
RECENT = 8
BEHIND_S = 2.0
"""Seconds of index lag above which the page shows a note."""
_WORDS, _TYPED, _RECENT, _PAGES = "search_words", "search_typed", "search_recent", "search_pages"
_FILTERS: Mapping[str, Any] = {
    "search-kind": None, "search-folder": None, "search-dates": (), "search-model": None, "search-rating": None, "search-files": None,
}  # fmt: skip


def render(portal: Portal, user: User) -> None:
    for asked in take():
        _act(asked)
    words = _words()
    with st.container(horizontal_alignment="center"), st.container(key="searchpage", width=760, gap="small"):
        _field(portal, user, words)
        filters = _filters(portal, user)
        if not words:
            frame.blank(
                t("Search your chats"),
                t("Enter some words and press Enter. Search covers titles, questions and answers."),
                key="blank-search",
            )
            with st.container(key="hint-search"):
                st.caption(t("Ctrl+K opens this page from anywhere."), text_alignment="center")
            return
        try:
            items, last = _read(portal, user, words, filters)
        except PortalError as problem:
            why = f"{plain(error_text(problem))} {t('Chats keep working without it.')}"
            if frame.blank(t("Search is unavailable"), why, t("Try again"), key="blank-search"):
                st.rerun()
            return
        _results(words, items, last)


def open_with(words: str) -> NoReturn:
    """Open the search page from another page, with this search text."""
    _look_for(words)
    frame.open_page(PATH, **{WORDS: words})


def shortcut() -> None:
    """Open the search on Ctrl+K on every other page; the field of the search page handles the key itself."""
    with st.container(key="zero-shortcut"):
        if st.button(t("Search"), key="search-shortcut", shortcut="Ctrl+K"):
            frame.open_page(PATH)


# Actions of the user: see pages/widgets/common/requests.py


def _act(asked: Mapping[str, Any]) -> None:
    match asked:
        case {"kind": "search", "text": str(text)}:
            _look_for(text[:MAX_CHARACTERS].strip())
            st.query_params.from_dict({WORDS: st.session_state[_WORDS]} if st.session_state[_WORDS] else {})
        case {"kind": "forget"}:
            st.session_state.pop(_RECENT, None)
        case {"kind": "open", **target}:
            linked_message.again()
            wanted = (linked_message.CONVERSATION, linked_message.MESSAGE)
            frame.open_page(frame.START, **{name: str(target[name]) for name in wanted if target.get(name)})


def _look_for(words: str) -> None:
    st.session_state[_WORDS] = st.session_state[_TYPED] = words
    st.session_state[_PAGES] = 1
    if words:
        before: list[str] = st.session_state.get(_RECENT, [])
        st.session_state[_RECENT] = [words, *(each for each in before if each != words)][:RECENT]


def _words() -> str:
    """Return the search text: from the URL, or from the session when the user returns from another page."""
    here = st.query_params.get(WORDS, "")[:MAX_CHARACTERS].strip()
    if here and here != st.session_state.get(_WORDS):
        _look_for(here)
    words: str = st.session_state.get(_WORDS, "")
    return words


# Parts of the page


def _field(portal: Portal, user: User, words: str) -> None:
    def draw() -> None:
        if pending():
            st.rerun()
        typed: str = st.session_state.get(_TYPED, words)
        recent = [each for each in st.session_state.get(_RECENT, []) if typed.strip().casefold() in each.casefold() and each != words]
        suggested = portal.suggestions.suggest(user, typed)
        search_field("searchfield", words=words, typed=typed, suggested=suggested, recent=recent, on_event=_take_words)

    part(draw)()


def _take_words(key: str) -> None:
    """Handle an event of the field: typing redraws the suggestions only, every other event the whole page."""
    event = st.session_state[key].event
    if event and event["kind"] == "typing":
        st.session_state[_TYPED] = str(event["text"])[:MAX_CHARACTERS]
    else:
        queue_component_action(key)


def _filters(portal: Portal, user: User) -> dict[str, Any]:
    """Draw the filters; return them as arguments of Search.find."""
    kept: dict[str, Any] = {"persist_state": "session", "on_change": _from_start, "label_visibility": "collapsed"}
    kinds = {"message": t("Questions and answers"), "conversation": t("Titles")}
    folders = {each.id: each.name for each in portal.folders.list(user)}
    if st.session_state.get("search-folder") not in folders:  # deleted since it was chosen
        st.session_state["search-folder"] = None
    ratings = {1: t("Rated good"), -1: t("Rated poor"), UNRATED: t("Not rated")}
    with st.container(key="searchfilters", horizontal=True, gap="xsmall", vertical_alignment="center"):
        kind = st.selectbox(t("Where"), list(kinds), None, kinds.__getitem__, placeholder=t("Everywhere"), key="search-kind", **kept)
        if folders:
            st.selectbox(t("Folder"), list(folders), None, folders.__getitem__, placeholder=t("All folders"), key="search-folder", **kept)
        dates = st.date_input(t("Dates"), (), format="YYYY-MM-DD", key="search-dates", **kept)
        models = portal.search.models(user)
        model = st.selectbox(t("Model"), models, None, placeholder=t("All models"), key="search-model", **kept)
        rating = st.selectbox(
            t("Rating"), list(ratings), None, ratings.__getitem__, placeholder=t("Any rating"), key="search-rating", **kept
        )
        mark = f":material/attach_file: {t('With files')}"
        files = st.segmented_control(t("Files"), [True], format_func=lambda _: mark, key="search-files", width="stretch", **kept)
    since, until = between(dates, zone())
    folder = st.session_state["search-folder"]
    return {
        "kind": kind, "since": since, "until": until, "model": model, "rating": rating, "folder": folder, "has_file": files is not None,
    }  # fmt: skip


def _from_start() -> None:
    st.session_state[_PAGES] = 1


def _clear_filters() -> None:
    for key, empty in _FILTERS.items():
        st.session_state[key] = empty
    _from_start()


def _read(portal: Portal, user: User, words: str, filters: Mapping[str, Any]) -> tuple[list[FoundItem], Found]:
    """Read all requested pages of results again, so that items deleted in the meantime are gone and later ones move up."""
    items: list[FoundItem] = []
    cursor = None
    for _ in range(MAX_PAGES):
        last = portal.search.find(user, words, limit=PAGE, cursor=cursor, **filters)
        items += last.items
        cursor = last.next_cursor
        if cursor is None or len(items) >= PAGE * st.session_state.get(_PAGES, 1):
            break
    return items, last


def _results(words: str, items: Sequence[FoundItem], last: Found) -> None:
    chosen = sum(bool(st.session_state.get(key)) or st.session_state.get(key) == UNRATED for key in _FILTERS)
    behind = last.behind_seconds > BEHIND_S
    with st.container(horizontal=True, vertical_alignment="center", key="searchstate"):
        facts = [t("{total} results, newest first", total=count(last.total))] if items else []
        if behind:
            age = seconds(last.behind_seconds)
            facts.append(t("the index ({engine}) is {age} behind, so newer items are missing", engine=last.engine, age=age))
        st.caption(" · ".join(facts), width="stretch")
        if chosen and items:
            st.button(t("Clear filter"), type="tertiary", key="search-clear", on_click=_clear_filters)
    if not items:
        advice = t("No chats match the filters.") if chosen else t("All words must match. Try fewer or different words.")
        frame.blank(t("No results for “{words}”", words=plain(words)), advice, key="blank-search")
        if chosen:
            with st.container(horizontal_alignment="center", key="searchnone"):
                st.button(t("Clear filter"), key="search-clear", on_click=_clear_filters)
        return
    found("searchfound", items, on_event=queue_component_action)
    if last.next_cursor and st.session_state.get(_PAGES, 1) < MAX_PAGES:
        st.button(t("More results"), key="search-more", on_click=_more, width="stretch", type="tertiary")
    elif last.next_cursor:
        st.caption(t("These are the newest {n}. Add words or choose an earlier date to find older ones.", n=PAGE * MAX_PAGES))


def _more() -> None:
    st.session_state[_PAGES] = st.session_state.get(_PAGES, 1) + 1
