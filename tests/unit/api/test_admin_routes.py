"""Usage, models and people: what managers and admins do."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from bootstrap.portal import Portal
from core.errors import InvalidInput
from core.models.load_settings import Adapter, LoadSettings
from core.models.records import AdapterFile
from core.models.start_records import StartModel
from samples.fakes import FakePool
from tests.unit.api.conftest import PASSWORD
from tests.unit.api.portal.chat.test_conversations import ask, new

SignIn = Callable[[str], httpx.Client]


@pytest.fixture
def ada(signed_in: SignIn) -> httpx.Client:
    return signed_in("ada")


def test_usage_adds_up(ann: httpx.Client, signed_in: SignIn) -> None:
    turn = ask(ann, new(ann)).json()
    ask(ann, new(ann))
    ann.put(f"/api/v1/messages/{turn['answer']['id']}/feedback", json={"rating": 1})
    report = signed_in("max").get("/api/v1/usage").json()
    total = report["total"]
    assert (total["answers"], total["people"], total["chats"], total["tokens"]) == (2, 1, 2, 20)
    assert (total["rated"], total["satisfaction"]) == (1, 1.0)
    assert total["ttft_p50"] == pytest.approx(0.1)
    assert len(report["by_day"]) == 30
    assert report["by_day"][-1]["day"] == report["last"] == datetime.now(UTC).date().isoformat()
    assert report["by_day"][-1]["answers"] == 2
    assert [row["name"] for row in report["by_model"]] == ["fake"]
    assert [row["name"] for row in report["by_group"]] == [""]
    assert report["before"]["answers"] == 0


def test_usage_of_a_range_model_and_group(ann: httpx.Client, ada: httpx.Client) -> None:
    ask(ann, new(ann))
    today = datetime.now(UTC).date()
    long_ago = {"first": str(today - timedelta(days=9)), "last": str(today - timedelta(days=5))}
    report = ada.get("/api/v1/usage", params=long_ago).json()
    assert len(report["by_day"]) == 5
    assert report["total"]["answers"] == 0
    for query, answers in (({"model": "fake"}, 1), ({"model": "other"}, 0), ({"group": "sales"}, 0)):
        assert ada.get("/api/v1/usage", params=query).json()["total"]["answers"] == answers


def test_the_models_are_listed_with_their_files(ada: httpx.Client, portal: Portal) -> None:
    shown = ada.get("/api/v1/models").json()
    assert shown["folder"] == str(portal.settings.models_path)
    assert (shown["loaded"][0]["name"], shown["loaded"][0]["state"], shown["loaded"][0]["default"]) == ("fake", "ready", True)
    assert shown["files"][0]["quantization"] == "Q4_K_M"


def test_a_model_is_loaded_from_the_folder_or_by_its_path(ada: httpx.Client, pool: FakePool, portal: Portal) -> None:
    assert ada.post("/api/v1/models/load", json={"path": "glm.gguf", "context": 4096, "slots": 2}).status_code == 202
    assert ada.post("/api/v1/models/load", json={"path": "/data/glm.gguf"}).status_code == 202
    assert pool.asked == [("load", portal.settings.models_path / "glm.gguf"), ("load", Path("/data/glm.gguf"))]


def test_a_model_is_loaded_with_the_settings_that_were_sent(ada: httpx.Client, pool: FakePool) -> None:
    sent = {"kv_type": "q8_0", "flash_attention": "on", "streams": "unified", "split_mode": "row", "main_gpu": 1, "gpu_shares": [3.0, 1.0]}
    assert ada.post("/api/v1/models/load", json={"path": "glm.gguf", **sent}).status_code == 202
    asked = pool.settings[-1]
    assert {name: getattr(asked, name) for name in sent} == {**sent, "gpu_shares": (3.0, 1.0)}
    refused = ada.post("/api/v1/models/load", json={"path": "glm.gguf", "kv_type": "q4_0", "flash_attention": "off"})
    assert refused.status_code == 422 and "needs flash attention" in refused.json()["error"]["message"]


def test_a_model_is_loaded_with_adapters(ada: httpx.Client, pool: FakePool, portal: Portal) -> None:
    pool.adapters_on_disk = [AdapterFile(Path("/models/legal.gguf"), "legal", 1000, "glm4", 8)]
    assert ada.get("/api/v1/models").json()["adapters"][0] == {
        "name": "legal", "path": "/models/legal.gguf", "size_bytes": 1000, "architecture": "glm4", "rank": 8, "error": None
    }  # fmt: skip
    sent = [{"name": "legal", "path": "legal.gguf"}, {"name": "sql", "path": "/data/sql.gguf", "scale": 0.5}]
    assert ada.post("/api/v1/models/load", json={"path": "glm.gguf", "adapters": sent}).status_code == 202
    folder = portal.settings.models_path
    assert pool.settings[-1].adapters == (Adapter("legal", folder / "legal.gguf"), Adapter("sql", Path("/data/sql.gguf"), 0.5))
    refused = ada.post("/api/v1/models/load", json={"path": "glm.gguf", "adapters": [{"name": "a:b", "path": "x"}]})
    assert refused.status_code == 422 and "is not a valid adapter name" in refused.json()["error"]["message"]


def test_a_file_that_cannot_be_loaded_says_why(ada: httpx.Client, pool: FakePool) -> None:
    pool.refuse.append(InvalidInput("{name} is cut short.", name="glm.gguf"))
    refused = ada.post("/api/v1/models/load", json={"path": "glm.gguf"})
    assert refused.status_code == 422
    assert refused.json() == {"error": {"code": "invalid_input", "message": "glm.gguf is cut short."}}
    assert "context" in ada.post("/api/v1/models/load", json={"path": "a", "context": 1}).json()["error"]["message"]


def test_a_model_is_unloaded(ada: httpx.Client, pool: FakePool) -> None:
    assert ada.delete("/api/v1/models/fake").status_code == 202
    assert pool.asked == [("unload", "fake")]


def test_a_loaded_model_is_kept_for_every_start_unless_that_is_left_out(ada: httpx.Client, pool: FakePool) -> None:
    assert ada.post("/api/v1/models/load", json={"path": "glm.gguf"}).json()["at_start"] is True
    assert ada.get("/api/v1/models").json()["loaded"][0]["at_start"] is True
    assert ada.post("/api/v1/models/load", json={"path": "glm.gguf", "at_start": False}).json()["at_start"] is False
    ada.post("/api/v1/models/load", json={"path": "glm.gguf"})
    ada.delete("/api/v1/models/fake")
    assert ada.get("/api/v1/models").json()["loaded"][0]["at_start"] is False


def test_models_that_were_not_loaded_at_the_start_are_listed_until_they_are_deleted(
    ada: httpx.Client, pool: FakePool, portal: Portal
) -> None:
    pool.refuse.append(InvalidInput("The file {file} does not exist.", file="/models/glm.gguf"))
    portal.models.load_at_start(StartModel("glm", Path("/models/glm.gguf"), LoadSettings()), {})
    told = [{"name": "glm", "path": "/models/glm.gguf", "reason": "The file /models/glm.gguf does not exist."}]
    assert ada.get("/api/v1/models").json()["not_loaded"] == told
    pool.models = []
    assert ada.delete("/api/v1/models/glm").status_code == 202
    assert ada.get("/api/v1/models").json()["not_loaded"] == []
    assert ada.delete("/api/v1/models/glm").status_code == 404


def test_somebody_is_added_and_signs_in(ada: httpx.Client, client: httpx.Client) -> None:
    added = ada.post("/api/v1/people", json={"name": "Carl", "role": "manager", "group": "Sales", "full_name": "Carl C."})
    assert added.status_code == 201
    assert added.json()["person"]["name"] == "carl"
    signed = client.post("/api/v1/session", json={"username": "carl", "password": added.json()["password"]})
    assert signed.json()["user"]["group"] == "Sales"
    names = [person["name"] for person in ada.get("/api/v1/people").json()["items"]]
    assert names == ["ada", "ann", "bob", "carl", "max", "rita"]


def test_a_given_password_is_not_answered(ada: httpx.Client) -> None:
    added = ada.post("/api/v1/people", json={"name": "carl", "role": "analyst", "password": "a good password"})
    assert added.json()["password"] is None
    assert ada.post("/api/v1/people", json={"name": "dora", "role": "analyst", "password": ""}).status_code == 422


def test_a_taken_or_unusable_name_is_refused(ada: httpx.Client) -> None:
    assert ada.post("/api/v1/people", json={"name": "ann", "role": "analyst"}).status_code == 409
    assert ada.post("/api/v1/people", json={"name": "a b", "role": "analyst"}).status_code == 422
    assert ada.post("/api/v1/people", json={"name": "carl", "role": "king"}).status_code == 422


def test_a_new_password_ends_the_old_sessions(ada: httpx.Client, ann: httpx.Client, client: httpx.Client) -> None:
    assert ada.patch("/api/v1/people/ann", json={"password": "another horse"}).status_code == 200
    assert ann.get("/api/v1/session").status_code == 401
    assert client.post("/api/v1/session", json={"username": "ann", "password": PASSWORD}).status_code == 401
    assert client.post("/api/v1/session", json={"username": "ann", "password": "another horse"}).status_code == 200


def test_a_bad_password_changes_nothing_else(ada: httpx.Client, ann: httpx.Client) -> None:
    assert ada.patch("/api/v1/people/ann", json={"role": "admin", "password": "short"}).status_code == 422
    assert ann.get("/api/v1/session").json()["role"] == "analyst"


def test_the_last_admin_stays(ada: httpx.Client) -> None:
    for change in ({"active": False}, {"role": "analyst"}):
        assert ada.patch("/api/v1/people/ada", json=change).status_code == 409
    assert ada.patch("/api/v1/people/ada", json={}).status_code == 422
    assert ada.patch("/api/v1/people/nobody", json={"active": False}).status_code == 404
