"""Who gets which variant: each person always the same, in the planned parts."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from core.inference.offers import Split
from core.people.records import Role, User

SPLIT = Split(experiment_id="e1", subject="old", other="new", salt="s1")
NOW = datetime(2026, 1, 1, tzinfo=UTC)
PEOPLE = [User(f"u{n}", f"u{n}", "", Role.ANALYST, "risk" if n % 2 else "legal", True, NOW) for n in range(2_000)]


def test_a_person_stays_with_a_variant() -> None:
    assert [SPLIT.side(each) for each in PEOPLE] == [replace(SPLIT).side(each) for each in PEOPLE]


def test_the_parts_are_as_planned() -> None:
    sides = [replace(SPLIT, share=40, to_b=25).side(each) for each in PEOPLE]
    assert abs(sides.count(None) / 2_000 - 0.6) < 0.04
    assert abs(sides.count("b") / (2_000 - sides.count(None)) - 0.25) < 0.05


def test_raising_the_share_of_b_takes_b_from_nobody() -> None:
    small, large = ({each.id for each in PEOPLE if replace(SPLIT, to_b=part).side(each) == "b"} for part in (10, 50))
    assert small < large


def test_another_salt_splits_people_otherwise() -> None:
    same = sum(SPLIT.side(each) == replace(SPLIT, salt="s2").side(each) for each in PEOPLE)
    assert abs(same / 2_000 - 0.5) < 0.05


def test_only_the_groups_take_part_and_all_of_them_after_a_promotion() -> None:
    risk = replace(SPLIT, groups=frozenset({"risk"}))
    assert {risk.side(each) for each in PEOPLE if each.group == "legal"} == {None}
    promoted = replace(risk, promoted=True, share=1)
    assert {promoted.side(each) for each in PEOPLE if each.group == "risk"} == {"b"}
    assert {promoted.side(each) for each in PEOPLE if each.group == "legal"} == {None}
