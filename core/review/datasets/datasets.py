"""Make, change, list, read and delete datasets. Those who review all groups see all of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256
from uuid import uuid4

from core.characters import is_blank, one_line
from core.clock import Clock
from core.errors import Conflict, InvalidInput, NotFound, Unavailable
from core.operations.records import EVERY_GROUP, RetentionKind
from core.people.audit_events import record
from core.people.permissions import Permission, require
from core.people.records import User
from core.review.datasets.access import may_read, readable, require_to_make
from core.review.datasets.builds import KIND, lines_gone
from core.review.datasets.lines import line_of
from core.review.datasets.records import MAX_NAME, Dataset, DatasetFile, DatasetSettings, DatasetVersion, Report
from core.review.datasets.selection import Selection
from core.tasks.records import Job, JobFilter
from core.unit_of_work import UnitOfWork, UnitOfWorkFactory

MAX_SAMPLE = 1000
"""Most ratings that a preview reads."""
EXAMPLES = 5
MAX_JOBS = 200
NO_VERSION = "This version does not exist. It may have been deleted."


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionInfo:
    version: DatasetVersion
    built_by: str
    """The name of the person who built it."""
    gone: int
    """Lines of chats, ratings or consents that were withdrawn since. A new version leaves them out."""
    due_at: datetime | None = None
    """From when on a retention rule deletes it; None if none does, or if it is used."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetInfo:
    dataset: Dataset
    created_by: str
    versions: tuple[VersionInfo, ...]
    """The newest first."""
    job: Job | None
    """The last build that is not over, or that ended without a version."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What a build would give."""

    report: Report
    examples: tuple[str, ...]
    """Some of the lines."""
    read: int
    """How many of the newest ratings were counted."""
    total: int
    """How many ratings there are to read."""


class Datasets:
    def __init__(self, unit_of_work: UnitOfWorkFactory, selection: Selection, clock: Clock) -> None:
        self._unit_of_work = unit_of_work
        self._selection = selection
        self._clock = clock

    def list(self, user: User) -> Sequence[DatasetInfo]:
        """List the datasets that the person may read, the last changed first, each with its newest version alone."""
        require(user, Permission.REVIEW_FEEDBACK)
        with self._unit_of_work() as work:
            return _infos(work, [each for each in work.datasets.all() if may_read(work, user, each)], newest_only=True)

    def get(self, user: User, dataset_id: str) -> DatasetInfo:
        """Return one dataset with its versions. Raises NotFound."""
        require(user, Permission.REVIEW_FEEDBACK)
        with self._unit_of_work() as work:
            return _infos(work, [readable(work, user, work.datasets.get(dataset_id))])[0]

    def add(self, user: User, name: str, settings: DatasetSettings) -> Dataset:
        """Store a new dataset, of which nothing is built yet. Raises InvalidInput, Conflict."""
        require_to_make(user, settings)
        now = self._clock()
        with self._unit_of_work() as work:
            dataset = Dataset(
                id=uuid4().hex, name=_free_name(work, name), settings=settings, created_at=now, created_by=user.id, updated_at=now
            )  # fmt: skip
            work.datasets.add(dataset)
            record(work, now, user.id, "dataset.add", dataset.name)
            work.commit()
        return dataset

    def change(self, user: User, dataset_id: str, name: str | None = None, settings: DatasetSettings | None = None) -> Dataset:
        """Change the name or the settings for the next versions. Raises NotFound, InvalidInput, Conflict."""
        require_to_make(user, settings)
        now = self._clock()
        with self._unit_of_work() as work:
            dataset = readable(work, user, work.datasets.for_change(dataset_id))
            changed = replace(
                dataset, name=dataset.name if name is None else _free_name(work, name, dataset.id),
                settings=settings or dataset.settings, updated_at=now,
            )  # fmt: skip
            work.datasets.save(changed)
            record(work, now, user.id, "dataset.change", changed.name)
            work.commit()
        return changed

    def remove(self, user: User, dataset_id: str) -> None:
        """Delete a dataset with all versions. Raises NotFound, and Conflict if a version is used."""
        require_to_make(user)
        with self._unit_of_work() as work:
            dataset = readable(work, user, work.datasets.for_change(dataset_id))
            if used := [each for each in work.datasets.versions([dataset_id]) if each.used_by]:
                raise Conflict("Version {number} is used by {what}. Remove that note first.", number=used[0].number, what=used[0].used_by)
            work.datasets.remove(dataset_id)
            record(work, self._clock(), user.id, "dataset.remove", dataset.name)
            work.commit()

    def preview(self, user: User, settings: DatasetSettings, most: int = MAX_SAMPLE) -> Preview:
        """Count what a build would give, from the newest ratings, and show some of its lines."""
        require_to_make(user, settings)
        selected, read, total = self._selection.sample(settings, min(most, MAX_SAMPLE))
        lines = [line_of(each.example, settings).decode().strip() for each in selected.lines[-EXAMPLES:] if each.example is not None]
        return Preview(report=selected.report(), examples=tuple(lines[::-1]), read=read, total=total)

    def version(self, user: User, dataset_id: str, number: int) -> VersionInfo:
        """Return one version. Raises NotFound."""
        found = next((each for each in self.get(user, dataset_id).versions if each.version.number == number), None)
        if found is None:
            raise NotFound(NO_VERSION)
        return found

    def note_use(self, user: User, dataset_id: str, number: int, used_by: str) -> VersionInfo:
        """Note what was trained with a version, which then cannot be deleted; empty removes the note. Raises NotFound, InvalidInput."""
        require_to_make(user)
        text = one_line(used_by)
        if len(text) > 2 * MAX_NAME:
            raise InvalidInput("A note on use can have at most {limit} characters.", limit=2 * MAX_NAME)
        with self._unit_of_work() as work:
            dataset, version = _version(work, user, dataset_id, number)
            work.datasets.set_used_by(version.id, text)
            record(work, self._clock(), user.id, "dataset.use", dataset.name, version=str(number))
            work.commit()
        return self.version(user, dataset_id, number)

    def remove_version(self, user: User, dataset_id: str, number: int) -> None:
        """Delete a version with its files. Raises NotFound, and Conflict if it is used."""
        require_to_make(user)
        with self._unit_of_work() as work:
            dataset, version = _version(work, user, dataset_id, number)
            if version.used_by:
                raise Conflict("Version {number} is used by {what}. Remove that note first.", number=number, what=version.used_by)
            work.datasets.remove_version(version.id)
            record(work, self._clock(), user.id, "dataset.remove_version", dataset.name, version=str(number))
            work.commit()

    def download(self, user: User, dataset_id: str, number: int, name: str) -> Iterator[bytes]:
        """Return the content of a file in pieces, and record the download in the audit log.

        The hash is checked before the first piece. Raises NotFound, and Unavailable for a file that is not what was built.
        """
        require_to_make(user)
        with self._unit_of_work() as work:
            dataset, version = _version(work, user, dataset_id, number)
            file = next((each for each in version.files if each.name == name), None)
            if file is None:
                raise NotFound("This version has no file of this name.")
        digest = sha256()
        for part in self._parts(file):
            digest.update(part)
        if digest.hexdigest() != file.sha256:
            raise Unavailable("{name} is damaged: its content differs from what was built. Build a new version.", name=name)
        with self._unit_of_work() as work:
            record(work, self._clock(), user.id, "dataset.download", dataset.name, version=str(number), file=name)
            work.commit()
        return self._parts(file)

    def _parts(self, file: DatasetFile) -> Iterator[bytes]:
        after = 0
        while True:
            with self._unit_of_work() as work:
                parts = work.datasets.parts(file.id, after)
            if not parts:
                return
            yield from (content for _, content in parts)
            after = parts[-1][0]


