"""Build versions of datasets in background jobs.

A version with all its files is written in one transaction at the end, so a build that is killed leaves nothing behind.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from hashlib import sha256
from uuid import uuid4

from core.clock import Clock
from core.errors import InvalidInput, NotFound
from core.people.audit_events import record
from core.people.records import User
from core.programs.on_behalf import noted_requester, requester_of
from core.review.datasets.access import GONE, readable, require_to_make
from core.review.datasets.lines import dataset_info
from core.review.datasets.records import Dataset, DatasetFile, DatasetSettings, DatasetVersion, Layout
from core.review.datasets.selection import Line, Selected, Selection
from core.review.datasets.stored import read_settings, write_settings
from core.review.training_consent import agreed_people
from core.tasks.handlers import JobKind, Report
from core.tasks.jobs import Jobs
from core.tasks.records import Job, Json
from core.unit_of_work import UnitOfWork, UnitOfWorkFactory

KIND = "dataset.build"
PART_BYTES = 256 * 1024
_SELECTING = 0.9
"""The share of the progress that reading and cleaning take."""


def key_of(dataset_id: str) -> str:
    """Return the key that lets only one build of a dataset run at a time."""
    return f"dataset:{dataset_id}"


class DatasetBuilds:
    def __init__(self, unit_of_work: UnitOfWorkFactory, jobs: Jobs, selection: Selection, clock: Clock) -> None:
        self._unit_of_work = unit_of_work
        self._jobs = jobs
        self._selection = selection
        self._clock = clock

    def job_kinds(self) -> list[JobKind]:
        return [JobKind(KIND, self._run, most_tries=3, resumable=True)]

    def start(self, user: User, dataset_id: str) -> Job:
        """Begin to build the next version with the present settings. Raises NotFound, and Conflict while a build runs."""
        require_to_make(user)
        with self._unit_of_work() as work:
            dataset = readable(work, user, work.datasets.get(dataset_id))
            require_to_make(user, dataset.settings)
            payload = {"dataset_id": dataset_id, "settings": write_settings(dataset.settings), **noted_requester(work, user)}
            job = self._jobs.add(work, KIND, payload, owner=user, key=key_of(dataset_id))
            record(work, self._clock(), user.id, "dataset.build", dataset.name)
            work.commit()
        self._jobs.wake()
        return job

    def _run(self, job: Job, report: Report) -> Mapping[str, Json]:
        with self._unit_of_work() as work:
            if (done := work.datasets.version(job.id)) is not None:  # The process died between the two last commits.
                return _result(done)
            user = requester_of(work, job, self._clock())
        stored = job.payload["settings"]
        assert isinstance(stored, Mapping), "start() wrote it"
        settings = read_settings(stored)
        require_to_make(user, settings)
        selected = self._selection.select(settings, lambda part: report(_SELECTING * part))
        report(_SELECTING)
        return _result(self._write(job, user, settings, selected))

    def _write(self, job: Job, user: User, settings: DatasetSettings, selected: Selected) -> DatasetVersion:
        with self._unit_of_work() as work:
            dataset = work.datasets.for_change(str(job.payload["dataset_id"]))
            if dataset is None:
                raise NotFound(GONE)
            version = self._add(work, job, user, dataset, settings, selected)
            if gone := lines_gone(work, [version.id]).get(version.id):
                work.datasets.remove_version(version.id)
                selected = selected.without(gone)
                version = self._add(work, job, user, dataset, settings, selected)
            for name, content, lines in _files(settings, selected.lines):
                parts = list(content)
                file = DatasetFile(
                    id=uuid4().hex, name=name, lines=lines, size_bytes=sum(map(len, parts)), sha256=_hash(parts),
                )  # fmt: skip
                work.datasets.add_file(version.id, file, parts)
            details = {"version": str(version.number), "lines": str(version.report.kept)}
            record(work, self._clock(), user.id, "dataset.built", dataset.name, **details)
            work.commit()
        return version

    def _add(
        self, work: UnitOfWork, job: Job, user: User, dataset: Dataset, settings: DatasetSettings, selected: Selected
    ) -> DatasetVersion:
        if not selected.lines:
            raise InvalidInput("No example is left, so there is nothing to write. Choose more sources, or loosen the filters.")
        number = dataset.versions + 1
        version = DatasetVersion(
            id=job.id, dataset_id=dataset.id, number=number, settings=settings, report=selected.report(), built_at=self._clock(),
            built_by=user.id,
        )  # fmt: skip
        work.datasets.save(replace(dataset, versions=number))
        work.datasets.add_version(version, selected.sources())
        return version


def lines_gone(work: UnitOfWork, version_ids: Sequence[str]) -> dict[str, frozenset[int]]:
    """Return, for each version, the lines that may no longer be used: chat or rating are gone, or the person no longer agrees."""
    agreed = agreed_people(work, work.users.all())
    refused = work.datasets.lines_of(version_ids, [each for each in work.datasets.people_of(version_ids) if each not in agreed])
    gone = work.datasets.sources_gone(version_ids)
    return {each: frozenset(gone.get(each, ())) | frozenset(refused.get(each, ())) for each in version_ids}


def _files(settings: DatasetSettings, lines: Sequence[Line]) -> Iterator[tuple[str, Iterator[bytes], int]]:
    parts = {"train.jsonl": [line for line in lines if not line.held_out], "holdout.jsonl": [line for line in lines if line.held_out]}
    written = [name for name, content in parts.items() if content]
    for name in written:
        yield name, _parts(parts[name]), len(parts[name])
    if settings.layout is Layout.LLAMA_FACTORY:
        yield "dataset_info.json", iter([dataset_info("dataset", settings, written)]), 0


def _parts(lines: Sequence[Line]) -> Iterator[bytes]:
    """Join lines to parts of one size, as they are stored."""
    part = bytearray()
    for line in lines:
        part += line.content
        while len(part) >= PART_BYTES:
            yield bytes(part[:PART_BYTES])
            del part[:PART_BYTES]
    if part:
        yield bytes(part)


def _hash(parts: Sequence[bytes]) -> str:
    digest = sha256()
    for part in parts:
        digest.update(part)
    return digest.hexdigest()


def _result(version: DatasetVersion) -> dict[str, Json]:
    return {"dataset_id": version.dataset_id, "number": version.number, "lines": version.report.kept}
