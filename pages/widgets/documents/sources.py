"""Draw what an answer searched, and its sources below it."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from core.chat.context.records import AnswerContext
from core.sharing.records import SharedSource
from pages.shell.words import listed, t
from pages.widgets.chat.message import plain
from pages.widgets.documents.words import location

OPEN = "open_source"
"""The session key of the source whose page is open: the answer's id and the source's number."""


def searched_line(context: AnswerContext | None) -> None:
    """Say which collections were searched."""
    if context is None or not context.searched:
        return
    names, number = plain(listed(each.name for each in context.searched)), len(context.sources)
    st.caption(t("Searched {names}, {n} passages read", names=names, n=number) if number else t("Searched {names}", names=names))


def citable(context: AnswerContext | None) -> int | None:
    """Return how many sources the answer may cite; None if nothing was searched for it."""
    return len(context.sources) if context and context.searched else None


def sources_of(answer_id: str, context: AnswerContext | None) -> None:
    """Draw the sources, each a button that opens its page; or that there are none."""
    if context is None or not context.searched:
        return
    if not context.sources:
        names = plain(listed(each.name for each in context.searched))
        st.markdown(f":gray[{t('Nothing in {names} answers this.', names=names)}]")
        return
    open_ = st.session_state.get(OPEN)
    with st.container(key=f"sources-{answer_id}", gap=None):
        for number, source in enumerate(context.sources, start=1):
            is_open = open_ == (answer_id, number)
            mark = f":blue[**{number}**]" if is_open else f":blue-badge[{number}]"
            label = f"{mark} **{plain(source.document)}** :gray[{plain(location(source))}]"
            st.button(
                label, key=f"source-{answer_id}-{number}", type="tertiary", width="stretch", wrap=True, on_click=_open,
                args=(None if is_open else (answer_id, number),),
            )  # fmt: skip


def shared_sources(sources: Sequence[SharedSource]) -> None:
    """Draw the sources of a shared answer, which cannot be opened."""
    if sources:
        rows = (f":blue-badge[{number}] **{plain(each.document)}** {plain(location(each))}" for number, each in enumerate(sources, start=1))
        st.caption("  \n".join(rows))


def _open(source: tuple[str, int] | None) -> None:
    st.session_state[OPEN] = source