def _infos(work: UnitOfWork, datasets: Sequence[Dataset], *, newest_only: bool = False) -> list[DatasetInfo]:
    versions = work.datasets.versions([each.id for each in datasets])
    if newest_only:
        newest = {each.dataset_id: each for each in reversed(versions)}
        versions = list(newest.values())
    gone = lines_gone(work, [each.id for each in versions])
    people = {each.id: each for each in work.users.all()}
    names = {id: each.full_name or each.name for id, each in people.items()}
    days = {rule.group: rule.days for rule in work.retention.rules() if rule.kind is RetentionKind.DATASETS}

    def due_at(version: DatasetVersion) -> datetime | None:
        builder = people.get(version.built_by)
        kept = days.get(builder.group, days.get(EVERY_GROUP)) if builder else None
        return None if kept is None or version.used_by else version.built_at + timedelta(days=kept)

    jobs = _unfinished(work.jobs.find(JobFilter(kinds=(KIND,)), MAX_JOBS), versions)
    return [
        DatasetInfo(
            dataset=dataset, created_by=names.get(dataset.created_by, ""), job=jobs.get(dataset.id),
            versions=tuple(
                VersionInfo(version=each, built_by=names.get(each.built_by, ""), gone=len(gone[each.id]), due_at=due_at(each))
                for each in versions if each.dataset_id == dataset.id
            ),
        )
        for dataset in datasets
    ]  # fmt: skip


def _unfinished(jobs: Sequence[Job], versions: Sequence[DatasetVersion]) -> Mapping[str, Job]:
    """Return the newest job of each dataset, unless it gave a version."""
    newest: dict[str, Job] = {}
    for job in jobs:
        newest.setdefault(str(job.payload.get("dataset_id")), job)
    built = {each.id for each in versions}
    return {dataset_id: job for dataset_id, job in newest.items() if job.id not in built}


def _version(work: UnitOfWork, user: User, dataset_id: str, number: int) -> tuple[Dataset, DatasetVersion]:
    dataset = readable(work, user, work.datasets.for_change(dataset_id))
    found = next((each for each in work.datasets.versions([dataset_id]) if each.number == number), None)
    if found is None:
        raise NotFound(NO_VERSION)
    return dataset, found


def _free_name(work: UnitOfWork, name: str, dataset_id: str = "") -> str:
    text = one_line(name)
    if is_blank(text) or len(text) > MAX_NAME:
        raise InvalidInput("A dataset needs a name of 1 to {limit} characters.", limit=MAX_NAME)
    if any(each.name.casefold() == text.casefold() and each.id != dataset_id for each in work.datasets.all()):
        raise Conflict("A dataset named {name} already exists.", name=text)
    return text
