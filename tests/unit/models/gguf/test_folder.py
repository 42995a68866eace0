"""The models folder is listed quickly, whatever it contains."""

from __future__ import annotations

import os
import socket
import struct
import threading
import time
from pathlib import Path

import pytest

from core.errors import InvalidInput
from core.models.records import ModelFile
from models.gguf import folder as listing
from models.gguf.facts import read_facts
from models.gguf.folder import MAX_FILES, UNREAD, Catalog
from models.gguf.headers.header import read_header
from samples.gguf_maker import make_adapter, make_gguf
from tests.unit.models.raw_gguf import ARRAY, U32, RawGguf, entry, glm_entries, number_entry

GUIDE = Path(__file__).parents[4] / "models" / "guide" / "guide.gguf"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder with one model, which is read to the end however slow the machine is."""
    monkeypatch.setattr(listing, "READING_S", 60.0)
    (tmp_path / "models").mkdir()
    make_gguf(tmp_path / "models" / "good.gguf")
    return tmp_path / "models"


def listed(folder: Path) -> dict[str, str | None]:
    """Name of the file, and its complaint, without the guide."""
    return {file.path.name: str(file.error) if file.error else None for file in Catalog(folder, GUIDE).files()[1:]}


def seconds(of: Catalog) -> float:
    """Return the processor time that a listing takes."""
    begin = time.thread_time()
    of.files()
    return time.thread_time() - begin


def test_a_pipe_is_listed_as_what_it_is_and_nobody_waits_for_it(folder: Path) -> None:
    os.mkfifo(folder / "pipe.gguf")
    with socket.socket(socket.AF_UNIX) as here:
        here.bind(str(folder / "socket.gguf"))
        found: list[dict[str, str | None]] = []
        thread = threading.Thread(target=lambda: found.append(listed(folder)), daemon=True)
        thread.start()
        thread.join(60)
    assert found and found[0]["good.gguf"] is None
    for name in ("pipe.gguf", "socket.gguf"):
        assert found[0][name] == "It is a pipe, a socket or a device, not a file. Remove it."


def test_a_pipe_cannot_be_loaded_by_its_path_either(folder: Path) -> None:
    os.mkfifo(folder / "pipe.gguf")
    with pytest.raises(InvalidInput, match="it is a pipe, a socket or a device, not a file"):
        read_header(folder / "pipe.gguf")


def test_a_name_that_is_not_utf_8_is_listed_and_refused(folder: Path) -> None:
    odd = os.fsdecode(os.fsencode(str(folder)) + b"/\xd6\xd0\xce\xc4.gguf")
    make_gguf(folder / "b.gguf").rename(odd)
    found = {file.path.name: file for file in Catalog(folder, GUIDE).files()}
    assert found["good.gguf"].error is None
    [named] = [file for name, file in found.items() if "\ufffd" in name]
    assert named.error is not None and "is not UTF-8" in str(named.error)
    str(named.path).encode()
    with pytest.raises(InvalidInput, match="is not UTF-8"):
        read_facts(Path(odd))


@pytest.mark.parametrize("name", [".gguf", "..gguf", " .gguf", "a\nb.gguf", "a\x1b[31m.gguf", " a.gguf"])
def test_a_name_that_nobody_could_ask_for_is_refused(folder: Path, name: str) -> None:
    make_gguf(folder / "b.gguf").rename(folder / name)
    found = Catalog(folder, GUIDE).files()[1:]
    assert len(found) == 2 and [file.error is None for file in found].count(True) == 1
    with pytest.raises(InvalidInput, match="Rename"):
        read_facts(folder / name)


def test_capitals_and_linked_folders_are_listed(folder: Path, tmp_path: Path) -> None:
    make_gguf(tmp_path / "UPPER.GGUF").rename(folder / "UPPER.GGUF")
    (tmp_path / "elsewhere").mkdir()
    make_gguf(tmp_path / "elsewhere" / "far.gguf")
    (folder / "linked").symlink_to(tmp_path / "elsewhere")
    (folder / "round").symlink_to(folder)
    (folder / "link.gguf").symlink_to(tmp_path / "elsewhere" / "far.gguf")
    found = Catalog(folder, GUIDE).files()[1:]
    assert {file.path.name: file.error for file in found} == dict.fromkeys(["UPPER.GGUF", "far.gguf", "good.gguf", "link.gguf"])
    assert next(file.name for file in found if file.path.name == "UPPER.GGUF") == "UPPER"


def test_a_link_that_leads_nowhere_is_listed_with_where_it_should_lead(folder: Path) -> None:
    (folder / "gone.gguf").symlink_to("/srv/models/gone.gguf")
    (folder / "folder").symlink_to("/srv/no such folder")
    (folder / "self.gguf").symlink_to("self.gguf")
    found = listed(folder)
    assert found["gone.gguf"] == "It is a link to /srv/models/gone.gguf, which cannot be reached: No such file or directory."
    assert "/srv/no such folder" in str(found["folder"]) and "Too many levels" in str(found["self.gguf"])
    assert found["good.gguf"] is None


def test_lists_of_millions_of_numbers_take_no_time(folder: Path) -> None:
    numbers = struct.pack("<IQ", U32, 4_000_000) + b"\1\0\0\0" * 4_000_000
    RawGguf(entries=[*glm_entries(), *(entry(f"list{each}", ARRAY, numbers) for each in range(20))]).write(folder / "lists.gguf")
    assert seconds(Catalog(folder, GUIDE)) < 4
    assert "list19" in read_header(folder / "lists.gguf").array_lengths


def test_more_texts_than_any_vocabulary_has_are_refused(folder: Path) -> None:
    texts = struct.pack("<IQ", 8, 1_500_000) + b"\0" * 8 * 1_500_000
    RawGguf(entries=[*glm_entries(), entry("a", ARRAY, texts), entry("b", ARRAY, texts)]).write(folder / "texts.gguf")
    assert "its lists hold more than 2,000,000 texts" in str(listed(folder)["texts.gguf"])


def test_a_file_with_a_complaint_is_read_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("llama", "qwen3", "clip"):
        RawGguf(entries=glm_entries(name)).write(folder / f"{name}.gguf")
    read: list[str] = []
    real = listing.read_header
    monkeypatch.setattr(listing, "read_header", lambda path: read.append(path.name) or real(path))
    here = Catalog(folder, GUIDE)
    first = here.files()
    assert sorted(read) == ["clip.gguf", "good.gguf", "guide.gguf", "llama.gguf", "qwen3.gguf"]
    assert here.files() == first and here.adapters() == [] and len(read) == 5
    make_gguf(folder / "llama.gguf")
    assert next(file for file in here.files() if file.name == "llama").error is None


def test_a_part_that_comes_later_completes_its_model(folder: Path) -> None:
    part = RawGguf(entries=[*glm_entries(), number_entry("split.count", 2)])
    part.write(folder / "big-00001-of-00002.gguf")
    here = Catalog(folder, GUIDE)
    assert "Parts of this model are missing: big-00002-of-00002.gguf." in str(here.files()[1].error)
    part.write(folder / "big-00002-of-00002.gguf")
    assert [file.path.name for file in here.files()[1:]] == ["big-00001-of-00002.gguf", "good.gguf"]
    assert "Parts" not in str(here.files()[1].error)


def test_what_takes_too_long_to_read_comes_with_a_later_list(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_gguf(folder / "later.gguf")
    monkeypatch.setattr(listing, "READING_S", -1.0)
    here = Catalog(folder, GUIDE)
    assert [str(file.error) for file in here.files()] == [UNREAD] * 3
    monkeypatch.setattr(listing, "READING_S", 60.0)
    assert [file.error for file in here.files()] == [None] * 3


def test_thousands_of_files_are_listed_up_to_a_bound(folder: Path) -> None:
    for number in range(MAX_FILES + 100):
        (folder / f"x{number}.gguf").write_bytes(b"GGUF")
    here = Catalog(folder, GUIDE)
    files = here.files()
    assert len(files) == 1 + MAX_FILES + 1
    assert str(files[-1].error) == "The folder contains more than 2,000 files." and seconds(here) < 4


def test_a_folder_that_cannot_be_read_hides_nothing_else(folder: Path) -> None:
    (folder / "closed").mkdir(mode=0)
    try:
        found = listed(folder)
    finally:
        (folder / "closed").chmod(0o700)
    assert found["good.gguf"] is None
    # Root reads it all the same.
    assert os.geteuid() == 0 or "cannot be read" in str(found["closed"])


def test_adapters_are_listed_apart(folder: Path) -> None:
    make_adapter(folder / "style.gguf")
    here = Catalog(folder, GUIDE)
    assert [file.name for file in here.adapters()] == ["style"]
    assert all(isinstance(file, ModelFile) for file in here.files())


def test_a_folder_that_is_not_there_yet_holds_nothing(tmp_path: Path) -> None:
    assert [file.name for file in Catalog(tmp_path / "none", GUIDE).files()] == ["guide"]


def test_incomplete_downloads_and_projectors_are_not_listed(tmp_path: Path) -> None:
    folder = tmp_path / "models"
    for name in (".downloads/x/glm.gguf", "repo/mmproj-F16.gguf", "repo/glm-mmproj-BF16.gguf"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"GGUF")
    (folder / "repo" / "commproject.gguf").write_bytes(b"GGUF")
    assert [file.name for file in Catalog(folder, tmp_path / "guide.gguf").files()] == ["commproject"]
