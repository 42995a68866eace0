from __future__ import annotations

import pytest

from core.errors import Conflict, InvalidInput, NotAllowed, NotFound
from core.people.accounts import Accounts
from core.people.records import Role, User
from core.review.judging.guidelines import ReviewGuidelines
from core.review.judging.records import MAX_GUIDELINES_LENGTH
from core.unit_of_work import UnitOfWorkFactory
from tests.unit.core.conftest import MovingClock


@pytest.fixture
def guidelines(unit_of_work: UnitOfWorkFactory, clock: MovingClock) -> ReviewGuidelines:
    return ReviewGuidelines(unit_of_work, clock)


@pytest.fixture
def sara(accounts: Accounts) -> User:
    return accounts.add(None, "sara", Role.REVIEWER, password="correct horse battery")


def test_each_change_is_a_new_version_with_who_and_when(guidelines: ReviewGuidelines, admin: User, sara: User, clock: MovingClock) -> None:
    assert guidelines.current(sara) is None
    first = guidelines.save(admin, "# Facts\nCheck the date.\n", 0)
    clock.forward(seconds=60)
    second = guidelines.save(admin, "# Facts\nCheck the date and the source.", 1)
    assert (first.version, first.text, second.version) == (1, "# Facts\nCheck the date.", 2)
    assert second.saved_at > first.saved_at and second.author_name == admin.name
    assert guidelines.current(sara) == second
    assert guidelines.versions(sara) == [second, first]
    assert guidelines.version(sara, 1) == first
    with pytest.raises(NotFound, match="no version 9"):
        guidelines.version(sara, 9)


def test_saving_the_same_text_makes_no_version_and_empty_text_withdraws_them(guidelines: ReviewGuidelines, admin: User) -> None:
    first = guidelines.save(admin, "Be kind", 0)
    assert guidelines.save(admin, " Be kind ", 1) == first
    withdrawn = guidelines.save(admin, "", 1)
    assert (withdrawn.version, withdrawn.text) == (2, "")


def test_an_edit_of_an_older_version_is_refused(guidelines: ReviewGuidelines, admin: User) -> None:
    guidelines.save(admin, "One", 0)
    with pytest.raises(Conflict, match="Another person has changed this"):
        guidelines.save(admin, "Two", 0)
    with pytest.raises(InvalidInput, match="20000 characters"):
        guidelines.save(admin, "x" * (MAX_GUIDELINES_LENGTH + 1), 1)


def test_reviewers_read_the_guidelines_and_cannot_write_them(guidelines: ReviewGuidelines, ana: User, sara: User) -> None:
    with pytest.raises(NotAllowed):
        guidelines.current(ana)
    with pytest.raises(NotAllowed):
        guidelines.save(sara, "Mine", 0)
