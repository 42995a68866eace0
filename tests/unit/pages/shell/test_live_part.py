"""Parts of a page run without the page: with the rights of now, and with their own errors."""

from __future__ import annotations

import ast
import logging
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest
from streamlit.testing.v1 import AppTest

from core.errors import PortalError, Unavailable
from core.operations.log_context import logged_fields
from core.people.records import Permission, Role, User
from pages.shell import live_part
from pages.shell.failed_page import script_failed
from tests.pages.seeded import texts

PAGES = Path(__file__).parents[4] / "pages"
ANA = User(id="1", name="ana", full_name="Ana", role=Role.ADMIN, group="", active=True, created_at=datetime(2026, 1, 1, tzinfo=UTC))
OTHER_RIGHTS = {
    "the session ended": None,
    "another role": replace(ANA, role=Role.ANALYST),
    "a custom role that grants less": replace(ANA, granted=frozenset({Permission.CHAT})),
    "a group that withholds": replace(ANA, withheld=frozenset({Permission.UPLOAD})),
    "a second factor is due": replace(ANA, must_enrol=True),
}


class Opened:
    """A portal that knows one session. acted: what was done for its person."""

    def __init__(self, now: User | PortalError | None) -> None:
        self.sessions = self
        self.now = now
        self.acted: list[str] = []

    def user(self, _token: str | None) -> User | None:
        if isinstance(self.now, PortalError):
            raise self.now
        return self.now


def part_drawn_twice(portal: object, user: object) -> None:
    import streamlit as st

    from pages.shell.live_part import drawn_for, part

    if st.session_state.get("drawn"):
        st.write("the whole page")
        return
    st.session_state["drawn"] = True
    with drawn_for(portal, user):  # type: ignore[arg-type]
        draw = part(lambda: portal.acted.append("drawn"))  # type: ignore[attr-defined]
        draw()
    draw()


def button_pressed(portal: object, user: object) -> None:
    import streamlit as st

    from pages.shell.live_part import callback, drawn_for

    with drawn_for(portal, user):  # type: ignore[arg-type]
        st.button("Act", on_click=callback(portal.acted.append), args=("acted",))  # type: ignore[attr-defined]


def failing(problem: Exception) -> None:
    from pages.shell.live_part import part

    def draw() -> None:
        raise problem

    part(draw)()


@pytest.mark.parametrize("now", OTHER_RIGHTS.values(), ids=OTHER_RIGHTS)
def test_a_part_runs_the_whole_page_instead_once_the_rights_are_others(now: User | None) -> None:
    portal = Opened(now)
    drawn = AppTest.from_function(part_drawn_twice, args=(portal, ANA)).run()
    assert portal.acted == ["drawn"] and "the whole page" in texts(drawn)


@pytest.mark.parametrize("now", [replace(ANA, last_seen_at=datetime(2026, 2, 1, tzinfo=UTC)), Unavailable("Away.")], ids=["same", "away"])
def test_a_part_runs_by_itself_while_nothing_is_known_to_have_changed(now: User | PortalError) -> None:
    portal = Opened(now)
    AppTest.from_function(part_drawn_twice, args=(portal, ANA)).run()
    assert portal.acted == ["drawn", "drawn"]


@pytest.mark.parametrize("now", OTHER_RIGHTS.values(), ids=OTHER_RIGHTS)
def test_a_callback_does_nothing_once_the_rights_are_others(now: User | None) -> None:
    portal = Opened(ANA)
    drawn = AppTest.from_function(button_pressed, args=(portal, ANA)).run()
    drawn.button[0].click().run()
    assert portal.acted == ["acted"]
    portal.now = now
    drawn.button[0].click().run()
    assert portal.acted == ["acted"]


def test_a_part_that_fails_shows_a_code_that_the_log_has_and_no_trace(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR, "pages.shell.failed_page"):
        caplog.handler.addFilter(lambda record: setattr(record, "seen", dict(logged_fields())) or True)
        problem = RuntimeError("insides of the portal")
        drawn = AppTest.from_function(failing, args=(problem,)).run()
    [line] = [each for each in caplog.records if each.name == "pages.shell.failed_page"]
    code, shown = vars(line)["seen"]["request_id"], "\n".join(each.value for each in drawn.markdown)
    assert "Something went wrong" in shown and code in shown and "insides" not in shown
    assert line.exc_info is not None and line.exc_info[1] is problem
    assert script_failed(problem), "Streamlit draws no box of its own"
    assert len([each for each in caplog.records if each.name == "pages.shell.failed_page"]) == 1, "it is shown once"


def test_an_error_of_a_part_that_people_may_read_is_shown_as_it_is() -> None:
    drawn = AppTest.from_function(failing, args=(Unavailable("The index is away."),)).run()
    assert not drawn.exception and "The index is away" in drawn.markdown[0].value


def test_an_error_outside_of_any_part_is_shown_with_a_code(caplog: pytest.LogCaptureFixture) -> None:
    def fail() -> None:
        from pages.shell.failed_page import script_failed

        script_failed(RuntimeError("insides of the portal"))

    drawn = AppTest.from_function(fail).run()
    assert "Something went wrong" in texts(drawn) and "insides" not in texts(drawn) and "insides" in caplog.text


def test_pages_draw_fragments_and_dialogs_with_these_functions_only() -> None:
    wrong = [
        f"{path.relative_to(PAGES)}:{node.lineno} {ast.unparse(node)}"
        for path in sorted(PAGES.rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Attribute) and ast.unparse(node) in ("st.fragment", "st.dialog") and path.name != "live_part.py"
    ]
    assert not wrong


def test_callbacks_that_act_for_a_person_look_at_the_rights_of_now() -> None:
    wrong = [
        f"{path.relative_to(PAGES)}:{given['args'].lineno}"
        for path in sorted(PAGES.rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call)
        and (given := {each.arg: each.value for each in node.keywords}).get("args") is not None
        and {"user", "portal"} & {name.id for name in ast.walk(given["args"]) if isinstance(name, ast.Name)}
        and not any(ast.unparse(value).startswith("callback(") for name, value in given.items() if str(name).startswith("on_"))
    ]
    assert not wrong


@pytest.mark.parametrize(
    ("now", "drawn"), [(None, "the whole page"), (replace(ANA, role=Role.ANALYST), "the whole page"), (ANA, "still here")]
)
def test_a_part_that_draws_for_long_looks_at_the_rights_meanwhile(monkeypatch: pytest.MonkeyPatch, now: User | None, drawn: str) -> None:
    clock = iter(range(0, 10_000, 60))  # Every look at the clock is a minute after the one before.
    monkeypatch.setattr(live_part, "time", SimpleNamespace(monotonic=lambda: next(clock)))

    def long_part(portal: object, user: object) -> None:
        import streamlit as st

        from pages.shell.live_part import drawn_for, rights_watch

        if st.session_state.get("drawn"):
            st.write("the whole page")
            return
        st.session_state["drawn"] = True
        with drawn_for(portal, user):  # type: ignore[arg-type]
            rights_watch()()
        st.write("still here")

    assert drawn in texts(AppTest.from_function(long_part, args=(Opened(now), ANA)).run())
