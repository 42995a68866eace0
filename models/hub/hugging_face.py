"""List and download with huggingface_hub. Only the hub process imports this: the library reads its environment when it is imported."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import httpx2
from huggingface_hub import HfApi, constants, hf_hub_url
from huggingface_hub.errors import (
    EntryNotFoundError,
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    LocalEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from huggingface_hub.file_download import http_get
from huggingface_hub.utils import build_hf_headers  # type: ignore[attr-defined]
from tqdm.auto import tqdm

from models.hub.lines import Failure, Meter, Say, explained

CHUNK_BYTES = 256 * 1024
"""Bytes read at once. A cut connection loses what was not written, so this is less than the library's own value."""
TOKEN = os.environ.get("HF_TOKEN") or False
"""The token of the environment; False keeps the library from looking for a stored one."""


def files(repository: str) -> dict[str, Any]:
    """Return the revision and the files of a repository with size and SHA-256."""
    with explained(_failure):
        info = HfApi(token=TOKEN).model_info(repository, files_metadata=True)
    found = [
        {"name": each.rfilename, "size_bytes": each.size or 0, "sha256": each.lfs.sha256 if each.lfs else None}
        for each in info.siblings or []
    ]
    return {"revision": info.sha or "main", "files": found}


def download(repository: str, revision: str, name: str, size: int, folder: Path, say: Say) -> Path:
    """Download a file into `folder`; resume an incomplete one from an earlier try.

    hf_hub_download would start over: it deletes its partial file when it stops. The function http_get that it uses resumes at any byte,
    follows the redirect to the CDN again after each break, and sends the token to the hub alone.
    """
    constants.DOWNLOAD_CHUNK_SIZE = CHUNK_BYTES
    meter = Meter(say)

    class Bar(tqdm):  # type: ignore[misc]
        """Reports progress to the portal instead of drawing a bar."""

        def __init__(self, *args: Any, **options: Any) -> None:
            self.arrived = int(options.get("initial") or 0)
            super().__init__(*args, **{**options, "disable": True})
            meter(self.arrived)

        def update(self, n: float | None = 1) -> bool | None:
            self.arrived += int(n or 0)
            meter(self.arrived)
            return None

    whole = folder / name.rpartition("/")[2]
    partial = whole.with_name(whole.name + ".incomplete")
    if partial.exists() and partial.stat().st_size > size:
        partial.unlink()
    if not whole.exists() and not (partial.exists() and partial.stat().st_size == size):
        with explained(_failure), partial.open("ab") as stream:
            http_get(
                hf_hub_url(repository, name, revision=revision), stream, resume_size=partial.stat().st_size, tqdm_class=Bar,
                headers=build_hf_headers(token=TOKEN),
            )  # fmt: skip
    if not whole.exists():
        partial.rename(whole)
    return whole


def _failure(error: BaseException) -> Failure | None:
    if isinstance(error, GatedRepoError):
        return Failure.REFUSED
    if isinstance(error, RepositoryNotFoundError | RevisionNotFoundError | HFValidationError):
        return Failure.NOT_FOUND
    if isinstance(error, LocalEntryNotFoundError):
        return Failure.NETWORK
    if isinstance(error, EntryNotFoundError):
        return Failure.NOT_FOUND
    if isinstance(error, HfHubHTTPError):
        status = error.response.status_code if error.response is not None else 0
        return Failure.REFUSED if status in (401, 403) else Failure.NOT_FOUND if status == 404 else Failure.NETWORK
    if isinstance(error, httpx2.HTTPError):
        return Failure.NETWORK
    if isinstance(error, OSError) and "Consistency check failed" in str(error):
        return Failure.NETWORK
    return None
