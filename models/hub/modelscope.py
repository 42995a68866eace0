"""List and download with modelscope_hub, ModelScope's small client. Only the hub process imports this."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import requests
from modelscope_hub import HubApi
from modelscope_hub.errors import (
    AuthenticationError,
    FileIntegrityError,
    HubError,
    InvalidParameter,
    NotExistError,
    PermissionDeniedError,
    StorageError,
)

from models.hub.lines import Failure, Meter, Say, explained

TOKEN = os.environ.get("MODELSCOPE_API_TOKEN", "")
"""The token of the environment; an empty one keeps the library from looking for a stored one."""


def files(repository: str) -> dict[str, Any]:
    """Return the revision and the files of a repository with size and SHA-256."""
    with explained(_failure):
        listed = HubApi(token=TOKEN).list_repo_files(repository, "model")
    found = [{"name": each.path, "size_bytes": each.size, "sha256": each.sha256 or None} for each in listed if not each.is_dir]
    return {"revision": "master", "files": found}


def download(repository: str, revision: str, name: str, _size: int, folder: Path, say: Say) -> Path:
    """Download a file below `folder`; resume an incomplete one from an earlier try.

    Without the size, the client uses a single stream, which it can resume; parallel streams start over.
    """
    meter = Meter(say)

    class Callback:
        """Reports progress to the portal."""

        def __init__(self, filename: str, file_size: int) -> None:
            self.arrived = 0

        def update(self, size: int) -> None:
            self.arrived += size
            meter(self.arrived)

        def end(self) -> None:
            return None

    with explained(_failure):
        return Path(
            HubApi(token=TOKEN).downloader.download_file(
                repository, "model", name, revision=revision, local_dir=folder, progress_callbacks=[Callback]  # type: ignore[list-item]
            )
        )


def _failure(error: BaseException) -> Failure | None:
    if isinstance(error, AuthenticationError | PermissionDeniedError):
        return Failure.REFUSED
    if isinstance(error, NotExistError | InvalidParameter):
        return Failure.NOT_FOUND
    if isinstance(error, FileIntegrityError):
        return Failure.WRONG
    if isinstance(error, StorageError):
        return None
    if isinstance(error, HubError | requests.RequestException):
        return Failure.NETWORK
    return None
