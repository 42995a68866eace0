from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import insert
from streamlit.testing.v1 import AppTest

from core.people.records import Role
from data.index.worker import MAX_ATTEMPTS
from data.tables import IndexJobTable
from pages.widgets.chat.message import plain
from tests.pages.seeded import Stage, as_role, page, stage, texts


@pytest.fixture
def full(tmp_path: Path) -> Iterator[Stage]:
    made = stage(tmp_path)
    yield made
    made.portal.close()


def press(drawn: AppTest, label: str) -> AppTest:
    return next(each for each in drawn.button if each.label == label).click().run()


def backed_up(full: Stage, passphrase: str | None = None) -> str:
    """Make a backup; return its name."""
    name = full.portal.backups.make(full.admin, passphrase).name
    settle(full)
    return name


def settle(full: Stage) -> None:
    until = time.monotonic() + 60
    while (task := full.portal.backups.task(full.admin)) is not None and not task.ended and time.monotonic() < until:
        time.sleep(0.02)


def test_the_page_tells_what_the_store_holds(full: Stage) -> None:
    drawn = page("store", full)
    assert not drawn.exception
    facts = full.portal.backups.facts(full.admin)
    assert f"<dd>{facts.rows['messages']:,}</dd>" in texts(drawn) and "SQLite" in texts(drawn)
    assert "There are no backups yet" in texts(drawn)


def test_backups_are_listed_with_a_link_to_the_route_that_asks_who_it_is(full: Stage) -> None:
    name = backed_up(full, "a passphrase")
    drawn = page("store", full)
    assert name in texts(drawn) and "Encrypted" in texts(drawn) and f"href='/api/v1/store/backups/{name}'" in texts(drawn)
    assert "There are no backups yet" not in texts(drawn)


def test_a_check_shows_what_a_restore_would_change_until_it_is_dismissed(full: Stage) -> None:
    name = backed_up(full)
    full.portal.conversations.new(full.admin)
    full.portal.backups.check(full.admin, name)
    settle(full)
    drawn = page("store", full)
    assert "is intact" in texts(drawn)
    shown = drawn.dataframe[0].value.set_index("what")
    assert shown.loc["Chats", "difference"] == "-1" and shown.loc["Messages", "difference"] == "0"
    assert "is intact" not in texts(press(drawn, "Hide"))


def test_a_damaged_backup_is_reported(full: Stage) -> None:
    name = backed_up(full)
    file = full.portal.backups.folder / name
    file.write_bytes(file.read_bytes()[:-9])
    full.portal.backups.check(full.admin, name)
    settle(full)
    assert "This backup is truncated" in texts(page("store", full))


def test_a_backup_that_ends_while_the_page_is_drawn_leaves_the_button_enabled(full: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    backed_up(full)
    ended = full.portal.backups.task(full.admin)
    assert ended is not None
    answers = [replace(ended, ended=False)]
    monkeypatch.setattr(full.portal.backups, "task", lambda _: answers.pop() if answers else ended)
    drawn = page("store", full)
    assert not drawn.exception and not answers
    assert [each.disabled for each in drawn.button if each.label == "Create a backup"] == [False]
    assert "The backup was written and verified." in [each.value for each in drawn.toast]


def test_refused_changes_are_shown_and_tried_again(full: Stage) -> None:
    with full.portal.database.engine.begin() as connection:
        row = {"kind": "message", "created_at": datetime.now(UTC), "attempts": MAX_ATTEMPTS, "error": "cannot <be> parsed"}
        connection.execute(insert(IndexJobTable), [row | {"document_id": f"x{number}"} for number in range(7)])
    drawn = page("store", full)
    assert "7 changes refused" in texts(drawn) and "5 of 7 shown" in texts(drawn)
    press(drawn, "Try again")
    assert full.portal.index_maintenance.state(full.admin).rejected == 6
    press(page("store", full), "Retry all")
    assert full.portal.index_maintenance.state(full.admin).rejected == 0


def test_rules_are_set_and_removed_and_a_refusal_is_said(full: Stage) -> None:
    drawn = page("store", full)
    drawn.selectbox(key="rule-kind").set_value("audit")
    drawn.number_input(key="rule-days").set_value(30)
    drawn = press(drawn, "Set rule")
    assert "between 180 and" in texts(drawn) and not full.portal.retention.rules(full.admin)
    drawn.number_input(key="rule-days").set_value(200)
    drawn = press(drawn, "Set rule")
    assert plain("Audit events, every group: kept 200 days") in texts(drawn) and "between 180" not in texts(drawn)
    drawn = press(drawn, "Remove")
    assert not full.portal.retention.rules(full.admin)
    drawn.selectbox(key="rule-kind").set_value("files")
    assert plain("Files, every group: kept 200 days") in texts(press(drawn, "Set rule"))


def test_a_legal_hold_is_placed_and_lifted(full: Stage) -> None:
    drawn = page("store", full)
    drawn.text_input(key="hold-name").set_value("nobody")
    drawn.text_input(key="hold-reason").set_value("case 4711")
    drawn = press(drawn, "Place hold")
    assert "No account is named nobody" in texts(drawn)
    assert drawn.text_input(key="hold-reason").value == "case 4711", "what was typed stays"
    drawn.text_input(key="hold-name").set_value("tom")
    drawn = press(drawn, "Place hold")
    assert [drawn.text_input(key=f"hold-{field}").value for field in ("name", "reason")] == ["", ""]
    assert "case 4711" in texts(drawn) and [each.user_name for each in full.portal.retention.holds(full.admin)] == ["tom"]
    press(drawn, "Lift")
    assert not full.portal.retention.holds(full.admin)


def test_core_refuses_the_page_to_others(full: Stage) -> None:
    drawn = page("store", full, as_role(full.admin, Role.MANAGER))
    assert drawn.exception and not drawn.button and not drawn.caption


def test_the_page_speaks_chinese(full: Stage) -> None:
    drawn = page("store", full, language="zh")
    assert not drawn.exception and "搜索索引" in texts(drawn) and "法律保全" in texts(drawn)
