from __future__ import annotations

from pathlib import Path

import pytest

from core.errors import Conflict, InvalidInput, ModelFailed
from core.models.quantization import Precision, quantized_name
from models.gguf.facts import read_facts
from models.quantizing import quantizer
from models.quantizing.quantizer import LlamaQuantizer
from samples.gguf_maker import make_gguf
from tests.small_disk import file_limit, fill


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_gguf(tmp_path_factory.mktemp("models") / "glm-F16.gguf", context=512)


@pytest.mark.parametrize("precision", [Precision.Q8_0, Precision.IQ4_XS])
def test_the_result_is_smaller_and_has_the_computed_size(whole: Path, tmp_path: Path, precision: Precision) -> None:
    made = tmp_path / "made.gguf"
    seen: list[float] = []
    expected = LlamaQuantizer().size(whole, precision, lambda: None)
    LlamaQuantizer().quantize(whole, made, precision, seen.append)
    facts = read_facts(made)
    assert facts.file.quantization == precision.value and facts.file.size_bytes < whole.stat().st_size
    assert abs(facts.weights_bytes - expected) <= 0.02 * expected + 20_000
    assert seen == sorted(seen) and seen[-1] > 0.5


def test_a_quantized_file_is_refused_with_the_reason(tmp_path: Path) -> None:
    quantized = make_gguf(tmp_path / "glm-Q4_0.gguf", quantization="Q4_0")
    with pytest.raises(InvalidInput, match=r"glm-Q4_0\.gguf is already quantized \(Q4_0\)\. Choose an F16 or BF16 file"):
        LlamaQuantizer().check(quantized)
    # Someone may have renamed the file meanwhile: llama.cpp refuses it, too, and the portal continues.
    with pytest.raises(ModelFailed, match="requantizing from type q4_0 is disabled"):
        LlamaQuantizer().quantize(quantized, tmp_path / "out.gguf", Precision.Q8_0, lambda done: None)


def test_a_cancel_ends_the_process(whole: Path, tmp_path: Path) -> None:
    class Cancelled(Exception):
        pass

    def cancel(done: float) -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        LlamaQuantizer().quantize(whole, tmp_path / "out.gguf", Precision.Q8_0, cancel)
    assert not (tmp_path / "out.gguf").exists()


def test_a_crash_of_the_quantizer_is_an_error_of_the_job(whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "models" / "quantizing").mkdir(parents=True)
    for package in ("models", "models/quantizing"):
        (tmp_path / package / "__init__.py").touch()
    (tmp_path / "models/quantizing/process.py").write_text("import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)\n")
    monkeypatch.setattr(quantizer, "ROOT", tmp_path)
    with pytest.raises(ModelFailed, match="SIGSEGV"):
        LlamaQuantizer().quantize(whole, tmp_path / "out.gguf", Precision.Q8_0, lambda done: None)


def test_a_full_disk_says_so(whole: Path, small_disk: Path) -> None:
    fill(small_disk, 65_536)
    with pytest.raises(Conflict, match=r"The disk of the models folder is full, so glm-F16\.gguf was not quantized"):
        LlamaQuantizer().quantize(whole, small_disk / "out.gguf", Precision.Q8_0, lambda done: None)


def test_the_limit_for_the_size_of_a_file_is_named(whole: Path, tmp_path: Path) -> None:
    with file_limit(65_536), pytest.raises(Conflict, match=r"glm-F16\.gguf was not quantized: .* limit for the size of a file"):
        LlamaQuantizer().quantize(whole, tmp_path / "out.gguf", Precision.Q8_0, lambda done: None)


@pytest.mark.parametrize(
    ("name", "made"),
    [
        ("GLM-4-9B-0414-BF16.gguf", "GLM-4-9B-0414-Q4_K_M.gguf"),
        ("glm.f16.gguf", "glm-Q4_K_M.gguf"),
        ("GLM-4.6-BF16-00001-of-00014.gguf", "GLM-4.6-Q4_K_M.gguf"),
        ("模型 fp16.GGUF", "模型-Q4_K_M.gguf"),
        ("glm.gguf", "glm-Q4_K_M.gguf"),
    ],
)
def test_the_name_says_the_precision(name: str, made: str) -> None:
    assert quantized_name(name, Precision.Q4_K_M) == made
