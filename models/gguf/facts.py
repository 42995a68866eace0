"""Read a model's file before it is loaded: family, shape, precision, template, fingerprint."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from core.errors import InvalidInput
from core.models.records import ModelFile, ModelKind
from models.gguf.adapters import is_adapter
from models.gguf.file_names import bare, complaint, part_of, shown
from models.gguf.headers.cursor import damaged
from models.gguf.headers.header import Header, Value, read_header

GLM_ARCHITECTURES = ("chatglm", "glm4", "glm4moe", "glm-dsa", "glm5-next", "deepseek2")
"""llama.cpp's names of the GLM architectures; deepseek2 is GLM-4.7-Flash, whose attention has that shape."""
ENCODERS = (
    *("bert", "modern-bert", "nomic-bert", "nomic-bert-moe", "neo-bert", "jina-bert-v2", "jina-bert-v3"),
    *("eurobert", "gemma-embedding"),
)
"""Architectures that read a whole text at once without a KV cache: they produce vectors and cannot chat."""
_POOLINGS = {1: "mean", 2: "cls", 3: "last", 4: "rank"}
"""llama.cpp's LLAMA_POOLING_TYPE: how the vectors of a text's tokens become one. rank: a score from a classification head."""
_HEADS = ("cls.weight", "cls.output.weight")
_DRAFTING = ("glm4moe", "deepseek2", "glm-dsa")
"""Architectures whose MTP layer llama.cpp can run; it does not load that layer for any other."""
_BLOCK = re.compile(r"blk\.(\d{1,9})\.")
# general.file_type: llama.cpp's LLAMA_FTYPE
_FILE_TYPES = {
    0: "F32", 1: "F16", 2: "Q4_0", 3: "Q4_1", 7: "Q8_0", 8: "Q5_0", 9: "Q5_1", 10: "Q2_K", 11: "Q3_K_S", 12: "Q3_K_M", 13: "Q3_K_L",
    14: "Q4_K_S", 15: "Q4_K_M", 16: "Q5_K_S", 17: "Q5_K_M", 18: "Q6_K", 19: "IQ2_XXS", 20: "IQ2_XS", 21: "Q2_K_S", 22: "IQ3_XS",
    23: "IQ3_XXS", 24: "IQ1_S", 25: "IQ4_NL", 26: "IQ3_S", 27: "IQ3_M", 28: "IQ2_S", 29: "IQ2_M", 30: "IQ4_XS", 31: "IQ1_M",
    32: "BF16", 36: "TQ1_0", 37: "TQ2_0", 38: "MXFP4",
}  # fmt: skip
_SAMPLES, _SAMPLE_BYTES = 64, 4096
MOVED = "{file} was moved or deleted. Put it back, or choose another file."


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """What a file says of its model. file: what the portal shows. The other fields are for planning and loading; lengths count values, not
    bytes."""

    file: ModelFile
    title: str
    """The header's general.name."""
    template: str | None
    vocabulary: int
    embedding: int
    feed_forward: int
    heads: int
    kv_heads: tuple[int, ...]
    """KV heads of each layer."""
    key_length: int
    value_length: int
    latent_length: int
    """Length of a compressed (MLA) cache entry, which holds no separate values; 0 for ordinary attention."""
    weights_bytes: int
    layer_bytes: int
    """Bytes of all layers together; the rest are embeddings and the output."""
    parts: tuple[Path, ...]
    pooling: str = ""
    """mean, cls, last or rank; "" for a chat model."""
    causal: bool = True
    """Whether each token attends only to those before it."""
    rerank_template: str | None = None
    """Template that joins query and document, with {query} and {document}."""

    @property
    def remembers(self) -> bool:
        """Tell whether the model has a KV cache; an encoder reads a text at once and has none."""
        return self.file.architecture not in ENCODERS
    index_length: int = 0
    """Values per token, over all layers, of the keys that choose which tokens to attend to; 0 if all tokens are attended to."""
    state_length: int = 0
    """Values, of four bytes each, that all layers together keep of a conversation of any length; 0 without recurrent layers."""
    next_layer_bytes: int = 0
    """Bytes of the MTP layer, which the fields above leave out; 0 if there is none that llama.cpp can run."""
    headers: tuple[Header, ...] = ()
    """The headers of all parts of the file."""


