"""Choose the collections that the next question searches. Drawn only where the person may read any."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from core.chat.context.records import AnswerContext
from core.documents.records import MAX_CHOSEN
from core.errors import PortalError
from core.people.records import User
from pages.shell.words import listed, t
from pages.widgets.chat.message import plain

if TYPE_CHECKING:
    from bootstrap.portal import Portal

_CHOSEN = "chosen_collections"
"""The session key of the ids that were chosen, by chat; those of an empty chat are under _NEW."""
_DRAWN = "collections_of_the_next_question"
_NEW = ""


def chosen() -> tuple[str, ...]:
    """Return the ids of the collections that the menu of the open chat shows as chosen."""
    return tuple(st.session_state.get(_DRAWN, ()))


def choose_none() -> None:
    """Search nothing: in a temporary chat, which no collection is read for."""
    st.session_state[_DRAWN] = ()


def began(conversation_id: str) -> None:
    """Keep the choice of an empty chat for the chat that it has become."""
    kept = st.session_state.setdefault(_CHOSEN, {})
    kept[conversation_id] = kept.pop(_NEW, ())


def collections_menu(
    portal: Portal, user: User, conversation_id: str | None, answered: AnswerContext | None, always: Sequence[str] = ()
) -> None:
    """Draw the menu. conversation_id: None before the first question of a chat. answered: what the last answer searched, which is
    searched again until the person chooses others. always: ids of the collections that the chosen preset reads anyway.
    """
    try:
        names = {each.id: each.name for each in portal.collections.choices(user)}
    except PortalError:
        names = {}
    kept = st.session_state.setdefault(_CHOSEN, {})
    here = conversation_id or _NEW
    now = kept.get(here, tuple(each.id for each in answered.searched) if answered and conversation_id else ())
    fixed = [names.pop(id) for id in always if id in names]
    now = tuple(id for id in now if id in names)
    st.session_state[_DRAWN] = now
    if not names and not fixed:
        return
    read = [*fixed, *(names[id] for id in now)]
    label = t("Documents") if not read else read[0] if len(read) == 1 else t("{n} collections", n=len(read))
    key = f"collections-{here or 'new'}"

    def change() -> None:
        kept[here] = tuple(st.session_state[key])

    with st.container(key="collectionsmenu", width="content"):
        box = st.popover(plain(label), icon=":material/folder_open:", type="tertiary", help=t("Answer from collections of documents"))
    with box:
        if fixed:
            st.markdown(t("This preset always reads {names}.", names=listed(map(plain, fixed))))
        if not names:
            return
        st.session_state[key] = list(now)
        st.multiselect(
            t("Collections"), list(names), format_func=names.__getitem__, max_selections=MAX_CHOSEN, key=key, on_change=change,
            placeholder=t("Choose collections"),
        )  # fmt: skip
        st.caption(t("The answer reads the passages that fit the question, and cites them."))
