from __future__ import annotations

import pytest

from models.plain_words import plain_reason, without_codes


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("/tmp/pip-wheel-o33/vendor/llama.cpp/ggml/src/ggml.c:3354: GGML_ASSERT(ggml_can_mul_mat(a, b)) failed",
         "a check inside llama.cpp failed (ggml.c)"),
        ("GGML_ASSERT(n_expert > 0 && \"n_expert must be > 0\") failed", "a check inside llama.cpp failed"),
        ("llama_model_load: error loading model: check_tensor_dims: tensor 'a' not found", "tensor 'a' not found"),
        ("llama_model_load: error loading model: error loading model vocabulary: key x has wrong type", "key x has wrong type"),
        ("\x1b[31mred\x1b[0m \x1b]0;title\x07and\r plain\t words.", "red and plain words"),
        ("cannot open /usr/local/src/build/ggml-cpu.cpp:12", "cannot open ggml-cpu.cpp"),
        ("half \ud800 and \u202ebackwards", "half and backwards"),
        ("", ""),
    ],
)  # fmt: skip
def test_a_reason_is_plain(said: str, shown: str) -> None:
    assert plain_reason(said) == shown


def test_a_long_reason_is_cut() -> None:
    assert len(plain_reason("word " * 1000)) == 300


def test_what_a_terminal_would_obey_is_dropped_and_lines_stay() -> None:
    assert without_codes("a\x1b[2Jb\x07\nc\x9bd") == "ab\ncd"
