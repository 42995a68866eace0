from __future__ import annotations

import contextlib
import random
import struct
import time
from pathlib import Path

import pytest
from gguf.constants import GGML_QUANT_SIZES

from core.errors import InvalidInput
from models.gguf.headers.header import TENSOR_TYPES, read_header
from samples.gguf_maker import make_gguf
from tests.unit.models.raw_gguf import ARRAY, STRING, U32, RawGguf, entry, glm_entries, number_entry, string_entry, tensor, text


def refused(path: Path) -> str:
    with pytest.raises(InvalidInput) as caught:
        read_header(path)
    return str(caught.value)


def test_a_sound_header_is_read(tmp_path: Path) -> None:
    header = read_header(make_gguf(tmp_path / "a.gguf", quantization="Q8_0"))
    assert header.metadata["general.architecture"] == "glm4"
    assert header.array_lengths["tokenizer.ggml.tokens"] == 266
    assert {tensor.name: tensor.type for tensor in header.tensors}["output.weight"] == "Q8_0"
    assert header.data_offset + max(tensor.offset + tensor.size for tensor in header.tensors) <= header.file_bytes


def test_the_table_of_tensor_types_is_ggmls() -> None:
    for kind, (block, size) in GGML_QUANT_SIZES.items():
        assert TENSOR_TYPES[int(kind)] == (kind.name, block, size)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    assert refused(tmp_path / "none.gguf") == f"The file {tmp_path / 'none.gguf'} does not exist."


def test_a_folder_is_refused(tmp_path: Path) -> None:
    assert "cannot be read" in refused(tmp_path)


def test_something_else_is_not_a_gguf(tmp_path: Path) -> None:
    assert "does not begin with the letters GGUF" in refused(RawGguf(magic=b"GGJT").write(tmp_path / "a.gguf"))
    (tmp_path / "empty.gguf").touch()
    assert "it has only 0 bytes" in refused(tmp_path / "empty.gguf")


def test_an_unknown_version_is_refused(tmp_path: Path) -> None:
    assert "version 1" in refused(RawGguf(version=1).write(tmp_path / "a.gguf"))


def test_a_file_cut_at_any_byte_is_refused(tmp_path: Path) -> None:
    whole = make_gguf(tmp_path / "a.gguf").read_bytes()
    end = read_header(tmp_path / "a.gguf")
    last = end.data_offset + max(tensor.offset + tensor.size for tensor in end.tensors)
    rng = random.Random(0)
    for cut in [0, 3, 23, 24, 100, end.data_offset, last - 1, *(rng.randrange(last) for _ in range(60))]:
        path = tmp_path / "cut.gguf"
        path.write_bytes(whole[:cut])
        assert "truncated" in refused(path) or cut < 24 or "claims" in refused(path)


def test_a_file_cut_in_its_weights_says_how_much_is_missing(tmp_path: Path) -> None:
    path = RawGguf(tensors=[tensor("a", (1_000_000,))], data=1_000_000).write(tmp_path / "a.gguf")
    assert "is truncated: 3,000,000 of" in refused(path)


@pytest.mark.parametrize("counts", [(2**63, 0), (0, 2**63), (200_000, 1), (1, 200_000), (90_000, 90_000)])
def test_counts_that_cannot_be_are_refused_at_once(tmp_path: Path, counts: tuple[int, int]) -> None:
    path = RawGguf(counts=counts).write(tmp_path / "a.gguf")
    begin = time.thread_time()
    assert "is damaged: it claims" in refused(path)
    assert time.thread_time() - begin < 0.5


HOSTILE_ENTRIES = {
    "a key of 2^60 bytes": struct.pack("<Q", 1 << 60) + b"x",
    "a text of 2^60 bytes": text("k") + struct.pack("<IQ", STRING, 1 << 60),
    "an unknown type": entry("k", 77, b"\0" * 8),
    "a list of 2^60 numbers": entry("k", ARRAY, struct.pack("<IQ", U32, 1 << 60)),
    "a list of lists": entry("k", ARRAY, struct.pack("<IQ", ARRAY, 1)),
    "a list of texts, one too long": entry("k", ARRAY, struct.pack("<IQQ", STRING, 1, 1 << 50)),
    "a key that is not UTF-8": entry(b"\xff\xfe", U32, struct.pack("<I", 1)),
    "a key twice": number_entry("k", 1) + number_entry("k", 2),
    "an alignment of zero": number_entry("general.alignment", 0),
    "an odd alignment": number_entry("general.alignment", 33),
    "an alignment that is a text": string_entry("general.alignment", "32"),
}


@pytest.mark.parametrize("name", HOSTILE_ENTRIES)
def test_hostile_metadata_is_refused(tmp_path: Path, name: str) -> None:
    extra = 2 if name == "a key twice" else 1
    raw = RawGguf(entries=[*glm_entries(), HOSTILE_ENTRIES[name]], counts=(1, 6 + extra))
    assert "a.gguf is " in refused(raw.write(tmp_path / "a.gguf"))


HOSTILE_TENSORS = {
    "no dimensions": [tensor("a", ())],
    "five dimensions": [tensor("a", (1, 1, 1, 1, 1))],
    "a length of zero": [tensor("a", (0,))],
    "a product that overflows 64 bits": [tensor("a", (1 << 40, 1 << 40))],
    "part of a block": [tensor("a", (33,), kind=8)],
    "an unknown type": [tensor("a", kind=200)],
    "a name of 64 characters": [tensor("a" * 64)],
    "an offset beyond its neighbour": [tensor("a"), tensor("b", offset=1 << 40)],
    "overlapping tensors": [tensor("a"), tensor("b", offset=0)],
    "the same name twice": [tensor("a"), tensor("a", offset=128)],
    "an offset that is not aligned": [tensor("a", offset=1)],
}


@pytest.mark.parametrize("name", HOSTILE_TENSORS)
def test_hostile_tensors_are_refused(tmp_path: Path, name: str) -> None:
    assert "is damaged" in refused(RawGguf(tensors=HOSTILE_TENSORS[name], data=4096).write(tmp_path / "a.gguf"))


def test_random_damage_never_raises_anything_else(tmp_path: Path) -> None:
    whole = bytearray(RawGguf().bytes())
    rng = random.Random(1)
    path = tmp_path / "a.gguf"
    for _ in range(300):
        damaged = bytearray(whole)
        for _ in range(rng.randrange(1, 6)):
            damaged[rng.randrange(len(damaged))] = rng.randrange(256)
        path.write_bytes(damaged)
        with contextlib.suppress(InvalidInput):
            read_header(path)
