"""Downloads as jobs, with the hubs' own clients against a server on this machine."""

from __future__ import annotations

import hashlib
import os
import random
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from core.errors import Conflict, InvalidInput, NotAllowed, NotFound, Unavailable
from core.models.catalogue import Hub, Repository
from core.people.records import User
from core.tasks.handlers import JobKind
from core.tasks.jobs import Jobs
from core.tasks.records import Job, JobState
from core.tasks.worker import JobWorker
from core.transfers.downloads import Downloads, best_offer, staging_name
from core.transfers.imports import Imports
from core.transfers.model_folder import ModelFolder
from core.unit_of_work import UnitOfWorkFactory
from models.gguf.catalogue import Catalogue
from models.hub.client import HubClient
from samples.servers.models.model_hub import HubServer, model_hub
from tests.unit.core.conftest import SERVER, MovingClock

Working = Callable[[Sequence[JobKind]], JobWorker]
REPOSITORY = "unsloth/GLM-4-9B-0414-GGUF"
NAME = "GLM-4-9B-0414-Q4_K_M.gguf"
CONTENT = random.Random(7).randbytes(4_000_000)
WAIT_S = 120.0


@pytest.fixture
def server() -> Iterator[HubServer]:
    with model_hub() as hub:
        hub.repositories[REPOSITORY] = {NAME: CONTENT, "README.md": b"# GLM"}
        yield hub


@pytest.fixture
def folder(tmp_path: Path) -> ModelFolder:
    (tmp_path / "models").mkdir()
    return ModelFolder(tmp_path / "models")


Opened = Callable[..., Downloads]


@pytest.fixture
def opened(
    server: HubServer, folder: ModelFolder, unit_of_work: UnitOfWorkFactory, jobs: Jobs, clock: MovingClock, working: Working
) -> Opened:
    """Open the service and a worker that runs its jobs."""

    def make(*, run: bool = True, offline: bool = False, folder: ModelFolder = folder) -> Downloads:
        hub = HubClient({**os.environ, **server.environment()})
        made = Downloads(unit_of_work, jobs, Catalogue(), hub, folder, clock, SERVER, offline=offline)
        if run:
            working(made.job_kinds())
        return made

    return make


def until(condition: Callable[[], object]) -> None:
    end = time.monotonic() + WAIT_S
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def ended(jobs: Jobs, admin: User, job: Job) -> Job:
    until(lambda: jobs.get(admin, job.id).ended)
    return jobs.get(admin, job.id)


def test_a_model_of_the_catalogue_arrives_verified(opened: Opened, jobs: Jobs, admin: User, folder: ModelFolder) -> None:
    downloads = opened()
    job = ended(jobs, admin, downloads.get(admin, "GLM-4-9B-0414"))
    assert job.state is JobState.DONE, job.error
    path = folder.path / "GLM-4-9B-0414-GGUF" / NAME
    assert path.read_bytes() == CONTENT and job.result["path"] == str(path) and job.result["verified"] is True
    assert not (folder.path / ".downloads" / staging_name(job)).exists()


def test_split_files_and_the_projector_come_together(
    opened: Opened, jobs: Jobs, admin: User, server: HubServer, folder: ModelFolder
) -> None:
    parts = {f"Q8_0/glm-Q8_0-0000{n}-of-00002.gguf": CONTENT[: n * 100_000] for n in (1, 2)}
    server.repositories["maker/GLM-V GGUF".replace(" ", "-")] = {**parts, "mmproj-F16.gguf": CONTENT[:50_000], "other-Q4_0.gguf": b"x"}
    downloads = opened()
    repository = Repository(Hub.MODELSCOPE, "maker/GLM-V-GGUF")
    assert [model.name for model in downloads.models(admin, repository)] == ["glm-Q8_0", "other-Q4_0"]
    job = ended(jobs, admin, downloads.get_file(admin, repository, "glm-Q8_0"))
    assert job.state is JobState.DONE, job.error
    assert {path.name for path in (folder.path / "GLM-V-GGUF").iterdir()} == {
        "glm-Q8_0-00001-of-00002.gguf", "glm-Q8_0-00002-of-00002.gguf", "mmproj-F16.gguf",
    }  # fmt: skip


