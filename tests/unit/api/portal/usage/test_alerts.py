"""Alerts over REST: a rule from its preview to its removal, and a webhook whose secret is shown once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

SignIn = Callable[[str], httpx.Client]
RULES = "/api/v1/alert-rules"
ERRORS: dict[str, Any] = {"name": "Errors", "measure": "errors", "threshold": 5, "least": 20, "hold_s": 300}


@pytest.fixture
def max_(signed_in: SignIn) -> httpx.Client:
    return signed_in("max")


def test_a_rule_is_previewed_added_changed_silenced_and_removed(max_: httpx.Client) -> None:
    preview = max_.post(f"{RULES}/preview?days=2", json={"rule": ERRORS}).json()
    assert preview["kept"] and preview["fired"] == [] and preview["seconds"] == 0
    made = max_.post(RULES, json={"rule": ERRORS | {"mails": ["ops@corp.example"]}}).json()
    assert made["state"] == "quiet" and made["unit"] == "%" and made["rule"]["threshold"] == 5 and made["fired"] == 0
    here = f"{RULES}/{made['id']}"
    assert max_.get(RULES).json()["items"] == [made]
    changed = max_.patch(here, json={"rule": made["rule"] | {"threshold": 7.5, "recovery": 3}}).json()
    assert changed["rule"]["threshold"] == 7.5 and changed["rule"]["recovery"] == 3 and changed["updated_by"]
    silenced = max_.put(f"{here}/silence", json={"until": "2026-01-01T00:00:00Z"})
    assert silenced.status_code == 422 and "in the future" in silenced.text
    assert max_.put(f"{here}/silence", json={}).status_code == 409
    assert max_.post(f"{here}/acknowledge", json={"note": "seen"}).status_code == 409
    assert max_.patch(here, json={"enabled": False}).json()["state"] == "off"
    assert max_.post(f"{here}/tests").status_code == 202
    [sent] = max_.get(f"{here}/tests").json()["items"]
    assert sent["event"] == "test" and sent["name"] == "ops@corp.example"
    assert max_.delete(here).status_code == 204 and max_.get(RULES).json()["items"] == []
    assert max_.get("/api/v1/alert-history").json() == {"items": [], "changes": []}


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"threshold": None}, "threshold"),
        ({"threshold": "5"}, "threshold"),
        ({"threshold": 1e30}, "threshold"),
        ({"measure": "weather"}, "measure"),
        ({"recovery": 9}, "recover"),
        ({"mails": ["nobody"]}, "mail address"),
        ({"people": ["0" * 32]}, "may see usage"),
        ({"webhooks": ["0" * 32]}, "does not exist any more"),
        ({"window_s": 5}, "window_s"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_a_rule_that_cannot_be_meant_is_refused(max_: httpx.Client, changes: dict[str, Any], says: str) -> None:
    refused = max_.post(RULES, json={"rule": ERRORS | changes})
    assert refused.status_code == 422 and says in refused.text, refused.text


def test_a_webhooks_secret_is_returned_once(max_: httpx.Client) -> None:
    made = max_.post("/api/v1/alert-webhooks", json={"name": "Pager", "address": "https://pager.example/x"}).json()
    assert len(made["secret"]) > 40
    listed = max_.get("/api/v1/alert-webhooks")
    assert made["secret"] not in listed.text and listed.json()["items"][0]["id"] == made["id"]
    refused = max_.post("/api/v1/alert-webhooks", json={"name": "Inside", "address": "http://169.254.169.254/"})
    assert refused.status_code == 422
    assert max_.delete(f"/api/v1/alert-webhooks/{made['id']}").status_code == 204


def test_the_metric_counts_what_fires(client: httpx.Client) -> None:
    assert 'portal_alerts_firing{severity="high"} 0.0' in client.get("/metrics").text
