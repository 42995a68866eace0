"""Record the demo. `./portal demo [--pictures] [FOLDER]`: demo.webm goes to FOLDER, by default demo/ under the home.

--pictures takes the pictures of docs/screens/ again, too. They show sixty days of use. REST cannot date anything back, so tests/seed.py
writes them.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, expect, sync_playwright

from bench.portal_parts.portal import Measured, running_portal
from demo.company import fill, write_platforms
from demo.recording import lend_ffmpeg
from demo.scripted_model import scripted_model
from demo.stories import STORIES, sign_in
from docs import screenshots
from samples.chromium import ARGUMENTS, PATIENCE_MS
from settings import load

SIZE = {"width": 1280, "height": 800}
PAUSE_MS = 1200
"""After each step, for the eyes."""


def main() -> int:
    options = argparse.ArgumentParser(prog="./portal demo")
    options.add_argument("folder", nargs="?", type=Path, help="where demo.webm goes")
    options.add_argument("--pictures", action="store_true", help="take the pictures of docs/screens/ again, too")
    given = options.parse_args()
    chromium = shutil.which("chromium")
    if chromium is None:
        raise SystemExit("The demo needs Debian's chromium: apt-get install chromium")
    folder: Path = given.folder or load().home / "demo"
    with tempfile.TemporaryDirectory(prefix="portal-demo-") as temporary:
        home = Path(temporary)
        films = lend_ffmpeg(home / "browsers")
        if not films:
            print("Without ffmpeg there is no video: apt-get install ffmpeg")
        model = scripted_model()
        write_platforms(home / "platforms.yaml", model.url)
        print("Starting an empty portal.", flush=True)
        with running_portal(home, PORTAL_PLATFORMS=str(home / "platforms.yaml")) as portal, sync_playwright() as playwright:
            print("Filling it over REST.", flush=True)
            fill(portal)
            browser = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
            _walk(browser, portal, home / "videos" if films else None)
            browser.close()
        model.close()
        for video in (home / "videos").glob("*.webm"):
            folder.mkdir(parents=True, exist_ok=True)
            shutil.copy(video, folder / "demo.webm")
            print(f"{folder / 'demo.webm'}  {video.stat().st_size // 1024} kB")
    return screenshots.main([]) if given.pictures else 0


def _walk(browser: Browser, portal: Measured, videos: Path | None) -> None:
    """Walk all stories in one window. videos: where its film goes."""
    expect.set_options(timeout=PATIENCE_MS)
    context = browser.new_context(
        viewport=SIZE, locale="en-GB", record_video_dir=videos, record_video_size=SIZE if videos else None,  # type: ignore[arg-type]
    )  # fmt: skip
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    for role, story in STORIES.items():
        sign_in(page, portal.url, story.person)
        for step in story.steps:
            print(f"{role}: {step.__name__.replace('_', ' ')}", flush=True)
            step(page)
            page.wait_for_timeout(PAUSE_MS)
    context.close()


if __name__ == "__main__":
    raise SystemExit(main())
