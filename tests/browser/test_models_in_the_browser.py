"""An admin uploads a model file; a broken connection costs only the piece that was being sent."""

from __future__ import annotations

import random
from pathlib import Path

from playwright.sync_api import Route, expect

from bench.portal_parts.portal import Measured
from tests.browser.conftest import Person


def test_an_upload_goes_on_after_its_connection_broke(person: Person, portal: Measured, tmp_path: Path) -> None:
    file = tmp_path / "智谱 model.gguf"
    file.write_bytes(b"GGUF" + random.Random(3).randbytes(9_000_000))
    page = person.open("admin")
    page.goto(f"{portal.url}/get_model")
    page.get_by_role("button", name="Other sources").click()
    page.get_by_text("Upload a file").click()
    expect(page.get_by_role("dialog").get_by_text("Choose a GGUF file")).to_be_visible()
    broken: list[str] = []

    def break_the_second(route: Route) -> None:
        if route.request.method == "PUT" and "offset=0&" not in route.request.url and not broken:
            broken.append(route.request.url)
            route.abort("connectionreset")
        else:
            route.continue_()

    page.route("**/api/v1/models/upload*", break_the_second)
    page.locator("input[type=file]").set_input_files(file)
    expect(page.get_by_role("dialog").get_by_text("uploaded; it is listed on the Models page")).to_be_visible()
    assert broken and (portal.home / "models" / file.name).read_bytes() == file.read_bytes()
    person.expect_error("ERR_CONNECTION_RESET")
    (portal.home / "models" / file.name).unlink()
