from __future__ import annotations

from collections.abc import Callable

import httpx


def test_names_that_may_be_taken_for_another_are_marked(signed_in: Callable[[str], httpx.Client]) -> None:
    ada = signed_in("ada")
    added = ada.post("/api/v1/people", json={"name": "eve", "role": "analyst", "full_name": "Аdmin", "password": "a long password"}).json()
    assert added["person"]["name_doubts"] == ["role", "scripts"]
    listed = {each["name"]: each["name_doubts"] for each in ada.get("/api/v1/people").json()["items"]}
    assert listed["eve"] == ["role", "scripts"] and listed["ann"] == []
    assert ada.patch("/api/v1/people/eve", json={"full_name": "Ann"}).json()["name_doubts"] == ["another"]
    assert ada.patch("/api/v1/people/eve", json={"full_name": "Eve Li"}).json()["name_doubts"] == []
