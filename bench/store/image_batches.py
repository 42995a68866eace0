"""Run a batch of many images through kill -9 of the portal, twice: each image must have exactly one result in the end.

`./portal bench image_batches [--images 300] [--detector rapidocr]`
"""

from __future__ import annotations

import argparse
import io
import signal
import time
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
from PIL import Image, ImageDraw, ImageFont

from bench.portal_parts.portal import Measured, running_portal, table
from samples.servers.models.detector_server import DetectorServer, detector_server
from samples.servers.models.text_detector import text_detector

KILLED_AT = (0.25, 0.6)
"""Shares of the images that are done when the portal is killed."""
MAX_S = 3_000


@dataclass(frozen=True, slots=True)
class BatchOutcome:
    images: int
    done: int
    lost: int
    """Images without a result."""
    doubled: int
    """Results of an image beyond the first."""
    read: int
    """Images whose number the detector read; 0 for a detector that reads nothing."""
    asked: int | None
    """Requests that the detector received, including those repeated after a kill; None: it does not count them."""
    working_s: float
    down_s: float
    """Seconds from a kill until the next portal was ready, over all kills."""


def sign(number: int) -> bytes:
    drawn = Image.new("RGB", (240, 100), "white")
    ImageDraw.Draw(drawn).text((30, 30), f"GATE {number}", fill="black", font=ImageFont.load_default(size=28))
    content = io.BytesIO()
    drawn.save(content, "PNG")
    return content.getvalue()


def archive(images: int) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as packed:
        for number in range(images):
            packed.writestr(f"signs/{number}.png", sign(number))
    return made.getvalue()


@contextmanager
def detector(name: str) -> Iterator[tuple[str, DetectorServer | None]]:
    """Yield the address of a detector, and the detector if it counts. name: `small`, which answers at once, or `rapidocr`."""
    if name == "rapidocr":
        with text_detector() as address:
            yield address, None
    else:
        with detector_server() as server:
            yield server.url, server


def run_batch(images: int, name: str) -> BatchOutcome:
    """Run a batch of `images` with the detector `name`, and kill the portal meanwhile; return the counts."""
    with detector(name) as (address, counting), TemporaryDirectory(prefix="portal-images-") as folder:
        home = Path(folder)
        (home / "platforms.yaml").write_text(f"platforms: [{{name: finder, type: detector, base_url: '{address}'}}]", "utf-8")
        down_s = 0.0
        packed = archive(images)  # Pack first: the client's connection could become idle meanwhile.
        with _portal(home) as (portal, client):
            path = _started(client, packed)
            began = time.monotonic()
            _wait_done(client, path, KILLED_AT[0] * images)
            killed_at = _kill(portal)
        with _portal(home) as (portal, client):
            down_s += time.monotonic() - killed_at
            _wait_done(client, path, KILLED_AT[1] * images)
            killed_at = _kill(portal)
        with _portal(home) as (portal, client):
            down_s += time.monotonic() - killed_at
            _finish(client, path)
            working_s = time.monotonic() - began - down_s
            state = client.get(path).json()
            runs = client.get(f"{path}/export", params={"format": "json"}).raise_for_status().json()["runs"]
    names = Counter(run["image"]["name"] for run in runs)
    wanted = {f"{number}.png" for number in range(images)}
    labels = {run["image"]["name"]: "".join(box["label"] for box in run["boxes"]).replace(" ", "") for run in runs}
    return BatchOutcome(
        images=images,
        done=state["done"],
        lost=len(wanted - names.keys()),
        doubled=sum(names.values()) - len(names),
        read=sum(labels.get(f"{number}.png") == f"GATE{number}" for number in range(images)),
        asked=len(counting.asked) if counting is not None else None,
        working_s=working_s,
        down_s=down_s,
    )


def _started(client: httpx.Client, packed: bytes) -> str:
    found = client.post("/api/v1/ground-batches", params={"phrase": "all text"}, content=packed)
    return f"/api/v1/ground-batches/{found.raise_for_status().json()['id']}"


@contextmanager
def _portal(home: Path) -> Iterator[tuple[Measured, httpx.Client]]:
    """Yield a portal that knows the detector, and its admin's client."""
    with running_portal(home, start_s=300) as portal, portal.sign_in() as client:
        _until(lambda: client.get("/api/v1/ground/models").json()["items"])
        yield portal, client


def _wait_done(client: httpx.Client, path: str, images: float) -> None:
    _until(lambda: client.get(path).json()["done"] >= images)


def _kill(portal: Measured) -> float:
    """Kill the portal; return the time."""
    portal.process.send_signal(signal.SIGKILL)
    portal.process.wait(30)
    return time.monotonic()


def _finish(client: httpx.Client, path: str) -> None:
    """Wait until the batch is done. Retry images that failed because the detector was not listed again yet."""
    _until(lambda: client.get(path).json()["state"] == "done")
    while client.get(path).json()["failed"]:
        client.post(f"{path}/retry").raise_for_status()
        _until(lambda: client.get(path).json()["state"] == "done")


def _until(holds: Callable[[], object]) -> None:
    deadline = time.monotonic() + MAX_S
    while not holds():
        if time.monotonic() > deadline:
            raise TimeoutError("it did not come")
        time.sleep(0.1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=300)
    parser.add_argument("--detector", choices=("small", "rapidocr"), default="small", help="small: it answers at once")
    chosen = parser.parse_args()
    found = run_batch(chosen.images, chosen.detector)
    counts = (found.lost, found.doubled, found.read, "–" if found.asked is None else found.asked)
    times = (f"{found.working_s:,.0f} s", f"{found.images / found.working_s:,.1f}", f"{found.down_s:,.0f} s")
    row = (f"{found.done} of {found.images}", *map(str, counts), *times)
    head = ("done", "lost", "doubled", "read right", "detector asked", "working", "images/s", "down")
    table(f"{chosen.images} images in a batch through kill -9, twice; detector: {chosen.detector}", head, [row])
    if found.lost or found.doubled or found.done != found.images:
        raise SystemExit("An image was lost or doubled.")


if __name__ == "__main__":
    main()
