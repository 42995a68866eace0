"""Write a trained guide as GGUF with 32-bit numbers, or read one to train it further.

`python -m models.guide.training.guide_file --folder FOLDER --out FILE` writes what `train` left in the folder.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import gguf
import numpy as np
import torch
from torch import Tensor

from models.guide.training.network import Network, Shape
from models.guide.training.tokenizer import GuideTokenizer, load

TOKENIZER, WEIGHTS = "tokenizer.json", "weights.pt"
_ARCHITECTURE = "glm4"
_TEMPLATE = """[gMASK]<sop>{%- for m in messages -%}{%- if m.role == 'tool' -%}<|observation|>
{{ m.content }}{%- else -%}<|{{ m.role }}|>
{{ m.content }}{%- endif -%}{%- endfor -%}{%- if add_generation_prompt -%}<|assistant|>
{% endif -%}"""
_WHOLE = {"token_embd": "embedding", "output_norm": "norm", "output": "head"}
_OF_LAYERS = {
    **{name: name for name in ("attn_norm", "post_attention_norm", "ffn_norm", "post_ffw_norm")},
    "attn_output": "output",
    "ffn_up": "up",
    "ffn_down": "down",
}
_ATTENTION = ("attn_q", "attn_k", "attn_v")
"""Tensors that are one matrix in the network and three in the file."""


def write(network: Network, tokenizer: GuideTokenizer, path: Path) -> None:
    """Write the network and its tokenizer to a GGUF file."""
    writer = gguf.GGUFWriter(path, _ARCHITECTURE)
    _describe(writer, network.shape)
    _add_tokenizer(writer, tokenizer)
    for name, values in _tensors(network.state_dict(), network.shape).items():
        writer.add_tensor(name, np.ascontiguousarray(values.float().numpy(), dtype=np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def read(path: Path) -> tuple[Network, GuideTokenizer]:
    """Read the network and its tokenizer from a GGUF file, quantized or not."""
    reader = gguf.GGUFReader(path)
    found = {each.name: torch.tensor(gguf.dequantize(each.data, each.tensor_type)) for each in reader.tensors}
    tokens, types, merges = (reader.fields[f"tokenizer.ggml.{name}"].contents() for name in ("tokens", "token_type", "merges"))
    pairs = [(first, second) for first, second in (each.split(" ") for each in merges)]
    network = Network(Shape(len(tokens)))
    weights = {f"{ours}.weight": found[f"{theirs}.weight"] for theirs, ours in _WHOLE.items()}
    for layer in range(network.shape.layers):
        here, there = f"blocks.{layer}.", f"blk.{layer}."
        weights |= {f"{here}{ours}.weight": found[f"{there}{theirs}.weight"] for theirs, ours in _OF_LAYERS.items()}
        weights |= {f"{here}qkv.{part}": torch.cat([found[f"{there}{each}.{part}"] for each in _ATTENTION]) for part in ("weight", "bias")}
    network.load_state_dict(weights)
    return network, GuideTokenizer(tokens, types.count(gguf.TokenType.NORMAL), pairs)


def _describe(writer: gguf.GGUFWriter, shape: Shape) -> None:
    writer.add_name("GLM portal guide")
    writer.add_type("model")
    writer.add_file_type(gguf.LlamaFileType.ALL_F32)
    writer.add_context_length(shape.context)
    writer.add_embedding_length(shape.width)
    writer.add_block_count(shape.layers)
    writer.add_feed_forward_length(shape.inner)
    writer.add_head_count(shape.heads)
    writer.add_head_count_kv(shape.kv_heads)
    writer.add_layer_norm_rms_eps(shape.epsilon)
    writer.add_rope_freq_base(shape.rope_base)
    writer.add_rope_dimension_count(shape.rotated)
    writer.add_vocab_size(shape.vocabulary)


def _add_tokenizer(writer: gguf.GGUFWriter, tokenizer: GuideTokenizer) -> None:
    kinds, special = gguf.TokenType, tokenizer.tokens[tokenizer.words :]
    end = tokenizer.ids["<|endoftext|>"]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("glm4")
    writer.add_token_list(tokenizer.tokens)
    types = [kinds.UNUSED if each.startswith("[PAD") else kinds.CONTROL for each in special]
    writer.add_token_types([kinds.NORMAL] * tokenizer.words + types)
    writer.add_token_merges([" ".join(each) for each in tokenizer.merges])
    writer.add_eos_token_id(end)
    writer.add_pad_token_id(end)
    writer.add_unk_token_id(end)
    writer.add_bos_token_id(tokenizer.ids["[gMASK]"])
    writer.add_eot_token_id(tokenizer.ids["<|user|>"])
    writer.add_eom_token_id(tokenizer.ids["<|observation|>"])
    writer.add_add_bos_token(False)
    writer.add_chat_template(_TEMPLATE)


def _tensors(weights: dict[str, Tensor], shape: Shape) -> dict[str, Tensor]:
    """Return the network's numbers under the names that llama.cpp knows."""
    found = {f"{theirs}.weight": weights[f"{ours}.weight"] for theirs, ours in _WHOLE.items()}
    sizes = [shape.heads * shape.head, shape.kv_heads * shape.head, shape.kv_heads * shape.head]
    for layer in range(shape.layers):
        here, there = f"blocks.{layer}.", f"blk.{layer}."
        found |= {f"{there}{theirs}.weight": weights[f"{here}{ours}.weight"] for theirs, ours in _OF_LAYERS.items()}
        for part in ("weight", "bias"):
            parts = weights[f"{here}qkv.{part}"].split(sizes)
            found |= {f"{there}{each}.{part}": values for each, values in zip(_ATTENTION, parts, strict=True)}
    return found


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m models.guide.training.guide_file", description="Write the trained guide as GGUF.")
    parser.add_argument("--folder", type=Path, required=True, help="what `train` wrote to")
    parser.add_argument("--out", type=Path, required=True)
    asked = parser.parse_args()
    stored = torch.load(asked.folder / WEIGHTS)
    network = Network(Shape(**stored["shape"]))
    network.load_state_dict(stored["weights"])
    write(network, load(asked.folder / TOKENIZER), asked.out)


if __name__ == "__main__":
    main()
