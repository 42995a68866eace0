"""The search field: it suggests earlier searches, the user's titles and words while the user types."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from core.search.suggestions import Suggested
from pages.shell.words import language, t
from pages.widgets.common.script import component

MAX_CHARACTERS = 200
_field = component("searchField", file="search.js", html="<div class='search'></div>")


def search_field(
    key: str, *, words: str, typed: str, suggested: Suggested, recent: Sequence[str], on_event: Callable[[str], None]
) -> None:
    """Draw the field. words: the search text of the shown results. typed: the text that the suggestions are for.

    on_event: called with the key, whose state then holds `event`: {"kind": "typing" | "search", "text"}, {"kind": "open", "c"} for
    a title, or {"kind": "forget"} to clear the earlier searches.
    """
    offers: list[list[str]] = [["recent", each] for each in recent]
    offers += [["word", each] for each in suggested.words]
    offers += [["title", each.title or t("New chat"), each.id, each.updated_at.isoformat()] for each in suggested.conversations]
    labels = {
        "field": t("Search chats"),
        "hint": t("Search questions, answers and titles"),
        "clear": t("Clear"),
        "recent": t("Recent searches"),
        "forget": t("Remove"),
        "titles": t("Chats"),
        "offers": t("Suggestions"),
        "language": language(),
    }
    # A list: Streamlit searches every value of a mapping for tables.
    data = [{"words": words, "typed": typed, "offers": offers, "most": MAX_CHARACTERS}, labels]
    _field(key=key, data=data, on_event_change=lambda: on_event(key))
