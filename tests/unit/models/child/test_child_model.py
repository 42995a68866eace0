"""Models in separate processes: real ones, really killed."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from core.errors import Busy, InvalidInput, ModelFailed, PortalError, Unavailable
from core.inference.records import FinishReason
from core.inference.requests import Delta, Finished, GenerationEvent, SamplingParams
from core.models.load_settings import LoadSettings
from core.models.records import ModelState
from models.child.model import ChildModel
from models.child.supervised_process import AGAIN
from models.engine.kv_cache.offload_files import OffloadFiles
from models.engine.llama.options import BackendOptions
from models.serving.pool.pool import Pool
from models.serving.router import PoolRouter
from samples.gguf_maker import make_gguf
from tests.this_machine import EXTRA_BUFFERS
from tests.unit.models.serving.pool.test_pool import GUIDE, answer, crashing_gguf, load, request, wait

SMALL = LoadSettings(context=512, slots=4)
APART = replace(SMALL, isolated=True)
LONG = LoadSettings(context=4096, slots=2, isolated=True)
ROOT = Path(__file__).parents[4]


@pytest.fixture
def pool(tmp_path: Path) -> Iterator[Pool]:
    pool = Pool(tmp_path, GUIDE, settings_file=tmp_path / "load_settings.json", extra_buffers=EXTRA_BUFFERS)
    yield pool
    pool.close()


def process_of(pool: Pool, name: str) -> int:
    child = pool.leases.platform(name).backend
    assert isinstance(child, ChildModel) and child.pid is not None
    return child.pid


def until(true: Callable[[], object], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)


def is_gone(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text("utf-8").rsplit(")", 1)[1].split()[0]
    except OSError:
        return True
    return state == "Z"


def state_of(pool: Pool, name: str) -> ModelState:
    return next(model.state for model in pool.loaded() if model.name == name)


def endless(tmp_path: Path) -> Path:
    return make_gguf(tmp_path / "endless.gguf", context=4096, sharpness=0.1)


class Reader(threading.Thread):
    """Follows an answer and notes when and how it failed."""

    def __init__(self, events: Iterator[GenerationEvent]) -> None:
        super().__init__(daemon=True)
        self._events = events
        self.began = threading.Event()
        self.error: PortalError | None = None
        self.ended = 0.0

    def run(self) -> None:
        try:
            for _ in self._events:
                self.began.set()
        except PortalError as error:
            self.error = error
        self.ended = time.monotonic()


@pytest.mark.parametrize("temperature", [0.0, 0.9])
def test_answers_are_the_same_as_in_the_portals_own_process(pool: Pool, temperature: float) -> None:
    asked = [
        request(question, user=str(seed), temperature=temperature, seed=seed)
        for seed, question in enumerate(["how do I log in", "怎么登录", "who are you", "rename a chat"] * 3)
    ]
    load(pool, GUIDE)
    expected = [answer(pool, one)[:2] for one in asked]
    pool.unload("guide")
    until(lambda: not pool.loaded())
    model = load(pool, GUIDE, APART)
    assert (model.isolated, model.state) == (True, ModelState.READY)
    assert [answer(pool, one)[:2] for one in asked] == expected
    with ThreadPoolExecutor(len(asked)) as threads:
        assert [found[:2] for found in threads.map(lambda one: answer(pool, one), asked)] == expected


def test_probabilities_formats_and_times_come_through(pool: Pool) -> None:
    told: list[list[object]] = []
    for settings in (SMALL, APART):
        load(pool, GUIDE, settings)
        events = list(PoolRouter(pool).start(request("who are you", temperature=0.0, logprobs=2, max_tokens=6)).events())
        told.append([one for event in events if isinstance(event, Delta) for one in event.logprobs])
        last = events[-1]
        assert isinstance(last, Finished) and last.finish_reason is FinishReason.LENGTH
        assert last.usage.completion_tokens == 6 and last.timings.ttft_s and last.timings.steps >= 6
        schema = '{"type": "object", "properties": {"a": {"type": "boolean"}}, "required": ["a"], "additionalProperties": false}'
        said = answer(pool, request("who are you", json_schema=schema, seed=1))[1]
        assert "".join(said.split()) in ('{"a":true}', '{"a":false}')
        with pytest.raises(InvalidInput, match="no rule named root"):
            PoolRouter(pool).start(request("x", grammar='a ::= "x"'))
        pool.unload("guide")
        until(lambda: not pool.loaded())
    assert len(told[0]) == 6 and told[0] == told[1]


def test_metrics_come_through_and_the_memory_is_counted(pool: Pool) -> None:
    model = load(pool, GUIDE, APART)
    assert model.memory_bytes > 20_000_000
    question = "How do I log in? I forgot my password, and I do not know whom to ask about it, or where the page for that is."
    answer(pool, request(question, seed=1))
    answer(pool, request(question, seed=1))
    until(lambda: pool.metrics()["guide"].answers == 2)
    assert pool.metrics()["guide"].cached_tokens > 20
    assert pool.metrics()["guide"].busy == 0


def test_cancel_ends_the_answer_and_frees_the_slot(pool: Pool, tmp_path: Path) -> None:
    load(pool, endless(tmp_path), LONG)
    running = PoolRouter(pool).start(request("x", max_tokens=4000))
    events = running.events()
    assert isinstance(next(events), Delta)
    begin = time.monotonic()
    running.cancel()
    last = list(events)[-1]
    assert isinstance(last, Finished) and last.finish_reason is FinishReason.CANCELLED
    assert time.monotonic() - begin < 20
    until(lambda: pool.metrics()["endless"].busy == 0)


@pytest.mark.parametrize("killed", [False, True], ids=["unloaded", "killed"])
def test_conversations_that_memory_has_no_room_for_go_to_its_own_files_and_come_back(tmp_path: Path, killed: bool) -> None:
    model = make_gguf(tmp_path / "synthetic.gguf", "glm4", context=512, sharpness=2.0)
    files = OffloadFiles(tmp_path / "parked", 100_000_000)
    options = BackendOptions(context=512, slots=1, extra_buffers=EXTRA_BUFFERS, offload_bytes=110_000)
    child = ChildModel("endless", model, options, files=files)

    def said(beginning: int) -> str:
        sequence = child.submit([beginning, *range(65, 91), *range(65, 91), *range(65, 91)], SamplingParams(temperature=0.0), 40, "ann")
        text = ""
        while not isinstance(event := sequence.events.get(timeout=60), Finished):
            assert isinstance(event, Delta)
            text += event.text
        return text

    first = said(60)
    for beginning in range(100, 104):
        said(beginning)
    until(lambda: child.metrics().disk_offloaded > 0)
    assert len(list((tmp_path / "parked").iterdir())) == 2
    assert said(60) == first
    until(lambda: child.metrics().disk_tokens > 70)
    if killed:
        assert child.pid is not None
        os.kill(child.pid, signal.SIGKILL)
        until(lambda: child.pid is None)
    assert child.close()
    assert len(list((tmp_path / "parked").iterdir())) == 1, "the portal's own"
    assert files.lend() == 50_000_000
    files.close()


def test_a_full_queue_is_busy_here_too(pool: Pool, tmp_path: Path) -> None:
    load(pool, endless(tmp_path), replace(LONG, slots=1))
    waiting = []
    with pytest.raises(Busy) as refused:
        for _ in range(400):
            waiting.append(PoolRouter(pool).start(request("x", max_tokens=4000)))
    assert refused.value.retry_after >= 1 and "are ahead" in str(refused.value)
    for one in waiting:
        one.cancel()


@pytest.mark.parametrize("cut", [signal.SIGKILL, signal.SIGABRT])
def test_a_dead_process_fails_its_answers_at_once_and_is_back_soon(
    pool: Pool, tmp_path: Path, cut: signal.Signals, caplog: pytest.LogCaptureFixture
) -> None:
    load(pool, GUIDE)
    load(pool, endless(tmp_path), LONG)
    seeded = request("x", model="endless", seed=5, max_tokens=20)
    before = answer(pool, seeded)[:2]
    readers = [Reader(PoolRouter(pool).start(request("x", user=user, model="endless", max_tokens=4000)).events()) for user in "abc"]
    for reader in readers:
        reader.start()
    assert readers[0].began.wait(60)
    died = process_of(pool, "endless")
    begin = time.monotonic()
    os.kill(died, cut)
    for reader in readers:
        reader.join(60)
        assert isinstance(reader.error, ModelFailed) and str(reader.error) == AGAIN.format(name="endless")
        assert reader.ended - begin < 20
    assert answer(pool, request("hello", model="guide", max_tokens=3))[2].usage.completion_tokens == 3
    until(lambda: state_of(pool, "endless") is ModelState.READY)
    assert time.monotonic() - begin < 60
    assert process_of(pool, "endless") != died
    assert answer(pool, seeded)[:2] == before
    ended = re.search(r"the process of model endless ended: (\w+)", caplog.text)
    assert ended
    if cut is signal.SIGABRT:
        # The decode thread runs on while all stacks are written, which may tear its own, and end the writing.
        assert ended[1] in ("SIGABRT", "SIGSEGV") and "Fatal Python error: Aborted" in caplog.text
    else:
        assert ended[1] == cut.name


def test_while_it_is_started_again_people_are_told_so(pool: Pool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("models.child.supervised_process.BACK_OFF_S", (1.0, 1.0))
    load(pool, GUIDE, APART)
    os.kill(process_of(pool, "guide"), signal.SIGKILL)
    until(lambda: state_of(pool, "guide") is ModelState.RESTARTING)
    until(lambda: str(pool.loaded()[0].error) == "SIGKILL")
    assert PoolRouter(pool).models() == []
    for name in (None, "guide"):
        with pytest.raises(Unavailable, match="guide stopped working and is restarting"):
            PoolRouter(pool).start(request("x", model=name))
    until(lambda: state_of(pool, "guide") is ModelState.READY)
    assert pool.loaded()[0].default


def test_after_three_deaths_it_is_left_and_can_be_loaded_again(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("models.child.supervised_process.BACK_OFF_S", (0.0, 0.0))
    load(pool, GUIDE, APART)
    processes = []
    for _ in range(3):
        until(lambda: state_of(pool, "guide") is ModelState.READY)
        processes.append(process_of(pool, "guide"))
        os.kill(processes[-1], signal.SIGKILL)
        until(lambda: state_of(pool, "guide") is not ModelState.READY)
    until(lambda: state_of(pool, "guide") is ModelState.FAILED)
    assert str(pool.loaded()[0].error) == "Its process ended again and again: SIGKILL"
    with pytest.raises(Unavailable):
        PoolRouter(pool).start(request("x"))
    assert all(is_gone(process) for process in processes)
    assert load(pool, GUIDE, APART).state is ModelState.READY
    assert answer(pool, request("hello", max_tokens=3))[2].usage.completion_tokens == 3


def test_unloading_lets_answers_finish_and_ends_the_process(pool: Pool, tmp_path: Path) -> None:
    load(pool, endless(tmp_path), LONG)
    process = process_of(pool, "endless")
    events = PoolRouter(pool).start(replace(request("x", max_tokens=1500), guard=False)).events()
    next(events)
    pool.unload("endless")
    assert pool.loaded()[0].state is ModelState.DRAINING
    last = list(events)[-1]
    assert isinstance(last, Finished) and last.usage.completion_tokens == 1500
    until(lambda: not pool.loaded())
    assert is_gone(process)


def test_unloading_while_it_is_started_again(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("models.child.supervised_process.BACK_OFF_S", (60.0, 60.0))
    load(pool, GUIDE, APART)
    os.kill(process_of(pool, "guide"), signal.SIGKILL)
    until(lambda: state_of(pool, "guide") is ModelState.RESTARTING)
    pool.unload("guide")
    until(lambda: not pool.loaded())


def test_closing_tells_running_answers_and_ends_the_process(tmp_path: Path) -> None:
    pool = Pool(tmp_path, GUIDE, settings_file=tmp_path / "load_settings.json", extra_buffers=EXTRA_BUFFERS)
    load(pool, endless(tmp_path), LONG)
    process = process_of(pool, "endless")
    events = PoolRouter(pool).start(request("x", max_tokens=4000)).events()
    next(events)
    threading.Timer(0.05, pool.close).start()
    with pytest.raises(Unavailable, match="unloaded before the answer was finished"):
        list(events)
    until(lambda: is_gone(process))


def test_a_process_that_speaks_nonsense_is_ended_and_started_again(pool: Pool, tmp_path: Path) -> None:
    load(pool, GUIDE, APART)
    child = pool.leases.platform("guide").backend
    assert isinstance(child, ChildModel)
    first = child.pid
    child._process.send({"sing": "a song"})
    until(lambda: child.pid not in (None, first))
    until(lambda: state_of(pool, "guide") is ModelState.READY)


def test_what_cannot_be_loaded_fails_with_llama_cpps_words(pool: Pool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also without the trial that comes before: the process is one itself."""
    monkeypatch.setattr("models.trials.file_buffers.try_to_load", lambda path, options, wanted: None)
    monkeypatch.setattr("models.serving.pool.loading.check_model", lambda headers, architecture: None)
    load(pool, crashing_gguf(tmp_path / "crash.gguf"), APART)
    failed = wait(pool, "crash")
    assert failed.state is ModelState.FAILED
    assert failed.error is not None and "SIGABRT. It said: a check inside llama.cpp failed" in str(failed.error)


