from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from core.models.load_settings import Adapter, LoadSettings
from models.serving.state_files import remembered_settings
from models.serving.state_files.remembered_settings import RememberedSettings

MODEL = Path("/models/glm.gguf")


def test_the_last_settings_of_a_file_are_offered_after_a_restart(tmp_path: Path) -> None:
    asked = LoadSettings(context=4096, slots=3, kv_type="q8_0", streams="unified", gpu_shares=(3.0, 1.0))
    asked = replace(asked, adapters=(Adapter("legal", Path("/models/legal.gguf"), 0.5),))
    first = RememberedSettings(tmp_path / "notes.json")
    first.keep(MODEL, LoadSettings())
    first.keep(MODEL, asked)
    assert RememberedSettings(tmp_path / "notes.json").of(MODEL) == asked
    assert first.of(Path("/models/other.gguf")) is None


@pytest.mark.parametrize(
    "noted",
    ["", "[]", "{", '{"/models/glm.gguf": 3}', '{"/models/glm.gguf": {"colour": 1}}', '{"/models/glm.gguf": {"slots": 0}}',
     '{"/models/glm.gguf": {"slots": "a"}}', '{"/models/glm.gguf": {"adapters": [3]}}', '{"/models/glm.gguf": {"adapters": [{}]}}',
     '{"/models/glm.gguf": {"kv_type": 8}}'],
)  # fmt: skip
def test_notes_that_make_no_sense_are_none(tmp_path: Path, noted: str) -> None:
    (tmp_path / "notes.json").write_text(noted)
    assert RememberedSettings(tmp_path / "notes.json").of(MODEL) is None


def test_the_file_loaded_longest_ago_is_forgotten_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remembered_settings, "MAX_FILES", 2)
    notes = RememberedSettings(tmp_path / "notes.json")
    for name in ("a", "b", "a", "c"):
        notes.keep(Path("/models") / name, LoadSettings())
    assert [notes.of(Path("/models") / name) is not None for name in "abc"] == [True, False, True]


def test_a_folder_that_cannot_be_written_only_costs_the_note(tmp_path: Path) -> None:
    notes = RememberedSettings(tmp_path / "nowhere" / "notes.json")
    notes.keep(MODEL, LoadSettings())
    assert notes.of(MODEL) is None
