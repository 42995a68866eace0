from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.commands.models import main
from samples.gguf_maker import make_gguf
from samples.servers.models.model_hub import HubServer, model_hub

CONTENT = b"GGUF" * 50_000


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[HubServer]:
    for name in ("PORTAL_DATABASE_URL", "PORTAL_CONFIG", "PORTAL_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PORTAL_HOME", str(tmp_path))
    with model_hub() as hub:
        for name, value in hub.environment().items():
            monkeypatch.setenv(name, value)
        hub.repositories["unsloth/GLM-4-9B-0414-GGUF"] = {"GLM-4-9B-0414-Q4_K_M.gguf": CONTENT}
        yield hub


def test_the_known_models_are_listed_with_what_fits(server: HubServer, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list"]) == 0
    out = capsys.readouterr().out
    assert re.search(r"glm-4\.7-flash +Q4_K_M +18\.5 GB", out) and re.search(r"glm-5 +Q8_0 +about .* GB  (does not )?fits?", out)
    assert server.requests == []


def test_a_known_model_is_downloaded(server: HubServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["get", "GLM-4-9B-0414"]) == 0
    path = tmp_path / "models" / "GLM-4-9B-0414-GGUF" / "GLM-4-9B-0414-Q4_K_M.gguf"
    assert path.read_bytes() == CONTENT and str(path) in capsys.readouterr().out


def test_what_cannot_be_had_is_one_sentence(server: HubServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["get", "glm-4-9b-0414", "--quantization", "Q8_0"]) == 1
    assert "has no GGUF file Q8_0. It has: GLM-4-9B-0414-Q4_K_M." in capsys.readouterr().err
    assert main(["get", "glm-99"]) == 1
    assert main(["get", "maker/other"]) == 1
    assert "with --file" in capsys.readouterr().err
    monkeypatch.setenv("PORTAL_OFFLINE", "true")
    assert main(["get", "glm-4-9b-0414"]) == 1
    assert "works offline" in capsys.readouterr().err


def test_a_model_is_quantized(server: HubServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "models").mkdir()
    whole = make_gguf(tmp_path / "models" / "glm-F16.gguf", context=512)
    assert main(["quantize", "glm-F16.gguf", "Q8_0"]) == 0
    made = tmp_path / "models" / "glm-Q8_0.gguf"
    assert made.stat().st_size < whole.stat().st_size and str(made) in capsys.readouterr().out
    assert main(["quantize", str(made), "Q4_K_M"]) == 1
    assert "is already quantized (Q8_0)" in capsys.readouterr().err
    assert main(["quantize", "nothing.gguf", "Q8_0"]) == 1
    assert "does not exist" in capsys.readouterr().err
