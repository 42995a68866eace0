"""The library of prompts: who sees, changes, shares and publishes what."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.access.groups import Groups
from core.errors import Conflict, InvalidInput, NotAllowed, NotFound
from core.people.accounts import Accounts
from core.people.records import Role, User
from core.privacy.filter import PrivacyFilter
from core.prompts import library as module
from core.prompts.blanks import blanks
from core.prompts.library import PromptLibrary
from core.prompts.records import MAX_TEXT_LENGTH, MAX_VERSIONS, Share
from core.unit_of_work import UnitOfWorkFactory
from tests.unit.core.conftest import MovingClock
from tests.unit.core.operations.test_retention import audit


@pytest.fixture
def library(unit_of_work: UnitOfWorkFactory, clock: MovingClock) -> PromptLibrary:
    return PromptLibrary(unit_of_work, PrivacyFilter(unit_of_work, clock), clock)


@pytest.fixture
def bob(accounts: Accounts) -> User:
    return accounts.add(None, "bob", Role.ANALYST, password="correct horse", full_name="Bob", group="Risk")


@pytest.fixture
def eve(accounts: Accounts) -> User:
    return accounts.add(None, "eve", Role.ANALYST, password="correct horse", group="Sales")


def titles(library: PromptLibrary, user: User, words: str = "") -> list[str]:
    return [each.prompt.title for each in library.list(user, words)]


def test_a_prompt_is_seen_by_its_owner_then_its_group_then_everyone(
    library: PromptLibrary, ana: User, bob: User, eve: User, admin: User
) -> None:
    prompt = library.add(ana, "Meeting", "Summarize the meeting with [client].")
    assert (titles(library, ana), titles(library, bob), titles(library, eve)) == (["Meeting"], [], [])
    with pytest.raises(NotFound):
        library.get(bob, prompt.id)
    library.share(ana, prompt.id, Share.GROUP)
    assert (titles(library, bob), titles(library, eve)) == (["Meeting"], [])
    assert [(each.owner_name, each.own) for each in library.list(bob)] == [("Ana Costa", False)]
    with pytest.raises(NotAllowed):
        library.share(ana, prompt.id, Share.EVERYONE)
    mine = library.add(admin, "House style", "Rewrite in our style.")
    library.share(admin, mine.id, Share.EVERYONE)
    assert titles(library, eve) == ["House style"] and titles(library, ana) == ["Meeting", "House style"]
    with pytest.raises(NotAllowed):
        library.share(eve, mine.id, Share.OWN)
    with pytest.raises(NotAllowed):
        library.change(bob, prompt.id, text="Mine now")
    with pytest.raises(NotAllowed):
        library.remove(bob, prompt.id)
    library.remove(ana, prompt.id)
    assert titles(library, bob) == ["House style"]


def test_someone_who_leaves_the_group_no_longer_sees_its_prompts(
    library: PromptLibrary, unit_of_work: UnitOfWorkFactory, clock: MovingClock, ana: User, bob: User, admin: User
) -> None:
    prompt = library.add(ana, "Meeting", "Summarize.")
    library.share(ana, prompt.id, Share.GROUP)
    assert titles(library, replace(bob, group="")) == []
    groups = Groups(unit_of_work, clock)
    group = next(each.group for each in groups.all(admin) if each.group.name == "Risk")
    groups.change(admin, group.id, name="Market risk")
    assert titles(library, replace(bob, group="Market risk")) == ["Meeting"]


def test_every_change_is_a_version_and_old_ones_can_be_restored(library: PromptLibrary, ana: User, clock: MovingClock) -> None:
    prompt = library.add(ana, "Meeting", "One")
    assert library.change(ana, prompt.id, text="Two").version == 2
    assert library.change(ana, prompt.id, text="Two").version == 2, "nothing changed"
    restored = library.restore(ana, prompt.id, 1)
    assert (restored.text, restored.version) == ("One", 3)
    assert [each.text for each in library.versions(ana, prompt.id)] == ["One", "Two", "One"]
    for number in range(MAX_VERSIONS):
        library.change(ana, prompt.id, text=f"Text {number}")
    kept = library.versions(ana, prompt.id)
    assert len(kept) == MAX_VERSIONS and kept[0].text == f"Text {MAX_VERSIONS - 1}"
    with pytest.raises(NotFound):
        library.restore(ana, prompt.id, 1)


def test_the_search_wants_all_words_in_title_text_or_owner(library: PromptLibrary, ana: User) -> None:
    library.add(ana, "Meeting notes", "Summarize for [client]")
    library.add(ana, "Translate", "Into 中文, please")
    assert titles(library, ana, "CLIENT meeting") == ["Meeting notes"]
    assert titles(library, ana, "中文") == ["Translate"] and titles(library, ana, "nothing") == []
    assert len(titles(library, ana, "ana costa")) == 2


def test_starters_are_chosen_by_managers_of_the_group_and_by_admins(
    library: PromptLibrary, unit_of_work: UnitOfWorkFactory, clock: MovingClock, ana: User, bob: User, eve: User, admin: User
) -> None:
    prompt = library.add(ana, "Meeting", "Summarize.")
    with pytest.raises(NotAllowed):
        library.set_starter(ana, prompt.id, True)
    library.share(ana, prompt.id, Share.GROUP)
    with pytest.raises(NotAllowed):
        library.set_starter(ana, prompt.id, True)
    groups = Groups(unit_of_work, clock)
    group = next(each.group for each in groups.all(admin) if each.group.name == "Risk")
    groups.change(admin, group.id, managers=["bob"])
    library.set_starter(bob, prompt.id, True)
    everyones = library.add(admin, "Style", "Rewrite.")
    library.share(admin, everyones.id, Share.EVERYONE)
    library.set_starter(admin, everyones.id, True)
    assert [each.title for each in library.starters(bob)] == ["Meeting", "Style"]
    assert [each.title for each in library.starters(eve)] == ["Style"]
    assert not library.share(ana, prompt.id, Share.OWN).starter, "what nobody else sees is no starter"


def test_prompts_are_bounded(library: PromptLibrary, ana: User, monkeypatch: pytest.MonkeyPatch) -> None:
    for title, text in (("", "x"), ("x", "  "), ("x", "x" * (MAX_TEXT_LENGTH + 1)), ("x", "\ud800")):
        with pytest.raises(InvalidInput):
            library.add(ana, title, text)
    monkeypatch.setattr(module, "MAX_PROMPTS", 1)
    library.add(ana, "One", "x")
    with pytest.raises(Conflict):
        library.add(ana, "Two", "x")


@pytest.mark.parametrize(("text", "found"), [
    ("Dear [client], about {{ topic }} and [client]", ["client", "topic"]),
    ("See [the page](https://example.com) and [] and {{}}", []),
    ("[a\nb] {{客户}}", ["客户"]),
])  # fmt: skip
def test_blanks_are_found_and_links_are_none(text: str, found: list[str]) -> None:
    assert blanks(text) == found


def test_sharing_publishing_and_starters_are_in_the_audit_log(
    library: PromptLibrary, unit_of_work: UnitOfWorkFactory, ana: User, admin: User
) -> None:
    prompt = library.add(ana, "Meeting", "Summarize.")
    library.share(ana, prompt.id, Share.GROUP)
    library.share(ana, prompt.id, Share.OWN)
    mine = library.add(admin, "Style", "Rewrite.")
    library.share(admin, mine.id, Share.EVERYONE)
    library.set_starter(admin, mine.id, True)
    library.remove(admin, mine.id)
    actions = [event.action for event in audit(unit_of_work) if event.action.startswith("prompt.")]
    assert sorted(actions) == ["prompt.publish", "prompt.remove", "prompt.share", "prompt.starter", "prompt.withdraw"]
