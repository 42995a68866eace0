from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core.errors import NotAllowed, StoredError
from core.models.memory_records import MemoryPlan
from core.models.records import ModelFile
from core.people.records import Role
from core.tasks.records import JobState, Json
from core.transfers.downloads import DOWNLOAD
from data.unit_of_work import SqlUnitOfWork
from samples.fakes import MODEL, FakeRouter, served
from tests.pages.seeded import Stage, as_role, page, stage, texts

ROOMY = MemoryPlan("GPU", 6_200_000_000, 5_000_000_000, 300_000_000, 40_000_000_000, 48_000_000_000, 8192, 16, gpus=1)


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Stage]:
    room = stage(tmp_path, empty=True)
    room.portal.job_worker.close()
    yield room
    room.portal.close()


def planned(made: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let this machine have a GPU of 48 GB."""

    def plan(entry: object, quantization: object) -> MemoryPlan:
        return replace(ROOMY, weights_bytes=quantization.size_bytes)  # type: ignore[attr-defined]

    monkeypatch.setattr(made.portal.downloads.hub_catalogue, "plan", plan)


def jobs(made: Stage) -> list[tuple[str, str]]:
    return [(str(job.payload["name"]), job.state.value) for job in made.portal.downloads.transfers(made.admin)]


def started(made: Stage, **payload: Json) -> str:
    """Add a download that runs."""
    with SqlUnitOfWork(made.portal.database) as work:
        whole: dict[str, Json] = {"name": "GLM-4-9B-0414 Q4_K_M", "repository": "a/b", "hub": "huggingface", "size_bytes": 6_200_000_000}
        job = made.portal.jobs.add(work, DOWNLOAD, {**whole, **payload}, server=made.portal.downloads.server)
        work.jobs.claim("w", made.portal.downloads.server, [DOWNLOAD], job.run_after, job.run_after)
        work.jobs.renew(
            job.id, "w", job.run_after, 0.66,
            {"step": "download", "done_bytes": 4_100_000_000, "total_bytes": 6_200_000_000, "bytes_per_second": 52_000_000},
        )  # fmt: skip
        work.commit()
    return job.id


def test_only_admins_get_models(made: Stage) -> None:
    manager = as_role(made.admin, Role.MANAGER)
    assert page("get_model", made, manager).exception
    with pytest.raises(NotAllowed):
        made.portal.downloads.catalogue(manager)


def test_a_card_says_what_fits_and_one_button_starts_the_download(made: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    planned(made, monkeypatch)
    drawn = page("get_model", made)
    assert not drawn.exception
    shown = texts(drawn)
    assert "GLM-4.7-Flash" in shown and "Fits with 16 chats of 8,192 tokens." in shown and "Best for this machine" in shown
    assert "Too large by" in shown, "a model of 450 GB does not fit 48 GB"
    drawn.selectbox(key="known-quantization-glm-4-9b-0414").set_value("Q4_K_M").run()
    button = drawn.button(key="known-get-glm-4-9b-0414")
    assert button.label == "Download 6.2 GB"
    button.click().run()
    assert jobs(made) == [("GLM-4-9B-0414 Q4_K_M", "waiting")]
    assert drawn.button(key="known-get-glm-4-9b-0414").disabled


def test_what_does_not_fit_cannot_be_downloaded(made: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    planned(made, monkeypatch)
    assert page("get_model", made).button(key="known-get-glm-5").disabled


def test_the_filters_leave_what_fits_and_what_is_searched(made: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    planned(made, monkeypatch)
    drawn = page("get_model", made)
    drawn.segmented_control(key="getmodel-fits").set_value("fits").run()
    assert "GLM-5.2" not in texts(drawn) and "GLM-4-9B-0414" in texts(drawn)
    drawn.selectbox(key="getmodel-kind").set_value("vectors").run()
    assert "bge-m3" in texts(drawn) and "GLM-4-9B-0414" not in texts(drawn)
    drawn.text_input(key="getmodel-search").set_value("no such thing").run()
    assert "No model matches" in texts(drawn)


def test_a_running_download_shows_how_far_how_fast_and_how_long(made: Stage) -> None:
    job = started(made)
    drawn = page("get_model", made)
    assert "4.1 GB of 6.2 GB · 52.0 MB/s · 40 s left" in texts(drawn)
    drawn.button(key=f"transfer-pause-{job}").click().run()
    assert "paused" in texts(drawn)
    drawn.button(key=f"transfer-resume-{job}").click().run()
    drawn.button(key=f"transfer-cancel-{job}").click().run()
    assert jobs(made) == []


def test_a_failed_download_says_why_and_is_tried_again_or_dismissed(made: Stage) -> None:
    job = started(made)
    words = "The file {file} is not what the hub announced (SHA-256 differs), so it was deleted. Try again."
    wrong = StoredError(words, {"file": "a.gguf"})
    with SqlUnitOfWork(made.portal.database) as work:
        work.jobs.end(job, "w", JobState.FAILED, datetime.now(UTC), {}, wrong)
        work.commit()
    drawn = page("models", made)
    assert "so it was deleted" in texts(drawn), "the Models page shows downloads too"
    drawn = page("get_model", made)
    drawn.button(key=f"transfer-retry-{job}").click().run()
    assert jobs(made)[0][1] == "waiting"
    drawn.button(key=f"transfer-cancel-{job}").click().run()
    assert jobs(made) == []


def test_a_model_that_is_on_disk_is_opened_instead_of_downloaded(made: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    planned(made, monkeypatch)
    path = Path("/models/GLM-4-9B-0414-GGUF/GLM-4-9B-0414-Q4_K_M.gguf")
    made.pool.on_disk = [ModelFile(path, "GLM-4-9B-0414-Q4_K_M", 6_200_000_000, "glm4", "Q4_K_M", 9_400_000_000, 32_768, 40)]
    drawn = page("get_model", made)
    drawn.selectbox(key="known-quantization-glm-4-9b-0414").set_value("Q4_K_M").run()
    assert drawn.button(key="known-open-glm-4-9b-0414").label == "Open in Models"


def test_offline_says_so_and_starts_nothing(made: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(made.portal.downloads, "offline", True)
    drawn = page("get_model", made)
    assert "Offline mode is on." in texts(drawn)
    assert all(button.disabled for button in drawn.button if (button.key or "").startswith("known-get"))


def test_while_only_the_guide_is_loaded_admins_are_offered_a_model(made: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    hint = "The built-in guide answers questions about the portal. Get a GLM for everything else."
    assert hint not in texts(page("models", made))
    monkeypatch.setattr(FakeRouter, "models", lambda _router: [served(replace(MODEL, guide=True))])
    assert hint in texts(page("models", made)) and hint in texts(page("chat", made))
    assert hint not in texts(page("chat", made, as_role(made.admin, Role.ANALYST)))


def test_the_page_speaks_chinese(made: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    planned(made, monkeypatch)
    shown = texts(page("get_model", made, language="zh"))
    assert "可容纳 16 个对话，每个 8,192 个词元。" in shown and "2025 年 4 月 20 日之前" in shown


def test_a_machine_without_room_offers_what_would_fit_after_unloading(made: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    full = replace(ROOMY, free_bytes=1_000_000_000)
    monkeypatch.setattr(made.portal.downloads.hub_catalogue, "plan", lambda entry, quantization: full)
    drawn: AppTest = page("get_model", made)
    assert "Fits once 10.5 GB more are free. Unload a model first." in texts(drawn)
    assert not drawn.button(key="known-get-glm-4-9b-0414").disabled
