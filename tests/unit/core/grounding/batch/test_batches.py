"""Batches: untrusted ZIP files, every image once, pause, cancel, retry."""

from __future__ import annotations

import csv
import io
import struct
import threading
import time
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from core.errors import Busy, Conflict, InvalidInput, ModelFailed, NotAllowed, NotFound
from core.grounding.batch.archives import MAX_IMAGES, images_in
from core.grounding.batch.batch_run import GroundBatchRun
from core.grounding.batch.batches import GroundBatches
from core.grounding.exports.exports import ExportFormat
from core.grounding.finder import Finder
from core.grounding.records import ItemState
from core.images.images import Images
from core.inference.detection import DetectionRequest
from core.inference.gateway import Gateway
from core.people.records import Permission, User
from core.privacy.filter import PrivacyFilter
from core.privacy.records import Action, PrivacyPolicy
from core.tasks.handlers import JobKind
from core.tasks.jobs import Jobs
from core.tasks.records import JobState
from core.tasks.worker import JobWorker
from core.unit_of_work import UnitOfWorkFactory
from samples.fakes import FakeRouter
from tests.unit.core.conftest import MovingClock
from tests.unit.core.grounding.conftest import PNG, FakeDetection, FakeDetectors, FakeReader

Start = Callable[[Sequence[JobKind]], JobWorker]


def zipped(files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return made.getvalue()


def image(number: int) -> bytes:
    return PNG + b"%d" % number


@pytest.fixture
def batches(unit_of_work: UnitOfWorkFactory, jobs: Jobs, clock: MovingClock) -> GroundBatches:
    return GroundBatches(unit_of_work, jobs, clock, PrivacyFilter(unit_of_work, clock), most_bytes=100_000, most_total=1_000_000)


@pytest.fixture
def run(unit_of_work: UnitOfWorkFactory, clock: MovingClock, detectors: FakeDetectors, router: FakeRouter) -> GroundBatchRun:
    images = Images(FakeReader(), 1_000_000)
    gateway = Gateway(unit_of_work, router, clock, images=images, detectors=detectors)
    return GroundBatchRun(unit_of_work, images, Finder(unit_of_work, gateway, images, clock), clock, longest_wait_s=0.05)


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.02)


def state(batches: GroundBatches, user: User, batch_id: str) -> JobState | None:
    job = batches.get(user, batch_id)[1]
    return None if job is None else job.state


def test_every_image_is_done_once_and_has_its_own_state(
    batches: GroundBatches, run: GroundBatchRun, working: Start, detectors: FakeDetectors, ana: User
) -> None:
    archive = zipped({f"aisle-7/{n}.png": image(n) for n in range(8)} | {"notes.txt": b"hello", "__MACOSX/x": b"", "a/.DS_Store": b""})
    batch, _, counts = batches.start(ana, "stock.zip", [("stock.zip", archive), ("last.png", image(99))], ["a car"])
    assert counts.total == 10
    working(run.job_kinds())
    until(lambda: state(batches, ana, batch.id) is JobState.DONE)
    counts = batches.get(ana, batch.id)[2]
    assert (counts.done, counts.failed, counts.boxes, counts.empty, counts.waiting) == (9, 1, 9, 0, 0)
    assert len(detectors.asked) == 9
    [failed] = batches.items(ana, batch.id, ItemState.FAILED)
    assert failed.name == "notes.txt" and "is not an image" in str(failed.error)
    assert [each.name for each in batches.items(ana, batch.id)][:2] == ["0.png", "1.png"]
    assert batches.export(ana, batch.id, ExportFormat.CSV).count(b"\r\n") == 10


def test_personal_data_stays_out_of_an_export(
    batches: GroundBatches, run: GroundBatchRun, working: Start, ana: User, unit_of_work: UnitOfWorkFactory
) -> None:
    batch, *_ = batches.start(ana, "b", [("ana.costa@example.com.png", image(1))], ["the badge of ana.costa@example.com"])
    working(run.job_kinds())
    until(lambda: state(batches, ana, batch.id) is JobState.DONE)
    assert b"ana.costa@" in batches.export(ana, batch.id, ExportFormat.JSON)
    with unit_of_work() as work:
        work.policies.put(PrivacyPolicy(output=Action.MASK))
        work.commit()
    for format in ExportFormat:
        assert b"ana.costa@" not in batches.export(ana, batch.id, format)


def test_failed_images_are_tried_again_alone(
    batches: GroundBatches, run: GroundBatchRun, working: Start, detectors: FakeDetectors, ana: User
) -> None:
    detectors.answers["finder"] = ModelFailed("finder failed.")
    batch, *_ = batches.start(ana, "b", [("1.png", image(1)), ("2.png", image(2))], ["a car"])
    working(run.job_kinds())
    until(lambda: state(batches, ana, batch.id) is JobState.DONE)
    assert batches.get(ana, batch.id)[2].failed == 2
    detectors.answers["finder"] = None
    batches.retry(ana, batch.id)
    until(lambda: state(batches, ana, batch.id) is JobState.DONE)
    counts = batches.get(ana, batch.id)[2]
    assert (counts.done, counts.failed, counts.empty) == (2, 0, 2)
    assert len(batches.items(ana, batch.id, empty=True)) == 2
    with pytest.raises(Conflict, match="No image of this batch failed"):
        batches.retry(ana, batch.id)


