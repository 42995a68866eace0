"""Manage the configuration of platforms: apply, list and restore versions, and follow the file on disk and other servers."""

from __future__ import annotations

import difflib
import logging
import threading
from collections.abc import Sequence

from core.changes.markers import mark
from core.changes.records import Change
from core.clock import Clock
from core.errors import Conflict, InvalidInput, NotFound, PortalError, StoredError
from core.inference.records import Task
from core.people.audit_events import record
from core.people.permissions import Permission, require
from core.people.records import User
from core.platforms.platforms_file import MAX_BYTES, PlatformsFile
from core.platforms.ports import ConfigurationReader, ConfiguredRouter, FormText
from core.platforms.records import ConfigurationState, EditedBy, PlatformForm, PlatformsConfig, PlatformsForm, PlatformsVersion
from core.unit_of_work import UnitOfWorkFactory

log = logging.getLogger(__name__)

POLL_S = 1.0
KEPT_VERSIONS = 500
CONTEXT_LINES = 2
"""Unchanged lines around each change of a diff."""


class PlatformService:
    """Manages one configuration for all servers of a database. The newest version is in use; each server also has it as a file."""

    def __init__(
        self,
        unit_of_work: UnitOfWorkFactory,
        clock: Clock,
        reader: ConfigurationReader,
        file: PlatformsFile,
        router: ConfiguredRouter | None = None,
        form: FormText | None = None,
    ) -> None:
        """form, router: None only in tests that edit text alone, or that have a router without platforms."""
        self._unit_of_work = unit_of_work
        self._clock = clock
        self._reader = reader
        self._file = file
        self._router = router
        self._form = form
        self._config = PlatformsConfig()
        self._version = 0
        self._text = ""
        self._problem: StoredError | None = None
        self._lock = threading.RLock()
        """Held during every change, so that the file and the versions stay consistent."""
        self._closing = threading.Event()
        self._watcher = threading.Thread(target=self._watch, name="platforms", daemon=True)

    def start(self) -> None:
        """Use the newest version, or the file if it has been edited since. An unusable file is reported and not fatal."""
        with self._lock:
            try:
                written = self._file.changed()
            except PortalError as problem:
                written, self._problem = None, StoredError.of(problem)
            with self._unit_of_work() as work:
                newest = work.platforms_versions.newest()
                # A file equal to an older version is out of date because another server changed the configuration. It is no edit.
                stale = written is not None and any(each.text == written for each in work.platforms_versions.all(KEPT_VERSIONS))
            if newest is not None:
                self._serve_version(newest, write=written is None or stale)
            if written is not None and not stale:
                self._from_file(written)
        self._watcher.start()

    def close(self) -> None:
        self._closing.set()
        if self._watcher.is_alive():
            self._watcher.join(5)
        if self._router is not None:
            self._router.close()

    @property
    def config(self) -> PlatformsConfig:
        """Return the configuration in use."""
        return self._config

    def state(self, user: User) -> ConfigurationState:
        require(user, Permission.RUN_MODELS)
        with self._lock:
            return ConfigurationState(version=self._version, text=self._text, path=str(self._file.path), problem=self._problem)

    def check(self, user: User, text: str) -> PlatformsConfig:
        """Parse a configuration without applying it. Raises InvalidInput with the wrong line."""
        require(user, Permission.RUN_MODELS)
        return self._read(text)

    def apply(self, user: User, text: str, *, based_on: int | None = None) -> int:
        """Apply a configuration and return its version. Any error rejects the whole configuration.

        based_on: the version that was edited. Raises Conflict if another version is in use by now, InvalidInput, Unavailable.
        """
        require(user, Permission.RUN_MODELS)
        with self._lock:
            self._follow()
            if based_on is not None and based_on != self._version:
                raise Conflict(
                    "Version {newer} was applied while you edited version {older}. Look at the difference, then apply again.",
                    newer=self._version, older=based_on,
                )  # fmt: skip
            return self._apply(text, EditedBy.PAGE, user.id, None)

    def form(self, user: User, text: str) -> PlatformsForm:
        """Return the form of a text that is being edited. Raises InvalidInput with the wrong line."""
        form = self._allowed_form(user)
        return PlatformsForm(platforms=tuple(form.platforms(text)), routes=form.routes(text))

    def with_platform(self, user: User, text: str, old: str | None, platform: PlatformForm) -> str:
        """Return the text with a platform changed, or added if `old` is None, without applying it. Raises InvalidInput."""
        return self._allowed_form(user).put_platform(text, old, platform)

    def without_platform(self, user: User, text: str, name: str) -> str:
        return self._allowed_form(user).remove_platform(text, name)

    def with_route(self, user: User, text: str, task: Task, steps: Sequence[str]) -> str:
        """Return the text with a task's route set, or removed if there are no steps, without applying it. Raises InvalidInput."""
        return self._allowed_form(user).put_route(text, task.value, steps)

    def _allowed_form(self, user: User) -> FormText:
        require(user, Permission.RUN_MODELS)
        assert self._form is not None, "the portal has a form"
        return self._form

    def restore(self, user: User, number: int) -> int:
        """Apply the text of an earlier version as a new version. Raises NotFound, and the errors of apply()."""
        require(user, Permission.RUN_MODELS)
        with self._lock:
            self._follow()
            return self._apply(self._get(number).text, EditedBy.RESTORE, user.id, number)

    def versions(self, user: User, limit: int = 100) -> Sequence[PlatformsVersion]:
        """List versions, newest first."""
        require(user, Permission.RUN_MODELS)
        with self._unit_of_work() as work:
            return work.platforms_versions.all(limit)

    def version(self, user: User, number: int) -> tuple[PlatformsVersion, str]:
        """Return a version, and its changes as a unified diff. Raises NotFound."""
        require(user, Permission.RUN_MODELS)
        with self._unit_of_work() as work:
            before = work.platforms_versions.before(number)
        found = self._get(number)
        return found, difference(before.text if before else "", found.text)

    def _get(self, number: int) -> PlatformsVersion:
        with self._unit_of_work() as work:
            found = work.platforms_versions.get(number)
        if found is None:
            raise NotFound("There is no version {number} of the configuration.", number=number)
        return found

    # Changes, with the lock held

    def _read(self, text: str) -> PlatformsConfig:
        if len(text.encode("utf-8")) > MAX_BYTES:
            raise InvalidInput("The configuration is larger than {most} KB.", most=MAX_BYTES // 1024)
        return self._reader.read(text)

    def _apply(self, text: str, edited_by: EditedBy, author_id: str | None, restored: int | None) -> int:
        text = text.replace("\r\n", "\n")
        config = self._read(text)
        if text == self._text and self._version:
            self._serve(config, text, self._version)
            return self._version
        if self._router is not None:
            self._router.check(config)
        with self._unit_of_work() as work:
            number = work.platforms_versions.add(self._clock(), author_id, edited_by, restored, text)
            work.platforms_versions.prune(KEPT_VERSIONS)
            details = {"from": edited_by.value} | ({"restored": str(restored)} if restored else {})
            record(work, self._clock(), author_id, "platforms.apply", str(number), **details)
            mark(work, self._clock(), Change.CONFIGURATION, str(number))
            before = self._file.text
            if edited_by is not EditedBy.FILE:
                self._file.write(text)
            try:
                work.commit()
            except PortalError:
                if edited_by is not EditedBy.FILE and before is not None:
                    self._file.write(before)
                raise
        self._serve(config, text, number)
        return number

    def _serve(self, config: PlatformsConfig, text: str, number: int) -> None:
        if self._router is not None:
            self._router.configure(config)
        self._config, self._text, self._version, self._problem = config, text, number, None
        log.info("platforms: version %d serves", number)

    def _serve_version(self, version: PlatformsVersion, *, write: bool) -> None:
        """Use a version from the database. If it cannot be used here (a key is missing), keep the configuration in use."""
        try:
            config = self._read(version.text)
        except PortalError as problem:
            self._problem, self._text, self._version = StoredError.of(problem), version.text, version.number
            log.error("version %d of the platforms cannot be used: %s", version.number, problem)
            return
        self._serve(config, version.text, version.number)
        if write and self._file.text != version.text:
            try:
                self._file.write(version.text)
            except PortalError as problem:
                self._problem = StoredError.of(problem)
                log.error("the platforms file cannot be written: %s", problem)

    def _from_file(self, text: str) -> None:
        try:
            self._apply(text, EditedBy.FILE, None, None)
        except PortalError as problem:
            self._problem = StoredError.of(problem)
            log.error("the platforms file was edited and is not used: %s", problem)

    def _follow(self) -> None:
        """Apply changes made by another server or in the file."""
        with self._unit_of_work() as work:
            number = work.platforms_versions.newest_number()
            newest = work.platforms_versions.newest() if number > self._version else None
        if newest is not None:
            self._serve_version(newest, write=True)
        try:
            written = self._file.changed()
        except PortalError as problem:
            if self._problem is None:
                log.error("the platforms file cannot be read: %s", problem)
            self._problem = StoredError.of(problem)
            return
        if written is not None:
            self._from_file(written)

    def _watch(self) -> None:
        while not self._closing.wait(POLL_S):
            try:
                with self._lock:
                    self._follow()
            except PortalError as problem:
                log.warning("the configuration of platforms cannot be looked up: %s", problem)
            except Exception:
                log.exception("the watch over platforms failed once")


def difference(before: str, after: str) -> str:
    """Return a unified diff of two texts; empty if they are equal."""
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), "before", "after", lineterm="", n=CONTEXT_LINES)
    return "\n".join(list(lines)[2:])
