"""Measure response times in a real browser. `./portal bench browser`

Measures the first load, the time from Enter to the first visible token, how busy the browser's main thread is while an answer streams, and
the time from Stop to a free slot. Needs Debian's chromium. The model is a synthetic GLM that writes for several seconds.
"""

from __future__ import annotations

import shutil
import statistics
import tempfile
import time
from pathlib import Path

from playwright.sync_api import Browser, CDPSession, Page, sync_playwright

from bench.portal_parts.portal import PASSWORD, Measured, running_portal, table
from samples.chromium import ARGUMENTS
from samples.gguf_maker import WITHOUT_THINKING, make_gguf

REPEATS = 5
STREAM_S = 4.0
VISIBLE = """() => {
  const shown = document.querySelector('.st-key-transcript');
  return shown && shown.innerText.replace('Write something long', '').trim().length > 1;
}"""


def first_load(browser: Browser, portal: Measured) -> tuple[float, float, int]:
    """Return the seconds until the sign-in form accepts input, the MB received, and the number of requests; nothing is cached."""
    context = browser.new_context()
    page = context.new_page()
    requests: list[str] = []
    received = 0

    def loaded(event: dict[str, float]) -> None:
        nonlocal received
        received += int(event["encodedDataLength"])

    session = context.new_cdp_session(page)
    session.send("Network.enable")
    session.on("Network.loadingFinished", loaded)
    page.on("request", lambda request: requests.append(request.url))
    started = time.perf_counter()
    page.goto(portal.url)
    page.get_by_label("User name").wait_for()
    seconds = time.perf_counter() - started
    context.close()
    return seconds, received / 1e6, len(requests)


def sign_in(browser: Browser, portal: Measured) -> Page:
    """Sign in as the admin; return the chat page."""
    page = browser.new_context(viewport={"width": 1440, "height": 900}).new_page()
    page.goto(portal.url)
    page.get_by_label("User name").fill("admin")
    page.get_by_label("Password").first.fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_placeholder("Ask anything").wait_for()
    page.wait_for_timeout(1000)
    return page


def busy(session: CDPSession) -> float:
    """Return the seconds that the main thread has worked so far."""
    found = session.send("Performance.getMetrics")["metrics"]
    return next(float(each["value"]) for each in found if each["name"] == "TaskDuration")


def stream(page: Page, portal: Measured) -> tuple[float, float, float, float]:
    """Return the seconds to the first visible token, the main thread's share, its milliseconds per token, and the seconds from Stop to a
    free slot."""
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable")
    page.get_by_role("button", name="New chat").or_(page.locator(".st-key-new button")).first.click()
    page.locator(".st-key-empty").wait_for()
    field = page.get_by_placeholder("Ask anything")
    field.fill("Write something long")
    started = time.perf_counter()
    field.press("Enter")
    page.wait_for_function(VISIBLE)
    first = time.perf_counter() - started
    with portal.sign_in() as admin:
        tokens_before, busy_before, begun = _decoded(admin.get("/metrics").text), busy(session), time.perf_counter()
        page.wait_for_timeout(STREAM_S * 1000)
        wall, work = time.perf_counter() - begun, busy(session) - busy_before
        tokens = _decoded(admin.get("/metrics").text) - tokens_before
        stopped = time.perf_counter()
        page.get_by_role("button", name="Stop").click()
        while any(model["slots_busy"] for model in admin.get("/api/v1/models").json()["loaded"]):
            time.sleep(0.005)
        freed = time.perf_counter() - stopped
    return first, work / wall, 1e3 * work / max(1, tokens), freed


def _decoded(metrics: str) -> float:
    return sum(float(line.rsplit(" ", 1)[1]) for line in metrics.splitlines() if line.startswith("portal_model_decoded_tokens_total"))


def main() -> None:
    chromium = shutil.which("chromium")
    if chromium is None:
        raise SystemExit("This needs Debian's chromium: apt-get install chromium")
    with tempfile.TemporaryDirectory(prefix="portal-bench-") as folder, sync_playwright() as playwright:
        model = make_gguf(Path(folder) / "slow.gguf", layers=32, context=4096, name="slow", template=WITHOUT_THINKING, sharpness=0.1)
        browser = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        with running_portal(PORTAL_MODEL=str(model), PORTAL_SLOTS="4", PORTAL_CONTEXT="4096") as portal:
            loads = [first_load(browser, portal) for _ in range(REPEATS)]
            page = sign_in(browser, portal)
            streams = [stream(page, portal) for _ in range(REPEATS)]
        browser.close()
    median = statistics.median
    table(
        f"In Chromium, medians of {REPEATS}",
        ["", "portal", "Open WebUI 0.12.4"],
        [
            ["first page load, s", f"{median(each[0] for each in loads):.1f}", "2.1"],
            ["received, MB", f"{median(each[1] for each in loads):.1f}", "2.7"],
            ["requests", f"{median(each[2] for each in loads):.0f}", "235"],
            ["Enter to first visible token, s", f"{median(each[0] for each in streams):.2f}", "0.28"],
            ["main thread busy while streaming, %", f"{100 * median(each[1] for each in streams):.0f}", "42"],
            ["main thread per token, ms", f"{median(each[2] for each in streams):.1f}", "19"],
            ["Stop to a free slot, s", f"{median(each[3] for each in streams):.2f}", "0.15 to 0.27"],
        ],
    )
    print("\nThe right column was measured on another day on the same kind of machine, with a tiny GLM behind llama-server.")


if __name__ == "__main__":
    main()
