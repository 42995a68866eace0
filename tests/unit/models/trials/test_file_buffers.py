from __future__ import annotations

from pathlib import Path

import pytest

from core.errors import ModelFailed
from models.engine.llama.options import BackendOptions
from models.trials import file_buffers
from models.trials.file_buffers import FileBuffers
from models.trials.load_trial import Crashed

FILE, OPTIONS = Path("flash.gguf"), BackendOptions(context=256, slots=1)


class Machine:
    """Refuses each file as it is told to: repacked, plain."""

    def __init__(self, repacked: ModelFailed | None = None, plain: ModelFailed | None = None) -> None:
        self.refusals = {True: repacked, False: plain}
        self.tried: list[bool] = []

    def try_to_load(self, path: Path, options: BackendOptions) -> None:
        self.tried.append(options.extra_buffers)
        refused = self.refusals[options.extra_buffers]
        if refused is not None:
            raise refused


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    made = Machine(Crashed("It aborted."))
    monkeypatch.setattr(file_buffers, "try_to_load", lambda path, options, wanted: made.try_to_load(path, options))
    return made


def test_what_worked_is_remembered_by_the_files_fingerprint(machine: Machine, tmp_path: Path) -> None:
    buffers = FileBuffers(tmp_path / "note.json", "machine")
    assert not buffers.try_to_load(FILE, "one", OPTIONS).extra_buffers
    assert not buffers.try_to_load(FILE, "one", OPTIONS).extra_buffers
    machine.refusals[True] = None
    assert buffers.try_to_load(FILE, "two", OPTIONS).extra_buffers
    assert machine.tried == [True, False, False, True]


def test_another_machine_tries_again(machine: Machine, tmp_path: Path) -> None:
    FileBuffers(tmp_path / "note.json", "machine").try_to_load(FILE, "one", OPTIONS)
    FileBuffers(tmp_path / "note.json", "another").try_to_load(FILE, "one", OPTIONS)
    assert machine.tried == [True, False, True, False]


def test_a_machine_without_repacked_weights_tries_once(machine: Machine, tmp_path: Path) -> None:
    FileBuffers(tmp_path / "note.json", "machine").try_to_load(FILE, "one", BackendOptions(context=256, slots=1, extra_buffers=False))
    assert machine.tried == [False]


def test_a_file_that_llama_cpp_refuses_in_words_is_not_tried_again(machine: Machine, tmp_path: Path) -> None:
    machine.refusals[True] = ModelFailed("It is no model.")
    with pytest.raises(ModelFailed, match="It is no model"):
        FileBuffers(tmp_path / "note.json", "machine").try_to_load(FILE, "one", OPTIONS)
    assert machine.tried == [True]


def test_a_file_that_crashes_both_ways_is_not_remembered(machine: Machine, tmp_path: Path) -> None:
    machine.refusals[False] = Crashed("It crashed.")
    with pytest.raises(ModelFailed, match="It crashed"):
        FileBuffers(tmp_path / "note.json", "machine").try_to_load(FILE, "one", OPTIONS)
    assert not (tmp_path / "note.json").exists()


@pytest.mark.parametrize("text", ["", "[]", '{"machine": "machine", "plain": 3}'])
def test_a_damaged_note_is_none(machine: Machine, tmp_path: Path, text: str) -> None:
    (tmp_path / "note.json").write_text(text)
    assert not FileBuffers(tmp_path / "note.json", "machine").try_to_load(FILE, "one", OPTIONS).extra_buffers


def test_a_note_that_cannot_be_written_costs_nothing_else(machine: Machine, tmp_path: Path) -> None:
    assert not FileBuffers(tmp_path / "none" / "note.json", "machine").try_to_load(FILE, "one", OPTIONS).extra_buffers
