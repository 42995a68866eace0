"""What people see when the disk is full: their typed text and the answers stay on the page."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core.errors import Unavailable
from core.operations.disk import DiskSpace
from core.people.records import Role, User
from data.unit_of_work import SqlUnitOfWork
from tests.pages.drawn import House, build
from tests.pages.seeded import texts
from tests.pages.test_chat import chat, conversations, finish, shown


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = build(tmp_path)
    yield made
    made.portal.close()


@pytest.fixture
def ana(house: House) -> User:
    return house.person(Role.ANALYST)


def test_a_question_that_is_refused_stays_in_its_field_and_leaves_no_chat(
    house: House, ana: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(house.portal.disk, "check", DiskSpace(lambda: 0, 1).check)
    drawn = chat(house).chat_input[0].set_value("What is GLM?").run()
    assert drawn.chat_input[0].proto.value == "What is GLM?"
    assert "almost full" in texts(drawn)
    assert conversations(house, ana) == []


def test_an_answer_that_cannot_be_saved_is_shown_whole_and_saved_later(
    house: House, ana: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    save, full = SqlUnitOfWork.commit, threading.Event()

    def commit(work: SqlUnitOfWork) -> None:
        if full.is_set() and threading.current_thread().name.startswith("turn-"):
            raise Unavailable("The database's disk is full or failing. Nothing was saved; ask an admin to free space.")
        save(work)

    monkeypatch.setattr(SqlUnitOfWork, "commit", commit)
    full.set()
    chat(house).chat_input[0].set_value("What is GLM?").run()
    [asked] = conversations(house, ana)
    drawn = _told(house, asked.id)
    assert "Hello from the fake model" in texts(drawn)
    assert "disk is full or failing" in texts(drawn)
    full.clear()
    drawn = finish(house, ana, drawn)
    assert "cannot be saved yet" not in texts(drawn)
    assert shown(house, ana)[-1] == "Hello from the fake model"


def _told(house: House, conversation: str) -> AppTest:
    """Draw the page again, as after a reload, until it says that the answer is not saved."""
    until = time.monotonic() + 60
    while "cannot be saved yet" not in texts(drawn := chat(house, conversation)):
        assert time.monotonic() < until
    return drawn
