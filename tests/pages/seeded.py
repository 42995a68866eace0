"""Build a portal over a seeded store, with fake models, for the tests of Usage, Feedback and Models."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache
from importlib import import_module
from pathlib import Path
from types import ModuleType

from streamlit.testing.v1 import AppTest

from bootstrap.portal import Portal, build_portal
from core.chat.records import Author, MessageStatus
from core.people.records import Role, User
from data.unit_of_work import SqlUnitOfWork
from pages.shell.navigation import ENTRIES
from samples.fakes import FakePool, FakeRouter
from settings import Settings
from tests.pages import scanned_once as scanned_once
from tests.seed import Seeded, seed


class NoHasher:
    """Nobody signs in here."""

    def hash(self, password: str) -> str:
        return password

    def is_outdated(self, password_hash: str) -> bool:
        return False

    def spend(self, password: str) -> None:
        raise AssertionError("nothing here is outdated")

    def matches(self, password: str, password_hash: str) -> bool:
        return password == password_hash


@dataclass(frozen=True)
class Stage:
    portal: Portal
    pool: FakePool
    admin: User
    seeded: Seeded | None


def stage(home: Path, *, empty: bool = False) -> Stage:
    """Close its portal after use."""
    seeded = None
    if not empty:
        template, seeded = _template()
        shutil.copytree(template, home, dirs_exist_ok=True)
    portal, pool = _open(home)
    admin = seeded.people["mei"] if seeded else portal.accounts.add(None, "mei", Role.ADMIN, password="long enough", full_name="Mei Lin")
    return Stage(portal, pool, admin, seeded)


def _open(home: Path) -> tuple[Portal, FakePool]:
    pool = FakePool()
    return build_portal(Settings(home=home, model_titles=False), pool=pool, router=FakeRouter(), hasher=NoHasher()), pool


@cache
def _template() -> tuple[Path, Seeded]:
    """Seeding takes seconds, copying a closed store does not."""
    home = Path(tempfile.mkdtemp(prefix="seeded-"))
    atexit.register(shutil.rmtree, home, ignore_errors=True)
    portal, _pool = _open(home)
    seeded = seed(lambda: SqlUnitOfWork(portal.database), datetime.now(UTC), "x", days=12, per_day=26, kept_days=6, any_day=True)
    _complain(portal, seeded)
    while portal.index_worker.step():
        pass
    portal.close()
    return home, seeded


def _complain(portal: Portal, seeded: Seeded) -> None:
    """Rate four answers poor, so that there are new complaints whatever the day and the hour: the rest depends on them."""
    left = 4
    for person in seeded.people.values():
        for chat in portal.conversations.list(person) if person.name != "mei" and left else ():
            shown = portal.conversations.transcript(person, chat.id)
            done = [each.message for each in shown if each.message.author is Author.ASSISTANT and each.message.status is MessageStatus.DONE]
            if done:
                portal.feedback.rate(person, done[-1].id, -1, "These rates are old")
                left -= 1
                break
    assert not left, "too few people have chats"


def page_module(name: str) -> ModuleType:
    """Import the page by its path in the address."""
    modules = {entry.path: entry.module for entry in ENTRIES}
    return import_module(f"pages.{modules.get(name, f'account.{name}')}")


def page(
    name: str, stage: Stage, user: User | None = None, language: str = "en", query: Mapping[str, str] | None = None
) -> AppTest:
    """Draw the page once for this person. query: of its address."""
    drawn = AppTest.from_function(
        _draw, default_timeout=60, kwargs={"name": name, "portal": stage.portal, "user": user or stage.admin, "language": language}
    )
    for parameter, value in (query or {}).items():
        drawn.query_params[parameter] = value
    return drawn.run()


def _draw(name: str, portal: object, user: object, language: str) -> None:
    from pages.shell import words
    from tests.pages.seeded import page_module

    words.choose(language)
    page_module(name).render(portal, user)


def as_role(user: User, role: Role) -> User:
    return replace(user, role=role)


def texts(drawn: AppTest) -> str:
    """Return all the Markdown, captions and HTML of a page, to look for words in."""
    parts = [*drawn.markdown, *drawn.caption, *drawn.text]
    return "\n".join([*(part.value for part in parts), *(part.value for part in drawn.html)])
