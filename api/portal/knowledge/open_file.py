"""Respond with a file that is open from the start, so that deleting it does not affect a download."""

from __future__ import annotations

import os
import weakref
from collections.abc import Mapping
from pathlib import Path

from fastapi.responses import FileResponse

from core.errors import NotFound


class OpenFileResponse(FileResponse):
    """Opens the file once. Starlette's own response looks the file up when it answers, and again for its content."""

    def __init__(self, path: Path, filename: str, headers: Mapping[str, str]) -> None:
        """Open the file without following links. Raises NotFound."""
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
        except OSError as problem:
            raise NotFound("This backup does not exist.") from problem
        weakref.finalize(self, os.close, descriptor)
        super().__init__(
            f"/dev/fd/{descriptor}",
            media_type="application/octet-stream",
            filename=filename,
            headers=headers,
            stat_result=os.fstat(descriptor),
        )
