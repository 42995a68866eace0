"""Manage files that people attach to questions. Only its owner can read a file, and it is deleted with its chat."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import PurePosixPath
from uuid import uuid4

from core.access.limits import Limits
from core.clock import Clock
from core.errors import Conflict, InvalidInput, NotFound
from core.images.ports import ImageReader
from core.knowledge.attachment import MAX_FILES, clean_name, read_as
from core.knowledge.file_texts import FileText, FileTexts
from core.knowledge.ports import DocumentReader, EncodingDetector, OnQueuePosition, OtherReaders
from core.knowledge.records import StoredFile
from core.knowledge.tables.ports import TableReader
from core.operations.disk import ENDLESS, DiskSpace
from core.people.audit_events import record
from core.people.permissions import Permission, allows, require
from core.people.records import User
from core.unit_of_work import UnitOfWork, UnitOfWorkFactory

MAX_WAITING, QUESTIONS_WAITING = 50, 5
"""Most files that one person may have uploaded but not sent. Their total size is limited to this many questions' worth."""
MB = 1_000_000


class Files:
    """Stores uploads until a question takes them into its conversation. Unused uploads are removed after a day."""

    def __init__(
        self,
        unit_of_work: UnitOfWorkFactory,
        clock: Clock,
        reader: DocumentReader,
        max_bytes: int,
        disk: DiskSpace = ENDLESS,
        detector: EncodingDetector | None = None,
        images: ImageReader | None = None,
        others: OtherReaders | None = None,
        tables: TableReader | None = None,
    ) -> None:
        """max_bytes: limit for all files of one question. disk: refuses uploads if too little space is left.

        images: decodes images; None refuses them. others: readers added by plugins, which are tried before the portal's own. tables: reads
        tables; without it, CSV is text, and workbooks are refused.
        """
        self._texts = FileTexts(reader, detector, others, tables)
        self._images = images
        self._disk = disk
        self._unit_of_work = unit_of_work
        self._clock = clock
        self._limits = Limits(unit_of_work, clock)
        self.max_bytes = max_bytes

    def upload(self, user: User, name: str, content: bytes, on_queue_position: OnQueuePosition | None = None) -> StoredFile:
        """Store a file until a question takes it, and for a document also its text.

        on_queue_position: receives the document's queue position while it waits for a reader.

        Raises InvalidInput for files that no model can read, Conflict if too many unused uploads exist, LimitReached, and Busy and
        Unavailable as the reader does.
        """
        require(user, Permission.CHAT)
        require(user, Permission.UPLOAD)
        self._disk.check()
        name = clean_name(name)
        if len(content) > self.max_bytes:
            sentence = "{name} has {size} MB; the limit for one question is {limit} MB."
            raise InvalidInput(sentence, name=name, size=_mb(len(content)), limit=_mb(self.max_bytes))
        image = self._images is not None and self._images.recognizes(content)
        with self._unit_of_work() as work:  # Check before reading a document, because reading takes time.
            self._check_room(work, user, len(content))
        if image:
            name, content, extracted = self._decoded(user, name, content, on_queue_position)
            read = FileText(text=extracted)
        else:
            read = self._texts.read(user, name, content, on_queue_position)
        file = StoredFile(
            id=uuid4().hex, user_id=user.id, name=name, size_bytes=len(content), created_at=self._clock(), encoding=read.encoding,
            tables=read.tables,
        )  # fmt: skip
        with self._unit_of_work() as work:
            self._limits.upload(work, user)
            work.files.add(file, content, None if read.encoding else read.text)
            self._check_room(work, user)  # Check again, because other uploads may have finished in the meantime.
            work.commit()
        return file

    def _decoded(self, user: User, name: str, content: bytes, on_queue_position: OnQueuePosition | None) -> tuple[str, bytes, str]:
        """Return the name, content and text of an image to store: upright, without metadata, with the extension of its new format.

        The text stands for the image for models that cannot see.
        """
        assert self._images is not None
        image = self._images.decode(name, content, user.id, on_queue_position)
        ending = {"image/png": ".png", "image/jpeg": ".jpg"}[image.media_type]
        stem = PurePosixPath(name).stem or "image"
        return clean_name(stem + ending), image.content, f"[image, {image.width} x {image.height} pixels]"

    def get(self, user: User, file_id: str) -> StoredFile:
        with self._unit_of_work() as work:
            return own_file(work, user, file_id)

    def read(self, user: User, file_id: str) -> tuple[StoredFile, bytes]:
        """Return one of the person's files with its original content. Raises NotFound."""
        with self._unit_of_work() as work:
            return own_file(work, user, file_id), work.files.content(file_id)

    def read_as(self, user: User, file_id: str, encoding: str) -> StoredFile:
        """Set the encoding of a text file. Raises NotFound, and InvalidInput if it does not fit or the file is a document."""
        with self._unit_of_work() as work:
            file, content = own_file(work, user, file_id), work.files.content(file_id)
            if work.files.text(file_id) is not None:
                raise InvalidInput("{name} is a document. Only text files have an encoding to choose.", name=file.name)
            read_as(file.name, content, encoding)
        tables = self._texts.text_tables(user, file.name, content, encoding)
        with self._unit_of_work() as work:
            own_file(work, user, file_id)
            work.files.set_encoding(file_id, encoding, tables)
            work.commit()
        return replace(file, encoding=encoding, tables=tables)

    def discard(self, user: User, file_id: str) -> None:
        """Delete a file that no question or task has taken. Raises Conflict for others, which are deleted with their chat or task."""
        with self._unit_of_work() as work:
            file = own_file(work, user, file_id)
            if file.conversation_id is not None:
                raise Conflict("{name} belongs to a chat and is deleted with it.", name=file.name)
            if work.retention.is_held(user.id):
                raise Conflict("Your chats are under a legal hold and cannot be deleted. Ask an admin.")
            if not work.files.remove_waiting(file_id):
                raise Conflict("{name} belongs to a task and is deleted with it.", name=file.name)
            record(work, self._clock(), user.id, "file.delete", file_id)
            work.commit()

    def _check_room(self, work: UnitOfWork, user: User, *more: int) -> None:
        """Raise Conflict if the unused uploads exceed the limits. more: sizes in bytes of files to add."""
        sizes = [*(file.size_bytes for file in work.files.waiting(user.id)), *more]
        if len(sizes) > MAX_WAITING or sum(sizes) > QUESTIONS_WAITING * self.max_bytes:
            raise Conflict("Too many of your uploaded files are unused. Send them with a question or delete some, then upload more.")


