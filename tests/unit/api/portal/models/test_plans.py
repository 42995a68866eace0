"""A memory plan over REST: the memory of a load, and who is affected if other models make room."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import httpx

from bootstrap.portal import Portal
from core.models.memory_records import DeviceMemory
from core.models.records import ModelFile
from samples.fakes import FILE, MODEL, FakePool


def test_a_plan_names_who_would_notice_that_others_make_room(
    signed_in: Callable[[str], httpx.Client], pool: FakePool, portal: Portal
) -> None:
    ada = signed_in("ada")
    huge = ModelFile(portal.settings.models_path / "huge.gguf", "huge", 34_600_000_000, "glm4", "Q8_0", 32_600_000_000, 32_768, 61)
    pool.on_disk = [FILE, huge]
    pool.models = [replace(MODEL, memory_bytes=30_000_000_000, slots_busy=2, waiting=1)]
    pool.memory_budget = DeviceMemory("budget", 8_000_000_000, 40_000_000_000)
    ada.put("/api/v1/group-models", json={"group": "Legal", "model": MODEL.name}).raise_for_status()
    plan = ada.post("/api/v1/models/plan", json={"path": "huge.gguf", "context": 4096, "slots": 2}).json()
    assert (plan["fits"], plan["context"], plan["slots"], plan["weights_bytes"]) == (False, 4096, 2, 34_600_000_000)
    assert plan["evictions"] == [
        {"model": MODEL.name, "frees_bytes": 30_000_000_000, "running": 2, "waiting": 1, "default": MODEL.default, "groups": ["Legal"]}
    ]
    assert pool.asked == [], "nothing was loaded"
    assert ada.get("/api/v1/models").json()["memory"][-1] == {"name": "budget", "free_bytes": 8_000_000_000, "total_bytes": 40_000_000_000}
