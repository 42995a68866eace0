from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from models.engine.backend import Part
from models.engine.llama.batch import NativeBatch


@pytest.fixture
def batch() -> Iterator[NativeBatch]:
    made = NativeBatch(64)
    yield made
    made.close()


def written(batch: NativeBatch) -> list[tuple[int, int, int, bool]]:
    """(token, position, slot, logits wanted) of each token, as llama.cpp reads it."""
    native = batch.native
    return [(native.token[n], native.pos[n], native.seq_id[n][0], bool(native.logits[n])) for n in range(native.n_tokens)]


@pytest.mark.parametrize("longest", [1, 5])
def test_a_batch_holds_what_its_parts_say(batch: NativeBatch, longest: int) -> None:
    rng = random.Random(longest)
    for _ in range(50):
        parts, expected, rows = [], [], []
        for slot in rng.sample(range(10), rng.randrange(1, 9)):
            count, start, wanted = rng.randint(1, longest), rng.randrange(100), rng.random() < 0.7
            drafted = rng.randrange(count) if wanted else 0
            tokens = [rng.randrange(1000) for _ in range(count)]
            parts.append(Part(slot, start, tokens, wanted, drafted))
            known = count - 1 - drafted
            rows.append(len(expected) + known)
            expected += [(token, start + offset, slot, wanted and offset >= known) for offset, token in enumerate(tokens)]
        assert batch.fill(parts) == rows
        assert written(batch) == expected
