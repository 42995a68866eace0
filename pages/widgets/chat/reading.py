"""What is shown while an attached file is read: its name, and its position in the queue of documents."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import streamlit as st

from pages.shell.words import t
from pages.widgets.chat.message import plain


@contextmanager
def reading(name: str) -> Iterator[Callable[[int], None]]:
    """Hand out what tells a position. A run that is broken off meanwhile ends only here: the file is read and kept by then."""
    ended: list[BaseException] = []
    shown = 0
    with st.bottom:
        line = st.empty()
        with st.spinner(t("Reading {name}", name=plain(name))):

            def tell(place: int) -> None:
                nonlocal shown
                if place == shown or ended:
                    return
                shown = place
                try:
                    line.caption(t((
                        "Other documents are being processed. {name} is at queue position "
                        "{place}."
                    ), name=plain(name), place=place))
                except BaseException as end:  # noqa: BLE001 - raised again below
                    ended.append(end)

            yield tell
        if ended:
            raise ended[0]
        line.empty()
