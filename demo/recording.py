"""Playwright's own video needs an ffmpeg in its folder of browsers: lend it Debian's."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import playwright


def lend_ffmpeg(folder: Path) -> bool:
    """Make a folder of browsers with this machine's ffmpeg and have Playwright use it. Returns False if there is no ffmpeg."""
    found = shutil.which("ffmpeg")
    if found is None:
        return False
    listed = json.loads((Path(playwright.__file__).parent / "driver" / "package" / "browsers.json").read_text("utf-8"))
    revision = next(each["revision"] for each in listed["browsers"] if each["name"] == "ffmpeg")
    ffmpeg = folder / f"ffmpeg-{revision}"
    ffmpeg.mkdir(parents=True)
    (ffmpeg / "ffmpeg-linux").symlink_to(found)
    os.environ["PLAYWRIGHT_BROWSERS_PATH"] = str(folder)
    return True
