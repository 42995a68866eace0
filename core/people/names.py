"""Mark full names that may be meant to impersonate someone. They are never refused."""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping
from enum import StrEnum

from core.people.records import Role, User


class NameWarning(StrEnum):
    """What is suspicious about a full name."""

    ROLE = "role"
    """It suggests a role that the person does not have."""
    ANOTHER = "another"
    """It resembles the full name or user name of someone else."""
    SCRIPTS = "scripts"
    """It mixes letters from different scripts that look alike."""


_ROLE_WORDS: Mapping[str, tuple[str, ...]] = {
    Role.ANALYST: ("analyst", "分析师"),
    Role.REVIEWER: ("reviewer", "审核员", "评审员"),
    Role.MANAGER: ("manager", "经理", "主管"),
    Role.ADMIN: ("admin", "administrator", "管理员", "系统管理员"),
}
_OFFICES = ("system", "support", "helpdesk", "moderator", "root", "glmportal", "portal", "系统", "客服")
"""Offices that no account holds."""
_CONFUSABLES = str.maketrans(
    {
        **dict(zip("асеорхуіјѕӏԁвнкмт", "aceopxyijsldbhkmt", strict=True)),
        **dict(zip("αεικνορτυχ", "aeiknoptux", strict=True)),
        **dict(zip("01|!", "oiii", strict=True)),
        "l": "i",
    }
)
"""Cyrillic and Greek letters that look like lower-case Latin ones; digits and strokes that are typed in place of letters."""
_CONFUSABLE_SCRIPTS = frozenset({"LATIN", "CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE", "COPTIC", "LISU"})
"""Scripts whose letters look alike. Latin beside Chinese, Japanese or Korean is common in names."""


def name_warnings(people: Iterable[User]) -> dict[str, frozenset[NameWarning]]:
    """Return what is suspicious about these people's names, by id. Inconspicuous people are left out."""
    everybody = list(people)
    owners: defaultdict[str, set[str]] = defaultdict(set)
    for person in everybody:
        owners[skeleton(person.full_name)].add(person.id)
        owners[skeleton(person.name)].add(person.id)
    found = {person.id: frozenset(_of(person, owners)) for person in everybody}
    return {id: warnings for id, warnings in found.items() if warnings}


def _of(person: User, owners: Mapping[str, set[str]]) -> Iterable[NameWarning]:
    seen = skeleton(person.full_name)
    if seen in _OFFICE_SKELETONS or any(seen in skeletons for role, skeletons in _ROLE_SKELETONS.items() if role != person.role):
        yield NameWarning.ROLE
    if seen and owners[seen] - {person.id}:
        yield NameWarning.ANOTHER
    if len(_scripts(person.full_name) & _CONFUSABLE_SCRIPTS) > 1:
        yield NameWarning.SCRIPTS


def skeleton(name: str) -> str:
    """Reduce a name to its appearance: names that a reader would confuse become equal."""
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", name).casefold())
    return "".join(each for each in plain.translate(_CONFUSABLES) if each.isalnum())


def _scripts(name: str) -> set[str]:
    """Return the scripts of its letters, from the first word of their Unicode names."""
    return {unicodedata.name(each, "").partition(" ")[0] for each in unicodedata.normalize("NFKC", name) if each.isalpha()}


_ROLE_SKELETONS = {role: frozenset(map(skeleton, words)) for role, words in _ROLE_WORDS.items()}
_OFFICE_SKELETONS = frozenset(map(skeleton, _OFFICES))
