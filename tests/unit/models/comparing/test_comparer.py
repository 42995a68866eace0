"""Two real files on the same tokens, against logits that llama-cpp-python's own interface computes."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import gguf
import llama_cpp
import numpy as np
import pytest

from core.comparing.metrics import summarize
from core.comparing.records import ComparedQuestion, QuestionResult
from core.errors import InvalidInput, ModelFailed
from models.comparing import comparer
from models.comparing.comparer import LlamaComparer
from models.comparing.divergence import divergence
from samples.gguf_maker import make_gguf
from samples.small_model import small_model, small_model_again
from tests.this_machine import EXTRA_BUFFERS

QUESTIONS = (ComparedQuestion("Hello?", "Good day, how are you? " * 3), ComparedQuestion("数据库", "一个保存数据的系统。"))


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Make two files whose plain template makes the prompt easy to write down again."""
    folder = tmp_path_factory.mktemp("compared")
    plain = "{% for m in messages %}{{ m.content }}{% endfor %}"
    first, second = folder / "glm-F16.gguf", folder / "glm-Q4_0.gguf"
    make_gguf(first, template=plain, sharpness=1.0)
    make_gguf(second, template=plain, sharpness=1.0, quantization="Q4_0")
    return first, second


def compared(one: Path, other: Path, answer_tokens: int = 0) -> list[QuestionResult]:
    made = LlamaComparer(extra_buffers=EXTRA_BUFFERS, answer_tokens=answer_tokens)
    made.check(one, other)
    return list(made.compare(one, other, QUESTIONS, lambda side, taken: None, lambda: None))


def independent(path: Path, text: str) -> tuple[Any, Any]:
    """Return the tokens and the logits of every position by llama-cpp-python's high-level interface."""
    llama = llama_cpp.Llama(str(path), n_ctx=512, logits_all=True, verbose=False, n_threads=1, use_extra_bufts=False)
    tokens = llama.tokenize(text.encode(), add_bos=False, special=True)
    llama.eval(tokens)
    scores = np.array(llama.scores[: len(tokens)], np.float64)
    llama.close()
    return tokens, scores


def test_kl_and_perplexity_are_those_of_an_independent_computation(files: tuple[Path, Path]) -> None:
    results = compared(*files, answer_tokens=8)
    for question, result in zip(QUESTIONS, results, strict=True):
        kl, same, losses, n = 0.0, 0, [0.0, 0.0], 0
        (tokens, p), (_, q) = (independent(path, question.question + question.answer) for path in files)
        prompt = len(independent(files[0], question.question)[0])
        for position in range(prompt - 1, len(tokens) - 1):
            log_p, log_q = (row - row.max() - math.log(np.exp(row - row.max()).sum()) for row in (p[position], q[position]))
            kl += float((np.exp(log_p) * (log_p - log_q)).sum())
            same += int(log_p.argmax() == log_q.argmax())
            losses = [losses[0] - log_p[tokens[position + 1]], losses[1] - log_q[tokens[position + 1]]]
            n += 1
        assert result.tokens == n == sum(result.kl_counts)
        assert result.kl_sum == pytest.approx(kl, rel=0.02, abs=1e-4) and abs(result.same_top - same) <= 1
        assert result.losses == (pytest.approx(losses[0], rel=2e-3), pytest.approx(losses[1], rel=2e-3))
        assert result.generated == (8, 8) and min(result.seconds) > 0
    assert summarize(results).kl_mean > 0


def test_a_file_compared_with_itself_does_not_differ(files: tuple[Path, Path]) -> None:
    figures = summarize(compared(files[0], files[0]))
    assert figures.kl_mean == 0 and figures.same_top == 1 and figures.perplexity[0] == figures.perplexity[1]
    assert figures.tokens_per_second == (None, None), "no answer was asked for"


def test_the_divergence_of_two_known_distributions() -> None:
    p, q = np.array([[0.5, 0.25, 0.25]], np.float32), np.array([[0.25, 0.5, 0.25]], np.float32)
    found = divergence(np.log(p), np.log(q), [1])
    assert found.kl[0] == pytest.approx(0.25 * math.log(2)) and not found.same_top[0]
    assert (found.losses[0][0], found.losses[1][0]) == (pytest.approx(math.log(4)), pytest.approx(math.log(2)))


def test_files_of_different_models_are_refused(files: tuple[Path, Path], tmp_path: Path) -> None:
    other = make_gguf(tmp_path / "other.gguf", architecture="deepseek2")
    LlamaComparer().check(files[0], other)  # The same vocabulary: allowed, if not wise.
    with pytest.raises(InvalidInput, match="missing"):
        LlamaComparer().check(files[0], tmp_path / "missing.gguf")


def test_a_crash_is_an_error_of_the_comparison(files: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "models" / "comparing").mkdir(parents=True)
    for package in ("models", "models/comparing"):
        (tmp_path / package / "__init__.py").touch()
    (tmp_path / "models/comparing/process.py").write_text("import os, signal\nos.kill(os.getpid(), signal.SIGABRT)\n")
    monkeypatch.setattr(comparer, "ROOT", tmp_path)
    with pytest.raises(ModelFailed, match="SIGABRT"):
        compared(*files)


def test_two_quantizations_of_a_real_model_agree_for_the_most_part() -> None:
    """SmolLM2 in 4.5 and in 4 bits per weight: close, but not the same; a synthetic model cannot show that."""
    questions = (
        ComparedQuestion("What is the capital of France?", "The capital of France is Paris."),
        ComparedQuestion("What is a computer?", "A computer is a machine that processes data by following instructions."),
    )
    made = LlamaComparer(extra_buffers=EXTRA_BUFFERS, answer_tokens=0)
    files = small_model(), small_model_again(gguf.GGMLQuantizationType.Q4_0)
    made.check(*files)
    results = list(made.compare(*files, questions, lambda side, taken: None, lambda: None))
    figures = summarize(results)
    assert 0.001 < figures.kl_mean < 1, "it differs, and is the same model"
    assert figures.same_top > 0.5
    before, after = figures.perplexity
    assert 1 < before < 50 and 1 < after < 100, "it knows the language"
