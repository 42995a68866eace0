from __future__ import annotations

import logging
import re
from dataclasses import replace
from pathlib import Path

import pytest

from core.errors import InvalidInput
from core.models.load_settings import LoadSettings
from core.models.records import ModelFile
from models.engine.llama.backend import LlamaBackend
from models.engine.llama.native import Gpu, start
from models.gguf.facts import ModelFacts, read_facts
from models.gguf.memory_plan import LoadPlan, check_fits, plan_load
from models.gguf.memory_sizes import context_bytes_per_token
from models.machine import Memory
from samples.gguf_maker import SHAPES, make_gguf
from tests.this_machine import plan_here

GB = 10**9


def facts(**changes: object) -> ModelFacts:
    """GLM-4-9B at Q4_K_M."""
    file = ModelFile(Path("/m/glm-4-9b.gguf"), "glm-4-9b", 6_200_000_000, "glm4", "Q4_K_M", 9_400_000_000, 131_072, 40)
    shape = ModelFacts(file, "", None, 151_552, 4096, 13_696, 32, (2,) * 40, 128, 128, 0, 6_200_000_000, 5_400_000_000, (file.path,))
    return replace(shape, **changes)


@pytest.mark.parametrize(("kind", "kib"), [("f16", 40), ("q8_0", 21.25), ("q4_0", 11.25)])
def test_the_context_of_a_9b_takes_what_it_is_known_to_take(kind: str, kib: float) -> None:
    assert context_bytes_per_token(facts(), kind) == kib * 1024


def test_compressed_attention_takes_one_entry_a_layer() -> None:
    flash = facts(kv_heads=(1,) * 47, latent_length=576)
    assert round(context_bytes_per_token(flash, "f16") / 1024) == 53


def plan(
    host: float, settings: LoadSettings | None = None, gpus: list[Gpu] | None = None, model: ModelFacts | None = None, *, mtp: bool = False
) -> LoadPlan:
    memory = Memory(round(host * GB), round(host * GB))
    return plan_load(model or facts(), settings or LoadSettings(), host=memory, gpus=gpus or [], mtp=mtp)


def test_a_large_machine_gets_many_slots_and_a_small_one_few() -> None:
    large, small = plan(64).memory, plan(9).memory
    assert (large.slots, large.context) == (16, 16_384)
    assert small.slots == 4 and 2_048 <= small.context < 16_384
    assert large.fits and small.fits


def test_the_context_never_takes_more_than_half_of_what_the_weights_leave() -> None:
    for host in (8, 10, 16, 24, 48):
        memory = plan(host).memory
        assert memory.context_bytes <= (memory.free_bytes - memory.weights_bytes) / 2


def test_what_the_admin_sets_is_kept() -> None:
    load = plan(64, LoadSettings(context=5000, slots=3, kv_type="q8_0", threads=7))
    assert (load.memory.context, load.memory.slots, load.options.kv_type, load.options.threads) == (5120, 3, "q8_0", 7)


def test_a_model_larger_than_memory_is_refused_with_numbers() -> None:
    memory = plan(4).memory
    with pytest.raises(InvalidInput) as caught:
        check_fits(facts(), memory)
    assert "6.2 GB for its weights" in str(caught.value)
    assert "only 4.0 GB of 4.0 GB are free" in str(caught.value)


def test_more_context_than_the_model_was_trained_for_is_refused() -> None:
    with pytest.raises(InvalidInput, match="trained for a context of 131,072 tokens"):
        plan(64, LoadSettings(context=200_000))


def test_a_gpu_with_room_takes_all_layers() -> None:
    load = plan(64, gpus=[Gpu("CUDA0", "NVIDIA", 80 * GB, 80 * GB)])
    assert load.options.gpu_layers == -1
    assert (load.memory.device, load.memory.context, load.memory.slots) == ("CUDA0 (NVIDIA)", 32_768, 16)


def test_a_small_gpu_takes_some_layers() -> None:
    load = plan(64, gpus=[Gpu("CUDA0", "NVIDIA", 4 * GB, 8 * GB)])
    assert 0 < load.options.gpu_layers < 40
    assert load.memory.fits and "CPU for the rest" in load.memory.device


def test_no_gpu_layers_means_the_processor() -> None:
    load = plan(64, LoadSettings(gpu_layers=0), [Gpu("CUDA0", "NVIDIA", 80 * GB, 80 * GB)])
    assert load.options.gpu_layers == 0
    assert load.memory.device.startswith("CPU")


