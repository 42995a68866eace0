"""A corpus of hostile model files, made from small good ones by changing one thing each: a number, a type, a shape, a token, a template.

`cases()` names them and `write` makes one. `python -m tests.hostile_ggufs [--every N]` has a portal's pool load each Nth file and ask it
something, in a process that may die of it, and counts what became of them: `refused` (with a sentence), `answered`, or `died`.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import struct
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from core.errors import PortalError
from core.inference.requests import ChatMessage, Finished, GenerationRequest, SamplingParams
from core.inference.vectors import EmbeddingRequest, RerankRequest
from core.models.load_settings import LoadSettings
from core.models.records import ModelKind, ModelState
from models.gguf.headers.header import TENSOR_TYPES
from models.serving.pool.pool import Pool
from models.serving.router import PoolRouter
from samples.gguf_maker import SHAPES, make_gguf
from tests.this_machine import EXTRA_BUFFERS
from tests.vector_gguf_maker import make_bert, make_causal

ROOT = Path(__file__).parents[1]
GUIDE = ROOT / "models" / "guide" / "guide.gguf"
ANSWER_S = 60.0
"""No small model needs so long to answer: a file that does has hung the engine."""
_SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
_STRING, _ARRAY = 8, 9
_TYPES = (0, 1, 8, 9, 15, 24, 26, 27, 28, 30)
"""F32, F16, Q8_0, Q8_1, Q8_K, I8, I32, I64, F64, BF16."""
_WHOLE = (0, 1, 3, 7, 65_537, 0x7FFFFFFF, 0xFFFFFFFF)
_REAL = (0.0, -1.0, -1e-6, 1e-30, 1e30, float("nan"), float("inf"), float("-inf"))
_TEMPLATES = {
    "surrogate": "{{ '\\ud800' }}{{ messages[-1].content }}",
    "nothing": "{% if false %}{{ messages }}{% endif %}",
    "spaces": "   ",
    "endless": "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
    "huge": "{{ 'a' * 10 ** 10 }}",
    "escape": "{{ raise_exception('\\x1b[31m\\x1b]0;owned\\x07 /usr/local/src/ggml.c:12: no') }}",
    "unclosed": "{% if",
    "undefined": "{{ a.b.c }}",
    "nul": "{{ '\\x00' * 20 }}{{ messages[-1].content }}",
}


@dataclass(frozen=True, slots=True)
class Base:
    """A good file, taken apart. entries: (key, kind, value in bytes). tensors: (name, shape, type, data)."""

    name: str
    entries: tuple[tuple[str, int, bytes], ...]
    tensors: tuple[tuple[str, tuple[int, ...], int, bytes], ...]


@dataclass(frozen=True, slots=True)
class Case:
    """One changed file. name: what was changed in which base."""

    name: str
    base: str
    changed: Base


def cases() -> Iterator[Case]:
    """Yield all of them, always in the same order."""
    for name in (*SHAPES, "bert", "rank", "qwen3"):
        base = _base(name)
        for what, changed in (*_numbers(base), *_types(base), *_shapes(base), *_missing(base), *_values(base), *_words(base)):
            yield Case(f"{name} {what}", name, changed)


def write(changed: Base, path: Path) -> Path:
    entries = b"".join(_text(key) + struct.pack("<I", kind) + value for key, kind, value in changed.entries)
    table, data = b"", b""
    for name, shape, kind, content in changed.tensors:
        table += _text(name) + struct.pack(f"<I{len(shape)}QIQ", len(shape), *shape, kind, len(data))
        data += content + b"\0" * (-len(content) % 32)
    head = b"GGUF" + struct.pack("<IQQ", 3, len(changed.tensors), len(changed.entries)) + entries + table
    path.write_bytes(head + b"\0" * (-len(head) % 32) + data)
    return path


# Taking a good file apart


@cache
def _base(name: str) -> Base:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{name}.gguf"
        if name == "bert":
            make_bert(path)
        elif name == "rank":
            make_bert(path, "rank")
        elif name == "qwen3":
            make_causal(path)
        else:
            make_gguf(path, name, context=512)
        return _apart(name, path.read_bytes())


def _apart(name: str, file: bytes) -> Base:
    at = 24
    tensors, count = struct.unpack_from("<QQ", file, 8)

    def take(form: str) -> Any:
        nonlocal at
        (value,) = struct.unpack_from("<" + form, file, at)
        at += struct.calcsize("<" + form)
        return value

    def text() -> str:
        nonlocal at
        length = take("Q")
        at += length
        return file[at - length : at].decode()

    entries = []
    for _ in range(count):
        key, kind = text(), take("I")
        begin = at
        if kind == _STRING:
            text()
        elif kind == _ARRAY:
            element, length = take("I"), take("Q")
            for _ in range(length):
                text() if element == _STRING else take(_SCALARS[element])
        else:
            take(_SCALARS[kind])
        entries.append((key, kind, file[begin:at]))
    listed = []
    for _ in range(tensors):
        title, dimensions = text(), take("I")
        listed.append((title, tuple(take("Q") for _ in range(dimensions)), take("I"), take("Q")))
    start = at + -at % 32
    parts = [(title, shape, kind, file[start + offset : start + offset + _size(shape, kind)]) for title, shape, kind, offset in listed]
    return Base(name, tuple(entries), tuple(parts))


def _size(shape: tuple[int, ...], kind: int) -> int:
    _, block, size = TENSOR_TYPES[kind]
    return int(np.prod(shape)) // block * size


def _text(value: str) -> bytes:
    return struct.pack("<Q", len(value.encode())) + value.encode()


# Changing one thing


def _with_entry(base: Base, key: str, kind: int, value: bytes) -> Base:
    entries = [(key, kind, value) if each[0] == key else each for each in base.entries]
    return replace(base, entries=tuple(entries if any(each[0] == key for each in base.entries) else [*entries, (key, kind, value)]))


def _numbers(base: Base) -> Iterator[tuple[str, Base]]:
    """Yield every number of the header, and those that a header may have, with values that no model has."""
    for key, kind, _ in base.entries:
        if kind in (4, 5, 10):
            for number in _WHOLE:
                yield f"{key}={number}", _with_entry(base, key, 4, struct.pack("<I", number))
            yield f"{key}=-1", _with_entry(base, key, 5, struct.pack("<i", -1))
            yield f"{key}=2**63", _with_entry(base, key, 10, struct.pack("<Q", 1 << 63))
            yield f"{key}=list", _with_entry(base, key, _ARRAY, struct.pack("<IQ3I", 4, 3, 1, 0, 5))
            yield f"{key}=text", _with_entry(base, key, _STRING, _text("many"))
        elif kind == 6:
            for real in _REAL:
                yield f"{key}={real}", _with_entry(base, key, 6, struct.pack("<f", real))
        elif kind == 7:
            yield f"{key}=flipped", _with_entry(base, key, 7, b"\1")
    architecture = next(value[8:].decode() for key, _, value in base.entries if key == "general.architecture")
    for key in ("rope.scaling.factor", "rope.scaling.attn_factor", "rope.freq_base", "attention.scale", "expert_weights_scale"):
        for real in _REAL:
            yield f"more {key}={real}", _with_entry(base, f"{architecture}.{key}", 6, struct.pack("<f", real))
    for key in ("nextn_predict_layers", "rope.dimension_count", "attention.key_length", "attention.value_length", "expert_group_count",
                "attention.sliding_window", "rope.scaling.original_context_length", "expert_gating_func", "pooling_type"):  # fmt: skip
        for number in (0, 1, 2, 3, 7, 0x7FFFFFFF):
            yield f"more {key}={number}", _with_entry(base, f"{architecture}.{key}", 4, struct.pack("<I", number))
    sections = struct.pack("<IQ4i", 5, 4, 1, 2, 3, -9)
    yield "more rope.dimension_sections", _with_entry(base, f"{architecture}.rope.dimension_sections", _ARRAY, sections)
    for kind in ("yarn", "longrope", "none", "nonsense"):
        yield f"more rope.scaling.type={kind}", _with_entry(base, f"{architecture}.rope.scaling.type", _STRING, _text(kind))


def _types(base: Base) -> Iterator[tuple[str, Base]]:
    """Yield every tensor in every other type that its rows can have."""
    for place, (name, shape, kind, _) in enumerate(base.tensors):
        for other in _TYPES:
            title, block, _ = TENSOR_TYPES[other]
            if other != kind and shape[0] % block == 0:
                yield f"{name} as {title}", _with_tensor(base, place, (name, shape, other, b"\x01" * _size(shape, other)))


def _shapes(base: Base) -> Iterator[tuple[str, Base]]:
    for place, (name, shape, kind, _) in enumerate(base.tensors):
        block = TENSOR_TYPES[kind][1]
        for title, other in (
            ("turned", shape[::-1]), ("doubled", (shape[0] * 2, *shape[1:])), ("longer", (*shape[:-1], shape[-1] + block)),
            ("flat", (int(np.prod(shape)),)), ("one", (block,)), ("deeper", (*shape, 2)),
        ):  # fmt: skip
            if other != shape and other[0] % block == 0:
                yield f"{name} {title}", _with_tensor(base, place, (name, other, kind, b"\x01" * _size(other, kind)))


def _missing(base: Base) -> Iterator[tuple[str, Base]]:
    for key, _, _ in base.entries:
        yield f"without {key}", replace(base, entries=tuple(each for each in base.entries if each[0] != key))
    for name, *_ in base.tensors:
        yield f"without {name}", replace(base, tensors=tuple(each for each in base.tensors if each[0] != name))


def _values(base: Base) -> Iterator[tuple[str, Base]]:
    """Weights that are no numbers."""
    for place, (name, shape, kind, content) in enumerate(base.tensors):
        if kind in (0, 1):
            for title, value in (("nan", np.nan), ("inf", np.inf), ("zero", 0.0)):
                filled = np.full(len(content) // (4 if kind == 0 else 2), value, np.float32 if kind == 0 else np.float16).tobytes()
                yield f"{name} all {title}", _with_tensor(base, place, (name, shape, kind, filled))


def _words(base: Base) -> Iterator[tuple[str, Base]]:
    """Yield the vocabulary and the chat template."""
    def tokens(*words: str) -> bytes:
        return struct.pack("<IQ", _STRING, len(words)) + b"".join(map(_text, words))

    for title, listed in (("none", tokens()), ("one", tokens("a")), ("same", tokens(*["a"] * 300)), ("empty", tokens(*[""] * 300)),
                          ("long", tokens(*["x" * 2000] * 300)), ("odd", tokens(*[chr(0x10FF0 + n) for n in range(300)]))):  # fmt: skip
        yield f"tokens {title}", _with_entry(base, "tokenizer.ggml.tokens", _ARRAY, listed)
        yield f"merges {title}", _with_entry(base, "tokenizer.ggml.merges", _ARRAY, listed)
    yield "types short", _with_entry(base, "tokenizer.ggml.token_type", _ARRAY, struct.pack("<IQ2i", 5, 2, 1, 1))
    for kind in (0, 2, 4, 6, 9, -1):
        listed = struct.pack("<IQ300i", 5, 300, *[kind] * 300)
        yield f"types {kind}", _with_entry(base, "tokenizer.ggml.token_type", _ARRAY, listed)
    for model in ("gpt2", "bert", "llama", "t5", "rwkv", "plamo2", "none", "nonsense"):
        yield f"tokenizer {model}", _with_entry(base, "tokenizer.ggml.model", _STRING, _text(model))
    for pre in ("default", "glm4", "llama-bpe", "nonsense"):
        yield f"pre {pre}", _with_entry(base, "tokenizer.ggml.pre", _STRING, _text(pre))
    for key in ("bos", "eos", "eot", "unknown", "seperator", "padding", "mask", "prefix", "suffix"):
        for number in (0, 299, 0x7FFFFFFF, 0xFFFFFFFF):
            yield f"{key}={number}", _with_entry(base, f"tokenizer.ggml.{key}_token_id", 4, struct.pack("<I", number))
    for title, template in _TEMPLATES.items():
        yield f"template {title}", _with_entry(base, "tokenizer.chat_template", _STRING, _text(template))


def _with_tensor(base: Base, place: int, tensor: tuple[str, tuple[int, ...], int, bytes]) -> Base:
    return replace(base, tensors=(*base.tensors[:place], tensor, *base.tensors[place + 1 :]))


# Loading them, in a process that may die


def outcomes(names: Sequence[str]) -> Iterator[tuple[str, str, str]]:
    """(case, refused or answered or died, the sentence) of each; a new process after each death."""
    while names:
        child = subprocess.Popen(
            [sys.executable, "-m", "tests.hostile_ggufs", "--load"], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, text=True, env=os.environ | {"GGML_NO_BACKTRACE": "1"},
        )  # fmt: skip
        assert child.stdin is not None and child.stdout is not None
        with contextlib.suppress(BrokenPipeError):
            child.stdin.write("\n".join(names) + "\n")
            child.stdin.close()
        done = 0
        for line in child.stdout:
            name, what, words = json.loads(line)
            done += 1
            yield name, what, words
        child.stdout.close()
        code = child.wait()
        if code == 0:
            return
        yield names[done], "died", f"code {code}"
        names = names[done + 1 :]


def load_each(folder: Path) -> None:
    """Reads names of cases and writes a line of JSON for each; the process's end says the rest."""
    known = {case.name: case for case in cases()}
    for line in sys.stdin:
        name = line.rstrip("\n")
        signal.alarm(round(ANSWER_S) + 60)
        path = write(known[name].changed, folder / "hostile.gguf")
        pool = Pool(folder, GUIDE, settings_file=folder / "notes.json", extra_buffers=EXTRA_BUFFERS)
        try:
            what, words = "answered", _load_and_ask(pool, path)
        except PortalError as error:
            what, words = "refused", str(error)
        pool.close()
        print(json.dumps([name, what, words]), flush=True)


