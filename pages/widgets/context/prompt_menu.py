"""Offer the library of prompts in the composer: "/" lists them, Enter inserts one, Tab goes to the next blank."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import uuid4

import streamlit as st

from core.prompts.records import ListedPrompt
from pages.shell.words import t
from pages.widgets.common.script import component

_menu = component("promptMenu", file="prompts.js", html="<div class='menu' role='listbox' hidden></div>")
_INSERT = "prompt_to_insert"


def insert(text: str) -> None:
    """Put a text into the composer at the next run."""
    st.session_state[_INSERT] = [text, uuid4().hex]


def prompt_menu(prompts: Sequence[ListedPrompt]) -> None:
    """Draw the menu, which opens when the user types "/"."""
    rows = [[each.prompt.title, t("you") if each.own else each.owner_name, each.prompt.text] for each in prompts]
    labels = {"list": t("Prompts"), "none": t("No prompt matches.")}
    with st.container(key="promptmenu"):
        _menu(key="prompt-menu", data=[rows, labels, st.session_state.get(_INSERT, ["", ""])])
