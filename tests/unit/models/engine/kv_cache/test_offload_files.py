from __future__ import annotations

import logging
import resource
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from models.engine.kv_cache import offload_files
from models.engine.kv_cache.offload_files import FRAME_BYTES, TAG_BYTES, OffloadedFile, OffloadFiles, State, Tokens, default_budget

FRAMES = 3
STATE_BYTES = FRAMES * FRAME_BYTES - 1000
FILE_BYTES = STATE_BYTES + FRAMES * TAG_BYTES


def conversation(number: int, length: int = 80) -> Tokens:
    return np.array([1, 2, 3, *range(number * 1000, number * 1000 + length - 3)], np.int32)


def state(number: int, size: int = STATE_BYTES) -> State:
    return np.random.default_rng(number).integers(0, 256, size, np.uint8)


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not true():
        assert time.monotonic() < deadline, "it did not come true"
        time.sleep(0.005)


def on_disk(folder: Path) -> list[Path]:
    return sorted(folder.glob("*/*.kv"))


def found(files: OffloadFiles, tokens: Tokens, owner: str = "glm") -> OffloadedFile | None:
    """Find the conversation whose tokens all begin the prompt."""
    best = files.best(owner, [*tokens.tolist(), 9])
    return best[0] if best and best[1] == len(tokens) else None


def add(files: OffloadFiles, number: int, owner: str = "glm") -> OffloadedFile:
    """Add one and wait until it is written."""
    files.add(owner, conversation(number), state(number))
    kept = found(files, conversation(number), owner)
    assert kept is not None
    until(lambda: kept.state is None)
    return kept


def read(files: OffloadFiles, kept: OffloadedFile) -> State:
    found = files.read(kept)
    assert found is not None
    return found


@pytest.fixture
def files(tmp_path: Path) -> Iterator[OffloadFiles]:
    """Return files with room for three."""
    files = OffloadFiles(tmp_path, 3 * FILE_BYTES + 100)
    yield files
    files.close()


def test_what_is_written_comes_back(files: OffloadFiles, tmp_path: Path) -> None:
    kept = add(files, 1)
    (path,) = on_disk(tmp_path)
    assert (path.stat().st_mode & 0o777, path.stat().st_size, files.held("glm")) == (0o600, FILE_BYTES, (1, FILE_BYTES, 0))
    assert state(1)[:1000].tobytes() not in path.read_bytes(), "sealed"
    assert np.array_equal(read(files, kept), state(1))


def test_what_is_not_written_yet_comes_back_too(files: OffloadFiles) -> None:
    files.add("glm", conversation(1), state(1))
    kept = found(files, conversation(1))
    assert kept is not None
    assert np.array_equal(read(files, kept), state(1))


def test_the_oldest_goes_when_the_budget_is_full(files: OffloadFiles, tmp_path: Path) -> None:
    for number in range(5):
        add(files, number)
    until(lambda: len(on_disk(tmp_path)) == 3)
    assert [found(files, conversation(number)) is not None for number in range(5)] == [False, False, True, True, True]
    assert files.held("glm")[:2] == (3, 3 * FILE_BYTES)


def test_what_is_larger_than_the_budget_is_not_kept(files: OffloadFiles) -> None:
    files.add("glm", conversation(1), state(1, 4 * STATE_BYTES))
    assert files.held("glm") == (0, 0, 0)


def test_a_conversation_that_grew_takes_the_place_of_its_beginning(files: OffloadFiles, tmp_path: Path) -> None:
    add(files, 1)
    files.add("glm", conversation(1, 120), state(2))
    until(lambda: len(on_disk(tmp_path)) == 1 and files.held("glm")[0] == 1)
    kept = found(files, conversation(1, 120))
    assert kept is not None
    assert np.array_equal(read(files, kept), state(2))


def test_one_model_never_gets_anothers(files: OffloadFiles) -> None:
    add(files, 1, "glm")
    assert found(files, conversation(1), "other") is None
    add(files, 1, "other")
    files.forget_all("glm")
    assert (files.held("glm")[0], files.held("other")[0]) == (0, 1)


def cut_short(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-10])


def cut_at_a_frame(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: FRAME_BYTES + TAG_BYTES])


def change_a_bit(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[FRAME_BYTES + 100] ^= 1
    path.write_bytes(data)


def take_another(path: Path) -> None:
    path.write_bytes(next(other for other in on_disk(path.parents[1]) if other != path).read_bytes())


@pytest.mark.parametrize("damage", [cut_short, cut_at_a_frame, change_a_bit, take_another, Path.unlink])
def test_a_damaged_or_foreign_file_is_a_miss_and_is_forgotten(
    files: OffloadFiles, tmp_path: Path, damage: Callable[[Path], None], caplog: pytest.LogCaptureFixture
) -> None:
    first, _ = add(files, 1), add(files, 2)
    damage(next(path for path in on_disk(tmp_path) if path.name == f"{first.number}.kv"))
    assert files.read(first) is None
    assert files.held("glm") == (1, FILE_BYTES, 1)
    assert "could not be read" in caplog.text
    until(lambda: len(on_disk(tmp_path)) == 1)


def test_a_disk_that_takes_no_more_is_a_miss_that_is_said_once(
    files: OffloadFiles, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (FRAME_BYTES, limits[1]))
    try:
        for number in (1, 2):
            files.add("glm", conversation(number), state(number))
            until(lambda: files.held("glm")[2] == number)  # noqa: B023
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert files.held("glm") == (0, 0, 2)
    assert caplog.text.count("could not be written (File too large)") == 1
    until(lambda: on_disk(tmp_path) == [])
    add(files, 3)


def test_files_do_not_outlive_their_time(tmp_path: Path) -> None:
    files = OffloadFiles(tmp_path, 10**9, expires_s=1.0, sweep_s=0.02)
    add(files, 1)
    until(lambda: on_disk(tmp_path) == [])
    assert files.held("glm") == (0, 0, 0)
    files.close()


def test_closing_removes_everything_at_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    files = OffloadFiles(tmp_path, 10**9)
    for number in range(20):
        files.add("glm", conversation(number), state(number, 5_000_000))
    begin = time.monotonic()
    files.close()
    assert time.monotonic() - begin < 20
    assert list(tmp_path.iterdir()) == []
    assert caplog.records == [] or max(record.levelno for record in caplog.records) < logging.WARNING


def test_what_comes_faster_than_the_disk_takes_it_is_not_kept(files: OffloadFiles, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(offload_files, "MAX_UNWRITTEN_BYTES", STATE_BYTES // 2)
    with files._changed:  # the writer waits
        for number in range(3):
            files.add("glm", conversation(number), state(number))
        assert len(files._unwritten) == 1


def test_what_is_lent_is_missing_until_it_is_back_and_what_a_killed_borrower_left_goes(files: OffloadFiles, tmp_path: Path) -> None:
    kept = [add(files, number) for number in range(3)]
    lent = files.lend()
    assert lent == (3 * FILE_BYTES + 100) // 2
    until(lambda: len(on_disk(tmp_path)) == 1)
    assert [one.gone for one in kept] == [True, True, False]
    (tmp_path / "killed").mkdir()
    (tmp_path / "killed" / "0.kv").write_bytes(b"what nobody can read")
    files.take_back(lent)
    assert not (tmp_path / "killed").exists() and read(files, kept[2]).size == STATE_BYTES
    for number in (3, 4):
        add(files, number)
    assert not kept[2].gone and files.held("glm")[0] == 3


def test_the_default_budget_is_a_share_of_the_free_space(tmp_path: Path) -> None:
    assert 0 < default_budget(tmp_path) <= 8 * 1024**3
