"""A new version takes a model's name while answers run, and gives it back if it is not good enough."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from core.errors import BeingReplaced, Conflict, InvalidInput, NotFound
from core.inference.records import FinishReason
from core.inference.requests import ChatMessage, Finished, GenerationRequest, SamplingParams
from core.models.load_settings import LoadSettings
from core.models.records import ModelState
from models.serving.pool.pool import Pool
from models.serving.router import PoolRouter
from models.serving.swapping.hot_swap import HotSwap, HotSwaps
from samples.gguf_maker import make_gguf
from tests.this_machine import EXTRA_BUFFERS

GUIDE = Path(__file__).parents[5] / "models" / "guide" / "guide.gguf"
SMALL = LoadSettings(context=512, slots=4)
PATIENCE_S = 60


@pytest.fixture
def old_file(tmp_path: Path) -> Path:
    return make_gguf(tmp_path / "glm.gguf", sharpness=0.1)


@pytest.fixture
def new_file(tmp_path: Path, old_file: Path) -> Path:
    return make_gguf(tmp_path / "glm-next.gguf", quantization="Q8_0", sharpness=0.1)


@pytest.fixture
def pool(tmp_path: Path, old_file: Path) -> Iterator[Pool]:
    pool = Pool(tmp_path, GUIDE, settings_file=tmp_path / "notes.json", extra_buffers=EXTRA_BUFFERS)
    pool.load(old_file, SMALL, default=True)
    until(lambda: pool.versions.entry("glm").state is not ModelState.LOADING)
    yield pool
    pool.close()


def until(come: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not come():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.01)


def asked(text: str = "x", tokens: int = 8, **changes: object) -> GenerationRequest:
    request = GenerationRequest((ChatMessage("user", text),), "ann", params=SamplingParams(max_tokens=tokens), thinking=False)  # type: ignore[arg-type]
    return replace(request, guard=False, **changes)  # type: ignore[arg-type]


def loaded(pool: Pool, path: Path) -> HotSwap:
    swap = HotSwaps(pool.versions).begin("glm", path, SMALL)
    swap.load()
    until(lambda: swap.candidate().state is not ModelState.LOADING)
    return swap


def version(pool: Pool) -> str:
    return next(model.version for model in pool.loaded() if model.name == "glm")


def test_running_answers_finish_on_the_old_version_and_new_ones_begin_on_the_new(pool: Pool, new_file: Path) -> None:
    router, before = PoolRouter(pool), version(pool)
    swap = loaded(pool, new_file)
    running = router.start(asked(tokens=300))
    events = running.events()
    next(events)
    swap.switch()
    fresh = router.start(asked())
    assert (running.model_version, running.model, fresh.model) == (before, "glm", "glm")
    assert fresh.model_version == version(pool) == swap.candidate().version != before
    assert swap.leaving() == 1
    last = list(events)[-1]
    assert isinstance(last, Finished) and last.finish_reason is FinishReason.LENGTH and last.usage.completion_tokens == 300
    until(lambda: not swap.leaving())
    assert swap.free_leaving()
    [model] = pool.loaded()
    assert (model.name, model.default, model.file.path, model.state) == ("glm", True, new_file, ModelState.READY)


def test_no_answer_fails_while_versions_change_under_load(pool: Pool, old_file: Path, new_file: Path) -> None:
    router = PoolRouter(pool)
    stop: list[int] = []

    def chat(number: int) -> list[str]:
        seen = []
        while not stop:
            running = router.start(asked(f"question {number}", tokens=12, user_id=str(number)))
            last = list(running.events())[-1]
            assert isinstance(last, Finished) and last.usage.completion_tokens == 12
            seen.append(running.model_version)
        return seen

    with ThreadPoolExecutor(4) as threads:
        chats = [threads.submit(chat, number) for number in range(4)]
        for path in (new_file, old_file, new_file):
            swap = loaded(pool, path)
            swap.switch()
            until(lambda: not swap.leaving())  # noqa: B023 - called at once
            assert swap.free_leaving()
        stop.append(1)
        versions = {seen for each in chats for seen in each.result(PATIENCE_S)}
    assert len(versions) == 2


def test_a_rollback_leaves_the_old_version_serving(pool: Pool, new_file: Path) -> None:
    before = version(pool)
    swap = loaded(pool, new_file)
    swap.roll_back()
    assert version(pool) == before and PoolRouter(pool).start(asked()).model_version == before
    until(lambda: swap.candidate().state is not ModelState.LOADING and len(pool.metrics()) == 1)


def test_a_rollback_after_the_switch_gives_the_name_back(pool: Pool, new_file: Path) -> None:
    before = version(pool)
    swap = loaded(pool, new_file)
    swap.switch()
    running = PoolRouter(pool).start(asked(tokens=100))
    swap.roll_back()
    assert version(pool) == before
    assert isinstance(list(running.events())[-1], Finished), "an answer of the version that leaves is not cut"


def test_a_share_of_new_answers_goes_to_the_version_on_trial(pool: Pool, new_file: Path) -> None:
    router, before = PoolRouter(pool), version(pool)
    swap = loaded(pool, new_file)
    swap.share(50)
    versions = []
    for number in range(24):
        running = router.start(asked(tokens=1, conversation_id=f"chat-{number}"))
        list(running.events())
        versions.append(running.model_version)
    assert 2 <= versions.count(before) <= 22
    old, new = swap.stats()
    assert (old.answers, new.answers, old.errors, new.errors) == (versions.count(before), 24 - versions.count(before), 0, 0)
    again = [router.start(asked(tokens=1, conversation_id=f"chat-{number}")).model_version for number in range(24)]
    assert again == versions, "a conversation stays with its version"
    swap.share(0)
    assert {router.start(asked(tokens=1, conversation_id=f"chat-{number}")).model_version for number in range(24)} == {before}
    swap.roll_back()


def test_without_room_for_both_the_old_version_leaves_first_and_questions_wait(pool: Pool, new_file: Path) -> None:
    router = PoolRouter(pool)
    swap = HotSwaps(pool.versions).begin("glm", new_file, SMALL)
    swap.hold()
    with pytest.raises(BeingReplaced, match="being replaced"):
        router.start(asked())
    assert [model.name for model in router.models()] == ["glm"], "people still see it in the picker"
    until(lambda: not swap.leaving())
    assert swap.free_leaving()
    with pytest.raises(BeingReplaced):
        router.start(asked(model=None))
    swap.load()
    until(lambda: swap.candidate().state is ModelState.READY)
    swap.switch()
    assert router.start(asked()).model_version == version(pool) == swap.candidate().version
    assert [model.default for model in pool.loaded()] == [True]


def test_a_version_that_left_first_is_loaded_again_by_a_rollback(pool: Pool, new_file: Path) -> None:
    before = version(pool)
    swap = HotSwaps(pool.versions).begin("glm", new_file, SMALL)
    swap.hold()
    assert swap.free_leaving()
    swap.load()
    until(lambda: swap.candidate().state is ModelState.READY)
    swap.roll_back()
    assert version(pool) == before and PoolRouter(pool).start(asked()).model_version == before
    assert [(model.name, model.state, model.default) for model in pool.loaded()] == [("glm", ModelState.READY, True)]


def test_a_file_that_changes_while_it_loads_is_not_taken(pool: Pool, new_file: Path) -> None:
    before = version(pool)
    swap = HotSwaps(pool.versions).begin("glm", new_file, SMALL)
    make_gguf(new_file, quantization="Q4_0", sharpness=0.1)
    swap.load()
    until(lambda: swap.candidate().state is not ModelState.LOADING)
    assert swap.candidate().state is ModelState.FAILED
    swap.roll_back()
    assert version(pool) == before


def test_a_file_that_is_moved_before_it_loads_is_not_taken(pool: Pool, new_file: Path) -> None:
    swap = HotSwaps(pool.versions).begin("glm", new_file, SMALL)
    new_file.rename(new_file.with_name("elsewhere.gguf"))
    swap.load()
    until(lambda: swap.candidate().state is not ModelState.LOADING)
    assert "moved or deleted" in str(swap.candidate().error)
    swap.roll_back()
    assert PoolRouter(pool).start(asked()).model == "glm"


def test_a_file_that_is_renamed_while_it_loads_is_not_taken(pool: Pool, new_file: Path) -> None:
    before = version(pool)
    swap = HotSwaps(pool.versions).begin("glm", new_file, SMALL)
    swap.load()
    # A file is tried in a separate process first, so this comes before its load ends.
    new_file.rename(new_file.with_name("elsewhere.gguf"))
    until(lambda: swap.candidate().state is not ModelState.LOADING)
    assert swap.candidate().state is ModelState.FAILED and swap.candidate().error
    swap.roll_back()
    assert version(pool) == before and PoolRouter(pool).start(asked()).model == "glm"


def test_a_candidate_whose_process_dies_in_its_canary_says_so_and_the_old_version_serves(pool: Pool, new_file: Path) -> None:
    before, others = version(pool), set(children())
    swap = HotSwaps(pool.versions).begin("glm", new_file, replace(SMALL, isolated=True))
    swap.load()
    until(lambda: swap.candidate().state is not ModelState.LOADING)
    own = [each for each in children() if each not in others and "models.child" in command(each)]
    assert own, "it runs in a process of its own"
    with ThreadPoolExecutor(1) as threads:
        asking = threads.submit(swap.ask, asked("Count", tokens=400), "Count", 60.0)
        until(lambda: swap.candidate().slots_busy)
        own[0].kill()
        trial = asking.result(PATIENCE_S)
    assert trial.error is not None and "No answer within" not in str(trial.error)
    swap.roll_back()
    assert version(pool) == before and isinstance(list(PoolRouter(pool).start(asked()).events())[-1], Finished)


def children() -> list[psutil.Process]:
    return psutil.Process().children()


def command(process: psutil.Process) -> str:
    """Return its command line, which is empty once it has ended."""
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


def test_a_file_that_changes_after_its_load_is_noticed(pool: Pool, old_file: Path) -> None:
    assert pool.loaded()[0].file_problem is None
    make_gguf(old_file, quantization="Q8_0")
    assert "changed on disk" in str(pool.loaded()[0].file_problem)
    old_file.unlink()
    assert "no longer on disk" in str(pool.loaded()[0].file_problem)
    assert isinstance(list(PoolRouter(pool).start(asked()).events())[-1], Finished)


@pytest.mark.parametrize("cut", ["missing", "truncated", "empty"])
def test_a_file_that_cannot_be_used_is_refused_before_anything_happens(cut: str, pool: Pool, new_file: Path) -> None:
    if cut == "missing":
        new_file.unlink()
    else:
        new_file.write_bytes(new_file.read_bytes()[: 0 if cut == "empty" else 5_000])
    with pytest.raises(InvalidInput):
        HotSwaps(pool.versions).plan("glm", new_file, None)
    with pytest.raises(NotFound):
        HotSwaps(pool.versions).plan("other", new_file, None)


def test_a_model_is_not_unloaded_during_its_swap(pool: Pool, new_file: Path) -> None:
    swap = loaded(pool, new_file)
    with pytest.raises(Conflict, match="being swapped"):
        pool.unload("glm")
    swap.roll_back()


def test_a_candidate_answers_only_the_canary(pool: Pool, new_file: Path) -> None:
    swap = loaded(pool, new_file)
    trial = swap.ask(asked("What is a computer?"), "What is a computer?", 30)
    assert trial.error is None and trial.tokens == 8 and trial.question == "What is a computer?"
    late = swap.ask(asked("Count", tokens=400), "Count", 0.0)
    assert "No answer within" in str(late.error)
    swap.roll_back()
