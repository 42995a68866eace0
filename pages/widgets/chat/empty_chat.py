"""An empty chat: a greeting, and questions to start with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from core.chat.records import Folder
from core.inference.records import ServedModel
from core.prompts.blanks import blanks
from core.prompts.records import Prompt
from pages.shell.words import t
from pages.widgets.chat.message import plain
from pages.widgets.common.requests import queue_action
from pages.widgets.context import prompt_menu


@dataclass(frozen=True, slots=True, kw_only=True)
class Starter:
    """A question or a task to start with. The text of a task has blanks, which the person fills in."""

    icon: str
    title: str
    text: str
    about: str = ""
    """What is shown below the title; empty for the text itself."""


STARTERS = (
    Starter(icon="explore", title="Get started", text="What can I ask you?"),
    Starter(icon="deployed_code", title="Get a model", text="How do I add a model?"),
    Starter(icon="shield_lock", title="Privacy", text="Where is my data stored?"),
    Starter(icon="keyboard", title="Keyboard", text="What are the keyboard shortcuts?"),
)
"""Questions that the built-in guide answers."""
TASKS = (
    Starter(
        icon="summarize", title="Summarize a text", about="In five points, and what is still open",
        text="Summarize this text in five points, and say what is still open:\n\n[text]",
    ),
    Starter(
        icon="mail", title="Draft a reply", about="To an e-mail or a message that you paste",
        text="Draft a short, polite reply to the message below. It should say that [answer].\n\n[message]",
    ),
    Starter(
        icon="table_chart", title="Explain a table", about="The main figures, trends and outliers",
        text="Explain what this table shows: the most important figures, the trends and the outliers.\n\n[table]",
    ),
    Starter(
        icon="balance", title="Compare two options", about="A table of advantages, risks and costs",
        text="Compare [option A] with [option B] for [purpose]: a table of advantages, risks and costs, then a recommendation.",
    ),
    Starter(
        icon="database", title="Write SQL", about="From a question in plain words",
        text="Write an SQL query for [database] that returns [result]. These are the tables:\n\n[tables]",
    ),
    Starter(
        icon="edit_note", title="Improve a text", about="Clearer and shorter, with the changes listed",
        text="Make this text clearer and shorter. Keep its meaning and tone, and list what you changed.\n\n[text]",
    ),
)  # fmt: skip
"""What analysts often ask a model to do."""
STARTER_CHARS = 90
"""Maximum number of characters shown of a prompt that an empty chat offers."""


def empty_chat(
    models: Sequence[ServedModel], request: str, folder: Folder | None, chosen: Sequence[Prompt], *, guide: bool = False
) -> None:  # fmt: skip
    """Draw an empty chat. chosen: starters that managers and admins chose; if there are none, common tasks are offered.

    guide: whether the built-in guide would answer, which only knows the portal.
    """
    with st.container(key="empty", gap="small"):
        if folder:
            st.caption(f":material/folder: {plain(folder.name)}")
        st.markdown(f"# {t('What are we working on?')}", anchors=False)
        if all(model.owner == "portal" for model in models):
            st.caption(t("Answers come from models inside this portal. Nothing leaves your network."))
        else:
            st.caption(t("Answers come from this portal and from model servers that your admins chose."))
        with st.grid(2, min_column_width=260, gap="xsmall", key="starters"):
            for each in chosen:
                words = plain(each.text[:STARTER_CHARS] + ("…" if len(each.text) > STARTER_CHARS else ""))
                st.button(
                    f"**{plain(each.title)}**  \n:gray[{words}]", icon=":material/chat_bubble:", key=f"starter-{each.id}", width="stretch",
                    wrap=True, disabled=not models, on_click=_begin_with, args=(each.text, request),
                )  # fmt: skip
            if not chosen:
                _built_in(request, guide=guide, disabled=not models)


def _built_in(request: str, *, guide: bool, disabled: bool) -> None:
    """Draw the portal's own starters: a click asks the guide, or puts a task into the composer."""
    for n, each in enumerate(STARTERS if guide else TASKS):
        st.button(
            f"**{t(each.title)}**  \n:gray[{t(each.about or each.text)}]", icon=f":material/{each.icon}:", key=f"starter-{n}",
            width="stretch", wrap=True, disabled=disabled, on_click=_begin_with, args=(t(each.text), request),
        )  # fmt: skip


def _begin_with(text: str, request: str) -> None:
    """Ask a starter. A starter with blanks goes into the composer, where the user fills them in."""
    if blanks(text):
        prompt_menu.insert(text)
    else:
        queue_action("ask", text=text, request=request)
