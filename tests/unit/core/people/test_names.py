from __future__ import annotations

from datetime import UTC, datetime

import pytest

from core.people.names import NameWarning, name_warnings
from core.people.records import Role, User

NOW = datetime(2026, 11, 29, tzinfo=UTC)


def person(name: str, full_name: str, role: Role = Role.ANALYST) -> User:
    return User(name, name, full_name, role, "", True, NOW)


def odd(full_name: str, *others: User, role: Role = Role.ANALYST) -> set[NameWarning]:
    return set(name_warnings([person("eve", full_name, role), *others]).get("eve", ()))


@pytest.mark.parametrize(
    "name",
    [
        *("Admin", "ADMIN", "admin ", "A d m i n", "Admin.", "Аdmin", "Adm1n", "Ａｄｍｉｎ", "Ádmin"),
        *("Administrator", "管理员", "Manager", "System", "GLM Portal"),
    ],
)
def test_a_name_that_reads_like_a_role_is_marked(name: str) -> None:
    assert NameWarning.ROLE in odd(name)


@pytest.mark.parametrize(("name", "role"), [("Admin", Role.ADMIN), ("Manager", Role.MANAGER), ("Analyst", Role.ANALYST)])
def test_a_person_may_be_called_what_the_person_is(name: str, role: Role) -> None:
    assert odd(name, role=role) == set()


@pytest.mark.parametrize(
    "name", ["Ana Costa", "ana costa", "Ana  Costa", "Аna Соsta", "Ana Cοsta", "Anà Costa", "AnaCosta", "ana", "Ana C0sta"]
)
def test_a_name_that_reads_like_somebody_elses_is_marked(name: str) -> None:
    assert NameWarning.ANOTHER in odd(name, person("ana", "Ana Costa"))


def test_both_of_two_people_of_one_name_are_marked() -> None:
    found = name_warnings([person("wei1", "王伟"), person("wei2", "王伟"), person("li", "李娜")])
    assert found == {"wei1": {NameWarning.ANOTHER}, "wei2": {NameWarning.ANOTHER}}


@pytest.mark.parametrize("name", ["Аdam", "Ivan Петров", "Νina", "Аlехander"])
def test_a_name_of_scripts_that_look_alike_is_marked(name: str) -> None:
    assert NameWarning.SCRIPTS in odd(name)


@pytest.mark.parametrize(
    "name",
    [
        *("Ana Costa", "Иван Петров", "Νίκος Παπαδόπουλος", "王伟", "Wang 王伟", "田中 Tanaka", "김 Kim"),
        *("José Ñuñez", "O'Brien-Smith", "Müller 2", "", "محمد"),
    ],
)
def test_ordinary_names_are_not_marked(name: str) -> None:
    assert odd(name, person("other", "Somebody Else")) == set()
