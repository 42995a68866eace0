"""The likeliest tokens of many rows, against a plain sort."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from models.engine.sampling.top_tokens import ROWS, TopTokens


def plain(logits: NDArray[np.float32], top: int) -> list[int]:
    return [int(token) for token in np.argsort(-logits, kind="stable")[:top]]


@pytest.mark.parametrize(("vocabulary", "threads"), [(2_048, 3), (65_024, 1), (65_024, 3), (151_552, 1), (151_555, 1)])
def test_each_row_has_its_own_likeliest_tokens_step_after_step(vocabulary: int, threads: int) -> None:
    rng = np.random.default_rng(3)
    rows = 3 * ROWS + 5 if threads > 1 else ROWS + 5
    tops = [1 + row * 4 for row in range(rows)]
    bounds = np.full(rows, np.inf, np.float32)
    finder = TopTokens(vocabulary, threads)
    for step in range(4):
        # From step to step the level moves, so that a bound admits too many or too few.
        logits = rng.standard_normal((rows, vocabulary), np.float32) * (1 + step) + np.float32(30 * (step % 2))
        found = finder.find(logits, tops, bounds)
        assert [list(map(int, likely)) for likely in found] == [plain(row, top) for row, top in zip(logits, tops, strict=True)]
        assert np.isfinite(bounds).all()
    finder.close()


def test_equal_logits_and_rows_without_numbers_give_enough_tokens() -> None:
    rows = np.zeros((3, 151_552), np.float32)
    rows[1], rows[2] = np.nan, -np.inf
    for likely in TopTokens(151_552).find(rows, [40, 40, 40], np.full(3, np.inf, np.float32)):
        assert len(likely) == len(set(likely.tolist())) == 40
