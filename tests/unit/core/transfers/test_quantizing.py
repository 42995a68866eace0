"""Quantizing as jobs, with a quantizer that copies."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from hashlib import sha256
from pathlib import Path

import pytest

from core.errors import Conflict, InvalidInput, NotAllowed
from core.models.quantization import Precision
from core.models.records import ModelFile
from core.people.audit_records import AuditFilter
from core.people.records import User
from core.tasks.handlers import JobKind
from core.tasks.jobs import Jobs
from core.tasks.records import Job, JobState
from core.tasks.worker import JobWorker
from core.transfers.model_folder import ModelFolder
from core.transfers.quantizing import Quantizing
from core.unit_of_work import UnitOfWorkFactory
from tests.unit.core.conftest import SERVER, MovingClock

WAIT_S = 120.0


class CopyingQuantizer:
    """Copies the first half. gate: waits for it in the middle."""

    def __init__(self) -> None:
        self.gate: threading.Event | None = None
        self.begun = threading.Event()

    def check(self, path: Path) -> ModelFile:
        if "Q8_0" in path.name:
            raise InvalidInput("{file} is already quantized.", file=path.name)
        return ModelFile(path=path, name=path.stem, size_bytes=path.stat().st_size, parameters=1000)

    def size(self, source: Path, precision: Precision, check: Callable[[], None]) -> int:
        return source.stat().st_size // 2

    def quantize(self, source: Path, target: Path, precision: Precision, progress: Callable[[float], None]) -> None:
        target.write_bytes(source.read_bytes()[: source.stat().st_size // 2])
        self.begun.set()
        while self.gate is not None and not self.gate.wait(0.02):
            progress(0.5)
        progress(1.0)


@pytest.fixture
def quantizer() -> CopyingQuantizer:
    return CopyingQuantizer()


@pytest.fixture
def folder(tmp_path: Path) -> ModelFolder:
    (tmp_path / "models" / "GLM").mkdir(parents=True)
    (tmp_path / "models" / "GLM" / "glm-F16.gguf").write_bytes(bytes(range(200)) * 10)
    return ModelFolder(tmp_path / "models")


@pytest.fixture
def quantizing(
    unit_of_work: UnitOfWorkFactory, jobs: Jobs, clock: MovingClock, folder: ModelFolder, quantizer: CopyingQuantizer,
    working: Callable[[Sequence[JobKind]], JobWorker],
) -> Quantizing:  # fmt: skip
    made = Quantizing(unit_of_work, jobs, folder, quantizer, clock, SERVER)
    working(made.job_kinds())
    return made


def ended(jobs: Jobs, admin: User, job: Job) -> Job:
    end = time.monotonic() + WAIT_S
    while not jobs.get(admin, job.id).ended:
        assert time.monotonic() < end
        time.sleep(0.02)
    return jobs.get(admin, job.id)


def test_the_result_stands_beside_its_source_with_its_hash(
    quantizing: Quantizing, jobs: Jobs, admin: User, folder: ModelFolder, unit_of_work: UnitOfWorkFactory
) -> None:
    source = folder.path / "GLM" / "glm-F16.gguf"
    job = ended(jobs, admin, quantizing.start(admin, source, Precision.Q4_K_M))
    assert job.state is JobState.DONE, job.error
    made = folder.path / "GLM" / "glm-Q4_K_M.gguf"
    digest = sha256(made.read_bytes()).hexdigest()
    assert job.result == {"path": str(made), "size_bytes": 1000, "sha256": {made.name: digest}, "source": str(source)}
    assert [each.id for each in quantizing.recent(admin)] == [job.id] and quantizing.made(admin, made) == job
    assert quantizing.made(admin, source) is None
    with unit_of_work() as work:
        noted = [(entry.event.action, entry.event.details) for entry in work.audit.find(AuditFilter(), 10)]
    assert noted[:2] == [
        ("model.quantized", {"source": "glm-F16.gguf", "sha256": digest}), ("model.quantize", {"source": "glm-F16.gguf"}),
    ]  # fmt: skip


def test_a_cancelled_one_leaves_nothing(
    quantizing: Quantizing, quantizer: CopyingQuantizer, jobs: Jobs, admin: User, folder: ModelFolder
) -> None:
    quantizer.gate = threading.Event()
    job = quantizing.start(admin, folder.path / "GLM" / "glm-F16.gguf", Precision.Q8_0)
    assert quantizer.begun.wait(WAIT_S)
    with pytest.raises(Conflict, match=r"glm-Q8_0\.gguf is being made already"):
        quantizing.start(admin, folder.path / "GLM" / "glm-F16.gguf", Precision.Q8_0)
    jobs.cancel(admin, job.id)
    assert ended(jobs, admin, job).state is JobState.CANCELLED
    deadline = time.monotonic() + WAIT_S
    while left := [path.name for path in folder.path.rglob("*.gguf") if path.name != "glm-F16.gguf"]:
        assert time.monotonic() < deadline, left
        time.sleep(0.02)


def test_what_cannot_be_done_is_refused_before_a_job_begins(quantizing: Quantizing, admin: User, folder: ModelFolder) -> None:
    source = folder.path / "GLM" / "glm-F16.gguf"
    (folder.path / "GLM" / "glm-Q6_K.gguf").write_bytes(b"x")
    with pytest.raises(Conflict, match=r"already has another file named GLM/glm-Q6_K|another file named glm-Q6_K\.gguf"):
        quantizing.start(admin, source, Precision.Q6_K)
    (folder.path / "glm-Q8_0.gguf").write_bytes(b"x")
    with pytest.raises(InvalidInput, match="already quantized"):
        quantizing.start(admin, folder.path / "glm-Q8_0.gguf", Precision.Q6_K)
    assert not quantizing.recent(admin)


def test_too_little_space_is_refused(
    unit_of_work: UnitOfWorkFactory, jobs: Jobs, clock: MovingClock, folder: ModelFolder, quantizer: CopyingQuantizer, admin: User
) -> None:
    full = ModelFolder(folder.path, free=lambda path: 100)
    with pytest.raises(Conflict, match=r"has 0\.0 MB free"):
        Quantizing(unit_of_work, jobs, full, quantizer, clock, SERVER).start(admin, folder.path / "GLM" / "glm-F16.gguf", Precision.Q8_0)


def test_only_those_who_run_models_may(quantizing: Quantizing, ana: User, folder: ModelFolder) -> None:
    with pytest.raises(NotAllowed):
        quantizing.start(ana, folder.path / "GLM" / "glm-F16.gguf", Precision.Q8_0)