_PORTAL = """
import sys, time
from pathlib import Path
from models.child.model import ChildModel
from models.engine.llama.options import BackendOptions
child = ChildModel("guide", Path(sys.argv[1]), BackendOptions(512, 2, extra_buffers=sys.argv[2] == "True"))
print(child.pid, flush=True)
time.sleep(600)
"""


def test_no_process_outlives_a_portal_that_is_killed() -> None:
    command = [sys.executable, "-c", _PORTAL, str(GUIDE), str(EXTRA_BUFFERS)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as portal:
        assert portal.stdout is not None
        child = int(portal.stdout.readline())
        assert not is_gone(child)
        portal.kill()
    until(lambda: is_gone(child))


def test_a_process_that_stands_still_is_reported_and_can_be_ended(pool: Pool, tmp_path: Path) -> None:
    """Frozen by a signal it neither computes nor tells anything, as one that hangs in native code with the interpreter's lock."""
    load(pool, endless(tmp_path), LONG)
    platform = pool.leases.platform("endless")
    reader = Reader(PoolRouter(pool).start(request("x", max_tokens=4000)).events())
    reader.start()
    reader.began.wait(30)
    until(lambda: platform.metrics().step_running_s < 2)
    before = process_of(pool, "endless")
    os.kill(before, signal.SIGSTOP)
    until(lambda: platform.metrics().step_running_s > 2.5)
    assert platform.restart()
    reader.join(60)
    assert isinstance(reader.error, ModelFailed)
    until(lambda: state_of(pool, "endless") is ModelState.READY)
    assert process_of(pool, "endless") != before
    answer(pool, request("x", max_tokens=30))
    until(lambda: platform.metrics().step_running_s < 2)


def test_a_pool_closes_at_once_though_a_process_stands_still(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("models.serving.pool.pool.STUCK_S", 2.5)
    pool = Pool(tmp_path, GUIDE, settings_file=tmp_path / "load_settings.json", extra_buffers=EXTRA_BUFFERS)
    load(pool, endless(tmp_path), LONG)
    platform = pool.leases.platform("endless")
    reader = Reader(PoolRouter(pool).start(request("x", max_tokens=4000)).events())
    reader.start()
    reader.began.wait(30)
    process = process_of(pool, "endless")
    os.kill(process, signal.SIGSTOP)
    until(lambda: platform.metrics().step_running_s > 2.6)
    began = time.monotonic()
    pool.close()
    assert time.monotonic() - began < 20
    assert not pool.left_running
    until(lambda: is_gone(process))
