"""Check the numbers of a GGUF's header before llama.cpp computes with them.

llama.cpp takes most of them unchecked. A wrong one ends the process (an odd number of rotated values, a negative epsilon), or keeps a
decode from ever ending (none at all).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from core.errors import InvalidInput
from models.gguf.headers.header import Header, Value
from models.gguf.headers.tensor_tables import known

MAX_LAYERS, MAX_EXPERTS = 512, 1024
"""llama.cpp's LLAMA_MAX_LAYERS and LLAMA_MAX_EXPERTS."""
MAX_WIDTH = 1 << 24
"""Most values of any length: the largest GLM's lengths are below 200,000."""
EPSILONS = ("attention.layer_norm_rms_epsilon", "attention.layer_norm_epsilon")
UNROTATED = ("glm5-next",)
"""Architectures that may rotate no value of a head; with any other, a decode would never end."""
_LATENT = ("deepseek2", "glm-dsa", "glm5-next")


@dataclass(frozen=True, slots=True)
class Bound:
    """Bounds of a number, or of each number of a list. whole: no fraction."""

    low: float
    high: float
    whole: bool = True

    @property
    def words(self) -> str:
        if self.low == self.high:
            return f"{self.low:g}"
        return f"{'a whole number' if self.whole else 'a number'} from {_shown(self.low)} to {_shown(self.high)}"

    def allows(self, value: object) -> bool:
        if isinstance(value, bool) or not isinstance(value, int | float) or (self.whole and not isinstance(value, int)):
            return False
        return math.isfinite(value) and self.low <= value <= self.high


_WIDTH, _COUNT, _OPTIONAL = Bound(1, MAX_WIDTH), Bound(1, 65_536), Bound(0, MAX_WIDTH)
_EPSILON, _FACTOR = Bound(0, 0.1, whole=False), Bound(0, 1e9, whole=False)
_ANY = Bound(-1e30, 1e30, whole=False)
BOUNDS = {
    "block_count": Bound(1, MAX_LAYERS),
    "context_length": Bound(1, 1 << 30),
    "embedding_length": _WIDTH,
    "embedding_length_out": _OPTIONAL,
    "feed_forward_length": _OPTIONAL,
    "vocab_size": Bound(1, 1 << 26),
    "nextn_predict_layers": Bound(0, MAX_LAYERS - 1),
    "leading_dense_block_count": Bound(0, MAX_LAYERS),
    "moe_every_n_layers": Bound(0, MAX_LAYERS),
    "attention.head_count": _COUNT,
    "attention.head_count_kv": Bound(0, 65_536),
    "attention.key_length": _WIDTH,
    "attention.value_length": _WIDTH,
    "attention.key_length_swa": _WIDTH,
    "attention.value_length_swa": _WIDTH,
    "attention.key_length_mla": _OPTIONAL,
    "attention.value_length_mla": _OPTIONAL,
    "attention.q_lora_rank": _OPTIONAL,
    "attention.kv_lora_rank": _OPTIONAL,
    "attention.sliding_window": _OPTIONAL,
    "attention.scale": _FACTOR,
    "attention.indexer.head_count": _COUNT,
    "attention.indexer.key_length": Bound(1, 65_536),
    "attention.indexer.top_k": _WIDTH,
    "attention.indexer.kpool": Bound(2, 4_096),
    **dict.fromkeys(EPSILONS, _EPSILON),
    "attention.group_norm_epsilon": _EPSILON,
    "rope.dimension_count": Bound(0, 65_536),
    "rope.dimension_count_swa": Bound(0, 65_536),
    "rope.dimension_sections": Bound(0, 65_536),
    "rope.freq_base": Bound(1, 1e12, whole=False),
    "rope.freq_base_swa": Bound(1, 1e12, whole=False),
    "rope.scale_linear": Bound(0, 1e9, whole=False),
    "rope.scaling.factor": Bound(0, 1e9, whole=False),
    "rope.scaling.attn_factor": _FACTOR,
    "rope.scaling.original_context_length": Bound(1, 1 << 30),
    "expert_count": Bound(0, MAX_EXPERTS),
    "expert_used_count": Bound(0, MAX_EXPERTS),
    "expert_shared_count": Bound(0, MAX_EXPERTS),
    "expert_feed_forward_length": _OPTIONAL,
    "expert_shared_feed_forward_length": _OPTIONAL,
    "expert_group_count": Bound(0, MAX_EXPERTS),
    "expert_group_used_count": Bound(0, MAX_EXPERTS),
    "expert_gating_func": Bound(0, 3),
    "expert_weights_scale": _ANY,
    "pooling_type": Bound(0, 4),
    "hyper_connection.count": Bound(4, 4),
    "hyper_connection.sinkhorn_iterations": Bound(1, 1_000),
    "hyper_connection.epsilon": _EPSILON,
    "kda.head_dim": Bound(1, 65_536),
    "ssm.conv_kernel": Bound(2, 64),
    "swiglu_clamp_exp": _ANY,
    "swiglu_clamp_shexp": _ANY,
}
"""Bounds by key, without the architecture before it."""


