"""The example plugin as a platform, over REST: turned on, configured, asked; what it does not know the next model answers."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from tests.plugin_maker import install_package
from tests.unit.api.portal.chat.test_conversations import until

EXAMPLE = Path(__file__).parents[5] / "docs/examples/glm-portal-faq"


@pytest.fixture
def faq(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Install the example; returns the file of known questions."""
    site = tmp_path / "site"
    site.mkdir()
    monkeypatch.syspath_prepend(str(site))
    module = (EXAMPLE / "glm_portal_faq.py").read_text("utf-8")
    install_package(site, (EXAMPLE / "pyproject.toml").read_text("utf-8"), {"glm_portal_faq": module})
    file = tmp_path / "faq.json"
    file.write_text(json.dumps({"When does the canteen open?": "At noon.\nOn Fridays at eleven."}), "utf-8")
    yield file
    sys.modules.pop("glm_portal_faq", None)


def test_the_example_answers_what_it_knows_and_the_next_model_the_rest(faq: Path, signed_in: Callable[[str], httpx.Client]) -> None:
    ada = signed_in("ada")
    assert ada.put("/api/v1/plugins/faq", json={"everyone": True}).json()["adds"] == [
        {"kind": "platform", "name": "Known questions from a file"}
    ]
    text = (
        f"platforms:\n- name: known\n  type: plugin\n  kind: faq\n  options:\n    file: {faq}\n    likeness: 0.5\n"
        "routes:\n  chat: [faq@known, fake@local]\n"
    )
    refused = ada.put("/api/v1/platforms", json={"text": text.replace("0.5", "5")})
    assert refused.status_code == 422 and "likeness may be at most 1" in refused.text
    applied = ada.put("/api/v1/platforms", json={"text": text})
    assert applied.status_code == 200, applied.text
    until(lambda: "faq" in {each["id"] for each in ada.get("/v1/models").json()["data"]})
    chat = ada.post("/api/v1/conversations", json={}).json()["id"]

    def answer(question: str) -> tuple[str, str]:
        turn = ada.post(f"/api/v1/conversations/{chat}/messages", json={"text": question}).json()
        return turn["answer"]["text"], turn["answer"]["generation"]["platform"]

    assert answer("When does the canteen open?") == ("At noon.\nOn Fridays at eleven.", "known")
    assert answer("What is a bond?") == ("Hello from the fake model", "local")
    done = ada.post("/v1/chat/completions", json={"model": "faq", "messages": [{"role": "user", "content": "When does the canteen open"}]})
    assert done.json()["choices"][0]["message"]["content"].startswith("At noon")
    unknown = ada.post("/v1/chat/completions", json={"model": "faq@known", "messages": [{"role": "user", "content": "Why"}]})
    assert unknown.status_code in (400, 422) and "has no answer" in unknown.text
