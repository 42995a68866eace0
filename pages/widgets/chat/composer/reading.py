"""Show the name and the queue position of an attached file while it is being read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import streamlit as st

from pages.shell.words import t
from pages.widgets.chat.message import plain


@contextmanager
def reading(name: str) -> Iterator[Callable[[int], None]]:
    """Yield a function that shows the queue position. If the run is interrupted meanwhile, the interruption is raised at the end,
    when the file has been read and stored."""
    ended: list[BaseException] = []
    shown = 0
    with st.bottom:
        line = st.empty()
        with st.spinner(t("Reading {name}", name=plain(name))):

            def tell(position: int) -> None:
                nonlocal shown
                if position == shown or ended:
                    return
                shown = position
                try:
                    line.caption(t((
                        "Other documents are being processed. {name} is at queue position "
                        "{position}."
                    ), name=plain(name), position=position))
                except BaseException as end:  # noqa: BLE001 - raised again below
                    ended.append(end)

            yield tell
        if ended:
            raise ended[0]
        line.empty()
