"""The files in deploy/ work with this portal."""

from __future__ import annotations

import json
import re
import ssl
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import yaml
from promql_parser import parse

from bench.portal_parts.portal import PASSWORD, Measured, running_portal
from samples.servers.nginx import Nginx
from settings import Settings

DEPLOY = Path(__file__).parents[2] / "deploy"


@pytest.fixture(scope="module")
def portal() -> Iterator[Measured]:
    with running_portal(PORTAL_SECURE_COOKIE="true") as running:
        yield running


@pytest.fixture(scope="module")
def browser_side(portal: Measured, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """Yield a client of nginx with deploy/nginx.conf, its names and paths replaced."""
    folder = tmp_path_factory.mktemp("nginx")
    replaced = {"127.0.0.1:8501": portal.url.removeprefix("http://"), "portal.example": "127.0.0.1"}
    nginx = Nginx(folder, (DEPLOY / "nginx.conf").read_text("utf-8"), replaced)
    try:
        trusted = ssl.create_default_context(cafile=nginx.certificate)
        with httpx.Client(base_url=nginx.url, verify=trusted, timeout=60) as client:
            yield client
    finally:
        nginx.close()


def test_behind_the_proxy_a_person_signs_in_asks_and_reads_a_streamed_answer(browser_side: httpx.Client) -> None:
    signed_in = browser_side.post("/api/v1/session", json={"username": "admin", "password": PASSWORD})
    assert signed_in.status_code == 200
    assert "secure" in signed_in.headers["set-cookie"].lower()
    chat = browser_side.post("/api/v1/conversations", json={}).raise_for_status().json()["id"]
    body = {"text": "What can this portal do?", "request_id": "front", "stream": True}
    with browser_side.stream("POST", f"/api/v1/conversations/{chat}/messages", json=body) as answer:
        events = [line for line in answer.iter_lines() if line.startswith("event:")]
    assert events[0] == "event: turn" and events[-1] == "event: done" and "event: delta" in events


def test_behind_the_proxy_the_page_and_its_websocket_are_reached(browser_side: httpx.Client) -> None:
    assert "<html" in browser_side.get("/").text
    handshake = {
        "Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Protocol": "streamlit",
    }  # fmt: skip
    with browser_side.stream("GET", "/_stcore/stream", headers=handshake) as answer:
        assert answer.status_code == 101


@pytest.mark.parametrize("path", ["/metrics", "/_stcore/metrics"])
def test_the_proxy_keeps_measurements_inside(browser_side: httpx.Client, path: str) -> None:
    assert browser_side.get(path).status_code == 404


def test_the_proxy_answers_with_security_headers_once_each(browser_side: httpx.Client) -> None:
    for path in ("/", "/healthz", "/metrics"):
        headers = browser_side.get(path).headers
        for name in ("strict-transport-security", "x-content-type-options", "referrer-policy", "content-security-policy"):
            assert len(headers.get_list(name)) == 1, (path, name)


def test_a_large_file_passes_the_proxy(browser_side: httpx.Client) -> None:
    assert browser_side.post("/api/v1/files", params={"name": "large.txt"}, content=b"a line of text\n" * 400_000).status_code == 201


def test_the_proxy_has_the_same_limits_as_the_portal() -> None:
    site = (DEPLOY / "nginx.conf").read_text("utf-8")
    assert f"limit_conn portal {Settings().connections_per_address};" in site
    deadlines = {"client_header_timeout", "client_body_timeout", "send_timeout", "keepalive_timeout"}
    assert deadlines <= set(re.findall(r"^    (\w+) \d+s;", site, re.MULTILINE))


def test_every_alert_watches_a_measurement_that_exists(portal: Measured) -> None:
    shown = httpx.get(f"{portal.url}/metrics", timeout=60).text
    there = set(re.findall(r"^(?:# TYPE )?(portal_\w+)", shown, re.MULTILINE))
    rules = yaml.safe_load((DEPLOY / "prometheus-rules.yaml").read_text("utf-8"))["groups"][0]["rules"]
    watched = {name for rule in rules for name in re.findall(r"portal_\w+", rule["expr"])}
    assert len(rules) >= 4 and watched - there == set()
    for rule in rules:
        parse(rule["expr"])


def test_every_panel_of_the_dashboard_shows_a_measurement_that_exists(portal: Measured) -> None:
    """GPUs have measurements only where there is one; their names are compared with the code."""
    shown = httpx.get(f"{portal.url}/metrics", timeout=60).text
    code = (DEPLOY.parent / "api" / "monitoring" / "machine_metrics.py").read_text("utf-8")
    of_machines = {f"portal_{name}" for name in re.findall(r'_Named\("(\w+)"', code)}
    there = {name for name, _ in re.findall(r"^(portal_\w+)(\{| )", shown, re.MULTILINE)} | of_machines
    typed = set(re.findall(r"^# TYPE (portal_\w+) ", shown, re.MULTILINE))
    dashboard = json.loads((DEPLOY / "monitoring/grafana/dashboards/glm-portal.json").read_text("utf-8"))
    panels = [panel for panel in dashboard["panels"] if panel["type"] != "row"]
    expressions = [target["expr"] for panel in panels for target in panel["targets"]]
    expressions += [each["definition"] for each in dashboard["templating"]["list"] if "definition" in each]
    used = {name for expression in expressions for name in re.findall(r"portal_\w+", expression)}
    assert len(panels) >= 24 and len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"])
    assert used - there - typed == set()
    for target in (target for panel in panels for target in panel["targets"]):
        # Grafana puts in a length of time and a name for its variables.
        parse(target["expr"].replace("$__rate_interval", "5m"))
