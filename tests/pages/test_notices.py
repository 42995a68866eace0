from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core.notices.records import Notice, NoticeKind, Unread
from core.people.records import Role
from pages.shell.notice_bell import sentence
from tests.pages.drawn import House, build


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = build(tmp_path)
    yield made
    made.portal.close()


def test_the_bell_lists_notices_and_marks_them_as_read(house: House) -> None:
    ann = house.person(Role.ANALYST)
    house.ask(ann, "What is <b>EBITDA</b>?")

    def draw(portal: object, user: object, unread: object) -> None:
        from pages.shell import notice_bell

        notice_bell.notice_list(portal, user, unread)

    page = AppTest.from_function(draw, default_timeout=60, args=(house.portal, ann, Unread(1))).run()
    assert not page.exception
    [row, every] = page.button
    assert "Answer ready" in row.label and r"\<b\>" in row.label and row.label.startswith("**")
    every.click().run()
    assert house.portal.notices.list(ann)[0].read_at is not None


def test_without_titles_a_notice_names_no_chat() -> None:
    notice = Notice(
        id="1", user_id="ana", kind=NoticeKind.ANSWER_READY, subject="Layoffs", target="c", created_at=datetime(2026, 11, 2, tzinfo=UTC)
    )
    assert sentence(notice) == "Answer ready: Layoffs" and sentence(notice, titles=False) == "An answer is ready"


def test_the_browser_shows_notices_once_the_person_wants_it(house: House) -> None:
    ann = house.person(Role.ANALYST)

    def draw(portal: object, user: object) -> None:
        from pages.account import account

        account.render(portal, user)

    page = AppTest.from_function(draw, default_timeout=60, args=(house.portal, ann)).run()
    assert not page.exception and not house.portal.notices.choices(ann).browser
    page.toggle("notices-browser").set_value(True).run()
    page.toggle("notices-titles").set_value(False).run()
    assert not page.exception
    choices = house.portal.notices.choices(ann)
    assert choices.browser and not choices.titles
