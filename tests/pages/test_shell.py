from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core.errors import StartFailed
from core.operations.disk import DiskSpace
from core.operations.log_context import logged_fields
from core.people.records import Role
from pages.shell import navigation
from pages.shell.frame import STATIC, STYLE_SHEET
from pages.widgets.chat.message import plain
from tests.pages.drawn import House, build, home
from tests.pages.seeded import texts


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = build(tmp_path)
    yield made
    made.portal.close()


def test_without_a_session_there_is_the_sign_in_form_and_nothing_else(house: House) -> None:
    drawn = home(house, None)
    assert not drawn.exception
    assert [each.label for each in drawn.text_input] == ["User name", "Password"]
    assert not drawn.chat_input and not drawn.sidebar.children


@pytest.mark.parametrize("role", list(Role))
def test_everybody_starts_at_the_chat(house: House, role: Role) -> None:
    drawn = home(house, house.person(role))
    assert not drawn.exception
    assert drawn.chat_input[0].placeholder == "Ask anything"


def test_a_portal_that_cannot_start_says_what_to_do() -> None:
    def refuse() -> None:
        from core.errors import StartFailed
        from pages.shell.navigation import run

        def open_portal() -> None:
            raise StartFailed("The folder {home} cannot be written.", home="/portal")

        run(open_portal)

    drawn = AppTest.from_function(refuse).run()
    assert not drawn.exception
    assert "The portal is not ready" in texts(drawn) and plain("The folder /portal cannot be written.") in texts(drawn)
    assert issubclass(StartFailed, Exception)


def test_an_unexpected_error_shows_a_code_that_the_log_has_and_no_trace(caplog: pytest.LogCaptureFixture) -> None:
    def fail() -> None:
        from pages.shell.navigation import run

        def open_portal() -> None:
            raise RuntimeError("insides of the portal")

        run(open_portal)

    with caplog.at_level(logging.ERROR, "pages.shell.failed_page"):
        caplog.handler.addFilter(lambda record: setattr(record, "seen", dict(logged_fields())) or True)
        drawn = AppTest.from_function(fail).run()
    [line] = [each for each in caplog.records if each.name == "pages.shell.failed_page"]
    code = vars(line)["seen"]["request_id"]
    shown = texts(drawn)
    assert "Something went wrong" in shown and code in shown and "insides" not in shown
    assert drawn.exception, "tests of pages still see the error"


def test_no_rights_names_the_role_that_would_be_needed(house: House) -> None:
    def forbidden(user: object) -> None:
        from core.people.permissions import Permission
        from pages.shell.requested_path import no_rights

        no_rights("Usage", Permission.VIEW_USAGE, user)

    drawn = AppTest.from_function(forbidden, args=(house.person(Role.ANALYST),)).run()
    assert "You cannot open Usage" in texts(drawn)
    assert "Only managers and admins can open this page; your role is Analyst" in texts(drawn)


def test_every_page_of_the_menu_has_a_chinese_title() -> None:
    from pages.shell.words import catalogue

    assert all(entry.title in catalogue("zh") for entry in navigation.ENTRIES)


def test_a_row_is_marked_only_when_its_id_is_known() -> None:
    def mark(id: str) -> None:
        from pages.shell.frame import selected

        selected("row", id, {"known"})

    assert "st-key-row-known" in texts(AppTest.from_function(mark, args=("known",)).run())
    assert "style" not in texts(AppTest.from_function(mark, args=("} body { display: none",)).run())


def test_the_look_comes_from_this_machine_alone() -> None:
    files = [STYLE_SHEET, *STATIC.glob("*.js"), *STATIC.glob("*.svg"), Path(".streamlit/config.toml")]
    for file in files:
        found = re.findall(r"(?:https?:)?//[\w.-]+\.\w+", file.read_text("utf-8").replace("http://www.w3.org/2000/svg", ""))
        assert not found, f"{file.name} names {found}"


def test_no_page_lies_where_streamlit_would_serve_it_to_a_visitor_who_is_not_signed_in() -> None:
    assert [file.name for file in Path("pages").glob("*.py")] == ["__init__.py"]


@pytest.mark.parametrize("role", list(Role))
def test_a_disk_that_is_almost_full_is_reported_on_the_page_with_numbers_for_admins(house: House, role: Role) -> None:
    house.portal = replace(house.portal, disk=DiskSpace(lambda: 3_000_000, 64_000_000))
    drawn = home(house, house.person(role))
    assert not drawn.exception
    [notice] = drawn.warning
    assert "Nothing new can be saved until an admin frees space" in notice.value
    assert ("3 MB are left under" in notice.value) is (role is Role.ADMIN)


def test_a_disk_with_space_is_not_mentioned(house: House) -> None:
    assert not home(house, house.person(Role.ADMIN)).warning


def test_a_page_of_another_server_says_so_and_is_not_in_the_menu(house: House) -> None:
    house.portal = replace(house.portal, settings=replace(house.portal.settings, pages="chat,usage"))
    drawn = home(house, house.person(Role.ADMIN))
    assert not drawn.exception and drawn.chat_input

    def elsewhere() -> None:
        from pages.shell.requested_path import not_here

        not_here("Models")

    assert "This page is on another server" in texts(AppTest.from_function(elsewhere).run())