def test_a_wrong_hash_deletes_the_file_and_says_so(opened: Opened, jobs: Jobs, admin: User, server: HubServer, folder: ModelFolder) -> None:
    server.announced[NAME] = "0" * 64
    downloads = opened()
    job = ended(jobs, admin, downloads.get(admin, "glm-4-9b-0414", "Q4_K_M"))
    assert job.state is JobState.FAILED and "SHA-256 differs" in str(job.error) and "deleted" in str(job.error)
    assert not list(folder.path.rglob("*.gguf")) and job.tries == 1
    server.announced.clear()
    downloads.retry(admin, job.id)
    assert ended(jobs, admin, job).state is JobState.DONE


def test_too_little_space_is_refused_before_a_byte_is_loaded(
    opened: Opened, jobs: Jobs, admin: User, server: HubServer, tmp_path: Path
) -> None:
    downloads = opened(folder=ModelFolder(tmp_path / "models", free=lambda path: 1_000_000))
    job = ended(jobs, admin, downloads.get(admin, "glm-4-9b-0414"))
    assert job.state is JobState.FAILED and "has 1.0 MB free, but 4.0 MB are needed" in str(job.error)
    assert server.ranges == []


def test_a_pause_keeps_what_arrived_and_resuming_goes_on(
    opened: Opened, jobs: Jobs, admin: User, server: HubServer, folder: ModelFolder
) -> None:
    server.gate, server.hold_at = threading.Event(), 2_000_000
    downloads = opened()
    job = downloads.get(admin, "glm-4-9b-0414")
    until(lambda: jobs.get(admin, job.id).progress > 0.2)
    assert downloads.pause(admin, job.id).paused
    (listed,) = downloads.transfers(admin)
    assert listed.paused and listed.progress > 0
    with pytest.raises(Conflict, match="being downloaded already"):
        downloads.get(admin, "glm-4-9b-0414")
    until(lambda: not any(thread.name == "job-model.download" for thread in threading.enumerate()))
    server.gate.set()
    downloads.resume(admin, job.id)
    assert ended(jobs, admin, job).state is JobState.DONE
    assert server.ranges[-1] > 0 and (folder.path / "GLM-4-9B-0414-GGUF" / NAME).read_bytes() == CONTENT


def test_a_cancel_deletes_what_arrived(opened: Opened, jobs: Jobs, admin: User, server: HubServer, folder: ModelFolder) -> None:
    server.gate, server.hold_at = threading.Event(), 2_000_000
    downloads = opened()
    job = downloads.get(admin, "glm-4-9b-0414")
    until(lambda: folder.staged_bytes(staging_name(job)) > 1_000_000)
    downloads.cancel(admin, job.id)
    assert ended(jobs, admin, job).state is JobState.CANCELLED
    until(lambda: folder.staged_bytes(staging_name(job)) == 0)
    assert downloads.transfers(admin) == []


def test_twenty_interruptions_end_with_the_right_file(
    opened: Opened, jobs: Jobs, admin: User, server: HubServer, folder: ModelFolder, working: Working
) -> None:
    """Ten cut connections and ten stops of the portal, at random points."""
    seed = random.Random(23)
    content = seed.randbytes(24_000_000)
    server.repositories[REPOSITORY][NAME] = content
    downloads = opened(run=False)
    job = downloads.get(admin, "glm-4-9b-0414")
    stops = 0
    while stops < 10:
        # The content stops a little after where the last run left off, so that each stop meets a download that is under way.
        server.gate = threading.Event()
        arrived = folder.staged_bytes(staging_name(job))
        server.hold_at = arrived + seed.randrange(300_000, 900_000)
        worker = working(downloads.job_kinds())
        until(lambda before=arrived: folder.staged_bytes(staging_name(job)) > before)  # type: ignore[misc]
        worker.close()
        server.gate.set()
        stops += 1
        assert jobs.get(admin, job.id).state is JobState.WAITING
    server.gate = None
    server.cuts = deque(seed.randrange(300_000, 1_200_000) for _ in range(10))
    working(downloads.job_kinds())
    found = ended(jobs, admin, job)
    assert found.state is JobState.DONE, found.error
    path = folder.path / "GLM-4-9B-0414-GGUF" / NAME
    assert hashlib.sha256(path.read_bytes()).digest() == hashlib.sha256(content).digest()
    assert not server.cuts and len(server.ranges) == 21 and len(set(server.ranges)) > 15


