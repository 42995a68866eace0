from __future__ import annotations

from collections.abc import Iterator

import pytest
from streamlit import config
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.runtime import app_session

from pages.shell import theme


@pytest.fixture(autouse=True)
def plain_again() -> Iterator[None]:
    theme.known.clear()
    yield
    app_session._populate_theme_msg = theme.plain
    theme.known.clear()


def told() -> ForwardMsg:
    """Return the theme as AppSession sends it to a new session."""
    message = ForwardMsg()
    parts = message.new_session.custom_theme
    kinds = config.CustomThemeCategories
    for part, section in (
        (parts, "theme"),
        (parts.light, f"theme.{kinds.LIGHT.value}"),
        (parts.dark, f"theme.{kinds.DARK.value}"),
        (parts.sidebar, f"theme.{kinds.SIDEBAR.value}"),
        (parts.light.sidebar, f"theme.{kinds.LIGHT_SIDEBAR.value}"),
        (parts.dark.sidebar, f"theme.{kinds.DARK_SIDEBAR.value}"),
    ):
        app_session._populate_theme_msg(part, section)
    return message


def test_what_is_remembered_is_what_streamlit_works_out() -> None:
    plain = told()
    theme.work_out_once()
    assert told() == plain and told() == plain
    assert plain.new_session.custom_theme.ByteSize() > 100, "the portal has a theme"


def test_it_is_worked_out_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr(theme, "plain", lambda _message, section: asked.append(section))
    monkeypatch.setattr(app_session, "_populate_theme_msg", theme.remembered)
    told(), told()
    assert len(asked) == len(set(asked)) == 6


def test_streamlit_still_asks_there_for_each_new_session() -> None:
    names = app_session.AppSession._create_new_session_message.__code__.co_names
    assert "_populate_theme_msg" in names
