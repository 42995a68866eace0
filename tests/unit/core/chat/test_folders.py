from __future__ import annotations

import threading
from dataclasses import replace

import pytest

from core.chat.conversations import Conversations
from core.chat.folders import MAX_FOLDERS, MAX_NAME_LENGTH, Folders
from core.chat.ports import NO_FOLDER
from core.errors import Conflict, InvalidInput, NotFound
from core.people.accounts import Accounts
from core.people.records import Role, User
from core.unit_of_work import UnitOfWorkFactory
from tests.unit.core.conftest import MovingClock, NoIndex


@pytest.fixture
def folders(unit_of_work: UnitOfWorkFactory, clock: MovingClock) -> Folders:
    return Folders(unit_of_work, clock)


@pytest.fixture
def conversations(unit_of_work: UnitOfWorkFactory, clock: MovingClock) -> Conversations:
    return Conversations(unit_of_work, NoIndex(), clock)


@pytest.fixture
def bo(accounts: Accounts) -> User:
    return accounts.add(None, "bo", Role.ADMIN, password="correct horse")


def names(folders: Folders, user: User) -> list[str]:
    return [each.name for each in folders.list(user)]


def titles(conversations: Conversations, user: User, folder_id: str | None) -> list[str]:
    return [each.title for each in conversations.list(user, folder_id=folder_id)]


def test_folders_are_listed_by_name_whatever_the_case(folders: Folders, ana: User, bo: User) -> None:
    for name in ("Risk", "bonds", "Équité", "税"):
        folders.new(ana, name)
    folders.new(bo, "Another's")
    assert names(folders, ana) == ["bonds", "Risk", "Équité", "税"]


@pytest.mark.parametrize(
    ("written", "kept"), [(" Plans\tfor\n2027 ", "Plans for 2027"), ("a\x00b\u202ec", "a b c"), ("汉" * 60, "汉" * 60)]
)
def test_a_name_is_one_clean_line(folders: Folders, ana: User, written: str, kept: str) -> None:
    assert folders.new(ana, written).name == kept
    assert names(folders, ana) == [kept]


@pytest.mark.parametrize("name", ["", " \n ", "\x00", "x" * (MAX_NAME_LENGTH + 1), "x" * 10_000])
def test_an_unusable_name_is_refused(folders: Folders, ana: User, name: str) -> None:
    kept = folders.new(ana, "Kept")
    with pytest.raises(InvalidInput):
        folders.new(ana, name)
    with pytest.raises(InvalidInput):
        folders.rename(ana, kept.id, name)
    assert names(folders, ana) == ["Kept"]


def test_a_name_is_taken_once_for_each_person_whatever_its_case(folders: Folders, ana: User, bo: User) -> None:
    folders.new(ana, "Straße")
    other = folders.new(ana, "Other")
    for name in ("Straße", "STRASSE", " straße "):
        with pytest.raises(Conflict, match="already have a folder named Straße"):
            folders.new(ana, name)
        with pytest.raises(Conflict, match="already have a folder named Straße"):
            folders.rename(ana, other.id, name)
    assert names(folders, ana) == ["Other", "Straße"]
    folders.new(bo, "Straße")
    assert folders.rename(ana, other.id, "OTHER").name == "OTHER"


def test_two_folders_made_at_the_same_moment_do_not_get_the_same_name(folders: Folders, ana: User) -> None:
    refused: list[Conflict] = []
    together = threading.Barrier(4)

    def make() -> None:
        together.wait()
        try:
            folders.new(ana, "Plans")
        except Conflict as problem:
            refused.append(problem)

    threads = [threading.Thread(target=make) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert names(folders, ana) == ["Plans"] and len(refused) == 3


def test_there_is_an_end_to_folders(folders: Folders, ana: User) -> None:
    for n in range(MAX_FOLDERS):
        folders.new(ana, f"Folder {n}")
    with pytest.raises(Conflict, match="100 folders"):
        folders.new(ana, "One more")
    assert len(folders.list(ana)) == MAX_FOLDERS


def test_a_conversation_is_begun_in_a_folder_and_moved(folders: Folders, conversations: Conversations, ana: User) -> None:
    plans, other = folders.new(ana, "Plans"), folders.new(ana, "Other")
    talk = conversations.new(ana, "Talk", plans.id)
    assert conversations.get(ana, talk.id).folder_id == plans.id
    for folder_id in (other.id, other.id, None, plans.id):
        assert conversations.move(ana, talk.id, folder_id) == conversations.get(ana, talk.id) == replace(talk, folder_id=folder_id)
    assert (titles(conversations, ana, plans.id), titles(conversations, ana, other.id)) == (["Talk"], [])
    assert (titles(conversations, ana, NO_FOLDER), titles(conversations, ana, None)) == ([], ["Talk"])


def test_moving_leaves_its_position_among_the_newest(
    folders: Folders, conversations: Conversations, ana: User, clock: MovingClock
) -> None:
    plans = folders.new(ana, "Plans")
    first = conversations.new(ana, "First")
    clock.forward(minutes=1)
    conversations.new(ana, "Second")
    clock.forward(days=1)
    assert conversations.move(ana, first.id, plans.id).updated_at == first.updated_at
    assert titles(conversations, ana, None) == ["Second", "First"]


def test_renaming_a_conversation_leaves_it_in_its_folder(folders: Folders, conversations: Conversations, ana: User) -> None:
    plans = folders.new(ana, "Plans")
    talk = conversations.new(ana, "Talk", plans.id)
    assert conversations.rename(ana, talk.id, "Better").folder_id == plans.id
    assert titles(conversations, ana, plans.id) == ["Better"]


def test_a_removed_folder_leaves_its_conversations_in_none(folders: Folders, conversations: Conversations, ana: User) -> None:
    plans, other = folders.new(ana, "Plans"), folders.new(ana, "Other")
    conversations.new(ana, "Planned", plans.id)
    conversations.new(ana, "Elsewhere", other.id)
    folders.remove(ana, plans.id)
    assert names(folders, ana) == ["Other"]
    assert (titles(conversations, ana, NO_FOLDER), titles(conversations, ana, other.id)) == (["Planned"], ["Elsewhere"])
    with pytest.raises(NotFound):
        conversations.list(ana, folder_id=plans.id)


def test_somebody_elses_folder_is_as_one_that_is_not(
    folders: Folders, conversations: Conversations, ana: User, bo: User
) -> None:
    """Whatever the role: bo is an admin."""
    theirs = folders.new(ana, "Plans")
    talk = conversations.new(bo, "Mine")
    for folder_id in (theirs.id, "nobody's"):
        with pytest.raises(NotFound, match="This folder does not exist"):
            folders.rename(bo, folder_id, "Taken")
        with pytest.raises(NotFound, match="This folder does not exist"):
            folders.remove(bo, folder_id)
        with pytest.raises(NotFound, match="This folder does not exist"):
            conversations.list(bo, folder_id=folder_id)
        with pytest.raises(NotFound, match="This folder does not exist"):
            conversations.new(bo, "New", folder_id)
        with pytest.raises(NotFound, match="This folder does not exist"):
            conversations.move(bo, talk.id, folder_id)
    with pytest.raises(NotFound, match="This conversation does not exist"):
        conversations.move(ana, talk.id, theirs.id)
    assert names(folders, ana) == ["Plans"] and titles(conversations, bo, NO_FOLDER) == ["Mine"]