def test_a_file_that_is_there_already_is_not_loaded_again(
    opened: Opened, jobs: Jobs, admin: User, server: HubServer, folder: ModelFolder
) -> None:
    target = folder.path / "GLM-4-9B-0414-GGUF" / NAME
    target.parent.mkdir()
    target.write_bytes(CONTENT)
    downloads = opened()
    assert ended(jobs, admin, downloads.get(admin, "glm-4-9b-0414")).state is JobState.DONE
    assert server.ranges == []
    target.write_bytes(b"another")
    job = ended(jobs, admin, downloads.get(admin, "glm-4-9b-0414"))
    assert job.state is JobState.FAILED and "another file named GLM-4-9B-0414-GGUF/" in str(job.error)
    assert target.read_bytes() == b"another"


def test_offline_never_touches_the_network(opened: Opened, admin: User, server: HubServer) -> None:
    downloads = opened(offline=True)
    with pytest.raises(Unavailable, match="works offline"):
        downloads.get(admin, "glm-4-9b-0414")
    with pytest.raises(Unavailable, match="works offline"):
        downloads.models(admin, Repository(Hub.HUGGING_FACE, REPOSITORY))
    assert downloads.catalogue(admin) and server.requests == []


def test_only_who_runs_models_downloads(opened: Opened, ana: User) -> None:
    downloads = opened(run=False)
    for call in (
        lambda: downloads.get(ana, "glm-4-9b-0414"),
        lambda: downloads.catalogue(ana),
        lambda: downloads.transfers(ana),
        lambda: downloads.models(ana, Repository(Hub.HUGGING_FACE, REPOSITORY)),
        lambda: downloads.cancel(ana, "x"),
    ):
        with pytest.raises(NotAllowed):
            call()


@pytest.mark.parametrize("name", ["", "glm", "../x", "a/b/c", "a/..", "https://huggingface.co/a/b", "a b/c"])
def test_what_is_no_repository_is_refused_with_an_example(opened: Opened, admin: User, server: HubServer, name: str) -> None:
    with pytest.raises(InvalidInput, match="owner/name"):
        opened(run=False).models(admin, Repository(Hub.HUGGING_FACE, name))
    assert server.requests == []


def test_the_offer_that_is_recommended_is_the_largest_that_fits_well(opened: Opened, admin: User) -> None:
    downloads = opened(run=False)
    offers = downloads.offers(admin, Catalogue().entry("glm-5.2"))
    assert best_offer(offers) is None and [each.quantization.size_bytes for each in offers] == sorted(
        each.quantization.size_bytes for each in offers
    )


# From a folder of the server


@pytest.fixture
def imports(folder: ModelFolder, unit_of_work: UnitOfWorkFactory, jobs: Jobs, clock: MovingClock, working: Working) -> Imports:
    made = Imports(unit_of_work, jobs, folder, clock, SERVER)
    working(made.job_kinds())
    return made


def test_a_model_is_imported_with_all_its_parts(imports: Imports, jobs: Jobs, admin: User, folder: ModelFolder, tmp_path: Path) -> None:
    source = tmp_path / "智谱 模型"
    source.mkdir()
    for number in (1, 2):
        (source / f"glm 🚀-0000{number}-of-00002.gguf").write_bytes(CONTENT[: number * 1000])
    (found,) = imports.models(admin, source)
    job = ended(jobs, admin, imports.start(admin, source, found.model.name))
    assert job.state is JobState.DONE, job.error
    assert (folder.path / "glm 🚀-00002-of-00002.gguf").read_bytes() == CONTENT[:2000]
    again = ended(jobs, admin, imports.start(admin, source, found.model.name))
    assert again.state is JobState.FAILED and "another file named" in str(again.error)


def test_a_link_out_of_the_folder_is_not_imported(imports: Imports, admin: User, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    (tmp_path / "secret.gguf").write_bytes(b"x")
    (source / "a.gguf").symlink_to(tmp_path / "secret.gguf")
    (source / "b.gguf").symlink_to(source / "nothing")
    errors = {each.model.name: str(each.error) for each in imports.models(admin, source)}
    assert "leads out of its folder" in errors["a"] and "broken link" in errors["b"]
    with pytest.raises(InvalidInput, match="leads out"):
        imports.start(admin, source, "a")


def test_a_folder_that_is_not_there_is_said(imports: Imports, admin: User, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no folder"):
        imports.models(admin, tmp_path / "nowhere")
    with pytest.raises(InvalidInput, match="begins with a slash"):
        imports.models(admin, Path("models"))
