from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from core.errors import Unavailable
from core.people.records import User
from pages.widgets.common import cookie


class Asked(Exception):
    """The page is run anew."""


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every look at the clock is a minute after the one before."""
    clock = iter(range(0, 10_000, 60))
    monkeypatch.setattr(cookie, "time", SimpleNamespace(monotonic=lambda: next(clock)))
    monkeypatch.setattr("streamlit.runtime.context.ContextProxy.cookies", property(lambda _: {}))

    def rerun() -> None:
        raise Asked

    monkeypatch.setattr(cookie.st, "rerun", rerun)


def watched(told: User | Exception | None) -> Any:
    def user(_token: str | None) -> User | None:
        if isinstance(told, Exception):
            raise told
        return told

    return cookie.session_watch(SimpleNamespace(sessions=SimpleNamespace(user=user)))  # type: ignore[arg-type]


@pytest.mark.usefixtures("later")
def test_a_session_that_ended_runs_the_page_anew() -> None:
    with pytest.raises(Asked):
        watched(None)()


@pytest.mark.usefixtures("later")
def test_a_store_that_cannot_be_asked_leaves_the_answer_on_the_page() -> None:
    watched(Unavailable("The store cannot be reached."))()
