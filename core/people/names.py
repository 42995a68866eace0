"""Full names that may be meant to be taken for somebody else: marked where people are listed, never refused."""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping
from enum import StrEnum

from core.people.records import Role, User


class Doubt(StrEnum):
    """What is odd about a full name."""

    ROLE = "role"
    """It reads like a role that the person does not have."""
    ANOTHER = "another"
    """It reads like the full name or the user name of somebody else."""
    SCRIPTS = "scripts"
    """It mixes scripts whose letters look alike."""


_ROLE_WORDS: Mapping[Role, tuple[str, ...]] = {
    Role.ANALYST: ("analyst", "分析师"),
    Role.MANAGER: ("manager", "经理", "主管"),
    Role.ADMIN: ("admin", "administrator", "管理员", "系统管理员"),
}
_OFFICES = ("system", "support", "helpdesk", "moderator", "root", "glmportal", "portal", "系统", "客服")
"""Whom nobody is."""
_ALIKE = str.maketrans(
    {
        **dict(zip("асеорхуіјѕӏԁвнкмт", "aceopxyijsldbhkmt", strict=True)),
        **dict(zip("αεικνορτυχ", "aeiknoptux", strict=True)),
        **dict(zip("01|!", "oiii", strict=True)),
        "l": "i",
    }
)
"""Letters that look like Latin ones, in small letters, of Cyrillic and Greek; digits and strokes that are typed for letters."""
_LOOK_ALIKE = frozenset({"LATIN", "CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE", "COPTIC", "LISU"})
"""Scripts with letters that look like those of another. Latin beside Chinese, Japanese or Korean is how many people are written."""


def doubts(people: Iterable[User]) -> dict[str, frozenset[Doubt]]:
    """What is odd about the names of these people, by id; those with nothing odd are left out."""
    everybody = list(people)
    owners: defaultdict[str, set[str]] = defaultdict(set)
    for person in everybody:
        owners[look(person.full_name)].add(person.id)
        owners[look(person.name)].add(person.id)
    found = {person.id: frozenset(_of(person, owners)) for person in everybody}
    return {id: odd for id, odd in found.items() if odd}


def _of(person: User, owners: Mapping[str, set[str]]) -> Iterable[Doubt]:
    seen = look(person.full_name)
    if seen in _OFFICE_LOOKS or any(seen in looks for role, looks in _ROLE_LOOKS.items() if role is not person.role):
        yield Doubt.ROLE
    if seen and owners[seen] - {person.id}:
        yield Doubt.ANOTHER
    if len(_scripts(person.full_name) & _LOOK_ALIKE) > 1:
        yield Doubt.SCRIPTS


def look(name: str) -> str:
    """What a name looks like at a glance: equal for names that a reader would take for one another."""
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", name).casefold())
    return "".join(each for each in plain.translate(_ALIKE) if each.isalnum())


def _scripts(name: str) -> set[str]:
    """The scripts of its letters, by the first word of their Unicode names."""
    return {unicodedata.name(each, "").partition(" ")[0] for each in unicodedata.normalize("NFKC", name) if each.isalpha()}


_ROLE_LOOKS = {role: frozenset(map(look, words)) for role, words in _ROLE_WORDS.items()}
_OFFICE_LOOKS = frozenset(map(look, _OFFICES))
