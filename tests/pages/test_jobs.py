from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core.people.records import Role
from core.tasks.records import JobState
from data.unit_of_work import SqlUnitOfWork
from tests.pages.drawn import House, build
from tests.pages.seeded import texts


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = build(tmp_path)
    made.portal.job_worker.close()
    with SqlUnitOfWork(made.portal.database) as work:
        work.jobs.remove_ended(datetime.now(UTC) + timedelta(days=1))
        work.commit()
    yield made
    made.portal.close()


def drawn(house: House, state: str = "all") -> AppTest:
    def page(portal: object, user: object) -> None:
        from pages.system import jobs

        jobs.render(portal, user)

    test = AppTest.from_function(page, default_timeout=60, args=(house.portal, house.person(Role.ADMIN)))
    test.session_state["jobs-state"] = state
    return test.run()


def add(house: House, kind: str = "backup.make", **payload: str) -> str:
    with SqlUnitOfWork(house.portal.database) as work:
        job = house.portal.jobs.add(work, kind, payload)
        work.commit()
    return job.id


def test_a_waiting_job_is_shown_and_cancelled(house: House) -> None:
    job = add(house, name="nightly copy")
    page = drawn(house, "active")
    assert not page.exception
    assert "Create a backup" in texts(page) and "nightly copy" in texts(page) and "Waiting" in texts(page)
    page.button(f"cancel-{job}").click().run()
    assert house.portal.jobs.get(house.person(Role.ADMIN), job).state is JobState.CANCELLED


def test_a_failed_job_says_why_and_is_tried_again(house: House) -> None:
    job = add(house, "index.rebuild")
    admin = house.person(Role.ADMIN)
    house.portal.jobs.cancel(admin, job)
    page = drawn(house)
    assert "Cancelled" in texts(page)
    page.button(f"retry-{job}").click().run()
    assert house.portal.jobs.get(admin, job).state is JobState.WAITING


def test_a_name_in_a_job_is_text(house: House) -> None:
    add(house, name="![x](http://evil.example/x.png)")
    assert "![x](http" not in texts(drawn(house, "active"))


def test_every_kind_that_runs_has_a_name(house: House) -> None:
    from pages.system.jobs import KINDS

    assert house.portal.job_worker.kinds <= KINDS.keys()