def _load_and_ask(pool: Pool, path: Path) -> str:
    """Raises PortalError where it is refused."""
    pool.files()
    pool.load(path, LoadSettings(slots=3))
    while (model := pool.loaded()[0]).state is ModelState.LOADING:
        time.sleep(0.005)
    if model.state is not ModelState.READY:
        raise PortalError("{reason}", reason=model.error)
    router = PoolRouter(pool)
    if model.file.kind is ModelKind.CHAT:
        asked = GenerationRequest((ChatMessage("user", "hello"),), "ann", None, SamplingParams(max_tokens=8), True)
        running = [router.start(asked) for _ in range(2)]
        for each in running:
            last = list(each.events())[-1]
            assert isinstance(last, Finished)
        long = replace(asked, messages=(ChatMessage("user", "hello there " * 12),))
        list(router.start(long).events())
        return "".join(str(last.finish_reason))
    if model.file.kind is ModelKind.EMBEDDING:
        return str(len(router.embed(EmbeddingRequest(("hello", "a b c " * 10), "ann")).result().rows))
    return str(len(router.rerank(RerankRequest("hello", ("a", "b c"), "ann")).result().rows))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--skip", type=int, default=0)
    parser.add_argument("--only", default="", help="cases whose name holds this")
    parser.add_argument("--show", action="store_true", help="each case with its sentence")
    parser.add_argument("--load", action="store_true", help="names of cases come on standard input")
    chosen = parser.parse_args()
    if chosen.load:
        with tempfile.TemporaryDirectory() as folder:
            load_each(Path(folder))
        return 0
    counted: Counter[str] = Counter()
    for name, what, words in outcomes([case.name for case in cases() if chosen.only in case.name][chosen.skip :: chosen.every]):
        counted[what] += 1
        if chosen.show or what == "died":
            print(f"{what:9} {name}: {words}", flush=True)
    print(dict(counted))
    return 1 if counted["died"] else 0


if __name__ == "__main__":
    sys.exit(main())
