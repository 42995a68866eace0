"""The architecture of GLM-4-0414 in PyTorch: norms before and after each part, rotary positions over half of each head, gated layers."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional


@dataclass(frozen=True, slots=True)
class Shape:
    """The sizes of the network."""

    vocabulary: int
    width: int = 256
    layers: int = 4
    heads: int = 4
    kv_heads: int = 2
    inner: int = 768
    context: int = 1024
    rope_base: float = 10_000.0
    epsilon: float = 1e-5

    @property
    def head(self) -> int:
        """Return the width of one head."""
        return self.width // self.heads

    @property
    def rotated(self) -> int:
        """Return how many numbers of a head hold the position."""
        return self.head // 2


class Block(nn.Module):
    """One layer: attention, then the gated layer."""

    def __init__(self, shape: Shape, dropout: float) -> None:
        super().__init__()
        self.shape, self.dropout = shape, dropout
        for name in ("attn_norm", "post_attention_norm", "ffn_norm", "post_ffw_norm"):
            setattr(self, name, nn.RMSNorm(shape.width, eps=shape.epsilon))
        self.qkv = nn.Linear(shape.width, (shape.heads + 2 * shape.kv_heads) * shape.head, bias=True)
        self.output = nn.Linear(shape.heads * shape.head, shape.width, bias=False)
        self.up = nn.Linear(shape.width, 2 * shape.inner, bias=False)
        self.down = nn.Linear(shape.inner, shape.width, bias=False)

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        shape, (batch, length, _) = self.shape, x.shape
        sizes = [shape.heads * shape.head, shape.kv_heads * shape.head, shape.kv_heads * shape.head]
        query, key, value = (
            part.view(batch, length, -1, shape.head).transpose(1, 2) for part in self.qkv(self.attn_norm(x)).split(sizes, -1)
        )
        repeats = shape.heads // shape.kv_heads
        key, value = _rotated(key, cos, sin).repeat_interleave(repeats, 1), value.repeat_interleave(repeats, 1)
        seen = functional.scaled_dot_product_attention(_rotated(query, cos, sin), key, value, is_causal=True)
        seen = self.output(seen.transpose(1, 2).reshape(batch, length, -1))
        x = x + functional.dropout(self.post_attention_norm(seen), self.dropout, self.training)
        gate, up = self.up(self.ffn_norm(x)).chunk(2, -1)
        made = self.down(functional.silu(gate) * up)
        return x + functional.dropout(self.post_ffw_norm(made), self.dropout, self.training)


class Network(nn.Module):
    """The whole network."""

    def __init__(self, shape: Shape, dropout: float = 0.0) -> None:
        super().__init__()
        self.shape, self.dropout = shape, dropout
        self.embedding = nn.Embedding(shape.vocabulary, shape.width)
        self.head = nn.Linear(shape.width, shape.vocabulary, bias=False)
        self.blocks = nn.ModuleList(Block(shape, dropout) for _ in range(shape.layers))
        self.norm = nn.RMSNorm(shape.width, eps=shape.epsilon)
        speeds = shape.rope_base ** (-torch.arange(0, shape.rotated, 2).float() / shape.rotated)
        angles = torch.outer(torch.arange(shape.context).float(), speeds)
        self.register_buffer("cos", angles.cos(), False)
        self.register_buffer("sin", angles.sin(), False)
        self._begin()

    def hidden(self, ids: Tensor) -> Tensor:
        """Return what the last layer makes of each position."""
        length = ids.shape[1]
        x = functional.dropout(self.embedding(ids), self.dropout, self.training)
        for block in self.blocks:
            x = block(x, self.cos[:length], self.sin[:length])
        return self.norm(x)

    def _begin(self) -> None:
        for name, values in self.named_parameters():
            if values.dim() == 2:
                deviation = {"embedding.weight": 0.5, "head.weight": 0.02}.get(name, values.shape[1] ** -0.5)
                nn.init.normal_(values, 0, deviation)
            elif name.endswith("bias"):
                nn.init.zeros_(values)
            elif "post_" in name:
                nn.init.constant_(values, 0.3)


def _rotated(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Turn neighbouring pairs of the first numbers of each head by their position."""
    rotated = cos.shape[-1] * 2
    turned, kept = x[..., :rotated], x[..., rotated:]
    even, odd = turned[..., 0::2], turned[..., 1::2]
    return torch.cat((torch.stack((even * cos - odd * sin, even * sin + odd * cos), -1).flatten(-2), kept), -1)