@pytest.mark.parametrize(
    ("architecture", "next_layer"), [(shape, more) for shape in SHAPES for more in (False, True) if (shape, more) != ("chatglm", True)]
)
def test_the_planned_context_is_what_llama_cpp_takes(
    architecture: str, next_layer: bool, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "llama.cpp")
    model = read_facts(make_gguf(tmp_path / "a.gguf", architecture, next_layer=next_layer))
    load = plan_here(model, LoadSettings(context=1024, slots=4), mtp=next_layer)
    assert load.options.mtp == (next_layer and architecture in ("glm4moe", "deepseek2", "glm-dsa"))
    start()
    LlamaBackend(model.file.path, load.options).close()
    taken = re.findall(r"(?:KV|RS) buffer size = +([0-9.]+) MiB", caplog.text)
    assert load.memory.context_bytes / 1024 / 1024 == pytest.approx(sum(map(float, taken)), abs=0.005 * len(taken))
    weights = re.findall(r"model buffer size = +([0-9.]+) MiB", caplog.text)
    assert load.memory.weights_bytes / 1024 / 1024 == pytest.approx(sum(map(float, weights)), rel=0.05)


def test_mtp_is_loaded_where_it_is_asked_for_and_there_is_room() -> None:
    model = facts(next_layer_bytes=500_000_000)
    plain, faster = plan(64).memory, plan(64, model=model, mtp=True).memory
    assert plan(64, model=model, mtp=True).options.mtp
    assert not plan(64, model=model).options.mtp, "it is off unless somebody asks"
    assert plan(64, model=model).memory == plain
    assert (faster.slots, faster.context) == (plain.slots, plain.context)
    assert faster.weights_bytes == plain.weights_bytes + 500_000_000
    assert faster.context_bytes == plain.context_bytes * 41 // 40
    assert not plan(6.9, model=model, mtp=True).options.mtp
    assert plan(6.9, model=model, mtp=True).memory == plan(6.9).memory


def test_a_gpu_finds_the_likeliest_tokens_only_where_asked_and_of_models_that_it_holds_whole() -> None:
    memory = Memory(64 * GB, 64 * GB)
    large, small = [Gpu("CUDA0", "NVIDIA", 80 * GB, 80 * GB)], [Gpu("CUDA0", "NVIDIA", 4 * GB, 8 * GB)]

    def finds(gpus: list[Gpu], model: ModelFacts, **asked: bool) -> bool:
        return plan_load(model, LoadSettings(), host=memory, gpus=gpus, **asked).options.gpu_sampling

    assert finds(large, facts(), gpu_sampling=True)
    assert not finds(large, facts())
    assert not finds(small, facts(), gpu_sampling=True)
    assert not finds([], facts(), gpu_sampling=True)
    assert not finds(large, facts(next_layer_bytes=500_000_000), gpu_sampling=True, mtp=True)


def test_layers_that_choose_what_they_attend_to_keep_keys_to_choose_by() -> None:
    dsa = facts(kv_heads=(1,) * 78, latent_length=576, index_length=78 * 128)
    assert context_bytes_per_token(dsa, "f16") == 2 * 78 * (576 + 128)


def test_recurrent_layers_take_their_state_once_a_slot() -> None:
    model = facts(kv_heads=(0, 0, 0, 1) * 10, latent_length=512, state_length=30 * 500_000)
    load = plan(64, LoadSettings(context=1024, slots=2), model=model)
    assert load.memory.context_bytes == 2 * (1024 * 10 * 512 * 2 + 30 * 500_000 * 4)


def test_conversations_without_a_slot_get_a_quarter_of_what_the_host_has_left() -> None:
    small = plan(16)
    assert small.options.offload_bytes == round(0.25 * (16 * GB - small.memory.needed_bytes))
    assert plan(200).options.offload_bytes == 8 * 2**30
    assert plan(1).options.offload_bytes == 0


def test_each_slot_has_its_own_memory_where_there_is_enough() -> None:
    for host in (9, 16, 64):
        load = plan(host)
        assert (load.memory.shared_tokens, load.options.shared_cells) == (0, 0)


def test_slots_share_a_memory_that_is_too_small_for_one_each() -> None:
    load = plan(7.05)
    assert load.memory.fits and load.memory.slots == 4
    assert load.memory.context <= load.memory.shared_tokens < 4 * 2_048
    assert load.options.shared_cells == load.memory.shared_tokens
    assert load.memory.context_bytes == load.memory.shared_tokens * 40 * 1024


def test_slots_and_context_that_do_not_fit_apart_are_held_together() -> None:
    asked = LoadSettings(context=16_384, slots=16)
    load = plan(14, asked)
    assert load.memory.fits and (load.memory.slots, load.memory.context) == (16, 16_384)
    assert 16_384 <= load.memory.shared_tokens < 16 * 16_384
    assert not plan(14, replace(asked, streams="separate")).memory.fits
    assert plan(64, asked).memory.shared_tokens == 0


def test_a_memory_in_which_answers_would_mostly_wait_is_not_shared_by_itself() -> None:
    load = plan(8, LoadSettings(context=4_096, slots=64))
    assert load.memory.shared_tokens == 0 and not load.memory.fits


