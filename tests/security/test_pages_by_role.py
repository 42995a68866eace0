"""Every page for every role: the test lists the permission that opens each page, and core itself refuses everybody else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core.errors import NotAllowed
from core.people.permissions import Permission, allows
from core.people.records import Role
from pages.shell.navigation import ENTRIES
from tests.pages.drawn import House, build
from tests.pages.seeded import page_module, texts

EXPECTED = {
    "chat": Permission.CHAT,
    "search": Permission.CHAT,
    "documents": Permission.CHAT,
    "prompts": Permission.CHAT,
    "tasks": Permission.RUN_TASKS,
    "shared": Permission.CHAT,
    "images": Permission.DETECT,
    "cases": Permission.REVIEW_FEEDBACK,
    "review_progress": Permission.REVIEW_FEEDBACK,
    "arena": Permission.RATE,
    "leaderboard": Permission.REVIEW_FEEDBACK,
    "experiments": Permission.RUN_MODELS,
    "datasets": Permission.REVIEW_FEEDBACK,
    "usage": Permission.VIEW_USAGE,
    "reports": Permission.VIEW_USAGE,
    "alerts": Permission.VIEW_USAGE,
    "models": Permission.RUN_MODELS,
    "get_model": Permission.RUN_MODELS,
    "compare": Permission.RUN_MODELS,
    "presets": Permission.RUN_MODELS,
    "platforms": Permission.RUN_MODELS,
    "people": Permission.MANAGE_PEOPLE,
    "access": Permission.MANAGE_PEOPLE,
    "store": Permission.RUN_STORE,
    "jobs": Permission.RUN_STORE,
    "plugins": Permission.RUN_PLUGINS,
    "audit": Permission.READ_AUDIT,
    "logs": Permission.RUN_STORE,
}

SAYS_IT_ITSELF = {"cases", "logs", "review_progress", "usage", "models"}
"""Pages that draw the refusal in place of what they show."""


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    made = build(Path(tmp_path_factory.mktemp("home")))
    yield made
    made.portal.close()


def test_every_page_stands_in_the_table() -> None:
    assert {entry.path: entry.permission for entry in ENTRIES} == EXPECTED


@pytest.mark.parametrize("path", [path for path, permission in EXPECTED.items() if permission not in (Permission.CHAT, Permission.DETECT)])
@pytest.mark.parametrize("role", Role)
def test_core_refuses_a_page_to_a_role_without_its_permission(house: House, role: Role, path: str) -> None:
    if path == "jobs":
        return  # Everyone has own jobs; core lists no others. tests/pages/test_jobs.py
    person = house.person(role)
    if allows(person, EXPECTED[path]):
        return
    if path not in SAYS_IT_ITSELF:
        with pytest.raises(NotAllowed):
            page_module(path).render(house.portal, person)
        return

    def page(portal: object, user: object, name: str) -> None:
        from tests.pages.seeded import page_module

        page_module(name).render(portal, user)

    drawn = AppTest.from_function(page, default_timeout=60, args=(house.portal, person, path)).run()
    assert "does not allow this" in texts(drawn) and not drawn.dataframe and not drawn.metric
