"""Receive model files from a browser or a program piece by piece, so that an interrupted upload can resume."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

from core.clock import Clock
from core.errors import Conflict, InvalidInput, Unavailable
from core.file_sizes import size_of
from core.people.audit_events import record_alone
from core.people.permissions import Permission, require
from core.people.records import User
from core.transfers.model_folder import STAGING, UPLOAD, ModelFolder, taken
from core.transfers.remote_models import check_name
from core.unit_of_work import UnitOfWorkFactory

MAX_PIECE = 8 * 1024 * 1024
"""Most bytes of one piece."""
LARGEST = 4 * 1024**4
_MAGIC = b"GGUF"


class Uploads:
    """Receives uploads of model files."""

    def __init__(self, unit_of_work: UnitOfWorkFactory, folder: ModelFolder, clock: Clock) -> None:
        self._unit_of_work = unit_of_work
        self._folder = folder
        self._clock = clock

    def received(self, user: User, name: str, total: int) -> int:
        """Return the bytes received so far of a file with this name and size. Raises InvalidInput, and Conflict if the name is taken."""
        require(user, Permission.RUN_MODELS)
        if not 0 < total <= LARGEST:
            raise InvalidInput("{name} is empty or too large.", name=name)
        if self._folder.target("", name).exists():
            raise taken(name)
        part = self._part(user, name, total)
        return size_of(part)

    def write(self, user: User, name: str, offset: int, total: int, content: bytes) -> int:
        """Append a piece; returns the bytes received so far. The last piece moves the file into the models folder.

        Raises Conflict if the piece does not follow the bytes received so far or the disk is full, and InvalidInput for no GGUF file.
        """
        here = self.received(user, name, total)
        staging = _staging(user, name, total)
        if offset == 0 and here == 0:
            if content[:4] != _MAGIC:
                raise InvalidInput("{name} is not a GGUF file.", name=name)
            self._folder.check_space(total)
        with self._folder.hold(staging, lambda: None):
            self._folder.staging(staging)
            part = self._part(user, name, total)
            here = size_of(part)
            if offset != here or offset + len(content) > total or not content:
                raise Conflict("{here} bytes of {name} are here. Send the piece that begins there.", here=here, name=name)
            try:
                with part.open("ab") as stream:
                    stream.write(content)
            except OSError as problem:
                raise Unavailable("{name} cannot be stored: {reason}.", name=name, reason=problem.strerror or str(problem)) from problem
            here += len(content)
            if here == total:
                self._folder.install(part, self._folder.target("", name))
                self._folder.discard(staging)
        if here == total:
            record_alone(self._unit_of_work, self._clock(), user.id, "model.upload", name, size_bytes=str(total))
        return here

    def _part(self, user: User, name: str, total: int) -> Path:
        check_name(name)
        return self._folder.path / STAGING / _staging(user, name, total) / "part"


def _staging(user: User, name: str, total: int) -> str:
    return UPLOAD + sha256(f"{user.id}\n{total}\n{name}".encode()).hexdigest()[:20]
