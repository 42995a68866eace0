"""Browser functions of every page: labels of icons, Streamlit's own words, the skip link, the list of keyboard shortcuts, and closing the
sidebar on a phone."""

from __future__ import annotations

import json
from functools import cache

import streamlit as st

from pages.shell.words import CATALOGUES, language, t
from pages.widgets.common.script import component

_shell = component("shell", file="shell.js", html="<div class='shell'></div>")
_streamlit_words = component("streamlitWords", file="words.js", html="<i></i>")


def browser_shell(page: str, *, menu: str, reviews: bool) -> None:
    """Draw it once per page. page: its path. menu: the title of its menu; "" if the page is in the bar itself.

    reviews: whether this user works on the feedback queue.
    """
    labels = {
        "keys": t("Keyboard shortcuts"),
        "done": t("Close"),
        "open": t("Open the menu"),
        "close": t("Close the menu"),
        "menu": t("Settings"),
        "attach": t("Attach files"),
        "send": t("Send"),
        "skip": t("Skip to the content"),
    }
    with st.container(key="zero-shell"):
        given = {"page": page, "menu": menu, "language": language(), "sections": shortcuts(reviews), "labels": labels}
        _shell(key="shell", data=[given], height=1)
        if own := streamlit_words(language()):
            _streamlit_words(key="streamlit-words", data=[own], height=1)


@cache
def streamlit_words(language: str) -> dict[str, dict[str, str]]:
    """Return a translation of Streamlit's own words by the selector of where it shows them; none for English."""
    path = CATALOGUES / "streamlit" / f"{language}.json"
    return json.loads(path.read_text("utf-8")) if path.exists() else {}


def shortcuts(reviews: bool) -> list[tuple[str, list[tuple[str, list[str]]]]]:
    """Return the shortcuts by page: (heading, [(description, keys)])."""
    everywhere = [(t("Search chats"), ["Ctrl K"]), (t("Show this list"), ["?"])]
    chat = [
        (t("Send the question"), ["Enter"]),
        (t("Start a new line"), ["Shift Enter"]),
        (t("Stop the answer"), ["Esc"]),
        (t("Start a new chat"), ["Ctrl Shift O"]),
        (t("Search this chat"), ["Ctrl Shift F"]),
        (t("Next and previous result in this chat"), ["Enter", "Shift Enter"]),
        (t("Move through the chats"), ["↑", "↓"]),
        (t("Open the menu of a chat"), ["→"]),
    ]
    review = [
        (t("Next and previous case"), ["J", "K"]),
        (t("Resolve"), ["E"]),
        (t("Reopen"), ["O"]),
        (t("Start review"), ["A"]),
        (t("Reply"), ["P"]),
        (t("Add or edit the note"), ["N"]),
        (t("Edit tags"), ["T"]),
        (t("Resolve as fixed"), ["F"]),
        (t("Accept answer"), ["Q"]),
        (t("Correct the answer"), ["W"]),
        (t("Add to a dataset"), ["D"]),
        (t("Accept the proposal"), ["Y"]),
        (t("Answer the next question about the case"), ["1", "9"]),
        (t("Save the judgement"), ["S"]),
        (t("Choose cases"), ["X"]),
    ]
    found = [(t("On every page"), everywhere), (t("Chat"), chat)]
    return [*found, (t("Cases"), review)] if reviews else found
