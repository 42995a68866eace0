"""A response that holds its file from the start: whoever deletes it meanwhile takes nothing from a download."""

from __future__ import annotations

import os
import weakref
from collections.abc import Mapping
from pathlib import Path

from fastapi.responses import FileResponse

from core.errors import NotFound


class OpenFileResponse(FileResponse):
    """Starlette's own looks for the file when it answers, and again for its content."""

    def __init__(self, path: Path, filename: str, headers: Mapping[str, str]) -> None:
        """Open the file. Links are not followed. Raises NotFound."""
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