def read_facts(path: Path, header: Header | None = None) -> ModelFacts:
    """Read the facts of a model. header: of the file, if known.

    Raises InvalidInput: a bad name, a missing, damaged or truncated file, another architecture, missing parts.
    """
    wrong = complaint(path.name)
    if wrong is not None:
        raise InvalidInput(wrong, file=shown(path.name))
    header = header or read_header(path)
    architecture = _text(header.metadata, "general.architecture")
    if is_adapter(header):
        raise InvalidInput("{file} is a LoRA adapter. Load a model, and choose the adapter with it.", file=path.name)
    pooling = _pooling(header, architecture)
    if architecture not in GLM_ARCHITECTURES and not pooling:
        raise InvalidInput(
            "{file} contains a model of architecture {architecture}, which is not a GLM. Choose a GLM file.",
            file=path.name,
            architecture=repr(architecture[:40]) if architecture else "unknown",
        )
    headers = [header, *_other_parts(header)]
    template = _text(header.metadata, "tokenizer.chat_template") or None
    shape = _Shape(header, architecture)
    blocks = shape.number("block_count")
    extra = shape.number("nextn_predict_layers", 0)
    if extra >= blocks:
        raise damaged(path.name, f"{extra} of its {blocks} layers are said to come after the last")
    layers = blocks - extra
    heads = shape.number("attention.head_count")
    embedding = shape.number("embedding_length")
    head_length = embedding // heads if heads else 0
    latent = shape.number("attention.kv_lora_rank", 0)
    kv_heads = shape.each_layer("attention.head_count_kv", blocks, heads)[:layers]
    tensors = [tensor for one in headers for tensor in one.tensors]
    if pooling == "rank" and not any(tensor.name in _HEADS for tensor in tensors):
        raise InvalidInput("{file} claims to be a reranking model but has no classification head.", file=path.name)
    extra_bytes = sum(tensor.size for tensor in tensors if _block(tensor.name) >= layers)
    drafts = architecture in _DRAFTING and extra == 1 and any(tensor.name == f"blk.{layers}.nextn.eh_proj.weight" for tensor in tensors)
    file = ModelFile(
        path=path,
        name=model_name(path),
        size_bytes=sum(one.file_bytes for one in headers),
        architecture=architecture,
        quantization=_quantization(headers),
        parameters=sum(tensor.elements for tensor in tensors),
        context=shape.number("context_length"),
        layers=layers,
        thinking="think" in (template or "") and not pooling,
        kind=ModelKind.RERANKING if pooling == "rank" else ModelKind.EMBEDDING if pooling else ModelKind.CHAT,
    )
    return ModelFacts(
        file=file,
        title=_text(header.metadata, "general.name"),
        template=template,
        vocabulary=header.array_lengths.get("tokenizer.ggml.tokens", 0),
        embedding=embedding,
        feed_forward=shape.number("feed_forward_length", 0),
        heads=heads,
        kv_heads=kv_heads,
        key_length=shape.number("attention.key_length", head_length),
        value_length=shape.number("attention.value_length", head_length),
        latent_length=latent + shape.number("rope.dimension_count", 64) if latent else 0,
        weights_bytes=sum(one.tensor_bytes for one in headers) - extra_bytes,
        layer_bytes=sum(tensor.size for tensor in tensors if 0 <= _block(tensor.name) < layers),
        parts=tuple(one.path for one in headers),
        pooling=pooling,
        causal=architecture not in ENCODERS and header.metadata.get(f"{architecture}.attention.causal", True) is not False,
        rerank_template=_text(header.metadata, "tokenizer.chat_template.rerank") or None,
        index_length=_index_length(shape, architecture, kv_heads),
        state_length=_state_length(shape, heads) * kv_heads.count(0),
        next_layer_bytes=extra_bytes if drafts else 0,
        headers=tuple(headers),
    )


def model_name(path: Path) -> str:
    """Return the portal's name of the model: the file's name without ending and part number."""
    return bare(path.name)


def fingerprint(facts: ModelFacts) -> str:
    """Return 12 hexadecimal digits that identify a file, from its size, its header and blocks spread over it.

    Raises InvalidInput if the file is gone.
    """
    digest = hashlib.sha256()
    for path in facts.parts:
        try:
            _add_samples(digest, path)
        except FileNotFoundError:
            raise InvalidInput(MOVED, file=path.name) from None
    return digest.hexdigest()[:12]