def test_a_busy_model_is_asked_again(
    batches: GroundBatches, run: GroundBatchRun, working: Start, detectors: FakeDetectors, ana: User
) -> None:
    detectors.answers["finder"] = Busy("finder is busy.", retry_after=0.01)
    batch, *_ = batches.start(ana, "b", [("1.png", image(1))], ["a car"])
    working(run.job_kinds())
    until(lambda: len(detectors.asked) > 1)
    detectors.answers["finder"] = None
    until(lambda: state(batches, ana, batch.id) is JobState.DONE)
    assert batches.get(ana, batch.id)[2].done + batches.get(ana, batch.id)[2].failed == 1


def test_a_paused_batch_goes_on_where_it_was_and_a_cancelled_one_keeps_what_it_found(
    batches: GroundBatches, run: GroundBatchRun, working: Start, detectors: FakeDetectors, ana: User
) -> None:
    opened, ask = threading.Event(), detectors.detect

    def slow(request: DetectionRequest) -> FakeDetection:
        opened.wait(0.3)
        return ask(request)

    detectors.detect = slow  # type: ignore[method-assign]
    batch, *_ = batches.start(ana, "b", [(f"{n}.png", image(n)) for n in range(60)], ["a car"])
    working(run.job_kinds())
    until(lambda: batches.get(ana, batch.id)[2].done >= 2)
    batches.pause(ana, batch.id)
    until(lambda: state(batches, ana, batch.id) is JobState.WAITING)
    batches.resume(ana, batch.id)
    until(lambda: batches.get(ana, batch.id)[2].done >= 6)
    batches.cancel(ana, batch.id)
    until(lambda: state(batches, ana, batch.id) is JobState.CANCELLED)
    counts = batches.get(ana, batch.id)[2]
    assert counts.done >= 6 and counts.done + counts.waiting == 60
    opened.set()
    batches.retry(ana, batch.id)
    until(lambda: state(batches, ana, batch.id) is JobState.DONE)
    names = [found["image"] for found in csv.DictReader(io.StringIO(batches.export(ana, batch.id, ExportFormat.CSV).decode("utf-8-sig")))]
    assert sorted(names) == sorted(f"{n}.png" for n in range(60)), "each once"


def test_others_find_no_batch_and_rights_are_asked(batches: GroundBatches, ana: User, bo: User) -> None:
    batch, *_ = batches.start(ana, "b", [("1.png", image(1))], ["a car"])
    for act in (batches.get, batches.items, batches.pause, batches.resume, batches.cancel, batches.retry, batches.remove):
        with pytest.raises(NotFound):
            act(bo, batch.id)
    assert batches.list(bo) == [] and [each[0] for each in batches.list(ana)] == [batch]
    with pytest.raises(Conflict, match="still running"):
        batches.remove(ana, batch.id)
    batches.cancel(ana, batch.id)
    batches.remove(ana, batch.id)
    assert batches.list(ana) == []


def broken(archive: bytes) -> bytes:
    return archive[: len(archive) // 2]


def lying() -> bytes:
    """Return an entry that says it has 10 bytes and unpacks to 50 MB."""
    archive = bytearray(zipped({"bomb.png": b"\0" * 50_000_000}))
    for mark, at in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        place = archive.index(mark) + at
        archive[place : place + 4] = struct.pack("<I", 10)
    return bytes(archive)


@pytest.mark.parametrize(
    ("archive", "words"),
    [
        (lambda: b"PK\x03\x04" + b"x" * 500, "is not a ZIP file, or is damaged"),
        (lambda: broken(zipped({"1.png": PNG * 50})), "is not a ZIP file, or is damaged"),
        (lambda: zipped({"folder/": b""}), "holds no files"),
        (lambda: zipped({f"{n}.png": b"" for n in range(MAX_IMAGES + 1)}), "at most 2000 images"),
        (lambda: zipped({f"{n}.png": b"\0" * 90_000 for n in range(20)}), "holds more than 1 MB"),
    ],
    ids=["garbage", "cut", "empty", "many", "large"],
)
def test_archives_that_cannot_be_used_are_refused_with_a_sentence(archive: Callable[[], bytes], words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        list(images_in("evil.zip", archive(), 100_000, 1_000_000))


@pytest.mark.parametrize(
    "archive",
    [lying, lambda: zipped({"a.png": b"\0" * 5_000_000}), lambda: zipped({"a.png": b"x" * 100_001}, zipfile.ZIP_STORED)],
    ids=["lying", "bomb", "long"],
)
def test_an_entry_is_never_unpacked_beyond_the_limit(archive: Callable[[], bytes]) -> None:
    assert [content for _, content in images_in("evil.zip", archive(), 100_000, 1_000_000)] == [b""]


def test_paths_in_archives_are_names_only() -> None:
    names = ["../../etc/passwd.png", "/abs/a.png", "C:\\x\\b.png", "..", "a/\u202egnp.c"]
    found = [name for name, _ in images_in("evil.zip", zipped(dict.fromkeys(names, PNG)), 100_000, 1_000_000)]
    assert found[:3] == ["passwd.png", "a.png", "b.png"] and not any("/" in name or "\\" in name for name in found)


def test_a_batch_needs_files_phrases_and_rights(batches: GroundBatches, ana: User) -> None:
    with pytest.raises(InvalidInput, match="Choose images"):
        batches.start(ana, "b", [], ["a car"])
    with pytest.raises(InvalidInput, match="at most 20 phrases"):
        batches.start(ana, "b", [("1.png", PNG)], [str(n) for n in range(10_000)])
    for permission in (Permission.UPLOAD, Permission.DETECT):
        with pytest.raises(NotAllowed):
            batches.start(replace(ana, withheld=frozenset({permission})), "b", [("1.png", PNG)], ["a car"])