def check_numbers(header: Header, architecture: str) -> None:
    """Raise InvalidInput for a number out of bounds, with the key, its value and what it may be."""
    numbers = Numbers(header, architecture)
    for key, value in numbers.items():
        bound = BOUNDS.get(key, _ANY)
        for each in value if isinstance(value, list) else [value]:
            if key in BOUNDS or isinstance(each, float):
                numbers.demand(key, each, bound.allows(each), bound.words)
    if architecture in _LATENT or "chatglm" in architecture or architecture.startswith("glm"):
        numbers.demand(EPSILONS[0], numbers.get(EPSILONS[0]), EPSILONS[0] in numbers, "a number above 0")
    _check_layers(numbers)
    _check_heads(numbers, architecture)
    _check_experts(numbers)


class Numbers:
    """The header's numbers by key, without the architecture; missing ones have llama.cpp's defaults."""

    def __init__(self, header: Header, architecture: str) -> None:
        self._file, self._prefix = header.path.name, architecture + "."
        self._values = {key.removeprefix(self._prefix): value for key, value in header.metadata.items() if key.startswith(self._prefix)}
        self._lengths = {key.removeprefix(self._prefix): n for key, n in header.array_lengths.items() if key.startswith(self._prefix)}

    def __contains__(self, key: str) -> bool:
        return key in self._values

    def get(self, key: str) -> Value | None:
        return self._values.get(key)

    def items(self) -> Iterator[tuple[str, Value]]:
        return ((key, value) for key, value in self._values.items() if not isinstance(value, str | bool))

    def whole(self, key: str, default: int = 0, layer: int = 0) -> int:
        """Return a whole number; if the header has a list, its entry for this layer. Raises InvalidInput if it is not a whole number."""
        value = self._values.get(key, default)
        if isinstance(value, list):
            value = value[min(layer, len(value) - 1)] if value else default
        self.demand(key, value, isinstance(value, int) and not isinstance(value, bool), "a whole number")
        assert isinstance(value, int)
        return value

    def largest(self, key: str, default: int = 0) -> int:
        value = self._values.get(key, default)
        return max((one for one in value if isinstance(one, int)), default=default) if isinstance(value, list) else self.whole(key, default)

    def length(self, key: str) -> int | None:
        return self._lengths.get(key)

    def demand(self, key: str, value: object, holds: bool, wanted: str) -> None:
        """Raise InvalidInput unless `holds`."""
        if not holds:
            raise InvalidInput(
                "{file} cannot be used: its {key} is {value}, but must be {wanted}. Download it again, or convert the model again.",
                file=self._file, key=self._prefix + key, value="missing" if value is None else _shown(value), wanted=wanted,
            )  # fmt: skip


