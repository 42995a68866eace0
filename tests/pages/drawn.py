"""Draw pages with AppTest over a portal whose models are fakes."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from streamlit.testing.v1 import AppTest

from bootstrap.portal import Portal, build_portal
from core.chat.turns import TurnOptions
from core.people.records import Role, User
from samples.fakes import FakePool, FakeRouter
from settings import Settings
from tests.pages import scanned_once as scanned_once
from tests.pages.seeded import NoHasher

PASSWORD = "a long password"


@dataclass
class House:
    """A portal with one person of each role, named after it."""

    portal: Portal
    router: FakeRouter

    def person(self, role: Role) -> User:
        found = self.portal.accounts.credentials(role.value)
        assert found is not None
        return found.user

    def ask(self, user: User, text: str, conversation_id: str | None = None) -> str:
        """Ask and wait for the end of the answer; returns the conversation's id."""
        conversation_id = conversation_id or self.portal.conversations.new(user).id
        turn = self.portal.turns.start(user, conversation_id, text, TurnOptions(), f"r-{text[:40].encode().hex()}")
        self.settle(user, turn.id)
        return conversation_id

    def settle(self, user: User, turn_id: str) -> None:
        while (running := self.portal.turns.find(user, turn_id)) is not None:
            running.wait_finished(5)


def build(home: Path, hasher: Any = None) -> House:
    """Close its portal after use."""
    if hasher is None:
        shutil.copytree(_template(), home, dirs_exist_ok=True)
        return _open(home, NoHasher())
    house = _open(home, hasher)
    _add_people(house.portal)
    return house


def _open(home: Path, hasher: Any) -> House:
    router = FakeRouter()
    return House(build_portal(Settings(home=home, model_titles=False), pool=FakePool(), router=router, hasher=hasher), router)


def _add_people(portal: Portal) -> None:
    for role in Role:
        portal.accounts.add(None, role.value, role, password=PASSWORD, full_name=role.value.title())


@cache
def _template() -> Path:
    """Return a home with its people, to be copied."""
    folder = Path(tempfile.mkdtemp(prefix="portal-drawn-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    house = _open(folder, NoHasher())
    _add_people(house.portal)
    house.portal.close()
    return folder


def home(house: House, user: User | None) -> AppTest:
    """Run the whole of Home.py once for someone with this session."""
    portal = replace(house.portal, sessions=_Held(house.portal.sessions, user))
    return AppTest.from_function(_home, default_timeout=60, args=(portal,)).run()


def _home(portal: object) -> None:
    from pages.shell.navigation import run

    run(lambda: portal)


class _Held:
    """Sessions that know one person, whatever the cookie: AppTest has no cookies."""

    def __init__(self, sessions: Any, user: User | None) -> None:
        self._sessions = sessions
        self._user = user

    def user(self, _token: str | None) -> User | None:
        return self._user

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sessions, name)