def test_a_shared_memory_is_given_to_who_asks_for_it() -> None:
    load = plan(64, LoadSettings(streams="unified", slots=4, context=1024))
    assert (load.memory.shared_tokens, load.memory.context) == (4096, 1024)
    whole = plan(8, LoadSettings(streams="unified", slots=1, context=131_072)).memory
    assert whole.shared_tokens == 131_072 and not whole.fits, "never less than one conversation"


def test_the_settings_of_the_admin_reach_llama_cpp() -> None:
    gpus = [Gpu("CUDA0", "NVIDIA", 80 * GB, 80 * GB), Gpu("CUDA1", "NVIDIA", 80 * GB, 80 * GB)]
    load = plan(64, LoadSettings(split_mode="row", main_gpu=1, gpu_shares=(3.0, 1.0), flash_attention="on"), gpus)
    options = load.options
    assert (options.split_mode, options.main_gpu, options.gpu_shares, options.flash_attention) == ("row", 1, (3.0, 1.0), "on")
    assert load.memory.gpus == 2


@pytest.fixture
def on_x86(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.machine", lambda: "x86_64")


@pytest.mark.usefixtures("on_x86")
def test_long_conversations_on_an_x86_processor_get_plain_attention() -> None:
    asked = LoadSettings(context=4096, slots=4)
    quick, flash = plan(64, asked), plan(64, replace(asked, flash_attention="on"))
    assert (quick.options.flash_attention, flash.options.flash_attention) == ("off", "on")
    scores = 512 * 32 * 4096 * 4
    assert quick.memory.work_bytes - flash.memory.work_bytes >= scores - 128 * 1024**2, "the scores are part of the plan"
    assert replace(quick.memory, work_bytes=0) == replace(flash.memory, work_bytes=0), "nobody gets a shorter context for it"


@pytest.mark.usefixtures("on_x86")
@pytest.mark.parametrize(
    ("host", "asked", "changes"),
    [
        (64, {"context": 512}, {}),
        (64, {"kv_type": "q8_0"}, {}),
        (64, {"streams": "unified"}, {}),
        (12, {"context": 65_536, "slots": 1}, {}),
        (64, {}, {"latent_length": 576, "kv_heads": (1,) * 40}),
        (64, {}, {"state_length": 1024}),
    ],
    ids=["short", "quantized", "shared", "no room for its scores", "compressed", "recurrent"],
)
def test_elsewhere_llama_cpp_chooses(host: int, asked: dict[str, object], changes: dict[str, object]) -> None:
    settings = LoadSettings(**({"context": 4096, "slots": 4} | asked))  # type: ignore[arg-type]
    assert plan(host, settings, model=facts(**changes)).options.flash_attention == "auto"


def test_on_a_gpu_and_on_arm_llama_cpp_chooses(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = LoadSettings(context=4096, slots=4)
    assert plan(64, asked, [Gpu("CUDA0", "NVIDIA", 80 * GB, 80 * GB)]).options.flash_attention == "auto"
    monkeypatch.setattr("platform.machine", lambda: "aarch64")
    assert plan(64, asked).options.flash_attention == "auto"


@pytest.mark.parametrize("context", [4096, 32_768])
def test_the_plan_holds_all_that_plain_attention_takes(context: int, tmp_path: Path) -> None:
    model = read_facts(make_gguf(tmp_path / "a.gguf", context=context))
    load = plan_here(model, LoadSettings(context=context, slots=2, flash_attention="off"))
    backend = LlamaBackend(model.file.path, load.options)
    line = backend.logged("CPU compute buffer size =")
    backend.close()
    assert line is not None
    taken = float(line.split("=")[1].split()[0]) * 1024**2
    assert 0 < taken <= load.memory.work_bytes


@pytest.mark.parametrize("streams", ["separate", "unified"])
@pytest.mark.parametrize("flash_attention", ["auto", "on", "off"])
def test_llama_cpp_takes_every_kind_of_context(streams: str, flash_attention: str, tmp_path: Path) -> None:
    model = read_facts(make_gguf(tmp_path / "a.gguf"))
    load = plan_here(model, LoadSettings(context=512, slots=3, streams=streams, flash_attention=flash_attention))
    log = start()
    backend = LlamaBackend(model.file.path, load.options)
    held = (backend.context, backend.slots, backend.shared_cells)
    backend.close()
    assert held == (512, 3, 1536 if streams == "unified" else 0)
    unified, attention = log.find("kv_unified"), log.find("flash_attn            =")
    assert unified is not None and unified.endswith("true" if streams == "unified" else "false")
    assert attention is not None and attention.endswith({"auto": "auto", "on": "enabled", "off": "disabled"}[flash_attention])