def attachable(work: UnitOfWork, user: User, conversation_id: str, file_ids: Sequence[str], max_bytes: int) -> tuple[StoredFile, ...]:
    """Return the files that a question in this conversation may attach, in this order, without duplicates.

    Raises NotFound for someone else's file, Conflict for a file of another conversation, InvalidInput for too many or too large files.
    """
    files = tuple(own_file(work, user, each) for each in dict.fromkeys(file_ids))
    for file in files:
        if file.conversation_id not in (None, conversation_id):
            raise Conflict("{name} belongs to another chat. Upload it again for this one.", name=file.name)
    if len(files) > MAX_FILES:
        raise InvalidInput("A question can have at most {limit} files; this one has {n}.", n=len(files), limit=MAX_FILES)
    size = sum(file.size_bytes for file in files)
    if size > max_bytes:
        sentence = "The files have {size} MB in total; the limit for one question is {limit} MB."
        raise InvalidInput(sentence, size=_mb(size), limit=_mb(max_bytes))
    return files


def own_file(work: UnitOfWork, user: User, file_id: str) -> StoredFile:
    """Return a person's own file. Raise NotFound for someone else's, so that its existence is not revealed."""
    require(user, Permission.CHAT)
    found = work.files.get(file_id)
    if found is None or not allows(user, Permission.CHAT, owner_id=found.user_id):
        raise NotFound("This file does not exist. It may have been deleted.")
    return found


def _mb(size: int) -> str:
    return f"{size / MB:.1f}".removesuffix(".0")
