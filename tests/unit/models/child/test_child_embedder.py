"""Embedding models in separate processes, really killed. test_local_vectors.py shows that they compute the same."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.errors import ModelFailed, PortalError, Unavailable
from core.inference.vectors import Cancelled, EmbeddingRequest
from core.models.load_settings import LoadSettings
from core.models.records import LoadedModel, ModelKind, ModelState
from models.child.embedder import ChildEmbedder
from models.child.supervised_process import AGAIN
from models.platforms.local_vectors import RunningVectors
from models.serving.pool.pool import Pool
from models.serving.router import PoolRouter
from tests.this_machine import EXTRA_BUFFERS
from tests.unit.models.child.test_child_model import is_gone, state_of, until
from tests.unit.models.serving.pool.test_pool import GUIDE, load, wait
from tests.vector_gguf_maker import make_bert

APART = LoadSettings(slots=2, isolated=True)


@pytest.fixture
def pool(tmp_path: Path) -> Iterator[Pool]:
    pool = Pool(tmp_path, GUIDE, settings_file=tmp_path / "load_settings.json", extra_buffers=EXTRA_BUFFERS)
    yield pool
    pool.close()


@pytest.fixture
def slow(pool: Pool, tmp_path: Path) -> LoadedModel:
    """Return a model that takes some tenths of a second for a batch of two texts."""
    return load(pool, make_bert(tmp_path / "slow.gguf", layers=250, context=512), APART)


def ask(pool: Pool, *texts: str) -> RunningVectors:
    running = PoolRouter(pool).embed(EmbeddingRequest(texts, "ann", "slow"))
    assert isinstance(running, RunningVectors)
    return running


def child_of(pool: Pool) -> ChildEmbedder:
    child = pool.leases.vectors("slow", ModelKind.EMBEDDING).embedder
    assert isinstance(child, ChildEmbedder)
    return child


def process_of(pool: Pool) -> int:
    pid = child_of(pool).pid
    assert pid is not None
    return pid


class Waiter(threading.Thread):
    """Waits for the vectors and notes when and how that failed."""

    def __init__(self, running: RunningVectors) -> None:
        super().__init__(daemon=True)
        self._running = running
        self.error: PortalError | None = None
        self.ended = 0.0
        self.start()

    def run(self) -> None:
        try:
            self._running.result()
        except PortalError as error:
            self.error = error
        self.ended = time.monotonic()


def test_its_memory_is_counted_and_freed_with_it(pool: Pool, slow: LoadedModel) -> None:
    assert slow.isolated and slow.memory_bytes > 20_000_000
    process = process_of(pool)
    pool.unload("slow")
    until(lambda: not pool.loaded())
    assert is_gone(process)


@pytest.mark.usefixtures("slow")
def test_a_dead_process_fails_what_waits_at_once_and_is_back_soon(pool: Pool, caplog: pytest.LogCaptureFixture) -> None:
    before = ask(pool, "hello").result().rows
    died = process_of(pool)
    waiters = [Waiter(ask(pool, *["word " * 100] * 50)) for _ in range(4)]
    until(lambda: pool.metrics()["slow"].busy)
    begin = time.monotonic()
    os.kill(died, signal.SIGKILL)
    for waiter in waiters:
        waiter.join(60)
        assert isinstance(waiter.error, ModelFailed) and str(waiter.error) == AGAIN.format(name="slow")
        assert waiter.ended - begin < 20
    until(lambda: state_of(pool, "slow") is ModelState.READY)
    assert time.monotonic() - begin < 60
    assert process_of(pool) != died
    assert ask(pool, "hello").result().rows == before
    assert "the process of model slow ended: SIGKILL; it was answering: a batch of texts" in caplog.text


@pytest.mark.usefixtures("slow")
def test_cancelling_breaks_the_batch_off(pool: Pool) -> None:
    ask(pool, "word " * 100, "word " * 100).result()
    assert pool.metrics()["slow"].answers == 2
    running = ask(pool, *["word " * 100] * 40)
    until(lambda: pool.metrics()["slow"].busy)
    running.cancel()
    with pytest.raises(Cancelled):
        running.result()
    until(lambda: not pool.metrics()["slow"].busy)
    assert pool.metrics()["slow"].answers == 2
    assert ask(pool, "hello").result().rows, "the next batch is computed again"


@pytest.mark.usefixtures("slow")
def test_one_that_hangs_is_ended_all_the_same(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("models.platforms.local_vectors.CHILD_END_S", 1.0)
    process = process_of(pool)
    os.kill(process, signal.SIGSTOP)
    waiter = Waiter(ask_of_tokens(pool))
    assert pool.leases.vectors("slow", ModelKind.EMBEDDING).close(0.5)
    waiter.join(60)
    assert isinstance(waiter.error, Unavailable)
    assert is_gone(process)


def ask_of_tokens(pool: Pool) -> RunningVectors:
    """Text would have to be made tokens, which a process that hangs does not do."""
    running = PoolRouter(pool).embed(EmbeddingRequest(((5, 6, 7),), "ann", "slow"))
    assert isinstance(running, RunningVectors)
    return running


@pytest.mark.usefixtures("slow")
def test_after_three_deaths_it_is_left(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("models.child.supervised_process.BACK_OFF_S", (0.0, 0.0))
    for _ in range(3):
        until(lambda: state_of(pool, "slow") is ModelState.READY)
        os.kill(process_of(pool), signal.SIGKILL)
        until(lambda: state_of(pool, "slow") is not ModelState.READY)
    begin = time.monotonic()
    until(lambda: state_of(pool, "slow") is ModelState.FAILED)
    with pytest.raises(Unavailable):
        ask(pool, "x")
    assert time.monotonic() - begin < 30, "closing it does not wait for the thread that closes it"
    pool.unload("slow")
    assert not pool.loaded()


def test_one_that_dies_before_it_is_ready_is_not_kept(pool: Pool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[int] = []

    def dies(child: ChildEmbedder, text: str, **how: bool) -> list[int]:
        assert child.pid is not None
        begun.append(child.pid)
        raise ModelFailed(AGAIN, name="late")

    monkeypatch.setattr(ChildEmbedder, "tokenize", dies)
    load(pool, make_bert(tmp_path / "late.gguf"), APART)
    assert wait(pool, "late").state is ModelState.FAILED
    assert is_gone(begun[0])


def test_what_cannot_be_loaded_fails_with_llama_cpps_words(pool: Pool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also without the trial that comes before: the process is one itself."""
    monkeypatch.setattr("models.trials.file_buffers.try_to_load", lambda path, options, wanted: None)
    path = make_bert(tmp_path / "bad.gguf")
    path.write_bytes(path.read_bytes().replace(b"blk.1.ffn_up.bias", b"blk.1.ffn_up.bios"))
    load(pool, path, APART)
    failed = wait(pool, "bad")
    assert failed.state is ModelState.FAILED and failed.error is not None and "could not load" in str(failed.error)
