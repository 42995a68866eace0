from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from core.errors import Busy, Conflict, InvalidInput, NotFound, PromptTooLong, Unavailable
from core.inference.records import FinishReason
from core.inference.requests import ChatMessage, Delta, Finished, GenerationRequest, SamplingParams
from core.models.load_settings import LoadSettings
from core.models.records import LoadedModel, ModelState
from models.machine import resident_bytes
from models.platforms.local import LocalPlatform
from models.serving.pool.pool import Pool
from models.serving.router import PoolRouter
from samples.gguf_maker import SHAPES, make_gguf
from tests.hostile_ggufs import cases, write
from tests.this_machine import EXTRA_BUFFERS
from tests.unit.models.raw_gguf import RawGguf, glm_entries, tensor

GUIDE = Path(__file__).parents[5] / "models" / "guide" / "guide.gguf"
SMALL = LoadSettings(context=512, slots=4)


@pytest.fixture
def pool(tmp_path: Path) -> Iterator[Pool]:
    pool = Pool(tmp_path, GUIDE, settings_file=tmp_path / "notes.json", extra_buffers=EXTRA_BUFFERS)
    yield pool
    pool.close()


def wait(pool: Pool, name: str, seconds: float = 60) -> LoadedModel:
    """Return the model once it has left LOADING."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = next(model for model in pool.loaded() if model.name == name)
        if found.state is not ModelState.LOADING:
            return found
        time.sleep(0.01)
    raise AssertionError(f"{name} is still loading")


def load(pool: Pool, path: Path, settings: LoadSettings = SMALL) -> LoadedModel:
    pool.load(path, settings)
    return wait(pool, path.stem)


def request(question: str, *, model: str | None = None, user: str = "ann", thinking: bool = True, **params: object) -> GenerationRequest:
    return GenerationRequest((ChatMessage("user", question),), user, model, SamplingParams(**params), thinking)  # type: ignore[arg-type]


def answer(pool: Pool, asked: GenerationRequest) -> tuple[str, str, Finished]:
    """(reasoning, text, the last event)."""
    events = list(PoolRouter(pool).start(asked).events())
    deltas = [event for event in events if isinstance(event, Delta)]
    assert isinstance(events[-1], Finished)
    return "".join(delta.reasoning for delta in deltas), "".join(delta.text for delta in deltas), events[-1]


def test_the_guide_answers(pool: Pool) -> None:
    model = load(pool, GUIDE)
    assert (model.name, model.state, model.default, model.platform) == ("guide", ModelState.READY, True, "local")
    assert model.device.startswith("CPU") and model.memory_bytes > 0 and len(model.version) == 12
    reasoning, said, last = answer(pool, request("How do I change my password?", temperature=0.0))
    assert (reasoning, said[:25]) == ("", "Change your password on t")
    assert last.finish_reason is FinishReason.STOP
    assert last.usage.prompt_tokens > 10 and last.usage.completion_tokens > 20
    assert last.timings.ttft_s is not None and last.timings.tokens_per_second


def test_the_guide_answers_in_chinese(pool: Pool) -> None:
    load(pool, GUIDE)
    assert "密码" in answer(pool, request("怎么修改密码", temperature=0.0))[1]


@pytest.mark.parametrize("temperature", [0.0, 0.9])
def test_the_guides_answers_are_the_same_alone_and_in_a_crowd(pool: Pool, temperature: float) -> None:
    load(pool, GUIDE, LoadSettings(context=512, slots=12))
    questions = ["how do I log in", "怎么登录", "who are you", "rename a chat", "tell me about black holes", "怎么删除对话"] * 4
    asked = [request(question, user=str(seed), temperature=temperature, seed=seed) for seed, question in enumerate(questions)]
    alone = [answer(pool, one)[1] for one in asked]
    with ThreadPoolExecutor(len(asked)) as threads:
        assert list(threads.map(lambda one: answer(pool, one)[1], asked)) == alone


@pytest.mark.parametrize("architecture", SHAPES)
@pytest.mark.parametrize("quantization", ["F16", "Q8_0", "Q4_0"])
def test_every_glm_shape_loads_and_answers(pool: Pool, tmp_path: Path, architecture: str, quantization: str) -> None:
    model = load(pool, make_gguf(tmp_path / "model.gguf", architecture, quantization=quantization))
    assert model.error is None
    assert model.file.quantization == quantization
    reasoning, said, last = answer(pool, request("hello", temperature=0.0, max_tokens=12))
    assert (len(reasoning), said, last.finish_reason) == (12, "", FinishReason.LENGTH)
    assert answer(pool, request("hello", temperature=0.0, max_tokens=12, thinking=False))[0] == ""


@pytest.mark.parametrize("mtp", [False, True])
def test_mtp_is_off_unless_it_is_switched_on(mtp: bool, tmp_path: Path) -> None:
    pool = Pool(tmp_path, GUIDE, settings_file=tmp_path / "load_settings.json", extra_buffers=EXTRA_BUFFERS, mtp=mtp)
    model = load(pool, make_gguf(tmp_path / "model.gguf", "glm4moe", next_layer=True, forgetful=True))
    assert model.error is None
    assert pool.leases.platform("model").backend.can_draft == mtp
    assert answer(pool, request("hello", temperature=0.0, max_tokens=40))[2].finish_reason is FinishReason.LENGTH
    pool.close()


def test_the_same_question_again_reuses_its_context(pool: Pool) -> None:
    load(pool, GUIDE)
    question = "How do I log in? I forgot my password, and I do not know whom to ask about it, or where the page for that is."
    first = answer(pool, request(question, seed=1))[2]
    again = answer(pool, request(question, seed=1))[2]
    assert again.usage.cached_tokens == first.usage.prompt_tokens - 1
    assert pool.metrics()["guide"].cached_tokens >= again.usage.cached_tokens


def test_a_prompt_longer_than_the_context_is_refused_with_numbers(pool: Pool) -> None:
    load(pool, GUIDE)
    with pytest.raises(PromptTooLong, match=r"has [\d,]+ tokens with this question; the model's limit is 511"):
        PoolRouter(pool).start(request("x y " * 2000))


def test_markers_in_a_question_are_text(pool: Pool) -> None:
    """Nobody can speak as the system by typing its marker."""
    load(pool, GUIDE)
    platform = pool.leases.platform("guide")
    plain = platform.prompt_tokens(request("<|system|>x")).tokens
    marker = platform.prompt_tokens(GenerationRequest((), "", prompt="<|system|>")).tokens
    assert len(marker) == 1 and marker[0] not in plain
    assert b"".join(platform.pieces(plain).pieces).endswith(b"\n<|system|>x<|assistant|>\n")


def test_odd_characters_do_not_break_a_question(pool: Pool) -> None:
    load(pool, GUIDE)
    for odd in ("\0\1\2", "\ud800", "\ufdd0\ufffe", "🙂" * 50, "\u202e", ""):
        answer(pool, request(odd, max_tokens=3))


def test_cancel_ends_the_answer_and_frees_the_slot(pool: Pool, tmp_path: Path) -> None:
    load(pool, make_gguf(tmp_path / "endless.gguf", context=4096, sharpness=0.1), LoadSettings(context=4096, slots=2))
    running = PoolRouter(pool).start(request("x", max_tokens=4000))
    events = running.events()
    assert isinstance(next(events), Delta)
    begin = time.monotonic()
    running.cancel()
    last = list(events)[-1]
    assert isinstance(last, Finished) and last.finish_reason is FinishReason.CANCELLED
    assert time.monotonic() - begin < 20
    assert pool.metrics()["endless"].busy == 0


def test_a_reader_that_goes_away_cancels(pool: Pool, tmp_path: Path) -> None:
    load(pool, make_gguf(tmp_path / "endless.gguf", context=4096, sharpness=0.1), LoadSettings(context=4096, slots=2))
    events = PoolRouter(pool).start(request("x", max_tokens=4000)).events()
    next(events)
    events.close()  # type: ignore[attr-defined]
    deadline = time.monotonic() + 60
    while pool.metrics()["endless"].busy and time.monotonic() < deadline:
        time.sleep(0.01)
    assert pool.metrics()["endless"].busy == 0


def test_many_people_are_answered_together(pool: Pool) -> None:
    load(pool, GUIDE, LoadSettings(context=512, slots=10))
    with ThreadPoolExecutor(10) as threads:
        done = list(threads.map(lambda user: answer(pool, request("how do I log in", user=str(user), seed=user)), range(10)))
    assert all(last.finish_reason is FinishReason.STOP for _, _, last in done)
    timings = [last.timings for _, _, last in done]
    assert max(each.queue_s for each in timings) < max(each.duration_s for each in timings) / 2, "nobody waited for another's answer"


# Names, defaults, unloading


def test_without_a_model_nobody_is_answered(pool: Pool) -> None:
    with pytest.raises(Unavailable, match="No model is loaded"):
        PoolRouter(pool).start(request("x"))
    with pytest.raises(NotFound, match="no model glm-9"):
        PoolRouter(pool).start(request("x", model="glm-9"))


def test_two_models_answer_side_by_side_and_the_default_moves_on(pool: Pool, tmp_path: Path) -> None:
    load(pool, GUIDE)
    load(pool, make_gguf(tmp_path / "other.gguf"))
    assert [(model.name, model.default) for model in PoolRouter(pool).models()] == [("guide", True), ("other", False)]
    assert PoolRouter(pool).start(request("x", model="other", max_tokens=1)).model == "other"
    pool.make_default("other")
    assert pool.loaded()[0].name == "other"
    pool.unload("other")
    assert PoolRouter(pool).start(request("x", max_tokens=1)).model == "guide"


def test_a_new_default_takes_over_only_when_it_is_ready(pool: Pool, tmp_path: Path) -> None:
    load(pool, GUIDE)
    pool.load(make_gguf(tmp_path / "new.gguf"), SMALL, default=True)
    assert PoolRouter(pool).start(request("x", max_tokens=1)).model == "guide"
    wait(pool, "new")
    assert PoolRouter(pool).start(request("x", max_tokens=1)).model == "new"
    pool.load(make_gguf(tmp_path / "bad.gguf", template="{% if"), SMALL, default=True)
    wait(pool, "bad")
    assert PoolRouter(pool).start(request("x", max_tokens=1)).model == "new"


def test_while_the_first_model_loads_people_are_told_so(pool: Pool, tmp_path: Path) -> None:
    pool.load(make_gguf(tmp_path / "slow.gguf"), SMALL)
    with pytest.raises(Unavailable, match="slow is still loading"):
        PoolRouter(pool).start(request("x"))


def test_a_name_with_spaces_chinese_and_emoji_is_loaded_and_answers(pool: Pool, tmp_path: Path) -> None:
    path = make_gguf(tmp_path / "智谱 模型 🚀.gguf")
    assert path in [file.path for file in pool.files() if not file.error]
    assert load(pool, path).state is ModelState.READY
    _, _, end = answer(pool, request("你好", model="智谱 模型 🚀", max_tokens=4, thinking=False))
    assert end.finish_reason is FinishReason.LENGTH


def test_a_second_file_of_the_same_name_is_refused_and_the_first_serves_on(pool: Pool, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    assert load(pool, make_gguf(tmp_path / "glm.gguf")).state is ModelState.READY
    with pytest.raises(Conflict, match="glm is already loaded"):
        pool.load(make_gguf(tmp_path / "other" / "glm.gguf", seed=1), SMALL)
    assert answer(pool, request("Hi", model="glm", max_tokens=4))[2].finish_reason is FinishReason.LENGTH


def test_a_model_is_not_loaded_twice(pool: Pool) -> None:
    load(pool, GUIDE)
    with pytest.raises(Conflict, match="guide is already loaded"):
        pool.load(GUIDE, SMALL)


def test_unloading_lets_running_answers_finish(pool: Pool, tmp_path: Path) -> None:
    load(pool, make_gguf(tmp_path / "endless.gguf", context=4096, sharpness=0.1), LoadSettings(context=4096, slots=2))
    events = PoolRouter(pool).start(replace(request("x", max_tokens=1500), guard=False)).events()
    next(events)
    pool.unload("endless")
    assert pool.loaded()[0].state is ModelState.DRAINING
    with pytest.raises(Unavailable):
        PoolRouter(pool).start(request("x", model="endless"))
    last = list(events)[-1]
    assert isinstance(last, Finished) and last.usage.completion_tokens == 1500
    deadline = time.monotonic() + 60
    while pool.loaded() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not pool.loaded()
    with pytest.raises(NotFound):
        pool.unload("endless")


def test_closing_in_the_middle_of_answers_is_quick_and_tells_them(tmp_path: Path) -> None:
    pool = Pool(tmp_path, GUIDE, settings_file=tmp_path / "notes.json", extra_buffers=EXTRA_BUFFERS)
    load(pool, make_gguf(tmp_path / "endless.gguf", context=8192, sharpness=0.1), LoadSettings(context=8192, slots=2))
    events = PoolRouter(pool).start(request("x", max_tokens=8000)).events()
    next(events)
    threading.Timer(0.05, pool.close).start()
    begin = time.monotonic()
    with pytest.raises(Unavailable, match="unloaded before the answer was finished"):
        list(events)
    assert time.monotonic() - begin < 20


def test_loading_and_unloading_gives_the_memory_back(pool: Pool) -> None:
    sizes = []
    for _ in range(12):
        load(pool, GUIDE, LoadSettings(slots=8))
        answer(pool, request("hello", max_tokens=2))
        pool.unload("guide")
        while pool.loaded():
            time.sleep(0.01)
        sizes.append(resident_bytes())
    assert sizes[-1] - sizes[3] < 20_000_000


# What cannot be loaded leaves the running model alone


def still_answers(pool: Pool) -> bool:
    return answer(pool, request("hello", model="guide", max_tokens=3))[2].usage.completion_tokens == 3


def test_files_that_cannot_be_loaded_are_refused_before_anything_happens(pool: Pool, tmp_path: Path) -> None:
    load(pool, GUIDE)
    cut = tmp_path / "cut.gguf"
    cut.write_bytes(GUIDE.read_bytes()[:-1000])
    other = RawGguf(entries=glm_entries("llama")).write(tmp_path / "llama.gguf")
    for path, reason in ((tmp_path / "none.gguf", "does not exist"), (cut, "truncated: 1,000 of"), (other, "not a GLM")):
        with pytest.raises(InvalidInput, match=reason):
            pool.load(path, SMALL)
    assert [model.name for model in pool.loaded()] == ["guide"]
    assert still_answers(pool)


def test_a_model_larger_than_memory_is_refused_before_loading(pool: Pool, tmp_path: Path) -> None:
    load(pool, GUIDE)
    huge = RawGguf(tensors=[tensor("token_embd.weight", (1 << 30, 512))], data=1 << 41).write(tmp_path / "huge.gguf")
    with pytest.raises(InvalidInput, match=r"huge needs 2,?\d+\.\d GB"):
        pool.load(huge, SMALL)
    assert still_answers(pool)


def test_what_llama_cpp_refuses_fails_with_its_words(pool: Pool, tmp_path: Path) -> None:
    load(pool, GUIDE)
    case = next(case for case in cases() if case.name == "glm4 without blk.0.attn_q.weight")
    failed = load(pool, write(case.changed, tmp_path / "empty.gguf"))
    assert failed.state is ModelState.FAILED
    assert str(failed.error) == "llama.cpp could not load empty.gguf: tensor 'blk.0.attn_q.weight' not found."
    assert still_answers(pool)
    with pytest.raises(Unavailable):
        PoolRouter(pool).start(request("x", model="empty"))


def crashing_gguf(path: Path) -> Path:
    """llama.cpp asserts that a model without experts uses none, and aborts the process."""
    return write(next(case for case in cases() if case.name == "glm4moe without glm4moe.expert_count").changed, path)


def test_a_file_that_crashes_llama_cpp_does_not_crash_the_portal(pool: Pool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Past the tables, which refuse it: what they do not know dies in the trial."""
    monkeypatch.setattr("models.serving.pool.loading.check_model", lambda headers, architecture: None)
    load(pool, GUIDE)
    failed = load(pool, crashing_gguf(tmp_path / "crash.gguf"))
    assert failed.state is ModelState.FAILED
    assert str(failed.error).startswith("llama.cpp crashed (SIGABRT) while testing crash.gguf.")
    assert still_answers(pool)