def _add_samples(digest: hashlib._Hash, path: Path) -> None:
    size = path.stat().st_size
    digest.update(size.to_bytes(8, "little"))
    with path.open("rb") as file:
        digest.update(file.read(1 << 20))
        for index in range(_SAMPLES):
            file.seek(max(0, size - _SAMPLE_BYTES) * index // (_SAMPLES - 1))
            digest.update(file.read(_SAMPLE_BYTES))


class _Shape:
    """Reads `<architecture>.<key>` by type, and refuses wrong types and absurd numbers."""

    def __init__(self, header: Header, architecture: str) -> None:
        self._header, self._prefix = header, architecture + "."

    def number(self, key: str, default: int | None = None) -> int:
        """Return a number. For an array, which some files hold with an entry per layer, return the largest entry."""
        value = self._header.metadata.get(self._prefix + key, default)
        if isinstance(value, list):
            value = max((entry for entry in value if isinstance(entry, int)), default=None)
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 1 << 31 or (default is None and value == 0):
            raise damaged(self._header.path.name, f"{self._prefix}{key} is {'missing' if value is None else value}")
        return value

    def each_layer(self, key: str, layers: int, default: int) -> tuple[int, ...]:
        value = self._header.metadata.get(self._prefix + key, default)
        if isinstance(value, list) and len(value) == layers and all(isinstance(entry, int) and 0 <= entry < 65536 for entry in value):
            return tuple(int(entry) for entry in value)
        if layers > 10_000:
            raise damaged(self._header.path.name, f"it claims {layers:,} layers")
        return (self.number(key, default),) * layers

    def flags(self, key: str, default: tuple[int, ...]) -> tuple[int, ...]:
        """Return 0 or 1 for each layer; `default` if the header has no list of that length."""
        value = self._header.metadata.get(self._prefix + key)
        if isinstance(value, list) and len(value) == len(default):
            return tuple(int(entry == 1) for entry in value)
        return default


def _block(name: str) -> int:
    """Return the number of the layer that a tensor belongs to; -1 if it belongs to none."""
    match = _BLOCK.match(name)
    return int(match[1]) if match else -1


def _index_length(shape: _Shape, architecture: str, kv_heads: tuple[int, ...]) -> int:
    """Return the values per token of all layers that choose for themselves which tokens to attend to.

    Source: llama.cpp's llama_kv_cache_dsa and llama_memory_hybrid_idx, which keep a key of each token in these layers.
    """
    length = shape.number("attention.indexer.key_length", 0)
    if not length:
        return 0
    # Before GLM-5.2 every layer chose for itself. Files of later models without this key follow the published pattern.
    regular = architecture != "glm-dsa" or shape.number("context_length") < 1 << 20
    default = tuple(int(regular or layer < 2 or layer % 4 == 2) for layer in range(len(kv_heads)))
    chooses = shape.flags("attention.indexer.types", default)
    # With a pool, each entry holds the key, its gate and the pooled key.
    each = 3 * length if shape.number("attention.indexer.kpool", 0) else length
    return each * sum(1 for heads, own in zip(kv_heads, chooses, strict=True) if heads and own)


def _state_length(shape: _Shape, heads: int) -> int:
    """Return the values of one recurrent layer (Kimi delta attention): its state and the last inputs of its three convolutions."""
    head = shape.number("kda.head_dim", 0)
    return heads * head * head + 3 * ((shape.number("ssm.conv_kernel", 4) or 4) - 1) * heads * head if head else 0


def _text(metadata: dict[str, Value], key: str) -> str:
    value = metadata.get(key)
    return value if isinstance(value, str) else ""


def _pooling(header: Header, architecture: str) -> str:
    """Return the pooling. An encoder that names none uses the mean, as its makers' libraries do."""
    known = header.metadata.get(f"{architecture}.pooling_type", 0)
    return _POOLINGS.get(known, "") if isinstance(known, int) and known else "mean" if architecture in ENCODERS else ""


def _quantization(headers: list[Header]) -> str:
    named = headers[0].metadata.get("general.file_type")
    if isinstance(named, int) and named in _FILE_TYPES:
        return _FILE_TYPES[named]
    sizes: Counter[str] = Counter()
    for header in headers:
        for tensor in header.tensors:
            sizes[tensor.type] += tensor.size
    return sizes.most_common(1)[0][0] if sizes else ""


def _other_parts(header: Header) -> list[Header]:
    """Read the other files of a split model. Each must exist and be complete."""
    count = header.metadata.get("split.count", 1)
    if not isinstance(count, int) or count <= 1:
        return []
    found = part_of(header.path.name)
    if count > 1000 or found is None or found[2] != count:
        raise damaged(header.path.name, f"it claims to be part of {count} files, which its name does not say")
    # llama.cpp builds the names of the other parts like this, in lower case.
    names = [f"{found[0]}-{number:05d}-of-{count:05d}.gguf" for number in range(1, count + 1)]
    if found[1] != 1:
        raise InvalidInput(
            "{file} is a later part of a split model. Choose its first part, {first}.",
            file=header.path.name, first=names[0],
        )
    missing = [name for name in names if not (header.path.parent / name).is_file()]
    if missing:
        raise InvalidInput("Parts of this model are missing: {files}. Download them too.", files=", ".join(missing[:5]))
    return [read_header(header.path.parent / name) for name in names[1:]]
