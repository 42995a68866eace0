"""The Datasets page: an empty list, the form with what a build gives, and the card of a version."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from core.people.permissions import Permission
from core.people.records import Role
from core.review.datasets.records import DatasetSettings, Format, Source
from core.tasks.records import ACTIVE
from tests.pages.seeded import Stage, as_role, page, stage, texts

KTO = DatasetSettings(format=Format.KTO, sources=(Source.GOOD, Source.POOR))


@pytest.fixture(scope="module")
def seeded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    room = stage(tmp_path_factory.mktemp("home") / "home")
    assert room.seeded is not None
    for person in room.seeded.people.values():
        room.portal.training_consent.choose(person, True)
    yield room
    room.portal.close()


def built(seeded: Stage, dataset_id: str) -> None:
    """Wait for the end of the build."""
    deadline = time.monotonic() + 120
    while (info := seeded.portal.datasets.get(seeded.admin, dataset_id)).job is not None and info.job.state in ACTIVE:
        assert time.monotonic() < deadline, "the build did not end"
        time.sleep(0.05)


def test_a_portal_without_datasets_says_what_to_do(tmp_path: Path) -> None:
    room = stage(tmp_path / "home", empty=True)
    try:
        drawn = page("datasets", room)
        assert not drawn.exception and "No dataset yet" in texts(drawn) and "agreed on their" in texts(drawn)
        drawn.button(key="blank-datasets-action").click().run()
        assert drawn.button(key="dataset-build").disabled, "there is nothing to build"
        assert page("datasets", room, as_role(room.admin, Role.MANAGER)).exception
    finally:
        room.portal.close()


def test_where_nobody_agreed_the_form_says_how_people_do(tmp_path: Path) -> None:
    room = stage(tmp_path / "home")
    try:
        drawn = page("datasets", room, query={"dataset": "new"})
        assert not drawn.exception and "People agree on their Account page." in texts(drawn)
        assert drawn.button(key="dataset-build").disabled
    finally:
        room.portal.close()


def test_a_dataset_is_defined_built_and_shown(seeded: Stage) -> None:
    drawn = page("datasets", seeded, query={"dataset": "new"})
    assert not drawn.exception and "may be used" in texts(drawn) and "What you get" in texts(drawn)
    drawn.text_input(key="dataset-name").set_value("Ratings *of* all").run()
    drawn.button_group(key="dataset-format").set_value(Format.KTO).run()
    assert "each marked good or poor" in texts(drawn) and "<dt>completion</dt>" in texts(drawn)
    drawn.button(key="dataset-build").click().run()
    assert not drawn.exception
    [info] = seeded.portal.datasets.list(seeded.admin)
    assert (info.dataset.name, info.dataset.settings.format) == ("Ratings *of* all", Format.KTO)
    built(seeded, info.dataset.id)
    shown = page("datasets", seeded, query={"dataset": info.dataset.id})
    [version] = seeded.portal.datasets.get(seeded.admin, info.dataset.id).versions
    assert not shown.exception and version.version.files[0].sha256 in texts(shown) and "KTO, TRL" in texts(shown)
    assert any("Ratings \\*of\\* all" in each.label for each in page("datasets", seeded).button)
    chinese = page("datasets", seeded, language="zh", query={"dataset": info.dataset.id})
    assert not chinese.exception and "构成方式" in texts(chinese)

    reader = replace(seeded.admin, withheld=frozenset({Permission.EXPORT}))
    drawn = page("datasets", seeded, reader, query={"dataset": info.dataset.id})
    assert not drawn.exception and not [each for each in drawn.button if each.key in ("dataset-edit", "dataset-remove", "dataset-delete")]


def test_a_version_says_which_of_its_lines_were_withdrawn(seeded: Stage) -> None:
    made = seeded.portal.datasets.add(seeded.admin, "Withdrawn", KTO)
    seeded.portal.dataset_builds.start(seeded.admin, made.id)
    built(seeded, made.id)
    assert seeded.seeded is not None
    for person in seeded.seeded.people.values():
        seeded.portal.training_consent.choose(person, False)
    drawn = page("datasets", seeded, query={"dataset": made.id})
    assert not drawn.exception and "withdrawn since" in str([each.value for each in drawn.warning])
    drawn.button(key="dataset-delete").click().run()
    assert not drawn.exception and not seeded.portal.datasets.get(seeded.admin, made.id).versions
    assert "There is nothing here" in texts(page("datasets", seeded, query={"dataset": "0" * 32}))
