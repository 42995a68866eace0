from __future__ import annotations

import pytest

from core.errors import InvalidInput
from core.models.load_settings import LoadSettings
from models.engine.llama.native import Gpu
from models.gguf.gpu_choice import choose_gpus

GPUS = [Gpu("CUDA0", "large", 80, 100), Gpu("CUDA1", "small", 20, 25)]


def test_all_gpus_together_unless_told_otherwise() -> None:
    chosen = choose_gpus(GPUS, LoadSettings())
    assert chosen is not None
    assert (chosen.memory.free, chosen.memory.total, chosen.name) == (100, 125, "CUDA0 (large), CUDA1 (small)")


@pytest.mark.parametrize(("main", "free"), [(None, 80), (0, 80), (1, 20)])
def test_without_a_split_only_the_main_gpu_counts(main: int | None, free: int) -> None:
    chosen = choose_gpus(GPUS, LoadSettings(split_mode="none", main_gpu=main))
    assert chosen is not None and chosen.memory.free == free


@pytest.mark.parametrize(("shares", "free"), [((1.0, 1.0), 40), ((4.0, 1.0), 100), ((9.0, 1.0), 89), ((0.0, 2.0), 20)])
def test_the_gpu_that_is_full_first_ends_a_split_by_shares(shares: tuple[float, ...], free: int) -> None:
    chosen = choose_gpus(GPUS, LoadSettings(gpu_shares=shares))
    assert chosen is not None and chosen.memory.free == free


def test_a_gpu_without_a_share_is_not_named() -> None:
    chosen = choose_gpus(GPUS, LoadSettings(gpu_shares=(0.0, 1.0)))
    assert chosen is not None and chosen.name == "CUDA1 (small)"


@pytest.mark.parametrize(
    ("gpus", "settings", "words"),
    [
        (GPUS, LoadSettings(gpu_shares=(1.0, 1.0, 1.0)), "There are 3 shares for 2 GPUs"),
        (GPUS, LoadSettings(split_mode="row", main_gpu=2), "GPU 2 does not exist: this machine has 2"),
        ([], LoadSettings(split_mode="row"), "llama.cpp finds no GPU it can use"),
        ([], LoadSettings(gpu_shares=(1.0,)), "llama.cpp finds no GPU it can use"),
    ],
)
def test_what_does_not_suit_the_machine_is_refused_in_words(gpus: list[Gpu], settings: LoadSettings, words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        choose_gpus(gpus, settings)


def test_without_a_gpu_there_is_nothing_to_choose() -> None:
    assert choose_gpus([], LoadSettings()) is None