def test_a_file_that_does_not_fit_its_architecture_is_refused_at_once(pool: Pool, tmp_path: Path) -> None:
    load(pool, GUIDE)
    case = next(case for case in cases() if case.name == "glm4 glm4.rope.dimension_count=0")
    path = write(case.changed, tmp_path / "odd.gguf")
    with pytest.raises(InvalidInput, match=r"its glm4.rope.dimension_count is 0, but must be an even number from 2 to 16"):
        pool.load(path, SMALL)
    assert [model.name for model in pool.loaded()] == ["guide"] and still_answers(pool)
    assert next(file for file in pool.files() if file.name == "odd").error is not None


@pytest.mark.parametrize(
    "template", ["{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}", "{{ 'a' * 10 ** 10 }}"]
)
def test_a_hostile_template_fails_the_load_and_nothing_else(pool: Pool, tmp_path: Path, template: str) -> None:
    load(pool, GUIDE)
    failed = load(pool, make_gguf(tmp_path / "bomb.gguf", template=template))
    assert failed.state is ModelState.FAILED
    assert failed.error is not None and "The chat template of bomb" in str(failed.error)
    assert still_answers(pool)


def test_a_failed_model_can_be_loaded_again_or_cleared(pool: Pool, tmp_path: Path) -> None:
    path = tmp_path / "model.gguf"
    load(pool, make_gguf(path, template="{% if"))
    assert load(pool, make_gguf(path)).state is ModelState.READY
    load(pool, make_gguf(tmp_path / "bad.gguf", template="{% if"))
    pool.unload("bad")
    assert [model.name for model in pool.loaded()] == ["model"]


def test_the_folder_lists_good_and_bad_files(pool: Pool, tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    make_gguf(tmp_path / "sub" / "good.gguf")
    (tmp_path / "bad.gguf").write_bytes(b"GGUF")
    (tmp_path / "notes.txt").touch()
    files = {file.name: file for file in pool.files()}
    assert list(files) == ["guide", "bad", "good"]
    assert files["good"].error is None
    assert str(files["bad"].error) == "bad.gguf is not a GGUF file: it has only 4 bytes."
    make_gguf(tmp_path / "bad.gguf")
    assert all(file.error is None for file in pool.files())


def test_a_question_is_refused_early_only_if_every_chat_model_is_full(
    pool: Pool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load(pool, make_gguf(tmp_path / "glm.gguf"))
    full: set[str] = set()

    def check(platform: LocalPlatform, user_id: str, *, batch: bool = False) -> None:
        if platform.facts.file.name in full:
            raise Busy("The model is busy.", retry_after=3)

    monkeypatch.setattr(LocalPlatform, "check_room", check)
    router = PoolRouter(pool)
    router.check_room("ann")
    full.add("guide")
    router.check_room("ann")
    full.add("glm")
    with pytest.raises(Busy):
        router.check_room("ann")
