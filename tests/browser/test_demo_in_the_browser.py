"""The demo works: an empty portal is filled over REST, and each role can take the first step of its story."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from bench.portal_parts.portal import Measured, running_portal
from demo.company import PEOPLE, fill, write_platforms
from demo.scripted_model import scripted_model
from demo.stories import STORIES, sign_in
from samples.chromium import PATIENCE_MS


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Measured]:
    home = tmp_path_factory.mktemp("home")
    model = scripted_model(word_s=0)
    write_platforms(home / "platforms.yaml", model.url)
    with running_portal(home, start_s=180, PORTAL_PLATFORMS=str(home / "platforms.yaml")) as running:
        fill(running, questions=3)
        yield running
    model.close()


def test_each_role_takes_its_first_step(chromium: Browser, portal: Measured) -> None:
    context = chromium.new_context(viewport={"width": 1280, "height": 800}, locale="en-GB")
    context.set_default_timeout(PATIENCE_MS)
    expect.set_options(timeout=PATIENCE_MS)
    page = context.new_page()
    for story in STORIES.values():
        sign_in(page, portal.url, story.person)
        story.steps[0](page)
    context.close()


def test_every_role_has_a_story() -> None:
    role_of = {name: role for name, _full_name, role, _group in PEOPLE}
    assert {role: role_of[story.person] for role, story in STORIES.items()} == {role: role for role in STORIES}
