from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core.errors import NotAllowed, StoredError
from core.people.records import Role
from data.unit_of_work import SqlUnitOfWork
from tests.pages.seeded import Stage, as_role, page, stage, texts
from tests.store import things

HOSTILE = "![x](http://evil.example) <img src=x>"


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Stage]:
    room = stage(tmp_path / "home", empty=True)
    room.portal.job_worker.close()
    ended = replace(things.comparison("c1", HOSTILE, room.admin.id), ended_at=things.NOW)
    with SqlUnitOfWork(room.portal.database) as work:
        work.file_comparisons.add(ended)
        work.file_comparisons.add(replace(ended, id="c2", results=(), error=StoredError("It was cancelled.")))
        work.commit()
    yield room
    room.portal.close()


def opened(made: Stage, **query: str) -> AppTest:
    return page("compare", made, query=query)


def test_the_list_shows_comparisons_and_only_admins_see_it(made: Stage) -> None:
    drawn = page("compare", made)
    assert not drawn.exception and "Q4\\_0\\.gguf against Q8\\_0\\.gguf" in texts(drawn) and "Failed" in texts(drawn)
    manager = as_role(made.admin, Role.MANAGER)
    assert page("compare", made, manager).exception
    with pytest.raises(NotAllowed):
        made.portal.comparisons.list(manager)


def test_a_report_says_the_verdict_first_and_draws_no_strangers_markup(made: Stage) -> None:
    drawn = opened(made, comparison="c1")
    assert not drawn.exception
    shown = texts(drawn)
    assert "**Q4\\_0 is close\\.** It picks the same next token 90\\.0" in shown and "Its file is 50" in shown
    assert "Same next token" in shown and "\n![x](http" not in shown and "<img" not in shown
    assert "It was cancelled" in texts(opened(made, comparison="c2"))
    assert "There is nothing here" in texts(opened(made, comparison="nothing"))


def test_a_vote_hides_the_names_until_the_end(made: Stage) -> None:
    drawn = opened(made, comparison="c1", vote="1")
    assert not drawn.exception and "Q4" not in texts(drawn) and "Answer A" in texts(drawn)
    drawn.button(key="ballot-alike").click().run()
    assert "You have voted on every question" in texts(drawn)
    drawn.button(key="blank-ballot-action").click().run()
    assert "No vote is for one of the two yet" in texts(drawn)


def test_the_page_speaks_chinese(made: Stage) -> None:
    assert "新建比较" in {button.label for button in page("compare", made, language="zh").button}