def _check_layers(numbers: Numbers) -> None:
    layers = numbers.whole("block_count")
    for key in ("nextn_predict_layers",):
        numbers.demand(key, numbers.get(key), numbers.whole(key) < layers, f"less than its {layers} layers")
    for key in ("attention.head_count", "attention.head_count_kv", "feed_forward_length", "expert_feed_forward_length"):
        length = numbers.length(key)
        numbers.demand(key, f"a list of {length}", length is None or length >= layers, f"a number, or a list of {layers}")


def _check_heads(numbers: Numbers, architecture: str) -> None:
    """Check that queries share keys evenly, and that an even number of a head's values is rotated."""
    layers = numbers.whole("block_count")
    kv_heads = [numbers.whole("attention.head_count_kv", numbers.whole("attention.head_count", layer=each), each) for each in range(layers)]
    for layer, kv in enumerate(kv_heads):
        heads = numbers.whole("attention.head_count", layer=layer)
        recurrent = kv == 0 and (architecture == "glm5-next" or not known(architecture))
        even = recurrent or (0 < kv <= heads and heads % kv == 0)
        numbers.demand("attention.head_count_kv", kv, even, f"a divisor of its {heads} heads")
    width = numbers.whole("embedding_length") // max(1, numbers.whole("attention.head_count"))
    for ending in ("", "_swa"):
        head = numbers.whole("attention.key_length" + ending, numbers.whole("attention.key_length", width))
        key = "rope.dimension_count" + ending
        if key in numbers:
            rotated, least = numbers.whole(key), 0 if architecture in UNROTATED else 2
            holds = least <= rotated <= head and rotated % 2 == 0
            numbers.demand(key, rotated, holds, f"an even number from {least} to {head}, the length of a head")
    sections = numbers.get("rope.dimension_sections")
    if isinstance(sections, list) and any(sections):
        rotated = numbers.whole("rope.dimension_count", width)
        numbers.demand("rope.dimension_sections", sections, 2 * sum(map(_int, sections)) <= rotated and len(sections) <= 4,
                       f"at most four numbers with a sum of at most {rotated // 2}")  # fmt: skip
    if architecture in _LATENT:
        rotated = numbers.whole("rope.dimension_count", 0)
        for key, least in (("attention.key_length_mla", rotated + 1), ("attention.value_length_mla", 1)):
            if numbers.whole(key) or numbers.whole("attention.key_length_mla"):
                numbers.demand(key, numbers.whole(key), numbers.whole(key) >= least, f"at least {least}")
        numbers.demand("attention.kv_lora_rank", numbers.get("attention.kv_lora_rank"), numbers.whole("attention.kv_lora_rank") > 0,
                       "above 0")  # fmt: skip


def _check_experts(numbers: Numbers) -> None:
    experts, used = numbers.whole("expert_count"), numbers.largest("expert_used_count")
    wanted = f"from 1 to its {experts} experts" if experts else "0, for it has no experts"
    numbers.demand("expert_used_count", used, 1 <= used <= experts if experts else used == 0, wanted)
    groups = numbers.whole("expert_group_count")
    numbers.demand("expert_group_count", groups, groups == 0 or (groups < experts and experts % groups == 0),
                   f"0, or a divisor of its {experts} experts")  # fmt: skip
    if groups > 1:
        used_groups = numbers.whole("expert_group_used_count")
        numbers.demand("expert_group_used_count", used_groups, 0 < used_groups < groups, f"from 1 to {groups - 1}")
    pool, top = numbers.whole("attention.indexer.kpool"), numbers.whole("attention.indexer.top_k")
    numbers.demand("attention.indexer.top_k", top, not pool or top % pool == 0, f"a multiple of {pool}")


def _int(value: object) -> int:
    return value if isinstance(value, int) else 0


def _shown(value: object) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return f"{value:g}" if isinstance(value, float) else repr(value)[:60]
