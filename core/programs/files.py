"""Store the files that programs upload for batches, and those that batches write."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from uuid import uuid4

from core.access.limits import Limits
from core.bounds import within
from core.clock import Clock
from core.errors import Conflict, InvalidInput, NotFound
from core.knowledge.attachment import clean_name
from core.operations.disk import ENDLESS, DiskSpace
from core.people.audit_events import record
from core.people.permissions import Permission, allows, require
from core.people.records import User
from core.programs.records import FilePurpose, ProgramFile
from core.unit_of_work import UnitOfWork, UnitOfWorkFactory

MB = 1_000_000
FULL_FILES = 10
"""The total size of a person's files may reach this many times the largest allowed file."""
SHORTEST_S = 3600
MAX_LISTED = 10_000
HELD = "Your files are under a legal hold and cannot be deleted. Ask an admin."


class ProgramFiles:
    """Manages files. People see only their own. A file is removed by its owner, on expiry, or by a retention rule for files."""

    def __init__(self, unit_of_work: UnitOfWorkFactory, clock: Clock, max_bytes: int, days: int, disk: DiskSpace = ENDLESS) -> None:
        """max_bytes: limit for one file. days: until a file expires. disk: refuses uploads if too little space is left."""
        self._unit_of_work = unit_of_work
        self._clock = clock
        self._disk = disk
        self._limits = Limits(unit_of_work, clock)
        self.max_bytes = max_bytes
        self.days = days

    def check_upload(self, user: User) -> None:
        """Raise NotAllowed or Unavailable if this person may not upload now."""
        require(user, Permission.CHAT)
        require(user, Permission.UPLOAD)
        self._disk.check()

    def upload(self, user: User, name: str, blocks: Iterable[bytes], seconds: int | None = None) -> ProgramFile:
        """Store a file for a batch. seconds: until it expires.

        Raises NotAllowed, InvalidInput, LimitReached, and Conflict if the person's files are too large.
        """
        self.check_upload(user)
        longest = self.days * 24 * 3600
        within("expires_after.seconds", seconds, SHORTEST_S, longest)
        file = self.new(user, name, FilePurpose.BATCH, timedelta(seconds=seconds or longest))
        with self._unit_of_work() as work:
            self._limits.upload(work, user)
            work.program_files.add(file)
            work.commit()
        try:
            self._write(user, file, blocks)
        except BaseException:
            with self._unit_of_work() as work:
                work.program_files.remove(file.id)
                work.commit()
            raise
        return self.get(user, file.id)

    def new(self, user: User, name: str, purpose: FilePurpose, lasts: timedelta | None = None) -> ProgramFile:
        """Return a new file without content. It is not stored yet."""
        now = self._clock()
        return ProgramFile(
            id=f"file-{uuid4().hex}",
            user_id=user.id,
            name=clean_name(name),
            purpose=purpose,
            size_bytes=0,
            created_at=now,
            expires_at=now + (lasts or timedelta(days=self.days)),
            ready=False,
        )

    def get(self, user: User, file_id: str) -> ProgramFile:
        """Return one of the person's files. Raises NotFound."""
        with self._unit_of_work() as work:
            return self.own(work, user, file_id)

    def list(
        self, user: User, limit: int = MAX_LISTED, after: str | None = None, purpose: FilePurpose | None = None
    ) -> Sequence[ProgramFile]:
        """List the person's files, newest first. after: id of the last file read. Raises NotFound, InvalidInput."""
        require(user, Permission.CHAT)
        within("limit", limit, 1, MAX_LISTED + 1)
        with self._unit_of_work() as work:
            last = self.own(work, user, after) if after is not None else None
            return work.program_files.of_user(user.id, limit, last, purpose)

    def content(self, user: User, file_id: str) -> Iterator[bytes]:
        """Return the content of one of the person's files in blocks. Raises NotFound."""
        self.get(user, file_id)
        return self.blocks(file_id)

    def blocks(self, file_id: str) -> Iterator[bytes]:
        """Yield a file's content in blocks, each read in its own transaction."""
        number = 0
        while True:
            with self._unit_of_work() as work:
                parts = work.program_files.parts(file_id, number)
            if not parts:
                return
            yield from (content for _, content in parts)
            number = parts[-1][0]

    def delete(self, user: User, file_id: str) -> None:
        """Delete one of the person's files. Raises NotFound, and Conflict under a legal hold or while a batch uses it."""
        with self._unit_of_work() as work:
            self.own(work, user, file_id)
            if work.retention.is_held(user.id):
                raise Conflict(HELD)
            if work.batches.uses(file_id):
                raise Conflict("A batch is using this file. Cancel the batch first.")
            work.program_files.remove(file_id)
            record(work, self._clock(), user.id, "file.delete", file_id)
            work.commit()

    def own(self, work: UnitOfWork, user: User, file_id: str, field: str | None = None) -> ProgramFile:
        """Return one of the person's complete files. Raises NotFound. field: the request's field that the error names."""
        require(user, Permission.CHAT)
        found = work.program_files.get(file_id)
        if found is None or not found.ready or not allows(user, Permission.CHAT, owner_id=found.user_id):
            named = {"field": field} if field is not None else {}
            raise NotFound("This file does not exist. It may have been deleted or have expired.", id=file_id[:100], **named)
        return found

    def _write(self, user: User, file: ProgramFile, blocks: Iterable[bytes]) -> None:
        size = 0
        for block in blocks:
            size += len(block)
            if size > self.max_bytes:
                raise InvalidInput("{field} has more than {limit} MB. Split it.", field="file", limit=self.max_bytes // MB)
            with self._unit_of_work() as work:
                work.program_files.append(file.id, block)
                if work.program_files.total_bytes(user.id) > FULL_FILES * self.max_bytes:
                    raise Conflict("Your files have more than {limit} MB together. Delete some.", limit=FULL_FILES * self.max_bytes // MB)
                work.commit()
        if not size:
            raise InvalidInput("{field} is empty.", field="file")
        with self._unit_of_work() as work:
            work.program_files.make_ready(file.id)
            work.commit()
