"""An admin makes a backup with the button, checks it, and downloads it; only an admin gets it."""

from __future__ import annotations

from pathlib import Path

import httpx
from playwright.sync_api import expect

from bench.portal_parts.portal import Measured
from data.backup.restore import examine
from samples.chromium import open_page
from tests.browser.conftest import Person


def test_a_backup_goes_from_the_button_into_a_file_that_can_be_restored(person: Person, portal: Measured, tmp_path: Path) -> None:
    page = person.open("admin")
    open_page(page, "Storage")
    make = page.get_by_role("button", name="Create a backup")
    make.click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Passphrase (optional)").fill("correct horse")
    dialog.get_by_label("Repeat passphrase").fill("correct horsy")
    dialog.get_by_role("button", name="Create backup").click()
    expect(dialog.get_by_text("The passphrases do not match")).to_be_visible()
    dialog.get_by_label("Repeat passphrase").fill("correct horse")
    dialog.get_by_role("button", name="Create backup").click()
    link = page.get_by_role("link", name="Download")
    expect(link).to_be_visible()
    expect(make).to_be_enabled()
    expect(dialog).to_have_count(0)

    [made] = (portal.home / "backups").iterdir()
    assert link.get_attribute("download") == made.name
    with page.expect_download() as download:
        link.click()
    copy = tmp_path / "copy.backup"
    download.value.save_as(copy)
    assert copy.read_bytes() == made.read_bytes()
    with copy.open("rb") as file:
        assert examine(file, "correct horse").rows["users"] == len(portal.get("/api/v1/people")["items"])

    page.get_by_role("button", name="Actions").click()
    page.get_by_text("Verify").click()
    dialog.get_by_label("Passphrase for").fill("correct horse")
    dialog.get_by_role("button", name="Verify").click()
    expect(page.get_by_text("is intact: every row is as it was written.")).to_be_visible()
    expect(dialog).to_have_count(0)

    address = f"{portal.url}{link.get_attribute('href')}"
    assert httpx.get(address, timeout=60).status_code == 401
    with portal.sign_in("ana") as ana:
        assert ana.get(address).status_code == 403

    page.get_by_role("button", name="Actions").click()
    page.get_by_text("Delete", exact=True).click()
    dialog.get_by_role("button", name="Delete").click()
    expect(page.get_by_text("There are no backups yet.")).to_be_visible()
    assert not list((portal.home / "backups").iterdir())
