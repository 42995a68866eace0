"""An image is dropped, boxes are found, moved by mouse and keyboard, corrected, seen by a reviewer, and exported."""

from __future__ import annotations

import json
import re
import time
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from bench.portal_parts.portal import Measured
from samples.chromium import PATIENCE_MS, open_page
from samples.image_files import picture, shown, written
from samples.servers.models.detector_server import DetectorServer, detector_server
from tests.browser.conftest import Person

WIDTH, HEIGHT = 300, 200
FOUND = (10, 20, 110, 90)
"""What the detector finds for each phrase."""


@pytest.fixture
def detector(portal: Measured) -> Iterator[DetectorServer]:
    with detector_server() as server, portal.sign_in() as admin:
        before = admin.get("/api/v1/platforms").raise_for_status().json()["text"]
        text = f"platforms: [{{name: local}}, {{name: boxes, type: detector, base_url: '{server.url}'}}]"
        admin.put("/api/v1/platforms", json={"text": text}).raise_for_status()
        until = time.monotonic() + 60
        while not admin.get("/api/v1/ground/models").json()["items"]:
            assert time.monotonic() < until, "the detector was not listed"
            time.sleep(0.1)
        yield server
        admin.put("/api/v1/platforms", json={"text": before or "platforms: [{name: local}]"}).raise_for_status()


def drop(page: Page, name: str, content: bytes) -> None:
    """Drop a file onto the uploader, as from a folder."""
    script = """([name, content]) => {
        const file = new File([Uint8Array.from(atob(content), each => each.charCodeAt(0))], name, {type: 'image/png'});
        const dropped = new DataTransfer();
        dropped.items.add(file);
        return dropped;
    }"""
    dropped = page.evaluate_handle(script, [name, b64encode(content).decode()])
    zone = page.get_by_test_id("stFileUploaderDropzone")
    for event in ("dragenter", "dragover", "drop"):
        zone.dispatch_event(event, {"dataTransfer": dropped})


def edges(portal: Measured) -> list[float]:
    """Return the box of Ana's newest run, as it is stored."""
    run = portal.get("/api/v1/ground?limit=1", "ana")["items"][0]
    return [float(edge) for edge in run["boxes"][0]["box"]]


def saved(page: Page, label: str) -> bytes:
    with page.expect_download() as download:
        page.get_by_role("button", name=label, exact=True).click()
    return Path(download.value.path()).read_bytes()


def test_a_box_is_found_moved_corrected_reviewed_and_exported(
    person: Person, chromium: Browser, portal: Measured, detector: DetectorServer
) -> None:
    page = person.open("ana")
    open_page(page, "Images")
    expect(page.get_by_text(re.compile(r"^\d+MB per file"))).to_be_visible()
    page.get_by_test_id("stFileUploaderDropzone").wait_for()
    drop(page, "street.png", written(picture(WIDTH, HEIGHT)))
    page.get_by_role("textbox", name="What to find").fill("a red car")
    page.get_by_role("button", name="Find", exact=True).click()
    box = page.locator(".boxes svg .box")
    expect(box).to_have_count(1)
    expect(page.get_by_role("cell", name="100 × 70")).to_be_visible()

    # By mouse: 30 pixels of the image to the right, 40 down.
    drawn = page.locator(".boxes svg")
    expect(drawn).to_have_count(1)
    image = drawn.bounding_box()
    assert image is not None
    scale = image["width"] / WIDTH
    x, y = image["x"] + 60 * scale, image["y"] + 55 * scale
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 10 * scale, y + 10 * scale)
    page.mouse.move(x + 30 * scale, y + 40 * scale, steps=4)
    page.mouse.up()
    expect(page.get_by_role("cell", name="40, 60")).to_be_visible()

    # By keyboard: ten to the right, one up, and two wider.
    box.focus()
    page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Alt+ArrowRight")
    page.keyboard.press("Alt+ArrowRight")
    expect(page.get_by_role("cell", name="50, 59")).to_be_visible()
    expect(page.get_by_role("cell", name="102 × 70")).to_be_visible()
    page.get_by_role("textbox", name="Comment for reviewers").fill("Too far to the left")
    page.get_by_role("textbox", name="Comment for reviewers").press("Enter")
    page.get_by_role("button", name="Save correction").click()
    expect(page.get_by_text("Saved. Reviewers see it in the feedback queue.")).to_be_visible()
    right = [50, 59, 152, 129]
    assert edges(portal) == pytest.approx(right, abs=0.6), "a pixel of the screen is a third of one of the image"

    # Exported as corrected.
    page.get_by_role("button", name="Export").click()
    [annotation] = json.loads(saved(page, "COCO"))["annotations"]
    assert annotation["bbox"] == pytest.approx([50, 59, 102, 70], abs=0.6)
    [run] = json.loads(saved(page, "JSON"))["runs"]
    assert run["corrected"] and run["comment"] == "Too far to the left"
    assert saved(page, "CSV").decode("utf-8-sig").count("\n") == 2
    assert shown(saved(page, "Image with boxes")).size == (WIDTH, HEIGHT)

    reviewed(chromium, portal)


def reviewed(chromium: Browser, portal: Measured) -> None:
    """Check that the case stands in the queue with its phrase, comment and image."""
    context = chromium.new_context(viewport={"width": 1440, "height": 900}, locale="en-GB")
    context.set_default_timeout(PATIENCE_MS)
    admin = Person(context, portal)
    page = admin.open("admin")
    open_page(page, "Cases")
    page.get_by_text("a red car").first.click()
    expect(page.get_by_text("Too far to the left").first).to_be_visible()
    expect(page.get_by_text("As the person left it")).to_be_visible()
    expect(page.locator(".boxes svg .box")).to_have_count(2)
    assert page.locator(".boxes img").first.evaluate("image => image.decode().then(() => image.naturalWidth)") == WIDTH
    context.close()
    assert admin.errors == [] and admin.strangers == []
