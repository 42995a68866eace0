"""A real detector over REST: RapidOCR finds text, and a batch survives kill -9 without lost or duplicate results."""

from __future__ import annotations

import base64
import io
import signal
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from PIL import Image, ImageDraw, ImageFont

from bench.portal_parts.portal import running_portal
from core.grounding.boxes import overlap
from core.grounding.records import Box
from samples.servers.models.text_detector import text_detector

IMAGES = 30


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Yield a home whose portal knows the detector."""
    folder = tmp_path_factory.mktemp("home")
    with text_detector() as address:
        (folder / "platforms.yaml").write_text(f"platforms: [{{name: ocr, type: detector, base_url: '{address}'}}]", "utf-8")
        yield folder


def sign(text: str) -> tuple[bytes, Box]:
    """Return a small image with a text, and the text's box."""
    drawn = Image.new("RGB", (240, 100), "white")
    pen, font = ImageDraw.Draw(drawn), ImageFont.load_default(size=28)
    pen.text((30, 30), text, fill="black", font=font)
    content = io.BytesIO()
    drawn.save(content, "PNG")
    return content.getvalue(), Box(*pen.textbbox((30, 30), text, font=font))


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 240
    while not holds():
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.1)


def known(client: httpx.Client) -> bool:
    return bool(client.get("/api/v1/ground/models").json()["items"])


def evaluated_as_a_text_detector(client: httpx.Client) -> None:
    """It reads all texts of the labelled set, and takes no shape for one."""
    job = client.post("/api/v1/ground-evaluations", json={"model": "rapidocr@ocr"}).raise_for_status().json()
    until(lambda: client.get(f"/api/v1/jobs/{job['id']}").json()["state"] in ("done", "failed"))
    [result] = client.get("/api/v1/ground-evaluations", params={"model": "rapidocr@ocr"}).raise_for_status().json()["items"]
    assert result["id"] == job["id"] and "PP-OCRv6" in result["model_version"]
    assert result["texts"]["precision"] >= 0.9 and result["texts"]["recall"] >= 0.9, result
    assert (result["shapes"]["right"], result["shapes"]["recall"]) == (0, 0.0), result


def test_text_is_found_and_a_batch_survives_kill_9(home: Path) -> None:
    with running_portal(home, start_s=180) as portal, portal.sign_in() as client:
        until(lambda: known(client))
        content, place = sign("EXIT")
        body = {"image": base64.b64encode(content).decode(), "phrases": ['find the text "exit"', 'find the text "entrance"']}
        [box] = client.post("/api/v1/ground", json=body).raise_for_status().json()["boxes"]
        assert (box["label"], box["phrase"]) == ("EXIT", 'find the text "exit"') and box["confidence"] > 0.8
        assert overlap(Box(*box["box"]), place) >= 0.3, "it leaves a margin around the letters"
        evaluated_as_a_text_detector(client)

        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as packed:
            for number in range(IMAGES):
                packed.writestr(f"signs/{number}.png", sign(f"GATE {number}")[0])
        started = client.post("/api/v1/ground-batches", params={"phrase": "all text"}, content=archive.getvalue())
        batch = started.raise_for_status().json()
        address = f"/api/v1/ground-batches/{batch['id']}"
        until(lambda: client.get(address).json()["done"] >= 2)
        seen = client.get(address).json()["done"]
        portal.process.send_signal(signal.SIGKILL)
        portal.process.wait(60)
    with running_portal(home, start_s=180) as portal, portal.sign_in() as client:
        assert 2 <= seen < IMAGES, "it ended in the middle"
        assert client.get(address).json()["done"] >= seen
        until(lambda: client.get(address).json()["state"] == "done")
        after = client.get(address).json()
        assert (after["done"] + after["failed"], after["total"]) == (IMAGES, IMAGES)
        if after["failed"]:  # The detector was not listed yet when the first ones were tried.
            client.post(f"{address}/retry").raise_for_status()
            until(lambda: client.get(address).json()["state"] == "done")
        runs = client.get(f"{address}/export", params={"format": "json"}).json()["runs"]
        assert sorted(run["image"]["name"] for run in runs) == sorted(f"{number}.png" for number in range(IMAGES)), "none lost, none twice"
        read = {run["image"]["name"]: "".join(box["label"] for box in run["boxes"]).replace(" ", "") for run in runs}
        assert sum(read[f"{number}.png"] == f"GATE{number}" for number in range(IMAGES)) >= IMAGES - 3, read
